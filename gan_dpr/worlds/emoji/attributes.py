"""The one table of the emoji world: what a scene can be told, in which words, how often, and how it is drawn.

Sampling, the prompt reader, the menus of the demo, the judge's heads, SceneEval's columns and the descriptions of the
gallery are all read from it. A new attribute is one more entry here, a field in `scene`, a line of `render`, its words
in `korean_words` and in the demo's `korean.json`, and in `captions` where it is said, unless that is before the noun.

A layered generator draws it by one more part: a row of `networks.parts`, what `networks.composition` makes of it, and
its target, in `worlds.protocol.Layers`, `training.batches` and `training.reconstruction`. Checkpoints from before it
are then of another shape. A judge is trained for it anew, unless `evaluation.pixels` reads it.
"""

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, Literal

import numpy as np

from .english_words import (
    BEHIND,
    BY,
    COLOURS,
    FALLEN,
    HEAD,
    LARGE_THINGS,
    PLACES,
    SMALL_THINGS,
    TURNED,
    UNDERSIDE,
)  # fmt: skip


@dataclass(frozen=True)
class Value:
    """One value of an attribute.

    Attributes:
        words: how captions say it half of the time, the canonical words first; a word that stands twice comes twice
            as often. Empty for a value that silence means.
        label: what a menu calls it.
        drawn: what the renderer needs: pixels, colours, quarter turns.
        synonyms: how captions say it otherwise, in the same place. Words that begin with a comma stand apart from the
            rest: "a cat, top left".
        behind: the same for what stands behind the noun where `words` stand before it: "a cat on its head".
        held_out: synonyms that people use and prompts may have, but no training caption has, in any role: they show
            what the text tower carries over. Chosen by hand, about one in ten and at least one a value.
        also: further spellings that a prompt may have; no caption has them.
        forms: regular expressions of what is said in too many ways to list; no caption has them.
        share: how often it is drawn, among the values of its attribute.
    """

    words: tuple[str, ...]
    label: str
    drawn: Any = None
    synonyms: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    share: float = 1.0

    @cached_property
    def phrases(self) -> tuple["Phrase", ...]:
        """How captions say it, repeated by frequency, the canonical one first: half `words`, half synonyms.

        What silence means is said one time in ten.
        """
        others = (*(Phrase(text) for text in self.synonyms), *(Phrase(text, behind=True) for text in self.behind))
        usual = tuple(map(Phrase, self.words)) * len(others) or (Phrase(""),) * 9 * len(others)
        return usual + others * max(len(self.words), 1) or tuple(map(Phrase, self.words)) or (Phrase(""),)

    @property
    def known(self) -> tuple[str, ...]:
        """All words that a prompt may say for it."""
        return (*self.shown, *self.held_out, *self.also)

    @property
    def shown(self) -> tuple[str, ...]:
        """Those of them that training captions have."""
        return (*self.words, *self.synonyms, *self.behind)


@dataclass(frozen=True)
class Phrase:
    """Words of a caption; `behind`: they stand behind the noun."""

    text: str
    behind: bool = False


@dataclass(frozen=True)
class Attribute:
    """One thing that a scene can be told.

    Attributes:
        name: its name everywhere.
        values: by key; empty for the concept and the style's pictures, which are tables of their own.
        clause: where captions say it: in words before the noun, or in a clause of its own.
        may_lead: whether its words may also stand first: "an upside-down small cat".
        usual: the value that silence means; None where silence leaves the attribute open.
        usual_share: how often the usual value is drawn; None where the values' own shares say it.
        said: the share of captions that say it, where it is not always said.
        holds_out: whether pairs of a concept and a value are held out of training (SCENES.md).
        of_scene: whether the whole scene has it rather than each of its objects.
        patterns: regular expressions of the prompt reader, in which {value} stands for all words of all values.
    """

    name: str
    values: dict[Hashable, Value]
    clause: Literal["noun", "words", "position", "background", "style"] = "words"
    may_lead: bool = False
    usual: Hashable | None = None
    usual_share: float | None = None
    said: float = 1.0
    holds_out: bool = False
    of_scene: bool = False
    patterns: tuple[str, ...] = ("{value}",)

    @property
    def may_be_open(self) -> bool:
        """Whether a caption that does not say it leaves it to the noise."""
        return self.usual is None and self.clause != "noun"

    def drawn(self, values: tuple[Hashable, ...], chance: Iterator[float]) -> Hashable | None:
        """One of some of its values, in their shares, by the next numbers from [0, 1); None where there is none."""
        if self.usual_share is not None:
            u, v = next(chance), next(chance)
            others = tuple(value for value in values if value != self.usual)
            if self.usual in values and (u < self.usual_share or not others):
                return self.usual
            return others[int(v * len(others))] if others else None
        u = next(chance)
        if not values:
            return None
        shares = [self.values[value].share for value in values]
        if len(set(shares)) == 1:
            return values[int(u * len(values))]
        weights = list(accumulate(share / sum(shares) for share in shares))
        return values[min(bisect_right(weights, u), len(values) - 1)]  # the last weight can be a rounding error below 1


