"""Pictures on the page: a wall of tiles, a film that is scrubbed, and chips of text.

Pictures travel inside the page's data as data URIs: they are a few kilobytes each, appear in one go while
somebody types, and leave no files behind. A saved tile keeps its PNG text chunks.
"""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
from PIL import Image, PngImagePlugin

from .opening import Opening
from .words import say, t

CSS = """
.wall { display: grid; grid-template-columns: repeat(auto-fill, var(--tile)); gap: 12px; }
.wall.big { justify-content: space-between; }
/* Whole multiples of a picture's size: their edges are crisp. */
.wall.big .shot img, .wall.huge .shot img, .mosaic img { image-rendering: pixelated; }
.wall.fixed { grid-template-columns: repeat(var(--columns), minmax(44px, var(--tile))); gap: 6px; }
.wall .tile { margin: 0; width: var(--tile); max-width: 100%; box-sizing: content-box;
  background: var(--block-background-fill); border-radius: 12px; overflow: hidden;
  display: flex; flex-direction: column; border: 1px solid var(--border-color-primary); }
.wall .tile.best { outline: 2px solid var(--ink-g); outline-offset: 1px; }
.wall .shot { display: block; width: 100%; padding: 0; border: 0; background: none; cursor: pointer; }
.wall div.shot { cursor: default; }
.wall .shot:focus-visible { outline: 3px solid var(--ink-d); outline-offset: -3px; }
.wall img, .film img { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; }
.wall .truth { width: 26px; border-radius: 5px; }
.wall figcaption { display: flex; flex-wrap: wrap; gap: 2px 8px; align-items: center; padding: 6px 9px;
  font-size: .8rem; line-height: 1.3; }
.wall figcaption .title { flex: 1 1 auto; min-width: 0; overflow-wrap: break-word; }
.wall.small figcaption { font-size: .72rem; padding: 5px 6px; }
.wall figcaption .note { color: var(--body-text-color-subdued); font-variant-numeric: tabular-nums; }
.wall .do { display: flex; border-top: 1px solid var(--border-color-primary); margin-top: auto; }
.wall .do > * { flex: 1; font-size: .78rem; padding: 6px 2px; text-align: center; border: 0; background: none;
  cursor: pointer; color: var(--body-text-color) !important; text-decoration: none !important; }
.wall .do > *:hover { background: var(--background-fill-secondary); }
.wall .do > * + * { border-left: 1px solid var(--border-color-primary); }
.wall-empty { padding: 34px 16px; text-align: center; border-radius: 12px;
  color: var(--body-text-color-subdued);  border: 1px dashed var(--border-color-primary); }
.film { max-width: 386px; margin: 0 auto; }
.film img { border-radius: 12px; border: 1px solid var(--border-color-primary); }
.film.sheet { max-width: none; } .film.sheet img { aspect-ratio: auto; }
.film .row { display: flex; gap: 10px; align-items: center; margin-top: 10px; }
.film .row button { flex: none; width: 40px; height: 40px; border-radius: 50%; border: 0; color: #fff;
  background: #c2410c; cursor: pointer; font-size: 1rem; }
.film .scrub { flex: 1; accent-color: #c2410c; min-width: 0; height: 28px; }
.film .where { min-height: 2.6em; text-align: center; font-size: .86rem; margin-top: 6px;
  color: var(--body-text-color-subdued); }
.chips { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; font-size: .84rem; }
.chips .say { color: var(--body-text-color-subdued); margin-right: 2px; }
.chips.warn .say { color: var(--ink-g); }
.chips button { border: 1px solid var(--border-color-primary); background: var(--block-background-fill);
  border-radius: 999px; padding: 4px 11px; cursor: pointer; color: var(--body-text-color); text-align: left; }
.chips button:hover { border-color: var(--ink-g); }
@media (max-width: 640px) {
  .chips { flex-wrap: nowrap; overflow-x: auto; scrollbar-width: none; contain: inline-size; }
  .chips.warn { flex-wrap: wrap; }
  .chips .say { flex: none; } .chips:has(.say:only-child) .say, .chips.warn .say { flex: 1 1 100%; }
  .chips button { white-space: nowrap; }
  .wall .do button { white-space: nowrap; font-size: .7rem; padding-left: 2px; padding-right: 2px; }
  .wall, .wall.big { gap: 6px; justify-content: center; } .wall:not(.small) { --tile: 96px !important; }
  .wall.big { --tile: 160px !important; } .wall.huge { --tile: 320px !important; }
}
@media (max-width: 640px) and (min-resolution: 3dppx) { .wall.big { --tile: 170.667px !important; } }
"""

