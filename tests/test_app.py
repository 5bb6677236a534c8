"""The running app through gradio_client: the public endpoints and nothing else."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from serving import ROOT, App, running_app

from gan_dpr.pipeline import GanDprPipeline

pytestmark = pytest.mark.app


@pytest.fixture(scope="module")
def client(app: App, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(app.address, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


def test_only_these_endpoints_are_public(client: Client):
    described = client.view_api(return_format="dict", print_info=False)
    signatures = {
        name: {
            p["parameter_name"]: p["parameter_default"] if p["parameter_has_default"] else ...
            for p in api["parameters"]
        }
        for name, api in described["named_endpoints"].items()
    }
    assert signatures == {
        "/generate": {"prompt": ..., "n": 4, "seed": 0, "truncation": 1.0, "best_of": 1},
        "/sticker": {
            "prompt": ..., "n": 4, "seed": 0, "size": 256, "outline": False, "shadow": False, "chat": "",
            "format": "png", "truncation": 1.0,
        },
        "/interpolate": {"prompt_a": ..., "prompt_b": ..., "steps": 16, "seed": 0},
        "/mix": {"prompt_a": ..., "prompt_b": ..., "amount": 0.5, "way": "halves", "seed": 0},
        "/search_text": {"query": ..., "k": 12},
        "/search_image": {"image": ..., "k": 12},
    }
    assert described["unnamed_endpoints"] == {}
    assert all(api["description"] for api in described["named_endpoints"].values())


def test_generate_draws_what_the_pipeline_draws(client: Client, pipe: GanDprPipeline):
    pictures, rows = client.predict("a cat", n=2, seed=5, api_name="/generate")
    assert [row["seed"] for row in rows] == [5, 6]
    import torch

    own = pipe("a cat", num_images_per_prompt=2, generator=torch.Generator().manual_seed(5))
    assert [row["score"] for row in rows] == pytest.approx(own.scores, abs=1e-3)
    for picture, expected in zip(pictures, own.images, strict=True):
        with Image.open(picture["image"]) as image:
            assert image.tobytes() == expected.tobytes()


def test_generate_needs_only_a_prompt(client: Client):
    pictures, rows = client.predict("a cat", api_name="/generate")
    assert len(pictures) == len(rows) == 4


def test_generated_pictures_carry_their_settings(client: Client):
    pictures, _ = client.predict("a blue dog", n=1, seed=3, api_name="/generate")
    with Image.open(pictures[0]["image"]) as image:
        assert image.text == {"prompt": "a blue dog", "seed": "3", "checkpoint": "tiny", "truncation": "1"}


def test_interpolate_returns_a_film(client: Client):
    path = client.predict("a cat", "a frog", steps=5, api_name="/interpolate")
    with Image.open(path) as film:
        assert film.format == "GIF"
        assert film.n_frames == 5
        assert film.size == (32, 32)


def test_mix_returns_what_the_pipeline_mixes(client: Client, pipe: GanDprPipeline):
    path = client.predict("a cat", "a frog", amount=0.3, way="middle", seed=4, api_name="/mix")
    with Image.open(path) as image:
        assert image.tobytes() == pipe.mix(["a cat", "a frog"], [0.3], "middle", 4)[0].tobytes()


def test_search_text_ranks(client: Client):
    pictures, rows = client.predict("a cat", k=7, api_name="/search_text")
    assert len(pictures) == 7
    assert [row["rank"] for row in rows] == list(range(1, 8))
    scores = [row["score"] for row in rows]
    assert scores == sorted(scores, reverse=True)


def test_search_image_finds_the_picture_itself(client: Client, pipe: GanDprPipeline, tmp_path: Path):
    hit = pipe.retrieve(text="a cat", k=3)[2]
    hit.image.save(tmp_path / "query.png")
    _, rows, captions = client.predict(handle_file(tmp_path / "query.png"), k=2, api_name="/search_image")
    assert rows[0]["caption"] == hit.caption
    assert rows[0]["score"] == pytest.approx(1, abs=1e-3)
    assert len(captions) == 2


@pytest.mark.parametrize(
    ("arguments", "api_name", "sentence"),
    [
        ({"prompt": " "}, "/generate", "Type what to draw"),
        ({"prompt": "a" * 301}, "/generate", "That prompt has 301 letters; at most 300 are read"),
        ({"prompt": "a cat", "n": 17}, "/generate", "Number of pictures: take a number from 1 to 16"),
        ({"prompt": "a cat", "seed": -1}, "/generate", "Seed: take a number from 0"),
        ({"prompt": "a cat", "chat": "msn"}, "/sticker", "There is no chat 'msn'"),
        ({"prompt": "a cat"}, "/sticker", "stickers need layers"),
        ({"prompt_a": "a cat", "prompt_b": "", "steps": 4}, "/interpolate", "Type what to draw"),
        ({"prompt_a": "a cat", "prompt_b": "a dog", "steps": 1}, "/interpolate", "Steps: take a number from 2 to 64"),
        ({"prompt_a": "a cat", "prompt_b": ""}, "/mix", "Type what to draw"),
        ({"prompt_a": "a cat", "prompt_b": "a dog", "amount": 2}, "/mix", "Amount: take a number from 0 to 1"),
        ({"prompt_a": "a cat", "prompt_b": "a dog", "way": "x"}, "/mix", "no such way to mix: take one of colours"),
        ({"query": ""}, "/search_text", "Type a query or drop a picture"),
        ({"query": "a cat", "k": 51}, "/search_text", "Number of results: take a number from 1 to 50"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(client: Client, app: App, arguments, api_name, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**arguments, api_name=api_name)
    assert "Traceback" not in app.log.read_text()


def test_a_file_that_is_no_picture_is_answered_with_a_sentence(client: Client, app: App, tmp_path: Path):
    (tmp_path / "query.png").write_text("this is no picture")
    with pytest.raises(AppError, match="not a picture that can be read"):
        client.predict(handle_file(tmp_path / "query.png"), api_name="/search_image")
    assert "Traceback" not in app.log.read_text()


def test_training_cannot_be_called_from_outside(client: Client):
    with pytest.raises(ValueError, match="Cannot find a function"):
        client.predict(api_name="/_start")


@pytest.mark.slow
def test_a_missing_checkpoint_is_one_line(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "app.py", "--checkpoint", str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith(f"No checkpoint at {tmp_path}")


def start(checkpoint: Path, *options: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "app.py", "--checkpoint", str(checkpoint), "--device", "cpu", *options]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120,
        env={**os.environ, "HF_HUB_OFFLINE": "1", **environment},
    )  # fmt: skip


@pytest.mark.slow
def test_a_damaged_gallery_is_one_line(pipe: GanDprPipeline, tiny_checkpoint: Path, tmp_path: Path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_checkpoint, folder)
    pipe.gallery.save(folder / "gallery")
    (folder / "gallery" / "vectors.safetensors").write_bytes(b"x")
    done = start(folder)
    assert done.returncode == 2
    assert str(folder / "gallery") in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_port_in_use_is_one_sentence(tiny_checkpoint: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = start(tiny_checkpoint, "--port", str(port))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"{port}" in done.stderr.strip().splitlines()[-1]
    assert "choose another --port" in done.stderr.strip().splitlines()[-1]


@pytest.mark.slow
def test_a_proxy_in_the_environment_does_not_matter(tiny_checkpoint: Path, tmp_path: Path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody is there
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with running_app(tiny_checkpoint, tmp_path / "log.txt") as running:
        time.sleep(3)  # it asks itself whether it answers, and would give up by now
        assert psutil.pid_exists(running.pid)
        assert psutil.Process(running.pid).status() != psutil.STATUS_ZOMBIE
        assert "Traceback" not in running.log.read_text()
