"""Captions: true, grammatical, in the frozen shares, and readable again."""

import re
from collections import Counter

import numpy as np
import pytest

from gan_dpr.data.captions import canonical_caption, concept_caption, read_prompt, rewrite, write_caption
from gan_dpr.data.world import ATTRIBUTES, STYLES, Scene, SceneObject, World, held_out_attributes

ELEPHANT = Scene((SceneObject("elephant", "fluent-3d", "upside-down", "red", "small", (0, 2)),), "blue")
PLAIN = Scene((SceneObject("owl", "noto"),), "white")


def drawn(n: int, seed: int = 0, world: World | None = None) -> list:
    rng = np.random.default_rng(seed)
    world = world or World()
    return [write_caption(world.sample(rng), rng) for _ in range(n)]


@pytest.mark.parametrize(
    ("scene", "text"),
    [
        (ELEPHANT, "a small upside-down red elephant at the top right on a blue background"),
        (PLAIN, "a medium-sized owl in the middle on a white background"),
        (
            Scene((SceneObject("unicorn", "noto", tint="orange", size="large"),), "black"),
            "a large orange unicorn in the middle on a black background",
        ),
        (
            Scene((SceneObject("hot beverage", "noto", position=(1, 0)),), "pink"),
            "a medium-sized cup of coffee on the left on a pink background",
        ),
        (
            Scene((SceneObject("scissors", "noto", size="small", position=(2, 1)),), "red"),
            "small scissors at the bottom on a red background",
        ),
    ],
)
def test_canonical_captions(scene, text):
    caption = canonical_caption(scene)
    assert caption.text == text
    assert caption.mentioned == set(ATTRIBUTES) - {"style"}
    assert not caption.specifies_all
    with_style = canonical_caption(scene, style=True)
    assert with_style.text == f"{text} {STYLES[scene.object.style]}"
    assert with_style.specifies_all


def test_a_concept_caption_says_the_name_alone_and_leaves_the_rest_open():
    wordings = np.random.default_rng(0).integers(2**63, size=100).tolist()
    texts = {concept_caption(ELEPHANT, wording).text for wording in wordings}
    openings = ("", "a picture of ", "an image of ", "a drawing of ", "an emoji of ")
    assert texts == {opening + "an elephant" for opening in openings}
    caption = concept_caption(ELEPHANT)
    assert caption.text == "an elephant"
    assert caption.mentioned == {"concept"}
    assert caption.satisfied_by(Scene((SceneObject("elephant", "noto"),), "white"))


@pytest.mark.parametrize(
    ("scene", "start"),
    [
        (Scene((SceneObject("owl", "noto"),)), "an owl"),
        (Scene((SceneObject("unicorn", "noto"),)), "a unicorn"),
        (Scene((SceneObject("umbrella", "noto"),)), "an umbrella"),
        (Scene((SceneObject("cat", "noto", "upside-down"),)), "an upside-down cat"),
        (Scene((SceneObject("owl", "noto", tint="yellow"),)), "a yellow owl"),
        (Scene((SceneObject("cherries", "noto"),)), "cherries"),
        (Scene((SceneObject("french fries", "noto", tint="green"),)), "green french fries"),
    ],
)
def test_articles(scene, start):
    texts = {write_caption(scene, np.random.default_rng(i), mention=()).text for i in range(300)}
    assert start in texts


def test_an_article_before_every_vowel_and_no_other():
    for caption in drawn(3000):
        assert not re.search(r"\ban (?![aeiou])", caption.text), caption.text
        assert not re.search(r"\ba (?=[aeio])", caption.text), caption.text
        assert not re.search(r"  |^[ ,]|[ ,]$| ,", caption.text), caption.text


def test_what_is_said_and_how_often():
    captions = drawn(8000)
    assert all(caption.mentioned >= {"concept", "orientation", "tint"} for caption in captions)
    said = {
        name: [name in caption.mentioned - caption.implied for caption in captions if sized(caption)]
        for name, sized in {
            "size": lambda caption: caption.scene.object.size != "medium",
            "position": lambda caption: True,
            "background": lambda caption: True,
            "style": lambda caption: True,
        }.items()
    }
    shares = {name: np.mean(values) for name, values in said.items()}
    assert shares == pytest.approx({"size": 0.7, "position": 0.8, "background": 0.85, "style": 0.5}, abs=0.03)


def test_captions_say_what_they_mention_and_nothing_else():
    for caption in drawn(4000, seed=1):
        mentioned = {name: caption.scene.attribute(name) for name in caption.mentioned}
        if mentioned["orientation"] == "upright":
            del mentioned["orientation"]
        if mentioned["tint"] == "none":
            del mentioned["tint"]
        assert read_prompt(caption.text) == mentioned, caption.text


