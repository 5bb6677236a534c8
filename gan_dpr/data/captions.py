"""Captions of scenes: paraphrases for training, the canonical form for tests, and reading a prompt."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .world import ATTRIBUTES, BACKGROUNDS, CENTRE, CONCEPTS, POSITIONS, STYLES, TINTS, Scene

ALWAYS = frozenset({"concept", "orientation", "tint"})  # silence means upright and none
SAID_SHARES = {"size": 0.7, "position": 0.8, "background": 0.85, "style": 0.5}
MEDIUM_SAID_SHARE = 0.5  # "an elephant" mostly leaves size open, but test captions do say "medium-sized"

PLURAL = frozenset(
    {"cherries", "grapes", "french fries", "fries", "glasses", "eyeglasses", "spectacles", "scissors"}
)
UNCOUNTED = frozenset({"corn", "corn on the cob", "broccoli", "sushi"})

# Words are repeated where they should be more frequent; each tuple starts with the canonical ones.
OPENINGS = (
    "", "", "", "", "", "a picture of ", "a picture of ", "an image of ", "a drawing of ", "an emoji of ",
)  # fmt: skip
SIZE_WORDS = {
    "small": ("small", "small", "tiny"),
    "medium": ("medium-sized", "medium-sized", "medium"),
    "large": ("large", "large", "big", "huge"),
}
ORIENTATION_WORDS = {
    "upside-down": ("upside-down", "upside-down", "upside down"),
    "sideways": ("sideways",),
}
TINT_WORDS = {"gray": ("gray", "gray", "grey")}
POSITION_WORDS = {place: (words, words, words) for place, words in POSITIONS.items()} | {
    (0, 0): (POSITIONS[0, 0], POSITIONS[0, 0], "in the top left corner"),
    (0, 2): (POSITIONS[0, 2], POSITIONS[0, 2], "in the top right corner"),
    (1, 0): (POSITIONS[1, 0], POSITIONS[1, 0], "on the left side"),
    (1, 1): (POSITIONS[1, 1], POSITIONS[1, 1], "in the center"),
    (1, 2): (POSITIONS[1, 2], POSITIONS[1, 2], "on the right side"),
    (2, 0): (POSITIONS[2, 0], POSITIONS[2, 0], "in the bottom left corner"),
    (2, 2): (POSITIONS[2, 2], POSITIONS[2, 2], "in the bottom right corner"),
}
BACKGROUND_WORDS = (
    "on a {} background", "on a {} background", "on a {} background", "with a {} background",
    "against a {} background", "on {}",
)  # fmt: skip
# Order of the clauses: o(bject), p(osition), b(ackground), s(tyle); a comma wherever one stands.
LAYOUTS = (
    "o p b s", "o p b s", "o p b s", "o p b s", "o b p s", "o s p b", "o, p, b, s", "o, b, p, s",
    "b, o p s", "p, o b s", "s, o p b", "o p, b, s",
)  # fmt: skip


@dataclass(frozen=True)
class Caption:
    """A text that is true of a scene.

    Attributes:
        text: the words.
        scene: what they were written for.
        mentioned: the attributes that the text fixes; "concept", "orientation" and "tint" always (silence
            about the last two means upright and untinted, except in a `concept_caption`), and "position"
            where the size is said to be large.
        wording: the number that chose template and synonyms; `rewrite` uses it again.
        implied: the part of `mentioned` that follows without being said: the position of "large".
    """

    text: str
    scene: Scene
    mentioned: frozenset[str]
    wording: int = 0
    implied: frozenset[str] = frozenset()

    def satisfied_by(self, scene: Scene) -> bool:
        """Whether `scene` has everything that the caption fixes."""
        return all(scene.attribute(name) == self.scene.attribute(name) for name in self.mentioned)

    @property
    def specifies_all(self) -> bool:
        """Whether only one scene satisfies the caption."""
        return len(self.mentioned) == len(ATTRIBUTES)


def write_caption(scene: Scene, rng: np.random.Generator, mention: Collection[str] | None = None) -> Caption:
    """A natural caption in one of many wordings.

    Args:
        scene: what to describe.
        rng: chooses the wording and, without `mention`, what is said: size 70% of the time (medium 50%),
            position 80%, background 85%, style 50%, all else always.
        mention: the attributes to say; ALWAYS is added. ValueError for an unknown name.
    """
    if mention is None:
        shares = SAID_SHARES | ({"size": MEDIUM_SAID_SHARE} if scene.object.size == "medium" else {})
        drawn = dict(zip(shares, rng.random(len(shares)), strict=True))
        said = ALWAYS | {name for name, share in shares.items() if drawn[name] < share}
    else:
        unknown = set(mention) - set(ATTRIBUTES)
        if unknown:
            raise ValueError(f"a caption cannot mention {min(unknown)!r}: use {', '.join(ATTRIBUTES)}")
        said = ALWAYS | set(mention)
    return _write(scene, said, wording=int(rng.integers(2**63)))


def concept_caption(scene: Scene, wording: int = 0) -> Caption:
    """The object's name and nothing else, as a class-conditional GAN is told it; all other attributes are open."""
    return _write(scene, frozenset({"concept"}), wording)


