"""Runs of the page without the page: limits, halting, leaving, the charts."""

import dataclasses
import math
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from gan_dpr.balance import StepStats
from gan_dpr.config import preset
from gan_dpr.demo.mini_train import MiniTrainTab
from gan_dpr.demo.plots import CHARTS, POINTS, Kept, bucket_means, draw, plots
from gan_dpr.demo.training import MAX_LIVE, LiveRun, RememberingTower, Runs, watched_scenes
from gan_dpr.encoders import TextTower
from gan_dpr.worlds.pictures.dataset import PictureDataset

STATS = StepStats(**{field.name: 0.5 for field in dataclasses.fields(StepStats)})


@pytest.fixture
def run(text_tower: TextTower) -> LiveRun:
    tiny = preset("nano")
    tiny.generator.text_dim = tiny.retriever.text_dim = text_tower.hidden_size
    tiny.training.batch_size, tiny.scenes.pool_size = 4, 16
    return LiveRun(tiny, text_tower, "cpu", "no")


def test_a_run_ends_at_its_limits_and_goes_on_when_they_are_raised(run: LiveRun):
    run.prepare()
    run.begin()
    while run.burst(5, max_seconds=60, max_steps=3):
        pass
    assert (run.step, run.state) == (3, "paused")
    assert "3 steps are done" in run.verdict()[1]
    run.begin()
    while run.burst(5, max_seconds=60, max_steps=5):
        pass
    assert run.step == 5
    assert run.sheets[-1].step == 5
    assert run.sheets[-1].images.shape == (12, 32, 32, 3)


@pytest.mark.parametrize("after", ["paused", "stopped"])
def test_a_halt_ends_a_burst_after_its_step(run: LiveRun, after: str):
    run.prepare()
    run.begin()
    threading.Timer(0.3, run.request_halt, [after]).start()
    start = time.monotonic()
    while run.burst(60, max_seconds=600, max_steps=100_000):
        pass
    assert run.state == after
    assert time.monotonic() - start < 30


def test_settings_change_between_steps_and_only_those_of_the_page(run: LiveRun):
    run.prepare()
    run.set("lr_g", 0.0)
    before = [p.clone() for p in run.trainer.generator.parameters()]
    run.single_step()
    assert all((a == b).all() for a, b in zip(before, run.trainer.generator.parameters(), strict=True))
    with pytest.raises(ValueError, match="seed cannot be changed"):
        run.set("seed", 1)


def test_the_verdict_on_the_original_recipe_says_why_it_fails(run: LiveRun):
    run.settings.recipe = "original-2023"
    run.history = [dataclasses.replace(STATS, step=i + 1, win_share=0.99, loss_g=20000.0) for i in range(400)]
    state, sentence = run.verdict()
    assert state == "d-wins"
    assert "only D learns, and it tells 99% of the pairs apart" in sentence
    assert "L_G has grown to 20,000" in sentence
    run.history = [dataclasses.replace(STATS, step=i + 1, loss_g=1000.0) for i in range(700)]
    assert "only G learns, against a D that stands still" in run.verdict()[1]


def test_all_runs_of_a_moment_use_one_device_and_precision(run: LiveRun):
    runs = Runs()
    runs.put("me", run)
    other = LiveRun(run.preset, run.tower, "cpu", "bf16")
    with pytest.raises(ValueError, match="Another visitor trains on cpu with autocast no"):
        runs.put("you", other)
    runs.drop("me")
    runs.put("you", other)
    other.prepare()
    other.single_step()
    assert other.state == "paused"
    runs.drop("you")
    runs.put("me", run)
    run.prepare()
    assert run.trainer.accelerator.mixed_precision == "no"


def test_a_diverged_run_says_so(run: LiveRun):
    run.prepare()
    run.set("gamma", math.inf)
    run.single_step()
    state, sentence = run.verdict()
    assert (run.state, state) == ("failed", "failed")
    assert sentence == (
        "The losses are not finite at step 1: lower the learning rates or raise γ, and press Start."
    )


def test_a_trained_run_can_be_taken_away(run: LiveRun, tmp_path):
    import shutil

    from gan_dpr.pipeline import GanDprPipeline

    run.prepare()
    run.single_step()
    shutil.unpack_archive(run.zipped(), tmp_path)
    kept = GanDprPipeline.from_pretrained(tmp_path / "checkpoint", device="cpu")
    assert kept("a cat").images[0].size == run.pipeline()("a cat").images[0].size == (32, 32)


