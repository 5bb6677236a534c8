"""The Generate tab: type and it draws."""

import secrets
import zipfile
from collections.abc import Callable
from dataclasses import astuple, dataclass

import gradio as gr
import torch
from PIL import Image

from ..data.world import CONCEPTS
from ..pipeline import PipelineOutput
from .downloads import new_file
from .guide import guide
from .history import EMPTY, Past, Settings, remember, strip
from .pictures import UNREADABLE, chip_row, chips, data_uri, picture_wall, png_bytes, small_data_uri, tile_of, wall
from .prompts import MAX_LENGTH, MENUS, ORDER, check_prompt, check_range, edit_prompt, menu_labels
from .studio import MODEL_QUEUE, Stopwatch, Studio
from .training_pictures import Near
from .words import say, t

FIRST_PROMPT = "an upside-down elephant on a blue background"
EXAMPLES = (
    FIRST_PROMPT,
    "a large octopus on a yellow background",
    "a tiny red penguin at the bottom left on a white background",
    "a sideways green rocket on a black background",
    "a small purple frog at the top on a pink background",
    "a big sunflower on a blue background in 3D style",
)
MAX_IMAGES, MAX_BEST_OF, MAX_SEED, MAX_TRUNCATION = 16, 16, 2**53 - 1, 2.0
NEAREST = 6  # training pictures beside a pressed one
NOTHING = "Type a prompt to see pictures."
READ_BACK = (
    "**Press a picture** to see what the retriever reads in it, and whether it is memorised. "
    "**Drop a PNG** that was saved here to get its settings back."
)
MODELS = ("the shipped one", "mine, from Mini-train")
INFO = {
    "concept": ("Concept", "The thing to draw"),
    "orientation": ("Orientation", "Which way up"),
    "tint": ("Tint", "Colour of the thing"),
    "size": ("Size", "Large fills the middle"),
    "position": ("Position", "Where it stands"),
    "background": ("Background", "Plain colour behind"),
    "style": ("Style", "Whose drawing"),
}
SHARE = """(prompt, seed) => {
  const query = new URLSearchParams({prompt, seed});
  history.replaceState(null, '', location.pathname + '?' + query);
}"""
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
# Hands on the link and whether it was copied: on plain http a page has no clipboard.
COPY = """async (prompt, seed) => {
  const link = location.origin + location.pathname + '?' + new URLSearchParams({prompt, seed});
  try { await navigator.clipboard.writeText(link); } catch { return [link, 0]; }
  return [link, 1];
}"""


@dataclass(frozen=True)
class Drawn:
    """What the wall shows now, kept in the visitor's session."""

    prompt: str
    model: str
    truncation: float
    out: PipelineOutput

    def about(self, i: int) -> dict[str, str]:
        """Text chunks of picture i: all that draws it again."""
        return about(self.prompt, self.out.seeds[i], self.model, self.truncation)


def about(prompt: str, seed: int, model: str, truncation: float) -> dict[str, str]:
    """Text chunks of a picture: those that the command line writes, and the truncation."""
    return {"prompt": prompt, "seed": str(seed), "checkpoint": model, "truncation": f"{truncation:g}"}


def draw(studio: Studio, prompt: str, n: int, seed: int, truncation: float, best_of: int) -> PipelineOutput:
    """Pictures of a prompt. Raises ValueError with a sentence for the page."""
    prompt = check_prompt(prompt)
    for name, value, low, high in (
        ("Number of pictures", n, 1, MAX_IMAGES),
        ("Best of", best_of, 1, MAX_BEST_OF),
        ("Seed", seed, 0, MAX_SEED),
        ("Truncation", truncation, 0, MAX_TRUNCATION),
    ):
        check_range(name, value, low, high)
    source = torch.Generator().manual_seed(int(seed))
    return studio.pipeline(
        prompt, num_images_per_prompt=int(n), generator=source, truncation=truncation, best_of=int(best_of)
    )


