"""What Gradio's own controls get wrong on this page."""

import gradio as gr

_preprocess = gr.Slider.preprocess


def _cleared_too(slider: gr.Slider, payload: float | None) -> float | None:
    return None if payload is None else _preprocess(slider, payload)


def let_sliders_be_cleared() -> None:
    """A cleared field is None, which Gradio compares with the slider's bounds: a traceback. Here it reaches
    `check_range`, which says a sentence.

    On the class, since Gradio makes a slider anew whenever a visitor's changes.
    """
    gr.Slider.preprocess = _cleared_too
