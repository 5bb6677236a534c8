"""GAN-DPR: a text-to-image GAN whose discriminator is a dense text-image retriever.

Names are imported when they are first used, so that `import gan_dpr` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import GeneratorConfig, RetrieverConfig
    from .index import DenseIndex
    from .networks.encoders import TextTower
    from .networks.generator import Generator
    from .networks.retriever import Retriever
    from .pipeline import GanDprPipeline, Hit, PipelineOutput
    from .presets import preset
    from .teaching import teach
    from .training.trainer import Trainer

__version__ = "0.1.0"

_HOMES = {
    "DenseIndex": "index",
    "GanDprPipeline": "pipeline",
    "Generator": "networks.generator",
    "GeneratorConfig": "config",
    "Hit": "pipeline",
    "PipelineOutput": "pipeline",
    "Retriever": "networks.retriever",
    "RetrieverConfig": "config",
    "TextTower": "networks.encoders",
    "Trainer": "training.trainer",
    "preset": "presets",
    "teach": "teaching",
}
__all__ = [
    "DenseIndex",
    "GanDprPipeline",
    "Generator",
    "GeneratorConfig",
    "Hit",
    "PipelineOutput",
    "Retriever",
    "RetrieverConfig",
    "TextTower",
    "Trainer",
    "preset",
    "teach",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
