"""Teach it your character: a few pictures of one thing become a concept of the model that draws."""

import shutil
import tempfile
from pathlib import Path

import gradio as gr
import torch

from ..pipeline import GanDprPipeline
from ..teaching import HEARD, MOST, save_taught, teach
from ..worlds.emoji.captions import plain_words
from ..worlds.emoji.world import EmojiWorld
from .downloads import new_file
from .drawing import MODELS
from .generate import GenerateTab
from .own_pictures import MAX_FILE_BYTES, NAMED
from .pictures import data_uri, picture_wall, tile_of, wall
from .studio import Studio
from .words import say, t

LEAD = "One to twenty pictures of one thing, cut out or on a plain background. It learns them in a minute or two."
WAITING = "Your character appears here, in tints and turns that you never drew."
SHOWN = (  # what prompts say of it
    {},
    {"orientation": "upside-down"},
    {"size": "small", "tint": "red", "background": "blue"},
    {"size": "large", "tint": "green", "background": "yellow"},
)


class TeachPanel:
    """Lays itself out inside the current Blocks; what was learnt can be used in `drawing` at once."""

    def __init__(self, studio: Studio, drawing: GenerateTab):
        self.studio = studio
        gr.Markdown(t(LEAD))
        with gr.Row(elem_classes="tight"):
            self.name = gr.Textbox(label=t("Its name"), placeholder="my dog", max_length=40, elem_id="teach-name")
            self.start = gr.Button(t("Teach"), variant="primary", size="md", elem_id="teach-start")
            self.save = gr.Button(t("Download checkpoint"), size="md", interactive=False, elem_id="teach-save")
        self.files = gr.File(
            file_count="multiple", file_types=["image"], height=120, show_label=False, elem_id="teach-files"
        )  # fmt: skip
        self.said = gr.Markdown("", elem_id="teach-said")
        self.shown = picture_wall(WAITING, 88, elem_id="teach-shown")
        self.file = gr.DownloadButton("zip", visible="hidden", elem_id="teach-file")
        private = {"api_visibility": "private"}
        self.start.click(
            self._teach, [self.name, self.files], [self.said, self.shown, self.save, drawing.model],
            show_progress_on=[self.said], concurrency_id="teach", concurrency_limit=1, **private,
        ).success(**drawing.switch).success(**drawing.redraw)  # fmt: skip
        self.save.click(self._zipped, None, self.file, **private).success(
            None, js="() => document.querySelector('#teach-file').click()", **private
        )

    def _teach(self, request: gr.Request, name: str, paths: list[str] | None, progress=gr.Progress()):  # noqa: B008
        self.studio.uploads.note(request.session_hash, paths or [])
        try:
            pipeline = self._taught(request, name or "", [Path(path) for path in paths or []], progress)
        except ValueError as error:
            return str(error), *[gr.skip()] * 3
        self.studio.take(request.session_hash, Studio(pipeline))
        learnt, facts = list(pipeline.world.taught.items())[-1]
        said = say(
            "Learnt “{name}” from {n} pictures. Generate draws it now: say it there, or choose it under Concept.",
            name=learnt,
            n=facts["pictures"],
        )
        if facts["skipped"]:
            named = "; ".join(" ".join(pair) for pair in facts["skipped"][:NAMED])
            said += " " + say("Left out: {files}.", files=named)
        if facts["heard"] < HEARD:
            said += " " + say("Only {share:.0%} of texts with this name are understood: another name may be better.",
                              share=facts["heard"])  # fmt: skip
        return said, _examples(pipeline, learnt), gr.Button(interactive=True), gr.Radio(value=MODELS[1], visible=True)

    def _taught(
        self, request: gr.Request, name: str, pictures: list[Path], progress: gr.Progress
    ) -> GanDprPipeline:
        """The visitor's taught model, or the shipped one, with one thing more."""
        if not name.strip():
            raise ValueError(say("Give it a name first, such as “my dog”."))
        if not 1 <= len(pictures) <= MOST:
            raise ValueError(say("Add 1 to {most} pictures of it.", most=MOST))
        large = next((path.name for path in pictures if path.stat().st_size > MAX_FILE_BYTES), None)
        if large:
            megabytes = MAX_FILE_BYTES // 2**20
            raise ValueError(say("{file} is larger than {n} MB: make it smaller.", file=large, n=megabytes))
        base = self._own(request) or self.studio.pipeline
        return teach(base, name, pictures, lambda done, total: progress((done, total)))

    def _own(self, request: gr.Request) -> GanDprPipeline | None:
        """The visitor's own model, if it was taught."""
        try:
            own = self.studio.of(True, request.session_hash).pipeline
        except ValueError:
            return None
        return own if isinstance(own.world, EmojiWorld) and own.world.taught else None

    def _zipped(self, request: gr.Request) -> str:
        own = self._own(request)
        if own is None:
            raise gr.Error(say("There is nothing taught yet: press Teach first."), print_exception=False)
        path = new_file("gan-dpr-taught")
        with tempfile.TemporaryDirectory() as folder:
            save_taught(own, Path(folder) / path.name)
            return shutil.make_archive(str(path), "zip", folder, path.name)


def _examples(pipeline: GanDprPipeline, name: str) -> dict:
    """A wall of the thing in several scenes."""
    prompts = [plain_words(said, name) for said in SHOWN]
    images = pipeline(prompts, generator=torch.Generator().manual_seed(0)).images
    tiles = zip(images, prompts, strict=True)
    return wall([tile_of(data_uri(image), prompt, alt=prompt, still=True) for image, prompt in tiles])
