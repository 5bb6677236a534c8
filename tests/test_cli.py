"""The command line but for training: what is written and printed, and one line for every mistake."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_dpr import cli
from gan_dpr.networks.mixing import WAYS
from gan_dpr.pipeline import GanDprPipeline


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test starts in an empty folder, where no default checkpoint lies."""
    monkeypatch.chdir(tmp_path)


def lines_of(path: str | Path) -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def picture(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


# ------------------------------------------------------------------ generate


def test_generate(run, tiny_checkpoint: Path) -> None:
    status, out, err = run("generate", "an elephant", "--n", "3", "--seed", "5", "--out", "a/b")
    assert (status, err) == (0, "")
    assert sorted(path.name for path in Path("a/b").iterdir()) == [
        *(f"00000_{k}.png" for k in range(3)),
        "index.jsonl",
    ]
    entries = lines_of("a/b/index.jsonl")
    assert [list(entry) for entry in entries] == [["prompt", "line", "image", "seed", "file", "score"]] * 3
    assert [(e["prompt"], e["line"], e["image"], e["seed"], e["file"]) for e in entries] == [
        ("an elephant", 0, k, 5 + k, f"00000_{k}.png") for k in range(3)
    ]
    with Image.open("a/b/00000_2.png") as image:
        assert (image.mode, image.size, image.format) == ("RGB", (32, 32), "PNG")
        assert image.text == {"prompt": "an elephant", "seed": "7", "checkpoint": tiny_checkpoint.name}
    assert out.count("\n") == 3


def test_a_line_of_a_prompts_file_can_be_redrawn_alone(run) -> None:
    Path("prompts.txt").write_bytes("\ufeffa cat\r\nein Bär, 곰\na dog".encode())
    assert (
        run("generate", "--prompts-file", "prompts.txt", "--n", "2", "--seed", "40", "--out", "all")[0] == 0
    )
    entries = lines_of("all/index.jsonl")
    assert [e["seed"] for e in entries] == [40, 41, 42, 43, 44, 45]
    assert [e["prompt"] for e in entries] == [
        "a cat",
        "a cat",
        "ein Bär, 곰",
        "ein Bär, 곰",
        "a dog",
        "a dog",
    ]
    assert [e["file"] for e in entries] == [f"{i:05d}_{k}.png" for i in range(3) for k in range(2)]
    with Image.open("all/00001_0.png") as image:
        assert image.text["prompt"] == "ein Bär, 곰"
    assert run("generate", "ein Bär, 곰", "--n", "2", "--seed", "42", "--out", "line")[0] == 0
    assert run("generate", "ein Bär, 곰", "--seed", "43", "--out", "image")[0] == 0
    for k in range(2):
        assert np.abs(picture(f"all/00001_{k}.png") - picture(f"line/00000_{k}.png")).max() <= 1
    assert np.abs(picture("all/00001_1.png") - picture("image/00000_0.png")).max() <= 1


def test_seeds_do_not_depend_on_how_calls_are_cut(run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("prompts.txt").write_text("a cat\na dog\na frog\n")
    command = ["generate", "--prompts-file", "prompts.txt", "--n", "3", "--seed", "9"]
    assert run(*command, "--out", "whole")[0] == 0
    for limit in (2, 4, 6):
        monkeypatch.setattr("gan_dpr.cli.draw.PICTURES_A_CALL", limit)
        assert run(*command, "--out", f"cut{limit}")[0] == 0
        for one, other in zip(
            lines_of("whole/index.jsonl"), lines_of(f"cut{limit}/index.jsonl"), strict=True
        ):
            assert one | {"score": 0} == other | {"score": 0}
            assert one["score"] == pytest.approx(other["score"], abs=1e-4)


def test_best_of_reports_the_seed_that_redraws(run) -> None:
    assert run("generate", "a cat", "--best-of", "8", "--out", "best")[0] == 0
    best = lines_of("best/index.jsonl")[0]
    assert run("generate", "a cat", "--seed", str(best["seed"]), "--out", "again")[0] == 0
    assert lines_of("again/index.jsonl")[0]["score"] == pytest.approx(best["score"], abs=1e-4)
    assert run("generate", "a cat", "--out", "first")[0] == 0
    assert lines_of("first/index.jsonl")[0]["score"] <= best["score"] + 1e-4


def test_default_checkpoint_is_named_when_it_is_missing(capfd) -> None:
    assert cli.main(["generate", "a cat", "--out", "pictures"]) == 2
    assert capfd.readouterr().err.startswith(
        "gan_dpr generate: error: No checkpoint at checkpoints/emoji-64: "
    )
    assert not Path("pictures").exists()


# ------------------------------------------------------------------ errors

BAD = [
    (["generate", "--out", "new"], "either a prompt or --prompts-file"),
    (
        ["generate", "a cat", "--prompts-file", "good.txt", "--out", "new"],
        "either a prompt or --prompts-file",
    ),
    (["generate", "a cat"], "--out"),
    (["generate", "  ", "--out", "new"], "blank"),
    (["generate", "\udcff", "--out", "new"], "UTF-8"),
    (["generate", "a cat", "--n", "0", "--out", "new"], "--n: 0 is out of range"),
    (["generate", "a cat", "--n", "many", "--out", "new"], "'many' is not a whole number"),
    (["generate", "a cat", "--seed", "-1", "--out", "new"], "--seed: -1 is out of range"),
    (["generate", "a cat", "--seed", str(2**53 - 1), "--n", "2", "--out", "new"], "too large for 2 pictures"),
    (["generate", "a cat", "--truncation", "nan", "--out", "new"], "--truncation: nan is out of range"),
    (["generate", "a cat", "--best-of", "0", "--out", "new"], "--best-of: 0 is out of range"),
    (["generate", "a cat", "--side", "8", "--out", "new"], "unrecognized arguments: --side"),
    (["generate", "a cat", "--out", "good.txt"], "good.txt is a file, not a folder"),
    (["generate", "a cat", "--out", "good.txt/below"], "good.txt is a file, not a folder"),
    (
        ["generate", "--prompts-file", "blank.txt", "--out", "new"],
        "Line 1 of blank.txt (counted from 0) is blank",
    ),
    (
        ["generate", "--prompts-file", "latin.txt", "--out", "new"],
        "Line 1 of latin.txt (counted from 0) is not UTF-8",
    ),
    (["generate", "--prompts-file", "nul.txt", "--out", "new"], "NUL"),
    (["generate", "--prompts-file", "empty.txt", "--out", "new"], "empty.txt is empty"),
    (["generate", "--prompts-file", "none.txt", "--out", "new"], "no file none.txt"),
    (["generate", "--prompts-file", ".", "--out", "new"], "is a folder: give a file"),
    (["interpolate", "a cat", "--out", "new.gif"], "at least two prompts"),
    (["mix", "a cat", "--out", "new"], "Give at least two prompts to mix"),
    (["mix", "a cat", "a dog", "--amount", "0.2", "1.5", "--out", "new"], "--amount: 1.5 is not from 0 to 1"),
    (["mix", "a cat", "a dog", "--way", "glue", "--out", "new"], "invalid choice: 'glue'"),
    (["mix", "a cat", " ", "--out", "new"], "is blank"),
    (["interpolate", "a cat", "a dog", "--out", "new.avi"], ".gif or .webp or .mp4"),
    (["interpolate", "a cat", "a dog", "--steps", "1", "--out", "new.gif"], "at least 2"),
    (["interpolate", "a cat", "a dog", "--space", "time", "--out", "new.gif"], "invalid choice: 'time'"),
    (["retrieve"], "either a prompt or --image"),
    (["retrieve", "a cat", "--image", "good.txt"], "either a prompt or --image"),
    (["retrieve", "--image", "none.png"], "no file none.png"),
    (["retrieve", "--image", "good.txt"], "good.txt is no picture in a known format"),
    (["retrieve", "a cat", "--k", "0"], "--k: 0 is out of range"),
    (["retrieve", "a cat", "--index", "none"], "No index at none"),
    (["index", "none at all", "--out", "new"], "none at all"),
    (["index", "void", "--out", "new"], "void"),
    (["evaluate", "--out", "new.txt"], ".json"),
    (["evaluate", "--suite", "looks", "--out", "new.json"], "invalid choice: 'looks'"),
    (["evaluate", "--out", "void"], "end the name in .json"),
    (["evaluate", "--out", "new.json", "--figure", "new.gif"], "end the name in .png"),
    (["benchmark", "--out", "new.txt"], ".json"),
    (["scenes", "--out", "new.gif"], ".png"),
    (["timelapse", "run", "--out", "new.png"], ".gif or .webp or .mp4"),
    (["scenes", "--size", "40", "--out", "new.png"], "40 is not a multiple of 32"),
    (["train", "--out", "new"], "--preset NAME"),
    (["train", "--preset", "huge", "--out", "new"], "Unknown preset 'huge'"),
    (
        ["train", "--preset", "nano", "--set", "training.speed=9", "--out", "new"],
        "Cannot set 'training.speed=9'",
    ),
    (["train", "--preset", "nano", "--max-seconds", "0", "--out", "new"], "--max-seconds: 0 is out of range"),
    (["train", "--preset", "nano", "--resume", "--out", "new"], "Nothing to resume in new"),
    (["train", "--preset", "nano", "--limit", "3", "--out", "new"], "are about --data"),
    (["train", "--preset", "nano", "--warm-start", "none", "--out", "new"], "No checkpoint at none"),
    (["train", "--preset", "nano", "--data", "void", "--out", "new"], "void"),
    (["train", "--preset", "own-32", "--out", "new"], "The preset own-32 is for your own pictures: say where they are"),
    (["train", "--preset", "nano", "--set", "training.total_steps=9", "--out", "new"], "Cannot set 'training.total_st"),
    (["train", "--preset", "nano", "--set", "image_size=64", "--out", "new"], "64 px need 4 entries in channels"),
    (["train", "--preset", "emoji-64", "--set", "retriever.image_size=32", "--out", "new"], "must have one image_size"),
    (["train", "--preset", "nano", "--set", "world.concepts=cat", "--out", "new"], "emoji world has no setting 'conc"),
    (["train", "--preset", "nano", "--set", 'world.only={"concept":["elefant"]}', "--out", "new"], "value 'elefant'"),
    (["train", "--preset", "nano", "--set", 'world.only=["cat"]', "--out", "new"], "only is attribute"),
    (["train", "--preset", "nano", "--set", "world.kind=toy", "--out", "new"], "There is no world 'toy'"),
    (["train", "--preset", "nano", "--set", "world.family_size=many", "--out", "new"], "family_size"),
    (["train", "--preset", "nano", "--set", 'training.phases=[["rest",3]]', "--out", "new"], "a phase is one of"),
    (["train", "--preset", "nano", "--set", "training.phases=[3]", "--out", "new"], "a phase is one of reconstruct"),
    (["train", "--preset", "nano", "--set", "generator.norm=grop", "--out", "new"], "norm is one of batch, group,"),
    (["generate", "a cat", "--seed", str(2**53 - 9), "--best-of", "2", "--out", "new"], "is too large"),
    (["evaluate", "--out", "f.json", "--figure", "f.jpg"], "--figure f.jpg: end the name in .png"),
    (["paint"], "invalid choice: 'paint'"),
]


@pytest.mark.parametrize(
    ("command", "message"), BAD, ids=[" ".join(c).encode("ascii", "replace").decode() for c, _ in BAD]
)
def test_bad_input_is_one_line_and_writes_nothing(run, command: list[str], message: str) -> None:
    Path("good.txt").write_text("a cat\n")
    Path("blank.txt").write_text("a cat\n \na dog\n")
    Path("latin.txt").write_bytes("a cat\nein Bär\n".encode("latin-1"))
    Path("nul.txt").write_bytes(b"a \0cat\n")
    Path("empty.txt").write_bytes(b"")
    Path("void").mkdir()
    before = sorted(str(path) for path in Path().rglob("*"))
    status, out, err = run(*command)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert message in err
    assert "Traceback" not in err
    assert sorted(str(path) for path in Path().rglob("*")) == before


def test_a_damaged_checkpoint_is_one_line(run, tiny_checkpoint: Path, tmp_path: Path, capfd) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    assert cli.main(["generate", "a cat", "--checkpoint", "broken", "--out", "new"]) == 2
    assert capfd.readouterr().err.count("\n") == 1
    assert not Path("new").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_end_any_command(run, monkeypatch: pytest.MonkeyPatch, number: int, status: int) -> None:
    monkeypatch.setattr(GanDprPipeline, "__call__", lambda *_, **__: signal.raise_signal(number))
    got, _, err = run("generate", "a cat", "--out", "new")
    assert (got, err) == (status, "gan_dpr generate: stopped\n")
    assert not Path("new").exists()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_help_of_every_command(run) -> None:
    for command in (
        "generate",
        "interpolate",
        "mix",
        "retrieve",
        "index",
        "train",
        "evaluate",
        "benchmark",
        "scenes",
        "timelapse",
    ):
        status, out, err = run(command, "--help")
        assert (status, err) == (0, "")
        assert f"usage: python -m gan_dpr {command}" in out


def test_parsing_and_importing_stay_light() -> None:
    heavy = {"torch", "gradio", "transformers", "numpy"}
    code = f"import sys, gan_dpr, gan_dpr.cli; print({heavy} & set(sys.modules))"
    environment = {"PYTHONPATH": str(Path(cli.__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "set()\n"


# ------------------------------------------------------------------ the other commands


@pytest.mark.parametrize("name", ["a.gif", "b.webp", "c.mp4"])
def test_interpolate(run, name: str) -> None:
    status, out, err = run(
        "interpolate", "a cat", "a dog", "a frog", "--steps", "3", "--space", "both", "--out", name
    )
    assert (status, out, err) == (0, f"{name}  5 frames\n", "")
    assert Path(name).stat().st_size > 100


def test_mix(run, pipe: GanDprPipeline, tiny_checkpoint: Path) -> None:
    command = ("mix", "a cat", "a dog", "--amount", "0", "0.4", "--way", "middle", "--seed", "3", "--out", "mixed")
    status, out, err = run(*command)
    assert (status, out, err) == (0, "mixed/00000_0.png  amount 0\nmixed/00000_1.png  amount 0.4\n", "")
    expected = pipe.mix(["a cat", "a dog"], [0.0, 0.4], "middle", 3)
    for k, (entry, mixed) in enumerate(zip(lines_of("mixed/index.jsonl"), expected, strict=True)):
        amount, file = [0.0, 0.4][k], f"00000_{k}.png"
        assert entry == {
            "prompts": ["a cat", "a dog"], "way": "middle", "amount": amount, "image": k, "seed": 3, "file": file,
        }  # fmt: skip
        with Image.open(f"mixed/{file}") as image:
            assert np.abs(np.asarray(image).astype(int) - np.asarray(mixed)).max() <= 1
            assert image.text == {
                "prompts": "a cat\na dog", "way": "middle", "amount": f"{amount:g}", "seed": "3",
                "checkpoint": tiny_checkpoint.name,
            }  # fmt: skip
    for way in WAYS:  # as the parser has them
        assert run("mix", "a cat", "a dog", "--way", way, "--out", way)[0] == 0
    assert run(*command)[0] == 2
    assert run("generate", "a cat", "--out", "mixed", "--overwrite")[0] == 2  # another command's output
    assert run(*command, "--overwrite")[0] == 0


def test_retrieve(run, pipe: GanDprPipeline) -> None:
    status, out, err = run("retrieve", "a dog", "--k", "4", "--json")
    assert (status, err) == (0, "")
    hits = pipe.retrieve("a dog", k=4)
    assert json.loads(out) == {
        "query": "a dog",
        "results": [
            {
                "rank": i + 1,
                "score": round(h.score, 6),
                "caption": h.caption,
                "concept": h.concept,
                "path": h.path,
            }
            for i, h in enumerate(hits)
        ],
    }
    table = run("retrieve", "a dog", "--k", "4")[1].splitlines()
    assert len(table) == 5
    assert all(hit.caption in line for hit, line in zip(hits, table[1:], strict=True))


def test_index_and_search_own_pictures(run, pipe: GanDprPipeline) -> None:
    Path("mine/cats").mkdir(parents=True)
    Path("mine/dogs").mkdir()
    for name, colour in (("cats/a.png", "red"), ("cats/b.png", "blue"), ("dogs/c.png", "green")):
        Image.new("RGB", (40, 40), colour).save(Path("mine") / name)
    Path("mine/dogs/broken.png").write_bytes(b"no picture")
    status, out, err = run("index", "mine", "--out", "gallery")
    assert (status, out) == (0, "gallery  3 pictures\n")
    assert err.splitlines()[:2] == ["pictures: 3 used, 1 skipped", "captions: 3 from names of folders; 2 different"]
    assert err.splitlines()[2].startswith("skipped dogs/broken.png: ")
    assert err.count("\n") == 3
    status, out, err = run(
        "retrieve", "--image", "mine/cats/b.png", "--index", "gallery", "--json", "--k", "9"
    )
    found = json.loads(out)
    assert (status, err, found["query"]) == (0, "", "mine/cats/b.png")
    assert [result["rank"] for result in found["results"]] == [1, 2, 3]
    assert found["results"][0] == {
        "rank": 1, "score": pytest.approx(1, abs=1e-4), "caption": "cats", "concept": None,
        "path": str(Path("mine/cats/b.png").resolve()),
    }  # fmt: skip


def test_index_of_a_split(run) -> None:
    for split, colour in (("test", "red"), ("validation", "blue")):
        Path("mine", split).mkdir(parents=True)
        Image.new("RGB", (40, 40), colour).save(f"mine/{split}/{colour}.png")
    status, _, err = run("index", "mine", "--out", "gallery")
    assert (status, err) == (2, "gan_dpr index: error: mine has no split 'train': use one of test, validation\n")
    status, out, err = run("index", "mine", "--split", "test", "--out", "gallery")
    assert (status, out) == (0, "gallery  1 pictures\n")
    assert err.splitlines()[-1] == "split: test; left out: validation/ (1 files)"
    found = json.loads(run("retrieve", "red", "--index", "gallery", "--json")[1])["results"]
    assert [result["path"] for result in found] == [str(Path("mine/test/red.png").resolve())]


def test_index_takes_pictures_without_captions(run) -> None:
    Path("shots").mkdir()
    Image.new("RGB", (40, 40), "red").save("shots/my_red-wall.png")
    status, out, err = run("index", "shots", "--out", "gallery")
    assert (status, out) == (0, "gallery  1 pictures\n")
    assert "captions: 1 from names of files; 1 different" in err
    found = json.loads(run("retrieve", "a wall", "--index", "gallery", "--json")[1])["results"]
    assert [result["caption"] for result in found] == ["my red wall"]


def test_pictures_of_a_table_are_copied_into_the_index(run) -> None:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = []
    for colour in ("red", "blue"):
        buffer = io.BytesIO()
        Image.new("RGB", (40, 40), colour).save(buffer, "PNG")
        rows.append({"bytes": buffer.getvalue(), "path": None})
    pq.write_table(pa.table({"shot": rows, "words": ["a red one", "a blue one"]}), "table.parquet")
    columns = ["--image-column", "shot", "--caption-column", "words"]
    assert run("index", "table.parquet", *columns, "--out", "gallery")[0] == 0
    found = json.loads(run("retrieve", "red", "--index", "gallery", "--json")[1])["results"]
    colours = {result["caption"]: picture(result["path"])[0, 0].tolist() for result in found}
    assert colours == {"a red one": [255, 0, 0], "a blue one": [0, 0, 255]}


def test_scenes(run) -> None:
    status, out, err = run("scenes", "--n", "4", "--out", "sheets/s.png")
    assert (status, out, err) == (0, "sheets/s.png\n", "")
    assert Image.open("sheets/s.png").format == "PNG"
