"""What can be drawn: the concepts, their names, and the styles that each has been drawn in."""

import csv
from dataclasses import dataclass
from importlib import resources

from .attributes import STYLE


@dataclass(frozen=True)
class Concept:
    """One thing that can be drawn.

    Attributes:
        concept: its key, the CLDR short name.
        name: what captions call it.
        synonyms: what else it is called.
        bare: those of its names that take no article: plural, uncounted or a proper name.
        korean: its names in Korean, the usual one first.
        orientable: whether its upright can be seen; a concept without is only ever upright.
        core: in how small a world it is: 32 or 128 for the first so many concepts, which never change; else None.
        styles: those that have a drawing of it.
    """

    concept: str
    name: str
    synonyms: tuple[str, ...]
    bare: tuple[str, ...]
    korean: tuple[str, ...]
    orientable: bool
    core: int | None
    styles: tuple[str, ...]


def _read() -> dict[str, Concept]:
    table = resources.files(__package__).joinpath("concepts.tsv").read_text(encoding="utf-8")
    made = {}
    for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        several = {key: tuple(s for s in row[key].split(",") if s) for key in ("synonyms", "bare", "korean", "styles")}
        several["styles"] = tuple(style for style in STYLE.values if style in several["styles"])
        made[row["concept"]] = Concept(
            concept=row["concept"],
            name=row["name"],
            orientable=row["orientable"] == "True",
            core=int(row["core"]) if row["core"] else None,
            **several,
        )
    return made


CONCEPTS: dict[str, Concept] = _read()
# Named worlds: the first concepts, by whose frozen test captions models of all sizes are compared.
CORES: dict[str, tuple[str, ...]] = {
    f"core{size}": tuple(key for key, concept in CONCEPTS.items() if concept.core is not None and concept.core <= size)
    for size in (32, 128)
}
