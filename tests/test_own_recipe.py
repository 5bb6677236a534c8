"""What a training on one's own pictures does about memory, time and few pictures."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny import tiny_preset, tiny_trainer

from gan_dpr.cli.progress import Progress
from gan_dpr.config import Phase, TrainingConfig
from gan_dpr.training.augmentation import Moves
from gan_dpr.training.balance import StepStats
from gan_dpr.training.estimate import steps_left, trial_seconds
from gan_dpr.training.run import build_trainer
from gan_dpr.training.text_cache import cached_states
from gan_dpr.worlds.pictures.dataset import PictureDataset
from gan_dpr.worlds.pictures.world import PicturesWorld

TEXTS = ["a cat", "a cat on a red house at the top", "house"]


# ---------------------------------------------------------------- text states in a file


def test_states_in_a_file_are_those_of_the_encoder(text_tower, tmp_path):
    asked = []

    def encoded(texts: list[str]):
        asked.append(texts)
        return text_tower.encode(texts)

    want = text_tower.encode(TEXTS)
    for _ in range(2):  # the second time they are read from the file
        got = cached_states(tmp_path, TEXTS, text_tower, encoded)
        assert torch.equal(got.mask, want.mask)
        assert torch.equal(got.states, want.states.half())
    assert asked == [TEXTS]
    assert len(list(tmp_path.iterdir())) == 1


def test_other_texts_or_a_damaged_file_are_encoded_anew(text_tower, tmp_path):
    cached_states(tmp_path, TEXTS, text_tower, text_tower.encode)
    (first,) = tmp_path.iterdir()
    first.write_bytes(first.read_bytes()[:-5])
    again = cached_states(tmp_path, TEXTS, text_tower, text_tower.encode)
    assert torch.equal(again.states, text_tower.encode(TEXTS).states.half())
    cached_states(tmp_path, TEXTS[:2], text_tower, text_tower.encode)
    assert [path for path in tmp_path.iterdir() if path == first] == []


def test_nothing_is_written_into_the_file_by_who_reads_it(text_tower, tmp_path):
    states = cached_states(tmp_path, TEXTS, text_tower, text_tower.encode).states
    (file,) = tmp_path.iterdir()
    before = file.read_bytes()
    states.zero_()
    assert file.read_bytes() == before


def test_a_training_from_the_file_is_the_same(text_tower, tmp_path):
    def steps(cache: Path | None) -> list[float]:
        chosen = tiny_preset("own-32", 'training.phases=[["contend",0]]')
        images = np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3), np.uint8)
        world = PicturesWorld(PictureDataset(images, ["a cat", "a dog", "a house", "cat", "dog"], list("abcde")))
        trainer = build_trainer(chosen, world, text_tower, "cpu", "no", cache)
        return [stats.loss_d for stats in trainer.run(2)]

    assert steps(tmp_path) == steps(None)
    assert len(list(tmp_path.glob("*.npy"))) == 1


# ---------------------------------------------------------------- time


SETTINGS = TrainingConfig(phases=(Phase("reconstruct", 10), Phase("contend", 20), Phase("retrieve", 5)))


@pytest.mark.parametrize(
    ("step", "last", "left"),
    [
        (0, 35, [10, 20, 5]),
        (4, 12, [6, 2]),
        (32, 35, [3]),
        (35, 35, []),
        (34, 40, [6]),  # after its end the last phase goes on
    ],
)
def test_steps_are_counted_by_phase(step: int, last: int, left: list[int]):
    counted = steps_left(SETTINGS, step, last)
    assert list(counted.values()) == left
    assert list(counted) == [phase for phase in SETTINGS.phases if phase in counted]


def test_phases_that_are_alike_are_counted_as_one():
    named = Phase("retrieve", 5, named_share=2.0)
    twice = replace(SETTINGS, phases=(Phase("retrieve", 5), named, Phase("retrieve", 5)))
    assert steps_left(twice, 1, 15) == {Phase("retrieve", 5): 9, named: 5}


@pytest.mark.parametrize(
    ("step", "last", "seconds", "said"),
    [
        (8, 35, None, "It will take about 03:32, "),  # 2 * 1 + 20 * 10 + 5 * 2 seconds
        (0, 3600 * 2 + 30, None, "It will take about 4:03:30, "),
        (8, 35, 50, "It will take about 00:50, "),
        (8, None, None, "How long it will take is not known"),
    ],
)
def test_the_time_that_is_left_knows_the_phases(step: int, last: int | None, seconds: float | None, said: str):
    a_step = dict(zip(SETTINGS.phases, (1.0, 10.0, 2.0), strict=True))
    trainer = SimpleNamespace(global_step=step, settings=SETTINGS)
    sentence = Progress(trainer, a_step, last, seconds, shown=True).estimate(1_240_000_000)
    assert sentence.startswith(said)
    assert sentence.endswith("(1.00 s a step of reconstruct, 10.00 s a step of contend, 2.00 s a step of retrieve), "
                             "and 1.2 GB of memory.")  # fmt: skip


def test_a_step_that_waits_for_captions_hardly_changes_the_forecast():
    trainer = SimpleNamespace(global_step=1, settings=SETTINGS)
    progress = Progress(trainer, dict(zip(SETTINGS.phases, (1.0, 10.0, 2.0), strict=True)), 35, None, shown=True)
    progress.show(StepStats(step=1, phase="reconstruct", gamma=1.0, lr=0.0, seconds=100.0))
    # The step counts as 2 seconds, with a weight of a tenth: 9 * 1.1 + 20 * 10 + 5 * 2 seconds are left.
    assert progress.estimate(0).startswith("It will take about 03:40, ")


def test_a_phase_whose_speed_is_not_known_has_no_forecast():
    trainer = SimpleNamespace(global_step=0, settings=SETTINGS)
    assert Progress(trainer, {}, 35, None, shown=True).estimate(0).startswith("How long it will take is not known, and")


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_a_trial_changes_nothing(text_tower, norm: str):
    override = ('training.phases=[["reconstruct",2],["contend",2],["retrieve",2]]', f'generator.norm="{norm}"')
    tried, plain = (tiny_trainer(text_tower, "nano", *override) for _ in range(2))
    assert tuple(trial_seconds(tried, 6)) == tried.settings.phases
    assert [stats.grad_norm_g for stats in tried.run(3)] == [stats.grad_norm_g for stats in plain.run(3)]
    assert all(map(torch.equal, tried.generator.state_dict().values(), plain.generator.state_dict().values()))


# ---------------------------------------------------------------- few pictures


def test_pictures_move_together_and_within_reach():
    settings = TrainingConfig(shift=0, zoom=0.2)
    moves = Moves.drawn(settings, 3, np.random.default_rng(0))
    pixels = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    moved = moves.of(pixels)
    assert torch.equal(moved[:3], moves.of(pixels[:3]))
    assert torch.equal(moves.of(pixels[[0, 1, 2, 0, 1]])[3:], moved[:2])  # further pictures move as the first do
    assert (moves.frames[:, 0, 0].log().abs() <= 0.2).all()
    assert (moves.frames[:, :, 2].abs() <= 0.2).all()
    assert moves.frames[:, 0, 1].abs().max() == 0  # no turn, no flip
    plain = torch.ones(3, 3, 16, 16) * torch.tensor([0.1, 0.5, -0.3])[:, None, None]
    assert torch.allclose(moves.of(plain), plain, atol=1e-6)  # colours stay


def test_a_shift_is_whole_pixels():
    moves = Moves((1, -2), 2, None)
    pixels = torch.arange(64.0).view(1, 1, 8, 8)
    assert torch.equal(moves.of(pixels)[0, 0, 2:6, 2:6], pixels[0, 0, 3:7, 0:4])


def test_without_a_zoom_the_same_numbers_are_drawn_as_ever():
    rng = np.random.default_rng(3)
    assert Moves.drawn(TrainingConfig(shift=2), 9, rng).shift == tuple(
        np.random.default_rng(3).integers(-2, 3, size=2).tolist()
    )


def test_long_texts_are_named_once(text_tower, capsys):
    from gan_dpr.cli.search import name_long_texts

    name_long_texts(text_tower, ["a cat", "cat " * 46])  # 46 words and two marks
    assert capsys.readouterr().err == ""
    name_long_texts(text_tower, ["a cat", "dog " * 47])
    assert capsys.readouterr().err.startswith("1 of 2 texts are longer than the 48 tokens")
