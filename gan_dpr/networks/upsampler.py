"""A drawing at twice its size, by sub-pixel convolutions.

`python -m gan_dpr.evaluation.upsampler_training` trains the weights in checkpoints/upsampler.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save
from torch import nn

from ..files import check_content, replacing, write_json
from .composition import clipped

DEFAULT_UPSAMPLER = Path(__file__).resolve().parents[2] / "checkpoints" / "upsampler"


class Upsampler(nn.Module):
    """Premultiplied RGBA at twice its size, by sub-pixel convolution (Shi 2016).

    Each pixel becomes four; the network says how they differ from it. It was shown grainy drawings too, as a generator
    makes them, and takes the grain away. For more than twice the size it is applied again.
    """

    def __init__(self, width: int = 32, blocks: int = 3):
        super().__init__()
        self.width, self.blocks = width, blocks
        self.facts: dict = {}  # how it was trained, and what was measured
        self.head = nn.Conv2d(4, width, 3, padding=1)
        self.body = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))
            for _ in range(blocks)
        )
        self.tail = nn.Conv2d(width, 16, 3, padding=1)

    def forward(self, rgba: torch.Tensor) -> torch.Tensor:
        """(N, 4, H, W) in [0, 1], colours times alpha -> (N, 4, 2 H, 2 W), not clipped (see `enlarged`)."""
        x = F.relu(self.head(rgba.contiguous(memory_format=torch.channels_last)))
        for block in self.body:
            x = F.relu(x + block(x))
        return F.pixel_shuffle(rgba.repeat_interleave(4, 1) + self.tail(x), 2)

    @torch.inference_mode()
    def enlarged(self, rgba: torch.Tensor) -> torch.Tensor:
        """`forward`, clipped to what can be seen."""
        return clipped(self(rgba))

    def save(self, folder: str | Path) -> None:
        """Write upsampler.safetensors (fp16) and upsampler.json, which also carries `facts`."""
        folder = Path(folder)
        with replacing(folder / "upsampler.safetensors") as path:
            path.write_bytes(save({name: value.half().contiguous() for name, value in self.state_dict().items()}))
        write_json(
            folder / "upsampler.json", {"width": self.width, "blocks": self.blocks, "training": self.facts}
        )

    @classmethod
    def load(cls, folder: str | Path = DEFAULT_UPSAMPLER, device: str | torch.device = "cpu") -> "Upsampler":
        """What `save` wrote, in float32 and eval mode. Raises FileNotFoundError or ValueError with one line."""
        folder = Path(folder)
        for name in ("upsampler.json", "upsampler.safetensors"):
            check_content(folder / name)
        about = json.loads((folder / "upsampler.json").read_text("utf-8"))
        upsampler = cls(about["width"], about["blocks"])
        upsampler.load_state_dict(load_file(folder / "upsampler.safetensors"))  # widens fp16 to float32
        upsampler.facts = about["training"]
        return upsampler.to(device).eval().requires_grad_(False)
