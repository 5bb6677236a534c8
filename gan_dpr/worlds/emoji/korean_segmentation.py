"""Word segmentation of a Korean prompt: which words it is made of, typing errors put right.

The vocabulary is closed, so no morphological analyser is needed: the cheapest division of the prompt into known words,
particles and what is left is found by dynamic programming over its syllables. Blanks only make a division cheaper or
dearer, since people set and forget them freely: "파란배경위의코끼리" is read as "파란 배경 위의 코끼리" is.
"""

import re
import unicodedata
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from rapidfuzz.distance import DamerauLevenshtein

from . import korean_words as words
from .attributes import ATTRIBUTES
from .concepts import CONCEPTS

HANGUL = re.compile(r"[\uac00-\ud7a3]")
_UNITS = re.compile(r"[\uac00-\ud7a3]|[a-z0-9]+(?:['’-][a-z0-9]+)*")
NO_GAP, BLANK, STOP = 0, 1, 2  # what stands before a unit


class _Unit(NamedTuple):
    """A syllable, or a run of Latin letters and digits; `gap` is what stands before it."""

    text: str
    gap: int


class _Word(NamedTuple):
    """An entry of the vocabulary. `blanks`: before which of its units its usual spelling has one."""

    kind: str
    value: Hashable
    units: tuple[str, ...]
    blanks: frozenset[int]


@dataclass
class Item:
    """A part of a prompt that means something, with the particles and fillers behind it.

    `english` stands for a run of Latin letters that is no word of this vocabulary.
    """

    kind: str
    value: Hashable
    text: str
    tail: list[str] = field(default_factory=list)
    stop: bool = False  # whether a comma or the like follows
    used: bool = False


def segmented(text: str) -> list[Item]:
    """What means something in a prompt, in turn."""
    return _items(_mended(_units(text)))


def korean_names(concept: str) -> tuple[str, ...]:
    """What a thing is called in Korean, the usual name first."""
    return tuple(dict.fromkeys((*words.EVERYDAY.get(concept, ()), *CONCEPTS[concept].korean)))


# ---------------------------------------------------------------- the vocabulary


def _units(text: str) -> list[_Unit]:
    text, made, end = unicodedata.normalize("NFC", text).lower(), [], 0
    for match in _UNITS.finditer(text):
        between = text[end : match.start()]
        made.append(_Unit(match[0], STOP if not made or between.strip() else BLANK if between else NO_GAP))
        end = match.end()
    return made


@cache
def _vocabulary() -> dict[str, list[_Word]]:
    """By first unit. Where two mean one word, the first of this order has it."""
    known: dict[tuple[str, ...], _Word] = {}

    def add(kind: str, value: Hashable, *spellings: str) -> None:
        for spelling in spellings:
            units = _units(spelling)
            key = tuple(unit.text for unit in units)
            blanks = frozenset(i for i, unit in enumerate(units) if i and unit.gap)
            known.setdefault(key, _Word(kind, value, key, blanks))

    for colour, forms in words.COLOURS.items():
        add("colour", colour, *forms)
    for name, values in words.VALUES.items():
        for value, forms in values.items():
            add(name, value, *forms)
    for axis, places in (("row", words.ROWS), ("column", words.COLUMNS)):
        for index, forms in places.items():
            add("place", (axis, index), *forms)
    add("place", ("middle", 1), *words.MIDDLE)
    add("midst", None, words.MIDST)
    add("background", None, *words.BACKGROUND)
    add("count", None, *words.COUNTS)
    add("filler", None, *words.FILLERS)
    tints = ATTRIBUTES["tint"].values
    qualities = {k for k, w in known.items() if w.kind in ("orientation", "size") or w.value in tints}
    names = {key: [tuple(unit.text for unit in _units(name)) for name in korean_names(key)] for key in CONCEPTS}
    nouns = {name for spelled in names.values() for name in spelled}
    for rank in range(max(map(len, names.values()))):  # every usual name before every other one
        for key, spelled in names.items():
            if rank < len(spelled) and not _is_qualified(spelled[rank], qualities, nouns):
                add("concept", key, korean_names(key)[rank])
    add("particle", None, *words.PARTICLES)
    by_first: dict[str, list[_Word]] = {}
    for word in known.values():
        by_first.setdefault(word.units[0], []).append(word)
    return by_first


