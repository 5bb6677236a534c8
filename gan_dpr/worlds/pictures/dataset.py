"""People's own captioned pictures: from a folder, parquet, a saved Hugging Face dataset, or a hub id."""

import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .folder import CAPTION_NAMES, SPLITS, Item, choose_column, folder_items, visible_files
from .pictures import SUFFIXES, decode_picture

IMAGE_NAMES = ("image", "img", "picture", "photo", "jpg", "jpeg", "png", "webp")
HUB_ID = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(:(?P<config>[\w.-]+))?(@(?P<revision>[\w./-]+))?")
NAMED_IN_WARNING = 10


@dataclass
class PictureDataset:
    """N pictures with captions, held in memory.

    Attributes:
        images: (N, S, S, 3) uint8 RGB.
        captions: N texts, none empty.
        paths: N names: the path within the folder, or file and row.
        skipped: (name, reason) of everything that could not be used.
    """

    images: np.ndarray
    captions: list[str]
    paths: list[str]
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.captions)


def load_pictures(
    source: str | Path,
    image_size: int,
    image_column: str | None = None,
    caption_column: str | None = None,
    split: str = "train",
    limit: int | None = None,
    name_uncaptioned: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> PictureDataset:
    """Reads captioned pictures; each is cut to its central square and resized.

    Args:
        source: one of
            - a folder of pictures. Captions come from metadata.csv, .jsonl or .parquet (column file_name and
              a caption column), else from `name.txt` beside `name.png`, else from the name of the subfolder;
              DiffusionDB's part-000001/part-000001.json is read too;
            - a .parquet file, or a folder of them;
            - a folder that `Dataset.save_to_disk` or `DatasetDict.save_to_disk` wrote;
            - a hub id: "owner/name", "owner/name:config", "owner/name:config@revision". With `limit` it is
              streamed, else downloaded whole.
        image_size: pixels a side of the result.
        image_column: where it is not called image (or, in metadata files, file_name).
        caption_column: where it is not called text, caption, prompt, ...
        split: which part, where the source has parts.
        limit: at most so many pictures.
        name_uncaptioned: a picture file without a caption is called after its name instead of left out.
        progress: called after each picture with (done, total), total None where unknown.

    Raises:
        FileNotFoundError: there is no such source.
        ValueError: it cannot be read, lacks the columns, or holds no usable picture. A single bad picture is
            no error: it is left out, listed in `skipped` and named in a warning.
    """
    if image_size < 1:
        raise ValueError(f"image_size must be at least 1 pixel, not {image_size}")
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1 picture, not {limit}")
    items, total = _open(str(source), image_column, caption_column, split, limit)
    images, captions, paths, skipped = [], [], [], []
    for done, item in enumerate(items, start=1):
        try:
            caption = _caption_text(item, name_uncaptioned)
            images.append(decode_picture(item.picture, image_size))
            captions.append(caption)
            paths.append(item.name)
        except ValueError as error:
            skipped.append((item.name, str(error)))
        if progress is not None:
            # with a limit, every skipped picture makes room for one more
            progress(done, total if limit is None else min(total or sys.maxsize, limit + len(skipped)))
        if len(captions) == limit:
            break
    if not captions:
        reason = f"; the first of {len(skipped)} unusable: {': '.join(skipped[0])}" if skipped else ""
        raise ValueError(f"{source} holds no captioned picture{reason}")
    if skipped:
        named = "; ".join(": ".join(entry) for entry in skipped[:NAMED_IN_WARNING])
        rest = f"; and {len(skipped) - NAMED_IN_WARNING} more" if len(skipped) > NAMED_IN_WARNING else ""
        warnings.warn(f"skipped {len(skipped)} of {done} pictures: {named}{rest}", stacklevel=2)
    return PictureDataset(np.stack(images), captions, paths, skipped)


def _caption_text(item: Item, name_uncaptioned: bool) -> str:
    if item.problem and name_uncaptioned and item.picture is not None:
        return " ".join(re.split(r"[\s_-]+", Path(item.name).stem)).strip() or item.name
    if item.problem:
        raise ValueError(item.problem)
    caption = item.caption
    if isinstance(caption, (list, tuple, np.ndarray)):  # several captions of one picture: the first
        caption = next(iter(caption), "")
    if caption is None:
        caption = ""
    if not isinstance(caption, str):
        raise ValueError(f"its caption is no text but {caption!r}"[:100])
    caption = " ".join(caption.split())
    if not caption:
        raise ValueError("its caption is empty")
    return caption


def _open(
    source: str, image_column: str | None, caption_column: str | None, split: str, limit: int | None
) -> tuple[Iterable[Item], int | None]:
    """The items of a source and their number, None where that is not known beforehand."""
    path = Path(source)
    if path.is_file():
        if path.suffix.lower() != ".parquet":
            raise ValueError(f"{source} is no parquet file: give a folder, a .parquet file or a hub id")
        return _parquet_items([path], image_column, caption_column)
    if path.is_dir():
        if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
            return _dataset_items(_saved_dataset(path, split), source, image_column, caption_column)
        files = visible_files(path)
        tables = [file for file in files if file.suffix == ".parquet" and file.name != "metadata.parquet"]
        if tables:
            if any(file.suffix.lower() in SUFFIXES for file in files):
                raise ValueError(f"{source} holds pictures and {tables[0].name}: give the one or the other")
            return _parquet_items(_tables_of_split(path, tables, split), image_column, caption_column)
        items = folder_items(path, image_column, caption_column, split)
        return items, len(items)
    hub_id = HUB_ID.fullmatch(source)
    if hub_id is None:
        raise FileNotFoundError(f"there is no {source}: give a folder, a .parquet file or a hub id")
    return _dataset_items(_hub_dataset(hub_id, split, limit), source, image_column, caption_column)


def _tables_of_split(root: Path, tables: list[Path], split: str) -> list[Path]:
    """The tables whose path says that they are of this split (train-00000.parquet), if any does."""
    splits: dict[str, list[Path]] = {}
    for table in tables:
        parts = table.relative_to(root).as_posix().lower().split("/")
        words = [re.split(r"[-_.]", part.removeprefix("partial-"))[0] for part in parts]
        said = next((word for word in words if word in SPLITS), None)
        if said is not None:
            splits.setdefault(said, []).append(table)
    if splits and split not in splits:
        raise ValueError(f"{root} has no split {split!r}: use one of {', '.join(splits)}")
    return splits[split] if splits else tables


def _saved_dataset(path: Path, split: str):
    from datasets import DatasetDict, load_from_disk

    try:
        dataset = load_from_disk(str(path))
    except Exception as error:  # a broken folder surfaces as anything from JSON to Arrow errors
        raise ValueError(f"{path} is no whole saved dataset ({_first_line(error)})") from error
    if isinstance(dataset, DatasetDict):
        if split not in dataset:
            raise ValueError(f"{path} has no split {split!r}: use one of {', '.join(dataset)}")
        dataset = dataset[split]
    return dataset


def _hub_dataset(hub_id: re.Match, split: str, limit: int | None):
    from datasets import load_dataset

    name, config, revision = hub_id["name"], hub_id["config"], hub_id["revision"]
    streaming = limit is not None
    try:
        try:
            return load_dataset(name, config, split=split, revision=revision, streaming=streaming)
        except RuntimeError as error:
            if "scripts are no longer supported" not in str(error) or revision:
                raise
            # Old datasets, such as poloclub/diffusiondb, are Python scripts, which `datasets` no longer runs.
            # The hub keeps parquet conversions of many; "partial-train" is one that was cut off at 5 GB.
            files = f"hf://datasets/{name}@~parquet/{config or 'default'}/*{split}/*.parquet"
            return load_dataset("parquet", data_files={split: files}, split=split, streaming=streaming)
    except Exception as error:  # whatever the network, the hub or the builder of that dataset has to say
        raise ValueError(
            f"there is no folder {hub_id[0]}, and loading it from the hub failed ({_first_line(error)})"
        ) from error


def _dataset_items(
    dataset: Any, source: str, image_column: str | None, caption_column: str | None
) -> tuple[Iterable[Item], int | None]:
    """Items of a `datasets` Dataset, or of an IterableDataset, whose length is not known."""
    from datasets import Image

    features = dataset.features
    rows = iter(dataset)
    if features is None:  # a stream of untyped files: look at its first row
        first = next(rows, {})
        rows, features = chain([first] if first else [], rows), dict.fromkeys(first)
    image_column, caption_column = _choose_columns(features, source, image_column, caption_column)
    if dataset.features is not None:
        dataset = dataset.select_columns([image_column, caption_column])
        if isinstance(features[image_column], Image):
            # decoded here and not by `datasets`, so that one broken picture does not end the loop
            dataset = dataset.cast_column(image_column, Image(decode=False))
        rows = iter(dataset)
    names = getattr(features[caption_column], "names", None)

    def items() -> Iterator[Item]:
        row_number = 0
        try:
            for row in rows:
                yield Item(f"row {row_number}", row[image_column], _class_name(row[caption_column], names))
                row_number += 1
        except Exception as error:  # a stream's connection, a table that is cut off
            raise ValueError(f"{source} broke off at row {row_number} ({_first_line(error)})") from error

    return items(), len(dataset) if hasattr(dataset, "__len__") else None


def _parquet_items(
    files: list[Path], image_column: str | None, caption_column: str | None
) -> tuple[Iterable[Item], int]:
    """Items of parquet files, read in small batches; an unreadable file is an item with a problem."""
    from datasets import Features

    tables, broken = [], []
    for path in files:
        try:
            tables.append((path, pq.ParquetFile(path)))
        except (pa.ArrowInvalid, OSError) as error:
            broken.append(Item(path.name, None, None, problem=f"cannot be read ({_first_line(error)})"))
    if not tables:
        raise ValueError(f"{files[0]} {broken[0].problem}")
    features = Features.from_arrow_schema(tables[0][1].schema_arrow)
    wanted = _choose_columns(features, files[0].name, image_column, caption_column)
    names = getattr(features[wanted[1]], "names", None)

    def items() -> Iterator[Item]:
        yield from broken
        for path, table in tables:
            missing = set(wanted) - set(table.schema_arrow.names)
            if missing:
                yield Item(path.name, None, None, problem=f"has no column {min(missing)!r}")
                continue
            row = 0
            for batch in table.iter_batches(batch_size=64, columns=list(wanted)):
                for picture, caption in zip(*(batch.column(c).to_pylist() for c in wanted), strict=True):
                    yield Item(f"{path.name} row {row}", _beside(path, picture), _class_name(caption, names))
                    row += 1

    return items(), len(broken) + sum(table.metadata.num_rows for _, table in tables)


def _choose_columns(
    features: Any, source: str, image_column: str | None, caption_column: str | None
) -> tuple[str, str]:
    from datasets import Image

    typed = [name for name, feature in features.items() if isinstance(feature, Image)]
    if image_column is None and len(typed) == 1:
        image_column = typed[0]
    columns = list(features)
    return (
        choose_column(columns, image_column, IMAGE_NAMES, "image", source),
        choose_column(columns, caption_column, CAPTION_NAMES, "caption", source),
    )


def _beside(table: Path, picture: Any) -> Any:
    """A picture that a table names by a relative path lies beside the table."""
    if isinstance(picture, dict) and not picture.get("bytes"):
        picture = picture.get("path")
    if isinstance(picture, str) and "://" not in picture:
        return table.parent / picture
    return picture


def _class_name(value: Any, names: list[str] | None) -> Any:
    if names is not None and isinstance(value, int):
        return names[value].replace("_", " ") if 0 <= value < len(names) else None
    return value


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
