"""The first phase: the generator learns from its own pictures directly.

Every part learns what it is about: the canvas its drawing over all plain colours, the others their numbers. It needs
no adversary, and a step costs a fraction of an adversarial one. (Reconstruction first and the adversary later: GLO,
Bojanowski 2018; VQGAN, Esser 2021.)
"""

import torch
import torch.nn.functional as F

from ..networks.composition import premultiplied
from ..networks.generator import Generator
from .batches import Batch
from .fitting import told_code
from .losses import info_nce, mean_where, picture_distance

AGREEMENT_SCALE = 10.0  # of the cosines in `agreement_loss`


def reconstruction_loss(
    generator: Generator, condition: torch.Tensor, noise: torch.Tensor, batch: Batch
) -> tuple[torch.Tensor, float]:
    """The loss, and the drawings' part of it: root mean squared differences in [0, 1].

    Args:
        condition, noise: (N, K, D) and (N, Z), fitted where captions leave something open.
    """
    if generator.composition is None or batch.layers is None:
        drawn = generator.forward_conditioned(condition, noise)
        distance = picture_distance(drawn / 2 + 0.5, batch.pixels / 2 + 0.5)
        loss = mean_where(distance, known(generator, batch, fitted=True))
        return loss, loss.item()
    codes, noises, truth = generator.codes(condition), generator.noises(noise), batch.layers
    drawings, said = generator.layers(condition, noise)
    drawing = picture_distance(*(premultiplied(x.flatten(0, 1)) for x in (drawings, truth.drawings))).mean()
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
    if batch.again is not None:
        loss = loss + agreement_loss(codes, generator.codes(generator.condition(batch.again.states, batch.again.mask)),
                                     batch.alike)  # fmt: skip
    return loss, drawing.item()


def agreement_loss(
    codes: dict[str, torch.Tensor], again: dict[str, torch.Tensor], alike: torch.Tensor
) -> torch.Tensor:
    """Captions that say the same to a part shall read alike, and no others: InfoNCE (van den Oord 2018) of its codes.

    From the drawings alone a part takes long to find its words in a caption. Two captions in different wordings, which
    have nothing else in common, show them at once.

    Args:
        codes, again: (N, K, width) by part, of two captions for each picture.
        alike: (P, N, N) bool, as of `Batch`.
    """
    total = alike.new_zeros((), dtype=torch.float32)
    for one, other, same in zip(codes.values(), again.values(), alike, strict=True):
        one, other = (F.normalize(code.float().flatten(1), dim=1) for code in (one, other))
        total = total + info_nce(AGREEMENT_SCALE * one @ other.T, same)
    return total


def known(generator: Generator, batch: Batch, fitted: bool) -> torch.Tensor:
    """(N,) bool: the generator could draw the real picture, by its caption and the noise, which may be `fitted`."""
    if fitted:
        return batch.decided
    return batch.decided & ~torch.stack(list(batch.open.values())).any(0)
