"""The page's examples in Korean: it is laid out with those in English, and a Korean browser gets its own with it."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from .examples import Examples
from .words import asked_in_korean


class Offers:
    """Controls that show an example. `add` says which, while the page is laid out; `wire` fills them when it is opened.

    `examples` gives them in the language of the browser that asked.
    """

    def __init__(self, examples: Callable[[], Examples]):
        self._examples = examples
        self._shown: list[gr.components.Component] = []
        self._chosen: list[Callable[[Examples], Any]] = []
        self._names: list[tuple[str, ...]] = []

    def add(self, control: gr.components.Component, chosen: Callable[[Examples], Any], *names: str) -> None:
        """`chosen` is the control's value. An address that says one of `names` asks for another."""
        self._shown.append(control)
        self._chosen.append(chosen)
        self._names.append(names)

    def wire(self, page: gr.Blocks) -> None:
        page.load(self._fill, None, self._shown, queue=False, api_visibility="private", show_progress="hidden")

    def _fill(self, request: gr.Request) -> list:
        if not asked_in_korean():
            return [gr.skip()] * len(self._shown)
        examples, asked = self._examples(), request.query_params
        return [
            gr.skip() if any(name in asked for name in names) else chosen(examples)
            for chosen, names in zip(self._chosen, self._names, strict=True)
        ]
