"""Drawing for a visitor, and what brings a drawing back: a link, or a file that was saved here."""

import zipfile
from dataclasses import dataclass

import gradio as gr
import torch
from PIL import Image

from ..pipeline import PipelineOutput
from .downloads import new_file
from .links import Link, copied, number_of
from .pictures import UNREADABLE, png_bytes
from .prompts import MAX_LENGTH, check_prompt, check_range
from .studio import Studio
from .words import say

MAX_IMAGES, MAX_BEST_OF, MAX_SEED, MAX_TRUNCATION = 16, 16, 2**53 - 1, 2.0
IMAGES = 4  # on a first visit
NOTHING = "Type a prompt to see pictures."
MODELS = ("the shipped one", "mine, from Mini-train")

LINK = Link(("prompt", "seed", "n", "truncation", "best_of"), {"n": IMAGES, "truncation": 1, "best_of": 1})


@dataclass(frozen=True)
class Settings:
    """All that draws the same pictures again; `model` is one of MODELS."""

    prompt: str
    n: int
    seed: int
    truncation: float
    best_of: int
    model: str


@dataclass(frozen=True)
class Drawn:
    """What the page shows now, kept in the visitor's session; `model` is the checkpoint's name."""

    settings: Settings
    model: str
    out: PipelineOutput

    @property
    def prompt(self) -> str:
        return self.settings.prompt

    def about(self, i: int) -> dict[str, str]:
        """Text chunks of picture i: all that draws it again."""
        return about(self.prompt, self.out.seeds[i], self.model, self.settings.truncation)


def about(prompt: str, seed: int, model: str, truncation: float) -> dict[str, str]:
    """Text chunks of a picture: those that the command line writes, and the truncation."""
    return {"prompt": prompt, "seed": str(seed), "checkpoint": model, "truncation": f"{truncation:g}"}


def draw(studio: Studio, prompt: str, n: int, seed: int, truncation: float, best_of: int) -> PipelineOutput:
    """Pictures of a prompt. Raises ValueError with a sentence for the page."""
    prompt = check_prompt(prompt)
    for name, value, low, high in (
        ("Number of pictures", n, 1, MAX_IMAGES),
        ("Best of", best_of, 1, MAX_BEST_OF),
        ("Seed", seed, 0, MAX_SEED),
        ("Truncation", truncation, 0, MAX_TRUNCATION),
    ):
        check_range(name, value, low, high)
    if best_of == 1:
        return studio.together(prompt, list(range(int(seed), int(seed) + int(n))), truncation)
    source = torch.Generator().manual_seed(int(seed))
    return studio.together.alone(
        prompt, num_images_per_prompt=int(n), generator=source, truncation=truncation, best_of=int(best_of)
    )


def zipped(drawn: Drawn | None) -> str:
    """The path of a zip with the pictures that are shown."""
    if drawn is None:
        raise gr.Error(say(NOTHING), print_exception=False)
    path = new_file("gan-dpr-pictures.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for i, image in enumerate(drawn.out.images):
            archive.writestr(f"{i:02d}_seed_{drawn.out.seeds[i]}.png", png_bytes(image, drawn.about(i)))
    return str(path)


def settings_of(path: str | None, model: str) -> tuple[str, str, int, float]:
    """What to say, prompt, seed and truncation of a picture that was saved here, to be drawn by `model`.

    Raises ValueError with a sentence for the page.
    """
    try:
        with Image.open(path or "") as picture:
            chunks = dict(getattr(picture, "text", {}))
        prompt, seed, truncation = chunks["prompt"], int(chunks["seed"]), float(chunks.get("truncation", 1))
    except (KeyError, *UNREADABLE):
        raise ValueError(
            say("That picture holds no prompt and seed: open a PNG that was saved from this page.")
        ) from None
    check_range("Seed", seed, 0, MAX_SEED)
    check_range("Truncation", truncation, 0, MAX_TRUNCATION)
    if chunks.get("checkpoint") == model:
        said = say("Its settings are back: these are its pixels.")
    else:
        said = say("Its settings are back, but another model drew it: these are not its pixels.")
    return said, check_prompt(prompt), seed, truncation


def link_copied(left: str, *others) -> None:
    """As `copied`; the last of `others` is the model that draws now."""
    if not left and others[-1] == MODELS[1]:
        gr.Warning(say("Link copied, but your own model is not in it: the shipped one will draw."), duration=6)
    else:
        copied(left)


def from_link(request: gr.Request) -> list:
    """Prompt, seed, number, truncation and best-of from the page's address; what it does not say stays as it is."""
    query = request.query_params
    prompt = query.get("prompt", "")[:MAX_LENGTH].strip() or gr.skip()
    numbers = (("seed", 0, MAX_SEED, int), ("n", 1, MAX_IMAGES, int), ("truncation", 0, MAX_TRUNCATION, float),
               ("best_of", 1, MAX_BEST_OF, int))  # fmt: skip
    return [prompt, *(number_of(query.get(name, ""), *bounds) for name, *bounds in numbers)]
