"""Builds the demo and launches it; `python app.py --help` lists the options."""

import argparse
import contextlib
import gc
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

with contextlib.suppress(ImportError):
    import spaces  # noqa: F401 - of a ZeroGPU Space; it has to come before torch


def main() -> None:
    parser = argparse.ArgumentParser(description="The GAN-DPR demo: generate, interpolate, retrieve, train.")
    parser.add_argument("--host", help="address to listen on; GRADIO_SERVER_NAME or 127.0.0.1 if not given")
    parser.add_argument(
        "--port", type=int, help="port to listen on; the first free one from 7860 if not given"
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        default=shipped(Path(__file__).parent / "checkpoints"),
        help="folder of the model (default: %(default)s)",
    )
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where the model runs"
    )
    parser.add_argument("--share", action="store_true", help="make a public link through Gradio's servers")
    args = parser.parse_args()

    gc.disable()  # nothing of the imports is ever freed, and looking through it again and again takes a second
    from gan_dpr.demo.lending import ON_ZERO_GPU
    from gan_dpr.pipeline import GanDprPipeline

    if ON_ZERO_GPU:
        args.device = "cpu"  # drawing takes milliseconds there; the lent GPU is for training
    with ThreadPoolExecutor(1) as other:
        loading = other.submit(GanDprPipeline.from_pretrained, args.checkpoint, args.device)
        # Seconds of imports, while the weights are read.
        from gan_dpr.demo.page import build_page
        from gan_dpr.demo.theme import launch_options
    try:
        pipeline = loading.result()
        pipeline.read_stored()
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    ask_ourselves_directly(args.host)
    page = build_page(pipeline)
    gc.freeze()
    gc.enable()
    try:
        page.launch(server_name=args.host, server_port=args.port, share=args.share, **launch_options())
    except OSError as error:  # of Gradio's own words only the first sentence is about this
        print(f"{str(error).partition('. ')[0]}: choose another --port, or leave it out.", file=sys.stderr)
        sys.exit(2)


def shipped(folder: Path) -> Path:
    """emoji-64, or in a Space of another model (`export-space`) the one that is there."""
    models = sorted(path.parent for path in folder.glob("*/generator.safetensors"))
    return models[0] if models and folder / "emoji-64" not in models else folder / "emoji-64"


def ask_ourselves_directly(host: str | None) -> None:
    """At its start Gradio asks the server whether it answers; a proxy of the environment cannot."""
    for name in ("NO_PROXY", "no_proxy"):
        listed = [os.environ.get(name), "localhost", "127.0.0.1", host]
        os.environ[name] = ",".join(entry for entry in listed if entry)


if __name__ == "__main__":
    main()
