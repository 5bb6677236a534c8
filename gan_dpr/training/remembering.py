"""What a trained generator shall remember: measured from its world's captions and drawings."""

from collections import defaultdict
from collections.abc import Hashable

import numpy as np
import torch

from ..config import GeneratorConfig
from ..networks.composition import premultiplied
from ..networks.encoders import TextTower
from ..networks.generator import Generator
from ..worlds.protocol import World
from .batches import LayerTargets

CAPTIONS = 1024  # of training scenes, whose codes are averaged


@torch.no_grad()
def remembering(generator: Generator, world: World, text_tower: TextTower, seed: int = 0) -> Generator:
    """A copy that remembers the world's things and styles; the generator itself where there is nothing to remember.

    Only a layered generator remembers, of a world that can list its combinations and says in captions what they are of.
    """
    if generator.composition is None or generator.objects > 1:
        return generator
    attributes = tuple(generator.parts[name].attributes[0] for name in ("thing", "style"))
    shown = world.combinations(attributes)
    if not shown:
        return generator
    values = [list(dict.fromkeys(pair[i] for pair in shown)) for i in range(2)]
    codes = _mean_codes(generator, world, text_tower, dict(zip(("thing", "style"), attributes, strict=True)), seed)
    if any(value not in codes[part] for part, of in zip(("thing", "style"), values, strict=True) for value in of):
        return generator  # captions never say it, as those of a class-conditional model never say a style
    made = Generator(
        GeneratorConfig.from_dict(generator.config.to_dict() | {"things": len(values[0]), "styles": len(values[1])})
    )
    made.load_state_dict(made.state_dict() | generator.state_dict())
    table = torch.zeros(len(values[0]), len(values[1]), dtype=torch.bool)
    for thing, style in shown:
        table[values[0].index(thing), values[1].index(style)] = True
    things, styles = (
        torch.stack([codes[part][value] for value in of]) for part, of in zip(("thing", "style"), values, strict=True)
    )
    made.memory.fill(things, styles, table, _distances(world, attributes, values[1], seed))
    return made.to(generator.device).eval().requires_grad_(False)


def forgetful(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A generator's weights without what it remembers, as training takes them."""
    return {name: value for name, value in state.items() if not name.startswith("memory.")}


def _mean_codes(
    generator: Generator, world: World, text_tower: TextTower, attributes: dict[str, str], seed: int
) -> dict[str, dict[Hashable, torch.Tensor]]:
    """Of each part, for each value of its attribute, the mean of what it reads in captions that say it."""
    rng = np.random.default_rng([seed, CAPTIONS])
    captions = [world.caption(scene, rng) for scene in world.scenes(CAPTIONS, rng)]
    text = text_tower.encode([caption.text for caption in captions]).to(generator.device)
    codes = generator.codes(generator.condition(text.states, text.mask))
    means: dict[str, dict[Hashable, torch.Tensor]] = {}
    for part, name in attributes.items():
        rows = defaultdict(list)
        for i, caption in enumerate(captions):
            if name in caption.mentioned:
                rows[world.value(caption.scene, name)].append(i)
        means[part] = {value: codes[part][chosen].mean((0, 1)).cpu() for value, chosen in rows.items()}
    return means


def _distances(world: World, attributes: tuple[str, str], styles: list[Hashable], seed: int) -> torch.Tensor:
    """(m, m): mean difference of the drawings of one thing in two styles, over the things that were shown in both."""
    drawings: dict[tuple[Hashable, Hashable], torch.Tensor] = {}
    for scene in world.scenes(CAPTIONS, np.random.default_rng([seed, CAPTIONS, 1])):
        pair = tuple(world.value(scene, name) for name in attributes)
        if pair not in drawings:
            straight = LayerTargets.stack([world.layers(scene, 32)]).drawings[0, 0]
            drawings[pair] = premultiplied(straight[None])[0]
    total, count = torch.zeros(len(styles), len(styles)), torch.zeros(len(styles), len(styles))
    for thing in {thing for thing, _ in drawings}:
        known = [i for i, style in enumerate(styles) if (thing, style) in drawings]
        for i in known:
            for j in known:
                total[i, j] += (drawings[thing, styles[i]] - drawings[thing, styles[j]]).abs().mean()
                count[i, j] += 1
    return torch.where(count > 0, total / count.clamp(min=1), total.max() + 1)
