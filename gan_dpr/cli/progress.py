"""What a training says while it runs: a bar on a terminal, a line now and then elsewhere, and the time that is left."""

import sys
import time
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from ..config import Phase
    from ..training.balance import StepStats
    from ..training.trainer import Trainer

LINE_SECONDS = 30.0  # between lines where there is no terminal
BAR_STEPS = 20  # between changes of the bar's words
NEW = 0.1  # weight of the last step in the mean of a phase's step time


class Progress:
    """Knows how long the steps of every phase take, so that the end of a cheap phase does not come as a surprise.

    Args:
        trainer: before its first step.
        a_step: seconds a step by phase, as `estimate.trial_seconds` measures them.
        last_step: where the training ends; None for never.
        max_seconds: after which it ends; None for never.
        shown: whether this process may write.
    """

    def __init__(
        self, trainer: "Trainer", a_step: "dict[Phase, float]", last_step: int | None, max_seconds: float | None,
        shown: bool,
    ):  # fmt: skip
        self._trainer, self._a_step, self._last_step, self._max_seconds = trainer, dict(a_step), last_step, max_seconds
        self._shown, self._terminal = shown, sys.stderr.isatty()
        self._start = self._said = time.monotonic()
        self._bar = tqdm(
            total=last_step,
            initial=trainer.global_step,
            unit="step",
            disable=not (shown and self._terminal),
            dynamic_ncols=True,
            # tqdm's own forecast knows nothing of phases.
            bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]",
        )

    def estimate(self, memory: int) -> str:
        """A sentence before the first step; `memory` in bytes."""
        left = self._seconds_left()
        if left is None:
            time_needed = "How long it will take is not known"
        else:
            time_needed = f"It will take about {_interval(left)}, if this machine stays as busy as it is"
        each = ", ".join(f"{seconds:.2f} s a step of {phase.kind}" for phase, seconds in self._a_step.items())
        return f"{time_needed}{f' ({each})' if each else ''}, and {memory / 1e9:.1f} GB of memory."

    def show(self, stats: "StepStats") -> None:
        """Count one step."""
        from ..training.schedule import phase_at

        self._bar.update()
        phase, _ = phase_at(self._trainer.settings, stats.step - 1)
        before = self._a_step.get(phase, stats.seconds)
        # The first step of a pool also encodes its captions; it must not count for the hundreds after it.
        self._a_step[phase] = before + NEW * (min(stats.seconds, 2 * before) - before)
        if stats.step % BAR_STEPS == 0:
            self._bar.set_postfix_str(f"{self._left()}, {_signals(stats)}")
        if not self._terminal and time.monotonic() - self._said > LINE_SECONDS:
            self._said = time.monotonic()
            if self._shown:
                of = "" if self._last_step is None else f" of {self._last_step}"
                print(f"step {stats.step}{of}, {self._left()}: {_signals(stats)}", file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def _left(self) -> str:
        left = self._seconds_left()
        return "no end in sight" if left is None else f"{_interval(left)} left"

    def _seconds_left(self) -> float | None:
        """Until whichever limit comes first; None where there is none."""
        from ..training.estimate import steps_left

        limits = []
        if self._last_step is not None:
            left = steps_left(self._trainer.settings, self._trainer.global_step, self._last_step)
            if left.keys() <= self._a_step.keys():  # else it is not known yet
                limits.append(sum(count * self._a_step[phase] for phase, count in left.items()))
        if self._max_seconds is not None:
            limits.append(max(0.0, self._max_seconds - (time.monotonic() - self._start)))
        return min(limits, default=None)


def _interval(seconds: float) -> str:
    return tqdm.format_interval(round(seconds))


def _signals(stats: "StepStats") -> str:
    """The phase, and what counts in it."""
    signals = {"L_D": stats.loss_d, "L_G": stats.loss_g, "m": stats.win_share, "error": stats.reconstruction,
               "recall": stats.recall_at_1}  # fmt: skip
    return f"{stats.phase}, " + ", ".join(f"{name} {value:.3f}" for name, value in signals.items() if value == value)
