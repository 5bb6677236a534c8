"""Prompts in Korean, and in Korean and English: what is read, what the text tower gets, what is not understood."""

import unicodedata
from itertools import product

import pytest

from gan_dpr.worlds.emoji.attributes import ATTRIBUTES, CENTRE
from gan_dpr.worlds.emoji.concepts import CONCEPTS
from gan_dpr.worlds.emoji.korean import is_korean, korean_caption, korean_names, read_korean
from gan_dpr.worlds.emoji.prompts import PromptGuide, understood
from gan_dpr.worlds.emoji.world import EmojiWorld

GUIDE = PromptGuide(EmojiWorld())
PROMPTS = {  # as people write them -> the caption of its English twin
    "물구나무선 코끼리": "an upside-down elephant",
    "물구나무를 선 코끼리를 그려줘": "an upside-down elephant",
    "물구나무서는 코끼리": "an upside-down elephant",
    "물구나무 서 있는 코끼리": "an upside-down elephant",
    "거꾸로 선 고양이": "an upside-down cat",
    "거꾸로 된 빨간 고양이": "an upside-down red cat",
    "뒤집힌 거북이": "an upside-down turtle",
    "뒤집어진 버스를 보여 주세요": "an upside-down bus",
    "고양이를 뒤집어서 그려줘": "an upside-down cat",
    "배경색은 보라, 위아래가 뒤집힌 집": "an upside-down house on a purple background",
    "옆으로 누운 강아지": "a sideways dog",
    "누워 있는 기린": "a sideways giraffe",
    "옆으로 된 기타": "a sideways guitar",
    "분홍 돼지가 옆으로 쓰러져 있음": "a sideways pink pig",
    "로켓을 옆으로 눕혀서 검정 바탕에 그려줘": "a sideways rocket on a black background",
    "똑바로 선 판다": "a panda",
    "조그만 펭귄": "a small penguin",
    "자그마한 펭귄": "a small penguin",
    "아주 작은 펭귄": "a small penguin",
    "코끼리 한 마리를 아주 작게 그려줘": "a small elephant",
    "흰색 바탕 위에 초록 개구리, 크기는 작게": "a small green frog on a white background",
    "커다란 문어": "a large octopus",
    "거대한 문어": "a large octopus",
    "엄청 큰 개를 분홍색 바탕에": "a large dog on a pink background",
    "거꾸로 서 있는 펭귄을 가운데에 크게": "a large upside-down penguin",
    "중간 크기의 사과": "a medium-sized apple",
    "가운데 중간 크기의 사자": "a medium-sized lion in the middle",
    "파란 코끼리": "a blue elephant",
    "파란색 코끼리": "a blue elephant",
    "푸른 코끼리": "a blue elephant",
    "붉은 여우": "a red fox",
    "핑크색 여우": "a pink fox",
    "자주색 여우": "a purple fox",
    "잿빛 늑대": "a gray wolf",
    "회색 늑대": "a gray wolf",
    "녹색 늑대": "a green wolf",
    "주황 물고기": "an orange fish",
    "노랑 물고기": "a yellow fish",
    "빨갛게 칠한 집": "a red house",
    "하늘색 고래": "a blue whale",
    "왼쪽 위에 있는 조그만 펭귄": "a small penguin at the top left",
    "좌측 상단에 늑대": "a wolf at the top left",
    "위쪽에 나비": "a butterfly at the top",
    "오른쪽 아래 구석에 자동차": "a car at the bottom right",
    "화면 중앙에 별": "a star in the middle",
    "상단 중앙에 별": "a star at the top",
    "맨 위 오른쪽 모서리에 달": "a moon at the top right",
    "왼쪽 가운데에 달팽이": "a snail on the left",
    "파란 배경 위의 코끼리": "an elephant on a blue background",
    "배경은 파란색, 코끼리는 빨간색으로 그려 주세요": "a red elephant on a blue background",
    "코끼리는 빨간색 배경은 파란색": "a red elephant on a blue background",
    "파란색 바탕에 코끼리 사진": "an elephant on a blue background",
    "파란색 위에 노란 오리": "a yellow duck on a blue background",
    "배경이 노란 개": "a dog on a yellow background",
    "배경: 노란색, 물체: 자동차": "a car on a yellow background",
    "파란 배경 위쪽에 곰": "a bear at the top on a blue background",
    "파란 배경 위 왼쪽에 곰": "a bear on the left on a blue background",
    "파란 배경 왼쪽 위에 곰": "a bear at the top left on a blue background",
    "하얀 배경 오른쪽 아래에 작은 보라색 문어": "a small purple octopus at the bottom right on a white background",
    "3D 스타일로 옆으로 누운 로켓": "a sideways rocket in 3D style",
    "입체적인 느낌의 사과": "an apple in 3D style",
    "플랫한 디자인의 녹색 거북이": "a green turtle in flat style",
    "노토 스타일 딸기": "a strawberry in Noto style",
    "트위모지 풍의 딸기 이모지": "a strawberry in Twemoji style",
    "이모지원 스타일 뒤집힌 나비": "an upside-down butterfly in EmojiOne style",
    "나는 토끼를 원해": "a rabbit",
    # spacing
    "파란배경위의코끼리": "an elephant on a blue background",
    "파 란 배 경 위 의 코 끼 리": "an elephant on a blue background",
    "분홍색배경에파란색고래": "a blue whale on a pink background",
    "왼쪽위에작은개": "a small dog at the top left",
    "작은 코끼리 를 그려 줘": "a small elephant",
    # mixed
    "blue 배경의 elephant": "an elephant on a blue background",
    "파란 background에 cat": "a cat on a blue background",
    "a red 고양이 on a blue background": "a red cat on a blue background",
    "upside-down 코끼리, 배경은 blue": "an upside-down elephant on a blue background",
    # a typing error of one letter
    "코끼라를 그려줘": "an elephant",
}


