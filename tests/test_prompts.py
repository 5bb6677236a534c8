"""Prompts in people's own words: what the rules read of them, and what they say that means nothing here."""

import numpy as np
import pytest

from gan_dpr.worlds.emoji.captions import canonical_caption
from gan_dpr.worlds.emoji.prompts import PromptRemark, understood
from gan_dpr.worlds.emoji.reading import noun_of, read_prompt, spelled, unused
from gan_dpr.worlds.emoji.world import EmojiWorld

TURNS = {
    "upside-down": (
        "an upside-down cat", "a cat upside down", "a cat, upside down", "an inverted cat", "a flipped cat",
        "a flipped-over cat", "a cat on its head", "a cat standing on its head", "a cat flipped over",
        "a cat turned upside down", "a cat the wrong way up", "a cat, head down", "a cat bottom up",
        "a cat doing a headstand", "a topsy-turvy cat", "an overturned cat", "a cat doing a handstand",
        "a cat on her head", "UPSIDE DOWN CAT!!!", "draw me a cat hanging upside down",
    ),
    "sideways": (
        "a sideways cat", "a cat lying on its side", "a cat on its side", "a cat rolled over", "a cat tipped over",
        "a cat turned ninety degrees", "a cat rotated 90 degrees", "a cat lying down", "a toppled cat",
        "a cat that has fallen over", "a cat turned sideways", "a cat laying on his side",
        "a cat rotated a quarter turn",
    ),
    "upright": ("an upright cat", "a cat the right way up", "a cat standing upright", "a cat right side up"),
}  # fmt: skip
TINTS = {
    "red": ("a crimson cat", "a scarlet cat", "a ruby cat", "a cherry-red cat", "cat, bright red"),
    "orange": ("a tangerine cat", "a ginger cat", "a copper cat"),
    "yellow": ("a golden cat", "a lemon cat", "a lemon-yellow cat", "a canary cat"),
    "green": ("an emerald cat", "a lime cat", "a lime green cat", "a jade cat", "a cat in forest green"),
    "blue": ("a navy cat", "an azure cat", "a cobalt cat", "a navy blue cat", "a sapphire cat"),
    "purple": ("a violet cat", "a lavender cat", "a lilac cat", "a mauve cat"),
    "pink": ("a rose cat", "a magenta cat", "a hot-pink cat", "a fuchsia cat"),
    "gray": ("a silver cat", "a grey cat", "an ash cat", "a slate cat"),
}
SIZES = {
    "small": ("a teeny cat", "a tiny cat", "a mini cat", "a little cat", "a miniature cat", "a wee cat",
              "a very small cat", "an itty bitty cat", "a diminutive cat"),
    "medium": ("a medium cat", "a mid-sized cat", "an average cat", "a normal-sized cat", "a medium size cat"),
}  # fmt: skip
LARGE = ("a gigantic cat", "an enormous cat", "a giant cat", "a massive cat", "an oversized cat", "a colossal cat",
         "a great big cat", "a huge cat")  # fmt: skip
