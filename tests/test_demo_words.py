"""The Korean page says all that the English one says."""

import ast
import json
import string
from pathlib import Path
from types import SimpleNamespace

import pytest
from gradio.blocks import Block
from gradio.context import LocalContext
from gradio.i18n import I18n

from gan_dpr.demo import words
from gan_dpr.demo.drawing import MODELS
from gan_dpr.demo.examples import FILMS, MIXES, SUMS
from gan_dpr.demo.missions import MISSIONS
from gan_dpr.demo.mix import SAID
from gan_dpr.demo.page import build_page
from gan_dpr.demo.plots import CHARTS
from gan_dpr.demo.prompts import REMARKS, check_prompt
from gan_dpr.demo.real_or_drawn import VERDICTS
from gan_dpr.demo.small_presets import SHOWN, small_preset
from gan_dpr.demo.verdicts import ORIGINAL_D, ORIGINAL_G
from gan_dpr.demo.words import KOREAN, UNSEEN, say
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.training.balance import FALLS, HOLDS, RISES, SENTENCES


def test_every_text_of_the_layout_is_translated(pipe: GanDprPipeline, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(I18n, "__call__", lambda self, key: asked.append(key) or key)
    build_page(pipe)
    assert len(asked) > 100
    assert {key.removeprefix(UNSEEN) for key in asked} <= set(KOREAN)


def test_no_value_of_a_control_is_a_key_that_gradio_would_translate(pipe: GanDprPipeline):
    keys = {key for texts in words.I18N.translations.values() for key in texts}
    values = {str(getattr(block, "value", "")) for block in build_page(pipe).blocks.values()}
    assert {"middle", "upright", MODELS[0]} <= values
    assert not values & keys


def test_every_sentence_of_the_server_is_translated():
    said = {*SENTENCES.values(), RISES, HOLDS, FALLS, ORIGINAL_D, ORIGINAL_G, *FILMS, *SUMS, *MIXES, *SAID.values()}
    said |= {sentence for sentence, _ in REMARKS.values()} | {small_preset(name).summary for name in SHOWN}
    said |= {text for chart in CHARTS for text in (chart.title, *(line.name for line in chart.lines))}
    said |= set(VERDICTS.values()) | {text for one in MISSIONS.values() for text in (one.task, one.lesson)}
    for file in Path(words.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "say":
                said |= {a.value for a in call.args if isinstance(a, ast.Constant)}
    assert len(said) > 60
    assert said <= set(KOREAN)


def test_translations_have_the_fields_of_their_text():
    def fields(text: str) -> list[tuple]:
        return sorted((name, spec) for _, name, spec, _ in string.Formatter().parse(text) if name)

    assert all(fields(english) == fields(korean) for english, korean in KOREAN.items())
    assert json.loads(json.dumps(KOREAN)) == KOREAN


@pytest.mark.parametrize(
    ("languages", "start"),
    [("ko-KR,ko;q=0.9,en;q=0.8", "그릴 것을"), ("en-GB,ko;q=0.5", "Type what"), ("", "Type what")],
)
def test_a_sentence_is_in_the_language_of_the_browser_that_asked(languages: str, start: str):
    token = LocalContext.request.set(SimpleNamespace(headers={"accept-language": languages} if languages else {}))
    try:
        with pytest.raises(ValueError, match=start):
            check_prompt("")
    finally:
        LocalContext.request.reset(token)


def test_values_are_put_into_a_sentence():
    assert say("{n} pictures", n=3) == "3 pictures"


def test_every_control_says_what_it_is_for(pipe: GanDprPipeline):
    def shown(block: Block | None) -> bool:
        return block is None or (getattr(block, "visible", True) is not False and shown(block.parent))

    kinds = ("slider", "number", "textbox", "dropdown", "radio", "checkbox")
    controls = [b for b in build_page(pipe).blocks.values() if b.get_block_name() in kinds and shown(b)]
    assert len(controls) > 30
    assert [block.label for block in controls if not block.info] == []
