"""Losses as pure functions of scores and features. Higher scores mean "a better match, or more real"."""

import torch
import torch.nn.functional as F

from ..networks.layers import spatial_mean

LN2 = 0.6931471805599453  # where both losses of a balanced relativistic pair stand


def relativistic_pair(better: torch.Tensor, worse: torch.Tensor) -> torch.Tensor:
    """RpGAN (Jolicoeur-Martineau 2019): mean softplus(worse - better) over (N,) pairs.

    Equal to DPR's negative log likelihood with the generated picture as the only negative.
    """
    return F.softplus(worse - better).mean()


def dpr_nll(positive: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
    """DPR (Karpukhin 2020): mean -log softmax of `positive` (N,) against `negatives` (N, K).

    A negative of -inf takes no part.
    """
    return (torch.logsumexp(torch.cat([positive[:, None], negatives], 1), 1) - positive).mean()


def info_nce(logits: torch.Tensor, excluded: torch.Tensor) -> torch.Tensor:
    """Cross entropy of row i against column i of `logits` (N, M >= N).

    `excluded` (N, M) bool marks pairs that are not negatives of each other although they are no pair
    either, such as a caption and another caption's picture that happens to satisfy it. Its diagonal is ignored.
    """
    own = torch.arange(len(logits), device=logits.device)
    masked = logits.masked_fill(excluded, -torch.inf)
    masked[own, own] = logits[own, own]
    return F.cross_entropy(masked, own)


def squared_gradient_norm(scores: torch.Tensor, perturbed: torch.Tensor, sigma: float) -> torch.Tensor:
    """E[(S(x) - S(x + sigma n))^2] / sigma^2 for n ~ N(0, I): estimates |dS/dx|^2 without double backward."""
    return ((scores - perturbed) / sigma).square().mean()


def feature_distance(
    generated: list[torch.Tensor], real: list[torch.Tensor], weight: torch.Tensor
) -> torch.Tensor:
    """Mean over stages of the root mean squared distance of (N, C, H, W) maps, relative to the real maps' power.

    The root makes it robust: a picture that cannot be met does not outweigh those that nearly are. `weight` (N,)
    says which pictures count; the result is 0 when none does.
    """
    total = weight.new_zeros(())
    for fake, target in zip(generated, real, strict=True):
        distance = spatial_mean((fake - target).square()).mean(1).float()
        power = target.float().square().mean() + 1e-6
        total = total + (weight * (distance / power + 1e-4).sqrt()).mean()  # 1e-4: a finite gradient at 0
    return total / len(real)


LAPLACIAN_LEVELS = 3
STEPS = (1, 2, 4, 8)  # pixels


def picture_distance(drawn: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """(N, 3 or 4, H, W) twice, in [0, 1] -> (N,): root mean squared difference, of the pictures and of their details.

    Four channels are premultiplied RGBA, which is compared over all plain colours.

    The root is taken a picture, so that one which cannot be met does not outweigh those that nearly are. The levels of
    a Laplacian pyramid (Burt and Adelson 1983) make edges count as much as surfaces.
    """
    difference = drawn - real
    total = _root(difference)
    for _ in range(LAPLACIAN_LEVELS):
        small = F.avg_pool2d(difference, 2)
        total = total + _root(difference - F.interpolate(small, scale_factor=2.0, mode="nearest"))
        difference = small
    return total


def step_distance(drawn: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) twice -> (N,): mean absolute difference of the steps from each pixel to those beside it.

    Not squared, so that the median is drawn: where most surfaces have no slope, none.
    """
    difference = drawn - real
    total = difference.new_zeros(len(difference))
    for along in (difference, difference.mT):
        for step in STEPS:
            total = total + (along[..., step:] - along[..., :-step]).abs().mean((1, 2, 3))
    return total


def _root(x: torch.Tensor) -> torch.Tensor:
    """Root mean squares of pictures (N, 3, H, W), or of premultiplied RGBA (N, 4, H, W) over all plain colours.

    Over a colour b the difference (c, a) is c - b a; the mean of its square over b in [0, 1] is c^2 - c a + a^2 / 3.
    """
    power = x[:, :3].square().mean((1, 2, 3))
    if x.shape[1] == 4:
        alpha = x[:, 3:]
        power = power - (x[:, :3] * alpha).mean((1, 2, 3)) + alpha.square().mean((1, 2, 3)) / 3
    return (power.clamp(min=0) + 1e-5).sqrt()  # 1e-5: a finite gradient at 0


def mean_where(values: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """Mean of the values (N,) that `where` (N,) marks; 0 if it marks none."""
    return (values * where).sum() / where.sum().clamp(min=1)
