"""A first visit's walkthrough: three short steps on each tab, gone for good when they have been read."""

import gradio as gr

from .words import t

CSS = """
.guide { display: flex; gap: 4px 18px; align-items: center; padding: 8px 14px; font-size: .88rem;
  border-radius: 12px; border: 1px solid var(--ink-g); background: var(--block-background-fill); }
.guide ol { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 0; padding: 0; list-style: none; flex: 1; }
.guide li { counter-increment: step; }
.guide li::before { content: counter(step); margin-right: 7px; font-weight: 700; color: var(--ink-g); }
.guide button { border: 0; background: none; cursor: pointer; font-weight: 600; color: var(--ink-g); padding: 4px;
  white-space: nowrap; }
.block:has(.guide[hidden]) { display: none !important; }
.guide[hidden] { display: none; }
#masthead button { margin-left: auto; width: 30px; height: 30px; border-radius: 50%; cursor: pointer;
  border: 1px solid var(--border-color-primary); background: none; color: var(--body-text-color-subdued); }
"""

STEPS = {
    "generate": (
        "Type: it draws with every letter.\n"
        "Press a picture to see what the retriever reads in it.\n"
        "Keep what you like: its seed, its file or a link."
    ),
    "interpolate": (
        "Write one prompt on each line.\n"
        "Drag the slider: all frames are here already.\n"
        "Grid and Arithmetic show what prompt and noise decide."
    ),
    "retrieve": (
        "Ask in words, with a picture, or with both.\n"
        "Press a result to search with it.\n"
        "Nothing close? Let it be drawn."
    ),
    "mini-train": (
        "Press Start: twelve drawings grow out of noise within a minute or two.\n"
        "Move a slider meanwhile: the verdict says who is winning.\n"
        "Take the model along: download it, or draw with it in Generate."
    ),
}  # fmt: skip

_GUIDE = """
<div class="guide" role="note" hidden><ol>${(value || '').split('\\n').map(step => `<li>${step}</li>`).join('')}</ol>
<button>{{label}}</button></div>
"""
# What was read is remembered in the browser alone, where it lets a page remember anything.
_READ = """
const read = {
  key: tab => 'gan-dpr-read-' + tab,
  has: tab => { try { return localStorage.getItem(read.key(tab)) !== null; } catch { return false; } },
  set: (tab, on) => {
    try { on ? localStorage.setItem(read.key(tab), 'yes') : localStorage.removeItem(read.key(tab)); } catch {}
  },
};
"""
_GUIDE_JS = _READ + """
const note = () => element.querySelector('.guide');
note().hidden = read.has(props.tab);
element.addEventListener('click', event => {
  if (!event.target.matches('button')) return;
  read.set(props.tab, true);
  note().hidden = true;
});
"""
_AGAIN_JS = _READ + """
element.querySelector('button').addEventListener('click', () => {
  props.tabs.forEach(tab => read.set(tab, false));
  document.querySelectorAll('.guide').forEach(note => { note.hidden = false; });
});
"""


def guide(tab: str) -> gr.HTML:
    """The steps of a tab, inside the current Blocks."""
    return gr.HTML(t(STEPS[tab]), html_template=_GUIDE, js_on_load=_GUIDE_JS, apply_default_css=False, tab=tab,
                   label=t("Got it"), elem_id=f"guide-{tab}")  # fmt: skip


def masthead() -> gr.HTML:
    """The name of the page, what it is, and a button that shows the steps again."""
    return gr.HTML(
        t("A text-to-image GAN whose discriminator is a search engine."),
        html_template='<div id="masthead"><h1>GAN<span>-</span>DPR</h1><p>${value}</p>'
        '<button title="{{label}}" aria-label="{{label}}">?</button></div>',
        js_on_load=_AGAIN_JS,
        apply_default_css=False,
        tabs=list(STEPS),
        label=t("Show the first steps again"),
    )
