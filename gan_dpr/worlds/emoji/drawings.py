"""Which emoji picture is the right one: for measures that compare pixels and need no judge."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from ..protocol import Caption
from .attributes import BACKGROUND, CENTRE, SIZE
from .captions import canonical_caption
from .concepts import CONCEPTS
from .render import render
from .scene import Scene, SceneObject, drawing_split, is_held_out
from .splits import scenes_of_split

if TYPE_CHECKING:
    from .world import EmojiWorld

SIZES = ("medium", "large")  # small objects have too few pixels to tell how they are drawn
COVERING = 0.05  # alpha of a pixel that counts as the object's
PLAIN = "white"


class EmojiDrawings:
    """The drawings of a part of the emoji world, those that are held out of training too."""

    def __init__(self, world: EmojiWorld):
        self.world = world

    def full_captions(self, split: str, n: int, seed: int) -> list[Caption]:
        """Of medium and large objects."""
        sizes = tuple(size for size in self.world.allowed("size") if size in SIZES)
        if not sizes:
            return []
        world = replace(self.world, only=self.world.only | {"size": sizes})
        try:
            scenes = scenes_of_split(world, split, n, seed)
        except ValueError:  # a small world has no held-out pair of some attribute
            return []
        return [canonical_caption(scene, style=True) for scene in scenes]

    def outline(self, scene: Scene, size: int) -> np.ndarray:
        # What a background does not shine through. The tint changes no alpha, and may not be the background's colour.
        untinted = tuple(replace(item, tint="none") for item in scene.objects)
        light, dark = (render(Scene(untinted, name), size)[..., 0].astype(int) for name in ("white", "black"))
        between = BACKGROUND.values["white"].drawn[0] - BACKGROUND.values["black"].drawn[0]
        return light - dark < (1 - COVERING) * between

    def rivals(self, scene: Scene) -> list[Scene]:
        """Things without an upright are no rivals of those that are turned."""
        return [
            replace(scene, objects=(replace(scene.object, concept=concept, style=style),))
            for concept, style in self._drawings()
            if scene.object.orientation == "upright" or CONCEPTS[concept].orientable
        ]

    def completions(self, caption: Caption) -> list[Scene]:
        free = [name for name in ("style", "size", "position") if name not in caption.mentioned]
        item = caption.scene.object
        values = {name: self.world.training_values(item.concept, name) for name in free}
        made = []
        for chosen in product(*values.values()):
            changes = dict(zip(free, chosen, strict=True))
            if changes.get("size", item.size) == "large":
                changes["position"] = CENTRE
            made.append(replace(caption.scene, objects=(replace(item, **changes),)))
        return list(dict.fromkeys(made))

    def plain_captions(self, split: str) -> list[Caption]:
        """Large, upright and untinted, on white; where white is held out, on the first background that is not."""
        wanted = None if split == "iid" else split
        found = [drawing for drawing in self._drawings() if drawing_split(*drawing) == wanted]
        return [canonical_caption(self._plain(*drawing), style=True) for drawing in found]

    def plain_pairs(self, n: int, seed: int) -> list[tuple[Caption, Caption]]:
        """Two things in one style on one background; each drawing in turn, so that all occur about equally often."""
        rng = np.random.default_rng(seed)
        captions = [caption for caption in self.plain_captions("iid") if caption.scene.background == PLAIN]
        pairs: list[tuple[Caption, Caption]] = []
        while len(pairs) < n:
            turn = []
            for style in dict.fromkeys(caption.scene.object.style for caption in captions):
                ring = [caption for caption in captions if caption.scene.object.style == style]
                rng.shuffle(ring)
                turn += list(zip(ring, ring[1:] + ring[:1], strict=True)) if len(ring) > 1 else []
            if not turn:
                return []
            rng.shuffle(turn)
            pairs += [tuple(pair) for pair in turn]
        return pairs[:n]

    def _drawings(self) -> list[tuple[str, str]]:
        allowed = self.world.allowed("style")
        return [(c, style) for c in self.world.concepts for style in CONCEPTS[c].styles if style in allowed]

    def _plain(self, concept: str, style: str) -> Scene:
        names = sorted(self.world.allowed("background"), key=lambda name: name != PLAIN)
        background = next(name for name in names if not is_held_out(concept, "background", name))
        size = max(self.world.allowed("size"), key=lambda name: SIZE.values[name].drawn)
        position = CENTRE if size == "large" else self.world.allowed("position")[0]
        return Scene((SceneObject(concept, style, size=size, position=position),), background)
