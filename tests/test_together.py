"""Visitors who are drawn for in one pass get what each would get alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from gan_dpr.demo.together import MOST, Together
from gan_dpr.pipeline import GanDprPipeline


class Slow:
    """Draws words in the place of pictures; the first pass ends when it is let go."""

    def __init__(self):
        self.passes: list[list[str]] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def draw_each(self, prompts: list[str], seeds: list[int], truncations: list[float]):
        self.passes.append(prompts)
        self.begun.set()
        self.go.wait(30)
        if "boom" in prompts:
            raise MemoryError("no room")
        return [f"{told}" for told in zip(prompts, seeds, truncations, strict=True)], [float(seed) for seed in seeds]

    def __call__(self, prompt: str, **asked):
        self.passes.append([prompt])
        return asked


@pytest.fixture
def slow() -> Slow:
    return Slow()


def asked(slow: Slow, requests: list[tuple[str, list[int]]]) -> list:
    """Futures of a first request, and of those that came while its pictures were drawn, let go and done."""
    together, pool = Together(slow), ThreadPoolExecutor(len(requests))
    futures = [pool.submit(together, *requests[0], 1.0)]
    assert slow.begun.wait(30)
    for i, request in enumerate(requests[1:]):
        futures.append(pool.submit(together, *request, 0.5))
        while len(together._waiting) <= i:  # they wait in this order
            pass
    slow.go.set()
    pool.shutdown()
    return futures


def test_who_waits_at_once_is_drawn_for_in_one_pass(slow: Slow):
    outs = [future.result() for future in asked(slow, [("cat", [7]), ("dog", [1, 2]), ("owl", [5])])]
    assert slow.passes == [["cat"], ["dog", "dog", "owl"]]
    assert [out.images for out in outs] == [["('cat', 7, 1.0)"], ["('dog', 1, 0.5)", "('dog', 2, 0.5)"],
                                            ["('owl', 5, 0.5)"]]  # fmt: skip
    assert [(out.seeds, out.scores) for out in outs] == [([7], [7.0]), ([1, 2], [1.0, 2.0]), ([5], [5.0])]


def test_a_pass_is_bounded_but_takes_each_request_whole(slow: Slow):
    many = list(range(MOST - 1))
    for future in asked(slow, [("cat", [0]), ("dog", many), ("owl", [0, 1]), ("fish", [0] * (MOST + 5)), ("bee", [1])]):
        future.result()
    assert [len(drawn) for drawn in slow.passes] == [1, MOST - 1, 2, MOST + 5, 1]


def test_an_error_reaches_who_asked_for_it_and_nobody_else(slow: Slow):
    first, second, third = asked(slow, [("cat", [7]), ("boom", [1]), ("owl", [5])])
    assert first.result().seeds == [7]
    with pytest.raises(MemoryError, match="no room"):
        second.result()
    assert third.result().images == ["('owl', 5, 0.5)"]
    assert slow.passes == [["cat"], ["boom", "owl"], ["boom"], ["owl"]]
    assert Together(slow)("dog", [3], 1.0).seeds == [3]


def test_what_is_drawn_alone_waits_for_its_turn(slow: Slow):
    together, pool = Together(slow), ThreadPoolExecutor(2)
    first = pool.submit(together, "cat", [7], 1.0)
    assert slow.begun.wait(30)
    second = pool.submit(together.alone, "dog", best_of=4)
    assert not second.done()
    slow.go.set()
    assert second.result() == {"best_of": 4}
    assert first.result().seeds == [7]
    assert slow.passes == [["cat"], ["dog"]]


def test_pictures_are_those_that_each_gets_alone(pipe: GanDprPipeline):
    prompts, seeds, truncations = ["a cat", "a red owl", "a cat"], [3, 0, 2**40], [1.0, 0.5, 0.0]
    images, scores = pipe.draw_each(prompts, seeds, truncations)
    for prompt, seed, truncation, image, score in zip(prompts, seeds, truncations, images, scores, strict=True):
        alone = pipe(prompt, generator=torch.Generator().manual_seed(seed), truncation=truncation)
        difference = np.asarray(alone.images[0], int) - np.asarray(image, int)
        assert np.abs(difference).max() <= 1
        assert score == pytest.approx(alone.scores[0], abs=1e-4)
    with pytest.raises(ValueError, match="blank"):
        pipe.draw_each(["  "], [0], [1.0])
