"""The verdict on a run in words, in the visitor's language; of the original recipe also why it fails."""

from collections.abc import Sequence

from ..config import TrainingConfig
from ..training.balance import SENTENCES, StepStats, verdict
from ..training.original import EPOCH
from .words import say

ORIGINAL_D = (
    "It fails, as it did in 2023. For {epoch} steps only D learns, and it tells {m:.0%} of the pairs apart without "
    "looking at what is drawn: BatchNorm sees real and drawn batches apart, and real pictures have another range. "
    "L_G has grown to {loss_g:,.0f}, and G may not answer."
)
ORIGINAL_G = (
    "It fails, as it did in 2023. For {epoch} steps only G learns, against a D that stands still. Its loss, the square "
    "of a log probability of raw products, asks neither for the text nor for realness: L_G falls to {loss_g:,.0f} "
    "through patterns that this D scores highly, and nothing can be recognised."
)


def judged(settings: TrainingConfig, history: Sequence[StepStats]) -> tuple[str, str]:
    """(state, sentence) of a run so far; the state is one of balance.SENTENCES."""
    found = verdict(history)
    if settings.recipe == "original-2023" and found.state != "waiting":
        for_d = (history[-1].step - 1) // EPOCH % 2 == 0
        sentence = say(ORIGINAL_D if for_d else ORIGINAL_G, epoch=EPOCH, m=found.m, loss_g=found.loss_g)
        return "d-wins", sentence
    said = say(SENTENCES[found.state], **{**found.words, "trend": say(found.trend)})
    if found.state == "reconstructing":
        last = sum(phase.steps for phase in settings.phases[:1])
        said += " " + say("From step {n} on the two contend.", n=last + 1)
    return found.state, said
