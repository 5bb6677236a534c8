"""The frozen test prompts in people's own words and in Korean, and what each says."""

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from ..protocol import Caption, OwnPrompt
from .concepts import CONCEPTS
from .reading import read_prompt
from .scene import Scene

OWN, STRANGERS = "own_words.jsonl", "strangers_words.jsonl"


def own_prompts(concepts: tuple[str, ...], path: Path | None = None) -> list[OwnPrompt]:
    """The prompts about some concepts, in the order of the file.

    Args:
        concepts: those that the model knows.
        path: a JSON-lines file; None takes `evaluation/own_words.jsonl` and then `strangers_words.jsonl`, which is by
            strangers. Each line has "prompt", "attributes" (those that the prompt names, with their values) and
            "unusual" (whether it has words that training never shows).

    Raises ValueError for a line whose attributes make no scene.
    """
    made = []
    for file in (OWN,) if path else (OWN, STRANGERS):
        for entry, scene in _entries(file, path, concepts):
            said, found = entry["attributes"], read_prompt(entry["prompt"])
            read = frozenset(name for name in said if found.get(name) == scene.attribute(name))
            caption = Caption(entry["prompt"], scene, frozenset(said))
            made.append(OwnPrompt(caption, entry["unusual"], file == STRANGERS, read))
    return made


def korean_twins(concepts: tuple[str, ...], path: Path | None = None) -> list[tuple[Caption, Caption]]:
    """Prompts in Korean about some concepts, each beside its caption in English, in the order of the file.

    Arguments and errors are those of `own_prompts`; None takes `evaluation/korean_twins.jsonl`, and each line has
    "korean", "english" and "attributes".
    """
    return [
        (Caption(entry["korean"], scene, said), Caption(entry["english"], scene, said))
        for entry, scene in _entries("korean_twins.jsonl", path, concepts)
        for said in [frozenset(entry["attributes"])]
    ]


def _entries(name: str, path: Path | None, concepts: tuple[str, ...]) -> Iterator[tuple[dict[str, Any], Scene]]:
    """The lines of a file about some concepts, and the scene that each says; what it leaves open is plain."""
    source = path or resources.files("gan_dpr.evaluation").joinpath(name)
    for line in source.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        said = entry["attributes"]
        if said["concept"] in concepts:
            yield entry, Scene.from_dict({"style": CONCEPTS[said["concept"]].styles[0], **said})
