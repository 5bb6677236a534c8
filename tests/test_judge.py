"""The judge: what it reads from pixels is exact, and the shipped network is good and reproducible."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_dpr.evaluation import judge_training
from gan_dpr.evaluation.judge import DEFAULT_JUDGE, HEADS, SceneJudge, crop_objects
from gan_dpr.evaluation.judge_training import JudgeTraining, any_scene, ceiling, fresh_judge, main, train_judge
from gan_dpr.evaluation.pixels import UNREADABLE, read_layout
from gan_dpr.worlds.emoji.attributes import BACKGROUND, POSITION, SIZE
from gan_dpr.worlds.emoji.concepts import CONCEPTS
from gan_dpr.worlds.emoji.render import render
from gan_dpr.worlds.emoji.scene import Scene, SceneObject, held_out_attributes
from gan_dpr.worlds.emoji.world import EmojiWorld

WORLD = EmojiWorld({"concept": "core128"})
TINY = {"widths": (4, 4, 4)}
PLACES = [("large", (1, 1)), *((size, place) for size in ("small", "medium") for place in POSITION.values)]


@pytest.fixture(scope="module")
def shipped() -> SceneJudge:
    return SceneJudge.load(DEFAULT_JUDGE)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize(
    ("concept", "style", "orientation", "tint"),
    [
        ("elephant", "noto", "upright", "none"),
        ("octopus", "fluent-3d", "upside-down", "none"),
        ("sailboat", "twemoji", "sideways", "gray"),  # thin: one side of its box is much the longer
    ],
)
def test_layout_is_exact_on_real_renders(concept, style, orientation, tint, size):
    scenes = [
        Scene((SceneObject(concept, style, orientation, tint, length, place),), background)
        for background in BACKGROUND.values
        for length, place in PLACES
    ]
    layout = read_layout(np.stack([render(scene, size) for scene in scenes]))
    for name in ("size", "position", "background"):
        assert getattr(layout, name).tolist() == [WORLD.word(scene, name) for scene in scenes]


def test_layout_of_the_frozen_vectors():
    folder = Path(__file__).parent / "data/scene_vectors"
    entries = json.loads((folder / "scenes.json").read_text(encoding="utf-8"))
    images = np.stack([np.asarray(Image.open(folder / entry["file"]).convert("RGB")) for entry in entries])
    layout = read_layout(images)
    scenes = [Scene.from_dict(entry["scene"]) for entry in entries]
    for name in ("size", "position", "background"):
        assert getattr(layout, name).tolist() == [WORLD.word(scene, name) for scene in scenes]


def test_layout_survives_noise_and_specks():
    rng = np.random.default_rng(0)
    scenes = [
        Scene((SceneObject("cat", "noto", "upright", "blue", size, place),), background)
        for background in ("white", "black", "yellow")
        for size, place in PLACES
    ]
    images = np.stack([render(scene) for scene in scenes]).astype(np.float64)
    images += rng.normal(0, 6, images.shape)
    images[:, 3, 60] = 128  # far from everything
    layout = read_layout(images.round().clip(0, 255).astype(np.uint8))
    for name in ("size", "position", "background"):
        assert getattr(layout, name).tolist() == [WORLD.word(scene, name) for scene in scenes]


def test_a_picture_without_an_object_has_no_size_and_no_place():
    layout = read_layout(np.full((1, 64, 64, 3), 250, np.uint8))
    assert (layout.background[0], layout.size[0], layout.position[0]) == ("white", UNREADABLE, UNREADABLE)
    assert layout.box.tolist() == [[0, 0, 64, 64]]


def test_a_large_object_off_the_middle_has_no_legal_place():
    pictures = np.full((2, 64, 64, 3), 250, np.uint8)
    pictures[0, 6:58, 6:58] = 20
    pictures[1, 18:63, 18:63] = 20  # 45 pixels, nearest to large, nine pixels off the middle
    layout = read_layout(pictures)
    assert layout.size.tolist() == ["large", "large"]
    assert layout.position.tolist() == ["in the middle", UNREADABLE]


def test_pictures_of_another_kind_are_refused():
    with pytest.raises(ValueError, match=r"pictures must be \(N, S, S, 3\) uint8"):
        read_layout(np.zeros((1, 64, 64, 3), np.float32))


def test_a_crop_of_the_whole_picture_is_the_picture():
    images = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3), dtype=np.uint8)
    distance = np.zeros((2, 40, 40), np.uint8)
    crops = crop_objects(images, distance, np.array([[20, 20, 40], [20, 20, 40]]))
    expected = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    torch.testing.assert_close(crops[:, :3], expected, atol=1e-4, rtol=0)
    assert (crops[:, 3] == -1).all()


def test_a_crop_shows_the_square_it_is_told():
    images = np.zeros((1, 64, 64, 3), np.uint8)
    images[0, 10:30, 40:60] = 255
    crops = crop_objects(images, images[..., 0], np.array([[20.0, 50.0, 20.0]]))
    assert crops.shape == (1, 4, 40, 40)
    assert (crops[:, :, 2:-2, 2:-2] == 1).all()


def test_save_and_load_give_the_same_judge(tmp_path):
    judge = fresh_judge(0)
    judge.facts = {"seed": 0}
    judge.save(tmp_path / "a")
    first = SceneJudge.load(tmp_path / "a")
    first.save(tmp_path / "b")
    second = SceneJudge.load(tmp_path / "b")
    crops = torch.randn(2, 4, 40, 40, generator=torch.Generator().manual_seed(0))
    for name, logits in first(crops).items():
        assert logits.shape == (2, len(HEADS[name]))
        assert torch.equal(logits, second(crops)[name])
    assert second.facts == {"seed": 0}


def test_no_judge_is_one_line_that_says_how_to_make_one(tmp_path, capsys):
    with pytest.raises(FileNotFoundError, match="train one with python -m gan_dpr.evaluation.judge_training"):
        SceneJudge.load(tmp_path)
    assert main(["--out", str(tmp_path / "out"), "--continue-from", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_what_looks_the_same_either_way_up_is_read_as_upright():
    judge = fresh_judge(1).eval()
    turnable = [i for i, name in enumerate(HEADS["concept"]) if CONCEPTS[name].orientable]
    with torch.no_grad():  # now it only ever answers with things that cannot be turned, upside down
        judge.classify.bias[turnable] -= 1e6
        judge.classify.bias[len(HEADS["concept"]) + 1] += 1e6
    images = np.stack([render(any_scene(np.random.default_rng(i))) for i in range(3)])
    assert judge.read(images).words["orientation"].tolist() == ["upright"] * 3


def test_any_scene_makes_held_out_combinations_and_the_sizes_asked_for():
    rng = np.random.default_rng(0)
    scenes = [any_scene(rng, sizes=(0.0, 0.0, 1.0)) for _ in range(50)]
    assert {scene.object.size for scene in scenes} == {"large"}
    assert any(held_out_attributes(any_scene(rng)) for _ in range(50))


def test_training_depends_on_its_seed_alone(monkeypatch):
    monkeypatch.setattr(judge_training, "ceiling", lambda *_: {})
    monkeypatch.setattr(judge_training, "SceneJudge", lambda: SceneJudge(**TINY))
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, other = (
        train_judge(JudgeTraining(steps=2, batch_size=8, seed=seed)).state_dict() for seed in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["classify.weight"], other["classify.weight"])


def test_the_shipped_judge_is_small_and_good(shipped):
    assert (DEFAULT_JUDGE / "judge.safetensors").stat().st_size < 3e6
    figures = ceiling(shipped, 300, np.random.default_rng(123))
    assert set(figures) == {"all sizes", *SIZE.values}
    found = figures["all sizes"]
    assert found["concept"] >= 0.95
    assert found["orientation"] >= 0.95
    assert found["tint"] >= 0.85
    assert found["size"] == found["position"] == found["background"] == 1
