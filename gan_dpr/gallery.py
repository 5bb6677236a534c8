"""What the retriever searches: a world's own gallery, and a person's pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .files import replacing
from .index import DenseIndex
from .worlds.pictures.dataset import PictureDataset
from .worlds.pictures.pictures import SUFFIXES, open_rgb
from .worlds.protocol import World

SHOWN = 512  # pixels of the longer side of a person's own picture in a result
PICTURES = "pictures"  # copies of pictures that are no files of their own, in an index folder


def world_gallery(
    world: World, encode_image: Callable[[np.ndarray], np.ndarray], image_size: int, encoder: str
) -> DenseIndex:
    """What a world has to be searched; ValueError where it has nothing.

    Args:
        world: whose gallery.
        encode_image: (N, S, S, 3) uint8 -> (N, D) unit vectors.
        image_size: S.
        encoder: names the weights behind `encode_image`.
    """
    metadata = world.gallery()
    if not metadata:
        raise ValueError("This model has no gallery of its own: index a folder of pictures and name it with --index.")
    vectors = encode_image(np.stack([world.gallery_picture(entry, image_size) for entry in metadata]))
    index = DenseIndex(vectors.shape[1], encoder)
    index.add(vectors, metadata)
    return index


def picture_index(
    dataset: PictureDataset,
    source: str,
    encode_image: Callable[[np.ndarray], np.ndarray],
    encoder: str,
    folder: Path,
    split: str = "train",
) -> DenseIndex:
    """Index a person's own pictures, loaded from a `split` of `source`, and save the index to `folder`.

    Pictures that are files stay where they are; those that came out of a table are copied, at the model's
    size, so that a result can be shown.
    """
    vectors = encode_image(dataset.images)
    metadata = []
    for i, (name, caption) in enumerate(zip(dataset.paths, dataset.captions, strict=True)):
        path = _file_of(source, split, name)
        if path is None:
            path = folder / PICTURES / f"{i:06d}.png"
            with replacing(path) as part:
                Image.fromarray(dataset.images[i]).save(part)
        metadata.append({"caption": caption, "path": str(path.resolve())})
    index = DenseIndex(vectors.shape[1], encoder)
    index.add(vectors, metadata)
    index.save(folder)
    return index


def _file_of(source: str, split: str, name: str) -> Path | None:
    """The picture's own file, if it has one: names are relative to the folder, or to its part."""
    for root in (Path(source), Path(source) / split):
        if (root / name).is_file() and (root / name).suffix.lower() in SUFFIXES:
            return root / name
    return None


def open_picture(metadata: dict[str, Any], world: World, image_size: int) -> Image.Image | None:
    """A search result's picture as RGB: of the world's gallery, or from its path, made smaller; None if gone."""
    if "scene" in metadata:
        return Image.fromarray(world.gallery_picture(metadata, image_size))
    try:
        image = open_rgb(metadata["path"], SHOWN)
    except ValueError:
        return None
    image.thumbnail((SHOWN, SHOWN))
    return image
