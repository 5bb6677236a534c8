"""People's own pictures: every kind of source, every kind of broken file."""

import io
import json

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gan_dpr.worlds.pictures.dataset import load_pictures

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def png(
    colour: tuple = RED, size: tuple[int, int] = (8, 8), mode: str = "RGB", kind: str = "PNG", **options
) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind, **options)
    return file.getvalue()


def put(folder, files: dict) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def colours(dataset) -> list[tuple]:
    return [tuple(image[2, 2].tolist()) for image in dataset.images]


# -- folders


def test_metadata_csv(tmp_path):
    put(tmp_path, {
        "a.png": png(RED), "sub/b.jpg": png(GREEN, kind="PNG"),
        "metadata.csv": 'file_name,text\na.png,"a red, plain thing"\nsub/b.jpg,green\n',
    })  # fmt: skip
    made = load_pictures(tmp_path, 4)
    assert made.captions == ["a red, plain thing", "green"]
    assert made.paths == ["a.png", "sub/b.jpg"]
    assert made.images.shape == (2, 4, 4, 3)
    assert made.images.dtype == np.uint8
    assert colours(made) == [RED, GREEN]
    assert made.report.skipped == ()
    assert len(made) == 2


@pytest.mark.parametrize("column", ["text", "caption", "prompt", "Caption"])
def test_metadata_jsonl(tmp_path, column):
    rows = [{"file_name": "b.png", column: "b  in\n two lines "}, {"file_name": "a.png", column: "Ein Bär"}]
    put(tmp_path, {"a.png": png(RED), "b.png": png(BLUE), "metadata.jsonl": "\n".join(map(json.dumps, rows))})
    made = load_pictures(tmp_path, 4)
    assert made.captions == ["b in two lines", "Ein Bär"]
    assert colours(made) == [BLUE, RED]


def test_metadata_in_a_subfolder_with_a_byte_order_mark(tmp_path):
    put(
        tmp_path,
        {"animals/a.png": png(), "animals/metadata.csv": b"\xef\xbb\xbffile_name,text\r\na.png,hello\r\n"},
    )
    made = load_pictures(tmp_path, 4)
    assert (made.captions, made.paths) == (["hello"], ["animals/a.png"])


def test_texts_beside_pictures_and_names_of_subfolders(tmp_path):
    put(tmp_path, {
        "cat.png": png(RED), "cat.txt": "a cat\n", "golden_retriever/1.png": png(GREEN),
        "golden_retriever/2.png": png(BLUE), "golden_retriever/2.txt": "a dog, by name",
        ".hidden/x.png": png(), "__MACOSX/._cat.png": b"resource", "notes.md": "no picture",
    })  # fmt: skip
    made = load_pictures(tmp_path, 4)
    assert made.paths == ["cat.png", "golden_retriever/1.png", "golden_retriever/2.png"]
    assert made.captions == ["a cat", "golden retriever", "a dog, by name"]
    assert made.report.skipped == ()
    assert made.report.origins == (("texts beside pictures", 2), ("names of folders", 1))
    assert made.report.from_names == ("golden_retriever/1.png",)  # its neighbour has a text
    assert made.report.notes == ("not used, 1 files .md: notes.md",)


def test_split_folders(tmp_path):
    put(tmp_path, {"train/cat/a.png": png(RED), "test/cat/b.png": png(BLUE), "README.md": "read"})
    assert load_pictures(tmp_path, 4).captions == ["cat"]
    assert colours(load_pictures(tmp_path, 4, split="test")) == [BLUE]
    with pytest.raises(ValueError, match="has no split 'dev': use one of test, train$"):
        load_pictures(tmp_path, 4, split="dev")


def test_a_part_of_diffusiondb(tmp_path):
    part = {"a.png": {"p": "a castle, oil on canvas", "se": 1, "c": 7.0, "st": 50, "sa": "k_lms"}}
    put(tmp_path, {"part-000001/part-000001.json": json.dumps(part), "part-000001/a.png": png(BLUE)})
    made = load_pictures(tmp_path, 4)
    assert (made.captions, colours(made)) == (["a castle, oil on canvas"], [BLUE])


