"""What an enlarged drawing is worth beside the real one of that size, and beside Lanczos."""

import hashlib
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..networks.composition import clipped, premultiplied, resampling
from ..networks.upsampler import Upsampler
from .features import kernel_distance, load_features

TILE = 128  # pixels a side of what KID's network sees at once, so that it sees every pixel


def held_out(concept: str) -> bool:
    """Whether no drawing of a concept is trained on: a tenth of all, by their hash."""
    return int.from_bytes(hashlib.sha256(concept.encode()).digest()[:4], "big") % 10 == 0


def premultiplied_drawings(drawings: np.ndarray) -> Tensor:
    """Straight RGBA (N, S, S, 4) uint8 -> (N, 4, S, S) in [0, 1], colours times alpha."""
    return premultiplied(torch.from_numpy(drawings).permute(0, 3, 1, 2).float() / 255)


def lanczos(rgba: Tensor) -> Tensor:
    """(N, 4, S, S) premultiplied -> (N, 4, 2 S, 2 S), clipped: the usual way, which knows nothing of drawings."""
    side = rgba.shape[-1]
    matrix = resampling(rgba.new_tensor(0.5), rgba.new_tensor(1.0), side, 2 * side)
    return clipped(matrix @ rgba @ matrix.mT)


def measure(upsampler: Upsampler, drawings: dict[int, np.ndarray]) -> dict[str, dict[str, dict[str, float]]]:
    """Figures by size and by way of enlarging, of drawings (N, S, S, 4) uint8 by their size S.

    Each size is made from the real drawing of half of it; the largest also from a quarter of it, by enlarging twice.
    "l1" is the mean absolute difference of premultiplied RGBA, of 255, over the whole square. "kid" compares the
    enlarged drawings with the real ones, on white, in tiles of TILE pixels; it is left out where its network is not
    installed.
    """
    features = load_features()
    small, middle, large = sorted(drawings)
    rows: dict[str, dict[str, dict[str, float]]] = {}
    real = {size: _enlarged(drawings[size], 1, lanczos) for size in (middle, large)}
    of_real = {} if features is None else {size: features.of(_tiles(pixels)) for size, pixels in real.items()}
    for name, source, size in (
        (str(middle), small, middle), (str(large), middle, large), (f"{large} from {small}", small, large)
    ):  # fmt: skip
        rows[name] = {}
        for way, enlarge in (("upsampler", upsampler.enlarged), ("lanczos", lanczos)):
            made = _enlarged(drawings[source], size // source, enlarge)
            rows[name][way] = {"l1": round(float(np.abs(made.astype(np.int16) - real[size]).mean()), 3)}
            if features is not None:
                rows[name][way] |= kernel_distance(of_real[size], features.of(_tiles(made)))
    return rows


def _enlarged(drawings: np.ndarray, factor: int, enlarge: Callable[[Tensor], Tensor]) -> np.ndarray:
    """(N, S, S, 4) straight -> (N, factor S, factor S, 4) premultiplied, uint8 both."""
    parts = []
    for start in range(0, len(drawings), 16):
        rgba = premultiplied_drawings(drawings[start : start + 16])
        for _ in range(factor.bit_length() - 1):
            rgba = enlarge(rgba)
        parts.append((255 * rgba).round().byte().permute(0, 2, 3, 1).numpy())
    return np.concatenate(parts)


def _tiles(premultiplied_rgba: np.ndarray) -> np.ndarray:
    """(N, S, S, 4) uint8 -> (M, TILE, TILE, 3) uint8 on white."""
    colour, alpha = premultiplied_rgba[..., :3], premultiplied_rgba[..., 3:]
    white = colour + (255 - alpha)
    n, side = len(white), white.shape[1]
    parts = side // TILE
    return white.reshape(n, parts, TILE, parts, TILE, 3).swapaxes(2, 3).reshape(-1, TILE, TILE, 3)
