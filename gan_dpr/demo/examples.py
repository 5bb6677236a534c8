"""What the page offers to try: chosen prompts where the model knows their things, else captions of its own world."""

from dataclasses import dataclass, replace

from ..pipeline import GanDprPipeline
from ..worlds.protocol import Guide

OWN = 6  # captions of a world that are offered
WALL = 128  # small drawings on the first screen, of which some wait for their turn

PROMPTS = (
    "a large octopus on a yellow background",
    "an upside-down elephant on a blue background",
    "파란 배경 위의 물구나무선 코끼리",
    "a tiny red penguin at the bottom left on a white background",
    "a sideways green rocket on a black background",
    "a small purple frog at the top on a pink background",
    "a big sunflower on a blue background in 3D style",
)
QUERIES = ("a mushroom", "a birthday cake", "a green turtle", "a red fruit", "an owl in 3D style")
FILMS = {  # name -> (prompts, seeds)
    "two animals": (
        "a small red cat on the left on a white background\na large green frog on a purple background", "0",
    ),
    "across the picture": (
        "a small penguin at the top left on a blue background\n"
        "a small penguin at the bottom right on a blue background",
        "0",
    ),
    "turning over": ("an elephant on a yellow background\nan upside-down elephant on a yellow background", "0"),
    "a round trip": (
        "an octopus on a black background\na sunflower on a blue background\n"
        "a pizza on a white background\nan octopus on a black background",
        "0",
    ),
    "four seeds": ("a cat", "0, 1, 2, 0"),
}  # fmt: skip
CORNERS = (
    "a small red cat at the top left on a yellow background",
    "a small green frog at the top right on a black background",
    "a small purple octopus at the bottom left on a white background",
    "a small blue robot at the bottom right on a pink background",
)
SUMS = {
    "turn a frog over": ("an upside-down cat", "a cat", "a frog"),
    "colour a penguin": ("a red elephant", "an elephant", "a penguin"),
    "move a house": ("a small cactus at the top left", "a small cactus at the bottom right",
                     "a small house at the bottom right"),
    "another background": ("a dog on a pink background", "a dog on a blue background", "a turtle on a blue background"),
}  # fmt: skip

MIXES = {  # name -> (things, way, amount): the best of 200 pairs
    "sunflower lion": ("lion", "sunflower", "middle", 0.6),
    "turtle car": ("turtle", "car", "halves", 0.45),
    "octopus umbrella": ("octopus", "umbrella", "halves", 0.5),
    "butterfly cat": ("cat", "butterfly", "halves", 0.5),
    "giraffe taxi": ("giraffe", "taxi", "halves", 0.5),
    "pineapple bee": ("pineapple", "bee", "halves", 0.5),
    "cake rabbit": ("rabbit", "birthday cake", "halves", 0.5),
    "hamburger owl": ("owl", "hamburger", "halves", 0.5),
    "rose teddy": ("teddy bear", "rose", "halves", 0.5),
    "watermelon panda": ("panda", "watermelon", "middle", 0.6),
    "broccoli bear": ("bear", "broccoli", "middle", 0.6),
    "zebra in the giraffe's colours": ("zebra", "giraffe", "colours", 1.0),
}


@dataclass(frozen=True)
class Mixture:
    """An example of a mix: its prompts, one a line, which way, and how much."""

    prompts: str
    way: str
    amount: float


@dataclass(frozen=True)
class Examples:
    """What there is to try, none of it empty: prompts, prompts for a wall of small drawings, queries, films (name ->
    (prompts, seeds)), sums (name -> (A, B, C)), mixes by name, and prompts for the four corners of a pad.
    """

    prompts: tuple[str, ...]
    wall: tuple[str, ...]
    queries: tuple[str, ...]
    films: dict[str, tuple[str, str]]
    sums: dict[str, tuple[str, str, str]]
    mixes: dict[str, Mixture]
    corners: tuple[str, ...]


def examples_of(pipeline: GanDprPipeline) -> Examples:
    """The chosen ones where the model knows all their things."""
    guide = pipeline.guide
    if guide is not None and all(guide.unknown_thing(prompt) is None for prompt in PROMPTS):
        return Examples(PROMPTS, every_thing(guide), QUERIES, FILMS, SUMS, _mixes(), CORNERS)
    own = own_prompts(pipeline)
    first, second, third = (own * 3)[:3]
    films = {"two pictures": (f"{first}\n{second}", "0"), "four seeds": (first, "0, 1, 2, 0")}
    mixes = {"two pictures": Mixture(f"{first}\n{second}", "halves", 0.5)}
    return Examples(own, own, own[:5], films, {"three pictures": (first, second, third)}, mixes, (own * 4)[:4])


def in_korean(examples: Examples, guide: Guide) -> Examples:
    """The same with prompts in Korean. One stays as it is where its thing has no name that is read as the same."""

    def said(text: str) -> str:
        korean = guide.in_korean(text)
        same = guide.unknown_thing(text) is None and guide.labels(korean) == guide.labels(text)
        return korean if same else text

    def lines(text: str) -> str:
        return "\n".join(map(said, text.splitlines()))

    return Examples(
        prompts=tuple(map(said, examples.prompts)),
        wall=tuple(map(said, examples.wall)),
        queries=tuple(map(said, examples.queries)),
        films={name: (lines(prompts), seeds) for name, (prompts, seeds) in examples.films.items()},
        sums={name: tuple(map(said, terms)) for name, terms in examples.sums.items()},
        mixes={name: replace(mix, prompts=lines(mix.prompts)) for name, mix in examples.mixes.items()},
        corners=tuple(map(said, examples.corners)),
    )


def every_thing(guide: Guide) -> tuple[str, ...]:
    """A large drawing of each thing, of very many things of some, on one background after the other.

    Things whose name is read as another thing are left out.
    """
    keys = list(guide.names)[:: max(1, len(guide.names) // WALL)]
    named = {key: guide.edited(PROMPTS[0], "concept", key) for key in keys[:WALL]}
    prompts = [prompt for key, prompt in named.items() if guide.labels(prompt)["concept"] == key]
    grounds = [label for label, value in guide.menus["background"].items() if value is not None]
    return tuple(guide.edited(prompt, "background", grounds[i % len(grounds)]) for i, prompt in enumerate(prompts))


def _mixes() -> dict[str, Mixture]:
    plain = "a large {} on a white background in flat style"
    return {
        name: Mixture("\n".join(plain.format(thing) for thing in things), way, amount)
        for name, (*things, way, amount) in MIXES.items()
    }


def own_prompts(pipeline: GanDprPipeline) -> tuple[str, ...]:
    """Captions of the model's world, as it is told them."""
    world = pipeline.world
    captions = world.test_captions("iid", OWN, seed=1)
    return tuple(dict.fromkeys(world.told(caption).text for caption in captions)) or ("a picture",)
