"""The trainer on tiny networks: phases, what learns, and what stops a run."""

import math

import numpy as np
import pytest
import torch
from tiny import CATS, moved, numbers, of_kind, tiny_preset, tiny_trainer, weights
from toy_world import ToyWorld

from gan_dpr.networks.encoders import PretrainedTower, TextTower
from gan_dpr.training.balance import StepStats
from gan_dpr.training.original import EPOCH, OriginalTrainer
from gan_dpr.training.run import build_trainer
from gan_dpr.training.starts import warm_start
from gan_dpr.training.step import retrieval_loss
from gan_dpr.training.trainer import TrainingDiverged
from gan_dpr.worlds import open_world

MEASURED = {  # what each phase measures, beside what every step does
    "reconstruct": {"reconstruction", "grad_norm_g"},
    "contend": {"loss_d", "loss_g", "win_share", "gap", "gap_q25", "gap_q75", "r1", "r2", "grad_norm_d", "grad_norm_g",
                "recall_at_1", "nce", "swap", "feature", "reconstruction", "logit_scale"},
    "retrieve": {"nce", "swap", "names", "recall_at_1", "logit_scale", "grad_norm_d"},
}  # fmt: skip
MOVES = {"reconstruct": {"generator", "ema"}, "contend": {"generator", "retriever", "ema"}, "retrieve": {"retriever"}}


# ------------------------------------------------------------------ one step


@pytest.mark.parametrize("kind", MEASURED)
def test_a_step_measures_and_moves_what_its_phase_has(text_tower, kind):
    made = of_kind(text_tower, kind)
    made.step()  # the first measures the whitening, and the average begins where the generator does
    made.ema.load_state_dict(made.generator.state_dict())
    before = weights(made)
    stats = made.step()
    finite = {name for name, value in numbers(stats).items() if value != "nan"}
    assert finite == MEASURED[kind] | {"step", "phase", "gamma", "lr"}
    assert (stats.step, stats.phase, made.global_step) == (2, kind, 2)
    assert {name.split("/")[0] for name in moved(before, weights(made))} == MOVES[kind]
    if kind == "contend":
        assert 0 <= stats.win_share <= 1
        assert stats.gap_q25 <= stats.gap <= stats.gap_q75


@pytest.mark.parametrize(
    "changes",
    [("recipe=dpr",), ("mixed_share=0",), ("gamma=0",), ("generated_negatives=false",), ("noise_candidates=1",),
     ("mix_captions=false",), ("shift=0", "image_noise=0"), ("weight_reconstruct=0",), ("generator.objects=2",),
     ("generator.composition=none",), ("generator.pooling=mean", "retriever.pooling=mean"), ("batch_size=1",)],
    ids=lambda changes: ",".join(changes),
)  # fmt: skip
def test_every_way_of_contending(text_tower, changes):
    if changes == ("generator.objects=2",):  # scenes have one: nothing to reconstruct two from
        changes += ("weight_reconstruct=0", "noise_candidates=1")
    made = of_kind(text_tower, "contend", *changes)
    before = weights(made)
    stats = [made.step() for _ in range(2)][1]
    expected = MEASURED["contend"] - ({"reconstruction"} if made.settings.weight_reconstruct == 0 else set())
    assert {name for name, value in numbers(stats).items() if value != "nan"} >= expected
    assert {name.split("/")[0] for name in moved(before, weights(made))} == MOVES["contend"]


