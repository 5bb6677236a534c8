"""SceneEval: does a picture show what its caption says, on seen and on held-out combinations?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..worlds.protocol import Caption, Judge, Scene, World
from .statistics import rounded, rounded_ci

if TYPE_CHECKING:
    from ..pipeline import GanDprPipeline

TEST_SEED = 2026  # of the test scenes; the noise of the pictures starts at seed 0
IID_SCENES, HELD_OUT_SCENES = 300, 100
SHOWPIECE_SEEDS = 16
POOL = 5000  # training captions that the retrieval baseline may answer with
MODEL, CEILING = "model", "ceiling"
NEAREST, SHUFFLED = "nearest_training_caption", "shuffled_captions"


@dataclass(frozen=True)
class SceneSet:
    """Test scenes of one row. `told` are the captions that the model reads, `captions` what its pictures must show.

    `attribute` is the world's split that is held out, mostly an attribute's name; None for iid scenes.
    """

    split: str
    attribute: str | None
    captions: list[Caption]
    told: list[Caption]

    @property
    def texts(self) -> list[str]:
        return [caption.text for caption in self.told]

    @property
    def scenes(self) -> list[Scene]:
        return [caption.scene for caption in self.captions]


def scene_sets(world: World, limit: int | None = None) -> tuple[list[SceneSet], list[str]]:
    """The iid set, a set for each split that holds something out, and a line for each that the world lacks."""
    sets, missing = [], []
    for split in ("iid", *world.held_out):
        n = IID_SCENES if split == "iid" else HELD_OUT_SCENES
        try:
            captions = world.test_captions(split, min(n, limit or n), TEST_SEED)
        except ValueError as error:  # a small world has no held-out pair of some attribute
            missing.append(f"no heldout row for {split}: {error}")
            continue
        attribute = None if split == "iid" else split
        sets.append(SceneSet("heldout" if attribute else "iid", attribute, captions, [world.told(c) for c in captions]))
    return sets, missing


def draw(pipeline: GanDprPipeline, texts: list[str], seeds: int, best_of: int = 1) -> np.ndarray:
    """(len(texts) * seeds, S, S, 3) uint8, text by text; picture k has seed k, as the command line's has."""
    generator = torch.Generator().manual_seed(0)
    images = pipeline(texts, num_images_per_prompt=seeds, generator=generator, best_of=best_of).images
    return np.stack([np.asarray(image) for image in images])


def render_all(world: World, scenes: list[Scene], size: int) -> np.ndarray:
    """Clean real renders, (N, size, size, 3) uint8."""
    return np.stack([world.render(scene, size) for scene in scenes])


def agreement(world: World, words: dict[str, np.ndarray], captions: list[Caption]) -> dict[str, np.ndarray]:
    """What of the captions is right in pictures that were read as `words`.

    Args:
        world: whose captions they are.
        words: `Reading.words` of len(captions) * k pictures, caption by caption; each (len(captions) * k,).
        captions: all of which fix the same attributes.

    Returns:
        For each attribute that the captions fix, and for "all" of them together, (len(captions), k) bool.
    """
    right = {}
    for name in world.attributes:
        if name in captions[0].mentioned:
            truth = np.array([world.word(caption.scene, name) for caption in captions], dtype=object)
            right[name] = words[name].reshape(len(captions), -1) == truth[:, None]
    right["all"] = np.logical_and.reduce(list(right.values()))
    return right


def row(split: str, attribute: str | None, right: dict[str, np.ndarray]) -> dict:
    """One row of the JSON: shares of right pictures, and intervals over scenes for what counts."""
    n, pictures = right["all"].shape
    figures = {"split": split, "attribute": attribute, "n": n, "pictures": n * pictures}
    figures |= {name: rounded(values.mean()) for name, values in right.items()}
    for name in [name for name in ("all", attribute) if name in right]:  # not every split is named after an attribute
        figures[f"{name}_ci"] = rounded_ci(right[name].mean(1))
    return figures


