"""How long a training will take, from a few steps that are tried before it begins."""

from ..config import TrainingConfig
from .schedule import phase_at
from .trainer import Trainer

TRIALS = 2  # of each kind of phase; the first also warms up


def trial_seconds(trainer: Trainer, last_step: int) -> dict[str, float]:
    """Seconds a step, by kind of phase, for the phases up to a step. Nothing of the trainer is changed."""
    kinds = steps_left(trainer.settings, trainer.global_step, last_step)
    return {kind: min(trainer.trial(kind) for _ in range(TRIALS)) for kind in kinds}


def steps_left(settings: TrainingConfig, step: int, last_step: int) -> dict[str, int]:
    """How many steps of each kind of phase there are from `step` (counted from 0) up to `last_step`."""
    left: dict[str, int] = {}
    while step < last_step:
        phase, within = phase_at(settings, step)
        count = min(last_step - step, phase.steps - within if phase.steps > within else last_step - step)
        left[phase.kind] = left.get(phase.kind, 0) + count
        step += count
    return left
