"""Runs jobs in processes of their own, so many side by side; what is there already is not run again."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import connection, get_context
from pathlib import Path

from transformers.utils import logging

from .arms import Job, run_job
from .plan import Question

Say = Callable[[str], None]


def jobs_of(
    questions: list[Question], seeds: int, seconds: float | None, common: tuple[str, ...], folder: Path
) -> list[Job]:
    """Seed by seed, so that a study that is stopped has all arms of the first seeds.

    `seconds` replaces the CPU time an arm that a question has.
    """
    return [
        Job(question, arm, seed, seconds or question.seconds, common, folder / question.name)
        for question in questions for seed in range(seeds) for arm in question.arms
    ]  # fmt: skip


def run_all(jobs: list[Job], text_encoder: str, side_by_side: int, say: Say) -> list[Job]:
    """Run the jobs that are not done; those that failed are returned. ValueError for a result of other settings.

    A job begins when the one that it goes on with is done. If this process stops, so do they.
    """
    waiting = [job for job in jobs if not job.done()]
    say(f"{len(jobs) - len(waiting)} of {len(jobs)} trainings are there, {len(waiting)} to go")
    failed: list[Job] = []
    running = {}
    with one_thread():
        context = get_context("spawn")  # torch's threads do not survive a fork
        try:
            while waiting or running:
                for job in [job for job in waiting if job.before in failed]:
                    waiting.remove(job)
                    failed.append(job)
                ready = [job for job in waiting if job.before is None or job.before.done()]
                for job in ready[: side_by_side - len(running)]:
                    waiting.remove(job)
                    process = context.Process(target=_run, args=(job, text_encoder), daemon=True)
                    process.start()
                    running[process.sentinel] = process, job
                for sentinel in connection.wait(list(running)) if running else ():  # of nothing it would wait for ever
                    process, job = running.pop(sentinel)
                    process.join()
                    complete = process.exitcode == 0 and job.done()
                    if not complete:
                        failed.append(job)
                    left, word = len(waiting) + len(running), "done" if complete else "failed"
                    say(f"{job.question.name}, {job.arm.name}, seed {job.seed}: {word}; {left} to go")
        finally:
            for process, _ in running.values():
                process.terminate()
                process.join()
    return failed


def _run(job: Job, text_encoder: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the process that started this one ends it
    logging.disable_progress_bar()
    run_job(job, text_encoder)


@contextmanager
def one_thread() -> Iterator[None]:
    """Processes that start within it have one OpenMP thread: two that spin side by side take each other's core."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before
