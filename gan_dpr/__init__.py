"""GAN-DPR: a text-to-image GAN whose discriminator is a dense text-image retriever.

Names are imported when they are first used, so that `import gan_dpr` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import GeneratorConfig, RetrieverConfig, preset
    from .encoders import TextTower
    from .generator import Generator
    from .index import DenseIndex
    from .pipeline import GanDprPipeline, Hit, PipelineOutput
    from .retriever import Retriever
    from .trainer import AdversarialTrainer

__version__ = "0.1.0"

_HOMES = {
    "AdversarialTrainer": "trainer",
    "DenseIndex": "index",
    "GanDprPipeline": "pipeline",
    "Generator": "generator",
    "GeneratorConfig": "config",
    "Hit": "pipeline",
    "PipelineOutput": "pipeline",
    "Retriever": "retriever",
    "RetrieverConfig": "config",
    "TextTower": "encoders",
    "preset": "config",
}
__all__ = [
    "AdversarialTrainer",
    "DenseIndex",
    "GanDprPipeline",
    "Generator",
    "GeneratorConfig",
    "Hit",
    "PipelineOutput",
    "Retriever",
    "RetrieverConfig",
    "TextTower",
    "preset",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
