"""Training batches as pure functions of (seed, step, rank), so that a resumed run sees what it would have seen."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch

from ..config import SceneConfig
from ..encoders import TextTower, TokenStates
from ..generator import NOISY_PARTS, PARTS
from ..images import to_pixels
from ..worlds.pictures.dataset import PictureDataset
from .captions import Caption, concept_caption, rewrite, write_caption
from .render import render
from .world import ATTRIBUTES, Scene, World

POOL_STREAM, BATCH_STREAM = 0, 1  # what the random numbers of one seed are for
SHORT_SAID_SHARE = 0.25  # of the attributes that a short caption may leave out
# In what a caption must agree with the scene's own to tell this part of the generator what it draws.
MIXED_ATTRIBUTES = {
    "content": ("concept", "style"), "pose": ("size", "position"), "background": ("background",),
    "orientation": ("orientation",), "tint": ("tint",),
}  # fmt: skip
OPEN_ATTRIBUTES = ("style", "size", "position", "background")  # which a caption may leave to the noise


@dataclass(frozen=True)
class Batch:
    """N captioned pictures; everything lies on the CPU.

    text: token states of the captions; swapped: of `swapped_captions`, each with one attribute changed,
    meaningful where `has_swap` (N,) says so. pixels: (N, 3, S, S) in [-1, 1]. `matches[i, j]` (N, N) bool: picture j
    satisfies caption i. `open_parts` (3, N) bool: which of the generator's NOISY_PARTS the caption leaves something
    of open; `decided` (N,) bool: it leaves nothing open that no noise decides.
    mixed: for each of the generator's PARTS the states of another caption for the same N pictures, (5, N, L, D);
    None where there is nothing to mix. `canvas_rests`: of a layered generator all parts but the canvas shall
    learn from this batch.
    """

    captions: list[str]
    swapped_captions: list[str]
    text: TokenStates
    swapped: TokenStates
    has_swap: torch.Tensor
    pixels: torch.Tensor
    matches: torch.Tensor
    open_parts: torch.Tensor
    decided: torch.Tensor
    mixed: TokenStates | None = None
    canvas_rests: bool = False


class BatchSource(Protocol):
    def batch(self, step: int, size: int, rank: int = 0) -> Batch: ...


def world_of(config: SceneConfig) -> World:
    """The part of the emoji world that a configuration names."""
    whole = World.core32() if config.concepts == "core32" else World()
    parts = ("styles", "orientations", "tints", "sizes", "positions", "backgrounds")
    named = {part: tuple(getattr(config, part)) for part in parts if getattr(config, part)}
    if not isinstance(config.concepts, str):
        named["concepts"] = tuple(config.concepts)
    return replace(whole, **named)


def easy_part(world: World) -> World:
    """Large, upright, untinted objects of the same concepts, styles and backgrounds."""
    return replace(world, sizes=("large",), orientations=("upright",), tints=("none",))


class SceneSource:
    """Endless emoji scenes. Captions are drawn and encoded in pools; pictures are rendered anew every time."""

    def __init__(self, config: SceneConfig, text_tower: TextTower, image_size: int, seed: int):
        self.config, self.text_tower, self.image_size, self.seed = config, text_tower, image_size, seed
        self.world = world_of(config)
        self._pool_number = -1

    def _fill_pool(self, number: int) -> None:
        rng = np.random.default_rng([self.seed, POOL_STREAM, number])
        world = easy_part(self.world) if number < self.config.easy_pools else self.world
        captions, swapped, has_swap = [], [], []
        for scene in self._scenes(world, rng):
            if self.config.caption_mode == "concept":
                caption = concept_caption(scene, wording=int(rng.integers(2**63)))
            else:
                caption = write_caption(scene, rng, self._mention(rng))
            other = _swap(world, caption, rng)
            captions.append(caption)
            has_swap.append(other is not None)
            swapped.append(other.text if other else caption.text)
        self._captions, self._swapped_captions, self._has_swap = captions, swapped, torch.tensor(has_swap)
        self._text = _halved(self.text_tower.encode([caption.text for caption in captions]))
        self._swapped = _halved(self.text_tower.encode(swapped))
        # Attributes as small integers, for the table of matches.
        codes: dict[object, int] = {}
        values = [[caption.scene.attribute(name) for name in ATTRIBUTES] for caption in captions]
        self._values = np.array([[codes.setdefault((i, v), len(codes)) for i, v in enumerate(row)] for row in values])
        self._said = np.array([[name in caption.mentioned for name in ATTRIBUTES] for caption in captions])
        left_open = ~self._said & [name in world.varying for name in ATTRIBUTES]
        columns = [[ATTRIBUTES.index(name) for name in MIXED_ATTRIBUTES[part]] for part in NOISY_PARTS]
        self._open_parts = torch.from_numpy(np.stack([left_open[:, of_part].any(1) for of_part in columns]))
        self._decided = torch.from_numpy(~left_open[:, [name not in OPEN_ATTRIBUTES for name in ATTRIBUTES]].any(1))
        said_values = np.where(self._said, self._values, -1)
        self._alike = [
            _Groups(said_values[:, [ATTRIBUTES.index(name) for name in MIXED_ATTRIBUTES[part]]]) for part in PARTS
        ]
        self._pool_number = number

    def _scenes(self, world: World, rng: np.random.Generator) -> Iterator[Scene]:
        """A pool of scenes, family after family."""
        for i in range(self.config.pool_size):
            if i % self.config.family_size == 0:
                first = scene = world.sample(rng)
            else:
                relative = world.swap(first, rng, ("concept",))
                scene = relative[0] if relative else world.sample(rng)
            yield scene

    def _mention(self, rng: np.random.Generator) -> list[str] | None:
        """What a caption shall say: everything (half of the time but for the style), little, or None for chance."""
        kind, halves = rng.random(2)
        if kind < self.config.complete_share:
            return [name for name in ATTRIBUTES if halves < 0.5 or name != "style"]
        if kind < self.config.complete_share + self.config.short_share:
            return [name for name in ATTRIBUTES if rng.random() < SHORT_SAID_SHARE]
        return None

    def batch(self, step: int, size: int, rank: int = 0) -> Batch:
        number = step * size // (self.config.pool_size * self.config.pool_reuse)
        if number != self._pool_number:
            self._fill_pool(number)
        rng = np.random.default_rng([self.seed, BATCH_STREAM, step, rank])
        family = self.config.family_size
        first = family * rng.integers(len(self._captions) // family, size=-(-size // family))
        chosen = (first[:, None] + np.arange(family)).ravel()[:size]
        captions = [self._captions[i] for i in chosen]
        reach = self.image_size // 64
        jitter = rng.integers(-reach, reach + 1, size=(size, 2))
        pictures = [render(c.scene, self.image_size, tuple(j)) for c, j in zip(captions, jitter.tolist(), strict=True)]
        mixed = None
        if self.config.mix_captions:
            mixed = _widened(self._text, np.stack([groups.draw(chosen, rng) for groups in self._alike]))
        values, said = self._values[chosen], self._said[chosen]
        matches = ((values[:, None] == values[None]) | ~said[:, None]).all(-1)
        return Batch(
            captions=[caption.text for caption in captions],
            swapped_captions=[self._swapped_captions[i] for i in chosen],
            text=_widened(self._text, chosen),
            swapped=_widened(self._swapped, chosen),
            has_swap=self._has_swap[chosen],
            pixels=to_pixels(np.stack(pictures)),
            matches=torch.from_numpy(matches),
            open_parts=self._open_parts[:, chosen],
            decided=self._decided[chosen],
            mixed=mixed,
            canvas_rests=0 <= number - self.config.easy_pools < self.config.placing_pools,
        )


class _Groups:
    """The rows of an array, grouped by equality."""

    def __init__(self, rows: np.ndarray):
        _, self._group, self._count = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
        self._order = np.argsort(self._group, kind="stable")
        self._start = np.cumsum(self._count) - self._count

    def draw(self, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each of the `chosen` rows the number of a random row that equals it."""
        group = self._group[chosen]
        return self._order[self._start[group] + rng.integers(self._count[group])]


