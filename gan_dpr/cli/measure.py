"""evaluate and benchmark."""

import argparse
import json
import sys

from ..files import replacing, write_json
from .paths import check_checkpoint, check_file, load_pipeline


def evaluate(args: argparse.Namespace) -> int:
    """Write the figures of a suite as JSON, and print them as a table."""
    check_file(args.out, ".json")
    if args.figure is not None:
        check_file(args.figure, ".png", option="--figure")
    check_checkpoint(args.checkpoint)
    pipe = load_pipeline(args.checkpoint, args.device)

    from ..evaluation import suites

    sheet = None if args.figure is None else suites.figure(pipe)  # first: not every world can have one
    figures = suites.evaluate(pipe, args.suite, args.seeds, args.limit, args.best_of, progress=print, core=args.core)
    write_json(args.out, figures)
    if sheet is not None:
        with replacing(args.figure) as part:
            sheet.save(part, format="png")
    return 0


def benchmark(args: argparse.Namespace) -> int:
    """Print the figures of this machine as JSON, and write them if asked to."""
    if args.out is not None:
        check_file(args.out, ".json")
    check_checkpoint(args.checkpoint)
    pipe = load_pipeline(args.checkpoint, args.device)

    from ..benchmark import run_benchmark

    figures = run_benchmark(pipe, args.checkpoint, args.device)
    if args.out is not None:
        write_json(args.out, figures)
    json.dump(figures, sys.stdout, indent=2)
    print()
    return 0
