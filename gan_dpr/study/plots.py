"""A question's plot: a panel for each of its first measures, a row for each arm, a dot for each seed."""

import io

import matplotlib
from matplotlib.figure import Figure as Sheet

from .measures import MEASURES
from .plan import Question
from .verdicts import Figure

PANELS = 4
WAYS = {"lower": "(lower is better)", "higher": "(higher is better)", "one": "(1 is best)", "neither": ""}
# Half-way between black and white, so that both a light and a dark page show them; rows and shapes tell apart what
# colours would, so that grey is enough.
INK, DOTS = "#808080", "#4a86c5"


def plot(question: Question, figures: dict[str, dict[str, Figure]]) -> bytes:
    """SVG on a transparent ground; the same bytes for the same figures.

    Args:
        figures: by arm, by measure.
    """
    arms = [arm.name for arm in question.arms if figures.get(arm.name)]
    names = [name for name in question.measures if any(name in figures[arm] for arm in arms)][:PANELS]
    style = {
        "svg.fonttype": "none", "svg.hashsalt": question.name, "font.size": 9, "font.family": "sans-serif",
        "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK,
    }  # fmt: skip
    with matplotlib.rc_context(style):
        size = (2.6 + 2.1 * max(1, len(names)), 0.9 + 0.3 * max(1, len(arms)))
        sheet = Sheet(figsize=size, layout="tight")
        panels = sheet.subplots(1, max(1, len(names)), sharey=True, squeeze=False)
        for panel, name in zip(panels[0], names, strict=False):
            base = figures.get(question.baseline, {}).get(name)
            if base is not None:
                panel.axvspan(min(base.values), max(base.values), color=INK, alpha=0.25, linewidth=0)
                panel.axvline(base.mean, color=INK, linewidth=0.8, linestyle="--")
            for row, arm in enumerate(arms):
                found = figures[arm].get(name)
                if found is not None:
                    panel.plot(found.values, [row] * len(found.values), "o", color=DOTS, markersize=4)
                    panel.plot([found.mean], [row], "|", color=INK, markersize=12, markeredgewidth=1.6)
            measure = MEASURES[name]
            panel.set_xlabel(f"{measure.label}\n{WAYS[measure.better]}")
            panel.spines[["top", "right"]].set_visible(False)
        panels[0, 0].set_yticks(range(len(arms)), arms)
        panels[0, 0].invert_yaxis()
        drawn = io.BytesIO()
        sheet.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    return drawn.getvalue()
