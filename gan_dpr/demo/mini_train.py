"""The Mini-train tab: watch a generator and a retriever fight, and change the rules while they do."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr

from ..teaching import can_be_taught
from ..training.trainer import Side
from ..worlds import open_world
from ..worlds.pictures.dataset import PictureDataset
from ..worlds.pictures.world import PicturesWorld
from .drawing import MODELS
from .generate import GenerateTab
from .guide import guide
from .lending import ON_ZERO_GPU
from .missions import MISSIONS
from .own_pictures import read_uploads, report
from .pictures import film_player, picture_wall
from .plots import plots
from .prompts import check_range
from .run_settings import (
    BOUNDS,
    MAX_SECONDS,
    MAX_STEPS,
    RULES,
    SECONDS,
    SHARE,
    RunSettings,
    chosen_preset,
    of_preset,
    settings_from_link,
)
from .run_view import ACTIONS, ALLOWED, IDLE, READY, REPLAY, STEPS, bar, idle, mission_bar, refused, unchanged, view
from .runs import Runs
from .small_presets import FIRST, FOR_PICTURES, needs_pictures, small_preset
from .studio import Studio
from .teach import TeachPanel
from .training import LiveRun, watched_scenes
from .words import say, t
from .zero_gpu import BurstRun

BURST = 0.5  # seconds between two looks at the page
FEWEST = 8  # own pictures
DATA = "A zip of captioned pictures, or at least eight pictures whose file names say what they show."


class MiniTrainTab:
    """Lays itself out inside the current Blocks; `drawing` can use what was trained."""

    def __init__(self, studio: Studio, page: gr.Blocks, drawing: GenerateTab, tabs: gr.Tabs):
        self.studio, self.runs = studio, Runs()
        first = small_preset(FIRST)
        self.targets = watched_scenes(open_world(first.world), first.image_size)
        gr.Markdown(
            t("First G copies pictures, then D retrieves and tells real from drawn. Change the rules meanwhile."),
            elem_classes=["lead", "folds"],
        )
        with gr.Column(elem_classes="folds", elem_id="before-run"):
            self._before_run(studio, drawing)
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
        self.told = gr.HTML(visible=False, elem_id="mission-told")
        with gr.Row(elem_id="run-shown"):
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
                with gr.Accordion(t("Change while it trains"), open=True, elem_id="rules"):
                    self.settings.lay_out_rules()
        self.file = gr.DownloadButton("zip", visible="hidden", elem_id="run-file")
        self._wire(page, drawing, tabs)

    def _before_run(self, studio: Studio, drawing: GenerateTab) -> None:
        """What is chosen before a run and stays as it is while there is one."""
        guide("mini-train")
        self.mission = gr.Radio(
            [(t("None"), ""), *((t(mission.title), key) for key, mission in MISSIONS.items())],
            value="",
            label=t("Mission"),
            info=t("A task that knows when it is won"),
            elem_id="mission",
        )
        self.settings = RunSettings()
        with gr.Accordion(t("Train on your own pictures"), open=False, elem_id="own-training"):
            self.upload = gr.File(
                file_count="multiple", file_types=["image", ".zip"], height=120, show_label=False, elem_id="own-data"
            )  # fmt: skip
            self.about_data = gr.Markdown(t(DATA), elem_id="about-data")
        if can_be_taught(studio.pipeline):
            with gr.Accordion(t("Teach it your character"), open=False, elem_id="teach"):
                TeachPanel(studio, drawing)
        self.dataset = gr.State(None, time_to_live=3600)
        self.expected = gr.Markdown(self.runs.forecast(FIRST, SECONDS), elem_id="expected")

    def _wire(self, page: gr.Blocks, drawing: GenerateTab, tabs: gr.Tabs) -> None:
        shown = [
            self.judged,
            self.sheet,
            self.charts,
            self.replay,
            self.told,
            self.mission,
            self.settings.name,
            self.settings.reconstruct,
            self.settings.seed,
            self.save,
            self.use,
            self.keep,
            self.forget,
            *self.buttons,
        ]
        settings = self.settings
        limits = [settings.seconds, settings.steps]
        chosen = [self.mission, settings.device, settings.precision, self.dataset, *settings.linked]
        private = {"api_visibility": "private", "show_progress": "hidden"}
        at_once = {**private, "queue": False}
        # "multiple": a press that comes while the last request is just ending must not be dropped.
        train = {**private, "concurrency_id": "train", "concurrency_limit": 8, "trigger_mode": "multiple"}
        button = dict(zip(ACTIONS, self.buttons, strict=True))
        speed = [settings.name, settings.seconds]
        forecast = {"fn": self.runs.forecast, "inputs": speed, "outputs": self.expected, **at_once}
        # First: what is listed after a run waits in the page for its end.
        button["Start"].click(None, settings.linked, js=SHARE, **private)
        for name, run in (("Start", self._start), ("Resume", self._resume)):
            inputs = [*limits, *chosen] if name == "Start" else limits
            button[name].click(run, inputs, shown, **train).then(**forecast)
        for name, side in STEPS.items():
            button[name].click(self._stepper(side), chosen, shown, **train)
        # Pause and Stop only raise a flag: the request that trains sees it after its step and shows the end.
        button["Pause"].click(self._halter("paused"), **at_once)
        button["Stop"].click(self._halter("stopped"), **at_once)
        button["Reset"].click(self._reset, None, shown, **at_once).then(
            lambda key: mission_bar(MISSIONS.get(key)), self.mission, self.told, **at_once
        )
        self.mission.input(
            self._begin, self.mission, [self.told, settings.seconds, *settings.of_preset], **at_once
        ).then(**forecast)
        preset_of = {"fn": of_preset, "outputs": settings.of_preset, **at_once}
        read = [self.dataset, self.about_data, settings.name]
        gr.on(
            [self.upload.upload, self.upload.delete], self._read, self.upload, read,
            trigger_mode="always_last", **private,
        ).then(inputs=settings.name, **preset_of)  # fmt: skip
        self.upload.clear(self._cleared, settings.name, read, **at_once).then(inputs=settings.name, **preset_of)
        self.keep.click(self._keep, None, shown, **private)
        self.forget.click(self._forget, None, shown, **at_once)
        gr.on([settings.name.input, settings.seconds.change], **forecast)
        for setting, control in zip(RULES, settings.rules, strict=True):
            control.input(self._setter(setting), control, trigger_mode="always_last", **at_once)
        settings.name.input(inputs=settings.name, **preset_of)
        settings.reconstruct.input(inputs=[settings.name, settings.reconstruct], **preset_of)
        self.save.click(self._zipped, None, self.file, **private).success(
            None, js="() => document.querySelector('#run-file').click()", api_visibility="private"
        )
        self.use.click(self._use, None, [drawing.model, tabs], **private).success(**drawing.switch).success(
            **drawing.redraw
        )
        opening = self.studio.opening
        opening.fill([self.judged, self.sheet, self.charts], lambda _: idle(self.targets, None)[:3])
        opening.fill([*settings.of_preset, settings.seed, tabs], settings_from_link)
        opening.then(**forecast)
        page.unload(self._leave)
        self.studio.visits.ends.append(self.runs.end)

    def _new_run(
        self, session: str | None, mission: str, device: str, precision: str, dataset: PictureDataset | None,
        name: str, reconstruct: bool, seed: float | None, *rules: float | bool | None,
    ) -> LiveRun:  # fmt: skip
        chosen, tower = chosen_preset(name, reconstruct, seed, rules), self.studio.pipeline.text_tower
        if needs_pictures(name) and dataset is None:
            raise ValueError(say("{name} learns your own pictures: add some below, or choose another.", name=name))
        # Whatever encoder the shipped model came with is the one that is here.
        chosen.generator.text_dim = chosen.retriever.text_dim = tower.hidden_size
        world = open_world(chosen.world) if dataset is None else PicturesWorld(dataset)
        run = (BurstRun if ON_ZERO_GPU else LiveRun)(chosen, world, tower, device, precision)
        self.runs.drop(session)
        run.mission, run.failed = MISSIONS.get(mission), self.runs.failed(session)
        self.runs.put(session, run)
        return run

    def _start(self, request: gr.Request, seconds: float, steps: float, *chosen) -> Iterator[list]:
        try:
            run = self._new_run(request.session_hash, *chosen)
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

        def step(request: gr.Request, *chosen) -> list:
            run = self.runs.get(request.session_hash)
            try:
                run = run or self._new_run(request.session_hash, *chosen)
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

    def _begin(self, request: gr.Request, key: str) -> list:
        """What a mission is and the settings that it begins with; without one they stay as they are."""
        run, mission = self.runs.get(request.session_hash), MISSIONS.get(key)
        if run is not None:
            run.mission = None  # it is not judged by a run from before
        if mission is None:
            return [mission_bar(None), *[gr.skip()] * (3 + len(RULES))]
        return [mission_bar(mission), mission.seconds, *of_preset(mission.preset, mission.reconstruct)]

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
            low, high = BOUNDS[setting]
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
