"""A sweep over what can go wrong: each is one sentence and exit status 2, and nothing is written."""

import contextlib
import errno
import io
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gan_dpr import cli
from gan_dpr.cli.failures import sentence_of
from gan_dpr.index import DenseIndex
from gan_dpr.pipeline import GanDprPipeline

ROOT = str(Path(__file__).parents[1])
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def copy(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may damage."""
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "copy"))


def sentence(capfd: pytest.CaptureFixture, *arguments: str) -> str:
    """What a command that must fail says; it must write nothing."""
    before = sorted(Path().rglob("*"))
    assert cli.main(list(arguments)) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n"), "Traceback" in err) == ("", 1, False)
    assert sorted(Path().rglob("*")) == before
    return err


# -- kinds of errors


def raised(call: object, *arguments: object) -> BaseException:
    try:
        call(*arguments)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def nested() -> None:
    json.loads(100_000 * "[")


KINDS = {
    "full disk": (
        OSError(errno.ENOSPC, "No space left on device", "a.png"),
        "a.png: No space left on device: make room",
    ),
    "file limit": (OSError(errno.EFBIG, "File too large"), "File too large: make room"),
    "locked": (PermissionError(errno.EACCES, "Permission denied", "a"), "a: Permission denied: choose a place"),
    "no words": (OSError(), "A file cannot be read or written."),
    "memory": (MemoryError(), "There is not enough memory"),
    "torch's memory": (RuntimeError("DefaultCPUAllocator: can't allocate memory: you"), "There is not enough memory"),
    "nested": (raised(nested), "A file is nested too deeply"),
    "no UTF-8": (raised(b"\xff".decode), "cannot be read or written as utf-8"),
    "surrogate": (raised("\ud800".encode), "cannot be read or written as utf-8"),
    "zip": (raised(zipfile.ZipFile, io.BytesIO(b"PK")), "A file is damaged or cut off"),
    "zlib": (raised(zlib.decompress, b"x"), "A file is damaged or cut off"),
    "struct": (raised(struct.unpack, ">I", b"x"), "A file is damaged or cut off"),
    "end": (EOFError(), "A file is damaged or cut off (EOFError)"),
    "JSON": (raised(json.loads, "{"), "Expecting property name"),
    "weights": (SafetensorError("header too large"), "A weights file is damaged (header too large)."),
    "weights on a full disk": (
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        "No space left on device: make room on the disk",
    ),
    "Arrow": (pa.ArrowNotImplementedError("no such type"), "no such type"),
    "Arrow's own": (pa.ArrowException("odd"), "A table cannot be read (odd)."),
    "no picture": (raised(Image.open, io.BytesIO(b"x")), "cannot identify image file"),
    "too large a picture": (Image.DecompressionBombError("big"), "A picture cannot be read (big)."),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_failure_is_one_sentence(run, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    error, message = KINDS[kind]

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(GanDprPipeline, "__call__", fail)
    status, out, err = run("generate", "a cat", "--out", "new")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("gan_dpr generate: error: ")
    assert message in err
    assert not Path("new").exists()


@pytest.mark.parametrize(
    "error", [KeyError("x"), TypeError("x"), AssertionError("x"), RuntimeError("x"), IndexError("x")]
)
def test_what_is_a_fault_of_ours_is_seen_whole(error: Exception) -> None:
    assert sentence_of(error) is None


# -- checkpoints


@pytest.mark.parametrize(
    "name",
    ["generator.safetensors", "retriever.safetensors", "text_encoder/model.safetensors", "text_encoder/tokenizer.json",
     "text_encoder/config.json", "text_encoder/tokenizer_config.json", "config.json"],
)  # fmt: skip
def test_every_file_of_a_checkpoint_is_checked(capfd: pytest.CaptureFixture, copy: Path, name: str) -> None:
    command = ("generate", "a cat", "--checkpoint", "copy", "--device", "cpu", "--out", "new")
    whole = (copy / name).read_bytes()
    for content in (None, b"", POINTER, whole[: len(whole) // 2], b"\xff" * 99, b"[" * 9999):
        (copy / name).unlink(missing_ok=True)
        if content is not None:
            (copy / name).write_bytes(content)
        err = sentence(capfd, *command)
        assert "copy" in err
        if content == POINTER:
            assert f"{name} is a Git LFS pointer and not the file itself: run `git lfs pull`." in err


def test_weights_that_are_no_numbers(capfd: pytest.CaptureFixture, copy: Path) -> None:
    weights = load_file(copy / "generator.safetensors")
    name = next(iter(weights))
    weights[name].view(-1)[0] = torch.nan
    save_file(weights, copy / "generator.safetensors")
    err = sentence(capfd, "generate", "a cat", "--checkpoint", "copy", "--device", "cpu", "--out", "new")
    assert f"generator.safetensors is damaged: {name} holds what is no finite number" in err


def test_entries_of_another_version_are_named(capfd: pytest.CaptureFixture, copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config["generator"]["sharpness"] = 3
    (copy / "config.json").write_text(json.dumps(config))
    command = ("generate", "a cat", "--checkpoint", "copy", "--device", "cpu", "--out", "new")
    assert "settings that this version does not know (sharpness): use the version" in sentence(capfd, *command)
    del config["generator"]["sharpness"]
    (copy / "config.json").write_text(json.dumps(config | {"world": {"kind": "emoji", "weather": []}}))
    assert "weather" in sentence(capfd, *command)


def test_an_older_checkpoint_without_hashes_still_loads(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    assert set(config["text_encoder"].pop("files")) == {"config.json", "tokenizer.json", "tokenizer_config.json"}
    (copy / "config.json").write_text(json.dumps(config))
    GanDprPipeline.from_pretrained(copy, device="cpu")
    (copy / "text_encoder/tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match="text_encoder has no tokenizer.json"):
        GanDprPipeline.from_pretrained(copy, device="cpu")


def test_a_save_that_is_killed_anywhere_leaves_a_checkpoint_that_loads(
    copy: Path, pipe: GanDprPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another text tower, as where it learns, after each of the moves that a save is made of."""
    moved = os.replace
    for last in range(12):
        shutil.rmtree("half", ignore_errors=True)
        shutil.copytree(copy, "half")
        changed = GanDprPipeline.from_pretrained(copy, device="cpu")
        for weight in changed.text_tower.model.parameters():
            weight.mul_(1.01)
        done = 0

        def replace(source, target, last: int = last) -> None:
            nonlocal done
            if Path("half") in Path(target).parents and ".part-" not in str(Path(target).parent):
                if done == last:
                    raise KeyboardInterrupt
                done += 1
            moved(source, target)

        monkeypatch.setattr(os, "replace", replace)
        with contextlib.suppress(KeyboardInterrupt):
            changed.save_pretrained("half")
        monkeypatch.setattr(os, "replace", moved)
        GanDprPipeline.from_pretrained("half", device="cpu")
        assert not [path for path in Path("half").rglob("*") if path.name.startswith(".")]
    assert done < last  # the last one was not cut off
    about = json.loads(Path("half/config.json").read_text())
    assert "weights_before" not in about
    assert "before" not in about["text_encoder"]


@pytest.mark.parametrize("name", ["generator.safetensors", "retriever.safetensors"])
def test_one_flipped_bit_of_a_weight_is_noticed(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[-100] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} is not what was saved here: its sha256 differs"):
        GanDprPipeline.from_pretrained(copy, device="cpu")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("owner/name", "No checkpoint at owner/name: there is no such folder, and the Hugging Face hub did not"),
        ("kopy", "No checkpoint at kopy: there is no such folder. Did you mean copy"),
        ("run", "No checkpoint at run: it is in the folder below. Give run/checkpoint"),
        ("empty", "No checkpoint at empty: no config.json there"),
        ("file", "No checkpoint at file: that is a file"),
        ("/nowhere/at/all", "No checkpoint at /nowhere/at/all: there is no such folder. Give the folder that `train`"),
    ],
)
def test_what_is_no_checkpoint_is_told_as_it_is(capfd, copy: Path, place: str, message: str) -> None:
    shutil.copytree(copy, "run/checkpoint")
    Path("empty").mkdir()
    Path("file").touch()
    with pytest.raises(FileNotFoundError, match=message):
        GanDprPipeline.from_pretrained(place)
    err = sentence(capfd, "generate", "a cat", "--checkpoint", place, "--out", "new")
    assert err.startswith(f"gan_dpr generate: error: No checkpoint at {place}: ")


