"""Blocks that the generator and the image tower share."""

import math
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import nn

ACTIVATIONS = {"gelu": nn.GELU, "relu": nn.ReLU, "leaky_relu": lambda: nn.LeakyReLU(0.2)}


class Whitening(nn.Module):
    """Token states with zero mean and unit covariance (ZCA), by statistics that are measured once and then kept.

    A text encoder's states share a large mean and a few large directions; what tells one word from another is small
    beside them. Whitened, everything learns from the first step.
    """

    FLOOR = 0.02  # of the mean variance: directions with less are noise

    def __init__(self, text_dim: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(text_dim))
        self.register_buffer("matrix", torch.eye(text_dim))

    @property
    def measured(self) -> bool:
        """Whether there are statistics yet."""
        return bool(self.mean.any())

    @torch.no_grad()
    def measure(self, tokens: torch.Tensor) -> None:
        """Take the statistics of tokens (T, text_dim)."""
        tokens = tokens.float()
        self.mean.copy_(tokens.mean(0))
        variances, directions = torch.linalg.eigh(torch.cov((tokens - self.mean).T))
        variances = variances.clamp(min=0) + self.FLOOR * variances.mean()
        self.matrix.copy_(directions * variances.rsqrt() @ directions.T)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """(..., text_dim) -> the same. A weighted mean of whitened tokens is the whitened mean of the tokens."""
        return (states - self.mean) @ self.matrix


class AttentionPool(nn.Module):
    """Pools token states with learnt queries ("slots"), one softmax over the tokens each.

    A mean over tokens loses which colour belongs to what; a query per question keeps it. Each object has queries of
    its own, the first mentioned first; what is then read is projected alike for all. Slots are normalised to zero mean
    and unit variance, so that they stand level with N(0, 1) noise.
    """

    def __init__(self, text_dim: int, slots: int, slot_dim: int, objects: int = 1):
        super().__init__()
        self.slots, self.slot_dim = slots, slot_dim
        self.queries = nn.Parameter(torch.empty(objects, slots, text_dim))
        self.value = nn.Linear(text_dim, slots * slot_dim)

    def begin(self) -> None:
        """Queries that each look at some tokens more than at others."""
        nn.init.normal_(self.queries)

    def forward(self, states: torch.Tensor, mask: torch.Tensor, whitening: Whitening) -> torch.Tensor:
        """(N, L, text_dim), (N, L) bool -> (N, objects, slots * slot_dim)."""
        return attend([self], states, mask, whitening)[0]

    def project(self, pooled: torch.Tensor) -> torch.Tensor:
        """What the queries found, whitened, (N, objects, slots, text_dim) -> (N, objects, slots * slot_dim)."""
        weight = self.value.weight.view(self.slots, self.slot_dim, -1)  # each slot has its own projection
        slots = torch.einsum("nksd,sod->nkso", pooled, weight) + self.value.bias.view(self.slots, self.slot_dim)
        return F.layer_norm(slots, (self.slot_dim,)).flatten(2)


def attend(
    pools: Iterable[AttentionPool], states: torch.Tensor, mask: torch.Tensor, whitening: Whitening
) -> list[torch.Tensor]:
    """What each pool reads in the same texts; together, since the token states are large and the queries few."""
    pools = list(pools)
    # Queries are whitened, and what they find, which are few, and not the tokens, which are many; what the tokens' mean
    # would add to the logits is the same for all of them.
    queries = torch.cat([pool.queries.flatten(0, 1) for pool in pools]) @ whitening.matrix
    logits = torch.einsum("nld,qd->nql", states, queries) * states.shape[-1] ** -0.5
    attention = logits.masked_fill(~mask[:, None], -math.inf).softmax(dim=-1)
    pooled = whitening(attention @ states)
    parts = pooled.split([pool.queries[..., 0].numel() for pool in pools], dim=1)
    return [
        pool.project(part.unflatten(1, pool.queries.shape[:2])) for pool, part in zip(pools, parts, strict=True)
    ]


class MeanPool(nn.Module):
    """Mean over tokens and one projection: the baseline that the slots are measured against."""

    def __init__(self, text_dim: int, slots: int, slot_dim: int, objects: int = 1):
        super().__init__()
        self.objects = objects
        self.value = nn.Linear(text_dim, slots * slot_dim)

    def forward(self, states: torch.Tensor, mask: torch.Tensor, whitening: Whitening) -> torch.Tensor:
        """(N, L, text_dim), (N, L) bool -> (N, objects, slots * slot_dim), alike for all objects."""
        weight = mask[..., None].to(states.dtype)
        mean = whitening((states * weight).sum(1) / weight.sum(1))
        pooled = F.layer_norm(self.value(mean), (self.value.out_features,))
        return pooled[:, None].expand(-1, self.objects, -1)