def _is_qualified(name: tuple[str, ...], qualities: set, nouns: set) -> bool:
    """Whether a name is another thing's with a quality before it: "빨간 사과" is a red-tinted apple to its writer."""
    return any(name[:i] in qualities and name[i:] in nouns for i in range(1, len(name)))


# ---------------------------------------------------------------- dividing a prompt

# What the last word of a division was: known, a known thing, a known word of one syllable, a particle, unknown, a
# particle behind that.
_KNOWN, _THING, _SHORT, _PARTICLE, _UNKNOWN, _UNKNOWN_PARTICLE = range(6)
_STRANGE = (_UNKNOWN, _UNKNOWN_PARTICLE)
_COSTS = {"particle": 0.3, "filler": 0.9, "english": 1.5, "unknown": 3.0}  # 1 for any other word
_ACROSS_A_BLANK, _SHORT_THING, _LOOSE_PARTICLE, _AGAINST_THE_RULES = 0.6, 0.5, 0.5, 20.0


def _divided(units: list[_Unit]) -> list[tuple[_Word, int]]:
    """The cheapest division into words, each with where it starts."""
    n = len(units)
    best: list[dict[int, tuple[float, list]]] = [{} for _ in range(n + 1)]
    best[0] = {_KNOWN: (0.0, [])}
    for i in range(n):
        for state, (so_far, path) in best[i].items():
            for word, cost, after in _steps(units, i, state):
                j, total = i + len(word.units), so_far + cost
                if after not in best[j] or total < best[j][after][0]:
                    best[j][after] = (total, [path, (word, i)])
    path = min(best[n].values(), key=lambda found: found[0])[1]
    made = []
    while path:
        path, step = path
        made.append(step)
    return made[::-1]


def _steps(units: list[_Unit], i: int, state: int) -> Iterator[tuple[_Word, float, int]]:
    """Each word that may start at unit i behind a word of some state: itself, its cost, and the state behind it."""
    glued = units[i].gap == NO_GAP
    for word in _vocabulary().get(units[i].text, ()):
        end = i + len(word.units)
        if tuple(unit.text for unit in units[i:end]) != word.units:
            continue
        gaps = [units[k].gap for k in range(i + 1, end)]
        if STOP in gaps:
            continue
        cost = _COSTS.get(word.kind, 1.0)
        cost += _ACROSS_A_BLANK * sum(gap == BLANK and k + 1 not in word.blanks for k, gap in enumerate(gaps))
        if word.kind == "particle":
            if not glued:  # "코끼리 를": alone between two blanks
                alone = i > 0 and (end == len(units) or units[end].gap != NO_GAP)
                cost += _LOOSE_PARTICLE if alone else _AGAINST_THE_RULES
            yield word, cost, _UNKNOWN_PARTICLE if state in _STRANGE and glued else _PARTICLE
            continue
        short = len(word.units) == 1 and HANGUL.match(word.units[0]) is not None
        thing = word.kind == "concept"
        if short:  # a syllable inside another word is none: the 관 of 도서관 is no coffin
            cost += _SHORT_THING if thing else 0
            cost += _AGAINST_THE_RULES if glued and (state in _STRANGE or (thing and state == _THING)) else 0
        yield word, cost, _SHORT if short else _THING if thing else _KNOWN
    latin = not HANGUL.match(units[i].text)
    cost = _COSTS["english" if latin else "unknown"]
    if not latin and glued and state in (_SHORT, _UNKNOWN_PARTICLE):
        cost += _AGAINST_THE_RULES
    yield _Word("english" if latin else "unknown", None, (units[i].text,), frozenset()), cost, (
        _KNOWN if latin else _UNKNOWN
    )


