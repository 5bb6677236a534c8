"""The page in English and Korean: korean.json, in which the English text is the key.

`t` marks a text of the layout, which Gradio translates in the browser. `say` writes a sentence on the server,
in the language of the browser that asked; a client of the API, which names none, is answered in English.
"""

import json
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.context import LocalContext
from gradio.i18n import I18nData

KOREAN: dict[str, str] = json.loads((Path(__file__).parent / "korean.json").read_text(encoding="utf-8"))
# Gradio translates every text of a component that is a key, even a radio's value "middle", which no server knows then.
# So keys begin with what no value has; a key without a translation shows it, but nobody sees it.
UNSEEN = "\N{INVISIBLE SEPARATOR}"
I18N = gr.I18n(
    en={UNSEEN + english: english for english in KOREAN},
    ko={UNSEEN + english: korean for english, korean in KOREAN.items()},
)


def t(english: str) -> I18nData:
    """A text of the layout; where it has no translation it stays English."""
    return I18N(UNSEEN + english)


def say(english: str, **values: Any) -> str:
    """A sentence of the server, with values as in `str.format`."""
    template = KOREAN.get(english, english) if asked_in_korean() else english
    return template.format(**values)


def asked_in_korean() -> bool:
    """Whether the browser that asked prefers Korean."""
    request = LocalContext.request.get(None)
    language = request.headers.get("accept-language", "") if request else ""
    return language.lower().startswith("ko")
