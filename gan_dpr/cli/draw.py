"""generate, interpolate, mix, scenes and timelapse."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PIL.PngImagePlugin import PngInfo

from ..files import DRAWN, MIXED, check_output, new_output, replacing
from .parser import LARGEST_SEED
from .paths import check_checkpoint, check_file, check_folder, check_input, load_pipeline
from .search import name_long_texts

if TYPE_CHECKING:
    from ..pipeline import GanDprPipeline, PipelineOutput

PICTURES_A_CALL = 256


def generate(args: argparse.Namespace) -> int:
    """Write DIR/{line:05d}_{image}.png and DIR/index.jsonl."""
    prompts = prompts_of(args)
    if args.size or args.format or args.chat or args.outline != "none" or args.shadow:
        raise ValueError("--size, --format, --for, --outline and --shadow are of stickers: add --transparent.")
    check_folder(args.out)
    check_output(args.out, DRAWN, args.overwrite)
    check_checkpoint(args.checkpoint)
    check_seed(args, prompts)
    pipe = load_pipeline(args.checkpoint, args.device)

    said = []
    with (
        new_output(args.out, DRAWN, args.overwrite) as folder,
        (folder / "index.jsonl").open("w", encoding="utf-8") as entries,
    ):
        for places, drawn in drawn_pictures(pipe, prompts, args):
            for (line, image), picture, seed, score in zip(
                places, drawn.images, drawn.seeds, drawn.scores, strict=True
            ):
                name = f"{line:05d}_{image}.png"
                picture.save(folder / name, pnginfo=_text_chunks(about(prompts[line], seed, pipe, args)))
                entry = {"prompt": prompts[line], "line": line, "image": image, "seed": seed, "file": name,
                         "score": round(score, 6)}  # fmt: skip
                entries.write(json.dumps(entry, ensure_ascii=False) + "\n")
                said.append(f"{args.out / name}  seed {seed}  score {score:.3f}")
    print(*said, sep="\n")  # when they are there: whoever stops listening does not lose them
    name_long_texts(pipe.text_tower, prompts)
    name_unknown(pipe, prompts)
    return 0


def prompts_of(args: argparse.Namespace) -> list[str]:
    """One prompt, or those of a file. Raises ValueError where neither or both are given."""
    if (args.prompt is None) == (args.prompts_file is None):
        raise ValueError("Give either a prompt or --prompts-file FILE.")
    return [args.prompt] if args.prompts_file is None else read_prompts(args.prompts_file)


def check_seed(args: argparse.Namespace, prompts: list[str]) -> None:
    """ValueError where the last picture's seed would be too large."""
    from ..pipeline import CANDIDATE_STRIDE

    if args.seed + len(prompts) * args.n + (args.best_of - 1) * CANDIDATE_STRIDE > LARGEST_SEED:
        raise ValueError(f"--seed {args.seed} is too large for {len(prompts) * args.n} pictures: choose a smaller one.")


def drawn_pictures(
    pipe: "GanDprPipeline", prompts: list[str], args: argparse.Namespace
) -> Iterator[tuple[list[tuple[int, int]], "PipelineOutput"]]:
    """Call by call: line and image of each picture, and the pictures."""
    import torch

    for lines, images in _calls(len(prompts), args.n):
        drawn = pipe(
            [prompts[line] for line in lines], len(images),
            truncation=args.truncation, best_of=args.best_of,
            generator=torch.Generator().manual_seed(args.seed + lines[0] * args.n + images[0]),
        )  # fmt: skip
        yield [(line, image) for line in lines for image in images], drawn


def name_unknown(pipe: "GanDprPipeline", prompts: list[str]) -> None:
    """Say on stderr which things the model never saw, and what it knows that is nearest."""
    things = filter(None, map(pipe.unknown_thing, prompts))
    for thing in dict.fromkeys(things):
        nearest = ", ".join(pipe.nearest_things(thing, 3))
        print(f"This model has never seen {thing!r}; nearest that it knows: {nearest}.", file=sys.stderr)


def about(prompt: str, seed: int, pipe: "GanDprPipeline", args: argparse.Namespace) -> dict[str, str]:
    """What a PNG says about itself, so that it can be drawn again."""
    said = {"prompt": prompt, "seed": str(seed), "checkpoint": pipe.name}
    return said if args.truncation == 1 else said | {"truncation": f"{args.truncation:g}"}


def _text_chunks(said: dict[str, str]) -> PngInfo:
    chunks = PngInfo()
    for name, text in said.items():
        chunks.add_text(name, text)  # UTF-8 where Latin-1 is not enough
    return chunks


