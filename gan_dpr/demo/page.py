"""The page: four tabs over one model."""

from threading import Thread

import gradio as gr

from ..pipeline import GanDprPipeline
from . import api, completion, interpolate, mix, pad, prompt_arithmetic, prompt_grid, real_or_drawn
from .controls import let_sliders_be_cleared
from .drawings_map import DrawingsMap
from .generate import GenerateTab
from .guide import guide, masthead
from .mini_train import MiniTrainTab
from .retrieve import RetrieveTab
from .studio import Studio
from .taking import SCRIPT as TAKING
from .words import t


def build_page(pipeline: GanDprPipeline) -> gr.Blocks:
    """The demo of one loaded model, ready for `launch(**theme.launch_options())`."""
    let_sliders_be_cleared()
    studio = Studio(pipeline)
    with gr.Blocks(title="GAN-DPR", analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        masthead()
        status = gr.HTML(studio.status(), elem_id="status")
        with gr.Tabs(selected="generate") as tabs:
            with gr.Tab(t("Generate"), id="generate", elem_id="generate-tab"):
                drawing = GenerateTab(studio, status, page)
            with gr.Tab(t("Interpolate"), id="interpolate") as tab:
                guide("interpolate")
                with gr.Tabs() as kinds:
                    with gr.Tab(t("Film")):
                        interpolate.build(studio, status, tab, tabs)
                    with gr.Tab(t("Mix"), id="mix") as mixes:
                        mix.build(studio, status, mixes, (tabs, kinds))
                    with gr.Tab(t("Pad")) as corners:
                        pad.build(studio, status, corners)
                    with gr.Tab(t("Grid")) as grid:
                        prompt_grid.build(studio, status, drawing, grid, tabs)
                    with gr.Tab(t("Arithmetic"), id="arithmetic") as sums:
                        prompt_arithmetic.build(studio, status, sums, (tabs, kinds))
            with gr.Tab(t("Retrieve"), id="retrieve") as tab, gr.Tabs() as ways:
                with gr.Tab(t("Search"), id="search"):
                    search = RetrieveTab(studio, status, drawing.prompt, tab, tabs, page)
                with gr.Tab(t("Map"), visible=pipeline.places is not None) as opened:
                    DrawingsMap(studio, opened, drawing.drawn).wire(search.query, search.picture, ways)
                with gr.Tab(t("Real or drawn?"), visible=real_or_drawn.playable(studio)) as game:
                    real_or_drawn.build(studio, game)
            with gr.Tab(t("Mini-train"), id="mini-train", elem_id="mini-train-tab"):
                MiniTrainTab(studio, page, drawing, tabs)

        def leave(request: gr.Request) -> None:
            studio.visits.leave(request.session_hash)

        page.unload(leave)
        page.load(None, js=TAKING, api_visibility="private")
        completing = completion.script(studio.guide)
        if completing is not None:
            page.load(None, js=completing, api_visibility="private")
        studio.opening.wire(page)
        api.build(studio)
        # With every event the page goes through all components that could show its progress, and copies what is in
        # them. Where nothing is shown, one is enough: that is a third of the work of opening it.
        for event in page.fns.values():
            if event.show_progress == "hidden":
                event.show_progress_on = [status]
    Thread(target=studio.warm_up).start()  # beside the server's start
    return page
