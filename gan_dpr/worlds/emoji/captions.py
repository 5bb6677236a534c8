"""Captions of scenes: paraphrases for training and the canonical form for tests."""

import re
from collections.abc import Collection, Hashable
from dataclasses import replace
from functools import cache
from hashlib import blake2b

import numpy as np

from ..protocol import Caption
from .attributes import ALWAYS_SAID, ATTRIBUTES, BEFORE_THE_NOUN, MEDIUM_SAID, TABLE, Phrase
from .concepts import CONCEPTS, Concept
from .english import is_plural, with_article
from .scene import Scene

# Words are repeated where they should be more frequent; each tuple starts with the canonical ones.
OPENINGS = (
    *[""] * 20, *["a picture of "] * 4, "an image of ", "a drawing of ", "an emoji of ", "an icon of ", "draw ",
    "draw me ", "please draw ", "show me ", "I want ", "give me ", "make me ", "can you draw ", "I would like ",
)  # fmt: skip
ENDINGS = (*[""] * 24, ".", "!", "!!!", " please", ", please")
# What begins with a comma stands apart from the rest: "a cat, blue background".
BACKGROUND_WORDS = (
    *["on a {} background"] * 6, "with a {} background", "with a {} background", "against a {} background", "on {}",
    "on {}", "on a {} backdrop", "against a {} backdrop", "in front of a {} wall", "against a {} wall",
    "on a {} surface", "in a {} sky", "over a {} background", "with {} behind it", ", {} background",
    ", {} background", ", background: {}", ", the background is {}", ", {} backdrop",
)  # fmt: skip
WITH_ARTICLE = (True,) * 9 + (False,)
TYPO_SHARE = 0.015  # of the phrases of a caption: about one caption in twenty-five
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


def names_of(concept: Concept) -> tuple[str, ...]:
    """The name of the table and its synonyms, each bare and with its article: "cat", "a cat", "kitty", "a kitty"."""
    return tuple(dict.fromkeys(
        text for name in (concept.name, *concept.synonyms) for text in (name, with_article(name, name))
    ))  # fmt: skip


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


def renamed(caption: Caption, name: str) -> str:
    """The words of `caption` for a thing that is called otherwise."""
    return _write(caption.scene, caption.mentioned - caption.implied, caption.wording, name).text


def _write(scene: Scene, said: frozenset[str], wording: int, called: str | None = None) -> Caption:
    def pick(choice: str, options: tuple):
        return options[int(_chance(wording, choice) * len(options))]

    def phrase(name: str) -> Phrase:
        options = ATTRIBUTES[name].values[scene.attribute(name)].phrases if name in said else (Phrase(""),)
        found = pick(name, options)
        if found.text in concept.name:  # no "rose rose"
            found = options[0]
        return replace(found, text=_mistyped(found.text, wording, name))

    concept = CONCEPTS[scene.object.concept]
    clauses = {"p": phrase("position").text, "b": "", "s": phrase("style").text}
    if "background" in said:
        colour = phrase("background").text
        clauses["b"] = background_words(colour, pick("background clause", BACKGROUND_WORDS))

    # the name of the table three times in five
    names = (concept.name,) * 3 * len(concept.synonyms) + concept.synonyms * 2 or (concept.name,)
    name = pick("concept", names) if called is None else called
    before, behind = [], []
    for attribute in BEFORE_THE_NOUN:
        words = phrase(attribute.name)
        if words.behind:
            behind.append(words.text.replace("its", "their") if is_plural(name) else words.text)
        elif words.text:
            at = len(before)
            before.insert(pick("order", (at, at, 0)) if attribute.may_lead else at, words.text)
    thing = " ".join([*before, _mistyped(name, wording, "concept")])
    if pick("article", WITH_ARTICLE):
        thing = with_article(thing, name)
    clauses["o"] = pick("opening", OPENINGS) + " ".join([thing, *behind])

    says_large = "size" in said and scene.object.size == "large"
    implied = frozenset({"position"} if says_large and "position" not in said else ())
    text = _lay_out(pick("layout", LAYOUTS), clauses) + pick("ending", ENDINGS)
    return Caption(text, scene, frozenset(said) | implied, wording, implied)


def _chance(wording: int, choice: str) -> float:
    """A number in [0, 1) for each choice of a wording, so that a swapped attribute changes no other word.

    Wording 0 makes the canonical caption: always 0.
    """
    if wording == 0:
        return 0.0
    return int.from_bytes(blake2b(f"{wording} {choice}".encode(), digest_size=6).digest()) / 2**48


def _lay_out(layout: str, clauses: dict[str, str]) -> str:
    text = " ".join(clauses[key[0]] + key[1:] for key in layout.split())
    for key in "pbs":
        if clauses[key].startswith(", "):  # stands apart on both sides
            text = text.replace(clauses[key], clauses[key] + ",", 1)
    return re.sub(r"[ ,]*,[ ,]*", ", ", re.sub(r" +", " ", text)).strip(" ,")


def _mistyped(phrase: str, wording: int, name: str) -> str:
    """The phrase, now and then with one letter wrong, as people type: in a long word, and never a known word then."""
    chance = _chance(wording, f"typo of {name}") / TYPO_SHARE
    long = [match for match in re.finditer(r"[A-Za-z]{5,}", phrase) if match[0] != "background"]
    if wording == 0 or chance >= 1 or not long:
        return phrase
    match = long[int(chance * len(long))]
    word, rng = match[0], np.random.default_rng(int(chance * 2**48))
    at = int(rng.integers(1, len(word) - 1))  # the first letter stays, and the article with it
    wrong = (
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + "abcdefghijklmnopqrstuvwxyz"[int(rng.integers(26))] + word[at + 1 :],
    )[int(rng.integers(4))]
    return phrase if wrong.lower() in _known_words() else phrase[: match.start()] + wrong + phrase[match.end() :]


@cache
def _known_words() -> frozenset[str]:
    """All words of the attributes and of the names of things."""
    said = [words for a in TABLE for value in a.values.values() for words in value.known]
    said += [words for concept in CONCEPTS.values() for words in (concept.name, *concept.synonyms)]
    return frozenset(word for words in said for word in re.findall(r"[a-z]+", words.lower()))


def background_words(colour: str, words: str = BACKGROUND_WORDS[0]) -> str:
    """ "on a blue background", "on an emerald background"."""
    return words.format(colour).replace(f" a {colour}", f" {with_article(colour, colour)}")


def plain_words(parts: dict[str, Hashable], noun: str) -> str:
    """ "a|an [size] [orientation] [tint] NOUN [position] [on a BACKGROUND background] [in STYLE style]".

    `parts` has the values of the attributes that are said.
    """
    def words(name: str) -> str:
        value = parts.get(name)
        known = ATTRIBUTES[name].values[value].words if value is not None else ()
        return known[0] if known else ""

    phrase = " ".join(word for word in (*(words(attribute.name) for attribute in BEFORE_THE_NOUN), noun) if word)
    place = words("position")
    background = background_words(parts["background"]) if parts.get("background") else ""
    return " ".join(part for part in (with_article(phrase, noun), place, background, words("style")) if part)
