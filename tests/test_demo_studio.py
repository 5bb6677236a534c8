"""History, grid and arithmetic, without the page."""

import numpy as np
import pytest
import torch

from gan_dpr.demo.history import LONGEST, Past, Settings, remember
from gan_dpr.demo.prompt_arithmetic import EXAMPLES, arithmetic
from gan_dpr.demo.prompt_grid import prompt_grid
from gan_dpr.demo.studio import Studio
from gan_dpr.pipeline import GanDprPipeline


@pytest.fixture
def studio(pipe: GanDprPipeline) -> Studio:
    return Studio(pipe)


def picture(pipe: GanDprPipeline, prompt: str, seed: int) -> np.ndarray:
    return np.asarray(pipe(prompt, generator=torch.Generator().manual_seed(seed)).images[0]).astype(int)


def test_a_grid_has_prompts_down_and_noise_across(studio: Studio, pipe: GanDprPipeline):
    rows = prompt_grid(studio, ["a cat", "a red frog", "a house"], rows=3, columns=2, seed=7)
    assert [len(row) for row in rows] == [2] * 5
    for i, prompt in ((0, "a cat"), (2, "a red frog"), (4, "a house")):
        for j in range(2):
            assert np.abs(np.asarray(rows[i][j]).astype(int) - picture(pipe, prompt, 7 + j)).max() <= 1
    for bad, message in (({"rows": 1}, "Rows go from 2 to 12"), ({"columns": 11}, "Columns go from 1 to 10")):
        with pytest.raises(ValueError, match=message):
            prompt_grid(studio, ["a cat", "a dog"], **{"rows": 2, "columns": 2, "seed": 0, **bad})
    with pytest.raises(ValueError, match="at least two prompts"):
        prompt_grid(studio, ["a cat"], rows=2, columns=2, seed=0)


def test_arithmetic_shows_its_terms_and_their_sum(studio: Studio, pipe: GanDprPipeline):
    singles, sums = arithmetic(studio, ("a red cat", "a cat", "a cat"), 3)
    assert (len(singles), len(sums)) == (3, 4)
    assert np.abs(np.asarray(singles[0]).astype(int) - picture(pipe, "a red cat", 3)).max() <= 1
    for k, image in enumerate(sums):  # A - B + B is A
        assert np.abs(np.asarray(image).astype(int) - picture(pipe, "a red cat", 3 + k)).max() <= 1
    with pytest.raises(ValueError, match="Type what to draw"):
        arithmetic(studio, ("a cat", " ", "a dog"), 0)
    assert all(len(example) == 3 for example in EXAMPLES.values())


def past(prompt: str, at: float, seed: int = 0) -> Past:
    return Past(Settings(prompt, 4, seed, 1.0, 1, "the shipped one"), "data:", at)


def test_history_has_each_drawing_once_and_no_trail_of_letters():
    history: list[Past] = []
    for at, prompt in enumerate(("a", "a c", "a cat", "a ca", "a cat")):
        history = remember(history, past(prompt, at))
    assert [old.settings.prompt for old in history] == ["a cat"]
    history = remember(history, past("a cat on blue", 60.0))  # after a while it is another drawing
    history = remember(history, past("a dog", 61.0))
    history = remember(history, past("a cat", 62.0, seed=5))
    history = remember(history, past("a cat on blue", 90.0))
    assert [(old.settings.prompt, old.settings.seed) for old in history] == [
        ("a cat on blue", 0), ("a cat", 5), ("a dog", 0), ("a cat", 0),
    ]  # fmt: skip
    for i in range(2 * LONGEST):
        history = remember(history, past(f"{i} dogs", 100.0 + i))
    assert len(history) == LONGEST
