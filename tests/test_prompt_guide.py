"""The guide over a prompt: menus that edit it, remarks, and what is shown instead."""

import pytest

from gan_dpr.worlds.emoji.prompts import PromptRemark
from gan_dpr.worlds.emoji.scene import held_out_attributes
from gan_dpr.worlds.emoji.world import EmojiWorld

GUIDE = EmojiWorld({"concept": "core128"}).guide()
NOTO = EmojiWorld({"concept": ("cat", "dog"), "style": ("noto",), "tint": ("none", "red")}).guide()


def test_menus_list_what_the_model_knows():
    assert list(GUIDE.menus) == ["orientation", "tint", "size", "position", "background", "style"]
    assert GUIDE.menus["orientation"] == {"upright": "upright", "upside-down": "upside-down", "sideways": "sideways"}
    assert GUIDE.menus["size"] == {"any": None, "small": "small", "medium": "medium", "large": "large"}
    assert list(GUIDE.menus["position"])[:3] == ["any", "top left", "top"]
    assert GUIDE.menus["position"]["middle"] == (1, 1)
    assert GUIDE.menus["style"]["3D"] == "fluent-3d"
    assert NOTO.menus["style"] == {"any": None, "Noto": "noto"}
    assert NOTO.menus["tint"] == {"none": "none", "red": "red"}
    assert NOTO.names == {"cat": "cat", "dog": "dog"}
    assert GUIDE.names["automobile"] == "car"


def test_menus_show_what_a_prompt_says():
    assert GUIDE.labels("a huge upside-down kitty on blue, 3d") == {
        "concept": "cat", "orientation": "upside-down", "tint": "none", "size": "large", "position": "middle",
        "background": "blue", "style": "3D",
    }  # fmt: skip
    assert GUIDE.labels("a submarine") == {
        "concept": None, "orientation": "upright", "tint": "none", "size": "any", "position": "any",
        "background": "any", "style": "any",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "attribute", "label", "edited"),
    [
        ("a cat", "tint", "red", "a red cat"),
        ("a red cat", "tint", "none", "a cat"),
        ("a kitty", "background", "blue", "a kitty on a blue background"),
        ("a red kitty on blue", "concept", "owl", "a red owl on blue"),
        ("a cat at the top left", "size", "large", "a large cat"),
        ("a large cat", "position", "top", "a cat at the top"),
        ("a large cat", "size", "any", "a cat"),
        ("a cat in flat style", "style", "any", "a cat"),
        ("a red submarine", "orientation", "sideways", "a sideways red submarine"),
    ],
)
def test_a_menu_edits_the_prompt(text, attribute, label, edited):
    assert GUIDE.edited(text, attribute, label) == edited


def test_every_label_of_every_menu_is_read_back():
    for attribute, menu in GUIDE.menus.items():
        for label in menu:
            assert GUIDE.labels(GUIDE.edited("a cat", attribute, label))[attribute] == label, (attribute, label)


def test_remarks():
    assert GUIDE.remark("a green cat") is None
    assert GUIDE.remark("a red cat on red") == PromptRemark("hidden", {"tint": "red", "name": "cat"})
    assert GUIDE.remark("an upside-down banana") == PromptRemark("no upright", {"name": "banana"})
    assert GUIDE.remark("an upside-down elephant").words["what"] == "upside-down elephant"
    remark = GUIDE.remark("a bell in flat style")
    assert (remark.kind, remark.words["what"]) == ("held out", "bell in flat style")


def test_unknown_things_and_others():
    assert GUIDE.unknown_thing("a red cat") is None
    assert GUIDE.unknown_thing("a red submarine") == "submarine"
    assert NOTO.unknown_thing("an upside-down elephant") == "elephant"
    assert GUIDE.with_thing("a red submarine on blue", "automobile") == "a red car on a blue background"


def test_relatives_agree_with_the_prompt_and_were_shown_in_training():
    found = GUIDE.relatives("a large green cat on blue", 40)
    assert len(found) > 3
    for scene in found:
        item = scene.object
        assert (item.concept, item.tint, item.size, scene.background) == ("cat", "green", "large", "blue")
        assert held_out_attributes(scene) == ()
    elephants = GUIDE.relatives("an upside-down elephant", 40)
    assert elephants
    assert all(held_out_attributes(scene) == () for scene in elephants)
    assert GUIDE.relatives("a submarine", 40) == NOTO.relatives("an elephant", 40) == []
