"""Training runs of the page: one for each visitor's session, driven in bursts and stopped by a flag.

A run never has a thread of its own. The request that shows it asks for burst after burst; when the visitor
leaves, Gradio closes that request and the training is over.
"""

import copy
import dataclasses
import gc
import shutil
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from accelerate.state import AcceleratorState

from ..balance import StepStats
from ..checkpoint import Models
from ..config import Preset, TrainingConfig
from ..data.captions import canonical_caption, concept_caption
from ..data.render import render
from ..data.source import world_of
from ..data.world import CONCEPTS
from ..encoders import TextTower, TokenStates
from ..pipeline import GanDprPipeline
from ..run import build_trainer
from ..trainer import AdversarialTrainer, Side, TrainingDiverged
from ..worlds.pictures.dataset import PictureDataset
from .downloads import new_file
from .plots import Kept
from .verdicts import judged
from .words import say

MAX_LIVE = 3  # runs kept in memory at once, over all visitors
MAX_WATCHED = 12
IDLE_SECONDS = 1800
USUAL_SPEEDS = {  # steps a second on two idle cores of a server, drawings included, November 2026
    "nano": 19.2, "nano-batch-norm": 19.0, "nano-layer-norm": 18.9, "nano-no-hard-negatives": 18.7,
    "nano-class-conditional": 18.5, "original-2023": 25.6,
}  # fmt: skip
# What may be changed while a run goes on; the page has a slider for each.
LIVE = (
    "lr_g",
    "lr_d",
    "gamma",
    "weight_nce",
    "weight_swap",
    "weight_nce_text",
    "weight_nce_image",
    "weight_feature",
)


class RememberingTower(TextTower):
    """The shipped text encoder with a tokenizer of its own, which remembers the last texts that it encoded.

    A fast tokenizer must not be used by two threads at once, and the watched prompts are the same each time.
    """

    def __init__(self, tower: TextTower):
        super().__init__(tower.model, copy.deepcopy(tower.tokenizer))
        self._texts: list[str] = []
        self._states: TokenStates | None = None

    def encode(self, texts: list[str], batch_size: int = 256) -> TokenStates:
        if len(texts) > MAX_WATCHED:
            return super().encode(texts, batch_size)
        if self._states is None or texts != self._texts:
            self._texts, self._states = list(texts), super().encode(texts, batch_size)
        return self._states


@dataclasses.dataclass(frozen=True)
class Sheet:
    """The watched prompts as the averaged generator drew them after `step` steps: (N, S, S, 3) uint8."""

    step: int
    seconds: float
    images: np.ndarray


@dataclasses.dataclass(frozen=True)
class Watched:
    """A prompt whose drawings are followed, in a word or two, and a real picture of it, (S, S, 3) uint8."""

    text: str
    title: str
    target: np.ndarray


