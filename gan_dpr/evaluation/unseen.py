"""The unseen suite: drawings that training never shows, and what lies between those that it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..worlds.protocol import Caption, Drawings, Judge, Scene, World
from .features import MISSING as NO_FEATURES
from .features import kernel_distance, load_features
from .fidelity import distance_inside, insides, nearest
from .scenes import TEST_SEED, agreement, draw, of_ceiling, render_all, row
from .statistics import rounded, rounded_ci

if TYPE_CHECKING:
    from ..pipeline import GanDprPipeline

UNSEEN_SEEDS = 4
MIXES = 512
WALKS, FRAMES = 32, 16
MISSING = "no rows of unseen drawings: this world holds no drawing out"


def unseen_suite(
    pipeline: GanDprPipeline, judge: Judge, world: World, limit: int | None, progress: Callable[[str], None]
) -> tuple[list[dict], list[dict], list[str]]:
    """The model's rows, the judge's on the real drawings, and remarks on what was left out.

    A row for each split of held-out drawings, each of which is drawn UNSEEN_SEEDS times: what the judge reads;
    `l1` of `distance_inside` to the true drawing, beside `l1_nearest_other`, that of the nearest other drawing of
    the same thing; and `nearer`, the share of pictures of which the true drawing is the nearest of these. Then the
    row of `mixes`.
    """
    drawings = world.drawings()
    if drawings is None:
        return [], [], [MISSING]
    rows, ceilings, remarks = [], [], []
    for split in world.held_out:
        captions = [c for c in drawings.plain_captions(split) if len(_of_same_thing(world, drawings, c)) > 1][:limit]
        if not captions:
            continue
        progress(f"unseen {split}: {len(captions)} drawings, {UNSEEN_SEEDS} pictures each")
        ceiling, figures = _unseen_rows(pipeline, judge, world, drawings, split, captions)
        ceilings.append(ceiling)
        rows.append(figures)
    if not rows:
        remarks.append(MISSING)
    n = min(MIXES, limit or MIXES)
    pairs = drawings.plain_pairs(n, TEST_SEED)
    if not pairs:
        return rows, ceilings, [*remarks, "no mixes: this world has no drawings that are alike in all but the thing"]
    progress(f"unseen: {len(pairs)} halfway mixes, {min(WALKS, n)} interpolations of {FRAMES} frames")
    figures, missing = mixes(pipeline, world, pairs)
    return [*rows, figures], ceilings, remarks + missing


def _unseen_rows(
    pipeline: GanDprPipeline, judge: Judge, world: World, drawings: Drawings, split: str, captions: list[Caption]
) -> tuple[dict, dict]:
    size = pipeline.image_size
    drawn = draw(pipeline, [world.told(caption).text for caption in captions], UNSEEN_SEEDS)
    real = render_all(world, [caption.scene for caption in captions], size)
    made = [
        {"suite": "unseen"} | row("heldout", split, agreement(world, judge.read(images).words, captions))
        for images in (real, drawn)
    ]
    inside = insides(drawings, captions, size)
    repeated = [np.repeat(part, UNSEEN_SEEDS, axis=0) for part in (real, inside)]
    distances = distance_inside(drawn, *repeated).reshape(-1, UNSEEN_SEEDS)
    others, nearer = [], []
    for i, caption in enumerate(captions):
        known = _of_same_thing(world, drawings, caption)
        pictures = render_all(world, known, size)
        own = known.index(caption.scene)
        mine = drawn[i * UNSEEN_SEEDS : (i + 1) * UNSEEN_SEEDS]
        nearer.append((nearest(mine, pictures) == own).mean())
        rest = np.delete(pictures, own, axis=0)
        others.append(distance_inside(rest, *(np.repeat(p[i : i + 1], len(rest), 0) for p in (real, inside))).min())
    ceiling, figures = made
    figures |= {
        "of_ceiling": of_ceiling(world, figures, ceiling),
        "l1": rounded(distances.mean()),
        "l1_ci": rounded_ci(distances.mean(1)),
        "l1_nearest_other": rounded(np.mean(others)),
        "nearer": rounded(np.mean(nearer)),
        "nearer_ci": rounded_ci(np.array(nearer)),
    }
    return ceiling, figures


def _of_same_thing(world: World, drawings: Drawings, caption: Caption) -> list[Scene]:
    """All drawings of what the caption is about, rendered in the same way; its own is among them."""
    main = world.attributes[0]
    thing = world.value(caption.scene, main)
    return [scene for scene in drawings.rivals(caption.scene) if world.value(scene, main) == thing]


def mixes(
    pipeline: GanDprPipeline, world: World, pairs: list[tuple[Caption, Caption]]
) -> tuple[dict, list[str]]:
    """KID of the pictures halfway between two captions, and how evenly pictures change on the way.

    `kid` compares with the real drawings of all the captions; `kid_ends` does so for the pictures of the captions
    themselves, which halfway is measured by. `smoothness` is the mean distance between neighbouring frames over that
    of the ends, 1 / (FRAMES - 1) for a plain cross-fade: what wanders has more.
    """
    texts = [tuple(world.told(caption).text for caption in pair) for pair in pairs]
    halfway = [pipeline.combine(list(pair), [0.5, 0.5], seed=k)[0] for k, pair in enumerate(texts)]
    drawn = np.stack([np.asarray(image) for image in halfway])
    captions = list({caption.text: caption for pair in pairs for caption in pair}.values())
    steps = []
    for k, pair in enumerate(texts[:WALKS]):
        frames = np.stack([np.asarray(f) for f in pipeline.interpolate(list(pair), steps=FRAMES, seed=k)]).astype(int)
        steps.append((np.abs(np.diff(frames, axis=0)).mean(), np.abs(frames[-1] - frames[0]).mean()))
    neighbours, ends = np.array(steps).T
    figures = {"suite": "unseen", "split": "mixes", "attribute": None, "n": len(pairs)}
    figures["smoothness"] = rounded((neighbours / np.maximum(ends, 1e-9)).mean())
    network = load_features()
    if network is None:
        return figures, [NO_FEATURES]
    real = network.of(render_all(world, [caption.scene for caption in captions], pipeline.image_size))
    ends = network.of(draw(pipeline, [world.told(caption).text for caption in captions], 1))
    figures |= kernel_distance(real, network.of(drawn))
    return figures | {"kid_ends": kernel_distance(real, ends)["kid"]}, []
