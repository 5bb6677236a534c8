"""Which thing a picture shows: probabilities of names, and descriptions that ask one question at a time."""

import math

import numpy as np
import pytest

from gan_dpr.worlds.emoji.attributes import ATTRIBUTES
from gan_dpr.worlds.emoji.captions import names_of
from gan_dpr.worlds.emoji.concepts import CONCEPTS
from gan_dpr.worlds.emoji.prompts import read_prompt
from gan_dpr.worlds.emoji.world import EmojiWorld
from gan_dpr.worlds.naming import Naming
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
    naming = Naming({"feline": ("cat", "kitty"), "canine": ("dog",)}, encode, scale=2.0)
    assert naming.things == ("feline", "canine")
    half = math.sqrt(0.5)
    found = naming.probabilities(np.array([[1.0, 0.0], [0.0, -1.0]]))
    odds = [math.exp(2 * half), math.exp(2 * (-half - 1))]  # of a feline: exp(scale * difference of the cosines)
    np.testing.assert_allclose(found[:, 0], [odd / (1 + odd) for odd in odds])
    np.testing.assert_allclose(found.sum(1), 1)
    assert Naming({}, encode, 2.0).things == ()


def by_words(texts: list[str]) -> np.ndarray:
    """Each thing that a prompt can say is a dimension of its own; the thing itself counts for a half."""
    vectors = np.zeros((len(texts), 512))
    for row, text in enumerate(texts):
        for key, value in read_prompt(text).items():
            vectors[row, DIMENSIONS.setdefault((key, value), len(DIMENSIONS))] = 0.5 if key == "concept" else 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


DIMENSIONS: dict = {}


def test_the_thing_is_read_first_and_then_what_it_is_like():
    describer = EmojiWorld({"concept": ("cat", "dog", "elephant")}).describer(by_words, 30.0)
    text = "a small upside-down red elephant at the top right on a blue background"
    (first, caption), *others = describer.describe(by_words([text])[0], 5)
    assert caption.text == text
    assert caption.scene.object.concept == "elephant"
    # Of every thing one caption, which says of it what the picture shows.
    assert {other.text for _, other in others} == {text.replace("elephant", "cat"), text.replace("elephant", "dog")}
    assert first + sum(probability for probability, _ in others) == pytest.approx(1)
    assert first > others[0][0] >= others[1][0]
    with pytest.raises(ValueError, match="at least 1, not 0"):
        describer.describe(by_words([text])[0], 0)


def test_a_description_is_of_a_scene_that_there_is():
    """A large thing is in the middle, what has no upright is not turned, and nothing has its background's colour."""
    describer = EmojiWorld({"concept": ("sun",)}).describer(by_words, 30.0)
    wanted = "a large upside-down red cat at the top left on a red background"
    assert not CONCEPTS["sun"].orientable
    ((probability, caption),) = describer.describe(by_words([wanted])[0], 3)
    assert probability == 1
    said = read_prompt(caption.text)
    assert (said["concept"], said["size"], said["background"]) == ("sun", "large", "red")
    assert "upside-down" not in caption.text
    assert caption.text.count("red") == 1
    assert set(said) >= {"concept", "background"} <= set(ATTRIBUTES)
