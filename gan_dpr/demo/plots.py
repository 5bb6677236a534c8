"""Small line charts as SVG text: they redraw twice a second without flicker and need no plotting library."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..training.balance import HEALTHY, StepStats
from ..training.losses import LN2
from .words import say

CSS = """
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(270px, 1fr)); gap: 10px; }
.plots figure { margin: 0; padding: 8px 10px 4px; border-radius: 12px;
  background: var(--block-background-fill); border: 1px solid var(--border-color-primary); }
.plots figcaption { display: flex; flex-wrap: wrap; gap: 0 12px; font-size: .8rem; }
.plots figcaption b { margin-right: auto; font-weight: 600; }
.plots svg { display: block; width: 100%; height: auto; }
.plots text { font-size: 10px; fill: var(--body-text-color-subdued); }
.plots .axis { stroke: var(--border-color-primary); stroke-width: 1; }
.plots .rule { stroke: var(--body-text-color-subdued); stroke-width: 1; stroke-dasharray: 4 3; }
.plots .zone { fill: var(--good); opacity: .1; }
.plots .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
.plots .band { opacity: .16; stroke: none; }
.plots .g { stroke: var(--ink-g); } .plots .d { stroke: var(--ink-d); } .plots .n { stroke: var(--good); }
.plots .band.d { fill: var(--ink-d); }
.plots span.g { color: var(--ink-g); } .plots span.d { color: var(--ink-d); }
.plots span.n { color: var(--good); }
.plots .before { stroke-dasharray: 3 3; opacity: .6; }
.plots p { grid-column: 1 / -1; margin: 0; font-size: .85rem; color: var(--body-text-color-subdued); }
"""

POINTS = 160
WIDTH, HEIGHT = 320, 128
LEFT, RIGHT, TOP, BOTTOM = 34, 6, 8, 18


@dataclass(frozen=True)
class Line:
    """A series of StepStats: the field, its words in the legend and its ink (g, d or n)."""

    field: str
    name: str
    ink: str


@dataclass(frozen=True)
class Chart:
    """Lines over the steps. `limits` fixes the y axis, `rule` is dashed, `zone` a shaded healthy range."""

    title: str
    lines: tuple[Line, ...]
    limits: tuple[float, float] | None = None
    rule: tuple[float, str] | None = None
    zone: tuple[float, float] | None = None
    quartiles: tuple[str, str] | None = None
    logarithmic: bool = False


CHARTS = (
    Chart("Reconstruction error", (Line("reconstruction", "drawings of G", "g"),)),
    Chart("Losses", (Line("loss_d", "L_D", "d"), Line("loss_g", "L_G", "g")), rule=(LN2, "ln 2")),
    Chart("Win share m of D", (Line("win_share", "m", "d"),), limits=(0, 1), zone=HEALTHY),
    Chart(
        "Score gap, real − fake",
        (Line("gap", "median", "d"),),
        rule=(0, "0"),
        quartiles=("gap_q25", "gap_q75"),
    ),
    Chart("Gradient norms", (Line("grad_norm_d", "D", "d"), Line("grad_norm_g", "G", "g")), logarithmic=True),
    Chart("Recall@1 in the batch", (Line("recall_at_1", "real pictures", "n"),), limits=(0, 1)),
    Chart("Penalties", (Line("r1", "R1, real", "d"), Line("r2", "R2, fake", "g")), logarithmic=True),
)


@dataclass(frozen=True)
class Kept:
    """An earlier run, drawn dashed behind the present one."""

    name: str
    history: Sequence[StepStats]


def plots(history: Sequence[StepStats], kept: Kept | None = None) -> str:
    """All charts of a run as HTML; steps are averaged into at most POINTS points."""
    charts = "".join(draw(chart, history, kept.history if kept else ()) for chart in CHARTS)
    key = f"<p>{say('Dashed: run A, {name}.', name=html.escape(kept.name))}</p>" if kept else ""
    return f'<div class="plots">{key}{charts}</div>'


def draw(chart: Chart, history: Sequence[StepStats], before: Sequence[StepStats] = ()) -> str:
    """One chart as an HTML figure, with another run's lines behind. Values that are not finite are left out."""
    steps, steps_before = (bucket_means(run, "step") for run in (history, before))
    series = {line: bucket_means(history, line.field) for line in chart.lines}
    behind = {line: bucket_means(before, line.field) for line in chart.lines}
    edges = [bucket_means(history, field) for field in chart.quartiles or ()]
    shown = [v for values in [*series.values(), *behind.values(), *edges] for v in values if _drawable(v, chart)]
    low, high = chart.limits or _limits(shown, chart)
    together = [*steps, *steps_before]
    first, last = (min(together), max(together)) if len(together) > 1 else (0, 1)

    def x(step: float) -> float:
        return LEFT + (step - first) / max(last - first, 1) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        bottom, top, at = (math.log10(v) if chart.logarithmic else v for v in (low, high, value))
        share = min(max((at - bottom) / (top - bottom), 0), 1)
        return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)

    def stretches(values: Sequence[float], steps: Sequence[float] = steps) -> list[list[str]]:
        """Points, apart wherever nothing was measured in between."""
        made: list[list[str]] = [[]]
        for step, value in zip(steps, values, strict=True):
            if _drawable(value, chart):
                made[-1].append(f"{x(step):.1f},{y(value):.1f}")
            elif made[-1]:
                made.append([])
        return [points * 2 if len(points) == 1 else points for points in made if points]  # one point is a dot

    parts = []
    if chart.zone:
        top, bottom = y(chart.zone[1]), y(chart.zone[0])
        parts.append(
            f'<rect class="zone" x="{LEFT}" width="{WIDTH - LEFT - RIGHT}" y="{top}" height="{bottom - top}"/>'
        )
    for tick in (low, high) if chart.logarithmic else (low, (low + high) / 2, high):
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text x="{LEFT - 4}" y="{y(tick) + 3:.1f}" text-anchor="end">{_number(tick)}</text>')
    if chart.rule and low <= chart.rule[0] <= high:
        at = y(chart.rule[0])
        parts.append(f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{WIDTH - RIGHT}" y="{at - 3:.1f}" text-anchor="end">{chart.rule[1]}</text>')
    for below, above in zip(*map(stretches, edges), strict=True) if edges else ():
        parts.append(f'<polygon class="band d" points="{" ".join(below + above[::-1])}"/>')
    for kind, lines, along in (("line before", behind, steps_before), ("line", series, steps)):
        for line, values in lines.items():
            for points in stretches(values, along):
                parts.append(f'<polyline class="{kind} {line.ink}" points="{" ".join(points)}"/>')
    for step, anchor in ((first, "start"), (last, "end")):
        place = x(step)
        parts.append(f'<text x="{place:.1f}" y="{HEIGHT - 5}" text-anchor="{anchor}">{step:.0f}</text>')
    alt = say("{title} over the steps", title=say(chart.title))
    legend = "".join(
        f'<span class="{line.ink}">{say(line.name)} {_latest(series[line])}</span>' for line in chart.lines
    )
    return (
        f"<figure><figcaption><b>{say(chart.title)}</b>{legend}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{alt}">'
        f"{''.join(parts)}</svg></figure>"
    )


def bucket_means(history: Sequence[StepStats], field: str) -> list[float]:
    """Means of a field over at most POINTS runs of equal length; NaN where a run has no finite value."""
    size = -(-len(history) // POINTS) or 1
    means = []
    for start in range(0, len(history), size):
        values = [getattr(stats, field) for stats in history[start : start + size]]
        finite = [value for value in values if math.isfinite(value)]
        means.append(sum(finite) / len(finite) if finite else math.nan)
    return means


def _drawable(value: float, chart: Chart) -> bool:
    return math.isfinite(value) and (value > 0 or not chart.logarithmic)


def _limits(values: Sequence[float], chart: Chart) -> tuple[float, float]:
    """Room for all values and the rule; a logarithmic axis goes from one power of ten to another."""
    if chart.logarithmic:
        low, high = (min(values), max(values)) if values else (0.1, 10)
        low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))
        return (low, high) if high > low else (low, low * 10)
    values = [*values, chart.rule[0]] if chart.rule else values
    low, high = (min(values), max(values)) if values else (0, 1)
    pad = (high - low) * 0.08 or 0.5
    return low - pad if low < 0 else min(low, 0), high + pad


def _latest(values: Sequence[float]) -> str:
    finite = [value for value in values if math.isfinite(value)]
    return _number(finite[-1]) if finite else ""


def _number(value: float) -> str:
    """At most six letters: there is no room for more beside an axis."""
    if abs(value) >= 10_000:
        return f"{value:.1e}".replace("e+0", "e").replace("e+", "e")
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
