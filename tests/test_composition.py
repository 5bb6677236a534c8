"""The layered composition: against real renders, by identities, and by literal values."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from gan_dpr.config import GeneratorConfig
from gan_dpr.images import to_pixels
from gan_dpr.networks.composition import (
    Composition,
    LayerValues,
    duotone,
    premultiplied,
    resampling,
    settled,
    whole_pixels,
)
from gan_dpr.networks.parts import parts_of
from gan_dpr.training.batches import LayerTargets
from gan_dpr.training.remembering import Known
from gan_dpr.worlds.emoji.scene import Scene, SceneObject
from gan_dpr.worlds.emoji.world import EmojiWorld

WORLD = EmojiWorld({"concept": "core128"})
KNOWN = Known.of(GeneratorConfig(), WORLD)


def composition(size: int = 64, objects: int = 1) -> Composition:
    torch.manual_seed(0)
    parts = {part.name: part for part in parts_of(GeneratorConfig(noise_dim=4, slots=2, slot_dim=8))}
    return Composition(parts, size, objects)


def true_values(scenes: list[Scene], size: int) -> tuple[torch.Tensor, LayerValues]:
    """The drawings of scenes and what a generator would have to say of them."""
    layers = LayerTargets.stack([WORLD.layers(scene, size) for scene in scenes], KNOWN).rows(slice(None))
    sure = 100.0 * one_hot(layers.turns, 4).float()
    present = torch.ones(layers.turns.shape)
    values = LayerValues(layers.extents, layers.places, sure, layers.tints, present, layers.background)
    return layers.drawings, values


def composed_pictures(scenes: list[Scene], size: int) -> torch.Tensor:
    """(N, 3, S, S) of 255."""
    with torch.no_grad():
        return (composition(size)(*true_values(scenes, size)) + 1) * 127.5


def values_of(pose: list[list[float]], n: int = 1, **changes: torch.Tensor) -> LayerValues:
    """Of n alike pictures with an object a row of `pose`: upright, untinted and square on black."""
    k = len(pose)
    plain = LayerValues(
        extent=torch.ones(n, k, 2), pose=torch.tensor(pose).expand(n, k, 3),
        turn=torch.tensor([100.0, 0, 0, 0]).expand(n, k, 4), tint=torch.zeros(n, k, 4), presence=torch.ones(n, k),
        background=torch.zeros(n, 3),
    )  # fmt: skip
    return replace(plain, **changes)


@pytest.mark.parametrize("size", [32, 64, 128])
def test_true_layers_give_the_real_render(size):
    rng = np.random.default_rng(7)
    scenes = [WORLD.sample(rng) for _ in range(100 if size == 64 else 25)]
    real = (to_pixels(np.stack([WORLD.render(scene, size) for scene in scenes])) + 1) * 127.5
    differences = (composed_pictures(scenes, size) - real).abs()
    background = torch.stack([picture[:, :1, :1] for picture in real])
    inside = (real != background).any(1, keepdim=True).expand_as(real)
    assert differences.mean() < 0.5 * 64 / min(size, 64)  # of 255
    assert differences[inside].mean() < 2 * 64 / min(size, 64)
    assert differences[~inside].mean() < 0.2


def test_a_turn_is_a_quarter_turn_of_the_object_where_it_stands():
    made = composition(32)
    drawing = torch.zeros(1, 1, 4, 32, 32)
    drawing[:, :, :, :16] = 1  # a white upper half
    pictures = [made(drawing, values_of([[0.5, 0.5, 1.0]], turn=100.0 * one_hot(torch.tensor([[k]]), 4).float()))
                for k in range(4)]  # fmt: skip
    for k, picture in enumerate(pictures):
        torch.testing.assert_close(picture, torch.rot90(pictures[0], k, (2, 3)), rtol=0, atol=1e-5)
    assert pictures[0][0, 0, [4, 28], 16].tolist() == pytest.approx([1, -1], abs=1e-5)
    assert pictures[1][0, 0, 16, [4, 28]].tolist() == pytest.approx([1, -1], abs=1e-5)  # the top is on the left


def test_places_are_centres_and_sides_in_picture_sides():
    picture = composition(32)(torch.ones(1, 1, 4, 32, 32), values_of([[0.25, 0.75, 0.25]]))[0, 0]
    expected = -torch.ones(32, 32)
    expected[4:12, 20:28] = 1
    torch.testing.assert_close(picture, expected, rtol=0, atol=1e-5)


def test_objects_cover_those_behind_them_and_may_be_absent():
    made = composition(32, objects=2)
    red, blue = (torch.tensor([*colour, 1.0])[:, None, None].expand(4, 32, 32) for colour in ((1, 0, 0), (0, 0, 1)))
    drawings = torch.stack([red, blue])[None]
    values = values_of([[0.5, 0.5, 1.0], [0.5, 0.5, 0.5]], background=torch.tensor([[0.0, 1.0, 0.0]]))

    def at(presence: list[float]) -> list[list[float]]:
        picture = made(drawings, replace(values, presence=torch.tensor([presence])))[0] / 2 + 0.5
        return [picture[:, i, i].round(decimals=4).abs().tolist() for i in (2, 16)]  # beside and in front

    assert at([1, 1]) == [[1, 0, 0], [0, 0, 1]]
    assert at([1, 0]) == [[1, 0, 0], [1, 0, 0]]
    assert at([0, 1]) == [[0, 1, 0], [0, 0, 1]]
    assert at([0, 0]) == [[0, 1, 0], [0, 1, 0]]
    assert at([1, 0.5]) == [[1, 0, 0], [0.5, 0, 0.5]]


def test_only_where_there_may_be_several_presence_is_asked():
    for objects in (1, 2):
        made = composition(32, objects)
        codes = {name: torch.randn(3, objects, part.width) for name, part in
                 {part.name: part for part in parts_of(GeneratorConfig(slots=2, slot_dim=8))}.items()}  # fmt: skip
        noises = {name: torch.randn(3, objects, 4) for name in ("style", "pose", "background")}
        values = made.read(codes, noises)
        assert values.presence.shape == (3, objects)
        assert (values.presence == 1).all().item() == (objects == 1)
        assert values.background.shape == (3, 3)
        assert 0.125 <= values.pose[..., 2].min() <= values.pose[..., 2].max() <= 1


@pytest.mark.parametrize(
    ("centre", "side", "extent", "placed"),
    [  # in pixels of 64: where the square's middle goes, and its side
        (32, 36, 1.0, (32, 36)),  # from 14 to 50
        (32, 36, 0.75, (32.5, 36)),  # 27 pixels, from 19 to 46
        (20.3, 35.6, 1.0, (20, 36)),  # from 2 to 38
        (20.3, 36.4, 0.75, (20.5, 36.4 * 27 / 27.3)),  # from 7 to 34
        (32, 3, 0.1, (32.5, 10)),  # 0.3 pixels become one
    ],
)
def test_edges_lie_on_whole_pixels(centre, side, extent, placed):
    values = values_of([[centre / 64, 0.5, side / 64]], extent=torch.tensor([[[extent, 1.0]]]))
    down = whole_pixels(values, 64)[0]
    assert [64 * x.item() for x in down] == pytest.approx(placed, rel=1e-5)


def test_an_object_on_its_side_is_as_wide_as_it_was_high():
    turned = 100.0 * one_hot(torch.tensor([[1]]), 4).float()
    values = values_of([[0.5, 0.5, 36 / 64]], extent=torch.tensor([[[0.75, 1.0]]]))
    down, across = whole_pixels(values, 64)
    on_its_side = whole_pixels(replace(values, turn=turned), 64)
    assert [64 * x[0].item() for x in (down, across)[0]] == pytest.approx([32.5, 36])
    for ours, theirs in zip((down, across), on_its_side[::-1], strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(("centre", "side", "first", "last"), [(0.5, 0.5, 16, 48), (0.25, 0.125, 12, 20)])
def test_rows_of_the_resampling_sum_to_one_inside_and_to_nothing_outside(centre, side, first, last):
    rows = resampling(torch.tensor(centre), torch.tensor(side), 64, 64).sum(1)
    expected = torch.zeros(64)
    expected[first:last] = 1
    torch.testing.assert_close(rows, expected)


def test_a_pixel_that_is_covered_in_part_gets_its_part():
    rows = resampling(torch.tensor(0.5), torch.tensor(3.5 / 8), 16, 8).sum(1)
    torch.testing.assert_close(rows, torch.tensor([0, 0, 0.75, 1, 1, 0.75, 0, 0]))


def test_resampling_to_the_same_size_changes_nothing():
    same = resampling(torch.tensor(0.5), torch.tensor(1.0), 32, 32)
    torch.testing.assert_close(same, torch.eye(32), atol=1e-5, rtol=0)
    shifted = resampling(torch.tensor(0.5 + 3 / 32), torch.tensor(1.0), 32, 32)
    torch.testing.assert_close(shifted[3:], torch.eye(32)[:-3], atol=1e-4, rtol=0)


def test_a_gradient_says_where_a_thing_should_be_which_way_up_and_in_which_colour():
    scene = Scene((SceneObject("cat", "noto", "upside-down", "red", "medium", (0, 1)),), "blue")
    drawings, right = true_values([scene], 64)
    real = composition()(drawings, right)
    wrong = {
        "pose": right.pose + torch.tensor([0.1, 0, 0]), "turn": torch.zeros(1, 1, 4),
        "tint": torch.tensor([[[0.5, 0.5, 0.5, 0.5]]]), "background": torch.full((1, 3), 0.5),
    }  # fmt: skip
    downhill = {}
    for name, value in wrong.items():
        value.requires_grad_()
        (composition()(drawings, replace(right, **{name: value})) - real).square().mean().backward()
        downhill[name] = -value.grad[0]
    assert downhill["pose"][0, 0] < 0  # it stands too low
    assert downhill["turn"][0].argmax() == 2  # a half turn
    assert downhill["tint"][0, :3].sign().tolist() == [1, 1, -1]  # more of a tint, redder and less green
    assert downhill["background"].sign().tolist() == [-1, -1, 1]  # 41, 98, 255


def test_every_step_down_the_gradient_brings_it_nearer():
    made = composition(32)
    drawing = torch.ones(1, 1, 4, 32, 32)
    real = made(drawing, values_of([[0.5, 0.5, 0.5]]))
    pose = torch.tensor([[[0.4, 0.58, 0.4]]], requires_grad=True)
    optimizer = torch.optim.Adam([pose], lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        (made(drawing, replace(values_of([[0.5, 0.5, 0.5]]), pose=pose)) - real).square().mean().backward()
        optimizer.step()
    torch.testing.assert_close(pose.detach(), torch.tensor([[[0.5, 0.5, 0.5]]]), atol=0.03, rtol=0)


def test_recolouring_by_lightness_alone():
    colour = torch.tensor([[0.0, 0, 0], [0.5, 0.5, 0.5], [1, 1, 1], [1, 0, 0]]).T[None, :, :, None]  # four pixels
    pigment = torch.tensor([0.2, 0.4, 0.6])[None, :, None, None]
    black, middle, white, red = duotone(colour, pigment)[0, :, :, 0].T.tolist()
    assert black == [0, 0, 0]
    assert middle == pytest.approx([0.2, 0.4, 0.6])
    assert white == pytest.approx([1, 1, 1])
    assert red == pytest.approx([2 * 0.299 * c for c in (0.2, 0.4, 0.6)])


def test_colours_times_alpha():
    drawing = torch.tensor([[1.0, 0.5, 0.0, 0.25]])[:, :, None, None]
    assert premultiplied(drawing).flatten().tolist() == [0.25, 0.125, 0.0, 0.25]


def test_no_object_leaves_the_picture():
    made = composition()
    with torch.no_grad():
        made.pose[-1].weight.mul_(100)  # places far apart
        pose = made.place(torch.randn(500, 64), torch.randn(500, 4))
    sides, centres = pose[:, 2:], pose[:, :2]
    assert (centres - sides / 2).min() >= -1e-6
    assert (centres + sides / 2).max() <= 1 + 1e-6
    assert sides.max() > 0.9
    assert sides.min() < 0.2


@pytest.mark.parametrize(
    ("value", "settling", "made"),
    [
        ([0.2, 0.1, 0.0], 1.0, [0.0, 0.0, 0.0]),
        ([0.7, 0.0, 0.0], 1.0, [1.0, 0.0, 0.0]),
        ([0.5, 0.0, 0.0], 1.0, [0.5, 0.0, 0.0]),  # half-way there is no jump
        ([0.2, 0.1, 0.0], 0.5, [0.1, 0.05, 0.0]),
        ([0.2, 0.1, 0.0], 0.0, [0.2, 0.1, 0.0]),
    ],
)
def test_what_comes_near_something_known_settles_on_it(value, settling, made):
    known = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 0, 4]])
    assert settled(torch.tensor([[value]]), known, settling)[0, 0].tolist() == pytest.approx(made, abs=1e-4)


def test_settling_has_a_number_for_each_picture_and_needs_something_known():
    values = torch.tensor([[[0.2, 0.1, 0.0]], [[0.2, 0.1, 0.0]]])
    known = torch.tensor([[0.0, 0, 0], [1, 0, 0]])
    made = settled(values, known, torch.tensor([1.0, 0.0]))
    assert torch.allclose(made, torch.tensor([[[0.0, 0, 0]], [[0.2, 0.1, 0]]]), atol=1e-6)
    assert settled(values, known[:1], 1.0).abs().max() == 0  # where one is known, it is that one
    assert settled(values, known[:0], 1.0) is values


def test_an_emoji_world_has_nineteen_places_and_eight_backgrounds():
    assert (len(KNOWN.places), len(KNOWN.backgrounds)) == (19, 8)
    assert KNOWN.places[10].tolist() == [0.5, 0.5, 0.8125]  # large ones stand in the middle
    assert np.unique(KNOWN.places[:, 2]).tolist() == [0.375, 0.5625, 0.8125]
    assert (KNOWN.backgrounds[0] * 255).round().tolist() == [20, 20, 20]


def test_a_world_of_many_places_has_none_that_is_known():
    class Anywhere(EmojiWorld):
        def layers(self, scene, size):
            made = super().layers(scene, size)
            return replace(made, places=made.places + rng.normal(0, 0.01, made.places.shape))

    rng = np.random.default_rng(0)
    known = Known.of(GeneratorConfig(), Anywhere({"concept": ("cat", "dog")}))
    assert (known.places.shape, len(known.backgrounds)) == ((0, 3), 8)
    assert known.told(GeneratorConfig()).places == []
