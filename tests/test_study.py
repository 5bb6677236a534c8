"""The study: what is asked, how arms are trained, and what a report makes of raw results."""

import dataclasses
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from tiny import TINY

from gan_dpr import cli
from gan_dpr.checkpoint import Models
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.presets import apply_overrides, preset
from gan_dpr.study import arms as arms_module
from gan_dpr.study import measures, runner
from gan_dpr.study.arms import Job, run_job, started, training
from gan_dpr.study.labels import labelled
from gan_dpr.study.measures import MEASURES, measured
from gan_dpr.study.plan import Arm, Question, Stage
from gan_dpr.study.questions import COMMON, QUESTIONS
from gan_dpr.study.report import MARK, answer, page, table, write_report
from gan_dpr.study.runner import jobs_of, run_all
from gan_dpr.study.verdicts import Figure, figures_of, verdict
from gan_dpr.training.balance import StepStats
from gan_dpr.training.schedule import rates_at
from gan_dpr.worlds import open_world

ARMS = (Arm("short", stages=(Stage("reconstruct"),), share=0.5), Arm("long"), Arm("on", start="short"))
TINY_QUESTION = Question(
    "tiny", None, "Is a test quick?", "Two arms.", "A faster machine.", ARMS[:2], "long", 1.0,
    ("mrr", "recall_at_1"), ("retrieval",),
)  # fmt: skip
TINY_COMMON = (*TINY, 'world.only={"concept":["cat","house","elephant"],"size":["large"]}')


@pytest.fixture
def encoder(tiny_checkpoint: Path) -> str:
    return str(tiny_checkpoint / "text_encoder")


def result(arm: str, seed: int, diverged: str | None = None, **figures: float) -> dict:
    return {
        "told": {"arm": {"name": arm}, "seed": seed}, "steps": 100 + seed, "cpu_seconds": 30.0 + seed,
        "diverged": diverged, "figures": figures, "machine": {"processor": "An abacus", "torch": "2.13.0"},
    }  # fmt: skip


ASKED = Question(
    "asked", None, "Does it help?", "With and without.", "More time.",
    (Arm("plain"), Arm("little"), Arm("much"), Arm("broken")), "plain", 1.0, ("l1", "named", "sharpness", "kid"),
)  # fmt: skip
RESULTS = [
    result("plain", 0, l1=20.0, named=0.5, sharpness=0.8), result("plain", 1, l1=22.0, named=0.5, sharpness=0.8),
    result("plain", 2, l1=24.0, named=0.5, sharpness=0.8),
    result("little", 0, l1=19.0, named=0.6, sharpness=1.3), result("little", 1, l1=21.0, named=0.7, sharpness=1.3),
    result("little", 2, l1=17.0, named=0.8, sharpness=1.3),
    result("much", 2, l1=12.0, named=0.4, sharpness=1.1), result("much", 0, l1=10.0, named=0.4, sharpness=1.1),
    result("much", 1, l1=11.0, named=0.4, sharpness=1.1),
    result("broken", 0, diverged="L_D is not finite"), result("broken", 1, l1=30.0, named=0.1, sharpness=0.2),
]  # fmt: skip


# ---------------------------------------------------------------- what seeds show


@pytest.mark.parametrize(
    ("name", "here", "there", "expected"),
    [
        ("l1", (10, 11, 12), (20, 22, 24), "better"),  # 11 for 22, spreads 2 and 4
        ("l1", (20, 22, 24), (10, 11, 12), "worse"),
        ("named", (10, 11, 12), (20, 22, 24), "worse"),  # where higher is better
        ("l1", (18, 20, 22), (20, 22, 24), "no difference"),  # 2 apart, spreads of 4
        ("l1", (18, 18, 18), (22, 22, 26), "better"),  # 5.3 apart, spreads 0 and 4
        ("l1", (18, 18, 18), (20, 22, 24), "no difference"),  # 4 apart, the larger spread 4: not above it
        ("sharpness", (1.2, 1.2), (0.7, 0.7), "better"),  # nearer to 1
        ("sharpness", (1.2, 1.2), (0.9, 0.9), "worse"),
        ("win_share", (0.9, 0.9), (0.6, 0.5), "different"),
        ("l1", (10,), (20, 22, 24), "unknown"),
        ("l1", (10, 11), (20,), "unknown"),
    ],
)
def test_a_difference_counts_above_the_larger_spread(name, here, there, expected):
    assert verdict(MEASURES[name], Figure(here), Figure(there)) == expected