def _colour(name: str, rgb: tuple[int, int, int] | None, *, words: tuple[str, ...] = (), **more: Any) -> Value:
    synonyms, held_out, also = COLOURS[name]
    return Value(words or (name,), name, rgb, synonyms=synonyms, held_out=held_out, also=also, **more)


CENTRE = (1, 1)
def _place(
    words: tuple[str, ...], synonyms: tuple[str, ...], held_out: tuple[str, ...], forms: tuple[str, ...] = ()
) -> Value:
    usual = (words[0], words[0], words[-1])
    return Value(usual, words[0].split(" the ")[1], synonyms=synonyms, held_out=held_out, forms=forms)


CONCEPT = Attribute("concept", {}, clause="noun")

STYLE = Attribute(
    "style",
    {
        "noto": Value(
            ("in Noto style",), "Noto",
            synonyms=("in Google Noto style", "in Google's Noto style", "in Google style", "as a Noto emoji",
                      "in the style of Noto", "as a Google emoji", ", Noto style"),
            held_out=("like Google draws it",), also=("noto", "google"),
        ),
        "twemoji": Value(
            ("in Twemoji style",), "Twemoji",
            synonyms=("in Twitter style", "in Twitter emoji style", "as a Twitter emoji", "as a Twemoji",
                      "in the style of Twitter", ", Twitter style", ", Twemoji style"),
            held_out=("like Twitter draws it",), also=("twemoji", "twitter", "tweet emoji"),
        ),
        "fluent-flat": Value(
            ("in flat style",), "flat",
            synonyms=("in flat design", "as a flat icon", "as a flat vector", "in flat vector style", "drawn flat",
                      ", flat design", ", flat vector", ", flat style", ", flat icon"),
            held_out=("flat illustration", "two-dimensional"), also=("flat", "2d", "vector", "flat design style"),
        ),
        "fluent-3d": Value(
            ("in 3D style",), "3D",
            synonyms=("in 3D", "as a 3D render", "rendered in 3D", "as a 3D model", "modeled in 3D", ", 3D",
                      ", 3D render", ", 3D style"),
            held_out=("three-dimensional", "3D rendering"), also=("3d", "3 d", "3-dimensional"),
        ),
        "emojione": Value(
            ("in EmojiOne style",), "EmojiOne",
            synonyms=("in JoyPixels style", "as an EmojiOne emoji", "as a JoyPixels emoji", "in the style of EmojiOne",
                      ", EmojiOne style", ", JoyPixels style"),
            held_out=("like EmojiOne draws it",), also=("emojione", "emoji one", "joypixels", "joy pixels"),
        ),
    },
    clause="style",
    said=0.5,
    patterns=(r"(?:in )??(?:the |an? )??{value}(?: style)?",),  # lazy: words that begin with "in" are tried whole
)  # fmt: skip

