"""Every kind of error that a user can cause or mend, in one sentence."""

import errno
import os
import re
import struct
import zipfile
import zlib

# Errors of libraries that are too heavy to import for their classes' sake, by the package that they come from.
# (torch's RuntimeError is in none: but for want of memory it is a fault of ours.)
PACKAGES = {
    "safetensors": "a weights file is damaged",
    "safetensors_rust": "a weights file is damaged",
    "pyarrow": "a table cannot be read",
    "PIL": "a picture cannot be read",
    "datasets": "a data set cannot be read",
    "huggingface_hub": "the Hugging Face hub did not give it",
    "tokenizers": "the tokenizer is damaged",
}
NO_MEMORY = "There is not enough memory for this: close other programs, or ask for less at a time."


def sentence_of(error: BaseException) -> str | None:
    """What is wrong, in one line; None for an error that is no user's, which should be seen whole."""
    words = " ".join(str(error).split())
    package = type(error).__module__.split(".")[0]
    number = re.search(r"\(os error (\d+)\)", words)
    if package in PACKAGES and number is not None:  # of safetensors and tokenizers, which are written in Rust
        return _of_the_system(OSError(int(number[1]), os.strerror(int(number[1]))), words)
    match error:
        case MemoryError():
            return NO_MEMORY
        case RuntimeError() if "can't allocate memory" in words or "out of memory" in words:  # torch's
            return NO_MEMORY
        case RecursionError():
            return "A file is nested too deeply to be read."
        case UnicodeError():
            return f"A text cannot be read or written as {getattr(error, 'encoding', 'text')}: save it as UTF-8."
        case OSError():
            return _of_the_system(error, words)
        case zipfile.BadZipFile() | zlib.error() | struct.error() | EOFError():
            return f"A file is damaged or cut off ({words or type(error).__name__}): fetch or make it again."
        case ValueError() | ImportError():
            return words
    if package in PACKAGES:
        return f"{PACKAGES[package][0].upper()}{PACKAGES[package][1:]} ({words or type(error).__name__})."
    return None


def _of_the_system(error: OSError, words: str) -> str:
    """The system's own errors as `FILE: what is wrong`."""
    if error.errno is None or not error.strerror:
        return words or "A file cannot be read or written."
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{where}{error.strerror}: make room on the disk, or choose another place."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{where}{error.strerror}: choose a place that you may use, or ask whoever owns this one."
    return f"{where}{error.strerror}."
