"""Captioned pictures in a folder: tables, texts beside pictures, names of subfolders, and what else lies there."""

import os
import posixpath
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath

from .decode import NOT_READ, OTHER_SUFFIXES, SUFFIXES
from .report import EXAMPLES, Item, some
from .splits import Part, chosen_part
from .table import (
    NOT_TABLES,
    SPLITS,
    SUFFIXES_OF_TABLES,
    Row,
    Table,
    is_picture_name,
    read_table,
    split_of,
    stems_of_pictures,
)
from .texts import decode_text, each_caption, folded, readable

TEXT_SUFFIXES = (".txt", ".caption", ".text")  # of captions beside pictures, in this order
# Folders that are called so say nothing about what is in them.
NO_CAPTIONS = frozenset({
    "image", "images", "img", "imgs", "picture", "pictures", "pic", "pics", "photo", "photos", "data", "dataset",
    "files", *SPLITS,
})  # fmt: skip


NO_TABLE = "not read as captions:"  # how a note about a table begins


@dataclass(frozen=True)
class Found:
    """What a folder holds: items in the order of reading, the line about splits, and notes."""

    items: list[Item]
    split: str
    notes: list[str]


def folder_items(
    root: Path,
    every: dict[str, Path],
    notes: list[str],
    image_column: str | None = None,
    caption_column: str | None = None,
    split: str | None = None,
    only_table: Path | None = None,
) -> Found:
    """The pictures of a folder: first those that tables list, then the others by path.

    Args:
        root: the folder.
        every, notes: its files and notes about others, from `walk`; further notes are added.
        image_column, caption_column: of the tables, where they have no usual names.
        split: the part to read, where subfolders divide it; None is train. See `chosen_part`.
        only_table: read no table but this one.

    Raises:
        ValueError: a table that is called metadata cannot be used, two tables disagree, or there is no such split.
    """
    part = chosen_part(every, split, str(root))
    reading = _Reading(root, every, part, notes)
    tables = reading.tables(image_column, caption_column, only_table)
    in_tables = {row.split for table in tables.values() for row in table.rows} - {""}
    wanted = split_of(split or "train") or (split or "").lower()
    if (in_tables and wanted not in in_tables) or (split is not None and not in_tables and not part.known):
        known = f"use one of {', '.join(sorted(in_tables))}" if in_tables else "it is not divided, leave the split out"
        raise ValueError(f"{root} has no split {split or 'train'!r}: {known}")
    items = reading.listed(tables, wanted)
    items += reading.unlisted()
    reading.name_unused()
    line = ""
    if part.known or in_tables:
        where = Counter(name.split("/")[0] + "/" * ("/" in name) for name in part.left_out)
        places = [f"{readable(place)[0]} ({count} files)" for place, count in sorted(where.items())]
        places += [f"rows of {word}" for word in sorted(in_tables - {wanted})]
        line = f"{split or 'train'}; left out: {some(places) or 'nothing'}"
    return Found(items, line, notes)


