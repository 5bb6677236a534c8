"""The Korean suite: prompts in Korean beside their English twins."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gan_dpr.evaluation import korean
from gan_dpr.evaluation.tables import table
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.worlds.emoji.own_words import korean_twins
from gan_dpr.worlds.emoji.world import EmojiWorld
from gan_dpr.worlds.protocol import Reading

LINES = [
    {"korean": "빨간 고양이", "english": "a red cat", "attributes": {"concept": "cat", "tint": "red"}},
    {"korean": "위쪽에 개", "english": "a dog at the top", "attributes": {"concept": "dog", "position": [0, 1]}},
    # It says another thing than its twin, which the judge does not know.
    {"korean": "누리끼리한 박", "english": "a yellow maracas", "attributes": {"concept": "maracas", "tint": "yellow"}},
]


@pytest.fixture
def twins(tmp_path: Path):
    path = tmp_path / "twins.jsonl"
    path.write_text("\n".join(map(json.dumps, LINES)), encoding="utf-8")
    return lambda *concepts: korean_twins(concepts, path)


def test_twins_are_read(twins):
    cat, dog = twins("cat", "dog")
    assert [prompt.text for prompt in cat] == ["빨간 고양이", "a red cat"]
    assert cat[0].mentioned == cat[1].mentioned == {"concept", "tint"}
    assert dog[0].scene == dog[1].scene
    assert dog[0].scene.object.position == (0, 1)
    assert len(EmojiWorld().twins()) == 200
    assert len(EmojiWorld().judged().twins()) == 110


def test_shares_are_of_what_the_judge_knows_and_reading_is_of_all(twins, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def drawn(pipeline: GanDprPipeline, texts: list[str], seeds: int) -> np.ndarray:
        asked.append((texts, seeds))
        return np.full((len(texts) * seeds, 1, 1, 3), len(asked), np.uint8)

    def read(images: np.ndarray) -> Reading:
        shown = {
            "concept": ["cat", "cat", "dog", "dog"],
            "tint": ["red", "blue" if images[0, 0, 0, 0] == 1 else "red", "none", "none"],
            "position": ["in the middle", "in the middle", "at the top", "on the left"],
        }
        return Reading({name: np.array(seen) for name, seen in shown.items()}, np.zeros((4, 1)))

    monkeypatch.setattr(korean, "draw", drawn)
    world = SimpleNamespace(twins=lambda: twins("cat", "dog", "maracas"), understood=EmojiWorld().understood)
    judged = SimpleNamespace(
        attributes=EmojiWorld.attributes, word=EmojiWorld().word, twins=lambda: twins("cat", "dog")
    )
    rows, remarks = korean.korean_suite(None, SimpleNamespace(read=read), world, judged, None, 2, lambda line: None)
    assert remarks == []
    assert asked == [(["빨간 고양이", "위쪽에 개"], 2), (["a red cat", "a dog at the top"], 2)]
    said, twin, same = rows
    assert (said["split"], said["n"], said["pictures"]) == ("Korean", 2, 4)
    assert (said["concept"], said["tint"], said["position"], said["all"]) == (1, 0.5, 0.5, 0.5)
    assert (twin["split"], twin["tint"], twin["all"]) == ("English", 1, 0.75)
    assert (same["split"], same["n"], same["read"]) == ("Korean as English", 3, pytest.approx(2 / 3, abs=1e-4))
    assert "all" not in same
    lines = table({"rows": rows, "columns": ["concept", "tint"], "baselines": {}, "showpiece": None, "remarks": []})
    assert "| model | Korean | 1.00 | 0.50 | 0.50 | 0.50 to 0.50 |" in lines
    assert "| model | English | 1.00 | 1.00 | 0.75 | 0.50 to 1.00 |" in lines
    assert "| rules read | read |\n| --- | --- |\n| Korean as English | 0.667 |" in lines


def test_twins_that_are_read_alike_are_drawn_alike(pipe: GanDprPipeline):
    said, twin = (korean.draw(pipe, [prompt.text], 2) for prompt in EmojiWorld().twins()[0])
    assert np.array_equal(said, twin)
    assert not np.array_equal(*said)


def test_a_world_without_korean_prompts_says_so():
    world = SimpleNamespace(twins=lambda: [])
    assert korean.korean_suite(None, None, world, world, None, 4, print) == ([], [korean.MISSING])
