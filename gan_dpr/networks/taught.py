"""What a finished layered generator was taught afterwards: things with pictures of their own.

Its weights stay as they are, so all that it knew is drawn as before. A taught thing has a key, which texts ask for, and
for each of its pictures the map and the finish that make the canvas's convolutions draw it. (A latent for each picture:
GLO, Bojanowski 2018. New numbers beside frozen weights for a new word: textual inversion, Gal 2022.)
"""

import torch
import torch.nn.functional as F
from torch import nn

from .memory import Memory


class Taught(nn.Module):
    """T things with P pictures in all: `pictures` of each.

    Which of its pictures a thing is drawn as is for the noise of the style to decide, all of them equally often.
    """

    def __init__(self, pictures: list[int], thing_dim: int, finish_dim: int, map_size: int):
        super().__init__()
        self.pictures = list(pictures)
        self.register_buffer("keys", torch.zeros(len(pictures), thing_dim))
        self.register_buffer("maps", torch.zeros(sum(pictures), map_size))
        self.register_buffer("finishes", torch.zeros(sum(pictures), finish_dim))
        self.register_buffer("extents", torch.zeros(sum(pictures), 2))

    def shares(self, thing: torch.Tensor, known: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """How much of each picture is drawn, 0 for all of them where a text asks for something else.

        Args:
            thing: (..., thing_dim), what is read in a text.
            known: (n, thing_dim), the keys of what the generator knew before.
            noise: (..., noise_dim) of the style, with at least as many numbers as a thing has pictures.

        Returns:
            (..., P) in [0, 1].
        """
        every = F.normalize(torch.cat([known, self.keys]), dim=-1)
        asked = (Memory.SHARPNESS * F.normalize(thing, dim=-1) @ every.T).softmax(-1)[..., len(known) :]
        # The greatest of as many numbers as there are pictures; without any noise the first.
        chosen = [F.one_hot(noise[..., :count].argmax(-1), count) for count in self.pictures]
        return torch.cat([share[..., None] * one for share, one in zip(asked.unbind(-1), chosen, strict=True)], -1)

    def instead(self, share: torch.Tensor, known: torch.Tensor, name: str) -> torch.Tensor:
        """The `maps`, `finishes` or `extents` of what is drawn: (..., P), and (..., D) of what would be without."""
        return known + share @ getattr(self, name) - share.sum(-1, keepdim=True) * known
