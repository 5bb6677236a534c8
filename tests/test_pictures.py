"""Decoding of single pictures: cuts, transparency, rotation, odd modes, broken and dangerous files."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from gan_dpr.gallery import open_picture
from gan_dpr.worlds.pictures.decode import decode_picture
from gan_dpr.worlds.pictures.world import CaptionsWorld

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def png(
    colour: tuple = RED, size: tuple[int, int] = (8, 8), mode: str = "RGB", kind: str = "PNG", **options
) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind, **options)
    return file.getvalue()


def test_the_central_square_is_cut_out():
    wide = Image.new("RGB", (12, 4), RED)
    wide.paste(GREEN, (4, 0, 8, 4))
    assert np.array_equal(decode_picture(wide, 4), np.broadcast_to(np.array(GREEN, np.uint8), (4, 4, 3)))
    assert np.array_equal(decode_picture(wide.rotate(90, expand=True), 4)[1, 1], GREEN)


def test_transparency_is_laid_over_white():
    assert decode_picture(png((255, 0, 0, 0), mode="RGBA"), 2)[0, 0].tolist() == [255, 255, 255]
    assert decode_picture(png((255, 0, 0, 128), mode="RGBA"), 2)[0, 0].tolist() == [255, 127, 127]
    assert decode_picture(png((0, 128), mode="LA"), 2)[0, 0].tolist() == [127, 127, 127]
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([0, 0, 255])
    file = io.BytesIO()
    palette.save(file, "PNG", transparency=0)
    assert decode_picture(file.getvalue(), 2)[0, 0].tolist() == [255, 255, 255]


def test_exif_rotation_is_applied():
    half = Image.new("RGB", (16, 16), RED)
    half.paste(BLUE, (0, 0, 16, 8))  # blue above red
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown rotated by 90 degrees clockwise: blue on the right
    file = io.BytesIO()
    half.save(file, "PNG", exif=exif)
    shown = decode_picture(file.getvalue(), 4)
    assert shown[1, 0].tolist() == list(RED)
    assert shown[1, 3].tolist() == list(BLUE)


def test_a_search_result_is_shown_upright_over_white_and_not_larger_than_needed(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    Image.new("RGBA", (1024, 256), (255, 0, 0, 0)).save(tmp_path / "a.png", exif=exif)
    shown = open_picture({"path": str(tmp_path / "a.png")}, CaptionsWorld(()), 64)
    assert (shown.mode, shown.size, shown.getpixel((0, 0))) == ("RGB", (128, 512), (255, 255, 255))
    assert open_picture({"path": str(tmp_path / "gone.png")}, CaptionsWorld(()), 64) is None


def test_the_first_frame_of_an_animation():
    frames = [Image.new("RGB", (8, 8), colour) for colour in (GREEN, RED, BLUE)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        file = io.BytesIO()
        options = {"lossless": True} if kind == "WEBP" else {}
        frames[0].save(file, kind, save_all=True, append_images=frames[1:], **options)
        assert decode_picture(file.getvalue(), 2)[0, 0].tolist() == list(GREEN), kind


@pytest.mark.parametrize(
    ("picture", "value"),
    [
        (png(100, mode="L"), [100, 100, 100]),
        (png(1, mode="1"), [255, 255, 255]),
        (png(25700, mode="I;16"), [100, 100, 100]),
        (png((0, 255, 255, 0), mode="CMYK", kind="TIFF"), [255, 0, 0]),
        (np.full((5, 7), 9, np.uint8), [9, 9, 9]),
        (np.full((5, 7, 3), 9, np.int64), [9, 9, 9]),
        ([[[1, 2, 3], [1, 2, 3]]], [1, 2, 3]),
        ({"bytes": png(BLUE), "path": "x.png"}, [0, 0, 255]),
        (Image.new("RGB", (3, 3), BLUE), [0, 0, 255]),
        (png(RED, kind="BMP"), [255, 0, 0]),
    ],
)
def test_kinds_of_pictures(picture, value):
    decoded = decode_picture(picture, 2)
    assert decoded.shape == (2, 2, 3)
    assert decoded[1, 1].tolist() == value


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (None, "has no picture"),
        (7, "a int is not a picture"),
        ({"bytes": None, "path": None}, "has no picture"),
        ({"bytes": None, "path": "/nowhere/x.png"}, "there is no such file"),
        (np.zeros((2, 2, 5), np.uint8), r"an array of shape \(2, 2, 5\) is not a picture"),
        (np.zeros((2, 2, 3), np.float32), "an array must hold integers from 0 to 255"),
        (np.full((2, 2), 256), "an array must hold integers from 0 to 255"),
        (Image.new("F", (2, 2)), "has 32-bit grey values"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no picture in a known format"),
    ],
)
def test_what_is_no_picture(picture, reason):
    with pytest.raises(ValueError, match=reason):
        decode_picture(picture, 2)


@pytest.mark.parametrize("limit", [40, 100])
def test_decompression_bombs(monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)  # 144 pixels: over the limit, over twice the limit
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=f"has more than the {limit} pixels that are safe to decode"):
            decode_picture(png(size=(12, 12)), 2)
