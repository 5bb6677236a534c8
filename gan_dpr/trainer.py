"""The adversarial training loop: one step, its state, and nothing that prints, plots or sleeps."""

import dataclasses
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator

from . import checkpoint
from .balance import StepStats, controlled_gamma
from .config import Preset
from .data.source import Batch, BatchSource, SceneSource
from .encoders import TextTower, TokenStates
from .fitting import fitting_noise
from .generator import NOISY_PARTS, Generator
from .images import to_uint8
from .losses import feature_distance, info_nce, mean_where, relativistic_pair, squared_gradient_norm
from .retriever import ImageOutput, Retriever
from .state import read_state, write_state

NOISE_STREAM = 2  # beside the streams of data.source


Side = Literal["both", "d", "g"]  # whose weights a step moves


class TrainingDiverged(FloatingPointError):
    """A loss became NaN or infinite; the message names the step."""


class AdversarialTrainer:
    """Trains a generator against a retriever, alternating after every batch.

    Everything random is a function of (seed, step, rank), so a state is weights, moments and a step number.

    Args:
        preset: networks and settings; `settings` (its training part) may be changed between steps.
        source: where batches come from.
        text_tower: encodes prompts for `sample`; its folder goes into checkpoints.
        device: "auto" takes a GPU where there is one.
        precision: "no" is float32, "bf16" autocasts.
    """

    def __init__(
        self, preset: Preset, source: BatchSource, text_tower: TextTower, *, device: str = "auto", precision: str = "no"
    ):
        self.preset, self.settings, self.source, self.text_tower = preset, preset.training, source, text_tower
        self.accelerator = Accelerator(cpu=device == "cpu", mixed_precision=precision)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings.seed)
            generator, retriever = Generator(preset.generator), Retriever(preset.retriever)
        with torch.random.fork_rng(devices=[]):
            self.ema = Generator(preset.generator).to(self.accelerator.device).requires_grad_(False).eval()
        self.ema.load_state_dict(generator.state_dict())
        generator, retriever = (net.to(memory_format=torch.channels_last).train() for net in (generator, retriever))
        # Without those of a frozen image tower.
        self._retriever_parameters = [p for p in retriever.parameters() if p.requires_grad]
        self.generator, self.retriever = self.accelerator.prepare(generator, retriever)
        layers = self._unwrapped_generator.composition
        placing = set(layers.parameters()) if layers is not None else set()
        moved = self.generator_parameters()
        self.optimizer_g = self._adam([p for p in moved if p not in placing], [p for p in moved if p in placing])
        # A text encoder that learns is the retriever's; the generator reads its average, never a moving target.
        self.learning_text: TextTower | None = None
        if self.settings.lr_text > 0:
            if self.accelerator.num_processes > 1:
                raise ValueError("A text encoder that learns needs one process: set training.lr_text=0.")
            self.text_tower, self.learning_text = (text_tower.copy().to(self.accelerator.device) for _ in range(2))
            self.learning_text.model.requires_grad_(True)
        text_parameters = list(self.learning_text.model.parameters()) if self.learning_text else []
        self.optimizer_d = self._adam(self.discriminator_parameters(), text_parameters)
        self.global_step = 0
        self._recent: list[StepStats] = []
        self._penalties = (0.0, 0.0)

    def generator_parameters(self) -> list[torch.nn.Parameter]:
        """What the generator's optimiser moves."""
        return list(self.generator.parameters())

    def discriminator_parameters(self) -> list[torch.nn.Parameter]:
        """What the retriever's optimiser moves."""
        return self._retriever_parameters

    def _adam(self, *groups: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
        betas = (self.settings.beta1, self.settings.beta2)
        named = [{"params": group} for group in groups if group]
        return self.accelerator.prepare(torch.optim.Adam(named, lr=1e-4, betas=betas, fused=True))

    # ---------------------------------------------------------------- one step

    def run(self, max_steps: int | None = None) -> Iterator[StepStats]:
        """Steps until `global_step` reaches max_steps."""
        while max_steps is None or self.global_step < max_steps:
            yield self.step()

    def step(self, side: Side = "both") -> StepStats:
        """One update of the retriever and one of the generator, or of one `side`; both are measured.

        Raises TrainingDiverged on NaN or Inf.
        """
        start = time.perf_counter()
        batch, text, noise, rng = self._draw()
        decay = self._set_learning_rates(batch.canvas_rests and self._layered)
        if self.learning_text:
            prompts = self.text_tower.encode(batch.captions)
        elif batch.mixed is not None and self._layered:
            prompts = batch.mixed.to(noise.device)
        else:
            prompts = text.rows(len(batch.captions))
        if self.settings.noise_candidates > 1:
            noise = self._fitting_noise(prompts, noise, batch, rng)
        # One forward of the generator serves both updates: it does not change in between.
        with self.accelerator.autocast():
            generated = self.generator(prompts.states, prompts.mask, noise)
        shift = rng.integers(-self.settings.shift, self.settings.shift + 1, size=2).tolist()
        real, fake = self._augment(batch.pixels, shift, rng), self._augment(generated, shift, rng)
        seen, stats = self._update_retriever(batch, text, real, fake.detach(), rng, update=side != "g")
        stats |= self._update_generator(batch, text, fake, seen, update=side != "d")
        self._update_ema()
        self.global_step += 1
        measured = StepStats(
            step=self.global_step, gamma=self.settings.gamma, lr=self.settings.lr_g * decay,
            seconds=time.perf_counter() - start, **stats,
        )  # fmt: skip
        self._balance(measured)
        return measured

    def _update_retriever(
        self, batch: Batch, text: TokenStates, real: torch.Tensor, fake: torch.Tensor, rng: np.random.Generator,
        update: bool = True,
    ) -> tuple[ImageOutput, dict[str, float]]:
        """`text` holds N captions and their N swaps. Returns the real pictures as seen, detached."""
        settings, n = self.settings, len(real)
        # The penalty reads the first rows of every batch. Reading whole batches now and then instead gives
        # Adam rare huge gradients, which the clipping cuts down until gamma has no effect (docs/training.md).
        k = max(1, round(n * settings.penalty_share)) if settings.gamma > 0 else 0
        pixels = torch.cat([real, fake])
        if k:
            clean = torch.cat([real[:k], fake[:k]])
            pixels = torch.cat([pixels, clean + settings.penalty_sigma * self._normal(clean.shape, rng)])
        _set_requires_grad(self._retriever_parameters, True)
        with self.accelerator.autocast():
            text_embeds, out, scale = self.retriever(text.states, text.mask, pixels)
        text_embeds, embeds, realness = text_embeds.float(), out.embeds.float(), out.realness.float()
        captions, swaps = text_embeds[:n], text_embeds[n:]
        alone = settings.recipe == "dpr"  # DPR's one softmax has one logit: no realness head
        rows = torch.cat([captions, captions, captions[:k], captions[:k]])
        match = scale * (rows * embeds).sum(1)
        scores = match if alone else match + realness
        score_real, score_fake = scores[:n], scores[n : 2 * n]

        # rows: captions; columns: real pictures, then generated ones
        logits = scale * captions @ embeds[: 2 * n].T
        matches, own = batch.matches, torch.eye(n, dtype=torch.bool, device=real.device)
        to_text = info_nce(logits[:, :n].T, matches.T)
        if alone:
            pair = info_nce(logits, torch.cat([matches, matches & ~own], 1))
            nce = to_text
        else:
            pair = relativistic_pair(score_real, score_fake)
            if settings.generated_negatives:
                to_image = info_nce(logits, torch.cat([matches, matches | own], 1))
            else:
                to_image = info_nce(logits[:, :n], matches)
            nce = (to_image + to_text) / 2
        swapped = scale * (swaps * embeds[:n]).sum(1)
        swap = mean_where(F.softplus(swapped - match[:n]), batch.has_swap)
        loss = pair + settings.weight_nce * nce + settings.weight_swap * swap
        if k:
            r1, r2 = (
                squared_gradient_norm(clean[:k], noisy, settings.penalty_sigma)
                for clean, noisy in zip((score_real, score_fake), scores[2 * n :].chunk(2), strict=True)
            )
            loss = loss + settings.gamma / 2 * (r1 + r2)
            self._penalties = (r1.item(), r2.item())
        norm = self._apply(loss, self.optimizer_d, "L_D", update)

        gaps = (score_real - score_fake).detach()
        low, middle, high = gaps.quantile(gaps.new_tensor([0.25, 0.5, 0.75])).tolist()
        best = logits[:, :n].argmax(1, keepdim=True)
        seen = ImageOutput(
            embeds[:n].detach(), realness[:n].detach(),
            dataclasses.replace(out.features, stages=[stage[:n].detach() for stage in out.features.stages]),
        )  # fmt: skip
        return seen, {
            "loss_d": pair.item(), "win_share": (gaps > 0).float().mean().item(),
            "gap": middle, "gap_q25": low, "gap_q75": high, "r1": self._penalties[0], "r2": self._penalties[1],
            "grad_norm_d": norm, "recall_at_1": (matches | own).gather(1, best).float().mean().item(),
            "nce": nce.item(), "swap": swap.item(), "logit_scale": scale.item(),
        }  # fmt: skip

    def _update_generator(
        self, batch: Batch, text: TokenStates, fake: torch.Tensor, seen: ImageOutput, update: bool = True
    ) -> dict[str, float]:
        """Real pictures are compared with as the retriever saw them just before its update."""
        settings, n, judge = self.settings, len(fake), self._unwrapped_retriever
        _set_requires_grad(self._retriever_parameters, False)
        with self.accelerator.autocast():
            text_embeds = judge.encode_text(text.states.detach(), text.mask).float()
            out = judge.read_image(fake)
        captions, swaps = text_embeds[:n], text_embeds[n:]
        embeds, scale = out.embeds.float(), judge.scale
        match = judge.paired(captions, embeds)
        score_fake, score_real = match, judge.paired(captions, seen.embeds)
        if settings.recipe != "dpr":
            score_fake, score_real = match + out.realness.float(), score_real + seen.realness
        pair = relativistic_pair(score_fake, score_real)
        swap = mean_where(F.softplus(judge.paired(swaps, embeds) - match), batch.has_swap)
        nce_text = info_nce(scale * embeds @ captions.T, batch.matches.T)
        nce_image = info_nce(scale * embeds @ seen.embeds.T, batch.matches)
        feature = feature_distance(out.features.stages, seen.features.stages, self._known(batch).float())
        loss = (
            pair
            + settings.weight_swap * swap
            + settings.weight_nce_text * nce_text
            + settings.weight_nce_image * nce_image
            + settings.weight_feature * feature
        )
        norm = self._apply(loss, self.optimizer_g, "L_G", update)
        return {"loss_g": pair.item(), "grad_norm_g": norm, "feature": feature.item()}

    def draw_batch(self) -> Batch:
        """The next step's batch; drawing the first of a pool encodes the pool's captions, which takes a while."""
        with self.accelerator.autocast():  # of the text tower, so that a resumed run encodes as before
            return self.source.batch(self.global_step, self.settings.batch_size, self.accelerator.process_index)

    def _draw(self) -> tuple[Batch, TokenStates, torch.Tensor, np.random.Generator]:
        """The step's batch on the device, its N captions and N swaps as one text, noise, and a generator."""
        rank, device = self.accelerator.process_index, self.accelerator.device
        batch = self.draw_batch()
        if self.learning_text is None:
            text = batch.text.followed_by(batch.swapped).to(device)
        else:
            text = self.learning_text.read(batch.captions + batch.swapped_captions)
        batch = dataclasses.replace(
            batch, pixels=batch.pixels.to(device), matches=batch.matches.to(device),
            open_parts=batch.open_parts.to(device), decided=batch.decided.to(device),
            has_swap=batch.has_swap.to(device),
        )  # fmt: skip
        rng = np.random.default_rng([self.settings.seed, NOISE_STREAM, self.global_step, rank])
        shape = (len(batch.pixels), self.preset.generator.noise_dim)
        noise = self._normal((len(NOISY_PARTS), *shape) if self._layered else shape, rng)
        return batch, text, noise, rng

    def _fitting_noise(
        self, prompts: TokenStates, noise: torch.Tensor, batch: Batch, rng: np.random.Generator
    ) -> torch.Tensor:
        with torch.no_grad(), self.accelerator.autocast():
            condition = self._unwrapped_generator.condition(prompts.states, prompts.mask)
            return fitting_noise(
                self._unwrapped_generator, condition, noise, batch.pixels, batch.open_parts,
                self.settings.noise_candidates, partial(self._normal, rng=rng),
            )  # fmt: skip

    def _known(self, batch: Batch) -> torch.Tensor:
        """(N,) bool: the generator could draw the real picture, by its caption and the noise that was fitted."""
        fitted = len(NOISY_PARTS) if self._layered else 1
        return batch.decided & ~batch.open_parts[fitted if self.settings.noise_candidates > 1 else 0 :].any(0)

    @property
    def _layered(self) -> bool:
        return self.preset.generator.composition == "layered"

    def _normal(self, shape: tuple[int, ...], rng: np.random.Generator) -> torch.Tensor:
        """Drawn on the device; twice as fast as NumPy on a CPU too."""
        device = self.accelerator.device
        generator = torch.Generator(device).manual_seed(int(rng.integers(2**63)))
        return torch.randn(shape, generator=generator, device=device)

    def _augment(self, pixels: torch.Tensor, shift: list[int], rng: np.random.Generator) -> torch.Tensor:
        """Shift and noise, the same policy for real and generated; nothing that makes a caption untrue."""
        reach = self.settings.shift
        if reach:
            size = pixels.shape[-1]
            padded = F.pad(pixels.float(), (reach, reach, reach, reach), mode="replicate")
            top, left = reach + shift[0], reach + shift[1]
            pixels = padded[:, :, top : top + size, left : left + size]
        if self.settings.image_noise:
            pixels = pixels + self.settings.image_noise * self._normal(pixels.shape, rng)
        return pixels

    def _apply(self, loss: torch.Tensor, optimizer: torch.optim.Optimizer, name: str, update: bool = True) -> float:
        """Backward, clip, update; the gradient's norm before clipping. Without `update` the weights stay."""
        optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        norm = self.accelerator.clip_grad_norm_(parameters, self.settings.grad_clip)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            raise TrainingDiverged(
                f"{name} is not finite at step {self.global_step + 1}: lower the learning rates, or raise gamma. "
                "The state saved last is still good."
            )
        if update:
            optimizer.step()
        return norm.item()

    def _set_learning_rates(self, canvas_rests: bool = False) -> float:
        """Constant for the first half of total_steps, then linear to 5%; returns the factor."""
        total = self.settings.total_steps
        decay = 1.0
        if total:
            progress = min(self.global_step / total, 1.0)
            decay = min(1.0, 1 - 0.95 * (progress - 0.5) / 0.5)
        canvas = 0.0 if canvas_rests else self.settings.lr_g
        rates_g = (canvas, self.settings.composition_lr_scale * self.settings.lr_g)
        rates_d = (self.settings.lr_d, self.settings.lr_text)
        for optimizer, rates in ((self.optimizer_g, rates_g), (self.optimizer_d, rates_d)):
            for group, rate in zip(optimizer.param_groups, rates, strict=False):
                group["lr"] = rate * decay
        return decay

    @torch.no_grad()
    def _update_ema(self) -> None:
        decay = min(self.settings.ema_decay, (1 + self.global_step) / (20 + self.global_step))
        trained = self._unwrapped_generator
        torch._foreach_lerp_(list(self.ema.parameters()), list(trained.parameters()), 1 - decay)
        for average, buffer in zip(self.ema.buffers(), trained.buffers(), strict=True):
            average.copy_(buffer)
        if self.learning_text:
            read, learnt = self.text_tower.model.parameters(), self.learning_text.model.parameters()
            torch._foreach_lerp_(list(read), list(learnt), 1 - decay)

    def _balance(self, stats: StepStats) -> None:
        self._recent = [*self._recent, stats][-100:]
        if self.settings.auto_balance and self.global_step % 100 == 0:
            self.settings.gamma = controlled_gamma(self.settings.gamma, self._recent)

    @property
    def _unwrapped_generator(self) -> Generator:
        return self.accelerator.unwrap_model(self.generator)

    @property
    def _unwrapped_retriever(self) -> Retriever:
        return self.accelerator.unwrap_model(self.retriever)

    @torch.no_grad()
    def sample(self, prompts: list[str], seed: int = 0) -> np.ndarray:
        """One picture a prompt from the averaged generator: (N, S, S, 3) uint8."""
        text = self.text_tower.encode(prompts).to(self.accelerator.device)
        noise = self._normal((len(prompts), self.preset.generator.noise_dim), np.random.default_rng(seed))
        return to_uint8(self.ema(text.states, text.mask, noise))

    # ---------------------------------------------------------------- state and checkpoints

    def save_state(self, folder: str | Path) -> None:
        """Write everything that an exact resume needs."""
        if self.accelerator.is_main_process:
            about = {
                "step": self.global_step,
                "settings": dataclasses.asdict(self.settings),
                "recent": [dataclasses.asdict(stats) for stats in self._recent],
                "penalties": self._penalties,
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
        self.global_step = about["step"]
        self._recent = [StepStats(**stats) for stats in about["recent"]]
        self._penalties = tuple(about["penalties"])

    def save_checkpoint(self, folder: str | Path, text_encoder: str | Path | None = None) -> None:
        """Write a checkpoint folder with the averaged generator.

        `text_encoder` names a text tower's folder to refer to instead of writing a copy.
        """
        if self.accelerator.is_main_process:
            extra = {"preset": self.preset.name, "step": self.global_step}
            if isinstance(self.source, SceneSource):  # other pictures have no attributes to ask for
                extra["scenes"] = dataclasses.asdict(self.preset.scenes)
            checkpoint.save(folder, self.ema, self._unwrapped_retriever, text_encoder or self.text_tower, extra)

    def warm_start(self, folder: str | Path) -> None:
        """Take the weights of both networks and the step from a checkpoint folder; moments start anew.

        Raises ValueError if the networks differ from the preset's.
        """
        models = checkpoint.load(folder)
        try:
            self._unwrapped_generator.load_state_dict(models.generator.state_dict())
            self.ema.load_state_dict(models.generator.state_dict())
            self._unwrapped_retriever.load_state_dict(models.retriever.state_dict())
        except RuntimeError as error:
            raise ValueError(
                f"{folder} has other networks than preset {self.preset.name!r}: {str(error).splitlines()[0]}"
            ) from error
        self.global_step = models.config.get("step", 0)

    def _models(self) -> dict[str, torch.nn.Module]:
        models = {"generator": self._unwrapped_generator, "retriever": self._unwrapped_retriever, "ema": self.ema}
        if self.learning_text:
            models |= {"text": self.learning_text.model, "text_ema": self.text_tower.model}
        return models

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"adam_g": self.optimizer_g, "adam_d": self.optimizer_d}


def _set_requires_grad(parameters: list[torch.nn.Parameter], wanted: bool) -> None:
    for parameter in parameters:
        parameter.requires_grad_(wanted)