def test_named_columns(tmp_path):
    put(tmp_path, {"a.png": png(), "metadata.csv": "datei,text,beschreibung\na.png,no,yes\n"})
    made = load_pictures(tmp_path, 4, image_column="datei", caption_column="beschreibung")
    assert made.captions == ["yes"]
    with pytest.raises(
        ValueError, match="^metadata.csv has no caption column 'x': use one of datei, text, beschr"
    ):
        load_pictures(tmp_path, 4, image_column="datei", caption_column="x")
    with pytest.raises(
        ValueError, match="^metadata.csv has no column that is plainly the image: name one of datei"
    ):
        load_pictures(tmp_path, 4)


def test_bad_files_are_named_and_skipped(tmp_path):
    whole = png(size=(64, 64), mode="L", colour=77)
    put(tmp_path, {
        "metadata.jsonl": "\n".join([
            '{"file_name": "good.png", "text": "good"}', '{"file_name": "cut.png", "text": "cut"}',
            '{"file_name": "empty.png", "text": "empty"}', '{"file_name": "text.png", "text": "text"}',
            '{"file_name": "gone.png", "text": "gone"}', '{"file_name": "blank.png", "text": "  "}',
            '{"file_name": "none.png"}', '{"file_name": "../outside.png", "text": "no"}', "{broken",
            '{"text": "x"}',
            '{"file_name": "number.png", "text": 7}', "[1]",
        ]),
        "good.png": whole, "cut.png": whole[: len(whole) // 2], "empty.png": b"", "text.png": "hello",
        "blank.png": whole, "none.png": whole, "number.png": whole, "extra.png": whole, "photo.heic": b"x",
        "../outside.png": whole,
    })  # fmt: skip
    made = load_pictures(tmp_path, 4)
    assert made.captions == ["good"]
    reasons = dict(made.report.skipped)
    assert reasons.pop("cut.png").startswith("cannot be decoded (")
    assert reasons.pop("metadata.jsonl row 9").startswith("is no JSON (Expecting")
    assert reasons == {
        "empty.png": "is empty",
        "text.png": "is no picture in a known format (PNG, JPEG, WebP, GIF, BMP, TIFF)",
        "gone.png": "is listed in metadata.jsonl but is not there",
        "blank.png": "its caption is empty",
        "none.png": "its caption is empty",
        "../outside.png": "lies outside the folder",
        "metadata.jsonl row 10": "names no file in file_name",
        "metadata.jsonl row 12": "is no JSON object",
        "number.png": "its caption is no text but 7",
        "extra.png": "is not listed in metadata.jsonl",
        "photo.heic": "has a format that is not read: convert it to PNG or JPEG",
    }


def test_a_picture_without_a_caption_may_be_called_after_its_file(tmp_path):
    put(tmp_path, {"red_cat-01.png": png(), "dogs/b.png": png(), "broken.png": b"no picture"})
    made = load_pictures(tmp_path, 4, name_uncaptioned=True)
    assert dict(zip(made.paths, made.captions, strict=True)) == {"red_cat-01.png": "red cat 01", "dogs/b.png": "dogs"}


def test_sources_with_nothing_in_them(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="empty holds no captioned picture$"):
        load_pictures(empty, 4)
    put(
        tmp_path,
        {"flat/a.png": png(), "bad/metadata.csv": "file_name,text\n", "latin/metadata.csv": b"\xff\xfe\xfa"},
    )
    with pytest.raises(
        ValueError, match="the first of 1 unusable: a.png: has no caption: there is no table, no a.txt"
    ):
        load_pictures(tmp_path / "flat", 4)
    with pytest.raises(ValueError, match="^metadata.csv lists no pictures$"):
        load_pictures(tmp_path / "bad", 4)
    with pytest.raises(ValueError, match="^metadata.csv is not UTF-8 text: save it as UTF-8$"):
        load_pictures(tmp_path / "latin", 4)
    with pytest.raises(
        FileNotFoundError, match="^there is no .*nowhere: give a folder, a table, a .parquet file or a hub id$"
    ):
        load_pictures(tmp_path / "nowhere", 4)
    with pytest.raises(ValueError, match="a.png is no table of pictures: give a folder, a table, a .parquet fi"):
        load_pictures(tmp_path / "flat/a.png", 4)
    with pytest.raises(ValueError, match="^image_size must be at least 1 pixel, not 0$"):
        load_pictures(tmp_path / "flat", 0)
    with pytest.raises(ValueError, match="^limit must be at least 1 picture, not 0$"):
        load_pictures(tmp_path / "flat", 4, limit=0)


def test_limit_and_progress(tmp_path):
    put(tmp_path, {f"cat/{i}.png": png() for i in range(6)} | {"cat/1.png": b"broken"})
    seen = []
    made = load_pictures(tmp_path, 4, limit=3, progress=lambda done, total: seen.append((done, total)))
    assert made.paths == ["cat/0.png", "cat/2.png", "cat/3.png"]
    assert seen == [(1, 3), (2, 4), (3, 4), (4, 4)]


# -- tables


def diffusiondb_like(n: int = 5) -> datasets.Dataset:
    """The columns of poloclub/diffusiondb, 2m_random_50k."""
    features = datasets.Features({
        "image": datasets.Image(), "prompt": datasets.Value("string"), "seed": datasets.Value("uint32"),
        "step": datasets.Value("uint16"),
        "cfg": datasets.Value("float32"), "sampler": datasets.Value("string"),
        "width": datasets.Value("uint16"), "height": datasets.Value("uint16"),
        "user_name": datasets.Value("string"),
        "timestamp": datasets.Value("timestamp[us, tz=UTC]"), "image_nsfw": datasets.Value("float32"),
        "prompt_nsfw": datasets.Value("float32"),
    })  # fmt: skip
    rows = [
        {"image": {"bytes": png((40 * i, 0, 0)), "path": f"{i}.png"}, "prompt": f"prompt {i}", "seed": i,
         "step": 50,
         "cfg": 7.0, "sampler": "k_lms", "width": 8, "height": 8, "user_name": "u", "timestamp": None,
         "image_nsfw": 0.0, "prompt_nsfw": 0.0}
        for i in range(n)
    ]  # fmt: skip
    return datasets.Dataset.from_list(rows, features=features)


def test_a_saved_dataset_with_the_columns_of_diffusiondb(tmp_path):
    diffusiondb_like().save_to_disk(tmp_path / "saved")
    seen = []
    made = load_pictures(tmp_path / "saved", 4, progress=lambda *args: seen.append(args))
    assert made.captions == [f"prompt {i}" for i in range(5)]
    assert made.paths == [f"row {i}" for i in range(5)]
    assert colours(made) == [(40 * i, 0, 0) for i in range(5)]
    assert seen[-1] == (5, 5)
    named = load_pictures(tmp_path / "saved", 4, image_column="image", caption_column="sampler", limit=2)
    assert named.captions == ["k_lms", "k_lms"]


def test_a_saved_dictionary_of_splits(tmp_path):
    datasets.DatasetDict(train=diffusiondb_like(3), test=diffusiondb_like(1)).save_to_disk(tmp_path / "saved")
    assert len(load_pictures(tmp_path / "saved", 4)) == 3
    assert len(load_pictures(tmp_path / "saved", 4, split="test")) == 1
    with pytest.raises(ValueError, match="has no split 'dev': use one of train, test$"):
        load_pictures(tmp_path / "saved", 4, split="dev")
    (tmp_path / "saved/train/state.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="is no whole saved dataset"):
        load_pictures(tmp_path / "saved", 4)


def test_one_broken_picture_does_not_end_a_saved_dataset(tmp_path):
    rows = {
        "image": [{"bytes": png(RED), "path": None}, {"bytes": b"no", "path": None}, None],
        "label": [1, 0, 1],
    }
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["dog", "top_hat"])}
    )
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(tmp_path / "saved")
    made = load_pictures(tmp_path / "saved", 4)
    assert made.captions == ["top hat"]
    assert made.report.skipped[1] == ("row 2", "has no picture")


