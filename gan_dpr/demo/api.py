"""The public endpoints, usable by gradio_client and, with the extra, as MCP tools."""

from functools import wraps

import gradio as gr

from ..animation import save_animation
from ..pipeline import Hit
from ..stickers.alone import check_layers
from ..stickers.targets import CHATS, encoded, target_of
from .downloads import new_file
from .drawing import about, draw
from .interpolate import FPS, morph
from .mix import mix as mixes
from .pictures import open_upload, picture_input, png_bytes
from .retrieve import search
from .studio import DRAWING_QUEUE, MODEL_QUEUE, Studio


def build(studio: Studio) -> None:
    """Add the endpoints to the current Blocks, on components that are never shown."""

    def generate(prompt: str, n: int, seed: int, truncation: float, best_of: int):
        """Draw pictures of a prompt.

        Args:
            prompt: one thing, with a colour, size, place, turn and background, at most 300 letters.
            n: number of pictures, 1 to 16.
            seed: seed of the first picture; the next ones have the numbers after it.
            truncation: factor of the noise, 0 to 2; below 1 is safer and less varied.
            best_of: candidates for each picture, 1 to 16, of which the one with the highest score is kept.

        Returns:
            The pictures, and for each its seed and its score (cosine of prompt and picture).
        """
        out = draw(studio, prompt, n, seed, truncation, best_of)
        files, rows = [], []
        for i, (image, score, own) in enumerate(zip(out.images, out.scores, out.seeds, strict=True)):
            path = new_file(f"{i:02d}_seed_{own}.png")
            path.write_bytes(png_bytes(image, about(prompt.strip(), own, studio.pipeline.name, truncation)))
            files.append((str(path), f"seed {own}, score {score:.3f}"))
            rows.append({"prompt": prompt.strip(), "seed": own, "score": round(score, 4)})
        return files, rows

    def sticker(
        prompt: str, n: int, seed: int, size: int, outline: bool, shadow: bool, chat: str, format: str,
        truncation: float,
    ):  # fmt: skip
        """Draw pictures of a prompt and return what they show as transparent stickers.

        Args:
            prompt: one thing, with a colour, turn and style, at most 300 letters.
            n: number of stickers, 1 to 16.
            seed: seed of the first one; the next ones have the numbers after it.
            size: pixels a side, 64, 128, 256 or 512.
            outline: a white line around the object.
            shadow: a soft shadow below it.
            chat: slack, discord, discord-emoji, telegram or whatsapp, whose size, format and limits are kept then;
                empty for the size and format given.
            format: png or webp.
            truncation: factor of the noise, 0 to 2; below 1 is safer and less varied.

        Returns:
            The files, and for each its prompt, seed, score (cosine of prompt and picture) and number of bytes.
        """
        target = target_of(chat, int(size), format)
        check_layers(studio.pipeline.generator)
        out = draw(studio, prompt, n, seed, truncation, 1)
        stickers = studio.pipeline.stickers(prompt.strip(), out.seeds, target.side, outline, shadow, truncation)
        files, rows = [], []
        for i, (picture, score, own) in enumerate(zip(stickers, out.scores, out.seeds, strict=True)):
            path = new_file(f"{i:02d}_seed_{own}.{target.format}")
            data = encoded(picture, target, about(prompt.strip(), own, studio.pipeline.name, truncation))
            path.write_bytes(data)
            files.append(str(path))
            rows.append({"prompt": prompt.strip(), "seed": own, "score": round(score, 4), "bytes": len(data)})
        return files, rows

    def interpolate(prompt_a: str, prompt_b: str, steps: int, seed: int):
        """Morph one prompt into another.

        Args:
            prompt_a: where the film starts.
            prompt_b: where it ends.
            steps: number of frames, 2 to 64, both ends included.
            seed: seed of the noise, which stands still.

        Returns:
            A looping GIF at the model's size, 12 frames a second.
        """
        path = new_file("morph.gif")
        save_animation(morph(studio, [prompt_a, prompt_b], [seed], steps), path, FPS)
        return str(path)

    def mix(prompt_a: str, prompt_b: str, amount: float, way: str, seed: int):
        """Draw two prompts as one thing.

        Args:
            prompt_a: the first; place, size, turn, tint and background are taken from it.
            prompt_b: the second.
            amount: how much of the second, 0 to 1.
            way: "halves" joins them from the top down, "middle" from the middle outwards, "colours" draws the first in
                the second's colours, "blend" is a double exposure.
            seed: seed of the noise.

        Returns:
            A PNG at the model's size.
        """
        path = new_file("mix.png")
        path.write_bytes(png_bytes(mixes(studio, [prompt_a, prompt_b], way, [amount], seed)[0]))
        return str(path)

    def search_text(query: str, k: int):
        """Find the drawings of the gallery that are nearest to a text.

        Args:
            query: what to look for, at most 300 letters.
            k: number of results, 1 to 50.

        Returns:
            The drawings, best first, and for each its rank, score (cosine), caption and concept.
        """
        return _results(search(studio, query, None, k))

    def search_image(image: str, k: int):
        """Find the drawings of the gallery that are nearest to a picture, and captions for it.

        Args:
            image: the picture to search with.
            k: number of results, 1 to 50.

        Returns:
            The drawings, best first; for each its rank, score (cosine), caption and concept; and the captions
            nearest to the picture with their scores.
        """
        picture = open_upload(image)
        found = search(studio, None, picture, k)
        captions = studio.pipeline.captions_for(picture, k=min(int(k), 10))
        return *_results(found), [{"score": round(score, 4), "caption": caption} for score, caption in captions]

    with gr.Row(visible=False):
        prompt, second, query = (gr.Textbox(label=label) for label in ("Prompt", "Second prompt", "Query"))
        image = picture_input(label="Picture")
        n, steps, k = (gr.Number(value, precision=0) for value in (4, 16, 12))
        seed, best_of, truncation = gr.Number(0, precision=0), gr.Number(1, precision=0), gr.Number(1.0)
        pictures, rows, captions = (
            gr.Gallery(label="Pictures", format="png"),
            gr.JSON(label="Rows"),
            gr.JSON(),
        )
        animation = gr.Image(type="filepath", format="gif", label="Animation")
        amount, way = gr.Number(0.5), gr.Textbox("halves", label="Way")
        mixed = gr.Image(type="filepath", format="png", label="Mix")
        size, (outline, shadow) = gr.Number(256, precision=0), (gr.Checkbox(False) for _ in range(2))
        chat, format = gr.Textbox("", label=f"Chat: {', '.join(CHATS)}"), gr.Textbox("png", label="Format")
        files = gr.File(file_count="multiple", label="Stickers")
        for function, inputs, outputs in (
            (generate, [prompt, n, seed, truncation, best_of], [pictures, rows]),
            (sticker, [prompt, n, seed, size, outline, shadow, chat, format, truncation], [files, rows]),
            (interpolate, [prompt, second, steps, seed], [animation]),
            (mix, [prompt, second, amount, way, seed], [mixed]),
            (search_text, [query, k], [pictures, rows]),
            (search_image, [image, k], [pictures, rows, captions]),
        ):
            gr.Button().click(
                _with_sentences(function),
                inputs,
                outputs,
                api_name=function.__name__,
                api_visibility="public",
                **(DRAWING_QUEUE if function is generate else MODEL_QUEUE),
            )


def _with_sentences(function):
    """Bad input reaches a client as its sentence, without a traceback in the log."""

    @wraps(function)
    def called(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from None

    return called


def _results(hits: list[Hit]):
    rows = [
        {"rank": rank, "score": round(hit.score, 4), "caption": hit.caption, "concept": hit.concept}
        for rank, hit in enumerate(hits, 1)
    ]
    return [(hit.image, hit.caption) for hit in hits], rows
