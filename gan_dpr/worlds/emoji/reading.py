"""Reading a person's prompt by rules: which attributes it names, in which words, and where."""

import re
from collections.abc import Collection, Hashable, Iterable
from functools import cache, lru_cache
from itertools import product, zip_longest

from rapidfuzz.distance import DamerauLevenshtein

from .attributes import BEFORE_THE_NOUN, CENTRE, TABLE
from .concepts import CONCEPTS
from .editing import Spans
from .english import DETERMINERS
from .english_words import BEHIND
from .korean import is_korean, read_korean
from .lexicon import colour_words, keywords, size_words, thing_words
from .wordings import (
    COLOUR_PATTERN,
    CONCEPT_PATTERN,
    CONCEPT_WORDS,
    LOOSE_NAMES,
    NO_NAME,
    THING,
    one_of,
    said_patterns,
    said_words,
    ways,
)

_VERTICAL = {"top": 0, "upper": 0, "north": 0, "northern": 0, "bottom": 2, "lower": 2, "south": 2, "southern": 2,
             "foot": 2}  # fmt: skip
_HORIZONTAL = {"left": 0, "west": 0, "western": 0, "right": 2, "east": 2, "eastern": 2}
for _row, _column in product(("north", "south"), ("west", "western", "east", "eastern")):
    _VERTICAL[_row + _column], _HORIZONTAL[_row + _column] = _VERTICAL[_row], _HORIZONTAL[_column]
_MIDDLE = {"middle", "center", "centre", "centered", "centred"}
_SIDES = "|".join((*_VERTICAL, *_HORIZONTAL, *_MIDDLE))
_PLACES = (
    rf"(?:(?:up |down |over )?(?:along|at|on|in|to) the )?(?:{_SIDES})(?: (?:{_SIDES}))?(?: hand)?"
    r"(?: corner| side| edge| of the (?:picture|image|page|frame))?"
)
# What takes words after it along, up to the next clause: their colours and places are not the thing's.
_NEGATION = re.compile(r"(?<!oh )\b(?:not|without|never|no|isn t|aren t)(?: an?| the| any)? \w+")
_RELATION = re.compile(
    r"\bfrom (?:the )?\w+ to (?:the )?\w+|"
    r"\b(?:for (?:my|your|his|her|our|their|an?)|next to|beside|above|below|under|underneath|inside|between|"
    rf"behind an?|holding|and an? (?!\w+ {BEHIND})|\w{{3,}}ing\b)"
    r"(?:(?!,| (?:on|at|in|with|against|as|to|from|please)\b).)*"
)
_FILLERS = frozenset((
    "a", "an", "the", "this", "that", "some", "of", "and", "or", "but", "please", "draw", "drawn", "draws", "paint",
    "painted", "make", "makes", "made", "create", "generate", "show", "give", "get", "me", "us", "i", "we", "you",
    "it", "its", "is", "are", "be", "d", "want", "wants", "wanted", "need", "like", "would", "could", "can", "will",
    "let", "s", "a", "picture", "image", "photo", "drawing", "emoji", "icon", "one", "with", "on", "in", "at", "to",
    "into", "for", "from", "by", "as", "all", "very", "really", "just", "so", "quite", "pretty", "color", "colour",
    "colored", "coloured", "tinted", "hued", "toned", "dyed", "style", "background", "backdrop", "turned", "placed",
    "located", "positioned", "shown", "set", "corner", "edge", "hand", "dead", "there", "here", "which", "who",
    "my", "your", "our", "hi", "hello", "hey", "right", "gimme", "pls", "plz", "thanks", "has", "been", "should",
))  # fmt: skip


# The background's colour is read before the tint, and behind it what may follow it; the concept before all, so that
# "top hat" is no position. What has no place here is read first.
_LAST = ("orientation", "style", "size", "position", "background", "tint")
_ORDER = (*(a.name for a in TABLE if a.values and a.name not in _LAST), *_LAST)


