"""Retrieval between captions and real renders, both ways, and by bare names. No judge: the scenes say what is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..worlds.naming import Naming
from ..worlds.protocol import Caption, World, satisfies
from .scenes import SceneSet, draw, render_all, scene_sets
from .statistics import rounded, rounded_ci

if TYPE_CHECKING:
    from ..pipeline import GanDprPipeline

CUTOFFS = (1, 5, 10)
NAME_SEEDS = 4  # pictures that are drawn for each bare name
TO_IMAGE, TO_TEXT = "text_to_image", "image_to_text"


def first_right_rank(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Rank (from 1) of the best right answer of each query; a wrong one with the same score goes before it.

    Args:
        scores: (Q, G) similarity of queries and gallery.
        right: (Q, G) bool, at least one a row.
    """
    if not right.any(1).all():
        raise ValueError("every query needs at least one right answer in the gallery")
    best = np.where(right, scores, -np.inf).max(1, keepdims=True)
    return 1 + (~right & (scores >= best)).sum(1)


def matches(world: World, captions: list[Caption]) -> np.ndarray:
    """(N, N) bool: the picture of scene j shows all that caption i says, and so is a right answer."""
    return np.array([[satisfies(world, other.scene, caption) for other in captions] for caption in captions])


def retrieval_rows(pipeline: GanDprPipeline, world: World, sets: list[SceneSet]) -> list[dict]:
    """Recall at 1, 5, 10 and mean reciprocal rank, text to image and back.

    The held-out scenes whose captions fix the same attributes are one gallery; `attribute` names what they hold out.
    """
    galleries: dict[tuple, list[SceneSet]] = {}
    for part in sets:
        galleries.setdefault((part.split, part.captions[0].mentioned), []).append(part)
    rows = []
    for (split, _), parts in galleries.items():
        captions = [caption for part in parts for caption in part.told]
        texts = pipeline.encode_text([caption.text for caption in captions])
        pictures = render_all(world, [caption.scene for caption in captions], pipeline.image_size)
        images = pipeline.encode_image(pictures)
        scores, right = texts @ images.T, matches(world, captions)
        attribute = ", ".join(part.attribute for part in parts if part.attribute) or None
        for direction, ranks in (
            (TO_IMAGE, first_right_rank(scores, right)),
            (TO_TEXT, first_right_rank(scores.T, right.T)),
        ):
            rows.append(_row(split, attribute, direction, ranks))
    return rows


def _row(split: str, attribute: str | None, direction: str, ranks: np.ndarray) -> dict:
    found = {"suite": "retrieval", "split": split, "attribute": attribute, "direction": direction, "n": len(ranks)}
    found |= {f"recall_at_{k}": rounded((ranks <= k).mean()) for k in CUTOFFS}
    return found | {"mrr": rounded((1 / ranks).mean()), "recall_at_1_ci": rounded_ci(ranks <= 1)}


def name_rows(pipeline: GanDprPipeline, world: World, limit: int | None = None) -> list[dict]:
    """What bare names find, and what is read in pictures of one thing; no rows in a world without names.

    "bare name": the rank of the first right picture of the gallery, and "bare Korean name" where the world's guide has
    such. "real drawing", "real scene" and "drawn picture": the rank of the right thing among all, in each of the
    world's drawings, shown plainly; in real pictures of test captions; and in pictures drawn for bare names. All three
    by the world's describer, which may have the drawings themselves to compare with; and by the names alone.
    `attribute` names the splits that hold the drawings out. At most `limit` names, and drawings of a split, are tried.
    """
    names = world.names()
    if not names:
        return []
    naming, main = Naming(names, pipeline.name_vectors, pipeline.scale), world.attributes[0]
    things = list(names)[:limit]
    plainest = [names[thing][0] for thing in things]

    gallery = world.gallery()
    pictures = np.stack([world.gallery_picture(entry, pipeline.image_size) for entry in gallery])
    images = pipeline.encode_image(pictures)
    right = np.array([[entry["concept"] == thing for entry in gallery] for thing in things])
    asked, guide = {"bare name": plainest}, world.guide()
    if guide is not None:
        asked["bare Korean name"] = [guide.korean_names[thing] for thing in things]
    rows = [
        _row(split, None, TO_IMAGE, first_right_rank(pipeline.encode_text(texts) @ images.T, right))
        for split, texts in asked.items()
    ]

    def read(split: str, attribute: str | None, pictures: np.ndarray, shown: list) -> None:
        truth = np.array([[thing == other for other in naming.things] for thing in shown])
        for way, found in (
            (split, pipeline.describer.probabilities(pictures)),
            (f"{split}, names alone", naming.probabilities(pipeline.encode_image(pictures))),
        ):
            rows.append(_row(way, attribute, TO_TEXT, first_right_rank(found, truth)))

    drawings = world.drawings()
    for splits in ((("iid",), world.held_out) if drawings else ()):
        known = {split: drawings.plain_captions(split)[:limit] for split in splits}
        scenes = [caption.scene for captions in known.values() for caption in captions]
        if scenes:
            held_out = ", ".join(split for split in known if known[split] and split != "iid") or None
            shown = [world.value(scene, main) for scene in scenes]
            read("real drawing", held_out, render_all(world, scenes, pipeline.image_size), shown)
    scenes = [caption.scene for part in scene_sets(world, limit)[0] if part.split == "iid" for caption in part.captions]
    read("real scene", None, render_all(world, scenes, pipeline.image_size), [world.value(s, main) for s in scenes])
    drawn = draw(pipeline, plainest, NAME_SEEDS)
    read("drawn picture", None, drawn, [thing for thing in things for _ in range(NAME_SEEDS)])
    return rows