def test_the_retriever_learns_names_from_real_and_from_drawn_pictures(text_tower, monkeypatch):
    """A batch of four has two further real ones, and two drawn ones for the names whose numbers come with them."""
    seen = []

    def recorded(settings, retriever, batch, text, pictures, things):
        seen.append((batch, pictures, things, settings.weight_names))
        return retrieval_loss(settings, retriever, batch, text, pictures, things)

    monkeypatch.setattr("gan_dpr.training.trainer.retrieval_loss", recorded)
    exact = ("shift=0", "image_noise=0")
    made = of_kind(text_tower, "retrieve", *exact)
    monkeypatch.setattr(made, "normal", lambda shape, rng: torch.zeros(shape))
    made.step()
    batch, pictures, things, weight = seen.pop()
    assert (len(pictures), len(things), weight) == (8, 8, 1.0)
    torch.testing.assert_close(pictures[:6], torch.cat([batch.pixels, batch.named]))
    assert things[:6].tolist() == batch.things.tolist()
    states, mask = batch.names.states[things[6:]], batch.names.mask[things[6:]]
    torch.testing.assert_close(pictures[6:], made.ema(states, mask, torch.zeros(2, made.ema.latent_dim)))

    of_kind(text_tower, "retrieve", *exact, "named_share=0").step()
    _, pictures, things, _ = seen.pop()
    assert len(pictures) == len(things) == 4
    of_kind(text_tower, "retrieve", *exact, 'phases=[{"kind":"retrieve","named_share":2,"weight_names":3}]').step()
    _, pictures, things, weight = seen.pop()
    assert weight == 3
    assert len(pictures) == len(things) == 20  # the phase's own share; four pictures, eight real and eight drawn ones
    tiny_trainer(text_tower, "own-32", 'phases=[["retrieve",0]]', world=ToyWorld()).step()
    _, pictures, things, _ = seen.pop()
    assert (len(pictures), things) == (4, None)  # captions of a world without names


@pytest.mark.parametrize(("side", "moves"), [("d", {"retriever"}), ("g", {"generator", "ema"})])
@pytest.mark.parametrize("name", ["nano-no-reconstruction", "original-2023"])
def test_a_step_of_one_side_moves_that_side_alone_and_measures_both(text_tower, name, side, moves):
    made = tiny_trainer(text_tower, name, CATS)
    before = weights(made)
    stats = made.step(side)
    # The original's text pool, a part of its generator, learns with its discriminator; BatchNorm counts always.
    steady = ("/pools", "running", "num_batches", "whitening", "memory.")
    changed = {key.split("/")[0] for key in moved(before, weights(made)) if not any(part in key for part in steady)}
    assert changed == moves
    assert math.isfinite(stats.loss_d)
    assert math.isfinite(stats.loss_g)
    assert made.global_step == 1


def test_phases_follow_one_another(text_tower):
    made = tiny_trainer(text_tower, "nano", CATS, 'training.phases=[["reconstruct",2],["contend",3],["retrieve",4]]')
    stats = list(made.run(max_steps=10))
    assert [s.phase for s in stats] == ["reconstruct"] * 2 + ["contend"] * 3 + ["retrieve"] * 5
    assert [s.step for s in stats] == list(range(1, 11))
    assert [s.lr for s in stats[:2]] == pytest.approx([4e-3, 2e-3])  # of the reconstruction
    assert stats[2].lr == pytest.approx(4e-4)  # of nano
    assert made.optimizer_d.param_groups[0]["lr"] == 0  # the phase is over
    assert list(made.run(max_steps=10)) == []


def test_momentum_is_for_who_learns_alone(text_tower):
    made = tiny_trainer(text_tower, "nano", CATS, 'training.phases=[["reconstruct",1],["contend",1],["retrieve",1]]')
    for betas in ((0.8, 0.99), (0.0, 0.99), (0.8, 0.99)):
        made.step()
        assert made.optimizer_g.param_groups[0]["betas"] == made.optimizer_d.param_groups[0]["betas"] == betas


def test_the_average_follows_its_formula(text_tower):
    made = of_kind(text_tower, "reconstruct")
    start = made.ema.state_dict()["canvas.out.weight"].clone()
    made.step()
    learnt = made.generator.state_dict()["canvas.out.weight"]
    decay = 1 / 20  # (1 + 0) / (20 + 0)
    torch.testing.assert_close(made.ema.state_dict()["canvas.out.weight"], decay * start + (1 - decay) * learnt)


