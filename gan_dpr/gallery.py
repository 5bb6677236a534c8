"""What the retriever searches: a world's own gallery, and a person's pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from .files import check_content, replacing
from .index import DenseIndex
from .worlds.pictures.dataset import PictureDataset
from .worlds.pictures.decode import open_rgb
from .worlds.protocol import World

SHOWN = 512  # pixels of the longer side of a person's own picture in a result
PICTURES = "pictures"  # copies of pictures that are no files of their own, in an index folder
VECTORS = "vectors.safetensors"  # beside the index of a world's gallery: what else a picture is compared with


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


def places_of(vectors: np.ndarray) -> np.ndarray:
    """(N, D) unit vectors -> (N, 2) in [0, 1]: a map on which what is alike lies together (t-SNE, van der Maaten 2008).

    Along either side they lie as evenly as they can, so that no part of the map is crowded: half-way to their ranks.
    """
    from sklearn.manifold import TSNE  # a second to import, and needed once

    few = len(vectors)
    if few < 8:
        return np.random.default_rng(0).random((few, 2)).astype(np.float32)
    layout = TSNE(metric="cosine", init="random", perplexity=min(30, few / 4), random_state=0).fit_transform(vectors)
    layout = (layout - layout.min(0)) / (layout.max(0) - layout.min(0))
    ranks = layout.argsort(0).argsort(0) / (few - 1)
    return ((layout + ranks) / 2).astype(np.float32)


def save_vectors(folder: Path, vectors: dict[str, np.ndarray], encoder: str) -> None:
    """Store what weights made ("names", "states", "examples" and "places") beside a gallery, in half precision."""
    halves = {name: found.astype(np.float16) for name, found in vectors.items()}
    with replacing(folder / VECTORS) as part:
        part.write_bytes(save(halves, {"encoder": encoder}))


def load_vectors(folder: Path, encoder: str) -> dict[str, np.ndarray]:
    """In float32 what `save_vectors` stored; none where others' weights made it. ValueError: damaged."""
    path = folder / VECTORS
    if not path.is_file():
        return {}
    check_content(path)
    try:
        with safe_open(path, "numpy") as file:
            if (file.metadata() or {}).get("encoder") != encoder:
                return {}
            return {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118 no mapping
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: remove it, and it is made again when it is needed.") from error


def picture_index(
    dataset: PictureDataset, encode_image: Callable[[np.ndarray], np.ndarray], encoder: str, folder: Path
) -> DenseIndex:
    """Index a person's own pictures, save the index to `folder` and return it as it is read from there.

    Pictures that are files stay where they are; those that came out of a table are copied, at the model's
    size, so that a result can be shown.
    """
    vectors = encode_image(dataset.images)
    metadata = []
    for i, (file, caption) in enumerate(zip(dataset.files, dataset.captions, strict=True)):
        if file is not None and _is_utf8(str(file.resolve())):
            path = str(file.resolve())
        else:
            path = f"{PICTURES}/{i:06d}.png"
            (folder / PICTURES).mkdir(parents=True, exist_ok=True)
            Image.fromarray(dataset.images[i]).save(folder / path)
        metadata.append({"caption": caption, "path": path})
    index = DenseIndex(vectors.shape[1], encoder)
    index.add(vectors, metadata)
    index.save(folder)
    return DenseIndex.load(folder)


def _is_utf8(name: str) -> bool:
    """Whether a path can stand in JSON."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


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