# What Pillow raises for a file that is damaged, too large once unpacked, or no picture at all.
UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
PAUSE_MS = 900  # nobody who types is quicker to be done
NO_PICTURE = "That file is not a picture that can be read: take a PNG, JPEG or WebP."

# A template is filled in by Handlebars and then evaluated as a JavaScript template literal. Texts come in
# through `safe`, which disarms both, so the templates take them as they are: {{{ }}}.
# `label` is the one property that Gradio translates before a template sees it.
_CLICK = """
element.addEventListener('click', event => {
  const pressed = event.target.closest('[data-do]');
  if (!pressed) return;
  const tile = pressed.closest('[data-index]');
  trigger('select', {index: Number(tile.dataset.index), action: pressed.dataset.do});
});
"""

_EMPTY = """<div class="wall-empty">{{#if value.empty}}{{{value.empty}}}{{else}}{{label}}{{/if}}</div>"""

_WALL = (
    """
{{#if value.tiles.length}}
<div class="wall {{value.kind}} {{#if value.columns}}fixed{{/if}}"
  style="--tile: {{value.tile}}px; --columns: {{value.columns}}"
  data-copied="{{{value.copied}}}" data-uncopied="{{{value.uncopied}}}">
{{#each value.tiles}}
  <figure class="tile {{#if best}}best{{/if}}" data-index="{{@index}}">
    {{#if still}}<div class="shot" title="{{{hint}}}"><img src="{{src}}" alt="{{{alt}}}"></div>{{else}}
    <button class="shot" data-do="pick" title="{{{hint}}}"><img src="{{src}}" alt="{{{alt}}}"></button>{{/if}}
    {{#if title}}<figcaption>
      {{#if truth}}<img class="truth" src="{{truth}}" alt="{{{real}}}" title="{{{real}}}">{{/if}}
      <span class="title">{{{title}}}</span><span class="note">{{{note}}}</span></figcaption>{{/if}}
    {{#if file}}<div class="do">{{#if seed}}<button data-do="seed">{{{seed}}}</button>{{/if}}
      <button data-copy>{{{copy}}}</button><button data-share hidden>{{{share}}}</button>
      <a href="{{src}}" download="{{file}}">{{{save}}}</a></div>{{/if}}
    {{#if actions.length}}<div class="do">{{#each actions}}<button data-do="{{do}}" title="{{{hint}}}"
      aria-label="{{{hint}}}">{{{sign}}}</button>{{/each}}</div>{{/if}}
  </figure>
{{/each}}
</div>
{{else}}"""
    + _EMPTY
    + "{{/if}}"
)

_FILM = (
    """
{{#if value.frames.length}}
<div class="film {{value.kind}}">
  <img src="{{value.frames.[0]}}" alt="">
  <div class="row"><button data-play aria-label="{{{value.play}}}">&#9654;</button>
    <input class="scrub" type="range" min="0" max="{{value.last}}" value="0" aria-label="{{{value.frame}}}"></div>
  <div class="where" aria-live="off"></div>
</div>
{{else}}"""
    + _EMPTY
    + "{{/if}}"
)

