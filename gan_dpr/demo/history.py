"""What a visitor drew before, newest first: thumbnails that bring prompt and settings back."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .pictures import tile_of, wall
from .words import say

LONGEST = 24
TYPING_SECONDS = 4.0  # what grows or is slid within this time is still being made
EMPTY = "What you draw is remembered here until you leave the page."


@dataclass(frozen=True)
class Settings:
    """All that draws the same pictures again."""

    prompt: str
    n: int
    seed: int
    truncation: float
    best_of: int
    model: str


@dataclass(frozen=True)
class Past:
    """A drawing of the session: its settings, its first picture as a data URI, and when it was made."""

    settings: Settings
    picture: str
    at: float = field(default_factory=time.monotonic)


def remember(history: Sequence[Past], new: Past) -> list[Past]:
    """The history with a drawing put first; the same settings stand in it once, and typing leaves no trail."""
    typed = bool(history) and _grown(history[0], new)
    rest = [past for past in history[typed:] if past.settings != new.settings]
    return [new, *rest][:LONGEST]


def _grown(old: Past, new: Past) -> bool:
    before, after = old.settings, new.settings
    longer, shorter = sorted((before.prompt, after.prompt), key=len, reverse=True)
    return new.at - old.at < TYPING_SECONDS and before.seed == after.seed and longer.startswith(shorter)


def strip(history: Sequence[Past]) -> dict[str, Any]:
    """The value of a picture wall."""
    tiles = [
        tile_of(
            past.picture,
            "",
            alt=past.settings.prompt,
            hint=say("{prompt}, seed {seed}", prompt=past.settings.prompt, seed=past.settings.seed),
        )
        for past in history
    ]
    return wall(tiles, tile=56)
