"""What a generator remembers: the tables by hand, and what is drawn from them."""

import pytest
import torch
from tiny import tiny_trainer

from gan_dpr import checkpoint
from gan_dpr.networks.memory import Memory
from gan_dpr.training.remembering import Remembering, forgetful
from gan_dpr.worlds.emoji.scene import held_out_styles

SMALL = ('world.only={"concept":["bell","cat"],"style":["fluent-3d","fluent-flat","noto"]}', "image_size=32")


def filled() -> Memory:
    """Two things and three styles with codes at right angles; thing 1 was never shown in styles 0 and 2.

    Styles 0 and 1 share their designs; style 2 is far from both, a little less from style 0.
    """
    memory = Memory(2, 3, 2, 3)
    shown = torch.tensor([[True, True, True], [False, True, False]])
    distances = torch.tensor([[0.0, 0.1, 0.8], [0.1, 0.0, 0.9], [0.8, 0.9, 0.0]])
    memory.fill(torch.eye(2), torch.eye(3), shown, distances)
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


def test_between_two_things_it_decides_for_the_nearer_one():
    memory = filled()
    between = torch.tensor([[0.52, 0.48], [0.48, 0.52]])
    assert torch.allclose(memory.recalled(between, torch.eye(3)[1].expand(2, 3))["thing"], torch.eye(2), atol=1e-3)


def test_one_style_alone_is_its_own_design():
    memory = Memory(1, 1, 2, 2)
    memory.fill(torch.ones(1, 2), torch.ones(1, 2), torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 1))
    assert memory.design.tolist() == memory.finish.tolist() == [[[1.0]]]


def test_a_trained_generator_remembers_its_world(text_tower, tmp_path):
    made = tiny_trainer(text_tower, "emoji-64", *SMALL)
    assert held_out_styles("bell") == ("fluent-flat",)
    assert held_out_styles("cat") == ("twemoji",)
    remembers = Remembering(made.world, text_tower).given_to(made.ema)
    assert (remembers.config.things, remembers.config.styles) == (2, 3)
    of_bell, of_cat = remembers.memory.design.argmax(2).tolist()
    styles = ["fluent-3d", "noto", "fluent-flat"]  # as they come up, thing by thing
    assert [styles[i] for i in of_bell] == ["fluent-3d", "noto", "fluent-3d"]  # the flat bell was never shown
    assert [styles[i] for i in of_cat] == styles
    assert made.ema.memory is None
    assert forgetful(remembers.state_dict()).keys() == made.ema.state_dict().keys()

    made.save_checkpoint(tmp_path / "saved")
    loaded = checkpoint.load(tmp_path / "saved")
    assert torch.allclose(loaded.generator.memory.things, remembers.memory.things, atol=1e-2)
    again = tiny_trainer(text_tower, "emoji-64", *SMALL)
    again.warm_start(tmp_path / "saved")
    assert again.generator.memory is None


def test_what_captions_never_say_is_not_remembered(text_tower):
    made = tiny_trainer(text_tower, "nano", "world.caption_mode=concept")
    assert Remembering(made.world, text_tower).given_to(made.ema) is made.ema


def test_without_layers_or_a_list_of_combinations_nothing_is_remembered(text_tower):
    plain = tiny_trainer(text_tower, "nano", "generator.composition=none")
    assert Remembering(plain.world, text_tower).given_to(plain.ema) is plain.ema
