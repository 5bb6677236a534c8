"""The checkpoint folder: config.json, two safetensors files and the text tower that they were trained with."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from .config import GeneratorConfig, RetrieverConfig
from .encoders import TextTower
from .generator import Generator
from .retriever import Retriever

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
    folder.mkdir(parents=True, exist_ok=True)
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
        _replace(folder / f"{name}.safetensors", lambda path, state=state: save_file(_contiguous(state), path))
    _replace(folder / "config.json", lambda path: path.write_text(json.dumps(config, indent=2) + "\n"))


def load(folder: str | Path, device: torch.device | str = "cpu") -> Models:
    """Read a checkpoint folder.

    Raises FileNotFoundError or ValueError with one line if something is missing or is not what config.json says.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"No checkpoint at {folder}: no config.json there. Give the folder that `train` wrote.")
    try:
        config = json.loads((folder / "config.json").read_text())
        generator = Generator(GeneratorConfig.from_dict(config["generator"]))
        retriever = Retriever(RetrieverConfig.from_dict(config["retriever"]))
        encoder = folder / config["text_encoder"]["path"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
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


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _contiguous(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key: value.contiguous().cpu() for key, value in state.items()}


def _replace(path: Path, write) -> None:
    """Write beside the file and move over it, so that a kill leaves the old file or the new one."""
    partial = path.with_name(path.name + ".partial")
    write(partial)
    os.replace(partial, path)
