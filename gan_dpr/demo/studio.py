"""What all tabs share: the loaded model, what it was trained on and the status line."""

import html
import time
from functools import cached_property

from PIL import Image

from ..pipeline import GanDprPipeline
from ..worlds.protocol import Scene
from .examples import Examples, examples_of, in_korean
from .opening import Opening
from .prompts import Remark, read_as, remark
from .together import Together
from .training_pictures import Near, nearest_training
from .uploads import Uploads
from .visits import Visits
from .words import asked_in_korean, say

MAX_OWN = 16  # models that visitors trained and took over, in memory at once
# One queue for everything that runs the shipped model: on two cores one after the other is fastest. But visitors who
# want pictures of a prompt are let in at once, to be drawn for together.
MODEL_QUEUE = {"concurrency_id": "model", "concurrency_limit": 1}
DRAWING_QUEUE = {"concurrency_id": "drawing", "concurrency_limit": 16}


class Stopwatch:
    """Milliseconds since it was made."""

    def __init__(self):
        self.start = time.perf_counter()

    @property
    def ms(self) -> float:
        return 1000 * (time.perf_counter() - self.start)


class Studio:
    """A loaded model and what the page says about it."""

    def __init__(self, pipeline: GanDprPipeline):
        self.pipeline, self.guide = pipeline, pipeline.guide
        self.together = Together(pipeline)
        self._own: dict[str, Studio] = {}
        self.uploads, self.visits = Uploads(), Visits()
        self.visits.ends.append(self.forget)
        self.opening = Opening(self.offered)

    @cached_property
    def examples(self) -> Examples:
        """What the page offers to try."""
        return examples_of(self.pipeline)

    @cached_property
    def _korean_examples(self) -> Examples:
        return in_korean(self.examples, self.guide) if self.guide else self.examples

    def offered(self) -> Examples:
        """The examples in the language of the browser that asked."""
        return self._korean_examples if asked_in_korean() else self.examples

    def remark(self, prompt: str) -> Remark:
        """What to say beside a prompt."""
        return read_as(self.pipeline, prompt, remark(self.pipeline, prompt))

    def nearest_training(self, drawn: Image.Image, prompt: str) -> list[Near]:
        """The training pictures that a drawn one is compared with, nearest first; none where they are not here."""
        return nearest_training(drawn, prompt, self.pipeline.world, self.guide)

    def real_picture(self, scene: Scene) -> Image.Image | None:
        """What the model's world shows of a scene; None where its pictures are not here."""
        try:
            return Image.fromarray(self.pipeline.world.render(scene, self.pipeline.image_size))
        except ValueError:
            return None

    @cached_property
    def searchable(self) -> bool:
        """Whether the model's world has a gallery of its own."""
        return bool(self.pipeline.world.gallery())

    def status(self, what: str = "", ms: float | None = None) -> str:
        """The status line as HTML: model, parameters, device, and what was done last."""
        pipeline, size = self.pipeline, self.pipeline.image_size
        sizes = say(
            "generator {g}, retriever {r}, text encoder {t}",
            g=_millions(pipeline.generator),
            r=_millions(pipeline.retriever),
            t=_millions(pipeline.text_tower.model),
        )
        about = [
            say("{size} px, {n} concepts", size=size, n=len(self.guide.names)) if self.guide else f"{size} px",
            say("on {device}", device=pipeline.device.type),
        ]
        # On a phone there is room for the name and the time alone.
        parts = [f"<b>{html.escape(pipeline.name)}</b><span class='about'> · {' · '.join(about)}</span>"]
        if ms is not None:
            parts.append(say("{what} in {ms}", what=what, ms=f"<b>{ms:.0f} ms</b>"))
        return f'<div class="status" title="{sizes}">' + " · ".join(parts) + "</div>"

    def of(self, own: bool, session: str | None) -> "Studio":
        """This studio, or the one that a visitor trained and took over; ValueError where that is gone."""
        if not own:
            return self
        if (session or "") not in self._own:
            raise ValueError(say("Your own model is gone: train one in Mini-train and press “Use in Generate”."))
        return self._own[session or ""]

    def take(self, session: str | None, own: "Studio") -> None:
        """Let a session draw with a model of its own; of too many the oldest goes."""
        self._own.pop(session or "", None)
        self._own[session or ""] = own
        while len(self._own) > MAX_OWN:
            del self._own[next(iter(self._own))]

    def forget(self, session: str | None) -> None:
        """The visit has ended: drop the session's own model, and what was uploaded."""
        self._own.pop(session or "", None)
        self.uploads.drop(session)

    def warm_up(self) -> None:
        """Run everything once, so that the first visitor waits for nothing."""
        prompt = self.examples.prompts[0]
        picture = self.pipeline(prompt, num_images_per_prompt=4).images[0]
        if self.searchable:
            self.pipeline.retrieve(text=prompt, k=1)
        self.pipeline.captions_for(picture, k=1)
        self.remark("?")
        self.remark(self._korean_examples.prompts[0])


def pictures_said(n: int) -> str:
    """A number of pictures, in words."""
    return say("1 picture") if n == 1 else say("{n} pictures", n=n)


def _millions(model) -> str:
    return f"{sum(p.numel() for p in model.parameters()) / 1e6:.1f} M"
