"""The script that builds the drawings, on tiny packages made here: nothing is fetched."""

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gan_dpr.worlds.emoji import build_drawings
from gan_dpr.worlds.emoji.build_drawings import DrawingsError, draw, main, plain, shrink, tarball, write

RED, BLUE = (255, 0, 0, 255), (0, 0, 255, 255)


def _picture() -> bytes:
    """256 pixels: the left half red, the right half blue, the upper half of all that half transparent."""
    pixels = np.zeros((256, 256, 4), np.uint8)
    pixels[:, :128], pixels[:, 128:] = RED, BLUE
    pixels[:128, :, 3] = 128
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def _icons(**icons: str) -> bytes:
    bodies = {name.replace("_", "-"): {"body": body} for name, body in icons.items()}
    return json.dumps({"width": 2, "height": 2, "icons": bodies, "aliases": {"moggy": {"parent": "cat"}}}).encode()


def _words(key: str, words: dict[str, tuple[str, list[str]]]) -> bytes:
    content = {emoji: {"tts": [name], "default": keywords} for emoji, (name, keywords) in words.items()}
    return json.dumps({key: {"annotations": content}}).encode()


def _contents() -> dict[str, dict[str, bytes]]:
    emoji = [
        {"emoji": "🐈️", "hexcode": "1F408", "group": 3, "subgroup": 7},
        {"emoji": "🧅", "hexcode": "1F9C5", "group": 3, "subgroup": 7},
        {"emoji": "👋", "hexcode": "1F44B", "group": 1, "subgroup": 7},  # a hand: left out
    ]
    groups = {"groups": {"1": "people-body", "3": "animals-nature"}, "subgroups": {"7": "animal-mammal"}}
    square = '<rect width="1" height="2" fill="#f00"/>'
    cats = {"icons.json": _icons(cat=square), "chars.json": b'{"1f408": "moggy"}'}
    return {
        "emojibase-data@17.0.0": {
            "en/data.json": json.dumps(emoji).encode(),
            "meta/groups.json": json.dumps(groups).encode(),
        },
        "cldr-annotations-full@48.2.0": {
            "annotations/en/annotations.json": _words(
                "annotations", {"🐈": ("cat", ["cat", "pet"]), "🧅": ("onion", ["flavoring"])}
            ),
            "annotations/ko/annotations.json": _words("annotations", {"🐈": ("고양이", ["동물"]), "🧅": ("양파", [])}),
        },
        "cldr-annotations-derived-full@48.2.0": {
            f"annotationsDerived/{language}/annotations.json": _words("annotationsDerived", {})
            for language in ("en", "ko")
        },
        "@lobehub/fluent-emoji-3d@1.1.0": {"assets/1f408.webp": _picture(), "assets/1f9c5.webp": _picture()},
        "@iconify-json/noto@1.2.9": cats,
        "@iconify-json/twemoji@1.2.5": cats,
        "@iconify-json/fluent-emoji-flat@1.2.6": {"icons.json": _icons(), "chars.json": b"{}"},
        "@iconify-json/emojione@1.2.3": {"icons.json": _icons(onion=square), "chars.json": b"{}"},
    }


def _file_name(package: str) -> str:
    return package.removeprefix("@").replace("/", "-").replace("@", "-") + ".tgz"


