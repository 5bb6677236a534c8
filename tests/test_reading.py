"""Real folders as people have them: each kind of table, text, name and link is read right or named, never guessed."""

import json
import os
import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folders import captions, png, put, read

from gan_dpr.worlds.pictures.dataset import load_pictures

# -- rows and cells


def test_only_line_feeds_end_a_row(tmp_path: Path):
    breaks = "\u2028\u2029\x85\x0b\x0c\x1c"
    rows = [{"file_name": "a.png", "text": f"one{breaks}two"}, {"file_name": "b.png", "text": "plain"}]
    text = "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    put(tmp_path / "lines", {"a.png": png("a"), "b.png": png("b"), "metadata.jsonl": text})
    table = f"file_name,text\r\na.png,one{breaks}two\r\nb.png,plain\r\n"
    put(tmp_path / "table", {"a.png": png("a"), "b.png": png("b"), "metadata.csv": table})
    for folder in ("lines", "table"):
        assert read(tmp_path / folder) == {"a.png": "one two", "b.png": "plain"}


def test_the_line_ends_of_an_old_macintosh_and_a_lone_carriage_return(tmp_path: Path):
    put(tmp_path / "mac", {"a.png": png(), "b.png": png("b"), "metadata.csv": "file_name,text\ra.png,red\rb.png,green"})
    assert read(tmp_path / "mac") == {"a.png": "red", "b.png": "green"}
    put(tmp_path / "lone", {"a.png": png(), "metadata.csv": "file_name,text\na.png,a red\rthing\r\r\n"})
    assert read(tmp_path / "lone") == {"a.png": "a red thing"}


def test_surplus_cells_belong_to_a_caption_at_the_end(tmp_path: Path):
    table = "file_name,text\na.png,a cat, on a mat\nb.png,a dog,\nc.png\nd.png,\n"
    put(tmp_path, {f"{x}.png": png(x) for x in "abcd"} | {"metadata.csv": table})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"a.png": "a cat, on a mat", "b.png": "a dog"}
    assert made.report.skipped == (("c.png", "its caption is empty"), ("d.png", "its caption is empty"))


def test_surplus_cells_elsewhere_name_the_row(tmp_path: Path):
    table = "file_name,text,licence\na.png,a cat, on a mat,CC0\nb.png,a dog,CC0\n"
    put(tmp_path, {"a.png": png(), "b.png": png("b"), "metadata.csv": table})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"b.png": "a dog"}
    assert made.report.skipped == (
        (
            "a.png",
            "metadata.csv row 1 has more cells than the header: put what holds the separator in quotes (4 for 3)",
        ),
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["metadata.csv", "captions.tsv", "Labels.CSV"])
def test_any_usual_separator_is_found(tmp_path: Path, separator: str, name: str):
    rows = [["File Name", "id", "Caption"], ["a.png", "1", "a cat; on | a mat"], ["b.png", "2", "grün"]]
    quoted = [[f'"{cell}"' if separator in cell else cell for cell in row] for row in rows]
    table = "\n".join(separator.join(row) for row in quoted)
    put(tmp_path, {"a.png": png(), "b.png": png("b"), name: table})
    assert read(tmp_path) == {"a.png": "a cat; on | a mat", "b.png": "grün"}


def test_a_table_as_excel_writes_it(tmp_path: Path):
    table = "sep=;\r\nfile_name;text\r\na.png;a cat, on a mat\r\n".encode("utf-16")
    put(tmp_path, {"a.png": png(), "metadata.csv": table})
    assert read(tmp_path) == {"a.png": "a cat, on a mat"}


@pytest.mark.parametrize(
    "row",
    [
        '{"file_name": "a\\u0000.png", "text": "x"}',
        '{"file_name": "' + 5000 * "n" + '.png", "text": "x"}',
        '{"file_name": ' + 5000 * "[" + 5000 * "]" + "}",
        '{"file_name": "a.png", "text": "half \\ud800"}',
        '{"file_name": "a.png", "text": "nul \\u0000"}',
        '{"file_name": "a.png", "text": ' + 5000 * "9" + "}",
        '"a.png"',
        "{",
    ],
    ids=range(8),
)
def test_one_bad_row_is_named_and_costs_no_other(tmp_path: Path, row: str):
    good = '{"file_name": "b.png", "text": "good"}'
    put(tmp_path, {"a.png": png(), "b.png": png("b"), "metadata.jsonl": f"{row}\n{good}\n"})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"b.png": "good"}
    assert {name for name, _ in made.report.skipped} >= {"a.png"}
    assert len(made.report.skipped) <= 2


