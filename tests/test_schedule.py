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


LONG = TrainingConfig(
    phases=(("reconstruct", 1000), ("contend", 400)),
    lr_reconstruct=0.01, lr_g=0.001, lr_d=0.002, lr_text=0.0001, beta1=0.0, beta2=0.99,
)  # fmt: skip


@pytest.mark.parametrize(
    ("step", "factor"),
    [(0, 0.01), (49, 0.5 * 0.994079), (99, 0.976014), (100, 0.975528), (500, 0.5), (750, 0.146447), (999, 2.4674e-6),
     (1000, 0.025), (1099, 0.856319), (1200, 0.5), (1300, 0.146447), (1400, 0), (5000, 0)],
)  # fmt: skip
def test_rates_rise_for_a_tenth_of_a_phase_or_a_hundred_steps_and_fall_to_nothing_by_half_a_cosine(step, factor):
    rates = rates_at(LONG, step)
    g = 0.01 if step < 1000 else 0.001
    assert (rates.g, rates.d, rates.text) == pytest.approx(
        (factor * g, factor * 0.002, factor * 0.0001), rel=1e-4, abs=1e-12
    )
    assert rates.betas == ((0.8, 0.99) if step < 1000 else (0.0, 0.99))


def test_a_phase_may_have_a_rate_of_its_own():
    twice = TrainingConfig(phases=(("retrieve", 100), {"kind": "retrieve", "steps": 100, "lr_retrieve": 0.02}))
    assert [rates_at(twice, step).d for step in (50, 150)] == pytest.approx([0.5 * 5e-4, 0.5 * 0.02])


def test_rates_of_a_phase_without_end_stay_once_they_have_risen():
    endless = TrainingConfig(lr_g=0.001)
    assert [rates_at(endless, step).g for step in (0, 49, 99, 100)] == pytest.approx([1e-5, 5e-4, 1e-3, 1e-3])
    assert phase_at(endless, 10**6) == (endless.phases[0], 10**6)
    assert rates_at(endless, 10**6).g == 0.001
    assert endless.total_steps is None
    assert THREE.total_steps == 34