class PictureSource:
    """People's own captioned pictures, shuffled anew every epoch."""

    def __init__(self, dataset: PictureDataset, text_tower: TextTower, seed: int):
        self.dataset, self.text_tower, self.seed = dataset, text_tower, seed
        self._text = _halved(text_tower.encode(dataset.captions))
        numbers = {caption: i for i, caption in enumerate(dict.fromkeys(dataset.captions))}
        self._number = np.array([numbers[caption] for caption in dataset.captions])
        self._only = np.bincount(self._number)[self._number] == 1

    def batch(self, step: int, size: int, rank: int = 0) -> Batch:
        chosen = np.array([i for _, i in zip(range(size), self._order(step * size, rank), strict=False)])
        number = self._number[chosen]
        text = _widened(self._text, chosen)
        captions = [self.dataset.captions[i] for i in chosen]
        return Batch(
            captions=captions,
            swapped_captions=captions,
            text=text,
            swapped=text,
            has_swap=torch.zeros(size, dtype=torch.bool),
            pixels=to_pixels(self.dataset.images[chosen]),
            matches=torch.from_numpy(number[:, None] == number[None]),
            open_parts=torch.zeros(len(NOISY_PARTS), size, dtype=torch.bool),
            decided=torch.from_numpy(self._only[chosen]),
        )

    def _order(self, start: int, rank: int) -> Iterator[int]:
        """The picture numbers from place `start` of the endless shuffled sequence on."""
        epoch, offset = divmod(start, len(self._number))
        while True:
            order = np.random.default_rng([self.seed, BATCH_STREAM, epoch, rank]).permutation(len(self._number))
            yield from order[offset:].tolist()
            epoch, offset = epoch + 1, 0


def _swap(world: World, caption: Caption, rng: np.random.Generator) -> Caption | None:
    """The caption with one of the attributes that it says changed: the hardest negative there is."""
    swapped = world.swap(caption.scene, rng, caption.mentioned)
    return rewrite(caption, swapped[0]) if swapped else None


def _halved(text: TokenStates) -> TokenStates:
    """fp16 on the CPU: a pool of captions stays a few hundred megabytes."""
    return TokenStates(text.states.half().cpu(), text.mask.cpu())


def _widened(text: TokenStates, chosen: np.ndarray) -> TokenStates:
    mask = text.mask[chosen]
    length = int(mask.sum(-1).max())  # no longer than this batch needs
    return TokenStates(text.states[chosen, :length].float(), mask[..., :length])
