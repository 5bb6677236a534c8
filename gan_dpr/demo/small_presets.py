"""What Mini-train offers: the presets that are small enough, and how a visitor changes one."""

from ..config import Phase, Preset
from ..presets import PRESETS, preset

LARGEST = 32  # pixels: small enough to show something within two minutes on two cores
LONGEST = 300  # steps of a phase that has an end; a run here then contends without one
SHOWN = tuple(name for name, make in PRESETS.items() if make().image_size <= LARGEST)
SETTINGS = {name: make().training for name, make in PRESETS.items() if name in SHOWN}


def small_preset(name: str, reconstruct: bool = True) -> Preset:
    """A fresh preset of SHOWN that ends with an endless contest; without reconstruction that is all it has."""
    chosen = preset(name)
    settings = chosen.training
    before = [Phase(phase.kind, min(phase.steps, LONGEST)) for phase in settings.phases if phase.kind == "reconstruct"]
    settings.phases = (*(before if reconstruct else ()), Phase("contend"))
    if not reconstruct:
        settings.weight_reconstruct = 0.0
    return chosen


def reconstructs(name: str) -> bool:
    """Whether a preset begins with a reconstruction."""
    return SETTINGS[name].phases[0].kind == "reconstruct"


def needs_pictures(name: str) -> bool:
    """Whether a preset is for people's own pictures alone."""
    return preset(name).world["kind"] == "pictures"


FIRST = next(name for name in SHOWN if not needs_pictures(name))
FOR_PICTURES = next((name for name in SHOWN if needs_pictures(name)), FIRST)
