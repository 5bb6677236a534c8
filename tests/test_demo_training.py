"""Runs of the page without the page: limits, halting, leaving, the charts."""

import copy
import dataclasses
import math
import re
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from tiny import tiny_preset
from toy_world import ToyWorld

from gan_dpr.config import Phase
from gan_dpr.demo.mini_train import MiniTrainTab
from gan_dpr.demo.missions import FAILING, MISSIONS, ORIGINAL
from gan_dpr.demo.plots import CHARTS, POINTS, Kept, _number, bucket_means, draw, plots
from gan_dpr.demo.run_settings import (
    LINK,
    RULES,
    chosen_preset,
    of_preset,
    settings_from_link,
)
from gan_dpr.demo.run_view import ACTIONS, STEPS, idle, refused, unchanged, view
from gan_dpr.demo.runs import MAX_KEPT, MAX_LIVE, Runs
from gan_dpr.demo.small_presets import SHOWN, needs_pictures, reconstructs, small_preset
from gan_dpr.demo.training import LIVE, LiveRun, RememberingTower, watched_scenes
from gan_dpr.demo.visits import Visits
from gan_dpr.networks.encoders import TextTower
from gan_dpr.presets import PRESETS
from gan_dpr.training.balance import StepStats
from gan_dpr.worlds import open_world
from gan_dpr.worlds.pictures.dataset import PictureDataset
from gan_dpr.worlds.pictures.world import PicturesWorld
from gan_dpr.worlds.protocol import World

WIN_SHARE = next(chart for chart in CHARTS if chart.limits == (0, 1))
STATS = StepStats(**{field.name: 0.5 for field in dataclasses.fields(StepStats)} | {"phase": "contend"})


def tiny_run(tower: TextTower, world: World | None = None, precision: str = "no", steps: int = 0) -> LiveRun:
    """A run of a tiny preset that begins with so many steps of reconstruction."""
    chosen = tiny_preset("nano")
    chosen.training.phases = (*([Phase("reconstruct", steps)] if steps else ()), Phase("contend"))
    return LiveRun(chosen, world or open_world(chosen.world), tower, "cpu", precision)


@pytest.fixture
def run(text_tower: TextTower) -> LiveRun:
    return tiny_run(text_tower)


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


def test_runs_side_by_side_may_use_different_precisions(run: LiveRun, text_tower: TextTower):
    other = tiny_run(text_tower, precision="bf16")
    for each in (run, other, run):
        each.prepare()
        each.single_step()
        assert each.state == "paused"
    assert (run.trainer.precision, other.trainer.precision) == ("no", "bf16")


def test_a_reconstruction_is_shown_as_what_it_is(text_tower: TextTower):
    run = tiny_run(text_tower, steps=3)
    run.prepare()
    run.begin()
    while run.burst(60, 600, 2):
        pass
    state, sentence = run.verdict()
    assert state == "reconstructing"
    assert "the generator copies its own pictures; the retriever waits" in sentence
    assert "From step 4 on the two contend." in sentence
    shown = view(run, None)
    steering = dict(zip(ACTIONS, shown[-len(ACTIONS) :], strict=True))
    assert [steering[name].interactive for name in STEPS] == [True, False, True]  # a step of D would do nothing
    run.begin()
    while run.burst(60, 600, 4):
        pass
    assert [stats.phase for stats in run.history] == ["reconstruct"] * 3 + ["contend"]
    assert run.verdict()[0] == "waiting"
    drawn = plots(run.history)
    assert "nan" not in drawn


def test_the_first_phase_can_be_switched_off():
    assert reconstructs("nano")
    chosen = small_preset("nano", reconstruct=False).training
    assert [phase.kind for phase in chosen.phases] == ["contend"]
    assert chosen.weight_reconstruct == 0
    on = small_preset("nano").training
    assert [phase.kind for phase in on.phases] == ["reconstruct", "contend"]
    assert on.weight_reconstruct > 0
    weight = 2 + LIVE.index("weight_reconstruct")
    assert of_preset("nano", False)[weight]["value"] == 0
    assert of_preset("nano", True)[weight]["value"] == on.weight_reconstruct
    box = of_preset("nano-no-reconstruction")[1]
    assert (box.value, box.interactive) == (False, False)


def from_link(**query: str) -> dict:
    """What an address sets: control -> value, of those that it changes."""
    *shown, tab = settings_from_link(SimpleNamespace(query_params=query))
    names = ("preset", "reconstruct", *RULES, "train_seed")
    values = [one.get("value") if isinstance(one, dict) else getattr(one, "value", one) for one in shown]
    assert not query or tab.selected == "mini-train"
    return dict(zip(names, values, strict=True))