POOLS = {"slots": AttentionPool, "mean": MeanPool}


def make_norm(kind: str, channels: int) -> nn.Module:
    """`layer` is one group over all channels and places, `group` has eight channels a group."""
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "group":
        return nn.GroupNorm(math.gcd(channels, max(1, channels // 8)), channels)
    if kind == "layer":
        return nn.GroupNorm(1, channels)
    return nn.Identity()


def spatial_mean(x: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) -> (N, C). A pooling keeps channels-last in its gradient, which makes steps on a CPU faster."""
    return F.avg_pool2d(x, x.shape[2:]).flatten(1)


class FilmNorm(nn.Module):
    """Normalisation, then a scale and shift per channel read from the conditioning (FiLM, Perez 2018)."""

    def __init__(self, kind: str, channels: int, condition_dim: int | None):
        super().__init__()
        self.norm = make_norm(kind, channels)
        self.film = nn.Linear(condition_dim, 2 * channels) if condition_dim else None

    def begin(self) -> None:
        """Nearly unconditioned; the text is written in by training."""
        if self.film is not None:
            self.film.weight.mul_(0.1)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W), (N, condition_dim) -> (N, C, H, W)."""
        if self.film is None:
            return self.norm(x)
        scale, shift = self.film(condition).chunk(2, dim=1)
        if isinstance(self.norm, nn.GroupNorm):
            gain, offset = _group_affine(self.norm, x)
            gain, offset = gain * (1 + scale), offset * (1 + scale) + shift
        else:
            x, gain, offset = self.norm(x), 1 + scale, shift
        return torch.addcmul(offset.to(x.dtype)[:, :, None, None], x, gain.to(x.dtype)[:, :, None, None])


class _Moments(torch.autograd.Function):
    """(N, C, H, W) -> means and mean squares over the places, (N, C) float32 each.

    Autograd's own gradient would write four maps, this one writes one.
    """

    @staticmethod
    def forward(ctx, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        ctx.save_for_backward(x)
        wide = x if x.dtype == torch.float64 else x.float()
        return spatial_mean(wide), spatial_mean(wide * wide)

    @staticmethod
    def backward(ctx, of_mean: torch.Tensor, of_square: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        offset, gain = ((grad / x[0, 0].numel()).to(x.dtype)[:, :, None, None] for grad in (of_mean, 2 * of_square))
        return torch.addcmul(offset, x, gain)


def _group_affine(norm: nn.GroupNorm, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """`norm(x)` as gain * x + offset, (N, C) each, so that FiLM joins the same multiplication.

    Several times faster than PyTorch's own kernel on channels-last pictures in bf16 on a CPU.
    """
    groups = (len(x), norm.num_groups, -1)
    mean, square = (moment.view(groups).mean(2, keepdim=True) for moment in _Moments.apply(x))
    gain = (square - mean.square()).clamp(min=0).add(norm.eps).rsqrt() * norm.weight.view(groups[1:])
    return gain.flatten(1), (norm.bias.view(groups[1:]) - mean * gain).flatten(1)


class GeneratorBlock(nn.Module):
    """conv, norm, act, conv, norm, act at one resolution; upsampling comes before it."""

    def __init__(self, inputs: int, outputs: int, norm: str, activation: str, condition_dim: int | None):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm1 = FilmNorm(norm, outputs, condition_dim)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm2 = FilmNorm(norm, outputs, condition_dim)
        self.act = ACTIVATIONS[activation]()

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        x = self.act(self.norm1(self.conv1(x), condition))
        return self.act(self.norm2(self.conv2(x), condition))


class ResidualBlock(nn.Module):
    """Pre-activated residual block without normalisation."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        residual = self.conv2(F.leaky_relu(self.conv1(F.leaky_relu(x, 0.2)), 0.2))
        return (self.skip(x) + residual) * 0.5**0.5


@torch.no_grad()
def initialise(network: nn.Module, scheme: str) -> None:
    """Initialise a network in place: `kaiming` (He 2015) or `dcgan` (N(0, 0.02), Radford 2016).

    Children come before their parents, which may then want it otherwise (`begin`). It is done here and not in
    transformers' `_init_weights`, which parents are asked for first, or not at all.
    """
    for module in reversed(list(network.modules())):
        if isinstance(module, nn.Linear | nn.Conv2d):
            if scheme == "dcgan":
                nn.init.normal_(module.weight, std=0.02)
            else:
                nn.init.kaiming_normal_(module.weight, a=0.2)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif hasattr(module, "begin"):
            module.begin()
