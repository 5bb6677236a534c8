"""The one table of the emoji world: what a scene can be told, in which words, how often, and how it is drawn.

Sampling, captions, the prompt reader, the menus of the demo, the judge's heads, SceneEval's columns and the
descriptions of the gallery are all read from it. A new attribute is one more entry here, a field of
`scene.SceneObject`, and a line of the renderer.
"""

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal


@dataclass(frozen=True)
class Value:
    """One value of an attribute.

    Attributes:
        words: how captions say it, the canonical words first; a word that stands twice comes twice as often. Empty
            for a value that silence means.
        label: what a menu calls it.
        drawn: what the renderer needs: pixels, colours, quarter turns.
        also: further words that a prompt may use; no caption has them.
        share: how often it is drawn, among the values of its attribute.
    """

    words: tuple[str, ...]
    label: str
    drawn: Any = None
    also: tuple[str, ...] = ()
    share: float = 1.0


@dataclass(frozen=True)
class Attribute:
    """One thing that a scene can be told.

    Attributes:
        name: its name everywhere.
        values: by key; empty for the concept and the style's pictures, which are tables of their own.
        clause: where captions say it: in words before the noun, or in a clause of its own.
        wording: which of a caption's choices chooses its words (`captions`); each attribute has its own.
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
    wording: int = 0
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


def _colour(name: str, rgb: tuple[int, int, int] | None, **more: Any) -> Value:
    return Value((name,), name, rgb, **more)


CENTRE = (1, 1)
_PLACES = {  # (row, column): the usual words, and others
    (0, 0): ("at the top left", "in the top left corner"),
    (0, 1): ("at the top",),
    (0, 2): ("at the top right", "in the top right corner"),
    (1, 0): ("on the left", "on the left side"),
    (1, 1): ("in the middle", "in the center"),
    (1, 2): ("on the right", "on the right side"),
    (2, 0): ("at the bottom left", "in the bottom left corner"),
    (2, 1): ("at the bottom",),
    (2, 2): ("at the bottom right", "in the bottom right corner"),
}  # fmt: skip


def _place(words: tuple[str, ...]) -> Value:
    return Value((words[0], words[0], words[-1]), words[0].split(" the ")[1])


CONCEPT = Attribute("concept", {}, clause="noun")

STYLE = Attribute(
    "style",
    {
        "noto": Value(("in Noto style",), "Noto", also=("noto",)),
        "twemoji": Value(("in Twemoji style",), "Twemoji", also=("twemoji", "twitter")),
        "fluent-flat": Value(("in flat style",), "flat", also=("flat",)),
        "fluent-3d": Value(("in 3D style",), "3D", also=("3d", "3 d")),
        "emojione": Value(("in EmojiOne style",), "EmojiOne", also=("emojione", "emoji one")),
    },
    clause="style",
    said=0.5,
    patterns=(r"(?:in )?(?:the |an? )?{value}(?: style)?",),
)

ORIENTATION = Attribute(
    "orientation",
    {  # drawn: quarter turns, counter-clockwise as np.rot90 counts
        "upright": Value((), "upright", 0, also=("upright",), share=0.55),
        "upside-down": Value(
            ("upside-down", "upside-down", "upside down"), "upside-down", 2,
            also=("upsidedown", "inverted"), share=0.28,
        ),
        "sideways": Value(("sideways",), "sideways", -1, also=("on its side",), share=0.17),
    },
    wording=5,
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
        "gray": Value(("gray", "gray", "grey"), "gray", (130, 130, 130)),
    },
    wording=8,
    usual="none",
    usual_share=0.55,
    holds_out=True,
)

SIZE = Attribute(
    "size",
    {  # drawn: the longest side in pixels of a scene of 64
        "small": Value(("small", "small", "tiny"), "small", 24, also=("little",)),
        "medium": Value(
            ("medium-sized", "medium-sized", "medium"), "medium", 36, also=("medium size", "mid sized", "mid size")
        ),
        "large": Value(("large", "large", "big", "huge"), "large", 52),
    },
    wording=3,
    said=0.7,
)
MEDIUM_SAID = 0.5  # "an elephant" mostly leaves the size open, but test captions do say "medium-sized"

POSITION = Attribute(
    "position",
    {place: _place(words) for place, words in _PLACES.items()},
    clause="position",
    said=0.8,
    patterns=(),  # read word by word: "left at the very top"
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
    wording=1,
    said=0.85,
    holds_out=True,
    of_scene=True,
    patterns=(
        r"(?:(?:on|with|against|in front of) )?(?:an? |the )?{value} (?:background|backdrop)",
        r"background (?:is |in |of )?{value}",
        r"on {value}(?=$| ?,| in | at | on )",
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


def clashing(values: dict[str, Hashable]) -> str | None:
    """The sentence about values, by attribute, that no scene has together; None where there is none."""
    found = next((clash for clash in CLASHES if clash.between(values)), None)
    return found.sentence.format(**values) if found else None


def words_of(name: str, value: Hashable) -> str:
    """The canonical words of a value; "none" or "upright" where silence means it."""
    found = ATTRIBUTES[name].values[value]
    return found.words[0] if found.words else found.label
