"""The page: four tabs over one model."""

import gradio as gr

from ..pipeline import GanDprPipeline
from . import api, interpolate, prompt_arithmetic, prompt_grid
from .generate import GenerateTab
from .mini_train import MiniTrainTab
from .retrieve import RetrieveTab
from .studio import Studio

MASTHEAD = (
    '<div id="masthead"><h1>GAN<span>-</span>DPR</h1>'
    "<p>A text-to-image GAN whose discriminator is a search engine.</p></div>"
)


def build_page(pipeline: GanDprPipeline) -> gr.Blocks:
    """The demo of one loaded model, ready for `launch(**theme.launch_options())`."""
    studio = Studio(pipeline)
    studio.warm_up()
    with gr.Blocks(title="GAN-DPR", analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        gr.HTML(MASTHEAD)
        status = gr.HTML(studio.status(), elem_id="status")
        with gr.Tabs(selected="generate") as tabs:
            with gr.Tab("Generate", id="generate"):
                drawing = GenerateTab(studio, status, page)
            with gr.Tab("Interpolate", id="interpolate") as tab, gr.Tabs():
                with gr.Tab("Film"):
                    interpolate.build(studio, status, tab)
                with gr.Tab("Grid"):
                    prompt_grid.build(studio, status, drawing.prompt, drawing.seed, tabs)
                with gr.Tab("Arithmetic"):
                    prompt_arithmetic.build(studio, status)
            with gr.Tab("Retrieve", id="retrieve") as tab:
                RetrieveTab(studio, status, drawing.prompt, tab, tabs, page)
            with gr.Tab("Mini-train", id="mini-train"):
                MiniTrainTab(studio, page, drawing.model, tabs)
        api.build(studio)
    return page
