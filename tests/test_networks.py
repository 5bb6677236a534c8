"""Generator, image towers and retriever: shapes, ranges, initialisation and round trips on tiny networks."""

import itertools

import pytest
import torch

from gan_dpr.config import GeneratorConfig, RetrieverConfig, apply_overrides, preset
from gan_dpr.generator import PARTS, Composition, Generator, duotone
from gan_dpr.layers import AttentionPool, FilmNorm, MeanPool, _Moments
from gan_dpr.retriever import Retriever

TINY = {"image_size": 32, "text_dim": 16, "slots": 2, "slot_dim": 4, "noise_dim": 4, "hidden_dim": 8}
TINY_RETRIEVER = {"image_size": 32, "text_dim": 16, "slots": 2, "slot_dim": 4, "embed_dim": 8, "channels": (4, 8, 8, 8)}


def text(n=3, length=5):
    states = torch.randn(n, length, 16, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(n, length, dtype=torch.bool)
    mask[0, 3:] = False
    return states, mask


NORMS_AND_INITS = itertools.product(
    ("batch", "group", "layer", "none"), ("kaiming", "dcgan"), ("gelu",), ("film",), ("none",), ("slots",)
)
SHAPES = itertools.product(
    ("group",), ("kaiming",), ("relu", "leaky_relu"), ("concat", "film"), ("none", "layered"), ("slots", "mean")
)


@pytest.mark.parametrize(
    ("norm", "init", "activation", "conditioning", "composition", "pooling"), [*NORMS_AND_INITS, *SHAPES]
)
def test_every_generator_option_draws_in_range_and_learns(norm, init, activation, conditioning, composition, pooling):
    size = {"base_size": 6, "channels": (8, 8)} if composition == "layered" else {"base_size": 8, "channels": (8, 8)}
    generator = Generator(
        GeneratorConfig(**TINY, **size, norm=norm, init=init, activation=activation, conditioning=conditioning,
                        composition=composition, pooling=pooling)
    )  # fmt: skip
    pictures = generator(*text(), torch.randn(3, 4))
    assert pictures.shape == (3, 3, 32, 32)
    assert pictures.abs().max() <= 1
    pictures.square().mean().backward()
    assert all(p.grad is not None for p in generator.parameters())


def test_sizes_that_do_not_fit_are_one_sentence():
    with pytest.raises(ValueError, match="gives 32 px, but a none generator of 64 px needs 64"):
        GeneratorConfig(image_size=64, base_size=8, channels=(8, 8), composition="none")


def test_save_and_load_give_the_same_pictures(tmp_path):
    generator = Generator(GeneratorConfig(**TINY, base_size=6, channels=(8, 8), norm="batch")).eval()
    retriever = Retriever(RetrieverConfig(**TINY_RETRIEVER)).eval()
    generator.save_pretrained(tmp_path / "g")
    retriever.save_pretrained(tmp_path / "r")
    noise = torch.randn(3, 4)
    pictures = generator(*text(), noise)
    # Not to the last bit: where the weights lie in memory decides which kernel adds them up.
    near = {"rtol": 0, "atol": 1e-6}
    torch.testing.assert_close(Generator.from_pretrained(tmp_path / "g")(*text(), noise), pictures, **near)
    loaded = Retriever.from_pretrained(tmp_path / "r")
    torch.testing.assert_close(loaded.encode_image(pictures), retriever.encode_image(pictures), **near)
    assert loaded.scale.item() == pytest.approx(10.0)


def test_attention_pool_ignores_padding_and_one_slot_of_one_token_is_its_value():
    pool = AttentionPool(16, 2, 4)
    torch.nn.init.normal_(pool.queries)
    states, mask = text()
    changed = states.clone()
    changed[0, 3:] = 100.0
    torch.testing.assert_close(pool(states, mask), pool(changed, mask))
    single = pool(states[:, :1], mask[:, :1]).view(3, 2, 4)
    values = pool.value(states[:, 0]).view(3, 2, 4)
    torch.testing.assert_close(single, torch.nn.functional.layer_norm(values, (4,)))


def test_mean_pool_is_the_mean_of_real_tokens():
    pool = MeanPool(16, 2, 4)
    states, mask = text()
    mean = torch.stack([states[0, :3].mean(0), states[1].mean(0), states[2].mean(0)])
    torch.testing.assert_close(pool(states, mask), torch.nn.functional.layer_norm(pool.value(mean), (8,)))


def test_each_part_of_a_layered_generator_reads_its_own_text():
    generator = Generator(GeneratorConfig(**TINY, base_size=6, channels=(8, 8)))
    states, mask = text()
    together = generator.condition(states, mask)
    apart = generator.condition(torch.stack([states] * len(PARTS)), torch.stack([mask] * len(PARTS)))
    torch.testing.assert_close(apart, together, rtol=0, atol=0)
    edges = [0, generator.content_dim, *generator.composition.widths]
    for i, part in enumerate(PARTS):
        other = torch.stack([states] * len(PARTS))
        other[i] += torch.randn(states.shape, generator=torch.Generator().manual_seed(i))
        changed = (generator.condition(other, torch.stack([mask] * len(PARTS))) != together).any(0)
        start = sum(edges[: i + 1])
        assert changed[start : start + edges[i + 1]].any(), part
        assert changed.sum() == changed[start : start + edges[i + 1]].sum(), part


@pytest.mark.parametrize("kind", ["group", "layer"])
def test_film_of_a_group_norm_is_pytorchs_norm_then_scale_and_shift(kind):
    film = FilmNorm(kind, 24, 5)
    torch.nn.init.normal_(film.norm.weight)
    torch.nn.init.normal_(film.norm.bias)
    x, condition = 3 + 2 * torch.randn(2, 24, 4, 4, dtype=torch.float64), torch.randn(2, 5, dtype=torch.float64)
    scale, shift = film.double().film(condition)[:, :, None, None].chunk(2, dim=1)
    torch.testing.assert_close(film(x, condition), film.norm(x) * (1 + scale) + shift, rtol=1e-4, atol=1e-4)
    flat = torch.full((2, 24, 4, 4), 1000.0, dtype=torch.float64)
    torch.testing.assert_close(film(flat, condition), film.norm(flat) * (1 + scale) + shift, rtol=1e-4, atol=1e-4)


def test_moments_have_their_own_right_gradient():
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    mean, square = _Moments.apply(x)
    torch.testing.assert_close(mean, x.mean((2, 3)))
    torch.testing.assert_close(square, x.square().mean((2, 3)))
    assert torch.autograd.gradcheck(_Moments.apply, (x,))


@pytest.mark.parametrize("tower", ["residual", "resnet"])
def test_an_image_towers_means_are_those_of_its_activated_stages(tower):
    features = Retriever(RetrieverConfig(**TINY_RETRIEVER, tower=tower)).eval().tower(torch.rand(3, 3, 32, 32))
    expected = [torch.nn.functional.leaky_relu(stage, 0.2).mean((2, 3)) for stage in features.stages]
    torch.testing.assert_close(features.means, torch.cat(expected, 1))


def test_the_image_tower_sees_every_pixel():
    tower = Retriever(RetrieverConfig(**TINY_RETRIEVER)).tower
    pixels = torch.zeros(1, 3, 32, 32)
    assert [stage.shape[-1] for stage in tower(pixels).stages] == [16, 16, 8, 4, 2]
    stripes = torch.ones(1, 3, 32, 32)
    stripes[..., ::2] = -1  # columns that alternate: a mean of neighbours would be blind to them
    assert (tower(stripes).stages[1] - tower(0 * stripes).stages[1]).abs().max() > 0.1
    assert tower(stripes).stages[0].abs().max() == 0


def test_composition_places_and_turns_the_layer():
    composition = Composition(GeneratorConfig(**TINY, base_size=6, channels=(8, 8)))
    for parameter in composition.parameters():
        torch.nn.init.zeros_(parameter)
    layer = torch.full((1, 4, 24, 24), -30.0)
    layer[:, :, :12] = 30.0  # an opaque white upper half
    condition, noise = torch.zeros(1, sum(composition.widths)), torch.zeros(1, 4)
    with torch.no_grad():
        composition.pose[-1].bias.copy_(torch.tensor([50.0, 0, 0]))  # as large as can be
        composition.turn.bias.copy_(torch.tensor([50.0, 0, 0, 0]))
        upright = composition(layer, condition, noise, noise)
        composition.turn.bias.copy_(torch.tensor([0, 0, 50.0, 0]))
        turned = composition(layer, condition, noise, noise)
        composition.turn.bias.copy_(torch.tensor([50.0, 0, 0, 0]))
        composition.pose[-1].bias.copy_(torch.tensor([50.0, 50.0, 0]))  # as far to the right as can be
        moved = composition(layer, condition, noise, noise)
    # a grey background (sigmoid of 0) is 0 in [-1, 1]; alpha reaches sigmoid(4) = 0.98 and no more
    assert upright[0, :, 4, 16].tolist() == pytest.approx([1, 1, 1], abs=0.04)
    assert upright[0, :, 28, 16].tolist() == pytest.approx([0, 0, 0], abs=0.04)
    torch.testing.assert_close(turned, upright.flip(2, 3), atol=1e-4, rtol=0)
    assert moved[0, 0, 4, [4, 28]].tolist() == pytest.approx([0, 1], abs=0.04)


def test_composition_recolours_by_lightness_alone():
    colour = torch.tensor([[0.0, 0, 0], [0.5, 0.5, 0.5], [1, 1, 1], [1, 0, 0]]).T[None, :, :, None]  # four pixels
    pigment = torch.tensor([0.2, 0.4, 0.6])[None, :, None, None]
    black, middle, white, red = duotone(colour, pigment)[0, :, :, 0].T.tolist()
    assert black == [0, 0, 0]
    assert middle == pytest.approx([0.2, 0.4, 0.6])
    assert white == pytest.approx([1, 1, 1])
    assert red == pytest.approx([2 * 0.299 * c for c in (0.2, 0.4, 0.6)])


@pytest.mark.parametrize("tower", ["residual", "resnet"])
def test_retriever_gives_unit_vectors_and_scores(tower):
    retriever = Retriever(RetrieverConfig(**TINY_RETRIEVER, tower=tower)).eval()
    captions, out, scale = retriever(*text(), torch.rand(3, 3, 32, 32) * 2 - 1)
    torch.testing.assert_close(captions.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(out.embeds.norm(dim=1), torch.ones(3))
    assert out.realness.shape == (3,)
    assert scale.item() == pytest.approx(10.0)
    cosines = torch.nn.functional.cosine_similarity(captions, out.embeds)
    torch.testing.assert_close(retriever.paired(captions, out.embeds), 10 * cosines)


def test_scale_is_clamped():
    retriever = Retriever(RetrieverConfig(**TINY_RETRIEVER))
    with torch.no_grad():
        retriever.log_scale.fill_(10.0)
    assert retriever.scale.item() == pytest.approx(20.0)


def test_presets_build_and_overrides_are_checked():
    changed = apply_overrides(
        preset("nano"),
        ["lr_g=1e-3", "generator.norm=none", "retriever.channels=[8,16,32,64]", "scenes.concepts=core32"],
    )
    assert changed.scenes.concepts == "core32"
    assert changed.training.lr_g == 1e-3
    assert changed.generator.norm == "none"
    assert changed.retriever.channels == [8, 16, 32, 64]
    assert preset("nano").training.lr_g != 1e-3
    nano = preset("nano")
    for bad in (
        "nothing=1", "lr_g", "training.batch_size=many", "other.lr_g=1", "generator.base_size=5",
        "generator.norm=grop", "generator.activation=x", "retriever.tower=x", "training.recipe=typo",
        "scenes.concepts=cat", "scenes.caption_mode=x", "scenes.family_size=0", "training.batch_size=0",
    ):  # fmt: skip
        with pytest.raises(ValueError):
            apply_overrides(nano, [bad])
    apply_overrides(nano, ["lr_g=1e-3"])
    assert nano.training.lr_g == 4e-4  # a copy was changed
    with pytest.raises(ValueError, match="norm is one of batch, group, layer, none, not 'grop'"):
        apply_overrides(nano, ["generator.norm=grop"])
    with pytest.raises(ValueError, match="choose one of nano"):
        preset("huge")
