"""The renderer against the frozen vectors and against a slow one written from the description."""

import json
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gan_dpr.worlds.emoji import contact_sheet
from gan_dpr.worlds.emoji.attributes import BACKGROUND, SIZE, TINT
from gan_dpr.worlds.emoji.concepts import CONCEPTS
from gan_dpr.worlds.emoji.render import filling_drawing, layers_of, render, sprite
from gan_dpr.worlds.emoji.scene import Scene, SceneObject
from gan_dpr.worlds.emoji.world import EmojiWorld

VECTORS = Path(__file__).parent / "data/scene_vectors"
SCENES = {
    entry["file"]: Scene.from_dict(entry["scene"])
    for entry in json.loads((VECTORS / "scenes.json").read_text(encoding="utf-8"))
}
WORLD = EmojiWorld({"concept": "core128"})
DATA = Path(contact_sheet.__file__).parent


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.png")), ids=lambda path: path.name)
def test_vectors(path):
    size = 32 if path.stem.endswith("_32px") else 64
    drawn = render(SCENES[path.name.replace("_32px", "")], size)
    frozen = np.asarray(Image.open(path).convert("RGB"))
    assert drawn.shape == (size, size, 3)
    assert drawn.dtype == np.uint8
    assert np.abs(drawn.astype(int) - frozen).mean() < 0.1  # the contract allows 2


def slow_render(scene: Scene, size: int, jitter: tuple[int, int]) -> np.ndarray:
    """SCENES.md, step by step, in floats."""
    item = scene.object
    rgba = sprite(item.concept, item.style)
    rows, columns = np.where(rgba[..., 3] > 8)
    rgba = rgba[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].copy()
    if item.tint != "none":
        for pixel in rgba.reshape(-1, 4):
            lum = (0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]) / 255
            for i, t in enumerate(np.array(TINT.values[item.tint].drawn) / 255):
                value = 2 * lum * t if lum < 0.5 else t + (1 - t) * (2 * lum - 1)
                pixel[i] = round(value * 255)
    length = SIZE.values[item.size].drawn * size // 64
    height, width = rgba.shape[:2]
    longest = max(height, width)
    image = (
        Image.fromarray(rgba)
        .convert("RGBa")
        .resize(
            (max(1, round(width * length / longest)), max(1, round(height * length / longest))),
            Image.Resampling.LANCZOS,
        )
    )
    turn = {
        "upright": None,
        "upside-down": Image.Transpose.ROTATE_180,
        "sideways": Image.Transpose.ROTATE_270,
    }
    if turn[item.orientation] is not None:
        image = image.transpose(turn[item.orientation])
    layer = np.asarray(image).astype(float)
    margin = 2 * size / 64
    free = size - 2 * margin - length
    top, left = (
        min(max(math.floor(margin + length / 2 + p / 2 * free - side / 2 + 0.5) + j, 0), size - side)
        for p, side, j in zip(item.position, layer.shape[:2], jitter, strict=True)
    )
    picture = np.empty((size, size, 3))
    picture[:] = BACKGROUND.values[scene.background].drawn
    box = picture[top : top + layer.shape[0], left : left + layer.shape[1]]
    box[:] = np.clip(layer[..., :3] + box * (1 - layer[..., 3:] / 255), 0, 255)
    return np.round(picture)


@pytest.mark.parametrize("size", [32, 64, 96])
def test_random_scenes_against_the_description(size):
    rng = np.random.default_rng(size)
    for _ in range(12):
        scene = WORLD.sample(rng)
        jitter = tuple(rng.integers(-1, 2, size=2).tolist())
        difference = np.abs(render(scene, size, jitter) - slow_render(scene, size, jitter))
        assert difference.max() <= 1, scene


def test_sideways_is_a_quarter_turn_clockwise_and_upside_down_a_half():
    pictures = {
        turn: render(Scene((SceneObject("cat", "noto", turn, size="large"),), "green"))
        for turn in ("upright", "sideways", "upside-down")
    }
    # an odd side puts the object half a pixel off the middle, so compare what is in its box
    boxes = {turn: crop(picture) for turn, picture in pictures.items()}
    assert np.array_equal(boxes["sideways"], np.rot90(boxes["upright"], -1))
    assert np.array_equal(boxes["upside-down"], np.rot90(boxes["upright"], 2))


def crop(picture: np.ndarray) -> np.ndarray:
    rows, columns = np.where((picture != picture[0, 0]).any(-1))
    return picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def test_jitter_moves_the_picture_and_stops_at_the_border():
    scene = Scene((SceneObject("cat", "noto", size="medium"),), "blue")
    still = render(scene)
    assert np.array_equal(render(scene, 64, (1, -1)), np.roll(still, (1, -1), axis=(0, 1)))
    corner = Scene((SceneObject("cat", "noto", size="small", position=(0, 0)),), "blue")
    assert np.array_equal(crop(render(corner, 64, (-40, -40))), crop(render(corner)))


