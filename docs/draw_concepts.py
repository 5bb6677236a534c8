"""Draws every concept that a model knows, once, small, upright on white, in the order of the table:

    python -m docs.draw_concepts --out FILE.webp [--checkpoint DIR] [--columns 40]
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gan_dpr.images import grid
from gan_dpr.pipeline import GanDprPipeline

CHECKPOINT = Path(__file__).parents[1] / "checkpoints" / "emoji-64"
BATCH = 64


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Draw every concept that a model knows.")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.webp")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, metavar="DIR")
    parser.add_argument("--columns", type=int, default=40)
    args = parser.parse_args()
    pipe = GanDprPipeline.from_pretrained(args.checkpoint, "cpu")
    prompts = [pipe.guide.with_thing("a large thing on a white background", key) for key in pipe.guide.names]
    pictures = []
    for start in range(0, len(prompts), BATCH):
        few = prompts[start : start + BATCH]
        drawn = pipe(few, generator=torch.Generator().manual_seed(start)).images
        pictures += [np.asarray(picture.resize((32, 32), Image.Resampling.BOX)) for picture in drawn]
    grid(np.stack(pictures), columns=args.columns).save(args.out, quality=90, method=6)


if __name__ == "__main__":
    main()
