"""Mixes in the Interpolate tab: two or more things in one drawing, four ways and four amounts of it at a glance."""

from functools import partial

import gradio as gr
from PIL import Image

from ..networks.mixing import WAYS, Way
from .drawing import MAX_SEED
from .interpolate import lines_of
from .links import Link, asked, copied, number_of, with_request
from .pictures import data_uri, label_row, picture_wall, tile_of, wall
from .prompts import MAX_LENGTH, check_prompt, check_range
from .studio import MODEL_QUEUE, Stopwatch, Studio, pictures_said
from .words import say, t

MOST = 4  # prompts in a mix
AMOUNTS = (0.2, 0.4, 0.6, 0.8)
SAID = {  # way -> what it is called
    "colours": "the first in the others' colours",
    "halves": "from the top down",
    "middle": "from the middle outwards",
    "blend": "all at once",
}
LINK = Link(("mix", "way", "amount", "mix_seed"))
MAX_TEXT = MOST * (MAX_LENGTH + 1)  # letters of an address's prompts
EMPTY = "Write two to four prompts and press Mix."
HONEST = (
    "Nobody showed it such a thing. One's shape is drawn in the other's colours, or one drawing is put together from "
    "both and the generator closes the seam. Many of these are good and some are a mess; “all at once” is a double "
    "exposure."
)


def mix(studio: Studio, prompts: list[str], way: Way, amounts: list[float], seed: int) -> list[Image.Image]:
    """A picture for each amount. Raises ValueError with a sentence for the page."""
    prompts = [check_prompt(prompt) for prompt in prompts]
    if not 2 <= len(prompts) <= MOST:
        raise ValueError(say("Write two to four prompts, one on each line."))
    if way not in WAYS:
        raise ValueError(say("There is no such way to mix: take one of {ways}.", ways=", ".join(WAYS)))
    check_range("Seed", seed, 0, MAX_SEED)
    for amount in amounts:
        check_range("Amount", amount, 0, 1)
    return studio.pipeline.mix(prompts, amounts, way, int(seed))


def build(studio: Studio, status: gr.HTML, tab: gr.Tab, tabs: tuple[gr.Tabs, gr.Tabs]) -> None:
    """Lay out inside the current Blocks and wire it; the first look at `tab` mixes an example.

    `tabs` are the page's and those that `tab` is one of.
    """
    gr.Markdown(t(HONEST), elem_classes="lead")
    mixes = studio.examples.mixes
    first = next(iter(mixes.values()))
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            prompts = gr.Textbox(
                first.prompts, lines=2, max_lines=MOST, label=t("Prompts"),
                info=t("Two to four, one on each line; place and background are the first one's"),
                elem_id="mix-prompts",
            )  # fmt: skip
            studio.opening.offer(prompts, lambda offered: next(iter(offered.mixes.values())).prompts)
            examples = label_row(list(mixes), studio.opening, elem_id="mix-examples")
            way = gr.Radio(
                [(t(name), value) for value, name in SAID.items()], value=first.way, label=t("Way"),
                info=t("How they come together"), elem_id="mix-way",
            )  # fmt: skip
            with gr.Row(elem_classes="tight"):
                amount = gr.Slider(
                    0, 1, first.amount, step=0.05, label=t("Amount"), info=t("0 is the first, 1 the others"),
                    min_width=150, buttons=[], elem_id="mix-amount",
                )  # fmt: skip
                seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label=t("Seed"),
                                 info=t("Of all pictures"), min_width=110)  # fmt: skip
            with gr.Row(elem_classes="buttons"):
                go = gr.Button(t("Mix"), variant="primary", elem_id="mix")
                link = gr.Button(t("Copy link"), size="md", elem_id="copy-mix-link")
        with gr.Column(scale=7):
            shown = picture_wall(EMPTY, 256, elem_id="mixed")
            board = picture_wall(EMPTY, 64, elem_id="mix-board")
    drawn = gr.State(None, time_to_live=3600)  # prompts and seed of the board that is shown

    def example(event: gr.EventData) -> tuple[str, Way, float]:
        taken = list(studio.offered().mixes.values())[int(event.index)]
        return taken.prompts, taken.way, taken.amount

    private = {"api_visibility": "private", "show_progress": "hidden"}
    settings = [prompts, way, amount, seed]
    outputs = {"outputs": [shown, board, status, drawn], **MODEL_QUEUE, **private}
    mixed = partial(_mixed, studio)
    share = {"fn": None, "inputs": settings, "js": LINK.share, **private}
    changes = [go.click, prompts.submit, seed.submit, way.input, amount.input]
    gr.on(changes, mixed, [*settings, drawn], trigger_mode="always_last", **outputs)
    gr.on(changes, **share)
    link.click(copied, settings, None, js=LINK.copy, **private)
    studio.opening.fill([*settings, *tabs], mix_from_link)
    tab.select(with_request(_first_look, studio), [drawn, *settings], **outputs)
    for pressed, chosen, taken in (
        (examples, example, [prompts, way, amount]),
        (board, _of_board, [way, amount]),
    ):
        taking = pressed.select(chosen, None, taken, queue=False, **private)
        taking.then(mixed, [*settings, drawn], **outputs)
        taking.then(**share)


