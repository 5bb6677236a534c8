"""The Generate tab: type and it draws."""

import secrets
from collections.abc import Callable
from dataclasses import astuple

import gradio as gr
from PIL import Image

from ..worlds.protocol import Guide
from . import menus, sticker_files
from .drawing import (
    IMAGES,
    LINK,
    MAX_BEST_OF,
    MAX_IMAGES,
    MAX_SEED,
    MAX_TRUNCATION,
    MODELS,
    NOTHING,
    Drawn,
    Settings,
    draw,
    from_link,
    link_copied,
    settings_of,
    zipped,
)
from .first_screen import FirstScreen
from .guide import guide
from .history import DrawnBefore
from .links import asked
from .pictures import chip_row, chips, data_uri, picture_wall, tile_of, wall
from .prompts import MAX_LENGTH, told
from .read_back import read, read_back
from .studio import DRAWING_QUEUE, MODEL_QUEUE, Stopwatch, Studio, pictures_said
from .training_pictures import Near
from .words import say, t

NEAREST = 6  # training pictures beside a pressed one
SAID, SAID_FREELY = "One thing, with a colour, size, place, turn and background", "In words like those of its captions"
READ_BACK = (
    "**Press a picture** to see what the retriever reads in it, and whether it is memorised. "
    "**Drop a PNG** that was saved here to get its settings back."
)
# A picture that is dropped on the tab goes the way of "Open a PNG".
DROP = """() => {
  const tab = document.querySelector('#pictures').closest('.tabitem');
  const picker = document.querySelector('#open-png').parentElement.querySelector('input[type=file]');
  tab.addEventListener('dragover', event => event.preventDefault());
  tab.addEventListener('drop', event => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    picker.files = event.dataTransfer.files;
    picker.dispatchEvent(new Event('change', {bubbles: true}));
  });
}"""


