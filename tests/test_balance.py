import dataclasses

import pytest

from gan_dpr.training.balance import StepStats, controlled_gamma, verdict

HEALTHY = StepStats(
    step=1, phase="contend",
    loss_d=0.69, loss_g=0.7, win_share=0.6, gap=0.1, gap_q25=-0.1, gap_q75=0.3, r1=0.1, r2=0.1,
    grad_norm_d=1.0, grad_norm_g=1.0, recall_at_1=0.5, nce=1.0, swap=0.6, feature=0.5, logit_scale=10.0, gamma=1.0,
    lr=2e-4, seconds=0.1,
)  # fmt: skip


def history(n=100, **changes):
    return [dataclasses.replace(HEALTHY, step=i, **changes) for i in range(n)]


def test_verdict_in_words():
    assert verdict(history(5)).state == "waiting"
    assert verdict(history()).sentence == "Balanced: D tells 60% of the pairs apart, L_G holds at 0.70."
    losing = verdict(history(win_share=0.97, loss_g=2.5))
    assert losing.state == "d-wins"
    assert losing.sentence.startswith("D is winning: it tells 97% of the pairs apart and L_G holds at 2.50")
    assert verdict(history(win_share=0.2)).state == "g-wins"


def test_verdict_sees_a_rising_loss_in_the_last_window_only():
    rising = [dataclasses.replace(HEALTHY, loss_g=0.7 + i / 100) for i in range(100)]
    assert "L_G rises" in verdict(rising).sentence
    assert "L_G holds" in verdict(rising + history(100)).sentence


def test_controller_moves_gamma_by_a_tenth_and_stays_in_range():
    assert controlled_gamma(1.0, history(win_share=0.95)) == pytest.approx(1.1)
    assert controlled_gamma(1.0, history(win_share=0.2)) == pytest.approx(1 / 1.1)
    assert controlled_gamma(1.0, history(win_share=0.6)) == 1.0
    assert controlled_gamma(0.05, history(win_share=0.6)) == 0.05  # what a person chose is left alone
    assert controlled_gamma(29.0, history(win_share=0.95)) == 30.0
    assert controlled_gamma(0.31, history(win_share=0.1)) == 0.3


def test_only_contending_steps_are_judged():
    alone = [StepStats(step=i, phase="reconstruct", gamma=1.0, lr=1e-3, seconds=0.1) for i in range(95)]
    assert verdict(alone).state == "waiting"
    assert verdict(alone + history(5)).state == "waiting"
    assert verdict(alone + history(50, win_share=0.97)).state == "d-wins"