def test_figures_stand_in_the_order_of_seeds_and_leave_out_what_diverged():
    assert figures_of(RESULTS, "much")["l1"].values == (10.0, 11.0, 12.0)
    assert (figures_of(RESULTS, "much")["l1"].mean, figures_of(RESULTS, "much")["l1"].spread) == (11.0, 2.0)
    assert figures_of(RESULTS, "broken")["l1"].values == (30.0,)
    assert figures_of(RESULTS, "nothing") == {}


# ---------------------------------------------------------------- the report


def test_the_table_has_means_and_ranges_of_the_raw_results():
    assert table(ASKED, RESULTS).split("\n") == [
        "| arm | steps | L1, seen ↓ | right drawing nearest ↑ | sharpness over real → 1 |",
        "|---|---|---|---|---|",
        "| plain | 101 | 22.0 (20.0 to 24.0) | 0.50 (0.50 to 0.50) | 0.80 (0.80 to 0.80) |",
        "| little | 101 | 19.0 (17.0 to 21.0) | 0.70 (0.60 to 0.80) | *1.30 (1.30 to 1.30)* |",
        "| much | 101 | **11.0 (10.0 to 12.0)** | *0.40 (0.40 to 0.40)* | **1.10 (1.10 to 1.10)** |",
        "| broken (one of two diverged) | 100 | 30.0 | 0.10 | 0.20 |",
    ]


def test_an_answer_is_one_sentence_by_the_rule():
    assert answer(ASKED, RESULTS, "l1") == (
        "L1, seen, beside *plain* (22.0): better with *much* (11.0); no difference that three seeds show with "
        "*little* (19.0); a single seed, which shows nothing, of *broken* (30.0)."
    )
    assert answer(ASKED, [r for r in RESULTS if r["told"]["arm"]["name"] != "plain"], "l1") == (
        "L1, seen: not measured for *plain*."
    )


def test_the_page_has_a_chapter_for_each_question_with_results():
    other = dataclasses.replace(ASKED, name="other", title="Another one")
    text = page([ASKED, other], {"asked": RESULTS})
    assert text.startswith(MARK)
    assert "## Does it help?" in text
    assert "Another one" not in text
    assert "**Answer.** L1, seen, beside *plain* (22.0): better with *much* (11.0)" in text
    assert "Three seeds; 30 to 32 CPU seconds of training for *plain*; An abacus, PyTorch 2.13.0." in text
    assert "![Does it help?](study/asked.svg)" in text


def test_a_report_is_a_pure_function_of_the_raw_results(tmp_path: Path):
    for i, one in enumerate(RESULTS):
        path = tmp_path / f"raw/asked/{i:02d}-seed-{one['told']['seed']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(one))
    target = write_report(tmp_path / "raw", tmp_path / "docs", [ASKED])
    first = {path.name: path.read_bytes() for path in (tmp_path / "docs").rglob("*.*")}
    assert sorted(first) == ["asked.json", "asked.svg", "study.md"]
    assert json.loads(first["asked.json"]) == RESULTS
    assert target.read_text() == page([ASKED], {"asked": RESULTS})
    write_report(tmp_path / "raw", tmp_path / "docs", [ASKED])
    assert {path.name: path.read_bytes() for path in (tmp_path / "docs").rglob("*.*")} == first

    texts = {text.text for text in ElementTree.fromstring(first["asked.svg"]).iter("{http://www.w3.org/2000/svg}text")}
    assert {"plain", "little", "much", "broken"} <= texts
    assert b"#ffffff" not in first["asked.svg"]  # no ground of its own: it lies on a dark page, too
    target.write_text("# My own notes")
    with pytest.raises(ValueError, match=r"study.md is not a report of this command: choose another --report\."):
        write_report(tmp_path / "raw", tmp_path / "docs", [ASKED])
    assert target.read_text() == "# My own notes"