# Scrubbing never asks the server: all frames are in the page already.
_FILM_JS = """
let timer = null, place = 0, ahead = 1, drawn = '';
const frames = () => (props.value && props.value.frames) || [];
const show = i => {
  place = i;
  const find = name => element.querySelector(name);
  if (!find('.film img')) return;
  find('.film img').src = frames()[i];
  find('.film img').alt = props.value.words[i] || '';
  find('.scrub').value = i;
  find('.where').textContent = props.value.words[i] || '';
};
const playing = on => {
  clearInterval(timer); timer = null;
  const button = element.querySelector('[data-play]');
  if (button) button.innerHTML = on ? '&#10073;&#10073;' : '&#9654;';
  if (!on) return;
  timer = setInterval(() => {
    if (!element.isConnected) return playing(false);
    const last = frames().length - 1;
    if (place + ahead > last || place + ahead < 0) ahead = props.value.ping_pong ? -ahead : 1;
    show(props.value.ping_pong ? Math.max(0, Math.min(last, place + ahead)) : (place + 1) % (last + 1));
  }, 1000 / (props.value.fps || 12));
};
// A hand on the slider stops the film. One that does not move it (Home on the first frame) is no input.
for (const touch of ['keydown', 'pointerdown', 'input'])
  element.addEventListener(touch, event => {
    if (!event.target.matches('.scrub') || event.key === 'Tab') return;
    playing(false);
    show(Number(event.target.value));
  });
element.addEventListener('click', event => { if (event.target.closest('[data-play]')) playing(!timer); });
const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
watch('value', () => {
  const same = frames().join() === drawn;
  drawn = frames().join();
  ahead = 1;
  show(same ? place : 0);  // the same film, drawn again or played another way, goes on where it is
  playing(same ? timer !== null : frames().length > 1 && props.value.autoplay && !still);
});
show(0);
"""

_CHIPS = """
{{#if value.words.length}}<div class="chips {{value.kind}}">
<span class="say">{{#if value.say}}{{{value.say}}}{{else}}{{label}}{{/if}}</span>
{{#each value.words}}<span data-index="{{@index}}"><button data-do="{{{this}}}">{{{this}}}</button></span>
{{/each}}</div>{{else}}{{#if value.say}}
<div class="chips {{value.kind}}"><span class="say">{{{value.say}}}</span></div>
{{/if}}{{/if}}
"""


# Somebody who is still typing is not warned: a warning is seen once it has stood for a moment. Its place is kept.
_CHIPS_JS = (
    _CLICK
    + """
watch('value', () => {
  const warning = element.querySelector('.chips.warn');
  if (warning) warning.animate([{visibility: 'hidden'}, {visibility: 'visible'}],
                               {delay: PAUSE, duration: 1, fill: 'backwards'});
});
""".replace("PAUSE", str(PAUSE_MS))
)


# Functions, not subclasses of gr.HTML: for a subclass Gradio writes a .pyi file into the package.


def picture_wall(empty: str, tile: int = 128, tiles: Sequence[Mapping[str, Any]] = (), **kwargs: Any) -> gr.HTML:
    """Tiles with a caption and buttons; `select` carries `index` and `action` ("pick", "seed" or a tile's own).

    `empty` is said where there are no tiles, unless the value says something else.
    """
    return templated(wall(tiles, tile=tile), _WALL, _CLICK, label=t(empty), **kwargs)


def film_player(empty: str, **kwargs: Any) -> gr.HTML:
    """Frames with a scrub slider and a play button, all inside the page."""
    return templated(film([], []), _FILM, _FILM_JS, label=t(empty), **kwargs)


def chip_row(words: Sequence[str] = (), **kwargs: Any) -> gr.HTML:
    """A row of short texts to press; `select` carries the text as `action`."""
    return templated(chips(words), _CHIPS, _CHIPS_JS, label=t("Try"), **kwargs)


def label_row(labels: Sequence[str], opening: Opening, **kwargs: Any) -> gr.HTML:
    """A row of chips that are labels and no prompts: in the visitor's language, so go by `select`'s `index`."""
    row = chip_row(labels, **kwargs)
    opening.offer(row, lambda _: chips([say(label) for label in labels]))
    return row


def templated(value: dict[str, Any], template: str, script: str, **kwargs: Any) -> gr.HTML:
    return gr.HTML(value, html_template=template, js_on_load=script, apply_default_css=False, **kwargs)


def safe(text: str) -> str:
    """A text for a template: neither markup, nor anything to a JavaScript template literal."""
    return html.escape(text).replace("\\", "&#92;").replace("$", "&#36;").replace("`", "&#96;")