class LiveRun:
    """A trainer, what it measured and drew so far, and whether it should go on.

    `state` is new, running, paused, stopped or failed. All use of the trainer is under `lock`, which is taken
    for one step at a time, so that a slider or a download never waits for the end of a run. It trains on the
    preset's scenes, or on the `dataset` of somebody's own pictures.
    """

    def __init__(
        self, preset: Preset, tower: TextTower, device: str, precision: str, dataset: PictureDataset | None = None
    ):
        self.preset, self.touched = preset, time.monotonic()
        self.lock, self.halt, self.busy = threading.Lock(), threading.Event(), threading.Lock()
        self.state, self.after_halt, self.sentence = "new", "paused", ""
        self.history: list[StepStats] = []
        self.sheets: list[Sheet] = []
        self.seconds = 0.0
        self.watched = watched_scenes(preset) if dataset is None else watched_pictures(dataset)
        self.prompts = [watched.text for watched in self.watched]
        self.dataset, self.wanted = dataset, (device, precision)
        self.tower = RememberingTower(tower)
        self.trainer: AdversarialTrainer | None = None
        self._drawn_at = self._draw_cost = 0.0

    def prepare(self) -> None:
        """Make the trainer and encode its captions, which takes seconds; nothing where that is done."""
        with self.lock:
            if self.trainer is None:
                gc.collect()  # the run before left its networks in reference cycles
                device, precision = self.wanted
                trainer = build_trainer(self.preset, self.tower, self.dataset, device, precision)
                trainer.draw_batch()
                self.trainer = trainer

    @property
    def ready(self) -> bool:
        return self.trainer is not None

    @property
    def step(self) -> int:
        return self.history[-1].step if self.history else 0

    @property
    def settings(self) -> TrainingConfig:
        return self.preset.training

    def request_halt(self, after: str) -> None:
        """Ask the request that trains to end after its present step; the run is then paused or stopped."""
        self.after_halt = after
        self.halt.set()

    def begin(self) -> None:
        """From here on only flags raised later count. The caller holds `busy`."""
        self.halt.clear()
        self.state, self.sentence, self.touched = "running", "", time.monotonic()

    def leave(self) -> None:
        """No request trains this run any more: the visitor left, or an error nobody expected."""
        if self.state == "running":
            self.state = "paused"

    def fail(self, sentence: str) -> None:
        """The run cannot go on; the sentence says why."""
        self.state, self.sentence = "failed", sentence

    def diverge(self) -> None:
        """The run cannot go on; unlike the command line's, it has no saved state to go back to."""
        self.fail(
            say(
                "The losses are not finite at step {n}: lower the learning rates or raise γ, and press Start.",
                n=self.step + 1,
            )
        )

    def single_step(self, side: Side = "both") -> None:
        """One step on its own, of both networks or of one. The caller holds `busy`."""
        self.begin()
        if self.advance(side):
            self.end("paused")

    def burst(self, seconds: float, max_seconds: float, max_steps: int) -> bool:
        """Steps for some seconds; whether the run goes on. The caller holds `busy`."""
        self.touched = time.monotonic()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.is_over(max_seconds, max_steps) or not self.advance():
                return False
        if time.monotonic() - self._drawn_at > max(0.7, 10 * self._draw_cost):
            self.draw()
        return True

    def is_over(self, max_seconds: float, max_steps: int) -> bool:
        """Whether the run has come to a limit or shall halt; its state then says so."""
        if self.halt.is_set():
            self.end(self.after_halt)
        elif self.seconds >= max_seconds:
            self.end(
                "paused", say("The limit of {n:.0f} seconds is reached. Raise it and press Resume.", n=max_seconds)
            )
        elif self.step >= max_steps:
            self.end("paused", say("{n} steps are done. Raise the limit and press Resume.", n=max_steps))
        return self.state != "running"

    def end(self, state: str, sentence: str = "") -> None:
        """Pause or stop after the present step, with a last sheet of drawings."""
        self.state, self.sentence = state, sentence
        if self.history:
            self.draw()

    def advance(self, side: Side = "both") -> bool:
        """One step; False where the run failed."""
        start = time.monotonic()
        try:
            with self.lock:
                stats = self.trainer.step(side)
        except TrainingDiverged:
            self.diverge()
            return False
        except torch.OutOfMemoryError:
            self.fail(say("The GPU's memory is full: try again in a few minutes, or train on the CPU."))
            return False
        self.history.append(stats)
        self.seconds += time.monotonic() - start
        return True

    def draw(self) -> None:
        """A new sheet of the watched prompts; at most a tenth of the time goes into these."""
        start = time.monotonic()
        with self.lock:
            images = self.trainer.sample(self.prompts)
        self.sheets.append(Sheet(self.step, self.seconds, images))
        if len(self.sheets) > 96:  # a film of any run: leave out every second one, but not the ends
            self.sheets[1:-1] = self.sheets[2:-1:2]
        self._drawn_at, self._draw_cost = time.monotonic(), time.monotonic() - start

    def set(self, name: str, value: float | bool) -> None:
        """Change a setting between two steps."""
        if name not in (*LIVE, "auto_balance"):
            raise ValueError(f"{name} cannot be changed while a run goes on.")
        with self.lock:
            setattr(self.settings, name, value)

    def zipped(self) -> str:
        """The path of a zip file with the checkpoint folder."""
        name = new_file(f"gan-dpr-{self.preset.name}-step-{self.step}")
        with tempfile.TemporaryDirectory() as folder:
            with self.lock:
                self.trainer.save_checkpoint(Path(folder) / "checkpoint")
            return shutil.make_archive(str(name), "zip", folder, "checkpoint")

    def pipeline(self) -> GanDprPipeline:
        """A copy of the networks as they are now, ready to draw."""
        with self.lock:
            ema = copy.deepcopy(self.trainer.ema).eval()
            retriever = copy.deepcopy(self.trainer.accelerator.unwrap_model(self.trainer.retriever))
        retriever.eval().requires_grad_(False)
        config = {"scenes": dataclasses.asdict(self.preset.scenes)} if self.dataset is None else {}
        name = f"{self.preset.name}, step {self.step}"
        return GanDprPipeline(Models(ema, retriever, RememberingTower(self.tower), config), name)

    def verdict(self) -> tuple[str, str]:
        """A state and a sentence for the page."""
        if self.state == "failed":
            return "failed", self.sentence
        state, sentence = judged(self.settings.recipe, self.history)
        return state, f"{self.sentence} {sentence}".strip()


