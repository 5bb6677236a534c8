"""Public GANs on the study's drawings, beside ours, in equal CPU time; and what one picture costs each of them.

    python -m docs.peers --out runs/peers                # all of it, and goes on where it was stopped
    python -m docs.peers --out runs/peers --only time    # measures milliseconds anew: on idle cores, please

The peers (`lightweight-gan` and `stylegan2_pytorch`) are installed into an environment of their own, OUT/environment,
and driven there by docs/peers_worker.py. They get the study's training pictures as PNG files. What came out is in
OUT/results, a file a training; from it alone docs/study/peers.json, docs/peers.md (docs/peers_page.py) and
docs/images/peers.png are written.
"""

import json
import os
import re
import subprocess
import sys
import time
import venv
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from docs.peers_page import MODELS, OURS, PEERS, REAL, SHIPPED, THREADS, Result, page
from docs.peers_worker import DRAWN, SIDE, numbers, timed
from gan_dpr.benchmark import PROMPT, machine
from gan_dpr.cli.parser import Parser, count, seconds
from gan_dpr.evaluation.features import LiteFeatures, kernel_distance, precision_recall_coverage
from gan_dpr.evaluation.scenes import TEST_SEED, draw, render_all
from gan_dpr.files import replacing, write_json
from gan_dpr.images import grid
from gan_dpr.networks.encoders import TextTower
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.presets import apply_overrides, preset
from gan_dpr.study.arms import Job, as_pipeline, started, training
from gan_dpr.study.questions import COMMON, RECIPE, WORKING
from gan_dpr.training.run import build_trainer, find_text_encoder
from gan_dpr.worlds import open_world
from gan_dpr.worlds.protocol import World

DOCS = Path(__file__).parent
CHECKPOINT = DOCS.parent / "checkpoints" / "emoji-64"
WORKER = DOCS / "peers_worker.py"
PACKAGES = (
    "torch==2.13.0", "torchvision==0.28.0", "numpy==2.4.6", "pillow==13.0.0", "einops==0.8.2", "kornia==0.9.0",
    "fire==0.7.1", "retry==0.9.2", "tqdm==4.70.1", "adabelief-pytorch==0.2.1", "vector-quantize-pytorch==0.1.0",
    "diffusers==0.42.1", "transformers==5.24.0",
)  # fmt: skip
PUBLISHED = ("lightweight-gan==1.2.1", "stylegan2_pytorch==1.9.0")  # without their dependency aim, which keeps records
SOURCES = ("lightweight_gan/lightweight_gan.py", "stylegan2_pytorch/stylegan2_pytorch.py")
# What keeps them from a CPU, and from doing without aim: all that is changed in them.
CHANGES = (
    (r"^assert torch\.cuda\.is_available\(\).*$", ""),
    (r"\.cuda\((rank|device|self\.rank)?\)", ""),
    (r"torch\.device\(f'cuda:\{self\.rank\}'\)", "torch.device('cpu')"),
    (r"^import aim$", ""),
)
TIMES = "times.json"
PICTURES, SHOWN, COLUMNS = 20_000, 24, 12


# ---------------------------------------------------------------- training


def environment(folder: Path) -> Path:
    """The Python of the peers' environment, which is made where it is not there."""
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.is_file():
        venv.create(folder, clear=True, with_pip=True)
        for wanted in (PACKAGES, ("--no-deps", *PUBLISHED)):
            subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
        for source in SOURCES:
            path = next(folder.glob(f"lib/python*/site-packages/{source}"))
            path.write_text(adapted(path.read_text(encoding="utf-8")), encoding="utf-8")
        ready.touch()
    return python


def adapted(source: str) -> str:
    """A peer's source, without what binds it to CUDA."""
    for pattern, replacement in CHANGES:
        source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
    return source


def world() -> World:
    """The study's."""
    return open_world(apply_overrides(preset("nano"), list(COMMON)).world)


