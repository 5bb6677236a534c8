"""The words suite: shares over prompts that name different things."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from gan_dpr.evaluation import words
from gan_dpr.worlds.emoji.own_words import own_prompts
from gan_dpr.worlds.emoji.world import EmojiWorld
from gan_dpr.worlds.protocol import Reading

LINES = [
    {"prompt": "crimson kitty!!", "attributes": {"concept": "cat", "tint": "red"}, "unusual": False},
    {"prompt": "a wombling dog, up top", "attributes": {"concept": "dog", "position": [0, 1]}, "unusual": True},
    {"prompt": "an octarine pig", "attributes": {"concept": "pig", "tint": "red"}, "unusual": True},
]


def test_own_prompts_are_read(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(map(json.dumps, LINES)))
    cat, dog = own_prompts(("cat", "dog"), path)  # pigs are not of this model
    assert cat.caption.text == "crimson kitty!!"
    assert cat.caption.mentioned == cat.read == {"concept", "tint"}
    assert (dog.caption.scene.object.position, dog.unusual) == ((0, 1), True)
    (pig,) = own_prompts(("pig",), path)
    assert pig.read == {"concept"}


def test_shares_are_over_prompts(tmp_path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(map(json.dumps, LINES)))
    world = SimpleNamespace(
        attributes=EmojiWorld.attributes, word=EmojiWorld().word,
        own_prompts=lambda: own_prompts(("cat", "dog", "pig"), path),
        alternatives=EmojiWorld().alternatives, render=EmojiWorld().render,
    )  # fmt: skip
    read = {
        "concept": np.array(["cat", "cat", "dog", "owl", "pig", "pig"]),
        "tint": np.array(["red", "blue", "none", "none", "red", "red"]),
        "position": np.array(["in the middle"] * 2 + ["at the top"] * 2 + ["on the left"] * 2),
    }
    black = np.zeros((6, 32, 32, 3), np.uint8)
    monkeypatch.setattr(words, "draw", lambda pipeline, texts, seeds: black)
    real = read | {"tint": np.array(["red"] * 6)}  # what is rendered is read right in all but one picture

    def judged(images: np.ndarray) -> Reading:
        return Reading(real if images.any() else read, np.zeros((len(images), 1)))

    judge = SimpleNamespace(read=judged)
    rows, ceilings, remarks = words.words_suite(None, judge, world, None, 2, lambda line: None)
    assert remarks == []
    assert [(c["split"], c["n"], c["tint"]) for c in ceilings] == [
        ("own words", 3, 1.0), ("usual words", 1, 1.0), ("unusual words", 2, 1.0)
    ]  # fmt: skip
    assert ceilings[0]["all"] == pytest.approx(5 / 6, abs=1e-4)  # one of the dogs is read as an owl
    assert "read" not in ceilings[0]
    everything, usual, unusual = rows
    assert (everything["split"], everything["n"], everything["pictures"]) == ("own words", 3, 6)
    assert everything["concept"] == pytest.approx(5 / 6, abs=1e-4)
    assert (everything["tint"], everything["position"]) == (0.75, 1.0)
    assert everything["all"] == pytest.approx((0.5 + 0.5 + 1) / 3, abs=1e-4)
    assert everything["read"] == pytest.approx(2 / 3, abs=1e-4)
    assert (usual["n"], usual["all"]) == (1, 0.5)
    assert (unusual["n"], unusual["all"], unusual["read"]) == (2, 0.75, 0.5)


def test_a_world_without_own_prompts_says_so():
    world = SimpleNamespace(own_prompts=lambda: [])
    assert words.words_suite(None, None, world, None, 4, print) == ([], [], [words.MISSING])
