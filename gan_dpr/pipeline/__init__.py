"""A model in use: loaded, searching, drawing."""

from .drawing import CANDIDATE_STRIDE, GanDprPipeline, PipelineOutput
from .loaded import GALLERY, resolve_device
from .searching import Hit

__all__ = ["CANDIDATE_STRIDE", "GALLERY", "GanDprPipeline", "Hit", "PipelineOutput", "resolve_device"]
