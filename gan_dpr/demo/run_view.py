"""What the page shows of a run: verdict, drawings, curves, film, and which buttons do something."""

import html

import gradio as gr
from PIL import Image

from ..images import grid
from ..training.trainer import Side
from .missions import Mission, Seen
from .pictures import data_uri, film, small_data_uri, tile_of, wall
from .plots import Kept, plots
from .small_presets import reconstructs
from .training import LiveRun, Watched
from .words import say

COLUMNS = 6  # of the film's sheets
IDLE = "Press Start. The drawings of twelve prompts appear here and change as the two networks learn."
READY = "Ready. These are real pictures of twelve prompts: press Start to see them learnt."
REPLAY = "After a pause or the end, the run can be watched again here."
ACTIONS = ("Start", "Pause", "Resume", "Step", "D step", "G step", "Stop", "Reset")
STEPS: dict[str, Side] = {"Step": "both", "D step": "d", "G step": "g"}  # button -> whose weights it moves
ALLOWED = {  # state -> the buttons that do something in it
    "new": {"Start", *STEPS},
    "running": {"Pause", "Stop"},
    "paused": {"Resume", *STEPS, "Reset"},
    "stopped": {"Start", "Reset"},
    "failed": {"Start", "Reset"},
}
WAITS = {"reconstruct": "d", "retrieve": "g", "restyle": "d"}  # phase -> the side that does not learn in it
MENUS = 4  # mission, preset, reconstruction and seed, which cannot change while there is a run
FINISHED = {"paused", "stopped"}  # states in which the trained model can be taken away


def unchanged() -> list:
    """All outputs as they are."""
    return [gr.skip()] * (9 + MENUS + len(ACTIONS))


def refused(sentence: str) -> list:
    """All outputs as they are, but for a sentence where the verdict stands."""
    return [bar("failed", sentence, ""), *unchanged()[1:]]


def idle(targets: list[Watched], kept: Kept | None) -> list:
    """Values of all outputs where there is no run: what is to be learnt, and the curves of an earlier run."""
    shown = [bar("waiting", say(READY), ""), real_pictures(targets), plots([], kept)]
    return [*shown, film([], []), gr.skip(), *controls("new", kept)]


def view(run: LiveRun, kept: Kept | None, moving: bool = False) -> list:
    """Values of all outputs; while the run is `moving`, buttons and film stay as they are.

    `kept` is the earlier run that its curves are compared with.
    """
    state, sentence = run.verdict()
    if run.state == "running" and not run.history:
        state, sentence = "waiting", say("Getting ready: reading the captions takes a few seconds.")
    rate = len(run.history) / run.seconds if run.seconds else 0
    numbers = say(
        "step {step} · {seconds:.0f} s · {rate:.1f} steps/s · γ {gamma:.2g}",
        step=run.step,
        seconds=run.seconds,
        rate=rate,
        gamma=run.settings.gamma,
    )
    shown = [bar(state, sentence, numbers), sheet(run), plots(run.history, kept)]
    told = gr.skip() if run.mission is None else mission_bar(run.mission, run.seen())
    if moving:
        return [*shown, gr.skip(), told, *[gr.skip()] * (4 + MENUS + len(ACTIONS))]
    film_of_it = replay(run) if run.state != "running" else gr.skip()
    steering = controls(run.state, kept, WAITS.get(run.phase), reconstructs(run.preset.name))
    return [*shown, film_of_it, told, *steering]


def controls(state: str, kept: Kept | None, waits: Side | None = None, reconstruct: bool = True) -> list:
    """Menus, what can be done with the result (take it away, keep its curves) and what steers.

    `waits` is the side that does not learn now: its step would do nothing. `reconstruct`: the preset can.
    """
    done = gr.Button(interactive=state in FINISHED)
    steering = [gr.Button(interactive=a in ALLOWED[state] and (a not in STEPS or STEPS[a] != waits)) for a in ACTIONS]
    free = state not in ("running", "paused")
    box = gr.Checkbox(interactive=free and reconstruct)
    menus = [gr.Radio(interactive=free), gr.Dropdown(interactive=free), box, gr.Number(interactive=free)]
    return [*menus, done, done, done, gr.Button(interactive=kept is not None), *steering]


def bar(state: str, sentence: str, numbers: str) -> str:
    """The verdict as HTML, with a light in the state's colour."""
    inner = f"<i></i><span>{html.escape(sentence)}</span><small>{numbers}</small>"
    return f'<div class="balance {state}" role="status">{inner}</div>'


def mission_bar(mission: Mission | None, seen: Seen | None = None) -> gr.HTML:
    """How a mission stands, or its task where no run has begun; nothing without a mission."""
    if mission is None:
        return gr.HTML(visible=False)
    state, sentence = mission.state(seen)
    return gr.HTML(bar(state, sentence, ""), visible=True)


def real_pictures(targets: list[Watched]):
    """What is to be learnt, before anything is."""
    tiles = [
        tile_of(
            data_uri(Image.fromarray(one.target)), one.title, alt=say("{prompt}, a real picture", prompt=one.said),
            still=True,
        )  # fmt: skip
        for one in targets
    ]
    return wall(tiles, tile=96)


def sheet(run: LiveRun):
    """The latest drawings, each beside a real picture of its prompt."""
    if not run.sheets:
        return gr.skip()
    last = run.sheets[-1]
    tiles = []
    named = last.named or [False] * len(run.watched)
    for image, watched, right in zip(last.images, run.watched, named, strict=True):
        tiles.append(
            tile_of(
                data_uri(Image.fromarray(image)),
                watched.title,
                "✓" if right else "",
                alt=say("{prompt}, after {n} steps", prompt=watched.said, n=last.step),
                hint=watched.said,
                truth=data_uri(Image.fromarray(watched.target)),
                still=True,
            )
        )
    return wall(tiles, tile=96)


def replay(run: LiveRun):
    """All sheets of the run as a film."""
    if len(run.sheets) < 2:
        return gr.skip()
    frames = [small_data_uri(grid(sheet.images, COLUMNS, scale=2)) for sheet in run.sheets]
    words = [
        say("step {step}, after {seconds:.0f} s of training", step=sheet.step, seconds=sheet.seconds)
        for sheet in run.sheets
    ]
    return film(frames, words, fps=10, ping_pong=False, autoplay=False, kind="sheet")
