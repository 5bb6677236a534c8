"""The Korean suite: do prompts in Korean get what their English twins get?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..worlds.protocol import Judge, World
from .scenes import draw
from .statistics import rounded
from .words import row, shown_of

if TYPE_CHECKING:
    from ..pipeline import GanDprPipeline

MISSING = "no rows of Korean: this world has no prompts in Korean"


def korean_suite(
    pipeline: GanDprPipeline,
    judge: Judge,
    world: World,
    judged: World,
    limit: int | None,
    seeds: int,
    progress: Callable[[str], None],
) -> tuple[list[dict], list[str]]:
    """Rows of the Korean prompts and of their English twins, with the same seeds, and one of what is read; remarks.

    "Korean" and "English" have the shares of right pictures as the words suite has them, of the prompts of `judged`.
    "Korean as English" has "read": of how many prompts of `world` the model reads the same caption in both.
    """
    twins = world.twins()[:limit]
    if not twins:
        return [], [MISSING]
    rows = []
    for split, prompts in zip(("Korean", "English"), zip(*judged.twins()[:limit], strict=True), strict=False):
        progress(f"{split}: {len(prompts)} prompts, {seeds} pictures each")
        drawn = draw(pipeline, [prompt.text for prompt in prompts], seeds)
        rows.append(row("korean", split, judged, shown_of(judge, judged, prompts, drawn)))
    # What is understood is a canonical caption: two that say the same are the same text.
    read = np.mean([world.understood(korean.text) == world.understood(english.text) for korean, english in twins])
    figures = {"suite": "korean", "split": "Korean as English", "attribute": None, "n": len(twins)}
    return [*rows, figures | {"read": rounded(read)}], []
