"""The first phase: the generator learns from its own pictures directly.

Every part learns what it is about: the canvas its drawing over all plain colours, the others their numbers. It needs
no adversary, and a step costs a fraction of an adversarial one. (Reconstruction first and the adversary later: GLO,
Bojanowski 2018; VQGAN, Esser 2021.)
"""

import torch
import torch.nn.functional as F

from ..networks.composition import premultiplied
from ..networks.generator import Generator
from ..networks.memory import KINDS
from .batches import Batch
from .losses import mean_where, picture_distance

AGREEMENT_SCALE = 10.0  # of the cosines in `agreement_loss`


def reconstruction_loss(
    generator: Generator, condition: torch.Tensor, noise: torch.Tensor, batch: Batch, weight_agreement: float = 1.0
) -> tuple[torch.Tensor, float]:
    """The loss, and the drawings' part of it: root mean squared differences in [0, 1].

    Args:
        condition, noise: (N, K, D) and (N, Z), fitted where captions leave something open.
        weight_agreement: of `agreement_loss`.
    """
    if generator.composition is None or batch.layers is None:
        drawn = generator.forward_conditioned(condition, noise)
        distance = picture_distance(drawn / 2 + 0.5, batch.pixels / 2 + 0.5)
        loss = mean_where(distance, known(generator, batch, fitted=True))
        return loss, loss.item()
    codes, noises, truth = generator.codes(condition), generator.noises(noise), batch.layers
    # The canvas draws what is known by number; how captions find it is learnt beside.
    drawings, said = generator.layers(codes | generator.memory.of(truth.numbers), noises, settling=0.0)
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
    loss = loss + finding_loss(generator, codes, noises, batch)
    if batch.compared is not None and weight_agreement > 0:
        loss = loss + weight_agreement * agreement_loss(generator, batch)
    return loss, drawing.item()


def finding_loss(
    generator: Generator, codes: dict[str, torch.Tensor], noises: dict[str, torch.Tensor], batch: Batch
) -> torch.Tensor:
    """What a caption says is found among all that the memory knows; what it leaves open, noise finds."""
    total = batch.pixels.new_zeros(())
    for i, name in enumerate(KINDS):
        number = batch.layers.numbers[..., i].flatten()
        confusion = generator.memory.confusion(name, codes[name].flatten(0, 1), number)
        if name in generator.choices:
            said = ~batch.open[name].repeat_interleave(generator.objects)
            chosen = generator.chosen(name, codes[name], noises[name]).flatten(0, 1)
            total = total + mean_where(confusion, said) + generator.memory.confusion(name, chosen, number).mean()
        else:
            total = total + confusion.mean()
    return total


def agreement_loss(generator: Generator, batch: Batch) -> torch.Tensor:
    """Captions that say the same to a part shall read alike, and no others: its codes' contrastive loss.

    From drawings alone a part takes long to find its words in a caption. Many captions beside each other show them
    soon, and cost little. (Supervised contrastive learning, Khosla 2020.)
    """
    codes = generator.codes(generator.condition(batch.compared.states, batch.compared.mask))
    itself = torch.eye(batch.saying.shape[1], dtype=torch.bool, device=batch.saying.device)
    total = batch.pixels.new_zeros(())
    for code, said in zip(codes.values(), batch.saying, strict=True):
        code = F.normalize(code.float().flatten(1), dim=1)
        chance = (AGREEMENT_SCALE * code @ code.T).masked_fill(itself, -torch.inf).log_softmax(1)
        others = (said[:, None] == said[None]) & ~itself
        likely = chance.masked_fill(~others, 0.0).sum(1) / others.sum(1).clamp(min=1)
        total = total - mean_where(likely, others.any(1))
    return total


def known(generator: Generator, batch: Batch, fitted: bool) -> torch.Tensor:
    """(N,) bool: the generator could draw the real picture, by its caption and the noise, which may be `fitted`."""
    if fitted:
        return batch.decided
    return batch.decided & ~torch.stack(list(batch.open.values())).any(0)
