"""Real or drawn? In ten pairs of pictures a visitor and the discriminator look for the one that was drawn."""

import secrets
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr
import numpy as np
import torch
from PIL import Image

from .pictures import data_uri, safe, templated
from .prompts import told
from .studio import MODEL_QUEUE, Studio
from .words import say, t

ROUNDS = 10
HOW = "Of two pictures with the same caption one is real and one was drawn. Press the drawn one, or go on with ← and →."
VERDICTS = {  # whether the visitor is right, whether the discriminator is -> the sentence
    (True, True): "Right, and the discriminator thinks so too.",
    (True, False): "Right. The discriminator takes the other one for drawn.",
    (False, True): "No, that one is real. The discriminator is right.",
    (False, False): "No, that one is real. The discriminator is wrong as well.",
}

CSS = """
.game p { margin: 10px 0; text-align: center; min-height: 1.4em; }
.game .wall.big { grid-template-columns: repeat(2, var(--tile)); justify-content: center; gap: 12px; }
.game .shot:disabled { cursor: default; }
.game figcaption { min-height: 1.3em; }
.game .result { font-size: 1.5rem; font-weight: 700; user-select: all; }
.game .on { display: flex; justify-content: center; gap: 8px; min-height: 40px; }
.game .on button { min-width: 110px; padding: 8px 16px; border-radius: 10px; cursor: pointer; font-weight: 600;
  color: var(--body-text-color); background: var(--block-background-fill);
  border: 1px solid var(--border-color-primary); }
.game .on button:hover { border-color: var(--ink-g); }
.game .on button:focus-visible { outline: 3px solid var(--ink-d); outline-offset: 1px; }
"""

_GAME = """
{{#if value.ask}}<div class="game">
<p aria-live="polite">{{{value.ask}}}</p>
{{#if value.pictures.length}}<div class="wall big" style="--tile: 256px">{{#each value.pictures}}
  <figure class="tile {{#if best}}best{{/if}}"><button class="shot" data-do="{{side}}" {{#if still}}disabled{{/if}}>
    <img src="{{src}}" alt="{{{alt}}}"></button>
    <figcaption><span class="title">{{{title}}}</span><span class="note">{{{note}}}</span></figcaption></figure>
{{/each}}</div>{{/if}}
{{#if value.result}}<p class="result">{{{value.result}}}</p>{{/if}}
<p aria-live="polite">{{{value.said}}}</p>
<div class="on">{{#if value.copy}}<button data-copied="{{{value.copied}}}">{{{value.copy}}}</button>{{/if}}
{{#if value.on}}<button data-do="on">{{{value.on}}}</button>{{/if}}</div>
</div>{{/if}}
"""
# The page does not know the answer before it is given. Whoever plays keeps the focus: on the next thing to press.
_GAME_JS = """
let plays = false;
const go = action => { plays = true; trigger('select', {action}); };
const usable = () => [...element.querySelectorAll('[data-do]:enabled')];
element.addEventListener('click', event => {
  const pressed = event.target.closest('[data-do]:enabled'), copy = event.target.closest('[data-copied]');
  if (pressed) go(pressed.dataset.do);
  if (!copy) return;
  const result = element.querySelector('.result');
  const select = () => getSelection().selectAllChildren(result);  // on plain http a page has no clipboard
  try {
    navigator.clipboard.writeText(result.textContent).then(() => { copy.textContent = copy.dataset.copied; }, select);
  } catch { select(); }
});
element.addEventListener('keydown', event => {
  const side = {ArrowLeft: 'left', ArrowRight: 'right'}[event.key];
  if (!usable().some(button => button.dataset.do === side)) return;
  event.preventDefault();
  go(side);
});
watch('value', () => { if (plays) usable()[0]?.focus({preventScroll: true}); });
"""
SIDES = ("left", "right")


@dataclass(frozen=True)
class Round:
    """Two pictures of a caption, of which `drawn` (a place in SIDES) is the generator's; `realness` is D's of each."""

    caption: str
    pictures: tuple[Image.Image, Image.Image]
    drawn: int
    realness: tuple[float, float]

    @property
    def suspected(self) -> int:
        """Which one the discriminator takes for drawn."""
        return int(np.argmin(self.realness))


