"""Decoding of one picture from anywhere into the square RGB array that training uses."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# Only formats that are plain pictures: Pillow would also start Ghostscript for an EPS file.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
SUFFIXES = frozenset({
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm",
    ".avif",
})  # fmt: skip
OTHER_SUFFIXES = frozenset({".heic", ".heif", ".svg", ".jxl", ".psd", ".ico", ".eps", ".pdf", ".raw", ".dng"})


def decode_picture(picture: Any, image_size: int) -> np.ndarray:
    """Decodes a picture, cuts the central square out of it and resizes that.

    Args:
        picture: a path, the bytes of a file, an (H, W) or (H, W, 3 or 4) uint8 array, a PIL image, or the
            dictionary of "bytes" and "path" that Hugging Face datasets keep.
        image_size: pixels a side.

    Returns:
        (image_size, image_size, 3) uint8 RGB. The EXIF orientation is applied, transparency is laid over
        white, of an animation it is the first frame.

    Raises:
        ValueError: with the reason, where that cannot be done.
    """
    square = ImageOps.fit(open_rgb(picture, 2 * image_size), (image_size, image_size), Image.Resampling.LANCZOS)
    return np.array(square)


def open_rgb(picture: Any, enough: int) -> Image.Image:
    """As `decode_picture`, but whole; a big JPEG may come at a fraction of its size, with `enough` pixels a side."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # as for corrupt EXIF, which only loses the rotation
            with _open(picture) as image:
                image.draft("RGB", (enough, enough))
                return _over_white(ImageOps.exif_transpose(image))
    except ValueError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        most = f"{Image.MAX_IMAGE_PIXELS:,}"
        raise ValueError(f"has more than the {most} pixels that are safe to decode") from None
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except UnidentifiedImageError:
        raise ValueError("is no picture in a known format (PNG, JPEG, WebP, GIF, BMP, TIFF)") from None
    except Exception as error:  # broken files make Pillow raise almost anything, even SyntaxError
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"cannot be decoded ({reason})") from error


def _open(picture: Any) -> Image.Image:
    if isinstance(picture, dict):
        picture = picture.get("bytes") or picture.get("path")
    if isinstance(picture, (list, np.ndarray)):
        return Image.fromarray(_checked(np.asarray(picture)))
    if isinstance(picture, Image.Image):
        return picture.copy()
    if (
        isinstance(picture, str) and "://" in picture
    ):  # in a stream from the hub: hf://..., zip://...::hf://...
        import fsspec

        with fsspec.open(picture, "rb") as file:
            picture = file.read()
    if isinstance(picture, (bytes, bytearray, memoryview)):
        if not len(picture):
            raise ValueError("is empty")
        return Image.open(io.BytesIO(picture), formats=FORMATS)
    if isinstance(picture, (str, Path)):
        path = Path(picture)
        if path.is_file() and not path.stat().st_size:
            raise ValueError("is empty")
        return Image.open(path, formats=FORMATS)
    raise ValueError("has no picture" if picture is None else f"a {type(picture).__name__} is not a picture")


def _checked(array: np.ndarray) -> np.ndarray:
    grey, colour = array.ndim == 2, array.ndim == 3 and array.shape[2] in (3, 4)
    if not (grey or colour) or not array.size:
        raise ValueError(f"an array of shape {array.shape} is not a picture: use (height, width[, 3 or 4])")
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() > 255:
        raise ValueError("an array must hold integers from 0 to 255 to be a picture")
    return array.astype(np.uint8)


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # Pillow's own conversion clips at 255 instead of scaling
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise ValueError("has 32-bit grey values, whose range is unknown: save it with 8 or 16 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
