"""Batches: pure functions of seed, step and rank; what their captions agree in and leave open."""

import itertools
from collections import Counter
from dataclasses import fields
from threading import Event

import numpy as np
import pytest
import torch
from toy_world import SCENES, ToyWorld

from gan_dpr.config import GeneratorConfig
from gan_dpr.images import to_pixels
from gan_dpr.networks.encoders import TextTower, TokenStates
from gan_dpr.networks.parts import Part, parts_of
from gan_dpr.training.batches import Batch, Batches, LayerTargets
from gan_dpr.training.remembering import Known
from gan_dpr.worlds.emoji.attributes import ATTRIBUTES
from gan_dpr.worlds.emoji.prompts import read_prompt
from gan_dpr.worlds.emoji.scene import Scene, SceneObject, held_out_attributes, is_held_out
from gan_dpr.worlds.emoji.world import EmojiWorld
from gan_dpr.worlds.pictures.dataset import PictureDataset
from gan_dpr.worlds.pictures.world import PicturesWorld
from gan_dpr.worlds.protocol import World, satisfies

PARTS = {part.name: part for part in parts_of(GeneratorConfig(slots=2, slot_dim=8, noise_dim=4))}
WHOLE = {part.name: part for part in parts_of(GeneratorConfig(composition="none", slots=2, slot_dim=8, noise_dim=4))}
CATS = EmojiWorld({"concept": ("cat", "house")}, complete_share=0.3, short_share=0.2)


class Recorded:
    """A world that remembers which captions it gave out."""

    def __init__(self, world: World):
        self._world, self.captions, self.swaps = world, [], []

    def __getattr__(self, name: str):
        return getattr(self._world, name)

    def caption(self, *arguments):
        self.captions.append(self._world.caption(*arguments))
        return self.captions[-1]

    def swap(self, *arguments):
        self.swaps.append(self._world.swap(*arguments))
        return self.swaps[-1]


class OneTokenTower:
    """Encodes text i of all that it ever saw as one token, [i, i, i, i]: so that it can be read back."""

    def __init__(self):
        self.texts: dict[str, int] = {}

    def encode(self, texts: list[str]) -> TokenStates:
        numbers = torch.tensor([[float(self.texts.setdefault(text, len(self.texts)))] * 4 for text in texts])
        return TokenStates(numbers[:, None], torch.ones(len(texts), 1, dtype=torch.bool))

    def read_back(self, text: TokenStates) -> np.ndarray:
        """Token states -> an array of texts."""
        return np.array(list(self.texts), object)[text.states[..., 0, 0].int().numpy()]


def batches(world: World, parts: dict[str, Part] = PARTS, seed: int = 0, tower=None, **settings) -> Batches:
    known = Known.of(GeneratorConfig(composition="layered" if len(parts) > 1 else "none"), world)
    usual = {"pool_size": 64, "pool_reuse": 2, "known": known}
    return Batches(world, tower or OneTokenTower(), parts, 32, seed, **usual | settings)


def assert_same(one: Batch, other: Batch) -> None:
    for field in fields(Batch):
        torch.testing.assert_close(flat(getattr(one, field.name)), flat(getattr(other, field.name)), rtol=0, atol=0)


def flat(value):
    """Lists and tensors alone, as assert_close compares them."""
    if isinstance(value, TokenStates | LayerTargets):
        return list(vars(value).values())
    if isinstance(value, dict):
        return [flat(entry) for entry in value.values()]
    return [ord(letter) for text in value for letter in text] if isinstance(value, list) else value


def test_names_come_where_they_are_asked_for():
    tower, world = OneTokenTower(), Recorded(EmojiWorld({"concept": ("dog", "cat", "octopus")}))
    made = batches(world, tower=tower)
    without = made.batch(0, 8)
    assert (without.names, without.named, without.things) == (None, None, None)
    assert "kitty" not in tower.texts
    drawn = [made.batch(step, 8, named=3) for step in range(30)]
    choices = list(world.names().values())
    shown = {caption.text: caption.scene.object.concept for caption in world.captions}
    for batch in drawn:
        concepts = [shown[text] for text in batch.captions]
        assert batch.things[:8].tolist() == [["dog", "cat", "octopus"].index(concept) for concept in concepts]
        assert (batch.named.shape, batch.things.shape) == ((3, 3, 32, 32), (11,))
        assert all(name in of_one for name, of_one in zip(tower.read_back(batch.names), choices, strict=True))
    assert {name for batch in drawn for name in tower.read_back(batch.names)} == {n for names in choices for n in names}
    assert len({batch.named.numpy().tobytes() for batch in drawn}) == 30
    assert_same(batches(world, tower=tower).batch(7, 8, named=3), drawn[7])
    assert made.batch(0, 8, named=0).named.shape == (0, 3, 32, 32)
    nameless = batches(ToyWorld(), WHOLE).batch(0, 4, named=3)
    assert (nameless.names, nameless.named, nameless.things) == (None, None, None)