def find_taught(text: str, taught: Collection[str]) -> tuple[str | None, list[tuple[int, int]], str]:
    """The longest taught name that a prompt says, where, and the prompt with blanks in its place.

    "my dog" is also said by "my small red dog", in two pieces, the noun first.
    """
    for name in sorted(taught, key=len, reverse=True):
        first, *others = map(re.escape, name.split())
        noun = r"\s+".join(others)
        apart = bool(noun) and first.lower() in DETERMINERS
        between = rf"(?:[\s,]+(?:{_before_the_noun()}))*[\s,]+" if apart else r"\s+"
        match = re.search(rf"(?<!\w)({first})(?:{between}({noun}))(?!\w)" if noun else rf"(?<!\w)({first})(?!\w)", text,
                          re.IGNORECASE)  # fmt: skip
        if match:
            pieces = [match.span(2), match.span(1)] if apart else [match.span()]
            rest = text
            for start, end in pieces:
                rest = rest[:start] + " " * (end - start) + rest[end:]
            return name, pieces, rest
    return None, [], text


@cache
def _before_the_noun() -> str:
    words = {words for attribute in BEFORE_THE_NOUN for words in said_words(attribute.name)}
    return one_of(words).replace(" ", r"[\s-]")


def read_prompt(text: str, taught: Collection[str] = ()) -> dict[str, Hashable]:
    """The attributes that a free prompt names, by rules; only those found are keys.

    "a tiny upside-down cat on blue" -> {"concept": "cat", "orientation": "upside-down", "size": "small",
    "background": "blue"}. A best effort for hints beside a prompt: what it does not find may still be there.
    `taught` are names of further things, which are found before the concepts.
    """
    name, _, rest = find_taught(text, taught)
    if name is not None:
        return read_prompt(rest) | {"concept": name}
    if is_korean(text):
        korean = read_korean(text)
        return read_prompt(korean.english) | korean.parts
    return read_with_spans(spelled(text))[0]


def _masked(plain: str, start: int, end: int) -> str:
    return plain[:start] + ",".ljust(end - start) + plain[end:]


def read_with_spans(text: str, taught: Collection[str] = ()) -> tuple[dict[str, Hashable], Spans]:
    """The same as the text stands, typing errors and all, and where each is said."""
    name, pieces, rest = find_taught(text, taught)
    found, spans = _read(rest)
    if name is not None:
        return found | {"concept": name}, spans | {"concept": pieces}
    return dict(found), dict(spans)


@lru_cache(maxsize=1000)  # a prompt is asked about several times: by the model, by menus, by remarks
def _read(text: str) -> tuple[dict[str, Hashable], Spans]:
    """What is said, and where."""
    rest, origin = _plain_with_origin(text)
    rest = _AT_ONCE.sub(lambda match: " " * len(match[0]), rest)
    found: dict[str, Hashable] = {}
    spans: Spans = {}

    def take(name: str, value: Hashable, start: int, end: int, mask: str) -> None:
        nonlocal rest
        found[name] = value
        spans.setdefault(name, []).append((origin[start], origin[end - 1] + 1))
        rest = rest[:start] + mask.ljust(end - start) + rest[end:]

    for match in _NEGATION.finditer(rest):
        named = (thing.span() for thing in CONCEPT_PATTERN.finditer(rest))  # "snowman without snow" is a name
        if not any(start <= match.start() < end for start, end in named):
            rest = _masked(rest, *match.span())
    match_of_thing = match = _find_concept(rest)
    if match:
        take("concept", CONCEPT_WORDS[match["name"]], *match.span(), THING)
    elif match := _find_unknown_thing(rest):
        rest = rest[: match.start()] + THING.ljust(len(match[0])) + rest[match.end() :]
    for name in _ORDER:
        if name == "size" and match_of_thing:  # after the turn and the style: "standing on its head" is no relation
            for relation in _RELATION.finditer(rest, match_of_thing.end()):
                rest = _masked(rest, *relation.span())
        for way in ways(name):
            for match, value in way.said(rest):
                # What is said again is taken too: a second "upside down" would else be read as "down".
                joined = _meeting(found.get(name), value) if name == "position" else None
                if joined or found.get(name, value) == value:
                    take(name, joined or value, *match.span(), ",")
    position = _read_position(rest)
    if "position" in found and position is not None:
        position = _meeting(found["position"], position)
    if position is not None:
        found["position"] = position
        where = [(origin[start], origin[end - 1] + 1) for start, end in _position_spans(rest)]
        spans["position"] = spans.get("position", []) + where
    elif "position" not in found and found.get("size") == "large":
        found["position"] = CENTRE
    return found, spans


