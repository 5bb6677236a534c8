"""From raw results to docs/study.md: tables, plots and answers. A pure function of the results; nothing is trained."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..files import replacing, write_json
from .measures import MEASURES, Measure
from .plan import Arm, Question
from .plots import plot
from .verdicts import Figure, Result, figures_of, verdict

MARK = "<!-- Written by python -m gan_dpr study from study/*.json: not this file is to be changed. -->"
OPENINGS = {
    "better": "better with", "worse": "worse with", "different": "different with",
    "no difference": "no difference that {seeds} seeds show with",
    "unknown": "a single seed, which shows nothing, of",
}  # fmt: skip
WAYS = {"lower": "↓", "higher": "↑", "one": "→ 1", "neither": ""}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def answer(question: Question, results: list[Result], name: str) -> str:
    """One sentence about one measure: which arms differ from the baseline, and by how much."""
    measure, base = MEASURES[name], figures_of(results, question.baseline).get(name)
    if base is None:
        return f"{_capital(measure.label)}: not measured for *{question.baseline}*."
    told: dict[str, list[str]] = {kind: [] for kind in OPENINGS}
    for arm in _compared(question):
        found = figures_of(results, arm.name).get(name)
        if found is not None:
            words = f"*{arm.name}* ({_number(measure, found.mean)})"
            told[verdict(measure, found, base)].append(words)
    seeds = max(len(base.values), 1)
    parts = [f"{OPENINGS[kind].format(seeds=_word(seeds))} {_listed(arms)}" for kind, arms in told.items() if arms]
    beside = f"beside *{question.baseline}* ({_number(measure, base.mean)})"
    return f"{_capital(measure.label)}, {beside}: {'; '.join(parts) or 'nothing else was measured'}."


def table(question: Question, results: list[Result]) -> str:
    """Arms by measures as Markdown: mean (least to greatest seed), in bold where better, in italics where worse."""
    names = [name for name in question.measures if any(name in r["figures"] for r in results)]
    base = figures_of(results, question.baseline)
    lines = [
        "| " + " | ".join(["arm", "steps", *(_heading(MEASURES[name]) for name in names)]) + " |",
        "|" + "---|" * (len(names) + 2),
    ]
    for arm in question.arms:
        mine = [r for r in results if r["told"]["arm"]["name"] == arm.name]
        if not mine:
            continue
        found, cells = figures_of(results, arm.name), []
        for name in names:
            cells.append(_cell(arm, question, name, found.get(name), base.get(name)))
        diverged = sum(r["diverged"] is not None for r in mine)
        label = arm.name + (f" ({_word(diverged)} of {_word(len(mine))} diverged)" if diverged else "")
        steps = round(float(np.mean([r["steps"] for r in mine])))
        lines.append("| " + " | ".join([label, f"{steps:,}", *cells]) + " |")
    return "\n".join(lines)


def chapter(question: Question, results: list[Result]) -> str:
    """The question's part of the page."""
    lead, *others = [name for name in question.measures if any(name in r["figures"] for r in results)] or [None]
    parts = [f"## {question.title}", question.asks]
    if lead is not None:
        parts += [f"**Answer.** {answer(question, results, lead)}"]
    seconds = sorted({r["cpu_seconds"] for r in results if r["told"]["arm"]["name"] == question.baseline})
    seeds = len({r["told"]["seed"] for r in results})
    machines = sorted({f"{r['machine']['processor']}, PyTorch {r['machine']['torch']}" for r in results})
    parts += [
        f"![{question.title}](study/{question.name}.svg)",
        table(question, results),
        f"{_capital(_word(seeds))} seed{'s' * (seeds != 1)}; {seconds[0]:.0f} to {seconds[-1]:.0f} CPU seconds of "
        f"training for *{question.baseline}*; {_listed(machines)}." if seconds else "*The baseline is not there yet.*",
    ]  # fmt: skip
    if others:
        parts += ["\n".join(f"- {answer(question, results, name)}" for name in others)]
    parts += [f"**What would change it.** {question.limits}"]
    return "\n\n".join(parts)


def page(questions: Iterable[Question], results: dict[str, list[Result]]) -> str:
    """The whole page, of those questions that have results."""
    asked = [question for question in questions if results.get(question.name)]
    return "\n\n".join([MARK, INTRODUCTION, *(chapter(question, results[question.name]) for question in asked)]) + "\n"


INTRODUCTION = """# The study

`python -m gan_dpr study --out runs/study` trains every arm of every question below, and goes on where it was stopped.
`--only NAME` answers one of them, `--report docs` writes this page. The arms of one question have **equal CPU time**:
of the training, measured by the process's own clock, in one thread. Reading the first captions and the evaluation are
not counted, and are the same for all arms.

The world is 24 things in flat and 3D style, 32 px, every turn, tint and background, large; of six things one drawing is
held out, and of all of them pairs with a turn, tint or background. Networks are compared as training leaves them, with
the average of the generator's weights.

Tables show the mean over the seeds and, in brackets, the least and the greatest. **Bold** is better than the baseline
and *italic* worse: the means differ by more than the larger of the two spreads from the least to the greatest seed.
What differs by less is *no difference that these seeds show*. Where so many numbers are compared, some will differ by
chance; look for what the other measures say, too.

Other public GANs on the same drawings: [peers](peers.md)."""


def check_report(docs: Path) -> Path:
    """Where the page goes. ValueError where something else of that name is there."""
    target = docs / "study.md"
    if target.is_file() and not target.read_text(encoding="utf-8").startswith(MARK):
        raise ValueError(f"{target} is not a report of this command: choose another --report.")
    return target


def write_report(raw: Path, docs: Path, questions: Iterable[Question]) -> Path:
    """Read `raw`/QUESTION/*.json and write `docs`/study.md and `docs`/study/QUESTION.json and .svg; returns the page.

    Raises as `check_report`.
    """
    target = check_report(docs)
    results = {}
    for question in questions:
        arms = {arm.name for arm in question.arms}
        found = (json.loads(path.read_text(encoding="utf-8")) for path in sorted((raw / question.name).glob("*.json")))
        mine = [result for result in found if result["told"]["arm"]["name"] in arms]
        if not mine:
            continue
        results[question.name] = mine
        write_json(docs / "study" / f"{question.name}.json", mine)
        with replacing(docs / "study" / f"{question.name}.svg") as part:
            part.write_bytes(plot(question, {arm.name: figures_of(mine, arm.name) for arm in question.arms}))
    with replacing(target) as part:
        part.write_text(page(questions, results), encoding="utf-8")
    return target


def _compared(question: Question) -> list[Arm]:
    return [arm for arm in question.arms if arm.name != question.baseline]


def _cell(arm: Arm, question: Question, name: str, found: Figure | None, base: Figure | None) -> str:
    if found is None:
        return ""
    measure = MEASURES[name]
    text = _number(measure, found.mean)
    if len(found.values) > 1:
        text += f" ({_number(measure, min(found.values))} to {_number(measure, max(found.values))})"
    if arm.name == question.baseline or base is None:
        return text
    around = {"better": "**", "worse": "*"}.get(verdict(measure, found, base), "")
    return f"{around}{text}{around}"


def _heading(measure: Measure) -> str:
    return f"{measure.label} {WAYS[measure.better]}".rstrip()


def _number(measure: Measure, value: float) -> str:
    return f"{value:.{measure.digits}f}"


def _word(n: int) -> str:
    return NUMBERS[n] if n < len(NUMBERS) else str(n)


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
