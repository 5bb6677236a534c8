"""Properties of what reads and changes prompts: it answers whatever is typed, and what it changes is read again."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gan_dpr.worlds.emoji.attributes import ATTRIBUTES
from gan_dpr.worlds.emoji.captions import plain_words
from gan_dpr.worlds.emoji.concepts import CONCEPTS
from gan_dpr.worlds.emoji.korean import is_korean
from gan_dpr.worlds.emoji.prompts import PromptGuide
from gan_dpr.worlds.emoji.reading import read_prompt, read_with_spans
from gan_dpr.worlds.emoji.world import EmojiWorld

GUIDE = PromptGuide(EmojiWorld(taught={"my dog": {}, "Biscuit": {}}))
anything = st.text(max_size=80)
words = st.lists(
    st.sampled_from(
        ["a", "red", "upside-down", "cat", "my", "dog", "on", "blue", "background", "large", "at", "the", "top", "left",
         ",", "in", "3D", "style", "small", "Biscuit", "두", "🐘", "grey", "two"]
    ),
    max_size=12,
).map(" ".join)  # fmt: skip
prompts = st.one_of(anything, words)


@given(text=prompts)
def test_whatever_is_typed_is_read_and_what_is_found_stands_there(text: str):
    found, spans = read_with_spans(text, GUIDE.world.taught)
    if not is_korean(text):  # which has a reading of its own, without spans
        assert found == read_prompt(text, GUIDE.world.taught)
    assert spans.keys() <= found.keys() <= set(ATTRIBUTES)
    for pieces in spans.values():
        assert all(0 <= start < end <= len(text) and text[start:end].strip() for start, end in pieces)


@given(text=prompts)
def test_whatever_is_typed_the_menus_show_something_that_they_have(text: str):
    labels = GUIDE.labels(text)
    assert labels["concept"] is None or labels["concept"] in GUIDE.names
    assert all(labels[name] in menu for name, menu in GUIDE.menus.items())
    unknown = GUIDE.unknown_thing(text)
    assert unknown is None or unknown.strip()
    if unknown is None:
        GUIDE.remark(text)
        GUIDE.relatives(text, 1)


@pytest.mark.parametrize("name", [name for name in ATTRIBUTES if name != "concept"])
@given(text=words, data=st.data())
def test_what_a_menu_sets_is_read_again(name: str, text: str, data: st.DataObject):
    label = data.draw(st.sampled_from(list(GUIDE.menus[name])))
    made = GUIDE.edited(f"a cat {text}", name, label)
    value = GUIDE.menus[name][label]
    assume(label != "any" and value != ATTRIBUTES[name].usual)
    # "on red Biscuit" and "background red Biscuit" may be backgrounds.
    assume(name != "tint" or not {"on", "background"} & set(text.split()))
    # Of a place that is said twice ("top top") one is changed; and "in the middle" is what "large" says.
    assume(name != "position" or not re.search("top|left", text))
    assume(name != "position" or read_prompt(made).get("size") != "large")
    assert read_prompt(made, GUIDE.world.taught).get(name) == value, made


@given(
    concept=st.sampled_from(sorted(CONCEPTS)),
    tint=st.sampled_from(["red", "green", "purple"]),
    size=st.sampled_from(["small", "large"]),
)
def test_plain_words_are_read_as_what_they_were_written_for(concept: str, tint: str, size: str):
    name = CONCEPTS[concept].name
    said = {"tint": tint, "size": size, "background": "black"}
    assume(not read_prompt(f"a {name}").keys() & said.keys())  # "red apple" is not a name alone
    assume(not re.search(r"\d", name))
    found = read_prompt(plain_words(said, name))
    assert {key: found.get(key) for key in said} == said
