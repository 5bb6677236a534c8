"""What a training may begin with instead of random weights: a checkpoint's networks, or its retriever alone."""

from pathlib import Path

from .. import checkpoint
from .trainer import Trainer


def warm_start(trainer: Trainer, folder: str | Path) -> None:
    """Take the weights of both networks and the step from a checkpoint folder; moments start anew.

    Raises ValueError if the networks differ from the preset's.
    """
    models = checkpoint.load(folder)
    state = models.generator.state_dict()
    learnt = {name: value for name, value in state.items() if not name.startswith("taught.")}
    try:
        for network in (trainer.generator, trainer.ema):
            network.load_state_dict(learnt)
        trainer.retriever.load_state_dict(models.retriever.state_dict())
    except RuntimeError as error:
        raise ValueError(
            f"{folder} has other networks than preset {trainer.preset.name!r}: {str(error).splitlines()[0]}"
        ) from error
    trainer.global_step = models.config.get("step", 0)


def begin_retriever(trainer: Trainer, folder: str | Path) -> None:
    """Take the weights of the retriever alone from a checkpoint folder. ValueError if it has another shape."""
    try:
        trainer.retriever.load_state_dict(checkpoint.load(folder).retriever.state_dict())
    except RuntimeError as error:
        raise ValueError(
            f"{folder} has another retriever than preset {trainer.preset.name!r}: {str(error).splitlines()[0]}"
        ) from error
