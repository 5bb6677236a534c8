"""retrieve and index."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from ..files import GALLERY, check_apart, check_output, new_output
from .paths import check_checkpoint, check_folder, check_input, load_pipeline

if TYPE_CHECKING:
    from PIL import Image

    from ..networks.encoders import TextTower
    from ..worlds.pictures.dataset import PictureDataset


def retrieve(args: argparse.Namespace) -> int:
    """Print the nearest pictures of the gallery."""
    if (args.prompt is None) == (args.image is None):
        raise ValueError("Give either a prompt or --image FILE.")
    image = None if args.image is None else _open(args.image)
    check_checkpoint(args.checkpoint)
    index = None
    if args.index is not None:
        from ..index import DenseIndex

        index = DenseIndex.load(args.index)
        if not all({"caption", "path"} <= entry.keys() for entry in index.metadata):
            raise ValueError(f"The index at {args.index} is no gallery of pictures: make one with the index command.")
    pipe = load_pipeline(args.checkpoint, args.device)
    hits = pipe.retrieve(args.prompt, image, args.k, index)
    results = [
        {
            "rank": rank,
            "score": round(hit.score, 6),
            "caption": hit.caption,
            "concept": hit.concept,
            "path": hit.path,
        }
        for rank, hit in enumerate(hits, 1)
    ]
    if args.json:
        query = args.prompt if args.image is None else str(args.image)
        plain = not (sys.stdout.encoding or "").lower().startswith("utf")  # then escapes that JSON has, not Python's
        print(json.dumps({"query": query, "results": results}, ensure_ascii=plain))
        return 0
    print("rank  score  caption")
    for result in results:
        print(f"{result['rank']:>4}  {result['score']:5.3f}  {result['caption']}  ({result['path']})")
    return 0


def _open(path: Path) -> "Image.Image":
    from ..worlds.pictures.decode import open_rgb

    check_input(path)
    try:
        return open_rgb(path, enough=512)
    except ValueError as error:
        raise ValueError(f"{path} {error}.") from error


def index(args: argparse.Namespace) -> int:
    """Make a gallery of one's own pictures."""
    check_folder(args.out)
    check_output(args.out, GALLERY, args.overwrite)
    check_apart(args.out, args.source)
    check_checkpoint(args.checkpoint)
    pipe = load_pipeline(args.checkpoint, args.device)

    from ..gallery import picture_index

    dataset = load_dataset(args, args.source, pipe.image_size, name_uncaptioned=True)
    with new_output(args.out, GALLERY, args.overwrite) as folder:
        made = picture_index(dataset, pipe.encode_image, pipe.encoder_id, folder)
    print(f"{args.out}  {len(made)} pictures")
    return 0


def name_long_texts(tower: "TextTower", texts: list[str]) -> None:
    """Say once on stderr which texts are longer than what the text encoder reads of them."""
    lengths = tower.lengths(texts)
    long = [text for text, length in zip(texts, lengths, strict=True) if length > tower.MAX_TOKENS]
    if long:
        print(f"{len(long)} of {len(texts)} texts are longer than the {tower.MAX_TOKENS} tokens (about 35 words) that "
              f"are read, so their ends say nothing; the first begins {long[0][:60]!r}.", file=sys.stderr)  # fmt: skip


def load_dataset(
    args: argparse.Namespace, source: str, image_size: int, name_uncaptioned: bool = False
) -> "PictureDataset":
    """A person's own pictures; what became of every file is told on stderr."""
    from ..worlds.pictures.dataset import load_pictures

    bar = tqdm(unit="picture", leave=False, disable=not sys.stderr.isatty())

    def show(done: int, total: int | None) -> None:
        bar.total = total
        bar.update()

    with bar:
        dataset = load_pictures(
            source,
            image_size,
            image_column=args.image_column,
            caption_column=args.caption_column,
            split=args.split,
            limit=args.limit,
            name_uncaptioned=name_uncaptioned,
            progress=show,
        )
    print(*dataset.report.lines(), sep="\n", file=sys.stderr)
    return dataset
