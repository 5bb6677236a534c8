"""Prompt arithmetic in the Interpolate tab: A - B + C in what the text says to the generator."""

from functools import partial

import gradio as gr
from PIL import Image

from .drawing import MAX_SEED
from .links import Link, asked, copied, number_of, with_request
from .pictures import data_uri, label_row, picture_wall, tile_of, wall
from .prompts import MAX_LENGTH, check_prompt, check_range
from .studio import MODEL_QUEUE, Stopwatch, Studio, pictures_said
from .words import say, t

WEIGHTS = (1.0, -1.0, 1.0)
SHOTS = 4
LINK = Link(("a", "minus", "plus", "sum_seed"))


def arithmetic(studio: Studio, prompts: tuple[str, str, str], seed: int) -> tuple[list[Image.Image], list[Image.Image]]:
    """One picture of each prompt, and SHOTS of A - B + C. Raises ValueError with a sentence for the page."""
    prompts = [check_prompt(prompt) for prompt in prompts]
    check_range("Seed", seed, 0, MAX_SEED)
    singles = [studio.pipeline.combine([prompt], [1.0], seed=int(seed))[0] for prompt in prompts]
    return singles, studio.pipeline.combine(prompts, list(WEIGHTS), SHOTS, int(seed))


def build(studio: Studio, status: gr.HTML, tab: gr.Tab, tabs: tuple[gr.Tabs, gr.Tabs]) -> None:
    """Lay out inside the current Blocks and wire it; the first look at `tab` adds up an example.

    `tabs` are the page's and those that `tab` is one of.
    """
    gr.Markdown(t("Take what A has and B has not, and add it to C."), elem_classes="lead")
    sums = studio.examples.sums
    first = next(iter(sums.values()))
    with gr.Row():
        terms = [
            gr.Textbox(text, label=t(label), info=t(info), max_length=MAX_LENGTH, elem_id=f"term-{label[-1].lower()}")
            for text, label, info in zip(
                first, ("A", "minus B", "plus C"), ("Has something", "Like A, without it", "Will receive it"),
                strict=True,
            )  # fmt: skip
        ]
        for i, term in enumerate(terms):
            studio.opening.offer(term, lambda offered, i=i: next(iter(offered.sums.values()))[i], *LINK.names[:3])
        seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label=t("Seed"), info=t("Of all pictures"),
                         min_width=110)  # fmt: skip
    examples = label_row(list(sums), studio.opening, elem_id="sum-examples")
    with gr.Row(elem_classes="buttons"):
        add = gr.Button(t("Add up"), variant="primary", elem_id="add-up")
        link = gr.Button(t("Copy link"), size="md", elem_id="copy-sum-link")
    shown = picture_wall("Write three prompts and press Add up.", 128, elem_id="sum")

    seen = gr.State(False)  # whether anything has been added up

    def example(event: gr.EventData) -> tuple[str, str, str]:
        return list(studio.offered().sums.values())[int(event.index)]

    outputs = {
        "inputs": [*terms, seed], "outputs": [shown, status, seen], "api_visibility": "private",
        "show_progress": "hidden", **MODEL_QUEUE,
    }  # fmt: skip
    changes = [add.click, seed.submit, *(term.submit for term in terms)]
    gr.on(changes, partial(_added, studio), **outputs)
    private = {"api_visibility": "private", "show_progress": "hidden"}
    gr.on(changes, None, [*terms, seed], js=LINK.share, **private)
    link.click(copied, [*terms, seed], None, js=LINK.copy, **private)
    studio.opening.fill([*terms, seed, *tabs], sum_from_link)
    tab.select(with_request(_first_look, studio), **{**outputs, "inputs": [seen, *terms, seed]})
    examples.select(example, None, terms, queue=False, api_visibility="private").then(
        partial(_added, studio), **outputs
    )


def sum_from_link(request: gr.Request) -> list:
    """Terms and seed from the page's address, and the tabs that show them."""
    if not LINK.named(request):
        return [gr.skip()] * 6
    query = request.query_params
    terms = [query.get(name, "")[:MAX_LENGTH].strip() or gr.skip() for name in LINK.names[:3]]
    seed = number_of(query.get("sum_seed", ""), 0, MAX_SEED, int)
    return [*terms, seed, gr.Tabs(selected="interpolate"), gr.Tabs(selected="arithmetic")]


def _first_look(studio: Studio, request: gr.Request, seen: bool, *settings):
    return [gr.skip()] * 3 if seen else _added(studio, *asked(sum_from_link(request)[:4], settings))


def _added(studio: Studio, a: str, b: str, c: str, seed: int):
    watch = Stopwatch()
    try:
        singles, sums = arithmetic(studio, (a, b, c), seed)
    except ValueError as error:
        return wall([], str(error)), studio.status(), True
    took = watch.ms
    named = zip(("A", "B", "C"), (a, b, c), singles, strict=True)
    tiles = [
        tile_of(data_uri(picture), f"{name}: {text.strip()}", alt=text.strip(), still=True)
        for name, text, picture in named
    ]
    tiles += [
        tile_of(
            data_uri(picture),
            "A − B + C",
            say("seed {seed}", seed=int(seed) + k),
            alt=say("{prompt}, seed {seed}", prompt="A − B + C", seed=int(seed) + k),
            best=True,
            still=True,
        )
        for k, picture in enumerate(sums)
    ]
    return wall(tiles, tile=128), studio.status(pictures_said(len(tiles)), took), True

