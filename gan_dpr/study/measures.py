"""What a trained arm is measured by: single numbers, read from the rows of the evaluation's suites."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from ..evaluation.features import kernel_distance, load_features, precision_recall_coverage
from ..evaluation.scenes import TEST_SEED, draw, render_all, scene_sets
from ..evaluation.suites import evaluate
from ..pipeline import GanDprPipeline
from ..training.balance import StepStats
from .plan import Suite
from .stacked import Garments, stacked_rows

Row = dict[str, Any]
SCENE_SEEDS = 2  # pictures a caption in SceneEval
# Captions that a suite takes at most: an evaluation shall cost no more than the training that it is about.
LIMITS: dict[Suite, int] = {
    "scenes": 40, "free": 40, "retrieval": 200, "fidelity": 60, "unseen": 200, "distribution": 400, "swaps": 200,
}  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """One number of an arm.

    Attributes:
        label: what tables call it.
        better: which way is better; "one" where it should be 1, "neither" where it only says what happened.
        suite: where it is read.
        read: rows of the suite -> the number, None where they do not say it.
        digits: decimals in tables.
    """

    label: str
    better: Literal["lower", "higher", "one", "neither"]
    suite: Suite
    read: Callable[[list[Row]], float | None]
    digits: int = 2

    def worth(self, value: float) -> float:
        """Larger is better."""
        if self.better == "one":
            return -abs(value - 1)
        return value if self.better == "higher" else -value


def _of(
    key: str, split: str | None = None, scale: float = 1.0, baseline: str | None = None, **wanted: Any
) -> Callable[[list[Row]], float | None]:
    """Mean of an entry of the model's rows, or of a baseline's.

    Of a split ("seen", "combinations", "drawings" or "mixes") where one is named, and with all `wanted` entries.
    """
    wanted["baseline"] = baseline

    def read(rows: list[Row]) -> float | None:
        chosen = [row for row in rows if split is None or _split(row) == split]
        chosen = [row for row in chosen if all(row.get(name) == value for name, value in wanted.items())]
        found = [row[key] for row in chosen if row.get(key) is not None and np.isfinite(row[key])]
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
    "sharpness": Measure("sharpness over real", "one", "fidelity", _of("sharpness", "seen")),
    "kid": Measure("KID x 1000", "lower", "distribution", _of("kid", scale=1000), 1),
    "precision": Measure("precision", "higher", "distribution", _of("precision")),
    "recall": Measure("recall", "higher", "distribution", _of("recall")),
    "coverage": Measure("coverage", "higher", "distribution", _of("coverage")),
    "diversity": Measure("diversity over real", "one", "free", _diversity),
    "right": Measure("all that is said right", "higher", "free", _of("all")),
    "ceiling": Measure("the same of real pictures", "higher", "free", _of("all", baseline="ceiling")),
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
    "nearest_held_out": Measure(
        "the nearest training picture, held out", "higher", "scenes",
        _of("all", "combinations", baseline="nearest_training_caption"),
    ),
    "ceiling_held_out": Measure(
        "real pictures, held out", "higher", "scenes", _of("all", "combinations", baseline="ceiling")
    ),
    "swaps": Measure("swaps told apart, seen", "higher", "swaps", _of("told_apart", "seen")),
    "swaps_held_out": Measure("swaps told apart, held out", "higher", "swaps", _of("told_apart", "combinations")),
    "modes": Measure("modes of 1,000", "higher", "stacked", _of("modes", "all"), 0),
    "reverse_kl": Measure("reverse KL", "lower", "stacked", _of("reverse_kl", "all"), 3),
    "modes_right": Measure("unseen modes of 100 right", "higher", "stacked", _of("modes_right", "combinations"), 0),
    "right_unseen": Measure("right, unseen", "higher", "stacked", _of("right", "combinations")),
    "right_shown": Measure("right, shown", "higher", "stacked", _of("right", "seen")),
    "modes_right_real": Measure(
        "real: modes of the 100 right", "higher", "stacked", _of("modes_right", "combinations", baseline="real"), 0
    ),
    "right_real": Measure("real: right", "higher", "stacked", _of("right", "seen", baseline="real")),
    "kl_real": Measure("real: reverse KL", "lower", "stacked", _of("reverse_kl", "all", baseline="real"), 3),
    "win_share": Measure("m at the end", "neither", "training", _of("win_share")),
    "gap": Measure("gap at the end", "neither", "training", _of("gap")),
    "gamma": Measure("gamma at the end", "neither", "training", _of("gamma")),
}  # fmt: skip


def measured(pipeline: GanDprPipeline, suites: tuple[Suite, ...], last: list[StepStats]) -> dict[str, float]:
    """Every measure that the suites tell of a model, by name; `last` are the last steps of its training."""
    figures = {}
    for suite in suites:
        if suite == "training":
            rows = [{"split": "iid", **asdict(step)} for step in last]
        elif suite == "distribution":
            rows = distribution_rows(pipeline)
        elif suite == "swaps":
            rows = swap_rows(pipeline)
        elif suite == "stacked":
            rows = stacked_rows(pipeline, Garments.read("t10k"))
        else:
            found = evaluate(pipeline, suite, seeds=SCENE_SEEDS, limit=LIMITS[suite])
            rows = found["rows"] + [row | {"baseline": name} for name, of in found["baselines"].items() for row in of]
        for name, measure in MEASURES.items():
            value = measure.read(rows) if measure.suite == suite else None
            if value is not None:
                figures[name] = round(value, 5)
    return figures


def distribution_rows(pipeline: GanDprPipeline) -> list[Row]:
    """KID, precision, recall and coverage of a picture for each of many captions, against real pictures of others.

    The free suite has sixteen pictures a caption, which are few different ones in a small world: the balls around
    them, which reach to the fifth neighbour, would have no size.
    """
    world, network, n = pipeline.world, load_features(), LIMITS["distribution"]
    if network is None:
        return []
    captions, others = (world.test_captions("iid", n, TEST_SEED + i) for i in range(2))
    drawn = network.of(draw(pipeline, [world.told(caption).text for caption in captions], 1))
    real = network.of(render_all(world, [caption.scene for caption in others], pipeline.image_size))
    return [{"split": "iid", **kernel_distance(real, drawn), **precision_recall_coverage(real, drawn)}]


def swap_rows(pipeline: GanDprPipeline) -> list[Row]:
    """Of each split the share of captions that are nearer to their picture than their swap is.

    A swap has one thing changed that the caption says. Real pictures; half of the captions would be by chance.
    """
    world, rows = pipeline.world, []
    for part in scene_sets(world, LIMITS["swaps"])[0]:
        rng = np.random.default_rng(TEST_SEED)
        swaps = [(caption, world.swap(caption, rng)) for caption in part.told]
        pairs = [(caption, swap) for caption, swap in swaps if swap is not None]
        if not pairs:
            continue
        pictures = pipeline.encode_image(
            render_all(world, [caption.scene for caption, _ in pairs], pipeline.image_size)
        )
        own, other = (pipeline.encode_text([caption.text for caption in side]) for side in zip(*pairs, strict=True))
        nearer = ((own - other) * pictures).sum(1) > 0
        row = {"split": part.split, "attribute": part.attribute, "n": len(pairs)}
        rows.append(row | {"told_apart": float(nearer.mean())})
    return rows
