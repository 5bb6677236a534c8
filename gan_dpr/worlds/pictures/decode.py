"""Decoding of one picture from anywhere into the square RGB array that training uses."""

import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ...files import is_lfs_pointer

# Only formats that are plain pictures: Pillow would also start Ghostscript for an EPS file. MPO is JPEG, once its index
# of further pictures is cut out with the other metadata.
FORMATS = (
    "PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "AVIF", "JPEG2000", "ICO", "QOI", "PCX", "SGI",
)  # fmt: skip
SUFFIXES = frozenset({
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".jp2", ".j2k", ".jpx", ".j2c", ".jpc", ".webp", ".gif",
    ".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".avifs", ".ico", ".qoi", ".pcx", ".sgi",
    ".tga",
})  # fmt: skip
# Pictures too, but in formats that Pillow does not read, or not safely.
OTHER_SUFFIXES = frozenset({
    ".heic", ".heif", ".svg", ".svgz", ".jxl", ".jxr", ".psd", ".psb", ".xcf", ".kra", ".ai", ".eps", ".ps", ".pdf",
    ".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".exr", ".hdr", ".dds", ".icns", ".pfm",
    ".fits", ".dcm", ".wmf", ".emf", ".flif", ".bpg", ".mp4", ".mov", ".webm", ".avi", ".mkv", ".m4v",
})  # fmt: skip
NOT_READ = "has a format that is not read: convert it to PNG or JPEG"
HEIC = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypheim", b"ftypheis")  # from a file's fifth byte on
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What says how the pixels are to be understood. Everything else, from comments to colour profiles, is not needed here.
PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"})
# JFIF, EXIF (the rotation) and Adobe's (which tells CMYK and YCCK apart).
JPEG_DROPPED = frozenset(range(0xE0, 0xF0)) - {0xE0, 0xE1, 0xEE} | {0xFE}


def decode_picture(picture: Any, image_size: int) -> np.ndarray:
    """Decodes a picture, cuts the central square out of it and resizes that.

    Args:
        picture: a path, the bytes of a file, an (H, W) or (H, W, 3 or 4) uint8 array, a PIL image, or the
            dictionary of "bytes" and "path" that Hugging Face datasets keep.
        image_size: pixels a side.

    Returns:
        (image_size, image_size, 3) uint8 RGB. The EXIF orientation is applied where it can be read, transparency
        is laid over white, of an animation it is the first frame.

    Raises:
        ValueError: with the reason, where that cannot be done. Only the pixels count: no broken or oversized
            metadata is a reason.
    """
    square = ImageOps.fit(open_rgb(picture, 2 * image_size), (image_size, image_size), Image.Resampling.LANCZOS)
    return np.array(square)


def open_rgb(picture: Any, enough: int) -> Image.Image:
    """As `decode_picture`, but whole; a big JPEG may come at a fraction of its size, with `enough` pixels a side."""
    return _opened_as(_over_white, picture, enough)


def open_rgba(picture: Any, enough: int) -> Image.Image:
    """As `open_rgb`, with its transparency."""
    return _opened_as(lambda image: image.convert("RGBA"), picture, enough)


def _opened_as(convert: Callable[[Image.Image], Image.Image], picture: Any, enough: int) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # as for corrupt EXIF, which only loses the rotation
            with _open(picture) as image:
                image.draft("RGB", (enough, enough))
                image.load()
                return convert(_upright(_in_8_bits(image)))
    except ValueError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        most = f"{Image.MAX_IMAGE_PIXELS:,}"
        raise ValueError(f"has more than the {most} pixels that are safe to decode") from None
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except UnidentifiedImageError:
        raise ValueError("is no picture in a known format (PNG, JPEG, WebP, GIF, BMP, TIFF)") from None
    except PermissionError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
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
    formats = FORMATS
    if isinstance(picture, str) and "://" in picture:  # in a stream from the hub: hf://..., zip://...::hf://...
        import fsspec

        with fsspec.open(picture, "rb") as file:
            picture = file.read()
    elif isinstance(picture, (str, Path)):
        suffix = os.path.splitext(picture)[1].lower()
        if suffix == ".tga":
            formats = (*FORMATS, "TGA")  # which has no signature: its reader takes other files for pictures
        if suffix in OTHER_SUFFIXES and os.path.exists(picture):
            raise ValueError(NOT_READ)
        picture = Path(picture).read_bytes()
    if not isinstance(picture, (bytes, bytearray, memoryview)):
        raise ValueError("has no picture" if picture is None else f"a {type(picture).__name__} is not a picture")
    content = bytes(picture)
    if not content:
        raise ValueError("is empty")
    if is_lfs_pointer(content):
        raise ValueError("is a Git LFS pointer and not the file itself: run `git lfs pull`")
    if content[4:12] in HEIC:  # whatever it is called: telephones save it as .jpg
        raise ValueError(NOT_READ)
    return Image.open(io.BytesIO(_only_pixels(content)), formats=formats)


def _only_pixels(content: bytes) -> bytes:
    """A PNG or JPEG file without metadata; Pillow refuses a picture for a broken or long text, profile or index."""
    if content.startswith(PNG_SIGNATURE):
        return _png_pixels(content)
    return _jpeg_pixels(content) if content.startswith(b"\xff\xd8\xff") else content


def _png_pixels(content: bytes) -> bytes:
    kept, place = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while place + 8 <= len(content):
        end = place + 12 + int.from_bytes(content[place : place + 4], "big")
        if content[place + 4 : place + 8] in PNG_KEPT:
            kept.append(content[place:end])
        place = end
    return b"".join(kept)


def _jpeg_pixels(content: bytes) -> bytes:
    """Cut out segments until the pixels begin; what is not as it should be stays, for Pillow to judge."""
    kept, place = [content[:2]], 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker in (0xFF, 0x01) or 0xD0 <= marker <= 0xDA:  # fill bytes, no length; or the scan itself
            break
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        if marker not in JPEG_DROPPED:
            kept.append(content[place:end])
        place = end
    return b"".join([*kept, content[place:]])


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a broken EXIF block raises anything; the pixels are whole, only their rotation is not known
        return image


def _checked(array: np.ndarray) -> np.ndarray:
    grey, colour = array.ndim == 2, array.ndim == 3 and array.shape[2] in (3, 4)
    if not (grey or colour) or not array.size:
        raise ValueError(f"an array of shape {array.shape} is not a picture: use (height, width[, 3 or 4])")
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() > 255:
        raise ValueError("an array must hold integers from 0 to 255 to be a picture")
    return array.astype(np.uint8)


def _in_8_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        # 16 bits of grey, which Pillow's own conversion clips at 255 instead of scaling.
        grey = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
        grey.info = image.info  # with the rotation
        return grey
    if image.mode in ("I", "F"):
        raise ValueError("has 32-bit grey values, whose range is unknown: save it with 8 or 16 bits")
    return image


def _over_white(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