def test_drawings_of_one_scene_are_equal_and_independent():
    scene = Scene((SceneObject("cat", "noto", tint="red"),), "blue")
    first = render(scene)
    first[:] = 0
    assert np.array_equal(render(scene), render(scene))
    assert render(scene).any()
    assert render(scene)[0, 0].tolist() == [41, 98, 255]


@pytest.mark.parametrize("size", [0, 16, 48, 100])
def test_sizes_that_cannot_be_drawn(size):
    with pytest.raises(ValueError, match=f"^a scene's size must be a multiple of 32 pixels, not {size}$"):
        render(SCENES["00.png"], size)


def test_layers_of_a_scene():
    scene = Scene((SceneObject("cat", "noto", "sideways", "red", "small", (0, 2)),), "blue")
    layers = layers_of(scene, 32)
    assert layers.drawings.shape == (1, 32, 32, 4)
    # 24 of 64 px, 2 px from the edges
    np.testing.assert_allclose(layers.places, [[14 / 64, 50 / 64, 24 / 64]])
    assert layers.turns.tolist() == [3]  # a quarter turn clockwise is three counter-clockwise
    np.testing.assert_allclose(layers.tints, [[1, 214 / 255, 48 / 255, 49 / 255]], rtol=1e-6)
    np.testing.assert_allclose(layers.background, np.array([41, 98, 255]) / 255, rtol=1e-6)
    assert layers.extents.max() == 1
    plain = layers_of(Scene((SceneObject("cat", "noto", size="large"),)), 32)
    np.testing.assert_allclose(plain.places, [[0.5, 0.5, 52 / 64]])
    assert (plain.turns.tolist(), plain.tints.tolist()) == ([0], [[0, 0, 0, 0]])


def test_layers_of_two_objects_are_back_to_front():
    scene = Scene((SceneObject("cat", "noto"), SceneObject("dog", "noto", size="small", position=(0, 0))), "blue")
    layers = layers_of(scene, 32)
    assert layers.drawings.shape == (2, 32, 32, 4)
    assert np.array_equal(layers.drawings[1], filling_drawing("dog", "noto", 32))
    assert layers.places[:, 2].tolist() == [36 / 64, 24 / 64]
    both, front = render(scene), render(Scene((SceneObject("dog", "noto", size="small", position=(0, 0)),), "blue"))
    assert np.array_equal(both[2:20, 2:13], front[2:20, 2:13])  # the cat begins at pixel 14


def test_a_filling_drawing_fills_its_square():
    for pair in (("giraffe", "noto"), ("snake", "noto"), ("cat", "fluent-3d")):
        alpha = filling_drawing(*pair, 64)[..., 3] > 8
        rows, columns = (np.nonzero(alpha.any(axis))[0] for axis in (1, 0))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert max(height, width) >= 63, pair
        assert abs(rows[0] + rows[-1] - 63) <= 2
        assert abs(columns[0] + columns[-1] - 63) <= 2


def test_sprites():
    drawing = sprite("elephant", "noto")
    assert drawing.shape == (64, 64, 4)
    assert drawing.dtype == np.uint8
    with pytest.raises(ValueError, match="^there is no sprite of 'giraffe' in style 'emojione'$"):
        sprite("giraffe", "emojione")


def test_every_sprite_has_its_licence_and_attribution():
    table = pq.read_table(DATA / "sprites.parquet").to_pylist()
    assert len(table) == len({(row["concept"], row["style"]) for row in table}) == 4724
    assert {(row["concept"], row["style"]) for row in table} == {
        (concept.concept, style) for concept in CONCEPTS.values() for style in concept.styles
    }
    attribution = (DATA / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for licence, source in {(row["licence"], row["source"]) for row in table}:
        assert (DATA / f"LICENSES/{licence}.txt").stat().st_size > 1000
        assert " ".join(source.rsplit("@", 1)) in attribution
        assert f"[{licence}](LICENSES/{licence}.txt)" in attribution


def test_contact_sheet(tmp_path):
    contact_sheet.contact_sheet(tmp_path / "sheet.png", n=3)
    assert Image.open(tmp_path / "sheet.png").size == (3 * 168 + 8, 204 + 8)
    with pytest.raises(ValueError, match="a contact sheet needs at least one scene, not 0"):
        contact_sheet.contact_sheet(tmp_path / "none.png", n=0)
    assert not (tmp_path / "none.png").exists()
