"""The wall, the headline, and what a browser keeps of what was drawn in it."""

import json
from types import SimpleNamespace

import gradio as gr
import pytest
import torch
from PIL import Image

from gan_dpr.demo.drawing import MODELS, Drawn
from gan_dpr.demo.first_screen import SHOWN, FirstScreen
from gan_dpr.demo.history import (
    CHUNK,
    LONGEST,
    DrawnBefore,
    Past,
    Settings,
    arranged,
    kept,
    read_sheet,
    remember,
    settings_kept,
    sheet_of,
)
from gan_dpr.demo.mix import AMOUNTS, _first_look, _mixed, _of_board, mix, mix_from_link
from gan_dpr.demo.pictures import small_data_uri
from gan_dpr.demo.studio import Studio
from gan_dpr.networks.mixing import WAYS
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.worlds.pictures.world import CaptionsWorld


@pytest.fixture(scope="module")
def studio(pipe: GanDprPipeline) -> Studio:
    return Studio(pipe)


@pytest.fixture(scope="module")
def first_screen(studio: Studio) -> FirstScreen:
    return FirstScreen(studio)


def test_the_wall_shows_each_thing_once_and_a_press_brings_it_back(first_screen: FirstScreen, pipe: GanDprPipeline):
    prompts = first_screen.studio.examples.wall
    labels = [pipe.guide.labels(prompt) for prompt in prompts]
    assert 100 <= len({label["concept"] for label in labels}) == len(prompts) <= 128
    assert {label["size"] for label in labels} == {"large"}
    assert len({label["background"] for label in labels} - {"any"}) == 8
    assert prompts[0] == "a large elephant on a white background"
    shown = first_screen._wall()
    assert (len(shown["tiles"]), len(shown["first"])) == (len(prompts), SHOWN)
    prompt, seed, *others = first_screen._taken(SimpleNamespace(index=50))
    assert (prompt, seed, others) == (prompts[50], 50, [1, 1, MODELS[0]])
    drawn = pipe(prompt, generator=torch.Generator().manual_seed(seed)).images[0]
    assert shown["tiles"][50]["src"] == small_data_uri(drawn)
    assert first_screen._taken(SimpleNamespace(index=len(prompts))) == [gr.skip()] * 5


def test_the_headline_is_what_training_never_showed(first_screen: FirstScreen):
    assert first_screen._headline()["words"] == "It was shown this, and never “an upside-down elephant”."
    assert first_screen._taken(SimpleNamespace(index=-1)) == ["an upside-down elephant", 0, 1, 1, MODELS[0]]


def test_a_model_of_own_pictures_has_a_wall_of_its_captions_and_no_headline(tiny_checkpoint):
    own = FirstScreen(Studio(GanDprPipeline.from_pretrained(tiny_checkpoint, "cpu", CaptionsWorld(["wall", "door"]))))
    assert [small.prompt for small in own.drawings] == ["wall", "door"]
    assert own._headline() == {}
    assert own._taken(SimpleNamespace(index=-1)) == [gr.skip()] * 5


def past(prompt: str, pinned: bool = False, model: str = MODELS[0]) -> Past:
    return Past(Settings(prompt, 4, 0, 1.0, 1, model), "data:", -10.0, pinned)


def prompts_of(history: list[Past]) -> list[str]:
    return [("*" if one.pinned else "") + one.settings.prompt for one in history]


def test_pinned_drawings_stand_first_and_are_never_pushed_out():
    history = [past("a", pinned=True), past("b"), past("c")]
    assert prompts_of(arranged(history, 2, "pin")) == ["*a", "*c", "b"]
    assert prompts_of(arranged(history, 0, "pin")) == ["a", "b", "c"]
    assert prompts_of(arranged(history, 2, "earlier")) == ["*a", "c", "b"]
    assert prompts_of(arranged(history, 1, "earlier")) == ["*a", "b", "c"]  # not before what is pinned
    assert prompts_of(arranged(history, 1, "forget")) == ["*a", "c"]
    assert prompts_of(arranged(history, 1, "anything else")) == ["*a", "b", "c"]
    for i in range(2 * LONGEST):
        history = remember(history, past(f"{i} dogs"))
    assert prompts_of(history)[:2] == ["*a", f"{2 * LONGEST - 1} dogs"]
    assert len(history) == LONGEST
    assert prompts_of(remember(history, past("a"))) == prompts_of(history)


def test_a_browser_keeps_settings_and_what_is_no_such_thing_is_left_out():
    history = [past("a cat", pinned=True), past("my own", model=MODELS[1]), past("a dog")]
    entries = json.loads(json.dumps(kept(history)))
    assert settings_kept(entries) == [(history[0].settings, True), (history[2].settings, False)]
    good = entries[1]
    for wrong in (
        {"prompt": ""}, {"prompt": "a" * 301}, {"prompt": 3}, {"seed": -1}, {"seed": "1"}, {"n": 17}, {"n": 1.5},
        {"truncation": 3}, {"best_of": None}, {"model": "another"},
    ):  # fmt: skip
        assert settings_kept([good | wrong, "x", None, good]) == [(history[2].settings, False)]
    assert settings_kept({"prompt": "a cat"}) == settings_kept(None) == []


