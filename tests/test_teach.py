"""A few pictures become a thing that a finished model draws: cut out, told apart in texts, drawn, saved and named."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from tiny import tiny_trainer

from gan_dpr import GanDprPipeline, cli, teach
from gan_dpr.networks.taught import Taught
from gan_dpr.training.starts import warm_start
from gan_dpr.worlds.emoji.captions import canonical_caption, plain_words, renamed
from gan_dpr.worlds.emoji.cutout import cut_out
from gan_dpr.worlds.emoji.prompts import PromptGuide, understood
from gan_dpr.worlds.emoji.reading import read_prompt
from gan_dpr.worlds.emoji.scene import Scene, SceneObject
from gan_dpr.worlds.emoji.world import EmojiWorld

SMALL = ('world.only={"concept":["cat","dog","house"],"style":["noto","twemoji"]}', "image_size=32")


@pytest.fixture(scope="module")
def known(text_tower, tmp_path_factory) -> Path:
    """A checkpoint of random weights that remembers three things."""
    folder = tmp_path_factory.mktemp("known") / "small"
    tiny_trainer(text_tower, "emoji-64", *SMALL).save_checkpoint(folder)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """A red square on white, and a green one that is twice as wide as high and cut out."""
    folder = tmp_path_factory.mktemp("pictures")
    square = Image.new("RGB", (100, 100), "white")
    ImageDraw.Draw(square).rectangle((30, 20, 69, 79), "red")
    square.save(folder / "a.png")
    wide = Image.new("RGBA", (100, 100))
    wide.paste((0, 128, 0, 255), (10, 40, 90, 80))
    wide.save(folder / "b.png")
    return folder


# ---------------------------------------------------------------- cutting out


def test_a_thing_on_a_plain_background_is_cut_out_one_pixel_inside_its_outline(pictures):
    assert cut_out(pictures / "a.png").shape == (58, 38, 4)
    assert np.unique(cut_out(pictures / "a.png").reshape(-1, 4), axis=0).tolist() == [[255, 0, 0, 255]]


def test_transparency_is_taken_as_it_is(pictures):
    assert cut_out(pictures / "b.png").shape == (40, 80, 4)


def test_what_a_thing_encloses_stays():
    ring = Image.new("RGB", (60, 60), "white")
    ImageDraw.Draw(ring).ellipse((10, 10, 49, 49), fill="white", outline="black", width=6)
    cut = cut_out(ring)
    assert cut[len(cut) // 2, cut.shape[1] // 2].tolist() == [255, 255, 255, 255]
    assert cut[0, 0, 3] == 0


def test_a_thing_may_be_cut_off_below():
    bust = Image.new("RGB", (100, 100), "white")
    ImageDraw.Draw(bust).rectangle((30, 40, 69, 99), "navy")
    assert cut_out(bust).shape[:2] == (58, 38)


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)), "has no plain background"),
        (Image.new("RGB", (40, 40), "white"), "shows nothing but its background"),
        (Image.new("RGBA", (40, 40)), "shows nothing but its background"),
    ],
)
def test_what_cannot_be_cut_out_is_said(picture, sentence):
    with pytest.raises(ValueError, match=sentence):
        cut_out(picture)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("prompt", "concept"),
    [
        ("my dog", "my dog"),
        ("my small red dog on blue", "my dog"),
        ("a large My Dog in the middle", "my dog"),
        ("a dog", "dog"),
        ("my cat and a dog", "cat"),
        ("Biscuit upside-down", "Biscuit"),
        ("biscuits", None),
    ],
)
def test_a_prompt_with_a_taught_name_is_read(prompt, concept):
    assert read_prompt(prompt, ("my dog", "Biscuit")).get("concept") == concept


def test_what_stands_within_a_taught_name_is_read_too():
    assert read_prompt("my small red dog on blue", ("my dog",)) == {
        "concept": "my dog", "size": "small", "tint": "red", "background": "blue",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("My Dog", "my dog"),
        ("my dog but pink, teeny", "my small pink dog"),
        ("two of my scarlet dog next to a cat, navy backdrop", "my red dog on a blue background"),
        ("Biscuit standing on its head", "an upside-down Biscuit"),
    ],
)
def test_a_prompt_with_a_taught_name_is_said_anew(prompt: str, text: str):
    assert understood(prompt, ("my dog", "Biscuit")) == text


def test_the_guide_knows_what_was_taught():
    guide = PromptGuide(EmojiWorld(taught={"my dog": {}}))
    assert guide.names["my dog"] == "my dog"
    assert guide.unknown_thing("my red dog") is None
    assert guide.labels("my red dog")["concept"] == "my dog"
    assert guide.edited("a cat on blue", "concept", "my dog") == "my dog on blue"
    assert guide.edited("my dog on blue", "size", "small") == "my small dog on blue"
    assert guide.edited("my small dog", "concept", "cat") == "small cat"
    assert guide.remark("my upside-down dog") is None
    assert guide.remark("my blue dog on a blue background").kind == "hidden"
    assert guide.relatives("my dog", 3) == []
    assert guide.with_thing("a red zebu", "my dog") == "my red dog"


def test_captions_say_my_small_red_dog():
    scene = Scene((SceneObject("cat", "noto", tint="red", size="small"),), "blue")
    caption = canonical_caption(scene)
    assert renamed(caption, "my dog") == "my small red dog in the middle on a blue background"
    assert renamed(caption, "unit") == "a small red unit in the middle on a blue background"
    assert plain_words({}, "my dog") == "my dog"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("dog", "knows 'dog' already"),
        ("Puppy", "knows 'Puppy' already"),
        ("red fox", "also says its tint"),
        ("dot, dot", "no comma"),
        ("", "1 to 40 letters"),
        ("x" * 41, "1 to 40 letters"),
        ("내 개", "cannot read"),
    ],
)
def test_a_name_that_prompts_cannot_use_is_refused(known, pictures, name, sentence):
    with pytest.raises(ValueError, match=sentence):
        teach(GanDprPipeline.from_pretrained(known, "cpu"), name, [pictures / "a.png"])


def test_what_cannot_be_taught_is_refused(pipe, known, pictures):
    with pytest.raises(ValueError, match="Only a finished model of emoji scenes"):
        teach(pipe, "my dog", [pictures / "a.png"])
    small = GanDprPipeline.from_pretrained(known, "cpu")
    with pytest.raises(ValueError, match="Give 1 to 4 pictures of my dog, not 5"):  # it has four numbers of noise
        teach(small, "my dog", [pictures / "a.png"] * 5)
    with pytest.raises(ValueError, match="None of the pictures can be used: a picture shows nothing"):
        teach(small, "my dog", [Image.new("RGB", (9, 9))])


# ---------------------------------------------------------------- networks


def test_pictures_share_what_is_asked_for():
    taught = Taught([1, 2], thing_dim=3, finish_dim=2, map_size=2)
    taught.keys.copy_(torch.eye(3)[1:])
    taught.maps.copy_(torch.tensor([[1.0, 1], [2, 2], [3, 3]]))
    noise = torch.tensor([[0.5, 2.0], [2.0, 0.5], [0.0, 0.0], [9.0, 9.0]])
    things = torch.eye(3)[[2, 2, 1, 0]] * torch.tensor([[1.0], [7.0], [1.0], [1.0]])  # its length says nothing
    share = taught.shares(things, known=torch.eye(3)[:1], noise=noise)
    assert torch.allclose(share, torch.tensor([[0.0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 0]]), atol=1e-6)
    before = torch.full((4, 2), 5.0)
    assert torch.allclose(taught.instead(share, before, "maps")[:, 0], torch.tensor([3.0, 2, 1, 5]), atol=1e-5)


@pytest.fixture(scope="module")
def lesson(known, pictures, tmp_path_factory) -> Path:
    """The folder that the command wrote."""
    out = tmp_path_factory.mktemp("lesson") / "taught"
    arguments = ["teach", "my zebu", str(pictures), "--checkpoint", str(known), "--device", "cpu", "--out", str(out)]
    assert cli.main(arguments) == 0
    return out


def test_a_taught_model_is_loaded_like_any_other_and_says_what_it_knows(lesson):
    taught = GanDprPipeline.from_pretrained(lesson, "cpu")
    facts = taught.world.taught["my zebu"]
    assert (facts["pictures"], facts["skipped"]) == (2, [])
    assert taught.generator.config.taught == [2]
    assert taught.unknown_thing("my red zebu") is None
    assert json.loads((lesson / "config.json").read_text())["taught_from"] == "small"
    card = (lesson / "README.md").read_text()
    assert "## Taught afterwards" in card
    assert "- **my zebu**, from 2 pictures." in card
    assert torch.allclose(taught.generator.taught.extents.float(), torch.tensor([[1, 38 / 58], [0.5, 1]]), atol=1e-3)


def test_what_the_model_knew_is_drawn_as_before(known, lesson):
    before, after = (GanDprPipeline.from_pretrained(folder, "cpu") for folder in (known, lesson))
    generator = after.generator
    # The codes that it recalls for what it knows are as far from the key as they can be told.
    keys = generator.memory.keys
    codes = {"thing": keys["thing"][:, None], "style": keys["style"][:1].expand(3, -1)[:, None]}
    others = {name: torch.zeros(3, 1, part.width) for name, part in generator.parts.items() if name not in codes}
    noise = torch.randn(3, generator.latent_dim, generator=torch.Generator().manual_seed(0))
    condition = generator.joined(codes | others)
    assert torch.allclose(before.generator.forward_conditioned(condition, noise),
                          generator.forward_conditioned(condition, noise), atol=1e-2)  # fmt: skip
    weights = before.generator.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in generator.state_dict().items() if name in weights)


def test_each_of_its_pictures_is_drawn(lesson):
    """The canvas is random, so no more is asked than that maps and finishes reach the right drawing of the two."""
    generator = GanDprPipeline.from_pretrained(lesson, "cpu").generator
    key = generator.taught.keys[0].expand(2, 1, -1)
    noises = {name: torch.zeros(2, 1, part.noise_dim) for name, part in generator.noisy_parts.items()}
    noises["style"][1, 0, 1] = 1.0
    codes = {name: torch.zeros(2, 1, part.width) for name, part in generator.parts.items()} | {"thing": key}
    drawings, values = generator.layers(generator.decided(codes, noises), noises)
    colour = (drawings[:, 0, :3] * drawings[:, 0, 3:]).mean((2, 3))
    assert colour[0].argmax() == 0  # red
    assert colour[1].argmax() == 1  # green
    assert values.extent[0, 0, 1] == pytest.approx(38 / 58, abs=0.01)


def test_a_second_thing_is_taught_beside_the_first(lesson, pictures, tmp_path, capsys):
    out = tmp_path / "two"
    arguments = ["teach", "Biscuit", str(pictures), "--checkpoint", str(lesson), "--device", "cpu", "--out", str(out)]
    assert cli.main(arguments) == 0
    two = GanDprPipeline.from_pretrained(out, "cpu")
    assert (list(two.world.taught), two.generator.config.taught) == (["my zebu", "Biscuit"], [2, 2])
    card = (out / "README.md").read_text()
    assert card.count("## Taught afterwards") == 1
    assert card.count("- **") == 2
    with pytest.raises(ValueError, match="knows 'biscuit' already"):
        teach(two, "biscuit", [pictures / "a.png"])
    assert cli.main(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "sentence"), [("none", "There is no folder"), ("empty", "holds no pictures")]
)
def test_a_folder_without_pictures_is_named(known, tmp_path, capsys, folder, sentence):
    (tmp_path / "empty").mkdir()
    arguments = ["teach", "my zebu", str(tmp_path / folder), "--checkpoint", str(known), "--out", str(tmp_path / "out")]
    assert cli.main(arguments) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_shipped_checkpoint_is_not_overwritten(known, pictures, capsys):
    arguments = ["teach", "my zebu", str(pictures), "--checkpoint", str(known), "--out", str(known), "--overwrite"]
    assert cli.main(arguments) == 2
    assert "holds what this command did not write" in capsys.readouterr().err


def test_training_goes_on_without_what_was_taught(lesson, text_tower):
    trainer = tiny_trainer(text_tower, "emoji-64", *SMALL)
    warm_start(trainer, lesson)
    assert trainer.ema.taught is None


# ---------------------------------------------------------------- the demo


@pytest.mark.slow
def test_a_visitor_teaches_two_things_and_draws_with_them(known, pictures):
    import gradio as gr

    from gan_dpr.demo.studio import Studio
    from gan_dpr.demo.teach import TeachPanel

    studio = Studio(GanDprPipeline.from_pretrained(known, "cpu"))
    with gr.Blocks():
        nothing = {"fn": lambda: None}
        panel = TeachPanel(studio, SimpleNamespace(model=gr.Radio(["a", "b"]), switch=nothing, redraw=nothing))
    visitor, paths = SimpleNamespace(session_hash="me"), [str(path) for path in sorted(pictures.iterdir())]

    def taught(name: str, files: list[str]) -> tuple:
        return panel._teach(visitor, name, files, progress=lambda done: None)

    assert taught("", paths)[0] == "Give it a name first, such as “my dog”."
    assert taught("my zebu", [])[0] == "Add 1 to 20 pictures of it."
    assert taught("red cat", paths)[0].startswith("A prompt with 'red cat' also says its tint")
    said, shown, *_ = taught("my zebu", paths)
    assert said.startswith("Learnt “my zebu” from 2 pictures.")
    assert [tile["title"] for tile in shown["tiles"]] == [
        "my zebu", "my upside-down zebu", "my small red zebu on a blue background",
        "my large green zebu on a yellow background",
    ]  # fmt: skip
    taught("Biscuit", paths)
    own = studio.of(True, "me")
    assert {"my zebu", "Biscuit"} <= own.guide.names.keys()
    assert "my zebu" not in studio.guide.names  # another visitor knows nothing of it
    assert own.remark("my red zebu").words == ()
    assert Path(panel._zipped(visitor)).is_file()
