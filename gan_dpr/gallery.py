"""What the retriever searches: the shipped sprites, a person's own pictures, and captions of scenes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .data.captions import ALWAYS, Caption, canonical_caption, rewrite
from .data.render import render
from .data.world import BACKGROUNDS, CONCEPTS, ORIENTATIONS, POSITIONS, SIZES, TINTS, Scene, SceneObject
from .index import DenseIndex
from .worlds.pictures.dataset import PictureDataset
from .worlds.pictures.decode import open_rgb

SHOWN = 512  # pixels of the longer side of a person's own picture in a result
PICTURES = "pictures"  # copies of pictures that are no files of their own, in an index folder


def sprite_gallery(
    encode_image: Callable[[np.ndarray], np.ndarray], image_size: int, encoder: str
) -> DenseIndex:
    """Every shipped sprite, upright, large and untinted on white.

    Args:
        encode_image: (N, S, S, 3) uint8 -> (N, D) unit vectors.
        image_size: S.
        encoder: names the weights behind `encode_image`.
    """
    scenes = [
        Scene((SceneObject(concept.concept, style, size="large"),), "white")
        for concept in CONCEPTS.values()
        for style in concept.styles
    ]
    vectors = encode_image(np.stack([render(scene, image_size) for scene in scenes]))
    index = DenseIndex(vectors.shape[1], encoder)
    index.add(vectors, [_sprite_metadata(scene) for scene in scenes])
    return index


def _sprite_metadata(scene: Scene) -> dict[str, Any]:
    concept, style = scene.object.concept, scene.object.style
    return {
        "caption": canonical_caption(scene, style=True).text,
        "concept": concept,
        "style": style,
        "path": f"sprites.parquet#{style}/{concept}",
        "scene": scene.to_dict(),
    }


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


def open_picture(metadata: dict[str, Any], image_size: int) -> Image.Image | None:
    """A search result's picture as RGB: drawn anew for a sprite, else from its path, made smaller; None if gone."""
    if "scene" in metadata:
        return Image.fromarray(render(Scene.from_dict(metadata["scene"]), image_size))
    try:
        image = open_rgb(metadata["path"], SHOWN)
    except ValueError:
        return None
    image.thumbnail((SHOWN, SHOWN))
    return image


class Describer:
    """Finds captions for a picture among all that can be said of an emoji scene, about a million.

    They are searched a part at a time: the concepts first, then each further attribute added to the best
    captions so far.
    """

    WIDTH = 4  # captions that each search step goes on from
    ATTRIBUTES = {
        "background": tuple(BACKGROUNDS), "tint": tuple(TINTS), "orientation": ORIENTATIONS,
        "position": tuple(POSITIONS), "size": tuple(SIZES),
    }  # fmt: skip

    def __init__(self, encode_text: Callable[[list[str]], np.ndarray]):
        """`encode_text`: N texts -> (N, D) unit vectors."""
        self._encode_text = encode_text
        scenes = [Scene((SceneObject(c.concept, c.styles[0]),), "white") for c in CONCEPTS.values()]
        self._concepts = [_caption(scene, ALWAYS) for scene in scenes]
        self._vectors = encode_text([caption.text for caption in self._concepts])

    def describe(self, vector: np.ndarray, k: int) -> list[tuple[float, str]]:
        """(D,) unit vector of a picture -> the k best (cosine, caption), best first."""
        if k < 1:
            raise ValueError(f"k is the number of captions and must be at least 1, not {k}.")
        scored = list(zip((self._vectors @ vector).tolist(), self._concepts, strict=True))
        for attribute in self.ATTRIBUTES:
            scored.sort(key=lambda pair: -pair[0])
            known = {caption.text for _, caption in scored}
            further = [c for _, best in scored[: self.WIDTH] for c in self._extended(best, attribute)]
            further = list({c.text: c for c in further if c.text not in known}.values())
            if further:
                scores = self._encode_text([caption.text for caption in further]) @ vector
                scored += zip(scores.tolist(), further, strict=True)
        scored.sort(key=lambda pair: -pair[0])
        return [(score, caption.text) for score, caption in scored[:k]]

    def _extended(self, caption: Caption, attribute: str) -> list[Caption]:
        """The caption with each value of one more attribute that makes a scene."""
        made = []
        for value in self.ATTRIBUTES[attribute]:
            try:
                scene = caption.scene.with_attribute(attribute, value)
            except ValueError:  # a red object on red, a large one in a corner
                continue
            made.append(_caption(scene, caption.mentioned - caption.implied | {attribute}))
        return made


def _caption(scene: Scene, mentioned: frozenset[str]) -> Caption:
    """The canonical wording that says just this much."""
    return rewrite(Caption("", scene, mentioned), scene)
