"""What English makes of a name: its article and its other number.

inflect knows them, and takes four seconds to import. So what it says of all words of the tables lies in english.json
(`python -m gan_dpr.worlds.emoji.english` writes it anew), and it is asked of other words alone.
"""

import json
from functools import cache
from importlib import resources
from typing import Any

from .attributes import TABLE
from .concepts import CONCEPTS

# What names of taught things may begin with, in the place of an article: "my small red dog".
DETERMINERS = ("my", "our", "your", "his", "her", "their", "the")
_BARE = frozenset(name for concept in CONCEPTS.values() for name in concept.bare)
_STORED = resources.files(__package__).joinpath("english.json")
# Endings of plurals and of what they are made from, as WordNet's own rules have them (morphy(7WN)).
_PLURALS = (("ies", "y"), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("men", "man"),
            ("s", ""))  # fmt: skip


def with_article(phrase: str, noun: str) -> str:
    """ "red apple" -> "a red apple", "red my dog" -> "my red dog"; without an article where the noun takes none."""
    determiner, _, rest = noun.partition(" ")
    if rest and determiner in DETERMINERS:
        return f"{determiner} {phrase.replace(f'{determiner} ', '', 1)}"
    return phrase if noun in _BARE else f"{_article(phrase.split()[0])} {phrase}"


@cache
def _article(word: str) -> str:
    """ "an" hourglass, "a" unicorn: as it sounds."""
    return _stored()["articles"].get(word) or _inflected_article(word)


def in_other_number(name: str) -> str:
    """ "fox" -> "foxes", "cherries" -> "cherry"; what has but one number stays as it is."""
    return _stored()["numbers"].get(name) or _inflected_number(name)


def singulars(name: str) -> list[str]:
    """What a word may be the plural of, by its ending: "foxes" -> ["fox", "foxe"]."""
    return [name.removesuffix(many) + one for many, one in _PLURALS if name.endswith(many)]


def is_plural(name: str) -> bool:
    """Whether "their" and not "its" stands for it."""
    return name in _BARE and name.endswith("s")


@cache
def _stored() -> dict[str, dict[str, str]]:
    return json.loads(_STORED.read_text(encoding="utf-8"))


@cache
def _inflect() -> Any:
    import inflect

    engine = inflect.engine()
    engine.defan("SUV")
    return engine


def _inflected_article(word: str) -> str:
    return _inflect().a(word).split()[0]


def _inflected_number(name: str) -> str:
    return _inflect().singular_noun(name) or name if name in _BARE else _inflect().plural_noun(name)


def inflected() -> dict[str, dict[str, str]]:
    """What english.json has: inflect's words for the tables'."""
    names = dict.fromkeys(name for concept in CONCEPTS.values() for name in (concept.name, *concept.synonyms))
    said = [words for attribute in TABLE for value in attribute.values.values() for words in value.shown]
    first = sorted({words.split()[0] for words in (*names, *said) if words[:1].isalnum()})
    return {
        "articles": {word: _inflected_article(word) for word in first},
        "numbers": {name: _inflected_number(name) for name in names},
    }


if __name__ == "__main__":
    from pathlib import Path

    text = json.dumps(inflected(), ensure_ascii=False, indent=0)
    Path(str(_STORED)).write_text(text + "\n", encoding="utf-8")
