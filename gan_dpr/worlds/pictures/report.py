"""What became of every file: one account for every reading of pictures."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMED = 100  # files in a report; of more the number is told
EXAMPLES = 3  # in a line that is about many


@dataclass(frozen=True)
class Item:
    """A picture not yet decoded with its caption, or the `problem` for which it cannot be used.

    Attributes:
        name: for people: the path within the folder, or file and row.
        picture: what `decode_picture` takes; with a problem it is there only if nothing but the caption is missing.
        caption: whatever stands there; `check_caption` judges it.
        origin: where the caption came from.
        doubtful: the caption is only a name, although other pictures of the folder have texts.
    """

    name: str
    picture: Any = None
    caption: Any = None
    origin: str = ""
    problem: str = ""
    doubtful: bool = False

    @property
    def file(self) -> Path | None:
        """The picture's own file, if it is one."""
        return self.picture if isinstance(self.picture, Path) else None


@dataclass(frozen=True)
class ReadingReport:
    """An account of one reading.

    Attributes:
        used: pictures that were read.
        skipped: (name, reason) of everything that was meant to be a picture or a row and could not be used.
        origins: (where captions came from, how many).
        from_names: pictures that are called by a folder's or file's name because their text is missing.
        different_captions: among the used.
        duplicates: (name, name of an earlier one with the same pixels at the size that is used).
        split: the part that was read, and what was left out for it; empty where there are no parts.
        notes: about files that are neither pictures nor captions, and about what was taken how.
    """

    used: int = 0
    skipped: tuple[tuple[str, str], ...] = ()
    origins: tuple[tuple[str, int], ...] = ()
    from_names: tuple[str, ...] = ()
    different_captions: int = 0
    duplicates: tuple[tuple[str, str], ...] = ()
    split: str = ""
    notes: tuple[str, ...] = ()

    def lines(self, most: int = NAMED) -> list[str]:
        """The account as text, at most `most` skipped files by name."""
        made = [f"pictures: {self.used} used, {len(self.skipped)} skipped"]
        sources = "; ".join(f"{count} from {origin}" for origin, count in self.origins)
        made.append(f"captions: {sources}; {self.different_captions} different")
        if self.split:
            made.append(f"split: {self.split}")
        if self.from_names:
            made.append(f"no text of their own, called by name: {some(self.from_names)}")
        if self.duplicates:
            pairs = [f"{name} is {first}" for name, first in self.duplicates]
            made.append(f"the same picture again: {some(pairs)}")
        made += self.notes
        made += [f"skipped {name}: {reason}" for name, reason in self.skipped[:most]]
        if len(self.skipped) > most:
            made.append(f"skipped {len(self.skipped) - most} more")
        return made


def some(names: Iterable[str]) -> str:
    """The first few of many, and how many more there are."""
    names = list(names)
    rest = len(names) - EXAMPLES
    return ", ".join(names[:EXAMPLES]) + (f" and {rest} more" if rest > 0 else "")
