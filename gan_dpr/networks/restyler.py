"""A drawing in the finish of another style: for things that the memory knows in a rendering of the same design alone.

The canvas has learnt each of its drawings by heart and cannot draw one that it was never shown. What tells one finish
from another is alike for all things (a flat surface gets its shading, a rim its light), so a U-Net (Ronneberger 2015;
from picture to picture as in pix2pix, Isola 2017) can learn it from the pairs that are known.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from .layers import FilmNorm


class Restyler(nn.Module):
    """U-Net over premultiplied RGBA, which says what changes; at first nothing does.

    widths: channels at a half, a quarter, an eighth ... of the drawing's side. style_dim: of the memory's codes.
    """

    def __init__(self, widths: list[int], style_dim: int):
        super().__init__()
        self.enter = nn.Conv2d(16, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            FinishBlock(before, after, style_dim) for before, after in pairwise([widths[0], *widths])
        )
        self.up = nn.ModuleList(
            FinishBlock(before + after, after, style_dim) for before, after in pairwise(widths[::-1])
        )
        self.out = nn.Conv2d(widths[0], 16, 3, padding=1)

    def begin(self) -> None:
        """Drawings stay as they are."""
        nn.init.zeros_(self.out.weight)

    def forward(self, drawings: torch.Tensor, known: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """(N, 4, S, S) in [0, 1], codes (N, style_dim) of the styles that they are and shall be in -> (N, 4, S, S)."""
        styles = torch.cat([known, asked], 1)
        x = self.enter(F.pixel_unshuffle(2 * drawings - 1, 2).contiguous(memory_format=torch.channels_last))
        passed = []
        for i, block in enumerate(self.down):
            x = block(F.avg_pool2d(x, 2) if i else x, styles)
            passed.append(x)
        for block, beside in zip(self.up, passed[-2::-1], strict=True):
            x = block(torch.cat([F.interpolate(x, scale_factor=2.0, mode="bilinear"), beside], 1), styles)
        return drawings + F.pixel_shuffle(self.out(F.gelu(x)).float(), 2)


class FinishBlock(nn.Module):
    """Two residual steps of two convolutions each, told both styles in between."""

    def __init__(self, inputs: int, outputs: int, style_dim: int):
        super().__init__()
        self.enter = nn.Conv2d(inputs, outputs, 1)
        self.steps = nn.ModuleList(
            nn.ModuleList([
                nn.Conv2d(outputs, outputs, 3, padding=1), FilmNorm("group", outputs, 2 * style_dim),
                nn.Conv2d(outputs, outputs, 3, padding=1),
            ])
            for _ in range(2)
        )  # fmt: skip

    def forward(self, x: torch.Tensor, styles: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W), (N, 2 * style_dim) -> (N, outputs, H, W)."""
        x = self.enter(x)
        for first, norm, second in self.steps:
            x = (x + second(F.gelu(norm(F.gelu(first(x)), styles)))) * 0.5**0.5
        return x