class _Reading:
    """One reading of a folder's files: what each of them turned out to be."""

    def __init__(self, root: Path, every: dict[str, Path], part: Part, notes: list[str]):
        self.root, self.every, self.part, self.notes = root, every, part.read, notes
        self._by_spelling: dict[str, list[str]] = defaultdict(list)
        self._by_last: dict[str, list[str]] = defaultdict(list)
        for name in every:
            self._by_spelling[folded(name)].append(name)
            self._by_last[posixpath.basename(folded(name))].append(name)
            if is_picture_name(name):  # tables may leave the ending out
                self._by_last[posixpath.basename(folded(posixpath.splitext(name)[0]))].append(name)
        self._stems = stems_of_pictures(every)
        self._used: set[str] = set()  # files with a part in this
        self._done: set[str] = set()  # pictures that a table lists
        self._tables: set[str] = set()  # files that are read as tables
        self._covered: dict[str, str] = {}  # folder -> table that lists its pictures
        self._guessed: dict[str, list[str]] = defaultdict(list)  # encoding -> names that were read with it
        self._several: list[tuple[str, list[str]]] = []  # pictures with several texts
        self._of_lines: list[str] = []  # texts that have several lines

    def tables(self, image: str | None, caption: str | None, only: Path | None) -> dict[str, Table]:
        """The tables by name. ValueError where one that is called metadata, or the `only` one, cannot be used."""
        found, unknown, unread = {}, [], []
        for name in self.part if only is None else [name for name, path in self.every.items() if path == only]:
            shown = readable(name)[0]
            stem, suffix = posixpath.splitext(posixpath.basename(name).lower())
            beside = folded(posixpath.splitext(name)[0]) in self._stems  # a picture, which it may be about
            orphan = suffix == ".txt" and not beside  # as Flickr8k has its captions.txt
            if suffix in NOT_TABLES and not beside and only is None:
                self._used.add(name)
                unknown.append(shown)
            if suffix not in SUFFIXES_OF_TABLES and not orphan and only is None:
                continue
            try:
                told = read_table(self.every[name], shown, image, caption)
                table = self._brought_home(told, posixpath.dirname(name))
                if not any(is_picture_name(row.name) or self._picture(row, "", shown)[0] for row in table.rows):
                    raise ValueError(f"{shown} names no picture")
                found[name] = table
            except ValueError as error:
                if stem == "metadata" or only is not None:
                    raise
                if not orphan and not beside:
                    unread.append(str(error))
                    self._used.add(name)
                continue
            far = [row.name for row, near in zip(told.rows, table.rows, strict=True) if row.name != near.name]
            if far:
                self.notes.append(f"of {len(far)} paths of {shown} the last parts count, as of {far[0]}")
            self._used.add(name)
            self._tables.add(name)
            self._covered.setdefault(posixpath.dirname(name), shown)
        self.notes += [f"{NO_TABLE} {reason}" for reason in unread[:EXAMPLES]]
        if len(unread) > EXAMPLES:
            self.notes.append(f"{NO_TABLE} {len(unread) - EXAMPLES} more files")
        if unknown:
            what = "is of a kind that is not read: save it as .csv, or unpack it"
            if len(unknown) > 1:
                what = "are of kinds not read: save them as .csv, or unpack them"
            self.notes.append(f"{NO_TABLE} {some(unknown)} {what}")
        given = image or caption
        if given is not None and not found:
            raise ValueError(f"{self.root} has no table with a column {given!r}: leave the option out")
        return _divided(found)

    def _brought_home(self, table: Table, folder: str) -> Table:
        """The table, in which paths from elsewhere have lost the folders that are not here."""
        root, foreign = self.root.absolute(), {}
        for row in table.rows:
            windows = PureWindowsPath(row.name)
            path = windows if windows.is_absolute() else Path(row.name)
            if path.is_absolute() and not Path(row.name).is_relative_to(root):
                foreign[row.number] = path.parts
        if not foreign:
            return table
        different = set(foreign.values())
        # Where two files of one name are told apart by their folders, those count. Else the name is enough.
        alike = len({parts[-1] for parts in different}) < len(different)
        shared = max(1, len(os.path.commonprefix([parts[:-1] for parts in different])))

        def home(parts: tuple[str, ...]) -> str:
            ends = ["/".join(parts[n:]) for n in range(1, (shared if alike else len(parts) - 1) + 1)]
            places = {end: (folded(end), folded(posixpath.join(folder, end))) for end in ends}
            return next((end for end in ends if any(place in self._by_spelling for place in places[end])), ends[-1])

        rows = [replace(row, name=home(foreign[row.number])) if row.number in foreign else row for row in table.rows]
        return replace(table, rows=rows)

    def listed(self, tables: dict[str, Table], split: str) -> list[Item]:
        """The rows of the tables that are of the split, each picture once for each of its captions."""
        items: list[Item] = []
        captions: dict[str, dict[str, str]] = defaultdict(dict)  # picture -> caption -> table
        again, elsewhere, moved = 0, 0, Counter()
        for source, table in tables.items():
            shown, folder = readable(source)[0], posixpath.dirname(source)
            for row in table.rows:
                picture, problem = self._picture(row, folder, shown)
                if picture is not None:
                    self._used.add(picture)
                    self._done.add(picture)
                if row.split and row.split != split:
                    continue
                if picture is not None and picture not in self.part:
                    elsewhere += 1
                    continue
                if picture is None:
                    items.append(Item(row.name or f"{shown} row {row.number}", problem=problem))
                    continue
                if row.problem:
                    items.append(self._item(picture, problem=f"{shown} row {row.number} {row.problem}", doubtful=True))
                    continue
                fresh = False
                for caption in each_caption(row.caption):
                    said = " ".join(str(caption).split())
                    earlier = captions[picture]
                    if said in earlier:
                        again += 1
                        continue
                    other = next((name for name in earlier.values() if name != source), None)
                    if other is not None:
                        raise ValueError(
                            f"{readable(other)[0]} and {shown} disagree about {readable(picture)[0]}: "
                            "remove one of them, or give the other as the source"
                        )
                    earlier[said], fresh = source, True
                    items.append(self._item(picture, caption, f"{shown}, column {table.caption_column}"))
                moved[shown] += fresh and folded(posixpath.join(folder, row.name)) != folded(picture)
        if elsewhere:
            self.notes.append(f"{elsewhere} rows of tables are about pictures that are left out with their split")
        if again:
            self.notes.append(f"{again} rows of tables repeat a picture with the same caption")
        for shown, count in moved.items():
            if count:
                self.notes.append(f"{count} pictures of {shown} were found under another name or folder than it says")
        return items

    def unlisted(self) -> list[Item]:
        """The pictures that no table lists, captioned by a text beside them or by their folder's name."""
        items, repeats = [], set()
        with_text = {posixpath.dirname(name) for name in self.part if self._is_picture(name) and self._texts(name)}
        for name, naming in self.part.items():
            if name in self._done or not is_picture_name(name):
                continue
            self._used.add(name)
            texts = self._texts(name)
            self._used.update(texts)
            if not self._is_picture(name):
                items.append(Item(readable(name)[0], problem=NOT_READ))
                continue
            covering = next((self._covered[place] for place in _outer(name) if place in self._covered), None)
            if texts:
                items.append(self._told(name, texts))
            elif covering is not None:
                items.append(self._item(name, problem=f"is not listed in {covering}", doubtful=True))
            else:
                caption, problem = self._folder_caption(name, naming, repeats)
                doubtful = posixpath.dirname(name) in with_text
                items.append(self._item(name, caption, "names of folders", problem, doubtful))
        if self._several:
            picture, texts = self._several[0]
            first, *others = (readable(name)[0] for name in texts)
            so = f"; so have {len(self._several) - 1} more" if len(self._several) > 1 else ""
            self.notes.append(
                f"{readable(picture)[0]} has several texts: {first} is read, {some(others)} is not{so}"
            )
        if self._of_lines:
            self.notes.append(f"the lines of a text are one caption: {some(self._of_lines)}")
        if repeats:
            names = some(sorted(repeats))
            self.notes.append(f"the number before a folder's name is taken for a count and left out ({names})")
        return items

    def name_unused(self) -> None:
        """Note what kinds of files were nothing of use, and which names were read with a guess."""
        self.notes += unused_notes(name for name in self.part if name not in self._used)
        for encoding, names in self._guessed.items():
            self.notes.append(f"names that are no UTF-8 were read as {encoding.upper()}: {some(names)}")

    def _item(
        self, name: str, caption: object = None, origin: str = "", problem: str = "", doubtful: bool = False
    ) -> Item:
        shown, encoding = readable(name)
        if encoding not in ("utf-8", None):
            self._guessed[encoding].append(shown)
        return Item(shown, self.every[name], caption, origin, problem, doubtful)

    def _is_picture(self, name: str) -> bool:
        return posixpath.splitext(name)[1].lower() in SUFFIXES

    def _picture(self, row: Row, folder: str, source: str) -> tuple[str | None, str]:
        """The file that a row names, or why there is none."""
        if not row.name:
            return None, row.problem
        name = row.name
        if Path(name).is_absolute() and Path(name).is_relative_to(self.root.absolute()):
            name, folder = Path(name).relative_to(self.root.absolute()).as_posix(), ""
        exact = posixpath.normpath(posixpath.join(folder, name))
        spelling = posixpath.normpath(folded(posixpath.join(folder, name)))
        if spelling.startswith("../") or spelling == "..":
            return None, "lies outside the folder"
        found = [exact] if exact in self.every else self._by_spelling.get(spelling, [])
        if not found:  # the table may lie beside the folder that its names are relative to
            last = posixpath.normpath(folded(name)).lstrip("/")
            alike = self._by_last.get(posixpath.basename(last), [])
            found = [other for other in alike if _is_below(other, folder) and _ends_with(other, last)]
        if not found:
            return None, f"is listed in {source} but is not there"
        if len(found) > 1:
            return None, f"is listed in {source} and may be any of {some(readable(name)[0] for name in found)}"
        if Path(found[0]).suffix.lower() in OTHER_SUFFIXES:
            self._used.add(found[0])
            self._done.add(found[0])
            return None, NOT_READ
        return found[0], ""

    def _texts(self, picture: str) -> list[str]:
        """The files that hold the caption of a picture, in the order in which they are preferred."""
        named = [stem + suffix for suffix in TEXT_SUFFIXES for stem in (posixpath.splitext(picture)[0], picture)]
        # Spelled exactly so, or else alike: IMG_1.png and img_1.png have a text each.
        found = [[name] if name in self.every else self._by_spelling.get(folded(name), ()) for name in named]
        return [name for names in found for name in names if name not in self._tables]

    def _told(self, name: str, texts: list[str]) -> Item:
        shown = readable(texts[0])[0]
        try:
            caption = decode_text(self.every[texts[0]].read_bytes())
        except ValueError as error:
            return self._item(name, problem=f"{shown} {error}", doubtful=True)
        except OSError as error:
            return self._item(name, problem=f"{shown} cannot be read ({error.strerror})", doubtful=True)
        if len(texts) > 1:
            self._several.append((name, texts))
        if len(caption.splitlines()) > 1:
            self._of_lines.append(shown)
        return self._item(name, caption, "texts beside pictures")

    def _folder_caption(self, name: str, naming: str, repeats: set[str]) -> tuple[str | None, str]:
        """What the picture's folder is called, or why that is no caption."""
        text = posixpath.basename(posixpath.splitext(name)[0]) + ".txt"
        if not naming:
            return None, f"has no caption: there is no table, no {readable(text)[0]}, no subfolder"
        shown, encoding = readable(naming)
        if encoding is None:
            return None, f"has no caption but its folder's name, which is no UTF-8 ({shown}): rename it"
        shown = unicodedata.normalize("NFC", shown)
        if shown.lower() in NO_CAPTIONS:
            return None, f"has no caption: there is no table and no {readable(text)[0]}, and {shown!r} says nothing"
        counted = re.fullmatch(r"\d+_(.*[^\W\d_].*)", shown)  # kohya's trainer repeats the pictures of 10_cat ten times
        if counted is not None:
            repeats.add(shown)
            shown = counted[1]
        return shown.replace("_", " "), ""