def test_only_so_many_visitors_train_at_once(run: LiveRun):
    runs = Runs()
    for i in range(MAX_LIVE):
        runs.put(f"visitor {i}", run)
    with pytest.raises(ValueError, match="other visitors are training"):
        runs.put("one more", run)
    runs.put("visitor 0", run)  # a new run takes the place of one's own
    runs.drop("visitor 1")
    assert run.halt.is_set()
    runs.put("one more", run)
    assert runs.get("one more") is run
    assert runs.get("visitor 1") is None


def test_a_session_keeps_curves_and_learns_the_speed(run: LiveRun):
    runs = Runs()
    assert runs.kept("me") is None
    run.prepare()
    run.single_step("d")
    run.single_step("g")
    runs.keep("me", run)
    run.single_step()
    assert runs.kept("me").name == "nano, 2 steps"
    assert [stats.step for stats in runs.kept("me").history] == [1, 2]
    runs.forget("me")
    assert runs.kept("me") is None
    assert runs.forecast("nano", 10) == "nano made 19.2 steps a second on two idle CPU cores: 10 s are about 192 steps."
    run.seconds = 6.0
    runs.clock(run)
    assert runs.forecast("nano", 120) == "nano made 0.5 steps a second in the last run here: 120 s are about 60 steps."


def test_curves_that_are_forgotten_during_a_run_stay_away(run: LiveRun):
    runs = Runs()
    runs.keep("me", run)
    shown = MiniTrainTab._drive(SimpleNamespace(runs=runs), "me", run, 60, 20_000)
    next(shown)
    assert "Dashed: run A" in next(shown)[2]
    runs.forget("me")
    assert "Dashed: run A" not in next(shown)[2]
    shown.close()


def test_watched_prompts_are_one_for_each_concept_and_always_the_same():
    first, again = (watched_scenes(preset("nano")) for _ in range(2))
    assert [watched.text for watched in first] == [watched.text for watched in again]
    assert len({watched.title.split(",")[0] for watched in first}) == 12
    assert first[0].target.shape == (32, 32, 3)
    named = watched_scenes(preset("nano-class-conditional"))
    assert all(watched.title in watched.text and "background" not in watched.text for watched in named)


def test_a_run_on_own_pictures_watches_their_captions(run: LiveRun, text_tower: TextTower):
    images = np.zeros((9, 32, 32, 3), np.uint8)
    captions = ["a wall", "a door", "a wall", *(f"thing {i}" for i in range(6))]
    dataset = PictureDataset(images, captions, [str(i) for i in range(9)])
    own = LiveRun(run.preset, text_tower, "cpu", "no", dataset)
    assert own.prompts == ["a wall", "a door", *(f"thing {i}" for i in range(6))]
    own.prepare()
    own.single_step()
    assert own.pipeline().world is None
    assert own.sheets[-1].images.shape == (8, 32, 32, 3)


def test_the_remembering_tower_encodes_as_its_original(text_tower: TextTower):
    tower = RememberingTower(text_tower)
    for texts in (["a cat", "a dog"], ["a dog"], ["a dog"]):
        assert (tower.encode(texts).states == text_tower.encode(texts).states).all()


def test_charts_average_and_leave_out_what_is_not_measured():
    history = [dataclasses.replace(STATS, step=i, gap=float(i), r1=math.nan) for i in range(2 * POINTS)]
    assert bucket_means(history, "gap") == [2 * i + 0.5 for i in range(POINTS)]
    assert all(math.isnan(mean) for mean in bucket_means(history, "r1"))
    assert plots(history).count("<svg") == len(CHARTS)
    assert "nan" not in plots(history)


def test_a_kept_run_is_drawn_dashed_over_the_same_axes():
    history = [dataclasses.replace(STATS, step=i) for i in (0, 10)]
    longer = [dataclasses.replace(STATS, step=i, win_share=1.0) for i in (0, 20)]
    drawn = draw(CHARTS[1], history, longer)
    assert '<polyline class="line before d" points="34.0,8.0 314.0,8.0"/>' in drawn
    assert '<polyline class="line d" points="34.0,59.0 174.0,59.0"/>' in drawn
    assert "Dashed: run A, a&lt;b." in plots(history, Kept("a<b", longer))


def test_charts_of_nothing_are_empty_axes():
    assert '<polyline class="line d" points=""/>' in draw(CHARTS[0], [])
