"""One arm in this process: train for its CPU time, measure, write what came out."""

import dataclasses
import json
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ..benchmark import machine
from ..checkpoint import Models
from ..config import Phase, Preset
from ..files import write_json
from ..networks.encoders import TextTower
from ..pipeline import GanDprPipeline
from ..presets import apply_overrides, preset
from ..training.balance import StepStats
from ..training.run import build_trainer
from ..training.state import STATE_FILE
from ..training.trainer import Trainer, TrainingDiverged
from ..worlds import open_world
from ..worlds.protocol import World
from .labels import labelled
from .measures import measured
from .plan import Arm, Question, Stage
from .stacked import Garments, StackedWorld

LAST_STEPS = 100  # whose measurements are those of the end
RUN_AWAY = 1e6  # a weight
FIRST_GUESS = 1000  # steps of a stage, until one has been timed


@dataclasses.dataclass(frozen=True)
class Job:
    """An arm with one seed, and where its files go: a result, and a state where others go on with it."""

    question: Question
    arm: Arm
    seed: int
    seconds: float
    common: tuple[str, ...]
    folder: Path

    @property
    def result(self) -> Path:
        return self.folder / f"{self.name}.json"

    @property
    def state(self) -> Path:
        return self.folder / "states" / self.name

    @property
    def name(self) -> str:
        """Of its files: the arm's number, since its name may hold any letters, and its seed."""
        return f"{self.question.arms.index(self.arm):02d}-seed-{self.seed}"

    @property
    def feeds(self) -> bool:
        """Whether another arm goes on with its networks."""
        return any(arm.start == self.arm.name for arm in self.question.arms)

    @property
    def before(self) -> "Job | None":
        """The job whose networks it goes on with."""
        return None if self.arm.start is None else dataclasses.replace(self, arm=self.question.arm(self.arm.start))

    def told(self) -> dict[str, Any]:
        """All that decides what comes out, as JSON has it."""
        told = {"question": self.question.name, "arm": dataclasses.asdict(self.arm), "seed": self.seed}
        told |= {"seconds": self.seconds, "suites": self.question.suites, "common": self.common}
        if self.before is not None:
            told["before"] = self.before.told()
        return json.loads(json.dumps(told))

    def done(self) -> bool:
        """Whether its result is there. ValueError where that is of other settings: nobody's hours are overwritten."""
        if not self.result.is_file() or (self.feeds and not (self.state / STATE_FILE).is_file()):
            return False
        if json.loads(self.result.read_text(encoding="utf-8")).get("told") != self.told():
            raise ValueError(
                f"{self.result} was made with other settings than are asked for now: choose another --out, or remove "
                "the file to make it anew."
            )
        return True


def run_job(job: Job, text_encoder: str) -> None:
    """Train and measure, in one thread, and write the result. A training that diverges is a result, too."""
    torch.set_num_threads(1)
    trainer = started(job, text_encoder)
    first, seconds = trainer.global_step, job.seconds * job.arm.share
    outcome: dict[str, Any] = {"told": job.told(), "diverged": None, "figures": {}}
    start = time.process_time()
    last: deque[StepStats] = deque(maxlen=LAST_STEPS)
    try:
        for stats in training(trainer, job.arm.stages, seconds, job.arm.turns):
            last.append(stats)
    except (TrainingDiverged, RuntimeError) as error:
        if not (isinstance(error, TrainingDiverged) or _run_away(trainer)):
            raise
        outcome["diverged"] = " ".join(str(error).split())
    outcome["cpu_seconds"] = round(time.process_time() - start, 2)
    outcome["steps"] = trainer.global_step - first
    outcome["pictures"] = outcome["steps"] * trainer.settings.batch_size
    trainer.batches.close()
    made = as_pipeline(trainer, job.arm.truncation)
    outcome["machine"] = machine(made)
    if outcome["diverged"] is None:
        outcome["figures"] = measured(made, job.question.suites, list(last))
        if job.feeds:
            trainer.save_state(job.state)
    write_json(job.result, outcome)


def _run_away(trainer: Trainer) -> bool:
    """Whether weights are past all use: what torch complains of then (a chance of NaN) is no fault of a program."""
    networks = (trainer.generator, trainer.retriever)
    return not all(p.abs().max() < RUN_AWAY for network in networks for p in network.parameters())


def started(job: Job, text_encoder: str) -> Trainer:
    """The arm's trainer, its first captions encoded: they are the same for all arms, and cost none of their time."""
    overrides = [*job.common, *job.arm.overrides, f"training.seed={job.seed}"]
    chosen = apply_overrides(preset(job.arm.preset), overrides)
    told = dataclasses.replace(chosen.training)
    trainer = build_trainer(chosen, world_of(job.arm, chosen), TextTower.from_pretrained(text_encoder), device="cpu")
    if job.before is not None:
        trainer.load_state(job.before.state)
        for name, value in vars(told).items():  # the state brings the settings of the arm before
            setattr(trainer.settings, name, value)
    for stage in job.arm.stages:
        trainer.settings.phases = (*_past(trainer), Phase(stage.kind, FIRST_GUESS))
        trainer.draw_batch()
    return trainer


def world_of(arm: Arm, chosen: Preset) -> World:
    """What an arm learns. Raises FileNotFoundError where its data is not on this machine."""
    if arm.world == "stacked":
        return StackedWorld(Garments.read("train"))
    world = open_world(chosen.world)
    return labelled(world) if arm.world == "labels" else world


def training(
    trainer: Trainer, stages: tuple[Stage, ...], seconds: float, turns: int = 0
) -> Iterator[StepStats]:
    """Train for so much CPU time of this process, of which whoever takes the steps should use next to nothing.

    How many steps a stage will have is estimated anew after each of them, so that its rates have fallen to nothing
    when its time is over.
    """
    past = _past(trainer)
    for stage in stages:
        first, start, budget = trainer.global_step, time.process_time(), stage.share * seconds
        spent = 0.0
        while spent < budget:
            done = trainer.global_step - first
            steps = max(done + 1, round(done * budget / spent)) if done else FIRST_GUESS
            trainer.settings.phases = (*past, Phase(stage.kind, steps))
            yield trainer.step(_side(turns if stage.kind == "contend" else 0, done))
            spent = time.process_time() - start
        past = (*past, Phase(stage.kind, trainer.global_step - first))
    trainer.settings.phases = past


def _past(trainer: Trainer) -> tuple[Phase, ...]:
    """What an arm that goes on has behind it, whatever it was."""
    return (Phase("reconstruct", trainer.global_step),) if trainer.global_step else ()


def _side(turns: int, done: int) -> str:
    if not turns:
        return "both"
    return "d" if done // turns % 2 == 0 else "g"


def as_pipeline(trainer: Trainer, truncation: float = 1.0) -> GanDprPipeline:
    """What a trainer has learnt, with the average of the generator's weights, as a checkpoint has it."""
    trainer.retriever.eval()
    models = Models(trainer.ema, trainer.retriever, trainer.text_tower, {"world": trainer.world.to_dict()})
    made = Truncated(models, world=trainer.world)
    made.truncation = truncation
    return made


class Truncated(GanDprPipeline):
    """Draws with smaller noise, whoever asks it: the evaluation's suites do not know of truncation."""

    truncation = 1.0

    def _noise(self, seeds: list[int]) -> torch.Tensor:
        return self.truncation * super()._noise(seeds)
