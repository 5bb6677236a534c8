"""What real and generated pictures go through alike before the retriever sees them (DiffAugment, Zhao et al. 2020).

Places and sizes change a little, which hardly makes a caption untrue. Flips and colours would: a caption may name them.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from ..config import TrainingConfig


@dataclass(frozen=True)
class Moves:
    """How the N pictures of a batch are moved.

    shift: rows and columns in pixels, at most `reach`, for all of them. frames: (N, 2, 3), for each the affine map from
    its new coordinates to its old ones, both in [-1, 1]; None where nothing is zoomed.
    """

    shift: tuple[int, int]
    reach: int
    frames: torch.Tensor | None

    @classmethod
    def drawn(cls, settings: TrainingConfig, n: int, rng: np.random.Generator) -> "Moves":
        """At random, as far as `settings.shift` and `settings.zoom` allow."""
        row, column = rng.integers(-settings.shift, settings.shift + 1, size=2).tolist()
        frames = None
        if settings.zoom:
            frames = torch.zeros(n, 2, 3)
            frames[:, 0, 0] = frames[:, 1, 1] = torch.from_numpy(np.exp(rng.uniform(-1, 1, n) * settings.zoom))
            frames[:, :, 2] = torch.from_numpy(rng.uniform(-1, 1, (n, 2)) * settings.zoom)
        return cls((row, column), settings.shift, frames)

    def of(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, S, S), or more pictures, which move as the first ones do, in turn; edges are repeated."""
        if self.reach:
            size = pixels.shape[-1]
            padded = F.pad(pixels.float(), (self.reach,) * 4, mode="replicate")
            top, left = (self.reach + by for by in self.shift)
            pixels = padded[:, :, top : top + size, left : left + size]
        if self.frames is not None:
            frames = self.frames[torch.arange(len(pixels)) % len(self.frames)].to(pixels.device)
            places = F.affine_grid(frames, list(pixels.shape), align_corners=False)
            pixels = F.grid_sample(pixels.float(), places, padding_mode="border", align_corners=False)
        return pixels