def test_a_quote_that_never_ends_is_named(tmp_path: Path):
    table = 'file_name,text\nb.png,good\na.png,"a cat\nc.png,a dog\n'
    put(tmp_path, {f"{x}.png": png(x) for x in "abc"} | {"metadata.csv": table})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"b.png": "good"}
    assert made.report.skipped[0] == (
        "metadata.csv row 2", "is no row of a table (lines 3 to 4: unexpected end of data)",
    )  # fmt: skip
    assert {name for name, _ in made.report.skipped[1:]} == {"a.png", "c.png"}


# -- which tables


TABLES = {
    "metadata1.jsonl": '{"file_name": "images/a.png", "text": "red"}\n{"file_name": "images/b.png", "text": "green"}',
    "captions.csv": "image,caption\nimages/a.png,red\nimages/b.png,green\n",
    "Metadata.csv": "file_name,text\na.png,red\nb.png,green\n",
    "list.tsv": "path\tprompt\nimages/a.png\tred\nimages/b.png\tgreen\n",
    "all.NDJSON": '{"filename": "a.png", "label": "red"}\n{"filename": "b.png", "label": "green"}',
    "meta_cap.json": '{"images/a.png": {"caption": "red"}, "images/b.png": {"caption": "green"}}',
    "texts.json": '{"a.png": "red", "b.png": "green"}',
    "captions.txt": "image,caption\na.png,red\nb.png,green\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_any_name_are_read(tmp_path: Path, name: str):
    put(tmp_path, {"images/a.png": png(), "images/b.png": png("b"), name: TABLES[name]})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"images/a.png": "red", "images/b.png": "green"}
    assert made.report.origins[0][0].startswith(f"{name}, column ")


def test_a_parquet_table_of_names(tmp_path: Path):
    put(tmp_path, {"images/a.png": png(), "images/b.png": png("b")})
    table = pa.table({"image": ["images/a.png", "images/b.png"], "text": ["red", "green"], "vector": [[1], [2]]})
    pq.write_table(table, tmp_path / "Train.PARQUET")
    assert read(tmp_path) == {"images/a.png": "red", "images/b.png": "green"}


def test_a_table_that_is_not_understood_is_named(tmp_path: Path):
    put(tmp_path, {"cats/a.png": png(), "notes.csv": "day,weather\nMonday,rain\n", "x.json": "{", "y.jsonl": "[1]"})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"cats/a.png": "cats"}
    assert made.report.notes == (
        "not read as captions: notes.csv has no column that is plainly the image: name one of day, weather",
        "not read as captions: x.json is no JSON (Expecting property name enclosed in double quotes: line 1 column 2 "
        "(char 1))",
        "not read as captions: y.jsonl lists no pictures",
    )


def test_names_without_their_ending(tmp_path: Path):
    table = "file_name,breed,text\na,1,a poodle\nb,2,a pug\nc,3,gone\n"
    put(tmp_path, {"dogs/a.jpg": png(), "dogs/b.jpg": png("b"), "dogs/b.xmp": "x", "labels.csv": table})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"dogs/a.jpg": "a poodle", "dogs/b.jpg": "a pug"}
    assert made.report.skipped == (("c", "is listed in labels.csv but is not there"),)
    assert made.report.notes[0] == "2 pictures of labels.csv were found under another name or folder than it says"


def test_a_table_without_names_of_columns_is_named(tmp_path: Path):
    put(tmp_path, {"cat/a.png": png(), "list.csv": "cat/a.png,a red cat\n", "more.xlsx": "PK"})
    assert load_pictures(tmp_path, 4).report.notes == (
        "not read as captions: list.csv has no row of column names: begin it with one, like file_name,text",
        "not read as captions: more.xlsx is of a kind that is not read: save it as .csv, or unpack it",
    )


def test_folders_whose_names_say_nothing_give_no_captions(tmp_path: Path):
    put(tmp_path, {"images/a.png": png(), "notes.csv": "day,weather\nMonday,rain\n"})
    with pytest.raises(ValueError, match="has no caption.*'images' says nothing; not read as captions: notes.csv has"):
        load_pictures(tmp_path, 4)
    made = load_pictures(tmp_path, 4, name_uncaptioned=True)
    assert captions(made) == {"images/a.png": "a"}
    assert made.report.origins == (("names of files", 1),)


def test_two_tables_count_once_and_may_not_disagree(tmp_path: Path):
    line = '{"file_name": "a.png", "text": "red"}'
    put(tmp_path, {"a.png": png(), "metadata.csv": "file_name,text\na.png,red\n", "metadata.jsonl": line})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"a.png": "red"}
    assert len(made) == 1
    put(tmp_path, {"metadata.jsonl": line.replace("red", "green")})
    with pytest.raises(ValueError, match="^metadata.csv and metadata.jsonl disagree about a.png: remove one"):
        load_pictures(tmp_path, 4)
    assert read(tmp_path / "metadata.jsonl") == {"a.png": "green"}


