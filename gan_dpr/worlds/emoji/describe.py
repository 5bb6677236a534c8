"""Words for a picture: which thing it shows, and what is plain to see of it."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..naming import Naming, softmax
from ..protocol import Caption, Model
from .attributes import BACKGROUND, CENTRE, SIZE, TINT
from .captions import canonical_caption
from .concepts import CONCEPTS
from .render import render
from .scene import Scene
from .views import SIDE, TURNS, Look, in_gray, look, turned_back

# A picture is like its thing's nearest example and like its names; the first tells more of drawings. Both constants
# are the best of some that were tried on 300 drawn pictures and 300 real scenes, the second by their likelihood.
EXAMPLES_WEIGHT, SHARPNESS = 3.0, 10.0


class SceneDescriber:
    """Names the thing first, among all. Whole captions are not compared: a wrong colour would outweigh the right thing.

    The thing is looked at large, on white and in every turn, in colour and in gray, and compared with names and with
    the world's drawings (a cache of labelled vectors beside the text's: Tip-Adapter, Zhang 2022). Then the drawing
    that comes nearest is compared in every tint. Background, size and place are measured.
    """

    def __init__(self, concepts: Sequence[str], gallery: list[dict[str, Any]], model: Model):
        """
        Args:
            concepts: the things that have a name.
            gallery: the world's, whose entries of one concept follow each other; `model` has its vectors.
            model: what reads.
        """
        self._naming, self._model = Naming(concepts, model.name_vectors, model.scale), model
        self._drawings = [Scene.from_dict(entry["scene"]) for entry in gallery]
        places = [self._naming.things.index(entry["concept"]) for entry in gallery]
        self._shown, self._first = np.unique(places, return_index=True)
        self._end = np.append(self._first[1:], len(gallery))

    def probabilities(self, pictures: np.ndarray) -> np.ndarray:
        things = np.stack([look(picture).thing for picture in pictures])
        return softmax(SHARPNESS * self._compared(things)[0].max(1))

    def describe(self, picture: np.ndarray, k: int) -> list[tuple[float, Caption]]:
        """Each caption says what the picture shows if it shows this thing."""
        if k < 1:
            raise ValueError(f"k is the number of captions and must be at least 1, not {k}.")
        seen = look(picture)
        scores, likeness, vectors = (found[0] for found in self._compared(seen.thing[None]))
        probabilities = softmax(SHARPNESS * scores.max(0)[None])[0]
        background, size, position = _measured(seen)
        drawings, turns = [], []
        for thing in np.argsort(-probabilities, kind="stable")[:k]:
            turn = int(scores[:, thing].argmax())
            place = np.searchsorted(self._shown, thing)
            first, end = self._first[place], self._end[place]
            drawings.append(self._drawings[first + likeness[turn, first:end].argmax()])
            turns.append(turn)
        tints = self._tints(drawings, vectors[turns], background, len(picture))
        return [
            (
                float(probabilities[self._naming.things.index(drawing.object.concept)]),
                _caption(drawing, list(TURNS)[turn], tint, size, position, background),
            )
            for drawing, turn, tint in zip(drawings, turns, tints, strict=True)
        ]

    def nearest(self, pictures: np.ndarray) -> np.ndarray:
        things = np.stack([look(picture).thing for picture in pictures])
        return self._compared(things)[1].max(1).argmax(1)

    def _compared(self, things: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N, S, S, 3) -> how much each name's thing is like it (N, turns, things); each drawing (N, turns, drawings);
        and the vectors of its views (N, turns, D).
        """
        views = turned_back(things)
        n, turns = views.shape[:2]
        flat = views.reshape(-1, *views.shape[2:])
        colour, gray = self._model.encode_image(flat), self._model.encode_image(in_gray(flat))
        likeness = np.maximum(colour @ self._model.gallery.vectors.T, gray @ self._model.example_vectors.T)
        nearest = np.full((len(flat), len(self._naming.things)), -1.0)
        nearest[:, self._shown] = np.maximum.reduceat(likeness, self._first, axis=1)
        scores = self._naming.cosines(colour) + EXAMPLES_WEIGHT * nearest
        return tuple(found.reshape(n, turns, -1) for found in (scores, likeness, colour))

    def _tints(self, drawings: list[Scene], vectors: np.ndarray, background: str, size: int) -> list[str]:
        """Of each drawing the tint in which it is most like the view with this vector (D,)."""
        tints = [tint for tint in TINT.values if tint != background]
        tinted = [Scene((replace(drawing.object, tint=tint),), "white") for drawing in drawings for tint in tints]
        shown = self._model.encode_image(np.stack([render(scene, size) for scene in tinted]))
        cosines = np.einsum("ntd,nd->nt", shown.reshape(len(drawings), len(tints), -1), vectors)
        return [tints[i] for i in cosines.argmax(1)]


def _measured(seen: Look) -> tuple[str, str, tuple[int, int]]:
    """The background, size and position that come nearest."""
    colours = {name: value.drawn for name, value in BACKGROUND.values.items()}
    background = min(colours, key=lambda name: np.abs(np.subtract(colours[name], seen.background)).sum())
    side = max(seen.bottom - seen.top, seen.right - seen.left)
    size = min(SIZE.values, key=lambda name: abs(SIZE.values[name].drawn / SIDE - side))
    centre = ((seen.top + seen.bottom) / 2, (seen.left + seen.right) / 2)
    position = CENTRE if size == "large" else tuple(min(2, int(3 * share)) for share in centre)
    return background, size, position


def _caption(drawing: Scene, turn: str, tint: str, size: str, position: Hashable, background: str) -> Caption:
    turned = turn if CONCEPTS[drawing.object.concept].orientable else "upright"
    item = replace(drawing.object, orientation=turned, tint=tint, size=size, position=position)
    return canonical_caption(Scene((item,), background))
