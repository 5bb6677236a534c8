"""The frozen test prompts in people's own words, and what each says."""

import json
from importlib import resources
from pathlib import Path

from ..protocol import Caption, OwnPrompt
from .concepts import CONCEPTS
from .reading import read_prompt
from .scene import Scene


def own_prompts(concepts: tuple[str, ...], path: Path | None = None) -> list[OwnPrompt]:
    """The prompts about some concepts, in the order of the file.

    Args:
        concepts: those that the model knows.
        path: a JSON-lines file; None takes `evaluation/own_words.jsonl`. Each line has "prompt", "attributes" (those
            that the prompt names, with their values) and "unusual" (whether it has words that training never shows).

    Raises ValueError for a line whose attributes make no scene.
    """
    source = path or resources.files("gan_dpr.evaluation").joinpath("own_words.jsonl")
    made = []
    for line in source.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        said = entry["attributes"]
        if said["concept"] in concepts:
            scene = Scene.from_dict({"style": CONCEPTS[said["concept"]].styles[0], **said})
            caption = Caption(entry["prompt"], scene, frozenset(said))
            found = read_prompt(entry["prompt"])
            read = frozenset(name for name in said if found.get(name) == scene.attribute(name))
            made.append(OwnPrompt(caption, entry["unusual"], read))
    return made
