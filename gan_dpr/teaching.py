"""New things for a finished model: a few pictures of one thing become a concept that it draws.

No weight of the model is changed. The thing gets a key, by which the generator knows it in a text, and for each picture
a map, from which the frozen canvas draws it (`networks.taught`). Tint, turn, size, place and background are the parts'
that read them already.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .checkpoint import Models
from .config import GeneratorConfig
from .files import replacing
from .networks.canvas import Canvas
from .networks.composition import premultiplied
from .networks.generator import Generator
from .networks.memory import KINDS, Memory
from .pipeline import GALLERY, GanDprPipeline
from .worlds.emoji.captions import renamed
from .worlds.emoji.concepts import CONCEPTS
from .worlds.emoji.cutout import cut_out
from .worlds.emoji.english import DETERMINERS
from .worlds.emoji.prompts import understood
from .worlds.emoji.reading import read_prompt
from .worlds.emoji.render import extent, filling
from .worlds.emoji.world import EmojiWorld

MOST = 20  # pictures of a thing
LONGEST = 40  # letters of its name
CAPTIONS = 512  # for the key; half as many again are kept apart to measure it
KEY_STEPS, KEY_RATE, KEY_SHARPNESS = 200, 0.02, 50.0  # softer than the memory's: so there is room on both sides
MAP_STEPS, MAP_RATE, FINISH_RATE = 500, 0.1, 0.03
PLAIN = "item"  # stands for a name
HEARD = 0.9  # of the texts that name the thing: with less another name is better


def teach(
    pipeline: GanDprPipeline,
    name: str,
    pictures: Sequence[Any],
    progress: Callable[[int, int], None] | None = None,
) -> GanDprPipeline:
    """A pipeline that also draws `name`, in any tint, turn, size, place and on any background.

    All else is drawn as before, and the retriever is the same: it has not learnt the thing. `world.taught[name]` of the
    result says how it went: "pictures", "skipped" (file and reason), "error" (of the drawings, mean absolute difference
    inside the object, of 255), "heard" and "misheard" (shares of other texts with and without the name that the
    generator takes for it).

    Args:
        pipeline: of emoji scenes, with a memory; it stays as it is.
        name: how prompts shall call it, such as "my dog". Colours, sizes and places cannot be part of a name.
        pictures: 1 to 20 of the one thing, whatever `worlds.pictures.decode` reads: cut out (transparent) or on a plain
            background. The model draws it as in any of them.
        progress: called after each step with (done, all).

    Raises:
        ValueError: with a sentence, where the model cannot be taught, or the name or all pictures cannot be used.
    """
    name = _checked(name, pipeline)
    most = min(MOST, pipeline.generator.parts["style"].noise_dim)  # one number of noise speaks for each
    if not 1 <= len(pictures) <= most:
        raise ValueError(f"Give 1 to {most} pictures of {name}, not {len(pictures)}.")
    drawings, skipped = [], []
    for picture in pictures:
        try:
            drawings.append(cut_out(picture))
        except ValueError as error:
            named = Path(picture).name if isinstance(picture, str | Path) else "a picture"
            skipped.append([named, str(error)])
    if not drawings:
        raise ValueError(f"None of the pictures can be used: {skipped[0][0]} {skipped[0][1]}.")
    generator, size = pipeline.generator, pipeline.image_size
    key, heard, misheard = _key(pipeline, name)
    targets = torch.from_numpy(np.stack([filling(drawing, size) for drawing in drawings]))
    targets = targets.permute(0, 3, 1, 2).float().div(255).to(generator.device)
    maps, finishes, error = _maps(generator, targets, progress)

    before = generator.config.taught
    made = Generator(GeneratorConfig.from_dict(generator.config.to_dict() | {"taught": [*before, len(drawings)]}))
    more = {"keys": key[None], "maps": maps, "finishes": finishes,
            "extents": torch.tensor([extent(drawing) for drawing in drawings])}  # fmt: skip
    state = generator.state_dict()
    for part, rows in more.items():
        known = [state[f"taught.{part}"]] if before else []
        state[f"taught.{part}"] = torch.cat([*known, rows.to(generator.device)])
    made.load_state_dict(state)
    made.to(generator.device).eval().requires_grad_(False)
    facts = {"pictures": len(drawings), "skipped": skipped, "error": round(error, 1),
             "heard": round(heard, 3), "misheard": round(misheard, 4)}  # fmt: skip
    world = replace(pipeline.world, taught=pipeline.world.taught | {name: facts})
    config = pipeline.config | {
        "generator": made.config.to_dict(), "world": world.to_dict(),
        "taught_from": pipeline.config.get("taught_from", pipeline.name),
    }  # fmt: skip
    models = Models(made, pipeline.retriever, pipeline.text_tower, config)
    taught = GanDprPipeline(models, pipeline.name, world, pipeline.folder / GALLERY if pipeline.folder else None)
    taught.folder = pipeline.folder
    return taught


CARD = """
## Taught afterwards

