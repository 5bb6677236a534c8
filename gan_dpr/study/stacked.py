"""Stacked Fashion-MNIST: a garment in each colour channel, a thousand combinations, of which a hundred are never shown.

The protocol of stacked MNIST (VEEGAN, Srivastava 2017; PacGAN, Lin 2018) with captions: how many of the thousand modes
are among 26,000 drawn pictures, and how far their frequencies are from equal ones. Garments are harder to tell apart
than digits, so beside every figure stands that of real pictures.
"""

import gzip
import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..evaluation.scenes import draw
from ..pipeline import GanDprPipeline
from ..worlds.protocol import Caption, Model, OwnPrompt

DATA = Path("/usr/share/datasets/fashion-mnist")  # of Debian's package dataset-fashion-mnist
GARMENTS = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
CHANNELS = ("red", "green", "blue")
SIZE, SIDE = 32, 28  # of the pictures, and of the garments in their middle
SAMPLES, HELD_OUT = 26_000, 100
COMBINATIONS = tuple(product(range(len(GARMENTS)), repeat=len(CHANNELS)))

Combination = tuple[int, int, int]


@dataclass(frozen=True)
class Garments:
    """One part of the data: pictures (N, 28, 28) uint8 and labels (N,)."""

    pictures: np.ndarray
    labels: np.ndarray

    @classmethod
    def read(cls, part: str, folder: Path = DATA) -> "Garments":
        """ "train" or "t10k". Raises FileNotFoundError."""
        paths = [folder / f"{part}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
        if not all(path.is_file() for path in paths):
            raise FileNotFoundError(f"{folder} has no Fashion-MNIST: apt-get install dataset-fashion-mnist.")
        pictures, labels = (gzip.decompress(path.read_bytes()) for path in paths)
        return cls(
            np.frombuffer(pictures, np.uint8, offset=16).reshape(-1, SIDE, SIDE),
            np.frombuffer(labels, np.uint8, offset=8).astype(np.int64),
        )

    @cached_property
    def of(self) -> list[np.ndarray]:
        """The numbers of the pictures of each garment."""
        return [np.flatnonzero(self.labels == garment) for garment in range(len(GARMENTS))]

    def some(self, combination: Combination, rng: np.random.Generator) -> "StackedScene":
        """Three pictures of a combination."""
        return StackedScene(combination, tuple(int(rng.choice(self.of[garment])) for garment in combination))


@dataclass(frozen=True)
class StackedScene:
    """The garments of the three channels, and the numbers of their pictures."""

    garments: Combination
    pictures: tuple[int, int, int]


def held_out_combinations() -> frozenset[Combination]:
    """The hundred that training never shows: those whose hashes are least."""
    def digest(combination: Combination) -> bytes:
        return hashlib.sha256("|".join(GARMENTS[garment] for garment in combination).encode()).digest()

    return frozenset(sorted(COMBINATIONS, key=digest)[:HELD_OUT])


def text_of(combination: Combination) -> str:
    """ "a red dress, a green bag and a blue boot"."""
    red, green, blue = (f"a {name} {GARMENTS[g]}" for name, g in zip(CHANNELS, combination, strict=True))
    return f"{red}, {green} and {blue}"


class StackedWorld:
    """Captions say the three garments, and leave open which pictures of them are meant."""

    kind = "stacked"
    attributes = (*CHANNELS, "pictures")
    open_attributes = frozenset({"pictures"})
    finite = None
    family_size = 1
    held_out = ("combination",)
    showpiece = None

    def __init__(self, garments: Garments):
        self.garments = garments
        self._held_out = held_out_combinations()
        self._shown = [combination for combination in COMBINATIONS if combination not in self._held_out]

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def scenes(self, n: int, rng: np.random.Generator) -> list[StackedScene]:
        return [self.garments.some(self._shown[i], rng) for i in rng.integers(len(self._shown), size=n)]

    def value(self, scene: StackedScene, attribute: str) -> Hashable:
        return scene.pictures if attribute == "pictures" else scene.garments[CHANNELS.index(attribute)]

    def word(self, scene: StackedScene, attribute: str) -> str:
        value = self.value(scene, attribute)
        return str(value) if attribute == "pictures" else GARMENTS[value]

    def combinations(self, attributes: tuple[str, ...]) -> list[tuple[Hashable, ...]]:
        return []

    def caption(self, scene: StackedScene, rng: np.random.Generator | None = None) -> Caption:
        return Caption(text_of(scene.garments), scene, frozenset(CHANNELS))

    def test_captions(self, split: str, n: int, seed: int | list[int]) -> list[Caption]:
        if split not in ("iid", *self.held_out):
            raise ValueError(f"unknown split {split!r}: use iid or combination")
        rng = np.random.default_rng(seed)
        chosen = self._shown if split == "iid" else sorted(self._held_out)
        picked = rng.permutation(len(chosen))[:n]
        return [self.caption(self.garments.some(chosen[i], rng)) for i in picked]

    def short_captions(self, n: int, seed: int | list[int]) -> list[Caption]:
        return []

    def alternatives(self, caption: Caption, n: int, rng: np.random.Generator) -> list[StackedScene]:
        return [self.garments.some(caption.scene.garments, rng) for _ in range(n)]

    def told(self, caption: Caption) -> Caption:
        return caption

    def swap(self, caption: Caption, rng: np.random.Generator) -> Caption | None:
        """Another garment in one channel; only combinations that are shown."""
        here = caption.scene.garments
        others = [
            (*here[:channel], garment, *here[channel + 1 :])
            for channel in range(len(CHANNELS)) for garment in range(len(GARMENTS)) if garment != here[channel]
        ]  # fmt: skip
        shown = [other for other in others if other not in self._held_out]
        return self.caption(self.garments.some(shown[int(rng.integers(len(shown)))], rng)) if shown else None

    def render(self, scene: StackedScene, size: int) -> np.ndarray:
        if size != SIZE:
            raise ValueError(f"stacked garments are {SIZE} px, and the model has {size} px.")
        edge = (SIZE - SIDE) // 2
        stacked = self.garments.pictures[list(scene.pictures)].transpose(1, 2, 0)
        return np.pad(stacked, ((edge, edge), (edge, edge), (0, 0)))

    def layers(self, scene: StackedScene, size: int) -> None:
        """A picture is one layer."""

    def judge(self) -> None:
        """`GarmentReader` reads them."""

    def judged(self) -> None:
        """Nor is there a part of them that a judge of scenes could."""

    def drawings(self) -> None:
        """A caption is true of many pictures."""

    def gallery(self) -> list[dict[str, Any]]:
        return []

    def gallery_picture(self, metadata: dict[str, Any], size: int) -> np.ndarray:
        raise ValueError("Stacked garments have no gallery.")

    def names(self) -> dict[Hashable, tuple[str, ...]]:
        return {}

    def own_prompts(self) -> list[OwnPrompt]:
        return []

    def twins(self) -> list[tuple[Caption, Caption]]:
        return []

    def understood(self, text: str) -> str:
        return text

    def examples(self, size: int) -> np.ndarray:
        return np.zeros((0, size, size, 3), np.uint8)

    def describer(self, model: Model) -> None:
        """Nothing describes them."""

    def guide(self) -> None:
        """No menus."""


class GarmentReader(nn.Module):
    """A small classifier of single garments: two convolutions, two linear layers."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * 7 * 7, 64), nn.ReLU(), nn.Linear(64, len(GARMENTS)),
        )  # fmt: skip

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N, 28, 28) uint8 -> logits (N, 10)."""
        return self.layers(pictures[:, None].float() / 127.5 - 1)

    @classmethod
    def trained(cls, garments: Garments, epochs: int = 2, batch: int = 128, seed: int = 0) -> "GarmentReader":
        """Learn from the training part; always the same."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = cls()
        pictures, labels = torch.from_numpy(garments.pictures.copy()), torch.from_numpy(garments.labels)
        optimizer, rng = torch.optim.Adam(made.parameters(), lr=2e-3), torch.Generator().manual_seed(seed)
        for _ in range(epochs):
            for rows in torch.randperm(len(pictures), generator=rng).split(batch):
                optimizer.zero_grad()
                F.cross_entropy(made(pictures[rows]), labels[rows]).backward()
                optimizer.step()
        return made.eval().requires_grad_(False)

    @torch.inference_mode()
    def read(self, images: np.ndarray) -> np.ndarray:
        """(N, 32, 32, 3) uint8 -> the garments of the three channels, (N, 3)."""
        edge = (SIZE - SIDE) // 2
        inner = torch.from_numpy(np.ascontiguousarray(images[:, edge : edge + SIDE, edge : edge + SIDE]))
        single = inner.permute(0, 3, 1, 2).reshape(-1, SIDE, SIDE)
        found = torch.cat([self(part).argmax(1) for part in single.split(1024)])
        return found.view(-1, len(CHANNELS)).numpy()


def mode_figures(read: np.ndarray) -> dict[str, float]:
    """Of garments that were read, (N, 3): modes among them, and the reverse KL divergence from equal shares.

    KL(drawn || equal) = sum of p log(p K) over the K modes; log K where all are of one mode.
    """
    codes = read @ np.array([100, 10, 1])
    shares = np.bincount(codes, minlength=len(COMBINATIONS)) / len(codes)
    there = shares[shares > 0]
    return {"modes": len(there), "reverse_kl": float((there * np.log(there * len(COMBINATIONS))).sum())}


def right_rows(read: np.ndarray) -> list[dict[str, Any]]:
    """Rows of the combinations that were shown and of those that were not.

    `right` is the share of pictures of which all three garments are those of the caption, `modes_right` the number of
    combinations of which more than half of the pictures are.

    Args:
        read: (1000 * k, 3), k pictures for each combination in turn.
    """
    truth = np.array(COMBINATIONS)[:, None]
    right = (read.reshape(len(COMBINATIONS), -1, len(CHANNELS)) == truth).all(2).mean(1)
    hidden = held_out_combinations()
    unseen = np.array([combination in hidden for combination in COMBINATIONS])
    return [
        {"split": split, "attribute": attribute, "right": float(right[rows].mean()),
         "modes_right": int((right[rows] > 0.5).sum())}
        for split, attribute, rows in (("iid", None, ~unseen), ("heldout", "combination", unseen))
    ]  # fmt: skip


def stacked_rows(pipeline: GanDprPipeline, test: Garments, samples: int = SAMPLES) -> list[dict[str, Any]]:
    """The model's rows, and those of as many pictures that are stacked from `test` ones, as the baseline "real"."""
    each, rng = samples // len(COMBINATIONS), np.random.default_rng(0)
    reader, world = GarmentReader.trained(pipeline.world.garments), StackedWorld(test)
    drawn = draw(pipeline, [text_of(combination) for combination in COMBINATIONS], each)
    real = np.stack([world.render(test.some(c, rng), SIZE) for c in COMBINATIONS for _ in range(each)])
    rows = []
    for baseline, read in ((None, reader.read(drawn)), ("real", reader.read(real))):
        found = [{"split": "all", "attribute": None, **mode_figures(read)}, *right_rows(read)]
        rows += [row | {"baseline": baseline} for row in found]
    return rows
