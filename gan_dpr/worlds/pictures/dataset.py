"""People's own captioned pictures: from a folder, parquet, a saved Hugging Face dataset, or a hub id."""

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .decode import SUFFIXES, decode_picture
from .folder import NO_TABLE, Found, folder_items, unused_notes
from .report import Item, ReadingReport
from .sources import HUB_ID, dataset_items, hub_dataset, parquet_items, saved_dataset
from .splits import tables_of_split
from .table import SUFFIXES_OF_TABLES, holds_pictures
from .texts import check_caption, readable, words_of
from .walking import walk

GIVE = "give a folder, a table, a .parquet file or a hub id"
NUMBERS = re.compile(r"[\d\s.,:;+-]*\d[\d\s.,:;+-]*")  # digits and punctuation only, as of YOLO's boxes


@dataclass
class PictureDataset:
    """N pictures with captions, held in memory.

    Attributes:
        images: (N, S, S, 3) uint8 RGB.
        captions: N texts, none empty.
        paths: N names: the path within the folder, or file and row.
        files: N paths of the pictures' own files; None for one that came out of a table.
        report: what became of every file.
    """

    images: np.ndarray
    captions: list[str]
    paths: list[str]
    files: list[Path | None] = field(default_factory=list)
    report: ReadingReport = ReadingReport()

    def __len__(self) -> int:
        return len(self.captions)

    def digests(self) -> dict[str, str]:
        """For each name what it stands for, pixels and caption, in 16 digits."""
        return {
            f"{name} ({caption})": hashlib.sha256(image.tobytes()).hexdigest()[:16]
            for name, caption, image in zip(self.paths, self.captions, self.images, strict=True)
        }


def load_pictures(
    source: str | Path,
    image_size: int,
    image_column: str | None = None,
    caption_column: str | None = None,
    split: str | None = None,
    limit: int | None = None,
    name_uncaptioned: bool = False,
    follow_links: bool = True,
    progress: Callable[[int, int | None], None] | None = None,
) -> PictureDataset:
    """Reads captioned pictures; each is cut to its central square and resized.

    Args:
        source: one of
            - a folder of pictures. Captions come from tables (.csv, .tsv, .jsonl, .ndjson, .json, .parquet: a column
              of file names and one of captions), else from `name.txt` or `name.caption` beside `name.png`, else
              from the name of the subfolder;
            - one such table, which is then the only one that is read of its folder;
            - a .parquet file that holds pictures, or a folder of them;
            - a folder that `Dataset.save_to_disk` or `DatasetDict.save_to_disk` wrote;
            - a hub id: "owner/name", "owner/name:config", "owner/name:config@revision". With `limit` it is
              streamed, else downloaded whole.
        image_size: pixels a side of the result.
        image_column: where it has no usual name (image, or in caption tables file_name).
        caption_column: where it is not called text, caption, prompt, ...
        split: which part, where the source has parts: train unless it is said.
        limit: at most so many pictures.
        name_uncaptioned: a picture file without a caption is called after its name instead of left out.
        follow_links: False for uploads, whose links must lead nowhere.
        progress: called after each picture with (done, total), total None where unknown.

    Raises:
        FileNotFoundError: there is no such source.
        ValueError: it cannot be read, lacks the columns or the split, or holds no usable picture. A single bad
            picture or row is no error: it is left out and named in the report.
    """
    if image_size < 1:
        raise ValueError(f"image_size must be at least 1 pixel, not {image_size}")
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1 picture, not {limit}")
    items, total, split_line, notes = _open(str(source), image_column, caption_column, split, limit, follow_links)
    used, files, pixels, captions, skipped = [], [], bytearray(), [], []
    origins: Counter[str] = Counter()
    seen, last, square = set(), None, b""
    for done, item in enumerate(items, start=1):
        if len(seen) == limit and item.name not in seen:
            break
        try:
            caption, origin = _caption(item, name_uncaptioned)
            if last is None or item.picture is not last:  # of several captions of a picture the first
                square, last = decode_picture(item.picture, image_size).tobytes(), item.picture
            pixels += square  # one array from the start: no list of arrays is joined in the end
            seen.add(item.name)
            captions.append(caption)
            files.append(item.file)
            used.append(replace(item, picture=None))  # its file may be a part of a table, held by this alone
            origins[origin] += 1
        except ValueError as error:
            skipped.append((item.name, str(error)))
        if progress is not None:
            # with a limit, every skipped picture makes room for one more
            most = total if limit is None else min(total or sys.maxsize, limit + len(skipped))
            progress(done, most if most is None else max(most, done))  # a row may have several captions
    if not captions:
        reason = f"; the first of {len(skipped)} unusable: {': '.join(skipped[0])}" if skipped else ""
        tables = "".join(f"; {note}" for note in notes if note.startswith(NO_TABLE))
        raise ValueError(f"{source} holds no captioned picture{reason}{tables}")
    numbers = [caption for caption in captions if NUMBERS.fullmatch(caption)]
    if numbers:
        notes.append(f"captions that are numbers and no words: {len(numbers)}, as {numbers[0][:40]!r}")
    images = np.frombuffer(pixels, np.uint8).reshape(-1, image_size, image_size, 3)
    report = ReadingReport(
        used=len(captions),
        skipped=tuple(skipped),
        origins=tuple(origins.most_common()),
        from_names=tuple(item.name for item in used if item.doubtful),
        different_captions=len(set(captions)),
        duplicates=_duplicates([item.name for item in used], images),
        split=split_line,
        notes=tuple(notes),
    )
    names = [item.name for item in used]
    return PictureDataset(images, captions, names, files, report)


