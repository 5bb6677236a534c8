"""What a page is filled with when it is opened: it is laid out once for all, and asks once for what is its own.

That is what its address asks for, and examples and labels in the language of the browser.
"""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from .examples import Examples
from .words import asked_in_korean


class Opening:
    """`fill`, `offer` and `then` say what happens, while the page is laid out; `wire` makes it one event.

    `examples` gives them in the language of the browser that asked.
    """

    def __init__(self, examples: Callable[[], Examples]):
        self._examples = examples
        self._controls: list[gr.components.Component] = []
        self._fills: list[Callable[[gr.Request], Sequence[Any]]] = []
        self._after: list[dict[str, Any]] = []

    def fill(self, controls: Sequence[gr.components.Component], values: Callable[[gr.Request], Sequence[Any]]) -> None:
        """Give `controls` the `values` of a request for the page. What comes later wins."""
        self._controls += controls
        self._fills.append(values)

    def offer(self, control: gr.components.Component, chosen: Callable[[Examples], Any], *names: str) -> None:
        """A Korean browser sees what is `chosen` for it, unless the address says one of `names` itself."""

        def korean(request: gr.Request) -> list[Any]:
            if not asked_in_korean() or any(name in request.query_params for name in names):
                return [gr.skip()]
            return [chosen(self._examples())]

        self.fill([control], korean)

    def then(self, **event: Any) -> None:
        """An event that follows when all controls are filled."""
        self._after.append(event)

    def wire(self, page: gr.Blocks) -> None:
        opened = page.load(
            self._values, None, self._controls, queue=False, api_visibility="private", show_progress="hidden"
        )
        for event in self._after:
            opened.then(**event)

    def _values(self, request: gr.Request) -> list[Any]:
        return [value for values in self._fills for value in values(request)]
