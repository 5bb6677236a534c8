"""Folders and tables as people have them: siblings of those in test_reading.py."""

import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folders import captions, png, put, read

from gan_dpr.files import check_apart
from gan_dpr.worlds.pictures.dataset import load_pictures
from gan_dpr.worlds.pictures.table import split_of

NAMED = "file_name,text\n"


# ------------------------------------------------------------------ which text is whose


def test_names_that_differ_in_case_have_a_text_each(tmp_path: Path):
    put(tmp_path, {"IMG_1.png": png(), "IMG_1.txt": "red", "img_1.png": png("b"), "img_1.txt": "green"})
    assert read(tmp_path) == {"IMG_1.png": "red", "img_1.png": "green"}


@pytest.mark.parametrize(
    ("rows", "pictures", "found"),
    [
        ("/data/cats/1.png,c\n/data/dogs/1.png,d\n", ("cats/1.png",), {"cats/1.png": "c"}),
        ("/data/cats/1.png,c\n/data/dogs/1.png,d\n", ("cats/1.png", "dogs/1.png"),
         {"cats/1.png": "c", "dogs/1.png": "d"}),
        ("/data/cats/1.png,c\n/data/dogs/2.png,d\n", ("1.png", "2.png"), {"1.png": "c", "2.png": "d"}),
        ("/me/set/1.png,c\n/me/set/2.png,d\n/me/other/x.png,e\n", ("1.png", "2.png", "x.png"),
         {"1.png": "c", "2.png": "d", "x.png": "e"}),
        ("/images/a.png,c\n", ("a.png", "images/a.png"), {"images/a.png": "c"}),
        ("C:\\me\\set\\a.png,c\nD:\\b.png,d\n", ("a.png", "b.png"), {"a.png": "c", "b.png": "d"}),
    ],
)  # fmt: skip
def test_of_paths_from_elsewhere_as_much_counts_as_tells_them_apart(
    tmp_path: Path, rows: str, pictures: tuple, found: dict
):
    put(tmp_path, {"list.csv": NAMED + rows} | {name: png("abcd"[i]) for i, name in enumerate(pictures)})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == found
    count, first = rows.count("\n"), rows.partition(",")[0]
    assert f"of {count} paths of list.csv the last parts count, as of {first}" in made.report.notes
    assert len(made.report.skipped) == count - len(found) + len(set(pictures) - set(found))


def test_every_caption_of_a_list_is_used(tmp_path: Path):
    rows = """{"image": "a.png", "captions": ["red", "crimson", "red", null]}
              {"image": "b.png", "captions": ["", "green"]}"""
    put(tmp_path, {"a.png": png(), "b.png": png("b"), "list.jsonl": rows})
    made = load_pictures(tmp_path, 4)
    assert list(zip(made.paths, made.captions, strict=True)) == [
        ("a.png", "red"), ("a.png", "crimson"), ("b.png", "green"),
    ]  # fmt: skip
    assert made.report.skipped == ()
    assert load_pictures(tmp_path, 4, limit=1).captions == ["red", "crimson"]  # at most so many pictures


def test_the_lines_of_a_text_are_one_caption_and_it_is_said(tmp_path: Path):
    put(tmp_path, {"a.png": png(), "a.txt": "a red bird\nit has wings\n", "b.png": png("b"), "b.txt": "green\n"})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"a.png": "a red bird it has wings", "b.png": "green"}
    assert made.report.notes == ("the lines of a text are one caption: a.txt",)


def test_a_quotation_mark_in_a_table_of_tabs_is_a_letter(tmp_path: Path):
    table = 'file_name\ttext\n"d.png"\t"a gold,\nwith\ta tab"\na.png\t"wow\nb.png\tcat\nc.png\tsize 12"\n'
    put(tmp_path, {"c.tsv": table} | {f"{x}.png": png(x) for x in "abcd"})
    assert read(tmp_path) == {"a.png": '"wow', "b.png": "cat", "c.png": 'size 12"', "d.png": "a gold, with a tab"}


def test_a_quotation_mark_that_swallows_rows_is_named(tmp_path: Path):
    put(tmp_path, {"c.csv": NAMED + 'a.png,"wow\nb.png,cat"\nc.png,blue\n'}
        | {f"{x}.png": png(x) for x in "abc"})  # fmt: skip
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"c.png": "blue"}
    assert made.report.skipped[0] == (
        "c.csv row 1", "is no row of a table (lines 2 to 3: a quotation mark is not closed)",
    )  # fmt: skip


