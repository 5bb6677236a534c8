"""Which thing a picture shows, among all that have a name."""

from collections.abc import Callable, Hashable, Iterable

import numpy as np


def vectors_of_names(
    names: dict[Hashable, tuple[str, ...]], encode_text: Callable[[list[str]], np.ndarray]
) -> np.ndarray:
    """thing -> its names, T of them -> (T, D) unit vectors: the means of its names' (prompt ensembling, Radford 2021).

    `encode_text` makes (N, D) unit vectors of N texts.
    """
    texts = [text for of_thing in names.values() for text in of_thing]
    vectors = encode_text(texts) if texts else np.zeros((0, 1), np.float32)
    first = np.cumsum([0, *map(len, names.values())])
    means = [vectors[start:end].mean(0) for start, end in zip(first, first[1:], strict=False)]
    return np.stack([mean / np.linalg.norm(mean) for mean in means]) if means else vectors


class Naming:
    """Reads pictures by the names of things.

    Args:
        things: T of them.
        vectors: (T, D) unit vectors, as of `vectors_of_names`.
        scale: the retriever's, with which it learnt to tell names apart.
    """

    def __init__(self, things: Iterable[Hashable], vectors: np.ndarray, scale: float):
        self.things, self._vectors, self._scale = tuple(things), vectors, scale

    def cosines(self, vectors: np.ndarray) -> np.ndarray:
        """(N, D) unit vectors of pictures -> (N, T), in the order of `things`."""
        return vectors @ self._vectors.T

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """The same as shares; rows add up to 1."""
        return softmax(self._scale * self.cosines(vectors))


def softmax(logits: np.ndarray) -> np.ndarray:
    """(N, T) -> (N, T) whose rows add up to 1."""
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)
