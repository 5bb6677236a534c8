"""The frozen world: attributes, held-out pairs, sampling, swaps, test splits."""

import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan_dpr.data.world import (
    ATTRIBUTES,
    BACKGROUNDS,
    CONCEPTS,
    HELD_OUT_ATTRIBUTES,
    ORIENTATIONS,
    POSITIONS,
    SIZES,
    STYLES,
    TINTS,
    Scene,
    SceneObject,
    World,
    held_out_attributes,
    is_held_out,
)  # fmt: skip

VECTORS = json.loads((Path(__file__).parent / "data/scene_vectors/scenes.json").read_text(encoding="utf-8"))
NANO = World(
    concepts=("cat", "dog"), styles=("noto",), orientations=("upright",), tints=("none",), sizes=("large",)
)


def scenes(world: World, n: int, seed: int = 0) -> list[Scene]:
    rng = np.random.default_rng(seed)
    return [world.sample(rng) for _ in range(n)]


def held_out_by_hash(concept: str, attribute: str, value: str) -> bool:
    digest = hashlib.sha256(f"{concept}|{attribute}={value}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 10 == 0 or f"{concept} {value}" == "elephant upside-down"


def test_the_world_has_the_frozen_numbers_of_values():
    assert len(CONCEPTS) == 128
    assert sum(concept.core32 for concept in CONCEPTS.values()) == len(World.core32().concepts) == 32
    assert sum(len(concept.styles) for concept in CONCEPTS.values()) == 633
    assert [len(part) for part in (ORIENTATIONS, TINTS, SIZES, POSITIONS, BACKGROUNDS, STYLES)] == [
        3,
        9,
        3,
        9,
        8,
        5,
    ]
    assert CONCEPTS["automobile"].name == "car"
    assert CONCEPTS["automobile"].synonyms == ("automobile", "motor car")
    assert CONCEPTS["giraffe"].styles == ("noto", "twemoji", "fluent-flat", "fluent-3d")
    assert not CONCEPTS["banana"].orientable


def test_held_out_pairs_are_the_frozen_ones():
    assert is_held_out("bear", "orientation", "upside-down")
    assert not is_held_out("cat", "orientation", "upside-down")
    assert is_held_out("elephant", "orientation", "upside-down")
    assert not is_held_out("bear", "orientation", "upright")
    assert not is_held_out("bear", "size", "large")
    for concept in CONCEPTS:
        for attribute, values in {"orientation": ORIENTATIONS[1:], "background": BACKGROUNDS}.items():
            for value in values:
                assert is_held_out(concept, attribute, value) == held_out_by_hash(concept, attribute, value)
        for tint in TINTS:
            assert is_held_out(concept, "tint", tint) == (
                tint != "none" and held_out_by_hash(concept, "tint", tint)
            )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["file"])
def test_vectors_list_their_held_out_attributes(vector):
    scene = Scene.from_dict(vector["scene"])
    assert list(held_out_attributes(scene)) == vector["held_out"]
    assert scene.to_dict() == vector["scene"]


@pytest.mark.parametrize("world", [World(), World.core32(styles=("noto", "fluent-3d")), NANO])
def test_samples_are_training_scenes_of_the_world(world):
    for scene in scenes(world, 3000):
        item = scene.object
        assert not held_out_by_hash(item.concept, "background", scene.background)
        assert item.orientation == "upright" or not held_out_by_hash(
            item.concept, "orientation", item.orientation
        )
        assert item.tint == "none" or not held_out_by_hash(item.concept, "tint", item.tint)
        assert item.tint != scene.background
        assert item.style in CONCEPTS[item.concept].styles
        assert item.orientation == "upright" or CONCEPTS[item.concept].orientable
        assert item.size != "large" or item.position == (1, 1)
        assert all(
            scene.attribute(name) in getattr(world, name + "s") for name in ATTRIBUTES if name != "position"
        )


def test_shares_of_random_scenes():
    drawn = scenes(World(), 20_000)
    shares = {name: Counter(scene.attribute(name) for scene in drawn) for name in ATTRIBUTES}
    assert min(shares["concept"].values()) > 90  # 20,000 / 128 = 156 each
    assert max(shares["concept"].values()) < 230
    assert shares["tint"]["none"] / 20_000 == pytest.approx(0.55, abs=0.02)
    assert shares["size"]["large"] / 20_000 == pytest.approx(1 / 3, abs=0.02)
    for name in ("background", "style", "tint"):
        assert len(shares[name]) == len(getattr(World(), name + "s"))
    # a concept that has no held-out orientation shows the three in their frozen shares
    turned = Counter(scene.object.orientation for scene in scenes(World(concepts=("cat",)), 5000))
    assert turned["upright"] / 5000 == pytest.approx(0.55, abs=0.03)
    assert turned["upside-down"] / 5000 == pytest.approx(0.28, abs=0.03)
    placed = Counter(scene.object.position for scene in drawn if scene.object.size != "large")
    assert min(placed.values()) / sum(placed.values()) == pytest.approx(1 / 9, abs=0.015)


