"""The Mini-train tab: watch a generator and a retriever fight, and change the rules while they do."""

from collections.abc import Callable, Iterator

import gradio as gr
import torch
from PIL import Image

from ..config import PRESETS, Preset, preset
from ..data.world import CONCEPTS
from ..images import grid
from .generate import MODELS
from .pictures import data_uri, film, film_player, picture_wall, tile_of, wall
from .plots import plots
from .studio import Studio
from .training import LIVE, LiveRun, Runs

# Small enough to show something within two minutes on two cores.
SHOWN = tuple(name for name, make in PRESETS.items() if make().generator.image_size <= 32)
SLIDERS = {  # setting -> (lowest, highest, step, label, info)
    "lr_g": (0, 2e-3, 1e-5, "Learning rate G", "How fast the generator moves"),
    "lr_d": (0, 2e-3, 1e-5, "Learning rate D", "How fast the retriever moves"),
    "gamma": (0, 20, 0.05, "γ, gradient penalty", "Higher holds D back; 0 lets it run"),
    "weight_nce": (0, 10, 0.05, "D: retrieval", "InfoNCE, texts against pictures"),
    "weight_swap": (0, 10, 0.05, "Swapped attribute", "Captions with one word changed"),
    "weight_nce_text": (0, 10, 0.05, "G: find the caption", "The fake must find its own text"),
    "weight_nce_image": (0, 10, 0.05, "G: find the picture", "The fake must find its real twin"),
    "weight_feature": (0, 20, 0.05, "G: feature distance", "The fake must look alike to D"),
}
BURST = 0.5  # seconds between two looks at the page
COLUMNS = 6  # of the film's sheets
IDLE = "Press Start. The drawings of twelve prompts appear here and change as the two networks learn."
REPLAY = "After a pause or the end, the run can be watched again here."
MAX_SECONDS, MAX_STEPS = 600, 20_000
ACTIONS = ("Start", "Pause", "Resume", "Step", "Stop", "Reset")
ALLOWED = {  # state -> the buttons that do something in it
    "new": {"Start", "Step"},
    "running": {"Pause", "Stop"},
    "paused": {"Resume", "Step", "Reset"},
    "stopped": {"Start", "Reset"},
    "failed": {"Start", "Reset"},
}
KEPT = {"paused", "stopped"}  # states in which the trained model can be taken away


