"""The Mini-train tab: watch a generator and a retriever fight, and change the rules while they do."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr
import torch

from ..config import Preset
from ..teaching import can_be_taught
from ..training.trainer import Side
from ..worlds import open_world
from ..worlds.pictures.dataset import PictureDataset
from ..worlds.pictures.world import PicturesWorld
from .drawing import MODELS
from .generate import GenerateTab
from .guide import guide
from .own_pictures import read_uploads, report
from .pictures import film_player, picture_wall
from .plots import plots
from .prompts import check_range
from .run_view import ACTIONS, ALLOWED, IDLE, READY, REPLAY, STEPS, bar, idle, refused, unchanged, view
from .runs import Runs
from .small_presets import FIRST, FOR_PICTURES, SETTINGS, SHOWN, needs_pictures, reconstructs, small_preset
from .studio import Studio
from .teach import TeachPanel
from .training import LIVE, LiveRun, watched_scenes
from .words import say, t
from .zero_gpu import ON_ZERO_GPU, BurstRun

SLIDERS = {  # setting -> (lowest, highest, step, label, info)
    "lr_reconstruct": (0, 5e-3, 1e-5, "Learning rate, reconstruction", "How fast the generator copies"),
    "lr_g": (0, 2e-3, 1e-5, "Learning rate G", "How fast the generator moves"),
    "lr_d": (0, 2e-3, 1e-5, "Learning rate D", "How fast the retriever moves"),
    "gamma": (0, 20, 0.05, "γ, gradient penalty", "Higher holds D back; 0 lets it run"),
    "weight_nce": (0, 10, 0.05, "D: retrieval", "InfoNCE, texts against pictures"),
    "weight_swap": (0, 10, 0.05, "Swapped attribute", "Captions with one word changed"),
    "weight_nce_text": (0, 10, 0.05, "G: find the caption", "The fake must find its own text"),
    "weight_nce_image": (0, 10, 0.05, "G: find the picture", "The fake must find its real twin"),
    "weight_feature": (0, 100, 0.5, "G: feature distance", "The fake must look like the real picture to D"),
    "weight_reconstruct": (0, 50, 0.5, "G: reconstruction", "While D is there: hold what was copied"),
}
BURST = 0.5  # seconds between two looks at the page
FEWEST = 8  # own pictures
DATA = "A zip of captioned pictures, or at least eight pictures whose file names say what they show."
SECONDS, MAX_SECONDS, MAX_STEPS = 120, 600, 20_000


class MiniTrainTab:
    """Lays itself out inside the current Blocks; `drawing` can use what was trained."""

    def __init__(self, studio: Studio, page: gr.Blocks, drawing: GenerateTab, tabs: gr.Tabs):
        self.studio, self.runs = studio, Runs()
        first = small_preset(FIRST)
        self.targets = watched_scenes(open_world(first.world), first.image_size, first.training.seed)
        gr.Markdown(
            t("First G copies pictures, then D retrieves and tells real from drawn. Change the rules meanwhile."),
            elem_classes="lead",
        )
        guide("mini-train")
        self._run_settings(first)
        with gr.Accordion(t("Train on your own pictures"), open=False, elem_id="own-training"):
            self.upload = gr.File(
                file_count="multiple", file_types=["image", ".zip"], height=120, show_label=False, elem_id="own-data"
            )  # fmt: skip
            self.about_data = gr.Markdown(t(DATA), elem_id="about-data")
        if can_be_taught(studio.pipeline):
            with gr.Accordion(t("Teach it your character"), open=False, elem_id="teach"):
                TeachPanel(studio, drawing)
        self.dataset = gr.State(None, time_to_live=3600)
        self.expected = gr.Markdown(self.runs.forecast(first.name, SECONDS), elem_id="expected")
        with gr.Row(elem_classes=["buttons", "steer"]):
            self.buttons = [
                gr.Button(
                    t(action),
                    variant="primary" if action == "Start" else "secondary",
                    size="md",
                    interactive=action in ALLOWED["new"],
                    elem_id=f"train-{action.lower().replace(' ', '-')}",
                )
                for action in ACTIONS
            ]
        self.judged = gr.HTML(bar("waiting", READY, ""), elem_id="verdict")
        with gr.Row():
            with gr.Column(scale=7):
                self.sheet = picture_wall(IDLE, 96, elem_id="sheet")
                self.charts = gr.HTML(plots([]), elem_id="plots")
                self.replay = film_player(REPLAY, elem_id="replay")
            with gr.Column(scale=4, min_width=300):
                with gr.Row(elem_classes=["buttons", "pairs"]):
                    self.save = gr.Button(t("Download checkpoint"), size="md", interactive=False, elem_id="save-run")
                    self.use = gr.Button(t("Use in Generate"), size="md", interactive=False, elem_id="use-run")
                    self.keep = gr.Button(t("Keep curves as A"), size="md", interactive=False, elem_id="keep-run")
                    self.forget = gr.Button(t("Forget A"), size="md", interactive=False, elem_id="forget-run")
                with gr.Accordion(t("Change while it trains"), open=True):
                    self._rules(first)
        self.file = gr.DownloadButton("zip", visible="hidden", elem_id="run-file")
        self._wire(page, drawing, tabs)

    def _run_settings(self, first: Preset) -> None:
        with gr.Row(elem_classes="tight"):
            self.name = gr.Dropdown(
                list(SHOWN),
                value=first.name,
                label=t("Preset"),
                info=t(first.summary),
                min_width=300,
                scale=2,
                elem_id="preset",
            )
            self.reconstruct = gr.Checkbox(
                reconstructs(first.name),
                label=t("Reconstruct first"),
                info=t("G begins by copying its pictures"),
                min_width=150,
                elem_id="reconstruct",
            )
            limit = {"info": t("Pauses by itself"), "min_width": 150, "buttons": []}
            self.seconds = gr.Slider(
                10, MAX_SECONDS, SECONDS, step=10, label=t("Seconds"), elem_id="max-seconds", **limit
            )
            self.steps = gr.Slider(100, MAX_STEPS, 5000, step=100, label=t("Steps"), elem_id="max-steps", **limit)
            gpu = torch.cuda.is_available() and not ON_ZERO_GPU  # a choice only where there is one
            self.device = gr.Radio(
                ["cuda", "cpu"] if gpu else ["cpu"],
                value="cuda" if gpu else "cpu",
                label=t("Device"),
                info=t("Where it trains"),
                min_width=150,
                visible=gpu,
            )
            self.precision = gr.Radio(
                ["no", "bf16"],
                value="no",
                label=t("Autocast"),
                info=t("bf16 is faster on a GPU"),
                min_width=150,
                visible=gpu,
            )

    def _rules(self, first: Preset) -> None:
        self.rules: list[gr.Slider | gr.Checkbox] = []
        self.bounds: dict[str, tuple[float, float]] = {"auto_balance": (False, True)}
        for setting in LIVE:
            low, high, step, label, info = SLIDERS[setting]
            value = getattr(first.training, setting)
            high = max(high, *(getattr(settings, setting) for settings in SETTINGS.values()))
            self.bounds[setting] = low, high
            self.rules.append(
                gr.Slider(low, high, value, step=step, label=t(label), info=t(info), buttons=[],
                          elem_id=f"rule-{setting}")
            )  # fmt: skip
        self.rules.append(
            gr.Checkbox(
                first.training.auto_balance,
                label=t("Balance γ by itself"),
                info=t("Every 100 steps: up where D always wins, down where it rarely does"),
            )
        )

    def _wire(self, page: gr.Blocks, drawing: GenerateTab, tabs: gr.Tabs) -> None:
        shown = [
            self.judged,
            self.sheet,
            self.charts,
            self.replay,
            self.name,
            self.reconstruct,
            self.save,
            self.use,
            self.keep,
            self.forget,
            *self.buttons,
        ]
        limits = [self.seconds, self.steps]
        chosen = [self.name, self.reconstruct, self.device, self.precision, self.dataset]
        private = {"api_visibility": "private", "show_progress": "hidden"}
        at_once = {**private, "queue": False}
        # "multiple": a press that comes while the last request is just ending must not be dropped.
        train = {**private, "concurrency_id": "train", "concurrency_limit": 8, "trigger_mode": "multiple"}
        button = dict(zip(ACTIONS, self.buttons, strict=True))
        forecast = {"fn": self.runs.forecast, "inputs": [self.name, self.seconds], "outputs": self.expected, **at_once}
        for name, run in (("Start", self._start), ("Resume", self._resume)):
            inputs = [*chosen, *limits, *self.rules] if name == "Start" else limits
            button[name].click(run, inputs, shown, **train).then(**forecast)
        for name, side in STEPS.items():
            button[name].click(self._stepper(side), [*chosen, *self.rules], shown, **train)
        # Pause and Stop only raise a flag: the request that trains sees it after its step and shows the end.
        button["Pause"].click(self._halter("paused"), **at_once)
        button["Stop"].click(self._halter("stopped"), **at_once)
        button["Reset"].click(self._reset, None, shown, **at_once)
        preset_of = {"fn": _preset_rules, "outputs": [self.name, self.reconstruct, *self.rules], **at_once}
        read = [self.dataset, self.about_data, self.name]
        gr.on(
            [self.upload.upload, self.upload.delete], self._read, self.upload, read,
            trigger_mode="always_last", **private,
        ).then(inputs=self.name, **preset_of)  # fmt: skip
        self.upload.clear(self._cleared, self.name, read, **at_once).then(inputs=self.name, **preset_of)
        self.keep.click(self._keep, None, shown, **private)
        self.forget.click(self._forget, None, shown, **at_once)
        gr.on([self.name.input, self.seconds.change], **forecast)
        for setting, control in zip((*LIVE, "auto_balance"), self.rules, strict=True):
            control.input(self._setter(setting), control, trigger_mode="always_last", **at_once)
        self.name.input(inputs=self.name, **preset_of)
        self.reconstruct.input(inputs=[self.name, self.reconstruct], **preset_of)
        self.save.click(self._zipped, None, self.file, **private).success(
            None, js="() => document.querySelector('#run-file').click()", api_visibility="private"
        )
        self.use.click(self._use, None, [drawing.model, tabs], **private).success(**drawing.switch).success(
            **drawing.redraw
        )
        page.load(lambda: idle(self.targets, None)[:3], None, [self.judged, self.sheet, self.charts], **at_once)
        page.load(**forecast)
        page.unload(self._leave)
        self.studio.visits.ends += [self.runs.drop, self.runs.forget]

    def _new_run(
        self, session: str | None, name: str, reconstruct: bool, device: str, precision: str,
        dataset: PictureDataset | None, rules: tuple,
    ) -> LiveRun:  # fmt: skip
        if name not in SHOWN:
            raise ValueError(say("There is no preset {name} here: choose one from the list.", name=name))
        if needs_pictures(name) and dataset is None:
            raise ValueError(say("{name} learns your own pictures: add some below, or choose another.", name=name))
        for setting, value in zip(LIVE, rules, strict=False):
            check_range(SLIDERS[setting][3], value, *self.bounds[setting])
        chosen, tower = small_preset(name, reconstruct), self.studio.pipeline.text_tower
        # Whatever encoder the shipped model came with is the one that is here.
        chosen.generator.text_dim = chosen.retriever.text_dim = tower.hidden_size
        for setting, value in zip((*LIVE, "auto_balance"), rules, strict=True):
            setattr(chosen.training, setting, value)
        world = open_world(chosen.world) if dataset is None else PicturesWorld(dataset)
        run = (BurstRun if ON_ZERO_GPU else LiveRun)(chosen, world, tower, device, precision)
        self.runs.drop(session)
        self.runs.put(session, run)
        return run

    def _start(
        self, request: gr.Request, name, reconstruct, device, precision, dataset, seconds, steps, *rules
    ) -> Iterator[list]:
        try:
            run = self._new_run(request.session_hash, name, reconstruct, device, precision, dataset, rules)
        except ValueError as error:
            yield refused(str(error))
            return
        yield from self._drive(request.session_hash, run, seconds, steps)

    def _resume(self, request: gr.Request, seconds: float, steps: float) -> Iterator[list]:
        run = self.runs.get(request.session_hash)
        if run is None:
            over = refused(say("That run is over: press Start for a new one."))
            yield [over[0], *self._view(request, None)[1:]]
            return
        yield from self._drive(request.session_hash, run, seconds, steps)

    def _stepper(self, side: Side) -> Callable[..., list]:
        """One step of the session's run, which is made if there is none."""

        def step(request: gr.Request, name, reconstruct, device, precision, dataset, *rules) -> list:
            run = self.runs.get(request.session_hash)
            try:
                run = run or self._new_run(request.session_hash, name, reconstruct, device, precision, dataset, rules)
            except ValueError as error:
                return refused(str(error))
            if not run.busy.acquire(blocking=False):
                return unchanged()
            try:
                run.prepare()
                run.single_step(side)
            except ValueError as error:
                run.fail(str(error))
            finally:
                run.busy.release()
            return self._view(request, run)

        return step

    def _drive(self, session: str | None, run: LiveRun, seconds: float, steps: float) -> Iterator[list]:
        """Train and show, half a second at a time, until the run ends or the visitor leaves."""
        self.studio.visits.seen(session)
        try:
            check_range("Seconds", seconds, 1, MAX_SECONDS)
            check_range("Steps", steps, 1, MAX_STEPS)
            if not run.busy.acquire(timeout=5):  # the request before may still be in its last step
                raise ValueError(say("This run is still busy: try again in a moment."))
        except ValueError as error:
            yield refused(str(error))
            return
        try:
            self.runs.admit(run)
        except ValueError as error:
            run.busy.release()
            yield refused(str(error))
            return
        try:
            yield view(run, self.runs.kept(session))
            run.prepare()
            while run.burst(BURST, seconds, int(steps)):
                yield view(run, self.runs.kept(session), moving=True)
            yield view(run, self.runs.kept(session))
        except ValueError as error:  # a device or precision that this machine does not have
            run.fail(str(error))
            yield view(run, self.runs.kept(session))
        finally:
            run.leave()
            self.runs.clock(run)
            run.busy.release()

    def _halter(self, after: str) -> Callable[[gr.Request], None]:
        def halt(request: gr.Request) -> None:
            run = self.runs.get(request.session_hash)
            if run is not None:
                run.request_halt(after)

        return halt

    def _setter(self, setting: str) -> Callable[[gr.Request, float | bool], None]:
        def change(request: gr.Request, value: float | bool) -> None:
            run = self.runs.get(request.session_hash)
            low, high = self.bounds[setting]
            if run is not None and value is not None and low <= value <= high:
                run.set(setting, value)

        return change

    def _reset(self, request: gr.Request) -> list:
        self.runs.drop(request.session_hash)
        return self._view(request, None)

    def _view(self, request: gr.Request, run: LiveRun | None) -> list:
        kept = self.runs.kept(request.session_hash)
        return idle(self.targets, kept) if run is None else view(run, kept)

    def _keep(self, request: gr.Request) -> list:
        run = self._kept(request)
        self.runs.keep(request.session_hash, run)
        gr.Info(say("Kept: the next run is drawn over these curves."), duration=3)
        return self._view(request, run)

    def _forget(self, request: gr.Request) -> list:
        self.runs.forget(request.session_hash)
        return self._view(request, self.runs.get(request.session_hash))

    def _kept(self, request: gr.Request) -> LiveRun:
        self.studio.visits.seen(request.session_hash)
        run = self.runs.get(request.session_hash)
        if run is None or not run.ready:
            raise gr.Error(say("There is no trained model yet: press Start first."), print_exception=False)
        return run

    def _zipped(self, request: gr.Request) -> str:
        return self._kept(request).zipped()

    def _use(self, request: gr.Request):
        run = self._kept(request)
        self.studio.take(request.session_hash, Studio(run.pipeline()))
        gr.Info(say("Generate now draws with your {name} after {n} steps.", name=run.preset.name, n=run.step))
        return gr.Radio(value=MODELS[1], visible=True), gr.Tabs(selected="generate")

    def _read(self, request: gr.Request, paths: list[str] | None):
        """Uploads as a data set at the preset's size, what to say about them, and a preset that learns them."""
        self.studio.uploads.note(request.session_hash, paths or [])
        folder = Path(tempfile.mkdtemp())
        try:
            dataset = read_uploads(paths or [], folder, small_preset(FOR_PICTURES).image_size)
            if len(dataset) < FEWEST:
                raise ValueError(
                    say(
                        "Only {n} pictures can be used; at least {fewest} are needed. Add some.",
                        n=len(dataset),
                        fewest=FEWEST,
                    )
                )
        except ValueError as error:
            return None, str(error), gr.skip()
        finally:
            shutil.rmtree(folder)
        more = say("The next Start trains on them; close the list to train on emoji again.")
        return dataset, f"{report(dataset)} {more}", FOR_PICTURES

    def _cleared(self, name: str):
        """No pictures any more, and a preset that needs none."""
        return None, say(DATA), FIRST if needs_pictures(name) else gr.skip()

    def _leave(self, request: gr.Request) -> None:
        """The page has gone, or its connection: the run rests, and is dropped when the visit ends."""
        run = self.runs.get(request.session_hash)
        if run is not None:
            run.request_halt("paused")


def _preset_rules(name: str, reconstruct: bool | None = None) -> list:
    """Checkbox and sliders of a preset; what its recipe does not use cannot be moved."""
    able = reconstructs(name)
    chosen = small_preset(name, reconstruct is not False)
    fixed = chosen.training.recipe == "original-2023"
    sliders = [
        gr.update(value=getattr(chosen.training, setting), interactive=not fixed or setting in ("lr_g", "lr_d"))
        for setting in LIVE
    ]
    auto = gr.update(value=chosen.training.auto_balance, interactive=not fixed)
    box = gr.Checkbox(value=able and reconstruct is not False, interactive=able)
    return [gr.Dropdown(info=say(chosen.summary)), box, *sliders, auto]
