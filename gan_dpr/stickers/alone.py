"""Objects alone: the generator's own drawing and alpha, tinted and turned as the prompt says, without a background."""

import torch

from ..networks.composition import clipped, resampling
from ..networks.generator import Generator
from ..networks.upsampler import Upsampler

VISIBLE = 1 / 16  # alpha from which a pixel belongs to the object
LARGEST = 256  # pixels a side up to which the upsampler was trained; what is larger is Lanczos's
NO_LAYERS = "This model draws whole pictures and knows no object apart from its background: stickers need layers."


def check_layers(generator: Generator) -> None:
    """ValueError where a generator has no alpha of its own."""
    if generator.composition is None:
        raise ValueError(NO_LAYERS)


def objects_alone(
    generator: Generator, upsampler: Upsampler, condition: torch.Tensor, noise: torch.Tensor, side: int
) -> torch.Tensor:
    """(N, K, D), (N, Z) -> (N, 4, side, side) premultiplied in [0, 1].

    All objects of a picture, as they lie in it, centred; the longer side of what they fill is `side`. They are drawn at
    the size of the generator's canvas and enlarged from there, however small they are in the picture. Raises as
    `check_layers`.
    """
    check_layers(generator)
    noises = generator.noises(noise)
    codes = generator.decided(generator.codes(condition), noises)
    drawings, values = generator.layers(codes, noises)
    objects = generator.composition.finished(drawings, values).clamp(0, 1)  # (N, K, 4, C, C)
    centres, sides = closer(objects[:, :, 3], values.pose)
    needed = side * sides.max().item()
    n, canvas = len(objects), objects.shape[-1]
    while canvas < min(needed, LARGEST):
        objects = upsampler.enlarged(objects.flatten(0, 1)).unflatten(0, (n, -1))
        canvas *= 2
    down, across = (resampling(centre, sides, canvas, side) for centre in centres.unbind(-1))
    placed = down[:, :, None] @ objects @ across[:, :, None].mT  # (N, K, 4, side, side)
    together = placed[:, 0]
    for layer in placed[:, 1:].unbind(1):  # back to front
        together = over(layer, together)
    return clipped(together)  # the filter overshoots at edges


def closer(alpha: torch.Tensor, pose: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Where objects lie when their picture is cut to the square around all that is visible of them.

    Args:
        alpha: (N, K, C, C) of each object in its own square.
        pose: (N, K, 3): row, column and side of that square, in picture sides.

    Returns:
        Centres (N, K, 2), row and column, and sides (N, K), both in sides of the square that was cut out.
    """
    seen = alpha > VISIBLE
    seen = seen | ~seen.flatten(2).any(-1)[..., None, None]  # of an empty drawing the whole
    places = torch.arange(alpha.shape[-1], device=alpha.device)
    low, high = [], []
    for axis in (3, 2):  # rows, then columns
        line = seen.any(axis)  # (N, K, C)
        low.append(torch.where(line, places, places[-1]).amin(-1))
        high.append(torch.where(line, places, 0).amax(-1) + 1)
    corner, side = pose[..., :2] - pose[..., 2:] / 2, pose[..., 2:]
    low, high = (corner + side * torch.stack(ends, -1) / len(places) for ends in (low, high))
    low, high = low.amin(1, keepdim=True), high.amax(1, keepdim=True)  # (N, 1, 2)
    length = (high - low).amax(-1, keepdim=True)
    return (pose[..., :2] - (low + high) / 2) / length + 0.5, pose[..., 2] / length[..., 0]


def over(above: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
    """Premultiplied RGBA (N, 4, H, W) laid on the same."""
    return above + below * (1 - above[:, 3:])
