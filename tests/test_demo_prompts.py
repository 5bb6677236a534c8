"""What the page says beside a prompt, and its menus over one."""

from types import SimpleNamespace

import pytest

from gan_dpr.demo import menus, prompts, words
from gan_dpr.demo.prompts import check_prompt, check_range, remark
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.worlds.emoji.world import EmojiWorld


def test_menus_follow_the_prompt(pipe: GanDprPipeline):
    prompt = "a small upside-down red cat at the top on a blue background in 3D style"
    shown = {name: menus.shown(pipe.guide, name, prompt)["value"] for name in menus.attributes(pipe.guide)}
    assert shown == {
        "concept": "cat", "orientation": "upside-down", "tint": "red", "size": "small", "position": "top",
        "background": "blue", "style": "3D",
    }  # fmt: skip
    assert menus.shown(pipe.guide, "concept", "hello")["value"] is None


def test_a_menu_that_is_opened_and_left_changes_nothing(pipe: GanDprPipeline):
    for prompt in ("a dragon breathing fire", "two cats", "a red car next to a tree", "hello", ""):
        for attribute, label in pipe.guide.labels(prompt).items():
            assert menus.edited(pipe.guide, prompt, attribute, label) is None
    assert menus.edited(pipe.guide, "a cat", "tint", "red") == "a red cat"
    assert menus.edited(pipe.guide, "a cat", "tint", None) is None
    assert menus.edited(None, "a cat", "tint", "red") is None


def test_menus_are_of_the_model_that_draws():
    small = EmojiWorld(only={"concept": ("cat", "frog"), "tint": ("none",), "size": ("large",)}).guide()
    assert menus.shown(small, "concept", "a frog")["choices"] == [("cat", "cat"), ("frog", "frog")]
    assert menus.shown(small, "concept", "an elephant")["value"] is None
    assert menus.shown(small, "tint", "a frog")["visible"] is False  # there is nothing to choose
    assert menus.attributes(None) == []
    assert menus.shown(None, "concept", "a frog") == {"choices": [], "value": None, "visible": False}


def test_an_unknown_thing_is_answered_with_known_ones(pipe: GanDprPipeline):
    said = remark(pipe, "a blue flugelhorn")
    assert said.kind == "warn"
    assert "“flugelhorn”" in said.sentence
    assert len(said.words) == 4
    assert all(words.removeprefix("a ").startswith("blue ") for words in said.words)  # "blue french fries"


def test_a_known_prompt_needs_no_words(pipe: GanDprPipeline):
    assert remark(pipe, "a cat").sentence == ""


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("an upside-down elephant", "no upside-down elephant was ever shown"),
        ("a red cat on a red background", "A red cat on red can hardly be seen"),
        ("an upside-down pizza", "Every pizza that it was trained on stood upright"),
    ],
)
def test_what_a_person_should_know_of_a_prompt_is_said(pipe: GanDprPipeline, prompt: str, sentence: str):
    assert sentence in remark(pipe, prompt).sentence


@pytest.mark.parametrize("prompt", ["", "   ", None, "a" * 301])
def test_check_prompt_refuses(prompt):
    with pytest.raises(ValueError):
        check_prompt(prompt)


def test_a_number_that_is_missing_is_asked_for():
    with pytest.raises(ValueError, match="Truncation: take a number from 0 to 2"):
        check_range("Truncation", None, 0, 2)


@pytest.mark.parametrize(
    ("prompt", "attribute", "label", "edited"),
    [
        ("a dragon breathing fire", "style", "3D", "a dragon breathing fire in 3D style"),
        ("two cats", "tint", "blue", "two blue cats"),
        ("a blue car next to a tree", "tint", "red", "a red car next to a tree"),
        ("a kitty on blue", "tint", "red", "a red kitty on blue"),
        ("A cat, at the top left.", "background", "red", "A cat, at the top left on a red background."),
        ("a top left cat", "position", "bottom right", "a cat at the bottom right"),
        ("a cat on the left", "size", "large", "a large cat"),
        ("an upside-down cat", "orientation", "upright", "a cat"),
        ("a cat", "orientation", "upside-down", "an upside-down cat"),
        ("a big owl", "orientation", "upside-down", "a big upside-down owl"),
        ("an hour in a cat", "tint", "orange", "an hour in an orange cat"),
        ("my tiny green teapot on a red background", "orientation", "sideways",
         "my tiny sideways green teapot on a red background"),
        ("", "concept", "elephant", "an elephant"),
    ],
)  # fmt: skip
def test_a_choice_keeps_the_other_words(pipe: GanDprPipeline, prompt, attribute, label, edited):
    assert menus.edited(pipe.guide, prompt, attribute, label) == edited


@pytest.mark.parametrize(
    ("korean", "prompt", "sentence"),
    [
        (False, "a red cat at the top", ""),
        (False, "a red cat!", ""),
        (False, "frog but pink", "Read as: a pink frog."),
        (False, "빨간 고양이", "Read as: a red cat."),
        (True, "빨간 고양이", ""),  # it is what would be said
        (True, "빨강 고양이", "이렇게 읽음: 빨간 고양이."),
    ],
)
def test_how_a_prompt_is_read_is_said_where_it_says_more(
    korean: bool, prompt: str, sentence: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(prompts, "asked_in_korean", lambda: korean)
    monkeypatch.setattr(words, "asked_in_korean", lambda: korean)
    world = EmojiWorld()
    model = SimpleNamespace(world=world, guide=world.guide())
    assert prompts.read_as(model, prompt, prompts.Remark()).sentence == sentence
