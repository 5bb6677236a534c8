"""History, films, grid, arithmetic and nearest training pictures, without the page."""

from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from gan_dpr.demo.controls import let_sliders_be_cleared
from gan_dpr.demo.drawing import MODELS, about, draw, from_link, settings_of, zipped
from gan_dpr.demo.examples import SUMS
from gan_dpr.demo.generate import READ_BACK, GenerateTab
from gan_dpr.demo.history import LONGEST, Past, Settings, remember
from gan_dpr.demo.interpolate import _film, morph, seeds_of, where
from gan_dpr.demo.page import build_page
from gan_dpr.demo.pictures import png_bytes
from gan_dpr.demo.prompt_arithmetic import _added, arithmetic
from gan_dpr.demo.prompt_arithmetic import _first_look as sums_look
from gan_dpr.demo.prompt_grid import _drawn, _to_generate, prompt_grid
from gan_dpr.demo.prompt_grid import _first_look as grid_look
from gan_dpr.demo.retrieve import search
from gan_dpr.demo.studio import Studio
from gan_dpr.demo.training_pictures import nearest_training
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.worlds.emoji.render import render
from gan_dpr.worlds.emoji.scene import Scene, SceneObject
from gan_dpr.worlds.pictures.dataset import PictureDataset
from gan_dpr.worlds.pictures.world import CaptionsWorld, PicturesWorld


@pytest.fixture
def studio(pipe: GanDprPipeline) -> Studio:
    return Studio(pipe)


def picture(pipe: GanDprPipeline, prompt: str, seed: int) -> np.ndarray:
    return np.asarray(pipe(prompt, generator=torch.Generator().manual_seed(seed)).images[0]).astype(int)


def test_a_grid_has_prompts_down_and_noise_across(studio: Studio, pipe: GanDprPipeline):
    rows = prompt_grid(studio, ["a cat", "a red frog", "a house"], rows=3, columns=2, seed=7)
    assert [len(row) for row in rows] == [2] * 5
    for i, prompt in ((0, "a cat"), (2, "a red frog"), (4, "a house")):
        for j in range(2):
            assert np.abs(np.asarray(rows[i][j]).astype(int) - picture(pipe, prompt, 7 + j)).max() <= 1
    for bad, message in (({"rows": 1}, "Rows: take a number from 2 to 12"), ({"columns": 11}, "Columns: .* 1 to 10")):
        with pytest.raises(ValueError, match=message):
            prompt_grid(studio, ["a cat", "a dog"], **{"rows": 2, "columns": 2, "seed": 0, **bad})
    with pytest.raises(ValueError, match="at least two prompts"):
        prompt_grid(studio, ["a cat"], rows=2, columns=2, seed=0)


def test_a_pressed_tile_of_the_grid_brings_what_it_was_drawn_with(studio: Studio):
    *_, drawn = _drawn(studio, "a cat\na dog", 2, 3, 7)
    assert drawn == (["a cat", "a dog"], 2, 3, 7)
    assert _to_generate(SimpleNamespace(index=5), drawn)[:5] == ("a dog", 9, 1, 1, MODELS[0])
    *_, nothing = _drawn(studio, "", 2, 3, 7)
    assert _to_generate(SimpleNamespace(index=5), nothing) == [gr.skip()] * 6


def test_a_film_goes_from_prompt_to_prompt_or_from_seed_to_seed(studio: Studio, pipe: GanDprPipeline):
    def differ(frame, prompt: str, seed: int) -> int:
        return np.abs(np.asarray(frame).astype(int) - picture(pipe, prompt, seed)).max()

    frames = morph(studio, ["a cat"], seeds_of("3, 5 9"), steps=4)
    assert len(frames) == 7
    for i, seed in ((0, 3), (3, 5), (6, 9)):
        assert differ(frames[i], "a cat", seed) <= 1
    both = morph(studio, ["a cat", "a red frog"], [3, 5], steps=3, path="slerp")
    assert differ(both[0], "a cat", 3) <= 1
    assert differ(both[2], "a red frog", 5) <= 1
    assert [where(["A", "B"], i, 3) for i in range(3)] == ["A", "50% of the way to: B", "B"]


@pytest.mark.parametrize(
    ("prompts", "seeds", "message"),
    [
        (["a cat"], "0", "at least two prompts"),
        ([], "0, 1", "at least two prompts"),
        (["a cat", "a dog", "a frog"], "0, 1", "3 prompts and 2 seeds"),
        (["a cat"] * 9, "0", "At most 8"),
        (["a cat", "a dog"], "1.5", "Seeds are whole numbers"),
        (["a cat", "a dog"], "", "Seeds are whole numbers"),
        (["a cat"], f"0, {2**60}", "Seed: take a number from 0"),
    ],
)
def test_bad_keys_of_a_film_are_answered_with_a_sentence(studio: Studio, prompts, seeds, message):
    with pytest.raises(ValueError, match=message):
        morph(studio, prompts, seeds_of(seeds), 4)


