"""The Retrieve tab: find drawings for words, for a picture, or for both."""

import gradio as gr
from PIL import Image

from ..pipeline import Hit
from ..worlds.protocol import Guide
from .guide import guide
from .own_pictures import OwnGalleries, OwnGallery
from .pictures import chip_row, chips, data_uri, open_upload, picture_input, picture_wall, tile_of, wall
from .prompts import MAX_LENGTH, check_prompt, check_range, told
from .read_back import only_said, read, read_back
from .studio import MODEL_QUEUE, Stopwatch, Studio
from .words import asked_in_korean, say, t

MAX_HITS = 50
EMPTY = "Type a query or drop a picture."
OWN = "Up to 200 pictures of at most 10 MB, or a zip with captions. Only you see them."


def search(
    studio: Studio, text: str | None, image: Image.Image | None, k: int, own: OwnGallery | None = None
) -> list[Hit]:
    """Drawings of the gallery, and of one's own, best first. Raises ValueError with a sentence for the page."""
    text = (text or "").strip()
    if not text and image is None:
        raise ValueError(say(EMPTY))
    check_range("Number of results", k, 1, MAX_HITS)
    query = {"text": check_prompt(text) if text else None, "image": image, "k": int(k)}
    if not studio.searchable and own is None:
        raise ValueError(say("This model has no gallery: add pictures of your own below, and they are searched."))
    hits = studio.pipeline.retrieve(**query) if studio.searchable else []
    if own is not None:
        hits = sorted(hits + studio.pipeline.retrieve(**query, index=own.index), key=lambda hit: -hit.score)
    return hits[: int(k)]


