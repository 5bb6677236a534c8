"""The grid of the Interpolate tab: what the prompt decides downwards, what the noise decides across."""

from functools import partial

import gradio as gr
from PIL import Image

from .drawing import MAX_SEED, MODELS
from .generate import GenerateTab
from .interpolate import lines_of, morph, where
from .pictures import data_uri, picture_wall, tile_of, wall
from .prompts import check_range
from .studio import MODEL_QUEUE, Stopwatch, Studio, pictures_said
from .words import say, t

MAX_ROWS, MAX_COLUMNS = 12, 10
EMPTY = "Write at least two prompts and press Draw."


def prompt_grid(studio: Studio, prompts: list[str], rows: int, columns: int, seed: int) -> list[list[Image.Image]]:
    """Rows go from each prompt to the next, column j has the noise of seed + j. ValueError with a sentence."""
    for name, value, low, high in (("Rows", rows, 2, MAX_ROWS), ("Columns", columns, 1, MAX_COLUMNS)):
        check_range(name, value, low, high)
    check_range("Seed", seed, 0, MAX_SEED - MAX_COLUMNS)
    drawn = [morph(studio, prompts, [int(seed) + j], rows) for j in range(int(columns))]
    return [list(row) for row in zip(*drawn, strict=True)]


def build(studio: Studio, status: gr.HTML, drawing: GenerateTab, tab: gr.Tab, tabs: gr.Tabs) -> None:
    """Lay out inside the current Blocks; the first look at `tab` draws, a pressed picture goes to Generate."""
    gr.Markdown(
        t("Downwards the prompt changes, across the noise: what does each of them decide?"), elem_classes="lead"
    )
    with gr.Row():
        first, _ = next(iter(studio.examples.films.values()))
        prompts = gr.Textbox(first, lines=2, max_lines=8, label=t("Prompts"), info=t("One on each line"), scale=2,
                             elem_id="grid-prompts")  # fmt: skip
        studio.opening.offer(prompts, lambda offered: next(iter(offered.films.values()))[0])
        rows = gr.Slider(2, MAX_ROWS, 5, step=1, label=t("Rows"), info=t("From one prompt to the next"), buttons=[])
        columns = gr.Slider(1, MAX_COLUMNS, 6, step=1, label=t("Columns"), info=t("Different noise"), buttons=[])
        seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label=t("Seed"), info=t("Of the first column"),
                         min_width=110)  # fmt: skip
    draw = gr.Button(t("Draw"), variant="primary", elem_id="draw-grid")
    shown = picture_wall(EMPTY, 128, elem_id="grid")
    drawn = gr.State(None, time_to_live=3600)  # the settings of the grid that is shown, whatever the controls say now
    private = {"api_visibility": "private", "show_progress": "hidden"}
    gr.on(
        [draw.click, rows.release, columns.release, seed.submit],
        partial(_drawn, studio),
        [prompts, rows, columns, seed],
        [shown, status, drawn],
        trigger_mode="always_last",
        **MODEL_QUEUE,
        **private,
    )
    tab.select(
        partial(_first_look, studio), [drawn, prompts, rows, columns, seed], [shown, status, drawn],
        **MODEL_QUEUE, **private,
    )  # fmt: skip
    taken = [drawing.prompt, drawing.seed, drawing.best_of, drawing.truncation, drawing.model, tabs]
    shown.select(_to_generate, drawn, taken, queue=False, **private)


def _first_look(studio: Studio, drawn: tuple | None, *settings):
    return [gr.skip()] * 3 if drawn else _drawn(studio, *settings)


def _drawn(studio: Studio, prompts: str, rows: int, columns: int, seed: int):
    watch = Stopwatch()
    lines = lines_of(prompts)
    try:
        pictures = prompt_grid(studio, lines, rows, columns, seed)
    except ValueError as error:
        return wall([], str(error)), studio.status(), None
    took = watch.ms
    tiles = [
        tile_of(
            data_uri(picture),
            "",
            alt=(shows := say("{prompt}, seed {seed}", prompt=where(lines, i, int(rows)), seed=seed + j)),
            hint=say("{picture}: open in Generate", picture=shows),
        )
        for i, row in enumerate(pictures)
        for j, picture in enumerate(row)
    ]
    status = studio.status(pictures_said(len(tiles)), took)
    return wall(tiles, tile=128, columns=int(columns)), status, (lines, int(rows), int(columns), int(seed))


def _to_generate(event: gr.EventData, drawn: tuple[list[str], int, int, int] | None):
    """The prompt that is nearest to the pressed picture, its seed, and what else the grid was drawn with."""
    if drawn is None:
        return [gr.skip()] * 6
    lines, rows, columns, seed = drawn
    row, column = divmod(int(event.index), columns)
    nearest = min(round(row / (rows - 1)), len(lines) - 1)
    return lines[nearest], seed + column, 1, 1, MODELS[0], gr.Tabs(selected="generate")