def test_an_address_brings_preset_sliders_and_seed():
    said = from_link(preset="nano-no-reconstruction", gamma="3.5", auto_balance="true", train_seed="7")
    own = small_preset("nano-no-reconstruction").training
    assert (said["preset"], said["reconstruct"], said["train_seed"]) == ("nano-no-reconstruction", False, 7)
    assert (said["gamma"], said["auto_balance"], said["lr_g"]) == (3.5, True, own.lr_g)
    off = from_link(preset="nano", reconstruct="false", lr_d="0")
    assert (off["reconstruct"], off["lr_d"], off["weight_reconstruct"]) == (False, 0, 0)
    assert set(from_link().values()) == {None}
    assert set(LINK.names) == {"preset", "reconstruct", "train_seed", *RULES}


def test_an_address_with_bad_values_changes_nothing():
    assert from_link(preset="worst", gamma="-1", lr_g="nan", auto_balance="maybe", train_seed="x") == from_link(
        preset="nano"
    )
    assert from_link(preset=ORIGINAL, gamma="3") == from_link(preset=ORIGINAL)  # which has no use for it


def test_a_seed_makes_the_run_and_not_what_is_watched(text_tower: TextTower):
    rules = tuple(getattr(small_preset("nano").training, rule) for rule in RULES)
    assert chosen_preset("nano", True, 7, rules).training.seed == 7
    with pytest.raises(ValueError, match="Seed: take a number"):
        chosen_preset("nano", True, -1, rules)
    run = tiny_run(text_tower)
    chosen = tiny_preset("nano")
    chosen.training.seed = 7
    other = LiveRun(chosen, open_world(chosen.world), text_tower, "cpu", "no")
    assert run.prompts == other.prompts


def test_a_judge_reads_every_sheet(run: LiveRun):
    run.mission = MISSIONS["ten"]
    run.prepare()
    run.single_step()
    assert len(run.sheets[-1].named) == 12
    run.sheets.clear()
    run.trainer.sample = lambda prompts: np.stack([one.target for one in run.watched])
    run.draw()
    assert sum(run.sheets[-1].named) >= 10  # real pictures
    assert run.named[-1] == (run.seconds, sum(run.sheets[-1].named))
    shown = view(run, None)
    assert "Won!" in shown[4].value
    assert [tile["note"] for tile in shown[1]["tiles"]].count("✓") >= 10
    assert len({len(values) for values in (shown, view(run, None, moving=True), idle([], None), unchanged(),
                                           refused("no"))}) == 1  # fmt: skip


def test_the_original_recipe_is_remembered_until_the_visit_ends(run: LiveRun):
    runs = Runs()
    run.preset.name, run.history = ORIGINAL, [dataclasses.replace(STATS, step=FAILING)]
    runs.put("me", run)
    assert runs.failed("me") == 0
    runs.drop("me")
    assert (runs.failed("me"), runs.failed("you")) == (FAILING, 0)
    runs.end("me")
    assert runs.failed("me") == 0


def test_a_new_small_preset_is_offered_without_further_ado(monkeypatch: pytest.MonkeyPatch):
    assert set(SHOWN) == {name for name, make in PRESETS.items() if make().image_size <= 32}
    for name in SHOWN:
        chosen = small_preset(name)
        assert chosen.training.phases[-1] == Phase("contend")  # no run of the page ends by itself
        assert "shows in the first seconds" in Runs().forecast(name, 60)
        if not needs_pictures(name):
            assert watched_scenes(open_world(chosen.world), 32)


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
    kept = GanDprPipeline.from_pretrained(tmp_path / "gan-dpr-nano-step-1", device="cpu")
    assert kept("a cat").images[0].size == run.pipeline()("a cat").images[0].size == (32, 32)


def test_only_so_many_visitors_train_at_once_and_those_that_rest_take_no_place(text_tower: TextTower):
    runs = Runs()
    made = [tiny_run(text_tower) for _ in range(MAX_LIVE + 1)]
    for i, run in enumerate(made):
        runs.put(f"visitor {i}", run)
    for run in made[:-1]:
        runs.admit(run)
    with pytest.raises(ValueError, match="other visitors are training"):
        runs.admit(made[-1])
    made[0].end("paused")
    runs.admit(made[-1])
    assert made[-1].state == "running"
    runs.drop("visitor 1")
    assert made[1].halt.is_set()
    assert runs.get("visitor 1") is None


def test_of_too_many_runs_that_rest_the_oldest_goes(text_tower: TextTower):
    runs, run = Runs(), tiny_run(text_tower)
    for i in range(MAX_KEPT + 2):
        resting = copy.copy(run)
        resting.touched = run.touched + i
        runs.put(f"visitor {i}", resting)
    assert [runs.get(f"visitor {i}") is None for i in range(4)] == [True, True, False, False]


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
    assert "shows in the first seconds" in runs.forecast("nano", 10)
    assert "shows in the first seconds" in runs.forecast("nano", None)
    run.seconds = 6.0
    runs.clock(run)
    assert runs.forecast("nano", 120) == "nano made 0.5 steps a second in the last run here: 120 s are about 60 steps."


