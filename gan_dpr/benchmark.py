"""Speed on this machine: drawing, encoding, searching, training and a cold start."""

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from .config import Preset
from .index import DenseIndex
from .networks.encoders import TextTower
from .pipeline import GanDprPipeline
from .presets import preset
from .training.run import build_trainer
from .worlds import open_world

PROMPT = "a small upside-down red elephant at the top left on a blue background"
PRESETS = ("nano", "emoji-64-core32")
INDEX_SIZES = (10_000, 100_000, 1_000_000)
QUERIES, RESULTS = 64, 12


def run_benchmark(pipe: GanDprPipeline, checkpoint: Path, device: str) -> dict[str, Any]:
    """All figures. Times are in milliseconds with `_ms` in the name, else in seconds; takes some minutes."""
    figures = {
        "generate_ms": generate_ms(pipe),
        "text_ms": text_ms(pipe),
        "cold_start_s": cold_start_s(checkpoint, device),
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        figures["generate_ms_one_thread"] = generate_ms(pipe)
    finally:
        torch.set_num_threads(threads)
    speeds = {name: train_speed(preset(name), pipe.text_tower, device) for name in PRESETS}
    figures["train_images_per_s"] = {name: speed["images_per_s"] for name, speed in speeds.items()}
    figures["train_pool_s"] = {name: speed["pool_s"] for name, speed in speeds.items()}
    # Of the whole process so far, so an upper bound for training alone. Linux counts it in KiB.
    figures["peak_memory_gb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 2)
    figures["index_qps"] = {
        str(size): qps for size, qps in index_qps(pipe.retriever.config.embed_dim).items()
    }
    figures["machine"] = machine(pipe)
    return figures


def generate_ms(pipe: GanDprPipeline, repeats: int = 50) -> dict[str, float]:
    """Prompt -> PIL pictures with their scores, end to end: median and 95th percentile of 1, 4 and 16."""
    figures = {}
    for n in (1, 4, 16):
        seeds = torch.Generator().manual_seed(0)
        times = _times(lambda n=n, seeds=seeds: pipe(PROMPT, n, generator=seeds), repeats, pipe.device)
        figures[f"n{n}_p50"], figures[f"n{n}_p95"] = (
            round(q, 2) for q in np.percentile(times, (50, 95)).tolist()
        )
    return figures


def text_ms(pipe: GanDprPipeline, repeats: int = 50) -> float:
    """One text -> its unit vector, median."""
    return round(float(np.median(_times(lambda: pipe.encode_text([PROMPT]), repeats, pipe.device))), 2)


def train_speed(
    chosen: Preset, text_tower: TextTower, device: str = "auto", steps: int = 40
) -> dict[str, float]:
    """Images a second after warm-up, and the seconds that encoding one pool of captions takes."""
    trainer = build_trainer(chosen, open_world(chosen.world), text_tower, device)
    start = time.perf_counter()
    trainer.draw_batch()
    pool = time.perf_counter() - start
    for _ in trainer.run(max_steps=8):
        pass
    start = time.perf_counter()
    for _ in trainer.run(max_steps=8 + steps):
        pass
    seconds = time.perf_counter() - start
    return {"images_per_s": round(steps * chosen.training.batch_size / seconds, 1), "pool_s": round(pool, 1)}


def index_qps(dimension: int, sizes: tuple[int, ...] = INDEX_SIZES, repeats: int = 5) -> dict[int, float]:
    """Queries a second (batches of 64, k = 12) by number of vectors; what does not fit memory is left out."""
    rng = np.random.default_rng(0)
    figures = {}
    for size in sizes:
        if 4 * size * dimension * 4 > psutil.virtual_memory().available:
            continue
        index = DenseIndex(dimension)
        for start in range(0, size, 100_000):
            part = min(100_000, size - start)
            index.add(_unit_vectors(part, dimension, rng), [{}] * part)
        queries = _unit_vectors(QUERIES, dimension, rng)
        times = _times(lambda index=index, queries=queries: index.search(queries, RESULTS), repeats, None)
        figures[size] = round(QUERIES / (float(np.median(times)) / 1000), 1)
    return figures


def cold_start_s(checkpoint: Path, device: str) -> float:
    """The generate command in a new process, until its picture is written and it has ended."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [sys.executable, "-m", "gan_dpr", "generate", PROMPT, "--checkpoint", str(checkpoint),
                   "--device", device, "--out", folder]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return round(time.perf_counter() - start, 2)


def machine(pipe: GanDprPipeline) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "device": torch.cuda.get_device_name(pipe.device) if pipe.device.type == "cuda" else "cpu",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "load_average": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    """Linux keeps the name in /proc; elsewhere platform knows it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _unit_vectors(n: int, dimension: int, rng: np.random.Generator) -> np.ndarray:
    vectors = rng.standard_normal((n, dimension), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _times(call: Callable[[], Any], repeats: int, device: torch.device | None) -> list[float]:
    """Milliseconds of each call, after three that warm up."""
    times = []
    for i in range(3 + repeats):
        start = time.perf_counter()
        call()
        if device is not None and device.type == "cuda":
            torch.cuda.synchronize(device)
        if i >= 3:
            times.append(1000 * (time.perf_counter() - start))
    return times