def watched_scenes(preset: Preset) -> list[Watched]:
    """One scene for each of the first MAX_WATCHED concepts of the preset's world, the same every time."""
    world = world_of(preset.scenes)
    rng = np.random.default_rng(preset.training.seed)
    scenes = {}
    while len(scenes) < min(len(world.concepts), MAX_WATCHED):
        scene = world.sample(rng)
        scenes.setdefault(scene.object.concept, scene)
    watched = []
    for scene in scenes.values():
        name, target = CONCEPTS[scene.object.concept].name, render(scene, preset.generator.image_size)
        if preset.scenes.caption_mode == "concept":
            watched.append(Watched(concept_caption(scene).text, name, target))
        else:
            watched.append(Watched(canonical_caption(scene).text, f"{name}, {scene.background}", target))
    return watched


def watched_pictures(dataset: PictureDataset) -> list[Watched]:
    """The first picture of each of the first MAX_WATCHED captions."""
    first = {caption: i for i, caption in reversed(list(enumerate(dataset.captions)))}
    chosen = sorted(first.values())[:MAX_WATCHED]
    captions = [dataset.captions[i] for i in chosen]
    return [Watched(text, text[:40], dataset.images[i]) for text, i in zip(captions, chosen, strict=True)]


class Runs:
    """The runs of all sessions, the curves that they keep, and how fast each preset went here."""

    def __init__(self):
        self._runs: dict[str, LiveRun] = {}
        self._kept: dict[str, Kept] = {}
        self._speeds: dict[str, float] = {}
        self._used: tuple[str, str] | None = None  # the device and precision that Accelerate is set up for
        self._lock = threading.Lock()

    def keep(self, session: str | None, run: LiveRun) -> None:
        """Remember a run's curves as the session's run A."""
        with self._lock:
            self._kept[session or ""] = Kept(f"{run.preset.name}, {run.step} steps", list(run.history))

    def kept(self, session: str | None) -> Kept | None:
        """The session's run A."""
        with self._lock:
            return self._kept.get(session or "")

    def forget(self, session: str | None) -> None:
        """Drop the session's run A."""
        with self._lock:
            self._kept.pop(session or "", None)

    def clock(self, run: LiveRun) -> None:
        """Learn a preset's speed from a run of some length."""
        if run.seconds > 3:
            self._speeds[run.preset.name] = len(run.history) / run.seconds

    def forecast(self, name: str, seconds: float) -> str:
        """How far a run of a preset will come, from its last speed here or else from where it was measured."""
        here = self._speeds.get(name)
        speed = here or USUAL_SPEEDS[name]
        where = say("in the last run here") if here else say("on two idle CPU cores")
        return say(
            "{name} made {speed:.1f} steps a second {where}: {seconds:.0f} s are about {steps:,.0f} steps.",
            name=name,
            speed=speed,
            where=where,
            seconds=seconds,
            steps=speed * seconds,
        )

    def get(self, session: str | None) -> LiveRun | None:
        with self._lock:
            return self._runs.get(session or "")

    def put(self, session: str | None, run: LiveRun) -> None:
        """Give a session its run. ValueError with a sentence when there is no room for another."""
        with self._lock:
            now = time.monotonic()
            self._runs = {
                key: old
                for key, old in self._runs.items()
                if key != session and (old.state == "running" or now - old.touched < IDLE_SECONDS)
            }
            if len(self._runs) >= MAX_LIVE:
                raise ValueError(
                    say("{n} other visitors are training on this machine now: try again in a few minutes.", n=MAX_LIVE)
                )
            # Accelerate knows one device and one precision in a process.
            others = {old.wanted for old in self._runs.values()} - {run.wanted}
            if others:
                device, precision = others.pop()
                raise ValueError(
                    say(
                        "Another visitor trains on {device} with autocast {precision}: choose these, or wait.",
                        device=device,
                        precision=precision,
                    )
                )
            if run.wanted != self._used:
                AcceleratorState._reset_state(reset_partial_state=True)
                self._used = run.wanted
            self._runs[session or ""] = run

    def drop(self, session: str | None) -> None:
        """Forget a session's run; a request that still trains it ends after its present step."""
        with self._lock:
            run = self._runs.pop(session or "", None)
        if run is not None:
            run.request_halt("stopped")