class GenerateTab:
    """Lays itself out inside the current Blocks; `page`'s load event draws the first pictures.

    `redraw` are the arguments of an event that draws anew.
    """

    def __init__(self, studio: Studio, status: gr.HTML, page: gr.Blocks):
        self.studio = studio
        self.attributes = menus.attributes(studio.guide)
        prompts = studio.examples.prompts
        self.first_screen = FirstScreen(studio)
        with gr.Row(elem_classes="top"):
            self.prompt = gr.Textbox(
                prompts[0],
                label=t("Prompt"),
                info=t(SAID if studio.guide else SAID_FREELY),
                placeholder=t(prompts[-1]),
                max_length=MAX_LENGTH,
                max_lines=3,
                autofocus=True,
                scale=7,
                elem_id="prompt",
            )
            with gr.Column(scale=4, min_width=300):
                self.first_screen.headline()
        self.said = chip_row(elem_id="remark")
        first = self._with_the_page()
        self.pictures = picture_wall(NOTHING, 256, [] if first is None else _tiles(first), elem_id="pictures")
        with gr.Row(elem_classes="buttons", elem_id="drawing"):
            self.another = gr.Button(t("Other seeds"), variant="primary", size="md", elem_id="another")
            self.save = gr.Button(t("Download all"), size="md", elem_id="download-all")
            self.link = gr.Button(t("Copy link"), size="md")
            self.opened = gr.UploadButton(t("Open a PNG"), size="md", file_types=[".png"], elem_id="open-png")
        self.file = gr.DownloadButton("zip", visible="hidden", elem_id="all-pictures")
        with gr.Accordion(t("Menus and settings"), open=False, elem_id="settings"):
            self._settings()
        self.first_screen.mosaic()
        self.examples = chip_row(prompts, elem_id="examples")
        studio.opening.offer(self.prompt, lambda offered: offered.prompts[0], "prompt")
        studio.opening.offer(self.examples, lambda offered: chips(offered.prompts))
        self.stickers = sticker_files.controls()
        self.read = read_back(elem_id="read", visible=False)
        self.read_back = gr.Markdown(t(READ_BACK), elem_id="read-back")
        self.near = picture_wall(NOTHING, 64, elem_id="near", visible=False)
        self.before = DrawnBefore(studio)
        guide("generate")
        self.drawn = gr.State(first, time_to_live=3600)
        self.opened_as = gr.State(None, time_to_live=3600)  # settings of an opened picture, and what was said of it
        self._wire(status, page)

    def _with_the_page(self) -> Drawn | None:
        """The example's pictures: they are there before the page has asked for any. None where it cannot be drawn."""
        prompt, studio = self.studio.examples.prompts[0], self.studio
        settings = Settings(prompt, IMAGES, 0, 1, 1, MODELS[0])
        try:
            return Drawn(settings, studio.pipeline.name, draw(studio, prompt, IMAGES, 0, 1, 1))
        except ValueError:
            return None

    def _settings(self) -> None:
        self.model = gr.Radio(
            [(t(model), model) for model in MODELS],
            value=MODELS[0],
            label=t("Model"),
            info=t("Which one draws"),
            visible=False,
            elem_id="model",
        )
        with gr.Row(elem_classes="tight"):
            first = self.studio.examples.prompts[0]
            self.menus = [menus.menu(self.studio.guide, attribute, first) for attribute in self.attributes]
        half = {"min_width": 150, "buttons": []}
        with gr.Row(elem_classes="tight"):
            self.n = gr.Slider(1, MAX_IMAGES, IMAGES, step=1, label=t("Pictures"), info=t("How many to draw"), **half)
            self.best_of = gr.Slider(
                1, MAX_BEST_OF, 1, step=1, label=t("Best of"), info=t("Keep what scores highest"), **half
            )
        with gr.Row(elem_classes="tight"):
            self.seed = gr.Number(
                0,
                precision=0,
                minimum=0,
                maximum=MAX_SEED,
                label=t("Seed"),
                info=t("Same seed, same picture"),
                elem_id="seed",
                **half,
            )
            self.truncation = gr.Slider(
                0,
                MAX_TRUNCATION,
                1,
                step=0.05,
                label=t("Truncation"),
                info=t("Lower is safer, less varied"),
                elem_id="truncation",
                **half,
            )

    def _wire(self, status: gr.HTML, page: gr.Blocks) -> None:
        private = {"api_visibility": "private", "show_progress": "hidden"}
        at_once = {**private, "queue": False}
        shown = [self.prompt, self.n, self.seed, self.truncation, self.best_of, self.model]
        self.redraw = {
            "fn": self._redraw,
            "inputs": [*shown, self.opened_as],
            "outputs": [self.pictures, self.said, status, self.drawn, self.save, self.read,
                        self.read_back, self.near],
            **DRAWING_QUEUE,
            **private,
        }
        remembered = self.before.wire(self.drawn, shown)
        opened = page.load(**{**self.redraw, "fn": self._first})
        opened.then(**remembered)
        changes = [control.change for control in shown]
        gr.on(changes, trigger_mode="always_last", **self.redraw).then(**remembered)
        self.prompt.change(
            self._follow, [self.prompt, self.model], self.menus, trigger_mode="always_last", **at_once
        )
        link = [self.prompt, self.seed, self.n, self.truncation, self.best_of]
        gr.on([control.change for control in link], None, link, js=LINK.share, api_visibility="private")
        for attribute, menu in zip(self.attributes, self.menus, strict=True):
            self.studio.opening.offer(menu, lambda _, of=attribute: menus.translated(self.studio.guide, of))
            menu.input(self._editor(attribute), [self.prompt, menu, self.model], self.prompt, **at_once)
        self.switch = {
            "fn": self._switched,
            "inputs": [self.prompt, self.model],
            "outputs": [self.prompt, self.examples, *self.menus],
            **at_once,
        }
        self.model.change(**self.switch)
        for row in (self.examples, self.said):
            row.select(_chosen, None, self.prompt, **at_once)
        self.another.click(lambda: secrets.randbelow(2**31), None, self.seed, **at_once)
        self.pictures.select(
            self._pressed,
            [self.drawn, self.model],
            [self.seed, self.best_of, self.read, self.read_back, self.near],
            **MODEL_QUEUE,
            **private,
        )
        self.save.click(zipped, self.drawn, self.file, **at_once).success(
            None, js="() => document.querySelector('#all-pictures').click()", api_visibility="private"
        )
        sticker_files.wire(self.stickers, self.drawn, self.model, self._of)
        self.link.click(link_copied, [*link, self.model], None, js=LINK.copy, **private)
        self.opened.upload(
            self._open, [self.opened, self.model], [self.read_back, self.opened_as, *shown], **at_once
        )
        page.load(None, js=DROP, api_visibility="private")
        self.first_screen.wire(opened, [self.prompt, self.seed, self.truncation, self.best_of, self.model])
        self.studio.opening.fill(link, from_link)

    def _first(self, request: gr.Request, prompt: str, n: int, seed: int, truncation: float, best_of: int, *others):
        """The first drawing: what the address asks for, or the example in the visitor's language.

        The page may have got neither yet. When it has, it draws once more, and whichever comes last is the same.
        """
        if prompt == self.studio.examples.prompts[0]:
            prompt = self.studio.offered().prompts[0]
        prompt, seed, n, truncation, best_of = asked(from_link(request), (prompt, seed, n, truncation, best_of))
        return self._redraw(request, prompt, n, seed, truncation, best_of, *others)

    def _redraw(self, request: gr.Request, prompt: str, n: int, seed: int, truncation: float, best_of: int,
                model: str, opened: tuple[Settings, str] | None):  # fmt: skip
        watch = Stopwatch()
        settings = Settings((prompt or "").strip(), n, seed, truncation, best_of, model)
        # What was said of a picture that was pressed before is not true of these.
        told = opened[1] if opened and opened[0] == settings else say(READ_BACK)
        beside = gr.HTML(visible=False), told, gr.HTML(visible=False)
        try:
            studio = self._of(model, request)
            out = draw(studio, prompt, n, seed, truncation, best_of)
        except ValueError as error:
            nothing = gr.Button(interactive=False)
            return wall([], str(error)), chips([]), self.studio.status(), None, nothing, *beside
        took = watch.ms
        drawn = Drawn(settings, studio.pipeline.name, out)
        said = studio.remark(drawn.prompt)
        side = 384 if n == 1 else 256 if n <= 4 else 128
        status = studio.status(pictures_said(n), took)
        words = chips(said.words, said.sentence, said.kind)
        something = gr.Button(interactive=True)
        return wall(_tiles(drawn), tile=side), words, status, drawn, something, *beside

    def _of(self, model: str, request: gr.Request) -> Studio:
        """The studio that draws; ValueError where the visitor's own is gone."""
        self.studio.visits.seen(request.session_hash)
        return self.studio.of(model == MODELS[1], request.session_hash)

    def _follow(self, request: gr.Request, prompt: str, model: str) -> list:
        """The menus show what the prompt says."""
        try:
            known = self._of(model, request).guide
        except ValueError:
            return [gr.skip()] * len(self.menus)
        return [menus.shown(known, attribute, prompt or "")["value"] for attribute in self.attributes]

    def _editor(self, attribute: str) -> Callable:
        def edit(request: gr.Request, prompt: str, label: str | None, model: str):
            try:
                changed = menus.edited(self._of(model, request).guide, prompt or "", attribute, label)
            except ValueError:
                return gr.skip()
            return gr.skip() if changed is None else changed

        return edit

    def _switched(self, request: gr.Request, prompt: str, model: str) -> list:
        """Menus and examples of the model that draws now, and a prompt of its world."""
        try:
            studio = self._of(model, request)
        except ValueError:
            return [gr.skip()] * (2 + len(self.menus))
        examples, known = studio.offered().prompts, studio.guide
        fits = prompt in examples if known is None else known.unknown_thing(prompt or "") is None
        prompt = prompt if fits else examples[0]
        shown = [gr.Dropdown(**menus.shown(known, attribute, prompt)) for attribute in self.attributes]
        return [prompt, chips(examples), *shown]

    def _open(self, request: gr.Request, path: str | None, model: str):
        """The settings of a picture that was saved here: one picture, no rivals."""
        self.studio.uploads.note(request.session_hash, [path])
        try:
            studio = self._of(model, request)
            said, prompt, seed, truncation = settings_of(path, studio.pipeline.name)
        except ValueError as error:
            return str(error), *[gr.skip()] * 7
        settings = Settings(prompt, 1, seed, truncation, 1, model)
        return said, (settings, said), *astuple(settings)

    def _pressed(self, request: gr.Request, event: gr.EventData, drawn: Drawn | None, model: str):
        """A press on a tile: take its seed, or show what the retriever finds nearest to it."""
        i = int(event.index)
        if drawn is None or not 0 <= i < len(drawn.out.images):
            return [gr.skip()] * 5
        seed, image = drawn.out.seeds[i], drawn.out.images[i]
        if event.action == "seed":
            # A winner of best-of has a seed of its own: it comes again only without rivals.
            return seed, 1, *[gr.skip()] * 3
        try:
            studio = self._of(model, request)
        except ValueError as error:
            return gr.skip(), gr.skip(), gr.HTML(visible=False), str(error), gr.skip()
        said = read(studio, image, say("Seed {seed}: what the retriever reads in it.", seed=seed))
        shown = gr.HTML(value=said, visible=bool(said["say"]))
        near = studio.nearest_training(image, drawn.prompt)
        if not near:
            return gr.skip(), gr.skip(), shown, say(READ_BACK), gr.HTML(visible=False)
        beside = gr.HTML(value=_near_wall(near, studio.guide), visible=True)
        return gr.skip(), gr.skip(), shown, _memorised(near), beside


