"""Retrieval between captions and real renders, both ways. No judge: the scenes say what is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..worlds.protocol import Caption, World, satisfies
from .scenes import SceneSet, render_all
from .statistics import rounded, rounded_ci

if TYPE_CHECKING:
    from ..pipeline import GanDprPipeline

CUTOFFS = (1, 5, 10)


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
            ("text_to_image", first_right_rank(scores, right)),
            ("image_to_text", first_right_rank(scores.T, right.T)),
        ):
            found = {"suite": "retrieval", "split": split, "attribute": attribute}
            found |= {"direction": direction, "n": len(captions)}
            found |= {f"recall_at_{k}": rounded((ranks <= k).mean()) for k in CUTOFFS}
            found |= {"mrr": rounded((1 / ranks).mean()), "recall_at_1_ci": rounded_ci(ranks <= 1)}
            rows.append(found)
    return rows