PROMPTS |= {
    "드래곤 블랙 배경": "a dragon on a black background",
    "멍멍이 왼쪽 아래에 쪼끄맣게": "a small dog at the bottom left",
    "거북이 파란거 초록바탕 큰걸로": "a large blue turtle on a green background",
    "파란 자동차가 전복됐어요": "an upside-down blue car",
    "차 한잔, 배경은 초록": "a cup of coffee on a green background",
}


@pytest.mark.parametrize(("prompt", "caption"), PROMPTS.items())
def test_a_prompt_is_understood_as_its_english_twin(prompt: str, caption: str):
    assert understood(prompt) == caption


@pytest.mark.parametrize(
    ("prompt", "caption"),
    [
        ("파란 배경 위의 빨간 우유", "a red glass of milk on a blue background"),
        ("영화", "a movie"),
        ("거꾸로 선 분홍색 괴물을 그려줘", "an upside-down pink alien"),
        ("빨간 쿠쿨루라", "a red gift"),  # which nobody knows
    ],
)
def test_a_keyword_stands_for_what_has_no_korean_name(prompt: str, caption: str):
    assert understood(prompt) == caption


def test_decomposed_letters_are_read_as_composed_ones():
    for prompt in list(PROMPTS)[::5]:
        apart = unicodedata.normalize("NFD", prompt)
        assert apart != prompt or not is_korean(prompt)
        assert understood(apart) == PROMPTS[prompt]


@pytest.mark.parametrize("prompt", ["a red cat", "", "!?", "象", "ㅋㅋㅋ"])
def test_what_has_no_korean_syllable_stays_as_it_is(prompt: str):
    assert not is_korean(prompt)
    assert understood(prompt) == prompt


