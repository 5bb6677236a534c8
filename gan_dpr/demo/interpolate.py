"""The Interpolate tab: from one prompt or seed to the next, frame by frame, scrubbed inside the page."""

import re
from functools import partial
from typing import Any, Literal

import gradio as gr
from PIL import Image

from ..animation import save_animation
from .downloads import new_file
from .drawing import MAX_SEED
from .links import Link, asked, copied, number_of, with_request
from .pictures import data_uri, film, film_player, label_row
from .prompts import check_prompt, check_range
from .studio import MODEL_QUEUE, Stopwatch, Studio
from .words import say, t

Route = Literal["lerp", "slerp"]
PATHS: dict[str, Route] = {"a line (lerp)": "lerp", "an arc (slerp)": "slerp"}
MAX_KEYS, MAX_STEPS = 8, 64
FPS, ENLARGE = 12, 4
PLAY = "(film, there_and_back) => ({...film, ping_pong: there_and_back})"
EMPTY = "Write at least two prompts and press Morph."
LINK = Link(("film", "film_seeds", "steps", "path"))
MAX_TEXT = 2600  # letters of an address's prompts: eight of the longest


def morph(studio: Studio, prompts: list[str], seeds: list[int], steps: int, path: Route = "lerp") -> list[Image.Image]:
    """Frames from each key to the next; one prompt goes with many seeds, one seed with many prompts.

    Raises ValueError with a sentence for the page.
    """
    prompts = [check_prompt(prompt) for prompt in prompts]
    for seed in seeds:
        check_range("Seed", seed, 0, MAX_SEED)
    keys = max(len(prompts), len(seeds))
    if keys < 2 or not prompts or not seeds:
        raise ValueError(say("Write at least two prompts, one on each line, or one prompt and two seeds."))
    if keys > MAX_KEYS:
        raise ValueError(say("At most {n} prompts or seeds fit one film: take some out.", n=MAX_KEYS))
    if not {len(prompts), len(seeds)} <= {1, keys}:
        raise ValueError(
            say("{p} prompts and {s} seeds: write one seed for all, or one for each.", p=len(prompts), s=len(seeds))
        )
    check_range("Steps", steps, 2, MAX_STEPS)
    space = "noise" if len(prompts) == 1 else "prompt" if len(seeds) == 1 else "both"
    prompts, seeds = (list(part) * (keys if len(part) == 1 else 1) for part in (prompts, seeds))
    return studio.pipeline.interpolate(prompts, steps=int(steps), seed=seeds, space=space, path=path)


def lines_of(text: str | None) -> list[str]:
    """The lines of a text that say something."""
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def seeds_of(text: str | None) -> list[int]:
    """Numbers with commas or blanks between them. Raises ValueError with a sentence for the page."""
    words = re.split(r"[,\s]+", (text or "").strip())
    if not all(word.isascii() and word.isdigit() for word in words):
        raise ValueError(say("Seeds are whole numbers with commas between them: 0, 7, 42."))
    return [int(word) for word in words]


def build(studio: Studio, status: gr.HTML, tab: gr.Tab, tabs: gr.Tabs) -> None:
    """Lay out the tab inside the current Blocks and wire it; the first look at `tab` draws a film."""
    gr.Markdown(t("Drag, and one prompt turns into the next. All frames are drawn once."), elem_classes="lead")
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            films = studio.examples.films
            first, first_seeds = next(iter(films.values()))
            prompts = gr.Textbox(
                first,
                lines=3,
                max_lines=MAX_KEYS,
                label=t("Prompts"),
                info=t("One on each line, at most 8; Shift+Enter draws"),
                elem_id="keys",
            )
            studio.opening.offer(prompts, lambda offered: next(iter(offered.films.values()))[0], "film")
            examples = label_row(list(films), studio.opening, elem_id="film-examples")
            seeds = gr.Textbox(
                first_seeds,
                label=t("Seeds"),
                info=t("One for all, or one for each prompt: 0, 7. Many seeds of one prompt make a film too"),
                max_length=200,
                elem_id="film-seeds",
            )
            with gr.Row(elem_classes="tight"):
                steps = gr.Slider(
                    2, MAX_STEPS, 24, step=1, label=t("Steps"), info=t("Frames per pair"), min_width=150, buttons=[],
                    elem_id="film-steps",
                )  # fmt: skip
                path = gr.Radio(
                    [(t(name), value) for name, value in PATHS.items()],
                    value="slerp",
                    label=t("Path"),
                    info=t("A line passes through weaker mixtures"),
                    min_width=150,
                    elem_id="film-path",
                )
            with gr.Row(elem_classes="buttons"):
                go = gr.Button(t("Morph"), variant="primary", elem_id="morph")
                link = gr.Button(t("Copy link"), size="md", elem_id="copy-film-link")
        with gr.Column(scale=7):
            shown = film_player(EMPTY, elem_id="film")
            with gr.Row(elem_classes="tight"):
                kind = gr.Radio(
                    ["GIF", "WebP", "MP4"],
                    value="GIF",
                    label=t("File"),
                    info=t("MP4 for chats, WebP for the sharpest"),
                    scale=2,
                    elem_id="film-kind",
                )
                ping_pong = gr.Checkbox(True, label=t("There and back"), info=t("Play and save it backwards as well"))
            file = gr.DownloadButton(t("Download"), size="md", interactive=False, elem_id="save-film")
    frames = gr.State([], time_to_live=3600)

    def example(event: gr.EventData) -> tuple[str, str]:
        return list(studio.offered().films.values())[int(event.index)]

    private = {"api_visibility": "private", "show_progress": "hidden"}
    settings = [prompts, seeds, steps, path, ping_pong]
    # The file is the one before until the new film is saved.
    outputs = {"outputs": [shown, frames, status, file], **MODEL_QUEUE, **private}
    # Always the last: else a film that comes while the one before is being saved never is.
    save = {
        "fn": _saved, "inputs": [frames, kind, ping_pong], "outputs": file, "trigger_mode": "always_last", **private
    }  # fmt: skip
    changes = [go.click, prompts.submit, seeds.submit, steps.release, path.input]
    gr.on(changes, partial(_film, studio), settings, trigger_mode="always_last", **outputs).then(**save)
    linked = [prompts, seeds, steps, path]
    gr.on(changes, None, linked, js=LINK.share, **private)
    link.click(copied, linked, None, js=LINK.copy, **private)
    studio.opening.fill([*linked, tabs], film_from_link)
    tab.select(with_request(_first_film, studio), [frames, *settings], **outputs).then(**save)
    kind.input(**save)
    # The frames stay in the page: only how they are played changes.
    ping_pong.input(None, [shown, ping_pong], shown, js=PLAY, **private).then(**save)
    examples.select(example, None, [prompts, seeds], queue=False, **private).then(
        partial(_film, studio), settings, **outputs
    ).then(**save)


