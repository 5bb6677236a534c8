"""The first phase: the generator learns from its own pictures directly.

Every part learns what it is about: the canvas its drawing over random plain colours, the others their numbers. It needs
no adversary, and a step costs a fraction of an adversarial one. (Reconstruction first and the adversary later: GLO,
Bojanowski 2018; VQGAN, Esser 2021.)
"""

import torch
import torch.nn.functional as F

from ..networks.composition import composed
from ..networks.generator import Generator
from .batches import Batch
from .fitting import told_code
from .losses import mean_where, picture_distance


def reconstruction_loss(
    generator: Generator, condition: torch.Tensor, noise: torch.Tensor, batch: Batch, colours: torch.Tensor
) -> tuple[torch.Tensor, float]:
    """The loss, and the drawings' part of it: root mean squared differences in [0, 1].

    Args:
        condition, noise: (N, K, D) and (N, Z), fitted where captions leave something open.
        colours: (N, 3) in [0, 1], over which drawings are compared.
    """
    if generator.composition is None or batch.layers is None:
        drawn = generator.forward_conditioned(condition, noise)
        distance = picture_distance(drawn / 2 + 0.5, batch.pixels / 2 + 0.5)
        loss = mean_where(distance, known(generator, batch, fitted=True))
        return loss, loss.item()
    codes, noises, truth = generator.codes(condition), generator.noises(noise), batch.layers
    drawings, said = generator.layers(condition, noise)
    flat, real = drawings.flatten(0, 1), truth.drawings.flatten(0, 1)
    colours = colours.repeat_interleave(drawings.shape[1], 0)
    drawing = picture_distance(composed(flat, colours), composed(real, colours)).mean()
    loss = (
        drawing
        + (said.extent - truth.extents).abs().mean()
        + (said.pose - truth.places).abs().mean()
        + F.cross_entropy(said.turn.flatten(0, 1), truth.turns.flatten())
        + F.binary_cross_entropy(said.tint[..., 0], truth.tints[..., 0])
        + (truth.tints[..., :1] * (said.tint - truth.tints)[..., 1:].abs()).mean()
        + (said.background - truth.background).abs().mean()
    )
    for name, part in generator.parts.items():
        if part.imitates:
            chosen = generator.chosen(name, codes[name], noises[name])
            loss = loss + (chosen - told_code(generator, name, batch).detach()).square().mean()
    return loss, drawing.item()


def known(generator: Generator, batch: Batch, fitted: bool) -> torch.Tensor:
    """(N,) bool: the generator could draw the real picture, by its caption and the noise, which may be `fitted`."""
    if fitted:
        return batch.decided
    return batch.decided & ~torch.stack(list(batch.open.values())).any(0)
