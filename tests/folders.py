"""Folders of small pictures, written and read."""

import io
from pathlib import Path

from PIL import Image

from gan_dpr.worlds.pictures.dataset import PictureDataset, load_pictures

COLOURS = {"a": (255, 0, 0), "b": (0, 255, 0), "c": (0, 0, 255), "d": (250, 200, 0)}


def png(letter: str = "a", kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), COLOURS[letter]).save(file, kind, **options)
    return file.getvalue()


def put(folder: Path, files: dict) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read(folder: Path, **options) -> dict[str, str]:
    return captions(load_pictures(folder, 4, **options))


def captions(made: PictureDataset) -> dict[str, str]:
    return dict(zip(made.paths, made.captions, strict=True))
