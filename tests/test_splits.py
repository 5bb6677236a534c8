"""The test splits of the emoji world: frozen captions, and what each holds out."""

from collections import Counter

import pytest

from gan_dpr.worlds.emoji.attributes import HOLDING_OUT
from gan_dpr.worlds.emoji.scene import drawing_split, held_out_attributes
from gan_dpr.worlds.emoji.splits import scenes_of_split
from gan_dpr.worlds.emoji.world import EmojiWorld

NANO = EmojiWorld({"concept": ("cat", "dog"), "style": ("noto",), "orientation": ("upright",), "tint": ("none",),
                   "size": ("large",)})  # fmt: skip
WORLD = EmojiWorld({"concept": "core128"})
SMALL = EmojiWorld({"concept": "core32", "style": ("noto", "fluent-3d")})

FROZEN = {
    "iid": [
        "a large duck in the middle on a yellow background",
        "a large upside-down gray taxi in the middle on a red background",
    ],
    "orientation": [
        "medium-sized upside-down french fries on the left on a green background",
        "a medium-sized sideways parrot at the top right on a green background",
    ],
    "tint": [
        "a small gray moon at the bottom on a yellow background",
        "a small green carrot at the top right on a black background",
    ],
    "background": [
        "a small sideways trophy on the right on a white background",
        "medium-sized upside-down orange grapes at the bottom left on a yellow background",
    ],
}


@pytest.mark.parametrize("split", FROZEN)
def test_test_captions_are_the_frozen_ones(split):
    assert [caption.text for caption in WORLD.test_captions(split, 2, 2026)] == FROZEN[split]


@pytest.mark.parametrize("split", HOLDING_OUT)
@pytest.mark.parametrize("world", [WORLD, SMALL])
def test_splits_of_pairs_hold_out_that_attribute_only(split, world):
    drawn = scenes_of_split(world, split, 100, seed=0)
    assert len(drawn) == 100
    assert {held_out_attributes(scene) for scene in drawn} == {(split,)}
    assert {scene.object.style for scene in drawn} == set(world.allowed("style"))
    assert drawn == scenes_of_split(world, split, 100, seed=0)
    assert drawn != scenes_of_split(world, split, 100, seed=1)
    pairs = Counter((scene.object.concept, scene.attribute(split)) for scene in drawn)
    assert max(pairs.values()) - min(pairs.values()) <= 1


@pytest.mark.parametrize(("split", "drawings"), [("rendering", 20), ("drawing", 38)])
def test_splits_of_drawings_show_each_of_them(split, drawings):
    captions = WORLD.test_captions(split, 2 * drawings, seed=0)
    shown = Counter((caption.scene.object.concept, caption.scene.object.style) for caption in captions)
    assert len(shown) == drawings
    assert set(shown.values()) == {2}
    assert {drawing_split(*pair) for pair in shown} == {split}
    for caption in captions:
        assert held_out_attributes(caption.scene) == ("style",)
        assert "style" in caption.mentioned
        assert caption.text.endswith(" style")


def test_the_iid_split_has_nothing_held_out():
    drawn = scenes_of_split(WORLD, "iid", 300, seed=0)
    assert {held_out_attributes(scene) for scene in drawn} == {()}
    assert drawn == scenes_of_split(WORLD, "iid", 300, seed=0)


def test_errors_of_splits():
    with pytest.raises(
        ValueError,
        match="^unknown split 'train': use iid, orientation, tint, background, rendering, drawing$",
    ):
        scenes_of_split(WORLD, "train", 1, seed=0)
    for split in ("orientation", "rendering"):
        with pytest.raises(ValueError, match=f"^this world has no held-out {split}: give it more concepts or values$"):
            scenes_of_split(NANO, split, 1, seed=0)
