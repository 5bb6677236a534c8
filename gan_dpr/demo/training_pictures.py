"""Is it memorised? The training pictures that come nearest to a drawn one."""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from ..data.captions import canonical_caption, read_prompt
from ..data.render import render
from ..data.world import Scene, World, is_held_out
from ..worlds.pictures.dataset import PictureDataset

POOL = 200  # scenes of the prompt's concept among which the nearest are sought


@dataclass(frozen=True)
class Near:
    """A training picture, what it shows, and its distance: root mean square difference of the pixels, of 255."""

    image: np.ndarray
    caption: str
    distance: float


def nearest_training(
    drawn: Image.Image, prompt: str, world: World, dataset: PictureDataset | None = None
) -> list[Near]:
    """The training pictures that a drawn one is compared with, nearest first.

    Emoji scenes are endless, so these are at most POOL that the prompt might have been said of, in
    all that training was allowed to show: a pair that was kept out of it stays out here. Of somebody's own
    `dataset` every picture is compared. Empty where the prompt names no concept of the world.
    """
    if dataset is None:
        scenes = _scenes(prompt, world)
        captions = [canonical_caption(scene, style=True).text for scene in scenes]
        images = [render(scene, drawn.width) for scene in scenes]
    else:
        captions, images = dataset.captions, list(dataset.images)
    target = np.asarray(drawn, np.float32)
    distances = [float(np.sqrt(np.mean((image - target) ** 2))) for image in images]
    return [Near(images[i], captions[i], distances[i]) for i in np.argsort(distances, kind="stable")]


def _scenes(prompt: str, world: World) -> list[Scene]:
    said = read_prompt(prompt)
    concept = said.pop("concept", None)
    if concept not in world.concepts:
        return []
    allowed = {
        name: value
        for name, value in said.items()
        if value in getattr(world, name + "s") and not is_held_out(concept, name, value)
    }
    rng, narrow = np.random.default_rng(0), replace(world, concepts=(concept,))
    scenes = dict.fromkeys(_with(narrow.sample(rng), allowed) for _ in range(POOL))
    return list(scenes)


def _with(scene: Scene, values: dict) -> Scene:
    """The scene with these attributes, less those that make none: red on red, large in a corner."""
    for name, value in [*values.items()] * 2:  # a place may have to wait for the size, or the size for the place
        try:
            scene = scene.with_attribute(name, value)
        except ValueError:
            continue
    return scene
