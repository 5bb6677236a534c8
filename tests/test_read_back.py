"""What the page says that the retriever reads in a picture."""

import base64
import io
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from gan_dpr.demo.drawing import MODELS, Drawn, Settings
from gan_dpr.demo.generate import GenerateTab
from gan_dpr.demo.read_back import only_said, read
from gan_dpr.demo.studio import Studio
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.worlds.emoji.captions import canonical_caption
from gan_dpr.worlds.emoji.scene import Scene, SceneObject
from gan_dpr.worlds.emoji.world import EmojiWorld
from gan_dpr.worlds.pictures.world import CaptionsWorld
from gan_dpr.worlds.protocol import Caption, World

PICTURE = Image.new("RGB", (32, 32))
SCENES = [Scene((SceneObject(name, "noto"),), "blue") for name in ("cat", "dog", "frog", "owl")]
CAPTIONS = [canonical_caption(scene) for scene in SCENES]


def reader(rows: list[tuple[float, Caption]], world: World) -> Studio:
    """A studio whose retriever reads the same in every picture."""
    return Studio(
        SimpleNamespace(guide=None, world=world, image_size=32, described=lambda image, k: rows[:k])
    )


def pixels(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_the_three_likeliest_stand_beside_pictures_of_what_was_read():
    rows = list(zip((0.618, 0.3, 0.05, 0.032), CAPTIONS, strict=True))
    shown = read(reader(rows, EmojiWorld()), PICTURE, "In words.")
    assert shown["say"] == "In words."
    assert [thing["caption"] for thing in shown["things"]] == [
        "a medium-sized cat in the middle on a blue background",
        "a medium-sized dog in the middle on a blue background",
        "a medium-sized frog in the middle on a blue background",
    ]
    assert [thing["percent"] for thing in shown["things"]] == [62, 30, 5]
    assert shown["things"][1]["alt"] == "a medium-sized dog in the middle on a blue background, a real picture"
    for thing, scene in zip(shown["things"], SCENES[:3], strict=True):
        np.testing.assert_array_equal(pixels(thing["src"]), EmojiWorld().render(scene, 32))


@pytest.mark.parametrize(("first", "said"), [(0.5, "In words."), (0.499, "In words. The retriever is not sure.")])
def test_where_even_the_first_is_improbable_that_is_said(first: float, said: str):
    assert read(reader([(first, CAPTIONS[0])], EmojiWorld()), PICTURE, "In words.")["say"] == said


def test_without_the_pictures_only_words_and_bars_are_shown():
    world = CaptionsWorld(["my ${wall}", "my <b>door</b>"])
    rows = [(0.75, world.caption(1)), (0.25, world.caption(0))]
    shown = read(reader(rows, world), PICTURE, "In words.")["things"]
    assert [(thing["caption"], thing["percent"], thing["src"]) for thing in shown] == [
        ("my &lt;b&gt;door&lt;/b&gt;", 75, ""), ("my &#36;{wall}", 25, ""),
    ]  # fmt: skip
    assert read(reader([], world), PICTURE, "In words.") == only_said("")


def test_a_pressed_picture_is_read_and_a_seed_is_not(pipe: GanDprPipeline):
    tab, request = GenerateTab.__new__(GenerateTab), SimpleNamespace(session_hash=None)
    tab.studio = Studio(pipe)
    out = pipe("a cat", num_images_per_prompt=2, generator=torch.Generator().manual_seed(5))
    drawn = Drawn(Settings("a cat", 2, 5, 1.0, 1, MODELS[0]), "tiny", out)
    seed, best_of, shown, said, near = tab._pressed(request, SimpleNamespace(index=1, action="pick"), drawn, MODELS[0])
    assert (seed, best_of) == (gr.skip(), gr.skip())
    assert shown.value["say"].startswith("Seed 6: what the retriever reads in it.")
    wanted = [caption for _, caption in pipe.captions_for(out.images[1], 3)]
    assert [thing["caption"] for thing in shown.value["things"]] == wanted
    assert said.startswith("Nearest training pictures of it")
    assert near.visible
    taken = tab._pressed(request, SimpleNamespace(index=1, action="seed"), drawn, MODELS[0])
    assert taken == (6, 1, gr.skip(), gr.skip(), gr.skip())
