"""Noise that fits: the best of what was tried, by brute force."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from gan_dpr.config import GeneratorConfig
from gan_dpr.networks.encoders import TokenStates
from gan_dpr.networks.generator import Generator
from gan_dpr.training.batches import Batch, LayerTargets
from gan_dpr.training.fitting import fitting_noise

TRIES, DIM, N = 5, 4, 6
LAYERED_TRIED = ("style", "pose", "background")


def generator(**changes) -> Generator:
    torch.manual_seed(0)
    shape = {"image_size": 32, "text_dim": 16, "slots": 2, "slot_dim": 8, "noise_dim": DIM, "hidden_dim": 16,
             "channels": (8, 8), "things": 3, "styles": 4}  # fmt: skip
    made = Generator(GeneratorConfig(**shape | changes)).eval()
    if made.composition is not None:
        for head in (made.composition.pose[-1], made.composition.background[-1]):
            torch.nn.init.normal_(head.weight, std=0.5)  # so that noise moves things
    return made


def batch(made: Generator, is_open: dict[str, list[bool]]) -> Batch:
    """N pictures of noise, with layers if the generator has them."""
    k = made.objects
    text = TokenStates(torch.randn(N, 5, 16), torch.ones(N, 5, dtype=torch.bool))
    layers = LayerTargets(
        torch.rand(N, k, 4, 32, 32), torch.rand(N, k, 2), torch.rand(N, k, 3), torch.zeros(N, k, dtype=torch.long),
        torch.rand(N, k, 4), torch.rand(N, 3), torch.randint(3, (N, k, 2)),
    )  # fmt: skip
    return Batch(
        ["a cat"] * N, ["a cat"] * N, text, text, torch.zeros(N, dtype=torch.bool), torch.rand(N, 3, 32, 32) * 2 - 1,
        torch.eye(N, dtype=torch.bool), {name: torch.tensor(rows) for name, rows in is_open.items()},
        torch.ones(N, dtype=torch.bool), layers if made.composition is not None else None,
    )  # fmt: skip


def given(*drawn: torch.Tensor):
    """Stands in for random numbers: gives these, and nothing of another shape."""
    waiting = list(drawn)

    def draw(shape: tuple[int, ...]) -> torch.Tensor:
        numbers = waiting.pop(0)
        assert numbers.shape == shape
        return numbers

    return draw


@pytest.mark.parametrize("objects", [1, 2])
def test_each_open_part_gets_the_best_of_its_noises(objects):
    made = generator(objects=objects)
    rows = {"style": [True, False] * 3, "pose": [True, True, False] * 2, "background": [False] * 5 + [True]}
    of = batch(made, rows)
    condition = made.condition(of.text.states, of.text.mask).detach()
    noise = torch.randn(N, made.latent_dim)
    counts = {"style": objects, "pose": objects, "background": 1}
    tried = {name: torch.randn(sum(rows[name]), TRIES, counts[name], DIM) for name in rows}
    found = made.noises(fitting_noise(made, condition, noise, of, TRIES, given(*tried.values())))
    before, codes = made.noises(noise), made.codes(condition)
    with torch.no_grad():
        for name, is_open in rows.items():
            numbers = iter(tried[name])
            for row in range(N):
                if not is_open[row]:
                    assert torch.equal(found[name][row], before[name][row])
                    continue
                options = next(numbers)
                for k in range(counts[name]):
                    distances = []
                    for option in options[:, k]:
                        code = codes[name][row, k]
                        both = torch.cat([code, option])
                        if name == "style":
                            key = made.memory.keys["style"][of.layers.numbers[row, k, 1]]
                            said, truth = F.normalize(code + made.choices["style"](both), dim=0), key / key.norm()
                        elif name == "pose":
                            said, truth = made.composition.pose(both).sigmoid(), of.layers.places[row, k]
                            side = 0.125 + 0.875 * said[2:]
                            said = torch.cat([said[:2].clamp(side / 2, 1 - side / 2), side])  # inside the picture
                        else:
                            said, truth = made.composition.background(both).sigmoid(), of.layers.background[row]
                        distances.append((said - truth).square().sum().item())
                    best = min(range(TRIES), key=distances.__getitem__)
                    assert torch.equal(found[name][row, k], options[best, k]), (name, row, k)


def test_without_layers_the_nearest_of_the_whole_pictures():
    made = generator(composition="none")
    rows = [True, False, True, False, False, True]
    of = batch(made, {"picture": rows})
    condition, noise = made.condition(of.text.states, of.text.mask).detach(), torch.randn(N, DIM)
    tried = torch.randn(3, TRIES, 1, DIM)
    found = fitting_noise(made, condition, noise, of, TRIES, given(tried))
    options = iter(tried[:, :, 0])
    for row in range(N):
        if not rows[row]:
            assert torch.equal(found[row], noise[row])
            continue
        choices = next(options)
        with torch.no_grad():
            drawn = made.forward_conditioned(condition[[row] * TRIES], choices)
        small, real = F.avg_pool2d(drawn, 4), F.avg_pool2d(of.pixels[row], 4)
        assert torch.equal(found[row], choices[(small - real).square().sum((1, 2, 3)).argmin()])


@pytest.mark.parametrize("composition", ["layered", "none"])
def test_nothing_open_is_left_alone(composition):
    made = generator(composition=composition)
    names = LAYERED_TRIED if composition == "layered" else ("picture",)
    of = batch(made, {name: [False] * N for name in names})
    condition, noise = made.condition(of.text.states, of.text.mask), torch.randn(N, made.latent_dim)
    assert torch.equal(fitting_noise(made, condition, noise, of, TRIES, given()), noise)


def test_layers_that_nobody_knows_are_not_searched_for():
    """A layered generator of somebody's own pictures: what its parts should say is not known."""
    made = generator()
    of = replace(batch(made, {name: [True] * N for name in LAYERED_TRIED}), layers=None)
    condition, noise = made.condition(of.text.states, of.text.mask), torch.randn(N, made.latent_dim)
    assert torch.equal(fitting_noise(made, condition, noise, of, TRIES, given()), noise)


def test_the_true_noise_is_found_among_others():
    made = generator()
    of = batch(made, {name: [True] * N for name in LAYERED_TRIED})
    condition, true = made.condition(of.text.states, of.text.mask).detach(), torch.randn(N, made.latent_dim)
    noises = made.noises(true)
    with torch.no_grad():
        _, said = made.layers(made.decided(made.codes(condition), noises), noises)
    of = replace(of, layers=replace(of.layers, places=said.pose, background=said.background))
    tried = [torch.randn(N, TRIES, 1, DIM) for _ in LAYERED_TRIED]
    for name, numbers in zip(LAYERED_TRIED, tried, strict=True):
        numbers[:, 2] = noises[name]
    found = made.noises(fitting_noise(made, condition, torch.randn_like(true), of, TRIES, given(*tried)))
    for name in ("pose", "background"):
        assert torch.equal(found[name], noises[name])
