"""Words beyond the tables: what the dictionary and the survey of colours make of a prompt."""

import csv
from importlib import resources

import numpy as np
import pytest

from gan_dpr.worlds.emoji.build_lexicon import _lab, _voted
from gan_dpr.worlds.emoji.concepts import CONCEPTS
from gan_dpr.worlds.emoji.english_words import ALSO_CALLED
from gan_dpr.worlds.emoji.lexicon import SEPARATOR, keyed, kindred
from gan_dpr.worlds.emoji.prompts import understood
from gan_dpr.worlds.emoji.reading import read_prompt, unused
from gan_dpr.worlds.emoji.wordings import CONCEPT_WORDS, LOOSE_NAMES, plain


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    table = resources.files("gan_dpr.worlds.emoji").joinpath("lexicon.tsv").read_text(encoding="utf-8")
    return list(csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


def test_every_word_has_one_meaning_that_the_world_knows(rows):
    known = {"colour": {"red", "orange", "yellow", "green", "blue", "purple", "pink", "gray", "white", "black"},
             "size": {"small", "large"}}  # fmt: skip
    for attribute in ("colour", "size", "concept", "keyword"):
        words = [word for row in rows if row["attribute"] == attribute for word in row["words"].split(SEPARATOR)]
        assert len(words) == len(set(words)) > 80
        for row in rows:
            if row["attribute"] == attribute:
                values = row["value"].split(SEPARATOR)
                assert set(values) <= (known[attribute] if attribute in known else CONCEPTS.keys())


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a vermilion peacock", {"concept": "peacock", "tint": "red"}),
        ("aubergine-coloured pineapple", {"concept": "pineapple", "tint": "purple"}),
        ("a gargantuan dodo on a pistachio wallpaper",
         {"concept": "dodo", "size": "large", "position": (1, 1), "background": "green"}),
        ("a duck painted viridian", {"concept": "duck", "tint": "green"}),
        ("a cornflower-blue potato, fern-green backdrop",
         {"concept": "potato", "tint": "blue", "background": "green"}),
        ("a tomato-coloured polar bear", {"concept": "polar bear", "tint": "red"}),
        ("a sky castle", {"concept": "castle", "tint": None}),
        ("pint-sized hog, wrong way up", {"concept": "pig", "size": "small", "orientation": "upside-down"}),
        ("a supersize garnet drum, onyx backdrop", {"concept": "drum", "tint": "red", "size": "large",
                                                    "background": "black"}),
        ("a mammoth ice cream", {"concept": "ice cream", "size": "large"}),
        ("a mammoth", {"concept": "mammoth", "size": None}),
        ("a candyfloss-coloured egg", {"concept": "egg", "tint": "pink"}),
        ("cotton candy", {"concept": "candy", "tint": None}),
        ("a lump of coal", {"background": None}),
        ("a trophy rotated by 180 degrees", {"concept": "trophy", "orientation": "upside-down"}),
        ("a hotel spun through 270 degrees", {"concept": "hotel", "orientation": "sideways"}),
        ("llama with its hooves in the air", {"concept": "llama", "orientation": "upside-down"}),
        ("a lamp on its roof", {"orientation": "upside-down"}),
        ("a pig flopped over on its side", {"concept": "pig", "orientation": "sideways"}),
        ("a bell in the southeast corner", {"concept": "bell", "position": (2, 2)}),
        ("a cat up in the left-hand corner", {"concept": "cat", "position": (0, 0)}),
        # What a word could also mean is left alone where it does not stand as a colour or a size.
        ("a strawberry pizza", {"concept": "pizza", "tint": None}),
        ("an aubergine cello spun by 180 degrees", {"concept": None, "tint": "purple", "orientation": "upside-down"}),
        ("a vermilion spaniel on a moss wall", {"concept": None, "tint": "red", "background": "green"}),
    ],
)  # fmt: skip
def test_words_beyond_the_tables_are_read(prompt, parts):
    found = read_prompt(prompt)
    assert {name: found.get(name) for name in parts} == parts


def test_a_colour_that_could_be_the_thing_is_none():
    assert read_prompt("raspberry") == {}


@pytest.mark.parametrize(
    ("prompt", "caption"),
    [
        ("a vermilion rabbit", "a red rabbit"),
        ("a mauve cow", "a purple cow"),
        ("topsy-turvy kitty", "an upside-down cat"),
        ("kitty on its head", "an upside-down cat"),
    ],
)
def test_words_beyond_the_tables_are_said_in_theirs(prompt, caption):
    assert understood(prompt) == caption
    assert unused(prompt) == []


@pytest.mark.parametrize(
    ("thing", "nearest"),
    [("spaniel", "dog"), ("my happy spaniels", "dog"), ("limousine", "automobile"), ("kayak", "canoe"),
     ("cobra", "snake"), ("cello", "violin"), ("kettle", "teapot"), ("chimpanzee", "gorilla")],
)  # fmt: skip
def test_a_thing_has_its_kind(thing, nearest):
    assert kindred(thing)[0] == nearest


@pytest.mark.parametrize(
    ("thing", "concepts"),
    [("queen", {"crown"}), ("hot coffee", {"hot beverage"}), ("lamb", {"ewe"}), ("sky", {"light blue heart"}),
     ("lambs", {"ewe"}), ("quaffelpaff", set())],
)  # fmt: skip
def test_a_thing_is_looked_up_among_keywords(thing, concepts):
    assert set(keyed(thing)) == concepts


def test_of_several_words_one_that_is_known_counts():
    assert kindred("tortoise stuck")[0] == "turtle"
    assert keyed("coffee quaffelpaff") == ("hot beverage",)


def test_what_the_dictionary_does_not_have_has_no_kind():
    assert kindred("quaffelpaff") == ()
    assert kindred("") == ()


def test_a_colour_is_called_as_its_neighbours_are():
    survey = {f"{i} red": f"#e0{i:02x}10" for i in range(10)} | {f"{i} blue": f"#10{i:02x}e0" for i in range(10)}
    called = _voted(survey | {"firebrick": "#d80818", "in between": "#800080"}, ("red", "blue"))
    assert called["firebrick"] == "red"
    # sRGB red in CIELAB under D65, as colour tables have it
    np.testing.assert_allclose(_lab("#ff0000"), [53.24, 80.09, 67.20], atol=0.02)
    np.testing.assert_allclose(_lab("#ffffff"), [100, 0, 0], atol=0.02)


def test_loose_names_are_no_names_of_the_table():
    own = {plain(name) for c in CONCEPTS.values() for name in (c.name, *c.synonyms, c.concept)}
    assert not LOOSE_NAMES & own
    assert {CONCEPT_WORDS[name] for name in LOOSE_NAMES} == ALSO_CALLED.keys()