class GenerateTab:
    """Lays itself out inside the current Blocks; `page`'s load event draws the first pictures.

    `redraw` are the arguments of an event that draws anew.
    """

    def __init__(self, studio: Studio, status: gr.HTML, page: gr.Blocks):
        self.studio = studio
        gr.Markdown(t("Type, and it draws: one pass through the generator for each picture."), elem_classes="lead")
        guide("generate")
        self.prompt = gr.Textbox(
            FIRST_PROMPT,
            label=t("Prompt"),
            info=t("One thing, with a colour, size, place, turn and background"),
            placeholder=EXAMPLES[1],
            max_length=MAX_LENGTH,
            max_lines=3,
            autofocus=True,
            elem_id="prompt",
        )
        self.said = chip_row(elem_id="remark")
        self.examples = chip_row(EXAMPLES, elem_id="examples")
        with gr.Row():
            with gr.Column(scale=7):
                self.pictures = picture_wall(NOTHING, 200, elem_id="pictures")
                with gr.Row(elem_classes="buttons"):
                    self.another = gr.Button(t("Other seeds"), variant="primary", size="md", elem_id="another")
                    self.save = gr.Button(t("Download all"), size="md", elem_id="download-all")
                    self.link = gr.Button(t("Copy link"), size="md")
                    self.opened = gr.UploadButton(t("Open a PNG"), size="md", file_types=[".png"], elem_id="open-png")
                self.file = gr.DownloadButton("zip", visible="hidden", elem_id="all-pictures")
                self.read_back = gr.Markdown(t(READ_BACK), elem_id="read-back")
                self.near = picture_wall(NOTHING, 72, elem_id="near", visible=False)
                with gr.Accordion(t("Drawn before"), open=False, elem_id="drawn-before"):
                    self.strip = picture_wall(EMPTY, 56, elem_id="history")
            with gr.Column(scale=5, min_width=300):
                self._settings()
        self.drawn = gr.State(None, time_to_live=3600)
        self.history = gr.State([], time_to_live=3600)
        self.opened_as = gr.State(None, time_to_live=3600)  # settings of an opened picture, and what was said of it
        self._wire(status, page)

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
            self.menus = [
                self._menu(attribute, label) for attribute, label in zip(ORDER, menu_labels(FIRST_PROMPT), strict=True)
            ]
        half = {"min_width": 150, "buttons": []}
        with gr.Row(elem_classes="tight"):
            self.n = gr.Slider(1, MAX_IMAGES, 4, step=1, label=t("Pictures"), info=t("How many to draw"), **half)
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

    def _menu(self, attribute: str, label: str | None) -> gr.Dropdown:
        """What the model was trained on of one attribute."""
        if attribute == "concept":
            choices = sorted((CONCEPTS[concept].name, concept) for concept in self.studio.known)
        else:
            trained = getattr(self.studio.world, attribute + "s")
            choices = [(name, name) for name, value in MENUS[attribute].items() if value is None or value in trained]
        known = [value for _, value in choices]
        return gr.Dropdown(
            choices,
            value=label if label in known else None,
            label=t(INFO[attribute][0]),
            info=t(INFO[attribute][1]),
            min_width=165,
            elem_id=f"menu-{attribute}",
        )

    def _wire(self, status: gr.HTML, page: gr.Blocks) -> None:
        private = {"api_visibility": "private", "show_progress": "hidden"}
        at_once = {**private, "queue": False}
        shown = [self.prompt, self.n, self.seed, self.truncation, self.best_of, self.model]
        self.redraw = {
            "fn": self._redraw,
            "inputs": [*shown, self.history, self.opened_as],
            "outputs": [
                self.pictures, self.said, status, self.drawn, self.save, self.strip, self.history,
                self.read_back, self.near,
            ],
            **MODEL_QUEUE,
            **private,
        }
        changes = [page.load, *(control.change for control in shown)]
        gr.on(changes, trigger_mode="always_last", **self.redraw)
        self.prompt.change(self._follow, self.prompt, self.menus, trigger_mode="always_last", **at_once)
        link = [self.prompt, self.seed]
        gr.on([self.prompt.change, self.seed.change], None, link, js=SHARE, api_visibility="private")
        for attribute, menu in zip(ORDER, self.menus, strict=True):
            menu.input(_editor(attribute), [self.prompt, menu], self.prompt, **at_once)
        for row in (self.examples, self.said):
            row.select(_chosen, None, self.prompt, **at_once)
        self.another.click(lambda: secrets.randbelow(2**31), None, self.seed, **at_once)
        self.pictures.select(
            self._pressed,
            [self.drawn, self.model],
            [self.seed, self.best_of, self.read_back, self.near],
            **MODEL_QUEUE,
            **private,
        )
        self.save.click(_zipped, self.drawn, self.file, **at_once).success(
            None, js="() => document.querySelector('#all-pictures').click()", api_visibility="private"
        )
        self.link.click(_copied, link, None, js=COPY, **private)
        self.opened.upload(
            self._open, [self.opened, self.model], [self.read_back, self.opened_as, *shown], **at_once
        )
        page.load(None, js=DROP, api_visibility="private")
        self.strip.select(_again, self.history, shown, **at_once)
        page.load(_from_link, None, link, **at_once)

    def _redraw(self, request: gr.Request, prompt: str, n: int, seed: int, truncation: float, best_of: int,
                model: str, history: list[Past], opened: tuple[Settings, str] | None):  # fmt: skip
        watch = Stopwatch()
        settings = Settings((prompt or "").strip(), n, seed, truncation, best_of, model)
        # What was said of a picture that was pressed before is not true of these.
        told = opened[1] if opened and opened[0] == settings else say(READ_BACK)
        beside = told, gr.HTML(visible=False)
        try:
            studio = self.studio.of(model == MODELS[1], request.session_hash)
            out = draw(studio, prompt, n, seed, truncation, best_of)
        except ValueError as error:
            nothing = gr.Button(interactive=False)
            return wall([], str(error)), chips([]), self.studio.status(), None, nothing, gr.skip(), gr.skip(), *beside
        took = watch.ms
        drawn = Drawn(settings.prompt, studio.pipeline.name, truncation, out)
        said = studio.remark(drawn.prompt)
        side = 320 if n == 1 else 240 if n <= 4 else 150
        status = studio.status(say("{n} pictures", n=n), took)
        history = remember(history, Past(settings, small_data_uri(out.images[0])))
        words = chips(said.words, said.sentence, said.kind)
        something = gr.Button(interactive=True)
        return wall(_tiles(drawn), tile=side), words, status, drawn, something, strip(history), history, *beside

    def _follow(self, prompt: str) -> list[str | None]:
        """The menus show what the prompt says."""
        concept, *others = menu_labels(prompt or "")
        return [concept if concept in self.studio.known else None, *others]

    def _open(self, request: gr.Request, path: str | None, model: str):
        """The settings of a picture that was saved here: one picture, no rivals."""
        try:
            studio = self.studio.of(model == MODELS[1], request.session_hash)
            said, prompt, seed, truncation = settings_of(path, studio.pipeline.name)
        except ValueError as error:
            return str(error), *[gr.skip()] * 7
        settings = Settings(prompt, 1, seed, truncation, 1, model)
        return said, (settings, said), *astuple(settings)

    def _pressed(self, request: gr.Request, event: gr.EventData, drawn: Drawn | None, model: str):
        """A press on a tile: take its seed, or show what the retriever finds nearest to it."""
        i = int(event.index)
        if drawn is None or not 0 <= i < len(drawn.out.images):
            return [gr.skip()] * 4
        seed, image = drawn.out.seeds[i], drawn.out.images[i]
        if event.action == "seed":
            # A winner of best-of has a seed of its own: it comes again only without rivals.
            return seed, 1, gr.skip(), gr.skip()
        try:
            studio = self.studio.of(model == MODELS[1], request.session_hash)
        except ValueError as error:
            return gr.skip(), gr.skip(), str(error), gr.skip()
        score, caption = studio.pipeline.captions_for(image, k=1)[0]
        read = say("Seed {seed}: the retriever reads it as **{caption}** ({score:.2f}).",
                   seed=seed, caption=caption, score=score)  # fmt: skip
        near = studio.nearest_training(image, drawn.prompt)
        if not near:
            return gr.skip(), gr.skip(), read, gr.HTML(visible=False)
        return gr.skip(), gr.skip(), f"{read} {_memorised(near)}", gr.HTML(value=_near_wall(near), visible=True)