def _memorised(near: list[Near]) -> str:
    """How far the nearest training picture is, and what that means."""
    return say(
        "Nearest training pictures of it, among {n}: the first differs by {d:.0f} of 255 levels a pixel "
        "(a copy would differ by 0).",
        n=len(near),
        d=near[0].distance,
    )


def _near_wall(near: list[Near], guide: Guide | None) -> dict:
    return wall(
        [
            tile_of(
                data_uri(Image.fromarray(one.image)), f"± {one.distance:.0f}", alt=(said := told(guide, one.caption)),
                hint=said, still=True,
            )  # fmt: skip
            for one in near[:NEAREST]
        ],
        tile=64,
    )


def _chosen(event: gr.EventData) -> str:
    return str(event.action)[:MAX_LENGTH]


def _tiles(drawn: Drawn) -> list[dict]:
    out = drawn.out
    top = max(out.scores) if len(out.scores) > 1 else None
    return [
        tile_of(
            data_uri(image, drawn.about(i)),
            say("seed {seed}", seed=seed),
            say("score {score:.2f}", score=score),
            alt=say("{prompt}, seed {seed}", prompt=drawn.prompt, seed=seed),
            hint=say("What does the retriever read in it?"),
            file=f"{seed}.png",
            best=score == top,
        )
        for i, (image, score, seed) in enumerate(zip(out.images, out.scores, out.seeds, strict=True))
    ]


