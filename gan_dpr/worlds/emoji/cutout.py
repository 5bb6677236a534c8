"""A thing cut out of a picture: by its transparency, or from a background of one colour."""

from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ..pictures.decode import open_rgba

SIDE = 256  # pixels of the longer side that the work is done at
TRANSPARENT = 0.01  # of the pixels: fewer are a flaw, and not a cut-out
NEAR = 90  # summed difference of red, green and blue up to which a pixel is background
PLAIN = 0.8  # of the border has to be background; the thing may be cut off at one side
LEAST = 0.01  # of the picture that the thing has to fill
BACKGROUND, REACHED = 255, 128


def cut_out(picture: Any) -> np.ndarray:
    """The thing alone, (h, w, 4) uint8 with straight alpha, cropped to what can be seen of it.

    A picture without transparency loses what is joined to its border and coloured like it; what the thing encloses
    stays.

    Args:
        picture: whatever `decode.decode_picture` takes.

    Raises:
        ValueError: with the reason, where it cannot be read, is empty or has no plain background.
    """
    image = open_rgba(picture, enough=2 * SIDE)
    scale = SIDE / max(image.size)
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in image.size)
        image = image.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    if (np.asarray(image.getchannel("A")) < 128).mean() < TRANSPARENT:
        image.putalpha(_opaque(image.convert("RGB")))
    rgba = np.asarray(image)
    seen = rgba[..., 3] > 8
    if seen.mean() < LEAST:
        raise ValueError("shows nothing but its background")
    rows, columns = np.nonzero(seen)
    return rgba[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def _opaque(image: Image.Image) -> Image.Image:
    """Where the thing is: 255 there and 0 on the background, one pixel inside its outline, whose colours are mixed."""
    rgb = np.asarray(image).astype(int)
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    colour = np.median(border, axis=0)
    if (np.abs(border - colour).sum(1) <= NEAR).mean() < PLAIN:
        raise ValueError("has no plain background: cut the thing out (a PNG with transparency), or show it on a sheet")
    near = Image.fromarray(np.where(np.abs(rgb - colour).sum(2) <= NEAR, BACKGROUND, 0).astype(np.uint8))
    # A frame of background joins all that touches the border, wherever the thing is cut off.
    framed = Image.new("L", (image.width + 2, image.height + 2), BACKGROUND)
    framed.paste(near, (1, 1))
    ImageDraw.floodfill(framed, (0, 0), REACHED)
    thing = framed.point(lambda value: 0 if value == REACHED else 255)
    return thing.filter(ImageFilter.MinFilter(3)).crop((1, 1, image.width + 1, image.height + 1))
