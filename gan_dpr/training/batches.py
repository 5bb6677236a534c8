"""Training batches as pure functions of (seed, step, rank), so that a resumed run sees what it would have seen."""

from collections.abc import Hashable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import torch

from ..images import to_pixels
from ..networks.encoders import TextTower, TokenStates
from ..networks.parts import Part
from ..worlds.protocol import Caption, Layers, Scene, World
from .remembering import Known
from .text_cache import cached_states

# Captions for each picture of a batch that are compared with each other, and as many that say the same; and at most.
COMPARED, COMPARED_AT_MOST = 2, 512
MEASURED = 8192  # captions at most that statistics are taken of
ENCODED = 1024  # captions at a time; between them the work may be stopped
POOL_STREAM, BATCH_STREAM, SWAP_STREAM = 0, 1, 3  # what the random numbers of one seed are for; 2 is for noise


@dataclass(frozen=True)
class LayerTargets:
    """`worlds.protocol.Layers` of N pictures as tensors.

    drawings (N, K, 4, S, S), straight alpha, uint8 in a pool and in [0, 1] in a batch; extents (N, K, 2);
    places (N, K, 3); turns (N, K) long; tints (N, K, 4); background (N, 3); numbers (N, K, 2) long, of the thing and
    the style as the memory has them.
    """

    drawings: torch.Tensor
    extents: torch.Tensor
    places: torch.Tensor
    turns: torch.Tensor
    tints: torch.Tensor
    background: torch.Tensor
    numbers: torch.Tensor

    @classmethod
    def stack(cls, layers: list[Layers], known: Known) -> "LayerTargets":
        arrays = {
            field.name: np.stack([getattr(one, field.name) for one in layers])
            for field in fields(cls) if field.name != "numbers"
        }  # fmt: skip
        arrays["numbers"] = np.stack([known.numbers_of(one) for one in layers])
        arrays["drawings"] = np.moveaxis(arrays["drawings"], -1, 2)
        return cls(**{name: torch.from_numpy(array) for name, array in arrays.items()})

    def to(self, device: torch.device) -> "LayerTargets":
        return LayerTargets(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})

    def rows(self, chosen: np.ndarray | slice) -> "LayerTargets":
        """Those of some pictures of a pool."""
        some = {field.name: getattr(self, field.name)[chosen] for field in fields(self)}
        return LayerTargets(**some | {"drawings": some["drawings"].float() / 255})


@dataclass(frozen=True)
class Batch:
    """N captioned pictures.

    text: token states of the captions; swapped: of `swapped_captions`, each with one thing changed, where `has_swap`
    (N,) says so. pixels: (N, 3, S, S) in [-1, 1]; none, (0, 3, S, S), where a step only looks at `layers`.
    matches: (N, N) bool, [i, j]: picture j satisfies caption i.
    open: for each part that has noise, (N,) bool: the caption that the part reads leaves something of it open.
    decided: (N,) bool: a caption leaves nothing open that no noise decides. layers: what the pictures are made of,
    where their world knows it.
    mixed: (P, N, L, D), for each of the generator's parts the states of another caption for the same N pictures; None
    where there is nothing to mix.
    names: (T, L, D), of each thing of the world one of the texts that say it and nothing else; named: (M, 3, S, S),
    further pictures, of which nothing else is said; things: (N + M,) long, which of the names all the pictures have.
    The three are None where they were not asked for, or the world has no names.
    compared: M further captions; saying: (P, M) long: captions with equal numbers say the same to part p.
    """

    captions: list[str]
    swapped_captions: list[str]
    text: TokenStates
    swapped: TokenStates
    has_swap: torch.Tensor
    pixels: torch.Tensor
    matches: torch.Tensor
    open: dict[str, torch.Tensor]
    decided: torch.Tensor
    layers: LayerTargets | None = None
    mixed: TokenStates | None = None
    names: TokenStates | None = None
    named: torch.Tensor | None = None
    things: torch.Tensor | None = None
    compared: TokenStates | None = None
    saying: torch.Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        """Everything on a device."""
        return replace(self, **{field.name: _moved(getattr(self, field.name), device) for field in fields(self)})


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, torch.Tensor | TokenStates | LayerTargets):
        return value.to(device)
    if isinstance(value, dict):
        return {name: _moved(entry, device) for name, entry in value.items()}
    return value


