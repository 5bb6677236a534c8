"""Captions: true, grammatical, in the frozen shares, and readable again."""

import re
from collections import Counter

import numpy as np
import pytest

from gan_dpr.worlds.emoji import captions
from gan_dpr.worlds.emoji.attributes import ATTRIBUTES, BACKGROUND, STYLE, TABLE
from gan_dpr.worlds.emoji.captions import (
    canonical_caption,
    caption_of,
    concept_caption,
    plain_words,
    rewrite,
    with_article,
    write_caption,
)
from gan_dpr.worlds.emoji.concepts import CONCEPTS
from gan_dpr.worlds.emoji.reading import noun_of, read_prompt, unused
from gan_dpr.worlds.emoji.scene import Scene, SceneObject, held_out_attributes
from gan_dpr.worlds.emoji.world import EmojiWorld
from gan_dpr.worlds.protocol import Caption, satisfies

WORLD = EmojiWorld({"concept": "core128"})
ELEPHANT = Scene((SceneObject("elephant", "fluent-3d", "upside-down", "red", "small", (0, 2)),), "blue")
PLAIN = Scene((SceneObject("owl", "noto"),), "white")


@pytest.fixture
def typed_right(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(captions, "TYPO_SHARE", 1e-12)


def drawn(n: int, seed: int = 0, world: EmojiWorld = WORLD) -> list[Caption]:
    rng = np.random.default_rng(seed)
    return [world.caption(world.sample(rng), rng) for _ in range(n)]


@pytest.mark.parametrize(
    ("scene", "text"),
    [
        (ELEPHANT, "a small upside-down red elephant at the top right on a blue background"),
        (PLAIN, "a medium-sized owl in the middle on a white background"),
        (
            Scene((SceneObject("unicorn", "noto", tint="orange", size="large"),), "black"),
            "a large orange unicorn in the middle on a black background",
        ),
        (
            Scene((SceneObject("hot beverage", "noto", position=(1, 0)),), "pink"),
            "a medium-sized cup of coffee on the left on a pink background",
        ),
        (
            Scene((SceneObject("scissors", "noto", size="small", position=(2, 1)),), "red"),
            "small scissors at the bottom on a red background",
        ),
    ],
)
def test_canonical_captions(scene, text):
    caption = canonical_caption(scene)
    assert caption.text == text
    assert caption.mentioned == set(ATTRIBUTES) - {"style"}
    with_style = canonical_caption(scene, style=True)
    assert with_style.text == f"{text} {STYLE.values[scene.object.style].words[0]}"
    assert with_style.mentioned == set(ATTRIBUTES)


def test_a_concept_caption_says_the_name_alone_and_leaves_the_rest_open(typed_right):
    wordings = np.random.default_rng(0).integers(2**63, size=300).tolist()
    texts = {concept_caption(ELEPHANT, wording).text for wording in wordings}
    assert texts >= {"an elephant", "elephant", "a picture of an elephant", "draw me an elephant", "an elephant!!!"}
    spellings = "|".join(captions.OPENINGS)
    assert all(re.fullmatch(rf"(?:{spellings})(?:an )?elephant(?:[.!]|!!!|,? please)?", text) for text in texts), texts
    caption = concept_caption(ELEPHANT)
    assert caption.text == "an elephant"
    assert caption.mentioned == {"concept"}
    assert satisfies(WORLD, Scene((SceneObject("elephant", "noto"),), "white"), caption)


@pytest.mark.parametrize(
    ("scene", "start"),
    [
        (Scene((SceneObject("owl", "noto"),)), "an owl"),
        (Scene((SceneObject("unicorn", "noto"),)), "a unicorn"),
        (Scene((SceneObject("umbrella", "noto"),)), "an umbrella"),
        (Scene((SceneObject("cat", "noto", "upside-down"),)), "an upside-down cat"),
        (Scene((SceneObject("owl", "noto", tint="yellow"),)), "a yellow owl"),
        (Scene((SceneObject("cherries", "noto"),)), "cherries"),
        (Scene((SceneObject("french fries", "noto", tint="green"),)), "green french fries"),
    ],
)
def test_articles(scene, start):
    texts = {write_caption(scene, np.random.default_rng(i), mention=()).text for i in range(300)}
    assert start in texts


def test_an_article_before_every_vowel_and_no_other():
    for caption in drawn(3000):
        assert not re.search(r"\ban (?![aeiouE])", caption.text), caption.text
        assert not re.search(r"\ba (?=[aeio])", caption.text), caption.text
        assert not re.search(r"  |^[ ,]|[ ,]$| ,", caption.text), caption.text


def test_what_is_said_and_how_often():
    made = drawn(4000)
    assert all(caption.mentioned >= {"concept", "orientation", "tint"} for caption in made)
    said = {
        name: [name in caption.mentioned - caption.implied for caption in made if sized(caption)]
        for name, sized in {
            "size": lambda caption: caption.scene.object.size != "medium",
            "position": lambda caption: True,
            "background": lambda caption: True,
            "style": lambda caption: True,
        }.items()
    }
    shares = {name: np.mean(values) for name, values in said.items()}
    assert shares == pytest.approx({"size": 0.7, "position": 0.8, "background": 0.85, "style": 0.5}, abs=0.03)


def test_captions_say_what_they_mention_and_nothing_else(typed_right):
    for caption in drawn(1500, seed=1):
        mentioned = {name: caption.scene.attribute(name) for name in caption.mentioned}
        if mentioned["tint"] == "none":
            del mentioned["tint"]
        assert {"orientation": "upright"} | read_prompt(caption.text) == mentioned, caption.text
        assert unused(caption.text) == [], caption.text


def shares_of_mention(world: EmojiWorld) -> dict[str, float]:
    captions = drawn(2000, world=world)
    said = {name: [name in caption.mentioned - caption.implied for caption in captions] for name in ATTRIBUTES}
    return {name: float(np.mean(values)) for name, values in said.items()}


def test_a_share_of_the_captions_says_everything():
    complete = []
    for share in (0.0, 0.5, 1.0):
        captions = drawn(1000, world=EmojiWorld(complete_share=share))
        complete.append(np.mean([caption.mentioned == set(ATTRIBUTES) for caption in captions]))
    # of the others so many say all by chance: half the style, and of the rest what the table has
    assert complete == [pytest.approx(share, abs=0.06) for share in (0.25, 0.36, 0.5)]
    assert {name for caption in captions for name in set(ATTRIBUTES) - caption.mentioned} == {"style"}


def test_a_share_of_the_captions_says_little():
    shares = shares_of_mention(EmojiWorld(complete_share=0.25, short_share=0.75))
    # A quarter says everything or all but the style; of the others each attribute comes one time in four.
    some = 0.25 + 0.75 / 4
    assert shares == pytest.approx({
        "concept": 1, "orientation": 1, "tint": 1, "size": some, "position": some, "background": some,
        "style": 0.25 / 2 + 0.75 / 4,
    }, abs=0.04)  # fmt: skip


def test_every_wording_occurs():
    texts = " | ".join(caption.text for caption in drawn(4000, seed=2))
    for words in (
        "a picture of", "an image of", "an emoji of", "draw me ", "with a", "against a", ", on a",
        "tiny", "huge", "big", "medium ", "gigantic", "teeny", "upside down", "upside-down", "grey", "gray",
        "flipped", "standing on its head", "on their head", "lying on its side", "crimson", "navy", "golden",
        "in the top left corner", "in the center", "on the right side", "in the upper right", ", bottom middle",
        "in 3D style", "as a 3D render", "bunny", "burger", "on pink", ", background: ", "sky", "on an emerald",
    ):  # fmt: skip
        assert words in texts, words
    assert Counter(caption.text[0] for caption in drawn(500, seed=3)).keys() >= {"a", "i", "o"}


def test_mention_forces_what_is_said(typed_right):
    rng = np.random.default_rng(0)
    for _ in range(200):
        caption = write_caption(ELEPHANT, rng, mention={"background"})
        assert caption.mentioned == {"concept", "orientation", "tint", "background"}
        assert read_prompt(caption.text) == {
            "concept": "elephant", "orientation": "upside-down", "tint": "red", "background": "blue"
        }  # fmt: skip
    with pytest.raises(ValueError, match="^a caption cannot mention 'colour': use concept, "):
        write_caption(ELEPHANT, rng, mention={"colour"})


def test_large_implies_the_position():
    scene = Scene((SceneObject("cat", "noto", size="large"),), "blue")
    caption = write_caption(scene, np.random.default_rng(0), mention={"size"})
    assert caption.mentioned == {"concept", "orientation", "tint", "size", "position"}
    assert caption.implied == {"position"}
    assert "middle" not in caption.text
    assert "center" not in caption.text
    smaller = rewrite(caption, scene.with_attribute("size", "small"))
    assert smaller.mentioned == {"concept", "orientation", "tint", "size"}


def test_a_scene_satisfies_what_is_mentioned():
    caption = write_caption(ELEPHANT, np.random.default_rng(0), mention={"size"})
    for name, value, satisfied in [
        ("concept", "cat", False), ("orientation", "upright", False), ("tint", "none", False),
        ("size", "medium", False), ("position", (1, 1), True), ("background", "white", True),
        ("style", "noto", True),
    ]:  # fmt: skip
        assert satisfies(WORLD, ELEPHANT.with_attribute(name, value), caption) is satisfied
    assert satisfies(WORLD, ELEPHANT, caption)


def test_rewrite_keeps_the_wording(typed_right):
    rng = np.random.default_rng(4)
    for _ in range(700):
        scene = WORLD.sample(rng)
        caption = write_caption(scene, rng)
        assert rewrite(caption, scene) == caption
        swapped = WORLD.swap(caption, rng)
        (name,) = (n for n in ATTRIBUTES if swapped.scene.attribute(n) != scene.attribute(n))
        assert held_out_attributes(swapped.scene) == ()
        assert name in swapped.mentioned
        assert swapped.mentioned >= caption.mentioned - caption.implied
        assert not satisfies(WORLD, scene, swapped)
        old, new = (re.sub(r"\ban\b", "a", text).split() for text in (caption.text, swapped.text))
        if name == "background" and "background" in caption.mentioned:
            while old and new and old[0] == new[0]:
                del old[0], new[0]
            while old and new and old[-1] == new[-1]:
                del old[-1], new[-1]
            assert " ".join(old).strip(",!.") in BACKGROUND.values[scene.background].known
            assert " ".join(new).strip(",!.") in BACKGROUND.values[swapped.scene.background].known


def test_no_training_caption_has_a_synonym_that_is_held_out():
    held_out = [words for a in TABLE for value in a.values.values() for words in value.held_out]
    for attribute in TABLE:
        for value in attribute.values.values():
            assert value.held_out or not value.synonyms, value.label
    assert len(held_out) == 48
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, held_out))})\b", re.IGNORECASE)
    said = [words for a in TABLE for v in a.values.values() for words in (*v.words, *v.synonyms, *v.behind)]
    said += [name for concept in CONCEPTS.values() for name in (concept.name, *concept.synonyms)]
    assert [words for words in said if pattern.search(words)] == []
    assert [caption.text for caption in drawn(1500, seed=5) if pattern.search(caption.text)] == []


