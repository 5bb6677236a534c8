"""People's own captioned pictures as a world: a caption is a text, and nothing is known of what it says."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from ..naming import Naming
from ..protocol import Caption, Model
from .dataset import PictureDataset

LISTED = 1000  # different captions that config.json keeps


class CaptionsWorld:
    """The captions that a model has learnt, without the pictures: what a checkpoint knows of its world.

    A caption fixes its text. Where several pictures have it, it leaves open which of them is meant.
    """

    kind = "pictures"
    attributes = ("text", "picture")
    open_attributes = frozenset({"picture"})
    finite: Sequence[int] | None = None
    family_size = 1
    held_out = ()
    showpiece = None

    def __init__(self, captions: Sequence[str]):
        self.captions = tuple(captions)
        self._count = Counter(self.captions)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "CaptionsWorld":
        """What `to_dict` wrote. Raises ValueError for an entry that this version does not know."""
        unknown = set(values) - {"kind", "captions"}
        if unknown:
            raise ValueError(f"a world of pictures has no setting {min(unknown)!r}")
        return cls(tuple(values.get("captions", ())))

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "captions": list(dict.fromkeys(self.captions))[:LISTED]}

    def scenes(self, n: int, rng: np.random.Generator) -> list[int]:
        return rng.permutation(len(self.captions))[:n].tolist()

    def value(self, scene: int, attribute: str) -> Hashable:
        return self.captions[scene] if attribute == "text" else scene

    def names(self) -> dict[Hashable, tuple[str, ...]]:
        return {}

    def combinations(self, attributes: tuple[str, ...]) -> list[tuple[Hashable, ...]]:
        return []

    def word(self, scene: int, attribute: str) -> str:
        return str(self.value(scene, attribute))

    def caption(self, scene: int, rng: np.random.Generator | None = None) -> Caption:
        text = self.captions[scene]
        return Caption(text, scene, frozenset({"text", "picture"} if self._count[text] == 1 else {"text"}))

    def test_captions(self, split: str, n: int, seed: int | list[int]) -> list[Caption]:
        if split != "iid":
            raise ValueError(f"own pictures have no split {split!r}")
        first = {text: i for i, text in reversed(list(enumerate(self.captions)))}
        return [self.caption(first[text]) for text in list(dict.fromkeys(self.captions))[:n]]

    def short_captions(self, n: int, seed: int | list[int]) -> list[Caption]:
        return []

    def own_prompts(self) -> list:
        return []

    def twins(self) -> list:
        return []

    def alternatives(self, caption: Caption, n: int, rng: np.random.Generator) -> list[int]:
        return []

    def understood(self, text: str) -> str:
        return text

    def told(self, caption: Caption) -> Caption:
        return caption

    def swap(self, caption: Caption, rng: np.random.Generator) -> None:
        """Nothing is known of what a caption says."""

    def render(self, scene: int, size: int) -> np.ndarray:
        raise ValueError("The pictures of this model are not here: only their captions are.")

    def layers(self, scene: int, size: int) -> None:
        """A picture is one layer."""

    def gallery(self) -> list[dict[str, Any]]:
        return []

    def gallery_picture(self, metadata: dict[str, Any], size: int) -> np.ndarray:
        raise ValueError("A model of one's own pictures has no gallery: index a folder.")

    def examples(self, size: int) -> np.ndarray:
        return np.zeros((0, size, size, 3), np.uint8)

    def describer(self, model: Model) -> "CaptionDescriber":
        return CaptionDescriber(self.test_captions("iid", len(self.captions), 0), model)

    def guide(self) -> None:
        """Nothing is known of what a text says."""

    def judge(self) -> None:
        """Nobody has learnt to read these pictures."""

    def judged(self) -> None:
        """So there is no such part."""

    def drawings(self) -> None:
        """Nothing is known of what they show."""


class CaptionDescriber:
    """Finds the likeliest of the captions that the model has learnt."""

    def __init__(self, captions: list[Caption], model: Model):
        """A caption, of which no two say the same, is the name of what it is of."""
        self._captions, self._model = captions, model
        texts = [caption.text for caption in captions]
        self._naming = Naming(texts, model.encode_text(texts) if texts else np.zeros((0, 1)), model.scale)

    def probabilities(self, pictures: np.ndarray) -> np.ndarray:
        return self._naming.probabilities(self._model.encode_image(pictures))

    def describe(self, picture: np.ndarray, k: int) -> list[tuple[float, Caption]]:
        if k < 1:
            raise ValueError(f"k is the number of captions and must be at least 1, not {k}.")
        if not self._captions:
            return []
        scores = self.probabilities(picture[None])[0]
        return [(float(scores[i]), self._captions[i]) for i in np.argsort(-scores, kind="stable")[:k]]


class PicturesWorld(CaptionsWorld):
    """The same with the pictures: what a model is trained on."""

    def __init__(self, dataset: PictureDataset):
        super().__init__(dataset.captions)
        self.dataset = dataset
        self.finite = range(len(self.captions))

    def render(self, scene: int, size: int) -> np.ndarray:
        image = self.dataset.images[scene]
        if len(image) != size:
            raise ValueError(f"the pictures were loaded at {len(image)} px and the model has {size} px.")
        return image
