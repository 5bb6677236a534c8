"""Checks of paths that are made before anything slow starts and anything is written."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..files import is_hub_id, no_checkpoint

if TYPE_CHECKING:
    from ..pipeline import GanDprPipeline


def load_pipeline(checkpoint: Path, device: str) -> "GanDprPipeline":
    """The checkpoint's pipeline, without the progress bars of loading."""
    from transformers.utils import logging

    from ..pipeline import GanDprPipeline

    logging.disable_progress_bar()
    return GanDprPipeline.from_pretrained(checkpoint, device)


def check_checkpoint(checkpoint: Path) -> None:
    """FileNotFoundError if the folder is no checkpoint; what is in it is checked when it is loaded.

    Whether the hub has a model is asked when it is loaded, too.
    """
    if not is_hub_id(checkpoint) and not (checkpoint / "config.json").is_file():
        raise FileNotFoundError(no_checkpoint(checkpoint))


def check_folder(path: Path, option: str = "--out") -> None:
    """ValueError if `path` cannot become a folder because it, or a parent of it, is a file."""
    for part in (path, *path.parents):
        if part.is_dir():
            return
        if part.exists():
            raise ValueError(f"{option} {path}: {part} is a file, not a folder; choose another name.")


def check_file(path: Path, *suffixes: str, option: str = "--out", overwrite: bool = True) -> None:
    """ValueError if `path` cannot become a file of one of the suffixes, or is one that shall not be replaced."""
    if suffixes and path.suffix.lower() not in suffixes:
        raise ValueError(f"{option} {path}: end the name in {' or '.join(suffixes)}.")
    if path.is_dir():
        raise ValueError(f"{option} {path} is a folder: give the name of a file.")
    if path.exists() and not overwrite:
        raise ValueError(f"{option} {path} is there already: add --overwrite to replace it, or choose another name.")
    check_folder(path.parent, option)


def check_input(path: Path) -> None:
    """FileNotFoundError or ValueError if there is no file to read at `path`."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give a file.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
