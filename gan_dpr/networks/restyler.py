"""A drawing in the finish of another style: for things that the memory knows in a rendering of the same design alone.

The canvas has learnt each of its drawings by heart and cannot draw one that it was never shown. What tells one finish
from another is alike for all things (a flat surface gets its shading, a rim its light), so a U-Net (Ronneberger 2015;
from picture to picture as in pix2pix, Isola 2017) can learn it from the pairs that are known.

A U-Net alone fades what it changes: where an eye lies differs a little from drawing to drawing, so that its pixels are
drawn towards the mean. So most of a change is said as what happens to colours: a bilateral grid of maps from colour to
colour (Chen 2007; learnt, as in Gharbi 2017), in which dark and light pixels of one place have maps of their own. Edges
stay where they are.

And it leaves a shadow of the shading on what shall be flat: no pixel knows the mean of its surface. So the restyler
divides a picture into regions and can give each of them one colour.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from .layers import FilmNorm

REGIONS = 24
LEVELS = 8  # of the bilateral grid, between what the guide calls dark and what it calls light
# What it learns is the mean of what may be, and a mean changes too little: at use its changes are so much larger.
EMPHASIS = 1.25


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
        self.seen = nn.Conv2d(widths[0], 64, 3, padding=1)
        # The bilateral grid, from the U-Net's smallest maps, and the level at which a pixel reads it.
        self.maps = nn.Conv2d(widths[-1], 3 * 4 * LEVELS, 1)
        self.guide = nn.Sequential(nn.Conv2d(16 + 4, 24, 1), nn.GELU(), nn.Conv2d(24, 1, 1))
        # A pixel's region goes by what the U-Net saw there, and by its colour before and after.
        self.region = nn.Sequential(nn.Conv2d(16 + 4 + 4, 48, 1), nn.GELU(), nn.Conv2d(48, REGIONS, 1))
        self.flatness = nn.Linear(2 * style_dim, 1)

    def begin(self) -> None:
        """Drawings stay as they are, but half flat: regions that hardly show would learn nothing."""
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.maps.weight)
        with torch.no_grad():
            self.maps.bias.copy_(torch.eye(3, 4)[..., None].expand(-1, -1, LEVELS).flatten())
        nn.init.zeros_(self.flatness.weight)
        nn.init.normal_(self.region[-1].weight, std=1.2)  # wide: regions that differ from the first step on

    @property
    def begun(self) -> bool:
        """Whether it has learnt anything."""
        return bool(self.out.weight.any())

    def forward(
        self, drawings: torch.Tensor, known: torch.Tensor, asked: torch.Tensor, emphasis: float = 1.0
    ) -> torch.Tensor:
        """The drawings in the style that is asked for.

        Args:
            drawings: (N, 4, S, S), premultiplied RGBA in [0, 1].
            known: codes (N, style_dim) of the styles that they are in.
            asked: codes (N, style_dim) of those that they shall be in.
            emphasis: by how much changes of colour and outline are multiplied.
        """
        styles = torch.cat([known, asked], 1)
        smallest, x = self._features(drawings, styles)
        seen = torch.cat([F.pixel_shuffle(self.seen(x), 2), 4 * drawings - 2], 1)
        grid = self.maps(smallest).float().unflatten(1, (3 * 4, LEVELS))
        maps = sliced(grid, self.guide(seen).float().tanh()).unflatten(1, (3, 4))
        # The fourth number of a map is an offset. It goes with alpha, since colours are premultiplied.
        colours = (maps * drawings[:, None]).sum(2)
        changed = torch.cat([colours, drawings[:, 3:]], 1) + F.pixel_shuffle(self.out(x).float(), 2)
        changed = drawings + emphasis * (changed - drawings)
        regions = self.region(torch.cat([seen, 4 * changed - 2], 1))
        flatness = (4 * self.flatness(styles).float()).sigmoid()  # steep: it has to move within a short phase
        return changed.lerp(flattened(changed, regions.float().softmax(1)), flatness[..., None, None])

    def _features(self, drawings: torch.Tensor, styles: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The U-Net's smallest maps, and its last ones at half of the drawings' side."""
        x = self.enter(F.pixel_unshuffle(2 * drawings - 1, 2).contiguous(memory_format=torch.channels_last))
        passed = []
        for i, block in enumerate(self.down):
            x = block(F.avg_pool2d(x, 2) if i else x, styles)
            passed.append(x)
        for block, beside in zip(self.up, passed[-2::-1], strict=True):
            x = block(torch.cat([F.interpolate(x, scale_factor=2.0, mode="bilinear"), beside], 1), styles)
        return F.gelu(passed[-1]), F.gelu(x)


def sliced(grid: torch.Tensor, guide: torch.Tensor) -> torch.Tensor:
    """A bilateral grid (N, C, L, h, w), and a guide (N, 1, H, W) in [-1, 1] -> (N, C, H, W).

    Each pixel is given what the grid has at its place and at the level that its guide says, between its eight nearest.
    """
    n, _, height, width = guide.shape
    still = torch.eye(2, 3, device=guide.device).expand(n, -1, -1)
    places = F.affine_grid(still, [n, 1, height, width], align_corners=False)
    at = torch.cat([places, guide.permute(0, 2, 3, 1)], -1)[:, None]
    return F.grid_sample(grid, at, padding_mode="border", align_corners=False)[:, :, 0]


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
