"""What was drawn in this browser, newest first: thumbnails that bring prompt and settings back.

The browser keeps the settings, a hundred bytes a drawing; the thumbnails are drawn again when the page is opened.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from ..images import grid
from .downloads import new_file
from .drawing import MAX_BEST_OF, MAX_IMAGES, MAX_SEED, MAX_TRUNCATION, MODELS, Drawn, Settings, about, draw
from .pictures import UNREADABLE, picture_wall, png_bytes, small_data_uri, tile_of, wall
from .prompts import MAX_LENGTH
from .studio import MODEL_QUEUE, Studio
from .words import say, t

LONGEST = 24
COLUMNS = 6  # of a saved sheet
CHUNK = "drawn-before"  # of a saved sheet: the settings of all its pictures
TYPING_SECONDS = 4.0  # what grows or is slid within this time is still being made
EMPTY = "What you draw is kept here, in this browser alone."
NO_SHEET = "That picture is no sheet that was saved here."


@dataclass(frozen=True)
class Past:
    """A drawing of before: its settings, its first picture as a data URI, when it was made, and if it is pinned."""

    settings: Settings
    picture: str
    at: float = field(default_factory=time.monotonic)
    pinned: bool = False


def remember(history: Sequence[Past], new: Past) -> list[Past]:
    """The history with a drawing put first, after the pinned ones.

    The same settings stand in it once, and typing leaves no trail. Too many push out the oldest that is not pinned.
    """
    pinned = [past for past in history if past.pinned]
    free = [past for past in history if not past.pinned]
    if any(past.settings == new.settings for past in pinned):
        return list(history)
    typed = bool(free) and _grown(free[0], new)
    rest = [past for past in free[typed:] if past.settings != new.settings]
    return [*pinned, new, *rest][: max(LONGEST, len(pinned))]


def _grown(old: Past, new: Past) -> bool:
    before, after = old.settings, new.settings
    longer, shorter = sorted((before.prompt, after.prompt), key=len, reverse=True)
    return new.at - old.at < TYPING_SECONDS and before.seed == after.seed and longer.startswith(shorter)


def arranged(history: Sequence[Past], i: int, action: str) -> list[Past]:
    """The history after a press on drawing i: "pin" (or take the pin out), "earlier" (one place up) or "forget"."""
    past, rest = history[i], [*history[:i], *history[i + 1 :]]
    if action == "forget":
        return rest
    if action == "pin":
        pins = sum(one.pinned for one in rest)  # where the pinned ones end
        return [*rest[:pins], replace(past, pinned=not past.pinned), *rest[pins:]]
    if action == "earlier" and i > 0 and history[i - 1].pinned == past.pinned:
        return [*rest[: i - 1], past, *rest[i - 1 :]]
    return list(history)


def kept(history: Sequence[Past]) -> list[dict[str, Any]]:
    """What the browser keeps: all but what only the visitor's own model draws, which goes with the visit."""
    return [asdict(past.settings) | {"pinned": past.pinned} for past in history if past.settings.model == MODELS[0]]


def settings_kept(entries: Any) -> list[tuple[Settings, bool]]:
    """The settings of what a browser or a sheet has kept, and which are pinned; what is no such thing is left out."""
    read = []
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and _usable(entry):
            named = {one.name: entry[one.name] for one in fields(Settings)}
            read.append((Settings(**named), bool(entry.get("pinned"))))
    return read[:LONGEST]


def _usable(entry: Mapping[str, Any]) -> bool:
    prompt = entry.get("prompt")
    ranges = (("n", 1, MAX_IMAGES, int), ("seed", 0, MAX_SEED, int), ("truncation", 0, MAX_TRUNCATION, int | float),
              ("best_of", 1, MAX_BEST_OF, int))  # fmt: skip
    return (
        isinstance(prompt, str)
        and 0 < len(prompt.strip()) <= MAX_LENGTH
        and entry.get("model") == MODELS[0]
        and all(isinstance(entry.get(name), kind) and low <= entry[name] <= high for name, low, high, kind in ranges)
    )


def strip(history: Sequence[Past]) -> dict[str, Any]:
    """The value of a picture wall."""
    return wall([_tile(past) for past in history], tile=64)


def _tile(past: Past) -> dict[str, Any]:
    shows = say("{prompt}, seed {seed}", prompt=past.settings.prompt, seed=past.settings.seed)
    actions = (("pin", "📌", say("take the pin out") if past.pinned else say("pin")), ("earlier", "←", say("earlier")),
               ("forget", "✕", say("forget")))  # fmt: skip
    return tile_of(
        past.picture, "", alt=past.settings.prompt, hint=shows, best=past.pinned,
        actions=[(do, sign, f"{words}: {shows}") for do, sign, words in actions],
    )  # fmt: skip


