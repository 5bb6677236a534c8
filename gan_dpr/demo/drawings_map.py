"""The map: all drawings in the retriever's space, laid out once, where the last pictures land among them, and lines
along which one drawing turns into another.
"""

import html
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from ..pipeline import GanDprPipeline
from .drawing import Drawn
from .interpolate import LINK, film_of
from .pictures import data_uri, film, film_player, safe, small_data_uri, templated
from .retrieve import short_title
from .studio import MODEL_QUEUE, Studio
from .words import say, t

TILE, COLUMNS = 32, 72  # pixels of a drawing in the sheet that holds all of them, and drawings in a row of it
WHITE = 244  # from this on, in every channel, a pixel is background
LANDED = 8  # pictures at most
STEPS = 24  # frames from one end of a line to the other
HOW = (
    "What the retriever takes for alike lies together. Drag to move, use + and − to come closer; press a drawing to "
    "search with it. What you drew last has landed where the ring is."
)
LINE = "Press ✎ and draw a line from one drawing to another: the one turns into the other here."

CSS = """
.map { position: relative; }
.map canvas { display: block; width: 100%; height: min(66vh, 620px); border-radius: 12px; cursor: grab;
  touch-action: none; border: 1px solid var(--border-color-primary); background: var(--block-background-fill); }
.map canvas:focus-visible { outline: 3px solid var(--ink-d); outline-offset: 1px; }
.map .zoom { position: absolute; right: 10px; top: 10px; display: grid; gap: 6px; }
.map .zoom button { width: 36px; height: 36px; border-radius: 50%; cursor: pointer; font-size: 1.1rem;
  border: 1px solid var(--border-color-primary); background: var(--background-fill-primary);
  color: var(--body-text-color); }
.map .zoom button[aria-pressed=true] { background: var(--ink-g); color: #fff; }
.map:has([aria-pressed=true]) canvas { cursor: crosshair; }
.map .over { min-height: 1.6em; margin: 6px 2px 0; font-size: .88rem; color: var(--body-text-color-subdued); }
"""

