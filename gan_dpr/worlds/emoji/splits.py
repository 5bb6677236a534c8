"""The test splits of the emoji world: scenes of what training shows, and of the pairs that it holds out."""

from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .attributes import ATTRIBUTES, HOLDING_OUT, clashing
from .concepts import CONCEPTS
from .scene import Scene, drawing_split, held_out_styles, is_held_out

if TYPE_CHECKING:
    from .world import EmojiWorld

DRAWINGS = ("rendering", "drawing")  # the splits of held-out drawings
HELD_OUT = (*HOLDING_OUT, *DRAWINGS)


def scenes_of_split(world: "EmojiWorld", split: str, n: int, seed: int | list[int]) -> list[Scene]:
    """`n` scenes of a test split, always the same ones for the same world, split, n and seed.

    Args:
        world: whose concepts and values they have.
        split: "iid" (nothing held out); an attribute that holds out: that attribute's pair is held out and no other;
            or "rendering" or "drawing": the drawing is. Pairs are taken in turn from a shuffled list: all occur about
            equally often.
        n: how many.
        seed: of the generator that draws them.

    Raises ValueError for an unknown split, and where the world holds nothing out in it.
    """
    if split == "iid":
        rng = np.random.default_rng(seed)
        return [world.sample(rng) for _ in range(n)]
    if split not in HELD_OUT:
        raise ValueError(f"unknown split {split!r}: use iid, {', '.join(HELD_OUT)}")
    attribute = "style" if split in DRAWINGS else split
    pairs = _held_out_pairs(world, attribute)
    if split in DRAWINGS:
        pairs = [pair for pair in pairs if drawing_split(*pair) == split]
    if not pairs:
        raise ValueError(f"this world has no held-out {split}: give it more concepts or values")
    rng = np.random.default_rng([seed, HELD_OUT.index(split)])
    rng.shuffle(pairs)
    return [_with_held_out(world, *pairs[i % len(pairs)], attribute, rng) for i in range(n)]


def _held_out_pairs(world: "EmojiWorld", attribute: str) -> list[tuple[str, Hashable]]:
    return [
        (concept, value)
        for concept in world.concepts
        for value in (held_out_styles(concept) if attribute == "style" else world.allowed(attribute))
        if value in world.allowed(attribute) and is_held_out(concept, attribute, value)
        if attribute != "orientation" or CONCEPTS[concept].orientable
    ]


def _with_held_out(
    world: "EmojiWorld", concept: str, value: Hashable, attribute: str, rng: np.random.Generator
) -> Scene:
    # A training scene of the concept with the held-out value put in: nothing else in it is held out.
    one = replace(world, only=world.only | {"concept": (concept,)})
    while True:
        scene = one.sample(rng)
        values = {name: scene.attribute(name) for name in ATTRIBUTES} | {attribute: value}
        if not clashing(values):
            return scene.with_attribute(attribute, value)
