"""How long a training will take, from a few steps that are tried before it begins."""

from ..config import Phase, TrainingConfig
from .schedule import phase_at
from .trainer import Trainer

TRIALS = 2  # of each kind of phase; the first also warms up


def trial_seconds(trainer: Trainer, last_step: int) -> dict[Phase, float]:
    """Seconds a step, by phase, for the phases up to a step. Nothing of the trainer is changed."""
    phases = steps_left(trainer.settings, trainer.global_step, last_step)
    return {phase: min(trainer.trial(phase) for _ in range(TRIALS)) for phase in phases}


def steps_left(settings: TrainingConfig, step: int, last_step: int) -> dict[Phase, int]:
    """How many steps of each phase there are from `step` (counted from 0) up to `last_step`."""
    left: dict[Phase, int] = {}
    while step < last_step:
        phase, within = phase_at(settings, step)
        count = min(last_step - step, phase.steps - within if phase.steps > within else last_step - step)
        left[phase] = left.get(phase, 0) + count
        step += count
    return left
