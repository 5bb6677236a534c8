import dataclasses

import pytest

from gan_dpr.training.balance import HEALTHY, USUAL_START, StepStats, controlled_gamma, verdict

CONTENDING = StepStats(
    step=1, phase="contend", gamma=1.0, lr=2e-4, seconds=0.1, loss_d=0.69, loss_g=0.7, win_share=0.6, gap=0.1,
    gap_q25=-0.1, gap_q75=0.3, r1=0.1, r2=0.1, grad_norm_d=1.0, grad_norm_g=1.0, recall_at_1=0.5, nce=1.0, swap=0.6,
    feature=0.5, logit_scale=10.0,
)  # fmt: skip


def history(n=USUAL_START, **changes):
    return [dataclasses.replace(CONTENDING, step=i, **changes) for i in range(n)]


@pytest.mark.parametrize(
    ("m", "state"),
    [(0.97, "d-wins"), (0.85, "d-leads"), (0.75, "balanced"), (0.55, "balanced"), (0.4, "g-leads"), (0.2, "g-wins")],
)
def test_the_verdict_follows_the_win_share(m: float, state: str):
    found = verdict(history(win_share=m))
    assert found.state == state
    assert (state == "balanced") == (HEALTHY[0] <= m <= HEALTHY[1])  # as the chart's zone has it
    assert f"{m:.0%}" in found.sentence


def test_verdict_in_words():
    assert verdict([]).state == verdict(history(5)).state == "waiting"
    assert verdict(history()).sentence == "Balanced: D tells 60% of the pairs apart, L_G holds at 0.70."
    losing = verdict(history(win_share=0.97, loss_g=2.5)).sentence
    assert losing.startswith("D is winning: it tells 97% of the pairs apart and L_G holds at 2.50")


def test_a_usual_start_is_no_alarm():
    start = verdict(history(USUAL_START - 1, win_share=0.97))
    assert start.state == "d-starts"
    assert "Raise gamma" not in start.sentence


def test_verdict_knows_the_trend_of_the_last_window_only():
    rising = [dataclasses.replace(CONTENDING, loss_g=0.7 + i / 100) for i in range(100)]
    assert "L_G rises" in verdict(rising).sentence
    assert "L_G falls" in verdict(rising[::-1]).sentence
    assert "L_G holds" in verdict(rising + history(100)).sentence


def test_a_phase_without_a_contest_is_not_judged():
    copying = [StepStats(i, "reconstruct", 1.0, 1e-3, 0.1, reconstruction=1 / (i + 1)) for i in range(1, 40)]
    found = verdict(copying)
    assert found.state == "reconstructing"
    assert "the retriever waits. Its error falls at 0." in found.sentence
    assert verdict(copying[:1]).state == "reconstructing"
    assert verdict(copying + history(9)).state == "waiting"  # the contest alone counts
    assert verdict(copying + history(20)).state == "balanced"
    alone = [StepStats(i, "retrieve", 1.0, 1e-3, 0.1, recall_at_1=0.75) for i in range(20)]
    assert "It finds 75% of them." in verdict(history() + alone).sentence


def test_controller_moves_gamma_by_a_tenth_and_stays_in_range():
    assert controlled_gamma(1.0, history(win_share=0.95)) == pytest.approx(1.1)
    assert controlled_gamma(1.0, history(win_share=0.2)) == pytest.approx(1 / 1.1)
    assert controlled_gamma(1.0, history(win_share=0.6)) == 1.0
    assert controlled_gamma(0.05, history(win_share=0.6)) == 0.05  # what a person chose is left alone
    assert controlled_gamma(29.0, history(win_share=0.95)) == 30.0
    assert controlled_gamma(0.31, history(win_share=0.1)) == 0.3
