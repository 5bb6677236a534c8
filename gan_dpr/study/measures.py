"""What a trained arm is measured by: single numbers, read from the rows of the evaluation's suites."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..evaluation.suites import evaluate
from ..pipeline import GanDprPipeline
from .plan import LIMITS, Suite

Row = dict[str, Any]
SCENE_SEEDS = 2  # pictures a caption in SceneEval


@dataclass(frozen=True)
class Measure:
    """One number of an arm.

    Attributes:
        label: what tables call it.
        better: which way is better; None where it should be 1.
        suite: where it is read.
        read: rows of the suite -> the number, None where they do not say it.
        digits: decimals in tables.
    """

    label: str
    better: Literal["lower", "higher"] | None
    suite: Suite
    read: Callable[[list[Row]], float | None]
    digits: int = 2

    def worth(self, value: float) -> float:
        """Larger is better."""
        if self.better is None:
            return -abs(value - 1)
        return value if self.better == "higher" else -value


def _of(key: str, split: str | None = None, scale: float = 1.0, **wanted: Any) -> Callable[[list[Row]], float | None]:
    """Mean of an entry of all rows of a split ("seen", "combinations" or "drawings"), with `wanted` entries too."""
    def read(rows: list[Row]) -> float | None:
        found = [
            row[key] for row in rows
            if (split is None or _split(row) == split) and all(row.get(k) == v for k, v in wanted.items())
            and row.get(key) is not None
        ]  # fmt: skip
        return scale * float(np.mean(found)) if found else None

    return read


def _split(row: Row) -> str:
    if row["split"] != "heldout":
        return {"iid": "seen"}.get(row["split"], row["split"])
    return "drawings" if row["attribute"] in ("rendering", "drawing") else "combinations"


def _diversity(rows: list[Row]) -> float | None:
    return next((row["diversity"]["of_real"] for row in rows if "diversity" in row), None)


TO_IMAGE = {"direction": "text_to_image"}
MEASURES: dict[str, Measure] = {
    "l1": Measure("L1, seen", "lower", "fidelity", _of("l1", "seen"), 1),
    "l1_held_out": Measure("L1, held-out combinations", "lower", "fidelity", _of("l1", "combinations"), 1),
    "named": Measure("right drawing nearest", "higher", "fidelity", _of("named", "seen")),
    "sharpness": Measure("sharpness over real", None, "fidelity", _of("sharpness", "seen")),
    "kid": Measure("KID x 1000", "lower", "free", _of("kid", scale=1000), 1),
    "precision": Measure("precision", "higher", "free", _of("precision")),
    "recall": Measure("recall", "higher", "free", _of("recall")),
    "coverage": Measure("coverage", "higher", "free", _of("coverage")),
    "diversity": Measure("diversity over real", None, "free", _diversity),
    "right": Measure("all that is said right", "higher", "free", _of("all")),
    "l1_unseen": Measure("L1, unseen drawings", "lower", "unseen", _of("l1", "drawings"), 1),
    "nearer": Measure("unseen: true one nearest", "higher", "unseen", _of("nearer", "drawings")),
    "kid_mixes": Measure("KID x 1000, mixes", "lower", "unseen", _of("kid", "mixes", 1000), 1),
    "smoothness": Measure("smoothness", "lower", "unseen", _of("smoothness", "mixes"), 3),
    "recall_at_1": Measure("recall@1, seen", "higher", "retrieval", _of("recall_at_1", "seen", **TO_IMAGE)),
    "recall_at_1_held_out": Measure(
        "recall@1, held out", "higher", "retrieval", _of("recall_at_1", "combinations", **TO_IMAGE)
    ),
    "mrr": Measure("MRR, seen", "higher", "retrieval", _of("mrr", "seen", **TO_IMAGE)),
    "scenes": Measure("all right, seen", "higher", "scenes", _of("all", "seen")),
    "scenes_held_out": Measure("all right, held out", "higher", "scenes", _of("all", "combinations")),
}


def measured(pipeline: GanDprPipeline, suites: tuple[Suite, ...]) -> dict[str, float]:
    """Every measure that the suites tell of a model, by name."""
    figures = {}
    for suite in suites:
        rows = evaluate(pipeline, suite, seeds=SCENE_SEEDS, limit=LIMITS[suite])["rows"]
        for name, measure in MEASURES.items():
            value = measure.read(rows) if measure.suite == suite else None
            if value is not None:
                figures[name] = round(value, 5)
    return figures
