"""Which phase a step belongs to, and how fast everything learns there."""

from dataclasses import dataclass

from ..config import Phase, TrainingConfig

LAST_SHARE = 0.05  # of a learning rate, at the end of a phase that has one


@dataclass(frozen=True)
class Rates:
    """Learning rates of one step: the generator's, the retriever's, the text encoder's; and the generator's betas."""

    g: float
    d: float
    text: float
    betas_g: tuple[float, float]


def phase_at(settings: TrainingConfig, step: int) -> tuple[Phase, int]:
    """The phase of a step (counted from 0) and the step's number within it. After the last it stays in the last."""
    first = 0
    for phase in settings.phases[:-1]:
        if step < first + phase.steps:
            return phase, step - first
        first += phase.steps
    return settings.phases[-1], step - first


def rates_at(settings: TrainingConfig, step: int) -> Rates:
    """Constant for the first half of a phase, then linear to LAST_SHARE; constant in one without end."""
    phase, within = phase_at(settings, step)
    done = min(within / phase.steps, 1.0) if phase.steps else 0.0
    factor = min(1.0, 1 - (1 - LAST_SHARE) * (done - 0.5) / 0.5)
    alone = phase.kind == "reconstruct"
    return Rates(
        g=factor * (settings.lr_reconstruct if alone else settings.lr_g),
        d=factor * settings.lr_d,
        text=factor * settings.lr_text,
        # Momentum helps a plain regression; against an adversary it overshoots.
        betas_g=(0.9, 0.99) if alone else (settings.beta1, settings.beta2),
    )
