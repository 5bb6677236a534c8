"""What each command takes. Needs nothing but the standard library, so that `--help` is instant."""

import argparse
import math
import sys
from pathlib import Path
from typing import NoReturn

DEFAULT_CHECKPOINT = Path("checkpoints/emoji-64")
LARGEST_SEED = 2**53 - 1  # what JSON and a web page carry exactly


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, where argparse would print the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; the chosen one's name ends up in `command`."""
    parser = Parser(prog="python -m gan_dpr", description="Draw pictures from prompts, and find them again.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, summary: str, checkpoint: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        if checkpoint:
            made.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, metavar="DIR",
                              help="the model: a folder, or owner/name on the hub (%(default)s)")  # fmt: skip
            made.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute")
        return made

    _generate(command("generate", "Draw pictures for a prompt, or for a file of prompts."))
    _interpolate(command("interpolate", "Animate the way from one prompt to the next."))
    _mix(command("mix", "Draw two or more things as one."))
    _retrieve(command("retrieve", "Find the pictures of a gallery that fit a text or a picture."))
    _index(command("index", "Make a gallery of your own pictures for retrieve --index."))
    _train(command("train", "Train a model, on emoji scenes or on your own captioned pictures.", checkpoint=False))
    _teach(command("teach", "Teach a finished model a new thing, from a few pictures of it."))
    _export_space(command("export-space", "Write a folder that is a Hugging Face Space of a model."))
    _evaluate(command("evaluate", "Measure how well pictures show what their prompts say."))
    _benchmark(command("benchmark", "Measure speed on this machine."))
    _scenes(command("scenes", "Write a sheet of training scenes with their captions.", checkpoint=False))
    _study(command("study", "Answer the project's questions by trainings of equal CPU time.", checkpoint=False))
    _timelapse(command("timelapse", "Make a film of a run's sample grids.", checkpoint=False))
    return parser


def _generate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="?", type=prompt, metavar="PROMPT", help="what to draw")
    parser.add_argument("--prompts-file", type=Path, metavar="FILE", help="one prompt a line, UTF-8")
    parser.add_argument("--n", type=count, default=1, help="pictures a prompt (%(default)s)")
    parser.add_argument("--seed", type=seed, default=0,
                        help="image k of line i has the seed SEED + i * N + k (%(default)s)")  # fmt: skip
    parser.add_argument("--truncation", type=factor, default=1.0,
                        help="factor of the noise: below 1 is less varied (%(default)s)")  # fmt: skip
    parser.add_argument("--best-of", type=count, default=1, metavar="B",
                        help="draw B candidates, keep the best-scored one (%(default)s)")  # fmt: skip
    _stickers(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR",
                        help="folder for the pictures and index.jsonl, or a .zip for a pack of stickers")  # fmt: skip
    _overwrite(parser)


def _stickers(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("stickers")
    group.add_argument("--transparent", action="store_true", help="draw the object alone, centred, without background")
    group.add_argument("--size", type=count, metavar="PX", help="pixels a side: 64, 128, 256 or 512 (256)")
    group.add_argument("--format", metavar="png|webp", help="of the files (png)")
    group.add_argument("--for", dest="chat", metavar="CHAT",
                       help="instead of both: slack, discord, discord-emoji, telegram or whatsapp")  # fmt: skip
    group.add_argument("--outline", nargs="?", choices=("none", "white"), const="white", default="none",
                       help="a line around the object (%(default)s; white where nothing is said)")  # fmt: skip
    group.add_argument("--shadow", action="store_true", help="a soft shadow below it")


def _interpolate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompts", nargs="+", type=prompt, metavar="PROMPT", help="two prompts or more")
    parser.add_argument("--steps", type=count, default=16, help="frames from one prompt to the next (%(default)s)")
    parser.add_argument("--seed", type=seed, default=0, help="of the noise (%(default)s)")
    parser.add_argument("--space", choices=("prompt", "noise", "both"), default="prompt",
                        help="what moves (%(default)s)")  # fmt: skip
    parser.add_argument("--ping-pong", action="store_true", help="append the way back")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .gif, .webp or .mp4")
    _overwrite(parser)


def _mix(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompts", nargs="+", type=prompt, metavar="PROMPT",
                        help="two or more; place, turn and background are the first one's")  # fmt: skip
    parser.add_argument("--amount", type=share, nargs="+", default=[0.5], metavar="A",
                        help="0 is the first prompt, 1 the others; a picture for each (0.5)")  # fmt: skip
    parser.add_argument("--way", choices=("colours", "halves", "middle", "blend"), default="halves",
                        help="the first in the others' colours; put together from the top down, or from the middle "
                             "outwards; or all at once (%(default)s)")  # fmt: skip
    parser.add_argument("--seed", type=seed, default=0, help="of the noise (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for pictures and index.jsonl")
    _overwrite(parser)


def _retrieve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="?", type=prompt, metavar="PROMPT", help="what to look for")
    parser.add_argument("--image", type=Path, metavar="FILE", help="a picture to look for instead")
    parser.add_argument("--k", type=count, default=5, help="results (%(default)s)")
    parser.add_argument("--index", type=Path, metavar="DIR", help="a gallery of your own (the shipped sprites)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _overwrite(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier output of this command in --out")


def _pictures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image-column", metavar="NAME", help="of a table: the pictures (found by name)")
    parser.add_argument("--caption-column", metavar="NAME", help="of a table: the captions (found by name)")
    parser.add_argument("--split", metavar="NAME", help="of a source that has several (train)")
    parser.add_argument("--limit", type=count, metavar="N", help="take the first N pictures")


