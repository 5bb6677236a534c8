"""Properties of the readers: what was written comes back, and nothing at all makes them fail without a sentence."""

import csv
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gan_dpr.worlds.pictures.dataset import load_pictures
from gan_dpr.worlds.pictures.table import json_document, json_lines, read_table, separated
from gan_dpr.worlds.pictures.texts import check_caption, decode_name, decode_text, folded, readable

PNG = io.BytesIO()
Image.new("RGB", (2, 2), "red").save(PNG, "PNG")

said = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40).filter(
    lambda text: " ".join(text.split())
)
letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def outcome(call: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
    """What a reader gives and no sentence, or nothing and its sentence; any other error passes."""
    try:
        return call(*arguments), ""
    except ValueError as error:
        return "", str(error)


@given(
    captions=st.lists(said, min_size=1, max_size=6),
    separator=st.sampled_from(",;\t|"),
    kind=st.sampled_from(["\n", "\r\n"]),
)
def test_a_written_table_comes_back(captions: list[str], separator: str, kind: str):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=separator, lineterminator=kind)
    writer.writerows([["file_name", "text"], *([f"{i}.png", caption] for i, caption in enumerate(captions))])
    columns, rows = separated(file.getvalue(), ",")
    assert columns == ["file_name", "text"]
    back = [" ".join(row["text"].split()) for row in rows]
    assert back == [" ".join(caption.split()) for caption in captions]


@given(captions=st.lists(said, min_size=1, max_size=6), escaped=st.booleans())
def test_written_json_comes_back(captions: list[str], escaped: bool):
    rows = [{"file_name": f"{i}.png", "text": caption} for i, caption in enumerate(captions)]
    lines = "\n".join(json.dumps(row, ensure_ascii=escaped) for row in rows)
    assert json_lines(lines) == (["file_name", "text"], rows)
    columns, back = json_document(json.dumps(rows, ensure_ascii=escaped))
    assert (columns, back) == (["file_name", "text"], rows)
    named = {f"{i}.png": caption for i, caption in enumerate(captions)}
    assert [row["text"] for row in json_document(json.dumps(named))[1]] == captions


@given(caption=said, encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_a_text_with_a_mark_comes_back(caption: str, encoding: str):
    content = caption.encode(encoding)
    if encoding == "utf-8" and caption.startswith("\ufeff"):
        caption = caption[1:]  # which then is a mark
    assert decode_text(content) == caption


@given(content=st.binary(max_size=200))
def test_any_bytes_are_text_or_a_sentence(content: bytes):
    text, problem = outcome(decode_text, content)
    assert "\0" not in text
    assert problem.startswith(("is not UTF-", "holds NUL")) or not problem
    name, encoding = decode_name(content)
    name.encode("utf-8")
    assert encoding in ("utf-8", "cp949", "cp932", None)


@given(
    value=st.one_of(
        letters, st.none(), st.integers(), st.floats(), st.lists(letters, max_size=2), st.binary(max_size=9)
    )
)
def test_any_value_is_a_caption_or_a_sentence(value: object):
    caption, problem = outcome(check_caption, value)
    assert caption == " ".join(caption.split())
    assert problem.startswith("its caption ") if problem else caption


@given(name=st.text(max_size=30))
def test_a_folded_name_is_stable(name: str):
    assert folded(folded(name)) == folded(name)
    readable(name)[0].encode("utf-8", "surrogatepass")


SUFFIXES = [".csv", ".tsv", ".jsonl", ".json", ".parquet"]


@given(content=st.one_of(st.binary(max_size=300), letters.map(lambda text: ("file_name,text\n" + text).encode())),
       suffix=st.sampled_from(SUFFIXES))  # fmt: skip
def test_any_table_is_read_or_a_sentence(content: bytes, suffix: str):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"metadata{suffix}")
        path.write_bytes(content)
        _, problem = outcome(read_table, path, path.name)
        assert problem.startswith(path.name) or not problem
        assert "\n" not in problem


@given(middle=st.text(st.characters(exclude_categories=["Cs"]), max_size=60).filter(lambda t: '"' not in t))
def test_what_stands_in_one_row_costs_no_other_row(middle: str):
    middle = middle.replace("\n", " ")
    _, rows = separated(f"file_name,text\na.png,first\nb.png,{middle}\nc.png,last\n", ",")
    known = {row["file_name"]: row.get("text") for row in rows if isinstance(row, dict) and "file_name" in row}
    assert known["a.png"] == "first"
    assert known["c.png"] == "last"


@given(
    text=said,
    suffix=st.sampled_from([".txt", ".caption", ".TXT", ".png.txt"]),
    encoding=st.sampled_from(["utf-8", "utf-16"]),
)
def test_a_text_beside_a_picture_comes_back(text: str, suffix: str, encoding: str):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.png").write_bytes(PNG.getvalue())
        Path(folder, f"a{suffix}").write_bytes(text.encode(encoding))
        expected = " ".join(text.removeprefix("\ufeff").split()) if encoding == "utf-8" else " ".join(text.split())
        if not expected:
            with pytest.raises(ValueError, match="its caption is empty"):
                load_pictures(folder, 2)
        else:
            assert load_pictures(folder, 2).captions == [expected]