def test_further_pictures_show_what_their_number_says():
    """Of two concepts, each drawn in one way, every picture is one of two."""
    world = EmojiWorld({"concept": ("cat", "dog"), "style": ("noto",), "orientation": ("upright",), "tint": ("none",),
                        "size": ("large",), "background": ("white",)})  # fmt: skip
    pictures = [to_pixels(world.render(Scene((SceneObject(name, "noto", size="large"),)), 32)[None])[0]
                for name in ("cat", "dog")]  # fmt: skip
    batch = batches(world).batch(0, 2, named=8)
    assert set(batch.things[2:].tolist()) == {0, 1}
    torch.testing.assert_close(batch.named, torch.stack([pictures[thing] for thing in batch.things[2:]]))


# ------------------------------------------------------------------ functions of the step


@pytest.mark.parametrize(("world", "parts"), [(CATS, PARTS), (CATS, WHOLE), (ToyWorld(), WHOLE)])
def test_a_batch_is_a_function_of_seed_step_and_rank(world, parts, text_tower: TextTower):
    """Whatever was asked before, and whether the batch was made beforehand: pools change after 32 steps of 4."""
    in_order = batches(world, parts, tower=text_tower)
    made = {step: in_order.batch(step, 4) for step in range(0, 40)}
    assert len({tuple(batch.captions) for batch in made.values()}) > 25
    others = batches(world, parts, tower=text_tower)
    for step in (33, 34, 3, 2, 39, 32, 32):
        assert_same(others.batch(step, 4), made[step])
    assert_same(batches(world, parts, tower=text_tower).batch(39, 4), made[39])
    assert not torch.equal(others.batch(3, 4, rank=1).text.states, made[3].text.states)
    different = batches(world, parts, seed=1, tower=text_tower).batch(3, 4)
    assert different.captions != made[3].captions
    assert made[3].pixels.shape == (4, 3, 32, 32)
    assert -1 <= made[3].pixels.min() < made[3].pixels.max() <= 1


def test_an_error_of_the_batch_made_beforehand_comes_with_that_batch():
    class Failing(OneTokenTower):
        def encode(self, texts):
            if len(self.texts) > 20:
                raise RuntimeError("out of memory")
            return super().encode(texts)

    made = batches(EmojiWorld({"concept": "core128"}), tower=Failing(), pool_size=16, pool_reuse=1)
    made.batch(0, 8)
    made.batch(1, 8)  # the one after it begins a pool
    with pytest.raises(RuntimeError, match="out of memory"):
        made.batch(2, 8)


def test_pictures_are_those_of_the_captions():
    recorded = Recorded(CATS)
    batch = batches(recorded).batch(0, 24)
    scenes = {caption.text: caption.scene for caption in recorded.captions}
    rendered = to_pixels(np.stack([CATS.render(scenes[text], 32) for text in batch.captions]))
    torch.testing.assert_close(batch.pixels, rendered)
    known = Known.of(GeneratorConfig(), CATS)
    layers = LayerTargets.stack([CATS.layers(scenes[text], 32) for text in batch.captions], known).rows(slice(None))
    for field in fields(LayerTargets):
        assert torch.equal(getattr(batch.layers, field.name), getattr(layers, field.name))
    assert batch.layers.drawings.shape == (24, 1, 4, 32, 32)
    shown = [scenes[text].object for text in batch.captions]
    things, styles = ([{v: k for k, v in number.items()}[i] for i in column] for number, column in
                      zip(known.numbers, batch.layers.numbers[:, 0].T.tolist(), strict=True))  # fmt: skip
    assert [(item.concept, item.style) for item in shown] == list(zip(things, styles, strict=True))


def test_tokens_for_statistics_are_those_of_the_pool_without_padding(text_tower: TextTower):
    recorded = Recorded(CATS)
    tokens = batches(recorded, tower=text_tower).tokens()
    text = text_tower.encode([caption.text for caption in recorded.captions])
    torch.testing.assert_close(tokens, text.states[text.mask], rtol=1e-3, atol=1e-3)  # kept as fp16


# ------------------------------------------------------------------ what agrees, and what is open


