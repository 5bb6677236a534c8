"""Addresses that bring the same pixels back: what a tab was set to, as the query of the page's address."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from .words import say


@dataclass(frozen=True)
class Link:
    """What an address says of one tab: `names` of its settings in order, of which the `usual` values are left out."""

    names: tuple[str, ...]
    usual: Mapping[str, Any] = field(default_factory=dict)

    @property
    def share(self) -> str:
        """JavaScript of an event whose inputs are the settings: it puts them into the address."""
        return f"(...values) => {{ {self._query} history.replaceState(null, '', query(values)); }}"

    @property
    def copy(self) -> str:
        """JavaScript of an event that `copied` answers: inputs are the settings, and what else it is to know.

        Hands on the link where it could not be copied (on plain http a page has no clipboard), and else nothing, in
        the first setting's place, which has to be a text.
        """
        return f"""async (...values) => {{
          {self._query}
          const link = location.origin + query(values);
          let left = '';
          try {{ await navigator.clipboard.writeText(link); }} catch {{ left = link; }}
          return [left, ...values.slice(1)];
        }}"""

    def query(self, *values: Any) -> str:
        """The same as a link inside the page."""
        return "?" + urlencode(dict(zip(self.names, values, strict=True)))

    def named(self, request: gr.Request) -> bool:
        """Whether the address says anything of this tab."""
        return any(name in request.query_params for name in self.names)

    @property
    def _query(self) -> str:
        return f"""const names = {json.dumps(self.names)}, usual = {json.dumps(dict(self.usual))};
          const query = values => {{
            const said = names.map((name, i) => [name, values[i]])
              .filter(([name, value]) => value !== null && value !== undefined && value !== usual[name]);
            return location.pathname + '?' + new URLSearchParams(said);
          }};"""


def copied(left: str, *others) -> None:
    """What to say of a link: `left` is one that could not be copied, and else empty."""
    if left:
        gr.Warning(say("The browser does not let this page copy. The link: {link}", link=left), duration=30)
    else:
        gr.Info(say("Link copied: it brings these pictures back."), duration=3)


def asked(said: Sequence[Any], shown: Sequence[Any]) -> list[Any]:
    """Settings as an address has them: `said` of the first ones, and as they are `shown` where it says nothing.

    What is drawn first has to know: the page is still being filled with what its address says.
    """
    said = [*said, *[gr.skip()] * (len(shown) - len(said))]
    # What the address does not say is an update that changes nothing, a dict.
    return [old if isinstance(new, dict) else new for new, old in zip(said, shown, strict=True)]


def with_request(draw: Callable, *first: Any) -> Callable:
    """`draw` with its `first` arguments, for an event: of a `functools.partial` Gradio does not see that the request
    comes next, and leaves it out.
    """

    def drawn(request: gr.Request, *values):
        return draw(*first, request, *values)

    return drawn


def number_of(text: str, low: float, high: float, kind: type):
    """A number from an address; nothing changes where it is none, or out of its range."""
    try:
        value = kind(text)
    except ValueError:
        return gr.skip()
    return value if low <= value <= high else gr.skip()
