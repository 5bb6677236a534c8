"""Noise that fits: of several noises the one that comes nearest to the real picture.

Implicit maximum likelihood (IMLE, Li and Malik 2018). Where a caption leaves something open, a distance to the one real
picture would else draw everything that it could be towards its average; so each style, place and background keeps some
noise. A layered generator's parts are compared by what they say, which costs next to nothing; only a generator without
layers has to draw for it.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from ..networks.generator import Generator
from ..networks.memory import KINDS
from .batches import Batch

Draw = Callable[[tuple[int, ...]], torch.Tensor]


@torch.no_grad()
def fitting_noise(
    generator: Generator, condition: torch.Tensor, noise: torch.Tensor, batch: Batch, candidates: int, draw: Draw
) -> torch.Tensor:
    """The noise (N, Z) with other values for the parts of which a caption leaves something open.

    Args:
        condition: (N, K, D) as of `generator.condition`.
        noise: (N, Z) to begin with.
        batch: the pictures, what they are made of, and what is open.
        candidates: how many noises are tried.
        draw: (shape) -> that many numbers from N(0, 1).
    """
    codes, noises = generator.codes(condition), generator.noises(noise)
    for name, part in generator.noisy_parts.items():
        rows = batch.open[name].nonzero()[:, 0]
        if not len(rows) or (generator.composition is not None and batch.layers is None):
            continue
        code = codes[name][rows]  # (R, K, width)
        tried = draw((len(rows), candidates, code.shape[1], part.noise_dim))
        every = code[:, None].expand(-1, candidates, -1, -1)
        if name == "picture":
            distance = _drawn_distance(generator, every, tried, batch.pixels[rows])
        else:
            said = _said(generator, name, every, tried)
            distance = (said - _truth(generator, name, batch)[rows][:, None]).square().sum(-1)  # (R, k, K)
        best = distance.argmin(1)[:, None, :, None].expand(-1, 1, -1, part.noise_dim)
        noises[name] = noises[name].index_copy(0, rows, tried.gather(1, best)[:, 0])
    return torch.cat([one.flatten(1) for one in noises.values()], 1)


def _said(generator: Generator, name: str, code: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """What a part makes of codes (..., width) and noises (..., noise_dim): numbers that are compared with `_truth`."""
    if generator.parts[name].looks_up:
        return F.normalize(generator.chosen(name, code, noise), dim=-1)
    return {"pose": generator.composition.place, "background": generator.composition.paint}[name](code, noise)


def _truth(generator: Generator, name: str, batch: Batch) -> torch.Tensor:
    """(N, K, numbers): what the part should have said."""
    if generator.parts[name].looks_up:
        return F.normalize(generator.memory.keys[name][batch.layers.numbers[..., KINDS.index(name)]], dim=-1)
    return {"pose": batch.layers.places, "background": batch.layers.background[:, None]}[name]


def _drawn_distance(
    generator: Generator, code: torch.Tensor, noise: torch.Tensor, real: torch.Tensor
) -> torch.Tensor:
    """(R, k, 1): how far from the real pictures those are, at a quarter of the side, that the noises draw."""
    drawn = generator.draw(generator.decided({"picture": code.flatten(0, 1)}, {"picture": noise.flatten(0, 1)}))[:, 0]
    small = F.interpolate(drawn, scale_factor=0.25, mode="area").unflatten(0, code.shape[:2])
    target = F.interpolate(real, scale_factor=0.25, mode="area")[:, None]
    return (small - target).square().flatten(2).mean(2)[..., None]