def test_sampling_is_a_function_of_the_generator():
    assert scenes(World(), 50, seed=3) == scenes(World(), 50, seed=3)
    assert scenes(World(), 50, seed=3) != scenes(World(), 50, seed=4)


def test_swap_changes_one_attribute_into_every_allowed_value():
    world = World.core32()
    rng = np.random.default_rng(0)
    scene = Scene((SceneObject("cat", "noto", "sideways", "green", "medium", (1, 1)),), "white")
    allowed = set()
    for name in ATTRIBUTES:
        for value in getattr(world, name + "s"):
            try:
                other = scene.with_attribute(name, value)
            except ValueError:
                continue
            if other != scene and not held_out_attributes(other):
                allowed.add((other, name))
    assert {world.swap(scene, rng) for _ in range(4000)} == allowed
    assert len(allowed) == 49


def test_swaps_are_training_scenes_that_differ_in_one_attribute():
    rng = np.random.default_rng(1)
    world = World()
    for scene in scenes(world, 2000):
        other, name = world.swap(scene, rng)
        assert [a for a in ATTRIBUTES if other.attribute(a) != scene.attribute(a)] == [name]
        assert held_out_attributes(other) == ()


def test_swap_among_given_attributes_or_not_at_all():
    rng = np.random.default_rng(2)
    scene = scenes(NANO, 1)[0]
    assert {NANO.swap(scene, rng, ("concept", "size"))[1] for _ in range(20)} == {"concept"}
    assert NANO.swap(scene, rng, ("size", "position", "orientation", "tint", "style")) is None
    assert {NANO.swap(scene, rng)[1] for _ in range(50)} == {"concept", "background"}


@pytest.mark.parametrize("split", HELD_OUT_ATTRIBUTES)
@pytest.mark.parametrize("world", [World(), World.core32(styles=("noto", "fluent-3d"))])
def test_heldout_splits_hold_out_that_attribute_only(split, world):
    drawn = world.test_scenes(split, 100, seed=0)
    assert len(drawn) == 100
    assert {held_out_attributes(scene) for scene in drawn} == {(split,)}
    assert {scene.object.style for scene in drawn} == set(world.styles)
    assert drawn == world.test_scenes(split, 100, seed=0)
    assert drawn != world.test_scenes(split, 100, seed=1)
    pairs = Counter((scene.object.concept, scene.attribute(split)) for scene in drawn)
    assert max(pairs.values()) - min(pairs.values()) <= 1


def test_iid_split_has_no_held_out_pair():
    drawn = World().test_scenes("iid", 300, seed=0)
    assert {held_out_attributes(scene) for scene in drawn} == {()}
    assert drawn == World().test_scenes("iid", 300, seed=0)


def test_errors_of_splits():
    with pytest.raises(ValueError, match="^unknown split 'train': use iid, orientation, tint, background$"):
        World().test_scenes("train", 1, seed=0)
    with pytest.raises(ValueError, match="no held-out pair of orientation"):
        NANO.test_scenes("orientation", 1, seed=0)


def test_varying_attributes():
    assert NANO.varying == {"concept", "position", "background"}
    assert World().varying == set(ATTRIBUTES)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"concepts": ("elefant",)}, "unknown value 'elefant' in the world's concepts"),
        ({"concepts": ()}, "the world needs at least one of its concepts"),
        ({"tints": ("none", "none")}, "the world's tints name a value twice"),
        (
            {"concepts": ("giraffe",), "styles": ("emojione",)},
            "'giraffe' has no training scene in this world",
        ),
        ({"concepts": ("banana",), "orientations": ("sideways",)}, "'banana' has no training scene"),
        ({"concepts": ("cat",), "tints": ("red",), "backgrounds": ("red",)}, "'cat' has no training scene"),
    ],
)
def test_impossible_worlds_are_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        World(**parts)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"concept": "elefant"}, "unknown concept 'elefant'"),
        ({"concept": "giraffe", "style": "emojione"}, "'giraffe' has no style 'emojione': use one of noto, "),
        (
            {"orientation": "flipped"},
            "unknown orientation 'flipped': use one of upright, upside-down, sideways",
        ),
        ({"tint": "violet"}, "unknown tint 'violet'"),
        ({"size": "large", "position": (0, 0)}, "a large object is always at position"),
        ({"position": (3, 0)}, "unknown position"),
        ({"concept": "banana", "orientation": "sideways"}, "'banana' has no visible upright"),
        ({"tint": "blue", "background": "blue"}, "a blue object on a blue background cannot be seen"),
        ({"background": "orange"}, "unknown background 'orange'"),
        ({"colour": "red"}, "unknown scene attribute 'colour'"),
    ],
)
def test_impossible_scenes_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Scene.from_dict({"concept": "cat", "style": "noto", **values})


def test_a_scene_of_two_objects_is_not_one():
    item = SceneObject("cat", "noto")
    scene = Scene((item, replace(item, position=(0, 0), size="small")))
    with pytest.raises(ValueError, match="^this scene has 2 objects, not one$"):
        _ = scene.object
