"""Reading a prompt in Korean, alone or mixed with English, and writing a caption in Korean.

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
from .attributes import ATTRIBUTES, CENTRE
from .concepts import CONCEPTS

_HANGUL = re.compile(r"[\uac00-\ud7a3]")
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
class _Item:
    """A part of a prompt that means something, with the particles and fillers behind it.

    `english` stands for a run of Latin letters that is no word of this vocabulary.
    """

    kind: str
    value: Hashable
    text: str
    tail: list[str] = field(default_factory=list)
    stop: bool = False  # whether a comma or the like follows
    used: bool = False


@dataclass(frozen=True)
class Reading:
    """What a prompt says.

    Attributes:
        parts: attribute -> value, as `prompts.read_prompt` has it.
        english: what is said in Latin letters and is still to be read.
        unknown: Korean words that were not understood, as they were written.
    """

    parts: dict[str, Hashable]
    english: str
    unknown: tuple[str, ...]


def is_korean(text: str) -> bool:
    """Whether a text has a Korean syllable, composed or not."""
    return _HANGUL.search(unicodedata.normalize("NFC", text)) is not None


def read_korean(text: str) -> Reading:
    """What a prompt in Korean, or in Korean and English, says.

    "파란 배경 위의 작은 물구나무선 코끼리" -> {"concept": "elephant", "orientation": "upside-down", "size": "small",
    "background": "blue"}
    """
    items = _items(_mended(_units(text)))
    parts: dict[str, Hashable] = {}
    _read_background(items, parts)
    thing = _read_thing(items, parts)
    _read_tint(items, parts, thing)
    _read_place(items, parts)
    for item in items:
        if item.kind in words.VALUES:
            item.used = parts.setdefault(item.kind, item.value) == item.value
    if parts.get("size") == "large":
        parts.setdefault("position", CENTRE)
    unknown = tuple(item.text for item in items if not item.used and item.kind not in ("english", "silent"))
    return Reading(parts, _english(items), unknown)


def korean_caption(attributes: dict[str, Hashable]) -> str:
    """ "파란 배경 위의 왼쪽 위에 있는 작은 거꾸로 선 빨간 코끼리" from the attributes' values; a style leads."""
    said = {name: value for name, value in attributes.items() if value is not None}
    made = []
    if "style" in said:
        made.append(f"{words.VALUES['style'][said['style']][0]} 스타일로 그린")
    if "background" in said:
        made.append(f"{words.COLOURS[said['background']][0]} 배경 위의")
    if "position" in said and said.get("size") != "large":
        made.append(f"{words.PLACES[said['position']]}에 있는")
    for name in ("size", *(name for name in words.VALUES if name not in ("size", "style"))):
        if said.get(name) not in (None, ATTRIBUTES[name].usual):
            made.append(words.VALUES[name][said[name]][0])
    if said.get("tint", "none") != "none":
        made.append(words.COLOURS[said["tint"]][0])
    made.append(korean_names(said["concept"])[0] if "concept" in said else "것")
    return " ".join(made)


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
        short = len(word.units) == 1 and _HANGUL.match(word.units[0]) is not None
        thing = word.kind == "concept"
        if short:  # a syllable inside another word is none: the 관 of 도서관 is no coffin
            cost += _SHORT_THING if thing else 0
            cost += _AGAINST_THE_RULES if glued and (state in _STRANGE or (thing and state == _THING)) else 0
        yield word, cost, _SHORT if short else _THING if thing else _KNOWN
    latin = not _HANGUL.match(units[i].text)
    cost = _COSTS["english" if latin else "unknown"]
    if not latin and glued and state in (_SHORT, _UNKNOWN_PARTICLE):
        cost += _AGAINST_THE_RULES
    yield _Word("english" if latin else "unknown", None, (units[i].text,), frozenset()), cost, (
        _KNOWN if latin else _UNKNOWN
    )


def _items(units: list[_Unit]) -> list[_Item]:
    """What means something, in turn; particles and fillers go with what they follow."""
    made: list[_Item] = []
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
                made.append(_Item(word.kind, word.value, text))
        else:
            if word.kind == "unknown" and made and made[-1].kind == "concept" and gap == NO_GAP and not made[-1].tail:
                text = made[-1].text + text
            made.append(_Item(word.kind, word.value, text))
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
        if not strange.isdisjoint(range(start, end)) and all(_HANGUL.match(unit.text) for unit in part):
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
        if word.kind not in ("particle", "filler", "count") and len(spelled) > 1 and _HANGUL.match(spelled)
    ]


def _one_letter_apart(a: str, b: str) -> bool:
    """Whether two words of six letters or more differ in one, and not in the first."""
    return min(len(a), len(b)) >= 6 and a[0] == b[0] and DamerauLevenshtein.distance(a, b, score_cutoff=1) == 1


