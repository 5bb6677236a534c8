"""Mixes of several prompts: not on the straight way between them, where there is only a double exposure, but by parts.

A generator whose canvas draws in two steps (a map of what is where, then its colours) can draw the one's map in the
other's colours, or put a map together from both and let the convolutions close the seam. A memory, which decides for
one of two things, is asked before the mixing and not after.
"""

from typing import Literal, get_args

import torch
import torch.nn.functional as F

from .generator import Generator

Way = Literal["colours", "halves", "middle", "blend"]
WAYS: tuple[Way, ...] = get_args(Way)
SEAM = 0.05  # how soft a seam is, in halves of the picture
MARGIN = 6 * SEAM  # so far from its middle nothing is left of it


def shares(n: int, amounts: torch.Tensor) -> torch.Tensor:
    """(T,) in [0, 1] -> (T, n): 1 - t of the first of n, and the rest in equal shares of the others."""
    return torch.stack([1 - amounts, *[amounts / (n - 1)] * (n - 1)], 1)


def settling_of(shares: torch.Tensor) -> torch.Tensor:
    """(T, n) -> (T,): how much a mix settles on known places and colours: all at either end, not at all half-way."""
    return (2 * shares.amax(1) - 1).clamp(0, 1)


def masks(way: Way, shares: torch.Tensor, size: int) -> torch.Tensor:
    """Which place is whose: (T, n) shares -> (T, n, size, size), which sum to 1 over n.

    "halves" are bands from the top down, "middle" rings from the centre outwards, each as wide as its share. Else the
    whole picture is the first one's ("colours") or everybody's ("blend").
    """
    if way in ("blend", "colours"):
        first = F.one_hot(shares.new_zeros(len(shares), dtype=torch.long), shares.shape[1]).to(shares)
        return (shares if way == "blend" else first)[:, :, None, None].expand(-1, -1, size, size)
    places = torch.linspace(-1, 1, size, device=shares.device)
    # Ends begin before the first place and stop after the last, so that an amount of 0 or 1 leaves no seam.
    if way == "halves":
        distance, start, stop = places[:, None].expand(size, size), -1 - MARGIN, 1 + MARGIN
    else:
        distance, start, stop = torch.hypot(places[:, None], places[None]), -MARGIN, 2**0.5 + MARGIN
    ends = start + (stop - start) * shares.cumsum(1)
    # How far everything is inside of each band's end; the last band has none.
    inside = ((ends[:, :-1, None, None] - distance) / SEAM).sigmoid()
    bounds = torch.cat([torch.zeros_like(inside[:, :1]), inside, torch.ones_like(inside[:, :1])], 1)
    return bounds.diff(dim=1)


def mixed(
    generator: Generator, condition: torch.Tensor, noise: torch.Tensor, way: Way, amounts: torch.Tensor
) -> torch.Tensor:
    """Pictures of a mix: (n, K, D) and (n, Z) of n >= 2 prompts, amounts (T,) in [0, 1] -> (T, 3, S, S) in [-1, 1].

    An amount of 0 is the first prompt, and of 1 the others; with "colours" it is the first in their colours. Place,
    size, turn, tint and background are the first one's, only "blend" mixes them, too, and the noise.
    """
    noises = generator.noises(noise)
    codes = generator.decided(generator.codes(condition), noises)
    share = shares(len(condition), amounts)
    weighted = {name: torch.einsum("tn,n...->t...", share, code) for name, code in codes.items()}
    if way == "blend":
        noises = {name: torch.einsum("tn,n...->t...", share, one) for name, one in noises.items()}
    else:
        noises = {name: one[:1].expand(len(amounts), *one.shape[1:]) for name, one in noises.items()}
    drawings = _drawings(generator, codes, way, share)
    if generator.composition is None:
        return drawings[:, 0]
    first = {name: code[:1].expand(len(amounts), *code.shape[1:]) for name, code in codes.items()}
    if way == "blend":
        values = generator.composition.read(weighted, noises, settling_of(share))
    else:
        values = generator.composition.read(first, noises)
    return generator.composition(drawings, values)


def _drawings(generator: Generator, codes: dict[str, torch.Tensor], way: Way, share: torch.Tensor) -> torch.Tensor:
    """The drawings alone, as `Generator.draw` gives them, of T mixes."""
    canvas, (sketch, finish) = generator.canvas, generator.sketched(codes)
    whose = masks(way, share, canvas.base)
    joined = torch.einsum("tnp,nkpc->tkpc", whose.flatten(2), sketch.unflatten(2, (canvas.base**2, -1))).flatten(2)

    def drawn(finish: torch.Tensor) -> torch.Tensor:
        pictures = generator.bounded(canvas.refined(joined.flatten(0, 1), finish.flatten(0, 1)))
        return pictures.unflatten(0, joined.shape[:2])

    if way in ("colours", "blend"):
        return drawn(torch.einsum("tn,nkd->tkd", share, finish))
    each = torch.stack([drawn(one.expand(len(share), -1, -1)) for one in finish], 1)  # (T, n, K, 3 or 4, S, S)
    whose = F.interpolate(whose, size=each.shape[-2:], mode="bilinear")[:, :, None, None]
    if generator.composition is None:
        return (whose * each).sum(1)
    colour, alpha = each.split([3, 1], dim=3)
    covered = (whose * alpha).sum(1)
    return torch.cat([(whose * alpha * colour).sum(1) / covered.clamp(min=1e-4), covered], 2)
