"""Faster matrix products for a few rows on a CPU, of weights that checkpoints store in half precision.

With one prompt, ten or twenty rows, a general product spends most of its time on arranging the weights, and the large
ones on reading them from memory. Here they are arranged once, and read in half precision (FBGEMM). Sums are in float32,
as before: results differ by rounding alone.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import BertModel

ENGINES = ("fbgemm", "x86")  # torch's, that multiply half-precision weights
FEW = 32  # rows; of many a general product is as fast


class PackedLinear(nn.Linear):
    """What `pack` makes of a linear layer: same weights, same results, while nobody trains or changes them."""

    _packed: Any
    _packed_of: list[tuple[int, int]]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in_features) -> (..., out_features)."""
        few = x.dim() > 1 and x.numel() <= FEW * self.in_features and x.dtype == torch.float32
        if few and not torch.is_grad_enabled() and _state_of(self) == self._packed_of:
            return torch.ops.quantized.linear_dynamic_fp16(x, self._packed)
        return super().forward(x)


def pack(model: nn.Module) -> None:
    """Let the model's linear layers, as far as they can, multiply few rows faster."""
    for layer in model.modules():
        if type(layer) is nn.Linear and layer.bias is not None and _packable(layer.parameters()):
            layer.__class__ = PackedLinear  # parameters, their names and hooks stay where they are
            layer._packed, layer._packed_of = _packed(layer), _state_of(layer)


def _state_of(layer: nn.Linear) -> list[tuple[int, int]]:
    """Differs from before where somebody changed, moved or copied the parameters."""
    return [(parameter.data_ptr(), parameter._version) for parameter in (layer.weight, layer.bias)]


class PackedBert:
    """The last hidden states of a frozen `BertModel`, to the last digits of float32.

    The three projections of attention are one product. Later changes of the model's weights have no effect. Raises
    ValueError for a model that it would not read as transformers does: see `packs`.
    """

    def __init__(self, model: BertModel):
        if not self.packs(model):
            raise ValueError("Only a BERT on a CPU whose weights are exact in half precision can be packed.")
        self.heads, self.embeddings, self.layers = model.config.num_attention_heads, model.embeddings, []
        for layer in model.encoder.layer:
            attention, own = layer.attention, layer.attention.self
            self.layers.append((
                _packed(own.query, own.key, own.value), _packed(attention.output.dense), attention.output.LayerNorm,
                _packed(layer.intermediate.dense), _packed(layer.output.dense), layer.output.LayerNorm,
            ))  # fmt: skip

    @staticmethod
    def packs(model: nn.Module) -> bool:
        """Whether it gives what the model does: a plain BERT on a CPU that can, all weights exact in half precision."""
        return (
            type(model) is BertModel
            and model.config.hidden_act == "gelu"
            and not model.config.is_decoder
            and _packable(model.encoder.parameters())
        )

    @torch.no_grad()
    def __call__(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """(N, L) token ids, (N, L) 1 where there is a token -> (N, L, hidden) float32."""
        n, length = input_ids.shape
        parts, product = self.embeddings, torch.ops.quantized.linear_dynamic_fp16
        states = parts.word_embeddings(input_ids) + parts.position_embeddings.weight[:length]
        states = parts.LayerNorm(states + parts.token_type_embeddings.weight[0])
        seen = None if attention_mask.all() else attention_mask[:, None, None].bool()
        for projected, gathered, first_norm, widened, narrowed, second_norm in self.layers:
            heads = product(states, projected).view(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            attended = F.scaled_dot_product_attention(*heads, attn_mask=seen).transpose(1, 2).flatten(2)
            states = first_norm(states + product(attended, gathered))
            states = second_norm(states + product(F.gelu(product(states, widened)), narrowed))
        return states


def _packable(weights: Iterable[torch.Tensor]) -> bool:
    return torch.backends.quantized.engine in ENGINES and all(
        weight.device.type == "cpu" and torch.equal(weight, weight.half().to(weight.dtype)) for weight in weights
    )


def _packed(*layers: nn.Linear) -> Any:
    weight, bias = (torch.cat([getattr(layer, name).detach() for layer in layers]) for name in ("weight", "bias"))
    return torch.ops.quantized.linear_prepack_fp16(weight, bias)
