"""What the page shows of a run: verdict, drawings, curves, film, and which buttons do something."""

import gradio as gr
from PIL import Image

from ..images import grid
from .pictures import data_uri, film, tile_of, wall
from .plots import Kept, plots
from .training import LiveRun

COLUMNS = 6  # of the film's sheets
IDLE = "Press Start. The drawings of twelve prompts appear here and change as the two networks learn."
REPLAY = "After a pause or the end, the run can be watched again here."
ACTIONS = ("Start", "Pause", "Resume", "Step", "D step", "G step", "Stop", "Reset")
STEPS = {"Step": "both", "D step": "d", "G step": "g"}  # button -> whose weights it moves
ALLOWED = {  # state -> the buttons that do something in it
    "new": {"Start", *STEPS},
    "running": {"Pause", "Stop"},
    "paused": {"Resume", *STEPS, "Reset"},
    "stopped": {"Start", "Reset"},
    "failed": {"Start", "Reset"},
}
FINISHED = {"paused", "stopped"}  # states in which the trained model can be taken away


def unchanged() -> list:
    """All outputs as they are."""
    return [gr.skip()] * (9 + len(ACTIONS))


def view(run: LiveRun | None, kept: Kept | None, moving: bool = False) -> list:
    """Values of all outputs; while the run is `moving`, buttons and film stay as they are.

    `kept` is the earlier run that its curves are compared with.
    """
    if run is None:
        shown = [bar("waiting", "Ready.", ""), wall([], IDLE), plots([], kept)]
        return [*shown, film([], [], empty=REPLAY), *controls("new", kept)]
    state, sentence = run.verdict()
    if run.state == "running" and not run.history:
        state, sentence = "waiting", "Getting ready: reading the captions takes a few seconds."
    rate = len(run.history) / run.seconds if run.seconds else 0
    numbers = f"step {run.step} · {run.seconds:.0f} s · {rate:.1f} steps/s · γ {run.settings.gamma:.2g}"
    shown = [bar(state, sentence, numbers), sheet(run), plots(run.history, kept)]
    if moving:
        return [*shown, gr.skip(), *[gr.skip()] * (5 + len(ACTIONS))]
    return [*shown, replay(run) if run.state != "running" else gr.skip(), *controls(run.state, kept)]


def controls(state: str, kept: Kept | None) -> list:
    """Preset menu, what can be done with the result (take it away, keep its curves) and what steers."""
    done = gr.Button(interactive=state in FINISHED)
    steering = [gr.Button(interactive=action in ALLOWED[state]) for action in ACTIONS]
    menu = gr.Dropdown(interactive=state not in ("running", "paused"))
    return [menu, done, done, done, gr.Button(interactive=kept is not None), *steering]


def bar(state: str, sentence: str, numbers: str) -> str:
    inner = f"<i></i><span>{sentence}</span><small>{numbers}</small>"
    return f'<div class="balance {state}" role="status">{inner}</div>'


def sheet(run: LiveRun):
    if not run.sheets:
        return gr.skip()
    last = run.sheets[-1]
    tiles = []
    for image, watched in zip(last.images, run.watched, strict=True):
        tiles.append(
            tile_of(
                data_uri(Image.fromarray(image)),
                watched.title,
                alt=f"{watched.text}, after {last.step} steps",
                hint=watched.text,
                truth=data_uri(Image.fromarray(watched.target)),
            )
        )
    return wall(tiles, tile=88)


def replay(run: LiveRun):
    if len(run.sheets) < 2:
        return gr.skip()
    frames = [data_uri(grid(sheet.images, COLUMNS, scale=2)) for sheet in run.sheets]
    words = [f"step {sheet.step}, after {sheet.seconds:.0f} s of training" for sheet in run.sheets]
    return film(frames, words, fps=10, ping_pong=False, autoplay=False, kind="sheet")
