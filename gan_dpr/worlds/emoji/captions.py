"""Captions of scenes: paraphrases for training and the canonical form for tests."""

from collections.abc import Collection, Hashable
from functools import cache

import inflect
import numpy as np

from ..protocol import Caption
from .attributes import ALWAYS_SAID, ATTRIBUTES, BEFORE_THE_NOUN, MEDIUM_SAID, TABLE
from .concepts import CONCEPTS
from .scene import Scene

_BARE = frozenset(name for concept in CONCEPTS.values() for name in concept.bare)
_ENGLISH = inflect.engine()
_ENGLISH.defan("SUV")

# Words are repeated where they should be more frequent; each tuple starts with the canonical ones.
OPENINGS = (
    "", "", "", "", "", "a picture of ", "a picture of ", "an image of ", "a drawing of ", "an emoji of ",
)  # fmt: skip
BACKGROUND_WORDS = (
    "on a {} background", "on a {} background", "on a {} background", "with a {} background",
    "against a {} background", "on {}",
)  # fmt: skip
# Order of the clauses: o(bject), p(osition), b(ackground), s(tyle); a comma wherever one stands.
LAYOUTS = (
    "o p b s", "o p b s", "o p b s", "o p b s", "o b p s", "o s p b", "o, p, b, s", "o, b, p, s",
    "b, o p s", "p, o b s", "s, o p b", "o p, b, s",
)  # fmt: skip


def write_caption(scene: Scene, rng: np.random.Generator, mention: Collection[str] | None = None) -> Caption:
    """A natural caption in one of many wordings.

    Args:
        scene: what to describe.
        rng: chooses the wording and, without `mention`, what is said: each attribute as often as the table has it.
        mention: the attributes to say; what silence would fix is added. ValueError for an unknown name.
    """
    if mention is None:
        shares = {a.name: a.said for a in TABLE if a.may_be_open}
        if scene.object.size == "medium":
            shares["size"] = MEDIUM_SAID
        drawn = dict(zip(shares, rng.random(len(shares)), strict=True))
        said = ALWAYS_SAID | {name for name, share in shares.items() if drawn[name] < share}
    else:
        unknown = set(mention) - set(ATTRIBUTES)
        if unknown:
            raise ValueError(f"a caption cannot mention {min(unknown)!r}: use {', '.join(ATTRIBUTES)}")
        said = ALWAYS_SAID | set(mention)
    return _write(scene, said, wording=int(rng.integers(2**63)))


def concept_caption(scene: Scene, wording: int = 0) -> Caption:
    """The object's name and nothing else, as a class-conditional GAN is told it; all other attributes are open."""
    return _write(scene, frozenset({"concept"}), wording)


def canonical_caption(scene: Scene, style: bool = False) -> Caption:
    """The test caption: "a small red cat at the top on a blue background"; `style=True` adds the style."""
    return _write(scene, frozenset(ATTRIBUTES) - (frozenset() if style else {"style"}), wording=0)


def caption_of(scene: Scene, mentioned: Collection[str]) -> Caption:
    """The canonical wording that says just this much."""
    return _write(scene, frozenset(mentioned), wording=0)


def rewrite(caption: Caption, scene: Scene) -> Caption:
    """`caption`'s wording for another scene; what differs between the two scenes is said as well."""
    changed = {name for name in ATTRIBUTES if scene.attribute(name) != caption.scene.attribute(name)}
    return _write(scene, (caption.mentioned - caption.implied) | changed, caption.wording)


def _write(scene: Scene, said: frozenset[str], wording: int) -> Caption:
    # Each choice reads seven bits of its own, so that a swapped attribute changes no other word;
    # all bits zero make the canonical caption.
    def pick(place: int, options: tuple):
        return options[((wording >> 7 * place) & 127) * len(options) >> 7]

    def words(name: str) -> tuple[str, ...]:
        return ATTRIBUTES[name].values[scene.attribute(name)].words if name in said else ()

    def of(name: str) -> str:
        return pick(ATTRIBUTES[name].wording, words(name)) if words(name) else ""

    clauses = {"p": of("position"), "b": "", "s": of("style")}
    if "background" in said:
        clauses["b"] = pick(ATTRIBUTES["background"].wording, BACKGROUND_WORDS).format(scene.background)

    concept = CONCEPTS[scene.object.concept]
    # the name of the table three times in five
    name = pick(2, (concept.name,) * 3 * len(concept.synonyms) + concept.synonyms * 2 or (concept.name,))
    before: list[str] = []
    for attribute in BEFORE_THE_NOUN:
        if words(attribute.name):
            at = len(before)
            before.insert(pick(4, (at, at, 0)) if attribute.may_lead else at, of(attribute.name))
    clauses["o"] = pick(6, OPENINGS) + with_article(" ".join([*before, name]), name)

    says_large = "size" in said and scene.object.size == "large"
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


def with_article(phrase: str, noun: str) -> str:
    """ "red apple" -> "a red apple"; without an article where the noun takes none."""
    return phrase if noun in _BARE else f"{_article(phrase.split()[0])} {phrase}"


@cache
def _article(word: str) -> str:
    """ "an hourglass", "a unicorn": as it sounds."""
    return _ENGLISH.a(word).split()[0]


def plain_words(parts: dict[str, Hashable], noun: str) -> str:
    """ "a|an [size] [orientation] [tint] NOUN [position] [on a BACKGROUND background] [in STYLE style]".

    `parts` has the values of the attributes that are said; "large" says where it is already.
    """
    def words(name: str) -> str:
        value = parts.get(name)
        known = ATTRIBUTES[name].values[value].words if value is not None else ()
        return known[0] if known else ""

    phrase = " ".join(word for word in (words("size"), words("orientation"), words("tint"), noun) if word)
    place = words("position") if parts.get("size") != "large" else ""
    background = BACKGROUND_WORDS[0].format(parts["background"]) if parts.get("background") else ""
    return " ".join(part for part in (with_article(phrase, noun), place, background, words("style")) if part)