def pictures(folder: Path, n: int) -> Path:
    """The folder with n training pictures, drawn as training draws them; each combination is rendered once."""
    folder.mkdir(parents=True, exist_ok=True)
    if len(list(folder.glob("*.png"))) < n:
        learnt = world()
        render = cache(lambda scene: Image.fromarray(learnt.render(scene, SIDE)))
        for i, scene in enumerate(learnt.scenes(n, np.random.default_rng(0))):
            render(scene).save(folder / f"{i:05d}.png")
    return folder


def train_peer(python: Path, name: str, seed: int, seconds: float, folder: Path, out: Path) -> Result:
    """Train one in a process of its own; its pictures are in OUT.npy."""
    asked = ("train", name, folder, seconds, seed, out)
    run_worker(python, 1, *asked)
    return json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))


def run_worker(python: Path, threads: int, *asked: object) -> str:
    """What the worker prints."""
    told = os.environ | {"OMP_NUM_THREADS": str(threads)}
    command = [str(python), str(WORKER), *map(str, asked)]
    return subprocess.run(command, check=True, env=told, stdout=subprocess.PIPE, text=True).stdout


def train_ours(seed: int, seconds: float, out: Path) -> Result:
    """As the study trains: its captions are those of the test scenes that are drawn, its pictures are in OUT.npy."""
    torch.set_num_threads(1)
    job = Job(RECIPE, RECIPE.arm(WORKING), seed, seconds, COMMON, out.parent)
    trainer = started(job, find_text_encoder(CHECKPOINT))
    start = time.process_time()
    for _ in training(trainer, job.arm.stages, seconds):
        pass
    spent = time.process_time() - start
    trainer.batches.close()
    pipe = as_pipeline(trainer)
    captions = pipe.world.test_captions("iid", DRAWN, TEST_SEED)
    np.save(out.with_suffix(".npy"), draw(pipe, [pipe.world.told(caption).text for caption in captions], 1))
    parameters = {"generator": numbers(trainer.generator), "discriminator": numbers(trainer.retriever)}
    told = {"cpu_seconds": round(spent, 2), "steps": trainer.global_step, "parameters": parameters}
    return told | {"batch": trainer.settings.batch_size, "machine": machine(pipe)}


@cache
def real(seed: int) -> np.ndarray:
    """Real pictures of the test scenes of a seed, (DRAWN, S, S, 3) uint8."""
    learnt = world()
    return render_all(learnt, [caption.scene for caption in learnt.test_captions("iid", DRAWN, seed)], SIDE)


@cache
def reference() -> tuple[LiteFeatures, torch.Tensor]:
    """The network of the figures, and real pictures as it sees them."""
    torch.set_num_threads(1)
    network = LiteFeatures()
    return network, network.of(real(TEST_SEED + 1))


def figures(drawn: np.ndarray) -> dict[str, float]:
    """As the study's: against real pictures of other captions than those that were drawn."""
    network, there = reference()
    here = network.of(drawn)
    return kernel_distance(there, here) | precision_recall_coverage(there, here)


def train_all(out: Path, seeds: int, seconds: float) -> None:
    """Seed by seed, so that one that is stopped has all models of the first seeds. ValueError for other settings."""
    results = out / "results"
    results.mkdir(parents=True, exist_ok=True)
    python, folder = environment(out / "environment"), pictures(out / "pictures", PICTURES)
    for seed, name in ((seed, name) for seed in range(seeds) for name in MODELS):
        path, told = results / f"{name}-seed-{seed}.json", {"model": name, "seed": seed, "seconds": seconds}
        if is_there(path, told):
            continue
        print(f"{MODELS[name]}, seed {seed}", file=sys.stderr, flush=True)
        part = out / "part"
        if name == OURS:
            found = train_ours(seed, seconds, part)
        else:
            found = train_peer(python, name, seed, seconds, folder, part)
        drawn = np.load(part.with_suffix(".npy"))
        Image.fromarray(np.concatenate(drawn)).save(path.with_suffix(".png"))
        write_json(path, {"told": told} | found | {"figures": figures(drawn)})
    real_path = results / f"{REAL}.json"
    if not real_path.is_file():
        write_json(real_path, {"told": {"model": REAL}, "figures": figures(real(TEST_SEED))})


