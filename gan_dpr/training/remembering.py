"""What a trained generator shall remember: measured from its world's captions and drawings."""

from collections import Counter, defaultdict
from collections.abc import Hashable
from functools import cached_property

import numpy as np
import torch

from ..config import GeneratorConfig
from ..networks.composition import premultiplied
from ..networks.encoders import TextTower, TokenStates
from ..networks.generator import Generator
from ..worlds.protocol import Caption, World
from .batches import LayerTargets

CAPTIONS = 4  # of each thing, and of each style, whose codes are averaged
SCENES = 1024  # drawn at a time
TURNS = 64  # of drawing, after which captions that have not come never will
PARTS = ("thing", "style")


class Remembering:
    """What trained generators of a world shall remember. The captions that it takes are encoded once."""

    def __init__(self, world: World, text_tower: TextTower, seed: int = 0):
        self.world, self.text_tower, self.seed = world, text_tower, seed

    @torch.no_grad()
    def given_to(self, generator: Generator) -> Generator:
        """A copy that remembers the world's things and styles; the generator itself where there is nothing to.

        Only a layered generator remembers, of a world that can list its combinations and says in captions what they
        are of.
        """
        if generator.composition is None or generator.objects > 1:
            return generator
        attributes = {name: generator.parts[name].attributes[0] for name in PARTS}
        shown = self.world.combinations(tuple(attributes.values()))
        if not shown:
            return generator
        values = {name: list(dict.fromkeys(pair[i] for pair in shown)) for i, name in enumerate(PARTS)}
        captions = self._captions(attributes, values)
        if captions is None:
            return generator  # they never say it, as those of a class-conditional model never say a style
        codes = self._mean_codes(generator, captions, attributes, values)
        things, styles = values.values()
        made = Generator(
            GeneratorConfig.from_dict(generator.config.to_dict() | {"things": len(things), "styles": len(styles)})
        )
        made.load_state_dict(made.state_dict() | generator.state_dict())
        table = torch.zeros(len(things), len(styles), dtype=torch.bool)
        for thing, style in shown:
            table[things.index(thing), styles.index(style)] = True
        made.memory.fill(*codes, table, self._distances(tuple(attributes.values()), styles))
        return made.to(generator.device).eval().requires_grad_(False)

    def _captions(
        self, attributes: dict[str, str], values: dict[str, list[Hashable]]
    ) -> tuple[list[Caption], TokenStates] | None:
        """A few captions that say each value; None where some value is never said."""
        key = tuple(attributes.values())
        if key not in self._encoded:
            rng = np.random.default_rng([self.seed, CAPTIONS])
            missing = Counter({(name, value): CAPTIONS for name, several in values.items() for value in several})
            chosen = []
            for _ in range(TURNS):
                for scene in self.world.scenes(SCENES, rng):
                    caption = self.world.caption(scene, rng)
                    says = [
                        (part, self.world.value(scene, name))
                        for part, name in attributes.items() if name in caption.mentioned
                    ]  # fmt: skip
                    if any(missing[one] > 0 for one in says):
                        missing.subtract(says)
                        chosen.append(caption)
                if max(missing.values()) <= 0:
                    break
            said = all(count < CAPTIONS for count in missing.values())
            self._encoded[key] = (chosen, self.text_tower.encode([c.text for c in chosen])) if said else None
        return self._encoded[key]

    @cached_property
    def _encoded(self) -> dict[tuple[str, ...], tuple[list[Caption], TokenStates] | None]:
        return {}

    def _mean_codes(
        self, generator: Generator, captions: tuple[list[Caption], TokenStates], attributes: dict[str, str],
        values: dict[str, list[Hashable]],
    ) -> list[torch.Tensor]:  # fmt: skip
        """Of each part, for each value, the mean of what it reads in captions that say it: (values, width)."""
        written, text = captions[0], captions[1].to(generator.device)
        codes = generator.codes(generator.condition(text.states, text.mask))
        means = []
        for part, name in attributes.items():
            rows = defaultdict(list)
            for i, caption in enumerate(written):
                if name in caption.mentioned:
                    rows[self.world.value(caption.scene, name)].append(i)
            means.append(torch.stack([codes[part][rows[value]].mean((0, 1)) for value in values[part]]).cpu())
        return means

    def _distances(self, attributes: tuple[str, str], styles: list[Hashable]) -> torch.Tensor:
        """(m, m): mean difference of the drawings of one thing in two styles, over things that were shown in both."""
        drawings: dict[tuple[Hashable, Hashable], torch.Tensor] = {}
        for scene in self.world.scenes(SCENES, np.random.default_rng([self.seed, SCENES])):
            pair = tuple(self.world.value(scene, name) for name in attributes)
            if pair not in drawings:
                straight = LayerTargets.stack([self.world.layers(scene, 32)]).drawings[0, 0]
                drawings[pair] = premultiplied(straight[None])[0]
        total, count = torch.zeros(len(styles), len(styles)), torch.zeros(len(styles), len(styles))
        for thing in {thing for thing, _ in drawings}:
            known = [i for i, style in enumerate(styles) if (thing, style) in drawings]
            for i in known:
                for j in known:
                    total[i, j] += (drawings[thing, styles[i]] - drawings[thing, styles[j]]).abs().mean()
                    count[i, j] += 1
        return torch.where(count > 0, total / count.clamp(min=1), total.max() + 1)


def forgetful(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A generator's weights without what it remembers, as training takes them."""
    return {name: value for name, value in state.items() if not name.startswith("memory.")}