# ---------------------------------------------------------------- the questions


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_every_arm_is_a_preset_that_exists_and_every_measure_is_measured(question: Question):
    for arm in question.arms:
        chosen = apply_overrides(preset(arm.preset), [*COMMON, *arm.overrides])
        world = open_world(chosen.world)
        assert chosen.image_size == 32
        assert len(world.concepts) == 24
        assert all(world.test_captions(split, 6, 0) for split in ("iid", "orientation", "tint", "background"))
    for name in question.measures:
        assert MEASURES[name].suite in question.suites
    assert question.baseline in [arm.name for arm in question.arms]


def test_what_cannot_be_a_question_is_refused():
    with pytest.raises(ValueError, match="'b' goes on with 'a', which is no arm before it"):
        dataclasses.replace(ASKED, arms=(Arm("b", start="a"), Arm("a")), baseline="a")
    with pytest.raises(ValueError, match="need names of their own"):
        dataclasses.replace(ASKED, arms=(Arm("a"), Arm("a")), baseline="a")
    with pytest.raises(ValueError, match="do not share out its whole time"):
        Arm("a", stages=(Stage("contend", 0.5),))
    with pytest.raises(ValueError, match="a stage is one of reconstruct, .* and a share above 0"):
        Stage("pretend")


def test_a_discriminator_without_text_reads_none():
    bare = next(arm for question in QUESTIONS for arm in question.arms if "retriever.max_scale=0" in arm.overrides)
    chosen = apply_overrides(preset("nano"), [*COMMON, *bare.overrides])
    training = chosen.training
    assert chosen.retriever.max_scale == 0.0
    assert (training.weight_nce, training.weight_swap, training.weight_feature) == (0.0, 0.0, 0.0)
    assert training.weight_reconstruct == 10.0


def test_a_label_is_a_combinations_own_and_says_nothing_of_it():
    world = labelled(open_world({"kind": "emoji", "only": {"concept": ["cat", "house"], "size": ["large"]}}))
    rng = np.random.default_rng(0)
    scenes = list(dict.fromkeys(world.scenes(300, rng)))
    texts = {world.caption(scene, rng).text for scene in scenes}
    assert len(texts) == len(scenes) > 100
    assert all(len(text) == 11 and set(text) <= set("abcdefghijklmnop ") for text in texts)
    caption = world.test_captions("tint", 1, 0)[0]
    assert world.told(caption) == world.caption(caption.scene, rng)
    swapped = world.swap(caption, rng)
    assert swapped.text == world.told(swapped).text != world.told(caption).text


def test_the_ladder_ends_where_the_working_recipe_begins():
    recipe = next(question for question in QUESTIONS if question.name == "recipe")
    last = [arm for arm in recipe.arms if arm.preset == "original-2023"][-1]
    without = next(arm for arm in recipe.arms if arm.name == "without reconstruction")
    made, nano = (apply_overrides(preset(arm.preset), [*COMMON, *arm.overrides]) for arm in (last, without))
    assert made.generator.to_dict() == nano.generator.to_dict()
    assert made.retriever.to_dict() == nano.retriever.to_dict()
    assert dataclasses.replace(made.training, phases=nano.training.phases) == nano.training


