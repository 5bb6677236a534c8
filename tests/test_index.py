import json

import numpy as np
import pytest

from gan_dpr.index import DenseIndex


def unit_vectors(n: int, dimension: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((n, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def index() -> DenseIndex:
    made = DenseIndex(8, encoder="some weights")
    made.add(unit_vectors(50, 8, seed=0), [{"caption": f"number {i}", "place": i} for i in range(50)])
    return made


def test_search_agrees_with_brute_force(index: DenseIndex) -> None:
    vectors, queries = unit_vectors(50, 8, seed=0), unit_vectors(7, 8, seed=1)
    cosines = queries @ vectors.T
    for found, row in zip(index.search(queries, k=5), cosines, strict=True):
        best = np.argsort(-row)[:5]
        assert [metadata["place"] for _, metadata in found] == best.tolist()
        np.testing.assert_allclose([score for score, _ in found], row[best], atol=1e-6)


def test_every_vector_finds_itself(index: DenseIndex) -> None:
    found = index.search(unit_vectors(50, 8, seed=0), k=1)
    assert [hits[0][1]["place"] for hits in found] == list(range(50))
    np.testing.assert_allclose([hits[0][0] for hits in found], 1, atol=1e-6)


def test_more_results_than_vectors_gives_all(index: DenseIndex) -> None:
    assert len(index.search(unit_vectors(1, 8, seed=2), k=80)[0]) == 50
    assert DenseIndex(8).search(unit_vectors(2, 8, seed=2), k=3) == [[], []]


@pytest.mark.parametrize(
    ("vectors", "metadata", "message"),
    [
        (np.eye(4), [{}] * 4, r"shape \(N, 8\), not \(4, 4\)"),
        (2 * np.eye(8), [{}] * 8, "unit vectors"),
        (np.full((1, 8), np.nan), [{}], "unit vectors"),
        (np.eye(8), [{}] * 7, "8 vectors came with 7 metadata"),
    ],
)
def test_add_refuses_what_does_not_fit(vectors: np.ndarray, metadata: list[dict], message: str) -> None:
    index = DenseIndex(8)
    with pytest.raises(ValueError, match=message):
        index.add(vectors, metadata)
    assert len(index) == len(index.metadata) == 0


def test_k_must_be_positive(index: DenseIndex) -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        index.search(unit_vectors(1, 8, seed=0), k=0)


def test_saved_and_loaded_finds_the_same(index: DenseIndex, tmp_path) -> None:
    index.save(tmp_path / "a" / "b")
    loaded = DenseIndex.load(tmp_path / "a" / "b")
    queries = unit_vectors(5, 8, seed=3)
    assert loaded.search(queries, 4) == index.search(queries, 4)
    assert (len(loaded), loaded.dimension, loaded.encoder) == (50, 8, "some weights")
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == [
        "config.json",
        "index.faiss",
        "metadata.jsonl",
    ]


def test_metadata_keeps_any_text(tmp_path) -> None:
    index = DenseIndex(2)
    index.add(np.eye(2), [{"caption": "고양이\u2028\n"}, {"caption": "\x85"}])
    index.save(tmp_path)
    assert DenseIndex.load(tmp_path).metadata == index.metadata


def test_load_names_what_is_missing(index: DenseIndex, tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="No index at .*config.json is missing"):
        DenseIndex.load(tmp_path)
    index.save(tmp_path)
    (tmp_path / "metadata.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match=r"metadata\.jsonl is missing"):
        DenseIndex.load(tmp_path)


def test_load_refuses_files_that_do_not_belong_together(index: DenseIndex, tmp_path) -> None:
    index.save(tmp_path)
    other = DenseIndex(8)
    other.add(np.eye(8), [{}] * 8)
    other.save(tmp_path / "other")
    (tmp_path / "metadata.jsonl").write_text((tmp_path / "other" / "metadata.jsonl").read_text())
    with pytest.raises(ValueError, match="do not belong together"):
        DenseIndex.load(tmp_path)


@pytest.mark.parametrize("name", ["index.faiss", "metadata.jsonl", "config.json"])
def test_load_refuses_a_damaged_file(index: DenseIndex, tmp_path, name: str) -> None:
    index.save(tmp_path)
    (tmp_path / name).write_bytes(b"\xff garbage")
    with pytest.raises(ValueError, match="damaged"):
        DenseIndex.load(tmp_path)


def test_load_refuses_a_config_without_its_keys(index: DenseIndex, tmp_path) -> None:
    index.save(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"count": 50}))
    with pytest.raises(ValueError, match="damaged"):
        DenseIndex.load(tmp_path)
