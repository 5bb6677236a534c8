"""What the retriever reads in a picture: the likeliest things with bars, beside real pictures of them."""

from typing import Any

import gradio as gr
from PIL import Image

from .pictures import data_uri, safe, templated
from .prompts import told
from .studio import Studio
from .words import say

SHOWN = 3
SURE = 0.5  # below it the first is more likely wrong than right

CSS = """
.read { font-size: .84rem; line-height: 1.3; }
.read p { margin: 0 0 6px; color: var(--body-text-color-subdued); }
.read ol { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 10px 18px;
  margin: 0; padding: 0; list-style: none; }
.read li { display: flex; gap: 10px; align-items: center; }
.read img { flex: none; width: 64px; height: 64px; border-radius: 8px; image-rendering: pixelated; }
.read li > span { flex: 1; min-width: 0; }
.read b { display: flex; gap: 8px; align-items: center; margin-top: 4px; font-variant-numeric: tabular-nums; }
.read u { flex: 1; height: 6px; border-radius: 3px; overflow: hidden; background: var(--border-color-primary); }
.read i { display: block; height: 100%; background: var(--ink-d); }
"""

_READ = """
{{#if value.say}}<div class="read" aria-live="polite"><p>{{{value.say}}}</p>
{{#if value.things.length}}<ol>{{#each value.things}}
  <li>{{#if src}}<img src="{{src}}" alt="{{{alt}}}" width="64" height="64">{{/if}}
  <span>{{{caption}}}<b><u><i style="width: {{percent}}%"></i></u>{{percent}}%</b></span></li>
{{/each}}</ol>{{/if}}</div>{{/if}}
"""


def read_back(**kwargs: Any) -> gr.HTML:
    """Where a value of `read` is shown, inside the current Blocks."""
    return templated(only_said(""), _READ, "", **kwargs)


def read(studio: Studio, image: Image.Image, heading: str) -> dict[str, Any]:
    """What the retriever reads in a picture, for `read_back`; nothing where its world has no words for pictures.

    Below the heading stand the likeliest captions, each with its probability and, where the world's pictures are here,
    with one that it is true of. Where even the first is improbable that is said.
    """
    found = studio.pipeline.described(image, SHOWN)
    if not found:
        return only_said("")
    things = []
    for probability, caption in found:
        real, words = studio.real_picture(caption.scene), told(studio.guide, caption.text)
        things.append({
            "caption": safe(words),
            "percent": round(100 * probability),
            "src": "" if real is None else data_uri(real),
            "alt": safe(say("{prompt}, a real picture", prompt=words)),
        })  # fmt: skip
    doubt = "" if found[0][0] >= SURE else say("The retriever is not sure.")
    return {"say": safe(f"{heading} {doubt}".rstrip()), "things": things}


def only_said(sentence: str) -> dict[str, Any]:
    """A value of `read_back` without any things; "" shows nothing."""
    return {"say": safe(sentence), "things": []}