class MiniTrainTab:
    """Lays itself out inside the current Blocks; `own_model` is Generate's choice of model."""

    def __init__(self, studio: Studio, page: gr.Blocks, own_model: gr.Radio, tabs: gr.Tabs):
        self.studio, self.runs = studio, Runs()
        first = preset(SHOWN[0])
        gr.Markdown(
            "Start the fight: G draws, D retrieves and tells real from drawn. Change the rules meanwhile.",
            elem_classes="lead",
        )
        self._run_settings(first)
        with gr.Row(elem_classes=["buttons", "six"]):
            self.buttons = [
                gr.Button(
                    action,
                    variant="primary" if action == "Start" else "secondary",
                    size="md",
                    interactive=action in ALLOWED["new"],
                    elem_id=f"train-{action.lower()}",
                )
                for action in ACTIONS
            ]
        self.judged = gr.HTML(_bar("waiting", "Ready.", ""), elem_id="verdict")
        with gr.Row():
            with gr.Column(scale=7):
                self.sheet = picture_wall(IDLE, 88, elem_id="sheet")
                self.charts = gr.HTML(plots([]), elem_id="plots")
            with gr.Column(scale=4, min_width=300), gr.Accordion("Change while it trains", open=True):
                self._rules(first)
        with gr.Row(elem_classes="buttons"):
            self.save = gr.Button("Download checkpoint", size="md", interactive=False, elem_id="save-run")
            self.use = gr.Button("Use in Generate", size="md", interactive=False, elem_id="use-run")
        self.file = gr.DownloadButton("zip", visible="hidden", elem_id="run-file")
        self.replay = film_player(REPLAY, elem_id="replay")
        self._wire(page, own_model, tabs)

    def _run_settings(self, first: Preset) -> None:
        with gr.Row(elem_classes="tight"):
            self.name = gr.Dropdown(
                list(SHOWN),
                value=first.name,
                label="Preset",
                info=first.summary,
                min_width=300,
                scale=2,
                elem_id="preset",
            )
            self.seconds = gr.Slider(
                10,
                MAX_SECONDS,
                120,
                step=10,
                label="Seconds",
                info="Pauses by itself",
                min_width=150,
                buttons=[],
                elem_id="max-seconds",
            )
            self.steps = gr.Slider(
                100,
                MAX_STEPS,
                5000,
                step=100,
                label="Steps",
                info="Pauses by itself",
                min_width=150,
                buttons=[],
            )
            gpu = torch.cuda.is_available()  # a choice only where there is one
            self.device = gr.Radio(
                ["cuda", "cpu"] if gpu else ["cpu"],
                value="cuda" if gpu else "cpu",
                label="Device",
                info="Where it trains",
                min_width=150,
                visible=gpu,
            )
            self.precision = gr.Radio(
                ["no", "bf16"],
                value="no",
                label="Autocast",
                info="bf16 is faster on a GPU",
                min_width=150,
                visible=gpu,
            )

    def _rules(self, first: Preset) -> None:
        self.rules: list[gr.Slider | gr.Checkbox] = []
        for setting in LIVE:
            low, high, step, label, info = SLIDERS[setting]
            value = getattr(first.training, setting)
            high = max(high, *(getattr(PRESETS[name]().training, setting) for name in SHOWN))
            self.rules.append(gr.Slider(low, high, value, step=step, label=label, info=info, buttons=[]))
        self.rules.append(
            gr.Checkbox(
                first.training.auto_balance,
                label="Balance γ by itself",
                info="Every 100 steps: up where D always wins, down where it rarely does",
            )
        )

    def _wire(self, page: gr.Blocks, own_model: gr.Radio, tabs: gr.Tabs) -> None:
        view = [
            self.judged,
            self.sheet,
            self.charts,
            self.replay,
            self.name,
            self.save,
            self.use,
            *self.buttons,
        ]
        limits, chosen = [self.seconds, self.steps], [self.name, self.device, self.precision]
        private = {"api_visibility": "private", "show_progress": "hidden"}
        at_once = {**private, "queue": False}
        # "multiple": a press that comes while the last request is just ending must not be dropped.
        train = {**private, "concurrency_id": "train", "concurrency_limit": 8, "trigger_mode": "multiple"}
        start, pause, resume, step, stop, reset = self.buttons
        start.click(self._start, [*chosen, *limits, *self.rules], view, **train)
        resume.click(self._resume, limits, view, **train)
        step.click(self._step, [*chosen, *self.rules], view, **train)
        # Pause and Stop only raise a flag: the request that trains sees it after its step and shows the end.
        pause.click(self._halter("paused"), **at_once)
        stop.click(self._halter("stopped"), **at_once)
        reset.click(self._reset, None, view, **at_once)
        for setting, control in zip((*LIVE, "auto_balance"), self.rules, strict=True):
            control.input(self._setter(setting), control, trigger_mode="always_last", **at_once)
        self.name.input(_preset_rules, self.name, [self.name, *self.rules], **at_once)
        self.save.click(self._zipped, None, self.file, **at_once).success(
            None, js="() => document.querySelector('#run-file').click()", api_visibility="private"
        )
        self.use.click(self._use, None, [own_model, tabs], **at_once)
        page.unload(self._leave)

    def _new_run(self, session: str | None, name: str, device: str, precision: str, rules: tuple) -> LiveRun:
        if name not in SHOWN:
            raise ValueError(f"There is no preset {name!r} here: choose one of {', '.join(SHOWN)}.")
        chosen, tower = preset(name), self.studio.pipeline.text_tower
        # Whatever encoder the shipped model came with is the one that is here.
        chosen.generator.text_dim = chosen.retriever.text_dim = tower.hidden_size
        for setting, value in zip((*LIVE, "auto_balance"), rules, strict=True):
            setattr(chosen.training, setting, value)
        run = LiveRun(chosen, tower, device, precision)
        self.runs.drop(session)
        self.runs.put(session, run)
        return run

    def _start(self, request: gr.Request, name, device, precision, seconds, steps, *rules) -> Iterator[list]:
        try:
            run = self._new_run(request.session_hash, name, device, precision, rules)
        except ValueError as error:
            gr.Warning(str(error))
            yield _unchanged()
            return
        yield from _drive(run, seconds, steps)

    def _resume(self, request: gr.Request, seconds: float, steps: float) -> Iterator[list]:
        run = self.runs.get(request.session_hash)
        if run is None:
            gr.Warning("That run is over: press Start for a new one.")
            yield _view(None)
            return
        yield from _drive(run, seconds, steps)

    def _step(self, request: gr.Request, name, device, precision, *rules) -> list:
        """One step of the session's run, which is made if there is none."""
        run = self.runs.get(request.session_hash)
        try:
            run = run or self._new_run(request.session_hash, name, device, precision, rules)
        except ValueError as error:
            gr.Warning(str(error))
            return _unchanged()
        if not run.busy.acquire(blocking=False):
            return _unchanged()
        try:
            run.prepare()
            run.single_step()
        except ValueError as error:
            gr.Warning(str(error))
        finally:
            run.busy.release()
        return _view(run)

    def _halter(self, after: str) -> Callable[[gr.Request], None]:
        def halt(request: gr.Request) -> None:
            run = self.runs.get(request.session_hash)
            if run is not None:
                run.request_halt(after)

        return halt

    def _setter(self, setting: str) -> Callable[[gr.Request, float | bool], None]:
        def change(request: gr.Request, value: float | bool) -> None:
            run = self.runs.get(request.session_hash)
            if run is not None and value is not None:
                run.set(setting, value)

        return change

    def _reset(self, request: gr.Request) -> list:
        self.runs.drop(request.session_hash)
        return _view(None)

    def _kept(self, request: gr.Request) -> LiveRun:
        run = self.runs.get(request.session_hash)
        if run is None or not run.ready:
            raise gr.Error("There is no trained model yet: press Start first.", print_exception=False)
        return run

    def _zipped(self, request: gr.Request) -> str:
        return self._kept(request).zipped()

    def _use(self, request: gr.Request):
        run = self._kept(request)
        self.studio.take(request.session_hash, run.pipeline())
        gr.Info(f"Generate now draws with your {run.preset.name} after {run.step} steps.")
        return gr.Radio(value=MODELS[1], visible=True), gr.Tabs(selected="generate")

    def _leave(self, request: gr.Request) -> None:
        self.runs.drop(request.session_hash)
        self.studio.forget(request.session_hash)


