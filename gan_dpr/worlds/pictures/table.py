"""Tables of captions: CSV with any usual separator, JSON lines, JSON, parquet. A bad row costs that row only."""

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ...files import is_lfs_pointer
from .decode import OTHER_SUFFIXES, SUFFIXES
from .texts import NONE, decode_text, folded

ALL_SUFFIXES = SUFFIXES | OTHER_SUFFIXES
SUFFIXES_OF_TABLES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet"})
# Tables and archives that are not read, but may well be what somebody means.
NOT_TABLES = frozenset({
    ".xlsx", ".xls", ".ods", ".numbers", ".xml", ".yaml", ".yml", ".feather", ".arrow", ".zip", ".tar",
    ".tgz", ".gz", ".7z", ".rar",
})  # fmt: skip
SEPARATORS = (",", ";", "\t", "|")
# Compared without case, spaces, - and _. The last caption name is DiffusionDB's.
FILE_NAMES = (
    "filename", "file", "filepath", "imagefile", "imagename", "imagepath", "picture", "path", "image", "img", "photo",
    "name",
)  # fmt: skip
IMAGE_NAMES = ("image", "img", "picture", "photo", "jpg", "jpeg", "png", "webp", "filename", "file", "path")
CAPTION_NAMES = (
    "text", "caption", "captions", "prompt", "description", "title", "label", "class", "sentence", "comment", "p",
)  # fmt: skip
SPLIT_NAMES = ("split", "subset", "partition")
SPLITS = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "validation": "validation",
    "valid": "validation", "val": "validation", "dev": "validation", "eval": "validation",
}  # fmt: skip
SPLIT = re.compile(
    rf"({'|'.join(SPLITS)})([\s_.-]*((19|20)\d\d|set|data|dataset|split|files|images?|imgs?|pictures?|pics?|photos?))?"
)


def split_of(name: str) -> str:
    """The split that a folder, a table or a cell is called after ("train2017", "test_images"); else nothing."""
    called = SPLIT.fullmatch(name.strip().lower())
    return "" if called is None else SPLITS[called[1]]


@dataclass(frozen=True)
class Row:
    """A row of a table: its number from 1, the picture's name as it stands there, the caption, and the split's word.

    With a `problem` the rest cannot be used, but for a name that is known all the same.
    """

    number: int
    name: str = ""
    caption: Any = None
    split: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """The rows of a caption table and the column that the captions stand in."""

    rows: list[Row]
    caption_column: str


def choose_column(columns: Sequence[str], given: str | None, usual: Sequence[str], kind: str, source: str) -> str:
    """The column `given`, or the first of the `usual` names that is there; ValueError if there is none."""
    if given is not None:
        if given not in columns:
            raise ValueError(f"{source} has no {kind} column {given!r}: use one of {', '.join(columns)}")
        return given
    found = _usual(columns, usual)
    if found is None:
        raise ValueError(f"{source} has no column that is plainly the {kind}: name one of {', '.join(columns)}")
    return found


def _usual(columns: Sequence[str], usual: Sequence[str]) -> str | None:
    by_name = {re.sub(r"[\s_-]", "", column.lower()): column for column in reversed(columns)}
    return next((by_name[name] for name in usual if name in by_name), None)


