"""How weights are stored: in half precision, and those of large matrices in 8 bits, row by row."""

from pathlib import Path

import torch
from conftest import CORE128
from safetensors.torch import load_file
from tiny import TEXT_DIM

from gan_dpr import checkpoint
from gan_dpr.config import GeneratorConfig, RetrieverConfig
from gan_dpr.networks.encoders import TextTower
from gan_dpr.networks.generator import Generator
from gan_dpr.networks.retriever import Retriever


def saved(folder: Path, tower: TextTower, hidden: int) -> Generator:
    """A checkpoint whose canvas has a matrix of hidden x hidden entries; the generator that was saved."""
    shape = {"image_size": 32, "text_dim": TEXT_DIM, "slots": 2, "slot_dim": 8}
    generator = Generator(GeneratorConfig(**shape, hidden_dim=hidden, depth=2, channels=(8, 8), composition="none"))
    retriever = Retriever(RetrieverConfig(**shape, embed_dim=16, channels=(8, 8, 8)))
    checkpoint.save(folder, generator, retriever, tower, {"world": CORE128})
    return generator


def test_a_large_matrix_is_whole_multiples_of_a_number_a_row(tmp_path: Path, text_tower: TextTower) -> None:
    generator = Generator(GeneratorConfig(text_dim=TEXT_DIM, hidden_dim=256, depth=2, composition="none"))
    name = next(n for n, p in generator.named_parameters() if p.shape == (256, 256))
    weight = generator.get_parameter(name)
    with torch.no_grad():
        weight.zero_()
        weight[0, :4] = torch.tensor([127.0, -127.0, 1.4, -0.6])
        weight[1, :3] = torch.tensor([0.25, -0.125, 0.001])  # 1/4 / 127 is 0.00196850 in half precision
    checkpoint.save(tmp_path, generator, Retriever(RetrieverConfig(text_dim=TEXT_DIM)), text_tower)
    stored = load_file(tmp_path / "generator.safetensors")
    assert stored[name].dtype == torch.int8
    assert stored[name][:2, :5].tolist() == [[127, -127, 1, -1, 0], [127, -64, 1, 0, 0]]
    assert stored[f"{name}.scale"].dtype == torch.float16
    assert stored[f"{name}.scale"][:2].tolist() == [1.0, 0.001968383789062500]
    loaded = checkpoint.load(tmp_path).generator.get_parameter(name)
    assert loaded[:2, :4].tolist() == [[127.0, -127.0, 1.0, -1.0], [0.25, -0.1259765625, 0.001968383789062500, 0.0]]
    assert not loaded[2:].any()


def test_small_matrices_and_vectors_are_in_half_precision(tmp_path: Path, text_tower: TextTower) -> None:
    generator = saved(tmp_path, text_tower, hidden=16)
    stored = load_file(tmp_path / "generator.safetensors")
    assert stored.keys() == generator.state_dict().keys()
    for name, value in generator.state_dict().items():
        assert torch.equal(stored[name], value.half() if value.is_floating_point() else value)


def test_every_entry_comes_back_within_half_a_step_of_its_row(tmp_path: Path, text_tower: TextTower) -> None:
    generator = saved(tmp_path, text_tower, hidden=256)
    loaded = checkpoint.load(tmp_path).generator
    changed = 0
    for name, weight in generator.named_parameters():
        found = loaded.get_parameter(name)
        if weight.dim() > 1 and weight.numel() >= 2**16:
            step = weight.flatten(1).abs().amax(1) / 127
            assert ((found - weight).flatten(1).abs() <= 0.51 * step[:, None] + 1e-3 * weight.flatten(1).abs()).all()
            assert torch.equal(found, found.half().float())  # else it would not be packed
            changed += 1
        else:
            assert torch.equal(found, weight.half().float())
    assert changed
