"""The renderer: a scene to pixels, exactly as the frozen test vectors have it."""

import io
from functools import cache, lru_cache
from importlib import resources
from math import floor

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from .world import BACKGROUNDS, SIZES, TINTS, Scene, SceneObject

QUARTER_TURNS = {"upright": 0, "sideways": -1, "upside-down": 2}  # counter-clockwise, as np.rot90 counts


def render(scene: Scene, size: int = 64, jitter: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Draws a scene.

    Args:
        scene: what to draw.
        size: side of the picture in pixels, a multiple of 32.
        jitter: (rows, columns) in pixels by which every object is moved; training draws each from
            [-size/64, size/64], test renders have none.

    Returns:
        (size, size, 3) uint8 RGB.
    """
    if size < 32 or size % 32:
        raise ValueError(f"a scene's size must be a multiple of 32 pixels, not {size}")
    picture = _plain(scene.background, size).copy()
    for item in scene.objects:
        _composite(picture, item, jitter)
    return picture


@cache
def _plain(background: str, size: int) -> np.ndarray:
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = BACKGROUNDS[background]
    return picture


def _composite(picture: np.ndarray, item: SceneObject, jitter: tuple[int, int]) -> None:
    size = picture.shape[0]
    length = SIZES[item.size] * size // 64
    colour, transparency = (
        np.rot90(layer, QUARTER_TURNS[item.orientation])
        for layer in _layers(item.concept, item.style, item.tint, length)
    )
    height, width = colour.shape[:2]
    margin = 2 * size / 64
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
def _layers(concept: str, style: str, tint: str, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The sprite, cropped, tinted and resized so that its longest side is `length`, still upright.

    Returns the premultiplied colour and 255 - alpha, both (h, w, 3) uint8: alpha thrice, because a
    product with a broadcast channel is several times slower.
    """
    rgba = sprite(concept, style)
    rows, columns = np.nonzero(rgba[..., 3] > 8)
    rgba = rgba[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    if TINTS[tint] is not None:
        rgba = _tinted(rgba, TINTS[tint])
    height, width = rgba.shape[:2]
    scale = length / max(height, width)
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(np.ascontiguousarray(rgba), "RGBA").convert("RGBa")
    layer = np.asarray(image.resize(target, Image.Resampling.LANCZOS))
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
    png = _sprite_pngs().get((concept, style))
    if png is None:
        raise ValueError(f"there is no sprite of {concept!r} in style {style!r}")
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


@lru_cache(maxsize=1)
def _sprite_pngs() -> dict[tuple[str, str], bytes]:
    with resources.as_file(resources.files(__package__).joinpath("sprites.parquet")) as path:
        table = pq.read_table(path, columns=["concept", "style", "png"])
    columns = (table.column(name).to_pylist() for name in ("concept", "style", "png"))
    return {(concept, style): png for concept, style, png in zip(*columns, strict=True)}