def test_parquet_of_hugging_face(tmp_path):
    diffusiondb_like(4).to_parquet(tmp_path / "train-00000-of-00002.parquet")
    diffusiondb_like(2).to_parquet(tmp_path / "train-00001-of-00002.parquet")
    diffusiondb_like(1).to_parquet(tmp_path / "test-00000-of-00001.parquet")
    made = load_pictures(tmp_path, 4)
    assert len(made) == 6
    assert made.paths[4] == "train-00001-of-00002.parquet row 0"
    assert len(load_pictures(tmp_path, 4, split="test")) == 1
    assert len(load_pictures(tmp_path / "test-00000-of-00001.parquet", 4)) == 1
    with pytest.raises(ValueError, match="has no split 'dev': use one of test, train$"):
        load_pictures(tmp_path, 4, split="dev")


def test_plain_parquet_of_bytes_or_paths(tmp_path):
    put(tmp_path, {"pictures/b.png": png(BLUE)})
    pq.write_table(
        pa.table({"png": [png(GREEN), b""], "caption": [["first", "second"], ["x"]]}), tmp_path / "a.parquet"
    )
    made = load_pictures(tmp_path / "a.parquet", 4)
    assert (made.captions, colours(made)) == (["first", "second"], [GREEN, GREEN])
    pq.write_table(pa.table({"image": ["pictures/b.png"], "text": ["blue"]}), tmp_path / "b.parquet")
    made = load_pictures(tmp_path / "b.parquet", 4)
    assert (made.captions, colours(made)) == (["blue"], [BLUE])
    with pytest.raises(ValueError, match="holds pictures and a.parquet: give the one or the other$"):
        load_pictures(tmp_path, 4)