@dataclass(frozen=True)
class _Swaps:
    """Captions with one thing changed, or the old ones where nothing can change."""

    captions: list[Caption]
    changed: torch.Tensor  # (n,) bool
    text: TokenStates


@dataclass
class _Pool:
    """Captions, encoded, and which of them agree in what; swaps and pictures are made when they are first asked for."""

    number: int
    captions: list[Caption]
    text: TokenStates
    values: np.ndarray  # (n, attributes) small integers
    said: np.ndarray  # (n, attributes) bool
    open: dict[str, torch.Tensor]
    decided: torch.Tensor
    alike: list["_Groups"]
    layers: LayerTargets | None
    swaps: _Swaps | None = None
    pictures: torch.Tensor | None = None  # (n, S, S, 3) uint8


class Batches:
    """Captions of a world, encoded in pools, with their pictures; of a finite world they are one pool.

    The next batch is made while the step before it runs. What is large of a pool stays where the text tower runs.

    Args:
        world: where scenes, captions and pictures come from.
        text_tower: encodes captions.
        parts: of the generator.
        image_size: pixels a side.
        seed: of everything random.
        pool_size, pool_reuse: of an endless world: captions a pool, and how often each is used.
        mix: whether each part reads a caption of its own.
        known: what the generator shall remember; without it nothing is said of what pictures are made of.
        cache: a folder for the encoded captions of a finite world, which may be too many for the memory.
    """

    def __init__(self, world: World, text_tower: TextTower, parts: dict[str, Part], image_size: int, seed: int = 0,
                 pool_size: int = 4096, pool_reuse: int = 8, mix: bool = True, known: Known | None = None,
                 cache: Path | None = None):  # fmt: skip
        self.world, self.text_tower, self.parts, self.image_size, self.seed = world, text_tower, parts, image_size, seed
        self.pool_reuse, self.mix, self.known = pool_reuse, mix and len(parts) > 1, known
        self.pool_size = pool_size if world.finite is None else len(world.finite)
        self.cache = cache if world.finite is not None else None
        self._pool: _Pool | None = None
        self._worker, self._closed = ThreadPoolExecutor(1), Event()
        self._next: tuple[tuple[int, int, int, bool, int | None], Future[Batch]] | None = None

    def batch(self, step: int, size: int, rank: int = 0, retrieved: bool = True, named: int | None = None) -> Batch:
        """The batch of a step; the one after it is begun.

        Args:
            step, rank: which batch it is.
            size: N.
            retrieved: whether a retriever reads it: else there are no swaps, and no pictures of a world that knows
                their layers.
            named: how many further pictures come with names; with None there are no names.
        """
        made = self._taken((step, size, rank, retrieved, named))
        following = (step + 1, size, rank, retrieved, named)
        self._next = following, self._worker.submit(self._make, *following)
        return made

    def close(self) -> None:
        """No more batches: what is begun is left, or a process that ends would wait for a pool that nobody uses."""
        self._closed.set()
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _taken(self, wanted: tuple[int, int, int, bool, int | None]) -> Batch:
        if self._next is not None:
            key, future = self._next
            self._next = None
            if key == wanted or not future.cancel():
                made = future.result()  # waits: pool and tokenizer belong to one thread at a time
                if key == wanted:
                    return made
        return self._make(*wanted)

    def tokens(self) -> torch.Tensor:
        """(T, text_dim): states of the tokens of the first pool, for statistics; of a large one of every n-th text."""
        text = self._pool_of(0).text
        every = -(-len(text.mask) // MEASURED)
        return text.states[::every][text.mask[::every]].float()

    def _make(self, step: int, size: int, rank: int, retrieved: bool, named: int | None) -> Batch:
        endless = self.world.finite is None
        pool = self._pool_of(step * size // (self.pool_size * self.pool_reuse) if endless else 0)
        rng = np.random.default_rng([self.seed, BATCH_STREAM, step, rank])
        chosen = self._families(size, rng) if endless else self._epochs(step, size, rank)
        where = pool.text.states.device
        values, said = (torch.from_numpy(of_pool[chosen]).to(where) for of_pool in (pool.values, pool.said))
        matches = ((values[:, None] == values[None]) | ~said[:, None]).all(-1)
        rows = np.stack([groups.draw(chosen, rng) for groups in pool.alike]) if self.mix else None
        swaps = self._swaps_of(pool) if retrieved else None
        others = self._comparable(min(COMPARED * size, COMPARED_AT_MOST), pool, rng) if self.mix else chosen
        names = None if named is None else self._names
        # New ones: a retriever learns the pictures of a pool by heart within three hundred steps.
        further, main = self.world.scenes(named, rng) if names else [], self.world.attributes[0]
        shown = [*(pool.captions[i].scene for i in chosen), *further]
        reads = dict(zip(self.parts, rows, strict=True)) if self.mix else dict.fromkeys(self.parts, chosen)
        return Batch(
            captions=[pool.captions[i].text for i in chosen],
            swapped_captions=[(swaps.captions if swaps else pool.captions)[i].text for i in chosen],
            text=_widened(pool.text, chosen),
            swapped=_widened(swaps.text if swaps else pool.text, chosen),
            has_swap=swaps.changed[chosen] if swaps else torch.zeros(size, dtype=torch.bool),
            pixels=self._pixels(pool, chosen if retrieved or not pool.layers else chosen[:0]),
            matches=matches,
            open={name: is_open[reads[name]] for name, is_open in pool.open.items()},
            decided=pool.decided[chosen],
            layers=pool.layers.rows(chosen) if pool.layers else None,
            mixed=_widened(pool.text, rows) if self.mix else None,
            names=names.draw(rng) if names else None,
            named=to_pixels(self._rendered(further)) if names else None,
            things=names.of([self.world.value(scene, main) for scene in shown]) if names else None,
            compared=_widened(pool.text, others) if self.mix else None,
            saying=torch.from_numpy(np.stack([g.numbers[others] for g in pool.alike])) if self.mix else None,
        )

    def _pixels(self, pool: _Pool, chosen: np.ndarray) -> torch.Tensor:
        """(n, 3, S, S) in [-1, 1]. An endless world's pool keeps its pictures; a finite world's may be too many."""
        if self.world.finite is not None or not len(chosen):
            return to_pixels(self._rendered([pool.captions[i].scene for i in chosen]))
        if pool.pictures is None:
            scenes = [caption.scene for caption in pool.captions]
            pool.pictures = self._rendered(scenes).to(pool.text.states.device)
        return to_pixels(pool.pictures[chosen])

    def _rendered(self, scenes: list[Scene]) -> torch.Tensor:
        """(n, S, S, 3) uint8."""
        size = self.image_size
        pictures = [self.world.render(scene, size) for scene in scenes]
        return torch.from_numpy(np.stack(pictures) if pictures else np.zeros((0, size, size, 3), np.uint8))

    def _swaps_of(self, pool: _Pool) -> _Swaps:
        if pool.swaps is None:
            rng = np.random.default_rng([self.seed, SWAP_STREAM, pool.number])
            swaps = [self.world.swap(caption, rng) for caption in pool.captions]
            swapped = [swap or caption for swap, caption in zip(swaps, pool.captions, strict=True)]
            changed = torch.tensor([swap is not None for swap in swaps])
            text = self._encoded([caption.text for caption in swapped]) if changed.any() else pool.text
            pool.swaps = _Swaps(swapped, changed, text)
        return pool.swaps

    def _comparable(self, count: int, pool: _Pool, rng: np.random.Generator) -> np.ndarray:
        """Random rows, and for each another that says the same to one part, each part in turn.

        Of a thousand things hardly two alike would else meet.
        """
        some = rng.integers(self.pool_size, size=count)
        part = rng.permutation(count) % len(pool.alike)
        same = [groups.draw(some[part == i], rng) for i, groups in enumerate(pool.alike)]
        return np.concatenate([some, *same])

    def _families(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Random whole families of the pool."""
        family = self.world.family_size
        first = family * rng.integers(self.pool_size // family, size=-(-size // family))
        return (first[:, None] + np.arange(family)).ravel()[:size]

    def _epochs(self, step: int, size: int, rank: int) -> np.ndarray:
        """The next numbers of the endless sequence in which every scene comes once an epoch, shuffled anew."""
        def sequence() -> Iterator[int]:
            epoch, offset = divmod(step * size, self.pool_size)
            while True:
                order = np.random.default_rng([self.seed, BATCH_STREAM, epoch, rank]).permutation(self.pool_size)
                yield from order[offset:].tolist()
                epoch, offset = epoch + 1, 0

        return np.fromiter(sequence(), int, size)

    def _pool_of(self, number: int) -> _Pool:
        if self._pool is None or self._pool.number != number:
            self._pool = self._filled(number)
        return self._pool

    def _filled(self, number: int) -> _Pool:
        world, names = self.world, self.world.attributes
        rng = np.random.default_rng([self.seed, POOL_STREAM, number])
        scenes = world.scenes(self.pool_size, rng) if world.finite is None else world.finite
        captions = [world.caption(scene, rng) for scene in scenes]
        text = self._cached([caption.text for caption in captions])
        layers = None
        if self.known is not None:
            every = [world.layers(scene, self.image_size) for scene in scenes]
            layers = LayerTargets.stack(every, self.known).to(text.states.device)
        values = _codes([[world.value(caption.scene, name) for name in names] for caption in captions])
        said = np.array([[name in caption.mentioned for name in names] for caption in captions])
        left_open = ~said & [name in world.open_attributes for name in names]

        def columns(part: Part) -> list[int]:
            return [i for i, name in enumerate(names) if not part.attributes or name in part.attributes]

        noisy = {name: columns(part) for name, part in self.parts.items() if part.noise_dim}
        decidable = sorted({i for some in noisy.values() for i in some})
        said_values = np.where(said, values, -1)
        return _Pool(
            number, captions, text, values, said,
            open={name: torch.from_numpy(left_open[:, some].any(1)) for name, some in noisy.items()},
            decided=torch.from_numpy(~np.delete(left_open, decidable, 1).any(1)),
            alike=[_Groups(said_values[:, columns(part)]) for part in self.parts.values()],
            layers=layers,
        )  # fmt: skip

    @cached_property
    def _names(self) -> "_Names | None":
        names = self.world.names()
        return _Names(names, self._encoded([text for texts in names.values() for text in texts])) if names else None

    def _cached(self, texts: list[str]) -> TokenStates:
        """The same, in the cache's file where there is one."""
        if self.cache is None:
            return self._encoded(texts)
        return cached_states(self.cache, texts, self.text_tower, self._encoded)

    def _encoded(self, texts: list[str]) -> TokenStates:
        """In fp16: a pool of captions stays a few hundred megabytes. Raises CancelledError once closed."""
        parts = []
        for start in range(0, len(texts), ENCODED):
            if self._closed.is_set():
                raise CancelledError
            text = self.text_tower.encode(texts[start : start + ENCODED])
            parts.append(TokenStates(text.states.half(), text.mask.cpu()))
        return parts[0].followed_by(*parts[1:])


class _Names:
    """What the things of a world are called, encoded once.

    Args:
        names: as of `World.names`.
        text: of all of them, in their order.
    """

    def __init__(self, names: dict[Hashable, tuple[str, ...]], text: TokenStates):
        self._text, self._number = text, {thing: i for i, thing in enumerate(names)}
        self._count = np.array([len(texts) for texts in names.values()])
        self._first = np.cumsum(self._count) - self._count

    def draw(self, rng: np.random.Generator) -> TokenStates:
        """One name of each thing."""
        return _widened(self._text, self._first + rng.integers(self._count))

    def of(self, things: list[Hashable]) -> torch.Tensor:
        """(N,) long: their numbers."""
        return torch.tensor([self._number[thing] for thing in things])


class _Groups:
    """The rows of an array, grouped by equality."""

    def __init__(self, rows: np.ndarray):
        _, self.numbers = np.unique(rows, axis=0, return_inverse=True)  # (n,): rows of one group have one number
        self._order = np.argsort(self.numbers, kind="stable")
        self._count = np.bincount(self.numbers)
        self._start = np.cumsum(self._count) - self._count

    def draw(self, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each of the `chosen` rows the number of a random row of its group."""
        group = self.numbers[chosen]
        return self._order[self._start[group] + rng.integers(self._count[group])]


def _codes(rows: list[list[Any]]) -> np.ndarray:
    """Values as small integers, equal where the values are."""
    codes: dict[object, int] = {}
    return np.array([[codes.setdefault((i, v), len(codes)) for i, v in enumerate(row)] for row in rows])


def _widened(text: TokenStates, chosen: np.ndarray) -> TokenStates:
    """Some of a pool's texts in float32; the masks of a pool are on the CPU."""
    mask = text.mask[chosen]
    length = int(mask.sum(-1).max())  # no longer than this batch needs
    return TokenStates(text.states[chosen, :length].float(), mask[..., :length])
