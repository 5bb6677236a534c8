"""The words suite: prompts as people type them. Does the picture show all that each of them names?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..worlds.protocol import Caption, Judge, World
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
    right = shown_of(pipeline, judge, world, [prompt.caption for prompt in prompts], seeds)
    rows = []
    for split, unusual in (("own words", (False, True)), ("usual words", (False,)), ("unusual words", (True,))):
        chosen = [i for i, prompt in enumerate(prompts) if prompt.unusual in unusual]
        if chosen:
            read = np.mean([prompts[i].read == prompts[i].caption.mentioned for i in chosen])
            rows.append(row("words", split, world, [right[i] for i in chosen]) | {"read": rounded(read)})
    return rows, []


def shown_of(
    pipeline: GanDprPipeline, judge: Judge, world: World, prompts: list[Caption], seeds: int
) -> list[dict[str, np.ndarray]]:
    """Of each prompt, for each attribute that it names and for "all" of them: which of its pictures show it, (seeds,)
    bool.
    """
    words = judge.read(draw(pipeline, [prompt.text for prompt in prompts], seeds)).words
    return [right_of(world, words, prompt, slice(i * seeds, (i + 1) * seeds)) for i, prompt in enumerate(prompts)]


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
