"""Builds the demo and launches it; `python app.py --help` lists the options."""

import argparse
import contextlib
import sys
from pathlib import Path

with contextlib.suppress(ImportError):
    import spaces  # noqa: F401 - of a ZeroGPU Space; it has to come before torch

from gan_dpr.demo.page import build_page
from gan_dpr.demo.theme import launch_options
from gan_dpr.demo.zero_gpu import ON_ZERO_GPU
from gan_dpr.pipeline import GanDprPipeline


def main() -> None:
    parser = argparse.ArgumentParser(description="The GAN-DPR demo: generate, interpolate, retrieve, train.")
    parser.add_argument("--host", help="address to listen on; GRADIO_SERVER_NAME or 127.0.0.1 if not given")
    parser.add_argument(
        "--port", type=int, help="port to listen on; the first free one from 7860 if not given"
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        default=Path(__file__).parent / "checkpoints" / "emoji-64",
        help="folder of the model (default: %(default)s)",
    )
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where the model runs"
    )
    parser.add_argument("--share", action="store_true", help="make a public link through Gradio's servers")
    args = parser.parse_args()
    if ON_ZERO_GPU:
        args.device = "cpu"  # drawing takes milliseconds there; the lent GPU is for training
    try:
        pipeline = GanDprPipeline.from_pretrained(args.checkpoint, args.device)
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    page = build_page(pipeline)
    page.launch(server_name=args.host, server_port=args.port, share=args.share, **launch_options())


if __name__ == "__main__":
    main()
