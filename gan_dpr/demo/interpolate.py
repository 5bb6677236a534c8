"""The Interpolate tab: from one prompt to the next, frame by frame, scrubbed inside the page."""

import tempfile
from functools import partial
from pathlib import Path

import gradio as gr
from PIL import Image

from ..animation import save_animation
from .generate import MAX_SEED
from .pictures import chip_row, data_uri, film, film_player
from .prompts import check_prompt
from .studio import MODEL_QUEUE, Stopwatch, Studio

FIRST = "a small red cat on the left on a white background\na large green frog on a purple background"
EXAMPLES = {
    "two animals": FIRST,
    "across the picture": "a small penguin at the top left on a blue background\n"
    "a small penguin at the bottom right on a blue background",
    "turning over": "an elephant on a yellow background\nan upside-down elephant on a yellow background",
    "a round trip": "an octopus on a black background\na sunflower on a blue background\n"
    "a pizza on a white background\nan octopus on a black background",
}
SPACES = {"the prompt": "prompt", "the noise": "noise", "both": "both"}
MAX_KEYS, MAX_STEPS = 8, 64
FPS, ENLARGE = 12, 4
PLAY = "(film, there_and_back) => ({...film, ping_pong: there_and_back})"
EMPTY = "Write at least two prompts and press Morph."


def morph(studio: Studio, prompts: list[str], steps: int, seed: int, space: str) -> list[Image.Image]:
    """Frames from each prompt to the next. Raises ValueError with a sentence for the page."""
    prompts = [check_prompt(prompt) for prompt in prompts]
    if len(prompts) < 2:
        raise ValueError("Write at least two prompts, one on each line.")
    if len(prompts) > MAX_KEYS:
        raise ValueError(f"At most {MAX_KEYS} prompts fit one film: take some out.")
    if steps is None or not 2 <= steps <= MAX_STEPS:
        raise ValueError(f"Steps go from 2 to {MAX_STEPS}: change them.")
    if seed is None or not 0 <= seed <= MAX_SEED:
        raise ValueError(f"Seed goes from 0 to {MAX_SEED}: change it.")
    return studio.pipeline.interpolate(prompts, steps=int(steps), seed=int(seed), space=space)


def build(studio: Studio, status: gr.HTML, tab: gr.Tab) -> None:
    """Lay out the tab inside the current Blocks and wire it; the first look at `tab` draws a film."""
    gr.Markdown("Drag, and one prompt turns into the next. All frames are drawn once.", elem_classes="lead")
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            prompts = gr.Textbox(
                FIRST,
                lines=3,
                max_lines=MAX_KEYS,
                label="Prompts",
                info=f"One on each line, 2 to {MAX_KEYS}",
                elem_id="keys",
            )
            examples = chip_row(list(EXAMPLES), "Try", elem_id="film-examples")
            space = gr.Radio(list(SPACES), value="the prompt", label="What moves", info="The other stands still")
            with gr.Row(elem_classes="tight"):
                steps = gr.Slider(
                    2, MAX_STEPS, 24, step=1, label="Steps", info="Frames per pair", min_width=150, buttons=[]
                )
                seed = gr.Number(
                    0,
                    precision=0,
                    minimum=0,
                    maximum=MAX_SEED,
                    label="Seed",
                    info="Of the noise",
                    min_width=150,
                )
            go = gr.Button("Morph", variant="primary", elem_id="morph")
        with gr.Column(scale=7):
            shown = film_player(EMPTY, elem_id="film")
            with gr.Row(elem_classes="tight"):
                kind = gr.Radio(
                    ["GIF", "WebP", "MP4"],
                    value="GIF",
                    label="File",
                    info="MP4 for chats, WebP for the sharpest",
                )
                ping_pong = gr.Checkbox(True, label="There and back", info="Play and save it backwards as well")
            file = gr.DownloadButton("Download", size="md", interactive=False, elem_id="save-film")
    frames = gr.State([], time_to_live=3600)

    private = {"api_visibility": "private", "show_progress": "hidden"}
    drawn = gr.on(
        [go.click, space.input, steps.release, seed.submit],
        partial(_film, studio),
        [prompts, steps, seed, space, ping_pong],
        [shown, frames, status],
        trigger_mode="always_last",
        **MODEL_QUEUE,
        **private,
    )
    tab.select(
        partial(_first_film, studio),
        [frames, prompts, steps, seed, space, ping_pong],
        [shown, frames, status],
        **MODEL_QUEUE,
        **private,
    ).then(_saved, [frames, kind, ping_pong], file, **private)
    drawn.then(_saved, [frames, kind, ping_pong], file, **private)
    kind.input(_saved, [frames, kind, ping_pong], file, **private)
    # The frames stay in the page: only how they are played changes.
    ping_pong.input(None, [shown, ping_pong], shown, js=PLAY, **private).then(
        _saved, [frames, kind, ping_pong], file, **private
    )
    examples.select(_example, None, prompts, queue=False, **private).then(
        partial(_film, studio),
        [prompts, steps, seed, space, ping_pong],
        [shown, frames, status],
        **MODEL_QUEUE,
        **private,
    ).then(_saved, [frames, kind, ping_pong], file, **private)


def _film(studio: Studio, prompts: str, steps: int, seed: int, space: str, ping_pong: bool):
    lines = [line.strip() for line in (prompts or "").splitlines() if line.strip()]
    watch = Stopwatch()
    try:
        frames = morph(studio, lines, steps, seed, SPACES[space])
    except ValueError as error:
        return film([], [], empty=str(error)), [], studio.status()
    took = watch.ms
    words = [where(lines, i, int(steps)) for i in range(len(frames))]
    value = film([data_uri(frame) for frame in frames], words, fps=FPS, ping_pong=ping_pong)
    return value, frames, studio.status(f"{len(frames)} frames", took)


def _first_film(studio: Studio, frames: list[Image.Image], *settings):
    return [gr.skip()] * 3 if frames else _film(studio, *settings)


def where(lines: list[str], frame: int, steps: int) -> str:
    """Words for a frame: at a prompt its text, between two the way gone."""
    pair, step = divmod(frame, steps - 1)
    if step == 0:
        return lines[pair]
    return f"{step / (steps - 1):.0%} of the way to: {lines[pair + 1]}"


def _saved(frames: list[Image.Image], kind: str, ping_pong: bool):
    """The film as a file, enlarged so that other programs show more than a stamp."""
    if not frames:
        return gr.DownloadButton(value=None, interactive=False)
    path = Path(tempfile.mkdtemp()) / f"gan-dpr-morph.{kind.lower()}"
    size = (frames[0].width * ENLARGE, frames[0].height * ENLARGE)
    enlarged = [frame.resize(size, Image.Resampling.BICUBIC) for frame in frames]
    save_animation(enlarged, path, FPS, ping_pong)
    return gr.DownloadButton(label=f"Download {kind}", value=str(path), interactive=True)


def _example(event: gr.EventData) -> str:
    return EXAMPLES.get(event.action, FIRST)