def test_a_sheet_holds_what_it_shows(studio: Studio, tmp_path):
    history = [past("a cat", pinned=True), past("a dog"), past("a frog")]
    path = tmp_path / "sheet.png"
    path.write_bytes(sheet_of(studio, history))
    with Image.open(path) as sheet:
        assert sheet.size == (3 * 64 + 2 * 4, 64)
        assert sheet.text["prompt"] == "a cat"
        assert len(json.loads(sheet.text[CHUNK])) == 3
    assert read_sheet(str(path)) == [(one.settings, one.pinned) for one in history]
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    assert read_sheet(str(tmp_path / "plain.png")) == read_sheet(str(tmp_path / "none.png")) == read_sheet(None) == []
    with pytest.raises(ValueError, match="nothing yet that a sheet could hold"):
        sheet_of(studio, [past("my own", model=MODELS[1])])


def test_what_a_browser_kept_is_drawn_again_once_and_new_drawings_join_it(studio: Studio, pipe: GanDprPipeline):
    before = DrawnBefore.__new__(DrawnBefore)
    before.studio = studio
    out = pipe("a frog", num_images_per_prompt=4, generator=torch.Generator().manual_seed(0))
    drawn = Drawn(past("a frog").settings, "tiny", out)
    _, history, browser = before._drawn(drawn, None, kept([past("a cat", pinned=True), past("a dog")]))
    assert prompts_of(history) == ["*a cat", "a frog", "a dog"]
    first = pipe("a dog", generator=torch.Generator().manual_seed(0)).images[0]
    assert history[2].picture == small_data_uri(first)
    assert [entry["prompt"] for entry in browser] == ["a cat", "a frog", "a dog"]
    _, after, _ = before._drawn(None, history, ["what another page of this browser wrote"])
    assert after == history


def test_a_mix_is_shown_with_four_ways_and_four_amounts(studio: Studio, pipe: GanDprPipeline):
    shown, board, _, drawn = _mixed(studio, "a cat\na frog", "middle", 0.3, 5, None)
    assert len(shown["tiles"]) == 1
    assert len(board["tiles"]) == len(WAYS) * len(AMOUNTS) == 16
    assert drawn == (["a cat", "a frog"], 5)
    assert _of_board(SimpleNamespace(index=6)) == (WAYS[1], AMOUNTS[2])
    assert board["tiles"][6]["alt"] == "a cat + a frog: from the top down, 60%"
    assert _mixed(studio, "a cat\na frog", "middle", 0.4, 5, drawn)[1] == gr.skip()  # the same board stays
    no_link = SimpleNamespace(query_params={})
    assert _first_look(studio, no_link, drawn, "a cat\na frog", "middle", 0.4, 5) == [gr.skip()] * 4
    assert mix(studio, ["a cat", "a frog"], "middle", [0.3], 5) == pipe.mix(["a cat", "a frog"], [0.3], "middle", 5)


def mix_linked(**query: str) -> list:
    return mix_from_link(SimpleNamespace(query_params=query))


def test_a_link_brings_the_same_mix_back(studio: Studio):
    link = {"mix": "a cat\na frog", "way": "middle", "amount": "0.3", "mix_seed": "5"}
    *settings, tabs, kinds = mix_linked(**link)
    assert settings == ["a cat\na frog", "middle", 0.3, 5]
    assert (tabs.selected, kinds.selected) == ("interpolate", "mix")
    first = _first_look(studio, SimpleNamespace(query_params=link), None, "a dog", "halves", 0.5, 0)  # not filled yet
    assert first[0] == _mixed(studio, "a cat\na frog", "middle", 0.3, 5, None)[0]
    skip = gr.skip()
    assert mix_linked(mix=" ", way="sideways", amount="2", mix_seed="-1")[:4] == [skip] * 4
    assert mix_linked(mix="a" * 2000)[0] == "a" * 1204
    assert mix_linked(prompt="a cat") == [skip] * 6


@pytest.mark.parametrize(
    ("prompts", "way", "amount", "seed", "message"),
    [
        (["a cat"], "halves", 0.5, 0, "two to four prompts"),
        (["a cat"] * 5, "halves", 0.5, 0, "two to four prompts"),
        (["a cat", " "], "halves", 0.5, 0, "Type what to draw"),
        (["a cat", "a dog"], "sideways", 0.5, 0, "no such way to mix: take one of colours, halves"),
        (["a cat", "a dog"], "halves", None, 0, "Amount: take a number from 0 to 1"),
        (["a cat", "a dog"], "halves", 0.5, None, "Seed: take a number from 0"),
    ],
)
def test_a_mix_that_cannot_be_drawn_is_answered_with_a_sentence(studio: Studio, prompts, way, amount, seed, message):
    with pytest.raises(ValueError, match=message):
        mix(studio, prompts, way, [amount], seed)