def sheet_of(studio: Studio, history: Sequence[Past]) -> bytes:
    """A PNG of the first picture of every drawing, row by row, which holds their settings, too."""
    settings = [Settings(**{one.name: entry[one.name] for one in fields(Settings)}) for entry in kept(history)]
    if not settings:
        raise ValueError(say("There is nothing yet that a sheet could hold: draw something with the shipped model."))
    pictures = np.stack([np.asarray(_first(studio, one)) for one in settings])
    first, chunks = settings[0], {CHUNK: json.dumps(kept(history), ensure_ascii=False)}
    chunks |= about(first.prompt, first.seed, studio.pipeline.name, first.truncation)
    return png_bytes(grid(pictures, min(COLUMNS, len(settings)), gap=4, scale=2), chunks)


def read_sheet(path: str | None) -> list[tuple[Settings, bool]]:
    """What a saved sheet holds; empty for any other file."""
    try:
        with Image.open(path or "") as picture:
            return settings_kept(json.loads(getattr(picture, "text", {}).get(CHUNK, "[]")))
    except UNREADABLE:
        return []


def _first(studio: Studio, settings: Settings) -> Image.Image:
    one = settings.prompt, 1, settings.seed, settings.truncation, settings.best_of
    return draw(studio, *one).images[0]


class DrawnBefore:
    """Lays itself out inside the current Blocks: the strip, and a sheet of it to save and to open again."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self.history = gr.State(None, time_to_live=3600)  # None: the browser has not been asked yet
        # Outside of what is folded: there it would not be read until somebody looks, and be overwritten before.
        self.browser = gr.BrowserState([], storage_key="gan-dpr-drawn", secret="gan-dpr")
        with gr.Accordion(t("Drawn before"), open=False, elem_id="drawn-before"):
            self.strip = picture_wall(EMPTY, 64, elem_id="history")
            with gr.Row(elem_classes="buttons"):
                self.save = gr.Button(t("Save as a sheet"), size="md", elem_id="save-sheet")
                self.open = gr.UploadButton(t("Open a sheet"), size="md", file_types=[".png"], elem_id="open-sheet")
            self.file = gr.DownloadButton("png", visible="hidden", elem_id="sheet-file")

    def wire(self, drawn: gr.State, controls: list[gr.components.Component]) -> dict[str, Any]:
        """Let a press set `controls` (as `Settings` has them); returns the event that remembers what `drawn` holds."""
        private = {"api_visibility": "private", "show_progress": "hidden"}
        state, shown = [self.history, self.browser], [self.strip, self.history, self.browser]
        self.strip.select(self._pressed, self.history, [*shown, *controls], queue=False, **private)
        self.save.click(self._sheet, self.history, self.file, **MODEL_QUEUE, **private).success(
            None, js="() => document.querySelector('#sheet-file').click()", api_visibility="private"
        )
        self.open.upload(self._opened, [self.open, *state], shown, **MODEL_QUEUE, **private)
        return {"fn": self._drawn, "inputs": [drawn, *state], "outputs": shown, **MODEL_QUEUE, **private}

    def _drawn(self, drawn: Drawn | None, history: list[Past] | None, browser: Any) -> list:
        """Remember what has just been drawn; the first time after all that the browser has kept."""
        if history is None:
            history = self._again(settings_kept(browser))
        if drawn is not None:
            history = remember(history, Past(drawn.settings, small_data_uri(drawn.out.images[0])))
        return _shown(history)

    def _again(self, wanted: Sequence[tuple[Settings, bool]]) -> list[Past]:
        return [
            Past(settings, small_data_uri(_first(self.studio, settings)), -TYPING_SECONDS, pinned)
            for settings, pinned in wanted
        ]

    def _pressed(self, event: gr.EventData, history: list[Past] | None) -> list:
        """A press on a thumbnail brings all its settings back; one below it arranges."""
        i, untouched = int(event.index), [gr.skip()] * 6
        if not history or not 0 <= i < len(history):
            return [gr.skip()] * 9
        if event.action == "pick":
            return [*[gr.skip()] * 3, *astuple(history[i].settings)]
        return [*_shown(arranged(history, i, str(event.action))), *untouched]

    def _sheet(self, history: list[Past] | None) -> str:
        try:
            content = sheet_of(self.studio, history or [])
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from None
        path = new_file("gan-dpr-drawn-before.png")
        path.write_bytes(content)
        return str(path)

    def _opened(self, request: gr.Request, path: str | None, history: list[Past] | None, browser: Any) -> list:
        self.studio.uploads.note(request.session_hash, [path])
        wanted = read_sheet(path)
        if not wanted:
            raise gr.Error(say(NO_SHEET), print_exception=False)
        if history is None:
            history = self._again(settings_kept(browser))
        here = {past.settings for past in history}
        added = self._again([one for one in wanted if one[0] not in here])
        joined = [*history, *added]
        return _shown(([p for p in joined if p.pinned] + [p for p in joined if not p.pinned])[:LONGEST])


def _shown(history: list[Past]) -> list:
    return [strip(history), history, kept(history)]