def _memorised(near: list[Near]) -> str:
    """How far the nearest training picture is, and what that means."""
    return say(
        "Nearest training pictures of it, among {n}: the first differs by {d:.0f} of 255 levels a pixel "
        "(a copy would differ by 0).",
        n=len(near),
        d=near[0].distance,
    )


def _near_wall(near: list[Near]) -> dict:
    return wall(
        [
            tile_of(data_uri(Image.fromarray(one.image)), f"± {one.distance:.0f}", alt=one.caption, hint=one.caption)
            for one in near[:NEAREST]
        ],
        tile=72,
    )


def _editor(attribute: str) -> Callable[[str, str | None], str]:
    def edit(prompt: str, label: str | None):
        return edit_prompt(prompt or "", attribute, label) if label else gr.skip()

    return edit


def _again(history: list[Past], event: gr.EventData):
    """All settings of a pressed thumbnail."""
    i = int(event.index)
    return astuple(history[i].settings) if 0 <= i < len(history) else [gr.skip()] * 6


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


def _zipped(drawn: Drawn | None) -> str:
    if drawn is None:
        raise gr.Error(say(NOTHING), print_exception=False)
    path = new_file("gan-dpr-pictures.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for i, image in enumerate(drawn.out.images):
            archive.writestr(f"{i:02d}_seed_{drawn.out.seeds[i]}.png", png_bytes(image, drawn.about(i)))
    return str(path)


def _copied(link: str, copied: int) -> None:
    if copied:
        gr.Info(say("Link copied: it holds the prompt and the seed."), duration=3)
    else:
        gr.Warning(say("The browser does not let this page copy. The link: {link}", link=link), duration=30)


def settings_of(path: str | None, model: str) -> tuple[str, str, int, float]:
    """What to say, prompt, seed and truncation of a picture that was saved here, to be drawn by `model`.

    Raises ValueError with a sentence for the page.
    """
    try:
        with Image.open(path or "") as picture:
            chunks = dict(getattr(picture, "text", {}))
        prompt, seed, truncation = chunks["prompt"], int(chunks["seed"]), float(chunks.get("truncation", 1))
    except (KeyError, *UNREADABLE):
        raise ValueError(
            say("That picture holds no prompt and seed: open a PNG that was saved from this page.")
        ) from None
    check_range("Seed", seed, 0, MAX_SEED)
    check_range("Truncation", truncation, 0, MAX_TRUNCATION)
    if chunks.get("checkpoint") == model:
        said = say("Its settings are back: these are its pixels.")
    else:
        said = say("Its settings are back, but another model drew it: these are not its pixels.")
    return said, check_prompt(prompt), seed, truncation


def _from_link(request: gr.Request):
    """?prompt=...&seed=... of the page's address."""
    query = request.query_params
    prompt = query.get("prompt", "")[:MAX_LENGTH].strip() or gr.skip()
    seed = query.get("seed", "")
    return prompt, int(seed) if seed.isascii() and seed.isdigit() and int(seed) <= MAX_SEED else gr.skip()
