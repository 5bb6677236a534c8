"""Trains the upsampler on drawings at 64, 128 and 256 pixels, first by their pixels and then against an adversary.

    python -m gan_dpr.evaluation.upsampler_training --drawings DIR --out DIR

The drawings are all_64.parquet, all_128.parquet and all_256.parquet, as `gan_dpr.worlds.emoji.build_drawings` writes
them with `--concepts all`. A tenth of the concepts is held out, and measured at the end (`enlarging.py`).
"""

import argparse
import io
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from ..config import RetrieverConfig
from ..networks.composition import clipped
from ..networks.encoders import ResidualTower
from ..networks.layers import initialise
from ..networks.upsampler import Upsampler
from ..training.losses import relativistic_pair, squared_gradient_norm
from .enlarging import held_out, measure, premultiplied_drawings

SIZES = (64, 128, 256)
PATCH = 32  # pixels a side of what is enlarged
GRAIN = 0.06  # of a channel's value: the largest deviation of what is added
TOWER = RetrieverConfig(image_size=2 * PATCH, channels=(16, 32, 48, 48))


@dataclass(frozen=True)
class UpsamplerTraining:
    """Settings of a training; with `max_seconds` unset the same settings give the same weights."""

    steps: int = 9000  # by pixels alone
    adversarial_steps: int = 2000  # then by pixels and the adversary
    max_seconds: float | None = None  # of each of the two
    batch_size: int = 8
    lr: float = 1e-3
    lr_adversarial: float = 2e-4
    lr_critic: float = 5e-4
    weight_adversary: float = 0.003  # beside the mean absolute difference of pixels in [0, 1]
    gamma: float = 1.0  # R1 and R2, of a quarter of the patches
    penalty_sigma: float = 0.05
    seed: int = 20261125