@dataclass(frozen=True)
class Game:
    """What is played, which round is shown (their number once all are over), and which pictures were pressed."""

    rounds: tuple[Round, ...]
    place: int = 0
    answers: tuple[int, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether the round that is shown has its answer."""
        return len(self.answers) > self.place

    @property
    def points(self) -> tuple[int, int]:
        """In how many of the answered rounds the visitor was right, and the discriminator."""
        played = list(zip(self.rounds, self.answers, strict=False))
        return sum(answer == one.drawn for one, answer in played), sum(one.suspected == one.drawn for one, _ in played)


def playable(studio: Studio) -> bool:
    """Whether there are real pictures to play with."""
    captions = studio.pipeline.world.test_captions("iid", 1, 0)
    return bool(captions) and studio.real_picture(captions[0].scene) is not None


def dealt(studio: Studio, seed: int) -> Game:
    """A new game of a `playable` studio, always the same of a seed: test captions of its world, at most ROUNDS."""
    world, rng = studio.pipeline.world, np.random.default_rng(seed)
    captions = world.test_captions("iid", ROUNDS, seed)
    real = [studio.real_picture(caption.scene) for caption in captions]
    prompts = [world.told(caption).text for caption in captions]
    drawn = studio.pipeline(prompts, generator=torch.Generator().manual_seed(seed)).images
    of_real, of_drawn = (studio.pipeline.realness(pictures).tolist() for pictures in (real, drawn))
    rounds = []
    for i, side in enumerate(rng.integers(2, size=len(captions)).tolist()):
        order = 1 if side else -1  # the real one comes first where the drawn one is on the right
        rounds.append(
            Round(captions[i].text, (real[i], drawn[i])[::order], side, (of_real[i], of_drawn[i])[::order])
        )
    return Game(tuple(rounds))


def moved(game: Game, action: str) -> Game:
    """The game after a press on a side, or on "on"; what cannot be pressed now changes nothing."""
    if action in SIDES and game.place < len(game.rounds) and not game.answered:
        return replace(game, answers=(*game.answers, SIDES.index(action)))
    if action == "on" and game.answered:
        return replace(game, place=game.place + 1)
    return game


def result(game: Game) -> str:
    """What a visitor tells others."""
    mine, of_d = game.points
    return say("I {mine}, D {d} of {n}", mine=mine, d=of_d, n=len(game.answers))


def build(studio: Studio, tab: gr.Tab) -> None:
    """Lay out inside the current Blocks and wire it; the first look at `tab` deals a game."""
    gr.Markdown(t(HOW), elem_classes="lead")
    board = templated({}, _GAME, _GAME_JS, elem_id="real-or-drawn")
    game = gr.State(None, time_to_live=3600)
    wired = {
        "inputs": game, "outputs": [board, game], "api_visibility": "private", "show_progress": "hidden", **MODEL_QUEUE,
    }  # fmt: skip

    def pressed(event: gr.EventData, game: Game | None):
        return _pressed(studio, str(event.action), game)

    tab.select(partial(_first_look, studio), **wired)
    board.select(pressed, **wired)


def _first_look(studio: Studio, game: Game | None):
    return [gr.skip()] * 2 if game else _new(studio)


def _pressed(studio: Studio, action: str, game: Game | None):
    if game is None or game.place == len(game.rounds):  # it has been forgotten, or is over
        return _new(studio)
    game = moved(game, action)
    return shown(studio, game), game


def _new(studio: Studio):
    game = dealt(studio, secrets.randbelow(2**31))
    return shown(studio, game), game


def shown(studio: Studio, game: Game) -> dict[str, Any]:
    """The board: a round, with what is so only once it is answered, or how the game ended."""
    n = len(game.rounds)
    if game.place == n:
        return {
            "ask": safe(say("All {n} are done.", n=n)),
            "result": safe(result(game)),
            "said": safe(say("Guessing finds half of them. Where G draws well, D does hardly better.")),
            "copy": safe(say("Copy the result")),
            "copied": safe(say("copied")),
            "on": safe(say("again")),
        }
    one, (mine, of_d) = game.rounds[game.place], game.points
    ask = say("{i} of {n}: “{caption}”. Which one is drawn?", i=game.place + 1, n=n,
              caption=told(studio.guide, one.caption))  # fmt: skip
    verdict = ""
    if game.answered:
        verdict = say(VERDICTS[game.answers[-1] == one.drawn, one.suspected == one.drawn])
        verdict += " " + say("You {mine}, D {d} of {n}.", mine=mine, d=of_d, n=len(game.answers))
    return {
        "ask": safe(ask),
        "pictures": [_picture(one, side, game.answered) for side in range(2)],
        "said": safe(verdict),
        "on": safe(say("Next")) if game.answered else "",
    }


def _picture(one: Round, side: int, answered: bool) -> dict[str, Any]:
    """One of the two; nothing tells which it is before the answer."""
    drawn = side == one.drawn
    title = say("drawn") if answered and drawn else say("a real picture") if answered else say(SIDES[side])
    return {
        "side": SIDES[side],
        "src": data_uri(one.pictures[side]),
        "alt": safe(title),
        "title": safe(title),
        "note": safe(say("D: realness {realness:.3f}", realness=one.realness[side])) if answered else "",
        "best": answered and drawn,
        "still": answered,
    }