def test_half_of_the_time_captions_say_the_canonical_words(typed_right):
    scenes = [Scene((SceneObject("cat", "noto", tint="red"),), "blue")] * 1500
    rng = np.random.default_rng(6)
    texts = [write_caption(scene, rng, mention=()).text for scene in scenes]
    assert np.mean([re.search(r"\bred\b", text) is not None for text in texts]) == pytest.approx(0.8, abs=0.05)
    assert np.mean(["crimson" in text for text in texts]) == pytest.approx(0.1, abs=0.03)


def test_typing_errors_are_rare_and_make_no_known_word(monkeypatch: pytest.MonkeyPatch):
    known = captions._known_words()
    wrong = [caption.text for caption in drawn(1500, seed=7)]
    monkeypatch.setattr(captions, "TYPO_SHARE", 1e-12)
    right = [caption.text for caption in drawn(1500, seed=7)]
    words = ((old.split(), new.split()) for old, new in zip(right, wrong, strict=True))
    pairs = [(a, b) for old, new in words for a, b in zip(old, new, strict=True) if a != b]
    assert 0.02 < np.mean([a != b for a, b in zip(right, wrong, strict=True)]) < 0.08
    for old, new in pairs:
        assert len(old.strip(",.!")) >= 5, (old, new)
        assert old[0] == new[0]
        assert new.lower().strip(",.!") not in known, (old, new)