class RetrieveTab:
    """Lays itself out inside the current Blocks; `prompt` and `tabs` are for "Draw it".

    The first look at `tab` runs the example query.
    """

    def __init__(
        self, studio: Studio, status: gr.HTML, prompt: gr.Textbox, tab: gr.Tab, tabs: gr.Tabs, page: gr.Blocks
    ):
        self.studio, self.galleries = studio, OwnGalleries()
        gr.Markdown(
            t("The discriminator is a search engine: words or a picture in, the nearest drawings out."),
            elem_classes="lead",
        )
        guide("retrieve")
        with gr.Row():
            with gr.Column(scale=5, min_width=300):
                self.query = query = gr.Textbox(
                    studio.examples.queries[0],
                    label=t("Words"),
                    info=t("Leave empty to search by picture alone"),
                    max_length=MAX_LENGTH,
                    max_lines=3,
                    elem_id="query",
                )
                examples = chip_row(studio.examples.queries, elem_id="query-examples")
                studio.opening.offer(query, lambda offered: offered.queries[0])
                studio.opening.offer(examples, lambda offered: chips(offered.queries))
                self.picture = picture = picture_input(
                    label=t("Picture (with words too, both count equally)"),
                    sources=["upload", "clipboard"],
                    height=190,
                    buttons=[],
                    elem_id="query-picture",
                )
                k = gr.Slider(
                    1, MAX_HITS, 12, step=1, label=t("Results"), info=t("How many drawings to show"), buttons=[]
                )
                with gr.Row(elem_classes="buttons"):
                    draw = gr.Button(t("Nothing close? Draw it"), variant="primary", size="md", elem_id="draw-it")
                    clear = gr.Button(t("Clear"), size="md")
            with gr.Column(scale=7):
                found = picture_wall(EMPTY, 128, elem_id="found")
                captions = read_back(elem_id="captions")
                with gr.Accordion(t("Search your own pictures too"), open=False, elem_id="own-gallery"):
                    upload = gr.File(
                        file_count="multiple", file_types=["image", ".zip"], height=120, show_label=False,
                        elem_id="own-pictures",
                    )  # fmt: skip
                    about_own = gr.Markdown(t(OWN), elem_id="about-own")
                    remove = gr.Button(t("Remove mine"), size="md", interactive=False, elem_id="remove-own")
        hits = gr.State([], time_to_live=3600)

        private = {"api_visibility": "private", "show_progress": "hidden"}
        gr.on(
            [query.change, picture.change, k.change],
            self._search,
            [query, picture, k],
            [found, captions, status, hits],
            trigger_mode="always_last",
            **MODEL_QUEUE,
            **private,
        )
        tab.select(
            self._first_search,
            [hits, query, picture, k],
            [found, captions, status, hits],
            **MODEL_QUEUE,
            **private,
        )
        examples.select(_chosen, None, [query, picture], queue=False, **private)
        found.select(_again, hits, [query, picture], queue=False, **private)
        clear.click(None, None, [query, picture], js="() => ['', null]", **private)  # at once: words may follow
        search_again = {
            "fn": self._search, "inputs": [query, picture, k],
            "outputs": [found, captions, status, hits], **MODEL_QUEUE, **private,
        }  # fmt: skip
        # A file that is taken out of the list is no longer searched: the others are read again.
        gr.on(
            [upload.upload, upload.delete], self._add, upload, [about_own, remove],
            trigger_mode="always_last", **MODEL_QUEUE, **private,
        ).then(**search_again)  # fmt: skip
        gr.on([remove.click, upload.clear], self._remove, None, [about_own, remove, upload], **private).then(
            **search_again
        )
        studio.visits.ends.append(self.galleries.drop)
        draw.click(self._draw_it, [query, picture], [prompt, tabs, captions], **MODEL_QUEUE, **private)

    def _search(self, request: gr.Request, query: str, path: str | None, k: int):
        watch = Stopwatch()
        self.studio.visits.seen(request.session_hash)
        own = self.galleries.get(request.session_hash)
        self.studio.uploads.note(request.session_hash, [path])
        try:
            image = open_upload(path)
            hits = search(self.studio, query, image, k, own)
        except ValueError as error:
            return wall([], str(error)), only_said(""), self.studio.status(), []
        took = watch.ms
        tiles = [
            tile_of(
                data_uri(hit.image),
                short_title(self.studio.guide, hit.caption, hit.concept),
                f"{hit.score:.2f}",
                alt=(shows := _said(self.studio.guide, hit)),
                hint=say("{caption}: search with it", caption=shows),
            )
            for hit in hits
            if hit.image is not None
        ]
        said = only_said("") if image is None else read(self.studio, image, say("In words."))
        searched = len(self.studio.pipeline.gallery) if self.studio.searchable else 0
        searched += len(own.index) if own else 0
        status = self.studio.status(say("nearest {n} of {all}", n=len(hits), all=searched), took)
        return wall(tiles, tile=128), said, status, hits

    def _first_search(self, request: gr.Request, hits: list[Hit], query: str, path: str | None, k: int):
        return [gr.skip()] * 4 if hits else self._search(request, query, path, k)

    def _add(self, request: gr.Request, paths: list[str] | None):
        self.studio.visits.seen(request.session_hash)
        self.studio.uploads.note(request.session_hash, paths or [])
        try:
            said = self.galleries.add(request.session_hash, self.studio.pipeline, paths or [])
        except ValueError as error:
            return str(error), gr.Button(interactive=False)
        more = say("They are searched with the gallery, and deleted five minutes after you leave.")
        return f"{said} {more}", gr.Button(interactive=True)

    def _remove(self, request: gr.Request):
        self.galleries.drop(request.session_hash)
        return say(OWN), gr.Button(interactive=False), None

    def _draw_it(self, query: str, path: str | None):
        """The words go to Generate; without any, those that the retriever has for the picture."""
        words = (query or "").strip()
        try:
            image = open_upload(path)
        except ValueError as error:
            return gr.skip(), gr.skip(), only_said(str(error))
        if not words and image is None:
            return gr.skip(), gr.skip(), only_said(say(EMPTY))
        if not words:
            found = self.studio.pipeline.captions_for(image, k=1)
            words = told(self.studio.guide, found[0][1]) if found else ""
        return words or gr.skip(), gr.Tabs(selected="generate"), gr.skip()


def _said(guide: Guide | None, hit: Hit) -> str:
    """The caption of a result; one of the visitor's own pictures has no concept, and words of their own."""
    return told(guide, hit.caption) if hit.concept else hit.caption


def short_title(guide: Guide | None, caption: str, concept: str | None) -> str:
    """The concept and whose drawing it is, for under a thumbnail."""
    style = caption.partition(" in ")[2].rpartition(" in ")[2].removesuffix(" style")
    if not (concept and style):
        return caption
    names = guide.korean_names if guide is not None and asked_in_korean() else {}
    return f"{names.get(concept, concept)}, {style}"


def _again(hits: list[Hit], event: gr.EventData):
    i = int(event.index)
    return ("", hits[i].image) if 0 <= i < len(hits) else gr.skip()


def _chosen(event: gr.EventData):
    return str(event.action)[:MAX_LENGTH], None
