"""Mixes of several prompts in one drawing."""

import numpy as np
import pytest
import torch
from tiny import tiny_preset

from gan_dpr.networks.generator import Generator
from gan_dpr.networks.mixing import WAYS, masks, mixed, settling_of, shares
from gan_dpr.pipeline import GanDprPipeline


def test_shares_begin_with_the_first_and_end_with_the_others():
    found = shares(3, torch.tensor([0.0, 0.5, 1.0]))
    assert found.tolist() == [[1, 0, 0], [0.5, 0.25, 0.25], [0, 0.5, 0.5]]


@pytest.mark.parametrize("way", WAYS)
def test_every_place_is_somebodys(way: str):
    found = masks(way, shares(3, torch.tensor([0.0, 0.4, 1.0])), 32)
    assert found.shape == (3, 3, 32, 32)
    assert torch.allclose(found.sum(1), torch.ones(3, 32, 32), atol=1e-6)
    assert found.min() >= 0
    assert found[0, 0].min() > 0.99  # nothing of the others where there is no amount of them


def test_halves_lie_below_each_other_and_rings_around_each_other():
    half = shares(2, torch.tensor([0.5]))
    top = masks("halves", half, 33)[0, 0]
    assert (top[:14].min() > 0.9, top[19:].max() < 0.1) == (True, True)
    assert top[16].tolist() == pytest.approx([0.5] * 33)
    core = masks("middle", half, 33)[0, 0]
    assert core[16, 16] > 0.99
    assert max(core[0, 0], core[0, 32], core[32, 0], core[32, 32]) < 0.01


def test_a_mix_settles_at_its_ends_and_not_half_way():
    weights = torch.tensor([[1.0, 0.0], [0.75, 0.25], [0.5, 0.5], [0.0, 1.0]])
    assert settling_of(weights).tolist() == [1.0, 0.5, 0.0, 1.0]
    assert settling_of(torch.tensor([[1.0, -1.0, 1.0], [0.25, 0.25, 0.25]])).tolist() == [1.0, 0.0]


@pytest.fixture(params=["none", "layered"])
def generator(request: pytest.FixtureRequest) -> Generator:
    chosen = tiny_preset("nano", f"generator.composition={request.param}").generator
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Generator(chosen).eval()


def told(generator: Generator, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(1)
    width = sum(part.width for part in generator.parts.values())
    noise = torch.randn(1, generator.latent_dim, generator=source).expand(n, -1)
    return torch.randn(n, generator.objects, width, generator=source), noise


@torch.no_grad()
@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_the_others_is_the_first(generator: Generator, way: str):
    condition, noise = told(generator, 3)
    alone = generator.forward_conditioned(condition[:1], noise[:1])
    assert (mixed(generator, condition, noise, way, torch.tensor([0.0])) - alone).abs().max() < 0.02


@torch.no_grad()
def test_all_of_a_blend_is_the_second_and_between_lie_others(generator: Generator):
    condition, noise = told(generator, 2)
    start, middle, end = mixed(generator, condition, noise, "blend", torch.tensor([0.0, 0.5, 1.0]))
    assert torch.allclose(end, generator.forward_conditioned(condition[1:], noise[1:])[0], atol=1e-5)
    assert (middle - start).abs().max() > 1e-3
    assert (middle - end).abs().max() > 1e-3


@torch.no_grad()
@pytest.mark.parametrize("generator", ["none"], indirect=True)  # what is placed on a background has no fixed rows
def test_halves_have_each_ones_own_and_colours_the_others_finish(generator: Generator):
    condition, noise = told(generator, 2)
    first, second = (generator.forward_conditioned(condition[i : i + 1], noise[:1])[0] for i in (0, 1))
    joined = mixed(generator, condition, noise, "halves", torch.tensor([0.5]))[0]
    rows = joined.shape[1] // 4  # far enough from the seam for every convolution
    assert (joined[:, :rows] - first[:, :rows]).abs().max() < 0.02
    assert (joined[:, -rows:] - second[:, -rows:]).abs().max() < 0.02
    codes = generator.decided(generator.codes(condition), generator.noises(noise))
    sketch, finish = generator.sketched(codes)
    expected = generator.bounded(generator.canvas.refined(sketch[0], finish[1]))
    assert torch.allclose(mixed(generator, condition, noise, "colours", torch.tensor([1.0])), expected, atol=1e-5)


def test_the_pipeline_mixes_prompts(pipe: GanDprPipeline):
    pictures = pipe.mix(["a cat", "a frog"], [0.0, 0.5], "halves", seed=3)
    alone = pipe("a cat", generator=torch.Generator().manual_seed(3)).images[0]
    assert len(pictures) == 2
    assert np.abs(np.asarray(pictures[0]).astype(int) - np.asarray(alone)).max() <= 2
    for wrong, message in (
        ({"prompts": ["a cat"]}, "at least two prompts"),
        ({"prompts": ["a cat", "a dog"], "way": "sideways"}, "way is one of colours, halves, middle, blend"),
        ({"prompts": ["a cat", "a dog"], "amounts": [1.5]}, "numbers from 0 to 1"),
        ({"prompts": ["a cat", "a dog"], "amounts": []}, "at least one of them"),
    ):
        with pytest.raises(ValueError, match=message):
            pipe.mix(**wrong)
