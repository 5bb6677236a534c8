"""The fidelity suite: how near a drawn picture is to the one right picture, read from the pixels without a judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from ..worlds.protocol import Caption, Drawings, World
from .scenes import TEST_SEED, draw, render_all
from .statistics import rounded, rounded_ci

if TYPE_CHECKING:
    from ..pipeline import GanDprPipeline

SEEN_CAPTIONS, HELD_OUT_CAPTIONS = 200, 100
SIDES = (4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40, 48, 56)  # of thumbnails, of pictures of 64
MISSING = "no fidelity rows: which picture is the right one for a caption is not known in this world"


def grown(mask: np.ndarray) -> np.ndarray:
    """(N, S, S) bool -> the same with every pixel that touches one of the mask, if only at a corner."""
    side = mask.shape[1]
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    return np.logical_or.reduce([padded[:, r : r + side, c : c + side] for r in range(3) for c in range(3)])


def shifted(images: np.ndarray) -> np.ndarray:
    """(N, S, S, 3) -> (9, N, S, S, 3): moved by up to a pixel in each direction, the edge repeated."""
    side = images.shape[1]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    return np.stack([padded[:, r : r + side, c : c + side] for r in range(3) for c in range(3)])


def distance_inside(drawn: np.ndarray, real: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """L1 (of 255) inside the object, of the nine shifts within one pixel the best.

    Args:
        drawn, real: (N, S, S, 3) uint8.
        inside: (N, S, S) bool.

    Returns:
        (N,) float32.
    """
    target = torch.from_numpy(real).float()
    weight = torch.from_numpy(inside / (3 * inside.sum((1, 2), keepdims=True)))[..., None].float()
    shifts = (torch.from_numpy(moved).float() for moved in shifted(drawn))
    return torch.stack([((moved - target).abs() * weight).sum((1, 2, 3)) for moved in shifts]).amin(0).numpy()


def thumbnails(images: np.ndarray, side: int) -> np.ndarray:
    """(N, S, S, 3) uint8 -> the same, as a thumbnail of `side` pixels a side looks that is enlarged again."""
    whole = images.shape[1:3]
    small = (Image.fromarray(image).resize((side, side), Image.Resampling.BOX) for image in images)
    return np.stack([np.asarray(image.resize(whole, Image.Resampling.BICUBIC)) for image in small])


def thumbnail_side(distance: float, real: np.ndarray, inside: np.ndarray) -> float:
    """The side of the thumbnails of `real` that are on the mean so far from them; between two sides interpolated.

    Real pictures are their own thumbnails of S pixels. What is further than the smallest thumbnail has its side.

    Args:
        distance: mean `distance_inside` of what was drawn for them.
        real: (N, S, S, 3) uint8.
        inside: (N, S, S) bool.
    """
    size = real.shape[1]
    sides = sorted({max(1, round(side * size / 64)) for side in SIDES})
    means = [distance_inside(thumbnails(real, side), real, inside).mean() for side in sides]
    # A grid that divides the picture can be a little better than a finer one that does not.
    falling = np.minimum.accumulate([*means, 0.0])
    return float(np.interp(distance, falling[::-1], [*sides, size][::-1]))


def sharpness(drawn: np.ndarray, real: np.ndarray, inside: np.ndarray) -> float:
    """Mean gradient magnitude inside the object over that of the real pictures; shapes as in `distance_inside`."""
    return float(_gradient(drawn)[inside].mean() / _gradient(real)[inside].mean())


def _gradient(images: np.ndarray) -> np.ndarray:
    """(N, S, S, 3) uint8 -> (N, S, S): length of the forward differences, mean over the channels; 0 past the edge."""
    pixels = images.astype(np.float32)
    down = np.diff(pixels, axis=1, append=pixels[:, -1:])
    across = np.diff(pixels, axis=2, append=pixels[:, :, -1:])
    return np.hypot(down, across).mean(-1)


def nearest(pictures: np.ndarray, rivals: np.ndarray) -> np.ndarray:
    """Which rival each picture is nearest to: L1 over the whole picture, of the nine shifts the best.

    (P, S, S, 3) and (R, S, S, 3) uint8 -> (P,) int.
    """
    moved, there = shifted(pictures).reshape(9 * len(pictures), -1), rivals.reshape(len(rivals), -1)
    differ = (there != there[0]).any(0)  # where all rivals are alike, a shift is as far from each of them
    alike = np.abs(moved[:, ~differ].astype(np.int16) - there[0, ~differ]).sum(1, keepdims=True, dtype=np.float32)
    here, there = (torch.from_numpy(part[:, differ]).float() for part in (moved, there))
    distances = torch.cdist(here, there, p=1) + torch.from_numpy(alike)  # (9 P, R)
    return distances.view(9, len(pictures), -1).amin(0).argmin(1).numpy()


def insides(drawings: Drawings, captions: list[Caption], size: int) -> np.ndarray:
    """(N, size, size) bool: where the captions' objects are, and a pixel around."""
    return grown(np.stack([drawings.outline(caption.scene, size) for caption in captions]))


def fidelity_suite(
    pipeline: GanDprPipeline, world: World, limit: int | None, progress: Callable[[str], None]
) -> tuple[list[dict], list[str]]:
    """A row for the seen and for each held-out split, of captions that say everything, and remarks.

    Columns: `l1` of `distance_inside` and `thumbnail`, the side of the thumbnail that is as far; `named`, the share
    of pictures of which the right drawing is the nearest of all that are rendered in the same way, and
    `named_NAME` for the world's main attribute; `sharpness`.
    """
    drawings = world.drawings()
    if drawings is None:
        return [], [MISSING]
    rows, remarks = [], []
    for split in ("iid", *world.held_out):
        n = SEEN_CAPTIONS if split == "iid" else HELD_OUT_CAPTIONS
        captions = drawings.full_captions(split, min(n, limit or n), TEST_SEED)
        if not captions:
            remarks.append(f"no fidelity row for {split}: this world has no caption there that says everything")
            continue
        progress(f"fidelity {split}: {len(captions)} captions, one picture each")
        rows.append(_row(pipeline, world, drawings, split, captions))
    return rows, remarks


def _row(
    pipeline: GanDprPipeline, world: World, drawings: Drawings, split: str, captions: list[Caption]
) -> dict:
    size, main = pipeline.image_size, world.attributes[0]
    drawn = draw(pipeline, [world.told(caption).text for caption in captions], 1)
    real = render_all(world, [caption.scene for caption in captions], size)
    inside = insides(drawings, captions, size)
    distances = distance_inside(drawn, real, inside)
    named, named_main = [], []
    for picture, caption in zip(drawn, captions, strict=True):
        rivals = drawings.rivals(caption.scene)
        found = rivals[nearest(picture[None], render_all(world, rivals, size))[0]]
        named.append(found == caption.scene)
        named_main.append(world.value(found, main) == world.value(caption.scene, main))
    return {
        "suite": "fidelity",
        "split": "iid" if split == "iid" else "heldout",
        "attribute": None if split == "iid" else split,
        "n": len(captions),
        "l1": rounded(distances.mean()),
        "l1_ci": rounded_ci(distances),
        "thumbnail": rounded(thumbnail_side(distances.mean(), real, inside)),
        "named": rounded(np.mean(named)),
        "named_ci": rounded_ci(np.array(named)),
        f"named_{main}": rounded(np.mean(named_main)),
        "sharpness": rounded(sharpness(drawn, real, inside)),
    }
