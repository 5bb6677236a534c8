"""The command line: `python -m gan_dpr COMMAND`. See `parser` for what each command takes.

Exit status: 0 done, 1 a training run diverged, 2 bad input (one line on stderr, nothing written),
130 Ctrl-C, 143 SIGTERM.
"""

import argparse
import contextlib
import os
import sys
import warnings

from .failures import sentence_of
from .parser import build_parser
from .signals import Stopped, StopSignals

OK, FAILED, BAD_INPUT = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    _replace_what_the_console_cannot_print()
    args = build_parser().parse_args(arguments)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries' notices to programmers; ours are printed
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    with StopSignals() as signals:
        try:
            status = _run(args)
            sys.stdout.flush()  # here, and not at the interpreter's end, a full disk can still be told
            return status
        except BaseException as error:
            # An import in progress may have turned Stopped into an error of its own.
            status = error.status if isinstance(error, Stopped) else signals.status
            if status:
                return _failed(args, "stopped", status)
            return _status_of(error, args)


def _replace_what_the_console_cannot_print() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not what a test or a notebook put in its place
            stream.reconfigure(errors="backslashreplace")


def _status_of(error: BaseException, args: argparse.Namespace) -> int:
    """Say in one line what a user can mend, and raise the rest again."""
    if isinstance(error, BrokenPipeError):  # `retrieve ... | head`
        _drop_stdout()
        return OK
    if isinstance(error, FloatingPointError):  # TrainingDiverged, whose module is too heavy to import for this line
        return _failed(args, str(error), FAILED)
    sentence = sentence_of(error)
    if sentence is None:
        raise error
    try:
        sys.stdout.flush()
    except OSError:  # what stands in the buffer would fail a second time at the interpreter's end
        _drop_stdout()
    return _failed(args, f"error: {sentence}", BAD_INPUT)


def _drop_stdout() -> None:
    with contextlib.suppress(OSError, ValueError):  # a stream that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(args: argparse.Namespace) -> int:
    """Import the command's module and run it: `--help` and bad arguments never wait for torch."""
    match args.command:
        case "generate" if args.transparent:
            from . import stickers as module
        case "generate" | "interpolate" | "mix" | "scenes" | "timelapse":
            from . import draw as module
        case "retrieve" | "index":
            from . import search as module
        case "train":
            from . import train as module
        case "study":
            from . import study as module
        case "teach":
            from . import teach as module
        case "export-space":
            from . import space as module
        case _:
            from . import measure as module
    return getattr(module, args.command.replace("-", "_"))(args)


def _failed(args: argparse.Namespace, reason: str, status: int) -> int:
    print(f"gan_dpr {args.command}: {reason}", file=sys.stderr)
    return status
