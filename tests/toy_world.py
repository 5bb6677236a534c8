"""A world that the package has never heard of: a square or a disc in red or blue, drawn by Pillow."""

from itertools import product
from types import SimpleNamespace

import numpy as np
from PIL import Image, ImageDraw

from gan_dpr.worlds.protocol import Caption, Reading

COLOURS = {"red": (214, 48, 49), "blue": (41, 98, 255)}
VALUES = {"shape": ("square", "disc"), "colour": tuple(COLOURS)}
HELD_OUT = ("disc", "blue")
SCENES = [scene for scene in product(*VALUES.values()) if scene != HELD_OUT]


class ToyJudge:
    """Reads pixels: the colour in the middle, and whether the shape's corner is filled."""

    facts = {"kind": "pixels"}

    def read(self, images: np.ndarray) -> Reading:
        size = images.shape[1]
        middle, corner = (images[:, i, i].astype(int) for i in (size // 2, size // 4 + 1))
        far = np.stack([np.abs(middle - colour).sum(1) for colour in COLOURS.values()], 1)
        filled = np.abs(middle - corner).sum(1) < np.abs(corner - 250).sum(1)
        words = {"colour": np.array(VALUES["colour"], object)[far.argmin(1)],
                 "shape": np.where(filled, "square", "disc").astype(object)}  # fmt: skip
        return Reading(words, middle / np.linalg.norm(middle + 1, axis=1, keepdims=True))


class ToyWorld:
    kind, attributes, family_size, finite, showpiece = "toy", tuple(VALUES), 1, None, None
    open_attributes, held_out = frozenset({"colour"}), ("colour",)

    def scenes(self, n: int, rng: np.random.Generator) -> list:
        return [SCENES[i] for i in rng.integers(len(SCENES), size=n)]

    def value(self, scene: tuple, attribute: str) -> str:
        return scene[self.attributes.index(attribute)]

    word = value

    def names(self) -> dict:
        return {}

    def _caption(self, scene: tuple, said: frozenset = frozenset(VALUES)) -> Caption:
        shape, colour = scene
        return Caption(f"a {colour} {shape}" if "colour" in said else f"a {shape}", scene, said)

    def caption(self, scene: tuple, rng: np.random.Generator) -> Caption:
        return self._caption(scene, frozenset(VALUES if rng.random() < 0.7 else {"shape"}))

    def test_captions(self, split: str, n: int, seed: int | list[int]) -> list[Caption]:
        if split not in ("iid", *self.held_out):
            raise ValueError(f"no split {split!r}")
        return [self._caption(s) for s in (SCENES if split == "iid" else [HELD_OUT])][:n]

    def short_captions(self, n: int, seed: int | list[int]) -> list[Caption]:
        return [self._caption(scene, frozenset({"shape"})) for scene in (("square", "red"), ("disc", "red"))][:n]

    def own_prompts(self) -> list:
        return []

    def twins(self) -> list:
        return []

    def alternatives(self, caption: Caption, n: int, rng: np.random.Generator) -> list:
        true = [scene for scene in SCENES if scene[0] == caption.scene[0]]
        return [true[i] for i in rng.integers(len(true), size=n)]

    def understood(self, text: str) -> str:
        return text

    def combinations(self, attributes: tuple[str, ...]) -> list[tuple]:
        return []

    def told(self, caption: Caption) -> Caption:
        return caption

    def swap(self, caption: Caption, rng: np.random.Generator) -> Caption | None:
        others = [s for s in SCENES if sum(a != b for a, b in zip(s, caption.scene, strict=True)) == 1]
        others = [s for s in others if any(self.value(s, n) != self.value(caption.scene, n) for n in caption.mentioned)]
        return self._caption(others[rng.integers(len(others))], caption.mentioned) if others else None

    def render(self, scene: tuple, size: int) -> np.ndarray:
        picture = Image.new("RGB", (size, size), (250, 250, 250))
        draw, box = ImageDraw.Draw(picture), (size // 4, size // 4, 3 * size // 4 - 1, 3 * size // 4 - 1)
        (draw.rectangle if scene[0] == "square" else draw.ellipse)(box, fill=COLOURS[scene[1]])
        return np.asarray(picture)

    def layers(self, scene: tuple, size: int) -> None: ...

    def judge(self) -> ToyJudge:
        return ToyJudge()

    def judged(self) -> "ToyWorld":
        return self

    def drawings(self) -> None: ...

    def gallery(self) -> list[dict]:
        return [{"caption": self._caption(scene).text, "path": "/".join(scene), "scene": scene} for scene in SCENES]

    def gallery_picture(self, metadata: dict, size: int) -> np.ndarray:
        return self.render(metadata["scene"], size)

    def examples(self, size: int) -> np.ndarray:
        return np.zeros((0, size, size, 3), np.uint8)

    def describer(self, model) -> SimpleNamespace:
        captions = [self._caption(scene) for scene in SCENES]
        vectors = model.encode_text([caption.text for caption in captions])

        def describe(picture: np.ndarray, k: int) -> list[tuple[float, Caption]]:
            cosines = vectors @ model.encode_image(picture[None])[0]
            return [(cosines[i], captions[i]) for i in np.argsort(-cosines)[:k]]

        return SimpleNamespace(describe=describe)

    def guide(self) -> None: ...

    def to_dict(self) -> dict:
        return {"kind": self.kind}