def test_curves_that_are_forgotten_during_a_run_stay_away(run: LiveRun):
    runs = Runs()
    runs.keep("me", run)
    studio = SimpleNamespace(visits=Visits())
    shown = MiniTrainTab._drive(SimpleNamespace(runs=runs, studio=studio), "me", run, 60, 20_000)
    next(shown)
    assert "Dashed: run A" in next(shown)[2]
    runs.forget("me")
    assert "Dashed: run A" not in next(shown)[2]
    shown.close()


def watched(name: str) -> list:
    chosen = small_preset(name)
    return watched_scenes(open_world(chosen.world), chosen.image_size)


def test_watched_prompts_are_one_for_each_thing_and_always_the_same():
    first, again = watched("nano"), watched("nano")
    assert [one.text for one in first] == [one.text for one in again]
    assert len({one.title.split(",")[0] for one in first}) == 12
    assert all(one.title.count(",") == 1 and one.title.split(", ")[1] in one.text for one in first)
    assert first[0].target.shape == (32, 32, 3)
    assert all(one.title in one.text and "background" not in one.text for one in watched("nano-class-conditional"))


def test_a_run_on_own_pictures_watches_their_captions(text_tower: TextTower):
    images = np.zeros((9, 32, 32, 3), np.uint8)
    captions = ["a wall", "a door", "a wall", *(f"thing {i}" for i in range(6))]
    dataset = PictureDataset(images, captions, [str(i) for i in range(9)])
    own = tiny_run(text_tower, PicturesWorld(dataset))
    assert own.prompts == ["a wall", "a door", *(f"thing {i}" for i in range(6))]
    own.prepare()
    own.single_step()
    assert own.pipeline().guide is None
    assert own.pipeline().captions_for(Image.new("RGB", (32, 32)), 1)[0][1] in captions
    assert own.sheets[-1].images.shape == (8, 32, 32, 3)


def test_a_world_that_the_package_does_not_know_is_watched(text_tower: TextTower):
    run = tiny_run(text_tower, ToyWorld(), steps=1)
    assert [one.title for one in run.watched] == ["a red square", "a red disc"]
    run.prepare()
    run.single_step()
    run.single_step()
    assert run.pipeline().world.kind == "toy"


def test_the_remembering_tower_encodes_as_its_original(text_tower: TextTower):
    tower = RememberingTower(text_tower)
    for texts in (["a cat", "a dog"], ["a dog"], ["a dog"]):
        assert (tower.encode(texts).states == text_tower.encode(texts).states).all()


def test_charts_average_and_leave_gaps_where_nothing_is_measured():
    history = [dataclasses.replace(STATS, step=i, gap=float(i), r1=math.nan) for i in range(2 * POINTS)]
    assert bucket_means(history, "gap") == [2 * i + 0.5 for i in range(POINTS)]
    assert all(math.isnan(mean) for mean in bucket_means(history, "r1"))
    assert plots(history).count("<svg") == len(CHARTS)
    assert "nan" not in plots(history)
    measured = [math.nan, 0.5, 0.5, math.nan, 0.5, math.nan]
    shares = [dataclasses.replace(STATS, step=i, win_share=m) for i, m in enumerate(measured)]
    lines = re.findall(r'class="line d" points="([^"]+)"', draw(WIN_SHARE, shares))
    assert [len(line.split()) for line in lines] == [2, 2]  # two points, and a dot


def test_numbers_of_any_size_fit_beside_an_axis():
    assert [_number(value) for value in (0.01234, 7462, 55_000, -123_456)] == ["0.0123", "7462", "5.5e4", "-1.2e5"]


def test_a_kept_run_is_drawn_dashed_over_the_same_axes():
    history = [dataclasses.replace(STATS, step=i) for i in (0, 10)]
    longer = [dataclasses.replace(STATS, step=i, win_share=1.0) for i in (0, 20)]
    drawn = draw(WIN_SHARE, history, longer)
    ends = {kind: float(points.split()[-1].split(",")[0])
            for kind, points in re.findall(r'class="(line before|line) d" points="([^"]+)"', drawn)}  # fmt: skip
    assert ends["line"] < ends["line before"]
    assert "Dashed: run A, a&lt;b." in plots(history, Kept("a<b", longer))


def test_charts_of_nothing_are_empty_axes():
    assert "polyline" not in draw(WIN_SHARE, [])