def test_a_caption_in_quotes_may_have_lines(tmp_path: Path):
    put(tmp_path, {"c.csv": NAMED + 'a.png,"a red,\nround bird"\n', "a.png": png()})
    assert read(tmp_path) == {"a.png": "a red, round bird"}


def test_folders_of_one_name_spelled_differently_are_one_class(tmp_path: Path):
    composed, taken_apart = (unicodedata.normalize(form, "고양이") for form in ("NFC", "NFD"))
    put(tmp_path, {f"{composed}/a.png": png(), f"{taken_apart}/b.png": png("b")})
    made = load_pictures(tmp_path, 4)
    assert set(made.captions) == {composed}


def test_numbers_are_file_names_and_folders_names_but_no_count_alone(tmp_path: Path):
    put(tmp_path, {"list.jsonl": '{"id": 7, "text": "seven"}\n', "7.png": png(), "1_000/8.png": png("b")})
    made = load_pictures(tmp_path, 4, image_column="id")
    assert captions(made) == {"7.png": "seven"}
    (tmp_path / "list.jsonl").unlink()
    (tmp_path / "7.png").unlink()
    assert read(tmp_path) == {"1_000/8.png": "1 000"}


def test_what_is_no_caption_is_named(tmp_path: Path):
    put(tmp_path, {"boxes/a.png": png(), "boxes/a.txt": "0 0.5 0.5 0.2 0.2", "none/d.png": png("d"),
                   "list.csv": NAMED + "b.png,NaN\nc.png,naan\n", "b.png": png("b"), "c.png": png("c")})  # fmt: skip
    (tmp_path / "list.csv").rename(tmp_path / "boxes/list.csv")
    for name in "bc":
        (tmp_path / f"{name}.png").rename(tmp_path / f"boxes/{name}.png")
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"boxes/a.png": "0 0.5 0.5 0.2 0.2", "boxes/c.png": "naan", "none/d.png": "none"}
    assert made.report.skipped == (("boxes/b.png", "its caption is empty"),)
    assert made.report.notes == ("captions that are numbers and no words: 1, as '0 0.5 0.5 0.2 0.2'",)


# ------------------------------------------------------------------ splits


@pytest.mark.parametrize(
    ("name", "split"),
    [("train2017", "train"), ("Val2017", "validation"), ("test_images", "test"), ("training-set", "train"),
     ("train data", "train"), ("TRAIN", "train"), ("trainers", ""), ("train_station", ""), ("test tube", ""),
     ("valentine", ""), ("2017", ""), ("test1", ""), ("train 2", ""), ("", "")],
)  # fmt: skip
def test_what_is_called_after_a_split(name: str, split: str):
    assert split_of(name) == split


def test_folders_are_called_after_splits_in_many_ways(tmp_path: Path):
    put(tmp_path, {"train2017/cat/a.png": png(), "val2017/cat/b.png": png("b")})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"train2017/cat/a.png": "cat"}
    assert made.report.split == "train; left out: val2017/ (1 files)"
    assert read(tmp_path, split="validation") == {"val2017/cat/b.png": "cat"}


def test_classes_with_numbers_are_no_splits(tmp_path: Path):
    put(tmp_path, {"test1/a.png": png(), "test2/b.png": png("b"), "train set/c.png": png("c"), "teddy/d.png": png("d")})
    assert read(tmp_path) == {
        "test1/a.png": "test1", "test2/b.png": "test2", "train set/c.png": "train set", "teddy/d.png": "teddy",
    }  # fmt: skip


def test_a_word_of_ones_own_in_the_column_of_splits_is_another_split(tmp_path: Path):
    table = "file_name,text,split\na.png,red,train\nb.png,green,holdout\nc.png,blue,test\nd.png,gold,NaN\n"
    put(tmp_path, {"list.csv": table} | {f"{x}.png": png(x) for x in "abcd"})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"a.png": "red", "d.png": "gold"}
    assert made.report.split == "train; left out: rows of holdout, rows of test"
    assert read(tmp_path, split="holdout") == {"b.png": "green", "d.png": "gold"}


def test_a_column_that_is_called_so_and_says_other_things_divides_nothing(tmp_path: Path):
    table = "file_name,text,subset\na.png,red,A\nb.png,green,B\n"
    put(tmp_path, {"list.csv": table, "a.png": png(), "b.png": png("b")})
    assert read(tmp_path) == {"a.png": "red", "b.png": "green"}


