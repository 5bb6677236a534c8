"""export-space: the demo of one model as a folder that a Hugging Face Space runs."""

import argparse
import json
import shutil
from importlib.metadata import version
from pathlib import Path

from ..files import SPACE, check_output, new_output
from .paths import check_checkpoint, check_folder, load_pipeline

ROOT = Path(__file__).parents[2]  # of the repository
BESIDE = ("app.py", "requirements.txt", "LICENSE")  # the package
README = """---
title: {title}
emoji: 🎨
colorFrom: yellow
colorTo: pink
sdk: gradio
sdk_version: {gradio}
python_version: "3.12"
app_file: app.py
tags:
  - text-to-image
  - image-retrieval
  - gan
---

The demo of the GAN-DPR model in `{model}`, whose README says what it knows. `python app.py` runs it here;

    hf upload owner/name . --repo-type space

in this folder makes it a Space.
"""


def export_space(args: argparse.Namespace) -> int:
    """Write README.md with the Space's settings, app.py, requirements.txt, the package and the model."""
    check_folder(args.out, option="DIR")
    check_output(args.out, SPACE, overwrite=False, option="DIR")
    check_checkpoint(args.checkpoint)
    missing = [name for name in BESIDE if not (ROOT / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{missing[0]} is not at {ROOT}: run this in a clone of the repository.")
    pipe = load_pipeline(args.checkpoint, "cpu")

    model = f"checkpoints/{pipe.name}"
    with new_output(args.out, SPACE, overwrite=False) as folder:
        for name in BESIDE:
            shutil.copyfile(ROOT / name, folder / name)
        shutil.copytree(ROOT / "gan_dpr", folder / "gan_dpr", ignore=shutil.ignore_patterns("__pycache__", ".*"))
        pipe.save_pretrained(folder / model)
        title = json.dumps(args.title, ensure_ascii=False)  # a JSON text is a YAML text, whatever is in it
        settings = README.format(title=title, gradio=version("gradio"), model=model)
        (folder / "README.md").write_text(settings, encoding="utf-8")
    print(f"{args.out}  python app.py runs it; README.md says how to upload it")
    return 0
