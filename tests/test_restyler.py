"""Another finish for a drawing that is known: what is asked of the restyler, and what it learns."""

import numpy as np
import pytest
import torch
from tiny import moved as moved_weights
from tiny import tiny_trainer, weights

from gan_dpr.networks.composition import premultiplied
from gan_dpr.networks.restyler import Restyler
from gan_dpr.training import restyling
from gan_dpr.training.restyling import restyling_loss

# The flat bell was never shown, the 3D one was; of the cat both are known.
SMALL = ('world.only={"concept":["bell","cat"],"style":["fluent-3d","fluent-flat","noto"]}', "image_size=32",
         "batch_size=12")  # fmt: skip
PHASES = 'training.phases=[["reconstruct",2],{"kind":"restyle","steps":40,"lr_g":0.01}]'


@pytest.fixture
def made(text_tower):
    made = tiny_trainer(text_tower, "emoji-64", *SMALL, PHASES)
    for _ in range(2):
        made.step()
    return made


def drawn(made, things: list[int], styles: list[int]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """What the generator draws for keys of the memory, and the codes that it recalls for them."""
    memory = made.generator.memory
    codes = memory.recalled(memory.keys["thing"][things][:, None], memory.keys["style"][styles][:, None])
    return made.generator.draw(codes), codes


def test_at_first_a_drawing_stays_as_it_is():
    restyler = Restyler([8, 16, 24], 5)
    restyler.begin()
    torch.nn.init.zeros_(restyler.out.bias)
    drawings = torch.rand(3, 4, 32, 32)
    assert torch.equal(restyler(drawings, torch.randn(3, 5), torch.randn(3, 5)), drawings)


def test_it_changes_what_was_never_shown_and_nothing_else(made):
    bell, cat = (made.known.numbers[0][name] for name in ("bell", "cat"))
    flat, solid, noto = (made.known.numbers[1][name] for name in ("fluent-flat", "fluent-3d", "noto"))
    made.generator.memory.measure(made.known.shown, made.known.distances(made.world, 0))
    with torch.no_grad():
        asked = [bell, bell, bell, cat, cat], [flat, solid, noto, flat, solid]
        before, codes = drawn(made, *asked)
        assert codes["restyled"].flatten().round().tolist() == [1, 0, 0, 0, 0]
        assert torch.allclose(before[0], before[1], atol=1e-3)  # nothing learnt yet: the 3D bell
        made.generator.restyler.out.bias.fill_(0.2)
        after, _ = drawn(made, *asked)
    assert torch.equal(after[1:], before[1:])
    # Everything is 0.2 more in premultiplied RGBA, as far as that can be seen.
    expected = (premultiplied(before[0]) + 0.2).clamp(max=1)
    assert torch.allclose(premultiplied(after[0]), expected.minimum(expected[:, 3:]), atol=1e-4)


def test_what_was_taught_is_left_alone(made):
    with torch.no_grad():
        drawings, codes = drawn(made, [made.known.numbers[0]["bell"]], [made.known.numbers[1]["fluent-flat"]])
        made.generator.restyler.out.bias.fill_(0.2)
        codes["restyled"] = torch.ones(1, 1, 1)
        codes["taught"] = torch.tensor([[[0.6, 0.4]]])
        assert torch.equal(made.generator.restyled(drawings, codes), drawings)


def test_its_loss_is_that_of_the_pairs_that_are_known(made, monkeypatch):
    monkeypatch.setattr(restyling, "moved", lambda pictures, rng: pictures)
    batch, rng = made.drawn_batch()
    cat = made.known.numbers[0]["cat"]
    flat, solid = made.known.numbers[1]["fluent-flat"], made.known.numbers[1]["fluent-3d"]
    numbers = batch.layers.numbers[:, 0].tolist()
    pairs = [i for i, (thing, style) in enumerate(numbers) if thing == cat and style in (flat, solid)]
    assert 0 < len(pairs) < len(numbers)
    sources = torch.tensor([[[cat, flat + solid - numbers[i][1]]] for i in pairs])
    with torch.no_grad():
        known = premultiplied(made.ema.draw(made.ema.memory.of(sources))[:, 0])
        real = premultiplied(batch.layers.drawings[pairs, 0])
        expected = restyling.picture_distance(known, real).mean()  # as it changes nothing yet
    assert restyling_loss(made.generator, made.ema, batch, made.sisters, rng).item() == pytest.approx(expected.item())
    alone = torch.arange(made.known.shown.shape[1]).expand_as(made.sisters)
    assert restyling_loss(made.generator, made.ema, batch, alone, rng).item() == 0


def test_its_phase_moves_the_restyler_alone_and_it_learns(made):
    before = weights(made)
    errors = [made.step().reconstruction for _ in range(40)]
    changed = moved_weights(before, weights(made))  # the averages still follow what was learnt before
    learnt = [name for name in changed if not name.startswith("ema/")]
    assert learnt
    assert all(name.startswith("generator/restyler.") for name in learnt)
    assert np.mean(errors[-10:]) < 0.95 * np.mean(errors[:10])


def test_pairs_move_together(made):
    pictures = torch.rand(6, 1, 16, 16).repeat(1, 2, 1, 1)
    both = restyling.moved(pictures, np.random.default_rng(0))
    assert torch.equal(both[:, 0], both[:, 1])
    assert not torch.equal(both, pictures)


def test_a_generator_without_one_says_so(text_tower):
    for composition in ("layered", "none"):
        with pytest.raises(ValueError, match="needs generator.restyling, and a world that is drawn in layers"):
            tiny_trainer(text_tower, "nano", 'training.phases=[["restyle",3]]', f"generator.composition={composition}")
