"""Which things and styles a world has: what the generator's memory is made for, and what is measured of it."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import torch

from ..config import GeneratorConfig
from ..networks.composition import premultiplied
from ..networks.memory import KINDS
from ..networks.parts import parts_of
from ..worlds.protocol import Layers, World

SCENES = 1024  # by whose drawings styles are compared, and whose places and backgrounds are known
FEW = 64  # different ones at most


@dataclass(frozen=True)
class Known:
    """A world's things and styles, numbered in the order of its combinations.

    attributes: of the world, for things and styles; numbers: of their values; shown: (n, m) bool, which of them
    training shows together; places and backgrounds: of its pictures, (M, 3) each; none where they are many.
    """

    attributes: tuple[str, ...]
    numbers: tuple[dict[Hashable, int], ...]
    shown: torch.Tensor
    places: np.ndarray
    backgrounds: np.ndarray

    @classmethod
    def of(cls, config: GeneratorConfig, world: World) -> "Known | None":
        """None for a generator without layers, and where the world cannot list its combinations."""
        attributes = tuple(part.attributes[0] for part in parts_of(config) if part.name in KINDS)
        pairs = world.combinations(attributes) if attributes else []
        if not pairs:
            return None
        values = (dict.fromkeys(several) for several in zip(*pairs, strict=True))
        numbers = tuple({value: i for i, value in enumerate(several)} for several in values)
        shown = torch.zeros(*map(len, numbers), dtype=torch.bool)
        for pair in pairs:
            shown[tuple(of[value] for of, value in zip(numbers, pair, strict=True))] = True
        scenes = world.scenes(SCENES, np.random.default_rng(SCENES))
        layers = [world.layers(scene, config.image_size) for scene in scenes]
        places, backgrounds = np.concatenate([x.places for x in layers]), np.stack([x.background for x in layers])
        return cls(attributes, numbers, shown, _few(places), _few(backgrounds))

    def told(self, config: GeneratorConfig) -> GeneratorConfig:
        """The configuration of a generator that is to know all this."""
        things, styles = map(len, self.numbers)
        known = {"things": things, "styles": styles, "places": self.places.tolist(),
                 "backgrounds": self.backgrounds.tolist()}  # fmt: skip
        return GeneratorConfig.from_dict(config.to_dict() | known)

    def numbers_of(self, layers: Layers) -> np.ndarray:
        """(K, 2) of the objects."""
        columns = zip(self.attributes, self.numbers, strict=True)
        return np.array([[number[value] for value in layers.values[name]] for name, number in columns]).T

    def distances(self, world: World, seed: int) -> torch.Tensor:
        """(m, m): mean difference of the drawings of one thing in two styles, over things that were shown in both."""
        drawings: dict[int, dict[int, torch.Tensor]] = {}
        for scene in world.scenes(SCENES, np.random.default_rng([seed, SCENES])):
            layers = world.layers(scene, 32)
            straight = torch.from_numpy(layers.drawings).permute(0, 3, 1, 2).float() / 255
            for drawing, (thing, style) in zip(premultiplied(straight), self.numbers_of(layers).tolist(), strict=True):
                drawings.setdefault(thing, {})[style] = drawing
        m = self.shown.shape[1]
        total, count = torch.zeros(m, m), torch.zeros(m, m)
        for styles in drawings.values():
            for i, one in styles.items():
                for j, other in styles.items():
                    total[i, j] += (one - other).abs().mean()
                    count[i, j] += 1
        return torch.where(count > 0, total / count.clamp(min=1), total.max() + 1)


def _few(rows: np.ndarray) -> np.ndarray:
    """(n, 3) -> the different ones, (M, 3), or none where they are more than FEW."""
    different = np.unique(rows.astype(float).round(5), axis=0)
    return different[: 0 if len(different) > FEW else None]