ORIENTATION = Attribute(
    "orientation",
    {  # drawn: quarter turns, counter-clockwise as np.rot90 counts
        "upright": Value(
            (), "upright", 0,
            synonyms=("upright",), behind=("the right way up", "standing upright"), held_out=("right side up",),
            also=("standing up", "the correct way up", "right way up", "correct way up", "the normal way up",
                  "the usual way up"),
            share=0.55,
        ),
        "upside-down": Value(
            ("upside-down", "upside-down", "upside down"), "upside-down", 2,
            synonyms=("flipped", "inverted", "flipped-over", "upturned"),
            behind=("on its head", "standing on its head", "flipped over", "turned upside down", "the wrong way up",
                    "head down", "flipped upside down", "turned on its head", "hanging upside down",
                    "doing a headstand", "turned over", "bottom up"),
            held_out=("topsy-turvy", "overturned", "doing a handstand"),
            also=("upsidedown", "up side down", "bottoms up", "wrong side up", "head first", "balancing on its head"),
            forms=(
                rf"{TURNED} {BY}(?:180|one hundred (?:and )?eighty) degrees", rf"{TURNED} {BY}half a turn",
                rf"(?:with )?(?:its )?{UNDERSIDE} (?:\w+ing |stuck |held )*"
                r"(?:up(?:wards?)?(?: in the air)?|in the air|skywards?|(?:(?:to|at|towards?) )?the (?:sky|ceiling))",
                "bottom side up", "(?:head over heels|heels over head)",
                rf"(?:\w+(?:ed|ing|en) |stood |flat )*(?:over )?on(?:to)? its {HEAD}", "capsized", "somersaulted",
                "hanging (?:head|nose|top) down", "(?:the )?wrong (?:way|side) (?:up|a?round)",
            ),
            share=0.28,
        ),
        "sideways": Value(
            ("sideways",), "sideways", -1,
            synonyms=("tipped-over",),
            behind=("on its side", "lying on its side", "rolled over", "tipped over", "turned ninety degrees",
                    "rotated 90 degrees", "turned 90 degrees", "lying down", "turned on its side", "turned sideways",
                    "lying sideways", "fallen over", "knocked over", "rotated sideways"),
            held_out=("toppled over", "toppled", "rotated a quarter turn"),
            also=("rotated by 90 degrees", "rotated ninety degrees", "tipped on its side", "laying on its side",
                  "laying down", "fallen on its side", "side ways", "rolled on its side"),
            forms=(
                rf"{TURNED} {BY}(?:90|270|ninety) degrees", rf"{TURNED} {BY}a quarter (?:of a )?turn",
                r"(?:\w+(?:ed|ing|en) )?(?:flat |down |over )?(?:on|onto|to) (?:its|one) (?:\w+ )?(?:side|flank)",
                rf"{FALLEN} (?:down|over)",
            ),
            share=0.17,
        ),
    },
    may_lead=True,
    usual="upright",
    holds_out=True,
)  # fmt: skip

TINT = Attribute(
    "tint",
    {  # drawn: the colour between black shadows and white lights
        "none": Value((), "none"),
        "red": _colour("red", (214, 48, 49)),
        "orange": _colour("orange", (243, 134, 26)),
        "yellow": _colour("yellow", (250, 208, 44)),
        "green": _colour("green", (39, 174, 96)),
        "blue": _colour("blue", (41, 98, 255)),
        "purple": _colour("purple", (142, 68, 173)),
        "pink": _colour("pink", (255, 130, 190)),
        "gray": _colour("gray", (130, 130, 130), words=("gray", "gray", "grey")),
    },
    usual="none",
    usual_share=0.55,
    holds_out=True,
)

SIZE = Attribute(
    "size",
    {  # drawn: the longest side in pixels of a scene of 64
        "small": Value(
            ("small", "small", "tiny"), "small", 24,
            synonyms=("teeny", "teeny-tiny", "mini", "little", "miniature", "wee", "very small", "minuscule",
                      "itty-bitty", "really tiny"),
            held_out=("diminutive",),
            also=("teensy", "teensy-weensy", "weeny", "tiny little", "small-sized", "smol", "lil", "baby-sized"),
            forms=(f"(?:{SMALL_THINGS}) sized?", f"(?:the )?size of an? (?:{SMALL_THINGS})", "(?:itsy|bitsy|titchy)"),
        ),
        "medium": Value(
            ("medium-sized", "medium-sized", "medium"), "medium", 36,
            synonyms=("mid-sized", "normal-sized", "regular-sized", "medium-size", "mid-size", "normal-size",
                      "moderately sized"),
            held_out=("average-sized", "average"),
            forms=("(?:neither|not) (?:too )?(?:big|large) n?or (?:too )?small", "(?:of )?moderate(?: in)?(?: size)?"),
            also=("average size", "regular size", "middle-sized", "middle size", "of medium size"),
        ),
        "large": Value(
            ("large", "large", "big", "huge"), "large", 52,
            synonyms=("gigantic", "enormous", "giant", "massive", "oversized", "very big", "very large", "great big",
                      "jumbo", "humongous"),
            held_out=("colossal",),
            also=("large-sized", "really big", "super big", "ginormous", "towering", "mammoth", "whopping", "monstrous",
                  "mega", "hefty", "extra large", "xl", "xxl"),
            forms=(f"(?:{LARGE_THINGS}) ?sized?", f"(?:the )?size of an? (?:{LARGE_THINGS})",
                   "(?:behemoth|mountainous|elephantine|titanic)(?: in size)?"),
        ),
    },
    said=0.7,
)  # fmt: skip
MEDIUM_SAID = 0.5  # "an elephant" mostly leaves the size open, but test captions do say "medium-sized"

