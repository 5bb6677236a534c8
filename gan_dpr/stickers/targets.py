"""What chats accept, and files that keep to it.

Limits as their owners stated them in November 2026. A kilobyte is taken as 1,000 bytes, so that a file is good however
the chat counts.

- Slack, emoji: square, under 128 KB, best transparent (docs.slack.dev/reference/methods/admin.emoji.add); shown at up
  to 128 px.
- Discord, sticker: PNG, 320 x 320 px, at most 512 KB (docs.discord.com/developers/resources/sticker). Emoji: PNG or
  WebP among others, at most 256 KB, 128 x 128 px advised (docs.discord.com/developers/resources/emoji).
- Telegram: PNG or WebP, one side exactly 512 px and the other at most that (core.telegram.org/stickers); at most
  512 KB (core.telegram.org/bots/api#uploadstickerfile in its earlier releases; today's page names no number).
- WhatsApp: WebP of exactly 512 x 512 px under 100 KB, a pack of 3 to 30, and a tray icon of 96 x 96 px up to 50 KB
  (github.com/WhatsApp/stickers, Android/README.md).
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, PngImagePlugin

SIZES = (64, 128, 256, 512)
FORMATS = ("png", "webp")
QUALITIES = (95, 90, 80, 70, 60, 50, 40, 30, 20, 10, 0)  # of WebP, where it does not fit without loss
COLOURS = (256, 128, 64, 32, 16)  # of PNG


@dataclass(frozen=True)
class Target:
    """A kind of file: square, `side` pixels a side, `format` one of FORMATS, at most `largest` bytes (None: any)."""

    name: str
    side: int
    format: str
    largest: int | None = None
    fewest: int = 1  # stickers in a pack


CHATS = {
    "slack": Target("Slack", 128, "png", 127_999),
    "discord": Target("Discord (sticker)", 320, "png", 512_000),
    "discord-emoji": Target("Discord (emoji)", 128, "png", 256_000),
    "telegram": Target("Telegram", 512, "webp", 512_000),
    "whatsapp": Target("WhatsApp", 512, "webp", 99_999, fewest=3),
}
TRAY = Target("WhatsApp's tray icon", 96, "png", 50_000)


def target_of(chat: str | None, size: int, format: str) -> Target:
    """The chat's, or a plain one of that size and format. ValueError with what to give instead."""
    if chat:
        if chat not in CHATS:
            raise ValueError(f"There is no chat {chat!r}: choose {', '.join(CHATS)}.")
        return CHATS[chat]
    if size not in SIZES:
        raise ValueError(f"A sticker has {', '.join(map(str, SIZES))} pixels a side, not {size}.")
    if format not in FORMATS:
        raise ValueError(f"A sticker is {' or '.join(FORMATS)}, not {format!r}.")
    return Target(f"{format}, {size} px", size, format)


def encoded(picture: Image.Image, target: Target, about: dict[str, str] | None = None) -> bytes:
    """A sticker (RGBA, of the target's size) as a file: without loss if that fits, else the best that does.

    `about` goes into a PNG's text chunks. ValueError where nothing fits.
    """
    smallest = None
    for data in _attempts(picture, target.format, about or {}):
        if target.largest is None or len(data) <= target.largest:
            check(data, target)
            return data
        smallest = min(len(data), smallest or len(data))
    raise ValueError(
        f"{target.name} takes at most {target.largest:,} bytes, and this sticker has {smallest:,} at its plainest: "
        "leave out the shadow, or choose another seed."
    )


def check(data: bytes, target: Target) -> None:
    """ValueError where a file is not what the target takes."""
    with Image.open(io.BytesIO(data)) as picture:
        format, size, mode = picture.format, picture.size, picture.mode
        transparent = "A" in mode or "transparency" in picture.info
    if format.lower() != target.format or size != (target.side, target.side) or not transparent:
        raise ValueError(
            f"{target.name} takes transparent {target.format} of {target.side} x {target.side} px, "
            f"and this is {format} {mode} of {size[0]} x {size[1]} px."
        )
    if target.largest is not None and len(data) > target.largest:
        raise ValueError(f"{target.name} takes at most {target.largest:,} bytes, and this file has {len(data):,}.")


def _attempts(picture: Image.Image, format: str, about: dict[str, str]) -> Iterator[bytes]:
    """The picture as files, best first."""
    if format == "webp":
        yield _saved(picture, "WEBP", lossless=True, method=4)
        for quality in QUALITIES:
            yield _saved(picture, "WEBP", quality=quality, alpha_quality=quality, method=4)
        return
    chunks = PngImagePlugin.PngInfo()
    for key, value in about.items():
        chunks.add_itxt(key, value)
    yield _saved(picture, "PNG", pnginfo=chunks, optimize=True)
    for colours in COLOURS:
        plain = picture.quantize(colours, Image.Quantize.FASTOCTREE)  # the one that keeps alpha
        yield _saved(plain, "PNG", pnginfo=chunks, optimize=True)


def _saved(picture: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()
