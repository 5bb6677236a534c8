"""The emoji world: attributes, held-out pairs and drawings, sampling, swaps, short captions."""

import dataclasses
import hashlib
import json
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from gan_dpr.worlds import open_world
from gan_dpr.worlds.emoji.attributes import ATTRIBUTES, HOLDING_OUT, TABLE, chances
from gan_dpr.worlds.emoji.captions import caption_of
from gan_dpr.worlds.emoji.concepts import CONCEPTS, CORES
from gan_dpr.worlds.emoji.scene import (
    Scene,
    SceneObject,
    drawing_split,
    held_out_attributes,
    held_out_styles,
    is_held_out,
)
from gan_dpr.worlds.emoji.world import EmojiWorld
from gan_dpr.worlds.protocol import satisfies

VECTORS = json.loads((Path(__file__).parent / "data/scene_vectors/scenes.json").read_text(encoding="utf-8"))
NANO = EmojiWorld({"concept": ("cat", "dog"), "style": ("noto",), "orientation": ("upright",), "tint": ("none",),
                   "size": ("large",)})  # fmt: skip
WORLD = EmojiWorld({"concept": "core128"})
SMALL = EmojiWorld({"concept": "core32", "style": ("noto", "fluent-3d")})
TRAINED = EmojiWorld(complete_share=0.5, short_share=0.2, family_size=4)  # as emoji-64 has it
ORIENTATIONS, TINTS, BACKGROUNDS = (tuple(ATTRIBUTES[name].values) for name in HOLDING_OUT)


def scenes(world: EmojiWorld, n: int, seed: int = 0) -> list[Scene]:
    rng = np.random.default_rng(seed)
    return [world.sample(rng) for _ in range(n)]


