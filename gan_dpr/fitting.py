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

    def canvases(rows: torch.Tensor, of_canvas: torch.Tensor) -> torch.Tensor:
        return generator.canvas(content[rows], of_canvas).float()

    styled = open_parts[0].nonzero()[:, 0]
    if layers is None:
        styled = (open_parts[0] & ~open_parts[1:].any(0)).nonzero()[:, 0]  # noise moves the whole picture
        tried, many = draw((len(styled) * k, dim)), styled.repeat_interleave(k)
        best = _nearest(torch.tanh(canvases(many, tried)), real[styled]) if len(styled) else styled
        return noise.index_copy(0, styled, tried[best])

    noise, rows = noise.clone(), open_parts.any(0).nonzero()[:, 0]
    if not len(rows):
        return noise
    more, many = draw((len(styled) * (k - 1), dim)), styled.repeat_interleave(k - 1)
    drawn = canvases(torch.cat([rows, many]), torch.cat([noise[0, rows], more]))
    # In float32 whatever the canvas was drawn in, as in the generator itself.
    with torch.autocast(drawn.device.type, enabled=False):
        parts = parts.float()
        drawn = F.interpolate(layers.draw_object(drawn, parts[torch.cat([rows, many])]), scale_factor=0.5, mode="area")
        first = drawn.new_empty((len(noise[0]), *drawn.shape[1:])).index_copy(0, rows, drawn[: len(rows)])
        for part in (2, 1):  # background, then pose
            of_part = open_parts[part].nonzero()[:, 0]
            if not len(of_part):
                continue
            tried, each = draw((len(of_part) * PLACINGS * k, dim)), of_part.repeat_interleave(PLACINGS * k)
            of_pose, of_background = (tried if part == p else noise[p, each] for p in (1, 2))
            placing, behind = layers.place(parts[each], of_pose), layers.draw_background(parts[each], of_background)
            small = F.interpolate(first[of_part], scale_factor=0.5, mode="area").repeat_interleave(PLACINGS * k, 0)
            pictures = layers.compose(small, placing, behind, layers.image_size // 4)
            noise[part, of_part] = tried[_nearest(pictures, real[of_part])]
        if len(styled):
            placing = layers.place(parts, noise[1])[styled].repeat_interleave(k, 0)
            behind = layers.draw_background(parts, noise[2])[styled].repeat_interleave(k, 0)
            objects = torch.cat([first[styled][:, None], drawn[len(rows) :].unflatten(0, (-1, k - 1))], 1).flatten(0, 1)
            best = _nearest(layers.compose(objects, placing, behind, layers.image_size // 2), real[styled])
            tried = torch.cat([noise[0, styled][:, None], more.unflatten(0, (-1, k - 1))], 1).flatten(0, 1)
            noise[0, styled] = tried[best]
    return noise


def _nearest(pictures: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """(N * k, 3, s, s), (N, 3, S, S) -> (N,): for each real picture the row of the nearest of its k pictures."""
    real = F.interpolate(real, size=pictures.shape[-1], mode="area")
    distance = (pictures.unflatten(0, (len(real), -1)) - real[:, None]).square().flatten(2).mean(2)
    return distance.argmin(1) + distance.shape[1] * torch.arange(len(real), device=real.device)
