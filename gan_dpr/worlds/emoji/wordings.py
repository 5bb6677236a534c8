"""How a prompt may say each attribute and each thing: patterns, made of the table's words and of the lexicon's."""

import re
from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain

from .attributes import ATTRIBUTES, TINT
from .concepts import CONCEPTS
from .english import in_other_number
from .english_words import ALSO_CALLED, BEHIND, COLOURED, COLOURS_OF_THINGS, SHADES
from .lexicon import colour_words, size_words

_THEIR = re.compile(r"\b(?:their|his|her)\b")


def plain(words: str) -> str:
    return re.sub(r"[^\w]+", " ", words.lower()).strip()


def said_words(name: str) -> dict[str, Hashable]:
    """What a prompt may say -> the attribute's value."""
    values = ATTRIBUTES[name].values
    return {plain(words).replace("grey", "gray"): value for value, has in values.items() for words in has.known}


def one_of(words: Collection[str]) -> str:
    """A regular expression for any of some plain words, longest first; "their head" and "her head" are "its head"."""
    either = "|".join(sorted(words, key=len, reverse=True))
    return re.sub(r"\bits\b", "(?:its|their|his|her)", either)


@dataclass(frozen=True)
class Way:
    """A way to say an attribute.

    Attributes:
        pattern: with a group "value" for its words.
        values: what these words stand for; None where all that the pattern finds stands for `value`.
    """

    pattern: re.Pattern
    values: dict[str, Hashable] | None
    value: Hashable = None

    def said(self, rest: str) -> Iterator[tuple[re.Match, Hashable]]:
        """Where a prompt says it, and for which value."""
        for match in self.pattern.finditer(rest):
            yield match, self.value if self.values is None else self.values[_THEIR.sub("its", match["value"])]


def _compiled(pattern: str, words: Collection[str] = ()) -> re.Pattern:
    ends = "" if "(?=" in pattern else r"\b"  # a pattern that looks ahead ends itself
    return re.compile(rf"\b{pattern.replace('{value}', f'(?P<value>{one_of(words)})')}{ends}")


@cache
def said_patterns(name: str) -> list[re.Pattern]:
    """The attribute's patterns for the words of the table."""
    return patterns_for(name, said_words(name))


def patterns_for(name: str, words: Collection[str]) -> list[re.Pattern]:
    """The attribute's patterns for some words; of a colour the last word counts: "cornflower blue"."""
    shade = ""
    if name in _COLOURED:
        shade = rf"(?:{SHADES} )*(?:(?:{one_of({*colour_words(), *said_words(name)})}) )?"
    return [_compiled(pattern.replace("{value}", shade + "{value}"), words) for pattern in ATTRIBUTES[name].patterns]


@cache
def ways(name: str) -> tuple[Way, ...]:
    """In the table's forms; in its words; in words that only the lexicon has."""
    words, values = said_words(name), ATTRIBUTES[name].values
    made = [Way(_compiled(one_of([form])), None, value) for value, has in values.items() for form in has.forms]
    made += [Way(pattern, words) for pattern in said_patterns(name)]
    lexicon = colour_words() if name in _COLOURED else size_words() if name == "size" else {}
    further = {word: value for word, value in lexicon.items() if value in values and word not in words}
    meant = further | {word: value for word, value in _colours_of_things().items() if value in values}
    if name == "background":
        made += [Way(pattern, further) for pattern in patterns_for(name, further)]
        made.append(Way(_compiled(_ON_A_COLOUR, meant), meant))
    elif further:
        others = [word for word in further if word not in CONCEPT_WORDS]  # "a banana cake" is not yellow
        made += [Way(_compiled(pattern, others), further) for pattern in _BEFORE_THE_THING[name]]
    if name == "tint":
        made += [Way(_compiled(pattern, meant), meant) for pattern in _AS_A_COLOUR]
    return tuple(made)


_COLOURED = ("tint", "background")
# A word that only the lexicon has stands before the thing, which is masked with THING, or is said to be a colour.
THING = "#"
_BEFORE_THE_THING = {
    "tint": (rf"{{value}}(?: {COLOURED})?\b(?=[\w ]*{THING})", "{value}(?=$| ?,)"),
    "size": (rf"{{value}}(?: great| big)?\b(?=[\w ]*{THING})", "{value}(?=$| ?,)"),
}
_AS_A_COLOUR = (
    rf"{{value}} (?:{COLOURED}|colou?r|hue)",
    "(?:(?:painted|dyed|tinted)(?: in)?|in|(?:in )?(?:the )?(?:colou?r|hue|shade) of(?: an?| the)?|"
    "colou?red like(?: an?| the)?) (?:ripe )?{value}s?(?=$| ?,| on | with | at )",
)
_ON_A_COLOUR = rf"(?:(?:on|with|against|in) )?(?:an? |the )?{{value}} {COLOURED} {BEHIND}"


@cache
def _colours_of_things() -> dict[str, str]:
    return {word: colour for colour, words in COLOURS_OF_THINGS.items() for word in words.split("|")}


def _concept_words() -> dict[str, str]:
    words: dict[str, str] = {}
    for key, concept in CONCEPTS.items():
        for name in (concept.name, *concept.synonyms, key):
            words.setdefault(plain(name), key)
    for key, concept in CONCEPTS.items():
        for name in (concept.name, *concept.synonyms):
            words.setdefault(plain(in_other_number(name)), key)
    for key, names in ALSO_CALLED.items():
        for name in names:
            words.setdefault(name, key)
    for name, key in [*words.items()]:
        words.setdefault(name.replace(" ", ""), key)  # "hotdog"
    # "red apple" is a red-tinted apple to whoever types it, and "small airplane" a small one; nothing is tinted black.
    told = re.compile(rf"(?:{one_of({*TINT.values, *said_words('size')})}) (?P<thing>.+)")
    return {name: key for name, key in words.items() if not ((m := told.match(name)) and m["thing"] in words)}


CONCEPT_WORDS = _concept_words()
LOOSE_NAMES = frozenset(chain.from_iterable(ALSO_CALLED.values()))
NO_NAME = re.compile(rf" (?:{COLOURED}|colou?r|sized?)\b")  # after a name: "a tomato-coloured bear"
COLOUR_PATTERN = re.compile(rf"\b(?:{one_of({*said_words('tint'), *said_words('background')})})\b")
CONCEPT_PATTERN = re.compile(rf"\b(?P<name>{'|'.join(sorted(CONCEPT_WORDS, key=len, reverse=True))})\b")
