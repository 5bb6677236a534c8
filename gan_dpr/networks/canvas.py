"""Codes -> a drawing: the part of the generator that has nearly all of its parameters."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from .layers import ACTIVATIONS, GeneratorBlock

MANY = 128  # pictures, from which on the head gains by bf16


class Canvas(nn.Module):
    """Linear head -> a map of `base` px -> (conv block, upsample) x n -> sub-pixel convolution (Shi 2016) -> drawing.

    A parameter of the head costs one multiplication a picture, one of a convolution at 32 px a thousand. So the head
    makes a large map of few channels at once, and what was a long way up becomes two convolutions that refine it.
    The full resolution is reached by a rearrangement; with a loss at full resolution it draws no checkerboard.
    """

    def __init__(self, code_dim: int, hidden_dim: int, depth: int, base: int, head_channels: int, widths: list[int],
                 norm: str, activation: str, conditioning: str, outputs: int):  # fmt: skip
        super().__init__()
        act = ACTIVATIONS[activation]
        self.base = base
        sides = [code_dim, *[hidden_dim] * depth]
        hidden = [layer for before, after in pairwise(sides) for layer in (nn.Linear(before, after), act())]
        self.head = nn.Sequential(*hidden, nn.Linear(hidden_dim, head_channels * base**2))
        film = code_dim if conditioning == "film" else None
        self.blocks = nn.ModuleList(
            GeneratorBlock(before, after, norm, activation, film)
            for before, after in zip([head_channels, *widths], widths, strict=False)
        )
        self.out = nn.Conv2d(widths[-1], 4 * outputs, 3, padding=1)

    def begin(self) -> None:
        """Grey, half transparent drawings that the text hardly changes."""
        self.out.weight.mul_(0.3)

    def forward(self, design: torch.Tensor, finish: torch.Tensor) -> torch.Tensor:
        """What the head draws and what the convolutions make of it, (N, code_dim) each -> (N, outputs, S, S).

        Unbounded. In training both are the same code.
        """
        return self.refined(self.sketched(design), finish)

    def sketched(self, design: torch.Tensor) -> torch.Tensor:
        """(N, code_dim) -> the head's map, what is where: (N, base * base * head_channels)."""
        # Of a few in float32: casting the head's weights and their gradient would take longer than multiplying.
        device = design.device.type
        with torch.autocast(device, enabled=torch.is_autocast_enabled(device) and len(design) >= MANY):
            return self.head(design.float())

    def refined(self, sketch: torch.Tensor, finish: torch.Tensor) -> torch.Tensor:
        """A map of the head, and a code (N, code_dim) that says its colours -> (N, outputs, S, S), unbounded."""
        # Channels are the head's fastest axis: so the map is channels-last without being moved.
        x = sketch.view(len(sketch), self.base, self.base, -1).permute(0, 3, 1, 2)
        for i, block in enumerate(self.blocks):
            if i > 0:
                x = F.interpolate(x, scale_factor=2.0, mode="bilinear")
            x = block(x, finish)
        return F.pixel_shuffle(self.out(x), 2)
