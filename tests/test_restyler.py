"""Another finish for a drawing that is known: what is asked of the restyler, and what it learns."""

import numpy as np
import pytest
import torch
from tiny import moved as moved_weights
from tiny import tiny_trainer, weights

from gan_dpr.networks.composition import premultiplied
from gan_dpr.networks.restyler import EMPHASIS, LEVELS, Restyler, flattened, sliced
from gan_dpr.training import restyling
from gan_dpr.training.losses import picture_distance, step_distance
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


def test_at_first_a_drawing_is_half_flat_and_else_as_it_is():
    restyler = Restyler([8, 16, 24], 5)
    restyler.begin()
    torch.nn.init.zeros_(restyler.out.bias)
    torch.nn.init.zeros_(restyler.flatness.bias)
    drawings = torch.rand(3, 4, 32, 32)
    styles = torch.randn(3, 5), torch.randn(3, 5)
    half = restyler(drawings, *styles)
    torch.nn.init.constant_(restyler.flatness.bias, 100.0)
    flat = restyler(drawings, *styles)
    torch.nn.init.constant_(restyler.flatness.bias, -100.0)
    assert torch.allclose(restyler(drawings, *styles), drawings, atol=1e-6)
    assert not torch.allclose(flat, drawings, atol=0.1)
    assert torch.allclose(half, (flat + drawings) / 2, atol=1e-5)


def test_changes_are_emphasised_and_then_made_flat():
    restyler = Restyler([8, 16, 24], 5)
    drawings, styles = torch.rand(2, 4, 32, 32), (torch.randn(2, 5), torch.randn(2, 5))
    with torch.no_grad():
        restyler.flatness.bias.fill_(-100.0)
        once, twice = (restyler(drawings, *styles, emphasis) for emphasis in (1.0, 2.0))
        assert not torch.allclose(once, drawings, atol=0.1)
        assert torch.allclose(twice - drawings, 2 * (once - drawings), atol=1e-4)
        restyler.flatness.bias.fill_(100.0)
        restyler.region[-1].weight.zero_()  # all of a picture is one region
        assert restyler(drawings, *styles, 2.0).std((2, 3)).max() < 1e-4


def test_a_bilateral_grid_is_read_at_a_pixel_s_place_and_level_by_brute_force():
    grid, guide = torch.randn(2, 3, LEVELS, 4, 4), 2 * torch.rand(2, 1, 8, 8) - 1

    def at(share: float, length: int) -> list[tuple[int, float]]:
        """What each cell of a side counts at a place from 0 to 1 of it; in the outer half cells it is all theirs."""
        place = min(max(share * length - 0.5, 0.0), length - 1.0)
        return [(i, max(0.0, 1 - abs(place - i))) for i in range(length)]

    read = sliced(grid, guide)
    for n, y, x in ((0, 0, 0), (0, 3, 6), (1, 5, 2), (1, 7, 7)):
        expected = sum(
            grid[n, :, k, i, j] * (level * down * across)
            for k, level in at((guide[n, 0, y, x].item() + 1) / 2, LEVELS)
            for i, down in at((y + 0.5) / 8, 4)
            for j, across in at((x + 0.5) / 8, 4)
        )
        assert torch.allclose(read[n, :, y, x], expected, atol=1e-5)


def test_what_is_a_colour_s_business_leaves_the_outline_alone():
    restyler = Restyler([8, 16, 24], 5)
    restyler.begin()
    drawings = torch.rand(2, 4, 32, 32)
    drawings[..., :16] = 0  # nothing is there
    with torch.no_grad():
        torch.nn.init.zeros_(restyler.out.bias)
        restyler.flatness.bias.fill_(-100.0)
        restyler.maps.bias.view(3, 4, LEVELS)[:, 3] = 0.3
        changed = restyler(drawings, torch.randn(2, 5), torch.randn(2, 5)) - drawings
    assert changed[..., :16].abs().max() < 1e-6
    assert changed[:, 3].abs().max() < 1e-6
    assert torch.allclose(changed[:, :3], 0.3 * drawings[:, 3:].expand(-1, 3, -1, -1), atol=1e-5)


def test_a_region_is_flat_in_its_mean_colour():
    picture = torch.tensor([[[[0.0, 0.2, 1.0, 0.6]]]])
    left = torch.tensor([1.0, 1.0, 0.0, 0.0])
    regions = torch.stack([left, 1 - left])[None, :, None]
    assert torch.allclose(flattened(picture, regions), torch.tensor([0.1, 0.1, 0.8, 0.8]), atol=1e-3)
    # A pixel that is of two regions, as at an edge, is between them: its own share counts in both means.
    regions[0, :, 0, 1] = 0.5
    expected = torch.tensor([0.1 / 1.5, (0.1 / 1.5 + 1.7 / 2.5) / 2, 1.7 / 2.5, 1.7 / 2.5])
    assert torch.allclose(flattened(picture, regions), expected, atol=1e-3)