def test_rewrite_says_the_attribute_that_differs():
    caption = write_caption(PLAIN, np.random.default_rng(0), mention=())
    swapped = rewrite(caption, PLAIN.with_attribute("background", "green"))
    assert swapped.mentioned == caption.mentioned | {"background"}
    assert read_prompt(swapped.text)["background"] == "green"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("an upside-down elephant", {"concept": "elephant", "orientation": "upside-down"}),
        ("Top hat at the top", {"concept": "top hat", "position": (0, 1)}),
        ("a teddy bear", {"concept": "teddy bear"}),
        ("red apple", {"concept": "red apple", "tint": "red"}),
        ("two cats", {"concept": "cat"}),
        (
            "lower left: tiny grey ROBOT, 3d, blue background",
            {"concept": "robot", "tint": "gray", "size": "small", "position": (2, 0), "style": "fluent-3d",
             "background": "blue"},
        ),
        ("a huge cat on red", {"concept": "cat", "size": "large", "position": (1, 1), "background": "red"}),
        ("a cat on its side", {"concept": "cat", "orientation": "sideways"}),
        ("a cathedral", {}),
        ("a dragon flying from left to right", {"concept": "dragon"}),
        ("", {}),
        ("코끼리", {"concept": "elephant"}),
    ],
)  # fmt: skip
def test_reading_prompts(text, found):
    assert read_prompt(text) == found


@pytest.mark.parametrize(
    ("text", "noun"),
    [
        ("a red cat on a blue background", "cat"),
        ("a tiny kitty at the top", "kitty"),
        ("a large red submarine on a blue background in flat style", "submarine"),
        ("two purple gnomes", "two gnomes"),
        ("on a red background", "thing"),
    ],
)
def test_the_noun_of_a_prompt(text, noun):
    assert noun_of(text, read_prompt(text)) == noun


def test_words_of_parts():
    assert plain_words({}, "owl") == "an owl"
    assert plain_words({"size": "large", "position": (1, 1), "background": "red"}, "scissors") == (
        "large scissors in the middle on a red background"
    )
    assert with_article("unicorn", "unicorn") == "a unicorn"
    assert caption_of(ELEPHANT, ("concept", "style")).text == "an elephant in 3D style"
