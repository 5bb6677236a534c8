"""What a visitor sees first: a wall of small drawings that changes slowly, and the one that was never shown.

Both are drawn once, for the first visitor after a start, and are then the same for all.
"""

from dataclasses import dataclass
from functools import cached_property

import gradio as gr
import torch
from PIL import Image

from .drawing import MODELS
from .pictures import data_uri, safe, small_data_uri, templated
from .prompts import told
from .studio import MODEL_QUEUE, Studio
from .words import say

SHOWN = 48  # drawings on the wall at once; the others take turns
HEADLINE_SEED = 0

CSS = """
#mosaic { min-height: 237px; }
.mosaic { display: grid; grid-template-columns: repeat(auto-fill, 64px); gap: 6px; justify-content: center; }
.mosaic button { padding: 0; border: 0; background: none; cursor: pointer; border-radius: 8px; overflow: hidden; }
.mosaic img { display: block; width: 64px; height: 64px; transition: opacity .6s steps(8); }
.mosaic button:hover { outline: 2px solid var(--ink-g); }
.mosaic button:focus-visible { outline: 3px solid var(--ink-d); outline-offset: 1px; }
.mosaic-head { display: flex; align-items: center; gap: 10px; margin: 2px 0 8px; font-size: .88rem;
  color: var(--body-text-color-subdued); }
.mosaic-head button { margin-left: auto; border: 0; background: none; cursor: pointer; color: inherit;
  text-decoration: underline; padding: 2px 4px; white-space: nowrap; }
#headline { min-height: 88px; }
.headline { display: flex; align-items: center; gap: 10px; width: 100%; height: 100%; padding: 11px 12px;
    border-radius: 12px;
  border: 1px solid var(--border-color-primary); background: var(--block-background-fill); cursor: pointer;
  text-align: left; color: var(--body-text-color); font-size: .86rem; line-height: 1.35; }
.headline:hover { border-color: var(--ink-g); }
.headline:focus-visible { outline: 3px solid var(--ink-d); outline-offset: 1px; }
.headline img { width: 64px; height: 64px; border-radius: 8px; flex: none; }
.headline b { color: var(--ink-g); }
@media (max-width: 640px) { .mosaic button:nth-child(n+46) { display: none; } #mosaic { min-height: 700px; } }
"""

_MOSAIC = """
{{#if value.tiles.length}}
<div class="mosaic-head"><span>{{{value.say}}}</span>
  <button data-still aria-pressed="false">{{{value.pause}}}</button></div>
<div class="mosaic" role="toolbar" aria-label="{{{value.say}}}">
{{#each value.first}}<button data-index="{{@index}}" tabindex="{{#if @index}}-1{{else}}0{{/if}}"
  title="{{{words}}}"><img src="{{src}}" alt="{{{words}}}" width="64" height="64"></button>{{/each}}
</div>{{/if}}
"""
# One stop for Tab, arrows move inside; every few seconds one drawing is exchanged for one that waits. Nothing moves
# while it is looked at closely, or for who asked the browser or the wall for stillness.
_MOSAIC_JS = """
const PACE = 2500, still = matchMedia('(prefers-reduced-motion: reduce)');
let waiting = [], paused = false;
const tiles = () => [...element.querySelectorAll('.mosaic button')].filter(tile => tile.offsetParent);
const begin = () => {
  waiting = ((props.value || {}).tiles || []).map((_, i) => i).slice(((props.value || {}).first || []).length);
};
const exchange = () => {
  const wall = element.querySelector('.mosaic');
  if (!wall || paused || still.matches || document.hidden || !waiting.length) return;
  if (wall.matches(':hover') || wall.contains(document.activeElement)) return;
  const tile = tiles()[Math.floor(Math.random() * tiles().length)];
  if (!tile) return;
  const next = waiting.shift(), image = tile.querySelector('img'), {src, words} = props.value.tiles[next];
  waiting.push(Number(tile.dataset.index));
  image.style.opacity = 0;
  setTimeout(() => {
    tile.dataset.index = next;
    tile.title = image.alt = new DOMParser().parseFromString(words, 'text/html').body.textContent;
    image.src = src;
    image.style.opacity = 1;
  }, 600);
};
const timer = setInterval(() => element.isConnected ? exchange() : clearInterval(timer), PACE);
element.addEventListener('click', event => {
  const pause = event.target.closest('[data-still]'), tile = event.target.closest('.mosaic button');
  if (pause) {
    paused = !paused;
    pause.setAttribute('aria-pressed', paused);
  }
  if (!tile) return;
  trigger('select', {index: Number(tile.dataset.index)});
  const behavior = still.matches ? 'auto' : 'smooth', pictures = document.querySelector('#pictures');
  if (pictures.getBoundingClientRect().top < 0) pictures.scrollIntoView({behavior, block: 'start'});
});
element.addEventListener('keydown', event => {
  const all = tiles(), here = all.indexOf(document.activeElement);
  if (here < 0) return;
  const columns = getComputedStyle(element.querySelector('.mosaic')).gridTemplateColumns.split(' ').length;
  const way = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns,
               Home: -here, End: all.length - 1 - here}[event.key];
  if (way === undefined) return;
  event.preventDefault();
  const there = all[here + way];
  if (!there) return;
  all[here].tabIndex = -1;
  there.tabIndex = 0;
  there.focus();
});
watch('value', begin);
begin();
"""
_HEADLINE = """
{{#if value.words}}<button class="headline"><img src="{{value.real}}" alt="{{{value.shown}}}" width="64" height="64">
<span>{{{value.words}}} <b>{{{value.press}}}</b></span>
<img src="{{value.drawn}}" alt="{{{value.prompt}}}" width="64" height="64"></button>{{/if}}
"""
_HEADLINE_JS = """
element.addEventListener('click', event => { if (event.target.closest('.headline')) trigger('select', {index: -1}); });
"""