def _calls(lines: int, images: int) -> Iterator[tuple[range, range]]:
    """Lines and images of each call of the pipeline: several whole lines, or a part of one."""
    lines_a_call = max(1, PICTURES_A_CALL // images)
    for line in range(0, lines, lines_a_call):
        for image in range(0, images, PICTURES_A_CALL):
            yield (
                range(line, min(line + lines_a_call, lines)),
                range(image, min(image + PICTURES_A_CALL, images)),
            )


def read_prompts(path: Path) -> list[str]:
    """The lines of a UTF-8 file. Raises ValueError that names the first line (from 0) which is no prompt."""
    check_input(path)
    rows = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if rows[-1] == b"":  # what follows the last line's end
        rows.pop()
    if not rows:
        raise ValueError(f"{path} is empty: write one prompt a line.")
    prompts = []
    for number, row in enumerate(rows):
        try:
            prompts.append(row.removesuffix(b"\r").decode("utf-8"))
        except UnicodeDecodeError:
            raise ValueError(
                f"Line {number} of {path} (counted from 0) is not UTF-8: save the file as UTF-8."
            ) from None
        if "\0" in prompts[-1]:
            raise ValueError(f"Line {number} of {path} (counted from 0) holds a NUL: is it a text file?")
        if not prompts[-1].strip():
            raise ValueError(f"Line {number} of {path} (counted from 0) is blank: write a prompt or delete the line.")
    return prompts


def interpolate(args: argparse.Namespace) -> int:
    """Write the animation."""
    if len(args.prompts) < 2:
        raise ValueError("Give at least two prompts to go from one to the other.")
    if args.steps < 2:
        raise ValueError("--steps counts both ends: give at least 2.")
    check_file(args.out, ".gif", ".webp", ".mp4", overwrite=args.overwrite)
    check_checkpoint(args.checkpoint)
    pipe = load_pipeline(args.checkpoint, args.device)

    from ..animation import save_animation

    frames = pipe.interpolate(args.prompts, args.steps, args.seed, args.space)
    count = save_animation(frames, args.out, ping_pong=args.ping_pong)
    print(f"{args.out}  {count} frames")
    name_long_texts(pipe.text_tower, args.prompts)
    name_unknown(pipe, args.prompts)
    return 0


def mix(args: argparse.Namespace) -> int:
    """Write DIR/00000_{k}.png for the k-th amount, and DIR/index.jsonl."""
    if len(args.prompts) < 2:
        raise ValueError("Give at least two prompts to mix.")
    check_folder(args.out)
    check_output(args.out, MIXED, args.overwrite)
    check_checkpoint(args.checkpoint)
    pipe = load_pipeline(args.checkpoint, args.device)
    pictures = pipe.mix(args.prompts, args.amount, args.way, args.seed)
    with (
        new_output(args.out, MIXED, args.overwrite) as folder,
        (folder / "index.jsonl").open("w", encoding="utf-8") as entries,
    ):
        for k, (picture, amount) in enumerate(zip(pictures, args.amount, strict=True)):
            name = f"00000_{k}.png"
            told = {"way": args.way, "amount": f"{amount:g}", "seed": str(args.seed), "checkpoint": pipe.name}
            # Not "prompt": one of them is no prompt that gives this picture.
            picture.save(folder / name, pnginfo=_text_chunks({"prompts": "\n".join(args.prompts)} | told))
            entry = {"prompts": args.prompts, "way": args.way, "amount": amount, "image": k, "seed": args.seed,
                     "file": name}  # fmt: skip
            entries.write(json.dumps(entry, ensure_ascii=False) + "\n")
    print(*(f"{args.out / f'00000_{k}.png'}  amount {amount:g}" for k, amount in enumerate(args.amount)), sep="\n")
    name_long_texts(pipe.text_tower, args.prompts)
    name_unknown(pipe, args.prompts)
    return 0


def scenes(args: argparse.Namespace) -> int:
    """Write a sheet of scenes with captions."""
    check_file(args.out, ".png", overwrite=args.overwrite)

    from ..worlds.emoji.contact_sheet import contact_sheet

    with replacing(args.out) as part:
        contact_sheet(part, args.n, args.seed, args.size)
    print(args.out)
    return 0


def timelapse(args: argparse.Namespace) -> int:
    """Write a run's sample grids as a film that holds its last frame for two seconds."""
    check_file(args.out, ".gif", ".webp", ".mp4", overwrite=args.overwrite)
    sheets = sorted((args.run / "samples").glob("step_*.png"))
    if not sheets:
        raise ValueError(f"{args.run} has no sample grids: give the folder of a training run.")

    from PIL import Image, ImageDraw

    from ..animation import save_animation

    frames = []
    for path in sheets:
        with Image.open(path) as sheet:
            frame = Image.new("RGB", (sheet.width, sheet.height + 18), "white")
            frame.paste(sheet)
        step = int(path.stem.removeprefix("step_"))
        ImageDraw.Draw(frame).text((4, frame.height - 15), f"step {step:,}", "black")
        frames.append(frame)
    save_animation(frames + frames[-1:] * round(2 * args.fps), args.out, args.fps)
    print(f"{args.out}  {len(frames)} frames")
    return 0
