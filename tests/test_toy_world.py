"""Proof that a world is a protocol: one of the tests' own goes through training, evaluation, saving and searching."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import tiny_trainer
from toy_world import COLOURS, HELD_OUT, SCENES, ToyJudge, ToyWorld

from gan_dpr.evaluation.suites import evaluate, figure
from gan_dpr.networks.encoders import TextTower
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.training.run import RunFolder, TrainingRun, sample_prompts
from gan_dpr.worlds.protocol import satisfies

TOY = ToyWorld()


@pytest.fixture(scope="module")
def trained(text_tower: TextTower, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder of each phase's first steps."""
    folder = RunFolder(tmp_path_factory.mktemp("toy"))
    trainer = tiny_trainer(
        text_tower, "own-32", "batch_size=6", 'training.phases=[["reconstruct",20],["contend",4],["retrieve",120]]',
        "lr_reconstruct=0.005", "generator.channels=[16,16]", "weight_swap=0.5", "mixed_share=0.5", world=TOY,
    )  # fmt: skip
    folder.begin({"preset": "own-32", "overrides": [], "data": None})
    run = TrainingRun(folder, trainer, sample_prompts(TOY))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gan_dpr.training.schedule.WARM_UP", 1)  # of phases this short there would be nothing else
        stats = list(run.steps(144, None, stop=lambda: False))
    run.close()
    assert {s.phase for s in stats} == {"reconstruct", "contend", "retrieve"}
    assert stats[19].reconstruction < 0.7 * stats[0].reconstruction
    assert all(np.isfinite(s.swap) for s in stats[20:])
    return folder.path


@pytest.fixture(scope="module")
def toy(trained: Path) -> GanDprPipeline:
    return GanDprPipeline.from_pretrained(trained / "checkpoint", device="cpu", world=TOY)


def test_its_judge_reads_its_renders():
    for size in (32, 64, 128):
        words = ToyJudge().read(np.stack([TOY.render(scene, size) for scene in (*SCENES, HELD_OUT)])).words
        assert list(zip(words["shape"], words["colour"], strict=True)) == [*SCENES, HELD_OUT]


def test_swaps_and_alternatives():
    rng = np.random.default_rng(0)
    swaps = {TOY.swap(TOY.test_captions("iid", 1, 0)[0], rng).text for _ in range(20)}
    assert swaps == {"a blue square", "a red disc"}
    short = TOY.short_captions(2, 0)[0]
    assert {satisfies(TOY, other, short) for other in TOY.alternatives(short, 9, rng)} == {True}


def test_its_run_is_kept_like_any_other(trained: Path):
    prompts = (trained / "samples" / "prompts.txt").read_text().splitlines()
    assert prompts == ["a red square", "a blue square", "a red disc", "a blue disc"]
    assert (trained / "checkpoint" / "training.json").is_file()


def test_only_who_knows_the_world_opens_its_checkpoint(trained: Path, toy: GanDprPipeline):
    with pytest.raises(ValueError, match="^There is no world 'toy'"):
        GanDprPipeline.from_pretrained(trained / "checkpoint", device="cpu")
    assert toy.world is TOY
    assert toy.guide is None
    assert toy.unknown_thing("a cat") is None


def test_it_is_evaluated_with_its_own_judge_and_words(toy: GanDprPipeline):
    said = []
    figures = evaluate(toy, suite="all", seeds=2, progress=said.append)
    assert figures["columns"] == ["shape", "colour"]
    assert figures["judge"] == {"kind": "pixels"}
    assert figures["showpiece"] is None
    scenes = [row for row in figures["rows"] if row["split"] in ("iid", "heldout") and "direction" not in row]
    assert [(row["split"], row["attribute"], row["pictures"]) for row in scenes] == [
        ("iid", None, 6), ("heldout", "colour", 2),
    ]  # fmt: skip
    assert all(row["all"] == 1 for row in figures["baselines"]["ceiling"])
    # training shows no blue disc: the nearest training picture is always wrong
    assert figures["baselines"]["nearest_training_caption"][1]["all"] == 0
    assert [row["direction"] for row in figures["rows"] if "direction" in row] == ["text_to_image", "image_to_text"] * 2
    free = next(row for row in figures["rows"] if row["split"] == "free")
    assert list(free["diversity"]["distinct"]) == ["colour"]
    assert "| ceiling | iid | 1.00 | 1.00 | 1.00 |" in said[-1]
    assert figure(toy, n=1).size == (16 * 34 - 2, 32)


def test_it_is_searched(toy: GanDprPipeline):
    hits = toy.retrieve("a blue square", k=9)
    assert sorted(hit.path for hit in hits) == ["disc/red", "square/blue", "square/red"]
    assert hits[0].caption == "a blue square"
    best = toy.retrieve(image=Image.fromarray(TOY.render(("disc", "red"), 32)), k=1)[0]
    assert (best.path, best.score) == ("disc/red", pytest.approx(1, abs=1e-4))
    assert np.array_equal(np.asarray(best.image), TOY.render(("disc", "red"), 32))
    found = toy.captions_for(Image.fromarray(TOY.render(("square", "red"), 32)), k=3)
    assert found[0][1] == "a red square"


def test_it_is_saved_again_and_drawn_alike(toy: GanDprPipeline, tmp_path: Path):
    toy.save_pretrained(tmp_path / "copy")
    again = GanDprPipeline.from_pretrained(tmp_path / "copy", device="cpu", world=TOY)
    assert again.config["world"] == {"kind": "toy"}
    pictures = [np.asarray(p("a red disc", generator=torch.Generator().manual_seed(0)).images[0]) for p in (toy, again)]
    assert np.array_equal(*pictures)
    assert COLOURS.keys() == {"red", "blue"}
