"""Reading a person's prompt, changing one part of it, and saying what the model makes of it."""

import re
from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .attributes import ATTRIBUTES, BACKGROUND, CENTRE, HOLDING_OUT, TABLE, TINT
from .captions import plain_words
from .concepts import CONCEPTS
from .editing import Spans, replaced, words_for
from .scene import Scene, is_held_out
from .world import EmojiWorld

ANY = "any"  # a menu's label for what the prompt leaves open

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
    """What a prompt may say -> the attribute's value; words with "in ... style" around them are known without."""
    found: dict[str, Hashable] = {}
    for value, has in ATTRIBUTES[name].values.items():
        said = (has.also or has.words) if name == "style" else (*has.words, *has.also)
        found |= {_plain(words).replace("grey", "gray"): value for words in said}
    return found


def _patterns(name: str) -> list[re.Pattern]:
    longest_first = "|".join(sorted(_words(name), key=len, reverse=True))
    made = []
    for pattern in ATTRIBUTES[name].patterns:
        ends = "" if "(?=" in pattern else r"\b"  # a pattern that looks ahead ends itself
        made.append(re.compile(rf"\b{pattern.replace('{value}', f'(?P<value>{longest_first})')}{ends}"))
    return made


# The background's colour is read before the tint; the concept before all, so that "top hat" is no position.
_ORDER = ("background", *(a.name for a in TABLE if a.name != "background"))
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

    match = _CONCEPT_PATTERN.search(rest)
    if match:
        take("concept", _CONCEPT_WORDS[match["name"]], *match.span(), "")
    for name, words, patterns in _READERS:
        for pattern in patterns:
            match = pattern.search(rest)
            if match:
                take(name, words[match["value"]], *match.span(), ",")
                break
    position = _read_position(rest)
    if position is not None:
        found["position"] = position
        spans["position"] = [(origin[start], origin[end - 1] + 1) for start, end in _position_spans(rest)]
    elif found.get("size") == "large":
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
_CONCEPT_PATTERN = re.compile(rf"\b(?P<name>{'|'.join(sorted(_CONCEPT_WORDS, key=len, reverse=True))})s?\b")


def noun_of(text: str, parts: dict) -> str:
    """The thing in the prompt in the person's own words: a concept's name or synonym, or what remains."""
    if "concept" in parts:
        concept = CONCEPTS[parts["concept"]]
        own = [word for word in (concept.name, *concept.synonyms) if word.lower() in text.lower()]
        return max(own, key=len) if own else concept.name
    rest = " ".join(_NOT_THE_NOUN.sub(" ", text).split())
    return re.sub(r"^(?:an?|the)\s+", "", rest, flags=re.IGNORECASE) or "thing"


@dataclass(frozen=True)
class PromptRemark:
    """What to say beside a prompt: which kind of sentence ("hidden", "no upright", "held out"), and its words."""

    kind: str
    words: dict[str, str]