@pytest.mark.parametrize(
    ("prompt", "concept", "unknown"),
    [
        ("여우 세 마리", "fox", ("세 마리",)),
        ("행복한 강아지", "dog", ("행복한",)),
        ("춤추는 코끼리", "elephant", ("춤추는",)),
        ("고양이와 개", "cat", ("개",)),  # of two the first is drawn
        ("왕관을 쓴 고양이", "cat", ("왕관", "쓴")),  # a clause before the noun: the last is
        ("구름 위의 고양이", "cat", ("구름 위",)),
        ("하얀 토끼", "rabbit", ("하얀",)),  # no tint is white
        ("갈색 배경 위의 개", "dog", ("갈색 배경",)),
        ("도서관", "closed book", ("도서관",)),  # the last syllable alone would be a coffin
    ],
)
def test_what_is_not_understood_is_named_and_the_rest_is_used(prompt: str, concept: str, unknown: tuple[str, ...]):
    reading = read_korean(prompt)
    assert (reading.parts, reading.unknown) == ({"concept": concept}, unknown)


def test_from_one_place_to_another_is_no_place():
    assert read_korean("위에서 아래로 여우").parts == {"concept": "fox"}


def test_a_remark_names_the_words_in_korean():
    remark = GUIDE.remark("행복한 강아지")
    assert remark.kind == "not understood"
    assert "행복한" in remark.words["words"]
    assert GUIDE.unknown_thing("빨간 쿠쿨루라") == "쿠쿨루라"
    assert GUIDE.unknown_thing("빨간 강아지") is None


def test_a_caption_in_korean():
    everything = {
        "concept": "elephant", "orientation": "upside-down", "tint": "red", "size": "small", "position": (0, 0),
        "background": "blue", "style": "fluent-3d",
    }  # fmt: skip
    written = "3D 스타일로 그린 파란 배경 위의 왼쪽 위에 있는 작은 거꾸로 선 빨간 코끼리"
    assert korean_caption(everything) == written
    assert korean_caption({"concept": "lion"}) == "사자"
    assert korean_caption({"tint": "blue"}) == "파란 것"
    said = GUIDE.in_korean("a small upside-down elephant on a blue background")
    assert said == "파란 배경 위의 작은 거꾸로 선 코끼리"
    assert GUIDE.in_korean("조그만 코끼리") == "조그만 코끼리"
    taught = PromptGuide(EmojiWorld(taught={"my dog": {}}))
    assert taught.in_korean("my small dog") == "my small dog"


def test_what_a_korean_caption_says_is_read_back():
    names = ("orientation", "tint", "size", "position", "background", "style")
    for value in [(name, value) for name in names for value in ATTRIBUTES[name].values]:
        parts = {"concept": "elephant", "background": "black"} | dict([value])
        if value[1] == "large":
            parts["position"] = CENTRE
        said = {k: v for k, v in parts.items() if v not in ("upright", "none")}
        written = korean_caption(parts)
        assert read_korean(written).parts == said, written
        assert read_korean(written.replace(" ", "")).parts == said, written


def test_bare_korean_names_of_the_core_are_read_as_their_things():
    core = [key for key, concept in CONCEPTS.items() if concept.core is not None]
    assert len(core) == 128
    for key, before in product(core, ("", "빨간 ")):
        assert read_korean(before + korean_names(key)[0]).parts.get("concept") == key


@pytest.mark.parametrize(
    ("attribute", "label", "edited"),
    [
        ("tint", "red", "파란 배경 위의 작은 빨간 코끼리"),
        ("background", "any", "작은 코끼리"),
        ("size", "large", "파란 배경 위의 큰 코끼리"),
        ("concept", "cat", "파란 배경 위의 작은 고양이"),
        ("size", "small", "파란 배경 위에 조그만 코끼리"),  # what it says already: its own words stay
    ],
)
def test_a_menu_says_a_korean_prompt_anew(attribute: str, label: str, edited: str):
    assert GUIDE.edited("파란 배경 위에 조그만 코끼리", attribute, label) == edited


def test_another_thing_is_offered_in_the_prompts_language():
    assert GUIDE.with_thing("파란 배경 위의 쿠쿨루라", "cat") == "파란 배경 위의 고양이"
