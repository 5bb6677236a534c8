"""Captioned pictures in a folder: metadata files, texts beside pictures, names of subfolders."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from .pictures import OTHER_SUFFIXES, SUFFIXES

CAPTION_NAMES = ("text", "caption", "captions", "prompt", "description", "title", "label", "class")
METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
SPLITS = frozenset({"train", "training", "test", "testing", "validation", "valid", "val", "dev", "eval"})


@dataclass(frozen=True)
class Item:
    """A picture not yet decoded with its caption, or the `problem` for which there is none.

    With a problem, `picture` is there only if it lacks nothing but the caption.
    """

    name: str
    picture: Any
    caption: Any
    problem: str = ""


def choose_column(
    columns: Sequence[str], given: str | None, usual: Sequence[str], kind: str, source: str
) -> str:
    """The column `given`, or the first of the `usual` names that is there; ValueError if there is none."""
    if given is not None:
        if given not in columns:
            raise ValueError(f"{source} has no {kind} column {given!r}: use one of {', '.join(columns)}")
        return given
    by_name = {column.lower(): column for column in reversed(columns)}
    for name in usual:
        if name in by_name:
            return by_name[name]
    raise ValueError(f"{source} has no column that is plainly the {kind}: name one of {', '.join(columns)}")


def folder_items(root: Path, image_column: str | None, caption_column: str | None, split: str) -> list[Item]:
    """The pictures of a folder: first those that metadata files list, then the others by path.

    Raises:
        ValueError: a metadata file lacks a column, or the folder is divided into splits and lacks this one.
    """
    root = _split_folder(root, split)
    files = visible_files(root)
    items, listed, covered = [], set(), {}
    for path in files:
        if path.name in METADATA_NAMES or _is_diffusiondb_part(path):
            covered.setdefault(path.parent, path.name)
            for item in _metadata_items(root, path, image_column, caption_column):
                items.append(item)
                listed.add(item.picture)
    return items + [
        _item_of_file(root, path, covered)
        for path in files
        if path.suffix.lower() in SUFFIXES | OTHER_SUFFIXES and path not in listed
    ]


def visible_files(root: Path) -> list[Path]:
    """All files below a folder, sorted, without hidden ones and what macOS puts into archives."""
    return sorted(
        path
        for path in root.rglob("*")
        if path.is_file() and not any(p.startswith((".", "__MACOSX")) for p in path.relative_to(root).parts)
    )


def _split_folder(root: Path, split: str) -> Path:
    entries = [entry for entry in sorted(root.iterdir()) if not entry.name.startswith(".")]
    folders = [entry.name for entry in entries if entry.is_dir()]
    pictures = any(entry.name in METADATA_NAMES or entry.suffix.lower() in SUFFIXES for entry in entries)
    if pictures or not folders or not SPLITS.issuperset(folders):
        return root
    if split not in folders:
        raise ValueError(f"{root} has no split {split!r}: use one of {', '.join(folders)}")
    return root / split


def _is_diffusiondb_part(path: Path) -> bool:
    # As DiffusionDB is packed: part-000001/part-000001.json tells the prompts of the pictures beside it.
    return path.suffix == ".json" and path.stem == path.parent.name and path.stem.startswith("part-")


def _metadata_items(
    root: Path, metadata: Path, image_column: str | None, caption_column: str | None
) -> Iterator[Item]:
    source = metadata.relative_to(root).as_posix()
    rows = _rows(metadata, source)
    columns = list(dict.fromkeys(key for row in rows if isinstance(row, dict) for key in row))
    if not columns:
        raise ValueError(f"{source} lists no pictures")
    image_column = choose_column(columns, image_column, ("file_name",), "image", source)
    caption_column = choose_column(columns, caption_column, CAPTION_NAMES, "caption", source)
    top = root.resolve()
    for number, row in enumerate(rows, start=1):
        name = row.get(image_column) if isinstance(row, dict) else None
        if not name or not isinstance(name, str):
            reason = row if isinstance(row, str) else f"names no file in {image_column}"
            yield Item(f"{source} row {number}", None, None, problem=reason)
            continue
        path = metadata.parent / name
        if not path.resolve().is_relative_to(top):
            yield Item(name, None, None, problem="lies outside the folder")
        elif not path.is_file():
            yield Item(name, None, None, problem=f"is listed in {source} but is not there")
        else:
            yield Item(path.relative_to(root).as_posix(), path, row.get(caption_column))


def _rows(metadata: Path, source: str) -> list[dict | str]:
    """The rows of a metadata file; a row that cannot be read is a string that says why."""
    try:
        if metadata.suffix == ".parquet":
            return pq.read_table(metadata).to_pylist()
        text = metadata.read_text(encoding="utf-8-sig")
        if metadata.suffix == ".json":
            parts = json.loads(text)
            return [{"file_name": name, "prompt": entry.get("p")} for name, entry in parts.items()]
        if metadata.suffix == ".csv":
            return list(csv.DictReader(text.splitlines(keepends=True), strict=True))
    except UnicodeDecodeError:
        raise ValueError(f"{source} is not UTF-8 text: save it as UTF-8") from None
    except (csv.Error, ValueError, AttributeError, OSError) as error:
        raise ValueError(f"{source} cannot be read ({error})") from error
    rows = []
    for line in filter(str.strip, text.splitlines()):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            row = f"is no JSON ({error})"
        rows.append(row if isinstance(row, (dict, str)) else "is no JSON object")
    return rows


def _item_of_file(root: Path, path: Path, covered: dict[Path, str]) -> Item:
    name = path.relative_to(root).as_posix()
    if path.suffix.lower() in OTHER_SUFFIXES:
        return Item(name, None, None, problem="has a format that is not read: convert it to PNG or JPEG")
    beside = path.with_suffix(".txt")
    if beside.is_file():
        try:
            return Item(name, path, beside.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError:
            return Item(name, path, None, problem=f"{beside.name} is not UTF-8 text")
    metadata = next((covered[folder] for folder in path.parents if folder in covered), None)
    if metadata is not None:
        return Item(name, path, None, problem=f"is not listed in {metadata}")
    if path.parent == root:
        problem = f"has no caption: there is no metadata file, no {beside.name}, no subfolder"
        return Item(name, path, None, problem)
    return Item(name, path, path.parent.name.replace("_", " "))