@pytest.mark.slow
def test_every_measure_is_read_from_the_suites(pipe, monkeypatch):
    monkeypatch.setattr(measures, "LIMITS", dict.fromkeys(measures.LIMITS, 3))
    world = open_world(apply_overrides(preset("nano"), [*COMMON]).world)
    untrained = GanDprPipeline(Models(pipe.generator, pipe.retriever, pipe.text_tower, {}), world=world)
    last = [StepStats(1, "contend", gamma=2.0, lr=1e-4, seconds=0.1, win_share=share) for share in (0.5, 1.0)]
    suites = ("fidelity", "free", "distribution", "unseen", "retrieval", "scenes", "swaps", "training")
    figures = measured(untrained, suites, last)
    expected = {name for name, measure in MEASURES.items() if measure.suite in suites}
    assert set(figures) == expected - {"gap"}  # which the steps did not measure
    assert (figures["win_share"], figures["gamma"]) == (0.75, 2.0)
    assert figures["l1"] > 30  # of 255: noise
    assert figures["kid"] > 100
    for share in ("named", "precision", "recall", "coverage", "right", "nearer", "recall_at_1", "swaps", "scenes"):
        assert 0 <= figures[share] <= 1


# ---------------------------------------------------------------- an arm


class Clock:
    """Process time that passes only by steps."""

    def __init__(self, a_step: float):
        self.now, self.a_step = 0.0, a_step

    def process_time(self) -> float:
        return self.now


class Stepper:
    """A trainer that notes what it was told before each step."""

    def __init__(self, settings, clock: Clock):
        self.settings, self.clock, self.global_step, self.noted = settings, clock, 0, []

    def step(self, side: str) -> None:
        self.noted.append((self.settings.phases[-1].kind, side, rates_at(self.settings, self.global_step).g))
        self.global_step += 1
        self.clock.now += self.clock.a_step


def stepped(monkeypatch, stages, seconds, turns=0, a_step=0.25) -> Stepper:
    clock = Clock(a_step)
    monkeypatch.setattr(arms_module, "time", clock)
    made = Stepper(preset("nano").training, clock)
    assert list(training(made, stages, seconds, turns)) == [None] * len(made.noted)
    return made


def test_an_arm_uses_its_time_and_its_rates_end_at_nothing(monkeypatch):
    made = stepped(monkeypatch, (Stage("reconstruct", 0.75), Stage("contend", 0.25)), 40.0)
    assert [kind for kind, *_ in made.noted] == ["reconstruct"] * 120 + ["contend"] * 40
    assert [(phase.kind, phase.steps) for phase in made.settings.phases] == [("reconstruct", 120), ("contend", 40)]
    rates = [rate for *_, rate in made.noted]
    assert rates[60] == pytest.approx(0.5 * 4e-3, rel=0.05)
    assert rates[119] < 1e-3 * 4e-3
    assert rates[140] == pytest.approx(0.5 * 4e-4, rel=0.05)
    assert rates[159] < 2e-3 * 4e-4


def test_turns_are_the_retrievers_then_the_generators(monkeypatch):
    made = stepped(monkeypatch, (Stage("contend"),), 2.0, turns=3)
    assert [side for _, side, _ in made.noted] == ["d", "d", "d", "g", "g", "g", "d", "d"]


def job(tmp_path: Path, arm: Arm = ARMS[1], **changes) -> Job:
    asked = dataclasses.replace(TINY_QUESTION, arms=ARMS)
    return Job(asked, arm, 0, 0.5, TINY_COMMON, tmp_path / "tiny", **changes)


