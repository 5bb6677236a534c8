import math

import pytest
import torch
import torch.nn.functional as F

from gan_dpr.training.losses import (
    LN2,
    dpr_nll,
    feature_distance,
    info_nce,
    mean_where,
    relativistic_pair,
    squared_gradient_norm,
)
from gan_dpr.training.original import original_generator_loss


def test_pair_is_softplus_and_ln2_at_balance():
    assert relativistic_pair(torch.tensor([1.5]), torch.tensor([1.5])).item() == pytest.approx(LN2)
    assert relativistic_pair(torch.tensor([2.0]), torch.tensor([0.0])).item() == pytest.approx(math.log1p(math.exp(-2)))


def test_dpr_with_its_own_fake_as_only_negative_is_the_relativistic_pair():
    real, fake = torch.randn(64, generator=torch.Generator().manual_seed(0)), torch.linspace(-3, 3, 64)
    torch.testing.assert_close(dpr_nll(real, fake[:, None]), relativistic_pair(real, fake))


def test_dpr_leaves_out_what_is_minus_infinity():
    assert dpr_nll(torch.tensor([0.0]), torch.tensor([[0.0, -torch.inf]])).item() == pytest.approx(LN2)


def test_info_nce_against_brute_force():
    logits = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
    excluded = torch.zeros(3, 5, dtype=torch.bool)
    excluded[0, 4] = excluded[2, 0] = excluded[1, 1] = True  # the diagonal one is ignored
    expected = 0.0
    for i in range(3):
        kept = [logits[i, j].item() for j in range(5) if j == i or not excluded[i, j]]
        expected += math.log(sum(math.exp(v) for v in kept)) - logits[i, i].item()
    assert info_nce(logits, excluded).item() == pytest.approx(expected / 3, rel=1e-5)


def test_info_nce_of_equal_logits_is_log_of_their_number():
    assert info_nce(torch.zeros(4, 8), torch.zeros(4, 8, dtype=torch.bool)).item() == pytest.approx(math.log(8))


def test_squared_gradient_norm_of_a_linear_score():
    weight = torch.tensor([3.0, 4.0])
    noise = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(2))
    x = torch.ones_like(noise)
    estimate = squared_gradient_norm(x @ weight, (x + 0.05 * noise) @ weight, 0.05)
    assert estimate.item() == pytest.approx(25.0, rel=0.02)


def test_feature_distance_counts_only_weighted_pictures():
    real = torch.ones(2, 1, 2, 2)
    fake = torch.stack([torch.full((1, 2, 2), 3.0), torch.full((1, 2, 2), 9.0)])
    # the root of (3 - 1)^2 over a mean power of 1, halved since one of two pictures counts
    assert feature_distance([fake], [real], torch.tensor([1.0, 0.0])).item() == pytest.approx(1.0, rel=1e-4)
    assert feature_distance([fake], [real], torch.zeros(2)).item() == 0.0


def test_original_loss_is_largest_where_the_discriminator_wins():
    negatives = torch.zeros(1, 1)
    losing = torch.tensor([-5.0], requires_grad=True)
    winning = torch.tensor([5.0], requires_grad=True)
    original_generator_loss(losing, negatives).backward()
    original_generator_loss(winning, negatives).backward()
    assert losing.grad.abs().item() > 5 > 1e-3 > winning.grad.abs().item()
    assert original_generator_loss(losing, negatives).item() == pytest.approx(F.softplus(torch.tensor(5.0)).item() ** 2)


def test_a_mean_of_some():
    values = torch.tensor([1.0, 5.0, 9.0])
    assert mean_where(values, torch.tensor([True, False, True])).item() == 5
    assert mean_where(values, torch.zeros(3, dtype=torch.bool)).item() == 0