class Critic(nn.Module):
    """The retriever's image tower with its two heads that read texture and places: how real is a patch?

    The head that reads the whole is left out, for a patch has no whole.
    """

    def __init__(self):
        super().__init__()
        self.tower = ResidualTower(TOWER)
        self.texture = nn.Linear(sum(self.tower.stage_widths), 1)
        self.place_realness = nn.Conv2d(self.tower.place_width, 1, 1)
        initialise(self, "kaiming")
        nn.init.zeros_(self.texture.weight)
        nn.init.zeros_(self.place_realness.weight)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, S, S) in [-1, 1] -> realness (N,), and place by place (N, h, w)."""
        features = self.tower(pixels)
        places = self.place_realness(features.places)[:, 0]
        return self.texture(features.means)[:, 0] + places.mean((1, 2)), places


class Patches:
    """Patches of drawings and of the same at twice the size, each turned or mirrored at random.

    Half of the small ones are grainy, as a generator draws.
    """

    def __init__(self, drawings: dict[int, np.ndarray], rng: np.random.Generator):
        self.drawings, self.rng = drawings, rng

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        """(n, 4, PATCH, PATCH) and (n, 4, 2 PATCH, 2 PATCH), premultiplied; half are of 64 pixels, half of 128."""
        small, large = [], []
        for i in range(n):
            size = SIZES[i % 2]
            which = self.rng.integers(len(self.drawings[size]))
            row, column = self.rng.integers(0, size - PATCH + 1, 2)
            turns, mirrored = self.rng.integers(4), self.rng.random() < 0.5
            for patches, factor in ((small, 1), (large, 2)):
                first_row, first_column, side = factor * row, factor * column, factor * PATCH
                patch = self.drawings[factor * size][which]
                patch = patch[first_row : first_row + side, first_column : first_column + side]
                patch = np.rot90(patch, turns)
                patches.append(patch[:, ::-1] if mirrored else patch)
        return self._grainy(premultiplied_drawings(np.stack(small))), premultiplied_drawings(np.stack(large))

    def _grainy(self, rgba: Tensor) -> Tensor:
        strength = GRAIN * self.rng.random(len(rgba)) * (self.rng.random(len(rgba)) < 0.5)
        grain = strength[:, None, None, None] * self.rng.standard_normal(rgba.shape)
        return clipped(rgba * (1 + torch.from_numpy(grain).float()))


def train_upsampler(
    settings: UpsamplerTraining,
    drawings: dict[int, np.ndarray],
    upsampler: Upsampler | None = None,
    progress: Callable[[str], None] | None = None,
) -> Upsampler:
    """Train a fresh upsampler, or train `upsampler` on, with drawings (N, S, S, 4) uint8 by their size S in SIZES."""
    started = time.monotonic()
    patches = Patches(drawings, np.random.default_rng(settings.seed))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        upsampler, critic = upsampler or fresh_upsampler(), Critic()
    upsampler.train().requires_grad_(True).to(memory_format=torch.channels_last)
    steps = by_pixels(settings, upsampler, patches, progress)
    adversarial_steps = against(critic, settings, upsampler, patches, progress)
    upsampler.facts = {
        **asdict(settings),
        "steps_done": steps,
        "adversarial_steps_done": adversarial_steps,
        "seconds": round(time.monotonic() - started),
        "earlier": upsampler.facts or None,  # the training that was continued
    }
    return upsampler.eval()


def fresh_upsampler() -> Upsampler:
    """One that begins by repeating pixels."""
    upsampler = Upsampler()
    initialise(upsampler, "kaiming")
    nn.init.zeros_(upsampler.tail.weight)
    return upsampler


def by_pixels(
    settings: UpsamplerTraining, upsampler: Upsampler, patches: Patches, progress: Callable[[str], None] | None
) -> int:
    """Mean absolute difference alone; the number of steps done."""
    optimiser = torch.optim.Adam(upsampler.parameters(), settings.lr)
    step = 0
    for step in _steps(settings.steps, settings, settings.lr, optimiser):
        small, large = patches.batch(settings.batch_size)
        loss = F.l1_loss(upsampler(small), large)
        _update(optimiser, loss)
        if progress and step % 100 == 0:
            progress(f"step {step}  differs by {255 * loss.item():.3f} of 255")
    return step


def against(
    critic: Critic, settings: UpsamplerTraining, upsampler: Upsampler, patches: Patches,
    progress: Callable[[str], None] | None,
) -> int:  # fmt: skip
    """The same, and the critic has to find it as real as the real drawing; the number of steps done."""
    noise = torch.Generator().manual_seed(settings.seed)
    betas = (0.0, 0.99)
    optimiser = torch.optim.Adam(upsampler.parameters(), settings.lr_adversarial, betas)
    of_critic = torch.optim.Adam(critic.parameters(), settings.lr_critic, betas)
    step = 0
    for step in _steps(settings.adversarial_steps, settings, settings.lr_adversarial, optimiser):
        small, large = patches.batch(settings.batch_size)
        enlarged = upsampler(small)
        ground = torch.rand(len(small), 3, 1, 1, generator=noise)
        real, drawn = on_ground(large, ground), on_ground(enlarged, ground)
        contrast = critic_loss(settings, critic, real, drawn.detach(), noise)
        _update(of_critic, contrast)

        critic.requires_grad_(False)
        with torch.no_grad():
            real_score, real_places = critic(real)
        score, places = critic(drawn)
        fooled = relativistic_pair(score, real_score) + relativistic_pair(places, real_places)
        difference = F.l1_loss(enlarged, large)
        _update(optimiser, difference + settings.weight_adversary * fooled)
        critic.requires_grad_(True)
        if progress and step % 50 == 0:
            progress(
                f"adversarial step {step}  differs by {255 * difference.item():.3f} of 255  "
                f"critic {contrast.item():.3f}  upsampler {fooled.item():.3f}"
            )
    return step


def critic_loss(
    settings: UpsamplerTraining, critic: Critic, real: Tensor, drawn: Tensor, noise: torch.Generator
) -> Tensor:
    """RpGAN of the whole and place by place, with R1 and R2, of pictures (N, 3, S, S) in [-1, 1]."""
    n, k = len(real), max(1, len(real) // 4)
    clean = torch.cat([real[:k], drawn[:k]])
    moved = clean + settings.penalty_sigma * torch.randn(clean.shape, generator=noise)
    score, places = critic(torch.cat([real, drawn, moved]))
    of_real, of_drawn, of_moved = score.split([n, n, 2 * k])
    real_places, drawn_places, _ = places.split([n, n, 2 * k])
    pair = relativistic_pair(of_real, of_drawn) + relativistic_pair(real_places, drawn_places)
    penalties = (
        squared_gradient_norm(clean_score[:k], moved_score, settings.penalty_sigma)
        for clean_score, moved_score in zip((of_real, of_drawn), of_moved.chunk(2), strict=True)
    )
    return pair + settings.gamma / 2 * sum(penalties)


def on_ground(rgba: Tensor, ground: Tensor) -> Tensor:
    """Premultiplied RGBA (N, 4, H, W) on plain colours (N, 3, 1, 1) in [0, 1] -> (N, 3, H, W) in [-1, 1]."""
    return 2 * (rgba[:, :3] + (1 - rgba[:, 3:]) * ground) - 1


def read_drawings(folder: Path) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
    """Drawings (N, S, S, 4) uint8 by their size S, row by row the same: those to train on, and the held-out ones.

    Raises FileNotFoundError or ValueError with one line.
    """
    known, unseen, names = {}, {}, {}
    for size in SIZES:
        path = folder / f"all_{size}.parquet"
        if not path.is_file():
            build = f"python -m gan_dpr.worlds.emoji.build_drawings --concepts all --size {size}"
            raise FileNotFoundError(f"{path} is missing: {build} makes it.")
        table = pq.read_table(path, columns=["concept", "style", "picture"])
        names[size] = list(zip(table["concept"].to_pylist(), table["style"].to_pylist(), strict=True))
        pixels = [np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")) for data in table["picture"].to_pylist()]
        for part, out in ((known, False), (unseen, True)):
            rows = zip(pixels, names[size], strict=True)
            part[size] = np.stack([drawing for drawing, (concept, _) in rows if held_out(concept) == out])
        if names[size] != names[SIZES[0]]:
            raise ValueError(f"{path} holds other drawings than all_{SIZES[0]}.parquet: make them all anew.")
    return known, unseen


def _steps(
    steps: int, settings: UpsamplerTraining, rate: float, optimiser: torch.optim.Optimizer
) -> Iterator[int]:
    """Numbers from 1, with the learning rate warmed up and brought down in time: by steps or by the clock."""
    started, step = time.monotonic(), 0
    while True:
        by_clock = (time.monotonic() - started) / settings.max_seconds if settings.max_seconds else 0.0
        share = max(step / steps, by_clock) if steps else 1.0
        if share >= 1:
            return
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * share))
        step += 1
        yield step


def _update(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def main(arguments: list[str] | None = None) -> int:
    """The command: trains the upsampler, and measures it beside Lanczos on drawings that were held out."""
    parser = argparse.ArgumentParser(
        prog="python -m gan_dpr.evaluation.upsampler_training", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--drawings", type=Path, required=True, metavar="DIR", help="folder of all_64.parquet ...")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for upsampler.safetensors and .json")
    parser.add_argument("--steps", type=int, default=UpsamplerTraining.steps, help="by pixels alone (%(default)s)")
    parser.add_argument("--adversarial-steps", type=int, default=UpsamplerTraining.adversarial_steps,
                        help="against the adversary (%(default)s)")  # fmt: skip
    parser.add_argument("--max-seconds", type=float, help="end each of the two early, its learning rate down in time")
    parser.add_argument("--seed", type=int, default=UpsamplerTraining.seed)
    parser.add_argument("--continue-from", type=Path, metavar="DIR", help="start from this upsampler's weights")
    args = parser.parse_args(arguments)
    try:
        start = Upsampler.load(args.continue_from) if args.continue_from else None
        known, unseen = read_drawings(args.drawings)
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    settings = UpsamplerTraining(
        steps=args.steps, adversarial_steps=args.adversarial_steps, max_seconds=args.max_seconds, seed=args.seed
    )
    upsampler = train_upsampler(settings, known, start, print)
    upsampler.save(args.out)  # before it is measured, which takes minutes
    upsampler.facts["held_out"] = measure(upsampler, unseen)
    for size, rows in upsampler.facts["held_out"].items():
        for name, figures in rows.items():
            print(f"to {size} px, {name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()))
    upsampler.save(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
