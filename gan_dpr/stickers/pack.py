"""A pack: up to thirty stickers with names in one zip."""

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from .targets import CHATS, TRAY, Target, encoded

LARGEST_PACK = 30  # WhatsApp's; the others take more


@dataclass(frozen=True)
class Sticker:
    """A picture (RGBA), what it shows, and what draws it again: text chunks of a PNG."""

    picture: Image.Image
    name: str
    about: dict[str, str]


def check_pack(count: int, target: Target) -> None:
    """ValueError where so many stickers make no pack."""
    if not target.fewest <= count <= LARGEST_PACK:
        fewest = f"{target.fewest} to " if target.fewest > 1 else "at most "
        raise ValueError(f"A pack for {target.name} has {fewest}{LARGEST_PACK} stickers, not {count}.")


def file_names(names: list[str], target: Target) -> list[str]:
    """A number each, so that all are different and in order, and the name in letters that every disk has."""
    slugs = (re.sub(r"[^\w]+", "-", name.lower()).strip("-_")[:48].rstrip("-") for name in names)
    return [f"{number:02d}-{slug or 'sticker'}.{target.format}" for number, slug in enumerate(slugs, 1)]


def write_pack(path: Path, stickers: list[Sticker], target: Target) -> None:
    """Write a zip of all stickers and pack.json, which names them; for WhatsApp also tray.png.

    ValueError where there are too many or too few, or one cannot be made small enough; nothing is written then.
    """
    check_pack(len(stickers), target)
    names = file_names([sticker.name for sticker in stickers], target)
    files = {
        name: encoded(sticker.picture, target, sticker.about)
        for name, sticker in zip(names, stickers, strict=True)
    }
    rows = [
        {"file": name, "name": sticker.name, **sticker.about} for name, sticker in zip(names, stickers, strict=True)
    ]
    files["pack.json"] = (json.dumps(rows, indent=2, ensure_ascii=False) + "\n").encode()
    if target is CHATS["whatsapp"]:
        side = (TRAY.side, TRAY.side)
        files["tray.png"] = encoded(stickers[0].picture.resize(side, Image.Resampling.LANCZOS), TRAY)
    with zipfile.ZipFile(path, "w") as archive:  # stored: pictures are compressed already
        for name, data in files.items():
            archive.writestr(name, data)
