"""Who is winning: the signals of the adversarial game, a verdict in words, and a controller of gamma."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

GAMMA_RANGE = (0.3, 30.0)


@dataclass(frozen=True)
class StepStats:
    """What one step measured, as plain numbers; NaN for what its phase does not have.

    `phase` is a Phase's kind, `seconds` the step's duration; losses are in nats. win_share is m, the share of pairs in
    which the real picture scores above the generated one (0.5 to 0.8 is healthy); gap is the median of
    S_real - S_fake, with its quartiles. recall_at_1 is over the batch's real pictures. r1 and r2 are squared gradient
    norms. reconstruction is the drawings' root mean squared difference.
    """

    step: int
    phase: str
    gamma: float
    lr: float
    seconds: float
    loss_d: float = math.nan
    loss_g: float = math.nan
    win_share: float = math.nan
    gap: float = math.nan
    gap_q25: float = math.nan
    gap_q75: float = math.nan
    r1: float = math.nan
    r2: float = math.nan
    grad_norm_d: float = math.nan
    grad_norm_g: float = math.nan
    recall_at_1: float = math.nan
    nce: float = math.nan
    swap: float = math.nan
    names: float = math.nan
    feature: float = math.nan
    reconstruction: float = math.nan
    logit_scale: float = math.nan


HEALTHY = (0.5, 0.8)  # of m: neither side is ahead
WON = (0.3, 0.9)  # of m: below it G has won, above it D
USUAL_START = 500  # steps of a contest in which D is far ahead as a rule, and is then caught up with

SENTENCES = {
    "waiting": "Just started: the balance shows after a few steps.",
    "reconstructing": "Reconstruction: the generator copies its own pictures; the retriever waits. "
    "Its error {trend} at {error:.3f}.",
    "retrieving": "The retriever learns from real pictures alone; the generator waits. "
    "It finds {recall:.0%} of them.",
    "d-starts": "D is ahead, as at every start: it tells {m:.0%} of the pairs apart and L_G {trend} at {loss_g:.2f}. "
    "G mostly catches up within {start} steps.",
    "d-wins": "D is winning: it tells {m:.0%} of the pairs apart and L_G {trend} at {loss_g:.2f} (ln 2 is 0.69). "
    "Raise gamma or lower D's learning rate.",
    "d-leads": "D is a little ahead: it tells {m:.0%} of the pairs apart ({low:.0%} to {high:.0%} is healthy), "
    "L_G {trend} at {loss_g:.2f}.",
    "balanced": "Balanced: D tells {m:.0%} of the pairs apart, L_G {trend} at {loss_g:.2f}.",
    "g-leads": "G is a little ahead: {m:.0%} of the real pictures score above their fakes "
    "({low:.0%} to {high:.0%} is healthy), L_G {trend} at {loss_g:.2f}.",
    "g-wins": "G is winning: only {m:.0%} of the real pictures score above their fakes. "
    "Lower gamma or raise D's learning rate.",
}
RISES, HOLDS, FALLS = "rises", "holds", "falls"


@dataclass(frozen=True)
class Verdict:
    """`state` is a key of SENTENCES; m, loss_g, error and recall are means over the window."""

    state: str
    m: float = math.nan
    loss_g: float = math.nan
    error: float = math.nan
    recall: float = math.nan
    trend: str = HOLDS

    @property
    def words(self) -> dict[str, Any]:
        """What the sentence of its state is filled in with."""
        low, high = HEALTHY
        measured = {"m": self.m, "loss_g": self.loss_g, "error": self.error, "recall": self.recall}
        return {**measured, "trend": self.trend, "low": low, "high": high, "start": USUAL_START}

    @property
    def sentence(self) -> str:
        """The verdict as said to a person."""
        return SENTENCES[self.state].format(**self.words)


def verdict(history: Sequence[StepStats], window: int = 100) -> Verdict:
    """Judge the last `window` steps of a run, as far as they are of its present phase.

    A contest needs at least 10 of them to be judged; and the whole history, to know its start from what comes later.
    """
    if not history:
        return Verdict("waiting")
    phase = history[-1].phase
    recent = [stats for stats in history[-window:] if stats.phase == phase]
    if phase in ("reconstruct", "restyle"):
        error = _mean(recent, "reconstruction")
        return Verdict("reconstructing", error=error, trend=_trend(recent, "reconstruction", 0.03 * error))
    if phase == "retrieve":
        return Verdict("retrieving", recall=_mean(recent, "recall_at_1"))
    if len(recent) < 10:
        return Verdict("waiting")
    m, loss_g = _mean(recent, "win_share"), _mean(recent, "loss_g")
    if m > WON[1]:
        contended = sum(stats.phase == phase for stats in history)
        state = "d-starts" if contended < USUAL_START else "d-wins"
    elif m < WON[0]:
        state = "g-wins"
    else:
        state = "d-leads" if m > HEALTHY[1] else "g-leads" if m < HEALTHY[0] else "balanced"
    return Verdict(state, m, loss_g, trend=_trend(recent, "loss_g", 0.02))


def _mean(steps: Sequence[StepStats], name: str) -> float:
    return statistics.fmean(getattr(stats, name) for stats in steps)


def _trend(steps: Sequence[StepStats], name: str, least: float) -> str:
    """Whether the second half lies above or below the first by more than `least`."""
    half = len(steps) // 2
    if not half:
        return HOLDS
    change = _mean(steps[half:], name) - _mean(steps[:half], name)
    return RISES if change > least else FALLS if change < -least else HOLDS


def controlled_gamma(gamma: float, recent: Sequence[StepStats]) -> float:
    """Gamma for the next steps: a tenth up while D wins nearly always, a tenth down while it rarely does.

    ADA's r_t has no meaning here, since a relativistic loss has no absolute level.
    """
    m = _mean(recent, "win_share")
    factor = 1.1 if m > WON[1] else 1 / 1.1 if m < WON[0] else 1.0
    if factor == 1.0:
        return gamma
    return min(max(gamma * factor, GAMMA_RANGE[0]), GAMMA_RANGE[1])