{rows}

Learnt by `python -m gan_dpr teach`, without a change to any weight: all else is drawn as by {source}, whose figures
stand above. Tint, turn, size, place and background of a taught thing can be said like any other's; a style cannot. The
retriever has not learnt it, and finds it in no gallery.
"""
ROW = (
    "- **{name}**, from {pictures} pictures. Its drawings are {error:.1f} of 255 from them. Of other texts that say "
    "the name, {heard:.0%} are understood; of texts that do not, {misheard:.1%} are mistaken for it."
)


def save_taught(pipeline: GanDprPipeline, folder: Path) -> None:
    """Write a taught model's checkpoint folder; its card says so below what the card before says."""
    pipeline.save_pretrained(folder)
    card = folder / "README.md"
    before = card.read_text(encoding="utf-8") if card.is_file() else f"# {pipeline.name}\n"
    before = before.partition(CARD.partition("{")[0])[0].rstrip() + "\n"  # an earlier lesson's, which is in the list
    rows = "\n".join(ROW.format(name=name, **facts) for name, facts in pipeline.world.taught.items())
    with replacing(card) as part:
        part.write_text(before + CARD.format(rows=rows, source=pipeline.config["taught_from"]), encoding="utf-8")


def can_be_taught(pipeline: GanDprPipeline) -> bool:
    """Whether it is a finished model of emoji scenes: one with a memory."""
    return isinstance(pipeline.world, EmojiWorld) and pipeline.generator.memory is not None


def _checked(name: str, pipeline: GanDprPipeline) -> str:
    """The name with single blanks. ValueError where the model, or a prompt, can do nothing with it."""
    if not can_be_taught(pipeline):
        raise ValueError("Only a finished model of emoji scenes can be taught, such as checkpoints/emoji-64.")
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST or not any(letter.isalpha() for letter in name) or "," in name:
        raise ValueError(f"A name has 1 to {LONGEST} letters and no comma, not {name!r}.")
    tokenizer = pipeline.text_tower.tokenizer
    if tokenizer.unk_token_id in tokenizer(name)["input_ids"]:
        raise ValueError(f"The text encoder cannot read {name!r}: choose a name in Latin letters.")
    said = read_prompt(name)
    concept = said.pop("concept", None)
    if said:
        raise ValueError(f"A prompt with {name!r} also says its {next(iter(said))}: leave that word out of the name.")
    known = {known.lower() for known in pipeline.world.taught}
    if concept is not None:
        known |= {word.lower() for word in (concept, CONCEPTS[concept].name, *CONCEPTS[concept].synonyms)}
    if name.lower() in known:
        raise ValueError(f"This model knows {name!r} already: choose another name, such as 'my {name}'.")
    return name