def test_settings_can_be_changed_while_it_runs(text_tower):
    made = of_kind(text_tower, "contend")
    made.step()
    made.settings.lr_g, made.settings.gamma = 1e-5, 7.0
    stats = made.step()
    assert (stats.lr, stats.gamma) == (pytest.approx(0.02 * 1e-5), 7.0)  # the second step of the rise


@pytest.mark.parametrize(("kind", "network", "name"), [
    ("contend", "retriever", "L_D"), ("retrieve", "retriever", "L_D"), ("reconstruct", "generator", "L_G"),
])  # fmt: skip
def test_nan_stops_the_run_and_names_the_step(text_tower, kind, network, name):
    made = of_kind(text_tower, kind)
    made.step()
    with torch.no_grad():
        next(p for p in getattr(made, network).parameters() if p.dim() > 1).fill_(math.nan)
    with pytest.raises(TrainingDiverged, match=f"^{name} is not finite at step 2: lower the learning rates"):
        made.step()
    assert made.global_step == 1


# ------------------------------------------------------------------ learning


def falls_to(made, steps: int) -> float:
    """The error at the end of a short run, as a share of that at its beginning."""
    errors = [stats.reconstruction for stats in made.run(max_steps=steps)]
    return np.mean(errors[-5:]) / np.mean(errors[:3])


def test_a_short_reconstruction_lowers_the_error_by_a_third(text_tower):
    shape = ("batch_size=8", "lr_reconstruct=0.003", "generator.hidden_dim=64", "generator.channels=[16,16]")
    assert falls_to(tiny_trainer(text_tower, "own-32", *shape, world=ToyWorld()), 60) < 2 / 3


def test_a_short_reconstruction_of_layers_lowers_the_error(text_tower):
    """Of the drawing alone, over random colours, which a few steps can only sketch."""
    made = tiny_trainer(
        text_tower, "nano", "batch_size=8", "lr_reconstruct=0.002", "generator.hidden_dim=64",
        "generator.channels=[16,16]",
        'world.only={"concept":["cat"],"style":["noto"],"size":["large"],"tint":["none"],"orientation":["upright"]}',
    )  # fmt: skip
    assert falls_to(made, 60) < 0.85


def test_a_short_retrieval_learns_sixteen_captions(text_tower, monkeypatch):
    monkeypatch.setattr("gan_dpr.training.schedule.WARM_UP", 1)
    made = tiny_trainer(
        text_tower, "nano", 'training.phases=[["retrieve",0]]', "batch_size=16", "pool_size=16", "pool_reuse=1000",
        "weight_swap=0", "shift=0", "image_noise=0", "lr_retrieve=0.001", "retriever.embed_dim=64",
        "retriever.channels=[16,32,64]", "retriever.slots=4", "retriever.slot_dim=32",
    )  # fmt: skip
    recalls = [stats.recall_at_1 for stats in made.run(max_steps=30)]
    assert np.mean(recalls[:3]) < 0.6
    assert np.mean(recalls[-5:]) > 0.9


def test_auto_balance_moves_gamma(text_tower):
    for win_share, factor in ((0.99, 1.1), (0.1, 1 / 1.1), (0.6, 1.0)):
        made = of_kind(text_tower, "contend", "auto_balance=true")
        made.global_step = 99
        made._recent = [StepStats(1, "contend", 1.0, 1.0, 0.1, win_share=win_share)] * 99  # as a state brings them
        made.step()
        assert made.settings.gamma == pytest.approx(factor)
    other = of_kind(text_tower, "retrieve", "auto_balance=true")
    other.global_step = 99
    other.step()
    assert other.settings.gamma == 1.0  # nothing contends


# ------------------------------------------------------------------ other towers, the original recipe, other worlds


