"""teach: a new thing for a finished model."""

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from ..files import TAUGHT, check_apart, check_output, new_output
from .paths import check_checkpoint, check_folder, load_pipeline


def teach(args: argparse.Namespace) -> int:
    """Write a checkpoint that knows one thing more."""
    check_folder(args.out)
    check_output(args.out, TAUGHT, args.overwrite)
    check_apart(args.out, str(args.folder))
    check_checkpoint(args.checkpoint)
    pictures = pictures_in(args.folder)
    pipe = load_pipeline(args.checkpoint, args.device)

    from ..teaching import HEARD, save_taught, teach

    with tqdm(unit="step", leave=False, disable=not sys.stderr.isatty()) as bar:
        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        taught = teach(pipe, args.name, pictures, show)
    name, facts = list(taught.world.taught.items())[-1]
    with new_output(args.out, TAUGHT, args.overwrite) as folder:
        save_taught(taught, folder)
    for file, reason in facts["skipped"]:
        print(f"{file} is left out: it {reason}.", file=sys.stderr)
    if facts["heard"] < HEARD:
        print(f"Only {facts['heard']:.0%} of the texts that say {name!r} are understood: another name may be better.",
              file=sys.stderr)  # fmt: skip
    print(f"{args.out}  knows {name!r} from {facts['pictures']} pictures, {facts['error']:.1f} of 255 from them; "
          f"{facts['heard']:.0%} of other texts that say it are understood, "
          f"{facts['misheard']:.1%} of those that do not are mistaken for it")  # fmt: skip
    return 0


def pictures_in(folder: Path) -> list[Path]:
    """The pictures directly in a folder, by name. Raises FileNotFoundError or ValueError where there are none."""
    from ..worlds.pictures.decode import SUFFIXES

    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}: give one with pictures of the thing.")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise ValueError(f"{folder} holds no pictures (PNG, JPEG, WebP ...): give a folder with pictures of the thing.")
    return found