def test_it_changes_what_was_never_shown_and_nothing_else(made):
    bell, cat = (made.known.numbers[0][name] for name in ("bell", "cat"))
    flat, solid, noto = (made.known.numbers[1][name] for name in ("fluent-flat", "fluent-3d", "noto"))
    made.generator.memory.measure(made.known.shown, made.known.distances(made.world, 0))
    with torch.no_grad():
        asked = [bell, bell, bell, cat, cat], [flat, solid, noto, flat, solid]
        _, codes = drawn(made, *asked)
        assert codes["restyled"].flatten().round().tolist() == [1, 0, 0, 0, 0]
        before, _ = drawn(made, *asked)
        # Nothing learnt yet: the 3D bell. It is not half flat, as the restyler's first step has it.
        assert torch.allclose(before[0], before[1], atol=1e-3)
        made.generator.restyler.flatness.bias.fill_(-100.0)
        made.generator.restyler.out.weight.fill_(1e-9)
        made.generator.restyler.out.bias.fill_(0.2)
        after, _ = drawn(made, *asked)
    assert torch.equal(after[1:], before[1:])
    # Everything is so much more in premultiplied RGBA, as far as that can be seen.
    expected = (premultiplied(before[0]) + 0.2 * EMPHASIS).clamp(max=1)
    assert torch.allclose(premultiplied(after[0]), expected.minimum(expected[:, 3:]), atol=1e-4)


def test_what_was_taught_is_left_alone(made):
    with torch.no_grad():
        drawings, codes = drawn(made, [made.known.numbers[0]["bell"]], [made.known.numbers[1]["fluent-flat"]])
        made.generator.restyler.out.weight.fill_(1.0)
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
        made.generator.restyler.flatness.bias.fill_(-100.0)  # so that it changes nothing yet
        expected = (picture_distance(known, real) + step_distance(known, real)).mean()
    assert restyling_loss(made.generator, made.ema, batch, made.sisters, rng).item() == pytest.approx(expected.item())
    alone = torch.arange(made.known.shown.shape[1]).expand_as(made.sisters)
    assert restyling_loss(made.generator, made.ema, batch, alone, rng).item() == 0


def test_steps_are_compared_by_brute_force():
    drawn, real = torch.rand(2, 1, 9, 10), torch.rand(2, 1, 9, 10)
    e = (drawn - real)[:, 0]
    expected = [0.0, 0.0]
    for n in range(2):
        for step in (1, 2, 4, 8):
            down = [abs(e[n, y + step, x] - e[n, y, x]) for y in range(9 - step) for x in range(10)]
            right = [abs(e[n, y, x + step] - e[n, y, x]) for y in range(9) for x in range(10 - step)]
            expected[n] += (sum(down) / len(down) + sum(right) / len(right)).item()
    assert step_distance(drawn, real).tolist() == pytest.approx(expected)
    assert step_distance(drawn, drawn + 0.3).abs().max() < 1e-5  # another brightness is no step


def test_its_phase_moves_the_restyler_alone_and_it_learns(made):
    before = weights(made)
    errors = [made.step().reconstruction for _ in range(40)]
    changed = moved_weights(before, weights(made))  # the averages still follow what was learnt before
    learnt = [name for name in changed if not name.startswith("ema/")]
    assert learnt
    assert all(name.startswith("generator/restyler.") for name in learnt)
    assert np.mean(errors[-10:]) < 0.95 * np.mean(errors[:10])


def test_its_average_is_of_its_own_phase(made):
    before = made.ema.restyler.out.bias.clone()
    made.global_step = 2  # the phase's first step
    made.generator.restyler.out.bias.data.add_(1.0)
    made._update_ema()
    # As at the beginning of a run: a twentieth is what was there.
    assert torch.allclose(made.ema.restyler.out.bias, before + 0.95)


def test_pairs_move_together(made):
    pictures = torch.rand(6, 1, 16, 16).repeat(1, 2, 1, 1)
    both = restyling.moved(pictures, np.random.default_rng(0))
    assert torch.equal(both[:, 0], both[:, 1])
    assert not torch.equal(both, pictures)


def test_a_generator_without_one_says_so(text_tower):
    for composition in ("layered", "none"):
        with pytest.raises(ValueError, match="needs generator.restyling, and a world that is drawn in layers"):
            tiny_trainer(text_tower, "nano", 'training.phases=[["restyle",3]]', f"generator.composition={composition}")
