"""What can be drawn: the concepts, their names, and the styles that each has been drawn in."""

import csv
from dataclasses import dataclass
from importlib import resources

from .attributes import STYLE


@dataclass(frozen=True)
class Concept:
    """One thing that can be drawn: its key (the CLDR short name), words for captions, styles that have it.

    `orientable`: whether its upright can be seen; a concept without is only ever upright.
    """

    concept: str
    name: str
    synonyms: tuple[str, ...]
    orientable: bool
    core32: bool
    styles: tuple[str, ...]


def _read() -> dict[str, Concept]:
    table = resources.files(__package__).joinpath("core_concepts.tsv").read_text(encoding="utf-8")
    return {
        row["concept"]: Concept(
            concept=row["concept"],
            name=row["name"],
            synonyms=tuple(s for s in row["synonyms"].split(",") if s),
            orientable=row["orientable"] == "True",
            core32=row["core32"] == "True",
            styles=tuple(style for style in STYLE.values if style in row["styles"].split(",")),
        )
        for row in csv.DictReader(table.splitlines(), delimiter="\t")
    }


CONCEPTS: dict[str, Concept] = _read()
CORE32 = tuple(name for name, concept in CONCEPTS.items() if concept.core32)