def test_the_nearest_training_pictures_fit_the_prompt_and_keep_out_what_training_never_saw(pipe: GanDprPipeline):
    scene = Scene((SceneObject("cat", "noto", "upright", "none", "large"),), "blue")
    drawn = Image.fromarray(render(scene, 32))
    near = nearest_training(drawn, "a large cat on a blue background", pipe.world, pipe.guide)
    assert near[0].distance == 0
    assert [one.distance for one in near] == sorted(one.distance for one in near)
    assert all(pipe.guide.labels(one.caption)["concept"] == "cat" for one in near[:6])
    held_out = nearest_training(drawn, "an upside-down elephant", pipe.world, pipe.guide)
    assert len(held_out) > 100
    assert not any("upside" in one.caption for one in held_out)
    assert nearest_training(drawn, "a teapot", pipe.world, pipe.guide) == []


def own_pictures() -> PicturesWorld:
    images = np.stack([np.full((32, 32, 3), value, np.uint8) for value in (0, 100, 130)])
    return PicturesWorld(PictureDataset(images, ["black", "grey", "light"], ["0", "1", "2"]))


def test_of_own_pictures_every_one_is_compared():
    near = nearest_training(Image.new("RGB", (32, 32), (120, 120, 120)), "anything", own_pictures(), None)
    assert [(one.caption, one.distance) for one in near] == [("light", 10), ("grey", 20), ("black", 120)]


@pytest.fixture
def own(tiny_checkpoint: Path) -> Studio:
    """A studio of a model that learnt somebody's own pictures."""
    return Studio(GanDprPipeline.from_pretrained(tiny_checkpoint, "cpu", CaptionsWorld(["my wall", "my door"])))


def test_a_model_of_own_pictures_is_shown_with_its_own_captions_and_without_menus(own: Studio):
    assert own.examples.prompts == ("my wall", "my door")
    assert own.remark("a teapot").sentence == ""
    assert own.nearest_training(Image.new("RGB", (32, 32)), "a cat") == []
    assert "concepts" not in own.status()
    assert {caption for _, caption in own.pipeline.captions_for(Image.new("RGB", (32, 32)))} == {"my wall", "my door"}
    with pytest.raises(ValueError, match="no gallery: add pictures of your own below"):
        search(own, "a wall", None, 3)
    own.warm_up()
    page = build_page(own.pipeline)
    assert not [b for b in page.blocks.values() if str(getattr(b, "elem_id", "")).startswith("menu-")]


def test_a_model_that_is_switched_to_gets_menus_examples_and_a_prompt_of_its_own(studio: Studio, own: Studio):
    tab = GenerateTab.__new__(GenerateTab)
    tab.studio, tab.attributes, tab.menus = studio, ["concept", "tint"], [None, None]
    request = SimpleNamespace(session_hash="me")
    studio.take("me", own)
    prompt, chips, *shown = tab._switched(request, "an elephant", MODELS[1])
    assert prompt == "my wall"
    assert chips["words"] == ["my wall", "my door"]
    assert [menu.visible for menu in shown] == [False, False]
    prompt, _, *shown = tab._switched(request, "a red elephant", MODELS[0])
    assert prompt == "a red elephant"
    assert [menu.value for menu in shown] == ["elephant", "red"]


def linked(query: str) -> list:
    return from_link(SimpleNamespace(query_params=dict(pair.split("=") for pair in query.split("&"))))


def test_a_link_brings_back_all_that_draws_the_same_pixels():
    assert linked("prompt=a cat&seed=7&n=2&truncation=0.5&best_of=3") == ["a cat", 7, 2, 0.5, 3]
    skip = gr.skip()
    assert linked("prompt=a cat&seed=null&n=17&truncation=nan&best_of=x") == ["a cat", skip, skip, skip, skip]


def test_arithmetic_shows_its_terms_and_their_sum(studio: Studio, pipe: GanDprPipeline):
    singles, sums = arithmetic(studio, ("a red cat", "a cat", "a cat"), 3)
    assert (len(singles), len(sums)) == (3, 4)
    assert np.abs(np.asarray(singles[0]).astype(int) - picture(pipe, "a red cat", 3)).max() <= 1
    for k, image in enumerate(sums):  # A - B + B is A
        assert np.abs(np.asarray(image).astype(int) - picture(pipe, "a red cat", 3 + k)).max() <= 1
    with pytest.raises(ValueError, match="Type what to draw"):
        arithmetic(studio, ("a cat", " ", "a dog"), 0)
    assert all(len(example) == 3 for example in SUMS.values())