def unused_notes(names: Iterable[str]) -> list[str]:
    """What to say of files that are nothing of use, kind by kind."""
    unused: dict[str, list[str]] = defaultdict(list)
    for name in names:
        unused[posixpath.splitext(name)[1].lower() or "without an ending"].append(readable(name)[0])
    return [
        f"{f'{NO_TABLE} ' if kind in SUFFIXES_OF_TABLES else 'not used, '}{len(found)} files {kind}: {some(found)}"
        for kind, found in sorted(unused.items())
    ]


def _divided(tables: dict[str, Table]) -> dict[str, Table]:
    """Tables of one folder that are called after different splits are about those, as Kaggle's train.csv is."""
    called = {name: split_of(posixpath.splitext(posixpath.basename(name))[0]) for name in tables}
    divided = dict(tables)
    for name, table in tables.items():
        beside = {called[other] for other in tables if posixpath.dirname(other) == posixpath.dirname(name)} - {""}
        if called[name] and "train" in beside and len(beside) > 1:
            divided[name] = replace(table, rows=[replace(row, split=row.split or called[name]) for row in table.rows])
    return divided


def _outer(name: str) -> Iterator[str]:
    """The folders that a file is in, innermost first; the outermost is the empty name."""
    while name:
        name = posixpath.dirname(name)
        yield name


def _is_below(name: str, folder: str) -> bool:
    return not folder or name.startswith(folder + "/")


def _ends_with(name: str, last: str) -> bool:
    """Whether these are the last parts of a path, with or without its ending."""
    whole = "/" + folded(name)
    return whole.endswith("/" + last) or posixpath.splitext(whole)[0].endswith("/" + last)