PLACES = {
    (0, 0): ("a cat in the upper left corner", "a cat in the top left-hand corner", "top left: a cat",
             "a cat up on the left", "a cat in the upper left-hand corner", "a top left cat"),
    (0, 1): ("a cat up top", "a cat near the top", "a cat high up", "a cat, top middle", "a cat at the very top"),
    (0, 2): ("a cat, upper right", "a cat at the upper right", "cat in the top right corner"),
    (1, 0): ("a cat on the left-hand side", "a cat to the left", "a cat on the far left", "a cat, left side"),
    (1, 1): ("a cat, centered", "a centered cat", "a cat right in the middle", "a cat smack in the middle",
             "a cat in the centre", "a cat, dead center"),
    (1, 2): ("a cat on the right-hand side", "a cat toward the right", "a cat near the right edge"),
    (2, 0): ("a cat down on the left", "a cat in the lower left", "a cat, bottom left corner"),
    (2, 1): ("a cat, bottom middle", "a cat near the bottom", "a cat low down", "a cat at the bottom center"),
    (2, 2): ("a cat, lower right", "a cat in the lower right-hand corner", "a cat down on the right"),
}  # fmt: skip
BACKGROUNDS = {
    "blue": ("a cat on a blue background", "blue background, cat", "cat, background: blue", "a cat on blue",
             "a cat, blue bg", "a cat in a blue sky", "a cat on a navy backdrop", "a cat on an azure background",
             "a cat with blue behind it", "the background is blue, a cat", "a cat against a sapphire wall"),
    "red": ("a cat in front of a scarlet wall", "a cat on a crimson surface", "a cat, red backdrop"),
    "white": ("a cat on a snow-white background", "a cat on a plain white background", "cat, ivory background"),
    "black": ("a cat on a jet-black background", "a cat on pitch black", "a cat in a black sky"),
    "green": ("a cat against an emerald backdrop", "lime background, cat"),
}  # fmt: skip
STYLES = {
    "fluent-3d": ("a cat as a 3D render", "a cat rendered in 3D", "a 3D cat", "a cat, three-dimensional", "cat 3d"),
    "fluent-flat": ("a cat in flat design", "a cat as a flat icon", "a flat vector cat", "a cat, flat illustration"),
    "noto": ("a cat in Google's Noto style", "a cat in Noto style", "a cat, noto"),
    "twemoji": ("a cat as a Twitter emoji", "a cat in Twitter style", "a cat like Twitter draws it"),
    "emojione": ("a cat in JoyPixels style", "a cat in the style of EmojiOne"),
}
PAIRS = [
    (prompt, {"concept": "cat", name: value})
    for name, table in (
        ("orientation", TURNS), ("tint", TINTS), ("size", SIZES), ("position", PLACES), ("background", BACKGROUNDS),
        ("style", STYLES),
    )
    for value, prompts in table.items()
    for prompt in prompts
] + [(prompt, {"concept": "cat", "size": "large", "position": (1, 1)}) for prompt in LARGE] + [
    ("PIZZA!!!", {"concept": "pizza"}),
    ("can you draw a rose", {"concept": "rose"}),
    ("a rose on a lemon background", {"concept": "rose", "background": "yellow"}),
    ("I want a wee navy owl down on the left, background: snow-white, as a 3D render",
     {"concept": "owl", "size": "small", "tint": "blue", "position": (2, 0), "background": "white",
      "style": "fluent-3d"}),
    ("navy background, gigantic golden lion standing on its head",
     {"concept": "lion", "size": "large", "position": (1, 1), "tint": "yellow", "background": "blue",
      "orientation": "upside-down"}),
    # typing errors
    ("a big elepant", {"concept": "elephant", "size": "large", "position": (1, 1)}),
    ("an elephnat, flipped over, backgroud: navy",
     {"concept": "elephant", "orientation": "upside-down", "background": "blue"}),
    ("a crimsn dog in the uper left", {"concept": "dog", "tint": "red", "position": (0, 0)}),
    ("a gren frog", {"concept": "frog", "tint": "green"}),
    # what is said twice
    ("a cat upside-down upside-down on the left", {"concept": "cat", "orientation": "upside-down", "position": (1, 0)}),
    ("a cat on its head, upside down, on the right",
     {"concept": "cat", "orientation": "upside-down", "position": (1, 2)}),
    ("a big, huge cat", {"concept": "cat", "size": "large", "position": (1, 1)}),
    ("a top left top left cat", {"concept": "cat", "position": (0, 0)}),
    # what is said of another thing, or said not to be, is not said of this one
    ("a cat next to a red tree on blue", {"concept": "cat", "background": "blue"}),
    ("a cat that is not red", {"concept": "cat"}),
    ("a cat without a blue hat", {"concept": "cat"}),
    ("a dog chasing a green ball at the top", {"concept": "dog", "position": (0, 1)}),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "parts"), PAIRS, ids=[prompt for prompt, _ in PAIRS])
