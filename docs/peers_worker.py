"""Runs in the peers' own environment, started by docs/peers.py: trains a public GAN, or times a network there.

    python peers_worker.py train NAME PICTURES SECONDS SEED OUT    writes OUT.json and OUT.npy, unpicked pictures
    python peers_worker.py time NAME THREADS                       prints milliseconds a picture, as JSON
"""

import importlib
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

SIDE, DRAWN = 32, 400
# What docs/peers.py asks of all: the size, and reading the pictures in this process, so that it is counted. The rest is
# as the packages' trainers have it, but for what is here.
OURS = {"image_size": SIDE, "num_workers": 0}
THEIRS = {
    "lightweight-gan": {"use_aim": False},  # a program that keeps records
    "stylegan2": {},
    "stylegan2-narrow": {"network_capacity": 4},  # a quarter of its channels
}
# Of SD-Turbo at 512 x 512: what the U-Net gets, and the width and length of its text.
LATENT, STATES, TOKENS = (1, 4, 64, 64), 1024, 77


def make_torchvision_importable() -> None:
    """PyPI's torchvision is built for the CUDA build of PyTorch, and cannot load its compiled operators beside another.

    Nobody here calls them, but those that its Python side looks for have to be declared.
    """
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")


def trainer_of(name: str, folder: str) -> Any:
    """A package's own trainer, whose files go to `folder`."""
    package = importlib.import_module("lightweight_gan" if name == "lightweight-gan" else "stylegan2_pytorch")
    trainer = package.Trainer(base_dir=folder, **OURS, **THEIRS[name])
    trainer.init_GAN()
    return trainer


def drawer(name: str, trainer: Any, n: int) -> Callable[[], torch.Tensor]:
    """What draws n pictures, (n, 3, S, S) around [0, 1].

    Of the generator itself: its average begins after 20,000 steps and is till then a copy of an early one. Styles are
    not truncated, as KID compares all of a distribution.
    """
    gan = trainer.GAN.eval()
    if name == "lightweight-gan":
        return lambda: gan.G(torch.randn(n, gan.latent_dim))
    layers = gan.G.num_layers

    def draw() -> torch.Tensor:
        styles = gan.S(torch.randn(n, gan.G.latent_dim))[:, None].expand(-1, layers, -1)
        return gan.G(styles, torch.rand(n, SIDE, SIDE, 1))

    return draw


def numbers(*networks: nn.Module) -> int:
    """Parameters."""
    return sum(p.numel() for network in networks for p in network.parameters())


def parameters(name: str, gan: nn.Module) -> dict[str, int]:
    """Of what draws, and of what judges."""
    drawing = (gan.G,) if name == "lightweight-gan" else (gan.S, gan.G)
    return {"generator": numbers(*drawing), "discriminator": numbers(gan.D)}


def train(name: str, pictures: str, seconds: float, seed: int, out: Path) -> None:
    """Take the package's own steps for so much CPU time of this process, in one thread."""
    torch.set_num_threads(1)
    for sow in (random.seed, np.random.seed, torch.manual_seed):
        sow(seed)
    with tempfile.TemporaryDirectory() as folder:
        trainer = trainer_of(name, folder)
        trainer.set_data_src(pictures)
        trainer.save = trainer.evaluate = lambda *args, **named: None  # checkpoints and sheets would cost its time
        start, steps = time.process_time(), 0
        while time.process_time() - start < seconds:
            trainer.train()
            steps += 1
        spent = time.process_time() - start
        draw = drawer(name, trainer, 20)
        with torch.inference_mode():
            drawn = torch.cat([draw() for _ in range(DRAWN // 20)])
        bytes_ = (drawn.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        np.save(out.with_suffix(".npy"), bytes_)
        told = {"cpu_seconds": round(spent, 2), "steps": steps, "batch": trainer.batch_size}
        told |= {"parameters": parameters(name, trainer.GAN)}
        out.with_suffix(".json").write_text(json.dumps(told), encoding="utf-8")


def timed(call: Callable[[], Any], repeats: int = 20) -> dict[str, float]:
    """Median milliseconds of a call after one that warms up: by the clock, and of this process's CPU time."""
    times = []
    for i in range(repeats + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        if i:
            times.append((1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)))
    wall, cpu = (round(statistics.median(column), 2) for column in zip(*times, strict=True))
    return {"wall_ms": wall, "cpu_ms": cpu}


def latent_diffusion() -> dict[str, tuple[nn.Module, Callable[[nn.Module], Any]]]:
    """The parts of SD-Turbo's architecture (Stable Diffusion 2.1's) with random weights, and a call of each."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    text = CLIPTextModel(CLIPTextConfig(
        hidden_size=STATES, intermediate_size=4096, num_hidden_layers=23, num_attention_heads=16, hidden_act="gelu",
        projection_dim=512, max_position_embeddings=TOKENS,
    ))  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=LATENT[-1], cross_attention_dim=STATES, attention_head_dim=(5, 10, 20, 20),
        use_linear_projection=True,
    )  # fmt: skip
    widths = (128, 256, 512, 512)
    vae = AutoencoderKL(
        block_out_channels=widths, layers_per_block=2, down_block_types=("DownEncoderBlock2D",) * len(widths),
        up_block_types=("UpDecoderBlock2D",) * len(widths),
    )  # fmt: skip
    vae.encoder = nn.Identity()  # drawing does not use it
    states, latent = torch.randn(1, TOKENS, STATES), torch.randn(LATENT)
    return {
        "text encoder": (text, lambda network: network(torch.randint(49_000, (1, TOKENS)))),
        "U-Net, one step": (unet, lambda network: network(latent, 999, states)),
        "VAE decoder": (vae, lambda network: network.decode(latent)),
    }


@torch.inference_mode()
def time_of(name: str, threads: int) -> dict[str, Any]:
    """Milliseconds of each part that draws a picture, with its parameters."""
    torch.set_num_threads(threads)
    if name == "sd-turbo":
        return {
            part: timed(lambda network=network, call=call: call(network), 2) | {"parameters": numbers(network)}
            for part, (network, call) in latent_diffusion().items() if network.eval()
        }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        trainer = trainer_of(name, folder)
        told = {"parameters": parameters(name, trainer.GAN)["generator"]}
        return {"generator": timed(drawer(name, trainer, 1)) | told}


if __name__ == "__main__":
    make_torchvision_importable()
    what, name, *others = sys.argv[1:]
    if what == "train":
        pictures, seconds, seed, out = others
        train(name, pictures, float(seconds), int(seed), Path(out))
    else:
        print(json.dumps(time_of(name, int(others[0]))))
