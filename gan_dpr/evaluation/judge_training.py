"""Trains the judge on real renders of all combinations, with mild blur, noise and one pixel of jitter.

`python -m gan_dpr.evaluation.judge_training --out DIR` does it.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..worlds.emoji.attributes import ATTRIBUTES, BACKGROUND, CENTRE, ORIENTATION, POSITION, SIZE, TINT
from ..worlds.emoji.concepts import CONCEPTS, CORES
from ..worlds.emoji.render import render
from ..worlds.emoji.scene import Scene, SceneObject
from ..worlds.emoji.world import EmojiWorld
from .judge import SceneJudge, crop_objects, object_squares
from .pixels import read_layout

WORLD = EmojiWorld({"concept": "core128"})
LOSS_WEIGHTS = {"concept": 1.0, "orientation": 0.5, "tint": 1.0, "style": 0.7}
CONCEPT_NAMES = CORES["core128"]
BACKGROUND_NAMES, SIZE_NAMES, PLACES = (tuple(a.values) for a in (BACKGROUND, SIZE, POSITION))


@dataclass(frozen=True)
class JudgeTraining:
    """Settings of a training; with `max_seconds` unset the same settings give the same weights."""

    steps: int = 1800
    max_seconds: float | None = None
    batch_size: int = 128
    lr: float = 3e-3
    weight_decay: float = 0.02
    seed: int = 20261122  # the judge's own, shared with no GAN


def any_scene(rng: np.random.Generator, sizes: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)) -> Scene:
    """One scene of *all* combinations, held-out ones too; `sizes` are the chances of small, medium, large."""
    u = rng.random(8).tolist()
    concept = CONCEPTS[_pick(CONCEPT_NAMES, u[0])]
    background = _pick(BACKGROUND_NAMES, u[1])
    tints = [name for name in TINT.values if name not in ("none", background)]
    size = SIZE_NAMES[0 if u[2] < sizes[0] else 1 if u[2] < sizes[0] + sizes[1] else 2]
    item = SceneObject(
        concept=concept.concept,
        style=_pick(concept.styles, u[3]),
        orientation=_pick(tuple(ORIENTATION.values), u[4]) if concept.orientable else "upright",
        tint="none" if u[5] < 0.4 else _pick(tints, u[6]),
        size=size,
        position=CENTRE if size == "large" else _pick(PLACES, u[7]),
    )
    return Scene((item,), background)


def train_judge(
    settings: JudgeTraining, judge: SceneJudge | None = None, progress: Callable[[str], None] | None = None
) -> SceneJudge:
    """Trains a fresh judge, or trains `judge` on, and returns it with the ceiling among its `facts`."""
    rng = np.random.default_rng(settings.seed)
    noise = torch.Generator().manual_seed(settings.seed)
    judge = judge or fresh_judge(settings.seed)
    judge.train().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(judge.parameters(), settings.lr, weight_decay=settings.weight_decay)
    started = time.monotonic()
    step = 0
    while (share := _share_done(settings, step, time.monotonic() - started)) < 1:
        warm_up = min(1, (step + 1) / 100)
        for group in optimiser.param_groups:
            group["lr"] = settings.lr * warm_up * (0.5 + 0.5 * math.cos(math.pi * share))
        crops, targets = training_batch(settings.batch_size, rng, noise, judge.heads)
        logits = judge(crops)
        losses = {
            name: F.cross_entropy(logits[name], targets[name], ignore_index=-1, label_smoothing=0.05)
            for name in logits
        }
        loss = sum(LOSS_WEIGHTS[name] * losses[name] for name in losses)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        step += 1
        if progress and step % 100 == 0:
            right = (logits["concept"].argmax(1) == targets["concept"]).float().mean().item()
            seconds = time.monotonic() - started
            progress(
                f"step {step}  {seconds:.0f} s  loss {loss.item():.3f}  concept in this batch {right:.2f}"
            )
    seconds = time.monotonic() - started
    judge.eval()
    figures = ceiling(judge, 2000, np.random.default_rng(settings.seed + 1))
    if progress:
        progress(f"{step} steps in {seconds:.0f} s; on clean real renders:")
        for name, row in figures.items():
            progress(f"  {name}: " + ", ".join(f"{k} {v:.3f}" for k, v in row.items()))
    judge.facts = {
        **asdict(settings),
        "steps_done": step,
        "seconds": round(seconds),
        "earlier": judge.facts or None,  # the training that was continued
        "ceiling": figures,
    }
    return judge


def fresh_judge(seed: int) -> SceneJudge:
    """A judge whose first weights depend on `seed` alone; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SceneJudge()


