"""Intervals for means over scenes."""

import numpy as np

BOOTSTRAPS = 2000


def bootstrap_ci(values: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95% percentile interval of the mean of (n,) values, one a scene, by resampling scenes (Efron 1979)."""
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(
            f"an interval needs one value a scene in a row, not an array of shape {values.shape}"
        )
    chosen = np.random.default_rng(seed).integers(len(values), size=(BOOTSTRAPS, len(values)))
    low, high = np.percentile(values[chosen].mean(1), (2.5, 97.5))
    return float(low), float(high)


def rounded(value: float) -> float:
    """Four decimals: more than 1,200 pictures can tell apart."""
    return round(float(value), 4)


def rounded_ci(values: np.ndarray) -> list[float]:
    """`bootstrap_ci` as it stands in the JSON."""
    return [rounded(bound) for bound in bootstrap_ci(values)]