def one_in_ten(concept: str, name: str, value: str) -> bool:
    digest = hashlib.sha256(f"{concept}|{name}={value}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 10 == 0


def kept_out_drawings(concept: str) -> list[str]:
    """SCENES.md, word by word."""
    styles = sorted(CONCEPTS[concept].styles)
    return [style for style in styles if one_in_ten(concept, "style", style)][: len(styles) // 2]


def kept_out(scene: Scene) -> bool:
    """Whether training must never show a scene, by SCENES.md."""
    thing = scene.object
    return (
        (thing.orientation != "upright" and one_in_ten(thing.concept, "orientation", thing.orientation))
        or (thing.concept, thing.orientation) == ("elephant", "upside-down")
        or (thing.tint != "none" and one_in_ten(thing.concept, "tint", thing.tint))
        or one_in_ten(thing.concept, "background", scene.background)
        or thing.style in kept_out_drawings(thing.concept)
    )


def test_the_world_has_the_frozen_numbers_of_values():
    assert (len(CONCEPTS), len(CORES["core128"])) == (1001, 128)
    assert len(CORES["core32"]) == len(SMALL.concepts) == 32
    assert sum(len(concept.styles) for concept in CONCEPTS.values()) == 4724
    assert sum(len(CONCEPTS[concept].styles) for concept in CORES["core128"]) == 633
    assert tuple(CONCEPTS)[:128] == CORES["core128"]
    assert {name: len(attribute.values) for name, attribute in ATTRIBUTES.items()} == {
        "concept": 0, "orientation": 3, "tint": 9, "size": 3, "position": 9, "background": 8, "style": 5,
    }  # fmt: skip
    assert CONCEPTS["automobile"].name == "car"
    assert CONCEPTS["automobile"].synonyms == ("automobile", "motor car")
    assert CONCEPTS["giraffe"].styles == ("noto", "twemoji", "fluent-flat", "fluent-3d")
    assert not CONCEPTS["banana"].orientable


def test_a_scene_has_a_field_for_every_attribute_of_the_table():
    fields = {field.name for field in dataclasses.fields(SceneObject)}
    assert fields == {attribute.name for attribute in TABLE if not attribute.of_scene}
    assert {field.name for field in dataclasses.fields(Scene)} - {"objects"} == {a.name for a in TABLE if a.of_scene}
    assert EmojiWorld.attributes == tuple(attribute.name for attribute in TABLE)
    assert {name for name, a in ATTRIBUTES.items() if a.may_be_open} == {"style", "size", "position", "background"}


def test_held_out_pairs_are_the_frozen_ones():
    assert is_held_out("bear", "orientation", "upside-down")
    assert not is_held_out("cat", "orientation", "upside-down")
    assert is_held_out("elephant", "orientation", "upside-down")
    assert not is_held_out("bear", "orientation", "upright")
    assert not is_held_out("bear", "size", "large")
    for concept in CONCEPTS:
        for attribute, values in zip(HOLDING_OUT, (ORIENTATIONS, TINTS, BACKGROUNDS), strict=True):
            for value in values:
                expected = value not in ("upright", "none") and one_in_ten(concept, attribute, value)
                if f"{concept} {value}" == "elephant upside-down":
                    expected = True
                assert is_held_out(concept, attribute, value) == expected


def test_held_out_drawings_are_the_frozen_ones():
    split = {(concept, style): drawing_split(concept, style) for concept in CONCEPTS
             for style in CONCEPTS[concept].styles}  # fmt: skip
    assert Counter(split.values()) == {None: 4724 - 450, "rendering": 183, "drawing": 267}
    core = Counter(of for (concept, _), of in split.items() if concept in CORES["core128"])
    assert core == {None: 633 - 58, "rendering": 20, "drawing": 38}
    assert {split[pair] for pair in (("bell", "fluent-flat"), ("cow", "fluent-3d"))} == {"rendering"}
    assert {split["T-Rex", "twemoji"], split["banana", "noto"]} == {"drawing"}
    assert {split["cheese wedge", style] for style in ("fluent-flat", "fluent-3d")} == {"drawing"}
    for concept in CONCEPTS:
        assert list(held_out_styles(concept)) == kept_out_drawings(concept)
        assert 2 * len(held_out_styles(concept)) <= len(CONCEPTS[concept].styles)
        assert [is_held_out(concept, "style", s) for s in CONCEPTS[concept].styles] == [
            s in kept_out_drawings(concept) for s in CONCEPTS[concept].styles
        ]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["file"])
def test_vectors_list_their_held_out_attributes(vector):
    scene = Scene.from_dict(vector["scene"])
    assert [name for name in held_out_attributes(scene) if name != "style"] == vector["held_out"]
    assert scene.to_dict() == vector["scene"]


@pytest.mark.parametrize("world", [WORLD, SMALL, NANO])
def test_samples_are_training_scenes_of_the_world(world):
    for scene in scenes(world, 3000):
        item = scene.object
        assert not kept_out(scene), scene
        assert item.tint != scene.background
        assert item.style in CONCEPTS[item.concept].styles
        assert item.orientation == "upright" or CONCEPTS[item.concept].orientable
        assert item.size != "large" or item.position == (1, 1)
        assert all(world.value(scene, name) in world.allowed(name) for name in ATTRIBUTES if name != "position")


def test_nothing_that_training_reads_is_held_out():
    """Scenes, captions, their swaps and what a batch is told of other styles: all of them training scenes."""
    rng = np.random.default_rng(5)
    drawn = TRAINED.scenes(4000, rng)
    captions = [TRAINED.caption(scene, rng) for scene in drawn]
    swaps = [TRAINED.swap(caption, rng) for caption in captions]
    others = [other for c in TRAINED.short_captions(100, 0) for other in TRAINED.alternatives(c, 10, rng)]
    relatives = [scene for text in ("an elephant", "a bell in flat style", "an upside-down bear")
                 for scene in TRAINED.guide().relatives(text, 100)]  # fmt: skip
    assert not any(kept_out(scene) for scene in drawn + others + relatives)
    assert not any(kept_out(caption.scene) for caption in captions + [swap for swap in swaps if swap])
    assert len(relatives) > 100


def test_families_are_alike_in_all_but_the_concept():
    drawn = TRAINED.scenes(400, np.random.default_rng(0))
    for i in range(0, 400, 4):
        first, *others = drawn[i : i + 4]
        for other in others:
            assert other.object.concept != first.object.concept
            assert other == first.with_attribute("concept", other.object.concept)


def test_shares_of_random_scenes():
    drawn = scenes(WORLD, 20_000)
    shares = {name: Counter(scene.attribute(name) for scene in drawn) for name in ATTRIBUTES}
    assert min(shares["concept"].values()) > 90  # 20,000 / 128 = 156 each
    assert max(shares["concept"].values()) < 230
    assert shares["tint"]["none"] / 20_000 == pytest.approx(0.55, abs=0.02)
    assert shares["size"]["large"] / 20_000 == pytest.approx(1 / 3, abs=0.02)
    for name in ("background", "style", "tint"):
        assert len(shares[name]) == len(ATTRIBUTES[name].values)
    # a concept that has no held-out orientation shows the three in their frozen shares
    turned = Counter(scene.object.orientation for scene in scenes(EmojiWorld({"concept": ("cat",)}), 5000))
    assert turned["upright"] / 5000 == pytest.approx(0.55, abs=0.03)
    assert turned["upside-down"] / 5000 == pytest.approx(0.28, abs=0.03)
    placed = Counter(scene.object.position for scene in drawn if scene.object.size != "large")
    assert min(placed.values()) / sum(placed.values()) == pytest.approx(1 / 9, abs=0.015)


def test_sampling_is_a_function_of_the_generator():
    assert scenes(WORLD, 50, seed=3) == scenes(WORLD, 50, seed=3)
    assert scenes(WORLD, 50, seed=3) != scenes(WORLD, 50, seed=4)


def test_a_longer_table_moves_no_number_that_was_drawn_before_it():
    short, long, rng = (np.random.default_rng(3) for _ in range(3))
    for _ in range(5):
        first, more = list(islice(chances(short), 8)), list(islice(chances(long), 12))
        assert first == more[:8] == rng.random(8).tolist()
        assert len(set(more)) == 12
        assert all(0 <= chance < 1 for chance in more)


def test_a_swap_changes_one_attribute_into_every_allowed_value():
    rng = np.random.default_rng(0)
    world = EmojiWorld({"concept": "core32"})
    scene = Scene((SceneObject("cat", "noto", "sideways", "green", "medium", (1, 1)),), "white")
    allowed = set()
    for name in ATTRIBUTES:
        for value in world.allowed(name):
            try:
                other = scene.with_attribute(name, value)
            except ValueError:
                continue
            if other != scene and not kept_out(other):
                allowed.add((other, name))
    assert {world.swap_scene(scene, rng) for _ in range(4000)} == allowed
    assert len(allowed) > 40


def test_swaps_are_training_scenes_that_differ_in_one_attribute():
    rng = np.random.default_rng(1)
    for scene in scenes(WORLD, 1000):
        other, name = WORLD.swap_scene(scene, rng)
        assert [a for a in ATTRIBUTES if other.attribute(a) != scene.attribute(a)] == [name]
        assert not kept_out(other)


def test_a_swap_among_given_attributes_or_not_at_all():
    rng = np.random.default_rng(2)
    scene = scenes(NANO, 1)[0]
    assert {NANO.swap_scene(scene, rng, ("concept", "size"))[1] for _ in range(20)} == {"concept"}
    assert NANO.swap_scene(scene, rng, ("size", "position", "orientation", "tint", "style")) is None
    assert {NANO.swap_scene(scene, rng)[1] for _ in range(50)} == {"concept", "background"}


def test_short_captions_and_what_they_leave_open():
    rng = np.random.default_rng(0)
    for caption in WORLD.short_captions(20, 7):
        assert caption.mentioned == {"concept", "orientation", "tint", "background"}
        others = WORLD.alternatives(caption, 30, rng)
        assert all(satisfies(WORLD, other, caption) for other in others)
        for name in ("style", "size", "position"):
            assert len({other.attribute(name) for other in others}) > 1, caption.text


@pytest.mark.parametrize(
    ("said", "sizes", "places"),
    [
        ({"size": "large"}, {"large"}, {(1, 1)}),
        ({"position": (0, 2)}, {"small", "medium"}, {(0, 2)}),  # what is large stands in the middle
        ({"size": "small", "position": (0, 0)}, {"small"}, {(0, 0)}),
        ({"position": (1, 1)}, {"small", "medium", "large"}, {(1, 1)}),
    ],
)
def test_alternatives_keep_what_a_caption_says(said, sizes, places):
    thing = SceneObject("cat", "noto", **{"size": "medium", "position": (1, 1)} | said)
    caption = caption_of(Scene((thing,), "white"), said)
    others = WORLD.alternatives(caption, 40, np.random.default_rng(0))
    assert {other.object.size for other in others} == sizes
    assert {other.object.position for other in others} == places
    assert all(satisfies(WORLD, other, caption) for other in others)


def test_a_class_conditional_world_says_and_is_told_one_word():
    world = EmojiWorld({"concept": ("cat", "dog"), "style": ("noto",)}, caption_mode="concept")
    caption = world.caption(scenes(world, 1)[0], np.random.default_rng(0))
    assert caption.mentioned == {"concept"}
    assert world.open_attributes == {"orientation", "tint", "size", "position", "background"}
    told = world.told(world.test_captions("iid", 1, 0)[0])
    assert told.text in ("a cat", "a dog")
    assert world.showpiece is None
    (first,) = WORLD.test_captions("iid", 1, 2026)
    assert WORLD.told(first).text == "a large duck in the middle on a yellow background"
    assert WORLD.showpiece == (
        "an upside-down elephant", {"concept": "elephant", "orientation": "upside-down"},
    )  # fmt: skip
    assert NANO.showpiece is None


def test_open_attributes_are_those_with_a_choice():
    assert NANO.open_attributes == {"background"}  # what is always large is always in the middle
    assert EmojiWorld({"size": ("large", "small")}).open_attributes == {"style", "size", "position", "background"}
    assert EmojiWorld({"size": ("large",)}, caption_mode="concept").open_attributes == {
        "style", "orientation", "tint", "background",
    }  # fmt: skip
    assert WORLD.open_attributes == {"style", "size", "position", "background"}


def test_what_a_judge_says_of_a_scene():
    scene = Scene((SceneObject("hot beverage", "noto", position=(0, 2), size="small"),), "pink")
    assert {name: WORLD.word(scene, name) for name in ATTRIBUTES} == {
        "concept": "hot beverage", "orientation": "upright", "tint": "none", "size": "small",
        "position": "at the top right", "background": "pink", "style": "noto",
    }  # fmt: skip


def test_the_gallery_holds_every_drawing():
    entries = WORLD.gallery()
    assert len(entries) == 633
    first = entries[0]
    assert first["path"] == f"sprites.parquet#{first['style']}/{first['concept']}"
    assert WORLD.gallery_picture(first, 32).shape == (32, 32, 3)
    elephant = next(entry for entry in entries if entry["path"] == "sprites.parquet#fluent-3d/elephant")
    assert elephant["caption"] == "a large elephant in the middle on a white background in 3D style"


# ------------------------------------------------------------------ settings


@pytest.mark.parametrize("world", [WORLD, SMALL, NANO, TRAINED, EmojiWorld(caption_mode="concept")])
def test_a_world_is_what_config_json_says(world):
    written = json.loads(json.dumps(world.to_dict()))
    assert written["kind"] == "emoji"
    again = open_world(written)
    assert again == world
    assert scenes(again, 5) == scenes(world, 5)


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"kind": "toy"}, "There is no world 'toy': this version has emoji and pictures."),
        ({}, "There is no world None"),
        ({"kind": "emoji", "concepts": ["cat"]}, "the emoji world has no setting 'concepts'"),
        ({"kind": "pictures", "only": {}}, "a world of pictures has no setting 'only'"),
    ],
)
def test_worlds_that_cannot_be_opened(about, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        open_world(about)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"only": {"concept": ("elefant",)}}, "unknown value 'elefant' in the world's list of concept"),
        ({"only": {"concept": "elephant"}}, "the world needs a list with at least one concept"),
        ({"only": {"concept": ()}}, "the world needs a list with at least one concept"),
        ({"only": {"tint": ("none", "none")}}, "the world's list of tint names a value twice"),
        ({"only": {"colour": ("red",)}}, "the world has no attribute 'colour': use concept, orientation, "),
        ({"only": {"concept": ("giraffe",), "style": ("emojione",)}}, "'giraffe' has no training scene in this world"),
        ({"only": {"concept": ("banana",), "orientation": ("sideways",)}}, "'banana' has no training scene"),
        ({"only": {"concept": ("cat",), "tint": ("red",), "background": ("red",)}}, "'cat' has no training scene"),
        ({"caption_mode": "words"}, "caption_mode is full or concept, not 'words'"),
        ({"family_size": 0}, "family_size must be at least 1, not 0"),
        ({"family_size": "many"}, "family_size must be at least 1, not 'many'"),
        ({"complete_share": 1.5}, "complete_share must be from 0 to 1, not 1.5"),
        ({"short_share": "half"}, "short_share must be from 0 to 1, not 'half'"),
        ({"only": ["cat"]}, "only is attribute -> list of its values here, not "),
        ({"only": {"concept": 5}}, "the world needs a list with at least one concept"),
        ({"only": {"concept": [{"cat": 1}]}}, "unknown value {'cat': 1} in the world's list of concept"),
    ],
)
def test_impossible_worlds_are_refused(settings, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        EmojiWorld(**settings)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"concept": "elefant"}, "unknown concept 'elefant'"),
        ({"concept": "giraffe", "style": "emojione"}, "'giraffe' has no style 'emojione': use one of noto, "),
        ({"orientation": "flipped"}, "unknown orientation 'flipped': use one of upright, upside-down, sideways"),
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
