"""Several visitors' pictures in one pass: sixteen take little more than twice the time of one."""

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ..pipeline import GanDprPipeline, PipelineOutput

MOST = 32  # pictures of one pass, but for a request that alone is for more


@dataclass(frozen=True)
class Request:
    """What one visitor waits for: pictures of a prompt, one for each seed."""

    prompt: str
    seeds: list[int]
    truncation: float
    answer: Future = field(default_factory=Future, compare=False)


class Together:
    """Draws what is asked for while it is drawing in its next pass; call it from as many threads as there are visitors.

    Whoever comes first draws for all who wait then. The pictures are those that each would get alone, up to rounding.
    """

    def __init__(self, pipeline: GanDprPipeline):
        self.pipeline = pipeline
        self._waiting: deque[Request] = deque()
        self._drawing = threading.Lock()

    def __call__(self, prompt: str, seeds: list[int], truncation: float) -> PipelineOutput:
        """The pictures of a prompt that has been checked; raises what drawing raises."""
        mine = Request(prompt, seeds, truncation)
        self._waiting.append(mine)
        with self._drawing:
            while not mine.answer.done():
                self._draw(self._taken())
        return mine.answer.result()

    def alone(self, prompt: str, **asked: Any) -> PipelineOutput:
        """What `GanDprPipeline` draws of what cannot be drawn together: in a pass of its own, when it is its turn."""
        with self._drawing:
            return self.pipeline(prompt, **asked)

    def _taken(self) -> list[Request]:
        taken = [self._waiting.popleft()]
        while self._waiting and sum(len(one.seeds) for one in (*taken, self._waiting[0])) <= MOST:
            taken.append(self._waiting.popleft())
        return taken

    def _draw(self, requests: list[Request]) -> None:
        seeds = [seed for one in requests for seed in one.seeds]
        try:
            images, scores = self.pipeline.draw_each(
                [one.prompt for one in requests for _ in one.seeds], seeds,
                [one.truncation for one in requests for _ in one.seeds],
            )  # fmt: skip
        except Exception as error:
            if len(requests) == 1:
                requests[0].answer.set_exception(error)
            else:  # nobody pays for what somebody else asked
                for one in requests:
                    self._draw([one])
            return
        start = 0
        for one in requests:
            part = slice(start, start := start + len(one.seeds))
            one.answer.set_result(PipelineOutput(images[part], scores[part], seeds[part]))
