"""Which phase a step belongs to, and how fast everything learns there."""

import math
from dataclasses import dataclass

from ..config import Phase, TrainingConfig

WARM_UP = 100  # steps at most in which the rates rise: a tenth of a phase


@dataclass(frozen=True)
class Rates:
    """Learning rates of one step, the generator's, the retriever's and the text encoder's, and both networks' betas."""

    g: float
    d: float
    text: float
    betas: tuple[float, float]


def phase_at(settings: TrainingConfig, step: int) -> tuple[Phase, int]:
    """The phase of a step (counted from 0) and the step's number within it. After the last it stays in the last."""
    first = 0
    for phase in settings.phases[:-1]:
        if step < first + phase.steps:
            return phase, step - first
        first += phase.steps
    return settings.phases[-1], step - first


def rates_at(settings: TrainingConfig, step: int) -> Rates:
    """A short rise, then a half cosine down to nothing; constant in a phase without end."""
    phase, within = phase_at(settings, step)
    settings = phase.of(settings)
    rise = min(WARM_UP, max(1, phase.steps // 10)) if phase.steps else WARM_UP
    factor = min(1.0, (within + 1) / rise)
    if phase.steps:
        factor *= 0.5 + 0.5 * math.cos(math.pi * min(within / phase.steps, 1.0))
    return Rates(
        g=factor * (settings.lr_reconstruct if phase.kind == "reconstruct" else settings.lr_g),
        d=factor * (settings.lr_retrieve if phase.kind == "retrieve" else settings.lr_d),
        text=factor * settings.lr_text,
        # Momentum helps whoever learns alone; against an adversary it overshoots.
        betas=(settings.beta1, settings.beta2) if phase.kind == "contend" else (0.8, 0.99),
    )
