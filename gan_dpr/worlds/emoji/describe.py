"""Words for a picture: which thing it shows, then each attribute of that thing."""

from collections.abc import Callable

import numpy as np

from ..naming import Naming
from ..protocol import Caption
from .attributes import ALWAYS_SAID, ATTRIBUTES
from .captions import caption_of
from .concepts import CONCEPTS
from .scene import Scene, SceneObject

# What is seen first from afar comes first. The style is a matter of the drawing, not of the description.
READ = ("background", "tint", "orientation", "size", "position")


class SceneDescriber:
    """Asks one question at a time. Whole captions are never compared: a wrong colour would outweigh the right thing."""

    def __init__(
        self, names: dict[str, tuple[str, ...]], encode_text: Callable[[list[str]], np.ndarray], scale: float
    ):
        """As of `Naming`; things are concepts."""
        self._naming, self._encode_text = Naming(names, encode_text, scale), encode_text

    def describe(self, vector: np.ndarray, k: int) -> list[tuple[float, Caption]]:
        """(D,) unit vector of a picture -> the k likeliest things: (probability, caption), best first.

        Each caption says what the picture shows if it shows this thing.
        """
        if k < 1:
            raise ValueError(f"k is the number of captions and must be at least 1, not {k}.")
        probabilities = self._naming.probabilities(vector[None])[0]
        best = np.argsort(-probabilities, kind="stable")[:k]
        captions = [_bare(self._naming.things[i]) for i in best]
        for attribute in READ:
            captions = self._told(captions, attribute, vector)
        return [(float(probabilities[i]), caption) for i, caption in zip(best, captions, strict=True)]

    def _told(self, captions: list[Caption], attribute: str, vector: np.ndarray) -> list[Caption]:
        """Each caption with the value of one more attribute that comes nearest to the picture."""
        choices = [_extended(caption, attribute) for caption in captions]
        texts = list(dict.fromkeys(choice.text for of_one in choices for choice in of_one))
        scores = dict(zip(texts, (self._encode_text(texts) @ vector).tolist(), strict=True))
        return [max(of_one, key=lambda choice: scores[choice.text]) for of_one in choices]


def _bare(concept: str) -> Caption:
    """The caption that says what the thing is and, by silence, that nothing about it is unusual."""
    return caption_of(Scene((SceneObject(concept, CONCEPTS[concept].styles[0]),), "white"), ALWAYS_SAID)


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
