"""What English makes of a name: its article and its other number."""

from functools import cache

import inflect

from .concepts import CONCEPTS

# What names of taught things may begin with, in the place of an article: "my small red dog".
DETERMINERS = ("my", "our", "your", "his", "her", "their", "the")
_BARE = frozenset(name for concept in CONCEPTS.values() for name in concept.bare)
_ENGLISH = inflect.engine()
_ENGLISH.defan("SUV")


def with_article(phrase: str, noun: str) -> str:
    """ "red apple" -> "a red apple", "red my dog" -> "my red dog"; without an article where the noun takes none."""
    determiner, _, rest = noun.partition(" ")
    if rest and determiner in DETERMINERS:
        return f"{determiner} {phrase.replace(f'{determiner} ', '', 1)}"
    return phrase if noun in _BARE else f"{_article(phrase.split()[0])} {phrase}"


@cache
def _article(word: str) -> str:
    """ "an hourglass", "a unicorn": as it sounds."""
    return _ENGLISH.a(word).split()[0]


def in_other_number(name: str) -> str:
    """ "fox" -> "foxes", "cherries" -> "cherry"; what has but one number stays as it is."""
    return _ENGLISH.singular_noun(name) or name if name in _BARE else _ENGLISH.plural_noun(name)


def singular(name: str) -> str:
    """ "spaniels" -> "spaniel"; what is one already stays."""
    return _ENGLISH.singular_noun(name) or name


def is_plural(name: str) -> bool:
    """Whether "their" and not "its" stands for it."""
    return name in _BARE and name.endswith("s")