def read_table(path: Path, source: str, image_column: str | None = None, caption_column: str | None = None) -> Table:
    """Read a table of file names and captions.

    Args:
        path: the file; its ending, in any case, says what it is.
        source: what to call it.
        image_column, caption_column: where they have no usual names.

    Raises:
        ValueError: it cannot be read, lists nothing, or lacks a column; the message begins with `source`.
    """
    kind = path.suffix.lower()
    try:
        if kind == ".parquet":
            columns, rows = _parquet_rows(path, image_column)
        else:
            content = path.read_bytes()
            if is_lfs_pointer(content):
                raise ValueError("is a Git LFS pointer and not the file itself: run `git lfs pull`")
            text = decode_text(content)
            if kind in (".jsonl", ".ndjson"):
                columns, rows = json_lines(text)
            elif kind == ".json":
                columns, rows = json_document(text)
            else:
                columns, rows = separated(text, "\t" if kind == ".tsv" else ",", image_column, caption_column)
    except ValueError as error:  # among them pyarrow.ArrowInvalid
        raise ValueError(f"{source} {_first_line(error)}") from error
    except (OSError, pa.ArrowException) as error:
        raise ValueError(
            f"{source} cannot be read ({getattr(error, 'strerror', None) or _first_line(error)})"
        ) from error
    if not columns:
        raise ValueError(f"{source} lists no pictures")
    if is_picture_name(columns[0]):
        raise ValueError(f"{source} has no row of column names: begin it with one, like file_name,text")
    image_column = choose_column(columns, image_column, FILE_NAMES, "image", source)
    caption_column = choose_column(columns, caption_column, CAPTION_NAMES, "caption", source)
    split_column = _usual(columns, SPLIT_NAMES)
    made = [_row(number, row, image_column, caption_column, split_column) for number, row in enumerate(rows, 1)]
    if not any(row.split in SPLITS.values() for row in made):  # a column that is called so and says other things
        made = [replace(row, split="") for row in made]
    if not made:
        raise ValueError(f"{source} lists no pictures")
    return Table(made, caption_column)


def stems_of_pictures(names: Iterable[str]) -> set[str]:
    """How a file beside a picture may begin that is about it: as the picture's name, with its ending or without."""
    pictures = [name for name in names if is_picture_name(name)]
    return {folded(stem) for name in pictures for stem in (name, os.path.splitext(name)[0])}


def is_picture_name(name: str) -> bool:
    """Whether a file is called like a picture, of whatever format."""
    return os.path.splitext(name)[1].lower() in ALL_SUFFIXES


def _row(number: int, row: dict | str, image: str, caption: str, split: str | None) -> Row:
    if isinstance(row, str):
        return Row(number, problem=row)
    name, said = row.get(image), row.get(caption)
    if type(name) is int:
        name = str(name)
    if not isinstance(name, str) or not name.strip():
        return Row(number, problem=f"names no file in {image}")
    if SURPLUS in row and row[SURPLUS] != caption:
        problem = f"has more cells than the header: put what holds the separator in quotes ({row[SURPLUS]})"
        return Row(number, name.strip(), problem=problem)
    word = str(row.get(split) or "").strip().lower()
    return Row(number, name.strip(), said, split_of(word) or ("" if word in NONE else word))


SURPLUS = ("surplus",)  # key of a row with more cells than the header; a tuple, so that no column is called so


def separated(
    text: str, usual: str, image_column: str | None = None, caption_column: str | None = None
) -> tuple[list[str], list[dict | str]]:
    """Columns and rows of a table with separators; a row that cannot be read is a string that says why.

    The separator is the one with which the first row has the columns. Rows end at line feeds, with or without a
    carriage return, and at nothing else. Surplus cells belong to the caption where that is the last column.
    """
    if "\n" not in text:
        text = text.replace("\r", "\n")  # as an old Macintosh ends its lines
    text = re.sub(r"\r(?!\n)", " ", text)
    first, _, rest = text.partition("\n")
    told = re.fullmatch(r"sep=(.)\r?", first)  # as Excel writes it
    if told is not None:
        text, usual = rest, told[1]
    separator = next(
        (
            candidate
            for candidate in dict.fromkeys((usual, *SEPARATORS))
            if _has_columns(_header(text, candidate), image_column, caption_column)
        ),
        usual,
    )
    columns = _header(text, separator)
    rows: list[dict | str] = []
    caption = caption_column or _usual(columns, CAPTION_NAMES)
    for cells in list(_cells(text, separator))[1:]:
        if isinstance(cells, str):
            rows.append(cells)
            continue
        while len(cells) > len(columns) and not cells[-1].strip():
            cells.pop()
        row: dict[Any, Any] = {}
        if len(cells) > len(columns):
            if columns[-1] == caption:
                cells[len(columns) - 1 :] = [separator.join(cells[len(columns) - 1 :])]
            else:
                row[SURPLUS] = f"{len(cells)} for {len(columns)}"
        row |= dict(reversed(list(zip(columns, cells, strict=False))))  # of two columns of one name the first
        rows.append(row)
    return columns, rows


