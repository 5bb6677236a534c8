"""Token states of captions in a file that is mapped into memory.

A hundred thousand captions take gigabytes; mapped, they take as much memory as is free and no more. The file is called
after what it holds, so that a resumed run reads it again, and one whose captions have changed makes another.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ..files import replacing
from ..networks.encoders import TextTower, TokenStates

CHUNK = 1024  # texts at a time


def cached_states(
    folder: Path, texts: list[str], tower: TextTower, encoded: Callable[[list[str]], TokenStates]
) -> TokenStates:
    """States (N, L, hidden) float16 of N texts, in `folder`, and their masks; other files of the kind are removed.

    Args:
        folder: made if it is not there.
        texts: the captions.
        tower: whose states they are.
        encoded: some of the texts -> their states in float16.
    """
    lengths = np.minimum(tower.lengths(texts), tower.MAX_TOKENS)
    shape = (len(texts), int(lengths.max()), tower.hidden_size)
    digest = hashlib.sha256(tower.fingerprint().encode())
    for text in texts:
        digest.update(text.encode() + b"\0")
    path = folder / f"{digest.hexdigest()[:32]}.npy"
    states = _mapped(path, shape)
    if states is None:
        for old in folder.glob("*.npy"):
            old.unlink(missing_ok=True)
        _write(path, texts, shape, encoded)
        states = _mapped(path, shape)
    mask = np.arange(shape[1]) < lengths[:, None]
    return TokenStates(torch.from_numpy(states), torch.from_numpy(mask))


def _mapped(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The array in a file; None where there is none, or another or a damaged one."""
    try:
        found = np.load(path, mmap_mode="c")  # nothing is written to the file
    except (OSError, ValueError, EOFError):
        return None
    return found if found.shape == shape and found.dtype == np.float16 else None


def _write(path: Path, texts: list[str], shape: tuple[int, ...], encoded: Callable[[list[str]], TokenStates]) -> None:
    # By appending, and not through a map: on a full disk that is an error and no signal.
    with replacing(path) as part, part.open("wb") as file:
        header = {"descr": "<f2", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(texts), CHUNK):
            states = encoded(texts[start : start + CHUNK]).states
            padded = torch.zeros(len(states), *shape[1:], dtype=torch.float16)
            padded[:, : states.shape[1]] = states
            file.write(padded.numpy().tobytes())