@dataclass(frozen=True)
class Small:
    """A small drawing: what draws it again, and its picture as a data URI."""

    prompt: str
    seed: int
    picture: str


class FirstScreen:
    """The wall and the headline of a studio's model. `headline` and `mosaic` lay them out, `wire` fills them."""

    def __init__(self, studio: Studio):
        self.studio = studio

    @cached_property
    def drawings(self) -> list[Small]:
        """All drawings of the wall, drawing i with seed i."""
        prompts = list(self.studio.examples.wall)
        out = self.studio.pipeline(prompts, generator=torch.Generator().manual_seed(0))
        return [
            Small(prompt, seed, small_data_uri(image))
            for prompt, seed, image in zip(prompts, out.seeds, out.images, strict=True)
        ]

    @cached_property
    def never_shown(self) -> tuple[Small, str] | None:
        """What training never showed, and a real picture of the same thing; None where the world has no such thing."""
        pipeline, showpiece = self.studio.pipeline, self.studio.pipeline.world.showpiece
        if showpiece is None:
            return None
        prompt, words = showpiece
        main = pipeline.world.attributes[0]
        real = next((entry for entry in pipeline.world.gallery() if entry.get(main) == words[main]), None)
        if real is None:
            return None
        drawn = pipeline(prompt, generator=torch.Generator().manual_seed(HEADLINE_SEED)).images[0]
        picture = Image.fromarray(pipeline.world.gallery_picture(real, pipeline.image_size))
        return Small(prompt, HEADLINE_SEED, data_uri(drawn)), data_uri(picture)

    def headline(self) -> None:
        """Lay out the headline inside the current Blocks."""
        self.shown_headline = templated({}, _HEADLINE, _HEADLINE_JS, elem_id="headline")

    def mosaic(self) -> None:
        """Lay out the wall inside the current Blocks."""
        self.shown_wall = templated({}, _MOSAIC, _MOSAIC_JS, elem_id="mosaic")

    def wire(self, opened: gr.events.Dependency, controls: list[gr.components.Component]) -> None:
        """Fill both after `opened`, the first drawing of a page: the first visitor would else wait for the wall, too.

        A press sets `controls`: prompt, seed, truncation, best-of and model.
        """
        private = {"api_visibility": "private", "show_progress": "hidden"}
        opened.then(self._fill, None, [self.shown_headline, self.shown_wall], **MODEL_QUEUE, **private)
        for shown in (self.shown_headline, self.shown_wall):
            shown.select(self._taken, None, controls, queue=False, **private)

    def _fill(self) -> tuple[dict, dict]:
        return self._headline(), self._wall()

    def _headline(self) -> dict:
        if self.never_shown is None:
            return {}
        drawn, real = self.never_shown
        return {
            "drawn": drawn.picture,
            "real": real,
            "shown": say("a real picture"),
            "prompt": (prompt := told(self.studio.guide, drawn.prompt)),
            "words": say("It was shown this, and never “{prompt}”.", prompt=prompt),
            "press": say("Press: it draws one."),
        }

    def _wall(self) -> dict:
        prompts = self.studio.offered().wall
        tiles = [
            {"src": one.picture, "words": safe(prompt)} for one, prompt in zip(self.drawings, prompts, strict=True)
        ]
        return {
            "tiles": tiles,
            "first": tiles[:SHOWN],
            "say": say("All of these are its own drawings. Press one to make it yours."),
            "pause": say("hold still"),
        }

    def _taken(self, event: gr.EventData) -> list:
        i = int(event.index)
        if i < 0 and self.never_shown is not None:
            taken = self.never_shown[0]
            prompt = told(self.studio.guide, taken.prompt)
        elif 0 <= i < len(self.drawings):
            taken, prompt = self.drawings[i], self.studio.offered().wall[i]
        else:
            return [gr.skip()] * 5
        return [prompt, taken.seed, 1, 1, MODELS[0]]
