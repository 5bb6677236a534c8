"""Files made to be downloaded. Gradio copies each into its own cache at once; the original is swept later."""

import shutil
import tempfile
import time
from pathlib import Path

KEEP_SECONDS = 600
_ROOT = tempfile.TemporaryDirectory(prefix="gan-dpr-")  # goes with the process


def new_file(name: str) -> Path:
    """Where to write a file of that name, in an empty folder; what was made long ago is deleted."""
    root = Path(_ROOT.name)
    for old in root.iterdir():
        if time.time() - old.stat().st_mtime > KEEP_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=root)) / name