def film_of(
    studio: Studio, prompts: list[str], seeds: list[int], steps: int, path: Route, ping_pong: bool = True
) -> tuple[dict[str, Any], list[Image.Image]]:
    """A value of the film player, with words under each frame, and the frames. Raises as `morph`."""
    frames = morph(studio, prompts, seeds, steps, path)
    one = len(prompts) == 1
    keys = [say("{prompt}, seed {seed}", prompt=prompts[0], seed=seed) for seed in seeds] if one else prompts
    words = [where(keys, i, int(steps)) for i in range(len(frames))]
    return film([data_uri(frame) for frame in frames], words, fps=FPS, ping_pong=ping_pong), frames


def _film(studio: Studio, prompts: str, seeds: str, steps: int, path: Route, ping_pong: bool):
    watch = Stopwatch()
    try:
        value, frames = film_of(studio, lines_of(prompts), seeds_of(seeds), steps, path, ping_pong)
    except ValueError as error:
        return film([], [], empty=str(error)), [], studio.status(), gr.DownloadButton(value=None, interactive=False)
    took = watch.ms
    status = studio.status(say("{n} frames", n=len(frames)), took)
    return value, frames, status, gr.DownloadButton(value=None, interactive=False)


def film_from_link(request: gr.Request) -> list:
    """Prompts, seeds, steps and path from the page's address, and the tab that shows them."""
    if not LINK.named(request):
        return [gr.skip()] * 5
    query = request.query_params
    prompts = query.get("film", "")[:MAX_TEXT].strip() or gr.skip()
    seeds = query.get("film_seeds", "")[:200].strip() or gr.skip()
    steps = number_of(query.get("steps", ""), 2, MAX_STEPS, int)
    path = query.get("path") if query.get("path") in PATHS.values() else gr.skip()
    return [prompts, seeds, steps, path, gr.Tabs(selected="interpolate")]


def _first_film(studio: Studio, request: gr.Request, frames: list[Image.Image], *settings):
    return [gr.skip()] * 4 if frames else _film(studio, *asked(film_from_link(request)[:4], settings))


def where(keys: list[str], frame: int, steps: int) -> str:
    """Words for a frame: at a key its text, between two the way gone."""
    pair, step = divmod(frame, steps - 1)
    if step == 0:
        return keys[pair]
    return say("{share:.0%} of the way to: {key}", share=step / (steps - 1), key=keys[pair + 1])


def _saved(frames: list[Image.Image], kind: str, ping_pong: bool):
    """The film as a file, enlarged so that other programs show more than a stamp."""
    if not frames:
        return gr.DownloadButton(value=None, interactive=False)
    path = new_file(f"gan-dpr-morph.{kind.lower()}")
    size = (frames[0].width * ENLARGE, frames[0].height * ENLARGE)
    enlarged = [frame.resize(size, Image.Resampling.BICUBIC) for frame in frames]
    save_animation(enlarged, path, FPS, ping_pong)
    return gr.DownloadButton(label=say("Download {kind}", kind=kind), value=str(path), interactive=True)