def canonical_caption(scene: Scene, style: bool = False) -> Caption:
    """The test caption: "a small red cat at the top on a blue background"; `style=True` adds the style."""
    return _write(scene, frozenset(ATTRIBUTES) - (frozenset() if style else {"style"}), wording=0)


def rewrite(caption: Caption, scene: Scene) -> Caption:
    """`caption`'s wording for another scene; what differs between the two scenes is said as well."""
    changed = {name for name in ATTRIBUTES if scene.attribute(name) != caption.scene.attribute(name)}
    return _write(scene, (caption.mentioned - caption.implied) | changed, caption.wording)


def _write(scene: Scene, said: frozenset[str], wording: int) -> Caption:
    # Each choice reads seven bits of its own, so that a swapped attribute changes no other word;
    # all bits zero make the canonical caption.
    def pick(place: int, options: tuple):
        return options[((wording >> 7 * place) & 127) * len(options) >> 7]

    item = scene.object
    clauses = {"p": "", "b": "", "s": ""}
    if "position" in said:
        clauses["p"] = pick(0, POSITION_WORDS[item.position])
    if "background" in said:
        clauses["b"] = pick(1, BACKGROUND_WORDS).format(scene.background)
    if "style" in said:
        clauses["s"] = STYLES[item.style]

    concept = CONCEPTS[item.concept]
    # the name of the table three times in five
    name = pick(2, (concept.name,) * 3 * len(concept.synonyms) + concept.synonyms * 2 or (concept.name,))
    words = []
    if "size" in said:
        words.append(pick(3, SIZE_WORDS[item.size]))
    if "orientation" in said and item.orientation != "upright":
        words.insert(pick(4, (len(words), len(words), 0)), pick(5, ORIENTATION_WORDS[item.orientation]))
    if "tint" in said and item.tint != "none":
        words.append(pick(8, TINT_WORDS.get(item.tint, (item.tint,))))
    phrase = " ".join([*words, name])
    if name not in PLURAL and name not in UNCOUNTED:
        phrase = f"{article(phrase)} {phrase}"
    clauses["o"] = pick(6, OPENINGS) + phrase

    says_large = "size" in said and item.size == "large"
    implied = frozenset({"position"} if says_large and "position" not in said else ())
    return Caption(_lay_out(pick(7, LAYOUTS), clauses), scene, frozenset(said) | implied, wording, implied)


def _lay_out(layout: str, clauses: dict[str, str]) -> str:
    text = ""
    separator = ""
    for key in layout.split():
        clause = clauses[key[0]]
        if clause:
            text += (separator if text else "") + clause
            separator = ", " if key.endswith(",") else " "
        elif key.endswith(",") and text:
            separator = ", "
    return text


def article(phrase: str) -> str:
    # "a unicorn": a vowel letter that sounds as "you"
    return "an" if phrase[0].lower() in "aeiou" and not phrase.startswith("uni") else "a"