_MAP = """
{{#if value.sheet}}<div class="map"><canvas tabindex="0" role="application" aria-label="{{{value.name}}}"></canvas>
<div class="zoom"><button data-zoom="1.6" aria-label="{{{value.nearer}}}">+</button>
<button data-zoom="0.625" aria-label="{{{value.farther}}}">−</button>
<button data-line aria-pressed="false" aria-label="{{{value.line}}}">✎</button></div>
<p class="over" aria-live="polite"></p></div>{{/if}}
"""
# All of it is drawn in the browser: the sheet comes once, and only presses ask the server.
_MAP_JS = """
const CLOSEST = 40, sheet = new Image(), landed = [];
let zoom = 1, x = .5, y = .5, held = null, moved = 0;
let line = null;  // the drawings at its ends; while it is being drawn the second is null, and `tip` where it is
let tip = null;
const value = () => props.value || {}, canvas = () => element.querySelector('canvas');
const plain = words => new DOMParser().parseFromString(words || '', 'text/html').body.textContent;
const frame = () => {
  const {width, height} = canvas().getBoundingClientRect(), side = Math.min(64, Math.max(10, 13 * zoom ** .75));
  return {width, height, across: .96 * width * zoom, down: .96 * height * zoom, side};
};
const at = (place, {width, height, across, down}) =>
  [(place[0] / 1000 - x) * across + width / 2, (place[1] / 1000 - y) * down + height / 2];
let asked = false;
const paint = () => { if (!asked) { asked = true; requestAnimationFrame(painted); } };
const painted = () => {
  asked = false;
  if (!canvas() || !sheet.complete || !sheet.naturalWidth) return;
  const view = frame(), {width, height, side} = view, dots = window.devicePixelRatio || 1;
  canvas().width = width * dots;
  canvas().height = height * dots;
  const pen = canvas().getContext('2d'), {tile, columns, places} = value();
  pen.scale(dots, dots);
  places.forEach((place, i) => {
    const [left, top] = at(place, view);
    if (left < -side || top < -side || left > width + side || top > height + side) return;
    pen.drawImage(sheet, (i % columns) * tile, Math.floor(i / columns) * tile, tile, tile,
                  left - side / 2, top - side / 2, side, side);
  });
  if (line) {
    const ends = line.map(i => i === null ? tip : at(places[i], view)), ink = getComputedStyle(element);
    pen.lineWidth = 4;
    pen.strokeStyle = ink.getPropertyValue('--ink-g');
    pen.beginPath();
    ends.filter(Boolean).forEach(([left, top], i) => i ? pen.lineTo(left, top) : pen.moveTo(left, top));
    pen.stroke();
    line.forEach((drawing, i) => {
      if (drawing === null) return;
      const [left, top] = ends[i], size = Math.max(34, side * 1.2);
      pen.beginPath();
      pen.arc(left, top, size / 2 + 3, 0, 7);
      pen.fillStyle = ink.getPropertyValue('--block-background-fill');
      pen.fill();
      pen.stroke();
      pen.drawImage(sheet, (drawing % columns) * tile, Math.floor(drawing / columns) * tile, tile, tile,
                    left - size / 2, top - size / 2, size, size);
    });
  }
  landed.forEach(({image, place}) => {
    const [left, top] = at(place, view), size = Math.max(34, side * 1.2);
    pen.beginPath();
    pen.arc(left, top, size / 2 + 3, 0, 7);
    pen.lineWidth = 4;
    pen.strokeStyle = getComputedStyle(element).getPropertyValue('--ink-g');
    pen.stroke();
    pen.save();
    pen.clip();
    if (image.complete) pen.drawImage(image, left - size / 2, top - size / 2, size, size);
    pen.restore();
  });
};
const under = (event, reach = frame().side / 2 + 4) => {
  const box = canvas().getBoundingClientRect(), view = frame();
  let found = -1, least = reach ** 2;
  value().places.forEach((place, i) => {
    const [left, top] = at(place, view);
    const far = (left - event.clientX + box.left) ** 2 + (top - event.clientY + box.top) ** 2;
    if (far <= least) { found = i; least = far; }
  });
  return found;
};
const say = i => { element.querySelector('.over').textContent = i < 0 ? '' : plain(value().words[i]); };
const nearer = factor => { zoom = Math.min(CLOSEST, Math.max(.9, zoom * factor)); paint(); };
const shift = (right, below) => {
  const {across, down} = frame();
  x = Math.min(1, Math.max(0, x + right / across));
  y = Math.min(1, Math.max(0, y + below / down));
  paint();
};
const middle = () => {
  const box = canvas().getBoundingClientRect();
  return under({clientX: box.left + box.width / 2, clientY: box.top + box.height / 2});
};
const pencil = () => element.querySelector('[data-line]');
const drawing = () => pencil().getAttribute('aria-pressed') === 'true';
const begun = i => { line = [i, null]; tip = null; say(i); paint(); };
const ended = i => {
  if (i === line[0]) line = null;
  else { line = [line[0], i]; trigger('apply', {ends: line}); }
  say(i);
  paint();
};
element.addEventListener('click', event => {
  const button = event.target.closest('[data-zoom]');
  if (button) nearer(Number(button.dataset.zoom));
  if (event.target.closest('[data-line]')) pencil().setAttribute('aria-pressed', String(!drawing()));
});
element.addEventListener('pointerdown', event => {
  if (event.target !== canvas()) return;
  held = [event.clientX, event.clientY];
  moved = 0;
  canvas().setPointerCapture(event.pointerId);
  if (drawing()) begun(under(event, Infinity));
});
element.addEventListener('pointermove', event => {
  if (event.target !== canvas()) return;
  if (!held) return say(under(event));
  if (drawing()) {
    const box = canvas().getBoundingClientRect();
    tip = [event.clientX - box.left, event.clientY - box.top];
    say(under(event, Infinity));
    return paint();
  }
  const [right, below] = [event.clientX - held[0], event.clientY - held[1]];
  moved += Math.abs(right) + Math.abs(below);
  held = [event.clientX, event.clientY];
  shift(-right, -below);
});
element.addEventListener('pointerup', event => {
  if (held && drawing()) ended(under(event, Infinity));
  else if (held && moved < 6 && under(event) >= 0) trigger('select', {index: under(event)});
  held = null;
});
element.addEventListener('pointercancel', () => { held = null; if (line && line[1] === null) line = null; paint(); });
element.addEventListener('wheel', event => {
  if (event.target !== canvas() || document.activeElement !== canvas()) return;  // the page scrolls until it is pressed
  event.preventDefault();
  nearer(event.deltaY < 0 ? 1.2 : 1 / 1.2);
}, {passive: false});
element.addEventListener('keydown', event => {
  if (event.target !== canvas()) return;
  const ways = {ArrowLeft: [-60, 0], ArrowRight: [60, 0], ArrowUp: [0, -60], ArrowDown: [0, 60]};
  if (ways[event.key]) shift(...ways[event.key]);
  else if (event.key === '+' || event.key === '=') nearer(1.6);
  else if (event.key === '-') nearer(.625);
  else if (event.key === 'Enter' && middle() >= 0) trigger('select', {index: middle()});
  else if (event.key.toLowerCase() === 'l' && middle() >= 0) (line?.[1] === null ? ended : begun)(middle());
  else return;
  event.preventDefault();
  say(middle());
});
const begin = () => {
  if (!value().sheet) return;
  landed.length = 0;
  value().landed.forEach(({src, place}) => {
    const image = new Image();
    image.onload = paint;
    image.src = src;
    landed.push({image, place});
  });
  sheet.onload = paint;
  if (sheet.src !== value().sheet) sheet.src = value().sheet; else paint();
};
new ResizeObserver(paint).observe(element);
watch('value', begin);
begin();
"""


