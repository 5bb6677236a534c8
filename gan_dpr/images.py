"""Pixels in [-1, 1] <-> bytes, and grids of pictures."""

import numpy as np
import torch
from PIL import Image


def to_pixels(images: np.ndarray | torch.Tensor) -> torch.Tensor:
    """(N, S, S, 3) uint8 -> (N, 3, S, S) float32 in [-1, 1]."""
    if isinstance(images, np.ndarray):
        images = torch.from_numpy(np.ascontiguousarray(images))
    return images.permute(0, 3, 1, 2).float() / 127.5 - 1


def to_uint8(pixels: torch.Tensor) -> np.ndarray:
    """(N, 3, S, S) in [-1, 1] -> (N, S, S, 3) uint8; what lies outside is clipped."""
    scaled = (pixels.detach().float() * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).cpu().numpy()


def grid(images: np.ndarray, columns: int, gap: int = 2, scale: int = 1) -> Image.Image:
    """(N, S, S, 3) uint8 -> one picture, row by row, enlarged by a whole number of times without smoothing."""
    n, size = len(images), images.shape[1] * scale
    rows = -(-n // columns)
    sheet = Image.new("RGB", (columns * (size + gap) - gap, rows * (size + gap) - gap), "white")
    for i, array in enumerate(images):
        tile = Image.fromarray(array).resize((size, size), Image.Resampling.NEAREST)
        sheet.paste(tile, ((i % columns) * (size + gap), (i // columns) * (size + gap)))
    return sheet
