"""The two losses of the adversarial step against a slow, literal computation from scores."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gan_dpr.config import GeneratorConfig, RetrieverConfig, TrainingConfig
from gan_dpr.networks.encoders import TokenStates
from gan_dpr.networks.generator import Generator
from gan_dpr.networks.retriever import Retriever
from gan_dpr.training.batches import Batch
from gan_dpr.training.losses import LN2
from gan_dpr.training.step import generator_loss, in_betweens, names_loss, retrieval_loss, retriever_loss

N, M, K = 4, 2, 2  # captions; in-betweens; pictures of either kind that the penalty perturbs
SETTINGS = TrainingConfig(
    gamma=3.0, penalty_sigma=0.1, weight_nce=0.7, weight_swap=0.3, weight_places=0.6, weight_nce_text=0.4,
    weight_nce_image=0.2, weight_feature=2.0,
)  # fmt: skip
RECIPES = [{"recipe": "relativistic"}, {"recipe": "relativistic", "generated_negatives": False}, {"recipe": "dpr"}]


@pytest.fixture(scope="module")
def retriever() -> Retriever:
    torch.manual_seed(0)
    made = Retriever(RetrieverConfig(image_size=32, text_dim=16, slots=2, slot_dim=4, embed_dim=8, channels=(4, 8, 8)))
    for head in (made.realness, made.texture, made.place_realness):  # which begin at zero
        torch.nn.init.normal_(head.weight, std=0.3)
    return made.eval().requires_grad_(False)


def example() -> tuple[Batch, TokenStates, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A batch in which picture 2 satisfies caption 0 too and caption 3 has no swap; text, real, fake, noise."""
    torch.manual_seed(1)
    text = TokenStates(torch.randn(2 * N, 5, 16), torch.ones(2 * N, 5, dtype=torch.bool))
    real, fake = torch.rand(N, 3, 32, 32) * 2 - 1, torch.rand(N + M, 3, 32, 32) * 2 - 1
    matches = torch.eye(N, dtype=torch.bool)
    matches[0, 2] = True
    has_swap = torch.tensor([True, True, True, False])
    batch = Batch([""] * N, [""] * N, text.rows(N), text.rows(N), has_swap, real, matches, {}, ~torch.zeros(N).bool())
    return batch, text, real, fake, torch.randn(2 * K, 3, 32, 32)


class Scores:
    """Every number that the losses are made of, one picture and one caption at a time."""

    def __init__(self, retriever: Retriever, text: TokenStates, recipe: str):
        self.retriever, self.text, self.recipe = retriever, text, recipe

    def caption(self, i: int) -> torch.Tensor:
        return self.retriever.encode_text(self.text.states[i : i + 1], self.text.mask[i : i + 1])[0]

    def see(self, picture: torch.Tensor):
        return self.retriever.read_image(picture[None])

    def match(self, i: int, picture: torch.Tensor) -> float:
        """a(t, x)"""
        return (self.retriever.scale * self.caption(i) @ self.see(picture).embeds[0]).item()

    def realness(self, picture: torch.Tensor) -> float:
        return self.see(picture).realness.item()

    def score(self, i: int, picture: torch.Tensor) -> float:
        """S(t, x)"""
        return self.match(i, picture) + (0 if self.recipe == "dpr" else self.realness(picture))

    def places(self, pictures: torch.Tensor) -> list[float]:
        return [value for picture in pictures for value in self.see(picture).places.flatten().tolist()]


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def pairs(better: list[float], worse: list[float]) -> float:
    return float(np.mean([softplus(w - b) for b, w in zip(better, worse, strict=True)]))


def nll(positive: float, negatives: list[float]) -> float:
    return math.log(sum(math.exp(v) for v in (positive, *negatives))) - positive


