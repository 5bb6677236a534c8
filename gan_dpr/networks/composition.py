"""The layered picture: objects that are recoloured, turned and placed on a plain background, all as the text says.

Tint, turn, size and place are a colour ramp and geometry here rather than texture, so what is learnt on one thing holds
for all of them. (Ramp and turns are those of the emoji world: that held-out tints and quarter turns come out right is
partly given by this architecture.)
"""

from dataclasses import dataclass

import torch
from torch import nn

from .parts import Part

SCALES = (0.125, 1.0)  # an object's longest side as a share of the picture's
HIDDEN = 128


@dataclass(frozen=True)
class LayerValues:
    """What the parts say of N pictures of K objects.

    extent (N, K, 2): height and width of the upright object, of which the longer one is about 1. pose (N, K, 3):
    centre's row and column and the longest side, in picture sides. turn (N, K, 4): logits of the
    counter-clockwise quarter turns 0 to 3. tint (N, K, 4): how much, and the colour, in [0, 1]. presence (N, K): how
    much of each object there is, in [0, 1]. background (N, 3) in [0, 1].
    """

    extent: torch.Tensor
    pose: torch.Tensor
    turn: torch.Tensor
    tint: torch.Tensor
    presence: torch.Tensor
    background: torch.Tensor


class Composition(nn.Module):
    """The parts that read where, which way up, which tint and on what; `forward` puts a picture together.

    `places` and `backgrounds` are those that are known, (M, 3) each as in `LayerValues`; none where they are many.
    """

    def __init__(
        self, parts: dict[str, Part], image_size: int, objects: int, places: list[list[float]] = (),
        backgrounds: list[list[float]] = (),
    ):  # fmt: skip
        super().__init__()
        self.image_size = image_size

        def reader(part: Part, outputs: int) -> nn.Sequential:
            inputs = part.width + part.noise_dim
            return nn.Sequential(nn.Linear(inputs, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, outputs))

        self.pose, self.turn, self.tint, self.background = (
            reader(parts[name], outputs)
            for name, outputs in (("pose", 3), ("turn", 4), ("tint", 4), ("background", 3))
        )
        drawn = parts["thing"].width + parts["style"].width
        self.extent = nn.Sequential(nn.Linear(drawn, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, 2))
        # Whether an object is there at all is asked only where there may be several.
        self.presence = nn.Linear(parts["thing"].width, 1) if objects > 1 else None
        for name, known in (("places", places), ("backgrounds", backgrounds)):
            self.register_buffer(name, torch.tensor(known).reshape(-1, 3), persistent=False)

    def begin(self) -> None:
        """Start with an upright, untinted object of a medium size, half-way between all places and colours."""
        for reader in (self.pose, self.turn, self.tint, self.background):
            nn.init.normal_(reader[-1].weight, std=0.05)
        nn.init.constant_(self.turn[-1].bias[:1], 1.0)
        nn.init.constant_(self.tint[-1].bias[:1], -2.0)

    def place(self, code: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """(..., width), (..., noise_dim) -> (..., 3): row, column, longest side. No object leaves the picture."""
        row_column, side = self.pose(torch.cat([code, noise], -1)).sigmoid().split([2, 1], dim=-1)
        side = torch.lerp(*side.new_tensor(SCALES), side)
        return torch.cat([row_column.clamp(side / 2, 1 - side / 2), side], -1)

    def paint(self, code: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """(..., width), (..., noise_dim) -> (..., 3): the background's colour."""
        return self.background(torch.cat([code, noise], -1)).sigmoid()

    def read(
        self, codes: dict[str, torch.Tensor], noises: dict[str, torch.Tensor], settling: torch.Tensor | float = 1.0
    ) -> LayerValues:
        """Codes (N, K, width) and noises (N, K, noise_dim) by part; those of the scene have one row, (N, 1, ...).

        The code of "style" is the chosen one. `settling`, in [0, 1] and one for all or (N,), is that of places and
        backgrounds.
        """
        presence = torch.ones_like(codes["thing"][..., 0])
        if self.presence is not None:
            presence = self.presence(codes["thing"])[..., 0].sigmoid()
        return LayerValues(
            extent=self.extent(torch.cat([codes["thing"], codes["style"]], -1)).sigmoid(),
            pose=settled(self.place(codes["pose"], noises["pose"]), self.places, settling),
            turn=self.turn(codes["turn"]),
            tint=self.tint(codes["tint"]).sigmoid(),
            presence=presence,
            background=settled(self.paint(codes["background"], noises["background"]), self.backgrounds, settling)[:, 0],
        )

    @staticmethod
    def finished(drawings: torch.Tensor, values: LayerValues) -> torch.Tensor:
        """Straight RGBA (N, K, 4, C, C) in [0, 1] -> tinted, turned and premultiplied objects of that shape."""
        colour, alpha = drawings.split([3, 1], dim=2)
        strength, pigment = values.tint[..., None, None].split([1, 3], dim=2)
        colour = torch.lerp(colour, duotone(colour, pigment), strength)
        layer = torch.cat([colour * alpha, alpha], dim=2) * values.presence[..., None, None, None]
        gate = values.turn.softmax(-1)[..., None, None, None]  # (N, K, 4, 1, 1, 1)
        turned = torch.stack([torch.rot90(layer, k, dims=(3, 4)) for k in range(4)], dim=2)
        return (gate * turned).sum(2)

    def forward(self, drawings: torch.Tensor, values: LayerValues) -> torch.Tensor:
        """Straight RGBA (N, K, 4, C, C), the object filling the square -> pictures (N, 3, S, S) in [-1, 1]."""
        size, canvas = self.image_size, drawings.shape[-1]
        objects = self.finished(drawings, values)
        down, across = (resampling(centre, side, canvas, size) for centre, side in whole_pixels(values, size))
        placed = down[:, :, None] @ objects @ across[:, :, None].mT  # (N, K, 4, S, S)
        picture = values.background[:, :, None, None].expand(-1, -1, size, size)
        for colour, alpha in (layer.split([3, 1], dim=1) for layer in placed.unbind(1)):  # back to front
            picture = colour + picture * (1 - alpha)
        return 2 * picture - 1


SOFTNESS = 0.12  # of the settling, in distances between the two nearest that are known


def settled(values: torch.Tensor, known: torch.Tensor, settling: torch.Tensor | float) -> torch.Tensor:
    """The nearest of what is known instead of what was read or decided by noise, which only comes near it.

    That is one step of a modern Hopfield network (Ramsauer 2021), a softmax over all that is known, so that half-way
    between two there is no jump. Nothing is learnt through it: training leaves it out.

    Args:
        values: (N, K, 3).
        known: (M, 3); with none everything stays as it is.
        settling: how much, in [0, 1]; one for all, or (N,).
    """
    if not len(known):
        return values
    width = SOFTNESS * torch.pdist(known).min() if len(known) > 1 else 1.0
    distance = (values[..., None, :] - known).square().sum(-1)
    nearest = (-distance / (2 * width**2)).softmax(-1) @ known
    return torch.lerp(values, nearest, torch.as_tensor(settling).to(values).view(-1, 1, 1))


def duotone(colour: torch.Tensor, pigment: torch.Tensor) -> torch.Tensor:
    """Recolour (..., 3, H, W) in [0, 1] by its lightness alone: black over `pigment` (..., 3, 1, 1) to white."""
    weights = colour.new_tensor([0.299, 0.587, 0.114])[:, None, None]  # of ITU-R BT.601
    light = 2 * (weights * colour).sum(-3, keepdim=True)
    return pigment * light.clamp(max=1) + (1 - pigment) * (light - 1).clamp(min=0)


@torch.no_grad()
def _snapped(centre: torch.Tensor, length: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of a stretch in pixels: how far its centre moves, and by what it is stretched, to lie on whole pixels."""
    whole = length.round().clamp(min=1)
    first = (centre - whole / 2 + 0.5).floor()
    return first + whole / 2 - centre, whole / length.clamp(min=1e-3)


def whole_pixels(values: LayerValues, size: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Centre and side (N, K) of the object's square, in picture sides, down and across.

    Edges lie on whole pixels, as in everything that is drawn for a screen: between two, every edge would be blurred
    (12.3 of 255 inside an object, for 3.4). The gradient is that of the place before.
    """
    on_its_side = (values.turn.softmax(-1)[..., 1::2].sum(-1) > 0.5)[..., None]
    extent = torch.where(on_its_side, values.extent.flip(-1), values.extent)
    side, placed = values.pose[..., 2], []
    for axis in (0, 1):
        centre = values.pose[..., axis]
        moved, stretched = _snapped(centre * size, extent[..., axis] * side * size)
        placed.append((centre + moved / size, side * stretched))
    return placed


LOBES = 3  # of the Lanczos filter, as the renderer's


def resampling(centre: torch.Tensor, side: torch.Tensor, source: int, size: int) -> torch.Tensor:
    """Matrices that shrink or enlarge `source` pixels to a length, and place it among `size` pixels.

    Each row is a Lanczos filter, as wide as the shrinking asks for, so that small objects are anti-aliased; a pixel
    that the object covers in part gets its part. Both ends may lie anywhere, and the gradient says where they should.

    Args:
        centre, side: (...) the object's centre and length, in picture sides.
        source, size: pixels.

    Returns:
        (..., size, source); rows that lie outside of the object are zero.
    """
    centre, side = centre[..., None, None] * size, side[..., None, None] * size
    first, ratio = centre - side / 2, source / side
    target = torch.arange(size, device=centre.device, dtype=centre.dtype)[:, None]
    sources = torch.arange(source, device=centre.device, dtype=centre.dtype) + 0.5
    looks_at = (target + 0.5 - first) * ratio  # (..., size, 1), in source pixels
    x = (sources - looks_at) / ratio.clamp(min=1)
    weights = torch.sinc(x) * torch.sinc(x / LOBES) * (x.abs() < LOBES)
    total = weights.sum(-1, keepdim=True)
    covered = (torch.minimum(target + 1, first + side) - torch.maximum(target, first)).clamp(0, 1)
    return covered * weights / torch.where(covered > 0, total, 1.0)


def premultiplied(rgba: torch.Tensor) -> torch.Tensor:
    """Straight RGBA (N, 4, H, W) -> the colours times alpha, and alpha."""
    colour, alpha = rgba.split([3, 1], dim=1)
    return torch.cat([colour * alpha, alpha], 1)


def clipped(rgba: torch.Tensor) -> torch.Tensor:
    """Premultiplied RGBA (N, 4, H, W) as what can be seen: alpha in [0, 1], and no colour below 0 or above alpha."""
    colour, alpha = rgba.split([3, 1], dim=1)
    alpha = alpha.clamp(0, 1)
    return torch.cat([colour.clamp(min=0).minimum(alpha), alpha], 1)