def training_batch(
    n: int, rng: np.random.Generator, noise: torch.Generator, heads: dict[str, tuple[str, ...]]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Crops (n, 4, CROP, CROP) and class indices (n,) by head; orientation is -1 (not taught) where it can't
    be seen.

    Small objects are the hard ones and come more often. The squares are loosened and moved at random,
    sometimes to nearly the whole picture, since a drawn picture's box is not as sharp as a render's.
    """
    scenes = [any_scene(rng, sizes=(0.45, 0.3, 0.25)) for _ in range(n)]
    images = np.stack([render(s, 64, jitter=tuple(int(j) for j in rng.integers(-1, 2, 2))) for s in scenes])
    images = blur_and_noise(images, noise)
    layout = read_layout(images)
    squares = object_squares(layout.box)
    squares[:, :2] += rng.uniform(-2, 2, (n, 2))
    squares[:, 2] *= np.exp(rng.normal(0, 0.08, n))
    loose = rng.random(n) < 0.1
    squares[loose, 2] = np.minimum(squares[loose, 2] * rng.uniform(1, 2, loose.sum()), 64)
    targets = {}
    for name, words in heads.items():
        index = {word: i for i, word in enumerate(words)}
        targets[name] = torch.tensor([index[WORLD.word(scene, name)] for scene in scenes])
    for i, scene in enumerate(scenes):
        if not CONCEPTS[scene.object.concept].orientable:
            targets["orientation"][i] = -1
    return crop_objects(images, layout.distance, squares), targets


def blur_and_noise(images: np.ndarray, generator: torch.Generator) -> np.ndarray:
    """Blurs half of the pictures (sigma up to 0.7 pixels) and adds noise to half (sigma up to 8 of 255).

    (N, S, S, 3) uint8 -> the same.
    """
    blurred, noisy = (torch.rand(len(images), generator=generator) < 0.5 for _ in range(2))
    pixels = torch.from_numpy(images).float()  # (N, S, S, 3)
    # Three taps (a, 1 - 2a, a) along each axis have the variance 2a of a Gaussian.
    tap = torch.rand(int(blurred.sum()), 1, 1, 1, generator=generator) * 0.25
    for axis in (1, 2):
        part = pixels[blurred]
        first, last = part.narrow(axis, 0, 1), part.narrow(axis, -1, 1)
        size = part.shape[axis]
        before = torch.cat([first, part.narrow(axis, 0, size - 1)], axis)
        after = torch.cat([part.narrow(axis, 1, size - 1), last], axis)
        pixels[blurred] = (1 - 2 * tap) * part + tap * (before + after)
    part = pixels[noisy]
    strength = torch.rand(len(part), 1, 1, 1, generator=generator) * 8
    pixels[noisy] = part + strength * torch.randn(part.shape, generator=generator)
    return pixels.round_().clamp_(0, 255).byte().numpy()


def ceiling(judge: SceneJudge, n: int, rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """Share of attributes read right on n clean real renders of any combination, over all and by size."""
    scenes = [any_scene(rng) for _ in range(n)]
    words = judge.read(np.stack([render(scene, 64) for scene in scenes])).words
    truth = [{name: WORLD.word(scene, name) for name in ATTRIBUTES} for scene in scenes]
    right = {
        name: np.array([t[name] == w for t, w in zip(truth, words[name], strict=True)]) for name in ATTRIBUTES
    }
    size = np.array([t["size"] for t in truth])
    groups = {"all sizes": np.ones(n, bool), **{word: size == word for word in SIZE.values}}
    return {
        group: {name: round(float(right[name][rows].mean()), 4) for name in ATTRIBUTES}
        for group, rows in groups.items()
        if rows.any()
    }


def _share_done(settings: JudgeTraining, step: int, seconds: float) -> float:
    """How much of the training is over, 0 to 1: by steps or by the clock, whichever is further."""
    by_clock = seconds / settings.max_seconds if settings.max_seconds else 0.0
    return max(step / settings.steps, by_clock)


def _pick(values: tuple, u: float):
    return values[int(u * len(values))]


def main(arguments: list[str] | None = None) -> int:
    """The command: trains the judge and prints its ceiling."""
    command = "python -m gan_dpr.evaluation.judge_training"
    parser = argparse.ArgumentParser(prog=command, description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for judge.safetensors and judge.json")
    parser.add_argument(
        "--steps", type=int, default=JudgeTraining.steps, help="batches; the same give the same net"
    )
    parser.add_argument(
        "--max-seconds", type=float, help="stop early, with the learning rate brought down in time"
    )
    parser.add_argument("--seed", type=int, default=JudgeTraining.seed)
    parser.add_argument("--lr", type=float, default=JudgeTraining.lr)
    parser.add_argument("--continue-from", type=Path, metavar="DIR", help="start from this judge's weights")
    args = parser.parse_args(arguments)
    settings = JudgeTraining(steps=args.steps, max_seconds=args.max_seconds, seed=args.seed, lr=args.lr)
    try:
        start = SceneJudge.load(args.continue_from) if args.continue_from else None
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    train_judge(settings, start, progress=print).save(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