def test_several_captions_of_a_picture_in_one_table(tmp_path: Path):
    put(tmp_path, {"a.png": png(), "captions.csv": "image,caption\na.png,red\na.png,a red one\na.png,red\n"})
    made = load_pictures(tmp_path, 4)
    assert made.captions == ["red", "a red one"]
    assert made.report.notes == ("1 rows of tables repeat a picture with the same caption",)


def test_a_column_that_no_table_has(tmp_path: Path):
    put(tmp_path, {"cats/a.png": png()})
    with pytest.raises(ValueError, match="has no table with a column 'words': leave the option out"):
        load_pictures(tmp_path, 4, caption_column="words")


# -- texts beside pictures, and names of folders


def test_every_usual_kind_of_text_beside_a_picture(tmp_path: Path):
    put(tmp_path, {f"10_cat/{x}.png": png(x) for x in "abcd"} | {
        "10_cat/a.txt": "first", "10_cat/b.caption": "second", "10_cat/c.TXT": "third", "10_cat/d.png.txt": "fourth",
    })  # fmt: skip
    assert list(read(tmp_path).values()) == ["first", "second", "third", "fourth"]


def test_a_picture_without_a_text_among_many_is_named(tmp_path: Path):
    put(tmp_path, {f"10_cat/{x}.png": png(x) for x in "abc"} | {"10_cat/a.txt": "first", "10_cat/b.txt": "second"})
    made = load_pictures(tmp_path, 4)
    assert list(captions(made).values()) == ["first", "second", "cat"]
    assert made.report.from_names == ("10_cat/c.png",)
    assert "no text of their own, called by name: 10_cat/c.png" in made.report.lines()
    assert "the number before a folder's name is taken for a count and left out (10_cat)" in made.report.lines()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "cp1252"])
def test_texts_by_their_byte_order_mark_or_named(tmp_path: Path, encoding: str):
    put(tmp_path, {"a.png": png(), "a.txt": "ein grüner Bär".encode(encoding), "b.png": png("b"), "b.txt": "plain"})
    made = load_pictures(tmp_path, 4)
    if encoding in ("utf-16-le", "cp1252"):
        assert captions(made) == {"b.png": "plain"}
        reason = {"cp1252": "a.txt is not UTF-8 text: save it as UTF-8"}.get(encoding)
        assert made.report.skipped[0][1] == (reason or "a.txt is not UTF-8 text: save it as UTF-8")
    else:
        assert captions(made)["a.png"] == "ein grüner Bär"


def test_nul_characters_are_named(tmp_path: Path):
    put(tmp_path, {"a.png": png(), "a.txt": b"a\0 c\0a\0t\0", "b.png": png("b"), "b.txt": "plain"})
    made = load_pictures(tmp_path, 4)
    assert made.report.skipped == (("a.png", "a.txt holds NUL characters: save it as UTF-8 text"),)


def test_two_texts_beside_one_picture_are_named(tmp_path: Path):
    put(tmp_path, {"a.png": png(), "a.txt": "first", "a.caption": "second"})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"a.png": "first"}
    assert made.report.notes == ("a.png has several texts: a.txt is read, a.caption is not",)


# -- names


def test_names_as_windows_writes_them(tmp_path: Path):
    table = "file_name,text\nimg\\a.png,red\n.\\img\\B.PNG,green\nC:\\Users\\me\\pics\\img\\c.png,blue\n"
    put(tmp_path, {"img/a.png": png(), "img/b.png": png("b"), "img/c.png": png("c"), "metadata.csv": table})
    assert read(tmp_path) == {"img/a.png": "red", "img/b.png": "green", "img/c.png": "blue"}


@pytest.mark.parametrize(("on_disk", "in_table"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_either_unicode_form_of_a_name(tmp_path: Path, on_disk: str, in_table: str):
    name = unicodedata.normalize(on_disk, "고양이.png")
    table = f"file_name,text\n{unicodedata.normalize(in_table, '고양이.png')},a cat\n"
    put(tmp_path, {name: png(), "metadata.csv": table})
    assert read(tmp_path) == {name: "a cat"}


def test_names_that_are_no_utf_8(tmp_path: Path):
    korean, unknown = os.fsdecode("고양이".encode("cp949")), os.fsdecode(b"\xff\xfe\xfa")
    put(tmp_path, {f"{korean}/a.png": png(), f"{unknown}/b.png": png("b"), f"{unknown}/c.png": png("c"),
                   f"{unknown}/c.txt": "blue"})  # fmt: skip
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"고양이/a.png": "고양이", "\\xff\\xfe\\xfa/c.png": "blue"}
    assert made.report.notes == ("names that are no UTF-8 were read as CP949: 고양이/a.png",)
    assert made.report.skipped == (
        (
            "\\xff\\xfe\\xfa/b.png",
            "has no caption but its folder's name, which is no UTF-8 (\\xff\\xfe\\xfa): rename it",
        ),
    )
    "".join(made.report.lines()).encode("utf-8")
    put(tmp_path, {"metadata.csv": "file_name,text\n고양이/a.png,a cat\n"})
    assert read(tmp_path)["고양이/a.png"] == "a cat"


def test_names_that_fit_several_files(tmp_path: Path):
    put(tmp_path, {"one/a.png": png(), "two/a.png": png("b"), "b.png": png("c"),
                   "metadata.csv": "file_name,text\na.png,red\nb.png,blue\n"})  # fmt: skip
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"b.png": "blue"}
    assert made.report.skipped[0] == ("a.png", "is listed in metadata.csv and may be any of one/a.png, two/a.png")


