"""Exact nearest-neighbour search over unit vectors with FAISS, with a dictionary for every vector."""

import json
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from .files import check_content, replacing, sha256, write_json

INDEX_FILE, METADATA_FILE, CONFIG_FILE = "index.faiss", "metadata.jsonl", "config.json"


class DenseIndex:
    """Inner-product index of `dimension`-d unit vectors: a score is a cosine in [-1, 1].

    `encoder` names the weights that made the vectors; whoever searches can check that it is theirs.
    """

    def __init__(self, dimension: int, encoder: str = ""):
        if dimension < 1:
            raise ValueError(f"An index needs vectors of at least one dimension, not {dimension}.")
        self.dimension = dimension
        self.encoder = encoder
        self.metadata: list[dict[str, Any]] = []
        self._index = faiss.IndexFlatIP(dimension)

    def __len__(self) -> int:
        return self._index.ntotal

    @property
    def vectors(self) -> np.ndarray:
        """(N, dimension) float32, in the order in which they were added."""
        return self._index.reconstruct_n(0, len(self))

    def _rows(self, vectors: np.ndarray) -> np.ndarray:
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.dimension:
            raise ValueError(f"The index takes vectors of shape (N, {self.dimension}), not {rows.shape}.")
        if len(rows) and not np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3):
            raise ValueError("The index takes unit vectors: divide each by its length.")
        return rows

    def add(self, vectors: np.ndarray, metadata: list[dict[str, Any]]) -> None:
        """Add (N, dimension) unit vectors with N JSON-able dictionaries. ValueError if they do not fit."""
        rows = self._rows(vectors)
        if len(rows) != len(metadata):
            raise ValueError(f"{len(rows)} vectors came with {len(metadata)} metadata: give one for each.")
        self._index.add(rows)
        self.metadata.extend(metadata)

    def search(self, queries: np.ndarray, k: int) -> list[list[tuple[float, dict[str, Any]]]]:
        """(Q, dimension) unit vectors -> for each the `min(k, len)` best (cosine, metadata), best first."""
        if k < 1:
            raise ValueError(f"k is the number of results and must be at least 1, not {k}.")
        rows = self._rows(queries)
        if not len(self):
            return [[] for _ in rows]
        scores, places = self._index.search(rows, min(k, len(self)))
        return [
            [(float(score), self.metadata[place]) for score, place in zip(*found, strict=True)]
            for found in zip(scores, places, strict=True)
        ]

    def save(self, folder: str | Path) -> None:
        """Write `index.faiss`, `metadata.jsonl` and `config.json`, which holds the others' hashes, to the folder."""
        folder = Path(folder)
        with replacing(folder / INDEX_FILE) as part:
            # FAISS's own writing of a file raises RuntimeError where the disk is full.
            part.write_bytes(faiss.serialize_index(self._index).tobytes())
        with replacing(folder / METADATA_FILE) as part, part.open("w", encoding="utf-8") as lines:
            lines.writelines(json.dumps(entry, ensure_ascii=False) + "\n" for entry in self.metadata)
        config = {
            "dimension": self.dimension, "count": len(self), "encoder": self.encoder,
            "files": {name: sha256(folder / name) for name in (INDEX_FILE, METADATA_FILE)},
        }  # fmt: skip
        write_json(folder / CONFIG_FILE, config)

    @classmethod
    def load(cls, folder: str | Path) -> "DenseIndex":
        """Read what `save` wrote. FileNotFoundError or ValueError when parts are missing, damaged or disagree.

        A `path` of the metadata that is relative to the folder comes back whole.
        """
        folder = Path(folder)
        for name in (CONFIG_FILE, INDEX_FILE, METADATA_FILE):
            if not (folder / name).is_file():
                raise FileNotFoundError(f"No index at {folder} ({name} is missing): make one with the index command.")
            check_content(folder / name)
        apart = ValueError(f"The files of the index at {folder} do not belong together, or are damaged: make it again.")
        try:
            config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
            made = cls(config["dimension"], config["encoder"])
            hashes = dict(config.get("files", {}))  # an older index has none
            if any(sha256(folder / name) != digest for name, digest in hashes.items()):
                raise apart
            lines = (folder / METADATA_FILE).read_text(encoding="utf-8").split("\n")
            made.metadata = [_placed(json.loads(line), folder) for line in lines if line]
            stored = faiss.deserialize_index(np.fromfile(folder / INDEX_FILE, np.uint8))
            if {config.get("count"), stored.ntotal} != {len(made.metadata)} or stored.d != made.dimension:
                raise apart
            made._rows(stored.reconstruct_n(0, stored.ntotal))
        # RuntimeError is FAISS's, and a RecursionError is one too; MemoryError is of a size that makes no sense.
        except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, MemoryError) as error:
            if error is apart:
                raise
            raise ValueError(f"The index at {folder} is damaged: make it again.") from error
        if stored.metric_type != faiss.METRIC_INNER_PRODUCT:
            raise apart
        made._index = stored
        return made


def _placed(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Metadata whose path, where it lies in the folder of the index, says so."""
    path = entry.get("path")
    inside = isinstance(path, str) and not Path(path).is_absolute() and (folder / path).is_file()
    return entry | {"path": str((folder / path).resolve())} if inside else entry