def _items(units: list[_Unit]) -> list[Item]:
    """What means something, in turn; particles and fillers go with what they follow."""
    made: list[Item] = []
    end = 0
    for word, start in _divided(units):
        gap = units[start].gap
        if made and gap == STOP:
            made[-1].stop = True
        text = "".join(" " * (k > 0 and units[start + k].gap > 0) + u for k, u in enumerate(word.units))
        if word.kind in ("particle", "filler"):
            if made:
                made[-1].tail.append(text)
                if made[-1].kind == "unknown" and gap == NO_GAP and text not in _CASES:
                    made[-1].text += text  # "춤추는" is named as a whole, "당나귀를" without its particle
        elif word.kind in ("unknown", "concept") and made and made[-1].kind == "unknown" and gap == NO_GAP:
            made[-1].text += text  # named as a whole: "플루겔호른", though a 호른 is known
            if word.kind == "concept":
                made.append(Item(word.kind, word.value, text))
        else:
            if word.kind == "unknown" and made and made[-1].kind == "concept" and gap == NO_GAP and not made[-1].tail:
                text = made[-1].text + text
            made.append(Item(word.kind, word.value, text))
        end = start + len(word.units)
    assert end == len(units)
    return made


_CASES = frozenset({"이", "가", "을", "를", "의", "에", "에서", "으로", "로", "와", "과", "도"})


# ---------------------------------------------------------------- typing errors


def _mended(units: list[_Unit]) -> list[_Unit]:
    """The prompt with words put right that miss a word of the vocabulary by one letter: "코끼라" -> "코끼리"."""
    strange = {i for word, i in _divided(units) if word.kind == "unknown"}
    made: list[_Unit] = []
    for start, end in _spaced(units):
        part = units[start:end]
        if not strange.isdisjoint(range(start, end)) and all(HANGUL.match(unit.text) for unit in part):
            part = _put_right(part)
        made += part
    return made


def _spaced(units: list[_Unit]) -> Iterator[tuple[int, int]]:
    starts = [i for i, unit in enumerate(units) if i == 0 or unit.gap != NO_GAP]
    return zip(starts, [*starts[1:], len(units)], strict=True)


def _put_right(part: list[_Unit]) -> list[_Unit]:
    text = "".join(unit.text for unit in part)
    endings = sorted((p for p in words.PARTICLES if text.endswith(p)), key=len)
    for ending in ("", *endings):
        stem = text.removesuffix(ending)
        found = _nearest(stem)
        if found:
            return [_Unit(unit, part[0].gap if i == 0 else NO_GAP) for i, unit in enumerate(found + ending)]
    return part


def _nearest(stem: str) -> str | None:
    """The one word of two syllables or more that differs from a stem in one letter; None where none or several do."""
    if len(stem) < 2:
        return None
    letters = unicodedata.normalize("NFD", stem)
    found = {meaning: spelled for spelled, apart, meaning in _spellings() if _one_letter_apart(letters, apart)}
    return next(iter(found.values())) if len(found) == 1 else None


@cache
def _spellings() -> list[tuple[str, str, tuple[str, Hashable]]]:
    """Words of two syllables or more that mean something: spelling, letters, and what they mean."""
    every = [(word, "".join(word.units)) for entries in _vocabulary().values() for word in entries]
    return [
        (spelled, unicodedata.normalize("NFD", spelled), (word.kind, word.value))
        for word, spelled in every
        if word.kind not in ("particle", "filler", "count") and len(spelled) > 1 and HANGUL.match(spelled)
    ]


def _one_letter_apart(a: str, b: str) -> bool:
    """Whether two words of six letters or more differ in one, and not in the first."""
    return min(len(a), len(b)) >= 6 and a[0] == b[0] and DamerauLevenshtein.distance(a, b, score_cutoff=1) == 1
