"""The words suite: prompts as people type them. Does the picture show all that each of them names?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..worlds.protocol import Judge, OwnPrompt, World
from .scenes import draw
from .statistics import rounded, rounded_ci

if TYPE_CHECKING:
    from ..pipeline import GanDprPipeline

MISSING = "no rows of own words: this world has no prompts in people's own words"


def words_suite(
    pipeline: GanDprPipeline,
    judge: Judge,
    world: World,
    limit: int | None,
    seeds: int,
    progress: Callable[[str], None],
) -> tuple[list[dict], list[str]]:
    """Rows of all prompts, of those in usual words, and of those with words that training never shows; remarks.

    A row has the share of right pictures by attribute and of all that a prompt names ("all", with its interval over
    prompts), and "read": of how many prompts the world's rules read everything that they name.
    """
    own = world.own_prompts()
    prompts = [prompt for unusual in (False, True) for prompt in [p for p in own if p.unusual is unusual][:limit]]
    if not prompts:
        return [], [MISSING]
    progress(f"own words: {len(prompts)} prompts, {seeds} pictures each")
    words = judge.read(draw(pipeline, [prompt.caption.text for prompt in prompts], seeds)).words
    right = [right_of(world, words, prompt, slice(i * seeds, (i + 1) * seeds)) for i, prompt in enumerate(prompts)]
    rows = []
    for split, unusual in (("own words", (False, True)), ("usual words", (False,)), ("unusual words", (True,))):
        chosen = [i for i, prompt in enumerate(prompts) if prompt.unusual in unusual]
        if chosen:
            rows.append(row(split, world, [prompts[i] for i in chosen], [right[i] for i in chosen]))
    return rows, []


def right_of(world: World, words: dict[str, np.ndarray], prompt: OwnPrompt, part: slice) -> dict[str, np.ndarray]:
    """For each attribute that a prompt names, and for "all" of them, which of its pictures are right: (k,) bool."""
    scene, named = prompt.caption.scene, prompt.caption.mentioned
    right = {name: words[name][part] == world.word(scene, name) for name in world.attributes if name in named}
    return right | {"all": np.logical_and.reduce(list(right.values()))}


def row(split: str, world: World, prompts: list[OwnPrompt], right: list[dict[str, np.ndarray]]) -> dict:
    """One row of the JSON."""
    figures: dict = {"suite": "words", "split": split, "attribute": None, "n": len(prompts)}
    figures["pictures"] = sum(len(found["all"]) for found in right)
    for name in (*world.attributes, "all"):
        shares = [found[name].mean() for found in right if name in found]
        if shares:
            figures[name] = rounded(np.mean(shares))
    figures["all_ci"] = rounded_ci(np.array([found["all"].mean() for found in right]))
    figures["read"] = rounded(np.mean([prompt.read == prompt.caption.mentioned for prompt in prompts]))
    return figures
