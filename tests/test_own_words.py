"""The frozen prompts in people's own words and their Korean twins: each says a scene that the world has."""

import json
import re
from importlib import resources

from gan_dpr.worlds.emoji.attributes import ATTRIBUTES
from gan_dpr.worlds.emoji.captions import caption_of
from gan_dpr.worlds.emoji.concepts import CONCEPTS
from gan_dpr.worlds.emoji.scene import Scene


def read(name: str) -> list[dict]:
    text = resources.files("gan_dpr.evaluation").joinpath(name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def scene_of(attributes: dict) -> Scene:
    """The scene that a prompt says; what it leaves open is plain. ValueError where the world has none."""
    return Scene.from_dict({"style": CONCEPTS[attributes["concept"]].styles[0], **attributes})


OWN_WORDS = read("own_words.jsonl")
STRANGERS_WORDS = read("strangers_words.jsonl")
TWINS = read("korean_twins.jsonl")


def test_own_words_are_300_of_which_half_are_of_the_core():
    assert len(OWN_WORDS) == len({line["prompt"].lower() for line in OWN_WORDS}) == 300
    assert all(line.keys() == {"prompt", "attributes", "core", "unusual"} for line in OWN_WORDS)
    assert sum(line["core"] for line in OWN_WORDS) == 150
    assert sum(line["unusual"] for line in OWN_WORDS) == 107


def test_strangers_words_are_others():
    ours = {line["prompt"].lower() for line in OWN_WORDS}
    theirs = {line["prompt"].lower() for line in STRANGERS_WORDS}
    assert len(theirs) == len(STRANGERS_WORDS) == 200
    assert not ours & theirs
    assert sum(line["unusual"] for line in STRANGERS_WORDS) == 70


def test_own_words_say_scenes():
    for line in (*OWN_WORDS, *STRANGERS_WORDS):
        scene = scene_of(line["attributes"])
        assert list(line["attributes"]) == [name for name in ATTRIBUTES if name in line["attributes"]]
        assert line["core"] is (CONCEPTS[scene.object.concept].core is not None), line
        assert line["prompt"] == line["prompt"].strip()


def test_twins_are_200_in_korean():
    assert len(TWINS) == len({line["korean"] for line in TWINS}) == 200
    assert all(line.keys() == {"korean", "english", "attributes"} for line in TWINS)
    assert all(re.search("[가-힣]", line["korean"]) for line in TWINS)
    assert sum(re.search("[a-z]", line["korean"]) is not None for line in TWINS) == 30  # "3D" is Korean too


def test_twins_are_canonical_captions():
    for line in TWINS:
        scene = scene_of(line["attributes"])
        assert list(line["attributes"]) == [name for name in ATTRIBUTES if name in line["attributes"]]
        assert line["english"] == caption_of(scene, line["attributes"]).text
