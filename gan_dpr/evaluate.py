"""Figures of a checkpoint: SceneEval, the free suite (diversity, KID, memorisation) and retrieval."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from PIL import Image

from .evaluation.free import free_suite
from .evaluation.retrieval import retrieval_rows
from .evaluation.scenes import CEILING, MODEL, POOL, render_all, scene_sets, scenes_suite, showpiece
from .images import grid
from .worlds.protocol import Judge, World

if TYPE_CHECKING:
    from .pipeline import GanDprPipeline

SUITES = ("scenes", "free", "retrieval")


def evaluate(
    pipeline: GanDprPipeline,
    suite: Literal["scenes", "free", "retrieval", "all"] = "scenes",
    seeds: int = 4,
    limit: int | None = None,
    best_of: int = 1,
    progress: Callable[[str], None] | None = None,
    judge: Judge | None = None,
) -> dict:
    """Measure a checkpoint on the world that it was trained on. The same call gives the same figures.

    Args:
        pipeline: the loaded checkpoint.
        suite: "scenes" is SceneEval; "free" diversity, KID and memorisation; "retrieval" recall and MRR;
            "all" the three.
        seeds: pictures per caption in SceneEval; the free suite always draws 16.
        limit: at most so many captions a split, and a smaller pool for the baseline: quick, less exact.
        best_of: above 1, SceneEval has rows of the best-scored picture of so many beside those of the first.
        progress: gets a line before each slow part, and the table at the end.
        judge: None loads the shipped one.

    Returns:
        {"suite", "checkpoint", "rows": [...], "baselines": {name: [...]}, "showpiece": {...}, "judge": {...},
        "remarks": [...]}, ready for JSON. Rows of SceneEval come first, then the free suite's (split "free"),
        then retrieval's (which have a "direction"). Baselines have rows of the same form: "ceiling" are real
        renders under the same judge. "showpiece" is None in a world without elephants.

    Raises:
        ValueError: an argument out of range, or a checkpoint that was not trained on emoji scenes.
        FileNotFoundError: no judge.
    """
    if suite not in (*SUITES, "all"):
        raise ValueError(f"Unknown suite {suite!r}: choose one of {', '.join(SUITES)}, all.")
    if seeds < 1 or best_of < 1 or (limit is not None and limit < 1):
        raise ValueError("seeds, best_of and limit must be at least 1.")
    world = _world(pipeline)
    wanted = SUITES if suite == "all" else (suite,)
    say = progress or (lambda line: None)
    result = {
        "suite": suite,
        "checkpoint": pipeline.name,
        "rows": [],
        "baselines": {},
        "showpiece": None,
        "judge": {},
        "columns": list(world.attributes),
        "remarks": [],
    }
    if set(wanted) & {"scenes", "free"}:
        judge = judge or world.judge()
        result["judge"] = judge.facts
        result["baselines"] = {CEILING: []}
    sets, missing = scene_sets(world, limit)
    if "scenes" in wanted:
        result["remarks"] += missing
        rows = scenes_suite(
            pipeline, judge, sets, world, seeds, say, min(POOL, 50 * limit) if limit else POOL, best_of
        )
        result["showpiece"] = showpiece(pipeline, judge, world)
        result["rows"] += rows.pop(MODEL)
        result["baselines"] = rows
    if "free" in wanted:
        figures, ceiling, remarks = free_suite(pipeline, judge, world, limit, say)
        result["rows"].append(figures)
        result["baselines"][CEILING].append(ceiling)
        result["remarks"] += remarks
    if "retrieval" in wanted:
        say("retrieval: captions and real renders, both ways")
        result["rows"] += retrieval_rows(pipeline, world, sets)
    say(table(result))
    return result


def table(figures: dict) -> str:
    """The rows of `evaluate`'s result as Markdown: the ceiling first, shuffled captions last."""
    judged = [
        (name, row)
        for name in dict.fromkeys((CEILING, MODEL, *figures["baselines"]))
        for row in (figures["rows"] if name == MODEL else figures["baselines"].get(name, []))
        if "direction" not in row
    ]
    lines = []
    if judged:
        columns = [name for name in figures["columns"] if any(name in row for _, row in judged)] + ["all"]
        lines += [_line("", "split", *columns, "all, 95%"), _line(*["---"] * (len(columns) + 3))]
    for name, row in judged:
        shares = [f"{row[column]:.2f}" if column in row else "" for column in columns]
        split = " ".join(filter(None, (row["split"], row["attribute"])))
        lines.append(_line(name.replace("_", " "), split, *shares, "{:.2f} to {:.2f}".format(*row["all_ci"])))
    shown = figures["showpiece"]
    if shown:
        lines += ["", f"\"{shown['prompt']}\": {shown['right']} of {shown['pictures']} pictures."]
    found = [row for row in figures["rows"] if "direction" in row]
    if found:
        columns = ("recall_at_1", "recall_at_5", "recall_at_10", "mrr")
        lines += ["", _line("retrieval", "split", *columns), _line(*["---"] * (len(columns) + 2))]
    for row in found:
        shares = [f"{row[column]:.3f}" for column in columns]
        lines.append(_line(row["direction"].replace("_", " "), row["split"], *shares))
    return "\n".join(lines)


def figure(pipeline: GanDprPipeline, n: int = 64, columns: int = 8) -> Image.Image:
    """An unpicked sheet: real render and, to its right, the picture drawn with seed 0, for `n` held-out
    captions.

    The captions are the first of each heldout row in turn, so a third each has a held-out orientation, tint
    and background (of those that the world has).
    """
    world = _world(pipeline)
    sets, missing = scene_sets(world, n)
    held_out = [part for part in sets if part.split == "heldout"]
    if not held_out:
        raise ValueError(f"This checkpoint's world holds nothing out: {'; '.join(missing)}")
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


def _world(pipeline: GanDprPipeline) -> World:
    """The model's world, if it has a judge: else there is nothing to compare pictures with. Raises ValueError."""
    if pipeline.world.judge() is None:
        raise ValueError("This checkpoint was not trained on emoji scenes, so there is nothing to compare it with.")
    return pipeline.world


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
