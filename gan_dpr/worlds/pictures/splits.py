"""Which part of a divided source is read: by the names of folders, of tables, and by a column of a table."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .report import some
from .table import NOT_TABLES, SUFFIXES_OF_TABLES, split_of, stems_of_pictures
from .texts import folded


@dataclass(frozen=True)
class Part:
    """The files of a split.

    Attributes:
        read: each file with the innermost folder that gives a name to what is in it; one of a split does not.
        left_out: all other files.
        known: folders that are splits.
    """

    read: dict[str, str]
    left_out: list[str]
    known: set[str]


def chosen_part(names: Iterable[str], split: str | None, source: str) -> Part:
    """Which files are read where folders divide them; ValueError where nothing is of the split.

    The one rule: where two subfolders or more are called like splits (train, test, validation, ...), or all are, only
    the one of the chosen split is read, and what lies beside it is left out. One that is called so among others is a
    name like any other, unless `split` asks for it. A table beside the splits may be about all of them.
    """
    names = list(names)
    children: dict[str, set[str]] = defaultdict(set)
    for name in names:
        folders = name.split("/")[:-1]
        for depth, folder in enumerate(folders):
            children["/".join(folders[:depth])].add(folder)
    wanted, chosen, known = split_of(split or "train"), {}, set()
    stems = stems_of_pictures(names)

    def about_all(name: str) -> bool:
        """Whether what lies beside the splits may be a table of them, or what somebody takes for one."""
        stem, kind = posixpath.splitext(folded(name))
        return kind in SUFFIXES_OF_TABLES | NOT_TABLES or (kind == ".txt" and stem not in stems)

    for folder, below in children.items():
        called = {name: split_of(name) for name in sorted(below) if split_of(name)}
        asked = split is not None and wanted in called.values()
        if called and (len(called) >= 2 or len(called) == len(below) or asked):
            known |= called.keys()
            exact = [name for name in called if name == split]
            chosen[folder] = exact or [name for name, word in called.items() if word == wanted]
    if known and not any(chosen.values()):
        raise ValueError(f"{source} has no split {split or 'train'!r}: use one of {', '.join(sorted(known))}")
    read, left_out = {}, []
    for name in names:
        folders = name.split("/")[:-1]
        kept, naming = True, ""
        for depth, folder in enumerate(folders):
            outer = "/".join(folders[:depth])
            if outer not in chosen:
                naming = folder
            elif folder not in chosen[outer]:
                kept = False
        if kept and (posixpath.dirname(name) not in chosen or about_all(name)):
            read[name] = naming
        else:
            left_out.append(name)
    return Part(read, left_out, known)


def tables_of_split(root: Path, tables: list[Path], split: str | None) -> tuple[list[Path], str]:
    """The tables whose path says that they are of a split (train-00000.parquet), if any does, and a line about it."""
    splits: dict[str, list[Path]] = {}
    for table in tables:
        parts = table.relative_to(root).as_posix().lower().split("/")
        words = [re.split(r"[-_.]", part.removeprefix("partial-"))[0] for part in parts]
        said = next((word for word in words if split_of(word)), None)
        if said is not None:
            splits.setdefault(said, []).append(table)
    if not splits:
        if split is not None:
            raise ValueError(f"{root} has no split {split!r}: it is not divided, leave the split out")
        return tables, ""
    wanted = split or "train"
    words = [word for word in splits if word == wanted.lower()]
    words = words or [word for word in splits if split_of(word) == split_of(wanted)]
    if not words:
        raise ValueError(f"{root} has no split {wanted!r}: use one of {', '.join(splits)}")
    chosen = [table for word in words for table in splits[word]]
    others = [table.relative_to(root).as_posix() for table in tables if table not in set(chosen)]
    return chosen, f"{wanted}; left out: {some(others) or 'nothing'}"
