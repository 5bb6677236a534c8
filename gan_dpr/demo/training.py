"""Training runs of the page: one for each visitor's session, driven in bursts and stopped by a flag.

A run never has a thread of its own. The request that shows it asks for burst after burst; when the visitor
leaves, Gradio closes that request and the training is over.
"""

import contextlib
import copy
import dataclasses
import gc
import shutil
import tempfile
import threading
import time
from collections.abc import Hashable
from pathlib import Path

import numpy as np
import torch

from ..checkpoint import Models
from ..config import Preset, TrainingConfig
from ..networks.encoders import TextTower, TokenStates
from ..pipeline import GanDprPipeline
from ..training.balance import StepStats
from ..training.run import build_trainer
from ..training.schedule import phase_at
from ..training.trainer import Side, Trainer, TrainingDiverged
from ..worlds.protocol import Caption, Guide, Judge, World
from .downloads import new_file
from .missions import Mission, Seen
from .prompts import told
from .verdicts import judged
from .words import asked_in_korean, say

MAX_WATCHED = 12
AMONG = 300  # test captions
# What may be changed while a run goes on; the page has a slider for each.
LIVE = (
    "lr_reconstruct",
    "lr_g",
    "lr_d",
    "gamma",
    "weight_nce",
    "weight_swap",
    "weight_nce_text",
    "weight_nce_image",
    "weight_feature",
    "weight_reconstruct",
)


class RememberingTower(TextTower):
    """The shipped text encoder with a tokenizer of its own, which remembers the last few texts that it encoded.

    The watched prompts are the same each time, and nobody else's prompt waits for a training's pool of captions.
    """

    def __init__(self, tower: TextTower):
        super().__init__(tower.model, copy.deepcopy(tower.tokenizer))
        self._last: tuple[list[str], TokenStates] | None = None

    def encode(self, texts: list[str], batch_size: int = 256) -> TokenStates:
        if len(texts) > MAX_WATCHED:
            return super().encode(texts, batch_size)
        last = self._last
        if last is None or last[0] != texts:
            self._last = last = list(texts), super().encode(texts, batch_size)
        return last[1]


@dataclasses.dataclass(frozen=True)
class Sheet:
    """The watched prompts as the averaged generator drew them after `step` steps: (N, S, S, 3) uint8.

    `named` says on which of them the judge finds the thing; it is empty where the world has no judge.
    """

    step: int
    seconds: float
    images: np.ndarray
    named: tuple[bool, ...]


