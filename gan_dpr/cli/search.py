"""retrieve and index."""

import argparse
import json
import sys
import warnings
from typing import TYPE_CHECKING

from .paths import check_checkpoint, check_folder, check_input, load_pipeline

if TYPE_CHECKING:
    from PIL import Image

    from ..data.dataset import PictureDataset


def retrieve(args: argparse.Namespace) -> int:
    """Print the nearest pictures of the gallery."""
    if (args.prompt is None) == (args.image is None):
        raise ValueError("Give either a prompt or --image FILE.")
    image = None if args.image is None else _open(args)
    check_checkpoint(args.checkpoint)
    index = None
    if args.index is not None:
        from ..index import DenseIndex

        index = DenseIndex.load(args.index)
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
        print(json.dumps({"query": query, "results": results}, ensure_ascii=False))
        return 0
    print("rank  score  caption")
    for result in results:
        print(f"{result['rank']:>4}  {result['score']:5.3f}  {result['caption']}  ({result['path']})")
    return 0


def _open(args: argparse.Namespace) -> "Image.Image":
    from PIL import Image, UnidentifiedImageError

    check_input(args.image)
    try:
        image = Image.open(args.image)
        image.load()
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{args.image} is not a picture that can be read: {error}.") from error
    return image


def index(args: argparse.Namespace) -> int:
    """Make a gallery of one's own pictures."""
    check_folder(args.out)
    check_checkpoint(args.checkpoint)
    pipe = load_pipeline(args.checkpoint, args.device)

    from ..gallery import picture_index

    dataset = load_dataset(args, args.source, pipe.image_size, name_uncaptioned=True)
    made = picture_index(dataset, args.source, pipe.encode_image, pipe.encoder_id, args.out)
    print(f"{args.out}  {len(made)} pictures")
    return 0


def load_dataset(
    args: argparse.Namespace, source: str, image_size: int, name_uncaptioned: bool = False
) -> "PictureDataset":
    """A person's own pictures; each that had to be skipped is named on stderr."""
    from ..data.dataset import load_pictures

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same news as `skipped`
        dataset = load_pictures(
            source,
            image_size,
            image_column=args.image_column,
            caption_column=args.caption_column,
            limit=args.limit,
            name_uncaptioned=name_uncaptioned,
        )
    for name, reason in dataset.skipped:
        print(f"skipped {name}: {reason}", file=sys.stderr)
    return dataset
