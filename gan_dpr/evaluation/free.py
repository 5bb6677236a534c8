"""The free suite: captions that leave to the noise what they can, for diversity, KID and memorisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..worlds.protocol import Caption, Drawings, Judge, World
from .features import MISSING, kernel_distance, load_features, precision_recall_coverage
from .fidelity import distance_inside, grown, nearest, sharpness, thumbnail_side
from .scenes import TEST_SEED, agreement, draw, render_all, row
from .statistics import rounded

if TYPE_CHECKING:
    from ..pipeline import GanDprPipeline

FREE_CAPTIONS, FREE_SEEDS = 100, 16
TRAINING_RENDERS = 4000  # among which the nearest to a drawn picture is sought


def diversity(features: Tensor, per_caption: int) -> float:
    """Mean of 1 - cosine over all pairs of pictures of one caption; features (N, D), caption by caption."""
    groups = F.normalize(features, dim=1).view(-1, per_caption, features.shape[1])
    # The sum of all pairs' cosines is |sum of the vectors|^2, less the pairs of each picture with itself.
    cosines = (groups.sum(1).square().sum(1) - per_caption) / (per_caption * (per_caption - 1))
    return float(1 - cosines.mean())


def distinct(words: np.ndarray, per_caption: int) -> float:
    """Mean number of different words among the pictures of one caption; words (N,), caption by caption."""
    return float(np.mean([len(set(group)) for group in words.reshape(-1, per_caption)]))


def nearest_distance(images: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """(N,) root mean square difference (of 255) to the nearest of `pool`; both (any, S, S, 3) uint8."""
    left, right = (torch.from_numpy(part.reshape(len(part), -1)).float() for part in (images, pool))
    return (torch.cdist(left, right).min(1).values / left.shape[1] ** 0.5).numpy()


def nearest_figures(world: World, drawings: Drawings, captions: list[Caption], drawn: np.ndarray) -> dict[str, float]:
    """How near the pictures are to the nearest real picture that their caption is true of, and how sharp.

    Args:
        world, drawings: whose captions they are.
        captions: short ones.
        drawn: (len(captions) * k, S, S, 3) uint8, caption by caption.

    Returns:
        `l1`, `thumbnail` and `sharpness` as in the fidelity suite.
    """
    size, seeds = drawn.shape[1], len(drawn) // len(captions)
    real, outlines = [], []
    for i, caption in enumerate(captions):
        scenes = drawings.completions(caption)
        pictures = render_all(world, scenes, size)
        found = nearest(drawn[i * seeds : (i + 1) * seeds], pictures)
        real.append(pictures[found])
        outlines += [drawings.outline(scenes[k], size) for k in found]
    real, inside = np.concatenate(real), grown(np.stack(outlines))
    distance = distance_inside(drawn, real, inside).mean()
    return {
        "l1": rounded(distance),
        "thumbnail": rounded(thumbnail_side(distance, real, inside)),
        "sharpness": rounded(sharpness(drawn, real, inside)),
    }


def free_suite(
    pipeline: GanDprPipeline,
    judge: Judge,
    world: World,
    limit: int | None,
    progress: Callable[[str], None],
    seeds: int = FREE_SEEDS,
    training_renders: int = TRAINING_RENDERS,
) -> tuple[list[dict], list[dict], list[str]]:
    """The model's row, the ceiling's row and remarks on what was left out; no rows without short captions.

    Real pictures of a caption are renders of `seeds` random scenes that satisfy it. Memorisation compares how
    far drawn pictures are from the nearest of `training_renders` other renders with how far those real ones
    are: a model that copies is nearer.
    """
    size = pipeline.image_size
    captions = world.short_captions(min(FREE_CAPTIONS, limit or FREE_CAPTIONS), TEST_SEED + 1)
    if not captions:
        return [], [], ["no free row: this world has no captions that leave anything open"]
    progress(f"free: {len(captions)} captions, {seeds} pictures each")
    rng = np.random.default_rng([TEST_SEED, 2])
    real = render_all(world, [other for c in captions for other in world.alternatives(c, seeds, rng)], size)
    drawn = draw(pipeline, [world.told(caption).text for caption in captions], seeds)
    readings = {"drawn": judge.read(drawn), "real": judge.read(real)}
    rows = {
        name: {"suite": "free"} | row("free", None, agreement(world, reading.words, captions))
        for name, reading in readings.items()
    }
    figures, remarks = rows["drawn"], []
    drawings = world.drawings()
    if drawings:
        progress("free: the nearest of all pictures that each caption is true of")
        figures["nearest"] = nearest_figures(world, drawings, captions, drawn)

    network = load_features()
    if network:
        progress("EfficientNet-Lite0 features")
        features = {"drawn": network.of(drawn), "real": network.of(real)}
        figures |= kernel_distance(features["real"], features["drawn"])
        figures |= precision_recall_coverage(features["real"], features["drawn"])
    else:
        remarks.append(MISSING)
        features = {name: torch.from_numpy(reading.features) for name, reading in readings.items()}
    spread = {name: diversity(values, seeds) for name, values in features.items()}
    figures["diversity"] = {
        "features": "efficientnet-lite0" if network else "judge",
        **{name: rounded(value) for name, value in spread.items()},
        "of_real": rounded(spread["drawn"] / spread["real"]) if spread["real"] else None,
        "distinct": {
            attribute: {name: rounded(distinct(r.words[attribute], seeds)) for name, r in readings.items()}
            for attribute in sorted(world.open_attributes - captions[0].mentioned)
        },
    }
    pool = render_all(world, world.scenes(training_renders, rng), size)
    near = {"drawn": nearest_distance(drawn, pool), "real": nearest_distance(real, pool)}
    figures["memorisation"] = {
        "training_renders": len(pool),
        **{f"{name}_median": rounded(np.median(values)) for name, values in near.items()},
        "drawn_nearer_than_real_p1": rounded((near["drawn"] < np.percentile(near["real"], 1)).mean()),
    }
    return [figures], [rows["real"]], remarks