def test_matches_by_brute_force():
    recorded = Recorded(EmojiWorld({"concept": ("cat",)}))
    batch = batches(recorded).batch(0, 48)
    captions = {caption.text: caption for caption in recorded.captions}
    chosen = [captions[text] for text in batch.captions]
    expected = [[satisfies(recorded, other.scene, caption) for other in chosen] for caption in chosen]
    assert batch.matches.tolist() == expected
    assert batch.matches.diagonal().all()
    assert 48 < batch.matches.sum() < 48 * 48


def test_swapped_captions_are_those_of_the_world():
    recorded = Recorded(CATS)
    batch = batches(recorded).batch(0, 24)
    swaps = {caption.text: swap.text for caption, swap in zip(recorded.captions, recorded.swaps, strict=True)}
    assert batch.swapped_captions == [swaps[text] for text in batch.captions]
    assert batch.has_swap.all()


def test_where_nothing_can_be_swapped_the_caption_stands_in():
    lone = EmojiWorld({"concept": ("cat",), "style": ("noto",), "background": ("black",), "tint": ("none",),
                       "orientation": ("upright",), "size": ("large",)})  # fmt: skip
    batch = batches(lone).batch(0, 4)
    assert batch.swapped_captions == batch.captions
    assert not batch.has_swap.any()
    assert torch.equal(batch.swapped.states, batch.text.states)


def test_what_is_open_and_what_decided_by_brute_force():
    """Without mixed captions every part reads the picture's own."""
    recorded = Recorded(EmojiWorld({"concept": ("cat", "dog")}, complete_share=0.3))
    batch = batches(recorded, mix=False).batch(0, 48)
    said = {caption.text: caption.mentioned for caption in recorded.captions}
    for name, attributes in {"style": {"style"}, "pose": {"size", "position"}, "background": {"background"}}.items():
        expected = [not attributes <= said[text] for text in batch.captions]
        assert batch.open[name].tolist() == expected
        assert 0 < sum(expected) < 48
    assert batch.decided.all()
    assert batch.mixed is None
    whole = batches(recorded, WHOLE).batch(0, 48)
    assert whole.open["picture"].tolist() == [said[text] != set(ATTRIBUTES) for text in whole.captions]
    assert whole.mixed is None
    assert whole.layers is None


def test_a_value_without_alternative_is_not_open():
    batch = batches(EmojiWorld({"concept": ("cat", "dog"), "style": ("noto",), "size": ("large",)})).batch(0, 32)
    assert not batch.open["style"].any()
    assert not batch.open["pose"].any()  # what is always large is always in the middle
    assert batch.open["background"].any()


def test_a_caption_of_one_word_leaves_what_no_noise_decides():
    batch = batches(EmojiWorld(caption_mode="concept")).batch(0, 4)
    assert all(is_open.all() for is_open in batch.open.values())
    assert not batch.decided.any()
    assert batches(EmojiWorld(caption_mode="concept"), WHOLE).batch(0, 4).decided.all()  # there one noise has all


def test_mixed_captions_agree_in_their_part_alone():
    recorded, tower = Recorded(CATS), OneTokenTower()
    batch = batches(recorded, tower=tower, pool_size=600).batch(0, 200)
    captions = {caption.text: caption for caption in recorded.captions}
    read = tower.read_back(batch.mixed)  # (parts, pictures)
    assert read.shape == (6, 200)
    differs = set()
    for (i, part), (j, text) in itertools.product(enumerate(PARTS.values()), enumerate(batch.captions)):
        own, other = captions[text], captions[read[i, j]]
        for name in ATTRIBUTES:
            same = own.scene.attribute(name) == other.scene.attribute(name)
            if name in part.attributes:
                assert (name in own.mentioned) == (name in other.mentioned)
                assert same or name not in own.mentioned
            elif not same:
                differs.add((part.name, name))
        if part.noise_dim:  # what the part may decide is what the caption that it reads leaves open
            assert batch.open[part.name][j] == (not set(part.attributes) <= other.mentioned)
    assert differs == {(part.name, name) for part in PARTS.values() for name in ATTRIBUTES
                       if name not in part.attributes}  # fmt: skip


def test_a_batch_is_made_of_families():
    recorded = Recorded(EmojiWorld({"concept": ("cat", "dog", "house")}, family_size=4))
    batch = batches(recorded).batch(0, 10)
    scenes = {caption.text: caption.scene for caption in recorded.captions}
    assert len(batch.captions) == 10
    for start in (0, 4, 8):
        first, *others = (scenes[text] for text in batch.captions[start : start + 4])
        assert all(scene == first.with_attribute("concept", scene.object.concept) for scene in others)


