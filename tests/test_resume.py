"""Exact resume and warm starts: what a state and a checkpoint bring back."""

import pytest
import torch
from tiny import CATS, moved, numbers, of_kind, tiny_trainer, weights

from gan_dpr.training.starts import begin_retriever, warm_start
from gan_dpr.training.state import STATE_FILE

PHASES = 'training.phases=[["reconstruct",4],["contend",4],["retrieve",4]]'


@pytest.mark.parametrize("stop", [2, 4, 6, 10])
def test_a_run_resumed_within_any_phase_equals_an_uninterrupted_one(text_tower, tmp_path, stop):
    overrides = ("nano", CATS, PHASES, "pool_size=8", "auto_balance=true")
    whole = tiny_trainer(text_tower, *overrides)
    expected = [numbers(stats) for stats in whole.run(max_steps=12)]
    first = tiny_trainer(text_tower, *overrides)
    for _ in first.run(max_steps=stop):
        pass
    first.save_state(tmp_path)
    second = tiny_trainer(text_tower, *overrides)
    second.load_state(tmp_path)
    assert second.settings == first.settings
    assert [numbers(stats) for stats in second.run(max_steps=12)] == expected[stop:]
    assert moved(weights(whole), weights(second)) == set()


@pytest.mark.parametrize(
    "changes",
    [("generator.norm=batch", "generator.composition=none"), ("lr_text=0.001",), ("generator.conditioning=concat",)],
)
def test_resuming_other_networks(text_tower, tmp_path, changes):
    whole = of_kind(text_tower, "contend", *changes)
    expected = [numbers(stats) for stats in whole.run(max_steps=4)]
    first = of_kind(text_tower, "contend", *changes)
    for _ in first.run(max_steps=2):
        pass
    first.save_state(tmp_path)
    second = of_kind(text_tower, "contend", *changes)
    second.load_state(tmp_path)
    assert [numbers(stats) for stats in second.run(max_steps=4)] == expected[2:]
    assert moved(weights(whole), weights(second)) == set()


def test_a_state_brings_the_settings_that_were_changed(text_tower, tmp_path):
    made = of_kind(text_tower, "contend")
    made.settings.gamma = 5.0
    made.save_state(tmp_path)
    other = of_kind(text_tower, "contend")
    held = other.settings
    other.load_state(tmp_path)
    assert held is other.settings  # a demo's sliders hold it
    assert held.gamma == 5.0
    assert held == made.settings


def test_a_kill_while_saving_leaves_the_old_state(text_tower, tmp_path, monkeypatch):
    made = of_kind(text_tower, "reconstruct")
    made.step()
    made.save_state(tmp_path)
    saved = (tmp_path / STATE_FILE).read_bytes()
    made.step()

    def killed(tensors, path, metadata):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("gan_dpr.training.state.save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        made.save_state(tmp_path)
    assert (tmp_path / STATE_FILE).read_bytes() == saved
    made.load_state(tmp_path)
    assert made.global_step == 1


def test_nothing_to_resume_is_one_sentence(text_tower, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^Nothing to resume: .* is not there. Start without --resume.$"):
        of_kind(text_tower, "contend").load_state(tmp_path)


def test_a_checkpoint_warm_starts_the_same_networks_only(text_tower, tmp_path):
    made = of_kind(text_tower, "contend")
    for _ in made.run(max_steps=2):
        pass
    made.save_checkpoint(tmp_path)
    other = of_kind(text_tower, "contend", "seed=5")
    warm_start(other, tmp_path)
    assert other.global_step == 2
    for key, value in made.ema.state_dict().items():
        torch.testing.assert_close(other.ema.state_dict()[key], value.half().float(), rtol=0, atol=0)
        torch.testing.assert_close(other.generator.state_dict()[key], value.half().float(), rtol=0, atol=0)
    different = of_kind(text_tower, "contend", "generator.hidden_dim=8")
    with pytest.raises(ValueError, match="other networks than preset 'nano'"):
        warm_start(different, tmp_path)
    made.save_state(tmp_path)
    with pytest.raises(ValueError, match="is the state of other networks"):
        different.load_state(tmp_path)


def test_a_retriever_alone_begins_as_a_checkpoints_and_keeps_its_statistics(text_tower, tmp_path):
    made = of_kind(text_tower, "contend")
    made.step()
    made.save_checkpoint(tmp_path)
    other = of_kind(text_tower, "reconstruct", "generator.composition=none", "seed=5")
    begin_retriever(other, tmp_path)
    other.step()  # measures what has no statistics yet
    for key, value in made.retriever.state_dict().items():
        torch.testing.assert_close(other.retriever.state_dict()[key], value.half().float(), rtol=0, atol=0)
    assert other.global_step == 1
    assert other.generator.whitening.measured
    assert not torch.equal(other.generator.whitening.mean, other.retriever.whitening.mean)
    with pytest.raises(ValueError, match="another retriever than preset 'nano'"):
        begin_retriever(of_kind(text_tower, "contend", "retriever.embed_dim=9"), tmp_path)
