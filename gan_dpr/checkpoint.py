"""The checkpoint folder: config.json, two safetensors files and the text tower that they were trained with."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from .config import GeneratorConfig, RetrieverConfig
from .files import replacing, write_json
from .networks.encoders import TextTower
from .networks.generator import Generator
from .networks.retriever import Retriever

TEXT_WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Models:
    """A loaded checkpoint: both networks in evaluation mode, the text tower, and config.json as read."""

    generator: Generator
    retriever: Retriever
    text_tower: TextTower
    config: dict


def save(
    folder: str | Path,
    generator: Generator,
    retriever: Retriever,
    text_tower: TextTower | str | Path,
    extra: dict | None = None,
) -> None:
    """Write a checkpoint folder, weights in fp16.

    Args:
        folder: made if it is not there; files of an earlier checkpoint in it are replaced.
        text_tower: a TextTower is written into the folder; the folder of another checkpoint's text encoder
            is referred to by relative path and sha256 instead.
        extra: further entries of config.json, such as the scenes that the model was trained on.
    """
    folder = Path(folder)
    if isinstance(text_tower, TextTower):
        encoder = folder / "text_encoder"
        text_tower.save_pretrained(encoder)
    else:
        encoder = Path(text_tower)
    config = {
        "model_type": "gan-dpr",
        "generator": generator.config.to_dict(),
        "retriever": retriever.config.to_dict(),
        "text_encoder": {"path": os.path.relpath(encoder, folder), "sha256": sha256(encoder / TEXT_WEIGHTS)},
        **(extra or {}),
    }
    for name, model in (("generator", generator), ("retriever", retriever)):
        state = {key: value.half() if value.is_floating_point() else value for key, value in model.state_dict().items()}
        with replacing(folder / f"{name}.safetensors") as part:
            save_file({key: value.contiguous().cpu() for key, value in state.items()}, part)
    write_json(folder / "config.json", config)


def load(folder: str | Path, device: torch.device | str = "cpu") -> Models:
    """Read a checkpoint folder.

    Raises FileNotFoundError or ValueError with one line if something is missing or is not what config.json says.
    """
    folder, config = Path(folder), read_config(folder)
    encoder = folder / config["text_encoder"]["path"]
    try:
        generator = Generator(GeneratorConfig.from_dict(config["generator"]))
        retriever = Retriever(RetrieverConfig.from_dict(config["retriever"]))
    except TypeError as error:
        raise ValueError(f"{folder / 'config.json'} is not a GAN-DPR configuration: {error}.") from error
    if not (encoder / TEXT_WEIGHTS).is_file():
        raise FileNotFoundError(f"The text encoder of {folder} is missing: {encoder} has no {TEXT_WEIGHTS}.")
    if sha256(encoder / TEXT_WEIGHTS) != config["text_encoder"]["sha256"]:
        raise ValueError(f"{encoder} is not the text encoder that {folder} was trained with: its sha256 differs.")
    for name, model in (("generator", generator), ("retriever", retriever)):
        path = folder / f"{name}.safetensors"
        if not path.is_file():
            raise FileNotFoundError(f"The checkpoint {folder} is incomplete: {path.name} is missing.")
        try:
            model.load_state_dict(load_file(path))  # widens fp16 to the model's float32
        except Exception as error:
            raise ValueError(f"{path} does not fit config.json: {str(error).splitlines()[0]}") from error
        model.to(device).eval().requires_grad_(False)
    return Models(generator, retriever, TextTower.from_pretrained(encoder, device), config)


def read_config(folder: str | Path) -> dict[str, Any]:
    """config.json of a checkpoint folder. Raises FileNotFoundError or ValueError with one line."""
    path = Path(folder) / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"No checkpoint at {folder}: no config.json there. Give the folder that `train` wrote.")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        _ = config["generator"], config["retriever"], config["text_encoder"]["path"], config["text_encoder"]["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a GAN-DPR configuration: {error}.") from error
    return config


def text_encoder_of(folder: str | Path) -> Path:
    """The folder of a checkpoint's text tower, which may be another checkpoint's. Raises as `read_config`."""
    return Path(folder) / read_config(folder)["text_encoder"]["path"]


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
