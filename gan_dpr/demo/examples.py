"""What the page offers to try: chosen prompts where the model knows their things, else captions of its own world."""

from dataclasses import dataclass

from ..pipeline import GanDprPipeline

OWN = 6  # captions of a world that are offered

PROMPTS = (
    "an upside-down elephant on a blue background",
    "a large octopus on a yellow background",
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
SUMS = {
    "turn a frog over": ("an upside-down cat", "a cat", "a frog"),
    "colour a penguin": ("a red elephant", "an elephant", "a penguin"),
    "move a house": ("a small cactus at the top left", "a small cactus at the bottom right",
                     "a small house at the bottom right"),
    "another background": ("a dog on a pink background", "a dog on a blue background", "a turtle on a blue background"),
}  # fmt: skip


@dataclass(frozen=True)
class Examples:
    """Prompts, queries, films (name -> (prompts, seeds)) and sums (name -> (A, B, C)); none of them is empty."""

    prompts: tuple[str, ...]
    queries: tuple[str, ...]
    films: dict[str, tuple[str, str]]
    sums: dict[str, tuple[str, str, str]]


def examples_of(pipeline: GanDprPipeline) -> Examples:
    """The chosen ones where the model knows all their things."""
    guide = pipeline.guide
    if guide is not None and all(guide.unknown_thing(prompt) is None for prompt in PROMPTS):
        return Examples(PROMPTS, QUERIES, FILMS, SUMS)
    own = own_prompts(pipeline)
    first, second, third = (own * 3)[:3]
    films = {"two pictures": (f"{first}\n{second}", "0"), "four seeds": (first, "0, 1, 2, 0")}
    return Examples(own, own[:5], films, {"three pictures": (first, second, third)})


def own_prompts(pipeline: GanDprPipeline) -> tuple[str, ...]:
    """Captions of the model's world, as it is told them."""
    world = pipeline.world
    captions = world.test_captions("iid", OWN, seed=1)
    return tuple(dict.fromkeys(world.told(caption).text for caption in captions)) or ("a picture",)
