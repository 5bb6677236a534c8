"""The demo as a process of its own, as a visitor finds it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent
START_SECONDS = 400  # beside trainings that have every core


@dataclass(frozen=True)
class App:
    """A running demo: where it listens, its process and what it has printed."""

    address: str
    pid: int
    log: Path


def has_drawn(page: "Page") -> None:
    """Wait until a page that was just opened has drawn for the first time: it comes with the same pictures before."""
    from playwright.sync_api import expect

    expect(page.locator("#status b").nth(1)).to_contain_text("ms")
    expect(page.locator("#pictures .tile")).to_have_count(4)


@contextmanager
def running_app(checkpoint: Path, log: Path) -> Iterator[App]:
    """Start app.py on a free port, wait until it answers, yield it and end it."""
    with answers_at([sys.executable, "app.py", "--checkpoint", str(checkpoint)], ROOT, log) as running:
        yield running


@contextmanager
def answers_at(command: list[str], cwd: Path, log: Path) -> Iterator[App]:
    """The same for an app that a command starts in a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*command, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=cwd, stdout=out, stderr=out, env={**os.environ, "HF_HUB_OFFLINE": "1"}
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(address):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The app did not start:\n{log.read_text()}")
            time.sleep(0.2)
        yield App(address, process.pid, log)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=5) as response:
            return response.status == 200
    except OSError:
        return False
