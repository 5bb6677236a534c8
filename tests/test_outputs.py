"""Nothing of the user's is overwritten: what each command refuses, replaces, and leaves after an error."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from gan_dpr.files import DRAWN, GALLERY, RUN, check_output, locked, new_output, remove_leftovers, replacing, write_json


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def snapshot(folder: str | Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def pictures(folder: str, *names: str) -> None:
    Path(folder).mkdir()
    for i, name in enumerate(names):
        Image.new("RGB", (40, 40), (50 * i, 90, 200)).save(Path(folder, name))


# What people keep in folders that they might name by mistake.
THEIRS = {
    "captions": {"metadata.jsonl": '{"file_name": "a.png", "text": "mine"}\n', "a.png": "x"},
    "list": {"index.jsonl": '{"name": "mine"}\n', "00000_0.png": "mine"},
    "like a gallery": {"config.json": "{}", "index.faiss": "mine", "metadata.jsonl": "mine"},
    "checkpoint": {"config.json": '{"generator": {}}', "generator.safetensors": "mine"},
    "notes": {"run.json": "[]", "notes/deep/below.txt": "mine"},
    "one": {"state/state.safetensors": "mine"},
}


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
@pytest.mark.parametrize("kind", THEIRS)
@pytest.mark.parametrize("command", [["generate", "a cat"], ["index", "mine"], ["train", "--preset", "nano"]])
def test_a_folder_with_anything_else_is_refused(run, command: list[str], kind: str, overwrite: tuple) -> None:
    pictures("mine", "a.png")
    for name, content in THEIRS[kind].items():
        Path("there", name).parent.mkdir(parents=True, exist_ok=True)
        Path("there", name).write_text(content)
    before = snapshot(".")
    status, out, err = run(*command, *overwrite, "--out", "there")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "--out there holds what this command did not write" in err
    assert snapshot(".") == before


def test_drawn_pictures_are_replaced_only_if_that_is_said(run) -> None:
    assert run("generate", "a cat", "--n", "3", "--out", "drawn")[0] == 0
    before = snapshot("drawn")
    status, _, err = run("generate", "a dog", "--out", "drawn")
    assert (status, err.count("\n")) == (2, 1)
    assert "drawn holds an earlier output: add --overwrite" in err
    assert snapshot("drawn") == before
    assert run("generate", "a dog", "--overwrite", "--out", "drawn")[0] == 0
    assert sorted(path.name for path in Path("drawn").iterdir()) == ["00000_0.png", "index.jsonl"]
    Path("drawn/00009_9.png").write_bytes(b"put there by hand, named like ours")
    status, _, err = run("generate", "a dog", "--overwrite", "--out", "drawn")
    assert (status, Path("drawn/00009_9.png").exists()) == (2, True)
    assert "(00009_9.png)" in err


def test_a_gallery_is_replaced_only_if_that_is_said(run) -> None:
    pictures("mine", "a.png", "b.png")
    assert run("index", "mine", "--out", "gallery")[0] == 0
    assert run("index", "mine", "--out", "gallery")[0] == 2
    Path("mine/b.png").unlink()
    assert run("index", "mine", "--overwrite", "--out", "gallery")[:2] == (0, "gallery  1 pictures\n")
    found = json.loads(run("retrieve", "red", "--index", "gallery", "--json")[1])["results"]
    assert len(found) == 1


def test_hidden_files_do_not_matter_and_stay(run) -> None:
    Path("drawn").mkdir()
    Path("drawn/.gitkeep").touch()
    assert run("generate", "a cat", "--out", "drawn")[0] == 0
    assert Path("drawn/.gitkeep").exists()


@pytest.mark.parametrize(
    ("command", "name"),
    [(["interpolate", "a cat", "a dog", "--steps", "2"], "a.gif"), (["scenes", "--n", "1"], "a.png")],
)
def test_a_file_is_replaced_only_if_that_is_said(run, command: list[str], name: str) -> None:
    Path(name).write_bytes(b"mine")
    status, _, err = run(*command, "--out", name)
    assert (status, Path(name).read_bytes()) == (2, b"mine")
    assert f"{name} is there already: add --overwrite" in err
    assert run(*command, "--overwrite", "--out", name)[0] == 0
    assert Path(name).read_bytes() != b"mine"


@pytest.mark.parametrize("out", ["mine/gallery", "mine", "other/../mine/x", "link/x"])
@pytest.mark.parametrize("command", [["index", "mine"], ["train", "--preset", "nano", "--data", "mine"]])
def test_an_output_among_the_pictures_is_refused(run, command: list[str], out: str) -> None:
    pictures("mine", "a.png")
    Path("other").mkdir()
    Path("link").symlink_to("mine")
    before = snapshot(".")
    status, _, err = run(*command, "--out", out)
    assert (status, err.count("\n")) == (2, 1)
    assert "is read: choose a folder outside" in err or "did not write" in err
    assert snapshot(".") == before


def test_an_error_half_way_leaves_the_old_output(tmp_path: Path) -> None:
    entry = dict.fromkeys(("prompt", "line", "image", "seed", "score"), 0)

    def write(folder: Path, names: list[str]) -> None:
        for name in names:
            (folder / name).write_text(name)
        (folder / "index.jsonl").write_text("\n".join(json.dumps(entry | {"file": name}) for name in names))

    with new_output(tmp_path / "a/b", DRAWN, overwrite=False) as folder:
        write(folder, ["0_0.png", "0_1.png"])
    before = snapshot(tmp_path)
    for place, overwrite in (("a/b", True), ("c/d", False)):
        with contextlib.suppress(KeyboardInterrupt), new_output(tmp_path / place, DRAWN, overwrite) as folder:
            write(folder, ["0_0.png"])
            raise KeyboardInterrupt
        assert snapshot(tmp_path) == before
    assert not (tmp_path / "c").exists()
    with new_output(tmp_path / "a/b", DRAWN, overwrite=True) as folder:
        write(folder, ["0_2.png"])
    assert sorted(path.name for path in (tmp_path / "a/b").iterdir()) == ["0_2.png", "index.jsonl"]


def test_leftovers_of_killed_processes_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    gone = [f".part-{ended.pid}-state.safetensors", ".tmpAbC123"]
    stays = [f".part-{os.getppid()}-x.json", ".tmp", ".gitkeep", "part-1-x", ".tmp_of_mine"]
    for name in (*gone, *stays):
        (tmp_path / name).write_text("x")
    (tmp_path / f".part-{ended.pid}-output").mkdir()
    (tmp_path / f".part-{ended.pid}-output" / "a.png").write_text("x")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(stays)
    remove_leftovers(tmp_path / "nowhere")
    for name in ("x[1].json", "y.json"):
        (tmp_path / f".part-{ended.pid}-{name}").write_text("x")
    write_json(tmp_path / "x[1].json", 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*stays, "x[1].json", f".part-{ended.pid}-y.json"]
    )


def test_replacing_leaves_the_old_file_after_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with contextlib.suppress(KeyboardInterrupt), replacing(tmp_path / "a.txt") as part:
        part.write_text("new")
        raise KeyboardInterrupt
    assert snapshot(tmp_path) == {str(tmp_path / "a.txt"): b"old"}


def test_a_folder_is_held_by_one_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from gan_dpr.files import locked\n"
        "try:\n    with locked(Path(sys.argv[1])): print('held')\nexcept ValueError as error: print(error)"
    )
    root = str(Path(__file__).parents[1])

    def other() -> str:
        return subprocess.run(
            [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True, cwd=root
        ).stdout

    with locked(tmp_path):
        assert other().startswith("Another process writes to ")
    assert other() == "held\n"


def test_links_in_an_output_are_not_ours(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a.txt").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/pictures").symlink_to(tmp_path / "mine")
    for outputs in (DRAWN, GALLERY, RUN):
        with pytest.raises(ValueError, match=r"did not write \(pictures\)"):
            check_output(tmp_path / "out", outputs, overwrite=True)