def _drive(run: LiveRun, seconds: float, steps: float) -> Iterator[list]:
    """Train and show, half a second at a time, until the run ends or the visitor leaves."""
    # The request before may still be in its last step.
    if not run.busy.acquire(timeout=5):
        gr.Warning("This run is still busy: try again in a moment.")
        yield _unchanged()
        return
    try:
        run.begin()
        yield _view(run)
        run.prepare()
        while run.burst(BURST, seconds, int(steps)):
            yield _view(run, moving=True)
        yield _view(run)
    except ValueError as error:  # a device or precision that this machine does not have
        run.fail(str(error))
        yield _view(run)
    finally:
        run.leave()
        run.busy.release()


def _preset_rules(name: str) -> list:
    """The sliders of another preset; what its recipe does not use cannot be moved."""
    chosen = preset(name)
    fixed = chosen.training.recipe == "original-2023"
    sliders = [
        gr.update(value=getattr(chosen.training, setting), interactive=not fixed or setting.startswith("lr"))
        for setting in LIVE
    ]
    auto = gr.update(value=chosen.training.auto_balance, interactive=not fixed)
    return [gr.Dropdown(info=chosen.summary), *sliders, auto]


# ---------------------------------------------------------------- what the page shows of a run


def _unchanged() -> list:
    return [gr.skip()] * (7 + len(ACTIONS))


def _view(run: LiveRun | None, moving: bool = False) -> list:
    """Values of all outputs; while the run is `moving`, buttons and film stay as they are."""
    if run is None:
        shown = [_bar("waiting", "Ready.", ""), wall([], IDLE), plots([])]
        return [*shown, film([], [], empty=REPLAY), *_controls("new")]
    state, sentence = run.verdict()
    if run.state == "running" and not run.history:
        state, sentence = "waiting", "Getting ready: reading the captions takes a few seconds."
    rate = len(run.history) / run.seconds if run.seconds else 0
    numbers = f"step {run.step} · {run.seconds:.0f} s · {rate:.1f} steps/s · γ {run.settings.gamma:.2g}"
    shown = [_bar(state, sentence, numbers), _sheet(run), plots(run.history)]
    if moving:
        return [*shown, gr.skip(), *[gr.skip()] * (3 + len(ACTIONS))]
    return [*shown, _replay(run) if run.state != "running" else gr.skip(), *_controls(run.state)]


def _controls(state: str) -> list:
    """Preset menu, the two buttons that take the model away, and the six that steer."""
    kept = gr.Button(interactive=state in KEPT)
    steering = [gr.Button(interactive=action in ALLOWED[state]) for action in ACTIONS]
    return [gr.Dropdown(interactive=state not in ("running", "paused")), kept, kept, *steering]


def _bar(state: str, sentence: str, numbers: str) -> str:
    inner = f"<i></i><span>{sentence}</span><small>{numbers}</small>"
    return f'<div class="balance {state}" role="status">{inner}</div>'


def _sheet(run: LiveRun):
    if not run.sheets:
        return gr.skip()
    last = run.sheets[-1]
    tiles = []
    for image, target, caption in zip(last.images, run.targets(), run.watched, strict=True):
        scene = caption.scene
        title = CONCEPTS[scene.object.concept].name
        if "background" in caption.mentioned:
            title += f", {scene.background}"
        tiles.append(
            tile_of(
                data_uri(Image.fromarray(image)),
                title,
                alt=f"{caption.text}, after {last.step} steps",
                hint=caption.text,
                truth=data_uri(Image.fromarray(target)),
            )
        )
    return wall(tiles, tile=88)


def _replay(run: LiveRun):
    if len(run.sheets) < 2:
        return gr.skip()
    frames = [data_uri(grid(sheet.images, COLUMNS, scale=2)) for sheet in run.sheets]
    words = [f"step {sheet.step}, after {sheet.seconds:.0f} s of training" for sheet in run.sheets]
    return film(frames, words, fps=10, ping_pong=False, autoplay=False, kind="sheet")
