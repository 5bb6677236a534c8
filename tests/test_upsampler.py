"""The upsampler: identities, its training on a few drawings, and the shipped weights beside Lanczos."""

import io
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from gan_dpr.evaluation import enlarging, upsampler_training
from gan_dpr.evaluation.enlarging import held_out, lanczos, measure, premultiplied_drawings
from gan_dpr.evaluation.upsampler_training import (
    PATCH,
    Critic,
    Patches,
    UpsamplerTraining,
    critic_loss,
    fresh_upsampler,
    main,
    on_ground,
    read_drawings,
    train_upsampler,
)
from gan_dpr.networks.upsampler import Upsampler
from gan_dpr.training.losses import LN2
from gan_dpr.worlds.emoji.build_drawings import shrink

QUICK = UpsamplerTraining(steps=3, adversarial_steps=2, batch_size=4)


def discs(n: int = 6) -> dict[int, np.ndarray]:
    """Coloured discs of every size, the smaller ones shrunk from the largest."""
    rng = np.random.default_rng(0)
    row, column = np.mgrid[:256, :256] - 127.5
    large = np.zeros((n, 256, 256, 4), np.uint8)
    for drawing in large:
        drawing[..., :3] = rng.integers(0, 256, 3)
        drawing[..., 3] = 255 * (row**2 + column**2 < rng.integers(60, 120) ** 2)
    return {size: np.stack([shrink(drawing, 256 // size) for drawing in large]) for size in (64, 128, 256)}


def test_it_is_small_and_begins_by_repeating_pixels() -> None:
    upsampler = fresh_upsampler()
    assert sum(parameter.numel() for parameter in upsampler.parameters()) == 61296  # at most 150,000
    rgba = torch.rand(2, 4, 5, 7)
    with torch.no_grad():
        assert torch.equal(upsampler(rgba), rgba.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_what_is_enlarged_can_be_seen() -> None:
    upsampler = fresh_upsampler()
    torch.nn.init.normal_(upsampler.tail.weight)
    made = upsampler.enlarged(torch.rand(2, 4, 8, 8))
    assert 0 <= made.min() <= made.max() <= 1
    assert (made[:, :3] <= made[:, 3:]).all()


def test_it_is_saved_and_read_back(tmp_path: Path) -> None:
    upsampler = fresh_upsampler().half().float()
    upsampler.facts = {"steps_done": 3}
    upsampler.save(tmp_path)
    again = Upsampler.load(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(upsampler.parameters(), again.parameters(), strict=True))
    assert again.facts == {"steps_done": 3}
    (tmp_path / "upsampler.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="upsampler.safetensors is missing"):
        Upsampler.load(tmp_path)


def test_a_tenth_of_the_concepts_is_held_out() -> None:
    assert [held_out(name) for name in ("red apple", "elephant", "octopus", "moon")] == [False, True, False, True]
    assert sum(held_out(f"thing {i}") for i in range(1000)) == pytest.approx(100, abs=30)


def test_patches_belong_together() -> None:
    """Shrunk by a box the large patch is the small one, where no grain was added, and nearly so where it was."""
    small, large = Patches(discs(), np.random.default_rng(0)).batch(40)
    assert small.shape == (40, 4, PATCH, PATCH)
    assert large.shape == (40, 4, 2 * PATCH, 2 * PATCH)
    apart = (torch.nn.functional.avg_pool2d(large, 2) - small).abs().mean((1, 2, 3))
    assert apart.max() < 0.06
    assert 8 <= (apart < 0.002).sum() < 40


def test_training_is_exact_and_moves_every_weight() -> None:
    first, again = (train_upsampler(QUICK, discs()) for _ in range(2))
    begun = dict(fresh_upsampler().named_parameters())
    for name, weight in first.named_parameters():
        assert torch.equal(weight, dict(again.named_parameters())[name]), name
        assert weight.isfinite().all()
        assert not torch.equal(weight, begun[name]), name
    assert (first.facts["steps_done"], first.facts["adversarial_steps_done"]) == (3, 2)
    longer = train_upsampler(UpsamplerTraining(steps=0, adversarial_steps=1, batch_size=4), discs(), first)
    assert longer.facts["earlier"]["steps_done"] == 3


def test_training_ends_with_the_clock() -> None:
    made = train_upsampler(UpsamplerTraining(max_seconds=1e-6, batch_size=4), discs())
    assert max(made.facts["steps_done"], made.facts["adversarial_steps_done"]) <= 1


def test_an_untrained_critic_finds_all_alike() -> None:
    pictures = torch.rand(4, 3, 2 * PATCH, 2 * PATCH)
    loss = critic_loss(QUICK, Critic(), pictures, pictures.flip(0), torch.Generator())
    assert loss.item() == pytest.approx(2 * LN2, abs=1e-6)


def test_drawings_are_laid_on_plain_colours() -> None:
    rgba = torch.tensor([0.25, 0, 0, 0.5]).view(1, 4, 1, 1)
    assert on_ground(rgba, torch.full((1, 3, 1, 1), 0.5)).flatten().tolist() == [0, -0.5, -0.5]


def test_lanczos_keeps_what_is_plain() -> None:
    plain = torch.tensor([0.2, 0.4, 0.1, 0.5]).view(1, 4, 1, 1).expand(1, 4, 16, 16)
    assert (lanczos(plain) - plain[..., :1, :1]).abs().max() < 1e-5


def test_figures_say_what_was_enlarged_from_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enlarging, "load_features", lambda: None)
    blocks = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 4), dtype=np.uint8)
    blocks[..., 3] = 255
    drawings = {64 * k: blocks.repeat(k, 1).repeat(k, 2) for k in (1, 2, 4)}
    rows = measure(fresh_upsampler(), drawings)
    assert list(rows) == ["128", "256", "256 from 64"]
    assert all(row["upsampler"] == {"l1": 0.0} and row["lanczos"]["l1"] > 1 for row in rows.values())


def test_drawings_of_all_sizes_are_needed(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["--drawings", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "all_64.parquet is missing: python -m gan_dpr.worlds.emoji.build_drawings" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_drawings_are_split_by_their_concept(tmp_path: Path) -> None:
    unseen = next(f"thing {i}" for i in range(100) if held_out(f"thing {i}"))
    for size in (64, 128, 256):
        buffer = io.BytesIO()
        Image.new("RGBA", (size, size)).save(buffer, "PNG")
        names = ("octopus", unseen, "red apple")
        rows = [{"concept": name, "style": "noto", "picture": buffer.getvalue()} for name in names]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"all_{size}.parquet")
    known, others = read_drawings(tmp_path)
    assert [(len(known[size]), len(others[size])) for size in upsampler_training.SIZES] == [(2, 1)] * 3
    pq.write_table(pa.Table.from_pylist(rows[:2]), tmp_path / "all_256.parquet")
    with pytest.raises(ValueError, match="all_256.parquet holds other drawings than all_64.parquet"):
        read_drawings(tmp_path)


def test_the_shipped_weights_beat_lanczos_on_drawings_that_they_never_saw() -> None:
    """At half the size that they were trained on, for the drawings at 128 px are not in the repository."""
    with resources.files("gan_dpr.worlds.emoji").joinpath("sprites.parquet").open("rb") as file:
        table = pq.read_table(file, columns=["concept", "picture"])
    rows = zip(table["concept"].to_pylist(), table["picture"].to_pylist(), strict=True)
    drawings = [np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")) for concept, data in rows if held_out(concept)]
    real = premultiplied_drawings(np.stack(drawings[:24]))
    small = premultiplied_drawings(np.stack([shrink(drawing, 2) for drawing in drawings[:24]]))
    learnt, usual = ((way(small) - real).abs().mean().item() for way in (Upsampler.load().enlarged, lanczos))
    assert learnt < 0.8 * usual
