"""Words beyond the tables: what a dictionary and a survey of colour names make of them (`build_lexicon`)."""

import csv
import re
from collections.abc import Collection
from functools import cache
from importlib import resources

from .english import singulars

COLUMNS = ("attribute", "value", "words")
SEPARATOR = "|"


@cache
def _lexicon() -> dict[str, dict[str, str]]:
    """attribute -> word -> value; of a concept the keys of several, the nearest first."""
    table = resources.files(__package__).joinpath("lexicon.tsv").read_text(encoding="utf-8")
    made: dict[str, dict[str, str]] = {}
    for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        words = made.setdefault(row["attribute"], {})
        words.update(dict.fromkeys(row["words"].split(SEPARATOR), row["value"]))
    return made


def colour_words() -> dict[str, str]:
    """A name of a colour in plain letters -> the colour of this world: "vermilion" -> "red"."""
    return _lexicon()["colour"]


def size_words() -> dict[str, str]:
    """ "gargantuan" -> "large"."""
    return _lexicon()["size"]


def thing_words() -> Collection[str]:
    """All names of things that `kindred` knows."""
    return _lexicon()["concept"].keys()


def kindred(thing: str) -> tuple[str, ...]:
    """Keys of the concepts that are nearest to a thing among a dictionary's kinds, the nearest first; often none.

    Of several words the longest at the end that the dictionary has: "my happy cocker spaniel" is the spaniel.
    """
    words = re.findall(r"[^\W_]+", thing.lower())
    known = _lexicon()["concept"]
    for start in range(len(words)):
        name = " ".join(words[start:])
        for form in (name, *singulars(name)):
            if form in known:
                return tuple(known[form].split(SEPARATOR))
    return ()
