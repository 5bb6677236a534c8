"""A visitor's own pictures: uploads with limits, read like any folder, and kept for one session."""

import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ..gallery import picture_index
from ..index import DenseIndex
from ..pipeline import GanDprPipeline
from ..worlds.pictures.dataset import PictureDataset, load_pictures
from ..worlds.pictures.report import some
from ..worlds.pictures.walking import hidden
from .words import say

MAX_FILES, MAX_FILE_BYTES = 200, 10 * 2**20
MAX_ENTRIES, MAX_UNPACKED_BYTES = 1000, 200 * 2**20  # of a zip: pictures, texts beside them, metadata
NAMED = 3  # bad files in a sentence


def read_uploads(paths: Sequence[str], folder: Path, image_size: int) -> PictureDataset:
    """Gather uploads into an empty `folder` and read what is there; what cannot be used is in the report.

    Zips are unpacked, with whatever captions they hold; a picture without one is called after its file.
    Raises ValueError with a sentence for the page.
    """
    if len(paths) > MAX_FILES:
        raise ValueError(
            say("These are {n} files; at most {most} are taken. Choose fewer.", n=len(paths), most=MAX_FILES)
        )
    files = [Path(path) for path in paths]
    too_large = [file for file in files if file.stat().st_size > MAX_FILE_BYTES]
    megabytes = MAX_FILE_BYTES // 2**20
    if too_large and too_large == files:
        raise ValueError(say("{file} is larger than {n} MB: make it smaller.", file=files[0].name, n=megabytes))
    for path in (file for file in files if file not in too_large):
        if path.suffix.lower() != ".zip":  # as a spreadsheet, which is packed in the same way
            shutil.copyfile(path, _free(folder / path.name))
        elif zipfile.is_zipfile(path):
            unpack(path, folder)
        else:
            raise ValueError(say("{file} is damaged or is not a zip file: pack it again.", file=path.name))
    try:
        dataset = load_pictures(
            folder, image_size, limit=MAX_FILES + 1, name_uncaptioned=True, follow_links=False
        )
    except ValueError as error:  # where the server keeps them is no visitor's business
        reason = str(error).replace(f"{folder}/", "").replace(str(folder), "the upload")
        raise ValueError(say("These files cannot be used: {reason}.", reason=reason)) from error
    if len(set(dataset.paths)) > MAX_FILES:
        raise ValueError(say("These are more than {most} pictures: choose fewer.", most=MAX_FILES))
    left_out = tuple((file.name, say("is larger than {n} MB", n=megabytes)) for file in too_large)
    dataset.report = replace(dataset.report, skipped=dataset.report.skipped + left_out)
    return dataset


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip. ValueError where an entry points outside, is a link or locked, or where it is too large."""
    with _in_one_sentence(archive):
        opened = zipfile.ZipFile(archive)
    with opened:
        entries = [entry for entry in opened.infolist() if not entry.filename.endswith("/")]
        if len(entries) > MAX_ENTRIES:
            raise ValueError(
                say(
                    "{file} holds {n} files; at most {most} are unpacked.",
                    file=archive.name,
                    n=len(entries),
                    most=MAX_ENTRIES,
                )
            )
        room = MAX_UNPACKED_BYTES
        for entry in entries:
            named = {"file": archive.name, "name": entry.filename}
            place = PurePosixPath(_name_of(entry).replace("\\", "/"))
            if ".." not in place.parts and any(map(hidden, place.parts)):
                continue
            if not place.parts or place.is_absolute() or ".." in place.parts or ":" in place.parts[0]:
                raise ValueError(say("{file} has an entry whose name cannot be used ({name}): pack it anew.", **named))
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise ValueError(say("{file} has a link in it ({name}): pack the file itself.", **named))
            target = _free(folder / place)
            with _in_one_sentence(archive):
                with opened.open(entry) as source:
                    content = source.read(room + 1)  # the sizes that a zip states may be lies
                target.parent.mkdir(parents=True, exist_ok=True)  # in vain where a file has the folder's name
                target.write_bytes(content)
            room -= len(content)
            if room < 0:
                raise ValueError(
                    say(
                        "{file} unpacks to more than {n} MB: take less.",
                        file=archive.name,
                        n=MAX_UNPACKED_BYTES // 2**20,
                    )
                )


def _name_of(entry: zipfile.ZipInfo) -> str:
    """An entry's name; one that does not say that it is UTF-8 as the bytes that it is, for the reader to judge."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return os.fsdecode(entry.filename.encode("cp437"))  # what zipfile takes all others for
    except UnicodeEncodeError:
        return entry.filename


@contextmanager
def _in_one_sentence(archive: Path) -> Iterator[None]:
    """A damaged zip surfaces as anything, from zlib.error to "negative seek value"; all of it is a ValueError."""
    try:
        yield
    except Exception as error:
        reason = getattr(error, "strerror", None) or error  # without the path on the server
        raise ValueError(
            say("{file} cannot be unpacked ({error}): pack it again.", file=archive.name, error=reason)
        ) from error


def _free(target: Path) -> Path:
    """The path, at which nothing may be yet."""
    if target.exists():
        raise ValueError(
            say("{name} comes twice: rename one, or pack one in a folder of its own.", name=target.name)
        )
    return target


def report(dataset: PictureDataset) -> str:
    """What was read, in a sentence that names bad files."""
    said = say("1 picture read.") if len(dataset) == 1 else say("{n} pictures read.", n=len(dataset))
    read = dataset.report
    if read.split:
        said += " " + say("Part: {split}.", split=read.split)
    if read.skipped:
        named = "; ".join(f"{name} {reason}" for name, reason in read.skipped[:NAMED])
        if len(read.skipped) > NAMED:
            named = say("{files} and {n} more", files=named, n=len(read.skipped) - NAMED)
        said += " " + say("Left out: {files}.", files=named)
    if read.from_names:
        said += " " + say("Without a text of their own, called by name: {files}.", files=some(read.from_names))
    return " ".join([said, *(f"{note[0].upper()}{note[1:]}." for note in read.notes)])


@dataclass(frozen=True)
class OwnGallery:
    """An index over a session's pictures and the folder that holds them."""

    index: DenseIndex
    folder: Path


class OwnGalleries:
    """The galleries of all sessions, each on disk until its session ends."""

    def __init__(self):
        self._galleries: dict[str, OwnGallery] = {}

    def add(self, session: str | None, pipeline: GanDprPipeline, paths: Sequence[str]) -> str:
        """Make uploads the session's gallery; an earlier one goes even if they cannot be read. Returns the report."""
        self.drop(session)
        folder = Path(tempfile.mkdtemp())
        try:
            pictures = folder / "pictures"
            pictures.mkdir()
            dataset = read_uploads(paths, pictures, pipeline.image_size)
            index = picture_index(dataset, pipeline.encode_image, pipeline.encoder_id, folder / "index")
        except BaseException:
            shutil.rmtree(folder)
            raise
        self._galleries[session or ""] = OwnGallery(index, folder)
        return report(dataset)

    def get(self, session: str | None) -> OwnGallery | None:
        """The session's gallery, if it has one."""
        return self._galleries.get(session or "")

    def drop(self, session: str | None) -> None:
        """Forget a session's pictures and delete them."""
        own = self._galleries.pop(session or "", None)
        if own is not None:
            shutil.rmtree(own.folder, ignore_errors=True)
