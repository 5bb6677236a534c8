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
    """attribute -> word -> value; of things the keys of several, the nearest kinds first."""
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


def keywords() -> Collection[str]:
    """All that `keyed` knows."""
    return _lexicon()["keyword"].keys()


def kindred(thing: str) -> tuple[str, ...]:
    """Keys of the concepts that are nearest to a thing among a dictionary's kinds, the nearest first; often none."""
    return _looked_up("concept", thing)


def keyed(thing: str) -> tuple[str, ...]:
    """Keys of the concepts that have a thing among their keywords: the hot beverage for "coffee"; often none."""
    return _looked_up("keyword", thing)


def in_english(korean: str) -> str | None:
    """The English word for a Korean one that is no name here: "flower" for "꽃"; None where there is none."""
    return _lexicon()["korean"].get(" ".join(korean.split()))


def _looked_up(attribute: str, thing: str) -> tuple[str, ...]:
    """Of several words the longest at the end that is known: "my happy cocker spaniel" is the spaniel. Then the first
    of the others: "tortoise stuck" is the tortoise.
    """
    words, known = re.findall(r"[^\W_]+", thing.lower()), _lexicon()[attribute]
    for name in (*(" ".join(words[start:]) for start in range(len(words))), *words):
        for form in (name, *singulars(name)):
            if form in known:
                return tuple(known[form].split(SEPARATOR))
    return ()
