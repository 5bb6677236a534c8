"""The renderer: a scene to pixels, exactly as the frozen test vectors have it, and the layers that it is made of."""

import io
from functools import cache, lru_cache
from importlib import resources
from math import floor

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from ..protocol import Layers
from .attributes import BACKGROUND, CONCEPT, ORIENTATION, SIZE, STYLE, TINT
from .scene import Scene, SceneObject

MARGIN = 2 / 64  # of the picture's side, between an object and the edge


def render(scene: Scene, size: int = 64, jitter: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Draws a scene.

    Args:
        scene: what to draw.
        size: side of the picture in pixels, a multiple of 32.
        jitter: (rows, columns) in pixels by which every object is moved.

    Returns:
        (size, size, 3) uint8 RGB.
    """
    if size < 32 or size % 32:
        raise ValueError(f"a scene's size must be a multiple of 32 pixels, not {size}")
    picture = _plain(scene.background, size).copy()
    for item in scene.objects:
        _composite(picture, item, jitter)
    return picture


def layers_of(scene: Scene, size: int) -> Layers:
    """What `render` puts together, as numbers; the drawings fill squares of `size` pixels a side."""
    items = scene.objects
    tints = [TINT.values[item.tint].drawn for item in items]
    return Layers(
        drawings=np.stack([filling_drawing(item.concept, item.style, size) for item in items]),
        extents=np.array([extent(_cropped(item.concept, item.style)) for item in items], np.float32),
        places=np.array([_place(item) for item in items], np.float32),
        turns=np.array([ORIENTATION.values[item.orientation].drawn % 4 for item in items]),
        tints=np.array([(1, *(c / 255 for c in tint)) if tint else (0, 0, 0, 0) for tint in tints], np.float32),
        background=np.array(BACKGROUND.values[scene.background].drawn, np.float32) / 255,
        values={a.name: tuple(getattr(item, a.name) for item in items) for a in (CONCEPT, STYLE)},
    )


def _place(item: SceneObject) -> tuple[float, float, float]:
    """Centre row, centre column and longest side, in picture sides."""
    length = SIZE.values[item.size].drawn / 64
    row, column = (MARGIN + length / 2 + p / 2 * (1 - 2 * MARGIN - length) for p in item.position)
    return row, column, length


@cache  # all of the world at one size: 4,724 drawings, 78 MB at 64 pixels
def filling_drawing(concept: str, style: str, size: int) -> np.ndarray:
    """(size, size, 4) uint8, straight alpha: the drawing as `filling` shows it."""
    return filling(_cropped(concept, style), size)


def filling(rgba: np.ndarray, size: int) -> np.ndarray:
    """(h, w, 4) -> (size, size, 4) uint8: a cropped drawing in the middle, its longest side as long as the square's.

    Enlarged in premultiplied colour, so that nothing bleeds in from behind the outline.
    """
    height, width = rgba.shape[:2]
    longest = max(height, width)
    square = Image.new("RGBA", (3 * longest, 3 * longest))  # room for the filter on all sides
    square.paste(Image.fromarray(np.ascontiguousarray(rgba), "RGBA"), (longest, longest))
    left, top = longest + (width - longest) / 2, longest + (height - longest) / 2
    box = (left, top, left + longest, top + longest)  # the middle may lie between two pixels
    layer = square.convert("RGBa").resize((size, size), Image.Resampling.LANCZOS, box)
    return np.asarray(layer.convert("RGBA"))


def extent(rgba: np.ndarray) -> tuple[float, float]:
    """Height and width of a cropped drawing, of which the longer one is 1."""
    height, width = rgba.shape[:2]
    return height / max(height, width), width / max(height, width)


def _fitted(rgba: np.ndarray, length: int) -> tuple[int, int]:
    """Width and height of a drawing whose longest side is `length`."""
    height, width = rgba.shape[:2]
    scale = length / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


@cache
def _cropped(concept: str, style: str) -> np.ndarray:
    rgba = sprite(concept, style)
    rows, columns = np.nonzero(rgba[..., 3] > 8)
    return rgba[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


@cache
def _plain(background: str, size: int) -> np.ndarray:
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = BACKGROUND.values[background].drawn
    return picture


def _composite(picture: np.ndarray, item: SceneObject, jitter: tuple[int, int]) -> None:
    size = picture.shape[0]
    length = SIZE.values[item.size].drawn * size // 64
    colour, transparency = (
        np.rot90(layer, ORIENTATION.values[item.orientation].drawn)
        for layer in _resized(item.concept, item.style, item.tint, length)
    )
    height, width = colour.shape[:2]
    margin = MARGIN * size
    starts = []
    for place, side, shift in zip(item.position, (height, width), jitter, strict=True):
        centre = margin + length / 2 + place / 2 * (size - 2 * margin - length)
        starts.append(min(max(floor(centre - side / 2 + 0.5) + shift, 0), size - side))
    top, left = starts
    box = picture[top : top + height, left : left + width]
    # 255 * 255 + 127 fits uint16, so this is box * (1 - alpha), exactly rounded, without floats
    total = np.multiply(box, transparency, dtype=np.uint16)
    total += 127
    total //= 255
    total += colour
    # LANCZOS overshoots a little: a premultiplied colour can exceed its alpha, and then the sum 255
    np.minimum(total, 255, out=box, casting="unsafe")


@lru_cache(maxsize=20_000)  # all of the world at one picture size: 17,000 sprites, about 150 MB at 64 pixels
def _resized(concept: str, style: str, tint: str, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The sprite, cropped, tinted and resized so that its longest side is `length`, still upright.

    Returns the premultiplied colour and 255 - alpha, both (h, w, 3) uint8: alpha thrice, because a
    product with a broadcast channel is several times slower.
    """
    rgba = _cropped(concept, style)
    if TINT.values[tint].drawn is not None:
        rgba = _tinted(rgba, TINT.values[tint].drawn)
    image = Image.fromarray(np.ascontiguousarray(rgba), "RGBA").convert("RGBa")
    layer = np.asarray(image.resize(_fitted(rgba, length), Image.Resampling.LANCZOS))
    return np.ascontiguousarray(layer[..., :3]), np.repeat(255 - layer[..., 3:], 3, axis=2)


def _tinted(rgba: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    # Shadows go from black to the colour, lights from the colour to white; alpha stays.
    straight = rgba / 255.0
    luminance = straight[..., :3] @ np.array([0.299, 0.587, 0.114])[:, None]
    target = np.array(colour) / 255.0
    straight[..., :3] = np.where(
        luminance < 0.5, 2 * luminance * target, target + (1 - target) * (2 * luminance - 1)
    )
    return np.round(straight * 255).astype(np.uint8)


def sprite(concept: str, style: str) -> np.ndarray:
    """The drawing as shipped: (64, 64, 4) uint8 RGBA with straight alpha; ValueError if there is none."""
    picture = _sprites().get((concept, style))
    if picture is None:
        raise ValueError(f"there is no sprite of {concept!r} in style {style!r}")
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA"))


@lru_cache(maxsize=1)
def _sprites() -> dict[tuple[str, str], bytes]:
    with resources.as_file(resources.files(__package__).joinpath("sprites.parquet")) as path:
        table = pq.read_table(path, columns=["concept", "style", "picture"])
    columns = (table.column(name).to_pylist() for name in ("concept", "style", "picture"))
    return {(concept, style): picture for concept, style, picture in zip(*columns, strict=True)}
