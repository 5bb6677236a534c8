"""The table of the generator's parts: what each is told, and what it may decide by noise."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..config import GeneratorConfig


@dataclass(frozen=True)
class Part:
    """What reads the text on its own: one row of the table.

    In training each part reads another caption, which agrees with the picture in the part's attributes and in nothing
    else (mixed captions). So no part learns what is another's, and combinations that were never seen come out right.

    Attributes:
        name: of the part, and of its modules.
        attributes: of the world's; empty for all of them.
        slots, slot_dim: what it pools from the token states.
        noise_dim: how many numbers of noise it has to decide what the text leaves open; 0 for a part that decides
            nothing.
        of_scene: one for the picture rather than one for each object.
        looks_up: what it reads is looked up in the memory (networks/memory.py), and so is what noise decides.
    """

    name: str
    attributes: tuple[str, ...]
    slots: int
    slot_dim: int
    noise_dim: int = 0
    of_scene: bool = False
    looks_up: bool = False

    @property
    def width(self) -> int:
        return self.slots * self.slot_dim


def parts_of(config: "GeneratorConfig") -> tuple[Part, ...]:
    """The parts of a generator; a generator without layers is one part that reads everything."""
    if config.composition == "none":
        return (Part("picture", (), config.slots, config.slot_dim, config.noise_dim),)
    noise = config.noise_dim
    return (
        Part("thing", ("concept",), config.slots, config.slot_dim, looks_up=True),
        Part("style", ("style",), 2, 16, noise, looks_up=True),
        Part("pose", ("size", "position"), 4, 16, noise),
        Part("turn", ("orientation",), 1, 16),
        Part("tint", ("tint",), 1, 16),
        Part("background", ("background",), 2, 16, noise, of_scene=True),
    )