# What says no side: "a cat right in the middle", but not "a cat at the top right in a blue sky".
_OF_SIDES = "the|far|very|at|on|to|top|upper|up|bottom|lower|down|middle|center|centre|north|south|hand"
_AT_ONCE = re.compile(
    "".join(rf"(?<!\b{word} )" for word in _OF_SIDES.split("|")) + r"\bright(?= (?:at|in|on|by|down|up|next) )"
)


def _plain_with_origin(text: str) -> tuple[str, list[int]]:
    """Letters, digits and commas in small letters with one blank for all else between them, and where each was."""
    letters, origin = [], []
    for i, letter in enumerate(text):
        kept = re.fullmatch(r"[\w,]", letter) is not None
        if kept or (letters and letters[-1] != " "):
            low = letter.lower()
            letters.append((low if len(low) == 1 else letter) if kept else " ")
            origin.append(i)
    return "".join(letters).rstrip().replace("grey", "gray"), origin


def _meeting(first: tuple[int, int] | None, second: tuple[int, int]) -> tuple[int, int] | None:
    """Where two places meet, as in "on the left side, at the top"; None where they are two."""
    if first is None:
        return None
    rows, columns = {first[0], second[0]} - {1}, {first[1], second[1]} - {1}
    return None if len(rows) > 1 or len(columns) > 1 else ((*rows, 1)[0], (*columns, 1)[0])


def _read_position(rest: str) -> tuple[int, int] | None:
    words = re.findall(r"\w+", rest)
    rows = {_VERTICAL[word] for word in words if word in _VERTICAL}
    columns = {_HORIZONTAL[word] for word in words if word in _HORIZONTAL}
    if len(rows) > 1 or len(columns) > 1:  # "from left to right": not a place
        return None
    if rows or columns or not _MIDDLE.isdisjoint(words):
        return (*rows, 1)[0], (*columns, 1)[0]
    return None


def _position_spans(rest: str) -> list[tuple[int, int]]:
    """Phrases like "at the top left", and single words that say a place."""
    return [match.span() for match in re.finditer(rf"\b{_PLACES}\b", rest)]


def _find_concept(plain: str, colours_too: bool = True) -> re.Match | None:
    """The first name of a thing; a loose one, or one that is a colour as well ("rose"), only where there is no other.

    Of names side by side it is the last: "a lime lemon", "a fire-engine red helicopter".
    """
    def outside(patterns: Iterable[re.Pattern]) -> list[re.Match]:
        spans = [match.span() for pattern in patterns for match in pattern.finditer(plain)]
        return [m for m in found if not any(start <= m.start() and m.end() <= end for start, end in spans)]

    def strict(names: list[re.Match]) -> list[re.Match]:
        return [m for m in names if m["name"] not in LOOSE_NAMES]

    found = [m for m in CONCEPT_PATTERN.finditer(plain) if not NO_NAME.match(plain, m.end())]
    no_colours = outside([COLOUR_PATTERN])
    others = outside(said_patterns("background")) if colours_too else []
    names = strict(no_colours) or strict(others) or no_colours or others
    for name, after in zip_longest(names, names[1:]):
        if after is None or not _SIDE_BY_SIDE.fullmatch(plain, name.end(), after.start()):
            return name
    return None


_SIDE_BY_SIDE = re.compile(rf" (?:(?:{one_of(said_words('tint'))}) )?")


def _find_unknown_thing(plain: str) -> re.Match | None:
    """The last word of the first clause that says nothing else: the spaniel in "a vermilion spaniel turned over"."""
    clause = re.split(r",| (?:on|at|in|with|against|as|to|from|over)\b", plain, maxsplit=1)[0]
    meant = _attribute_words() | _form_words()
    others = [word for word in re.finditer(r"[^\W\d]+", clause) if word[0] not in meant]
    return others[-1] if others else None


