"""Mini-train on a ZeroGPU Space, which lends a GPU to one function at a time.

The function runs in a fork: nothing that it changes is seen here, and nothing that is changed here is seen there.
So a run goes in bursts. Each takes the run's state from a folder, trains for some seconds and writes the state
back; in between the state is loaded into a trainer on the CPU, from which everything else is served. Sliders act
from one burst to the next; Stop raises a flag in the folder.

Drawing and searching stay on the CPU: they take milliseconds there, and a GPU has a queue and a quota.
"""

import dataclasses
import tempfile
import time
from pathlib import Path

import gradio as gr

from ..config import Preset
from ..networks.encoders import TextTower
from ..training.balance import StepStats
from ..training.run import build_trainer
from ..training.trainer import TrainingDiverged
from ..worlds.protocol import World
from .lending import lent
from .training import LiveRun

SECONDS = 10.0  # of training in a burst; loading and encoding captions come on top, and all is within a LOAN
HALT = "halt"  # a file in the run's folder


@lent
def train_burst(
    preset: Preset, world: World, tower: TextTower, folder: Path, seconds: float, max_steps: int
) -> tuple[list[StepStats], bool]:
    """Train from the state in `folder` and write the new one there.

    Ends after `seconds`, at step `max_steps`, or once `folder` holds a file HALT. Returns the steps' figures and
    whether it diverged.
    """
    trainer = build_trainer(preset, world, tower, "auto", "no")
    trainer.load_state(folder)
    end, made = time.monotonic() + seconds, []
    try:
        while time.monotonic() < end and trainer.global_step < max_steps and not (folder / HALT).exists():
            made.append(trainer.step())
    except TrainingDiverged:
        return made, True
    trainer.save_state(folder)
    return made, False


class BurstRun(LiveRun):
    """A run whose steps are made by `train_burst`; its own trainer is on the CPU and holds the state in between."""

    def __init__(self, preset: Preset, world: World, tower: TextTower, device: str, precision: str):
        super().__init__(preset, world, tower, "cpu", "no")
        self._folder = tempfile.TemporaryDirectory()
        self._flag = Path(self._folder.name) / HALT

    def request_halt(self, after: str) -> None:
        super().request_halt(after)
        self._flag.touch()

    def begin(self) -> None:
        super().begin()
        self._flag.unlink(missing_ok=True)

    def burst(self, seconds: float, max_seconds: float, max_steps: int) -> bool:
        """A burst on the GPU, however soon (`seconds`) the page would like to hear of it."""
        self.touched = time.monotonic()
        if self.is_over(max_seconds, max_steps):
            return False
        folder, before = self._flag.parent, dataclasses.replace(self.settings)
        with self.lock:
            self.trainer.save_state(folder)
        try:
            made, diverged = train_burst(
                self.preset, self.world, self.tower, folder, min(SECONDS, max_seconds - self.seconds), max_steps
            )
        except gr.Error as error:  # no GPU is free, or the visitor's quota is used up
            self.end("paused", str(error.message))
            return False
        self.history += made
        self.seconds += sum(stats.seconds for stats in made)
        if diverged:
            self.diverge()
            return False
        with self.lock:
            moved = {
                field.name: getattr(self.settings, field.name)
                for field in dataclasses.fields(before)
                if getattr(self.settings, field.name) != getattr(before, field.name)
            }
            self.trainer.load_state(folder)  # brings the settings of the burst, too
            for name, value in moved.items():
                setattr(self.settings, name, value)
        self.draw()
        return True
