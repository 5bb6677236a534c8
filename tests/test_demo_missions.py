"""When a mission of Mini-train is won, goes on or is lost."""

import dataclasses
import math
from types import SimpleNamespace

import pytest
from gradio.context import LocalContext

from gan_dpr.demo.missions import FAILING, MISSIONS, ORIGINAL, WINDOW, Seen
from gan_dpr.demo.small_presets import SHOWN
from gan_dpr.training.balance import StepStats

RESCUE, COLLAPSE, TEN = (MISSIONS[key] for key in ("rescue", "collapse", "ten"))


def steps(*shares: float, seconds: float = 0.1, phase: str = "contend") -> list[StepStats]:
    """A history with a step for each win share."""
    return [StepStats(i + 1, phase, 1.0, 1.0, seconds, win_share=share) for i, share in enumerate(shares)]


def test_a_mission_begins_with_its_task_and_a_preset_of_the_page():
    for mission in MISSIONS.values():
        assert mission.state(None) == ("task", mission.task)
        assert mission.preset in SHOWN


def test_ten_things_are_won_where_they_are_named_in_time():
    going = Seen("nano", seconds=22.4, named=[(10.0, 0), (20.0, 4)])
    assert TEN.state(going) == ("going", "4 of 10 things named, 38 s left.")
    named = [(10.0, 3), (20.0, 10), (30.0, 9)]
    state, sentence = TEN.state(Seen("nano", seconds=31.0, named=named))
    assert state == "won"
    assert sentence.startswith("Won! Copying is the quick way")
    assert TEN.state(Seen("nano", seconds=90.0, named=named))[0] == "won"  # and stays so


def test_ten_things_are_lost_when_the_time_is_over():
    late = Seen("nano", seconds=61.0, named=[(59.0, 9), (61.0, 12)])
    assert TEN.state(late) == ("lost", "The 60 seconds are over. Press Reset and Start to try again.")
    assert TEN.state(Seen("nano", seconds=60.1, named=[(59.0, 9), (60.1, 10)]))[0] == "won"  # the last step
    assert TEN.state(Seen("own-32"))[1] == "0 of 10 things named, 60 s left."


def test_d_collapses_where_it_only_guesses_after_its_start():
    start = [0.4] * WINDOW  # where it can do no more
    said = "D tells 40% of the pairs apart; below 50% it has collapsed, 115 s left."
    assert COLLAPSE.state(Seen("nano", steps(*start), seconds=5.0)) == ("going", said)
    assert COLLAPSE.state(Seen("nano", steps(*start, *[0.4] * (WINDOW - 1)), seconds=10.0))[0] == "going"
    assert COLLAPSE.state(Seen("nano", steps(*start, *[0.9] * 100), seconds=15.0))[0] == "going"
    assert COLLAPSE.state(Seen("nano", steps(*start, *[0.5] * 100), seconds=15.0))[0] == "going"
    beaten = [*start, *[0.9] * 100, *[0.45] * WINDOW]
    state, sentence = COLLAPSE.state(Seen("nano", steps(*beaten), seconds=20.0))
    assert state == "won"
    assert sentence.startswith("Won! A D that stands still")
    assert COLLAPSE.state(Seen("nano", steps(*beaten, *[0.9] * 100), seconds=30.0))[0] == "won"  # and stays so


def test_d_collapses_in_time_or_not_at_all():
    slow = steps(*[0.9] * 100, *[0.1] * 100, seconds=1.2)
    assert COLLAPSE.state(Seen("nano", slow, seconds=240.0))[0] == "lost"
    copying = Seen("nano", steps(*[math.nan] * 80, phase="reconstruct"), seconds=8.0)
    assert COLLAPSE.state(copying) == ("going", "D waits while G copies, 112 s left.")
    assert COLLAPSE.state(dataclasses.replace(copying, seconds=120.0))[0] == "lost"


def test_2023_is_rescued_by_another_recipe_after_it_was_seen_to_fail():
    first = Seen(ORIGINAL, steps(*[0.9] * 120), seconds=12.0)
    assert RESCUE.state(first) == ("going", "120 of 200 steps of its failing seen.")
    seen = Seen(ORIGINAL, steps(*[0.9] * FAILING), seconds=500.0, named=[(20.0, 12)])
    state, sentence = RESCUE.state(seen)  # however long it took, and whatever it drew
    assert state == "going"
    assert "choose another preset" in sentence
    named = [(10.0, 2), (30.0, 6)]
    skipped = Seen("nano", seconds=31.0, named=named, failed=FAILING - 1)
    assert RESCUE.state(skipped) == ("going", "First let original-2023 fail for 200 steps.")
    assert RESCUE.state(Seen("nano", seconds=11.0, named=named[:1], failed=FAILING))[1] == (
        "2 of 6 things named, 109 s left."
    )
    assert RESCUE.state(Seen("nano", seconds=31.0, named=named, failed=FAILING))[0] == "won"
    assert RESCUE.state(Seen("nano", seconds=120.0, named=named[:1], failed=FAILING))[0] == "lost"


@pytest.mark.parametrize("key", MISSIONS)
def test_a_mission_speaks_korean(key: str):
    token = LocalContext.request.set(SimpleNamespace(headers={"accept-language": "ko"}))
    try:
        said = MISSIONS[key].state(None)[1]
    finally:
        LocalContext.request.reset(token)
    assert said != MISSIONS[key].task
