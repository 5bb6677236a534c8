"""The restyle phase: from a drawing to another known rendering of the same design, by pixels alone."""

import numpy as np
import torch
import torch.nn.functional as F

from ..networks.composition import premultiplied
from ..networks.generator import Generator
from .batches import Batch
from .losses import picture_distance, step_distance

ZOOM, SHIFT = 0.08, 0.06  # of half of the pairs, at most: shares of the side, both ways


def restyling_loss(
    generator: Generator, drawing: Generator, batch: Batch, sisters: torch.Tensor, rng: np.random.Generator
) -> torch.Tensor:
    """How far the restyler's drawings, and the steps in them, are from the real ones; 0 for a batch without any.

    It is given what the generator draws and not the real drawing, since that is what it will be given.

    Args:
        drawing: the generator that draws the pictures to change, which learns nothing here.
        sisters: as of `Memory.sisters`.
    """
    thing, asked = batch.layers.numbers.flatten(0, 1).T
    known = sisters[thing, asked]
    (pairs,) = torch.nonzero(known != asked, as_tuple=True)
    if not len(pairs):
        return sum(parameter.sum() for parameter in generator.restyler.parameters()) * 0.0
    real = premultiplied(batch.layers.drawings.flatten(0, 1)[pairs])
    thing, known, asked = thing[pairs], known[pairs], asked[pairs]
    with torch.no_grad():
        codes = drawing.memory.of(torch.stack([thing, known], -1))
        drawn = premultiplied(drawing.draw({name: code[:, None] for name, code in codes.items()})[:, 0])
        drawn, real = moved(torch.cat([drawn, real], 1), rng).split(4, 1)
        styles = generator.memory.codes["style"]
        before, after = styles[known], styles[asked]
    restyled = generator.restyler(drawn, before, after)
    return (picture_distance(restyled, real) + step_distance(restyled, real)).mean()


def moved(pictures: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """(N, C, S, S) -> the same, each mirrored or not; half of them are made a little larger or smaller, and moved."""
    n = len(pictures)
    frames = torch.zeros(n, 2, 3)
    frames[:, [0, 1], [0, 1]] = torch.from_numpy(1 + ZOOM * rng.uniform(-1, 1, (n, 2))).float()
    frames[:, :, 2] = torch.from_numpy(SHIFT * rng.uniform(-1, 1, (n, 2))).float()
    still = torch.from_numpy(rng.random(n) < 0.5)
    frames[still] = torch.eye(2, 3)
    frames[torch.from_numpy(rng.random(n) < 0.5), 0] *= -1
    places = F.affine_grid(frames.to(pictures.device), list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures.float(), places, align_corners=False)
