"""Looking at a picture: where its thing is and on what, and the thing alone, turned, in colour and in gray.

The thing is cut out softly. The hard cut of `cutout`, which is for the larger pictures that a new thing is taught by,
takes a pixel off every edge: of 300 drawn pictures of 64 px 76% were read right with it, and 92% with this one.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .attributes import BACKGROUND, ORIENTATION, SIZE

SIDE = 64  # of the pictures that the table's sizes are meant for
WHITE = BACKGROUND.values["white"].drawn[0]
TURNS = {name: value.drawn for name, value in ORIENTATION.values.items()}  # quarter turns that a thing has made
# Difference from the background's colour, in the channel where it is largest: up to the first a pixel is background,
# from the second on the thing's alone.
BEHIND, BEFORE = 8, 40
PLAIN = 0.8  # of the border has to be background; else the whole picture is the thing
LEAST = 9  # pixels of a thing


@dataclass(frozen=True)
class Look:
    """What is plain to see in a picture.

    Attributes:
        thing: (S, S, 3) uint8, the thing large in the middle of white.
        background: (3,), the colour of most of the border.
        top, left, bottom, right: the thing's box in shares of the picture's side.
    """

    thing: np.ndarray
    background: np.ndarray
    top: float
    left: float
    bottom: float
    right: float


def look(picture: np.ndarray) -> Look:
    """(S, S, 3) uint8 -> what is plain to see in it. Without a plain background the whole picture is the thing."""
    size = len(picture)
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]).astype(int)
    colour = np.median(border, axis=0)
    alpha = np.clip((np.abs(picture - colour).max(2) - BEHIND) / (BEFORE - BEHIND), 0, 1)
    rows, columns = np.nonzero(alpha > 0.5)
    if (np.abs(border - colour).max(1) <= BEHIND).mean() < PLAIN or len(rows) < LEAST:
        return Look(picture, colour, 0, 0, 1, 1)
    top, left, bottom, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
    on_white = (picture * alpha[..., None] + WHITE * (1 - alpha[..., None])).round().astype(np.uint8)
    thing = Image.fromarray(on_white[top:bottom, left:right])
    scale = SIZE.values["large"].drawn / SIDE * size / max(thing.size)
    thing = thing.resize([max(1, round(side * scale)) for side in thing.size], Image.Resampling.BICUBIC)
    made = Image.new("RGB", (size, size), (WHITE, WHITE, WHITE))
    made.paste(thing, ((size - thing.width) // 2, (size - thing.height) // 2))
    return Look(np.asarray(made), colour, top / size, left / size, bottom / size, right / size)


def turned_back(things: np.ndarray) -> np.ndarray:
    """(N, S, S, 3) -> (N, T, S, S, 3): each as it stands if it has made each of the `TURNS`."""
    return np.stack([np.rot90(things, -turns, (1, 2)) for turns in TURNS.values()], axis=1)


def in_gray(pictures: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 -> the same without colour: a tint changes little of how light a thing is (BT.601)."""
    light = (pictures @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)
    return np.repeat(light[..., None], 3, axis=-1)
