"""Menus that edit a prompt, and what the page says beside one."""

import pytest

from gan_dpr.demo.prompts import check_prompt, edit_prompt, menu_labels, remark

KNOWN = ("elephant", "cat", "octopus")


@pytest.mark.parametrize(
    ("prompt", "attribute", "label", "edited"),
    [
        ("a cat", "orientation", "upside-down", "an upside-down cat"),
        ("an upside-down cat", "orientation", "upright", "a cat"),
        ("a kitty on blue", "tint", "red", "a red kitty on a blue background"),
        ("a cat on the left", "size", "large", "a large cat"),
        ("a large cat", "position", "top left", "a cat at the top left"),
        ("a large cat", "position", "middle", "a large cat"),
        ("a large cat", "position", "any", "a large cat"),
        ("a large cat", "size", "small", "a small cat"),
        ("a large cat", "size", "any", "a cat"),
        ("a small cat in the middle", "size", "any", "a cat in the middle"),
        ("a cat", "size", "medium", "a medium-sized cat"),
        ("a cat on a blue background", "background", "any", "a cat"),
        ("a cat", "style", "3D", "a cat in 3D style"),
        ("a small cat in flat style", "concept", "octopus", "a small octopus in flat style"),
        (
            "my tiny green teapot on a red background",
            "orientation",
            "sideways",
            "a small sideways green my teapot on a red background",
        ),
        ("", "concept", "elephant", "an elephant"),
    ],
)
def test_edit_prompt(prompt, attribute, label, edited):
    assert edit_prompt(prompt, attribute, label) == edited


def test_menus_follow_the_prompt():
    assert menu_labels("a small upside-down red cat at the top on a blue background in 3D style") == [
        "cat",
        "upside-down",
        "red",
        "small",
        "top",
        "blue",
        "3D",
    ]
    assert menu_labels("hello") == [None, "upright", "none", "any", "any", "any", "any"]


def test_an_unknown_thing_is_answered_with_the_nearest_known():
    said = remark("a blue teapot", KNOWN, lambda noun: ["cat", "octopus"] if noun == "teapot" else [])
    assert said.kind == "warn"
    assert "“teapot”" in said.sentence
    assert said.words == ("a blue cat", "a blue octopus")


def test_a_known_prompt_needs_no_words():
    assert remark("a cat", KNOWN, lambda noun: []).sentence == ""


def test_a_combination_kept_out_of_training_is_named():
    said = remark("an upside-down elephant", KNOWN, lambda noun: [])
    assert "no upside-down elephant was ever shown" in said.sentence


def test_a_thing_in_the_colour_of_its_background_is_named():
    assert "hardly be seen" in remark("a red cat on a red background", KNOWN, lambda noun: []).sentence


@pytest.mark.parametrize("prompt", ["", "   ", None, "a" * 301])
def test_check_prompt_refuses(prompt):
    with pytest.raises(ValueError):
        check_prompt(prompt)