def test_tables_beside_each_other_that_are_called_after_splits(tmp_path: Path):
    put(tmp_path, {"train.csv": NAMED + "a.png,red\n", "test.csv": NAMED + "b.png,green\n", "images/a.png": png(),
                   "images/b.png": png("b")})  # fmt: skip
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"images/a.png": "red"}
    assert made.report.split == "train; left out: rows of test"
    assert read(tmp_path, split="test") == {"images/b.png": "green"}
    (tmp_path / "test.csv").unlink()
    assert read(tmp_path) == {"images/a.png": "red"}
    put(tmp_path, {"test.csv": NAMED + "b.png,green\n"})
    (tmp_path / "train.csv").rename(tmp_path / "val.csv")
    assert read(tmp_path) == {"images/a.png": "red", "images/b.png": "green"}  # nothing to train on apart from them


def test_a_table_of_all_splits_that_is_a_text_and_rows_of_those_left_out(tmp_path: Path):
    put(tmp_path, {"train/a.png": png(), "test/b.png": png("b"), "captions.txt": NAMED + "a.png,red\nb.png,green\n"})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"train/a.png": "red"}
    assert made.report.split == "train; left out: test/ (1 files)"
    assert "1 rows of tables are about pictures that are left out with their split" in made.report.notes


# ------------------------------------------------------------------ tables as sources


def test_a_parquet_file_of_names_is_read_like_any_table(tmp_path: Path):
    put(tmp_path, {"img/B.PNG": png("b"), "a.png": png(), "c.png": png("c")})
    names = {"image": ["a.png", "img\\B.PNG"], "text": ["red", "green"], "split": ["train", "test"]}
    pq.write_table(pa.table(names), tmp_path / "list.parquet")
    for source in (tmp_path, tmp_path / "list.parquet"):
        made = load_pictures(source, 4)
        assert captions(made) == {"a.png": "red"}
        assert made.report.split == "train; left out: rows of test"
        assert made.report.skipped == (("c.png", "is not listed in list.parquet"),)
        assert read(source, split="test") == {"img/B.PNG": "green"}