def is_there(path: Path, told: dict[str, Any]) -> bool:
    """Whether a result is there; ValueError where it is of other settings."""
    if not path.is_file():
        return False
    if json.loads(path.read_text(encoding="utf-8"))["told"] != told:
        raise ValueError(f"{path} was made with other settings: choose another --out, or remove it to make it anew.")
    return True


# ---------------------------------------------------------------- milliseconds a picture


def time_all(out: Path) -> None:
    """What one picture costs each network, in one thread and in two. Nothing has to be trained for it."""
    python, networks = environment(out / "environment"), {}
    chosen = apply_overrides(preset("nano"), [*COMMON, *RECIPE.arm(WORKING).overrides])
    tower = TextTower.from_pretrained(find_text_encoder(CHECKPOINT))
    small = as_pipeline(build_trainer(chosen, open_world(chosen.world), tower, device="cpu"))
    shipped = GanDprPipeline.from_pretrained(CHECKPOINT, "cpu")
    for threads in THREADS:
        found = {OURS: time_ours(small, threads), SHIPPED: time_ours(shipped, threads)}
        for name in (*PEERS, "sd-turbo"):
            found[name] = json.loads(run_worker(python, threads, "time", name, threads))
        for name, parts in found.items():
            networks.setdefault(name, {})[str(threads)] = parts
    write_json(out / "results" / TIMES, {"machine": machine(small), "networks": networks})


@torch.inference_mode()
def time_ours(pipe: GanDprPipeline, threads: int) -> dict[str, Any]:
    """Milliseconds from a prompt to a picture with its score, and of the generator alone, with their parameters."""
    torch.set_num_threads(threads)
    text, noise = pipe.text_tower.encode([PROMPT]), torch.randn(1, pipe.generator.latent_dim)
    drawing = numbers(pipe.generator)
    told = numbers(pipe.text_tower.model, pipe.retriever)
    return {
        "prompt to picture": timed(lambda: pipe(PROMPT)) | {"parameters": drawing + told},
        "generator": timed(lambda: pipe.generator(text.states, text.mask, noise)) | {"parameters": drawing},
    }


# ---------------------------------------------------------------- the page


def report(out: Path) -> None:
    """Write docs/study/peers.json, docs/peers.md and docs/images/peers.png. FileNotFoundError without results."""
    folder = out / "results"
    trained = [read(path) for path in sorted(folder.glob("*.json")) if path.name != TIMES]
    if not trained or not (folder / TIMES).is_file():
        raise FileNotFoundError(f"{folder} has no results of both parts yet: leave out --only.")
    raw = {"trained": trained, "times": read(folder / TIMES)}
    write_json(DOCS / "study" / "peers.json", raw)
    with replacing(DOCS / "peers.md") as part:
        part.write_text(page(raw), encoding="utf-8")
    drawn = [np.asarray(Image.open(folder / f"{name}-seed-0.png")).reshape(-1, SIDE, SIDE, 3) for name in MODELS]
    sheet = np.concatenate([some[:SHOWN] for some in (real(TEST_SEED), *reversed(drawn))])
    with replacing(DOCS / "images" / "peers.png") as part:
        grid(sheet, COLUMNS, scale=2).save(part, optimize=True)


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line."""
    parser = Parser(prog="python -m docs.peers", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="environment, pictures and results")
    parser.add_argument("--only", choices=("train", "time", "report"), help="a part of it")
    parser.add_argument("--seeds", type=count, default=3, help="trainings of each model (%(default)s)")
    parser.add_argument("--seconds", type=seconds, default=150.0, help="CPU time of a training (%(default)s)")
    args = parser.parse_args(arguments)
    try:
        if args.only in (None, "train"):
            train_all(args.out, args.seeds, args.seconds)
        if args.only in (None, "time"):
            time_all(args.out)
        if args.only in (None, "report"):
            report(args.out)
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
