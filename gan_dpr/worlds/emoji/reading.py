"""Reading a person's prompt by rules: which attributes it names, in which words, and where."""

import re
from collections.abc import Collection, Hashable

from .attributes import ATTRIBUTES, BACKGROUND, CENTRE, TINT
from .concepts import CONCEPTS
from .editing import Spans

_THEIR = re.compile(r"\b(?:their|his|her)\b")
_VERTICAL = {"top": 0, "upper": 0, "bottom": 2, "lower": 2}
_HORIZONTAL = {"left": 0, "right": 2}
_MIDDLE = {"middle", "center", "centre", "centered", "centred"}
_COLOURS = "|".join(sorted({*TINT.values, *BACKGROUND.values} - {"none"}))
_PLACES = (
    r"(?:at|on|in) the (?:top|bottom|upper|lower|left|right|middle|center|centre)"
    r"(?: left| right)?(?: corner| side)?"
)
_NOT_THE_NOUN = re.compile(
    r"\bin (?:the |an? )?[\w ]+? style\b"
    rf"|\b(?:on|with|against) (?:an? |the )?(?:{_COLOURS}|grey)(?: background)?\b"
    rf"|\b{_PLACES}\b"
    r"|\bupside[- ]?down\b|\b(?:sideways|upright|small|tiny|medium(?:-sized)?|large|big|huge)\b"
    rf"|\b(?:{_COLOURS}|grey)\b|,",
    re.IGNORECASE,
)


def _plain(words: str) -> str:
    return re.sub(r"[^\w]+", " ", words.lower()).strip()


def _words(name: str) -> dict[str, Hashable]:
    """What a prompt may say -> the attribute's value."""
    values = ATTRIBUTES[name].values
    return {_plain(words).replace("grey", "gray"): value for value, has in values.items() for words in has.known}


def _one_of(words: Collection[str]) -> str:
    """A regular expression for any of some plain words, longest first; "their head" and "her head" are "its head"."""
    either = "|".join(sorted(words, key=len, reverse=True))
    return re.sub(r"\bits\b", "(?:its|their|his|her)", either)


def _patterns(name: str) -> list[re.Pattern]:
    longest_first = _one_of(_words(name))
    made = []
    for pattern in ATTRIBUTES[name].patterns:
        ends = "" if "(?=" in pattern else r"\b"  # a pattern that looks ahead ends itself
        made.append(re.compile(rf"\b{pattern.replace('{value}', f'(?P<value>{longest_first})')}{ends}"))
    return made


# The background's colour is read before the tint, and behind it what may follow it; the concept before all, so that
# "top hat" is no position.
_ORDER = ("orientation", "style", "size", "position", "background", "tint")
_READERS = [(name, _words(name), _patterns(name)) for name in _ORDER if ATTRIBUTES[name].patterns and _words(name)]


def read_prompt(text: str) -> dict[str, Hashable]:
    """The attributes that a free prompt names, by rules; only those found are keys.

    "a tiny upside-down cat on blue" -> {"concept": "cat", "orientation": "upside-down", "size": "small",
    "background": "blue"}. A best effort for hints beside a prompt: what it does not find may still be there.
    """
    return read_with_spans(text)[0]


def read_with_spans(text: str) -> tuple[dict[str, Hashable], Spans]:
    """The same, and where each is said."""
    rest, origin = _plain_with_origin(text)
    found: dict[str, Hashable] = {}
    spans: Spans = {}

    def take(name: str, value: Hashable, start: int, end: int, mask: str) -> None:
        nonlocal rest
        found[name], spans[name] = value, [(origin[start], origin[end - 1] + 1)]
        rest = rest[:start] + mask.ljust(end - start) + rest[end:]

    match = _find_concept(rest)
    if match:
        take("concept", _CONCEPT_WORDS[match["name"]], *match.span(), "")
    for name, words, patterns in _READERS:
        for pattern in patterns:
            match = pattern.search(rest)
            if match:
                take(name, words[_THEIR.sub("its", match["value"])], *match.span(), ",")
                break
    position = None if "position" in found else _read_position(rest)
    if position is not None:
        found["position"] = position
        spans["position"] = [(origin[start], origin[end - 1] + 1) for start, end in _position_spans(rest)]
    elif "position" not in found and found.get("size") == "large":
        found["position"] = CENTRE
    return found, spans


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
    single = "|".join((*_VERTICAL, *_HORIZONTAL, *_MIDDLE))
    return [match.span() for match in re.finditer(rf"\b(?:{_PLACES}|(?:{single}))\b", rest)]


def _concept_words() -> dict[str, str]:
    words = {}
    for key, concept in CONCEPTS.items():
        for name in (concept.name, *concept.synonyms, key):
            if not re.match(_COLOURS, name):  # "red apple" is a red-tinted apple to whoever types it
                words.setdefault(_plain(name), key)
    return words


_CONCEPT_WORDS = _concept_words()
_COLOUR_PATTERN = re.compile(rf"\b(?:{_one_of({*_words('tint'), *_words('background')})})\b")
_CONCEPT_PATTERN = re.compile(rf"\b(?P<name>{'|'.join(sorted(_CONCEPT_WORDS, key=len, reverse=True))})s?\b")


def _find_concept(plain: str) -> re.Match | None:
    """The first name of a thing; one that is a colour as well, "rose" or "lemon", only where there is no other."""
    colours = [match.span() for match in _COLOUR_PATTERN.finditer(plain)]
    found = list(_CONCEPT_PATTERN.finditer(plain))
    others = [m for m in found if not any(start <= m.start() and m.end() <= end for start, end in colours)]
    return next(iter(others or found), None)


def noun_of(text: str, parts: dict) -> str:
    """The thing in the prompt in the person's own words: a concept's name or synonym, or what remains."""
    if "concept" in parts:
        concept = CONCEPTS[parts["concept"]]
        own = [word for word in (concept.name, *concept.synonyms) if word.lower() in text.lower()]
        return max(own, key=len) if own else concept.name
    rest = " ".join(_NOT_THE_NOUN.sub(" ", text).split())
    return re.sub(r"^(?:an?|the)\s+", "", rest, flags=re.IGNORECASE) or "thing"
