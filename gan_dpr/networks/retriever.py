"""The bi-encoder: texts and pictures as unit vectors in one space. It is also the discriminator."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from transformers import PreTrainedModel

from ..config import RetrieverConfig
from .encoders import TOWERS, ImageFeatures
from .layers import POOLS, Whitening, initialise


@dataclass(frozen=True)
class ImageOutput:
    """`embeds` (N, embed_dim), `realness` (N,), of which the mean over `places` (N, h, w) is a part; features."""

    embeds: torch.Tensor
    realness: torch.Tensor
    places: torch.Tensor
    features: ImageFeatures


class Retriever(PreTrainedModel):
    """Dense text-image retriever (DPR, Karpukhin 2020) with a realness head.

    Similarity is a(t, x) = scale * <e_t, e_x>; the discriminator's score is S(t, x) = a(t, x) + h(x).
    """

    config_class = RetrieverConfig
    main_input_name = "pixels"

    def __init__(self, config: RetrieverConfig):
        super().__init__(config)
        self.whitening = Whitening(config.text_dim)
        self.text_pool = POOLS[config.pooling](config.text_dim, config.slots, config.slot_dim)
        self.text_projection = nn.Linear(config.slots * config.slot_dim, config.embed_dim)
        self.tower = TOWERS[config.tower](config)
        self.image_projection = nn.Linear(self.tower.width, config.embed_dim)
        self.realness = nn.Linear(self.tower.width, 1)
        self.log_scale = nn.Parameter(torch.empty(()))
        # Realness is read from every stage's means too: what a texture looks like, wherever it is.
        self.texture = nn.Linear(sum(self.tower.stage_widths), 1)
        # And place by place: a smudge is seen where it is.
        self.place_realness = nn.Conv2d(self.tower.place_width, 1, 1)
        self.post_init()
        for name, module in self.named_children():
            if not (name == "tower" and config.tower == "pretrained"):
                initialise(module, "kaiming")
        with torch.no_grad():
            self.begin()

    def begin(self) -> None:
        """Everything is as real as everything else."""
        nn.init.constant_(self.log_scale, math.log(self.config.initial_scale))
        for head in (self.realness, self.texture, self.place_realness):
            nn.init.zeros_(head.weight)

    def _init_weights(self, module: nn.Module) -> None:
        """Nothing: `initialise` does it, and transformers' own would overwrite a pretrained tower."""

    @property
    def scale(self) -> torch.Tensor:
        """alpha, learnt, at most `max_scale`; 1 where the embeddings are left unnormalised."""
        if not self.config.normalize:
            return torch.ones_like(self.log_scale)
        return self.log_scale.exp().clamp(max=self.config.max_scale)

    def _finish(self, embeds: torch.Tensor) -> torch.Tensor:
        return F.normalize(embeds, dim=1) if self.config.normalize else embeds

    def encode_text(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(N, L, text_dim), (N, L) bool -> (N, embed_dim), unit vectors if `normalize`."""
        return self._finish(self.text_projection(self.text_pool(states, mask, self.whitening)[:, 0]))

    def read_image(self, pixels: torch.Tensor) -> ImageOutput:
        """(N, 3, S, S) in [-1, 1] -> embeddings, realness and features."""
        features = self.tower(pixels)
        embeds = self._finish(self.image_projection(features.vector))
        places = self.place_realness(features.places)[:, 0]
        realness = (self.realness(features.vector) + self.texture(features.means))[:, 0] + places.mean((1, 2))
        return ImageOutput(embeds, realness, places, features)

    def encode_image(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, S, S) in [-1, 1] -> (N, embed_dim), unit vectors if `normalize`."""
        return self.read_image(pixels).embeds

    def paired(self, text_embeds: torch.Tensor, image_embeds: torch.Tensor) -> torch.Tensor:
        """(N, D), (N, D) -> (N,): a(t, x) row by row."""
        return self.scale * (text_embeds * image_embeds).sum(1)

    def forward(
        self, states: torch.Tensor, mask: torch.Tensor, pixels: torch.Tensor
    ) -> tuple[torch.Tensor, ImageOutput, torch.Tensor]:
        """Texts (T, L, text_dim) and pictures (P, 3, S, S) -> text embeddings, pictures, scale.

        Everything that a training step needs in one call, as data-parallel wrappers ask for.
        """
        return self.encode_text(states, mask), self.read_image(pixels), self.scale
