"""The map of drawings: what is alike lies together, and pictures land among those that they are like."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from PIL import Image
from tiny import ByPixels

from gan_dpr.demo.drawings_map import DrawingsMap, landing
from gan_dpr.gallery import load_vectors, places_of, save_vectors
from gan_dpr.worlds.emoji.render import render
from gan_dpr.worlds.emoji.scene import Scene
from gan_dpr.worlds.emoji.world import EmojiWorld


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_what_is_alike_lies_together():
    rng = np.random.default_rng(0)
    centres = np.eye(4, 16).repeat(12, axis=0)
    places = places_of(unit(centres + 0.1 * rng.standard_normal((48, 16))))
    assert places.shape == (48, 2)
    assert (places.min(0) == 0).all()
    assert (places.max(0) == 1).all()
    middles = places.reshape(4, 12, 2).mean(1)
    nearest = ((places[:, None] - middles) ** 2).sum(-1).argmin(1)
    assert np.array_equal(nearest, np.arange(4).repeat(12))


def test_few_drawings_have_a_place_each():
    places = places_of(unit(np.eye(3)))
    assert places.shape == (3, 2)
    assert len(np.unique(places, axis=0)) == 3
    assert ((places >= 0) & (places <= 1)).all()


def test_a_picture_lands_where_the_drawing_of_its_thing_is():
    world = EmojiWorld({"concept": ("cat", "house", "snake")})
    gallery = world.gallery()
    pipeline = SimpleNamespace(
        places=np.random.default_rng(0).random((len(gallery), 2)), describer=world.describer(ByPixels(world))
    )
    drawings = [Scene.from_dict(entry["scene"]) for entry in gallery]
    shown = [  # small, turned and on another background
        Scene((replace(scene.object, size="small", position=(0, 2), orientation="sideways"),), "blue")
        for scene in drawings
    ]
    places = landing(pipeline, [Image.fromarray(render(scene, 64)) for scene in shown])
    assert (places == pipeline.places).all(1).mean() > 0.9
    assert landing(pipeline, []).shape == (0, 2)


def test_vectors_are_kept_for_the_weights_that_made_them(tmp_path):
    assert load_vectors(tmp_path, "a") == {}
    vectors = {"names": unit(np.random.default_rng(0).standard_normal((3, 8))), "places": np.array([[0.25, 1.0]])}
    save_vectors(tmp_path, vectors, "a")
    found = load_vectors(tmp_path, "a")
    assert found.keys() == {"names", "places"}
    np.testing.assert_allclose(found["names"], vectors["names"], atol=1e-3)
    assert np.array_equal(found["places"], vectors["places"])
    assert load_vectors(tmp_path, "b") == {}


def test_a_line_to_a_caption_longer_than_a_prompt_gets_a_sentence():
    entries = [{"caption": "a cat"}, {"caption": "a cat " + "on a mat " * 50}]
    studio = SimpleNamespace(pipeline=SimpleNamespace(gallery=SimpleNamespace(metadata=entries)))
    shown, link = DrawingsMap._morphed(SimpleNamespace(studio=studio), SimpleNamespace(ends=[0, 1]))
    assert "That prompt has 455 letters; at most 300 are read." in str(shown)
    assert link == ""
