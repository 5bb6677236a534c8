"""The worlds that a model can be of. `protocol` says what a world is."""

from typing import Any

from .protocol import World


def open_world(about: dict[str, Any]) -> World:
    """The world that a preset or config.json describes. Raises ValueError for one that this version does not know."""
    kind = about.get("kind")
    if kind == "emoji":
        from .emoji.world import EmojiWorld

        return EmojiWorld.from_dict(about)
    if kind == "pictures":
        from .pictures.world import CaptionsWorld

        return CaptionsWorld.from_dict(about)
    raise ValueError(f"There is no world {kind!r}: this version has emoji and pictures.")