def test_nothing_held_out_in_any_batch():
    core = {"concept": "core128"}  # beyond it "a green book" is a thing, and is read as a tinted one
    recorded = Recorded(EmojiWorld(core, complete_share=0.5, short_share=0.2, family_size=4))
    tower = OneTokenTower()
    made = batches(recorded, tower=tower, pool_size=1000, pool_reuse=1)
    for step in range(0, 30, 10):  # a pool each
        made.batch(step, 100)
    given = recorded.captions + [swap for swap in recorded.swaps if swap]
    assert len(given) >= 6000
    assert {held_out_attributes(caption.scene) for caption in given} == {()}
    assert set(tower.texts) <= {caption.text for caption in given}  # nothing else is ever read
    seen, misread = given[::7], []
    for caption in seen:
        said = read_prompt(caption.text)
        if said.get("concept", caption.scene.object.concept) != caption.scene.object.concept:
            misread.append(caption.text)  # a typing error can make another thing of one: "a grey pnda bear"
        elif "concept" in said:
            assert not any(is_held_out(said["concept"], name, value) for name, value in said.items()), caption.text
    assert len(misread) < len(seen) / 200, misread


# ------------------------------------------------------------------ finite worlds


def pictures(*captions: str) -> PicturesWorld:
    n = len(captions)
    images = np.arange(n * 32 * 32 * 3, dtype=np.uint32).astype(np.uint8).reshape(n, 32, 32, 3)
    return PicturesWorld(PictureDataset(images, list(captions), [str(i) for i in range(n)]))


def test_every_picture_comes_once_an_epoch():
    world = pictures("a cat", "a dog", "a fox", "a fish", "a bus")
    made = batches(world, WHOLE, pool_size=2, pool_reuse=1)
    seen = [text for step in range(10) for text in made.batch(step, 2).captions]
    epochs = [seen[i : i + 5] for i in range(0, 20, 5)]
    assert all(sorted(epoch) == sorted(world.captions) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1
    larger = made.batch(0, 13).captions  # than the world
    assert sorted(Counter(larger).values()) == [2, 2, 3, 3, 3]


def test_what_own_pictures_leave_open_is_which_of_those_with_one_caption():
    world = pictures("a cat", "a dog", "a cat", "a fish", "a bus")
    batch = batches(world, WHOLE).batch(0, 5)
    cats = [i for i, caption in enumerate(batch.captions) if caption == "a cat"]
    assert batch.matches[cats[0], cats[1]]
    assert batch.matches.sum() == 5 + 2
    assert batch.open["picture"].tolist() == [caption == "a cat" for caption in batch.captions]
    assert batch.decided.all()
    assert not batch.has_swap.any()
    assert batch.layers is None
    layered = batches(world, PARTS).batch(0, 5)
    assert not any(is_open.any() for is_open in layered.open.values())
    assert layered.decided.tolist() == [caption != "a cat" for caption in layered.captions]


def test_own_pictures_of_another_size_are_one_sentence():
    with pytest.raises(ValueError, match="^the pictures were loaded at 32 px and the model has 64 px.$"):
        pictures("a cat").render(0, 64)


def test_a_world_of_ones_own():
    batch = batches(ToyWorld(), WHOLE).batch(0, 12)
    assert set(batch.captions) <= {"a red square", "a blue square", "a red disc", "a square", "a disc"}
    expected = [text in ("a square", "a disc") for text in batch.captions]
    assert batch.open["picture"].tolist() == expected
    assert len(SCENES) == 3


def test_a_pool_that_nobody_will_use_is_left(monkeypatch):
    """A run that ends just before a new pool does not wait for it."""
    monkeypatch.setattr("gan_dpr.training.batches.ENCODED", 16)
    tower, begun, going_on = OneTokenTower(), Event(), Event()
    made = batches(CATS, tower=tower, pool_reuse=1)
    made.batch(0, 32)
    first = len(tower.texts)
    encode = tower.encode

    def slowly(texts: list[str]) -> TokenStates:
        begun.set()
        assert going_on.wait(60)
        return encode(texts)

    tower.encode = slowly
    made.batch(1, 32)  # of the pool's two batches the last: the next pool is begun
    assert begun.wait(60)
    made.close()
    going_on.set()
    made._worker.shutdown(wait=True)
    assert len(tower.texts) <= first + 16  # of 64 captions and as many swaps


def test_many_captions_are_encoded_in_parts(monkeypatch, text_tower):
    whole = batches(CATS, tower=text_tower).batch(0, 8)
    monkeypatch.setattr("gan_dpr.training.batches.ENCODED", 5)
    parts = batches(CATS, tower=text_tower).batch(0, 8)
    assert torch.equal(parts.text.mask, whole.text.mask)
    real = whole.text.mask
    torch.testing.assert_close(parts.text.states[real], whole.text.states[real], rtol=0, atol=4e-3)