def of_ceiling(world: World, figures: dict, ceiling: dict) -> dict[str, float]:
    """A row's shares of right pictures over those of the ceiling's row."""
    names = [*filter(lambda name: name in ceiling, world.attributes), "all"]
    return {name: rounded(figures[name] / ceiling[name]) for name in names if ceiling[name]}


def showpiece(pipeline: GanDprPipeline, judge: Judge, world: World) -> dict | None:
    """How many of SHOWPIECE_SEEDS pictures of the world's showpiece are one; None in a world without."""
    if world.showpiece is None:
        return None
    prompt, wanted = world.showpiece
    words = judge.read(draw(pipeline, [prompt], SHOWPIECE_SEEDS)).words
    right = np.logical_and.reduce([words[name] == word for name, word in wanted.items()])
    return {"prompt": prompt, "pictures": SHOWPIECE_SEEDS, "right": int(right.sum())}


def shuffled(captions: list[Caption], seed: int = TEST_SEED) -> list[Caption]:
    """Every caption in the place of another: a random cycle, so that none stays where it was."""
    order = np.random.default_rng(seed).permutation(len(captions))
    moved = list(captions)
    for here, there in zip(order, np.roll(order, 1), strict=True):
        moved[here] = captions[there]
    return moved


def nearest_training_renders(
    pipeline: GanDprPipeline, world: World, size: int, pool: int = POOL
) -> Callable[[list[str]], np.ndarray]:
    """The baseline that cannot compose: texts -> the training renders whose captions are nearest to them.

    Nearest in the model's own text embedding, the strictest choice: it separates attributes that a plain
    sentence embedding confuses.
    """
    pooled = world.test_captions("iid", pool, [TEST_SEED, 1])
    known = pipeline.encode_text([caption.text for caption in pooled])  # (pool, D)

    def answer(texts: list[str]) -> np.ndarray:
        nearest = (pipeline.encode_text(texts) @ known.T).argmax(1)
        return render_all(world, [pooled[i].scene for i in nearest], size)

    return answer


def scenes_suite(
    pipeline: GanDprPipeline,
    judge: Judge,
    sets: list[SceneSet],
    world: World,
    seeds: int,
    progress: Callable[[str], None],
    pool: int = POOL,
    best_of: int = 1,
) -> dict[str, list[dict]]:
    """Rows of the model and of what it is compared with, by name, each one a set.

    With `best_of` above 1 there are rows of the model's best-scored pictures of so many, too.
    """
    size = pipeline.image_size
    progress(f"encoding {pool} training captions for the baseline that cannot compose")
    nearest = nearest_training_renders(pipeline, world, size, pool)
    chosen = f"best_of_{best_of}"
    rows: dict[str, list[dict]] = {CEILING: [], MODEL: []}
    rows |= {name: [] for name in ([chosen] if best_of > 1 else []) + [NEAREST, SHUFFLED]}
    for part in sets:
        progress(f"{part.split} {part.attribute or ''}: {len(part.texts)} captions, {seeds} pictures each")
        drawn = judge.read(draw(pipeline, part.texts, seeds)).words
        readings = {
            CEILING: (judge.read(render_all(world, part.scenes, size)).words, part.captions),
            MODEL: (drawn, part.captions),
            NEAREST: (judge.read(nearest(part.texts)).words, part.captions),
        }
        if best_of > 1:
            readings[chosen] = (judge.read(draw(pipeline, part.texts, seeds, best_of)).words, part.captions)
        if len(part.captions) > 1:
            readings[SHUFFLED] = (drawn, shuffled(part.captions))
        for name, (words, captions) in readings.items():
            right = agreement(world, words, captions)
            rows[name].append({"suite": "scenes"} | row(part.split, part.attribute, right))
    for figures, ceiling in zip(rows[MODEL], rows[CEILING], strict=True):
        figures["of_ceiling"] = of_ceiling(world, figures, ceiling)
    return rows