def test_a_learning_text_encoder_moves_and_the_generator_reads_its_average(text_tower, tmp_path):
    made = of_kind(text_tower, "contend", "lr_text=0.001")
    word = "embeddings.word_embeddings.weight"
    start = text_tower.model.state_dict()[word].clone()
    made.step()
    learnt = made.learning_text.model.state_dict()[word]
    assert not torch.equal(learnt, start)
    assert torch.equal(text_tower.model.state_dict()[word], start)  # the caller's own stays as it was
    average = made.text_tower.model.state_dict()[word]
    torch.testing.assert_close(average, start / 20 + learnt * 19 / 20)
    made.save_checkpoint(tmp_path)
    saved = TextTower.from_pretrained(tmp_path / "text_encoder").model.state_dict()[word]
    torch.testing.assert_close(saved, average.half().float(), rtol=0, atol=0)


def test_a_pretrained_image_tower_trains_and_stays_frozen(text_tower, tmp_path):
    pytest.importorskip("efficientnet_lite_pytorch")
    made = of_kind(text_tower, "contend", "retriever.tower=pretrained")
    before = weights(made)
    pretrained = PretrainedTower(made.retriever.config).state_dict()
    assert all(torch.equal(before[f"retriever/tower.{name}"], value) for name, value in pretrained.items())
    stats = made.step()
    changed = moved(before, weights(made))
    assert {"retriever/image_projection.weight", "generator/canvas.out.weight"} <= changed
    assert math.isfinite(stats.grad_norm_d)
    assert not any(key.startswith("retriever/tower") for key in changed)
    assert math.isfinite(stats.feature)
    made.save_checkpoint(tmp_path)
    warm_start(of_kind(text_tower, "contend", "retriever.tower=pretrained"), tmp_path)


def test_the_original_recipe_trains_one_side_at_a_time_and_its_text_pool_with_d(text_tower):
    made = tiny_trainer(text_tower, "original-2023", CATS)
    assert isinstance(made, OriginalTrainer)
    before = weights(made)
    stats = made.step()
    changed = moved(before, weights(made))
    assert {"generator/pools.picture.value.weight", "retriever/text_projection.weight"} <= changed
    assert "generator/canvas.out.weight" not in changed
    assert math.isnan(stats.grad_norm_g)
    made.global_step = EPOCH
    before = weights(made)
    stats = made.step()
    changed = moved(before, weights(made))
    assert "retriever/text_projection.weight" not in changed
    assert "generator/canvas.out.weight" in changed
    assert math.isnan(stats.grad_norm_d)
    assert made.sample(["a cat"]).shape == (1, 32, 32, 3)


def test_the_originals_epochs_have_the_same_batches(text_tower):
    losses = []
    for epoch in (0, 2):
        made = tiny_trainer(text_tower, "original-2023", CATS)
        made._measure()
        made.global_step = epoch * EPOCH + 3
        losses.append(made.step().loss_d)
    assert losses[0] == losses[1]


def test_a_trainer_of_a_world_that_the_package_does_not_know(text_tower):
    made = tiny_trainer(
        text_tower, "own-32", 'training.phases=[["reconstruct",2],["contend",2],["retrieve",2]]', world=ToyWorld()
    )
    assert [math.isfinite(stats.nce) for stats in made.run(max_steps=6)] == [False] * 2 + [True] * 4


def test_a_text_encoder_of_another_width_is_one_sentence(text_tower):
    chosen = tiny_preset("nano", "generator.text_dim=16", "retriever.text_dim=16")
    with pytest.raises(ValueError, match="^The text encoder gives 32 numbers a token and the preset takes 16"):
        build_trainer(chosen, open_world(chosen.world), text_tower, "cpu")


def test_samples_are_drawn_by_the_average_from_a_seed(text_tower):
    made = of_kind(text_tower, "reconstruct")
    made.step()
    pictures = made.sample(["a cat", "a house"], seed=3)
    assert (pictures.shape, pictures.dtype) == ((2, 32, 32, 3), np.uint8)
    assert np.array_equal(made.sample(["a cat", "a house"], seed=3), pictures)
    assert not np.array_equal(made.sample(["a cat", "a house"], seed=4), pictures)
