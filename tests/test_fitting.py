import pytest
import torch

from gan_dpr.config import GeneratorConfig
from gan_dpr.fitting import PLACINGS, fitting_noise
from gan_dpr.generator import Generator

K, DIM = 4, 4


def generator(**shape) -> Generator:
    torch.manual_seed(0)
    config = {"image_size": 32, "text_dim": 16, "slots": 2, "slot_dim": 8, "noise_dim": DIM, "hidden_dim": 16}
    made = Generator(GeneratorConfig(**config | {"channels": (8, 8), "base_size": 6} | shape)).eval()
    if made.composition is not None:
        for head in (made.composition.pose[-1], made.composition.background[-1]):
            torch.nn.init.normal_(head.weight, std=0.5)  # so that noise moves things
    return made


def captions(made: Generator, n: int) -> torch.Tensor:
    return made.condition(torch.randn(n, 5, 16), torch.ones(n, 5, dtype=torch.bool)).detach()


def known_draws(*drawn: torch.Tensor):
    """Stands in for random numbers: gives these, and nothing of another shape."""
    waiting = list(drawn)

    def draw(shape):
        given = waiting.pop(0)
        assert given.shape == shape
        return given

    return draw


@pytest.mark.parametrize(("part", "found_share"), [(0, 0.8), (1, 0.5), (2, 0.8)])
def test_the_noise_that_drew_a_picture_is_found_among_others(part, found_share):
    """Mostly: the search sees small pictures. Chance would find one in 4 (canvas) or 16."""
    made, n, tries = generator(), 64, K if part == 0 else K * PLACINGS
    condition, true = captions(made, n), torch.randn(3, n, DIM)
    with torch.no_grad():
        real = made.forward_conditioned(condition, true)
    open_parts = torch.zeros(3, n, dtype=torch.bool)
    open_parts[part, ::2] = True
    given, tried = true.clone(), torch.randn(n // 2, tries, DIM)
    given[part] = torch.randn(n, DIM)
    tried[:, 2] = true[part, ::2]
    if part == 0:  # the given noise is the first candidate
        draw = known_draws(tried[:, 1:])
    else:
        draw = known_draws(torch.empty(0, K - 1, DIM), tried)
    found = fitting_noise(made, condition, given, real, open_parts, K, draw)
    assert (found[part, ::2] == true[part, ::2]).all(1).float().mean() >= found_share
    found[part, ::2] = given[part, ::2]
    assert torch.equal(found, given)


def test_open_in_everything_the_fitted_picture_is_nearer():
    made = generator()
    condition, noise = captions(made, 16), torch.randn(3, 16, DIM)
    with torch.no_grad():
        real = made.forward_conditioned(condition, torch.randn(3, 16, DIM))
        fitted = fitting_noise(made, condition, noise, real, torch.ones(3, 16, dtype=torch.bool), K, torch.randn)
        before, after = (
            (made.forward_conditioned(condition, z) - real).square().mean((1, 2, 3)) for z in (noise, fitted)
        )
    assert after.mean() < 0.5 * before.mean()
    assert (after < before).float().mean() > 0.8


def test_without_layers_the_nearest_of_the_whole_pictures():
    made = generator(composition="none", base_size=8)
    condition, noise, real = captions(made, 3), torch.randn(3, DIM), torch.rand(3, 3, 32, 32)
    open_parts = torch.tensor([[True, True, True], [False, True, False], [False] * 3])
    tried = torch.randn(2, K, DIM)
    found = fitting_noise(made, condition, noise, real, open_parts, K, known_draws(tried))
    assert torch.equal(found[1], noise[1])
    for row, options in zip((0, 2), tried, strict=True):
        with torch.no_grad():
            drawn = made.forward_conditioned(condition[[row] * K], options)
        assert torch.equal(found[row], options[(drawn - real[row]).square().sum((1, 2, 3)).argmin()])


@pytest.mark.parametrize("shape", [{}, {"composition": "none", "base_size": 8}])
def test_nothing_open_is_left_alone(shape):
    made = generator(**shape)
    noise = torch.randn(3, 2, DIM) if not shape else torch.randn(2, DIM)
    closed, real = torch.zeros(3, 2, dtype=torch.bool), torch.zeros(2, 3, 32, 32)
    assert torch.equal(fitting_noise(made, captions(made, 2), noise, real, closed, K, torch.randn), noise)
