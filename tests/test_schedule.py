"""Which phase a step belongs to, and its learning rates, as literal values."""

import pytest

from gan_dpr.config import TrainingConfig
from gan_dpr.training.schedule import phase_at, rates_at

THREE = TrainingConfig(
    phases=(("reconstruct", 10), ("contend", 20), ("retrieve", 4)),
    lr_reconstruct=0.01, lr_g=0.001, lr_d=0.002, lr_text=0.0001, beta1=0.0, beta2=0.99,
)  # fmt: skip


@pytest.mark.parametrize(
    ("step", "kind", "within"),
    [(0, "reconstruct", 0), (9, "reconstruct", 9), (10, "contend", 0), (29, "contend", 19), (30, "retrieve", 0),
     (33, "retrieve", 3), (34, "retrieve", 4), (99, "retrieve", 69)],
)  # fmt: skip
def test_phases_follow_one_another_and_the_last_stays(step, kind, within):
    phase, number = phase_at(THREE, step)
    assert (phase.kind, number) == (kind, within)


@pytest.mark.parametrize(
    ("step", "g", "d"),
    [
        (0, 0.01, 0.002), (5, 0.01, 0.002), (9, 0.01 * 0.24, 0.002 * 0.24),  # 1 - 0.95 * 0.8
        (10, 0.001, 0.002), (20, 0.001, 0.002), (25, 0.001 * 0.525, 0.002 * 0.525),
        (30, 0.001, 0.002), (33, 0.001 * 0.525, 0.002 * 0.525),
        (34, 0.001 * 0.05, 0.002 * 0.05), (500, 0.001 * 0.05, 0.002 * 0.05),
    ],
)  # fmt: skip
def test_rates_hold_for_half_a_phase_and_fall_to_a_twentieth(step, g, d):
    rates = rates_at(THREE, step)
    assert (rates.g, rates.d, rates.text) == pytest.approx((g, d, d / 20))
    assert rates.betas_g == ((0.9, 0.99) if step < 10 else (0.0, 0.99))


def test_rates_of_a_phase_without_end_are_constant():
    endless = TrainingConfig(lr_g=0.001)
    assert phase_at(endless, 10**6) == (endless.phases[0], 10**6)
    assert rates_at(endless, 10**6).g == 0.001
    assert endless.total_steps is None
    assert THREE.total_steps == 34
