"""The words suite: prompts as people type them. Does the picture show all that each of them names?"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from ..worlds.protocol import Caption, Judge, World
from .scenes import TEST_SEED, draw, render_all
from .statistics import rounded, rounded_ci

if TYPE_CHECKING:
    from ..pipeline import GanDprPipeline

SPLITS = (
    ("own words", False, (False, True)), ("usual words", False, (False,)), ("unusual words", False, (True,)),
    ("strangers' words", True, (False, True)), ("strangers' usual words", True, (False,)),
    ("strangers' unusual words", True, (True,)),
)  # fmt: skip
MISSING = "no rows of own words: this world has no prompts in people's own words"


def words_suite(
    pipeline: GanDprPipeline,
    judge: Judge,
    world: World,
    limit: int | None,
    seeds: int,
    progress: Callable[[str], None],
) -> tuple[list[dict], list[dict], list[str]]:
    """Rows of our own prompts, of those in usual words, and of those with words that training never shows; then of
    strangers' prompts in the same way; the judge's on real renders of what the prompts say; remarks.

    A row has the share of right pictures by attribute and of all that a prompt names ("all", with its interval over
    prompts). The model's has "read": of how many prompts the world's rules read everything that they name.
    """
    own = world.own_prompts()
    prompts = [
        prompt
        for stranger, unusual in product((False, True), repeat=2)
        for prompt in [p for p in own if (p.stranger, p.unusual) == (stranger, unusual)][:limit]
    ]
    if not prompts:
        return [], [], [MISSING]
    progress(f"own words: {len(prompts)} prompts, {seeds} pictures each")
    captions, rng = [prompt.caption for prompt in prompts], np.random.default_rng([TEST_SEED, 3])
    drawn = draw(pipeline, [caption.text for caption in captions], seeds)
    scenes = [scene for caption in captions for scene in world.alternatives(caption, seeds, rng)]
    real = render_all(world, scenes, drawn.shape[1])
    right, of_real = (shown_of(judge, world, captions, pictures) for pictures in (drawn, real))
    rows, ceilings = [], []
    for split, stranger, unusual in SPLITS:
        chosen = [i for i, p in enumerate(prompts) if p.stranger is stranger and p.unusual in unusual]
        if chosen:
            read = np.mean([prompts[i].read == prompts[i].caption.mentioned for i in chosen])
            rows.append(row("words", split, world, [right[i] for i in chosen]) | {"read": rounded(read)})
            ceilings.append(row("words", split, world, [of_real[i] for i in chosen]))
    return rows, ceilings, []


def shown_of(
    judge: Judge, world: World, captions: list[Caption], pictures: np.ndarray
) -> list[dict[str, np.ndarray]]:
    """Of each caption, for each attribute that it names and for "all" of them: which of its pictures show it.

    (captions * k, S, S, 3) uint8, caption by caption -> (k,) bool each.
    """
    words, k = judge.read(pictures).words, len(pictures) // len(captions)
    return [right_of(world, words, caption, slice(i * k, (i + 1) * k)) for i, caption in enumerate(captions)]


def right_of(world: World, words: dict[str, np.ndarray], prompt: Caption, part: slice) -> dict[str, np.ndarray]:
    """The same for one prompt, of whose pictures `words[attribute][part]` were read."""
    named = [name for name in world.attributes if name in prompt.mentioned]
    right = {name: words[name][part] == world.word(prompt.scene, name) for name in named}
    return right | {"all": np.logical_and.reduce(list(right.values()))}


def row(suite: str, split: str, world: World, right: list[dict[str, np.ndarray]]) -> dict:
    """One row of the JSON: shares over prompts that name different things."""
    figures: dict = {"suite": suite, "split": split, "attribute": None, "n": len(right)}
    figures["pictures"] = sum(len(found["all"]) for found in right)
    for name in (*world.attributes, "all"):
        shares = [found[name].mean() for found in right if name in found]
        if shares:
            figures[name] = rounded(np.mean(shares))
    figures["all_ci"] = rounded_ci(np.array([found["all"].mean() for found in right]))
    return figures