POSITION = Attribute(
    "position",
    {place: _place(*PLACES[place]) for place in sorted(PLACES)},
    clause="position",
    said=0.8,
)

BACKGROUND = Attribute(
    "background",
    {
        "white": _colour("white", (250, 250, 250)),
        "black": _colour("black", (20, 20, 20)),
        "red": _colour("red", (214, 48, 49)),
        "green": _colour("green", (39, 174, 96)),
        "blue": _colour("blue", (41, 98, 255)),
        "yellow": _colour("yellow", (253, 216, 53)),
        "pink": _colour("pink", (255, 158, 200)),
        "purple": _colour("purple", (142, 68, 173)),
    },
    clause="background",
    said=0.85,
    holds_out=True,
    of_scene=True,
    patterns=(
        rf"(?:(?:set )?(?:on|with|against|in front of|over|in) )?(?:an? |the )?{{value}} {BEHIND}",
        rf"(?:(?:with|on) )?(?:an? |the )?{BEHIND} (?:is |should be |must be |in |of |as |colou?r )*{{value}}",
        r"(?:with )?{value} behind(?: it| them)?",
        r"(?:on|against|over) {value}(?=$| ?,| in | at | on | with | please)",
    ),
)

# The order of SCENES.md, of columns and of menus.
TABLE = (CONCEPT, ORIENTATION, TINT, SIZE, POSITION, BACKGROUND, STYLE)
BEFORE_THE_NOUN = (SIZE, ORIENTATION, TINT)  # in this order
# The order in which a scene is drawn by chance, after its concept. Frozen, since test scenes come from it: what is
# new goes to the end.
DRAWN_IN_TURN = (BACKGROUND, TINT, ORIENTATION, SIZE, POSITION, STYLE)
ATTRIBUTES = {attribute.name: attribute for attribute in TABLE}
ALWAYS_SAID = frozenset(a.name for a in TABLE if not a.may_be_open)
HOLDING_OUT = tuple(a.name for a in TABLE if a.holds_out)


@dataclass(frozen=True)
class Clash:
    """What no scene has together: values of two attributes, and the sentence about them."""

    names: tuple[str, str]
    together: Callable[[Hashable, Hashable], bool]
    sentence: str

    def between(self, values: dict[str, Hashable]) -> bool:
        """Whether values, by attribute, clash here; not where one of the two is not among them."""
        return all(name in values for name in self.names) and self.together(*(values[name] for name in self.names))


CLASHES = (
    Clash(
        ("tint", "background"),
        lambda tint, background: tint == background,
        "a {tint} object on a {background} background cannot be seen",
    ),
    Clash(
        ("size", "position"),
        lambda size, position: size == "large" and position != CENTRE,
        f"a large object is always at position {CENTRE}, not {{position}}",
    ),
)


def chances(rng: np.random.Generator) -> Iterator[float]:
    """Eight numbers from [0, 1), then as many of a stream of their own as a longer table asks for.

    So what was drawn before an attribute came to the table, test scenes among it, stays as it was.
    """
    first = rng.random(8)
    yield from first.tolist()
    further = np.random.default_rng(first.view(np.uint64))
    while True:
        yield further.random()


def clashing(values: dict[str, Hashable]) -> str | None:
    """The sentence about values, by attribute, that no scene has together; None where there is none."""
    found = next((clash for clash in CLASHES if clash.between(values)), None)
    return found.sentence.format(**values) if found else None


def words_of(name: str, value: Hashable) -> str:
    """The canonical words of a value; "none" or "upright" where silence means it."""
    found = ATTRIBUTES[name].values[value]
    return found.words[0] if found.words else found.label
