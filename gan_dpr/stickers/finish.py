"""Margin, white outline and soft shadow of a sticker, all as shares of its side."""

import math

import torch
import torch.nn.functional as F
from PIL import Image

from .alone import over

MARGIN = 1 / 32  # 16 px of 512: what WhatsApp asks for
OUTLINE = 1 / 64  # 8 px of 512: what WhatsApp advises
SHADOW_ROOM = 1 / 32
SHADOW_BLUR = SHADOW_DROP = 1 / 96
SHADOW_ALPHA = 0.35


def inner_side(size: int, outline: bool, shadow: bool) -> int:
    """Pixels that are left for the object in a sticker of `size` pixels a side."""
    around = MARGIN + OUTLINE * outline + SHADOW_ROOM * shadow
    return size - 2 * round(size * around)


def finished(objects: torch.Tensor, size: int, outline: bool, shadow: bool) -> list[Image.Image]:
    """Objects (N, 4, inner, inner) premultiplied, of `inner_side` -> N stickers, RGBA of `size` pixels a side."""
    objects = objects.float().cpu()
    around = (size - objects.shape[-1]) // 2
    made = F.pad(objects, (around,) * 4)
    if outline:
        alpha = spread(made[:, 3:], max(1, round(size * OUTLINE)))
        made = over(made, alpha.expand(-1, 4, -1, -1))  # white is as much of each colour as of alpha
    if shadow:
        dropped = made[:, 3:].roll(round(size * SHADOW_DROP), dims=2)
        alpha = SHADOW_ALPHA * blurred(dropped, size * SHADOW_BLUR)
        made = over(made, torch.cat([torch.zeros_like(made[:, :3]), alpha], 1))
    colour, alpha = made.split([3, 1], dim=1)
    straight = torch.cat([colour / alpha.clamp(min=1e-6), alpha], 1)
    pixels = (255 * straight).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(array, "RGBA") for array in pixels]


def spread(alpha: torch.Tensor, radius: int) -> torch.Tensor:
    """(N, 1, H, W) -> the same: of each pixel the greatest alpha within `radius` pixels."""
    padded, height = F.pad(alpha, (0, 0, radius, radius)), alpha.shape[2]
    # Rows reach the farther to both sides the nearer they are, so each is widened by the steps of all after it.
    reaches = [math.isqrt(radius**2 - row**2) for row in range(radius + 1)] + [0]
    widest = alpha
    for row in range(radius + 1):
        for first in (radius - row, radius + row):
            widest = widest.maximum(padded[:, :, first : first + height])
        if step := reaches[row] - reaches[row + 1]:
            widest = F.max_pool2d(widest, (1, 2 * step + 1), stride=1, padding=(0, step))
    return widest


def blurred(alpha: torch.Tensor, deviation: float) -> torch.Tensor:
    """(N, 1, S, S) -> the same, by a Gaussian of `deviation` pixels; beyond the edge there is nothing."""
    places = torch.arange(alpha.shape[-1])
    weights = torch.exp(-0.5 * ((places[:, None] - places) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
    return weights @ alpha @ weights