@dataclasses.dataclass(frozen=True)
class Watched:
    """A prompt whose drawings are followed, and a real picture of it, (S, S, 3) uint8.

    `thing` is what its world's guide has names for, and `words` tell it from the others; neither without a guide.
    """

    text: str
    target: np.ndarray
    guide: Guide | None
    thing: Hashable = None
    words: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The prompt in the language of the page."""
        return told(self.guide, self.text)

    @property
    def title(self) -> str:
        """The same in a word or two."""
        if self.guide is None:
            return self.text[:40]
        names = self.guide.korean_names if asked_in_korean() else self.guide.names
        return ", ".join([names[self.thing], *map(say, self.words)])


class LiveRun:
    """A trainer, what it measured and drew so far, and whether it should go on.

    `state` is new, running, paused, stopped or failed. All use of the trainer is under `lock`, which is taken
    for one step at a time, so that a slider or a download never waits for the end of a run.
    """

    def __init__(self, preset: Preset, world: World, tower: TextTower, device: str, precision: str):
        self.preset, self.world, self.touched = preset, world, time.monotonic()
        self.lock, self.halt, self.busy = threading.Lock(), threading.Event(), threading.Lock()
        self.state, self.after_halt, self.sentence = "new", "paused", ""
        self.history: list[StepStats] = []
        self.sheets: list[Sheet] = []
        self.named: list[tuple[float, int]] = []  # of every sheet: the seconds, and how many things the judge named
        self.seconds = 0.0
        self.mission: Mission | None = None
        self.failed = 0  # steps of the original recipe that the visitor saw before
        self.watched = watched_scenes(world, preset.image_size)
        self.prompts = [watched.text for watched in self.watched]
        self.wanted = device, precision
        self.tower = RememberingTower(tower)
        self.trainer: Trainer | None = None
        self.judge: Judge | None = None
        self._drawn_at = self._draw_cost = 0.0

    def prepare(self) -> None:
        """Make the trainer and encode its captions, which takes seconds; nothing where that is done."""
        with self.lock:
            if self.trainer is None:
                gc.collect()  # the run before left its networks in reference cycles
                device, precision = self.wanted
                trainer = build_trainer(self.preset, self.world, self.tower, device, precision)
                trainer.draw_batch()
                with contextlib.suppress(FileNotFoundError):  # without its weights nothing is named
                    self.judge = self.world.judge()
                self.trainer = trainer

    @property
    def ready(self) -> bool:
        return self.trainer is not None

    @property
    def step(self) -> int:
        return self.history[-1].step if self.history else 0

    @property
    def phase(self) -> str:
        """The kind of phase that the next step belongs to."""
        return phase_at(self.settings, self.step)[0].kind

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
        named = self._read(images)
        self.named.append((self.seconds, sum(named)))
        self.sheets.append(Sheet(self.step, self.seconds, images, named))
        if len(self.sheets) > 96:  # a film of any run: leave out every second one, but not the ends
            self.sheets[1:-1] = self.sheets[2:-1:2]
        self._drawn_at, self._draw_cost = time.monotonic(), time.monotonic() - start

    def _read(self, images: np.ndarray) -> tuple[bool, ...]:
        if self.judge is None:
            return ()
        read = self.judge.read(images).words[self.world.attributes[0]]
        return tuple(word == one.thing for word, one in zip(read, self.watched, strict=True))

    def set(self, name: str, value: float | bool) -> None:
        """Change a setting between two steps."""
        if name not in (*LIVE, "auto_balance"):
            raise ValueError(f"{name} cannot be changed while a run goes on.")
        with self.lock:
            setattr(self.settings, name, value)

    def zipped(self) -> str:
        """The path of a zip file with the checkpoint folder, which is called like the file."""
        path = new_file(f"gan-dpr-{self.preset.name}-step-{self.step}")
        with tempfile.TemporaryDirectory() as folder:
            with self.lock:
                self.trainer.save_checkpoint(Path(folder) / path.name)
            return shutil.make_archive(str(path), "zip", folder, path.name)

    def pipeline(self) -> GanDprPipeline:
        """A copy of the networks as they are now, ready to draw."""
        with self.lock:
            ema, retriever = copy.deepcopy(self.trainer.ema).eval(), copy.deepcopy(self.trainer.retriever)
        retriever.eval().requires_grad_(False)
        name = f"{self.preset.name}, step {self.step}"
        return GanDprPipeline(Models(ema, retriever, RememberingTower(self.tower), {}), name, self.world)

    def seen(self) -> Seen:
        """What its mission is judged by."""
        return Seen(self.preset.name, self.history, self.seconds, self.named, self.failed)

    def verdict(self) -> tuple[str, str]:
        """A state and a sentence for the page."""
        if self.state == "failed":
            return "failed", self.sentence
        state, sentence = judged(self.settings, self.history)
        return state, f"{self.sentence} {sentence}".strip()


def watched_scenes(world: World, size: int) -> list[Watched]:
    """A scene for each of the first MAX_WATCHED things (or texts) of a world, the same every time."""
    main, *others = world.attributes
    first: dict[Hashable, Caption] = {}
    for caption in world.test_captions("iid", AMONG, seed=0):
        first.setdefault(world.value(caption.scene, main), caption)
    chosen = [world.told(caption) for caption in list(first.values())[:MAX_WATCHED]]
    guide = world.guide()
    telling = [name for name in others if len({world.value(one.scene, name) for one in chosen}) > 1]
    watched = []
    for caption in chosen:
        one = Watched(caption.text, world.render(caption.scene, size), guide)
        if guide is not None:
            words = tuple(world.word(caption.scene, name) for name in telling if name in caption.mentioned)[:1]
            one = dataclasses.replace(one, thing=world.value(caption.scene, main), words=words)
        watched.append(one)
    return watched
