"""The page of a Korean browser: examples, results and remarks are in Korean, and draw what the English ones draw."""

import re
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from gradio.context import LocalContext
from PIL import Image

from gan_dpr.demo.drawing import MODELS
from gan_dpr.demo.examples import in_korean
from gan_dpr.demo.first_screen import FirstScreen
from gan_dpr.demo.generate import _near_wall
from gan_dpr.demo.opening import Opening
from gan_dpr.demo.page import build_page
from gan_dpr.demo.prompts import remark
from gan_dpr.demo.retrieve import _said, short_title
from gan_dpr.demo.studio import Studio
from gan_dpr.demo.training import watched_scenes
from gan_dpr.demo.training_pictures import Near
from gan_dpr.pipeline import GanDprPipeline, Hit
from gan_dpr.worlds.emoji.world import EmojiWorld
from gan_dpr.worlds.pictures.world import CaptionsWorld


@pytest.fixture(scope="module")
def studio(pipe: GanDprPipeline) -> Studio:
    return Studio(pipe)


@pytest.fixture
def korean() -> Iterator[SimpleNamespace]:
    """What a Korean browser asks with."""
    request = SimpleNamespace(headers={"accept-language": "ko-KR,ko;q=0.9"}, query_params={})
    token = LocalContext.request.set(request)
    yield request
    LocalContext.request.reset(token)


def test_examples_are_in_korean_and_say_the_same(studio: Studio, korean: SimpleNamespace):
    english, said = studio.examples, studio.offered()
    assert said.prompts[:3] == (
        "노란 배경 위의 큰 문어", "파란 배경 위의 거꾸로 선 코끼리", "파란 배경 위의 물구나무선 코끼리",
    )  # fmt: skip
    assert said.queries == ("버섯", "생일 케이크", "초록색 거북이", "a red fruit", "3D 스타일로 그린 부엉이")
    assert said.films["four seeds"] == ("고양이", "0, 1, 2, 0")
    assert said.sums["turn a frog over"] == ("거꾸로 선 고양이", "고양이", "개구리")
    pairs = [*zip(english.prompts, said.prompts, strict=True), *zip(english.wall, said.wall, strict=True)]
    for name, (prompts, seeds) in english.films.items():
        assert said.films[name][1] == seeds
        pairs += zip(prompts.splitlines(), said.films[name][0].splitlines(), strict=True)
    for name, mixed in english.mixes.items():
        assert replace(said.mixes[name], prompts=mixed.prompts) == mixed
        pairs += zip(mixed.prompts.splitlines(), said.mixes[name].prompts.splitlines(), strict=True)
    assert len(pairs) > 150
    for one, other in pairs:
        assert not re.search("[a-z]", other)
        assert studio.guide.labels(one) == studio.guide.labels(other)


def test_an_example_whose_korean_is_another_thing_stays_english(studio: Studio):
    world = EmojiWorld({"concept": ("rosette", "rose")})
    examples = replace(studio.examples, queries=("a rosette", "a rose", "a flower"), films={}, sums={}, mixes={})
    assert in_korean(examples, world.guide()).queries == ("a rosette", "장미", "a flower")


def test_other_browsers_and_models_without_a_guide_keep_their_examples(studio: Studio, pipe: GanDprPipeline):
    assert studio.offered() is studio.examples
    own = Studio(SimpleNamespace(guide=None, world=CaptionsWorld(["my wall"])))
    token = LocalContext.request.set(SimpleNamespace(headers={"accept-language": "ko"}))
    try:
        assert own.offered() is own.examples
    finally:
        LocalContext.request.reset(token)