def test_every_wording_occurs():
    texts = " | ".join(caption.text for caption in drawn(4000, seed=2))
    for words in (
        "a picture of", "an image of", "an emoji of", "with a", "against a", ", on a",
        "tiny", "huge", "big", "medium ", "upside down", "upside-down", "grey", "gray",
        "in the top left corner", "in the center", "on the right side",
        "in 3D style, ", "bunny", "burger", "on pink",
    ):  # fmt: skip
        assert words in texts, words
    assert Counter(caption.text[0] for caption in drawn(500, seed=3)).keys() >= {"a", "i", "o"}


def test_mention_forces_what_is_said():
    rng = np.random.default_rng(0)
    for _ in range(200):
        caption = write_caption(ELEPHANT, rng, mention={"background"})
        assert caption.mentioned == {"concept", "orientation", "tint", "background"}
        assert read_prompt(caption.text) == {
            "concept": "elephant", "orientation": "upside-down", "tint": "red", "background": "blue"
        }  # fmt: skip
    with pytest.raises(ValueError, match="^a caption cannot mention 'colour': use concept, "):
        write_caption(ELEPHANT, rng, mention={"colour"})


def test_large_implies_the_position():
    scene = Scene((SceneObject("cat", "noto", size="large"),), "blue")
    caption = write_caption(scene, np.random.default_rng(0), mention={"size"})
    assert caption.mentioned == {"concept", "orientation", "tint", "size", "position"}
    assert caption.implied == {"position"}
    assert "middle" not in caption.text
    assert "center" not in caption.text
    smaller = rewrite(caption, scene.with_attribute("size", "small"))
    assert smaller.mentioned == {"concept", "orientation", "tint", "size"}


def test_satisfied_by_compares_what_is_mentioned():
    caption = write_caption(ELEPHANT, np.random.default_rng(0), mention={"size"})
    for name, value, satisfied in [
        ("concept", "cat", False), ("orientation", "upright", False), ("tint", "none", False),
        ("size", "medium", False), ("position", (1, 1), True), ("background", "white", True),
        ("style", "noto", True),
    ]:  # fmt: skip
        assert caption.satisfied_by(ELEPHANT.with_attribute(name, value)) is satisfied
    assert caption.satisfied_by(ELEPHANT)


def test_rewrite_keeps_the_wording():
    rng = np.random.default_rng(4)
    world = World()
    for _ in range(1500):
        scene = world.sample(rng)
        caption = write_caption(scene, rng)
        assert rewrite(caption, scene) == caption
        other, name = world.swap(scene, rng, caption.mentioned)
        swapped = rewrite(caption, other)
        assert held_out_attributes(swapped.scene) == ()
        assert name in swapped.mentioned
        assert swapped.mentioned >= caption.mentioned - caption.implied
        assert not swapped.satisfied_by(scene)
        old, new = (re.sub(r"\ban\b", "a", text).split() for text in (caption.text, swapped.text))
        if name == "background":
            assert [a for a, b in zip(old, new, strict=True) if a.strip(",") != b.strip(",")] == [
                word for word in old if word.strip(",") == scene.background
            ][-1:]


def test_rewrite_says_the_attribute_that_differs():
    caption = write_caption(PLAIN, np.random.default_rng(0), mention=())
    swapped = rewrite(caption, PLAIN.with_attribute("background", "green"))
    assert swapped.mentioned == caption.mentioned | {"background"}
    assert "green" in swapped.text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("an upside-down elephant", {"concept": "elephant", "orientation": "upside-down"}),
        ("Top hat at the top", {"concept": "top hat", "position": (0, 1)}),
        ("a teddy bear", {"concept": "teddy bear"}),
        ("red apple", {"concept": "red apple", "tint": "red"}),
        ("two cats", {"concept": "cat"}),
        (
            "lower left: tiny grey ROBOT, 3d, blue background",
            {"concept": "robot", "tint": "gray", "size": "small", "position": (2, 0), "style": "fluent-3d",
             "background": "blue"},
        ),
        ("a huge cat on red", {"concept": "cat", "size": "large", "position": (1, 1), "background": "red"}),
        ("a cat on its side", {"concept": "cat", "orientation": "sideways"}),
        ("a cathedral", {}),
        ("a dragon flying from left to right", {"concept": "dragon"}),
        ("", {}),
        ("코끼리", {}),
    ],
)  # fmt: skip
def test_reading_prompts(text, found):
    assert read_prompt(text) == found
