"""A pad in the Interpolate tab: a prompt in each corner, and a picture between them that is drawn while one drags."""

from functools import partial

import gradio as gr

from .drawing import MAX_SEED
from .interpolate import lines_of
from .pictures import data_uri, picture_wall, safe, templated, tile_of, wall
from .prompts import check_prompt, check_range
from .studio import MODEL_QUEUE, Stopwatch, Studio, pictures_said
from .words import say, t

CORNERS = 4
EMPTY = "Write four prompts, one on each line."
HOW = (
    "Drag the dot. The nearer a corner is, the more its prompt counts: place, size and colours glide, and the thing "
    "changes at once, since halves of two things are none."
)

CSS = """
.pad { position: relative; aspect-ratio: 1; max-width: 384px; margin: 0 auto; border-radius: 12px; cursor: crosshair;
  touch-action: none; border: 1px solid var(--border-color-primary); background: var(--block-background-fill); }
.pad:focus-visible { outline: 3px solid var(--ink-d); outline-offset: 1px; }
.pad span { position: absolute; max-width: 46%; padding: 8px 10px; font-size: .8rem; line-height: 1.25;
  color: var(--body-text-color-subdued); pointer-events: none; }
.pad span:nth-of-type(even) { right: 0; text-align: right; } .pad span:nth-of-type(n+3) { bottom: 0; }
.pad i { position: absolute; width: 26px; height: 26px; margin: -13px 0 0 -13px; border-radius: 50%;
  background: var(--ink-g); border: 3px solid var(--block-background-fill); box-shadow: 0 0 0 1px var(--ink-g);
  pointer-events: none; }
"""

_PAD = """
<div class="pad" tabindex="0" role="application" aria-label="{{{value.name}}}">
{{#each value.corners}}<span>{{{this}}}</span>{{/each}}<i></i></div>
"""
# Places are told at most every PACE ms, and of those that come while one is drawn the last one counts.
_PAD_JS = """
const STEP = .05, PACE = 60;
let x = .5, y = .5, held = false, waiting = null;
const pad = () => element.querySelector('.pad');
const put = () => {
  const dot = pad().querySelector('i');
  dot.style.left = `${100 * x}%`;
  dot.style.top = `${100 * y}%`;
};
const move = (right, down) => {
  [x, y] = [right, down].map(share => Math.min(1, Math.max(0, share)));
  put();
  waiting ??= setTimeout(() => { waiting = null; trigger('select', {index: [x, y]}); }, PACE);
};
const drag = event => {
  const box = pad().getBoundingClientRect();
  move((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
};
element.addEventListener('pointerdown', event => {
  if (!pad().contains(event.target)) return;
  held = true;
  pad().setPointerCapture(event.pointerId);
  drag(event);
});
element.addEventListener('pointermove', event => { if (held) drag(event); });
for (const end of ['pointerup', 'pointercancel']) element.addEventListener(end, () => { held = false; });
element.addEventListener('keydown', event => {
  const way = {ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP]}[event.key];
  if (!way) return;
  event.preventDefault();
  move(x + way[0], y + way[1]);
});
watch('value', put);
put();
"""


def weights_at(x: float, y: float) -> list[float]:
    """How much each corner counts, row by row, at a place in [0, 1] x [0, 1] from the top left; adds up to 1."""
    return [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y]


def build(studio: Studio, status: gr.HTML, tab: gr.Tab) -> None:
    """Lay out inside the current Blocks and wire it; the first look at `tab` draws the middle."""
    gr.Markdown(t(HOW), elem_classes="lead")
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            prompts = gr.Textbox(
                _corners(studio), lines=6, max_lines=6, label=t("Prompts"),
                info=t("Four, one on each line: top left, top right, bottom left, bottom right"), elem_id="pad-prompts",
            )  # fmt: skip
            studio.opening.offer(prompts, lambda offered: "\n".join(offered.corners))
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label=t("Seed"), info=t("Of all pictures"),
                             min_width=110)  # fmt: skip
            board = templated(_board(_corners(studio)), _PAD, _PAD_JS, elem_id="pad")
        with gr.Column(scale=7):
            shown = picture_wall(EMPTY, 384, elem_id="pad-picture")
    place = gr.State((0.5, 0.5))

    private = {"api_visibility": "private", "show_progress": "hidden"}
    wired = {"outputs": [shown, status, place], "trigger_mode": "always_last", **MODEL_QUEUE, **private}
    drawn = partial(_drawn, studio)
    gr.on([prompts.change, seed.change, tab.select], drawn, [prompts, seed, place], **wired)
    prompts.change(_board, prompts, board, queue=False, **private)

    def dragged(event: gr.EventData, prompts: str, seed: int):
        return drawn(prompts, seed, tuple(event.index))

    board.select(dragged, [prompts, seed], **wired)


def _corners(studio: Studio) -> str:
    return "\n".join(studio.examples.corners)


def _board(prompts: str) -> dict:
    return {"corners": [safe(line) for line in lines_of(prompts)[:CORNERS]],
            "name": safe(say("Pad between four prompts: arrows move the dot"))}  # fmt: skip


def _drawn(studio: Studio, prompts: str, seed: int, place: tuple[float, float]):
    watch = Stopwatch()
    try:
        lines = [check_prompt(line) for line in lines_of(prompts)]
        if len(lines) != CORNERS:
            raise ValueError(say(EMPTY))
        check_range("Seed", seed, 0, MAX_SEED)
        x, y = (min(1.0, max(0.0, float(share))) for share in place)
        (picture,) = studio.pipeline.combine(lines, weights_at(x, y), seed=int(seed))
    except ValueError as error:
        return wall([], str(error)), studio.status(), place
    named = say("between four prompts, {x:.0%} to the right and {y:.0%} down", x=x, y=y)
    tile = tile_of(data_uri(picture), named, alt=named, file="pad.png", still=True, seeded=False)
    return wall([tile], tile=384), studio.status(pictures_said(1), watch.ms), (x, y)