# ---------------------------------------------------------------- what the words mean together


def _colour(item: _Item) -> str | None:
    """The colour that an item names, in English too; None where it names none, or was used already."""
    if item.used:
        return None
    if item.kind == "english":
        return next((c for c in words.COLOURS if item.text in (c, c.replace("gray", "grey"))), None)
    return item.value if item.kind == "colour" else None


def _read_background(items: list[_Item], parts: dict[str, Hashable]) -> None:
    """ "파란 배경 위의", "배경은 파란색", "파란색 위에"; its colour is used up."""
    for k, item in enumerate(items):
        behind = items[k + 1] if k + 1 < len(items) else None
        before = items[k - 1] if k else None
        if item.kind == "background" or (item.kind == "english" and item.text in ("background", "backdrop")):
            first = before if before and _colour(before) and not before.stop else None
            then = behind if behind and _colour(behind) else None
            topic = item.tail[:1] and item.tail[0] in words.TOPIC or item.stop
            thing_next = k + 2 < len(items) and items[k + 2].kind == "concept"
            if first and not (topic and then):
                chosen = first
            elif then and (topic or not item.tail or not thing_next):
                chosen = then
            else:
                chosen = None
            if chosen and (item.kind == "background" or chosen.kind == "colour"):
                _take_background(chosen, item, parts)
            elif item.kind == "background" and item.text.startswith(("배경", "바탕", "뒷배경", "화면")):
                item.kind = "silent"
            if behind and behind.text == words.ON and not item.tail and chosen is not then:
                behind.kind = "silent"
        elif behind and behind.text == words.ON and behind.tail and _colour(item) and not item.tail:
            _take_background(item, behind, parts)


def _take_background(colour: _Item, marker: _Item, parts: dict[str, Hashable]) -> None:
    value = _colour(colour)
    marker.kind, marker.used = "silent", True
    if value in ATTRIBUTES["background"].values and "background" not in parts:
        parts["background"], colour.used = value, True
    else:  # a brown background: neither the thing's colour nor one that there is
        colour.kind, colour.text = "unknown", f"{colour.text} {marker.text}"


def _read_thing(items: list[_Item], parts: dict[str, Hashable]) -> _Item | None:
    """Korean puts what matters last: "왕관을 쓴 고양이" is a cat; but of "고양이와 개" the first is drawn."""
    things = [item for item in items if item.kind == "concept"]
    if not things:
        return None
    listed = [item for item in things[:-1] if item.stop or (item.tail and item.tail[0] in words.AND)]
    thing = listed[0] if listed else things[-1]
    parts["concept"], thing.used = thing.value, True
    at = items.index(thing)
    for place, ground in zip(items[1:at], items[: at - 1] if at else [], strict=False):
        # "구름 위의 고양이": where something else is says nothing of the picture's parts
        if place.kind == "place" and ground.kind in ("concept", "unknown") and not ground.tail and not ground.stop:
            ground.text, place.kind = f"{ground.text} {place.text}", "silent"
    return thing


def _read_tint(items: list[_Item], parts: dict[str, Hashable], thing: _Item | None) -> None:
    """Of several colours that are left the one before the thing."""
    left = [item for item in items if item.kind == "colour" and not item.used]
    tints = [item for item in left if item.value in ATTRIBUTES["tint"].values]
    before = [item for item in tints if thing is not None and items.index(item) < items.index(thing)]
    if tints:
        chosen = before[-1] if before else tints[0]
        parts["tint"], chosen.used = chosen.value, True


def _read_place(items: list[_Item], parts: dict[str, Hashable]) -> None:
    rows, columns, middle = set(), set(), False
    for item in items:
        if item.kind == "midst":
            here = item.tail[:1] and item.tail[0] in words.MIDST_PLACE
            item.kind, item.value = ("place", ("middle", 1)) if here else ("size", "medium")
        if item.kind == "place":
            axis, index = item.value
            rows |= {index} if axis == "row" else set()
            columns |= {index} if axis == "column" else set()
            middle |= axis == "middle"
    one = len(rows) <= 1 and len(columns) <= 1 and (rows or columns or middle)  # not "from left to right"
    if one:
        parts["position"] = (*rows, 1)[0], (*columns, 1)[0]
    for item in items:
        item.used |= bool(one) and item.kind == "place"


def _english(items: list[_Item]) -> str:
    """What is said in Latin letters, with a comma where Korean stood between."""
    made = ""
    for before, item in zip([None, *items], items, strict=False):
        if item.kind == "english" and not item.used:
            glue = " " if before is not None and before.kind == "english" and not before.stop else " , "
            made += glue + item.text
    return made.strip(" ,")
