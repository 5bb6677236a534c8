"""The files of a folder, without what systems and programs put beside a person's own."""

import os
import posixpath
from pathlib import Path

from .report import some
from .table import is_picture_name
from .texts import readable

HIDDEN = (".", "__MACOSX", "@eaDir")  # beginnings: Unix's, those of archives that macOS packs, Synology's
HIDDEN_FILES = ("thumbs.db", "desktop.ini")  # Windows'


def walk(root: Path, notes: list[str], follow_links: bool = True) -> dict[str, Path]:
    """All files below a folder by path within it, sorted, without hidden ones.

    `follow_links` says whether links are the owner's own and lead where they shall; what is not read is noted.
    """
    found, seen, unseen = {}, set(), []

    def unreadable(error: OSError) -> None:
        notes.append(f"{_within(error.filename, root)}/ cannot be read ({error.strerror})")

    for top, folders, files in os.walk(root, followlinks=follow_links, onerror=unreadable):
        place = os.path.realpath(top)
        if place in seen:
            notes.append(f"{_within(top, root)}/ is the same folder as one that is read already")
            folders.clear()
            continue
        seen.add(place)
        unseen += [_within(Path(top, name), root) for name in sorted(files) if hidden(name) and is_picture_name(name)]
        folders[:] = sorted(name for name in folders if not hidden(name))
        if not follow_links:
            notes += [f"{_within(os.path.join(top, n), root)}/ is a link, which is not followed"
                      for n in folders if os.path.islink(os.path.join(top, n))]  # fmt: skip
        for name in sorted(name for name in files if not hidden(name)):
            path = Path(top, name)
            if path.is_symlink() and not follow_links:
                notes.append(f"{_within(path, root)} is a link, which is not followed")
            elif path.is_file():
                found[path.relative_to(root).as_posix()] = path
            elif path.is_symlink():
                notes.append(f"{_within(path, root)} is a link to nothing")
    unseen = [name for name in unseen if not posixpath.basename(name).startswith("._")]  # macOS's, beside a picture
    if unseen:
        notes.append(f"hidden pictures are not read: {some(unseen)}")
    return dict(sorted(found.items()))


def hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or a system's own."""
    return name.startswith(HIDDEN) or name.lower() in HIDDEN_FILES


def _within(path: str | Path, root: Path) -> str:
    return readable(Path(path).relative_to(root).as_posix())[0]
