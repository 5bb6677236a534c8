"""Stickers of the Generate tab: the pictures that are shown, without their backgrounds, as files for chats."""

from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from ..stickers.pack import Sticker, write_pack
from ..stickers.targets import CHATS, FORMATS, SIZES, Target, encoded, target_of
from .downloads import new_file
from .drawing import NOTHING, Drawn
from .studio import MODEL_QUEUE, Studio
from .words import say, t

TARGETS: dict[str, Target] = {target.name: target for target in CHATS.values()} | {
    target.name: target for format in FORMATS for size in SIZES for target in [target_of(None, size, format)]
}
FIRST = target_of(None, 256, "png").name


@dataclass(frozen=True)
class Controls:
    """What the visitor sets, and the file that is made."""

    target: gr.Dropdown
    outline: gr.Checkbox
    shadow: gr.Checkbox
    save: gr.Button
    file: gr.DownloadButton


def controls() -> Controls:
    """Lay out inside the current Blocks."""
    with gr.Accordion(t("Stickers"), open=False, elem_id="stickers"):
        with gr.Row(elem_classes="tight"):
            target = gr.Dropdown(
                list(TARGETS),
                value=FIRST,
                label=t("For"),
                info=t("Size, format and limits of a chat, or a plain file"),
                min_width=150,
                elem_id="sticker-target",
            )
            outline = gr.Checkbox(False, label=t("Outline"), info=t("White, around the object"), min_width=110)
            shadow = gr.Checkbox(False, label=t("Shadow"), info=t("Soft, below it"), min_width=110)
        save = gr.Button(t("Download stickers"), size="md", elem_id="download-stickers")
        file = gr.DownloadButton("file", visible="hidden", elem_id="sticker-file")
    return Controls(target, outline, shadow, save, file)


def wire(
    shown: Controls, drawn: gr.State, model: gr.Radio, studio_of: Callable[[str, gr.Request], Studio]
) -> None:
    """The button makes the file and takes it away."""

    def made(request: gr.Request, drawn: Drawn | None, model: str, name: str, outline: bool, shadow: bool) -> str:
        try:
            return sticker_file(studio_of(model, request), drawn, TARGETS[name], outline, shadow)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from None

    inputs = [drawn, model, shown.target, shown.outline, shown.shadow]
    shown.save.click(
        made, inputs, shown.file, api_visibility="private", show_progress="hidden", **MODEL_QUEUE
    ).success(None, js="() => document.querySelector('#sticker-file').click()", api_visibility="private")


def sticker_file(studio: Studio, drawn: Drawn | None, target: Target, outline: bool, shadow: bool) -> str:
    """The path of one sticker, or of a pack where several pictures are shown.

    Raises ValueError with a sentence for the page.
    """
    if drawn is None:
        raise ValueError(say(NOTHING))
    if studio.pipeline.generator.composition is None:
        raise ValueError(say("This model draws whole pictures and knows no object apart from its background."))
    seeds = drawn.out.seeds
    if 1 < len(seeds) < target.fewest:
        raise ValueError(
            say("A pack for {chat} has at least {n} stickers: draw more pictures, or one.",
                chat=target.name, n=target.fewest)  # fmt: skip
        )
    pictures = studio.pipeline.stickers(drawn.prompt, seeds, target.side, outline, shadow, drawn.settings.truncation)
    stickers = [Sticker(picture, drawn.prompt, drawn.about(i)) for i, picture in enumerate(pictures)]
    if len(stickers) == 1:
        path = new_file(f"sticker_seed_{seeds[0]}.{target.format}")
        path.write_bytes(encoded(pictures[0], target, stickers[0].about))
    else:
        path = new_file("gan-dpr-stickers.zip")
        write_pack(path, stickers, target)
    return str(path)
