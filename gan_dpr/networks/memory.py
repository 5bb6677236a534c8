"""What a layered generator remembers of its training: the things, the styles, and which of them it was shown together.

A canvas that has learnt its drawings one by one has nothing to say about a thing in a style that it was never shown:
it draws confetti. So it recalls. A code is drawn towards what is known; and where a thing was never shown in a style,
it is drawn in the design of the nearest style that it was shown in: with the finish that was asked for, where the two
styles share their designs, else as it is known.
"""

import torch
import torch.nn.functional as F
from torch import nn


class Memory(nn.Module):
    """Codes of n things and m styles, and two tables (n, m, m): of which style a thing's design and finish are.

    Measured when a checkpoint is written (`fill`). Half-way between two things it decides for one of them.
    """

    SHARPNESS = 200.0  # of the softmax over what is known, times the cosine
    SAME_DESIGN = 0.75  # of the mean distance between styles: two that are nearer are renderings of one design

    def __init__(self, things: int, styles: int, thing_dim: int, style_dim: int):
        super().__init__()
        self.register_buffer("things", torch.zeros(things, thing_dim))
        self.register_buffer("styles", torch.zeros(styles, style_dim))
        self.register_buffer("design", torch.zeros(things, styles, styles))
        self.register_buffer("finish", torch.zeros(things, styles, styles))

    @torch.no_grad()
    def fill(
        self, things: torch.Tensor, styles: torch.Tensor, shown: torch.Tensor, distances: torch.Tensor
    ) -> None:
        """Remember.

        Args:
            things, styles: (n, thing_dim), (m, style_dim): their codes.
            shown: (n, m) bool: which were shown together; each thing in one style at least.
            distances: (m, m): how far drawings of one thing in two styles are from each other.
        """
        self.things.copy_(things)
        self.styles.copy_(styles)
        m = len(styles)
        other = ~torch.eye(m, dtype=torch.bool, device=distances.device)
        limit = self.SAME_DESIGN * distances[other].mean() if m > 1 else 0.0
        unknown = torch.where(shown, 0.0, torch.inf)[:, None]  # (n, 1, m)
        nearest = (distances.masked_fill(~other, 0.0) + unknown).argmin(2)  # (n, m)
        shared = (distances < limit) | ~other
        asked = torch.arange(m, device=nearest.device).expand_as(nearest)
        self.design.copy_(F.one_hot(nearest, m))
        self.finish.copy_(F.one_hot(torch.where(shared[asked, nearest], asked, nearest), m))

    def recalled(self, thing: torch.Tensor, style: torch.Tensor) -> dict[str, torch.Tensor]:
        """(..., thing_dim), (..., style_dim) -> codes of what is known: "thing", "design", and "style", the finish."""
        of_thing, of_style = self._weights(thing, self.things), self._weights(style, self.styles)
        design, finish = (
            torch.einsum("...n,...m,nmk->...k", of_thing, of_style, table) @ self.styles
            for table in (self.design, self.finish)
        )
        return {"thing": of_thing @ self.things, "design": design, "style": finish}

    def _weights(self, code: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        cosine = F.normalize(code, dim=-1) @ F.normalize(known, dim=-1).T
        return (self.SHARPNESS * cosine).softmax(-1)
