"""Trains a generator against a retriever, phase after phase. Nothing here prints, plots or sleeps."""

import dataclasses
import time
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import is_initialized

from .. import checkpoint
from ..config import Phase, Preset
from ..images import to_uint8
from ..networks.encoders import TextTower, TokenStates
from ..networks.generator import Generator
from ..networks.memory import Memory
from ..networks.retriever import Retriever
from ..worlds.protocol import World
from .augmentation import Moves
from .balance import StepStats, controlled_gamma
from .batches import Batch, Batches
from .fitting import fitting_noise
from .reconstruction import known, reconstruction_loss
from .remembering import Known
from .restyling import restyling_loss
from .schedule import Rates, phase_at, rates_at
from .state import read_state, write_state
from .step import generator_loss, in_betweens, retrieval_loss, retriever_loss

NOISE_STREAM = 2  # beside the streams of batches

Side = Literal["both", "d", "g", "none"]  # whose weights a step moves


class TrainingDiverged(FloatingPointError):
    """A loss became NaN or infinite; the message names the step."""


class Trainer:
    """Everything random is a function of (seed, step, rank), so a state is weights, moments and a step number.

    Args:
        preset: networks and settings; `settings` (its training part) may be changed between steps.
        world: where captions and pictures come from.
        text_tower: encodes captions; its folder goes into checkpoints.
        device: "auto" takes a GPU where there is one.
        precision: "no" is float32, "bf16" autocasts.
        cache: as of `Batches`.
    """

    def __init__(
        self, preset: Preset, world: World, text_tower: TextTower, *, device: str = "auto", precision: str = "no",
        cache: Path | None = None,
    ):  # fmt: skip
        self.preset, self.settings, self.world, self.text_tower = preset, preset.training, world, text_tower
        # Accelerate knows one device and one precision a process, and trainings side by side may want others: it only
        # counts and joins processes here.
        self.accelerator = Accelerator(cpu=device == "cpu" and not is_initialized())
        self.device, self.precision = self._device(device), precision
        self.known = Known.of(preset.generator, world)
        config = preset.generator
        if self.known is not None:
            config = self.known.told(config)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings.seed)
            generator, retriever = Generator(config), Retriever(preset.retriever)
        if generator.restyler is None and any(phase.kind == "restyle" for phase in self.settings.phases):
            raise ValueError("A restyle phase needs generator.restyling, and a world that is drawn in layers.")
        with torch.random.fork_rng(devices=[]):
            self.ema = Generator(config).to(self.device).requires_grad_(False).eval()
        self.ema.load_state_dict(generator.state_dict())
        self.batches = Batches(
            world, text_tower, generator.parts, preset.image_size, self.settings.seed,
            self.settings.pool_size, self.settings.pool_reuse, self.settings.mix_captions, self.known, cache,
        )  # fmt: skip
        self.generator, self.retriever = (
            net.to(self.device, memory_format=torch.channels_last).train() for net in (generator, retriever)
        )
        # Without those of a frozen image tower.
        self._retriever_parameters = [p for p in retriever.parameters() if p.requires_grad]
        self.optimizer_g = self._adam(self.generator_parameters())
        # A text encoder that learns is the retriever's; the generator reads its average, never a moving target.
        self.learning_text: TextTower | None = None
        if self.settings.lr_text > 0:
            if self.accelerator.num_processes > 1:
                raise ValueError("A text encoder that learns needs one process: set training.lr_text=0.")
            self.text_tower, self.learning_text = (text_tower.copy().to(self.device) for _ in range(2))
            self.learning_text.model.requires_grad_(True)
        text_parameters = list(self.learning_text.model.parameters()) if self.learning_text else []
        self.optimizer_d = self._adam(self.discriminator_parameters(), text_parameters)
        self.global_step = 0
        self._recent: list[StepStats] = []

    def _device(self, wanted: str) -> torch.device:
        if wanted == "cpu":
            return torch.device("cpu")
        found = self.accelerator.device  # the CPU where an earlier training of this process asked for it
        return torch.device("cuda") if found.type == "cpu" and torch.cuda.is_available() else found

    def autocast(self) -> torch.autocast:
        """What both networks run in."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def generator_parameters(self) -> list[torch.nn.Parameter]:
        """What the generator's optimiser moves."""
        return list(self.generator.parameters())

    def discriminator_parameters(self) -> list[torch.nn.Parameter]:
        """What the retriever's optimiser moves."""
        return self._retriever_parameters

    def _adam(self, *groups: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
        betas = (self.settings.beta1, self.settings.beta2)
        named = [{"params": group} for group in groups if group]
        return torch.optim.Adam(named, lr=1e-4, betas=betas, fused=True)

    # ---------------------------------------------------------------- one step

    def run(self, max_steps: int | None = None) -> Iterator[StepStats]:
        """Steps until `global_step` reaches max_steps."""
        while max_steps is None or self.global_step < max_steps:
            yield self.step()

    def step(self, side: Side = "both") -> StepStats:
        """One step of whatever phase it is; with a `side`, only that side's weights move.

        Raises TrainingDiverged on NaN or Inf.
        """
        start = time.perf_counter()
        phase, _ = phase_at(self.settings, self.global_step)
        rates = self.set_rates()
        batch, rng = self.drawn_batch(phase)
        return self.finished_step(phase.kind, rates, self._learn(phase, batch, rng, side), start)

    def trial(self, phase: Phase) -> float:
        """Seconds that a step of a phase takes, with the next batch; it moves and counts nothing."""
        networks = (self.generator, self.ema, self.retriever)
        before = [(buffer, buffer.clone()) for network in networks for buffer in network.buffers()]
        batch, rng = self.drawn_batch(phase)
        start = time.perf_counter()
        self._learn(phase, batch, rng, "none")
        seconds = time.perf_counter() - start
        for buffer, value in before:
            buffer.copy_(value)
        for optimizer in (self.optimizer_g, self.optimizer_d):
            optimizer.zero_grad(set_to_none=True)
        return seconds

    def finished_step(self, phase: str, rates: Rates, stats: dict[str, float], start: float) -> StepStats:
        """Count the step, move the averages, and say what was measured since `start`."""
        self._update_ema()
        self.global_step += 1
        measured = StepStats(
            step=self.global_step, phase=phase, gamma=self.settings.gamma, lr=rates.g,
            seconds=time.perf_counter() - start, **stats,
        )  # fmt: skip
        self._recent = [*self._recent, measured][-100:]
        contending = [stats for stats in self._recent if stats.phase == "contend"]
        if self.settings.auto_balance and contending and self.global_step % 100 == 0:
            self.settings.gamma = controlled_gamma(self.settings.gamma, contending)
        return measured

    def _learn(self, phase: Phase, batch: Batch, rng: np.random.Generator, side: Side) -> dict[str, float]:
        """A step of a phase, and what it measured."""
        if phase.kind == "contend":
            return self._contend(batch, rng, side)
        if phase.kind == "retrieve":
            return self._retrieve(batch, rng, phase, update=side in ("both", "d"))
        learn = self._reconstruct if phase.kind == "reconstruct" else self._restyle
        return learn(batch, rng, update=side in ("both", "g"))

    def _reconstruct(self, batch: Batch, rng: np.random.Generator, update: bool) -> dict[str, float]:
        with self.autocast():
            condition, noise = self._conditioned(batch, rng)
            weight = self.settings.weight_agreement
            loss, drawing = reconstruction_loss(self.generator, condition, noise, batch, weight)
        norm = self.apply(loss, self.optimizer_g, "L_G", update, clip=float("inf"))
        return {"reconstruction": drawing, "grad_norm_g": norm}

    def _contend(self, batch: Batch, rng: np.random.Generator, side: Side) -> dict[str, float]:
        settings, generator, n, text = self.settings, self.generator, len(batch.captions), self.text_of(batch)
        between = round(n * settings.mixed_share) if n > 1 else 0
        with self.autocast():
            condition, noise = self._conditioned(batch, rng)
            noises = generator.noises(noise)
            codes = generator.decided(generator.codes(condition), noises)
            if between:
                mixed = in_betweens(codes, between, rng)
                codes = {name: torch.cat([code, mixed[name]]) for name, code in codes.items()}
                noises = {name: torch.cat([part, part[:between]]) for name, part in noises.items()}
            generated = generator.shown(codes, noises, settling=0.0)
        moves = Moves.drawn(settings, n, rng)
        real, fake = self._augment(batch.pixels, moves, rng), self._augment(generated, moves, rng)
        k = max(1, round(n * settings.penalty_share)) if settings.gamma > 0 else 0
        perturbing = self.normal((2 * k, *real.shape[1:]), rng) if k else None

        set_requires_grad(self._retriever_parameters, True)
        with self.autocast():
            loss_d, seen, stats = retriever_loss(
                settings, self.retriever, batch, text, real, fake.detach(), perturbing
            )
        stats["grad_norm_d"] = self.apply(loss_d, self.optimizer_d, "L_D", side in ("both", "d"))
        set_requires_grad(self._retriever_parameters, False)
        with self.autocast():
            reads = known(generator, batch, settings.noise_candidates > 1)
            loss_g, of_g = generator_loss(settings, self.retriever, batch, text, fake, seen, reads)
            if settings.weight_reconstruct > 0:
                again, stats["reconstruction"] = reconstruction_loss(
                    generator, condition, noise, batch, settings.weight_agreement
                )
                loss_g = loss_g + settings.weight_reconstruct * again
        stats["grad_norm_g"] = self.apply(loss_g, self.optimizer_g, "L_G", side in ("both", "g"))
        return stats | of_g

    def _retrieve(self, batch: Batch, rng: np.random.Generator, phase: Phase, update: bool) -> dict[str, float]:
        settings = phase.of(self.settings)
        moves = Moves.drawn(settings, len(batch.captions), rng)
        set_requires_grad(self._retriever_parameters, True)
        pictures, things = batch.pixels, batch.things
        if things is not None and len(batch.named):
            shown = torch.from_numpy(rng.integers(len(batch.names.mask), size=len(batch.named))).to(self.device)
            noise = self.normal((len(shown), self.ema.latent_dim), rng)
            with self.autocast(), torch.no_grad():
                drawn = self.ema(batch.names.states[shown], batch.names.mask[shown], noise).float()
            pictures, things = torch.cat([pictures, batch.named, drawn]), torch.cat([things, shown])
        with self.autocast():
            pictures = self._augment(pictures, moves, rng)
            loss, stats = retrieval_loss(
                settings, self.retriever, batch, self.text_of(batch), pictures, things
            )
        return stats | {"grad_norm_d": self.apply(loss, self.optimizer_d, "L_D", update)}

    def _restyle(self, batch: Batch, rng: np.random.Generator, update: bool) -> dict[str, float]:
        with self.autocast():
            loss = restyling_loss(self.generator, self.ema, batch, self.sisters, rng)
        norm = self.apply(loss, self.optimizer_g, "L_G", update)
        return {"reconstruction": loss.item(), "grad_norm_g": norm}

    @cached_property
    def sisters(self) -> torch.Tensor:
        """(things, styles) long: in which other style each drawing's design is known; see `Memory.sisters`."""
        return Memory.sisters(self.known.shown, self._distances).to(self.device)

    @cached_property
    def _distances(self) -> torch.Tensor:
        return self.known.distances(self.world, self.settings.seed)

    def draw_batch(self, phase: Phase | None = None) -> Batch:
        """The next step's batch; drawing the first of a pool encodes the pool's captions, which takes a while.

        With a `phase` it is made for a step of that one.
        """
        phase = phase or phase_at(self.settings, self.global_step)[0]
        size, rank = self.settings.batch_size, self.accelerator.process_index
        named = None
        if phase.kind == "retrieve" and self.learning_text is None:  # names are encoded once
            named = round(size * phase.of(self.settings).named_share)
        retrieved = phase.kind in ("contend", "retrieve")
        return self.batches.batch(self.global_step, size, rank, retrieved=retrieved, named=named)

    def drawn_batch(self, phase: Phase | None = None) -> tuple[Batch, np.random.Generator]:
        """As `draw_batch`, on the device, and the step's random numbers."""
        if self.global_step == 0:
            self._measure()
        seed = [self.settings.seed, NOISE_STREAM, self.global_step, self.accelerator.process_index]
        return self.draw_batch(phase).to(self.device), np.random.default_rng(seed)

    def text_of(self, batch: Batch) -> TokenStates:
        """A batch's N captions and N swaps as one text, as the retriever reads it."""
        if self.learning_text is None:
            return batch.text.followed_by(batch.swapped)
        return self.learning_text.read(batch.captions + batch.swapped_captions)

    def _measure(self) -> None:
        """Whitening's statistics and the memory's tables, once, before anything is learnt."""
        if self.settings.whiten:
            tokens = self.batches.tokens().to(self.device)
            for network in (self.generator, self.ema, self.retriever):
                if not network.whitening.measured:  # a retriever that has learnt elsewhere keeps what it learnt with
                    network.whitening.measure(tokens)
        if self.known is not None:
            for network in (self.generator, self.ema):
                network.memory.measure(self.known.shown.to(self.device), self._distances.to(self.device))

    def _conditioned(self, batch: Batch, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """What the batch's captions say to the generator, and noise that fits."""
        if self.learning_text:
            prompts = self.text_tower.encode(batch.captions).to(batch.pixels.device)
        else:
            prompts = batch.mixed if batch.mixed is not None else batch.text
        condition = self.generator.condition(prompts.states, prompts.mask)
        noise = self.normal((len(batch.captions), self.generator.latent_dim), rng)
        if self.settings.noise_candidates > 1:
            draw = partial(self.normal, rng=rng)
            noise = fitting_noise(self.generator, condition, noise, batch, self.settings.noise_candidates, draw)
        return condition, noise

    def normal(self, shape: tuple[int, ...], rng: np.random.Generator) -> torch.Tensor:
        """Drawn on the device; twice as fast as NumPy on a CPU too."""
        generator = torch.Generator(self.device).manual_seed(int(rng.integers(2**63)))
        return torch.randn(shape, generator=generator, device=self.device)

    def _augment(self, pixels: torch.Tensor, moves: Moves, rng: np.random.Generator) -> torch.Tensor:
        """Moves and noise, the same policy for real and generated."""
        pixels = moves.of(pixels)
        if self.settings.image_noise:
            pixels = pixels + self.settings.image_noise * self.normal(pixels.shape, rng)
        return pixels

    def apply(
        self, loss: torch.Tensor, optimizer: torch.optim.Optimizer, name: str, update: bool = True,
        clip: float | None = None,
    ) -> float:  # fmt: skip
        """Backward, clip, update; the gradient's norm before clipping. Without `update` the weights stay."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        if self.accelerator.num_processes > 1:
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter.grad = self.accelerator.reduce(parameter.grad, "mean")
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.settings.grad_clip if clip is None else clip)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            raise TrainingDiverged(
                f"{name} is not finite at step {self.global_step + 1}: lower the learning rates, or raise gamma. "
                "The state saved last is still good."
            )
        if update:
            optimizer.step()
        return norm.item()

    def set_rates(self) -> Rates:
        """Give the optimisers this step's learning rates."""
        rates = rates_at(self.settings, self.global_step)
        for group in self.optimizer_g.param_groups:
            group["lr"], group["betas"] = rates.g, rates.betas
        for group, rate in zip(self.optimizer_d.param_groups, (rates.d, rates.text), strict=False):
            group["lr"], group["betas"] = rate, rates.betas
        return rates

    @torch.no_grad()
    def _update_ema(self) -> None:
        average, trained, steps = self.ema, self.generator, self.global_step
        phase, within = phase_at(self.settings, self.global_step)
        if phase.kind == "restyle":  # what learns in a short phase of its own has an average that begins with it
            average, trained, steps = average.restyler, trained.restyler, within
        decay = min(self.settings.ema_decay, (1 + steps) / (20 + steps))
        torch._foreach_lerp_(list(average.parameters()), list(trained.parameters()), 1 - decay)
        for mean, buffer in zip(average.buffers(), trained.buffers(), strict=True):
            mean.copy_(buffer)
        if self.learning_text:
            read, learnt = self.text_tower.model.parameters(), self.learning_text.model.parameters()
            torch._foreach_lerp_(list(read), list(learnt), 1 - decay)

    @torch.no_grad()
    def sample(self, prompts: list[str], seed: int = 0) -> np.ndarray:
        """One picture a prompt from the averaged generator: (N, S, S, 3) uint8."""
        text = self.text_tower.encode(prompts).to(self.device)
        noise = self.normal((len(prompts), self.ema.latent_dim), np.random.default_rng(seed))
        return to_uint8(self.ema(text.states, text.mask, noise))

    # ---------------------------------------------------------------- state and checkpoints

    def save_state(self, folder: str | Path) -> None:
        """Write everything that an exact resume needs."""
        if self.accelerator.is_main_process:
            about = {
                "step": self.global_step,
                "settings": dataclasses.asdict(self.settings),
                "recent": [dataclasses.asdict(stats) for stats in self._recent],
            }
            write_state(folder, self._models(), self._optimizers(), about)

    def load_state(self, folder: str | Path) -> None:
        """Go on from `save_state`; steps then give the numbers of an uninterrupted run.

        Raises FileNotFoundError if there is no state, ValueError if it is of other networks.
        """
        about = read_state(folder, self._models(), self._optimizers())
        # In place: a demo's sliders and the preset hold the same object.
        for name, value in about["settings"].items():
            setattr(self.settings, name, value)
        self.settings.__post_init__()
        self.global_step = about["step"]
        self._recent = [StepStats(**stats) for stats in about["recent"]]

    def save_checkpoint(self, folder: str | Path, text_encoder: str | Path | None = None) -> None:
        """Write a checkpoint folder with the averaged generator.

        `text_encoder` names a text tower's folder to refer to instead of writing a copy.
        """
        if self.accelerator.is_main_process:
            extra = {"preset": self.preset.name, "step": self.global_step, "world": self.world.to_dict()}
            checkpoint.save(folder, self.ema, self.retriever, text_encoder or self.text_tower, extra)

    def _models(self) -> dict[str, torch.nn.Module]:
        models = {"generator": self.generator, "retriever": self.retriever, "ema": self.ema}
        if self.learning_text:
            models |= {"text": self.learning_text.model, "text_ema": self.text_tower.model}
        return models

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"adam_g": self.optimizer_g, "adam_d": self.optimizer_d}


def set_requires_grad(parameters: list[torch.nn.Parameter], wanted: bool) -> None:
    """Switch gradients of weights on or off."""
    for parameter in parameters:
        parameter.requires_grad_(wanted)
