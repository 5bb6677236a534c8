"""Checks of what a visitor enters, and what the page says beside a prompt."""

import re
from dataclasses import dataclass, replace

from ..pipeline import GanDprPipeline
from ..worlds.protocol import Guide
from .words import asked_in_korean, say

MAX_LENGTH = 300
REMARKS = {  # kind of a guide's remark -> the sentence, and whether it is a warning
    "hidden": ("A {tint} {name} on {tint} can hardly be seen: change one colour.", "warn"),
    "no upright": ("Every {name} that it was trained on stood upright, so it may ignore the turn.", "warn"),
    "not understood": ("Not understood: {words}. The rest is drawn.", "warn"),
    "held out": ("Kept out of training: no {what} was ever shown to it. It has to combine what it knows.", ""),
}


@dataclass(frozen=True)
class Remark:
    """A sentence beside the prompt and prompts to press instead; `kind` is "warn" or ""."""

    sentence: str = ""
    words: tuple[str, ...] = ()
    kind: str = ""


def told(guide: Guide | None, caption: str) -> str:
    """A caption of the model's world in the language of the page."""
    return guide.in_korean(caption) if guide is not None and asked_in_korean() else caption


def read_as(pipeline: GanDprPipeline, prompt: str, beside: Remark) -> Remark:
    """The remark, after what the model reads where that is not the prompt as it was typed."""
    read = pipeline.world.understood(prompt)
    shown = told(pipeline.guide, read)
    for text in (read, shown):
        if prompt.startswith(text) and not re.search(r"\w", prompt[len(text) :]):  # marks at its end are not read
            return beside
    said = say("Read as: {caption}.", caption=shown)
    return replace(beside, sentence=f"{said} {beside.sentence}".rstrip())


def check_prompt(text: str | None) -> str:
    """The prompt without surrounding blanks. Raises ValueError with a sentence for the page."""
    text = (text or "").strip()
    if not text:
        raise ValueError(say("Type what to draw, for example: a large red octopus on a yellow background."))
    if len(text) > MAX_LENGTH:
        raise ValueError(
            say("That prompt has {n} letters; at most {most} are read. Shorten it.", n=len(text), most=MAX_LENGTH)
        )
    return text


def check_range(name: str, value: float | None, low: float, high: float) -> None:
    """Raises ValueError with a sentence for the page where a number is missing or out of its range."""
    if value is None or not low <= value <= high:
        raise ValueError(say("{name}: take a number from {low} to {high}.", name=say(name), low=low, high=high))


def remark(pipeline: GanDprPipeline, prompt: str) -> Remark:
    """What to say beside a prompt, which is not blank; nothing where the model's world has no guide."""
    guide = pipeline.guide
    if guide is None:
        return Remark()
    thing = guide.unknown_thing(prompt)
    if thing is not None:
        words = tuple(guide.with_thing(prompt, key) for key in pipeline.nearest_things(thing))
        said = say(
            "This model has never seen “{noun}”, so it draws the first of what comes nearest:", noun=thing[:40]
        )
        return Remark(said, words, "warn")
    found = guide.remark(prompt)
    if found is None or found.kind not in REMARKS:
        return Remark()
    sentence, kind = REMARKS[found.kind]
    words = {name: _said(guide, name, value) for name, value in found.words.items()}
    return Remark(say(sentence, **words), (), kind)


def _said(guide: Guide, name: str, value: str) -> str:
    """A part of a guide's remark in the language of the page; "words" are the visitor's own."""
    return value if name == "words" else say(value) if name == "tint" else told(guide, value)