def _caption(item: Item, name_uncaptioned: bool) -> tuple[str, str]:
    """The caption of an item and where it came from. ValueError with the reason where there is none."""
    if not item.problem:
        return check_caption(item.caption), item.origin
    if not name_uncaptioned or item.file is None:
        raise ValueError(item.problem)
    stem, encoding = readable(item.file.stem)
    if encoding is None:
        raise ValueError(f"{item.problem}; and its own name is no UTF-8: rename it")
    return words_of(stem) or stem, "names of files"


def _duplicates(names: list[str], images: np.ndarray) -> tuple[tuple[str, str], ...]:
    """Each picture whose pixels came before under another name, with that name."""
    first: dict[bytes, str] = {}
    found = []
    for name, image in zip(names, images, strict=True):
        earlier = first.setdefault(hashlib.sha256(image.tobytes()).digest(), name)
        if earlier != name:
            found.append((name, earlier))
    return tuple(found)


def _open(
    source: str,
    image_column: str | None,
    caption_column: str | None,
    split: str | None,
    limit: int | None,
    follow_links: bool,
) -> tuple[Iterable[Item], int | None, str, list[str]]:
    """The items of a source, their number (None where not known beforehand), the line about splits, and notes."""
    path, notes = Path(source), []
    if path.is_file():
        kind = path.suffix.lower()
        if kind not in {*SUFFIXES_OF_TABLES, ".txt"}:
            raise ValueError(f"{source} is no table of pictures: {GIVE}")
        alone = kind == ".parquet" and holds_pictures(path, image_column) is not False
        every = {} if alone else walk(path.parent, notes, follow_links) | {path.name: path}  # which may be hidden
        if kind == ".parquet" and not any(file.suffix.lower() in SUFFIXES for file in every.values()):
            if split is not None:
                raise ValueError(f"{source} has no split {split!r}: it is one file, leave the split out")
            return *parquet_items(path.parent, [path], image_column, caption_column), "", []
        return _counted(folder_items(path.parent, every, notes, image_column, caption_column, split, path))
    if path.is_dir():
        if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
            dataset, line = saved_dataset(path, split)
            return *dataset_items(dataset, source, image_column, caption_column), line, []
        every = walk(path, notes, follow_links)
        files = every.values()
        tables = [file for file in files if file.suffix.lower() == ".parquet" and file.name != "metadata.parquet"]
        if any(file.suffix.lower() in SUFFIXES for file in files):
            full = next((table for table in tables if holds_pictures(table)), None)
            if full is not None:
                raise ValueError(f"{source} holds pictures and {full.name}: give the one or the other")
        elif tables:
            chosen, line = tables_of_split(path, tables, split)
            notes += unused_notes(name for name, file in every.items() if file not in tables)
            return *parquet_items(path, chosen, image_column, caption_column), line, notes
        return _counted(folder_items(path, every, notes, image_column, caption_column, split))
    hub_id = HUB_ID.fullmatch(source)
    if hub_id is None or path.suffix.lower() in {*SUFFIXES_OF_TABLES, *SUFFIXES, ".txt", ".zip"}:
        raise FileNotFoundError(f"there is no {source}: {GIVE}")
    dataset = hub_dataset(hub_id, split or "train", limit)
    return *dataset_items(dataset, source, image_column, caption_column), "", []


def _counted(found: Found) -> tuple[Iterable[Item], int, str, list[str]]:
    return found.items, len(found.items), found.split, found.notes
