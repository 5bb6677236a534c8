"""Packed products: what transformers and torch give, faster, and never of weights that have changed."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel

from gan_dpr.networks import packed
from gan_dpr.networks.encoders import TextTower
from gan_dpr.networks.packed import FEW, PackedBert, PackedLinear, pack

pytestmark = pytest.mark.skipif(
    torch.backends.quantized.engine not in packed.ENGINES, reason="this processor multiplies no half-precision weights"
)


def halved(model: nn.Module) -> nn.Module:
    """The model with weights that are exact in half precision, as a checkpoint has them."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half())
    return model.eval().requires_grad_(False)


def bert(**kwargs) -> BertModel:
    torch.manual_seed(0)
    sizes = {"vocab_size": 50, "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4}
    return halved(BertModel(BertConfig(**sizes, intermediate_size=40, max_position_embeddings=16, **kwargs)))


def test_bert_reads_as_transformers_does():
    model = bert()
    ids = torch.randint(50, (5, 11), generator=torch.Generator().manual_seed(1))
    mask = (torch.arange(11) < torch.tensor([11, 1, 7, 4, 11])[:, None]).long()
    read = PackedBert(model)
    for rows in (slice(5), slice(1), slice(1, 2)):
        with torch.no_grad():
            wanted = model(ids[rows], mask[rows]).last_hidden_state
        seen = mask[rows].bool()
        torch.testing.assert_close(read(ids[rows], mask[rows])[seen], wanted[seen], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("config", [{"hidden_act": "relu"}, {"is_decoder": True}])
def test_another_bert_is_refused(config: dict):
    assert not PackedBert.packs(bert(**config))
    with pytest.raises(ValueError, match="Only a BERT"):
        PackedBert(bert(**config))


def test_weights_that_half_precision_would_change_are_refused():
    model = bert()
    with torch.no_grad():
        model.encoder.layer[2].output.dense.weight[0, 0] = 0.1
    assert not PackedBert.packs(model)


def test_a_loaded_tower_packs_and_its_copy_does_not(text_tower: TextTower, tmp_path: Path):
    text_tower.save_pretrained(tmp_path)
    tower = TextTower.from_pretrained(tmp_path)
    changing = tower.copy()
    texts = ["a red cat", "a small blue house on the left"]
    before = tower.encode(texts).states
    torch.testing.assert_close(before, tower.read(texts).states, atol=1e-5, rtol=1e-5)
    with torch.no_grad():
        for parameter in changing.model.parameters():
            parameter.zero_()
    assert not changing.encode(texts).states.any()
    assert torch.equal(tower.encode(texts).states, before)


@pytest.fixture
def layer() -> nn.Linear:
    torch.manual_seed(0)
    layer = halved(nn.Linear(40, 24))
    pack(layer)
    return layer


@pytest.mark.parametrize("shape", [(40,), (1, 40), (2, 3, 40), (FEW, 40), (FEW + 1, 40)])
def test_a_packed_layer_gives_what_it_gave(layer: nn.Linear, shape: tuple[int, ...]):
    assert type(layer) is PackedLinear
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(layer(x), x @ layer.weight.T + layer.bias, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_packed_layer_follows_its_weights(layer: nn.Linear):
    x = torch.ones(1, 40)
    twin = copy.deepcopy(layer)
    layer.weight.mul_(2)
    torch.testing.assert_close(layer(x), x @ layer.weight.T + layer.bias)
    twin.load_state_dict({"weight": torch.ones(24, 40), "bias": torch.zeros(24)})
    assert twin(x).tolist() == [[40.0] * 24]
    assert layer.double()(x.double()).dtype == torch.float64


def test_a_packed_layer_learns(layer: nn.Linear):
    layer.requires_grad_()
    layer(torch.ones(1, 40)).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0] * 40] * 24


def test_only_what_is_exact_is_packed():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8, bias=False), halved(nn.Linear(8, 8)))
    names = set(model.state_dict())
    pack(model)
    assert [type(layer) for layer in model] == [nn.Linear, nn.Linear, PackedLinear]
    assert set(model.state_dict()) == names
