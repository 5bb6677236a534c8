"""Who is winning: the signals of the adversarial game, a verdict in words, and a controller of gamma."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

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
    feature: float = math.nan
    reconstruction: float = math.nan
    logit_scale: float = math.nan


SENTENCES = {
    "waiting": "Just started: the balance shows after a few steps.",
    "d-wins": "D is winning: it tells {m:.0%} of the pairs apart and L_G {trend} at {loss_g:.2f} (ln 2 is 0.69). "
    "Raise gamma or lower D's learning rate.",
    "g-wins": "G is winning: only {m:.0%} of the real pictures score above their fakes. "
    "Lower gamma or raise D's learning rate.",
    "balanced": "Balanced: D tells {m:.0%} of the pairs apart, L_G {trend} at {loss_g:.2f}.",
}
RISES, HOLDS = "rises", "holds"


@dataclass(frozen=True)
class Verdict:
    """`state` is a key of SENTENCES; `m` and `loss_g` are means over the window."""

    state: str
    m: float = math.nan
    loss_g: float = math.nan
    trend: str = HOLDS

    @property
    def sentence(self) -> str:
        """The verdict as said to a person."""
        return SENTENCES[self.state].format(m=self.m, loss_g=self.loss_g, trend=self.trend)


def verdict(history: Sequence[StepStats], window: int = 100) -> Verdict:
    """Judge those of the last `window` steps that contended; at least 10 are needed to say anything."""
    recent = [stats for stats in history[-window:] if stats.phase == "contend"]
    if len(recent) < 10:
        return Verdict("waiting")
    m = statistics.fmean(s.win_share for s in recent)
    loss_g = statistics.fmean(s.loss_g for s in recent)
    half = len(recent) // 2
    rises = statistics.fmean(s.loss_g for s in recent[half:]) > statistics.fmean(s.loss_g for s in recent[:half]) + 0.02
    state = "d-wins" if m > 0.9 else "g-wins" if m < 0.3 else "balanced"
    return Verdict(state, m, loss_g, RISES if rises else HOLDS)


def controlled_gamma(gamma: float, recent: Sequence[StepStats]) -> float:
    """Gamma for the next steps: a tenth up while D wins nearly always, a tenth down while it rarely does.

    ADA's r_t has no meaning here, since a relativistic loss has no absolute level.
    """
    m = statistics.fmean(s.win_share for s in recent)
    factor = 1.1 if m > 0.9 else 1 / 1.1 if m < 0.3 else 1.0
    if factor == 1.0:
        return gamma
    return min(max(gamma * factor, GAMMA_RANGE[0]), GAMMA_RANGE[1])
