"""A world whose captions are labels: what conditioning on a class for every combination amounts to."""

import dataclasses
import hashlib

import numpy as np

from ..worlds.emoji.attributes import ATTRIBUTES
from ..worlds.emoji.scene import Scene
from ..worlds.emoji.world import EmojiWorld
from ..worlds.protocol import Caption


def label_of(scene: Scene) -> str:
    """Six letters a to p that a combination of values has alone, and that say nothing of its values."""
    digest = hashlib.sha256(repr(scene).encode()).digest()
    return " ".join("abcdefghijklmnop"[byte % 16] for byte in digest[:6])


class LabelledWorld(EmojiWorld):
    """Every caption is the label of its scene, which fixes everything."""

    def caption(self, scene: Scene, rng: np.random.Generator) -> Caption:
        return self._labelled(scene)

    def told(self, caption: Caption) -> Caption:
        return self._labelled(caption.scene)

    def swap(self, caption: Caption, rng: np.random.Generator) -> Caption | None:
        swapped = self.swap_scene(caption.scene, rng)
        return self._labelled(swapped[0]) if swapped else None

    def names(self) -> dict[str, tuple[str, ...]]:
        return {}

    def understood(self, text: str) -> str:
        return text  # a label is no prompt that could be read

    @staticmethod
    def _labelled(scene: Scene) -> Caption:
        return Caption(label_of(scene), scene, frozenset(ATTRIBUTES))


def labelled(world: EmojiWorld) -> LabelledWorld:
    """The same part of the world, told by labels."""
    return LabelledWorld(**{field.name: getattr(world, field.name) for field in dataclasses.fields(world)})
