"""Tiny models for all tests, built from configurations: nothing is downloaded, nothing is trained."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if "PYTEST_XDIST_WORKER" in os.environ:  # two processes with a thread each share two cores best
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import settings
from serving import App, has_drawn, running_app
from tiny import TEXT_DIM
from transformers import BertConfig, BertModel, BertTokenizerFast

from gan_dpr import checkpoint, cli
from gan_dpr.config import GeneratorConfig, RetrieverConfig
from gan_dpr.gallery import save_vectors
from gan_dpr.networks.encoders import TextTower
from gan_dpr.networks.generator import Generator
from gan_dpr.networks.retriever import Retriever
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.worlds.emoji.attributes import BACKGROUND, TINT
from gan_dpr.worlds.emoji.concepts import CONCEPTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LAST = ("slow", "app", "browser")
# The same examples everywhere: a test that fails by chance belongs to nobody's change.
settings.register_profile("same", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("same")
CORE128 = {"kind": "emoji", "only": {"concept": "core128"}}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first, then the marked ones, group by group."""
    def group(item: pytest.Item) -> int:
        return max((LAST.index(m.name) + 1 for m in item.iter_markers() if m.name in LAST), default=0)

    items.sort(key=group)


def tiny_text_tower(folder: Path) -> TextTower:
    """A random two-layer BERT over a WordPiece vocabulary of letters and of the words of the tests' worlds."""
    names = [word for c in CONCEPTS.values() for word in " ".join((c.name, *c.synonyms)).lower().split()]
    words = ["a", "an", "on", "at", "the", "in", "with", "background", "style", "upside", "down", "sideways",
             "small", "medium", "sized", "large", "top", "bottom", "left", "right", "middle"]  # fmt: skip
    words += [*TINT.values, *BACKGROUND.values, "square", "disc"]
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789-,"]
    vocabulary = dict.fromkeys(
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{x}" for x in letters), *words, *names]
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(
            BertConfig(
                vocab_size=len(vocabulary), hidden_size=TEXT_DIM, num_hidden_layers=2, num_attention_heads=2,
                intermediate_size=64, max_position_embeddings=64,
            )
        )  # fmt: skip
    return TextTower(model, tokenizer)


@pytest.fixture(scope="session")
def text_tower(tmp_path_factory: pytest.TempPathFactory) -> TextTower:
    """A random text tower of 32 dimensions."""
    return tiny_text_tower(tmp_path_factory.mktemp("vocabulary"))


def random_checkpoint(folder: Path, tower: TextTower, seed: int, world: dict, **generator: Any) -> Path:
    """A checkpoint folder with random networks of 32 px pictures and 16-d embeddings."""
    shape = {"image_size": 32, "text_dim": TEXT_DIM, "slots": 2, "slot_dim": 8}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        drawing = Generator(GeneratorConfig(**shape, hidden_dim=16, channels=(8, 8), **generator))
        searching = Retriever(RetrieverConfig(**shape, embed_dim=16, channels=(8, 8, 8)))
    checkpoint.save(folder, drawing, searching, tower, {"world": world})
    return folder


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory, text_tower: TextTower) -> Path:
    """Of the first 128 concepts, without layers."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    return random_checkpoint(folder, text_tower, 1, CORE128, noise_dim=8, composition="none")


@pytest.fixture(scope="session")
def layered_checkpoint(tmp_path_factory: pytest.TempPathFactory, text_tower: TextTower) -> Path:
    """Of the whole emoji world, with layers: it draws an object, and lays it on a background."""
    folder = tmp_path_factory.mktemp("checkpoints") / "layered"
    return random_checkpoint(folder, text_tower, 3, {"kind": "emoji"}, noise_dim=4, composition="layered")


@pytest.fixture(scope="session")
def pipe(tiny_checkpoint: Path) -> GanDprPipeline:
    """The tiny checkpoint's pipeline; tests must leave it as it is."""
    return GanDprPipeline.from_pretrained(tiny_checkpoint, device="cpu")


@pytest.fixture(scope="session")
def app(tiny_checkpoint: Path, pipe: GanDprPipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The demo of the tiny checkpoint, with a map of its drawings, as a process of its own."""
    folder = tmp_path_factory.mktemp("app")
    shutil.copytree(tiny_checkpoint, folder / "tiny")
    pipe.gallery.save(folder / "tiny" / "gallery")
    places = torch.rand(len(pipe.gallery), 2, generator=torch.Generator().manual_seed(0)).numpy()
    save_vectors(folder / "tiny" / "gallery", {"places": places}, pipe.encoder_id)
    with running_app(folder / "tiny", folder / "log.txt") as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path="/usr/bin/chromium-headless-shell",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, app: App) -> Iterator[Page]:
    """The open demo; no script may fail in it, and nothing may be asked of another host."""
    yield from _watched(browser.new_page(viewport={"width": 1280, "height": 900}), app)


@pytest.fixture
def phone(browser: Browser, app: App) -> Iterator[Page]:
    """The same on a phone."""
    yield from _watched(
        browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True), app
    )


def _watched(opened: Page, app: App) -> Iterator[Page]:
    opened.set_default_timeout(60_000)
    errors, asked = [], []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(app.address)
    has_drawn(opened)
    yield opened
    opened.close()
    assert errors == []
    assert [url for url in asked if not url.startswith((app.address, "data:", "blob:"))] == []


@pytest.fixture
def run(tiny_checkpoint: Path, capfd: pytest.CaptureFixture):
    """Runs a command with the tiny checkpoint: (exit status, stdout, stderr)."""

    def call(command: str, *arguments: str) -> tuple[int, str, str]:
        model = (
            []
            if command in ("train", "scenes", "timelapse")
            else ["--checkpoint", str(tiny_checkpoint), "--device", "cpu"]
        )
        status = 0
        try:
            status = cli.main([command, *arguments, *model])
        except SystemExit as exit_:
            status = exit_.code
        return status, *capfd.readouterr()

    return call