class PromptGuide:
    """Menus over a prompt, and what is to be said about it, for one part of the emoji world."""

    def __init__(self, world: EmojiWorld):
        self.world = world

    @cached_property
    def names(self) -> dict[str, str]:
        """concept -> its name."""
        return {concept: CONCEPTS[concept].name for concept in self.world.concepts}

    @cached_property
    def menus(self) -> dict[str, dict[str, Hashable]]:
        """attribute -> {label: value}, of the values that the model knows; the first label is what silence means."""
        menus = {}
        for attribute in TABLE:
            if attribute.values:
                values = [v for v in attribute.values if v in self.world.allowed(attribute.name)]
                menus[attribute.name] = {ANY: None} if attribute.may_be_open else {}
                menus[attribute.name] |= {attribute.values[value].label: value for value in values}
        return menus

    def labels(self, text: str) -> dict[str, str | None]:
        """What the menus show for a prompt, "concept" first: None where no concept is found."""
        parts = read_prompt(text)
        labels: dict[str, str | None] = {"concept": parts.get("concept")}
        for name, menu in self.menus.items():
            labels[name] = next((label for label, value in menu.items() if value == parts.get(name)), next(iter(menu)))
        return labels

    def edited(self, text: str, attribute: str, label: str | None) -> str:
        """The prompt with one attribute set to a menu's label; its other words stay, but for those that contradict."""
        text = " ".join(text.split())
        parts, spans = read_with_spans(text)
        if attribute == "concept":
            name = self.names.get(label)
            if name is None:
                return text
            if "concept" in spans:
                return replaced(text, spans, {"concept": name})
            return plain_words(_spoken(parts), name)  # nothing is known of what stands there
        value = self.menus[attribute].get(label)
        if not text:
            return plain_words({attribute: value}, "thing")
        changes = {attribute: words_for(attribute, value)}
        if attribute == "size" and value == "large":
            changes["position"] = ""  # large things fill the middle
        if attribute == "position" and parts.get("size") == "large":
            if value in (None, CENTRE):
                return text
            changes["size"] = ""
        return replaced(text, spans, changes)

    def unknown_thing(self, text: str) -> str | None:
        """What a prompt asks for if the model was never shown it, in the prompt's own words; else None."""
        parts = read_prompt(text)
        return None if parts.get("concept") in self.world.concepts else noun_of(text, parts)

    def with_thing(self, text: str, key: str) -> str:
        """The prompt for another thing."""
        return plain_words(read_prompt(text), CONCEPTS[key].name)

    def remark(self, text: str) -> PromptRemark | None:
        """What a person should know about a prompt whose thing the model was shown; None where there is nothing."""
        parts = read_prompt(text)
        concept = CONCEPTS[parts["concept"]]
        if parts.get("tint") and parts.get("tint") == parts.get("background"):
            return PromptRemark("hidden", {"tint": parts["tint"], "name": concept.name})
        if not concept.orientable and parts.get("orientation") not in (None, "upright"):
            return PromptRemark("no upright", {"name": concept.name})
        unseen = [n for n in (*HOLDING_OUT, "style") if n in parts and is_held_out(concept.concept, n, parts[n])]
        if not unseen:
            return None
        value = ATTRIBUTES[unseen[0]].values[parts[unseen[0]]].label
        what = {"background": "{name} on {value}", "style": "{name} in {value} style"}.get(unseen[0], "{value} {name}")
        return PromptRemark("held out", {"what": what.format(name=concept.name, value=value)})

    def relatives(self, text: str, n: int) -> list[Scene]:
        """At most `n` scenes of the prompt's concept that it might have been said of, in all that training showed.

        A pair that was kept out of training stays out here too. Empty where the prompt names no known concept.
        """
        said = read_prompt(text)
        concept = said.pop("concept", None)
        if concept not in self.world.concepts:
            return []
        allowed = {
            name: value
            for name, value in said.items()
            if value in self.world.allowed(name) and not is_held_out(concept, name, value)
        }
        rng, narrow = np.random.default_rng(0), replace(self.world, only=self.world.only | {"concept": (concept,)})
        return list(dict.fromkeys(_with(narrow.sample(rng), allowed) for _ in range(n)))


def _spoken(parts: dict[str, Hashable]) -> dict[str, Hashable]:
    """Without a place that "large" implies."""
    return {name: value for name, value in parts.items() if name != "position" or parts.get("size") != "large"}


def _with(scene: Scene, values: dict[str, Hashable]) -> Scene:
    """The scene with these attributes, less those that make none: red on red, large in a corner."""
    if "tint" in values:
        scene = scene.with_attribute("tint", TINT.usual)  # green on blue becomes blue on green in no single step
    for name, value in [*values.items()] * 2:  # a place may have to wait for the size, or the size for the place
        try:
            scene = scene.with_attribute(name, value)
        except ValueError:
            continue
    return scene
