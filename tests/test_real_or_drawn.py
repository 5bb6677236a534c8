"""Real or drawn? The game without the page, then in Debian's chromium."""

import json
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect

from gan_dpr.demo.page import build_page
from gan_dpr.demo.real_or_drawn import (
    ROUNDS,
    VERDICTS,
    Game,
    Round,
    _first_look,
    _pressed,
    dealt,
    moved,
    playable,
    result,
    shown,
)
from gan_dpr.demo.studio import Studio
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.worlds.pictures.world import CaptionsWorld

PICTURES = Image.new("RGB", (32, 32), "red"), Image.new("RGB", (32, 32), "blue")
NO_GUIDE = SimpleNamespace(guide=None)


@pytest.fixture(scope="module")
def studio(pipe: GanDprPipeline) -> Studio:
    return Studio(pipe)


def game(*drawn: int, realness: tuple[float, float] = (0.25, 0.5)) -> Game:
    """Rounds whose drawn pictures are on these sides; to D the left one looks less real."""
    return Game(tuple(Round(f"thing {i}", PICTURES, side, realness) for i, side in enumerate(drawn)))


def played(start: Game, *actions: str) -> Game:
    for action in actions:
        start = moved(start, action)
    return start


def test_each_round_has_a_real_and_a_drawn_picture_of_its_caption(studio: Studio, pipe, monkeypatch):
    monkeypatch.setattr(pipe, "realness", lambda pictures: np.array([np.asarray(one).mean() for one in pictures]))
    made = dealt(studio, 7)
    captions = pipe.world.test_captions("iid", 10, 7)
    assert [one.caption for one in made.rounds] == [caption.text for caption in captions]
    assert {one.drawn for one in made.rounds} == {0, 1}
    out = pipe([caption.text for caption in captions], generator=torch.Generator().manual_seed(7))
    for i, one in enumerate(made.rounds):
        real = pipe.world.render(captions[i].scene, 32)
        np.testing.assert_array_equal(one.pictures[1 - one.drawn], real)
        np.testing.assert_array_equal(one.pictures[one.drawn], out.images[i])
        assert one.realness == tuple(np.asarray(picture).mean() for picture in one.pictures)
    assert dealt(studio, 7) == made != dealt(studio, 8)


def test_the_discriminator_suspects_what_looks_less_real():
    assert [Round("", PICTURES, 0, pair).suspected for pair in ((0.25, 0.5), (0.5, 0.25), (-2.0, -1.0))] == [0, 1, 0]


def test_points_count_what_was_answered():
    three = game(0, 1, 1)
    assert (three.points, result(three)) == ((0, 0), "I 0, D 0 of 0")
    assert played(three, "left").points == (1, 1)
    assert played(three, "left", "on", "right").points == (2, 1)
    over = played(three, "left", "on", "right", "on", "left", "on")
    assert (over.place, over.points, result(over)) == (3, (2, 1), "I 2, D 1 of 3")


def test_what_cannot_be_pressed_now_changes_nothing():
    first, answered, over = game(0), played(game(0), "left"), played(game(0), "left", "on")
    for before, actions in ((first, ("on", "x")), (answered, ("left", "right", "x")), (over, ("left", "right", "on"))):
        assert [moved(before, action) for action in actions] == [before] * len(actions)


def test_the_board_keeps_the_answer_until_it_is_given():
    """Both rounds look alike, whichever side the drawn one is on."""
    assert shown(NO_GUIDE, game(0)) == shown(NO_GUIDE, game(1))
    board = shown(NO_GUIDE, game(1, 0))
    assert board["ask"] == "1 of 2: “thing 0”. Which one is drawn?"
    assert (board["said"], board["on"]) == ("", "")
    assert [one["title"] for one in board["pictures"]] == ["left", "right"]
    assert "realness" not in json.dumps(board)


@pytest.mark.parametrize(
    ("drawn", "answer", "said"),
    [
        (0, "left", VERDICTS[True, True] + " You 1, D 1 of 1."),
        (1, "right", VERDICTS[True, False] + " You 1, D 0 of 1."),
        (0, "right", VERDICTS[False, True] + " You 0, D 1 of 1."),
        (1, "left", VERDICTS[False, False] + " You 0, D 0 of 1."),
    ],
)
def test_an_answer_is_told_what_the_discriminator_says(drawn: int, answer: str, said: str):
    board = shown(NO_GUIDE, moved(game(drawn), answer))
    assert (board["said"], board["on"]) == (said, "Next")
    assert [one["note"] for one in board["pictures"]] == ["D: realness 0.250", "D: realness 0.500"]
    assert board["pictures"][drawn]["title"] == "drawn"
    assert board["pictures"][1 - drawn]["title"] == "a real picture"
    assert all(one["still"] for one in board["pictures"])


def test_the_end_is_a_result_and_the_next_press_a_new_game(studio: Studio):
    over = played(game(0), "left", "on")
    board = shown(NO_GUIDE, over)
    assert (board["result"], board["on"], board.get("pictures")) == ("I 1, D 1 of 1", "again", None)
    for before in (over, None):
        _, new = _pressed(studio, "on", before)
        assert (len(new.rounds), new.place, new.answers) == (ROUNDS, 0, ())
    assert _first_look(studio, over) == [gr.skip()] * 2


def test_without_real_pictures_there_is_no_game(studio: Studio, tiny_checkpoint):
    assert playable(studio)
    for captions in (["my wall", "my door"], []):
        own = Studio(GanDprPipeline.from_pretrained(tiny_checkpoint, "cpu", CaptionsWorld(captions)))
        assert not playable(own)
    tabs = [block for block in build_page(own.pipeline).blocks.values() if isinstance(block, gr.Tab)]
    assert [tab.visible for tab in tabs if "Real or drawn?" in str(tab.label)] == [False]


@pytest.mark.browser
def test_it_is_played_to_the_end_with_the_keyboard(page: Page):
    page.get_by_role("tab", name="Retrieve").click()
    page.get_by_role("tab", name="Real or drawn?").click()
    board = page.locator("#real-or-drawn")
    expect(board).to_contain_text("1 of 10:")
    assert board.locator("img").evaluate_all("all => all.map(one => one.clientWidth / one.naturalWidth)") == [8, 8]
    board.locator(".shot").first.focus()
    for i in range(10):
        expect(board).to_contain_text(f"{i + 1} of 10:")
        expect(board.locator(".shot").first).to_be_focused()
        page.keyboard.press("ArrowRight" if i % 2 else "ArrowLeft")
        expect(board.locator(".tile.best figcaption")).to_contain_text("drawn")
        expect(board).to_contain_text(f"of {i + 1}.")
        expect(board.get_by_role("button", name="Next")).to_be_focused()
        page.keyboard.press("Enter")
    expect(board.locator(".result")).to_contain_text("of 10")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    board.get_by_role("button", name="Copy the result").click()
    expect(board.get_by_role("button", name="copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == board.locator(".result").inner_text()
    board.get_by_role("button", name="again").click()
    expect(board).to_contain_text("1 of 10:")