def test_a_text_encoder_that_is_not_there(capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    command = ("train", "--preset", "nano", "--device", "cpu", "--out", "new", "--text-encoder")
    err = sentence(capfd, *command, "no/where")
    assert "--text-encoder no/where: there is no such folder, and the Hugging Face hub did not give it" in err
    Path("void").mkdir()
    assert "void holds no text encoder that can be read" in sentence(capfd, *command, "void")


# -- an index


@pytest.fixture
def gallery(run) -> Path:
    Path("mine").mkdir()
    for colour in ("red", "blue"):
        Image.new("RGB", (40, 40), colour).save(f"mine/{colour}.png")
    assert run("index", "mine", "--out", "gallery")[0] == 0
    return Path("gallery")


@pytest.mark.parametrize("name", ["config.json", "index.faiss", "metadata.jsonl"])
def test_every_file_of_an_index_is_checked(run, gallery: Path, name: str) -> None:
    whole = (gallery / name).read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x15
    for content in (None, b"", POINTER, whole[: len(whole) // 2], bytes(flipped), b"\xff" * 99, b"[" * 99999, b"[1]\n"):
        (gallery / name).unlink(missing_ok=True)
        if content is not None:
            (gallery / name).write_bytes(content)
        status, out, err = run("retrieve", "a cat", "--index", "gallery")
        assert (status, out, err.count("\n")) == (2, "", 1), content
        assert "gallery" in err


def test_an_index_of_something_else(run, pipe: GanDprPipeline) -> None:
    index = DenseIndex(16, pipe.encoder_id)
    index.add(np.eye(16, dtype=np.float32)[:1], [{"name": "x"}])
    index.save("other")
    assert "is no gallery of pictures" in run("retrieve", "a cat", "--index", "other")[2]


def test_vectors_that_are_no_unit_vectors_are_refused(gallery: Path) -> None:
    index = faiss.IndexFlatIP(16)
    index.add(np.full((2, 16), np.nan, np.float32))
    (gallery / "index.faiss").write_bytes(faiss.serialize_index(index).tobytes())
    config = json.loads((gallery / "config.json").read_text())
    del config["files"]  # as an older index has none
    (gallery / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="is damaged: make it again"):
        DenseIndex.load(gallery)


def test_copies_move_with_their_index(run, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(buffer, "PNG")
    pq.write_table(pa.table({"image": [buffer.getvalue()], "text": ["red"]}), "a.parquet")
    assert run("index", "a.parquet", "--out", "gallery")[0] == 0
    Path("gallery").rename("moved")
    found = json.loads(run("retrieve", "red", "--index", "moved", "--json")[1])["results"]
    assert found[0]["path"] == str(tmp_path / "moved/pictures/000000.png")


# -- the world outside


def limited(code: str, **options) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment, **options
    )


def no_large_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))


WRITING = [
    ["interpolate", "a cat", "a dog", "--out", "x.mp4"], ["interpolate", "a cat", "a dog", "--out", "x.gif"],
    ["interpolate", "a cat", "a dog", "--out", "x.webp"], ["generate", "a cat", "--out", "new"],
    ["index", "mine", "--out", "new"], ["scenes", "--out", "x.png"],
    ["train", "--preset", "nano", "--set", "pool_size=8", "--set", "generator.text_dim=32",
     "--set", "retriever.text_dim=32", "--device", "cpu", "--text-encoder", "encoder", "--out", "new"],
]  # fmt: skip


@pytest.mark.slow
def test_a_full_disk_is_an_error_and_leaves_nothing(tiny_checkpoint: Path) -> None:
    Path("mine").mkdir()
    for i in range(40):
        Image.new("RGB", (8, 8), (i, 0, 0)).save(f"mine/{i}.png")
    shutil.copytree(tiny_checkpoint / "text_encoder", "encoder")
    before = sorted(Path().rglob("*"))
    model = ["--checkpoint", str(tiny_checkpoint), "--device", "cpu"]
    commands = [command + ([] if command[0] in ("scenes", "train") else model) for command in WRITING]
    code = (  # all in one process: most of the time goes into starting it
        "import sys; from gan_dpr.cli import main\n"
        f"for command in {commands!r}:\n"
        "    try:\n        status = main(command)\n"
        "    except SystemExit as left:\n        status = left.code\n"
        "    print('STATUS', status, file=sys.stderr)\n"
    )
    done = limited(code, preexec_fn=no_large_files)
    assert "Traceback" not in done.stderr
    said = done.stderr.split("STATUS ")
    assert len(said) == len(WRITING) + 1, done.stderr
    for i, command in enumerate(WRITING):
        assert said[i + 1].startswith("2"), (command, done.stderr)
        last = said[i].splitlines()[-1]
        assert f"{command[0]}: error: " in last, command
        assert "Cannot set" not in last
    assert sorted(Path().rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_console_that_cannot_print_a_letter(tiny_checkpoint: Path, encoding: str) -> None:
    Path("mine/고양이").mkdir(parents=True)
    Image.new("RGB", (8, 8), "red").save("mine/고양이/a.png")
    model = ["--checkpoint", str(tiny_checkpoint), "--device", "cpu"]
    code = (
        "import sys; from gan_dpr.cli import main\n"
        f"assert main({['index', 'mine', '--out', 'gallery', *model]!r}) == 0\n"
        f"assert main({['retrieve', 'red', '--index', 'gallery', *model]!r}) == 0\n"
        f"assert main({['retrieve', 'red', '--index', 'gallery', '--json', *model]!r}) == 0\n"
        f"assert main({['generate', '고양이', '--out', 'new', *model]!r}) == 0\n"
    )
    environment = os.environ | {"PYTHONPATH": ROOT, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    lines = done.stdout.decode(encoding).splitlines()
    assert "\\uace0\\uc591\\uc774" in lines[2]
    assert json.loads(lines[3])["results"][0]["caption"] == "고양이"


@pytest.mark.slow
def test_a_full_console_is_an_error_and_loses_nothing(tiny_checkpoint: Path) -> None:
    model = ["--checkpoint", str(tiny_checkpoint), "--device", "cpu"]
    code = (
        f"import sys; from gan_dpr.cli import main; sys.exit(main({['generate', 'a cat', '--out', 'new', *model]!r}))"
    )
    environment = os.environ | {"PYTHONPATH": ROOT}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment
        )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "No space left on device" in done.stderr
    assert sorted(path.name for path in Path("new").iterdir()) == ["00000_0.png", "index.jsonl"]


def test_half_letters_in_prompts_are_a_sentence(pipe: GanDprPipeline) -> None:
    for call in (pipe, pipe.encode_text, lambda prompt: pipe.retrieve(text=prompt)):
        with pytest.raises(ValueError, match="half a letter"):
            call("\ud800")