def test_the_page_fills_its_controls_unless_the_address_does(
    pipe: GanDprPipeline, korean: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
):
    openings: list[Opening] = []
    wire = Opening.wire
    monkeypatch.setattr(Opening, "wire", lambda self, page: openings.append(self) or wire(self, page))
    build_page(pipe)

    def filled() -> dict:
        shown = zip(openings[0]._controls, openings[0]._values(korean), strict=True)
        return {control.elem_id: value for control, value in shown if value != gr.skip()}

    whole = filled()
    film = "하얀 배경 위의 왼쪽에 있는 작은 빨간 고양이\n보라색 배경 위의 큰 초록색 개구리"
    assert whole["prompt"] == "노란 배경 위의 큰 문어"
    assert (whole["keys"], whole["grid-prompts"]) == (film, film)
    assert (whole["query"], whole["query-examples"]["words"][1]) == ("버섯", "생일 케이크")
    assert (whole["term-a"], whole["term-b"], whole["term-c"]) == ("거꾸로 선 고양이", "고양이", "개구리")
    assert whole["mix-prompts"].endswith("하얀 배경 위의 큰 해바라기")
    assert whole["examples"]["words"][1] == "파란 배경 위의 거꾸로 선 코끼리"
    korean.query_params = {"prompt": "a cat", "film": "a cat", "minus": "a cat"}
    linked = filled()
    assert [linked[name] for name in ("prompt", "keys", "term-b")] == ["a cat"] * 3
    assert whole.keys() - linked.keys() == {"term-a", "term-c"}
    korean.headers, korean.query_params = {"accept-language": "en"}, {}
    assert filled().keys() == {"verdict", "sheet", "plots"}


def test_the_first_screen_is_in_korean(studio: Studio, korean: SimpleNamespace):
    first = FirstScreen(studio)
    assert first._headline()["words"] == "이것은 본 적이 있지만 “거꾸로 선 코끼리”은(는) 본 적이 없습니다."
    assert first._taken(SimpleNamespace(index=-1)) == ["거꾸로 선 코끼리", 0, 1, 1, MODELS[0]]
    assert first._wall()["tiles"][0]["words"] == "하얀 배경 위의 큰 코끼리"
    assert first._taken(SimpleNamespace(index=0)) == ["하얀 배경 위의 큰 코끼리", 0, 1, 1, MODELS[0]]


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("거꾸로 선 코끼리", "학습에서 뺀 조합: 거꾸로 선 코끼리 그림은"),
        ("빨간 배경 위의 빨간 고양이", "빨강 바탕의 빨강 고양이은(는) 거의 보이지 않습니다"),
        ("거꾸로 선 피자", "학습한 피자은(는) 모두 바로 서 있어서"),
        ("행복한 강아지", "“행복한”"),
    ],
)
def test_a_remark_has_no_english_words(pipe: GanDprPipeline, korean: SimpleNamespace, prompt: str, sentence: str):
    said = remark(pipe, prompt).sentence
    assert sentence in said
    assert not re.search("[a-z]", said)


def test_results_are_called_in_korean_and_own_pictures_as_their_owner_did(
    pipe: GanDprPipeline, korean: SimpleNamespace
):
    hit = Hit(1.0, "a large cat on a white background in Noto style", "cat", None, "")
    assert short_title(pipe.guide, hit.caption, hit.concept) == "고양이, Noto"
    assert _said(pipe.guide, hit) == "노토 스타일로 그린 하얀 배경 위의 큰 고양이"
    own = Hit(1.0, "my cat in the garden", None, None, "")
    assert short_title(pipe.guide, own.caption, own.concept) == _said(pipe.guide, own) == "my cat in the garden"
    assert short_title(None, hit.caption, hit.concept) == "cat, Noto"
    (near,) = _near_wall([Near(np.asarray(Image.new("RGB", (8, 8))), "a red cat", 1.0)], pipe.guide)["tiles"]
    assert near["alt"] == near["hint"] == "빨간 고양이"


def test_watched_prompts_are_called_in_korean(korean: SimpleNamespace):
    world = EmojiWorld({"concept": ("cat", "house"), "size": ("large",), "tint": ("none",), "style": ("noto",)})
    watched = {one.title.partition(",")[0]: one for one in watched_scenes(world, 32)}
    assert set(watched) == {"고양이", "집"}
    cat = watched["고양이"]
    assert "고양이" in cat.said
    korean.headers = {}
    assert cat.title.startswith("cat")
    assert cat.said == cat.text