@pytest.fixture
def packages(tmp_path, monkeypatch) -> Path:
    """A folder of all the packages, and their hashes where the script looks for them."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for package, files in _contents().items():
        path = folder / _file_name(package)
        with tarfile.open(path, "w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(f"package/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        monkeypatch.setitem(build_drawings.SHA256, package, hashlib.sha256(path.read_bytes()).hexdigest())
    return folder


@pytest.fixture
def no_rasteriser(monkeypatch):
    """Stands in for resvg-py, which the tests do not need: every SVG is a red square."""
    monkeypatch.setattr(build_drawings, "_resvg", lambda: None)
    monkeypatch.setattr(build_drawings, "rasterise", lambda svg, size: np.full((size, size, 4), RED, np.uint8))


def test_box_filter_weighs_colours_by_alpha():
    opaque = np.array([[(10, 0, 0, 255), (13, 0, 0, 255)], [(20, 0, 0, 255), (30, 0, 0, 255)]], np.uint8)
    assert shrink(opaque, 2).tolist() == [[[18, 0, 0, 255]]]
    half_seen = np.array([[(200, 100, 0, 255), (0, 0, 0, 0)], [(200, 100, 0, 255), (9, 9, 9, 0)]], np.uint8)
    assert shrink(half_seen, 2).tolist() == [[[200, 100, 0, 128]]]
    # Noto's gold medal has this one: 243.5 exactly, and the shipped picture has 244
    medal = np.array([[(48, 159, 255, 16), (47, 157, 243, 240)], [(0, 0, 0, 0), (46, 157, 243, 128)]], np.uint8)
    assert shrink(medal, 2).tolist() == [[[47, 157, 244, 96]]]
    # the candle: a trace of white is nothing
    trace = np.array([[(0, 0, 0, 0), (0, 0, 0, 0)], [(0, 0, 0, 0), (255, 255, 255, 1)]], np.uint8)
    assert shrink(trace, 2).tolist() == [[[0, 0, 0, 0]]]
    assert shrink(medal, 1) is medal


def test_pictures_are_reduced(packages, no_rasteriser):
    rows = draw(packages, "all", 64)
    pixels = next(row["picture"] for row in rows if (row["concept"], row["style"]) == ("cat", "fluent-3d"))
    assert pixels.shape == (64, 64, 4)
    assert pixels[0, [0, 31, 32, 63]].tolist() == [[255, 0, 0, 128]] * 2 + [[0, 0, 255, 128]] * 2
    assert pixels[63, [0, 31, 32, 63]].tolist() == [list(RED)] * 2 + [list(BLUE)] * 2


def test_svgs_are_rasterised():
    pytest.importorskip("resvg_py")
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><rect width="1" height="2" fill="#f00"/></svg>'
    for size in (64, 128, 256):
        pixels = build_drawings.rasterise(svg, size)
        assert pixels.shape == (size, size, 4)
        assert pixels[0, [0, size // 2 - 1, size // 2, size - 1]].tolist() == [list(RED)] * 2 + [[0, 0, 0, 0]] * 2


def test_rows_are_what_the_packages_say(packages, no_rasteriser, tmp_path):
    write(draw(packages, "all", 64), tmp_path / "all.parquet")
    rows = pq.read_table(tmp_path / "all.parquet").to_pylist()
    assert [(row["style"], row["concept"]) for row in rows] == [
        ("noto", "cat"),
        ("twemoji", "cat"),
        ("fluent-3d", "cat"),
        ("fluent-3d", "onion"),
        ("emojione", "onion"),
    ]
    assert rows[0].pop("picture").startswith(b"RIFF")
    assert rows[0] == {
        "concept": "cat",
        "name_ko": "고양이",
        "keywords_en": ["cat", "pet"],
        "keywords_ko": ["동물"],
        "emoji": "🐈️",
        "codepoint": "1F408",
        "style": "noto",
        "group": "animals-nature",
        "subgroup": "animal-mammal",
        "licence": "Apache-2.0",
        "source": "@iconify-json/noto@1.2.9",
        "core": True,
    }
    assert {row["concept"] for row in draw(packages, "core", 64)} == {"cat"}


def test_same_packages_give_the_same_bytes(packages, no_rasteriser, tmp_path, capsys):
    outputs = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.parquet"
        assert main(["--packages", str(packages), "--out", str(path), "--concepts", "all"]) == 0
        said = capsys.readouterr().out.splitlines()
        assert said[0].startswith(f"{path}: 5 drawings of 2 concepts at 64 px, ")
        assert said[1] == "sha256 of the file: " + hashlib.sha256(path.read_bytes()).hexdigest()
        assert said[2].startswith("sha256 of names and pixels: ")
        outputs.append((path.read_bytes(), said[1:]))
    assert outputs[0] == outputs[1]
    assert "(not the recorded " in outputs[0][1][1]  # these are not the real drawings


def test_wrong_package_is_refused(packages, no_rasteriser, tmp_path, capsys):
    path = packages / "iconify-json-twemoji-1.2.5.tgz"
    path.write_bytes(path.read_bytes() + b"!")
    out = tmp_path / "out.parquet"
    out.write_bytes(b"older")
    assert main(["--packages", str(packages), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        "build_drawings: iconify-json-twemoji-1.2.5.tgz is not the @iconify-json/twemoji@1.2.5 that was named: "
    )
    assert error.count("\n") == 1
    assert out.read_bytes() == b"older"


def test_missing_package_is_fetched_and_checked(tmp_path, monkeypatch):
    package, content = "@lobehub/fluent-emoji-3d@1.1.0", b"as published"
    calls = []

    def npm(command, **_):
        calls.append(command[:3])
        Path(command[-1], _file_name(package)).write_bytes(content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", npm)
    with pytest.raises(DrawingsError, match="is not the @lobehub/fluent-emoji-3d@1.1.0 that was named"):
        tarball(tmp_path, package)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setitem(build_drawings.SHA256, package, hashlib.sha256(content).hexdigest())
    for _ in range(2):  # the second time it is there
        assert tarball(tmp_path, package).read_bytes() == content
    assert calls == [["npm", "pack", package]] * 2


def test_npm_without_success_is_one_sentence(tmp_path, monkeypatch):
    def fails(command, **_):
        return subprocess.CompletedProcess(command, 1, "", "npm error code E404\nnpm error 404 Not Found\n")

    def missing(command, **_):
        raise FileNotFoundError("npm")

    monkeypatch.setattr(subprocess, "run", fails)
    with pytest.raises(DrawingsError, match="^npm pack emojibase-data@17.0.0 failed: npm error 404 Not Found$"):
        tarball(tmp_path, "emojibase-data@17.0.0")
    monkeypatch.setattr(subprocess, "run", missing)
    with pytest.raises(DrawingsError, match="^npm, which fetches emojibase-data@17.0.0, is not installed$"):
        tarball(tmp_path, "emojibase-data@17.0.0")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--size", "100"],
        ["--concepts", "some"],
        ["--packages", "p"],
    ],
)
def test_bad_arguments_are_one_sentence(arguments, tmp_path, capsys):
    required = [] if "--packages" in arguments else ["--packages", str(tmp_path), "--out", str(tmp_path / "o.parquet")]
    assert main([*required, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("build_drawings: ")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_keys_leave_out_the_variation_selector():
    assert plain("1f441-fe0f-200d-1f5e8-fe0f") == "1F441-200D-1F5E8"