def test_broken_parquet(tmp_path):
    pq.write_table(pa.table({"image": [png()], "text": ["red"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"image": [png()], "words": ["red"]}), tmp_path / "b.parquet")
    put(tmp_path, {"c.parquet": b"PAR1 no"})
    made = load_pictures(tmp_path, 4)
    assert made.captions == ["red"]
    assert made.report.skipped[0][0] == "c.parquet"
    assert made.report.skipped[1] == ("b.parquet", "has no column 'text'")
    with pytest.raises(ValueError, match="c.parquet cannot be read"):
        load_pictures(tmp_path / "c.parquet", 4)
    with pytest.raises(
        ValueError, match="^b.parquet has no column that is plainly the caption: name one of image, w"
    ):
        load_pictures(tmp_path / "b.parquet", 4)


# -- the hub, without a network


@pytest.fixture
def hub(monkeypatch):
    """Stands in for `datasets.load_dataset`: records the calls, answers with what `answers` holds."""
    calls, answers = [], []

    def load_dataset(*args, **options):
        calls.append((args, options))
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return calls, answers


def test_hub_id_downloads_or_streams(hub):
    calls, answers = hub
    answers += [diffusiondb_like(), diffusiondb_like().to_iterable_dataset()]
    assert len(load_pictures("poloclub/diffusiondb:2m_random_50k", 4)) == 5
    options = {"split": "train", "revision": None, "streaming": False}
    assert calls[0] == (("poloclub/diffusiondb", "2m_random_50k"), options)
    made = load_pictures("owner/name@refs/pr/1", 4, "image", "prompt", split="test", limit=2)
    assert made.captions == ["prompt 0", "prompt 1"]
    assert calls[1] == (("owner/name", None), {"split": "test", "revision": "refs/pr/1", "streaming": True})


def test_dataset_scripts_fall_back_to_the_hubs_parquet(hub):
    calls, answers = hub
    answers += [
        RuntimeError("Dataset scripts are no longer supported, but found diffusiondb.py"),
        diffusiondb_like(2),
    ]
    assert len(load_pictures("poloclub/diffusiondb:2m_random_50k", 4)) == 2
    assert calls[1][0] == ("parquet",)
    files = "hf://datasets/poloclub/diffusiondb@~parquet/2m_random_50k/*train/*.parquet"
    assert calls[1][1] == {"data_files": {"train": files}, "split": "train", "streaming": False}


def test_a_failing_hub_is_one_line(hub):
    _, answers = hub
    answers.append(ConnectionError("Couldn't reach 'my/pictures' on the Hub\nlong trace"))
    message = (
        r"^there is no folder my/pictures, and loading it from the hub failed \(Couldn't reach .* the Hub\)$"
    )
    with pytest.raises(ValueError, match=message):
        load_pictures("my/pictures", 4)


def test_a_stream_that_breaks_off_is_one_line(hub):
    def rows():
        yield {"image": png(), "text": "red"}
        raise ConnectionError("connection lost")

    _, answers = hub
    answers.append(datasets.IterableDataset.from_generator(rows))
    with pytest.raises(ValueError, match=r"^my/pictures broke off at row 1 \(.*"):
        load_pictures("my/pictures", 4, limit=5)
