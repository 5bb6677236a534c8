from pathlib import Path

import pytest
import torch
from tiny import tiny_preset

from gan_dpr import benchmark
from gan_dpr.networks.encoders import TextTower
from gan_dpr.pipeline import GanDprPipeline


def test_times_of_drawing_and_reading(pipe: GanDprPipeline) -> None:
    figures = benchmark.generate_ms(pipe, repeats=3)
    assert sorted(figures) == ["n16_p50", "n16_p95", "n1_p50", "n1_p95", "n4_p50", "n4_p95"]
    assert all(figures[f"n{n}_p95"] >= figures[f"n{n}_p50"] > 0 for n in (1, 4, 16))
    assert benchmark.text_ms(pipe, repeats=3) > 0


def test_speed_of_searching() -> None:
    figures = benchmark.index_qps(16, sizes=(100, 10**12), repeats=2)
    assert list(figures) == [100]  # the other does not fit memory
    assert figures[100] > 0


def test_speed_of_training(text_tower: TextTower) -> None:
    speed = benchmark.train_speed(tiny_preset("nano"), text_tower, "cpu", steps=2)
    assert sorted(speed) == ["images_per_s", "pool_s"]
    assert speed["images_per_s"] > 0


def test_all_figures_have_the_names_of_the_contract(
    pipe: GanDprPipeline, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "cold_start_s", lambda *_: 1.0)
    monkeypatch.setattr(benchmark, "train_speed", lambda *_: {"images_per_s": 60.0, "pool_s": 1.0})
    monkeypatch.setattr(benchmark, "index_qps", lambda _: {10_000: 5.0})
    monkeypatch.setattr(benchmark, "generate_ms", lambda _: {"n1_p50": 1.0, "n1_p95": 1.0, "n16_p50": 2.0})
    threads = torch.get_num_threads()
    figures = benchmark.run_benchmark(pipe, tiny_checkpoint, "cpu")
    assert torch.get_num_threads() == threads
    assert figures["generate_ms"] == {"n1_p50": 1.0, "n1_p95": 1.0, "n16_p50": 2.0}
    assert figures["train_images_per_s"] == {"nano": 60.0, "emoji-64-core32": 60.0}
    assert figures["index_qps"] == {"10000": 5.0}
    assert figures["cold_start_s"] == 1.0
    assert {"text_ms", "machine", "peak_memory_gb"} <= set(figures)
    assert figures["machine"]["device"] == "cpu"
