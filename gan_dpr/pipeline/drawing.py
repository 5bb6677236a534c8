"""GanDprPipeline: from a prompt to pictures, and between prompts."""

import math
import secrets
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from ..animation import lerp, slerp
from ..images import to_uint8
from ..networks.mixing import WAYS, Way, mixed, settling_of, shares
from ..networks.upsampler import Upsampler
from ..stickers.alone import objects_alone
from ..stickers.finish import finished, inner_side
from .searching import BATCH, SearchingModel, check_prompts

# Candidate j of the image with seed s has seed s + j * CANDIDATE_STRIDE: far from its neighbours' seeds.
CANDIDATE_STRIDE = 1_000_000_000
STICKERS = 8  # in one pass: they are large


@dataclass(frozen=True)
class PipelineOutput:
    """N pictures (prompt by prompt), each with the cosine of prompt and picture and the seed that redraws it.

    `seeds` are None where the caller gave the latents.
    """

    images: list[Image.Image] | np.ndarray | torch.Tensor
    scores: list[float]
    seeds: list[int | None]


class GanDprPipeline(SearchingModel):
    """A loaded checkpoint, ready to draw and to search."""

    @torch.inference_mode()
    def __call__(
        self,
        prompt: str | list[str],
        num_images_per_prompt: int = 1,
        generator: torch.Generator | None = None,
        latents: torch.Tensor | None = None,
        truncation: float = 1.0,
        best_of: int = 1,
        output_type: Literal["pil", "np", "pt"] = "pil",
        return_dict: bool = True,
    ) -> PipelineOutput | tuple:
        """Draw N = len(prompts) * num_images_per_prompt pictures, prompt by prompt.

        Args:
            prompt: one or several descriptions.
            num_images_per_prompt: how many of each.
            generator: image k (of N) is drawn from seed `s + k`, s being the seed of a generator that nothing
                has been drawn from yet, else a number drawn from it. So that every call moves on, one number
                is drawn from it. None takes s from the system.
            latents: (N, generator.latent_dim) noise to use instead of seeds.
            truncation: factor of the noise; below 1 pictures are more alike and safer.
            best_of: candidates drawn for each image, of which the one with the highest score is kept.
            output_type: "pil", "np" (N, S, S, 3) float32 in [0, 1], or "pt" (N, 3, S, S) in [0, 1].
            return_dict: False returns the tuple (images, scores, seeds).

        Raises:
            ValueError: an argument is out of its range, with what to give instead.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        check_prompts(prompts)
        if output_type not in ("pil", "np", "pt"):
            raise ValueError(f"output_type is pil, np or pt, not {output_type!r}.")
        for name, value in (("num_images_per_prompt", num_images_per_prompt), ("best_of", best_of)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}.")
        if not (math.isfinite(truncation) and truncation >= 0):
            raise ValueError(f"truncation must be 0 or more, not {truncation}.")
        total = len(prompts) * num_images_per_prompt
        if latents is None:
            first = _first_seed(generator)
            seeds = [first + k for k in range(total)]
        else:
            latents, seeds = self._check_latents(latents, total, best_of), [None] * total

        condition, wanted = self._read(prompts)
        drawn, scores, kept = [], [], []
        images_a_pass = max(1, BATCH // best_of)
        for start in range(0, total, images_a_pass):
            part = seeds[start : start + images_a_pass]
            candidates = [
                seed if seed is None else seed + j * CANDIDATE_STRIDE for seed in part for j in range(best_of)
            ]
            rows = torch.arange(start, start + len(part), device=self.device) // num_images_per_prompt
            rows = rows.repeat_interleave(best_of)
            noise = self._noise(candidates) if latents is None else latents[start : start + len(part)]
            pixels = self._drawn(condition[rows], truncation * noise)
            cosine = (self._embed(pixels) * wanted[rows]).sum(1)
            if best_of > 1:
                best = (
                    cosine.view(-1, best_of).argmax(1) + torch.arange(len(part), device=self.device) * best_of
                )
                pixels, cosine, candidates = (
                    pixels[best],
                    cosine[best],
                    [candidates[i] for i in best.tolist()],
                )
            drawn.append(pixels)
            scores += cosine.tolist()
            kept += candidates
        images = _as_output(torch.cat(drawn), output_type)
        return PipelineOutput(images, scores, kept) if return_dict else (images, scores, kept)

    @torch.inference_mode()
    def draw_each(
        self, prompts: list[str], seeds: list[int], truncations: list[float]
    ) -> tuple[list[Image.Image], list[float]]:
        """A picture for each seed, with its prompt and truncation, and its score; no candidates.

        Those of a prompt that stands there several times read it once. Raises ValueError for a blank prompt.
        """
        check_prompts(prompts)
        apart = {prompt: row for row, prompt in enumerate(dict.fromkeys(prompts))}
        condition, wanted = self._read(list(apart))
        rows = torch.tensor([apart[prompt] for prompt in prompts], device=self.device)
        noise = self._noise(seeds) * torch.tensor(truncations, device=self.device)[:, None]
        pixels = self._drawn(condition[rows], noise)
        return _as_output(pixels, "pil"), (self._embed(pixels) * wanted[rows]).sum(1).tolist()

    @torch.inference_mode()
    def interpolate(
        self,
        prompts: list[str],
        steps: int = 16,
        seed: int | list[int] = 0,
        space: Literal["prompt", "noise", "both"] = "prompt",
        truncation: float = 1.0,
        path: Literal["lerp", "slerp"] | None = None,
    ) -> list[Image.Image]:
        """Frames on the way from each prompt to the next: `steps` for the first pair, one less for each more.

        Args:
            prompts: two or more; the same one twice with space="noise" walks through what it leaves open.
            steps: frames from one prompt to the next, both ends included.
            seed: of the noise, which stands still in space="prompt"; else prompt i has the noise of seed + i.
                A list gives each prompt its own.
            space: what moves. "prompt" mixes the generator's conditioning, "noise" the noise (the nearer prompt is
                drawn), "both" both.
            truncation: factor of the noise.
            path: "lerp" mixes along a line, "slerp" along an arc; None is a line for prompts, an arc for noise.
        """
        prompts = list(prompts)
        check_prompts(prompts)
        if len(prompts) < 2:
            raise ValueError("Interpolation needs at least two prompts.")
        if steps < 2:
            raise ValueError(f"steps counts both ends and must be at least 2, not {steps}.")
        if space not in ("prompt", "noise", "both"):
            raise ValueError(f"space is prompt, noise or both, not {space!r}.")
        if path not in ("lerp", "slerp", None):
            raise ValueError(f"path is lerp, slerp or None, not {path!r}.")
        seeds = seed if isinstance(seed, list) else [seed + i * (space != "prompt") for i in range(len(prompts))]
        if len(seeds) != len(prompts):
            raise ValueError(f"{len(prompts)} prompts came with {len(seeds)} seeds: give one for each, or one for all.")
        text = self._encoded(prompts)
        key_conditions = self.generator.condition(text.states, text.mask)
        key_noise = self._noise(seeds)
        mix_prompts, mix_noise = slerp if path == "slerp" else lerp, lerp if path == "lerp" else slerp
        t = torch.linspace(0, 1, steps, device=self.device)
        conditions, noises, settling = [key_conditions[:1]], [key_noise[:1]], [t.new_ones(1)]
        for i in range(len(prompts) - 1):
            here, there = key_conditions[i].flatten(), key_conditions[i + 1].flatten()
            moving = mix_prompts(here, there, t) if space != "noise" else torch.where(t[:, None] < 0.5, here, there)
            conditions.append(moving[1:].unflatten(1, key_conditions.shape[1:]))
            noises.append(mix_noise(key_noise[i], key_noise[i + 1], t)[1:])
            settling.append(settling_of(shares(2, t))[1:])
        condition, noise = torch.cat(conditions), truncation * torch.cat(noises)
        return _as_output(self._drawn(condition, noise, torch.cat(settling)), "pil")

    @torch.inference_mode()
    def combine(self, prompts: list[str], weights: list[float], n: int = 1, seed: int = 0) -> list[Image.Image]:
        """Draw a weighted sum of what prompts say to the generator: n pictures, from seeds `seed` on.

        Weights (1, -1, 1) are prompt arithmetic: "an upside-down cat" - "a cat" + "a frog". With weights that
        do not add up to 1 the sum lies off what the generator knows.
        """
        check_prompts(prompts)
        if len(prompts) != len(weights):
            raise ValueError(f"{len(prompts)} prompts came with {len(weights)} weights: give one for each.")
        text = self._encoded(prompts)
        weight = torch.tensor(weights, device=self.device)
        condition = (weight[:, None, None] * self.generator.condition(text.states, text.mask)).sum(0, keepdim=True)
        noise = self._noise([seed + k for k in range(n)])
        return _as_output(self._drawn(condition.expand(n, -1, -1), noise, settling_of(weight[None]).expand(n)), "pil")

    @torch.inference_mode()
    def mix(
        self, prompts: list[str], amounts: list[float] | tuple[float, ...] = (0.5,), way: Way = "halves", seed: int = 0
    ) -> list[Image.Image]:
        """One picture of several prompts for each of the `amounts`.

        Args:
            prompts: two or more; place, size, turn, tint and background are the first one's.
            amounts: in [0, 1]: 0 is the first prompt, 1 the others in equal parts.
            way: "colours" draws the first in the others' colours; "halves" puts them together from the top down, and
                "middle" from the centre outwards; "blend" mixes all that they say, which is a double exposure.
            seed: of the noise, the same for all.
        """
        prompts = list(prompts)
        check_prompts(prompts)
        if len(prompts) < 2:
            raise ValueError("A mix needs at least two prompts.")
        if way not in WAYS:
            raise ValueError(f"way is one of {', '.join(WAYS)}, not {way!r}.")
        if not amounts or not all(0 <= amount <= 1 for amount in amounts):
            raise ValueError("amounts must be numbers from 0 to 1, at least one of them.")
        text = self._encoded(prompts)
        condition = self.generator.condition(text.states, text.mask)
        noise = self._noise([seed]).expand(len(prompts), -1)
        much = torch.tensor(amounts, dtype=torch.float32, device=self.device)
        return _as_output(mixed(self.generator, condition, noise, way, much), "pil")

    def stickers(
        self,
        prompts: str | list[str],
        seeds: list[int],
        size: int = 256,
        outline: bool = False,
        shadow: bool = False,
        truncation: float = 1.0,
    ) -> list[Image.Image]:
        """What the pictures of these prompts and seeds show, without their backgrounds: the generator's own alpha.

        Args:
            prompts: one for each seed, or one for all.
            seeds: of the pictures, as a `PipelineOutput` has them.
            size: pixels a side; the object is centred and fills it but for a margin.
            outline: a white line around the object.
            shadow: a soft one below it.
            truncation: that of the pictures.

        Returns:
            A square RGBA picture for each seed.

        Raises:
            ValueError: the model has no layers, or an argument is out of its range.
        """
        prompts = [prompts] * len(seeds) if isinstance(prompts, str) else list(prompts)
        check_prompts(prompts)
        if len(prompts) != len(seeds):
            raise ValueError(f"{len(prompts)} prompts came with {len(seeds)} seeds: give one for each.")
        if size < 32:
            raise ValueError(f"size must be at least 32, not {size}.")
        text = self._encoded(prompts)
        condition = self.generator.condition(text.states, text.mask)
        noise, inner = truncation * self._noise(seeds), inner_side(size, outline, shadow)
        upsampler = self._upsampler.to(self.device)
        made = []
        for few in zip(condition.split(STICKERS), noise.split(STICKERS), strict=True):
            made += finished(objects_alone(self.generator, upsampler, *few, inner), size, outline, shadow)
        return made

    @cached_property
    def _upsampler(self) -> Upsampler:
        return Upsampler.load()

    def _read(self, prompts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """N prompts -> what they say to the generator (N, K, D), and to the retriever, (N, embed_dim) unit vectors."""
        text = self._encoded(prompts)
        wanted = F.normalize(self.retriever.encode_text(text.states, text.mask), dim=1)
        return self.generator.condition(text.states, text.mask), wanted

    def _drawn(
        self, condition: torch.Tensor, noise: torch.Tensor, settling: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(N, K, D), (N, Z), (N,) or None for 1 -> (N, 3, S, S) in [-1, 1], in passes of BATCH."""
        settling = condition.new_ones(len(condition)) if settling is None else settling
        parts = zip(condition.split(BATCH), noise.split(BATCH), settling.split(BATCH), strict=True)
        return torch.cat([self.generator.forward_conditioned(*part) for part in parts])

    def _noise(self, seeds: list[int]) -> torch.Tensor:
        """N seeds -> (N, Z), row k from seeds[k] alone and on the CPU: the same on every device."""
        source = torch.Generator()
        rows = [
            torch.randn(self.generator.latent_dim, generator=source.manual_seed(seed)) for seed in seeds
        ]
        return torch.stack(rows).to(self.device)

    def _check_latents(self, latents: torch.Tensor, total: int, best_of: int) -> torch.Tensor:
        wanted = (total, self.generator.latent_dim)
        if tuple(latents.shape) != wanted:
            raise ValueError(f"latents must have shape {wanted}, not {tuple(latents.shape)}.")
        if best_of > 1:
            raise ValueError("latents fix the noise, so there is nothing to choose from: leave best_of at 1.")
        return latents.to(self.device, torch.float32)


def _first_seed(generator: torch.Generator | None) -> int:
    if generator is None:
        return secrets.randbelow(2**31)
    seed = generator.initial_seed()
    untouched = torch.Generator(generator.device).manual_seed(seed).get_state()
    if not torch.equal(generator.get_state(), untouched):
        return int(torch.randint(2**31, (), generator=generator, device=generator.device))
    torch.rand((), generator=generator, device=generator.device)
    return seed


def _as_output(pixels: torch.Tensor, output_type: str) -> Any:
    if output_type == "pil":
        return [Image.fromarray(array) for array in to_uint8(pixels)]
    scaled = (pixels / 2 + 0.5).clamp(0, 1)
    return scaled if output_type == "pt" else scaled.permute(0, 2, 3, 1).cpu().numpy()
