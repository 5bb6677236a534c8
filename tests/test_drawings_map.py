"""The map of drawings: what is alike lies together, and pictures land among those that they are like."""

from types import SimpleNamespace

import numpy as np

from gan_dpr.demo.drawings_map import landing
from gan_dpr.gallery import load_vectors, places_of, save_vectors


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


def test_a_picture_lands_between_the_drawings_that_it_is_like():
    pipeline = SimpleNamespace(
        gallery=SimpleNamespace(vectors=np.eye(4)), scale=20.0,
        places=np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
        encode_image=lambda images: np.array([[1, 0, 0, 0], [0, 0.5, 0, 0.5]])[: len(images)],
    )  # fmt: skip
    itself, between = landing(pipeline, ["one", "other"])
    np.testing.assert_allclose(itself, [0, 0], atol=1e-7)
    np.testing.assert_allclose(between, [1, 0.5], atol=1e-3)
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