def test_a_film_can_be_saved_only_once_its_file_is_its_own(studio: Studio):
    *_, file = _film(studio, "a cat\na dog", "0", 3, "lerp", True)
    assert (file.value, file.interactive) == (None, False)
    *_, file = _film(studio, "a cat", "0", 3, "lerp", True)
    assert (file.value, file.interactive) == (None, False)


def test_what_does_nothing_is_no_button(studio: Studio):
    shown, _, seen = _added(studio, "a cat", "a dog", "a frog", 0)
    assert seen
    assert all(tile["still"] for tile in shown["tiles"])
    grid, *_ = _drawn(studio, "a cat\na dog", 2, 3, 7)
    assert not any(tile["still"] for tile in grid["tiles"])


def test_a_first_look_draws_and_a_second_leaves_it(studio: Studio):
    no_link = SimpleNamespace(query_params={})
    assert sums_look(studio, no_link, False, "a cat", "a dog", "a frog", 0)[0]["tiles"]
    assert sums_look(studio, no_link, True, "a cat", "a dog", "a frog", 0) == [gr.skip()] * 3
    assert grid_look(studio, None, "a cat\na dog", 2, 3, 7)[0]["tiles"]
    assert grid_look(studio, (["a cat"], 2, 3, 7), "a cat\na dog", 2, 3, 7) == [gr.skip()] * 3


@pytest.mark.parametrize("cleared", ["n", "seed", "truncation", "best_of"])
def test_a_field_that_is_cleared_is_asked_for(studio: Studio, cleared: str):
    settings = {"n": 1, "seed": 0, "truncation": 1.0, "best_of": 1} | {cleared: None}
    with pytest.raises(ValueError, match="take a number from"):
        draw(studio, "a cat", **settings)
    let_sliders_be_cleared()
    assert gr.Slider(0, 2, 1).preprocess(None) is None
    assert gr.Slider(0, 2, 1).preprocess(1.5) == 1.5


def saved(path: Path, **chunks: str) -> str:
    path.write_bytes(png_bytes(Image.new("RGB", (8, 8)), about("a cat", 3, "tiny", 0.5) | chunks))
    return str(path)


def test_a_saved_picture_brings_its_settings_back(tmp_path: Path):
    said, *settings = settings_of(saved(tmp_path / "own.png"), "tiny")
    assert (said, settings) == ("Its settings are back: these are its pixels.", ["a cat", 3, 0.5])
    assert "another model drew it" in settings_of(saved(tmp_path / "other.png"), "emoji-64")[0]
    for wrong, message in (
        ({"truncation": "2.5"}, "Truncation: take a number from 0 to 2"),
        ({"seed": "first"}, "holds no prompt and seed"),
        ({"prompt": "a" * 301}, "That prompt has 301 letters"),
    ):
        with pytest.raises(ValueError, match=message):
            settings_of(saved(tmp_path / "wrong.png", **wrong), "tiny")


def test_new_pictures_are_not_told_what_was_said_of_others(studio: Studio):
    def beside(prompt: str, seed: int) -> str:
        opened = Settings("a cat", 1, 3, 0.5, 1, MODELS[0]), "Its settings are back."
        tab, request = GenerateTab.__new__(GenerateTab), SimpleNamespace(session_hash=None)
        tab.studio = studio
        *_, told, near = GenerateTab._redraw(tab, request, prompt, 1, seed, 0.5, 1, MODELS[0], opened)
        assert near.visible is False
        return told

    assert beside(" a cat", 3) == "Its settings are back."
    assert beside("a cat", 4) == beside("", 3) == READ_BACK


def test_nothing_drawn_is_not_downloaded():
    with pytest.raises(gr.Error, match="Type a prompt to see pictures"):
        zipped(None)


def past(prompt: str, at: float, seed: int = 0) -> Past:
    return Past(Settings(prompt, 4, seed, 1.0, 1, "the shipped one"), "data:", at)


def test_history_has_each_drawing_once_and_no_trail_of_letters():
    history: list[Past] = []
    for at, prompt in enumerate(("a", "a c", "a cat", "a ca", "a cat")):
        history = remember(history, past(prompt, at))
    assert [old.settings.prompt for old in history] == ["a cat"]
    history = remember(history, past("a cat on blue", 60.0))  # after a while it is another drawing
    history = remember(history, past("a dog", 61.0))
    history = remember(history, past("a cat", 62.0, seed=5))
    history = remember(history, past("a cat on blue", 90.0))
    assert [(old.settings.prompt, old.settings.seed) for old in history] == [
        ("a cat on blue", 0), ("a cat", 5), ("a dog", 0), ("a cat", 0),
    ]  # fmt: skip
    assert len(remember([past("a cat", 0.0, seed=1)], past("a cat", 1.0, seed=2))) == 2  # "Other seeds", twice
    for i in range(2 * LONGEST):
        history = remember(history, past(f"{i} dogs", 100.0 + i))
    assert len(history) == LONGEST
