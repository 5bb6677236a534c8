"""Networks, presets and trainers that are small enough for a test."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from gan_dpr.config import Preset
from gan_dpr.networks.encoders import TextTower
from gan_dpr.presets import apply_overrides, preset
from gan_dpr.training.run import build_trainer
from gan_dpr.training.trainer import Trainer
from gan_dpr.worlds import open_world
from gan_dpr.worlds.emoji.world import EmojiWorld
from gan_dpr.worlds.protocol import World

TEXT_DIM = 32
TINY = (
    f"generator.text_dim={TEXT_DIM}", "generator.slots=2", "generator.slot_dim=8", "generator.noise_dim=4",
    "generator.hidden_dim=16", "generator.channels=[8,8,8,8]",
    f"retriever.text_dim={TEXT_DIM}", "retriever.slots=2", "retriever.slot_dim=8", "retriever.embed_dim=16",
    "retriever.channels=[8,8,8,8,8]",
    "training.batch_size=4", "training.pool_size=16", "training.pool_reuse=2",
)  # fmt: skip
FULL_WORLD = 'world.only={"concept":["cat","house"]}'  # nano's shows everything upright, large and untinted


def tiny_preset(name: str = "nano", *overrides: str) -> Preset:
    """A preset whose networks are tiny; 32 px unless it or an override says otherwise."""
    chosen = preset(name)
    restyling = ["generator.restyling=[8,16]"] if chosen.generator.restyling else []
    return apply_overrides(chosen, [*TINY, *restyling, *overrides])


def tiny_trainer(text_tower: TextTower, name: str = "nano", *overrides: str, world: World | None = None) -> Trainer:
    """A trainer of a tiny preset on the CPU, in float32."""
    chosen = tiny_preset(name, *overrides)
    return build_trainer(chosen, world or open_world(chosen.world), text_tower, "cpu", "no")


def weights(made: Trainer) -> dict[str, torch.Tensor]:
    """All weights of a trainer, "generator/canvas.out.weight" and so on, copied."""
    networks = {"generator": made.generator, "retriever": made.retriever, "ema": made.ema}
    if made.learning_text:
        networks |= {"text": made.learning_text.model, "text_ema": made.text_tower.model}
    return {f"{name}/{key}": value.clone() for name, network in networks.items()
            for key, value in network.state_dict().items()}  # fmt: skip


def moved(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    """Names of the weights that differ."""
    return {key for key in before if not torch.equal(before[key], after[key])}


def numbers(stats: Any) -> dict[str, Any]:
    """What a step measured, without its duration; "nan" for NaN, which equals nothing."""
    return {key: "nan" if value != value else value
            for key, value in dataclasses.asdict(stats).items() if key != "seconds"}  # fmt: skip


class ByPixels:
    """A model whose vectors of pictures are the pictures, without what they have in common, and that knows no names."""

    scale = 30.0

    def __init__(self, world: EmojiWorld):
        self.name_vectors = np.zeros((len(world.concepts), 3 * 16 * 16))
        self.gallery = SimpleNamespace(
            vectors=self.encode_image(np.stack([world.gallery_picture(entry, 64) for entry in world.gallery()]))
        )
        self.example_vectors = self.encode_image(world.examples(64))

    def encode_image(self, images: np.ndarray) -> np.ndarray:
        small = images.reshape(len(images), 16, 4, 16, 4, 3).mean((2, 4)).reshape(len(images), -1)
        small = 255 - small
        return small / np.linalg.norm(small, axis=1, keepdims=True)


CATS = 'world.only={"concept":["cat","house"]}'


def of_kind(text_tower: TextTower, kind: str, *overrides: str) -> Trainer:
    """A tiny trainer of cats and houses in one endless phase of a kind."""
    return tiny_trainer(text_tower, "nano", CATS, f'training.phases=[["{kind}",0]]', *overrides)
