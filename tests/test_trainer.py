"""The adversarial step on tiny networks: identities, exact resume, warm start, and what stops a run."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from gan_dpr.config import Preset, SceneConfig, apply_overrides, preset
from gan_dpr.data.source import MIXED_ATTRIBUTES, PictureSource, SceneSource
from gan_dpr.data.world import ATTRIBUTES
from gan_dpr.encoders import TextTower
from gan_dpr.generator import PARTS
from gan_dpr.losses import LN2
from gan_dpr.original import PHASE, OriginalTrainer
from gan_dpr.state import STATE_FILE
from gan_dpr.trainer import AdversarialTrainer, TrainingDiverged
from gan_dpr.worlds.pictures.dataset import PictureDataset

TINY = [
    "generator.text_dim=32", "generator.hidden_dim=16", "generator.channels=[8,8]", "generator.slots=2",
    "retriever.text_dim=32", "retriever.channels=[8,8,8,8]", "retriever.embed_dim=16", "training.batch_size=4",
    'scenes.concepts=["cat","house"]', "scenes.pool_size=8", "scenes.pool_reuse=2", "retriever.slots=2",
]  # fmt: skip


def tiny(name: str = "nano", *overrides: str) -> Preset:
    shape = ["generator.channels=[8,8,8]"] if name == "original-2023" else []
    return apply_overrides(preset(name), [*TINY, *shape, *overrides])


def trainer(text_tower: TextTower, name: str = "nano", *overrides: str) -> AdversarialTrainer:
    chosen = tiny(name, *overrides)
    source = SceneSource(chosen.scenes, text_tower, 32, chosen.training.seed)
    kind = OriginalTrainer if name == "original-2023" else AdversarialTrainer
    return kind(chosen, source, text_tower, device="cpu")


def numbers(stats) -> dict:
    return {key: value for key, value in dataclasses.asdict(stats).items() if key != "seconds"}


def weights(made: AdversarialTrainer) -> dict[str, torch.Tensor]:
    return {f"{part}/{key}": value.clone() for part, model in made._models().items()
            for key, value in model.state_dict().items()}  # fmt: skip


@pytest.mark.parametrize("kind", ["generator.norm=group", "generator.norm=batch", "lr_text=0.001"])
def test_resumed_run_equals_an_uninterrupted_one(text_tower, tmp_path, kind):
    overrides = (kind, "auto_balance=true", "total_steps=8")
    whole = trainer(text_tower, "nano", *overrides)
    expected = [numbers(stats) for stats in whole.run(max_steps=6)]
    first = trainer(text_tower, "nano", *overrides)
    for _ in first.run(max_steps=3):
        pass
    first.save_state(tmp_path)
    second = trainer(text_tower, "nano", *overrides)
    second.load_state(tmp_path)
    assert [numbers(stats) for stats in second.run(max_steps=6)] == expected[3:]
    for key, value in weights(whole).items():
        assert torch.equal(value, weights(second)[key]), key


def test_a_kill_while_saving_leaves_the_old_state(text_tower, tmp_path, monkeypatch):
    made = trainer(text_tower)
    made.step()
    made.save_state(tmp_path)
    saved = (tmp_path / STATE_FILE).read_bytes()
    made.step()

    def killed(tensors, path, metadata):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("gan_dpr.state.save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        made.save_state(tmp_path)
    assert (tmp_path / STATE_FILE).read_bytes() == saved
    made.load_state(tmp_path)
    assert made.global_step == 1


def test_checkpoint_warm_starts_the_same_networks_only(text_tower, tmp_path):
    made = trainer(text_tower)
    for _ in made.run(max_steps=2):
        pass
    made.save_checkpoint(tmp_path)
    other = trainer(text_tower, "nano", "seed=5")
    other.warm_start(tmp_path)
    assert other.global_step == 2
    for key, value in made.ema.state_dict().items():
        torch.testing.assert_close(other.ema.state_dict()[key], value.half().float(), rtol=0, atol=0)
        torch.testing.assert_close(other.generator.state_dict()[key], value.half().float(), rtol=0, atol=0)
    different = trainer(text_tower, "nano", "generator.hidden_dim=8")
    with pytest.raises(ValueError, match="other networks than preset 'nano'"):
        different.warm_start(tmp_path)
    made.save_state(tmp_path)
    with pytest.raises(ValueError, match="is the state of other networks"):
        different.load_state(tmp_path)


@pytest.mark.parametrize("recipe", ["relativistic", "dpr"])
def test_a_step_moves_both_networks_and_the_average(text_tower, recipe):
    made = trainer(text_tower, "nano", f"recipe={recipe}")
    before = weights(made)
    stats = made.step()
    after = weights(made)
    for part in ("generator", "retriever", "ema"):
        assert any(not torch.equal(before[key], after[key]) for key in before if key.startswith(part))
    assert all(math.isfinite(value) for value in numbers(stats).values())
    assert 0 <= stats.win_share <= 1
    assert stats.gap_q25 <= stats.gap <= stats.gap_q75


@pytest.mark.parametrize(("side", "moves"), [("d", {"retriever"}), ("g", {"generator", "ema"})])
@pytest.mark.parametrize("name", ["nano", "original-2023"])
def test_a_step_of_one_side_moves_that_side_alone_and_measures_both(text_tower, name, side, moves):
    made = trainer(text_tower, name)
    before = weights(made)
    stats = made.step(side)
    after = weights(made)
    # The original's text pool, a part of its generator, learns with its discriminator; BatchNorm counts always.
    moved = {key.split("/")[0] for key in before if not torch.equal(before[key], after[key])
             and not any(part in key for part in ("/pool", "running", "num_batches"))}  # fmt: skip
    assert moved == moves
    assert math.isfinite(stats.loss_d)
    assert math.isfinite(stats.loss_g)
    assert made.global_step == 1


def test_a_resting_canvas_stands_still_while_the_pose_moves(text_tower):
    # Pools of 8 captions used once: steps 0 and 1 are easy, 2 and 3 place.
    curriculum = ("scenes.pool_reuse=1", "scenes.easy_pools=1", "scenes.placing_pools=1")
    made = trainer(text_tower, "nano", *curriculum)
    states = []
    for _ in range(5):
        made.step()
        states.append(weights(made))

    def moved(step: int, name: str) -> bool:
        return not torch.equal(states[step][f"generator/{name}"], states[step - 1][f"generator/{name}"])

    assert [moved(step, "canvas.project.weight") for step in (1, 2, 3, 4)] == [True, False, False, True]
    assert all(moved(step, "composition.pose.2.weight") for step in (1, 2, 3, 4))


def test_without_layers_nothing_rests(text_tower):
    made = trainer(
        text_tower, "nano", "scenes.placing_pools=9", "generator.composition=none", "generator.base_size=8"
    )
    before = made.generator.state_dict()["canvas.project.weight"].clone()
    made.step()
    assert not torch.equal(made.generator.state_dict()["canvas.project.weight"], before)


def test_a_learning_text_encoder_moves_and_the_generator_reads_its_average(text_tower, tmp_path):
    made = trainer(text_tower, "nano", "lr_text=0.001")
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
    made = trainer(text_tower, "nano", "retriever.tower=pretrained")
    before = weights(made)
    stats = made.step()
    after = weights(made)
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    assert "retriever/image_projection.weight" in moved
    assert "generator/canvas.project.weight" in moved
    assert not any(key.startswith("retriever/tower") for key in moved)
    assert all(p.grad is None for p in made.retriever.tower.parameters())
    assert math.isfinite(stats.feature)
    made.save_checkpoint(tmp_path)
    trainer(text_tower, "nano", "retriever.tower=pretrained").warm_start(tmp_path)


def test_average_follows_its_formula(text_tower):
    made = trainer(text_tower)
    start = made.ema.state_dict()["canvas.project.weight"].clone()
    made.step()
    moved = made.generator.state_dict()["canvas.project.weight"]
    decay = 1 / 20  # (1 + 0) / (20 + 0)
    torch.testing.assert_close(made.ema.state_dict()["canvas.project.weight"], decay * start + (1 - decay) * moved)


def test_learning_rate_is_constant_for_half_then_falls_to_a_twentieth(text_tower):
    made = trainer(text_tower, "nano", "total_steps=100", "lr_g=0.001")
    rates = []
    for step in (0, 50, 75, 100, 200):
        made.global_step = step
        made._set_learning_rates()
        rates.append(made.optimizer_g.param_groups[0]["lr"])
    assert rates == pytest.approx([0.001, 0.001, 0.000525, 0.00005, 0.00005])


def test_identical_pictures_score_ln2(text_tower):
    """Where generated and real pictures are the same, both losses stand at ln 2."""
    made = trainer(text_tower, "nano", "image_noise=0")
    batch, text, _, rng = made._draw()
    seen, stats = made._update_retriever(batch, text, batch.pixels, batch.pixels.clone(), rng)
    assert stats["loss_d"] == pytest.approx(LN2)
    assert stats["gap"] == 0.0
    assert stats["win_share"] == 0.0
    assert seen.embeds.shape == (4, 16)


def test_nan_stops_the_run_and_names_the_step(text_tower):
    made = trainer(text_tower)
    made.step()
    with torch.no_grad():
        made.retriever.text_projection.weight[0, 0] = math.nan
    with pytest.raises(TrainingDiverged, match="L_D is not finite at step 2"):
        made.step()
    assert made.global_step == 1


def test_settings_can_be_changed_while_it_runs(text_tower):
    made = trainer(text_tower)
    made.step()
    made.settings.lr_g, made.settings.gamma = 1e-5, 7.0
    stats = made.step()
    assert stats.lr == 1e-5
    assert stats.gamma == 7.0


def test_original_recipe_trains_one_side_at_a_time_and_its_text_pool_with_d(text_tower):
    made = trainer(text_tower, "original-2023")
    before = weights(made)
    made.step()
    after = weights(made)
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    assert {"generator/pool.value.weight", "retriever/text_projection.weight"} <= moved
    assert "generator/canvas.project.weight" not in moved
    made.global_step = PHASE
    before = weights(made)
    made.step()
    after = weights(made)
    assert torch.equal(before["retriever/text_projection.weight"], after["retriever/text_projection.weight"])
    assert not torch.equal(before["generator/canvas.project.weight"], after["generator/canvas.project.weight"])


def test_scene_batches_are_functions_of_the_step(text_tower):
    chosen = tiny()
    first, second = (SceneSource(chosen.scenes, text_tower, 32, 0) for _ in range(2))
    for step in range(3):
        first.batch(step, 4)
    a, b = first.batch(7, 4), second.batch(7, 4)  # another pool than step 0's
    assert a.captions == b.captions
    assert torch.equal(a.pixels, b.pixels)
    assert torch.equal(a.text.states, b.text.states)
    assert not torch.equal(a.pixels, second.batch(7, 4, rank=1).pixels)
    assert a.matches.diagonal().all()
    assert a.pixels.min() >= -1
    assert a.pixels.max() <= 1


def test_matches_against_the_captions_own_word(text_tower):
    source = SceneSource(SceneConfig(pool_size=64), text_tower, 64, 3)
    batch = source.batch(0, 48)
    captions = {caption.text: caption for caption in source._captions}
    chosen = [captions[text] for text in batch.captions]
    expected = [[c.satisfied_by(other.scene) for other in chosen] for c in chosen]
    assert batch.matches.tolist() == expected
    assert (~batch.open_parts.any(0)).tolist() == [c.specifies_all for c in chosen]
    for part, names in enumerate([{"style"}, {"size", "position"}, {"background"}]):
        assert batch.open_parts[part].tolist() == [not names <= c.mentioned for c in chosen]
    assert batch.decided.all()


def test_a_share_of_the_captions_says_everything(text_tower):
    complete = []
    for share in (0.0, 0.5, 1.0):
        source = SceneSource(SceneConfig(pool_size=400, complete_share=share), text_tower, 64, 0)
        source.batch(0, 1)
        complete.append(sum(caption.specifies_all for caption in source._captions) / 400)
    assert complete == [pytest.approx(share, abs=0.06) for share in (0.25, 0.36, 0.5)]
    said = [caption.mentioned for caption in source._captions]
    assert source._open_parts[0].tolist() == [set(ATTRIBUTES) - names == {"style"} for names in said]
    assert not source._open_parts[1:].any()


def test_a_share_of_the_captions_says_little(text_tower):
    source = SceneSource(SceneConfig(pool_size=2000, complete_share=0.25, short_share=0.75), text_tower, 64, 0)
    source.batch(0, 1)
    free = ("size", "background", "style", "position")
    said = np.array([[name in caption.mentioned for name in free] for caption in source._captions])
    # A quarter says everything or all but the style; of the others each attribute comes one time in four.
    assert said[:, :3].mean(0) == pytest.approx([0.25 + 0.75 / 4] * 2 + [0.25 / 2 + 0.75 / 4], abs=0.04)
    assert (~said).all(1).mean() == pytest.approx(0.75 * 0.75**4, abs=0.04)
    assert all({"concept", "orientation", "tint"} <= caption.mentioned for caption in source._captions)


def test_a_batch_is_made_of_families_alike_in_all_but_the_concept(text_tower):
    config = SceneConfig(concepts=("cat", "dog", "house"), pool_size=64, family_size=4)
    source = SceneSource(config, text_tower, 64, 0)
    batch = source.batch(0, 10)
    pool = [caption.scene for caption in source._captions]
    assert len(batch.captions) == 10
    rows = [[caption.text for caption in source._captions].index(text) for text in batch.captions]
    for start in (0, 4, 8):
        family = [pool[row] for row in rows[start : start + 4]]
        assert all(scene == family[0].with_attribute("concept", scene.object.concept) for scene in family)
        assert all(scene.object.concept != family[0].object.concept for scene in family[1:])


def test_the_feature_distance_counts_pictures_that_the_noise_can_decide(text_tower):
    made = trainer(text_tower, "nano", "scenes.pool_size=64")
    batch, *_ = made._draw()
    of_style, of_pose, of_background = batch.open_parts
    assert not of_style.any()  # nano has one style
    assert made._known(batch).all()
    made.settings.noise_candidates = 1
    assert made._known(batch).tolist() == (~of_pose & ~of_background).tolist()
    batch.decided[:2] = False
    assert not made._known(batch)[:2].any()
    made.settings.noise_candidates, made.preset.generator.composition = 4, "none"
    batch.open_parts[0] = True
    assert made._known(batch)[2:].tolist() == (~of_pose & ~of_background)[2:].tolist()


def test_a_caption_of_one_word_leaves_what_no_noise_decides(text_tower):
    source = SceneSource(SceneConfig(pool_size=8, caption_mode="concept"), text_tower, 64, 0)
    batch = source.batch(0, 4)
    assert batch.open_parts.all()
    assert not batch.decided.any()


def test_the_first_pools_are_easy(text_tower):
    config = preset("emoji-64").scenes
    config.pool_size, config.pool_reuse, config.easy_pools = 64, 1, 2
    source = SceneSource(config, text_tower, 64, 0)
    kinds = []
    for step in (0, 1, 2):
        source.batch(step, 64)
        objects = [caption.scene.object for caption in source._captions]
        kinds.append({(item.size, item.orientation, item.tint) for item in objects})
    assert kinds[:2] == [{("large", "upright", "none")}] * 2
    assert {"small", "medium", "large"} == {size for size, _, _ in kinds[2]}


def test_mixed_captions_agree_in_their_part_alone(text_tower):
    source = SceneSource(SceneConfig(concepts=("cat", "house"), pool_size=600), text_tower, 64, 0)
    batch = source.batch(0, 200)
    pool = {caption.text: caption for caption in source._captions}
    encoded = zip(source._captions, source._text.states, source._text.mask, strict=True)
    read = {states[mask].float().numpy().tobytes(): caption for caption, states, mask in encoded}
    differs = set()
    for part, states, mask in zip(PARTS, batch.mixed.states, batch.mixed.mask, strict=True):
        for own, row, real in zip(batch.captions, states, mask, strict=True):
            own, other = pool[own], read[row[real].numpy().tobytes()]
            for name in MIXED_ATTRIBUTES[part]:
                assert (name in own.mentioned) == (name in other.mentioned)
                assert name not in own.mentioned or own.scene.attribute(name) == other.scene.attribute(name)
            differs |= {(part, name) for name in ATTRIBUTES if own.scene.attribute(name) != other.scene.attribute(name)}
    for part in PARTS:
        assert {name for name in ATTRIBUTES if (part, name) not in differs} <= set(MIXED_ATTRIBUTES[part])
    assert SceneSource(SceneConfig(pool_size=8, mix_captions=False), text_tower, 64, 0).batch(0, 4).mixed is None


def test_own_pictures_come_once_an_epoch(text_tower):
    images = np.arange(5 * 32 * 32 * 3, dtype=np.uint32).astype(np.uint8).reshape(5, 32, 32, 3)
    dataset = PictureDataset(images, ["a cat", "a dog", "a cat", "a fish", "a bus"], [str(i) for i in range(5)], [])
    source = PictureSource(dataset, text_tower, seed=0)
    seen = [caption for step in range(5) for caption in source.batch(step, 2).captions]
    assert sorted(seen[:5]) == sorted(seen[5:]) == sorted(dataset.captions)
    batch = source.batch(0, 5)
    cats = [i for i, caption in enumerate(batch.captions) if caption == "a cat"]
    assert batch.matches[cats[0], cats[1]]
    assert batch.decided.tolist() == [caption != "a cat" for caption in batch.captions]
    assert not batch.open_parts.any()