def _has_columns(columns: list[str], image: str | None, caption: str | None) -> bool:
    return all(
        given in columns if given is not None else _usual(columns, usual) is not None
        for given, usual in ((image, FILE_NAMES), (caption, CAPTION_NAMES))
    )


def _header(text: str, separator: str) -> list[str]:
    first = next(_cells(text, separator), [])
    return [] if isinstance(first, str) else [cell.strip() for cell in first]


def _cells(text: str, separator: str) -> Iterator[list[str] | str]:
    """The cells of each row that is not blank, or why they cannot be told."""
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=separator, strict=True)
    lines = text.split("\n")
    while True:
        start = reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = str(error)
        else:
            problem = "a quotation mark is not closed" if _swallows(cells, separator) else ""
        if problem and separator == "\t":  # where a quotation mark may be a letter
            yield from (line.rstrip("\r").split("\t") for line in lines[start : reader.line_num] if line.strip())
        elif problem:
            place = f"line {start + 1}" if reader.line_num <= start + 1 else f"lines {start + 1} to {reader.line_num}"
            yield f"is no row of a table ({place}: {problem})"
        elif any(cell.strip() for cell in cells):
            yield cells


def _swallows(cells: list[str], separator: str) -> bool:
    """Whether a cell holds what looks like a further row."""
    return any(
        len(parts := line.split(separator)) == len(cells) and any(is_picture_name(part.strip(' "')) for part in parts)
        for cell in cells for line in cell.split("\n")[1:]
    )  # fmt: skip


def json_lines(text: str) -> tuple[list[str], list[dict | str]]:
    """Columns and rows of JSON lines; a row that cannot be read is a string that says why."""
    rows: list[dict | str] = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            rows.append(f"is no JSON ({error})")
        else:
            rows.append(row if isinstance(row, dict) else "is no JSON object")
    return _columns(rows), rows


def json_document(text: str) -> tuple[list[str], list[dict | str]]:
    """Columns and rows of a list of objects, or of an object from picture names to captions or to objects."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no JSON ({error})") from error
    if isinstance(value, dict):
        if any(isinstance(entry, list) and entry and isinstance(entry[0], dict) for entry in value.values()) or (
            _usual(list(value), FILE_NAMES) is not None and all(isinstance(v, list | dict) for v in value.values())
        ):
            raise ValueError("is no list of pictures (but one of lists, as COCO's): save it as file_name,text")
        rows: list[dict | str] = [
            {FILE_NAMES[0]: name} | (entry if isinstance(entry, dict) else {CAPTION_NAMES[0]: entry})
            for name, entry in value.items()
        ]
    elif isinstance(value, list):
        rows = [row if isinstance(row, dict) else "is no JSON object" for row in value]
    else:
        raise ValueError("is no list of pictures")
    return _columns(rows), rows


def _columns(rows: list[dict | str]) -> list[str]:
    return list(dict.fromkeys(key for row in rows if isinstance(row, dict) for key in row))


def holds_pictures(path: Path, image_column: str | None = None) -> bool | None:
    """Whether a parquet file brings pictures itself instead of naming files; None where it cannot be read."""
    try:
        schema = pq.read_schema(path)
    except (ValueError, OSError, pa.ArrowException):
        return None
    if image_column is not None:
        return image_column not in schema.names or not _is_text(schema.field(image_column).type)
    usual = (*IMAGE_NAMES, *FILE_NAMES)
    kinds = [schema.field(name).type for name in schema.names if _usual([name], usual) is not None]
    return not kinds or any(pa.types.is_nested(kind) or _is_binary(kind) for kind in kinds)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _parquet_rows(path: Path, image_column: str | None) -> tuple[list[str], list[dict | str]]:
    with pq.ParquetFile(path) as file:
        columns = file.schema_arrow.names
        image = image_column or _usual(columns, FILE_NAMES)
        if image in columns and not _is_text(file.schema_arrow.field(image).type):
            raise ValueError("holds pictures, not names of files")
        kinds = {field.name: field.type for field in file.schema_arrow}
        flat = [name for name in columns if not pa.types.is_struct(kinds[name]) and not _is_binary(kinds[name])]
        return flat, file.read(columns=flat).to_pylist()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
