"""Which thing a picture shows: probabilities of names, and descriptions that ask one question at a time."""

import math

import numpy as np
import pytest
from tiny import ByPixels

from gan_dpr.worlds.emoji.attributes import ATTRIBUTES, BACKGROUND
from gan_dpr.worlds.emoji.captions import names_of
from gan_dpr.worlds.emoji.concepts import CONCEPTS
from gan_dpr.worlds.emoji.reading import read_prompt
from gan_dpr.worlds.emoji.render import render
from gan_dpr.worlds.emoji.scene import Scene, SceneObject
from gan_dpr.worlds.emoji.views import in_gray, look, turned_back
from gan_dpr.worlds.emoji.world import EmojiWorld
from gan_dpr.worlds.naming import Naming, vectors_of_names
from gan_dpr.worlds.pictures.world import CaptionsWorld

VECTORS = {"cat": (1, 0), "kitty": (0, 1), "dog": (0, -1)}


def encode(texts: list[str]) -> np.ndarray:
    return np.array([VECTORS[text] for text in texts], np.float64)


def test_the_names_of_a_concept():
    assert names_of(CONCEPTS["cat"]) == ("cat", "a cat", "kitty", "a kitty")
    assert names_of(CONCEPTS["octopus"]) == ("octopus", "an octopus")
    assert names_of(CONCEPTS["cherries"])[0] == "cherries"
    assert "a cherries" not in names_of(CONCEPTS["cherries"])
    assert list(EmojiWorld({"concept": ("dog", "cat")}).names()) == ["dog", "cat"]
    assert CaptionsWorld(["my door"]).names() == {}


def test_several_names_of_a_thing_are_joined():
    """cat and kitty at a right angle: their mean, made a unit vector, lies between them."""
    names = {"feline": ("cat", "kitty"), "canine": ("dog",)}
    naming = Naming(names, vectors_of_names(names, encode), scale=2.0)
    assert naming.things == ("feline", "canine")
    half = math.sqrt(0.5)
    found = naming.probabilities(np.array([[1.0, 0.0], [0.0, -1.0]]))
    odds = [math.exp(2 * half), math.exp(2 * (-half - 1))]  # of a feline: exp(scale * difference of the cosines)
    np.testing.assert_allclose(found[:, 0], [odd / (1 + odd) for odd in odds])
    np.testing.assert_allclose(found.sum(1), 1)
    assert vectors_of_names({}, encode).shape == (0, 1)


def shown(caption: str) -> np.ndarray:
    """What a prompt says, rendered."""
    said = read_prompt(caption)
    background = said.pop("background")
    style = CONCEPTS[said["concept"]].styles[0]
    return render(Scene((SceneObject(style=style, **said),), background), 64)


FEW = EmojiWorld({"concept": ("cat", "elephant", "snake", "house")})


@pytest.mark.parametrize(
    "text",
    [
        "a small upside-down red elephant at the top right on a blue background",
        "a large sideways cat on a black background",
        "a medium-sized snake in the middle on a white background",
        "a small gray house at the bottom left on a pink background",
    ],
)
def test_what_is_plain_to_see_is_described(text: str):
    model = ByPixels(FEW)
    (first, caption), *others = FEW.describer(model).describe(shown(text), 6)
    assert read_prompt(caption.text) == read_prompt(text)
    # Of every thing one caption, which says of it what the picture shows.
    assert len({other.scene.object.concept for _, other in others} | {caption.scene.object.concept}) == 4
    for _, other in others:
        said = read_prompt(other.text)
        assert {said["background"], said["size"]} == {read_prompt(text)[name] for name in ("background", "size")}
    assert first + sum(probability for probability, _ in others) == pytest.approx(1)
    assert first > others[0][0] >= others[1][0]
    with pytest.raises(ValueError, match="at least 1, not 0"):
        FEW.describer(model).describe(shown(text), 0)


def test_probabilities_are_of_each_picture():
    texts = ["a small cat at the top on a blue background", "a large sideways snake on a red background"]
    pictures = np.stack([shown(text) for text in texts])
    describer = FEW.describer(ByPixels(FEW))
    found = describer.probabilities(pictures)
    assert found.shape == (2, 4)
    np.testing.assert_allclose(found.sum(1), 1)
    assert [FEW.concepts[i] for i in found.argmax(1)] == ["cat", "snake"]
    for row, picture in zip(found, pictures, strict=True):
        assert dict(zip(FEW.concepts, row, strict=True)) == pytest.approx(
            {caption.scene.object.concept: p for p, caption in describer.describe(picture, 4)}
        )


def test_a_description_is_of_a_scene_that_there_is():
    """A large thing is in the middle, what has no upright is not turned, and nothing has its background's colour."""
    world = EmojiWorld({"concept": ("sun",)})
    assert not CONCEPTS["sun"].orientable
    red = shown("a large cat on a red background")
    for picture in (red, np.rot90(red, 2), np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)):
        ((probability, caption),) = world.describer(ByPixels(world)).describe(picture, 3)
        assert probability == 1
        said = read_prompt(caption.text)
        assert said["concept"] == "sun"
        assert said.get("orientation") is None
        assert said["size"] != "large" or said["position"] == (1, 1)
        assert said.get("tint") != said["background"]
        assert set(said) <= set(ATTRIBUTES)


def test_a_thing_is_looked_at_large_on_white():
    small, large = shown("a small cat at the top left on a blue background"), shown("a large cat on a white background")
    seen = look(small)
    np.testing.assert_array_equal(seen.background, BACKGROUND.values["blue"].drawn)
    assert np.abs(seen.thing.astype(int) - large).mean() < 12 < np.abs(small.astype(int) - large).mean()
    assert max(seen.bottom - seen.top, seen.right - seen.left) == pytest.approx(24 / 64, abs=2 / 64)
    assert (seen.bottom, seen.right) < (0.5, 0.5)


@pytest.mark.parametrize("seed", [0, 1])
def test_without_a_plain_background_the_picture_is_the_thing(seed: int):
    noise = np.random.default_rng(seed).integers(256, size=(64, 64, 3), dtype=np.uint8)
    seen = look(noise)
    assert np.array_equal(seen.thing, noise)
    assert (seen.top, seen.left, seen.bottom, seen.right) == (0, 0, 1, 1)
    blank = np.full((64, 64, 3), 90 + seed, np.uint8)
    assert np.array_equal(look(blank).thing, blank)


def test_turns_and_gray():
    picture = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(1, 2, 2, 3)
    upright, upside_down, sideways = turned_back(picture)[0]
    assert np.array_equal(upright, picture[0])
    assert np.array_equal(np.rot90(upside_down, 2), picture[0])
    assert np.array_equal(np.rot90(sideways, -1), picture[0])  # a thing on its side has been turned clockwise
    assert in_gray(np.array([[[255, 0, 0], [0, 255, 0], [9, 9, 9]]], np.uint8)).tolist() == [
        [[76] * 3, [150] * 3, [9] * 3]
    ]
