"""Is it memorised? The training pictures that come nearest to a drawn one."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..worlds.protocol import Guide, World

POOL = 200  # scenes that the prompt might have been said of, among which the nearest are sought


@dataclass(frozen=True)
class Near:
    """A training picture, what it shows, and its distance: root mean square difference of the pixels, of 255."""

    image: np.ndarray
    caption: str
    distance: float


def nearest_training(drawn: Image.Image, prompt: str, world: World, guide: Guide | None) -> list[Near]:
    """The training pictures that a drawn one is compared with, nearest first.

    Of a finite world every one is compared; of an endless one at most POOL that the prompt might have been said of.
    Empty where the pictures are not here, or nothing is known of what the prompt says.
    """
    if world.finite is not None:
        scenes = world.finite
    else:
        scenes = guide.relatives(prompt, POOL) if guide else []
    images = [world.render(scene, drawn.width) for scene in scenes]
    captions = [world.caption(scene, np.random.default_rng(0)).text for scene in scenes]
    target = np.asarray(drawn, np.float32)
    distances = [float(np.sqrt(np.mean((image - target) ** 2))) for image in images]
    return [Near(images[i], captions[i], distances[i]) for i in np.argsort(distances, kind="stable")]