class DrawingsMap:
    """Lays itself out inside the current Blocks; a press puts the drawing into `picture`, the search's."""

    def __init__(self, studio: Studio, tab: gr.Tab, drawn: gr.State):
        self.studio = studio
        gr.Markdown(t(HOW), elem_classes="lead")
        with gr.Row(elem_id="map-and-film"):
            with gr.Column(scale=7, min_width=320):
                self.shown = templated({}, _MAP, _MAP_JS, elem_id="drawings-map")
            with gr.Column(scale=3, min_width=240):
                morph = film_player(LINE, elem_id="map-film")
                about = gr.HTML(elem_id="map-line")
        private = {"api_visibility": "private", "show_progress": "minimal", **MODEL_QUEUE}
        tab.select(self._look, drawn, self.shown, **private)
        self.shown.apply(self._morphed, None, [morph, about], **private)

    def wire(self, query: gr.Textbox, picture: gr.Image, kinds: gr.Tabs) -> None:
        """Where a press goes: the search's words and picture, and the tabs of which "search" is one."""
        self.shown.select(
            self._pressed, None, [query, picture, kinds], api_visibility="private", show_progress="hidden", queue=False
        )

    @cached_property
    def sheet(self) -> str:
        """All drawings without their background, row by row, as a data URI."""
        entries, world = self.studio.pipeline.gallery.metadata, self.studio.pipeline.world
        made = Image.new("RGBA", (COLUMNS * TILE, -(-len(entries) // COLUMNS) * TILE))
        for i, entry in enumerate(entries):
            picture = world.gallery_picture(entry, TILE)
            alpha = np.where((picture >= WHITE).all(-1), 0, 255).astype(np.uint8)
            made.paste(Image.fromarray(np.dstack([picture, alpha])), (i % COLUMNS * TILE, i // COLUMNS * TILE))
        return small_data_uri(made)

    def _look(self, drawn: Drawn | None) -> dict[str, Any]:
        pipeline, guide = self.studio.pipeline, self.studio.guide
        images = [] if drawn is None else drawn.out.images[:LANDED]
        return {
            "sheet": self.sheet,
            "tile": TILE,
            "columns": COLUMNS,
            "places": (1000 * pipeline.places).round().astype(int).tolist(),
            "words": [
                safe(short_title(guide, entry["caption"], entry.get("concept"))) for entry in pipeline.gallery.metadata
            ],
            "landed": [
                {"src": data_uri(image), "place": (1000 * place).round().astype(int).tolist()}
                for image, place in zip(images, landing(pipeline, images), strict=True)
            ],
            "name": safe(say("Map of the drawings: arrows move, plus and minus zoom, Enter searches")),
            "line": safe(say("draw a line: L begins and ends it with the keyboard")),
            "nearer": safe(say("closer")),
            "farther": safe(say("farther")),
        }

    def _morphed(self, event: gr.EventData):
        """The film from one end of a line to the other, and its place in Interpolate."""
        entries = self.studio.pipeline.gallery.metadata
        ends = [int(end) for end in event.ends]
        if len(ends) != 2 or not all(0 <= end < len(entries) for end in ends):
            return [gr.skip()] * 2
        prompts = [entries[end]["caption"] for end in ends]
        try:
            shown, _ = film_of(self.studio, prompts, [0], STEPS, "slerp")
        except ValueError as error:  # a caption of somebody's own pictures may be longer than a prompt
            return film([], [], empty=str(error)), ""
        link = LINK.query("\n".join(prompts), "0", STEPS, "slerp")
        words = safe(say("Open this film in Interpolate, to change and to save it"))
        return shown, f'<a href="{html.escape(link)}" target="_blank">{words}</a>'

    def _pressed(self, event: gr.EventData):
        entries, pipeline = self.studio.pipeline.gallery.metadata, self.studio.pipeline
        i = int(event.index)
        if not 0 <= i < len(entries):
            return [gr.skip()] * 3
        picture = pipeline.world.gallery_picture(entries[i], pipeline.image_size)
        return "", Image.fromarray(picture), gr.Tabs(selected="search")


def landing(pipeline: GanDprPipeline, images: Sequence[Image.Image]) -> np.ndarray:
    """Where pictures lie on the map, (N, 2) in [0, 1]: where the drawing does whose thing is most like theirs."""
    if not images:
        return np.zeros((0, 2))
    return pipeline.places[pipeline.describer.nearest(np.stack([np.asarray(image) for image in images]))]