def mix_from_link(request: gr.Request) -> list:
    """Prompts, way, amount and seed from the page's address, and the tabs that show them."""
    if not LINK.named(request):
        return [gr.skip()] * 6
    query = request.query_params
    prompts = query.get("mix", "")[:MAX_TEXT].strip() or gr.skip()
    way = query.get("way") if query.get("way") in WAYS else gr.skip()
    amount = number_of(query.get("amount", ""), 0, 1, float)
    seed = number_of(query.get("mix_seed", ""), 0, MAX_SEED, int)
    return [prompts, way, amount, seed, gr.Tabs(selected="interpolate"), gr.Tabs(selected="mix")]


def _of_board(event: gr.EventData) -> tuple[Way, float]:
    row, column = divmod(int(event.index), len(AMOUNTS))
    return WAYS[row], AMOUNTS[column]


def _first_look(studio: Studio, request: gr.Request, drawn: tuple | None, *settings):
    return [gr.skip()] * 4 if drawn else _mixed(studio, *asked(mix_from_link(request)[:4], settings), drawn)


def _mixed(studio: Studio, prompts: str, way: Way, amount: float, seed: int, drawn: tuple | None):
    """The mix, and the board where it is of other prompts than the one that is shown."""
    watch, lines = Stopwatch(), lines_of(prompts)
    try:
        picture = mix(studio, lines, way, [amount], seed)[0]
        board = None
        if (lines, seed) != drawn:
            board = _board(studio, lines, seed)
    except ValueError as error:
        return wall([], str(error)), wall([]), studio.status(), None
    named = _named(lines, way, amount)
    about = {"prompts": "\n".join(lines), "way": way, "amount": f"{amount:g}", "seed": str(seed),
             "checkpoint": studio.pipeline.name}  # fmt: skip
    tile = tile_of(data_uri(picture, about), named, alt=named, file="mix.png", still=True, seeded=False)
    status = studio.status(pictures_said(1 + len(board or [])), watch.ms)
    tiles = gr.skip() if board is None else wall(board, tile=64, columns=len(AMOUNTS))
    return wall([tile], tile=256), tiles, status, (lines, seed)


def _board(studio: Studio, lines: list[str], seed: int) -> list[dict]:
    """Tiles: a row for each way, a column for each amount."""
    return [
        tile_of(data_uri(picture), "", alt=(named := _named(lines, way, amount)), hint=named)
        for way in WAYS
        for amount, picture in zip(AMOUNTS, mix(studio, lines, way, list(AMOUNTS), seed), strict=True)
    ]


def _named(lines: list[str], way: Way, amount: float) -> str:
    return say("{prompts}: {way}, {amount:.0%}", prompts=" + ".join(lines), way=say(SAID[way]), amount=amount)