def _index(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="FOLDER_OR_DATASET",
                        help="folder, .parquet, saved dataset or hub id owner/name[:config]")  # fmt: skip
    _pictures(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the gallery")
    _overwrite(parser)


def _train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", metavar="NAME", help="networks, settings and world; needed unless --resume")
    parser.add_argument("--data", metavar="PATH", help="your own captioned pictures (emoji scenes)")
    _pictures(parser)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
                        help="change a setting, as in training.lr_g=1e-4; may be repeated")  # fmt: skip
    parser.add_argument("--max-steps", type=count, metavar="N", help="stop after step N")
    parser.add_argument("--max-seconds", type=seconds, metavar="S", help="stop after S seconds")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out, exactly")
    parser.add_argument("--warm-start", type=Path, metavar="DIR", help="start from the weights of a checkpoint")
    parser.add_argument("--retriever", type=Path, metavar="DIR", help="start with the retriever of a checkpoint")
    parser.add_argument("--text-encoder", metavar="DIR", help="a BERT-family encoder: folder or hub id")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute")
    parser.add_argument("--precision", choices=("auto", "no", "bf16"), default="auto",
                        help="no is float32; bf16 autocasts; auto takes bf16 where the hardware has it")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the run")
    _overwrite(parser)


def _teach(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=prompt, metavar="NAME", help="how prompts shall call it, such as 'my dog'")
    parser.add_argument("folder", type=Path, metavar="FOLDER",
                        help="1 to 20 pictures of it, cut out or on a plain background")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the new checkpoint")
    _overwrite(parser)


def _export_space(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=Path, metavar="DIR", help="a new folder")
    parser.add_argument("--title", default="GAN-DPR", help="what the Space is called (%(default)s)")


def _evaluate(parser: argparse.ArgumentParser) -> None:
    suites = ("scenes", "free", "retrieval", "fidelity", "unseen", "words", "korean", "all")
    parser.add_argument("--suite", choices=suites, default="scenes",
                        help="what to measure (%(default)s)")  # fmt: skip
    parser.add_argument("--seeds", type=count, default=4,
                        help="pictures a caption (scenes, words, korean; %(default)s)")  # fmt: skip
    parser.add_argument(
        "--limit", type=count, metavar="N", help="at most N captions a split: quick, less exact"
    )
    parser.add_argument("--best-of", type=count, default=1, metavar="B",
                        help="measure the best-scored of B pictures beside the first (scenes)")  # fmt: skip
    parser.add_argument("--core", action="store_true",
                        help="measure on the first 128 concepts alone, as models of every size can")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.json", help="where the figures go")
    parser.add_argument("--figure", type=Path, metavar="FILE.png",
                        help="also a sheet of held-out captions: real render, and what was drawn")  # fmt: skip


def _benchmark(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="where the figures go (printed only)")


def _scenes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--n", type=count, default=48, help="scenes (%(default)s)")
    parser.add_argument("--seed", type=seed, default=0, help="another seed, other scenes (%(default)s)")
    parser.add_argument("--size", type=side, default=64, help="pixels a side, a multiple of 32 (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="the picture to write")
    _overwrite(parser)


def _timelapse(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a training run")
    parser.add_argument("--fps", type=seconds, default=6.0, help="grids a second (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .gif, .webp or .mp4")
    _overwrite(parser)


def _study(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", metavar="NAME", help="one question, by its name or number (all of them)")
    parser.add_argument("--seeds", type=count, default=3, help="trainings of each arm (%(default)s)")
    parser.add_argument("--seconds", type=seconds, metavar="N", help="CPU seconds an arm (as each question has it)")
    parser.add_argument("--jobs", type=count, default=1, help="trainings side by side, a core each (%(default)s)")
    parser.add_argument("--report", type=Path, metavar="DIR", help="where study.md goes (report/ in --out)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR",
                        help="folder of the raw results; what is there is not trained again")  # fmt: skip


def prompt(text: str) -> str:
    """A text that is not blank and is valid UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("the prompt is not valid UTF-8") from None
    if not text.strip():
        raise argparse.ArgumentTypeError("the prompt is blank: say what to draw or look for")
    return text


def count(text: str) -> int:
    """A whole number from 1."""
    return _whole(text, 1, sys.maxsize)


def seed(text: str) -> int:
    """A whole number from 0 that JSON carries exactly."""
    return _whole(text, 0, LARGEST_SEED)


def side(text: str) -> int:
    """A multiple of 32."""
    value = _whole(text, 32, 1024)
    if value % 32:
        raise argparse.ArgumentTypeError(f"{text} is not a multiple of 32")
    return value


def factor(text: str) -> float:
    """A finite number from 0."""
    return _number(text, zero=True)


def share(text: str) -> float:
    """A number from 0 to 1."""
    value = _number(text, zero=True)
    if value > 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
    return value


def seconds(text: str) -> float:
    """A finite number above 0."""
    return _number(text, zero=False)


def _whole(text: str, low: int, high: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text} is out of range: {low} to {high}" if high < sys.maxsize
                                         else f"{text} is out of range: give at least {low}")  # fmt: skip
    return value


def _number(text: str, zero: bool) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise argparse.ArgumentTypeError(f"{text} is out of range: give {'0 or more' if zero else 'more than 0'}")
    return value
