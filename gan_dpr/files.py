"""Files that are either there whole or not there at all, and folders in which nothing of the user's is overwritten."""

import difflib
import fnmatch
import glob
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
PART = ".part-{pid}-{name}"  # what is being written, and by which process
# What a killed process leaves: our parts, and those of safetensors, which has its own.
LEFTOVERS = re.compile(r"\.part-(?P<pid>\d+)-.+|\.tmp[A-Za-z0-9]{6}")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path`, of the same suffix, to write to; it takes `path`'s name at the end.

    After an error or an interrupt nothing is left behind and an older `path` is untouched. What a killed process left
    of the same `path` is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(PART.format(pid="*", name=glob.escape(path.name))):
        if _is_left(left):
            left.unlink()
    part = path.with_name(PART.format(pid=os.getpid(), name=path.name))
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: str | Path, value: Any) -> None:
    """Write indented UTF-8 JSON, whole or not at all."""
    with replacing(path) as part:
        part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    """Of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_lfs_pointer(content: bytes) -> bool:
    """Whether a file's first bytes are those of the stand-in that git leaves where Git LFS is not installed."""
    return content.startswith(LFS_POINTER)


def check_content(path: Path) -> None:
    """FileNotFoundError or ValueError where a file is not there, is empty or is a Git LFS pointer."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing.")
    with path.open("rb") as file:
        beginning = file.read(len(LFS_POINTER))
    if is_lfs_pointer(beginning):
        raise ValueError(f"{path} is a Git LFS pointer and not the file itself: run `git lfs pull`.")
    if not beginning:
        raise ValueError(f"{path} is empty: fetch or make it again.")


def no_checkpoint(folder: str | Path) -> str:
    """A sentence about what is really wrong where a folder has no config.json."""
    place, said = Path(folder), f"No checkpoint at {folder}:"
    if place.is_file():
        return f"{said} that is a file. Give the folder that `train` wrote."
    if place.is_dir():
        inner = [path.parent for path in sorted(place.glob("*/generator.safetensors"))]
        if inner:
            return f"{said} it is in the folder below. Give {inner[0]}."
        return f"{said} no config.json there. Give the folder that `train` wrote."
    if place.parent.is_dir():
        others = [path.name for path in place.parent.iterdir() if path.is_dir()]
        like = difflib.get_close_matches(place.name, others, 1)
        if like:
            return f"{said} there is no such folder. Did you mean {place.parent / like[0]}?"
    return f"{said} there is no such folder. Give the folder that `train` wrote."


def is_hub_id(place: str | Path) -> bool:
    """Whether a place is no path here, and looks like "owner/name" on the Hugging Face hub."""
    return HUB_ID.fullmatch(str(place)) is not None and not Path(place).parent.exists()


def remove_leftovers(folder: Path) -> None:
    """Delete what killed processes left half-written directly in a folder of ours."""
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if not _is_left(entry):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _is_left(part: Path) -> bool:
    """Whether this is half-written and nobody writes on."""
    found = LEFTOVERS.fullmatch(part.name)
    return found is not None and (found["pid"] is None or not _lives(int(found["pid"])))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return pid != os.getpid()


@dataclass(frozen=True)
class Outputs:
    """What one command writes into a folder, which tells its files from the user's.

    Attributes:
        patterns: paths within the folder, with * for what varies; * does not cross a slash.
        proof: a file that every output of the command has.
        keys: of the JSON object that `proof` holds (in its first line), so that a file of the same name is no proof.
        listed: the key under which every line of `proof` names one more file, if it is such a list.
    """

    patterns: tuple[str, ...]
    proof: str
    keys: frozenset[str]
    listed: str | None = None

    def foreign(self, folder: Path) -> str | None:
        """The path of something in the folder that this command did not write; None if there is nothing such."""
        if not self._proven(folder):
            return next(self.names(folder), None)
        listed = self._listed(folder)
        for name in self.names(folder):
            own = any(_matches(name, pattern) for pattern in self.patterns)
            if not own or (listed is not None and name not in listed):
                return name
        return None

    def names(self, folder: Path) -> Iterator[str]:
        """Paths of all files in the folder and below it but for hidden ones; links are not followed."""
        for top, folders, files in os.walk(folder):
            links = [name for name in folders if (Path(top) / name).is_symlink()]
            folders[:] = [name for name in sorted(folders) if not name.startswith(".") and name not in links]
            for name in sorted((*files, *links)):
                if not name.startswith("."):
                    yield (Path(top) / name).relative_to(folder).as_posix()

    def remove(self, folder: Path) -> None:
        """Delete what `names` finds, and folders of the command that are empty then; the folder itself stays."""
        for name in list(self.names(folder)):
            (folder / name).unlink()
        inner = {parent for pattern in self.patterns for parent in Path(pattern).parents} - {Path()}
        for parent in sorted(inner, key=lambda parent: -len(parent.parts)):
            with suppress(OSError):  # it is not there, or not empty
                (folder / parent).rmdir()

    def _proven(self, folder: Path) -> bool:
        about = self._objects(folder)
        return bool(about) and self.keys <= about[0].keys()

    def _listed(self, folder: Path) -> set[Any] | None:
        if self.listed is None:
            return None
        return {self.proof} | {entry.get(self.listed) for entry in self._objects(folder)}

    def _objects(self, folder: Path) -> list[dict[str, Any]]:
        """The objects in the proof: one in a .json, one a line in a .jsonl; none if it holds anything else."""
        try:
            text = (folder / self.proof).read_text(encoding="utf-8")
            values = [json.loads(line) for line in ([text] if self.listed is None else text.strip().split("\n"))]
        except (OSError, ValueError, RecursionError):
            return []
        return values if all(isinstance(value, dict) for value in values) else []


def _matches(name: str, pattern: str) -> bool:
    parts, patterns = name.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatch.fnmatchcase, parts, patterns))


DRAWN = Outputs(
    ("index.jsonl", "*_*.png", "*_*.webp"),
    "index.jsonl", frozenset({"prompt", "line", "image", "seed", "file", "score"}), "file",
)  # fmt: skip
MIXED = Outputs(
    ("index.jsonl", "00000_*.png"),
    "index.jsonl", frozenset({"prompts", "way", "amount", "image", "seed", "file"}), "file",
)  # fmt: skip
GALLERY = Outputs(
    ("config.json", "index.faiss", "metadata.jsonl", "pictures/*.png"),
    "config.json", frozenset({"dimension", "count", "encoder"}),
)  # fmt: skip
RUN = Outputs(
    (
        "run.json", "metrics.jsonl", "state/state.safetensors", "samples/prompts.txt", "samples/step_*.png",
        "tensorboard/events.out.tfevents.*", "texts/*.npy", "checkpoint/config.json", "checkpoint/*.safetensors",
        "checkpoint/README.md", "checkpoint/training.json", "checkpoint/text_encoder/*", "checkpoint/gallery/*",
    ),
    "run.json", frozenset({"preset", "overrides"}),
)  # fmt: skip

STUDY = Outputs(
    ("study.json", "*/*-seed-*.json", "*/states/*/state.safetensors", "report/study.md", "report/study/*"),
    "study.json", frozenset({"study"}),
)  # fmt: skip

SPACE = Outputs((), "space.json", frozenset())  # with such a proof never: a Space is only written anew
TAUGHT = Outputs(
    ("config.json", "*.safetensors", "README.md", "training.json", "text_encoder/*", "gallery/*"),
    "config.json", frozenset({"model_type", "taught_from"}),
)  # fmt: skip


def check_output(folder: Path, outputs: Outputs, overwrite: bool, option: str = "--out") -> None:
    """ValueError where writing to the folder would mix with or replace what is there.

    A folder that is not there, or is empty but for hidden files, is always good. `overwrite` allows one that holds
    nothing but an earlier output of the same command.
    """
    if not folder.is_dir() or next(outputs.names(folder), None) is None:
        return
    foreign = outputs.foreign(folder)
    if foreign is not None:
        raise ValueError(
            f"{option} {folder} holds what this command did not write ({foreign}): choose another folder, or a new one."
        )
    if not overwrite:
        raise ValueError(
            f"{option} {folder} holds an earlier output: add --overwrite to replace it, or choose another folder."
        )


def check_apart(out: Path, source: str, option: str = "--out") -> None:
    """ValueError where an output would lie among the pictures that are read, and so be read as one of them."""
    place = Path(source)
    if not place.exists() or place.suffix.lower() == ".parquet":
        return  # a hub id, or a file that brings its pictures along
    folder = place if place.is_dir() else place.parent  # of a table, beside which its pictures are looked for
    written, read = out.resolve(), set()
    for top, below, _ in os.walk(folder, followlinks=True):
        if os.path.realpath(top) in read:
            below.clear()  # a link back
        below[:] = [name for name in below if not name.startswith(".")]
        read.add(os.path.realpath(top))
    if any(str(above) in read for above in (written, *written.parents)):
        raise ValueError(f"{option} {out} lies in {folder}, which is read: choose a folder outside it.")


@contextmanager
def new_output(folder: Path, outputs: Outputs, overwrite: bool) -> Iterator[Path]:
    """Yield an empty folder to write to; at the end its files move to `folder`, in place of an earlier output.

    After an error or an interrupt `folder` is as it was. Raises as `check_output`.
    """
    check_output(folder, outputs, overwrite)
    made = _missing(folder)
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    part = folder / PART.format(pid=os.getpid(), name="output")
    part.mkdir()
    try:
        yield part
        check_output(folder, outputs, overwrite)  # of two that write at once the first one stays
        outputs.remove(folder)
        # The proof last: without it the others are nobody's output.
        for name in sorted(outputs.names(part), key=lambda name: name == outputs.proof):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(part / name, folder / name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        for place in made:
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()


def _missing(folder: Path) -> list[Path]:
    """The folder and its parents that are not there yet, innermost first."""
    return [place for place in (folder, *folder.parents) if not place.exists()]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process. ValueError where another process holds it; a killed one holds nothing."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"Another process writes to {folder}: wait for it, or choose another folder.") from None
        yield
    finally:
        os.close(descriptor)
