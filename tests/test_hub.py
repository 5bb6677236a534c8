"""Models and Spaces on the Hugging Face hub, for which a folder stands here."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import gradio
import huggingface_hub
import numpy as np
import pytest
import torch
import yaml
from serving import answers_at

from gan_dpr import GanDprPipeline


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """A hub whose repositories are folders."""
    place = tmp_path / "hub"

    def create_repo(self, repo_id, private=None, exist_ok=False):
        full = repo_id if "/" in repo_id else f"me/{repo_id}"
        (place / full).mkdir(parents=True, exist_ok=exist_ok)
        return SimpleNamespace(repo_id=full)

    def upload_folder(self, *, repo_id, folder_path, revision, commit_message, create_pr):
        assert (revision, create_pr) == (None, False)
        shutil.copytree(folder_path, place / repo_id, dirs_exist_ok=True)
        return SimpleNamespace(commit_url=f"hub/{repo_id}/commit/{commit_message}")

    def snapshot_download(repo_id, revision=None):
        if not (place / repo_id / (revision or "")).is_dir():
            raise huggingface_hub.errors.LocalEntryNotFoundError(f"{repo_id} is not there.\nmore")
        return str(place / repo_id)

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", create_repo)
    monkeypatch.setattr(huggingface_hub.HfApi, "upload_folder", upload_folder)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.chdir(tmp_path)
    return place


def test_a_model_that_was_pushed_comes_back_with_its_card(hub, tiny_checkpoint, tmp_path):
    shutil.copytree(tiny_checkpoint, tmp_path / "mine")
    (tmp_path / "mine/README.md").write_text("# Mine\n")
    pipe = GanDprPipeline.from_pretrained(tmp_path / "mine", "cpu")
    assert pipe.push_to_hub("cats", commit_message="first") == "hub/me/cats/commit/first"
    assert (hub / "me/cats/README.md").read_text() == "# Mine\n"
    back = GanDprPipeline.from_pretrained("me/cats", "cpu")
    assert (back.name, back.encoder_id) == ("cats", pipe.encoder_id)
    once, again = (p("a cat", generator=torch.Generator().manual_seed(0)).images[0] for p in (pipe, back))
    assert np.array_equal(once, again)


def test_the_command_line_takes_a_model_of_the_hub(hub, tiny_checkpoint, run, capfd):
    from gan_dpr import cli

    shutil.copytree(tiny_checkpoint, hub / "me/cats")
    assert cli.main(["generate", "a cat", "--checkpoint", "me/cats", "--device", "cpu", "--out", "drawn"]) == 0
    assert Path("drawn/00000_0.png").is_file()
    assert cli.main(["generate", "a cat", "--checkpoint", "me/dogs", "--device", "cpu", "--out", "new"]) == 2
    assert capfd.readouterr().err.endswith(
        "No checkpoint at me/dogs: there is no such folder, and the Hugging Face hub did not give it "
        "(me/dogs is not there).\n"
    )


def test_options_go_to_the_hub_and_a_folder_needs_none(hub, tiny_checkpoint):
    shutil.copytree(tiny_checkpoint, hub / "me/cats")
    with pytest.raises(FileNotFoundError, match="the Hugging Face hub did not give it"):
        GanDprPipeline.from_pretrained("me/cats", "cpu", revision="old")


# ---------------------------------------------------------------- Spaces


@pytest.fixture(scope="module")
def space(tiny_checkpoint, tmp_path_factory) -> Path:
    from gan_dpr import cli

    folder = tmp_path_factory.mktemp("space") / "space"
    arguments = ["export-space", str(folder), "--title", "Cats: mine", "--checkpoint", str(tiny_checkpoint)]
    assert cli.main(arguments) == 0
    return folder


def test_a_space_has_settings_that_the_hub_reads(space):
    settings = yaml.safe_load((space / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert settings["title"] == "Cats: mine"
    assert (settings["sdk"], settings["sdk_version"]) == ("gradio", gradio.__version__)
    assert settings["app_file"] == "app.py"
    assert f"gradio=={gradio.__version__}" in (space / "requirements.txt").read_text()
    assert not list(space.rglob("__pycache__"))


def test_a_space_is_never_written_over_anything(space, run):
    status, _, err = run("export-space", str(space))
    assert status == 2
    assert "holds what this command did not write" in err


@pytest.mark.app
def test_a_space_runs_by_itself(space, tmp_path):
    from gradio_client import Client

    with answers_at([sys.executable, "app.py"], cwd=space, log=tmp_path / "log.txt") as running:
        pictures, rows = Client(running.address, verbose=False).predict("a cat", n=1, seed=3, api_name="/generate")
    assert rows[0]["seed"] == 3
    assert Path(pictures[0]["image"]).is_file()
    loaded = subprocess.run(
        [sys.executable, "-c", "import gan_dpr; print(gan_dpr.__file__)"], cwd=space, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert loaded.stdout.strip() == str(space / "gan_dpr/__init__.py")  # and not this repository's
