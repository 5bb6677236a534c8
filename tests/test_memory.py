"""What a generator remembers: the tables by hand, and what is drawn from them."""

import pytest
import torch
from tiny import tiny_trainer

from gan_dpr import checkpoint
from gan_dpr.networks.memory import Memory
from gan_dpr.training.starts import warm_start
from gan_dpr.worlds.emoji.scene import held_out_styles

SMALL = ('world.only={"concept":["bell","cat"],"style":["fluent-3d","fluent-flat","noto"]}', "image_size=32")


def filled() -> Memory:
    """Two things and three styles with codes at right angles; thing 1 was never shown in styles 0 and 2.

    Styles 0 and 1 share their designs; style 2 is far from both, a little less from style 0.
    """
    memory = Memory(2, 3, 2, 3)
    shown = torch.tensor([[True, True, True], [False, True, False]])
    distances = torch.tensor([[0.0, 0.1, 0.8], [0.1, 0.0, 0.9], [0.8, 0.9, 0.0]])
    memory.measure(shown, distances)
    with torch.no_grad():
        for of in (memory.keys, memory.codes):
            of["thing"].copy_(torch.eye(2))
            of["style"].copy_(torch.eye(3))
    return memory


def test_a_thing_is_drawn_in_what_it_was_shown_in():
    memory = filled()
    assert memory.design.argmax(2).tolist() == [[0, 1, 2], [1, 1, 1]]
    # Style 0 is a rendering of style 1's design, so its finish can be asked for; style 2 is not.
    assert memory.finish.argmax(2).tolist() == [[0, 1, 2], [0, 1, 1]]


@pytest.mark.parametrize(
    ("thing", "style", "design", "finish"), [(0, 2, 2, 2), (1, 0, 1, 0), (1, 1, 1, 1), (1, 2, 1, 1)]
)
def test_codes_are_recalled(thing, style, design, finish):
    things, styles, memory = torch.eye(2), torch.eye(3), filled()
    noisy = things[thing] + 0.1 * things[1 - thing]
    recalled = memory.recalled(noisy, 3 * styles[style])  # the length of a code says nothing
    assert torch.allclose(recalled["thing"], things[thing], atol=1e-3)
    assert torch.allclose(recalled["design"], styles[design], atol=1e-3)
    assert torch.allclose(recalled["style"], styles[finish], atol=1e-3)
    assert recalled["restyled"].shape == (1,)
    assert recalled["restyled"].item() == pytest.approx(float(design != finish), abs=1e-3)


def test_a_sister_is_another_known_rendering_of_the_same_design():
    shown = torch.tensor([[True, True, True], [False, True, False], [True, False, True]])
    distances = torch.tensor([[0.0, 0.1, 0.8], [0.1, 0.0, 0.9], [0.8, 0.9, 0.0]])
    assert Memory.sisters(shown, distances).tolist() == [[1, 0, 2], [0, 1, 2], [0, 1, 2]]
    assert Memory.sisters(torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 1)).tolist() == [[0]]


def test_between_two_things_it_decides_for_the_nearer_one():
    memory = filled()
    between = torch.tensor([[0.52, 0.48], [0.48, 0.52]])
    assert torch.allclose(memory.recalled(between, torch.eye(3)[1].expand(2, 3))["thing"], torch.eye(2), atol=1e-3)


def test_one_style_alone_is_its_own_design():
    memory = Memory(1, 1, 2, 2)
    memory.measure(torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 1))
    assert memory.design.tolist() == memory.finish.tolist() == [[[1.0]]]


def test_what_is_known_by_number_is_what_is_recalled():
    memory = filled()
    numbers = torch.tensor([[[0, 2]], [[1, 1]]])  # two pictures of one object, both shown in training
    by_number = memory.of(numbers)
    recalled = memory.recalled(torch.eye(2)[numbers[..., 0]], torch.eye(3)[numbers[..., 1]])
    for name, code in by_number.items():
        assert torch.allclose(recalled[name], code, atol=1e-3), name


def test_a_generator_in_training_knows_its_world(text_tower, tmp_path):
    made = tiny_trainer(text_tower, "emoji-64", *SMALL)
    assert held_out_styles("bell") == ("fluent-flat",)
    assert held_out_styles("cat") == ("twemoji",)
    assert made.known.numbers == ({"bell": 0, "cat": 1}, {"fluent-3d": 0, "noto": 1, "fluent-flat": 2})
    assert made.known.shown.tolist() == [[True, True, False], [True, True, True]]
    assert (made.ema.config.things, made.ema.config.styles) == (2, 3)
    assert made.ema.config.places == made.known.places.tolist() == made.ema.composition.places.tolist()
    made.step()
    of_bell, of_cat = made.ema.memory.design.argmax(2).tolist()
    assert of_bell == [0, 1, 0]  # the flat bell was never shown: the 3D one is its design
    assert of_cat == [0, 1, 2]

    made.save_checkpoint(tmp_path / "saved")
    loaded = checkpoint.load(tmp_path / "saved")
    assert torch.allclose(loaded.generator.memory.codes["thing"], made.ema.memory.codes["thing"], atol=1e-2)
    assert torch.equal(loaded.generator.memory.design, made.ema.memory.design)
    assert torch.equal(loaded.generator.composition.places, made.ema.composition.places)
    again = tiny_trainer(text_tower, "emoji-64", *SMALL)
    warm_start(again, tmp_path / "saved")
    assert torch.equal(again.generator.memory.keys["thing"], loaded.generator.memory.keys["thing"])


def test_distances_of_styles_are_those_of_the_same_thing(text_tower):
    made = tiny_trainer(text_tower, "emoji-64", *SMALL)
    distances = made.known.distances(made.world, seed=0)
    assert torch.equal(distances, distances.T)
    assert distances.diagonal().tolist() == [0, 0, 0]
    assert distances[0, 2] < distances[0, 1]  # flat and 3D are two renderings of one drawing


def test_without_layers_nothing_is_remembered(text_tower):
    plain = tiny_trainer(text_tower, "nano", "generator.composition=none")
    assert plain.known is None
    assert plain.ema.memory is None
