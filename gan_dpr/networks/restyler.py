"""A drawing in the finish of another style: for things that the memory knows in a rendering of the same design alone.

The canvas has learnt each of its drawings by heart and cannot draw one that it was never shown. What tells one finish
from another is alike for all things (a flat surface gets its shading, a rim its light), so a U-Net (Ronneberger 2015;
from picture to picture as in pix2pix, Isola 2017) can learn it from the pairs that are known.

A U-Net alone leaves a shadow of the shading on what shall be flat: no pixel knows the mean of its surface. So the
restyler divides a picture into regions and can give each of them one colour.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from .layers import FilmNorm

REGIONS = 24

class Restyler(nn.Module):
    """U-Net over premultiplied RGBA, which says what changes and how flat it is.

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
        # A pixel's region goes by what the U-Net saw there, and by its colour before and after.
        self.seen = nn.Conv2d(widths[0], 64, 3, padding=1)
        self.region = nn.Sequential(nn.Conv2d(16 + 4 + 4, 48, 1), nn.GELU(), nn.Conv2d(48, REGIONS, 1))
        self.flatness = nn.Linear(2 * style_dim, 1)

    def begin(self) -> None:
        """Drawings stay as they are, but half flat: regions that hardly show would learn nothing."""
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.flatness.weight)
        nn.init.normal_(self.region[-1].weight, std=1.2)  # wide: regions that differ from the first step on

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
        x = F.gelu(x)
        changed = drawings + F.pixel_shuffle(self.out(x).float(), 2)
        regions = self.region(torch.cat([F.pixel_shuffle(self.seen(x), 2), 4 * drawings - 2, 4 * changed - 2], 1))
        flatness = (4 * self.flatness(styles).float()).sigmoid()  # steep: it has to move within a short phase
        return changed.lerp(flattened(changed, regions.float().softmax(1)), flatness[..., None, None])


def flattened(pictures: torch.Tensor, regions: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W), shares of R regions in each pixel (N, R, H, W) -> (N, C, H, W): every region in its mean colour."""
    of_pixels = regions.flatten(2)
    shares = of_pixels / (of_pixels.sum(2, keepdim=True) + 1e-3)  # of each pixel in its region
    with torch.autocast(pictures.device.type, enabled=False):  # bf16 has too few shades for a colour
        colours = pictures.flatten(2) @ shares.mT
        return (colours @ of_pixels).view_as(pictures)


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