@pytest.mark.parametrize("changes", RECIPES, ids=str)
@pytest.mark.parametrize("between", [0, M])
def test_the_retrievers_loss_is_what_it_says(retriever, changes, between):
    settings = replace(SETTINGS, **changes)
    batch, text, real, fake, noise = example()
    fake = fake[: N + between]
    loss, seen, stats = retriever_loss(settings, retriever, batch, text, real, fake, noise)
    s = Scores(retriever, text, settings.recipe)
    real_scores, fake_scores = ([s.score(i, x[i]) for i in range(N)] for x in (real, fake))

    pair = pairs(real_scores, fake_scores)
    not_alike = [[j for j in range(N) if j != i and not batch.matches[i, j]] for i in range(N)]
    to_text = np.mean([
        nll(s.match(i, real[i]), [s.match(j, real[i]) for j in range(N) if j != i and not batch.matches[j, i]])
        for i in range(N)
    ])  # fmt: skip

    def against(i: int, fakes: list[int]) -> float:
        others = [s.match(i, real[j]) for j in not_alike[i]] + [s.match(i, fake[j]) for j in fakes]
        return nll(s.match(i, real[i]), others)

    if settings.recipe == "dpr":  # one softmax: the other pictures, and all generated ones, the own one too
        pair = np.mean([against(i, [i, *not_alike[i]]) for i in range(N)])
        nce = to_text
    else:
        generated = settings.generated_negatives
        nce = (np.mean([against(i, not_alike[i] if generated else []) for i in range(N)]) + to_text) / 2
    swap = np.mean([softplus(s.match(N + i, real[i]) - s.match(i, real[i])) for i in range(3)])
    expected = pair + 0.7 * nce + 0.3 * swap
    if settings.recipe != "dpr":
        expected += 0.6 * pairs(s.places(real), s.places(fake[:N]))
        if between:
            lone = pairs([s.realness(x) for x in real[:M]], [s.realness(x) for x in fake[N:]])
            expected += M / N * (lone + 0.6 * pairs(s.places(real[:M]), s.places(fake[N:])))
    r1, r2 = (
        np.mean([((s.score(i, x[i]) - s.score(i, x[i] + 0.1 * noise[start + i])) / 0.1) ** 2 for i in range(K)])
        for x, start in ((real, 0), (fake, K))
    )
    expected += 3.0 / 2 * (r1 + r2)

    assert loss.item() == pytest.approx(expected, rel=1e-3)
    gaps = np.subtract(real_scores, fake_scores)
    assert stats == pytest.approx({
        "loss_d": pair, "nce": nce, "swap": swap, "r1": r1, "r2": r2, "win_share": np.mean(gaps > 0),
        "gap": np.median(gaps), "gap_q25": np.quantile(gaps, 0.25), "gap_q75": np.quantile(gaps, 0.75),
        "recall_at_1": np.mean([
            bool(batch.matches[i, int(np.argmax([s.match(i, x) for x in real]))]) for i in range(N)
        ]), "logit_scale": 10.0,
    }, rel=1e-3, abs=1e-5)  # fmt: skip
    torch.testing.assert_close(seen.embeds, retriever.encode_image(real), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("changes", RECIPES, ids=str)
@pytest.mark.parametrize("between", [0, M])
def test_the_generators_loss_is_what_it_says(retriever, changes, between):
    settings = replace(SETTINGS, **changes)
    batch, text, real, fake, _ = example()
    fake = fake[: N + between]
    known = torch.tensor([True, True, False, True])
    seen = retriever.read_image(real)
    loss, stats = generator_loss(settings, retriever, batch, text, fake, seen, known)
    s = Scores(retriever, text, settings.recipe)

    pair = pairs([s.score(i, fake[i]) for i in range(N)], [s.score(i, real[i]) for i in range(N)])
    swap = np.mean([softplus(s.match(N + i, fake[i]) - s.match(i, fake[i])) for i in range(3)])
    nce_text = np.mean([
        nll(s.match(i, fake[i]), [s.match(j, fake[i]) for j in range(N) if j != i and not batch.matches[j, i]])
        for i in range(N)
    ])  # fmt: skip
    scale, embeds = retriever.scale.item(), retriever.encode_image(real)
    alike = scale * retriever.encode_image(fake[:N]) @ embeds.T
    nce_image = np.mean([
        nll(alike[i, i].item(), [alike[i, j].item() for j in range(N) if j != i and not batch.matches[i, j]])
        for i in range(N)
    ])  # fmt: skip
    feature = 0.0
    for stage in range(len(seen.features.stages)):
        power = seen.features.stages[stage].square().mean() + 1e-6
        for i in (0, 1, 3):
            difference = s.see(fake[i]).features.stages[stage][0] - seen.features.stages[stage][i]
            feature += (difference.square().mean() / power + 1e-4).sqrt().item() / N
    feature /= len(seen.features.stages)
    expected = pair + 0.3 * swap + 0.4 * nce_text + 0.2 * nce_image + 2.0 * feature
    if settings.recipe != "dpr":
        expected += 0.6 * pairs(s.places(fake[:N]), s.places(real))
        if between:
            lone = pairs([s.realness(x) for x in fake[N:]], [s.realness(x) for x in real[:M]])
            expected += M / N * (lone + 0.6 * pairs(s.places(fake[N:]), s.places(real[:M])))
    assert loss.item() == pytest.approx(expected, rel=1e-3)
    assert stats == pytest.approx({"loss_g": pair, "feature": feature}, rel=1e-3)


def test_the_retrievers_loss_on_real_pictures_alone(retriever):
    batch, text, real, _, _ = example()
    loss, stats = retrieval_loss(SETTINGS, retriever, batch, text, real, None)
    s = Scores(retriever, text, "relativistic")
    to_image, to_text = (
        np.mean([nll(s.match(i, real[i]), [s.match(*((i, real[j]) if rows else (j, real[i]))) for j in range(N)
                                           if j != i and not batch.matches[(i, j) if rows else (j, i)]])
                 for i in range(N)])
        for rows in (True, False)
    )  # fmt: skip
    swap = np.mean([softplus(s.match(N + i, real[i]) - s.match(i, real[i])) for i in range(3)])
    nce = (to_image + to_text) / 2
    assert loss.item() == pytest.approx(0.7 * nce + 0.3 * swap, rel=1e-3)
    assert (stats["nce"], stats["swap"]) == pytest.approx((nce, swap), rel=1e-3)
    assert "names" not in stats

    # The same with names of five things, and two further pictures that have nothing else.
    names = TokenStates(torch.randn(5, 3, 16), torch.ones(5, 3, dtype=torch.bool))
    more, things = torch.cat([real, torch.rand(2, 3, 32, 32)]), torch.tensor([0, 3, 3, 1, 4, 0])
    settings = replace(SETTINGS, weight_names=0.6)
    loss, stats = retrieval_loss(settings, retriever, replace(batch, names=names), text, more, things)
    vectors = retriever.encode_text(names.states, names.mask)
    named = names_loss(retriever.scale * retriever.encode_image(more) @ vectors.T, things).item()
    assert loss.item() == pytest.approx(0.7 * nce + 0.3 * swap + 0.6 * named, rel=1e-3)
    assert (stats["nce"], stats["swap"], stats["names"]) == pytest.approx((nce, swap, named), rel=1e-3)


def test_names_are_told_apart_both_ways():
    """Pictures of things 1, 0 and 1 among three names: picture 2 is no negative of picture 0, nor the reverse."""
    logits, things = torch.tensor([[0.5, 2.0, -1.0], [1.5, 0.25, 0.75], [-0.5, 1.0, 3.0]]), torch.tensor([1, 0, 1])
    to_names = np.mean([nll(2.0, [0.5, -1.0]), nll(1.5, [0.25, 0.75]), nll(1.0, [-0.5, 3.0])])
    to_pictures = np.mean([nll(2.0, [0.25]), nll(1.5, [0.5, -0.5]), nll(1.0, [0.25])])
    assert names_loss(logits, things).item() == pytest.approx((to_names + to_pictures) / 2, rel=1e-5)


def test_the_pair_loss_is_dprs_with_the_generated_picture_as_its_only_negative(retriever):
    """With one caption, nothing else is in the softmax."""
    batch, text, real, fake, _ = example()
    one = replace(batch, has_swap=torch.tensor([False]), matches=torch.ones(1, 1, dtype=torch.bool))
    both = TokenStates(text.states[[0, N]], text.mask[[0, N]])
    for head in (retriever.realness, retriever.texture, retriever.place_realness):
        assert head.weight.any()  # so that the recipes differ but for the pair of a(t, x)
    _, _, stats = retriever_loss(replace(SETTINGS, recipe="dpr"), retriever, one, both, real[:1], fake[:1], None)
    s = Scores(retriever, both, "dpr")
    assert stats["loss_d"] == pytest.approx(softplus(s.match(0, fake[0]) - s.match(0, real[0])), rel=1e-4)
    assert stats["loss_d"] == pytest.approx(nll(s.match(0, real[0]), [s.match(0, fake[0])]), rel=1e-4)


def test_identical_pictures_score_ln2(retriever):
    batch, text, real, _, _ = example()
    _, seen, stats = retriever_loss(SETTINGS, retriever, batch, text, real, real.clone(), None)
    assert stats["loss_d"] == pytest.approx(LN2)
    assert stats["gap"] == pytest.approx(0, abs=1e-5)
    assert (stats["r1"], stats["r2"]) == (0, 0)
    _, of_g = generator_loss(SETTINGS, retriever, batch, text, real.clone(), seen, torch.ones(N))
    assert of_g["loss_g"] == pytest.approx(LN2)
    assert of_g["feature"] == pytest.approx(0.01, rel=0.05)  # the root of 1e-4


@pytest.mark.parametrize("objects", [1, 2])
def test_in_betweens_lie_between_two_codes_or_take_anothers_style(objects):
    torch.manual_seed(0)
    made = Generator(GeneratorConfig(image_size=32, text_dim=16, slots=2, slot_dim=8, noise_dim=4, hidden_dim=8,
                                     channels=(8, 8), objects=objects))  # fmt: skip
    codes = {name: torch.randn(6, 1 if part.of_scene else objects, part.width) for name, part in made.parts.items()}
    restyled = 0
    for seed in range(30):
        mixed = in_betweens(codes, 4, np.random.default_rng(seed))
        assert {name: value.shape for name, value in mixed.items()} == {n: (4, *c.shape[1:]) for n, c in codes.items()}
        for i in range(4):
            for name in ("pose", "turn", "tint", "background"):
                assert torch.equal(mixed[name][i], codes[name][i])
            if torch.equal(mixed["thing"][i], codes["thing"][i]):
                (partner,) = (j for j in range(6) if torch.equal(mixed["style"][i], codes["style"][j]))
                assert partner != i
                restyled += 1
                continue
            assert torch.equal(mixed["style"][i], codes["style"][i])
            on_the_way = []
            for j in range(6):
                share = (mixed["thing"][i] - codes["thing"][i]) / (codes["thing"][j] - codes["thing"][i])
                on_the_way.append(j != i and share.std() < 1e-3 and 0 <= share.mean() <= 1)
            assert sum(on_the_way) == 1
    assert 40 < restyled < 80  # of 120: half of them
    assert made.joined(mixed).shape[:2] == (4, objects)


def test_in_betweens_without_layers_mix_everything():
    codes = {"picture": torch.randn(5, 1, 16)}
    mixed = in_betweens(codes, 5, np.random.default_rng(0))["picture"]
    assert mixed.shape == (5, 1, 16)
    assert not (mixed == codes["picture"]).all(-1).any()
