"""Reads background, size and position from the pixels, with no learnt weights."""

from dataclasses import dataclass

import numpy as np

from ..worlds.emoji.attributes import BACKGROUND, CENTRE, SIZE, words_of

READ_FROM_PIXELS = ("size", "position", "background")

UNREADABLE = ""  # equals no attribute's value, so it always counts as wrong


@dataclass(frozen=True)
class Layout:
    """What the pixels of N pictures say.

    `background`, `size`, `position` are (N,) arrays of words (`position` in a caption's words), UNREADABLE
    where no object, or no legal place, was found. `box` is (N, 4) float32: top, left, bottom, right in
    pixels, the whole picture where no object was found. `distance` is (N, S, S) uint8: how far each pixel is
    from the background colour, as the largest of the three channel differences.
    """

    background: np.ndarray
    size: np.ndarray
    position: np.ndarray
    box: np.ndarray
    distance: np.ndarray


def read_layout(images: np.ndarray) -> Layout:
    """Reads pictures of one object on a plain background.

    Args:
        images: (N, S, S, 3) uint8.

    The background is the palette colour nearest to the median of the outermost pixels, which no object ever
    touches. An object is what differs from it by more than the border's own noise: on a flat border (a real
    render) a difference of 5 of 255 is enough, which finds white on white; on a drawn picture the threshold
    grows with the noise.
    """
    check_pictures(images)
    n, side = images.shape[:2]
    scale = side / 64
    palette = np.array([value.drawn for value in BACKGROUND.values.values()], np.float32)
    names = np.array(list(BACKGROUND.values), dtype=object)

    ring = _ring(images, max(1, side // 64))  # (N, R, 3)
    colour = np.median(ring, axis=1).astype(np.int16)  # (N, 3)
    noise = np.median(np.abs(ring.astype(np.int16) - colour[:, None]).max(-1), axis=1)  # (N,)
    nearest = ((colour[:, None] - palette) ** 2).sum(-1).argmin(-1)  # (N,)

    distance = np.abs(images.astype(np.int16) - colour[:, None, None]).max(-1).astype(np.uint8)  # (N, S, S)
    # A drawn picture's border can be flat while what surrounds the object is not: that counts as noise too.
    faint = np.where(distance <= 4, distance, 0).sum((1, 2)) / np.maximum((distance <= 4).sum((1, 2)), 1)
    threshold = np.minimum(4 + 6 * np.maximum(noise, faint), 64)
    mask = distance > threshold[:, None, None]  # (N, S, S)
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1))).astype(np.uint8)
    neighbours = sum(padded[:, r : r + side, c : c + side] for r in range(3) for c in range(3))
    mask &= neighbours >= 3  # lone specks are noise
    top, bottom = _extent(mask.sum(2))
    left, right = _extent(mask.sum(1))
    seen = mask.any((1, 2))

    longest = np.maximum(bottom - top, right - left)
    centres = np.stack([(top + bottom) / 2, (left + right) / 2], -1)  # (N, 2): row, column
    sizes = np.array([value.drawn for value in SIZE.values.values()], np.float32) * scale
    size_index = np.abs(longest[:, None] - sizes).argmin(-1)  # (N,)
    size = np.array(list(SIZE.values), dtype=object)[size_index]
    position = np.empty(n, dtype=object)
    for i in range(n):
        position[i] = _position(centres[i], size[i], sizes[size_index[i]], side)
    size[~seen] = UNREADABLE
    position[~seen] = UNREADABLE
    box = np.where(seen[:, None], np.stack([top, left, bottom, right], -1), (0, 0, side, side)).astype(
        np.float32
    )
    return Layout(names[nearest], size, position, box, distance)


def check_pictures(images: np.ndarray) -> None:
    """Raises ValueError unless `images` is (N, S, S, 3) uint8."""
    if (
        images.dtype != np.uint8
        or images.ndim != 4
        or images.shape[1] != images.shape[2]
        or images.shape[3] != 3
    ):
        raise ValueError(f"pictures must be (N, S, S, 3) uint8, not {images.shape} {images.dtype}")


def _ring(images: np.ndarray, width: int) -> np.ndarray:
    """(N, S, S, 3) -> (N, R, 3), the outermost `width` pixels."""
    n = len(images)
    parts = (
        images[:, :width],
        images[:, -width:],
        images[:, width:-width, :width],
        images[:, width:-width, -width:],
    )
    return np.concatenate([part.reshape(n, -1, 3) for part in parts], axis=1)


def _extent(profile: np.ndarray, trim: float = 0.003) -> tuple[np.ndarray, np.ndarray]:
    """(N, S) counts of object pixels per row or column -> first and one-past-last index, (N,) each.

    The share `trim` of the object's pixels at either end is left out, so that a far speck does not stretch
    the box.
    """
    total = profile.sum(1, keepdims=True)
    inside_from_start = profile.cumsum(1) > trim * total
    inside_from_end = profile[:, ::-1].cumsum(1) > trim * total
    return inside_from_start.argmax(1), profile.shape[1] - inside_from_end.argmax(1)


def _position(centre: np.ndarray, size: str, length: float, side: int) -> str:
    """The words of the nearest place, or UNREADABLE for a large object far from the middle."""
    margin = 2 * side / 64
    if size == "large":
        return words_of("position", CENTRE) if np.abs(centre - side / 2).max() <= side / 8 else UNREADABLE
    places = margin + length / 2 + np.arange(3) / 2 * (side - 2 * margin - length)
    row, column = (int(np.abs(places - c).argmin()) for c in centre)
    return words_of("position", (row, column))
