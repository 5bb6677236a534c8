"""The judge of SceneEval: a small network that reads concept, orientation, tint and style from a picture.

It is trained on real renders of all combinations, held-out ones too, with its own seed, and never trains a
GAN. Background, size and position are read from the pixels (pixels.py); the object's box, read
there too, tells the network where to look. `python -m gan_dpr.evaluation.judge_training --out DIR` trains it.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save
from torch import Tensor, nn

from ..files import replacing, write_json
from ..worlds.emoji.attributes import ATTRIBUTES, TABLE
from ..worlds.emoji.concepts import CONCEPTS, CORES
from ..worlds.protocol import Reading
from .pixels import READ_FROM_PIXELS, read_layout

DEFAULT_JUDGE = Path(__file__).resolve().parents[2] / "checkpoints" / "judge-64"
HEADS = {  # everything that is not read from the pixels
    a.name: tuple(a.values or CORES["core128"]) for a in TABLE if a.name not in READ_FROM_PIXELS
}
CROP = 40  # pixels a side of what the network sees, whatever the object's size


class Residual(nn.Module):
    """conv-norm-act-conv-norm plus the input. BatchNorm is right here: large batches and no adversary."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W) -> (N, C, H, W)
        hidden = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(hidden)))


class SceneJudge(nn.Module):
    """Crops of the object -> logits a head. About 20 MMAC a picture."""

    def __init__(
        self, heads: dict[str, tuple[str, ...]] | None = None, widths: tuple[int, int, int] = (24, 64, 128)
    ):
        super().__init__()
        self.heads = {name: tuple(words) for name, words in (heads or HEADS).items()}
        self.widths = tuple(widths)
        self.facts: dict = {}  # how it was trained, and its ceiling
        stem, middle, deep = widths
        self.stem = nn.Sequential(
            nn.Conv2d(4, stem, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(stem), nn.ReLU()
        )
        self.middle = nn.Sequential(
            nn.Conv2d(stem, middle, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(middle), nn.ReLU(),
            Residual(middle),
        )  # fmt: skip
        self.deep = nn.Sequential(
            nn.Conv2d(middle, deep, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(deep), nn.ReLU(),
            Residual(deep),
        )  # fmt: skip
        # Flattened, not averaged: every object fills its crop, so where a part lies is evidence.
        self.flat = nn.Sequential(
            nn.Conv2d(deep, 48, 1, bias=False), nn.BatchNorm2d(48), nn.ReLU(), nn.Flatten(),
            nn.Linear(48 * (CROP // 8) ** 2, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU(),
        )  # fmt: skip
        self.classify = nn.Linear(256, sum(len(words) for words in self.heads.values()))

    def embed(self, crops: Tensor) -> Tensor:
        """Crops (N, 4, CROP, CROP) from `crop_objects` -> features (N, 256), >= 0."""
        return self.flat(self.deep(self.middle(self.stem(crops))))

    def forward(self, crops: Tensor) -> dict[str, Tensor]:
        """Crops (N, 4, CROP, CROP) -> logits (N, number of words) by head."""
        return self._by_head(self.embed(crops))

    def _by_head(self, features: Tensor) -> dict[str, Tensor]:
        parts = self.classify(features).split([len(words) for words in self.heads.values()], dim=1)
        return dict(zip(self.heads, parts, strict=True))

    @torch.inference_mode()
    def read(self, images: np.ndarray, batch_size: int = 256) -> Reading:
        """Reads all seven attributes of pictures (N, S, S, 3) uint8; the judge must be in eval mode."""
        device = self.classify.weight.device
        found: dict[str, list[np.ndarray]] = {name: [] for name in ATTRIBUTES}
        features = []
        for start in range(0, len(images), batch_size):
            part = images[start : start + batch_size]
            layout = read_layout(part)
            hidden = self.embed(crop_objects(part, layout.distance, object_squares(layout.box)).to(device))
            features.append(F.normalize(hidden, dim=1).cpu().numpy())
            for name, logits in self._by_head(hidden).items():
                found[name].append(np.array(self.heads[name], dtype=object)[logits.argmax(1).cpu().numpy()])
            for name in READ_FROM_PIXELS:
                found[name].append(getattr(layout, name))
        words = {name: np.concatenate(parts) for name, parts in found.items()}
        # What looks the same either way up is upright by definition (SCENES.md).
        still = np.array([not CONCEPTS[concept].orientable for concept in words["concept"]])
        words["orientation"][still] = "upright"
        return Reading(words, np.concatenate(features))

    def save(self, folder: str | Path) -> None:
        """Writes judge.safetensors (fp16) and judge.json, which also carries `facts`."""
        folder = Path(folder)
        half = {k: v.half() if v.is_floating_point() else v for k, v in self.state_dict().items()}
        with replacing(folder / "judge.safetensors") as path:
            path.write_bytes(save({k: v.contiguous() for k, v in half.items()}))
        description = {"widths": self.widths, "heads": self.heads, "training": self.facts}
        write_json(folder / "judge.json", description)

    @classmethod
    def load(cls, folder: str | Path = DEFAULT_JUDGE, device: str = "cpu") -> "SceneJudge":
        """Reads what `save` wrote, in float32 and eval mode."""
        folder = Path(folder)
        if not (folder / "judge.json").is_file():
            raise FileNotFoundError(
                f"no judge in {folder}: train one with python -m gan_dpr.evaluation.judge_training --out {folder}"
            )
        description = json.loads((folder / "judge.json").read_text("utf-8"))
        judge = cls(description["heads"], tuple(description["widths"]))
        judge.load_state_dict({k: v.float() if v.is_floating_point() else v
                               for k, v in load_file(folder / "judge.safetensors").items()})  # fmt: skip
        judge.facts = description["training"]
        return judge.to(device).eval()


def object_squares(box: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) of `Layout` -> squares (N, 3) around them: centre row, centre column, side, in pixels."""
    top, left, bottom, right = box.T
    return np.stack(
        [(top + bottom) / 2, (left + right) / 2, np.maximum(bottom - top, right - left) * 1.1 + 2], 1
    )


def crop_objects(images: np.ndarray, distance: np.ndarray, squares: np.ndarray) -> Tensor:
    """Cuts the squares out and resizes them (bilinear) to CROP x CROP.

    Args:
        images: (N, S, S, 3) uint8; distance: (N, S, S) uint8 from `Layout`; squares: (N, 3) from
        `object_squares`.

    Returns:
        (N, 4, CROP, CROP) float32 in [-1, 1]: red, green, blue, distance from the background.
    """
    side = images.shape[1]
    pixels = torch.from_numpy(np.concatenate([images, distance[..., None]], -1)).permute(0, 3, 1, 2)
    row, column, length = torch.from_numpy(squares.astype(np.float32)).unbind(1)
    zero = torch.zeros_like(row)
    theta = (
        torch.stack([length, zero, 2 * column - side, zero, length, 2 * row - side], 1).view(-1, 2, 3) / side
    )
    grid = F.affine_grid(theta, [len(images), 4, CROP, CROP], align_corners=False)
    crops = F.grid_sample(pixels.float() / 127.5 - 1, grid, padding_mode="border", align_corners=False)
    return crops.contiguous(memory_format=torch.channels_last)