def _key(pipeline: GanDprPipeline, name: str) -> tuple[torch.Tensor, float, float]:
    """The key (thing_dim,) of a name, and the shares of other texts that it hears rightly and wrongly.

    It is what tells, by cosine, the codes of texts with the name from those of all other texts.
    """
    rng = np.random.default_rng(0)
    names = {*pipeline.world.taught, name}
    codes = [
        _codes(pipeline, [understood(text, names) for text in texts])
        for texts in _texts(pipeline.world, name, CAPTIONS + CAPTIONS // 2, rng)
    ]
    (asked, asked_apart), (other, other_apart) = ((code[:CAPTIONS], code[CAPTIONS:]) for code in codes)
    generator = pipeline.generator
    known = generator.memory.keys["thing"].data
    if generator.taught is not None:
        known = torch.cat([known, generator.taught.keys])
    known = F.normalize(known, dim=1)
    key = asked.mean(0).clone().requires_grad_()
    optimizer = torch.optim.Adam([key], lr=KEY_RATE)
    for _ in range(KEY_STEPS):
        direction = F.normalize(key, dim=0)
        lead = [KEY_SHARPNESS * code @ direction - (KEY_SHARPNESS * code @ known.T).logsumexp(1)
                for code in (asked, other)]  # fmt: skip
        loss = F.softplus(-lead[0]).mean() + F.softplus(lead[1]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    key = key.detach()
    every = torch.cat([known, F.normalize(key, dim=0)[None]])
    heard, misheard = ((Memory.SHARPNESS * code @ every.T).softmax(1)[:, -1].gt(0.5).float().mean().item()
                       for code in (asked_apart, other_apart))  # fmt: skip
    return key, heard, misheard


def _texts(world: EmojiWorld, name: str, n: int, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """`n` texts that ask for the thing, as people do, and `n` that ask for something else, some of it called alike."""
    captions = [world.caption(scene, rng) for scene in world.scenes(2 * n, rng)]
    determiner = name.partition(" ")[0]
    asking, others = [], []
    for i, caption in enumerate(captions[:n]):
        text = renamed(caption, name)
        if i % 4 == 0:
            text = re.sub(r"\ban? ", "", text)
        elif i % 8 == 2:  # "a small red my dog", as menus write it into a prompt
            text = renamed(caption, PLAIN).replace(PLAIN, name)
        asking.append(name if i % 16 == 1 else text)
    rivals = list(world.taught)
    for i, caption in enumerate(captions[n:]):
        text, called = caption.text, CONCEPTS[caption.scene.object.concept].name
        if i % 8 == 0 and rivals:
            text = renamed(caption, rivals[i // 8 % len(rivals)])
        elif i % 2 == 0 and determiner in DETERMINERS and determiner != name:  # "my cat" is not "my dog"
            text = renamed(caption, f"{determiner} {called}")
        others.append(called if i % 16 == 1 else text)
    return asking, others


@torch.no_grad()
def _codes(pipeline: GanDprPipeline, texts: list[str]) -> torch.Tensor:
    """(N, thing_dim): what the generator's part for things reads in N texts, as unit vectors."""
    text = pipeline.text_tower.encode(texts)
    code = pipeline.generator.pools["thing"](text.states, text.mask, pipeline.generator.whitening)[:, 0]
    return F.normalize(code, dim=1)


def _maps(
    generator: Generator, targets: torch.Tensor, progress: Callable[[int, int], None] | None
) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Maps (P, map_size) and finishes (P, code_dim) with which the canvas draws P targets, and how far it is from them.

    Args:
        targets: (P, 4, S, S) in [0, 1], straight alpha.
    """
    canvas, memory = generator.canvas, generator.memory
    with torch.no_grad():  # it begins with what is common to all that the model draws
        things, styles = (memory.codes[kind] for kind in KINDS)
        middle = canvas.sketched(torch.cat([things, styles.mean(0).expand(len(things), -1)], 1)).mean(0)
        finish = torch.cat([things.mean(0), styles.mean(0)])
    maps, finishes = (start.repeat(len(targets), 1).requires_grad_() for start in (middle, finish))
    optimizer = torch.optim.Adam(
        [{"params": [maps], "lr": MAP_RATE}, {"params": [finishes], "lr": FINISH_RATE}], betas=(0.8, 0.99)
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, MAP_STEPS)
    wanted = premultiplied(targets)
    for step in range(MAP_STEPS):
        difference = premultiplied(_drawn(canvas, maps, finishes)) - wanted
        loss = difference.square().mean((1, 2, 3)).sqrt().sum()  # each picture for itself
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if progress is not None:
            progress(step + 1, MAP_STEPS)
    maps, finishes = maps.detach(), finishes.detach()
    with torch.no_grad():
        difference = (premultiplied(_drawn(canvas, maps, finishes)) - wanted)[:, :3].abs().mean(1)
    inside = targets[:, 3] > 0.05
    return maps, finishes, 255 * difference[inside].mean().item()


def _drawn(canvas: Canvas, maps: torch.Tensor, finishes: torch.Tensor) -> torch.Tensor:
    return canvas.refined(maps, finishes).float().sigmoid()
