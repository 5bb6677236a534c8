"""Figures of a checkpoint: the suites together, and a sheet of pictures to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from PIL import Image

from ..images import grid
from ..worlds.protocol import Judge
from .fidelity import fidelity_suite
from .free import free_suite
from .korean import korean_suite
from .retrieval import name_rows, retrieval_rows
from .scenes import CEILING, MODEL, POOL, render_all, scene_sets, scenes_suite, showpiece
from .tables import table
from .unseen import unseen_suite
from .words import words_suite

if TYPE_CHECKING:
    from ..pipeline import GanDprPipeline

SUITES = ("scenes", "free", "retrieval", "fidelity", "unseen", "words", "korean")
JUDGED = {"scenes", "free", "unseen", "words", "korean"}  # the suites that need somebody who reads pictures


def evaluate(
    pipeline: GanDprPipeline,
    suite: Literal["scenes", "free", "retrieval", "fidelity", "unseen", "words", "korean", "all"] = "scenes",
    seeds: int = 4,
    limit: int | None = None,
    best_of: int = 1,
    progress: Callable[[str], None] | None = None,
    judge: Judge | None = None,
    core: bool = False,
) -> dict:
    """Measure a checkpoint on the world that it was trained on. The same call gives the same figures.

    What needs a judge is measured on the part of the world that the judge can read.

    Args:
        pipeline: the loaded checkpoint.
        suite: "scenes" is SceneEval; "free" diversity, KID and memorisation; "retrieval" recall and MRR; "fidelity"
            the distance to the one right picture; "unseen" held-out drawings and mixes; "words" prompts in
            people's own words; "korean" prompts in Korean beside the same in English; "all" the seven.
        seeds: pictures per caption in SceneEval, "words" and "korean"; the other suites have numbers of their own.
        limit: at most so many captions a split, and a smaller pool for the baseline: quick, less exact.
        best_of: above 1, SceneEval has rows of the best-scored picture of so many beside those of the first.
        progress: gets a line before each slow part, and the table at the end.
        judge: None takes the world's own.
        core: measure everything on that part, so that models of larger and smaller worlds compare.

    Returns:
        {"suite", "checkpoint", "rows": [...], "baselines": {name: [...]}, "showpiece": {...}, "judge": {...},
        "columns": [...], "remarks": [...]}, ready for JSON. Each row names its "suite". Baselines have rows of the
        same form: "ceiling" are real renders under the same judge. "showpiece" is None in a world without one;
        "columns" are the world's attributes.

    Raises:
        ValueError: an argument out of range, or a world without the judge that the suite needs.
        FileNotFoundError: no judge.
    """
    if suite not in (*SUITES, "all"):
        raise ValueError(f"Unknown suite {suite!r}: choose one of {', '.join(SUITES)}, all.")
    if seeds < 1 or best_of < 1 or (limit is not None and limit < 1):
        raise ValueError("seeds, best_of and limit must be at least 1.")
    world, judged = pipeline.world, pipeline.world.judged()
    wanted = SUITES if suite == "all" else (suite,)
    say = progress or (lambda line: None)
    judge = (judge or world.judge()) if JUDGED & set(wanted) else None
    if judged is None and core or (judge is None or judged is None) and JUDGED & set(wanted):
        raise ValueError(f"Nobody can judge what this model draws: its world ({world.kind}) has no judge.")
    world = judged if core else world
    rows, remarks = [], []
    baselines: dict[str, list[dict]] = {CEILING: []} if judge else {}
    shown = None
    if "scenes" in wanted:
        sets, missing = scene_sets(judged, limit)
        remarks += missing
        baselines = scenes_suite(
            pipeline, judge, sets, judged, seeds, say, min(POOL, 50 * limit) if limit else POOL, best_of
        )
        rows += baselines.pop(MODEL)
        shown = showpiece(pipeline, judge, judged)
    if "free" in wanted:
        figures, ceilings, more = free_suite(pipeline, judge, judged, limit, say)
        rows += figures
        baselines[CEILING] += ceilings
        remarks += more
    if "retrieval" in wanted:
        say("retrieval: captions and real renders, both ways")
        rows += retrieval_rows(pipeline, world, scene_sets(world, limit)[0])
        say("retrieval: bare names")
        rows += name_rows(pipeline, world, limit)
    if "fidelity" in wanted:
        figures, more = fidelity_suite(pipeline, world, limit, say)
        rows += figures
        remarks += more
    if "unseen" in wanted:
        figures, ceilings, more = unseen_suite(pipeline, judge, judged, limit, say)
        rows += figures
        baselines[CEILING] += ceilings
        remarks += more
    if "words" in wanted:
        figures, ceilings, more = words_suite(pipeline, judge, judged, limit, seeds, say)
        rows += figures
        baselines[CEILING] += ceilings
        remarks += more
    if "korean" in wanted:
        figures, more = korean_suite(pipeline, judge, world, judged, limit, seeds, say)
        rows += figures
        remarks += more
    result = {
        "suite": suite,
        "checkpoint": pipeline.name,
        "rows": rows,
        "baselines": baselines,
        "showpiece": shown,
        "judge": judge.facts if judge else {},
        "columns": list(world.attributes),
        "remarks": list(dict.fromkeys(remarks)),
    }
    say(table(result))
    return result


def figure(pipeline: GanDprPipeline, n: int = 64, columns: int = 8) -> Image.Image:
    """An unpicked sheet: real render and, to its right, the picture drawn with seed 0, for `n` held-out captions.

    The captions are the first of each held-out split in turn.
    """
    world = pipeline.world
    sets, missing = scene_sets(world, n)
    held_out = [part for part in sets if part.split == "heldout"]
    if not held_out:
        raise ValueError("; ".join(["This checkpoint's world holds nothing out", *missing]))
    pairs = [
        (part.captions[i].scene, part.texts[i])
        for i in range(max(len(part.texts) for part in held_out))
        for part in held_out
        if i < len(part.texts)
    ][:n]
    real = render_all(world, [scene for scene, _ in pairs], pipeline.image_size)
    # One call a caption: each gets seed 0, as `generate CAPTION` does.
    drawn = np.stack(
        [
            np.asarray(pipeline(text, generator=torch.Generator().manual_seed(0)).images[0])
            for _, text in pairs
        ]
    )
    return grid(np.stack([real, drawn], 1).reshape(-1, *real.shape[1:]), columns=2 * columns)
