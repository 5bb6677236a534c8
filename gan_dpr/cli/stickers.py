"""generate --transparent: stickers in a folder, or a pack of them in a zip."""

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..files import DRAWN, check_output, new_output, replacing
from ..stickers.pack import Sticker, check_pack, write_pack
from ..stickers.targets import Target, encoded, target_of
from .draw import about, check_seed, drawn_pictures, name_unknown, prompts_of
from .paths import check_checkpoint, check_file, check_folder, load_pipeline

if TYPE_CHECKING:
    from ..pipeline import GanDprPipeline

USUAL_SIZE, USUAL_FORMAT = 256, "png"


def generate(args: argparse.Namespace) -> int:
    """Write DIR/{line:05d}_{image}.png or .webp and DIR/index.jsonl, or FILE.zip."""
    prompts = prompts_of(args)
    if args.chat and (args.size or args.format):
        raise ValueError("--for says the size and the format: leave out --size and --format.")
    target = target_of(args.chat, args.size or USUAL_SIZE, args.format or USUAL_FORMAT)
    pack = args.out.suffix.lower() == ".zip"
    if pack:
        check_file(args.out, ".zip", overwrite=args.overwrite)
        check_pack(len(prompts) * args.n, target)
    else:
        check_folder(args.out)
        check_output(args.out, DRAWN, args.overwrite)
    check_checkpoint(args.checkpoint)
    check_seed(args, prompts)
    pipe = load_pipeline(args.checkpoint, args.device)
    drawn = _stickers(pipe, prompts, args, target)
    said = _packed(drawn, args, target) if pack else _written(drawn, args, target)
    print(*said, sep="\n")
    name_unknown(pipe, prompts)
    return 0


def _stickers(
    pipe: "GanDprPipeline", prompts: list[str], args: argparse.Namespace, target: Target
) -> Iterator[tuple[dict, Sticker]]:
    """Each sticker with its entry for index.jsonl."""
    for places, out in drawn_pictures(pipe, prompts, args):
        for (line, image), seed, score in zip(places, out.seeds, out.scores, strict=True):
            picture = pipe.stickers(
                prompts[line], [seed], target.side, args.outline == "white", args.shadow, args.truncation
            )[0]
            entry = {"prompt": prompts[line], "line": line, "image": image, "seed": seed,
                     "file": f"{line:05d}_{image}.{target.format}", "score": round(score, 6)}  # fmt: skip
            yield entry, Sticker(picture, prompts[line], about(prompts[line], seed, pipe, args))


def _written(drawn: Iterator[tuple[dict, Sticker]], args: argparse.Namespace, target: Target) -> list[str]:
    said = []
    with (
        new_output(args.out, DRAWN, args.overwrite) as folder,
        (folder / "index.jsonl").open("w", encoding="utf-8") as entries,
    ):
        for entry, sticker in drawn:
            data = encoded(sticker.picture, target, sticker.about)
            (folder / entry["file"]).write_bytes(data)
            entries.write(json.dumps(entry, ensure_ascii=False) + "\n")
            said.append(
                f"{args.out / entry['file']}  seed {entry['seed']}  score {entry['score']:.3f}  {len(data):,} bytes"
            )
    return said


def _packed(drawn: Iterator[tuple[dict, Sticker]], args: argparse.Namespace, target: Target) -> list[str]:
    with replacing(args.out) as part:
        stickers = [sticker for _, sticker in drawn]
        write_pack(part, stickers, target)
    return [f"{args.out}  {len(stickers)} stickers"]
