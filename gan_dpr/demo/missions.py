"""Three lessons of Mini-train: what to reach, where it begins, and whether a run has reached it.

A mission is judged by what a run measures anyway. Nothing here knows of the page.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from ..training.balance import HEALTHY, StepStats
from .words import say

ORIGINAL = "original-2023"
FAILING = 200  # steps of ORIGINAL after which its failing has been seen
RESCUED, TEN = 6, 10  # things of the twelve
WINDOW, GUESSING = 50, HEALTHY[0]  # contending steps, and the mean of m over them below which D has collapsed
A_STEP = 0.5  # seconds that the last step may end after the time is over

State = Literal["task", "going", "won", "lost"]


@dataclass(frozen=True)
class Seen:
    """What a mission is judged by: a run so far, and how many steps of ORIGINAL came before it in the visit.

    `named` has, for each sheet of drawings, the seconds of training before it and how many things the judge named.
    """

    preset: str
    history: Sequence[StepStats] = ()
    seconds: float = 0.0
    named: Sequence[tuple[float, int]] = ()
    failed: int = 0


@dataclass(frozen=True)
class Mission:
    """A task for a visitor, why it was won, and the settings that it begins with.

    `judge` says from a run and the `seconds` that it may take how it stands, and how far it is where it goes on.
    """

    title: str
    task: str
    lesson: str
    preset: str
    reconstruct: bool
    seconds: int
    judge: Callable[[Seen, int], tuple[State, str]]

    def state(self, seen: Seen | None) -> tuple[State, str]:
        """How the mission stands after a run, or before there is one, and a sentence for the page."""
        if seen is None:
            return "task", say(self.task)
        state, sentence = self.judge(seen, self.seconds)
        if state == "won":
            sentence = f"{say('Won!')} {say(self.lesson)}"
        return state, sentence


def _rescue(seen: Seen, seconds: int) -> tuple[State, str]:
    if seen.preset == ORIGINAL:  # however long that takes
        if max(seen.failed, len(seen.history)) < FAILING:
            return "going", say("{n} of {wanted} steps of its failing seen.", n=len(seen.history), wanted=FAILING)
        return "going", say("You have seen it fail: end it, choose another preset and press Start.")
    if seen.failed < FAILING:
        return "going", say("First let original-2023 fail for {wanted} steps.", wanted=FAILING)
    return _name(seen, seconds, RESCUED)


def _name_ten(seen: Seen, seconds: int) -> tuple[State, str]:
    return _name(seen, seconds, TEN)


def _name(seen: Seen, seconds: int, wanted: int) -> tuple[State, str]:
    in_time = [n for end, n in seen.named if end < seconds + A_STEP]
    said = say("{n} of {wanted} things named", n=in_time[-1] if in_time else 0, wanted=wanted)
    return _timed(seen, seconds, max(in_time, default=0) >= wanted, said)


def _collapse(seen: Seen, seconds: int) -> tuple[State, str]:
    ends = accumulate(stats.seconds for stats in seen.history)
    shares = [
        stats.win_share for stats, end in zip(seen.history, ends, strict=True)
        if end < seconds + A_STEP and math.isfinite(stats.win_share)
    ]  # fmt: skip
    if not shares:
        return _timed(seen, seconds, False, say("D waits while G copies"))
    later = shares[WINDOW:]  # at its start D can only guess
    sums = [0.0, *accumulate(later)]
    least = min((after - before for before, after in zip(sums, sums[WINDOW:], strict=False)), default=math.inf)
    said = say(
        "D tells {m:.0%} of the pairs apart; below {low:.0%} it has collapsed",
        m=statistics.fmean(shares[-WINDOW:]),
        low=GUESSING,
    )
    return _timed(seen, seconds, least / WINDOW < GUESSING, said)


def _timed(seen: Seen, seconds: int, reached: bool, said: str) -> tuple[State, str]:
    if reached:
        return "won", said
    left = seconds - seen.seconds
    if left <= 0:
        return "lost", say("The {n} seconds are over. Press Reset and Start to try again.", n=seconds)
    return "going", say("{said}, {left:.0f} s left.", said=said, left=left)


MISSIONS = {
    "rescue": Mission(
        "Rescue 2023",
        "Start original-2023 and see it fail for 200 steps: of its sliders only two learning rates do anything. Then "
        "choose another preset and have six of the twelve things named (✓) by a judge within 120 seconds.",
        "The things and their texts are the same, the recipe is another: what G is told holds the text, both sides "
        "learn after every batch and not by turns of 500, and most presets let G copy real pictures first.",
        ORIGINAL, False, 120, _rescue,
    ),
    "collapse": Mission(
        "Make D collapse",
        "D has collapsed where it tells fewer than 50% of the pairs apart: it only guesses. Bring it there with the "
        "sliders, over 50 steps, within 120 seconds. Its first 50 steps do not count.",
        "A D that stands still only guesses, and G has nobody to learn from. An m near 50% can be a good G or a bad D: "
        "the drawings tell which.",
        "nano", False, 120, _collapse,
    ),
    "ten": Mission(
        "Ten things in sixty seconds",
        "Have ten of the twelve things named (✓) by a judge within 60 seconds of training. It begins without a "
        "reconstruction: find what is quicker.",
        "Copying is the quick way: it shows G the right picture, where D only says which of two it prefers. In the "
        "study a reconstruction alone drew as well as one with D beside it, in the same time.",
        "nano", False, 60, _name_ten,
    ),
}  # fmt: skip
