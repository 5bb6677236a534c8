"""The checkpoint folder: config.json, two safetensors files and the text tower that they were trained with."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from .config import GeneratorConfig, RetrieverConfig
from .files import PART, check_content, no_checkpoint, sha256, write_json
from .networks.encoders import TextTower
from .networks.generator import Generator
from .networks.packed import pack
from .networks.retriever import Retriever

ENCODER = "text_encoder"  # folder of a checkpoint that carries its own
TEXT_WEIGHTS = "model.safetensors"
WEIGHTS = ("generator.safetensors", "retriever.safetensors")
ENTRIES = ("model_type", "generator", "retriever", "weights", "weights_before", "text_encoder")  # what `save` writes
VOCABULARIES = ("tokenizer.json", "vocab.txt")  # one of them has to be there: without it all words are one
LARGE = 1 << 16  # entries from which on a matrix of weights is stored in 8 bits
SCALE = ".scale"  # its rows' scales are stored under its name and this
READ_SUFFIXES = (".json", ".txt", ".model")  # of what transformers reads beside the weights


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
    """Write a checkpoint folder, weights in fp16, those of large matrices in 8 bits.

    Args:
        folder: made if it is not there; files of an earlier checkpoint in it are replaced.
        text_tower: a TextTower is written into the folder; the folder of another checkpoint's text encoder
            is referred to by relative path and sha256 instead.
        extra: further entries of config.json, such as the world that the model is of.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=PART.format(pid=os.getpid(), name="")) as staged:
        part = Path(staged)
        encoder = Path(text_tower) if not isinstance(text_tower, TextTower) else part / ENCODER
        if isinstance(text_tower, TextTower):
            text_tower.save_pretrained(encoder)
        for name, model in zip(WEIGHTS, (generator, retriever), strict=True):
            save_file(_stored(model), part / name)
        hashes = {
            "sha256": sha256(encoder / TEXT_WEIGHTS),
            # Without the right vocabulary the weights say something else, and nothing else would tell.
            "files": {path.name: sha256(path) for path in sorted(encoder.iterdir()) if path.suffix in READ_SUFFIXES},
        }
        config = {
            "model_type": "gan-dpr",
            "generator": generator.config.to_dict(),
            "retriever": retriever.config.to_dict(),
            "weights": {name: sha256(part / name) for name in WEIGHTS},
            "text_encoder": {"path": os.path.relpath(folder / ENCODER if encoder.parent == part else encoder, folder)}
            | hashes,
            **(extra or {}),
        }
        before = _encoder_before(folder)
        if before is not None:
            # While files take their places one by one, each may be the old or the new: a kill leaves what loads.
            both = config | {"weights_before": {name: sha256(folder / name) for name in WEIGHTS}}
            if before and encoder.parent == part:
                both["text_encoder"] = config["text_encoder"] | {"before": before}
            write_json(folder / "config.json", both)
        for path in sorted(path for path in part.rglob("*") if path.is_file()):
            (folder / path.relative_to(part)).parent.mkdir(exist_ok=True)
            os.replace(path, folder / path.relative_to(part))
        write_json(folder / "config.json", config)


def _encoder_before(folder: Path) -> dict[str, Any] | None:
    """What a checkpoint in a folder says of its own text encoder, if it has one; None where there is no checkpoint."""
    try:
        about = read_config(folder)["text_encoder"]
    except (OSError, ValueError):
        return None
    if not all((folder / name).is_file() for name in WEIGHTS):
        return None
    return {key: about[key] for key in ("sha256", "files") if key in about} if about["path"] == ENCODER else {}