@pytest.mark.slow
def test_an_arm_goes_on_with_the_networks_of_another(tmp_path: Path, encoder: str):
    short = job(tmp_path, ARMS[0])
    run_job(short, encoder)
    written = json.loads(short.result.read_text())
    assert written["told"] == short.told()
    assert written["steps"] > 0
    assert written["pictures"] == 4 * written["steps"]
    assert written["cpu_seconds"] >= 0.25
    assert set(written["figures"]) == {"mrr", "recall_at_1", "recall_at_1_held_out"}
    assert 0 < written["figures"]["mrr"] <= 1
    assert written["machine"]["threads"] == 1
    assert short.done()

    on = started(job(tmp_path, ARMS[2]), encoder)
    assert on.global_step == written["steps"]
    assert on.settings.batch_size == 4
    fresh = started(job(tmp_path, ARMS[1]), encoder)
    assert not torch.equal(on.generator.canvas.out.weight, fresh.generator.canvas.out.weight)
    for made in (on, fresh):
        made.batches.close()
    with pytest.raises(ValueError, match="was made with other settings than are asked for now: choose another --out"):
        dataclasses.replace(short, seconds=9.0).done()


@pytest.mark.slow
def test_a_training_that_diverges_is_a_result(tmp_path: Path, encoder: str):
    wild = Arm("long", ("lr_reconstruct=1e30",), stages=(Stage("reconstruct"),))
    asked = dataclasses.replace(TINY_QUESTION, arms=(ARMS[0], wild))
    made = Job(asked, wild, 0, 5.0, TINY_COMMON, tmp_path / "tiny")
    run_job(made, encoder)
    written = json.loads(made.result.read_text())
    assert written["diverged"]
    assert written["figures"] == {}
    assert made.done()


# ---------------------------------------------------------------- all of them


@pytest.mark.slow
def test_a_study_runs_each_arm_in_a_process_and_nothing_twice(tmp_path: Path, encoder: str, monkeypatch):
    asked = [dataclasses.replace(TINY_QUESTION, seconds=0.3)]
    jobs, said = jobs_of(asked, 1, None, TINY_COMMON, tmp_path), []
    assert [(made.arm.name, made.seed) for made in jobs] == [("short", 0), ("long", 0)]
    assert run_all(jobs, encoder, 2, said.append) == []
    assert said[0] == "0 of 2 trainings are there, 2 to go"
    assert said[-1].endswith("done; 0 to go")
    assert sorted(path.name for path in (tmp_path / "tiny").glob("*.json")) == ["00-seed-0.json", "01-seed-0.json"]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "tiny").glob("*.json")}
    monkeypatch.setattr(runner, "get_context", None)  # nothing can be started any more
    monkeypatch.setattr(runner, "run_job", None)
    again = []
    with pytest.raises(TypeError):
        run_all(jobs_of(asked, 2, None, TINY_COMMON, tmp_path), encoder, 1, again.append)
    assert again == ["2 of 4 trainings are there, 2 to go"]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    text = write_report(tmp_path, tmp_path / "report", asked).read_text()
    assert "| short | " in text
    assert "One seed" in text


@pytest.mark.slow
def test_an_arm_that_fails_takes_those_that_go_on_with_it_along(tmp_path: Path):
    asked = dataclasses.replace(TINY_QUESTION, arms=(ARMS[0], ARMS[1], ARMS[2]), seconds=0.3)
    jobs = jobs_of([asked], 1, None, TINY_COMMON, tmp_path)
    wanted = [made for made in jobs if made.arm.name != "long"]
    failed = run_all(wanted, str(tmp_path / "no encoder"), 1, lambda line: None)
    assert [made.arm.name for made in failed] == ["short", "on"]


def test_the_command_refuses_what_it_cannot_do(tmp_path: Path, capsys):
    def said(*arguments: str) -> str:
        assert cli.main(["study", *arguments]) == 2
        return capsys.readouterr().err

    assert "There is no question '99': choose one of recipe (1), control (2), " in said("--only", "99", "--out", "new")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("mine")
    assert "holds what this command did not write (thesis.txt)" in said("--out", str(tmp_path / "mine"))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/study.md").write_text("mine")
    assert "is not a report of this command" in said("--report", str(tmp_path / "docs"), "--out", str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()
