"""Codes -> a drawing: the convolutional part of the generator, in the line of DCGAN."""

import torch
import torch.nn.functional as F
from torch import nn

from .layers import ACTIVATIONS, GeneratorBlock

BASE = 8  # side of the first map


class Canvas(nn.Module):
    """Linear head -> 8 x 8 map -> (conv block, upsample) x n -> sub-pixel convolution (Shi 2016) -> drawing.

    Most of the parameters sit in the head, where one costs one multiplication a picture. The full resolution is
    reached by a rearrangement; with a loss at full resolution it draws no checkerboard.
    """

    def __init__(self, code_dim: int, hidden_dim: int, channels: list[int], norm: str, activation: str,
                 conditioning: str, outputs: int):  # fmt: skip
        super().__init__()
        act = ACTIVATIONS[activation]
        self.outputs = outputs
        self.head = nn.Sequential(
            nn.Linear(code_dim, hidden_dim), act(), nn.Linear(hidden_dim, channels[0] * BASE**2)
        )
        film = code_dim if conditioning == "film" else None
        self.blocks = nn.ModuleList(
            GeneratorBlock(before, after, norm, activation, film)
            for before, after in zip(channels[:1] + channels, channels, strict=False)
        )
        self.out = nn.Conv2d(channels[-1], 4 * outputs, 3, padding=1)

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        """(N, code_dim) -> (N, outputs, S, S), unbounded."""
        # In float32: casting the head's weights and their gradient would take longer than multiplying.
        with torch.autocast(code.device.type, enabled=False):
            x = self.head(code.float())
        x = x.view(len(code), -1, BASE, BASE).contiguous(memory_format=torch.channels_last)
        for i, block in enumerate(self.blocks):
            if i > 0:
                x = F.interpolate(x, scale_factor=2.0, mode="bilinear")
            x = block(x, code)
        return F.pixel_shuffle(self.out(x), 2)