# -- links


def test_the_owners_links_are_followed_and_a_visitors_are_not(tmp_path: Path):
    put(tmp_path / "elsewhere", {"a.png": png(), "birds/b.png": png("b")})
    folder = put(tmp_path / "mine", {"c.png": png("c"), "metadata.csv": "file_name,text\na.png,red\nc.png,blue\n"})
    (folder / "a.png").symlink_to(tmp_path / "elsewhere/a.png")
    (folder / "birds").symlink_to(tmp_path / "elsewhere/birds")
    (folder / "round").symlink_to(folder)
    (folder / "gone.png").symlink_to(tmp_path / "nowhere")
    made = load_pictures(folder, 4)
    assert captions(made) == {"a.png": "red", "c.png": "blue"}
    assert made.report.skipped == (("birds/b.png", "is not listed in metadata.csv"),)
    assert sorted(made.report.notes) == [
        "gone.png is a link to nothing", "round/ is the same folder as one that is read already",
    ]  # fmt: skip
    made = load_pictures(folder, 4, follow_links=False)
    assert captions(made) == {"c.png": "blue"}
    assert "a.png is a link, which is not followed" in made.report.notes
    assert "birds/ is a link, which is not followed" in made.report.notes


# -- splits


def test_one_rule_for_splits(tmp_path: Path):
    put(
        tmp_path, {"Train/cat/a.png": png(), "TEST/cat/b.png": png("b"), "extra/cat/c.png": png("c"), "d.png": png("d")}
    )
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"Train/cat/a.png": "cat"}
    assert made.report.split == "train; left out: TEST/ (1 files), d.png (1 files), extra/ (1 files)"
    assert read(tmp_path, split="test") == {"TEST/cat/b.png": "cat"}
    with pytest.raises(ValueError, match="has no split 'tset': use one of TEST, Train$"):
        load_pictures(tmp_path, 4, split="tset")


def test_one_folder_called_like_a_split_is_a_name_unless_it_is_asked_for(tmp_path: Path):
    put(tmp_path, {"train/a.png": png(), "plane/b.png": png("b"), "train/1/c.png": png("c")})
    made = load_pictures(tmp_path / ".", 4)
    assert captions(made) == {"plane/b.png": "plane", "train/1/c.png": "1"}
    assert made.report.skipped[0][0] == "train/a.png"


def test_splits_within_classes_and_tables_above_splits(tmp_path: Path):
    put(tmp_path / "classes", {"cat/train/a.png": png(), "cat/val/b.png": png("b"), "dog/train/c.png": png("c")})
    assert read(tmp_path / "classes") == {"cat/train/a.png": "cat", "dog/train/c.png": "dog"}
    assert read(tmp_path / "classes", split="validation") == {"cat/val/b.png": "cat"}
    put(tmp_path / "table", {"train/a.png": png(), "test/b.png": png("b"),
                             "metadata.csv": "file_name,text\ntrain/a.png,red\ntest/b.png,green\n"})  # fmt: skip
    made = load_pictures(tmp_path / "table", 4)
    assert captions(made) == {"train/a.png": "red"}
    assert made.report.skipped == ()


def test_a_column_of_splits(tmp_path: Path):
    table = "file_name,text,split\na.png,red,train\nb.png,green,TEST\n"
    put(tmp_path, {"a.png": png(), "b.png": png("b"), "metadata.csv": table})
    made = load_pictures(tmp_path, 4)
    assert captions(made) == {"a.png": "red"}
    assert made.report.split == "train; left out: rows of test"
    assert read(tmp_path, split="test") == {"b.png": "green"}
    with pytest.raises(ValueError, match="has no split 'dev': use one of test, train"):
        load_pictures(tmp_path, 4, split="dev")


def test_a_split_of_what_is_not_divided(tmp_path: Path):
    put(tmp_path / "folder", {"cat/a.png": png()})
    pq.write_table(pa.table({"image": [png()], "text": ["red"]}), tmp_path / "a.parquet")
    for source in ("folder", "a.parquet"):
        with pytest.raises(ValueError, match="has no split 'tset'"):
            load_pictures(tmp_path / source, 4, split="tset")