_COLOURS = "|".join(sorted({*TINTS, *BACKGROUNDS} - {"none"}))
_VERTICAL = {"top": 0, "upper": 0, "bottom": 2, "lower": 2}
_HORIZONTAL = {"left": 0, "right": 2}
_PATTERNS = {
    "background": (
        rf"(?:(?:on|with|against|in front of) )?(?:an? |the )?(?P<value>{_COLOURS}) (?:background|backdrop)",
        rf"background (?:is |in |of )?(?P<value>{_COLOURS})",
        rf"on (?P<value>{_COLOURS})(?=$| ?,| in | at | on )",
    ),
    "orientation": (r"(?P<value>upside ?down|inverted|sideways|on its side|upright)",),
    "size": (r"(?P<value>small|tiny|little|medium(?: sized?)?|mid sized?|large|big|huge)",),
    "tint": (rf"(?P<value>{_COLOURS})",),
    "style": (r"(?:in )?(?:the |an? )?(?P<value>noto|twemoji|twitter|flat|3 ?d|emoji ?one)(?: style)?",),
}
_VALUES = {
    "inverted": "upside-down", "upside down": "upside-down", "upsidedown": "upside-down",
    "on its side": "sideways",
    "tiny": "small", "little": "small", "big": "large", "huge": "large",
    "medium sized": "medium", "medium size": "medium", "mid sized": "medium", "mid size": "medium",
    "flat": "fluent-flat", "3d": "fluent-3d", "3 d": "fluent-3d",
    "twitter": "twemoji", "emoji one": "emojione",
}  # fmt: skip
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


def read_prompt(text: str) -> dict:
    """The attributes that a free prompt names, by rules; only those found are keys.

    "a tiny upside-down cat on blue" -> {"concept": "cat", "orientation": "upside-down", "size": "small",
    "background": "blue"}. A best effort for hints beside a prompt: what it does not find may still be there.
    """
    rest = re.sub(r"[^\w,]+", " ", text.lower().replace("grey", "gray")).strip()
    found = {}
    # The concept goes first, so that "top hat" is no position; the background's colour before the tint.
    match = _concept_pattern().search(rest)
    if match:
        found["concept"] = _concept_words()[match["name"]]
        rest = rest[: match.start()] + " " + rest[match.end() :]
    for attribute, patterns in _PATTERNS.items():
        for pattern in patterns:
            match = re.search(rf"\b{pattern}\b" if "(?=" not in pattern else rf"\b{pattern}", rest)
            if match and _known(attribute, value := _VALUES.get(match["value"], match["value"])):
                found[attribute] = value
                rest = rest[: match.start()] + " , " + rest[match.end() :]
                break
    position = _read_position(rest)
    if position is not None:
        found["position"] = position
    elif found.get("size") == "large":
        found["position"] = CENTRE
    return found


def noun_of(text: str, parts: dict) -> str:
    """The thing in the prompt in the person's own words: a concept's name or synonym, or what remains."""
    if "concept" in parts:
        concept = CONCEPTS[parts["concept"]]
        own = [word for word in (concept.name, *concept.synonyms) if word.lower() in text.lower()]
        return max(own, key=len) if own else concept.name
    rest = " ".join(_NOT_THE_NOUN.sub(" ", text).split())
    return re.sub(r"^(?:an?|the)\s+", "", rest, flags=re.IGNORECASE) or "thing"


def _known(attribute: str, value: str) -> bool:
    return {"background": value in BACKGROUNDS, "tint": value in TINTS}.get(attribute, True)


def _read_position(rest: str) -> tuple[int, int] | None:
    words = re.findall(r"\w+", rest)
    rows = {_VERTICAL[word] for word in words if word in _VERTICAL}
    columns = {_HORIZONTAL[word] for word in words if word in _HORIZONTAL}
    if len(rows) > 1 or len(columns) > 1:  # "from left to right": not a place
        return None
    if rows or columns or not {"middle", "center", "centre", "centered", "centred"}.isdisjoint(words):
        return (*rows, 1)[0], (*columns, 1)[0]
    return None


@lru_cache(maxsize=1)
def _concept_words() -> dict[str, str]:
    words = {}
    for key, concept in CONCEPTS.items():
        for name in (concept.name, *concept.synonyms, key):
            if not re.match(_COLOURS, name):  # "red apple" is a red-tinted apple to whoever types it
                words.setdefault(re.sub(r"[^\w]+", " ", name.lower()), key)
    return words


@lru_cache(maxsize=1)
def _concept_pattern() -> re.Pattern:
    longest_first = sorted(_concept_words(), key=len, reverse=True)
    return re.compile(rf"\b(?P<name>{'|'.join(longest_first)})s?\b")
