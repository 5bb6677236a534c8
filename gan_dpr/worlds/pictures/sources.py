"""Captioned pictures in parquet files, in folders that `datasets` saved, and on the Hugging Face hub."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ...files import check_content
from .report import Item
from .table import CAPTION_NAMES, IMAGE_NAMES, choose_column
from .texts import each_caption, readable

HUB_ID = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(:(?P<config>[\w.-]+))?(@(?P<revision>[\w./-]+))?")
ROWS_AT_ONCE = 64


def parquet_items(
    root: Path, files: list[Path], image_column: str | None, caption_column: str | None
) -> tuple[Iterable[Item], int]:
    """Items of parquet files, opened one after another and read in small batches; a bad file is an item with a problem.

    They are called by the file, and by its path within `root` where there are several of a name. ValueError if none can
    be read, or the first that can lacks the columns.
    """
    from datasets import Features

    of_name = Counter(path.name for path in files)

    def called(path: Path) -> str:
        return readable(path.name if of_name[path.name] == 1 else path.relative_to(root).as_posix())[0]

    tables, broken, schema, total = [], [], None, 0
    for path in files:
        try:
            check_content(path)
            with pq.ParquetFile(path) as file:
                total += file.metadata.num_rows
                schema = file.schema_arrow if schema is None else schema
            tables.append(path)
        except (ValueError, pa.ArrowException, OSError) as error:
            broken.append(Item(called(path), problem=f"cannot be read ({first_line(error)})"))
    if schema is None:
        raise ValueError(f"{files[0]} {broken[0].problem}")
    try:
        features = Features.from_arrow_schema(schema)
    except Exception:  # kinds of columns that `datasets` does not know, or what it once wrote of them, damaged
        features = dict.fromkeys(schema.names)
    wanted = choose_columns(features, called(tables[0]), image_column, caption_column)
    names = getattr(features[wanted[1]], "names", None)
    origin = f"column {wanted[1]}"

    def items() -> Iterator[Item]:
        yield from broken
        for path in tables:
            row, name = 0, called(path)
            try:
                with pq.ParquetFile(path) as file:
                    missing = set(wanted) - set(file.schema_arrow.names)
                    if missing:
                        yield Item(name, problem=f"has no column {min(missing)!r}")
                        continue
                    for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=list(wanted)):
                        for picture, caption in zip(*(batch.column(c).to_pylist() for c in wanted), strict=True):
                            picture = _beside(path, picture)
                            for told in each_caption(caption):
                                yield Item(f"{name} row {row}", picture, class_name(told, names), origin)
                            row += 1
            except (ValueError, pa.ArrowException, OSError) as error:
                yield Item(name, problem=f"breaks off at row {row} ({first_line(error)})")

    return items(), len(broken) + total


def saved_dataset(path: Path, split: str | None) -> tuple[Any, str]:
    """The `datasets` Dataset in a folder, of a DatasetDict the split, and a line about it. ValueError if damaged."""
    from datasets import DatasetDict, load_from_disk

    try:
        dataset = load_from_disk(str(path))
    except Exception as error:  # a broken folder surfaces as anything from JSON to Arrow errors
        raise ValueError(f"{path} is no whole saved dataset ({first_line(error)})") from error
    if not isinstance(dataset, DatasetDict):
        if split is not None and split != str(dataset.split):
            raise ValueError(f"{path} has no split {split!r}: it is not divided, leave the split out")
        return dataset, ""
    wanted = split or "train"
    if wanted not in dataset:
        raise ValueError(f"{path} has no split {wanted!r}: use one of {', '.join(dataset)}")
    others = [f"{name} ({len(part)} rows)" for name, part in dataset.items() if name != wanted]
    return dataset[wanted], f"{wanted}; left out: {', '.join(others) or 'nothing'}"


def hub_dataset(hub_id: re.Match, split: str, limit: int | None) -> Any:
    """A data set of the hub, streamed where there is a limit. ValueError with whatever the network has to say."""
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
            f"there is no folder {hub_id[0]}, and loading it from the hub failed ({first_line(error)})"
        ) from error


def dataset_items(
    dataset: Any, source: str, image_column: str | None, caption_column: str | None
) -> tuple[Iterable[Item], int | None]:
    """Items of a `datasets` Dataset, or of an IterableDataset, whose length is not known."""
    from datasets import Image

    features = dataset.features
    rows = iter(dataset)
    if features is None:  # a stream of untyped files: look at its first row
        first = next(rows, {})
        rows, features = chain([first] if first else [], rows), dict.fromkeys(first)
    image_column, caption_column = choose_columns(features, source, image_column, caption_column)
    if dataset.features is not None:
        dataset = dataset.select_columns([image_column, caption_column])
        if isinstance(features[image_column], Image):
            # decoded here and not by `datasets`, so that one broken picture does not end the loop
            dataset = dataset.cast_column(image_column, Image(decode=False))
        rows = iter(dataset)
    names = getattr(features[caption_column], "names", None)

    def items() -> Iterator[Item]:
        number = 0
        try:
            for row in rows:
                for caption in each_caption(row[caption_column]):
                    told = class_name(caption, names)
                    yield Item(f"row {number}", row[image_column], told, f"column {caption_column}")
                number += 1
        except Exception as error:  # a stream's connection, a table that is cut off
            raise ValueError(f"{source} broke off at row {number} ({first_line(error)})") from error

    return items(), len(dataset) if hasattr(dataset, "__len__") else None


def choose_columns(features: Any, source: str, image_column: str | None, caption_column: str | None) -> tuple[str, str]:
    """The columns of pictures and captions: as named, the one of Image type, or by usual names; else ValueError."""
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
        return table.parent / picture.replace("\\", "/")
    return picture


def class_name(value: Any, names: list[str] | None) -> Any:
    """A class's name for its number, where the column is one of classes."""
    if names is not None and isinstance(value, int):
        return names[value].replace("_", " ") if 0 <= value < len(names) else ""
    return value


def first_line(error: Exception) -> str:
    """Of what an error says, or its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