def load(folder: str | Path, device: torch.device | str = "cpu") -> Models:
    """Read a checkpoint folder.

    Raises FileNotFoundError or ValueError with one line if something is missing or is not what config.json says.
    """
    folder, config = Path(folder), read_config(folder)
    encoder = folder / config["text_encoder"]["path"]
    try:
        generator = Generator(GeneratorConfig.from_dict(config["generator"]))
        retriever = Retriever(RetrieverConfig.from_dict(config["retriever"]))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{folder / 'config.json'} cannot be used: {str(error).rstrip('.')}.") from error
    check_text_encoder(encoder, config["text_encoder"], folder)
    told, earlier = (config.get(key, {}) for key in ("weights", "weights_before"))
    for name, model in zip(WEIGHTS, (generator, retriever), strict=True):
        path = folder / name
        if not path.is_file():
            raise FileNotFoundError(f"The checkpoint {folder} is incomplete: {path.name} is missing.")
        check_content(path)
        try:
            weights = _restored(load_file(path))
            model.load_state_dict(weights)  # widens fp16 to the model's float32
        except Exception as error:
            raise ValueError(f"{path} does not fit config.json: {str(error).splitlines()[0]}") from error
        broken = next((key for key, value in weights.items() if not value.isfinite().all()), None)
        if broken is not None:
            raise ValueError(f"{path} is damaged: {broken} holds what is no finite number. Fetch or train it again.")
        # Last: what can be said better of them is said above. An older checkpoint has no hashes.
        if name in told and sha256(path) not in (told[name], earlier.get(name)):
            raise ValueError(f"{path} is not what was saved here: its sha256 differs. Fetch or train it again.")
        pack(model.to(device).eval().requires_grad_(False))
    try:
        tower = TextTower.from_pretrained(encoder, device)
    except Exception as error:  # whatever transformers makes of a file that an older checkpoint has no hash of
        raise ValueError(
            f"The text encoder in {encoder} cannot be read: {str(error).strip().splitlines()[0]}"
        ) from error
    return Models(generator, retriever, tower, config)


def _stored(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A model's state as a file has it. Each row of a large matrix has a scale, and is whole multiples of it."""
    large = {name for name, weight in model.named_parameters() if weight.dim() > 1 and weight.numel() >= LARGE}
    stored = {}
    for name, value in model.state_dict().items():
        value = value.detach().cpu()
        if name in large:
            rows = value.float().flatten(1)
            scale = (rows.abs().amax(1) / 127).clamp(min=1e-7).half()
            stored[name + SCALE] = scale
            value = (rows / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8).view(value.shape)
        stored[name] = (value.half() if value.is_floating_point() else value).contiguous()
    return stored


def _restored(stored: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state, in fp16. Files of an earlier version have nothing in 8 bits."""
    scales = {name.removesuffix(SCALE): value for name, value in stored.items() if name.endswith(SCALE)}
    state = {name: value for name, value in stored.items() if not name.endswith(SCALE)}
    for name, scale in scales.items():
        rows = state[name].float().flatten(1) * scale.float()[:, None]
        state[name] = rows.half().view(state[name].shape)
    return state


def check_text_encoder(encoder: Path, about: dict[str, Any], folder: Path) -> None:
    """FileNotFoundError or ValueError where a text encoder is not, file by file, what a checkpoint was trained with.

    `about` is what config.json says of it; an older one knows the weights alone.
    """
    if not any((encoder / name).is_file() for name in VOCABULARIES):
        raise FileNotFoundError(f"The text encoder of {folder} is incomplete: {encoder} has no {VOCABULARIES[0]}.")
    before = about.get("before", {})  # a save was cut off: what it was to replace is as good
    earlier = {TEXT_WEIGHTS: before.get("sha256"), **before.get("files", {})}
    for name, digest in {TEXT_WEIGHTS: about["sha256"], **about.get("files", {})}.items():
        if not (encoder / name).is_file():
            raise FileNotFoundError(f"The text encoder of {folder} is incomplete: {encoder} has no {name}.")
        check_content(encoder / name)
        if sha256(encoder / name) not in (digest, earlier.get(name)):
            raise ValueError(
                f"{encoder} is not the text encoder that {folder} was trained with: the sha256 of {name} differs."
            )


def read_config(folder: str | Path) -> dict[str, Any]:
    """config.json of a checkpoint folder. Raises FileNotFoundError or ValueError with one line."""
    path = Path(folder) / "config.json"
    if not path.is_file():
        raise FileNotFoundError(no_checkpoint(folder))
    check_content(path)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        about = config["text_encoder"]
        _ = config["generator"].keys(), config["retriever"].keys(), Path(about["path"]), about["sha256"].lower()
        _ = about.get("files", {}).items(), about.get("before", {}).items()
        _ = config.get("weights", {}).items(), config.get("weights_before", {}).items()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is not a GAN-DPR configuration: {error}.") from error
    return config


def text_encoder_of(folder: str | Path) -> Path:
    """The folder of a checkpoint's text tower, which may be another checkpoint's. Raises as `read_config`."""
    return Path(folder) / read_config(folder)["text_encoder"]["path"]
