"""What a layered generator knows by heart: its things and styles, and which of them it was shown together.

A caption is looked up as in a dense retriever: what a part reads in it is a query, the known things are the passages.
What is found is a code that was learnt with the drawings themselves and owes nothing to the words (as in GLO,
Bojanowski 2018), which takes a third of the steps that a code read from words takes.

A canvas that has learnt its drawings one by one has nothing to say about a thing in a style that it was never shown:
it draws confetti. So such a thing is drawn in the design of the nearest style that it was shown in: with the finish
that was asked for (networks/restyler.py), where the two styles share their designs, else as it is known.
"""

import torch
import torch.nn.functional as F
from torch import nn

KINDS = ("thing", "style")  # the generator's parts that look up, in the order of all numbers here


class Memory(nn.Module):
    """Keys and codes of n things and m styles, and two tables (n, m, m): of which style a drawing's design and finish
    are.

    Keys and codes are learnt, the tables measured (`measure`). Half-way between two things it decides for one.
    """

    # Of the softmax over what is known, times the cosine: in training, and in use. Ten times softer, 8 of 100 pictures
    # whose style was left open were two styles over each other.
    LEARNING, SHARPNESS = 20.0, 2000.0
    SAME_DESIGN = 0.75  # of the mean distance between styles: two that are nearer are renderings of one design

    def __init__(self, things: int, styles: int, thing_dim: int, style_dim: int):
        super().__init__()
        sides = {"thing": (things, thing_dim), "style": (styles, style_dim)}
        self.keys = nn.ParameterDict({name: torch.empty(side) for name, side in sides.items()})
        self.codes = nn.ParameterDict({name: torch.empty(side) for name, side in sides.items()})
        for table in ("design", "finish"):
            self.register_buffer(table, torch.eye(styles).repeat(things, 1, 1))

    def begin(self) -> None:
        """Nothing is like anything else."""
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    @torch.no_grad()
    def measure(self, shown: torch.Tensor, distances: torch.Tensor) -> None:
        """Fill the tables.

        Args:
            shown: (n, m) bool: which were shown together; each thing in one style at least.
            distances: (m, m): how far drawings of one thing in two styles are from each other.
        """
        m = len(distances)
        itself = torch.eye(m, dtype=torch.bool, device=distances.device)
        unknown = torch.where(shown, 0.0, torch.inf)[:, None]  # (n, 1, m)
        nearest = (distances.masked_fill(itself, 0.0) + unknown).argmin(2)  # (n, m)
        shared = self._share_designs(distances) | itself
        asked = torch.arange(m, device=nearest.device).expand_as(nearest)
        self.design.copy_(F.one_hot(nearest, m))
        self.finish.copy_(F.one_hot(torch.where(shared[asked, nearest], asked, nearest), m))

    @classmethod
    def sisters(cls, shown: torch.Tensor, distances: torch.Tensor) -> torch.Tensor:
        """Of what style there is another known rendering of a drawing: (n, m) long, its own style where of none.

        Arguments are as of `measure`.
        """
        sister = cls._share_designs(distances) & shown[:, None]  # (n, m, m)
        nearest = distances.masked_fill(~sister, torch.inf).argmin(2)
        return torch.where(sister.any(2) & shown, nearest, torch.arange(len(distances), device=nearest.device))

    @classmethod
    def _share_designs(cls, distances: torch.Tensor) -> torch.Tensor:
        """(m, m) bool: which two styles are renderings of the same designs."""
        other = ~torch.eye(len(distances), dtype=torch.bool, device=distances.device)
        return other & (distances < cls.SAME_DESIGN * distances[other].mean())  # one style alone has no other

    def of(self, numbers: torch.Tensor) -> dict[str, torch.Tensor]:
        """(..., 2) numbers of things and styles -> the codes by which they are drawn, as `recalled` gives them."""
        thing, style = self.codes["thing"][numbers[..., 0]], self.codes["style"][numbers[..., 1]]
        return {"thing": thing, "design": style, "style": style}

    def recalled(self, thing: torch.Tensor, style: torch.Tensor) -> dict[str, torch.Tensor]:
        """What was read, (..., thing_dim) and (..., style_dim) -> codes: "thing", "design", and "style", the finish.

        And "restyled", (..., 1), about 1 where these are of two styles.
        """
        of_thing, of_style = (
            (self.SHARPNESS * self.cosines(name, code)).softmax(-1)
            for name, code in zip(KINDS, (thing, style), strict=True)
        )
        design, finish = (
            torch.einsum("...n,...m,nmk->...k", of_thing, of_style, table) @ self.codes["style"]
            for table in (self.design, self.finish)
        )
        two = (self.finish * (1 - self.design)).sum(2)
        restyled = torch.einsum("...n,...m,nm->...", of_thing, of_style, two)[..., None]
        return {"thing": of_thing @ self.codes["thing"], "design": design, "style": finish, "restyled": restyled}

    def cosines(self, name: str, code: torch.Tensor) -> torch.Tensor:
        """(..., width) of what was read, of things or of styles -> (..., n or m) with each that is known."""
        return F.normalize(code, dim=-1) @ F.normalize(self.keys[name], dim=-1).T

    def confusion(self, name: str, code: torch.Tensor, number: torch.Tensor) -> torch.Tensor:
        """(R, width) of what was read, (R,) of what it should be -> (R,): DPR's loss over all that is known."""
        return F.cross_entropy(self.LEARNING * self.cosines(name, code), number, reduction="none")