def test_a_prompt_is_read(prompt: str, parts: dict):
    assert read_prompt(prompt) == parts


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a small red cat at the top on a blue background in 3D style", []),
        ("could you please draw me a picture of a cat", []),
        ("two cats", ["two"]),
        ("three small dogs", ["three"]),
        ("a pair of owls", ["pair"]),
        ("a cat next to a tree on blue", ["next to a tree"]),
        ("a cat riding a bike", ["riding a bike"]),
        ("a dragon breathing fire", ["breathing fire"]),
        ("a happy dog", ["happy"]),
        ("a cat without a hat", ["without a hat"]),
        ("a cat, not red", ["not red"]),
        ("a running horse", ["running"]),
        ("two happy cats on red", ["two happy"]),
    ],
)
def test_words_that_mean_nothing_here_are_named(prompt: str, words: list[str]):
    assert unused(prompt) == words


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("a topsy-turvy fuchsia lion", "an upside-down pink lion"),
        ("a flipped lion, backgroud: navy", "an upside-down lion on a blue background"),
        ("frog but pink", "a pink frog"),
        ("picture of kitty, top left!", "a cat at the top left"),
        ("a dragon breathing fire", "a dragon"),
        ("two happy scarlet cats on a navy backdrop", "a red cat on a blue background"),
        ("a huge cat without a red hat", "a large cat"),
        ("PIZZA!!!", "PIZZA"),  # a name alone stays as it is
        ("a blue heart", "a blue heart"),
        ("a crimsn cat, please!", "a red cat"),
        ("a large cat in the middle", "a large cat in the middle"),
        ("sushi, middle right", "sushi on the right"),
        ("a cat in the middle of the left edge", "a cat on the left"),
        ("a bus, top center", "a bus at the top"),
        ("panda on a yellow page", "a panda on a yellow background"),
        ("lilac teddy bear for my little sister's room", "a purple teddy bear"),
        ("oh no the birthday cake tipped over", "a sideways birthday cake"),
        ("a fire-engine red helicopter with its belly to the sky", "an upside-down red helicopter"),
        ("capsized sailboat, keel up", "an upside-down sailboat"),
        ("orange alram clock, right way up", "an orange alarm clock"),
        ("a croissant on a rosy pink background", "a croissant on a pink background"),
        ("can i get a purple hotdog", "a purple hot dog"),
        ("a lion, neither big nor small", "a medium-sized lion"),
        ("a piggy, and the background should be white", "a pig on a white background"),
        ("a tortoise-green turtle on its back", "an upside-down green turtle"),
        ("a cat right in the middle, on the left", "a cat on the left"),
        ("red giraffe, left side, top, sideways", "a sideways red giraffe at the top left"),
        ("a key at the top right in a blue sky", "a key at the top right on a blue background"),
        ("a donut, crimson, the size of a mountain", "a large red doughnut"),
        ("a house the size of a pea", "a small house"),
        ("a hen the colour of a fire engine", "a red chicken"),
        ("a penguin on a sky-coloured background", "a penguin on a blue background"),
        ("an owl against plain snow-white", "an owl on a white background"),
        ("a very pale blue cat", "a blue cat"),
        ("a pig flat on its back with its legs waving at the ceiling", "an upside-down pig"),
        ("a tractor on a canvas as yellow as custard", "a tractor on a yellow background"),
        ("a rose flower", "a rose"),
        ("a lion face", "a lion"),
        ("a red flower", "a red blossom"),
        ("an orange", "a tangerine"),
        ("an orange cat", "an orange cat"),
        ("a huge cat on blue", "a large cat on a blue background"),  # of its place nothing is said
        ("?!", "?!"),
        ("a small red see-no-evil monkey at the top", "a small red see-no-evil monkey at the top"),
        ("a small snowman without snow", "a small snowman without snow"),
        ("a happy flugelhorn", "a happy flugelhorn"),  # for the pipeline, which knows what lies near
    ],
)
def test_what_is_understood_of_a_prompt(prompt: str, text: str):
    assert understood(prompt) == text


def test_only_typing_errors_are_put_right():
    assert spelled("a Elephnt on a yelow bakground") == "a elephant on a yellow background"
    assert spelled("a rde wrom on its sdie") == "a red worm on its side"
    assert spelled("two hot dgos, no act") == "two hot dogs, no act"
    for right in ("a cat on a mat", "a beach", "two owls", "", "코끼리"):
        assert spelled(right) == right


def test_the_noun_that_is_unknown():
    assert noun_of("a happy blue flugelhorn on red", {}) == "happy flugelhorn"


def test_a_remark_names_what_is_not_drawn():
    guide = EmojiWorld().guide()
    assert guide.remark("two cats riding a bike") == PromptRemark("not understood", {"words": "“two”, “riding a bike”"})
    assert guide.remark("a teeny golden cat") is None
    assert guide.remark("a teeny crimson cat") == PromptRemark("held out", {"what": "red cat"})


def test_captions_of_tests_stay_as_they_are():
    """But for names that are a colour and a name, as "blue book" is."""
    world, rng = EmojiWorld({"concept": "core128"}), np.random.default_rng(0)
    for i in range(500):
        text = canonical_caption(world.sample(rng), style=i % 2 == 0).text
        assert understood(text) == text
