"""What several seeds show of one arm beside another, and what they do not."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .measures import Measure

Result = dict[str, Any]  # as `arms.run_job` writes it


@dataclass(frozen=True)
class Figure:
    """One measure of one arm: a value for each seed that has one."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @property
    def spread(self) -> float:
        """From the least to the greatest seed."""
        return max(self.values) - min(self.values)


def figures_of(results: Iterable[Result], arm: str) -> dict[str, Figure]:
    """Of one arm, every measure that a seed has."""
    found = [r["figures"] for r in sorted(results, key=lambda r: r["told"]["seed"]) if r["told"]["arm"]["name"] == arm]
    names = dict.fromkeys(name for figures in found for name in figures)
    return {name: Figure(tuple(figures[name] for figures in found if name in figures)) for name in names}


def verdict(measure: Measure, here: Figure, there: Figure) -> str:
    """What seeds show of an arm beside another one: "better", "worse", "different", "no difference" or "unknown".

    A difference of the means that is not above the larger of both spreads is none that the seeds show. One seed has
    no spread, and so shows nothing.
    """
    if len(here.values) < 2 or len(there.values) < 2:
        return "unknown"
    if abs(here.mean - there.mean) <= max(here.spread, there.spread):
        return "no difference"
    if measure.better == "neither":
        return "different"
    return "better" if measure.worth(here.mean) > measure.worth(there.mean) else "worse"
