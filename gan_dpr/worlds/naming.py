"""Which thing a picture shows, among all that have a name."""

from collections.abc import Callable, Hashable

import numpy as np


class Naming:
    """Reads pictures by the names of things. Several names of a thing are joined to the mean of their vectors.

    (Prompt ensembling, Radford 2021.)

    Args:
        names: thing -> its names, as of `World.names`.
        encode_text: N texts -> (N, D) unit vectors.
        scale: the retriever's, with which it learnt to tell names apart.
    """

    def __init__(
        self, names: dict[Hashable, tuple[str, ...]], encode_text: Callable[[list[str]], np.ndarray], scale: float
    ):
        self.things, self._scale = tuple(names), scale
        texts = [text for of_thing in names.values() for text in of_thing]
        vectors = encode_text(texts) if texts else np.zeros((0, 1), np.float32)
        first = np.cumsum([0, *map(len, names.values())])
        means = [vectors[start:end].mean(0) for start, end in zip(first, first[1:], strict=False)]
        self._means = np.stack([mean / np.linalg.norm(mean) for mean in means]) if means else vectors

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """(N, D) unit vectors of pictures -> (N, T), in the order of `things`; rows add up to 1."""
        logits = self._scale * vectors @ self._means.T
        shares = np.exp(logits - logits.max(1, keepdims=True))
        return shares / shares.sum(1, keepdims=True)