def spelled(text: str) -> str:
    """The prompt with its typing errors of one letter put right, where that makes a word of the table.

    Only words of five letters (four where one is missing, three where two are swapped) with the right first letter,
    and names of things only where the prompt names none, or part of one: a real word that is not of the table is better
    left alone.
    """
    made = _TOKEN.sub(lambda found: _nearest_word(found[0], _attribute_words()), text)
    if all(map(_is_known, _TOKEN.findall(made))):
        return made
    named = _find_concept(_plain_with_origin(made)[0], colours_too=False)
    further = _TOKEN.sub(lambda found: _nearest_word(found[0], _thing_words()), made)
    if named is None:
        return further
    longer = _find_concept(_plain_with_origin(further)[0], colours_too=False)  # "alram clock" is not just any clock
    return further if longer and f" {named['name']}" in longer["name"] else made


_TOKEN = re.compile(r"(?<!\w)[A-Za-z]{3,}(?!\w)")


@cache
def _attribute_words() -> frozenset[str]:
    said = {words for a in TABLE for value in a.values.values() for words in value.known}
    return frozenset(re.findall(r"[a-z]+", " ".join(said).lower())) | _FILLERS


@cache
def _thing_words() -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+", " ".join(CONCEPT_WORDS)))


@cache
def _form_words() -> frozenset[str]:
    forms = " ".join(form for a in TABLE for value in a.values.values() for form in value.forms)
    return frozenset(re.findall("[a-z]+", forms))


@cache
def _lexicon_words() -> frozenset[str]:
    return frozenset(re.findall("[a-z]+", " ".join((*colour_words(), *size_words(), *thing_words(), *keywords()))))


def _is_known(word: str) -> bool:
    """Whether it is a real word, and so no typing error of another."""
    low = word.lower()
    return any(low in words() for words in (_attribute_words, _thing_words, _form_words, _lexicon_words))


@lru_cache(maxsize=10_000)
def _nearest_word(word: str, known: frozenset[str]) -> str:
    """A known word at one letter's distance (Damerau-Levenshtein), if there is just one; else the word itself."""
    if _is_known(word):
        return word
    low = word.lower()
    near = [
        other
        for other in known
        if other[0] == low[0]
        and (len(other) >= 5 or (len(other) >= 3 and sorted(other) == sorted(low)))
        and DamerauLevenshtein.distance(low, other, score_cutoff=1) == 1
    ]
    return near[0] if len(near) == 1 else word


def unused(text: str) -> list[str]:
    """What a prompt says that means nothing here, in its own words: counts, relations, negations, other things.

    "two happy cats next to a tree on red" -> ["two happy", "next to a tree"].
    """
    if is_korean(text):
        korean = read_korean(text)
        return [*korean.unknown, *(unused(korean.english) if korean.english else [])]
    text = spelled(text)
    _, spans = read_with_spans(text)
    used = sorted(span for several in spans.values() for span in several)
    runs: list[list[re.Match]] = [[]]
    for word in re.finditer(r"[^\W_]+|,", text):
        if word[0] == "," or any(start <= word.start() < end for start, end in used):
            runs.append([])
        else:
            runs[-1].append(word)
    found = []
    for run in runs:
        telling = [i for i, word in enumerate(run) if word[0].lower() not in _FILLERS]
        if telling and not all(COLOUR_PATTERN.fullmatch(run[i][0].lower()) for i in telling):
            found.append(text[run[telling[0]].start() : run[telling[-1]].end()])
    return found


def noun_of(text: str, parts: dict) -> str:
    """The thing in the prompt in the person's own words: a concept's name or synonym, or what remains.

    Of words that are all used the last colour that is a thing as well: the plum in "a plum".
    """
    if "concept" in parts:
        concept = CONCEPTS[parts["concept"]]
        own = [word for word in (concept.name, *concept.synonyms) if word.lower() in text.lower()]
        return max(own, key=len) if own else concept.name
    words = re.findall(r"[a-z]+", text.lower())
    colours = [word for word in words if word in colour_words() or COLOUR_PATTERN.fullmatch(word)]
    things = [word for word in colours if word in thing_words()]
    return " ".join(unused(text)) or (*things[-1:], "thing")[0]
