"""Generator, image towers and retriever: shapes, ranges, initialisation and round trips on tiny networks."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from tiny import tiny_preset, tiny_trainer

from gan_dpr.config import GeneratorConfig, Phase, Preset, RetrieverConfig, TrainingConfig
from gan_dpr.networks.generator import Generator
from gan_dpr.networks.layers import AttentionPool, FilmNorm, MeanPool, Whitening, _Moments
from gan_dpr.networks.parts import parts_of
from gan_dpr.networks.retriever import Retriever
from gan_dpr.presets import PRESETS, apply_overrides, preset

TINY = {"image_size": 32, "text_dim": 16, "slots": 2, "slot_dim": 4, "noise_dim": 4, "hidden_dim": 8,
        "channels": (8, 8, 8, 8)}  # fmt: skip
TINY_RETRIEVER = {"image_size": 32, "text_dim": 16, "slots": 2, "slot_dim": 4, "embed_dim": 8, "channels": (4, 8, 8, 8, 8)}  # fmt: skip  # noqa: E501
LAYERED_PARTS = ["thing", "style", "pose", "turn", "tint", "background"]


def text(n: int = 3, length: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    states = torch.randn(n, length, 16, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(n, length, dtype=torch.bool)
    mask[0, 3:] = False
    return states, mask


def generator(**changes) -> Generator:
    torch.manual_seed(0)
    return Generator(GeneratorConfig(**TINY | changes)).eval()


# ------------------------------------------------------------------ the generator

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
    made = generator(norm=norm, init=init, activation=activation, conditioning=conditioning, composition=composition,
                     pooling=pooling).train()  # fmt: skip
    pictures = made(*text(), torch.randn(3, made.latent_dim))
    assert pictures.shape == (3, 3, 32, 32)
    assert pictures.abs().max() <= 1.0001
    pictures.square().mean().backward()
    # An extent only says where whole pixels are: it learns from the reconstruction.
    without = {name.split(".")[1] for name, p in made.named_parameters() if p.grad is None}
    assert without == ({"extent"} if composition == "layered" else set())


@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize(("composition", "objects"), [("none", 1), ("layered", 1), ("layered", 2)])
def test_pictures_of_every_size_and_number_of_objects(size, composition, objects):
    made = generator(image_size=size, composition=composition, objects=objects)
    states, mask = text(2)
    condition = made.condition(states, mask)
    assert condition.shape == (2, objects, sum(part.width for part in made.parts.values()))
    # layered: 4 numbers for the style and for the place of each object, 4 for the background
    assert made.latent_dim == (4 if composition == "none" else 8 * objects + 4)
    noise = torch.randn(2, made.latent_dim)
    with torch.no_grad():
        pictures = made(states, mask, noise)
        assert pictures.shape == (2, 3, size, size)
        torch.testing.assert_close(made.forward_conditioned(condition, noise), pictures)
        drawings = made.draw(made.decided(made.codes(condition), made.noises(noise)))
    assert drawings.shape == ((2, 1, 3, size, size) if composition == "none" else (2, objects, 4, size, size))


def test_objects_of_a_generator_without_layers_are_not_counted():
    made = generator(composition="none", objects=3)
    assert made.condition(*text()).shape == (3, 1, 8)


@pytest.mark.parametrize(("composition", "objects"), [("none", 1), ("layered", 1), ("layered", 3)])
def test_conditions_and_noise_are_taken_apart_and_joined_again(composition, objects):
    made = generator(composition=composition, objects=objects)
    condition = made.condition(*text())
    codes = made.codes(condition)
    assert list(codes) == (["picture"] if composition == "none" else LAYERED_PARTS)
    assert {name: code.shape[1] for name, code in codes.items() if name != "background"} == dict.fromkeys(
        [name for name in codes if name != "background"], objects
    )
    assert torch.equal(made.joined(codes), condition)
    noise = torch.randn(3, made.latent_dim)
    noises = made.noises(noise)
    assert torch.equal(torch.cat([part.flatten(1) for part in noises.values()], 1), noise)
    if composition == "layered":
        assert codes["background"].shape == (3, 1, 32)
        assert {name: part.shape for name, part in noises.items()} == {
            "style": (3, objects, 4), "pose": (3, objects, 4), "background": (3, 1, 4),
        }  # fmt: skip


def test_the_table_of_parts():
    parts = {part.name: part for part in parts_of(GeneratorConfig())}
    assert {name: part.attributes for name, part in parts.items()} == {
        "thing": ("concept",), "style": ("style",), "pose": ("size", "position"), "turn": ("orientation",),
        "tint": ("tint",), "background": ("background",),
    }  # fmt: skip
    assert {name: part.width for name, part in parts.items()} == {
        "thing": 256, "style": 32, "pose": 64, "turn": 16, "tint": 16, "background": 32,
    }  # fmt: skip
    assert [name for name, part in parts.items() if part.noise_dim] == ["style", "pose", "background"]
    (whole,) = parts_of(GeneratorConfig(composition="none"))
    assert (whole.attributes, whole.width, whole.noise_dim) == ((), 256, 32)


@pytest.mark.parametrize("objects", [1, 2])
def test_each_part_of_a_layered_generator_reads_its_own_text(objects):
    made = generator(objects=objects)
    states, mask = text()
    together = made.condition(states, mask)
    apart = made.condition(torch.stack([states] * 6), torch.stack([mask] * 6))
    torch.testing.assert_close(apart, together, rtol=1e-3, atol=1e-5)
    for i, name in enumerate(LAYERED_PARTS):
        others = torch.stack([states] * 6)
        others[i] += torch.randn(states.shape, generator=torch.Generator().manual_seed(i))
        changed = made.codes(made.condition(others, torch.stack([mask] * 6)))
        for other, code in made.codes(apart).items():
            assert torch.equal(changed[other], code) == (other != name)


def test_noise_moves_what_its_part_decides_and_nothing_else():
    made = generator()
    codes, noise = made.codes(made.condition(*text())), torch.randn(3, 12)

    def drawn(noise: torch.Tensor):
        noises = made.noises(noise)
        return made.layers(made.decided(codes, noises), noises)

    drawings, values = drawn(noise)
    for first, moves in ((0, "style"), (4, "pose"), (8, "background")):
        other = noise.clone()
        other[:, first : first + 4] += 1
        again, said = drawn(other)
        assert torch.equal(again, drawings) == (moves != "style")
        assert torch.equal(said.pose, values.pose) == (moves != "pose")
        assert torch.equal(said.background, values.background) == (moves != "background")
        assert torch.equal(said.turn, values.turn)
        assert torch.equal(said.tint, values.tint)


def test_save_and_load_give_the_same_pictures(tmp_path):
    made = generator(norm="batch")
    retriever = Retriever(RetrieverConfig(**TINY_RETRIEVER)).eval()
    made.save_pretrained(tmp_path / "g")
    retriever.save_pretrained(tmp_path / "r")
    noise = torch.randn(3, made.latent_dim)
    pictures = made(*text(), noise)
    # Not to the last bit: where the weights lie in memory decides which kernel adds them up.
    near = {"rtol": 0, "atol": 1e-6}
    torch.testing.assert_close(Generator.from_pretrained(tmp_path / "g")(*text(), noise), pictures, **near)
    loaded = Retriever.from_pretrained(tmp_path / "r")
    torch.testing.assert_close(loaded.encode_image(pictures), retriever.encode_image(pictures), **near)
    assert loaded.scale.item() == pytest.approx(10.0)


# ------------------------------------------------------------------ pools, norms

def measured() -> Whitening:
    """Whitening of tokens with a mean and directions of their own."""
    whitening, made = Whitening(16), torch.Generator().manual_seed(1)
    whitening.measure(3 + torch.randn(200, 16, generator=made) @ torch.randn(16, 16, generator=made))
    return whitening


def test_attention_pool_attends_to_whitened_tokens():
    pool, whitening = AttentionPool(16, 2, 4, objects=3), measured()
    pool.begin()
    states, mask = text()
    read = pool(states, mask, whitening)
    white = whitening(states)
    logits = torch.einsum("nld,ksd->nksl", white, pool.queries) / 4
    attention = logits.masked_fill(~mask[:, None, None], -torch.inf).softmax(-1)
    pooled = torch.einsum("nksl,nld->nksd", attention, white)
    weight, bias = pool.value.weight.view(2, 4, 16), pool.value.bias.view(2, 4)
    slots = F.layer_norm(torch.einsum("nksd,sod->nkso", pooled, weight) + bias, (4,))
    torch.testing.assert_close(read, slots.flatten(2), rtol=1e-4, atol=1e-4)
    assert read.std(1).min() > 1e-3  # each object asks for itself


def test_attention_pool_ignores_padding_and_one_slot_of_one_token_is_its_value():
    pool, whitening = AttentionPool(16, 2, 4, objects=3), measured()
    pool.begin()
    states, mask = text()
    changed = states.clone()
    changed[0, 3:] = 100.0
    torch.testing.assert_close(pool(states, mask, whitening), pool(changed, mask, whitening))
    single = pool(states[:, :1], mask[:, :1], whitening).view(3, 3, 2, 4)
    values = F.layer_norm(pool.value(whitening(states[:, 0])).view(3, 1, 2, 4), (4,))
    # Whatever an object asks, one token answers.
    torch.testing.assert_close(single, values.expand(-1, 3, -1, -1), rtol=1e-4, atol=1e-4)


def test_mean_pool_is_the_mean_of_real_tokens():
    pool, whitening = MeanPool(16, 2, 4, objects=2), measured()
    states, mask = text()
    white = whitening(states)
    mean = torch.stack([white[0, :3].mean(0), white[1].mean(0), white[2].mean(0)])
    expected = F.layer_norm(pool.value(mean), (8,))
    torch.testing.assert_close(pool(states, mask, whitening), torch.stack([expected] * 2, 1))


def test_whitened_tokens_have_no_mean_and_unit_covariance():
    torch.manual_seed(0)
    tokens = 5 + torch.randn(4000, 16) * torch.linspace(1, 2, 16) @ torch.linalg.qr(torch.randn(16, 16)).Q
    whitening = Whitening(16)
    torch.testing.assert_close(whitening(tokens), tokens)  # until it has measured
    whitening.measure(tokens)
    white = whitening(tokens)
    assert white.mean(0).abs().max() < 1e-3
    covariance = torch.cov(white.T)
    assert (covariance - covariance.diag().diag()).abs().max() < 0.05
    assert 0.9 < covariance.diag().min() <= covariance.diag().max() < 1
    tokens[:, 3] = 7  # what does not vary at all stays so
    whitening.measure(tokens)
    assert whitening(tokens).isfinite().all()


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


# ------------------------------------------------------------------ the retriever

@pytest.mark.parametrize("tower", ["residual", "resnet"])
def test_an_image_towers_means_are_those_of_its_activated_stages(tower):
    features = Retriever(RetrieverConfig(**TINY_RETRIEVER, tower=tower)).eval().tower(torch.rand(3, 3, 32, 32))
    expected = [F.leaky_relu(stage, 0.2).mean((2, 3)) for stage in features.stages]
    if tower == "residual":  # of the finest two a mean of half the resolution, after and before it
        pixels, stem = features.stages[:2]
        expected[:2] = [F.leaky_relu(F.avg_pool2d(pixels, 2), 0.2).mean((2, 3)), F.leaky_relu(stem, 0.2).mean((2, 3))]
    torch.testing.assert_close(features.means, torch.cat(expected, 1))


@pytest.mark.parametrize(("size", "sides"), [(32, [32, 16, 8, 4]), (64, [64, 32, 16, 8, 4]), (128, [128, 64, 32, 16, 8, 4])])  # fmt: skip  # noqa: E501
def test_the_image_tower_goes_down_to_4_pixels(size, sides):
    tower = Retriever(RetrieverConfig(**TINY_RETRIEVER | {"image_size": size})).tower
    features = tower(torch.zeros(1, 3, size, size))
    assert [stage.shape[-1] for stage in features.stages] == sides
    assert features.vector.shape == (1, 64 * 16)


def test_the_image_tower_sees_every_pixel():
    tower = Retriever(RetrieverConfig(**TINY_RETRIEVER)).tower
    stripes = torch.ones(1, 3, 32, 32)
    stripes[..., ::2] = -1  # columns that alternate: a mean of neighbours would be blind to them
    assert (tower(stripes).stages[1] - tower(0 * stripes).stages[1]).abs().max() > 0.1
    assert torch.equal(tower(stripes).stages[0], stripes)


@pytest.mark.parametrize("tower", ["residual", "resnet"])
def test_retriever_gives_unit_vectors_and_scores(tower):
    retriever = Retriever(RetrieverConfig(**TINY_RETRIEVER, tower=tower)).eval()
    captions, out, scale = retriever(*text(), torch.rand(3, 3, 32, 32) * 2 - 1)
    torch.testing.assert_close(captions.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(out.embeds.norm(dim=1), torch.ones(3))
    assert out.realness.shape == (3,)
    assert scale.item() == pytest.approx(10.0)
    cosines = F.cosine_similarity(captions, out.embeds)
    torch.testing.assert_close(retriever.paired(captions, out.embeds), 10 * cosines)


def test_scale_is_clamped():
    retriever = Retriever(RetrieverConfig(**TINY_RETRIEVER))
    with torch.no_grad():
        retriever.log_scale.fill_(10.0)
    assert retriever.scale.item() == pytest.approx(20.0)


# ------------------------------------------------------------------ configurations

def test_every_preset_fits_together_and_says_what_it_is():
    for name in PRESETS:
        chosen = preset(name)
        assert chosen.name == name
        assert chosen.summary
        assert chosen.rebuilt() == chosen or chosen.rebuilt().training == chosen.training
        assert chosen.image_size in (32, 64, 128)
    phases = preset("emoji-64").training.phases
    assert [phase.kind for phase in phases] == ["reconstruct", "contend", "retrieve", "retrieve", "restyle"]
    assert preset("emoji-64").training.total_steps == sum(phase.steps for phase in phases)
    assert preset("nano").training.total_steps is None


def test_overrides_change_a_copy():
    nano = preset("nano")
    changed = apply_overrides(nano, [
        "lr_g=1e-3", "generator.norm=group", "retriever.channels=[8,16,32,64]", 'world.only={"concept":"core32"}',
        'training.phases=[["reconstruct",3],["contend",3]]', "batch_size=8",
    ])  # fmt: skip
    assert changed.world["only"] == {"concept": "core32"}
    assert changed.training.lr_g == 1e-3
    assert changed.training.batch_size == 8
    assert changed.training.phases == (Phase("reconstruct", 3), Phase("contend", 3))
    assert changed.training.total_steps == 6
    assert changed.generator.norm == "group"
    assert changed.retriever.channels == [8, 16, 32, 64]
    assert (nano.training.lr_g, nano.generator.norm, len(nano.world["only"]["concept"])) == (4e-4, "none", 12)
    assert preset("nano").training.phases == (Phase("reconstruct", 300), Phase("contend"))


def test_the_pictures_size_is_one_for_both_networks():
    assert apply_overrides(preset("own-128"), ["image_size=64"]).image_size == 64
    with pytest.raises(ValueError, match="^generator and retriever must have one image_size, not 32 and 64.$"):
        apply_overrides(preset("emoji-64"), ["generator.image_size=32"])
    with pytest.raises(ValueError, match="^generator and retriever must have one text_dim, not 16 and 384.$"):
        Preset("x", "", GeneratorConfig(text_dim=16), RetrieverConfig())
    with pytest.raises(ValueError, match="^64 px need 4 entries in channels, not 3.$"):
        apply_overrides(preset("nano"), ["image_size=64"])
    with pytest.raises(ValueError, match="^image_size is one of 32, 64, 128, not 48.$"):
        GeneratorConfig(image_size=48)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("nothing=1", "Cannot set 'nothing=1': write section.key=value with a section of generator, retriever, "),
        ("lr_g", "Cannot set 'lr_g'"),
        ("other.lr_g=1", "Cannot set 'other.lr_g=1'"),
        ("training.batch_size=many", "Cannot set 'training.batch_size=many': it takes a int, like 16"),
        ("training.batch_size=0", "batch_size must be at least 1, not 0"),
        ("training.recipe=typo", "recipe is one of relativistic, dpr, original-2023, not 'typo'"),
        ("training.total_steps=9", "Cannot set 'training.total_steps=9'"),
        ("generator.widths=[8]", r"Cannot set 'generator.widths=\[8\]'"),
        ("generator.sharpness=5", "Cannot set 'generator.sharpness=5'"),
        ("generator.base_size=3", "base_size must be at least 4, not 3"),
        ("generator.norm=grop", "norm is one of batch, group, layer, none, not 'grop'"),
        ("generator.activation=x", "activation is one of gelu, relu, leaky_relu, not 'x'"),
        ("generator.restyling=[8,0]", r"restyling are whole numbers of at least 1, not \[8, 0\]"),
        ('generator.channels=["a","b"]', r"channels are whole numbers of at least 1, not \['a', 'b'\]"),
        ("retriever.channels=[8,8,8,-3,8]", r"channels are whole numbers of at least 1, not \[8, 8, 8, -3, 8\]"),
        ("generator.objects=0", "objects must be at least 1, not 0"),
        ("retriever.tower=x", "tower is one of residual, resnet, pretrained, not 'x'"),
        ("training.phases=[]", "phases needs at least one phase, and only the last may be without end"),
        ('training.phases=[["contend",0],["retrieve",3]]', "phases needs at least one phase"),
        *((f"training.phases=[{phase}]", "a phase is one of reconstruct, contend, retrieve, restyle a") for phase in (
            '["rest",3]', '["contend",-3]', '["contend",2.5]', '["contend","3"]', '["contend",3,4]', '"contend"', "3",
            '{"steps":3}',
        )),
        ('training.phases=[{"kind":"retrieve","speed":3}]', r"a phase is one of .* {'kind': 'retrieve', 'speed': 3}"),
        ('training.phases=[{"kind":"retrieve","named_share":-1}]', "a phase is one of .* a retrieve may have lr_retr"),
        ('training.phases=[{"kind":"contend","named_share":1}]', "a phase is one of reconstruct, contend, retrieve"),
        ('training.phases=[{"kind":"retrieve","weight_names":"3"}]', "a phase is one of reconstruct, contend, retri"),
        ('training.phases=[{"kind":"retrieve","lr_g":1}]', "a phase is one of .* a restyle may have lr_g of its own"),
        ('training.phases=[{"kind":"restyle","lr_retrieve":1}]', "a phase is one of .* a restyle may have lr_g of"),
        ("training.phases=contend", "Cannot set 'training.phases=contend': it takes a tuple"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(override, message):
    for name in ("nano", "emoji-64"):
        with pytest.raises(ValueError, match=f"^{message.replace('like 16', 'like (16|256)')}"):
            apply_overrides(preset(name), [override])


def test_unknown_names():
    with pytest.raises(ValueError, match="^Unknown preset 'huge': choose one of nano, "):
        preset("huge")
    with pytest.raises(ValueError, match=r"^gan-dpr-generator has .* version does not know \(blur, sharpness\): use "):
        GeneratorConfig.from_dict(GeneratorConfig().to_dict() | {"sharpness": 6, "blur": 1})
    assert GeneratorConfig.from_dict(GeneratorConfig().to_dict()).to_dict() == GeneratorConfig().to_dict()


def test_phases_of_a_saved_training_are_read_again():
    saved = TrainingConfig(phases=[{"kind": "reconstruct", "steps": 3}, {"kind": "contend", "steps": 0}])
    assert saved.phases == (Phase("reconstruct", 3), Phase("contend"))


@pytest.mark.slow
def test_ten_steps_at_128_pixels(text_tower):
    made = tiny_trainer(
        text_tower, "emoji-64", "image_size=128", 'phases=[["reconstruct",4],["contend",4],["retrieve",2]]',
        "batch_size=2", "noise_candidates=2", "pool_size=8",
    )  # fmt: skip
    assert [stats.phase for stats in made.run(max_steps=10)] == ["reconstruct"] * 4 + ["contend"] * 4 + ["retrieve"] * 2
    assert made.sample(["a cat", "a dog"]).shape == (2, 128, 128, 3)
    assert tiny_preset("own-128").image_size == 128
