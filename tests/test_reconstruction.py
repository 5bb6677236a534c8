"""The reconstruction loss: where it vanishes, what it weighs, and what it moves."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny import tiny_trainer
from toy_world import ToyWorld

from gan_dpr.networks.composition import LayerValues, premultiplied
from gan_dpr.networks.generator import Generator
from gan_dpr.training import reconstruction
from gan_dpr.training.batches import COMPARED, Batch
from gan_dpr.training.losses import picture_distance
from gan_dpr.training.reconstruction import agreement_loss, finding_loss, known, reconstruction_loss

FLOOR = 4 * 1e-5**0.5  # of a picture distance: the root of what keeps its gradient finite, at four levels


@pytest.fixture
def made(text_tower):
    return tiny_trainer(text_tower, "emoji-64", "image_size=32", "batch_size=6")


def drawn(made, n: int = 6) -> tuple[Batch, torch.Tensor, torch.Tensor]:
    """A batch without captions to compare, what its captions say, and noise."""
    batch = replace(made.drawn_batch()[0], compared=None)
    condition = made.generator.condition(batch.text.states, batch.text.mask)
    noise = torch.randn(n, made.generator.latent_dim, generator=torch.Generator().manual_seed(0))
    return batch, condition, noise


def truth(batch: Batch) -> LayerValues:
    layers = batch.layers
    return LayerValues(
        extent=layers.extents, pose=layers.places, turn=100.0 * F.one_hot(layers.turns, 4).float(),
        tint=layers.tints, presence=torch.ones(layers.turns.shape), background=layers.background,
    )  # fmt: skip


def test_true_drawings_and_true_numbers_leave_next_to_nothing(made, monkeypatch):
    batch, condition, noise = drawn(made)
    monkeypatch.setattr(Generator, "layers", lambda *_, **__: (batch.layers.drawings, truth(batch)))
    monkeypatch.setattr(reconstruction, "finding_loss", lambda *_: 0.0)
    loss, drawing = reconstruction_loss(made.generator, condition, noise, batch)
    assert drawing == pytest.approx(FLOOR, rel=1e-3)
    assert loss.item() == pytest.approx(FLOOR, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "by"),
    [("extent", 0.1), ("pose", 0.1), ("background", 0.1), ("turn", None), ("tint", None)],
)
def test_each_number_that_is_wrong_costs_by_itself(made, monkeypatch, name, by):
    batch, condition, noise = drawn(made)
    right = truth(batch)
    if by:
        wrong, cost = getattr(right, name) + by, by
    elif name == "turn":
        wrong, cost = torch.zeros_like(right.turn), np.log(4)
    else:
        wrong = torch.full_like(right.tint, 0.5)
        pigments = (right.tint[..., :1] * (wrong - right.tint)[..., 1:].abs()).mean().item()
        cost = np.log(2) + pigments  # the colour counts where there is a tint
    monkeypatch.setattr(Generator, "layers", lambda *_, **__: (batch.layers.drawings, replace(right, **{name: wrong})))
    monkeypatch.setattr(reconstruction, "finding_loss", lambda *_: 0.0)
    loss, _ = reconstruction_loss(made.generator, condition, noise, batch)
    assert loss.item() - FLOOR == pytest.approx(cost, rel=1e-3)


def test_the_canvas_draws_what_the_memory_knows_by_number(made):
    batch, condition, noise = drawn(made)
    memory, (thing, style) = made.generator.memory, batch.layers.numbers[:, 0].T
    codes = {"thing": memory.codes["thing"][thing][:, None], "style": memory.codes["style"][style][:, None]}
    drawings, real = made.generator.draw(codes)[:, 0], batch.layers.drawings[:, 0]
    _, measured = reconstruction_loss(made.generator, condition, noise, batch)
    expected = picture_distance(premultiplied(drawings), premultiplied(real))
    assert measured == pytest.approx(expected.mean().item(), rel=1e-4)


def test_what_is_said_or_decided_is_found_among_all_that_is_known(made):
    batch, condition, noise = drawn(made)
    generator, codes = made.generator, made.generator.codes(condition)
    noises, expected = generator.noises(noise), 0.0

    def lost(name: str, code: torch.Tensor, number: int) -> torch.Tensor:
        cosines = torch.stack([F.cosine_similarity(code, key, dim=0) for key in generator.memory.keys[name]])
        return -(20 * cosines).log_softmax(0)[number]

    things, styles = batch.layers.numbers[:, 0].T.tolist()
    expected += sum(lost("thing", codes["thing"][i, 0], things[i]) for i in range(6)) / 6
    said = [i for i in range(6) if not batch.open["style"][i]]
    assert 0 < len(said) < 6
    expected += sum(lost("style", codes["style"][i, 0], styles[i]) for i in said) / len(said)
    chosen = generator.chosen("style", codes["style"], noises["style"])
    expected += sum(lost("style", chosen[i, 0], styles[i]) for i in range(6)) / 6
    assert finding_loss(generator, codes, noises, batch).item() == pytest.approx(expected.item(), rel=1e-4)


def test_every_weight_of_the_generator_learns_and_no_weight_of_the_retriever(made):
    batch, condition, noise = drawn(made)
    reconstruction_loss(made.generator, condition, noise, batch)[0].backward()
    without = [name for name, p in made.generator.named_parameters() if p.grad is None or not p.grad.any()]
    assert {name.partition(".")[0] for name in without} == {"restyler"}  # which has a phase of its own
    assert all(p.grad is None for p in made.retriever.parameters())


def test_captions_that_say_the_same_to_a_part_read_alike(made):
    batch = made.drawn_batch()[0]
    codes = made.generator.codes(made.generator.condition(batch.compared.states, batch.compared.mask))
    m, expected = len(batch.compared.mask), 0.0
    assert m == 2 * COMPARED * 6
    assert batch.saying.shape == (6, m)
    for code, said in zip(codes.values(), batch.saying, strict=True):
        unit = F.normalize(code[:, 0], dim=1)
        found = []
        for i in range(m):
            others = [j for j in range(m) if j != i]
            total = torch.logsumexp(torch.stack([10 * unit[i] @ unit[j] for j in others]), 0)
            own = [10 * unit[i] @ unit[j] - total for j in others if said[i] == said[j]]
            if own:
                found.append(-torch.stack(own).mean())
        expected += torch.stack(found).mean().item()
    assert agreement_loss(made.generator, batch).item() == pytest.approx(expected, rel=1e-4)


def test_without_layers_pictures_that_nobody_could_know_do_not_count(text_tower):
    made = tiny_trainer(text_tower, "own-32", "batch_size=6", world=ToyWorld())
    batch, condition, noise = drawn(made)
    pictures = made.generator.forward_conditioned(condition, noise)
    distances = picture_distance(pictures / 2 + 0.5, batch.pixels / 2 + 0.5)
    loss, measured = reconstruction_loss(made.generator, condition, noise, batch)
    assert loss.item() == measured == pytest.approx(distances.mean().item(), rel=1e-5)
    some = torch.tensor([True, False, True, False, False, False])
    loss, _ = reconstruction_loss(made.generator, condition, noise, replace(batch, decided=some))
    assert loss.item() == pytest.approx((distances[0] + distances[2]).item() / 2, rel=1e-5)
    none = reconstruction_loss(made.generator, condition, noise, replace(batch, decided=~some & some))
    assert none[0].item() == 0


def test_which_pictures_are_known(made):
    batch, *_ = drawn(made)
    opened = {"style": [1, 0, 0, 0, 0, 0], "pose": [0, 1, 0, 0, 0, 0], "background": [0, 1, 1, 0, 0, 0]}
    batch = replace(batch, open={name: torch.tensor(rows).bool() for name, rows in opened.items()},
                    decided=torch.tensor([1, 1, 1, 1, 1, 0]).bool())  # fmt: skip
    assert known(made.generator, batch, fitted=True).tolist() == [True] * 5 + [False]
    assert known(made.generator, batch, fitted=False).tolist() == [False] * 3 + [True, True, False]


def test_a_distance_of_pictures_by_hand():
    real = torch.zeros(3, 3, 16, 16)
    other = real.clone()
    other[1] += 0.5  # plain: no detail differs
    other[2, :, ::2, ::2], other[2, :, 1::2, 1::2] = 0.5, 0.5  # a checkerboard: half detail, and 0.25 on the whole
    found = picture_distance(other, real)
    assert found[0].item() == pytest.approx(FLOOR, rel=1e-5)
    assert found[1].item() == pytest.approx(0.5 + 3 / 4 * FLOOR, rel=1e-3)
    assert found[2].item() == pytest.approx(0.125**0.5 + 0.25 + 2 / 4 * FLOOR, rel=1e-3)