def test_a_parquet_file_of_names_and_pictures_brings_the_pictures(tmp_path: Path):
    put(tmp_path, {"b.png": png("b"), "below/c.png": png("c")})
    columns = {"file_name": ["a.png"], "image": [png()], "text": ["red"]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == {"a.parquet row 0": "red"}
    names = {"path": ["x"], "content": pa.array([png()], pa.large_binary()), "text": ["red"]}
    pq.write_table(pa.table(names), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", image_column="content") == {"a.parquet row 0": "red"}
    pq.write_table(pa.table({"image": ["../b.png", "c.png"], "text": ["x", "y"]}), tmp_path / "below/a.parquet")
    (tmp_path / "below/c.png").rename(tmp_path / "c.png")
    made = load_pictures(tmp_path / "below/a.parquet", 4)  # where no picture lies beside it, it may name any
    assert captions(made) == {"a.parquet row 0": "x"}


def test_a_hidden_table_is_read_where_it_is_given(tmp_path: Path):
    put(tmp_path, {".captions.csv": NAMED + "cats/a.png,red\n", "cats/a.png": png()})
    assert read(tmp_path / ".captions.csv") == {"cats/a.png": "red"}
    assert read(tmp_path) == {"cats/a.png": "cats"}


def test_of_two_tables_that_disagree_either_can_be_given(tmp_path: Path):
    put(tmp_path, {"captions.txt": NAMED + "a.png,red\n", "metadata.csv": NAMED + "a.png,crimson\n", "a.png": png()})
    with pytest.raises(ValueError, match="disagree about a.png: remove one of them, or give the other as the source"):
        load_pictures(tmp_path, 4)
    assert read(tmp_path / "captions.txt") == {"a.png": "red"}
    assert read(tmp_path / "metadata.csv") == {"a.png": "crimson"}
    put(tmp_path, {"captions.png": png("b"), "b.txt": "x", "b.png": png("c")})
    assert read(tmp_path / "captions.txt") == {"a.png": "red", "b.png": "x"}
    with pytest.raises(ValueError, match="^b.txt has no column that is plainly the image"):
        load_pictures(tmp_path / "b.txt", 4)


@pytest.mark.parametrize("name", ["nothing.csv", "nothing.txt", "nothing.png", "nothing.zip"])
def test_a_file_that_is_not_there_is_no_id_of_the_hub(name: str):
    with pytest.raises(FileNotFoundError, match=f"^there is no folder/{name}: give a folder, a table, "):
        load_pictures(f"folder/{name}", 4)


@pytest.mark.parametrize(
    "content", ['{"data": [{"file_name": "a.png"}]}', '{"file_name": ["a.png"], "text": ["red"]}',
                '{"images": [{"id": 1}], "annotations": [{"image_id": 1}]}'],
)  # fmt: skip
def test_json_of_lists_is_named(tmp_path: Path, content: str):
    put(tmp_path, {"cat/a.png": png(), "all.json": content})
    reason = "not read as captions: all.json is no list of pictures (but one of lists, as COCO's): save it as"
    assert load_pictures(tmp_path, 4).report.notes == (f"{reason} file_name,text",)


def test_shards_of_one_name_are_told_apart(tmp_path: Path):
    for folder, letter in (("en", "a"), ("ko", "a")):
        (tmp_path / folder).mkdir()
        bytes_of = pa.table({"image": [png(letter)], "text": [folder]})
        pq.write_table(bytes_of, tmp_path / folder / "train-00000.parquet")
    put(tmp_path, {"captions.csv": NAMED, "more.zip": b"PK"})
    made = load_pictures(tmp_path, 4)
    assert made.paths == ["en/train-00000.parquet row 0", "ko/train-00000.parquet row 0"]
    assert load_pictures(tmp_path / "en", 4).paths == ["train-00000.parquet row 0"]
    assert made.report.duplicates == (("ko/train-00000.parquet row 0", "en/train-00000.parquet row 0"),)
    assert len(made.digests()) == 2
    assert made.report.notes == (
        "not read as captions: 1 files .csv: captions.csv", "not used, 1 files .zip: more.zip",
    )  # fmt: skip


def test_columns_that_nobody_asked_for_may_be_of_any_kind(tmp_path: Path):
    schema = pa.schema([("image", pa.binary()), ("text", pa.string())], {b"huggingface": b'{"info": {"features": [}'})
    pq.write_table(pa.table([[png()], ["red"]], schema=schema), tmp_path / "a.parquet")
    assert list(read(tmp_path / "a.parquet").values()) == ["red"]


# ------------------------------------------------------------------ what else lies there


def test_hidden_pictures_are_told_and_a_systems_own_files_are_not(tmp_path: Path):
    put(tmp_path, {"cat/a.png": png(), "cat/.b.png": png("b"), "cat/._a.png": "resource", "cat/.DS_Store": "x",
                   "cat/@eaDir/a.png/SYNO.jpg": png("c"), "cat/Thumbs.db": "x"})  # fmt: skip
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"cat/a.png": "cat"}
    assert made.report.notes == ("hidden pictures are not read: cat/.b.png",)


def test_hundreds_of_files_of_a_kind_are_one_line(tmp_path: Path):
    put(tmp_path, {f"images/{i}.png": png() for i in range(9)} | {"images/list.csv": NAMED + "0.png,red\n"}
        | {f"boxes/{i}.xml": "<x/>" for i in range(9)} | {f"labels/{i}.json": "{}" for i in range(9)})  # fmt: skip
    notes = load_pictures(tmp_path, 4).report.notes
    assert len(notes) == 5
    assert notes[3:] == (
        "not read as captions: 6 more files",
        "not read as captions: boxes/0.xml, boxes/1.xml, boxes/2.xml and 6 more are of kinds not read: save them as "
        ".csv, or unpack them",
    )


def test_a_telephones_picture_is_named_whatever_it_is_called(tmp_path: Path):
    put(tmp_path, {"cat/a.jpg": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(99), "cat/b.png": png()})
    assert load_pictures(tmp_path, 4).report.skipped == (
        ("cat/a.jpg", "has a format that is not read: convert it to PNG or JPEG"),
    )


def test_an_output_may_not_lie_beside_a_table_or_behind_a_link(tmp_path: Path):
    put(tmp_path, {"set/metadata.csv": NAMED + "a.png,red\n", "set/a.png": png(), "birds/b.png": png("b")})
    with pytest.raises(ValueError, match=r"set/out lies in .*set, which is read: choose a folder outside it\.$"):
        check_apart(tmp_path / "set/out", str(tmp_path / "set/metadata.csv"))
    check_apart(tmp_path / "birds/out", str(tmp_path / "set"))
    (tmp_path / "set/linked").symlink_to(tmp_path / "birds")
    (tmp_path / "set/back").symlink_to(tmp_path / "set")
    with pytest.raises(ValueError, match="birds/out lies in .*set, which is read"):
        check_apart(tmp_path / "birds/out", str(tmp_path / "set"))
    check_apart(tmp_path / "out", str(tmp_path / "set"))
    put(tmp_path, {"set/pictures.parquet": "x"})
    check_apart(tmp_path / "set/out", str(tmp_path / "set/pictures.parquet"))
