"""A sheet of random scenes and their captions."""

import textwrap
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .captions import write_caption
from .render import render
from .world import EmojiWorld

COLUMNS = 8
CELL_WIDTH, TEXT_HEIGHT, MARGIN = 168, 76, 8


def contact_sheet(path: str | Path, n: int = 48, seed: int = 0, size: int = 64) -> None:
    """Writes `n` random training scenes, rendered at `size` pixels and shown at 128, with their captions."""
    if n < 1:
        raise ValueError(f"a contact sheet needs at least one scene, not {n}")
    rng = np.random.default_rng(seed)
    world = EmojiWorld({"concept": "core128"})
    font = ImageFont.load_default(12)
    cell_height = 128 + TEXT_HEIGHT
    columns = min(COLUMNS, n)
    rows = -(-n // columns)
    sheet = Image.new("RGB", (columns * CELL_WIDTH + MARGIN, rows * cell_height + MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    for i in range(n):
        scene = world.sample(rng)
        left = MARGIN + i % columns * CELL_WIDTH
        top = MARGIN + i // columns * cell_height
        picture = Image.fromarray(render(scene, size)).resize((128, 128), Image.Resampling.NEAREST)
        sheet.paste(picture, (left, top))
        draw.rectangle((left - 1, top - 1, left + 128, top + 128), outline=(210, 210, 210))
        lines = textwrap.wrap(write_caption(scene, rng).text, 25)
        draw.multiline_text((left, top + 130), "\n".join(lines), fill="black", font=font, spacing=1)
    sheet.save(path)
