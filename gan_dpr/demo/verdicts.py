"""The verdict on a run in words, in the visitor's language; of the original recipe also why it fails."""

from collections.abc import Sequence

from ..balance import SENTENCES, StepStats, verdict
from ..original import PHASE
from .words import say

ORIGINAL_D = (
    "It fails, as it did in 2023. For {phase} steps only D learns, and it tells {m:.0%} of the pairs apart without "
    "looking at what is drawn: BatchNorm sees real and drawn batches apart, and real pictures have another range. "
    "L_G has grown to {loss_g:,.0f}, and G may not answer."
)
ORIGINAL_G = (
    "It fails, as it did in 2023. For {phase} steps only G learns, against a D that stands still. Its loss, the square "
    "of a log probability of raw products, asks neither for the text nor for realness: L_G falls to {loss_g:,.0f} "
    "through patterns that this D scores highly, and nothing can be recognised."
)


def judged(recipe: str, history: Sequence[StepStats]) -> tuple[str, str]:
    """(state, sentence) of a run so far; the state is one of balance.SENTENCES."""
    found = verdict(history)
    if recipe == "original-2023" and found.state != "waiting":
        for_d = (history[-1].step - 1) // PHASE % 2 == 0
        sentence = say(ORIGINAL_D if for_d else ORIGINAL_G, phase=PHASE, m=found.m, loss_g=found.loss_g)
        return "d-wins", sentence
    return found.state, say(SENTENCES[found.state], m=found.m, loss_g=found.loss_g, trend=say(found.trend))
