"""Noise that fits: of several noises the one that draws nearest to a real picture.

Implicit maximum likelihood (IMLE, Li and Malik 2018). Where a caption leaves something open, the feature distance
would else draw everything it could be towards its average; so each style, place and background keeps some noise.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from .generator import Generator

PLACINGS = 4  # so many places and backgrounds are tried for each drawn candidate: they cost next to nothing


@torch.no_grad()
def fitting_noise(
    generator: Generator,
    condition: torch.Tensor,
    noise: torch.Tensor,
    real: torch.Tensor,
    open_parts: torch.Tensor,
    candidates: int,
    draw: Callable[[tuple[int, ...]], torch.Tensor],
) -> torch.Tensor:
    """The noise with other values where a caption leaves something open.

    A layered generator's parts are fitted one after another, on small pictures: background, pose, and then the
    canvas, which costs most.

    Args:
        condition: (N, D) as of `generator.condition`.
        noise: (N, noise_dim), or (3, N, noise_dim) for a layered generator's NOISY_PARTS.
        real: (N, 3, S, S) in [-1, 1].
        open_parts: (3, N) bool: which of the NOISY_PARTS the caption leaves something of open. Without layers those
            with nothing but the canvas open are fitted.
        candidates: how many pictures are drawn for a caption that leaves the canvas open.
        draw: (shape) -> that many numbers from N(0, 1).
    """
    layers, k, dim = generator.composition, candidates, noise.shape[-1]
    content, parts = condition.tensor_split([generator.content_dim], dim=1)

    if layers is None:
        rows = (open_parts[0] & ~open_parts[1:].any(0)).nonzero()[:, 0]  # noise moves the whole picture
        if not len(rows):
            return noise
        tried = draw((len(rows), k, dim))
        drawn = torch.tanh(generator.canvas(content[rows].repeat_interleave(k, 0), tried.flatten(0, 1)).float())
        return noise.index_copy(0, rows, _best(tried, drawn, real[rows]))

    noise, rows, styled = noise.clone(), open_parts.any(0).nonzero()[:, 0], open_parts[0].nonzero()[:, 0]
    if not len(rows):
        return noise
    # The given noise is the first candidate for a canvas; with what it draws, backgrounds and poses are tried.
    others = draw((len(styled), k - 1, dim))
    drawn_for = torch.cat([rows, styled.repeat_interleave(k - 1)])
    layer = generator.canvas(content[drawn_for], torch.cat([noise[0, rows], others.flatten(0, 1)])).float()
    # In float32 whatever the canvas was drawn in, as in the generator itself.
    with torch.autocast(layer.device.type, enabled=False):
        parts = parts.float()

        def picture(drawn: torch.Tensor, rows: torch.Tensor, noise: torch.Tensor, size: int) -> torch.Tensor:
            """Objects, the captions that they belong to, and (3, len(rows), noise_dim)."""
            placing, behind = layers.place(parts[rows], noise[1]), layers.draw_background(parts[rows], noise[2])
            return layers.compose(drawn, placing, behind, size)

        drawn, drawn_others = _halved(layers.draw_object(layer, parts[drawn_for])).tensor_split([len(rows)])
        first = drawn.new_empty((len(parts), *drawn.shape[1:])).index_copy(0, rows, drawn)
        small = _halved(first)
        for part in (2, 1):  # background, then pose
            rows = open_parts[part].nonzero()[:, 0]
            if not len(rows):
                continue
            tried, each = draw((len(rows), PLACINGS * k, dim)), rows.repeat_interleave(PLACINGS * k)
            with_tried = noise[:, each]
            with_tried[part] = tried.flatten(0, 1)
            pictures = picture(small[each], each, with_tried, layers.image_size // 4)
            noise[part, rows] = _best(tried, pictures, real[rows])
        if len(styled):
            tried, each = torch.cat([noise[0, styled][:, None], others], 1), styled.repeat_interleave(k)
            drawn = torch.cat([first[styled][:, None], drawn_others.unflatten(0, (-1, k - 1))], 1).flatten(0, 1)
            noise[0, styled] = _best(tried, picture(drawn, each, noise[:, each], layers.image_size // 2), real[styled])
    return noise


def _halved(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=0.5, mode="area")


def _best(tried: torch.Tensor, pictures: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """(R, k, noise_dim), (R * k, 3, s, s), (R, 3, S, S) -> (R, noise_dim): which noise drew nearest to the real one."""
    real = F.interpolate(real, size=pictures.shape[-1], mode="area")
    distance = (pictures.unflatten(0, tried.shape[:2]) - real[:, None]).square().flatten(2).mean(2)
    return tried[torch.arange(len(tried), device=tried.device), distance.argmin(1)]
