"""Uploads: what is read, what is refused, and that a session's gallery is its own and goes with it."""

import io
import stat
import warnings
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from gan_dpr.demo import own_pictures
from gan_dpr.demo.own_pictures import OwnGalleries, read_uploads, report
from gan_dpr.demo.retrieve import search
from gan_dpr.demo.studio import Studio
from gan_dpr.demo.uploads import Uploads
from gan_dpr.pipeline import GanDprPipeline


def png(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), colour).save(buffer, "PNG")
    return buffer.getvalue()


def packed(path: Path, entries: dict[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> str:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return str(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def test_pictures_and_zips_are_read_with_captions_and_bad_ones_named(tmp_path: Path, folder: Path):
    (tmp_path / "my_red-wall.png").write_bytes(png())
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    archive = packed(tmp_path / "more.zip", {
        "set/a.png": png("blue"), "set/a.txt": b"a blue square", "dogs/b.png": png("green"), "notes.pdf": b"x",
    })  # fmt: skip
    paths = [str(tmp_path / "my_red-wall.png"), str(tmp_path / "broken.jpg"), archive]
    dataset = read_uploads(paths, folder, 8)
    assert dict(zip(dataset.paths, dataset.captions, strict=True)) == {
        "my_red-wall.png": "my red wall", "set/a.png": "a blue square", "dogs/b.png": "dogs",
    }  # fmt: skip
    assert report(dataset).startswith("3 pictures read. Left out: broken.jpg is no picture in a known format")


def test_of_a_divided_zip_the_part_is_told_and_what_a_system_packs_along_is_left_out(tmp_path: Path, folder: Path):
    zips = [
        packed(tmp_path / "one.zip", {"train/cat/a.png": png(), "test/cat/b.png": png("blue"), ".DS_Store": b"x"}),
        packed(tmp_path / "two.zip", {"train/dog/c.png": png("green"), ".DS_Store": b"y", "__MACOSX/._c.png": b"z"}),
    ]
    dataset = read_uploads(zips, folder, 8)
    assert list(zip(dataset.paths, dataset.captions, strict=True)) == [
        ("train/cat/a.png", "cat"), ("train/dog/c.png", "dog"),
    ]  # fmt: skip
    assert report(dataset) == "2 pictures read. Part: train; left out: test/ (1 files)."


def test_a_spreadsheet_is_named_and_not_unpacked(tmp_path: Path, folder: Path):
    sheet = packed(tmp_path / "captions.xlsx", {"xl/workbook.xml": b"<x/>", "docProps/thumbnail.png": png()})
    (tmp_path / "a_cat.png").write_bytes(png("blue"))
    dataset = read_uploads([sheet, str(tmp_path / "a_cat.png")], folder, 8)
    assert dataset.captions == ["a cat"]
    assert "Not read as captions: captions.xlsx is of a kind that is not read" in report(dataset)


def link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("link.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"../out.png": png()}, "name cannot be used"),
        ({"/etc/out.png": png()}, "name cannot be used"),
        ({"..\\out.png": png()}, "name cannot be used"),
        ({"C:\\out.png": png()}, "name cannot be used"),
        ({".": png()}, "name cannot be used"),
        ({"a": png(), "a/b.png": png()}, "bad.zip cannot be unpacked .File exists.: pack it again"),
        ({"a/b.png": png(), "a": png()}, "a comes twice: rename one"),
        ({link(): b"/etc/passwd"}, "has a link in it"),
        ({"bomb.png": bytes(3000)}, "unpacks to more than"),
        ({f"{i}.txt": b"" for i in range(6)}, "holds 6 files; at most 5 are unpacked"),
        ({"a.txt": b"no picture"}, "cannot be used: the upload holds no captioned picture.$"),
    ],
)
def test_bad_zips_are_refused_in_a_sentence(tmp_path: Path, folder: Path, monkeypatch, entries: dict, message: str):
    monkeypatch.setattr(own_pictures, "MAX_UNPACKED_BYTES", 2000)
    monkeypatch.setattr(own_pictures, "MAX_ENTRIES", 5)
    with pytest.raises(ValueError, match=message):
        read_uploads([packed(tmp_path / "bad.zip", entries)], folder, 8)
    assert not (tmp_path / "out.png").exists()


def test_too_much_and_damaged_files_are_refused(tmp_path: Path, folder: Path, monkeypatch):
    monkeypatch.setattr(own_pictures, "MAX_FILE_BYTES", 2**20)
    large, torn = tmp_path / "large.png", tmp_path / "torn.zip"
    large.write_bytes(bytes(2**20 + 1))
    torn.write_bytes(b"PK but no zip")
    for paths, message in (
        ([str(large)], "large.png is larger than 1 MB"),
        ([str(torn)], "torn.zip is damaged or is not a zip file"),
        ([str(large)] * 201, "201 files; at most 200"),
    ):
        with pytest.raises(ValueError, match=message):
            read_uploads(paths, folder, 8)


def test_names_in_a_zip_of_an_old_system_are_read_with_a_guess_that_is_named(tmp_path: Path, folder: Path):
    archive = Path(packed(tmp_path / "old.zip", {"AAAAAA/a.png": png(), "BBBBBB/b.png": png("blue")}))
    unknown = b"\xff\xfe\xfa\xfb\xfc\xfd"
    archive.write_bytes(archive.read_bytes().replace(b"AAAAAA", "고양이".encode("cp949")).replace(b"BBBBBB", unknown))
    dataset = read_uploads([str(archive)], folder, 8)
    assert dict(zip(dataset.paths, dataset.captions, strict=True)) == {
        "고양이/a.png": "고양이", "\\xff\\xfe\\xfa\\xfb\\xfc\\xfd/b.png": "b",
    }  # fmt: skip
    assert "Names that are no UTF-8 were read as CP949: 고양이/a.png." in report(dataset)
    plain = packed(tmp_path / "new.zip", {"강아지/c.png": png("green")})
    assert "강아지" in read_uploads([plain], folder, 8).captions


def test_a_picture_without_a_text_among_others_is_named(tmp_path: Path, folder: Path):
    archive = packed(tmp_path / "set.zip", {"dog/a.png": png(), "dog/a.txt": b"a dog", "dog/b.png": png("blue")})
    dataset = read_uploads([archive], folder, 8)
    assert dataset.captions == ["a dog", "dog"]
    assert "Without a text of their own, called by name: dog/b.png." in report(dataset)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_with_any_wrong_byte_is_read_or_refused_in_a_sentence(tmp_path: Path, method: int):
    whole = Path(packed(tmp_path / "whole.zip", {"a.png": png()}, method)).read_bytes()
    torn = tmp_path / "torn.zip"
    for place in range(len(whole)):
        torn.write_bytes(whole[:place] + bytes([whole[place] ^ 0xA5]) + whole[place + 1 :])
        folder = tmp_path / str(place)
        folder.mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                said = report(read_uploads([str(torn)], folder, 8))
            except ValueError as error:
                said = str(error)
        assert said.startswith(("1 picture read.", "torn.zip ", "These files cannot be used: the upload holds"))


def test_an_entry_without_a_name_is_refused(tmp_path: Path, folder: Path):
    archive = Path(packed(tmp_path / "bad.zip", {"named": png()}))
    archive.write_bytes(archive.read_bytes().replace(b"named", b"\0amed"))
    with pytest.raises(ValueError, match="^bad.zip has an entry whose name cannot be used"):
        read_uploads([str(archive)], folder, 8)


def test_two_files_of_one_name_and_too_many_are_not_lost_without_a_word(tmp_path: Path, folder: Path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "wall.png").write_bytes(png())
    with pytest.raises(ValueError, match="^wall.png comes twice: rename one"):
        read_uploads([str(tmp_path / name / "wall.png") for name in ("one", "two")], folder, 8)
    monkeypatch.setattr(own_pictures, "MAX_FILES", 2)
    archive = packed(tmp_path / "many.zip", {f"{i}.png": png() for i in range(3)})
    with pytest.raises(ValueError, match="more than 2 pictures: choose fewer"):
        read_uploads([archive], folder, 8)


def test_a_file_that_is_too_large_is_left_out_of_the_others(tmp_path: Path, folder: Path, monkeypatch):
    monkeypatch.setattr(own_pictures, "MAX_FILE_BYTES", 2**20)
    (tmp_path / "large.png").write_bytes(bytes(2**20 + 1))
    (tmp_path / "wall.png").write_bytes(png())
    dataset = read_uploads([str(tmp_path / name) for name in ("large.png", "wall.png")], folder, 8)
    assert dataset.captions == ["wall"]
    assert report(dataset) == "1 picture read. Left out: large.png is larger than 1 MB."


def test_a_gallery_belongs_to_its_session_and_is_deleted_with_it(tmp_path: Path, pipe: GanDprPipeline):
    (tmp_path / "wall.png").write_bytes(png())
    galleries, studio = OwnGalleries(), Studio(pipe)
    assert galleries.add("me", pipe, [str(tmp_path / "wall.png")]) == "1 picture read."
    assert galleries.get("you") is None
    picture = Image.open(tmp_path / "wall.png")
    mine = search(studio, "", picture, 3, galleries.get("me"))
    assert (mine[0].caption, mine[0].score) == ("wall", pytest.approx(1, abs=1e-4))
    assert [hit.score for hit in mine] == sorted((hit.score for hit in mine), reverse=True)
    assert len(mine) == 3
    assert search(studio, "", picture, 3) == search(studio, "", picture, 3, galleries.get("you"))
    folder = galleries.get("me").folder
    with pytest.raises(ValueError, match="holds no captioned picture"):
        galleries.add("me", pipe, [])
    assert galleries.get("me") is None  # what is searched is what the list shows
    assert not folder.exists()
    galleries.add("me", pipe, [str(tmp_path / "wall.png")])
    folder = galleries.get("me").folder
    galleries.drop("me")
    assert not folder.exists()


def test_raw_uploads_go_with_the_last_visitor_who_sent_them(tmp_path: Path):
    uploads, shared, mine = Uploads(), tmp_path / "shared.png", tmp_path / "mine.png"
    for path in (shared, mine):
        path.write_bytes(png())
    uploads.note("me", [str(shared), None])
    uploads.note("me", [str(mine)])
    uploads.note("you", [str(shared)])
    uploads.drop("me")
    assert (shared.exists(), mine.exists()) == (True, False)
    uploads.drop("you")
    uploads.drop("you")
    assert not shared.exists()
