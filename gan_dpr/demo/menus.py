"""Menus over a prompt: one for each thing that the model's guide can read in it and change."""

from typing import Any

import gradio as gr

from ..worlds.protocol import Guide
from .words import asked_in_korean, say, t

ABOUT = {  # attribute -> what its menu is called, and what it is for
    "concept": ("Concept", "The thing to draw"),
    "orientation": ("Orientation", "Which way up"),
    "tint": ("Tint", "Colour of the thing"),
    "size": ("Size", "Large fills the middle"),
    "position": ("Position", "Where it stands"),
    "background": ("Background", "Plain colour behind"),
    "style": ("Style", "Whose drawing"),
}
OTHER = "A part of the prompt"


def attributes(guide: Guide | None) -> list[str]:
    """What there is a menu for, the thing first."""
    return list(guide.labels("")) if guide else []


def menu(guide: Guide, attribute: str, prompt: str) -> gr.Dropdown:
    """The menu of one attribute, inside the current Blocks."""
    name, info = ABOUT.get(attribute, (attribute.capitalize(), OTHER))
    return gr.Dropdown(
        **shown(guide, attribute, prompt), label=t(name), info=t(info), min_width=165, elem_id=f"menu-{attribute}"
    )


def shown(guide: Guide | None, attribute: str, prompt: str) -> dict[str, Any]:
    """What a menu shows of a prompt: hidden where there is no guide, or nothing to choose."""
    if guide is None or attribute not in guide.labels(""):
        return {"choices": [], "value": None, "visible": False}
    choices = _choices(guide, attribute)
    label = guide.labels(prompt)[attribute]
    known = label if label in [value for _, value in choices] else None
    return {"choices": choices, "value": known, "visible": len(choices) > 1}


def translated(guide: Guide, attribute: str) -> gr.Dropdown:
    """The menu in the language of the browser that asked; what is chosen stays."""
    return gr.Dropdown(choices=_choices(guide, attribute))


def _choices(guide: Guide, attribute: str) -> list[tuple[str, str]]:
    """(what is shown, value), shown in the language of the browser that asked; English while a page is built."""
    if attribute in guide.menus:
        return [(say(label), label) for label in guide.menus[attribute]]
    names = guide.korean_names if asked_in_korean() else guide.names
    return sorted((name, key) for key, name in names.items())


def edited(guide: Guide | None, prompt: str, attribute: str, label: str | None) -> str | None:
    """The prompt with a menu's choice; None where the menu says what the prompt says already.

    A menu that is opened and left again reports a choice, too.
    """
    if guide is None or label is None or guide.labels(prompt).get(attribute) == label:
        return None
    return guide.edited(prompt, attribute, label)
