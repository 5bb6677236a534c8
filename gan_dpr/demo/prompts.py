"""What the page knows about a prompt: its parts, how to change one of them, and what to say about it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..data.captions import PLURAL, UNCOUNTED, article, noun_of, read_prompt
from ..data.world import (
    BACKGROUNDS,
    CENTRE,
    CONCEPTS,
    ORIENTATIONS,
    POSITIONS,
    SIZES,
    STYLES,
    TINTS,
    is_held_out,
)
from .words import say

ANY = "any"
MAX_LENGTH = 300

# attribute -> {label in its menu: value in the world}; what a prompt leaves out is ANY, upright or none.
MENUS: dict[str, dict[str, object]] = {
    "orientation": {value: value for value in ORIENTATIONS},
    "tint": {value: value for value in TINTS},
    "size": {ANY: None} | {value: value for value in SIZES},
    "position": {ANY: None} | {re.sub("^.. the ", "", words): place for place, words in POSITIONS.items()},
    "background": {ANY: None} | {value: value for value in BACKGROUNDS},
    "style": {ANY: None} | {re.sub("^in | style$", "", words): style for style, words in STYLES.items()},
}
ORDER = ("concept", *MENUS)

@dataclass(frozen=True)
class Remark:
    """A sentence beside the prompt and prompts to press instead; `kind` is "warn" or ""."""

    sentence: str = ""
    words: tuple[str, ...] = ()
    kind: str = ""


def check_prompt(text: str) -> str:
    """The prompt without surrounding blanks. Raises ValueError with a sentence for the page."""
    text = (text or "").strip()
    if not text:
        raise ValueError(say("Type what to draw, for example: a large red octopus on a yellow background."))
    if len(text) > MAX_LENGTH:
        raise ValueError(
            say("That prompt has {n} letters; at most {most} are read. Shorten it.", n=len(text), most=MAX_LENGTH)
        )
    return text


def check_range(name: str, value: float | None, low: float, high: float) -> None:
    """Raises ValueError with a sentence for the page where a number is missing or out of its range."""
    if value is None or not low <= value <= high:
        raise ValueError(say("{name}: take a number from {low} to {high}.", name=say(name), low=low, high=high))


def menu_labels(text: str) -> list[str | None]:
    """What the menus of ORDER show for a prompt; None where no concept is found."""
    parts = read_prompt(text)
    labels: list[str | None] = [parts.get("concept")]
    for attribute, menu in MENUS.items():
        value = parts.get(attribute)
        labels.append(next((label for label, known in menu.items() if known == value), next(iter(menu))))
    return labels


def edit_prompt(text: str, attribute: str, label: str | None) -> str:
    """The prompt with one attribute set to a menu's label, in the words that the model was trained on."""
    parts = read_prompt(text)
    noun = noun_of(text, parts)
    if parts.get("size") == "large" and parts["position"] == CENTRE:
        del parts["position"]  # "large" implies it: it goes with the size
    if attribute == "concept":
        parts["concept"] = label
        noun = CONCEPTS[label].name if label in CONCEPTS else noun
    else:
        parts[attribute] = MENUS[attribute].get(label)
    if attribute == "size" and parts["size"] == "large":
        parts.pop("position", None)  # large things fill the middle
    if attribute == "position" and parts.get("size") == "large" and parts["position"] not in (None, CENTRE):
        parts.pop("size")
    return write_prompt(noun, parts)


def write_prompt(noun: str, parts: dict) -> str:
    """ "a|an [size] [orientation] [tint] NOUN [position] [on a BACKGROUND background] [in STYLE style]"."""
    size = {"medium": "medium-sized"}.get(parts.get("size"), parts.get("size"))
    turned = parts.get("orientation") if parts.get("orientation") != "upright" else None
    tint = parts.get("tint") if parts.get("tint") != "none" else None
    phrase = " ".join(word for word in (size, turned, tint, noun) if word)
    if noun not in PLURAL and noun not in UNCOUNTED:
        phrase = f"{article(phrase)} {phrase}"
    # "large" says where it is already.
    place = POSITIONS[parts["position"]] if parts.get("position") and parts.get("size") != "large" else None
    background = f"on a {parts['background']} background" if parts.get("background") else None
    style = STYLES[parts["style"]] if parts.get("style") else None
    return " ".join(part for part in (phrase, place, background, style) if part)


def remark(text: str, known: tuple[str, ...], nearest: Callable[[str], list[str]]) -> Remark:
    """What to say beside a prompt.

    Args:
        text: the prompt, not blank.
        known: the concepts that the model was trained on.
        nearest: a noun -> known concepts like it, best first; asked only when the prompt's is unknown.
    """
    parts = read_prompt(text)
    concept = parts.get("concept")
    if concept not in known:
        noun = noun_of(text, parts)
        words = tuple(write_prompt(CONCEPTS[other].name, parts) for other in nearest(noun))
        return Remark(
            say("This model has never seen “{noun}”. Nearest that it knows:", noun=noun[:40]), words, "warn"
        )
    name = CONCEPTS[concept].name
    if parts.get("tint") and parts.get("tint") == parts.get("background"):
        return Remark(
            say("A {tint} {name} on {tint} can hardly be seen: change one colour.", tint=parts["tint"], name=name),
            (),
            "warn",
        )
    if not CONCEPTS[concept].orientable and parts.get("orientation") not in (None, "upright"):
        return Remark(
            say("Every {name} that it was trained on stood upright, so it may ignore the turn.", name=name), (), "warn"
        )
    unseen = [
        attribute
        for attribute in ("orientation", "tint", "background")
        if attribute in parts and is_held_out(concept, attribute, parts[attribute])
    ]
    if unseen:
        what = {"background": f"{name} on {parts.get('background')}"}.get(unseen[0], f"{parts[unseen[0]]} {name}")
        return Remark(
            say("Kept out of training: no {what} was ever shown to it. It has to combine what it knows.", what=what)
        )
    return Remark()
