"""Captions and file names as text: by their byte order mark or UTF-8, never by a silent guess."""

import codecs
import os
import re
import unicodedata
from typing import Any

import numpy as np

# Longest first: UTF-32's little-endian mark begins with UTF-16's.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
SURROGATE = re.compile("[\ud800-\udfff]")
NONE = ("nan", "none", "null")  # as programs write into tables that there is nothing
# Names that were packed or copied on an old Korean or Japanese system, by the letters that only they would give.
OLD_NAMES = (("cp949", "\uac00-\ud7a3"), ("cp932", "\u3040-\u30ff\u4e00-\u9fff"))


def decode_text(content: bytes) -> str:
    """The text of a file, by its byte order mark, else as UTF-8. ValueError with the reason where it is neither."""
    if len(content) > 4:
        marked = [(mark, encoding) for mark, encoding in MARKS if content.startswith(mark)]
    else:  # too short for UTF-32 to be told from UTF-16
        marked = [(mark, encoding) for mark, encoding in MARKS if content.startswith(mark) and "32" not in encoding]
    mark, encoding = marked[0] if marked else (b"", "utf-8")
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text: save it as UTF-8") from None
    if "\0" in text:
        raise ValueError("holds NUL characters: save it as UTF-8 text")
    return text


def each_caption(told: Any) -> list[Any]:
    """The different captions that a table has for a picture, without empty ones; one at least, which may be empty."""
    captions = []
    for caption in told if isinstance(told, list | tuple | np.ndarray) else [told]:
        empty = caption is None or (isinstance(caption, str) and caption.strip().lower() in ("", *NONE))
        if not empty and caption not in captions:
            captions.append(caption)
    return captions or [""]


def check_caption(caption: Any) -> str:
    """A caption without breaks and doubled spaces. ValueError with the reason where there is none or it is no text."""
    if not isinstance(caption, str):
        raise ValueError(f"its caption is no text but {caption!r}"[:100])
    if "\0" in caption:
        raise ValueError("its caption holds a NUL character")
    try:
        caption.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("its caption holds half a letter (a lone surrogate)") from None
    caption = " ".join(caption.split())
    if not caption:
        raise ValueError("its caption is empty")
    return caption


def decode_name(raw: bytes) -> tuple[str, str | None]:
    """A file's name and the encoding that it was read with; None for it where no encoding gives plain words.

    UTF-8 always is what it looks like. An old encoding is believed only where all letters beyond ASCII are of the
    script that it was made for.
    """
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    for encoding, script in OLD_NAMES:
        try:
            name = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if re.fullmatch(f"[\\x20-\\x7e{script}]*", name):
            return name, encoding
    return raw.decode("utf-8", "backslashreplace"), None


def readable(name: str) -> tuple[str, str | None]:
    """As `decode_name`, for a name as Python gives it: with lone surrogates for bytes that are no UTF-8."""
    return (name, "utf-8") if name.isascii() or not SURROGATE.search(name) else decode_name(os.fsencode(name))


def folded(name: str) -> str:
    """What two spellings of one path share: slashes either way, composed or not, upper or lower case."""
    if not name.isascii():
        name = unicodedata.normalize("NFC", readable(name)[0])
    name = name.replace("\\", "/")
    if "//" in name or "./" in name:
        name = re.sub(r"/(\./)+", "/", re.sub(r"/+", "/", name)).removeprefix("./")
    return name.casefold()


def words_of(name: str) -> str:
    """A file's or folder's name as words."""
    return " ".join(re.split(r"[\s_-]+", unicodedata.normalize("NFC", name))).strip()
