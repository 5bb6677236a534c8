"""Every usual format of a picture is decoded, whatever its metadata; what cannot be is named."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folders import png, put
from PIL import Image

from gan_dpr.worlds.pictures.dataset import load_pictures
from gan_dpr.worlds.pictures.decode import decode_picture
from gan_dpr.worlds.pictures.report import ReadingReport


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"zTXt", b"note\0\0" + zlib.compress(bytes(2_000_000))),
        (b"iTXt", b"note\0\1\0\0\0" + zlib.compress(bytes(2_000_000))),
        (b"iCCP", b"profile\0\0" + zlib.compress(bytes(2_000_000))),
        (b"tEXt", b"note\0" + bytes(2_000_000)),
        (b"eXIf", b"no exif at all"),
        (b"iCCP", b""),
    ],
)
def test_metadata_of_a_png_is_no_reason(kind: bytes, content: bytes):
    whole = png("c")
    damaged = whole[:33] + chunk(kind, content) + whole[33:]
    assert decode_picture(damaged, 2)[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize(
    "segment",
    [
        b"\xff\xe1" + struct.pack(">H", 18) + b"Exif\0\0broken!!!!",
        b"\xff\xe2" + struct.pack(">H", 14) + b"ICC_PROFILE\0",
        b"\xff\xe2" + struct.pack(">H", 20) + b"MPF\0MM\0*" + bytes(10),
        b"\xff\xed" + struct.pack(">H", 30) + b"Photoshop 3.0\x008BIM" + b"\xff" * 10,
    ],
)
def test_metadata_of_a_jpeg_is_no_reason(segment: bytes):
    whole = png("c", "JPEG", quality=95)
    decoded = decode_picture(whole[:2] + segment + whole[2:], 2)[0, 0].astype(int)
    assert np.abs(decoded - [0, 0, 255]).max() < 5


def test_a_rotation_survives_in_a_jpeg():
    exif = Image.Exif()
    exif[0x0112] = 6
    half = Image.new("RGB", (16, 16), "red")
    half.paste("blue", (0, 0, 16, 8))
    file = io.BytesIO()
    half.save(file, "JPEG", exif=exif, quality=95, subsampling=0)
    shown = decode_picture(file.getvalue(), 4)
    assert shown[1, 3, 2] > 200
    assert shown[1, 0, 0] > 200


def test_further_formats_are_read(tmp_path: Path):
    made = Image.new("RGB", (16, 16), (0, 0, 255))
    for suffix in ("tga", "jp2", "ico", "qoi", "pcx", "sgi", "ppm", "bmp", "tiff", "gif", "webp", "avif"):
        made.save(tmp_path / f"a.{suffix}")
        assert abs(decode_picture(tmp_path / f"a.{suffix}", 2)[0, 0].astype(int) - [0, 0, 255]).max() < 8, suffix
    made.save(tmp_path / "a.mpo", "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8), "red")])
    assert decode_picture(tmp_path / "a.mpo", 2)[0, 0, 2] > 240
    (tmp_path / "a.pgm").write_bytes(b"P5 4 4 65535 " + struct.pack(">16H", *[25700] * 16))
    assert decode_picture(tmp_path / "a.pgm", 2)[0, 0].tolist() == [100, 100, 100]


def test_formats_that_are_not_read_are_named(tmp_path: Path):
    put(tmp_path, {f"cat/a.{x}": b"x" for x in ("HEIC", "svg", "mov", "cr2", "jxl")} | {"cat/b.png": png()})
    made = load_pictures(tmp_path, 4)
    assert len(made.report.skipped) == 5
    assert {reason for _, reason in made.report.skipped} == {"has a format that is not read: convert it to PNG or JPEG"}


def test_a_git_lfs_pointer_is_named(tmp_path: Path):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    put(tmp_path, {"cat/a.png": pointer, "cat/b.png": png()})
    made = load_pictures(tmp_path, 4)
    assert made.report.skipped[0][1] == "is a Git LFS pointer and not the file itself: run `git lfs pull`"
    put(tmp_path, {"metadata.csv": pointer})
    with pytest.raises(ValueError, match="^metadata.csv is a Git LFS pointer"):
        load_pictures(tmp_path, 4)


def test_the_same_picture_twice_is_told(tmp_path: Path):
    put(tmp_path, {"cat/a.png": png(), "cat/b.png": png("b"), "dog/c.png": png()})
    made = load_pictures(tmp_path, 4)
    assert made.report.duplicates == (("dog/c.png", "cat/a.png"),)
    assert made.report.different_captions == 2
    assert made.report.lines() == [
        "pictures: 3 used, 0 skipped", "captions: 3 from names of folders; 2 different",
        "the same picture again: dog/c.png is cat/a.png",
    ]  # fmt: skip


def test_many_skipped_are_counted():
    report = ReadingReport(1, tuple((f"{i}.png", "is empty") for i in range(150)))
    lines = report.lines(most=10)
    assert lines[-2:] == ["skipped 9.png: is empty", "skipped 140 more"]


@pytest.mark.slow
def test_more_shards_than_open_files(tmp_path: Path):
    for i in range(130):
        pq.write_table(pa.table({"image": [png()], "text": [f"red {i}"]}), tmp_path / f"{i:05d}.parquet")
    code = (
        "import resource, sys; from gan_dpr.worlds.pictures.dataset import load_pictures; import datasets\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)); print(len(load_pictures(sys.argv[1], 4)))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("130\n", 0), done.stderr
