"""Stacked Fashion-MNIST: the world, the classifier and the figures, on made-up garments."""

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from gan_dpr.checkpoint import Models
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.study.stacked import (
    COMBINATIONS,
    GarmentReader,
    Garments,
    StackedScene,
    StackedWorld,
    held_out_combinations,
    mode_figures,
    right_rows,
    stacked_rows,
    text_of,
)


@pytest.fixture(scope="module")
def garments() -> Garments:
    """Twenty pictures of each garment; garment g is a bright stripe of two rows from row 2 g on."""
    labels = np.repeat(np.arange(10), 20)
    pictures = np.random.default_rng(0).integers(0, 60, (200, 28, 28)).astype(np.uint8)
    for picture, label in zip(pictures, labels, strict=True):
        picture[2 * label : 2 * label + 2] = 250
    return Garments(pictures, labels)


def test_a_hundred_combinations_are_held_out_and_never_shown(garments):
    hidden = held_out_combinations()
    assert len(hidden) == 100
    assert hidden == held_out_combinations()
    world, rng = StackedWorld(garments), np.random.default_rng(0)
    scenes = world.scenes(3000, rng)
    assert not hidden & {scene.garments for scene in scenes}
    assert len({scene.garments for scene in scenes}) > 800
    assert all(garments.labels[list(scene.pictures)].tolist() == list(scene.garments) for scene in scenes[:50])
    swaps = [world.swap(world.caption(scene), rng) for scene in scenes[:200]]
    assert not hidden & {swap.scene.garments for swap in swaps}
    changed = [sum(a != b for a, b in zip(s.scene.garments, scene.garments, strict=True))
               for s, scene in zip(swaps, scenes, strict=False)]  # fmt: skip
    assert set(changed) == {1}
    assert {caption.scene.garments for caption in world.test_captions("combination", 200, 0)} == hidden
    assert not hidden & {caption.scene.garments for caption in world.test_captions("iid", 200, 0)}
    with pytest.raises(ValueError, match="unknown split 'tint'"):
        world.test_captions("tint", 1, 0)


def test_each_channel_is_a_garment_in_the_middle(garments):
    world = StackedWorld(garments)
    picture = world.render(StackedScene((3, 0, 9), (60, 0, 180)), 32)
    assert picture.shape == (32, 32, 3)
    assert picture.dtype == np.uint8
    for channel, number in enumerate((60, 0, 180)):
        assert np.array_equal(picture[2:30, 2:30, channel], garments.pictures[number])
    assert picture.sum() == garments.pictures[[60, 0, 180]].sum()  # black around
    with pytest.raises(ValueError, match="are 32 px, and the model has 64 px"):
        world.render(StackedScene((3, 0, 9), (60, 0, 180)), 64)


def test_captions_say_the_garments_and_leave_their_pictures_open(garments):
    caption = StackedWorld(garments).caption(StackedScene((3, 8, 9), (60, 160, 180)))
    assert caption.text == text_of((3, 8, 9)) == "a red dress, a green bag and a blue boot"
    assert caption.mentioned == {"red", "green", "blue"}


def test_the_modes_of_known_pictures():
    every = np.array(COMBINATIONS)
    assert mode_figures(every) == {"modes": 1000, "reverse_kl": pytest.approx(0.0, abs=1e-12)}
    assert mode_figures(every[[7] * 50]) == {"modes": 1, "reverse_kl": pytest.approx(math.log(1000))}
    assert mode_figures(every[[7, 8] * 50]) == {"modes": 2, "reverse_kl": pytest.approx(math.log(500))}


def test_what_is_right_of_shown_and_of_unseen_combinations():
    hidden = held_out_combinations()
    unseen = np.array([combination in hidden for combination in COMBINATIONS])
    read = np.repeat(np.array(COMBINATIONS)[:, None], 3, 1)  # three pictures each, all right
    first, second = np.flatnonzero(unseen)[:2]
    read[first, 0] = (read[first, 0] + 1) % 10  # two of three are right: still a mode
    read[second, :2, 2] = (read[second, :2, 2] + 1) % 10  # one of three is not
    assert right_rows(read.reshape(-1, 3)) == [
        {"split": "iid", "attribute": None, "right": 1.0, "modes_right": 900},
        {"split": "heldout", "attribute": "combination", "right": pytest.approx((98 + 2 / 3 + 1 / 3) / 100),
         "modes_right": 99},
    ]  # fmt: skip


def test_the_files_of_the_package_are_read(garments, tmp_path: Path):
    head = b"\0" * 16
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + garments.pictures.tobytes()))
    labels = garments.labels.astype(np.uint8).tobytes()
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(head[:8] + labels))
    read = Garments.read("t10k", tmp_path)
    assert np.array_equal(read.pictures, garments.pictures)
    assert np.array_equal(read.labels, garments.labels)
    with pytest.raises(FileNotFoundError, match="apt-get install dataset-fashion-mnist"):
        Garments.read("train", tmp_path)


@pytest.mark.slow
def test_real_pictures_are_read_right_and_stand_beside_drawn_ones(garments, pipe):
    reader, world = GarmentReader.trained(garments, epochs=15, batch=20), StackedWorld(garments)
    rng = np.random.default_rng(1)
    scenes = world.scenes(50, rng)
    read = reader.read(np.stack([world.render(scene, 32) for scene in scenes]))
    assert (read == np.array([scene.garments for scene in scenes])).mean() > 0.95
    models = Models(pipe.generator, pipe.retriever, pipe.text_tower, {})
    rows = stacked_rows(GanDprPipeline(models, world=world), garments, samples=1000)
    assert [(row["baseline"], row["split"]) for row in rows] == [
        (None, "all"), (None, "iid"), (None, "heldout"), ("real", "all"), ("real", "iid"), ("real", "heldout"),
    ]  # fmt: skip
    assert rows[0]["modes"] < 500  # noise
    assert rows[0]["reverse_kl"] > rows[3]["reverse_kl"]
