"""Words for a picture, among all that can be said of an emoji scene: about a million captions."""

from collections.abc import Callable

import numpy as np

from ..protocol import Caption
from .attributes import ALWAYS_SAID, ATTRIBUTES
from .captions import caption_of
from .concepts import CONCEPTS
from .scene import Scene, SceneObject

# What is seen first from afar comes first; the style is a matter of the drawing, not of the description.
SEARCHED = ("background", "tint", "orientation", "position", "size")


class SceneDescriber:
    """Searches a part at a time: the concepts first, then each further attribute added to the best captions so far."""

    WIDTH = 4  # captions that each search step goes on from

    def __init__(self, concepts: tuple[str, ...], encode_text: Callable[[list[str]], np.ndarray]):
        """`encode_text`: N texts -> (N, D) unit vectors."""
        self._encode_text = encode_text
        scenes = [Scene((SceneObject(concept, CONCEPTS[concept].styles[0]),), "white") for concept in concepts]
        self._concepts = [caption_of(scene, ALWAYS_SAID) for scene in scenes]
        self._vectors = encode_text([caption.text for caption in self._concepts])

    def describe(self, vector: np.ndarray, k: int) -> list[tuple[float, str]]:
        """(D,) unit vector of a picture -> the k best (cosine, caption), best first."""
        if k < 1:
            raise ValueError(f"k is the number of captions and must be at least 1, not {k}.")
        scored = list(zip((self._vectors @ vector).tolist(), self._concepts, strict=True))
        for attribute in SEARCHED:
            scored.sort(key=lambda pair: -pair[0])
            known = {caption.text for _, caption in scored}
            further = [c for _, best in scored[: self.WIDTH] for c in _extended(best, attribute)]
            further = list({c.text: c for c in further if c.text not in known}.values())
            if further:
                scores = self._encode_text([caption.text for caption in further]) @ vector
                scored += zip(scores.tolist(), further, strict=True)
        scored.sort(key=lambda pair: -pair[0])
        return [(score, caption.text) for score, caption in scored[:k]]


def _extended(caption: Caption, attribute: str) -> list[Caption]:
    """The caption with each value of one more attribute that makes a scene."""
    made = []
    for value in ATTRIBUTES[attribute].values:
        try:
            scene = caption.scene.with_attribute(attribute, value)
        except ValueError:  # a red object on red, a large one in a corner
            continue
        made.append(caption_of(scene, caption.mentioned - caption.implied | {attribute}))
    return made
