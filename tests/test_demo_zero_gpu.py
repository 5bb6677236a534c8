"""A run in bursts, as on ZeroGPU, is the run that it would have been at one go."""

import copy

import torch
from tiny import numbers, tiny_preset

from gan_dpr.config import Phase
from gan_dpr.demo import zero_gpu
from gan_dpr.demo.training import LiveRun
from gan_dpr.demo.zero_gpu import BurstRun
from gan_dpr.networks.encoders import TextTower
from gan_dpr.worlds import open_world


def tiny(kind: type[LiveRun], text_tower: TextTower, device: str) -> LiveRun:
    chosen = tiny_preset("nano")
    chosen.training.phases = (Phase("reconstruct", 2), Phase("contend"))
    return kind(chosen, open_world(chosen.world), text_tower, device, "no")


def drive(run: LiveRun, steps: int) -> None:
    run.prepare()
    run.begin()
    while run.burst(60, max_seconds=600, max_steps=steps):
        pass


def test_bursts_make_the_steps_of_one_run(text_tower: TextTower, monkeypatch):
    monkeypatch.setattr(zero_gpu, "SECONDS", 0.01)  # a step or two in each
    whole = tiny(LiveRun, text_tower, "cpu")
    parts = tiny(BurstRun, text_tower, "cuda")
    drive(whole, 5)
    drive(parts, 5)
    assert [stats.step for stats in parts.history] == [1, 2, 3, 4, 5]
    assert [numbers(stats) for stats in parts.history] == [numbers(stats) for stats in whole.history]
    for a, b in zip(whole.trainer.ema.parameters(), parts.trainer.ema.parameters(), strict=True):
        assert torch.equal(a, b)
    assert parts.state == "paused"
    assert parts.pipeline()("a cat").images[0].size == (32, 32)


def test_a_slider_moved_during_a_burst_acts_from_the_next_one(text_tower: TextTower, monkeypatch):
    run, train_burst, gammas = tiny(BurstRun, text_tower, "cuda"), zero_gpu.train_burst, []

    def burst(settings, world, tower, folder, seconds, max_steps):
        forked = copy.deepcopy(settings)
        gammas.append(forked.training.gamma)
        run.set("gamma", 7.0)  # the visitor, while the GPU works with the value from before
        return train_burst(forked, world, tower, folder, 60, run.step + 1)

    monkeypatch.setattr(zero_gpu, "train_burst", burst)
    drive(run, 2)
    assert gammas == [1.0, 7.0]


def test_a_halt_reaches_a_burst_through_the_folder(text_tower: TextTower, monkeypatch):
    run, train_burst = tiny(BurstRun, text_tower, "cuda"), zero_gpu.train_burst

    def burst(*arguments):
        run.request_halt("stopped")
        return train_burst(*arguments)

    monkeypatch.setattr(zero_gpu, "train_burst", burst)
    drive(run, 1000)
    assert (run.state, run.step) == ("stopped", 0)
