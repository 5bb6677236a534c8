"""The Retrieve tab: find drawings for words, for a picture, or for both."""

from functools import partial

import gradio as gr
from PIL import Image

from ..pipeline import Hit
from .pictures import chip_row, data_uri, open_upload, picture_input, picture_wall, tile_of, wall
from .prompts import MAX_LENGTH, check_prompt
from .studio import MODEL_QUEUE, Stopwatch, Studio

FIRST_QUERY = "something with wings"
EXAMPLES = (
    FIRST_QUERY,
    "a round red fruit",
    "an animal that swims",
    "a thing with wheels",
    "kitty in 3D style",
)
MAX_HITS = 50
EMPTY = "Type a query or drop a picture."


def search(studio: Studio, text: str | None, image: Image.Image | None, k: int) -> list[Hit]:
    """Drawings of the gallery, best first. Raises ValueError with a sentence for the page."""
    text = (text or "").strip()
    if not text and image is None:
        raise ValueError(EMPTY)
    if k is None or not 1 <= k <= MAX_HITS:
        raise ValueError(f"The number of results goes from 1 to {MAX_HITS}: change it.")
    return studio.pipeline.retrieve(text=check_prompt(text) if text else None, image=image, k=int(k))


def build(studio: Studio, status: gr.HTML, prompt: gr.Textbox, tab: gr.Tab, tabs: gr.Tabs) -> None:
    """Lay out the tab inside the current Blocks and wire it; `prompt` and `tabs` are for "Draw it".

    The first look at `tab` runs the example query.
    """
    gr.Markdown(
        "The discriminator is a search engine: words or a picture in, the nearest drawings out. "
        "Press a result to search with it.",
        elem_classes="lead",
    )
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            query = gr.Textbox(
                FIRST_QUERY,
                label="Words",
                info="Leave empty to search by picture alone",
                max_length=MAX_LENGTH,
                max_lines=3,
                elem_id="query",
            )
            examples = chip_row(EXAMPLES, "Try", elem_id="query-examples")
            picture = picture_input(
                label="Picture (with words too, both count equally)",
                sources=["upload", "clipboard"],
                height=190,
                buttons=[],
                elem_id="query-picture",
            )
            k = gr.Slider(1, MAX_HITS, 12, step=1, label="Results", info="How many drawings to show", buttons=[])
            with gr.Row(elem_classes="buttons"):
                draw = gr.Button("None close? Draw it", variant="primary", size="md", elem_id="draw-it")
                clear = gr.Button("Clear", size="md")
        with gr.Column(scale=7):
            found = picture_wall(EMPTY, 120, elem_id="found")
            captions = gr.Markdown(elem_id="captions")
    hits = gr.State([], time_to_live=3600)

    private = {"api_visibility": "private", "show_progress": "hidden"}
    gr.on(
        [query.change, picture.change, k.change],
        partial(_search, studio),
        [query, picture, k],
        [found, captions, status, hits],
        trigger_mode="always_last",
        **MODEL_QUEUE,
        **private,
    )
    tab.select(
        partial(_first_search, studio),
        [hits, query, picture, k],
        [found, captions, status, hits],
        **MODEL_QUEUE,
        **private,
    )
    examples.select(_chosen, None, [query, picture], queue=False, **private)
    found.select(_again, hits, [query, picture], queue=False, **private)
    clear.click(lambda: ("", None), None, [query, picture], queue=False, **private)
    draw.click(_draw_it, query, [prompt, tabs], queue=False, **private)


def _search(studio: Studio, query: str, path: str | None, k: int):
    watch = Stopwatch()
    try:
        image = open_upload(path)
        hits = search(studio, query, image, k)
    except ValueError as error:
        return wall([], str(error)), "", studio.status(), []
    took = watch.ms
    tiles = [
        tile_of(
            data_uri(hit.image),
            _short(hit),
            f"{hit.score:.2f}",
            alt=hit.caption,
            hint=f"{hit.caption}: search with it",
        )
        for hit in hits
    ]
    said = _captions(studio, image) if image is not None else ""
    return (
        wall(tiles, tile=120),
        said,
        studio.status(f"{len(hits)} of {len(studio.pipeline.gallery)} found", took),
        hits,
    )


def _first_search(studio: Studio, hits: list[Hit], query: str, path: str | None, k: int):
    return [gr.skip()] * 4 if hits else _search(studio, query, path, k)


def _short(hit: Hit) -> str:
    """The concept and whose drawing it is, for under a thumbnail."""
    style = hit.caption.partition(" in ")[2].rpartition(" in ")[2].removesuffix(" style")
    return f"{hit.concept}, {style}" if hit.concept and style else hit.caption


def _captions(studio: Studio, image: Image.Image) -> str:
    rows = studio.pipeline.captions_for(image, k=5)
    lines = "\n".join(f"| {score:.2f} | {caption} |" for score, caption in rows)
    return f"**In words**\n\n| score | caption |\n|---|---|\n{lines}"


def _again(hits: list[Hit], event: gr.EventData):
    i = int(event.index)
    return ("", hits[i].image) if 0 <= i < len(hits) else gr.skip()


def _chosen(event: gr.EventData):
    return str(event.action)[:MAX_LENGTH], None


def _draw_it(query: str):
    if not (query or "").strip():
        raise gr.Error("Type words first: they become the prompt.", print_exception=False)
    return query.strip(), gr.Tabs(selected="generate")
