"""What a question is: arms that differ in what it asks about, and what is measured of each."""

from dataclasses import dataclass
from typing import Literal, get_args

from ..config import PhaseKind

World = Literal["emoji", "labels", "stacked"]
# Those of the evaluation; "distribution" (`measures.distribution_rows`); "swaps" (can the retriever tell a caption from
# its copy with one thing changed?); "training", what the last steps measured; and "stacked" (`stacked.stacked_rows`).
Suite = Literal["scenes", "free", "retrieval", "fidelity", "unseen", "distribution", "swaps", "training", "stacked"]


@dataclass(frozen=True)
class Stage:
    """A part of an arm's CPU time. Learning rates fall to nothing in it, as they do in a training of known length."""

    kind: PhaseKind
    share: float = 1.0

    def __post_init__(self):
        if self.kind not in get_args(PhaseKind) or not self.share > 0:
            raise ValueError(f"a stage is one of {', '.join(get_args(PhaseKind))} and a share above 0, not {self}.")


@dataclass(frozen=True)
class Arm:
    """One training of a question.

    Attributes:
        name: what tables call it.
        overrides: settings on top of `preset` and of what the whole study has (`questions.COMMON`).
        preset: name of a preset.
        stages: what the CPU time is used for, in this order; the shares add up to 1. None where networks of another
            arm are only measured in another way.
        start: name of the arm whose networks, of the same seed, it goes on with.
        share: of the question's CPU time an arm; below 1 for one that others go on with.
        turns: where they contend, so many steps of the retriever alone are followed by as many of the generator; 0
            for both in each step.
        truncation: factor of the noise when it is measured.
        world: "emoji" is the preset's; "labels" the same, each combination told as a label of its own that says
            nothing of what it is made of; "stacked" is Fashion-MNIST (`stacked.StackedWorld`).
    """

    name: str
    overrides: tuple[str, ...] = ()
    preset: str = "nano"
    stages: tuple[Stage, ...] = (Stage("reconstruct", 0.6), Stage("contend", 0.4))
    start: str | None = None
    share: float = 1.0
    turns: int = 0
    truncation: float = 1.0
    world: World = "emoji"

    def __post_init__(self):
        measured_anew = self.start is not None and not self.stages
        if not measured_anew and abs(sum(stage.share for stage in self.stages) - 1) > 1e-6:
            raise ValueError(f"the stages of {self.name!r} do not share out its whole time.")


@dataclass(frozen=True)
class Question:
    """What is asked, and what answers it.

    Attributes:
        name: of its folder, and on the command line.
        number: in the list of questions that started the project; None for one that came later.
        title: of its chapter.
        asks: the question and how its arms answer it.
        limits: what would change the answer, or is not known after it.
        arms: what is compared; the arm called `baseline` is what the others are compared with.
        seconds: CPU time an arm, of the training alone.
        measures: names from `measures.MEASURES`; the first one leads the answer.
        suites: what the measures are read from.
    """

    name: str
    number: int | None
    title: str
    asks: str
    limits: str
    arms: tuple[Arm, ...]
    baseline: str
    seconds: float
    measures: tuple[str, ...]
    suites: tuple[Suite, ...] = ("fidelity", "free", "distribution")

    def __post_init__(self):
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names) or self.baseline not in names:
            raise ValueError(f"the arms of {self.name!r} need names of their own, and {self.baseline!r} among them.")
        for i, arm in enumerate(self.arms):
            if arm.start is not None and arm.start not in names[:i]:
                raise ValueError(f"{arm.name!r} goes on with {arm.start!r}, which is no arm before it.")

    def arm(self, name: str) -> Arm:
        return next(arm for arm in self.arms if arm.name == name)
