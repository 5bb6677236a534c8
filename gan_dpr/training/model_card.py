"""The README.md that `train` writes beside a checkpoint's weights."""

from typing import Any

from ..config import Preset

TEMPLATE = """---
library_name: gan-dpr
pipeline_tag: text-to-image
tags: [gan, text-to-image, image-retrieval, dpr]
---

# GAN-DPR, preset {preset}

A text-to-image GAN whose discriminator is a dense text-image retriever. {summary}
Generator {generator:.1f} M parameters, retriever {retriever:.1f} M, {size} px.

## Training

{steps:,} steps of {batch} pictures ({images:,} in all) in {seconds:,.0f} s of step time, on {data}.{before}{overrides}
`training.json` holds all settings and the curves.

## Use

```bash
python -m gan_dpr generate "a prompt" --checkpoint FOLDER --out pictures
python app.py --checkpoint FOLDER
```

## Not known yet

Nothing has been measured on this checkpoint: `python -m gan_dpr evaluate --checkpoint FOLDER --out figures.json` does
it for emoji scenes. The weights have the licence that you give them; the text encoder has its own, in `text_encoder/`.
"""


def model_card(preset: Preset, summary: dict[str, Any], generator_size: int, retriever_size: int) -> str:
    """Markdown with the Hugging Face hub's header.

    Args:
        preset: what was trained.
        summary: the entries of training.json.
        generator_size, retriever_size: numbers of parameters.
    """
    steps, first = summary["steps"] - summary["first_step"], summary["first_step"]
    changed = f" Changed from the preset: `{', '.join(summary['overrides'])}`." if summary["overrides"] else ""
    return TEMPLATE.format(
        preset=preset.name,
        summary=preset.summary if summary["data"] is None else "Trained on captioned pictures.",
        generator=generator_size / 1e6,
        retriever=retriever_size / 1e6,
        size=preset.generator.image_size,
        steps=steps,
        batch=summary["images"] // steps,
        images=summary["images"],
        seconds=summary["seconds"],
        data="generated emoji scenes" if summary["data"] is None else f"`{summary['data']}`",
        before=f" They began at step {first:,} of another checkpoint." if first else "",
        overrides=changed,
    )