def picture_input(**kwargs: Any) -> gr.Image:
    """An image input that hands on a path, also of a file that is no picture: `open_upload` says so."""
    image = gr.Image(type="filepath", image_mode=None, format="png", **kwargs)
    opened = image.preprocess

    def preprocess(payload):
        try:
            return opened(payload)
        except (*UNREADABLE, gr.Error):
            return payload.path

    image.preprocess = preprocess
    return image


def open_upload(path: str | None) -> Image.Image | None:
    """A visitor's picture, whole. Raises ValueError with a sentence for the page."""
    if path is None:
        return None
    try:
        with Image.open(path) as picture:
            picture.load()
            return picture.copy()
    except UNREADABLE:
        raise ValueError(say(NO_PICTURE)) from None


def wall(tiles: Sequence[Mapping[str, Any]], empty: str = "", tile: int = 128, columns: int = 0) -> dict[str, Any]:
    """A value of `picture_wall`; each tile is made by `tile_of`. 0 columns are as many as there is room for.

    `tile` is the pictures' width, best a multiple of their size: then their edges are crisp.
    """
    return {
        "tiles": list(tiles),
        "empty": safe(empty),
        "tile": tile,
        "kind": "huge" if tile >= 300 else "big" if tile >= 200 else "small" if tile < 100 else "",
        "columns": columns,
        "copied": safe(say("Picture copied.")),
        "uncopied": safe(say("The browser does not let this page copy pictures: press “save”, or drag it out.")),
    }


def tile_of(
    picture: str,
    title: str,
    note: str = "",
    *,
    alt: str = "",
    hint: str = "",
    file: str = "",
    truth: str = "",
    best: bool = False,
    still: bool = False,
    seeded: bool = True,
    actions: Sequence[tuple[str, str, str]] = (),
) -> dict[str, Any]:
    """One tile: `picture` and `truth` are data URIs, `file` is the name to save it under ("" for none).

    A press does something, unless it is `still`. A picture that is `seeded` can be drawn from its seed. `actions` are
    small buttons below: the `action` that `select` then carries, a sign, and what it does in words.
    """
    return {
        "src": picture,
        "title": safe(title),
        "note": safe(note),
        "alt": safe(alt or title),
        "hint": safe(hint),
        "file": file,
        "seed": safe(say("use seed")) if seeded else "",
        "copy": safe(say("copy")),
        "share": safe(say("share")),
        "save": safe(say("save")),
        "truth": truth,
        "real": safe(say("a real picture")),
        "best": best,
        "still": still,
        "actions": [{"do": do, "sign": sign, "hint": safe(hint)} for do, sign, hint in actions],
    }


def film(
    frames: Sequence[str],
    words: Sequence[str],
    *,
    fps: float = 12,
    ping_pong: bool = True,
    autoplay: bool = True,
    kind: str = "",
    empty: str = "",
) -> dict[str, Any]:
    """A value of `film_player`: frames are data URIs, `words[i]` stands under frame i; a "sheet" keeps its shape."""
    return {
        "frames": list(frames),
        "words": list(words),
        "last": max(len(frames) - 1, 0),
        "fps": fps,
        "ping_pong": ping_pong,
        "autoplay": autoplay,
        "kind": kind,
        "empty": safe(empty),
        "play": safe(say("play or pause")),
        "frame": safe(say("frame")),
    }


def chips(words: Sequence[str], before: str = "", kind: str = "") -> dict[str, Any]:
    """A value of `chip_row`; `kind` "warn" colours what is said before the chips."""
    return {"words": [safe(word) for word in words], "say": safe(before), "kind": kind}


def png_bytes(picture: Image.Image, about: Mapping[str, str] | None = None) -> bytes:
    """A picture as PNG, with text chunks."""
    chunks = PngImagePlugin.PngInfo()
    for key, value in (about or {}).items():
        chunks.add_itxt(key, value)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=chunks, compress_level=1)
    return buffer.getvalue()


def data_uri(picture: Image.Image, about: Mapping[str, str] | None = None) -> str:
    """A picture as the data URI of its PNG."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(picture, about)).decode()


def small_data_uri(picture: Image.Image) -> str:
    """A picture as the data URI of a lossy WebP, for what is sent again and again."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=75)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
