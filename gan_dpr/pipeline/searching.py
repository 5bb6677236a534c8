"""What a loaded model reads and finds: prompts as its world understands them, texts and pictures as vectors."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from ..gallery import load_vectors, open_picture, world_gallery
from ..images import to_pixels
from ..index import DenseIndex
from ..networks.encoders import TokenStates, check_letters
from ..worlds.naming import vectors_of_names
from ..worlds.pictures.decode import decode_picture
from ..worlds.protocol import Caption, Describer, Guide
from .loaded import LoadedModel

# Of a cosine. The crown, a keyword of which is "queen", lies .02 farther from it than the nearest name does; the crown
# and "family" .28, the light blue heart and "sky" .26.
NEARLY = 0.1
BATCH = 64  # pictures in one forward pass


@dataclass(frozen=True)
class Hit:
    """One result of a search. `score` is a cosine; `image` is None where the picture's file is gone."""

    score: float
    caption: str
    concept: str | None
    image: Image.Image | None
    path: str


class SearchingModel(LoadedModel):
    """A loaded model that finds pictures for words or a picture, and captions for a picture."""

    @torch.inference_mode()
    def encode_text(self, texts: list[str]) -> np.ndarray:
        """N texts -> (N, embed_dim) float32 unit vectors."""
        texts = [texts] if isinstance(texts, str) else list(texts)
        check_prompts(texts)
        text = self._encoded(texts)
        return F.normalize(self.retriever.encode_text(text.states, text.mask), dim=1).cpu().numpy()

    @torch.inference_mode()
    def encode_image(self, images: list[Image.Image] | np.ndarray) -> np.ndarray:
        """N pictures of any size and mode, or (N, S, S, 3) uint8 at the model's size -> (N, embed_dim).

        The vectors are float32 and of length 1.
        """
        return np.concatenate([self._embed(pixels).cpu().numpy() for pixels in self._pixels(images)])

    @torch.inference_mode()
    def realness(self, images: list[Image.Image] | np.ndarray) -> np.ndarray:
        """N pictures, as of `encode_image` -> (N,) float32: how real each looks to the discriminator.

        Whatever it shows; only differences count, and the higher one looks more real.
        """
        parts = [self.retriever.read_image(pixels).realness for pixels in self._pixels(images)]
        return torch.cat(parts).float().cpu().numpy()

    def retrieve(
        self,
        text: str | None = None,
        image: Image.Image | None = None,
        k: int = 5,
        index: DenseIndex | None = None,
    ) -> list[Hit]:
        """The k pictures of the gallery that are nearest to a text, a picture, or the mean of both.

        Args:
            text, image: the query; at least one of them.
            k: how many results; fewer come where the gallery is smaller.
            index: a gallery of one's own, made with the weights of this pipeline; None searches `gallery`.
        """
        queries = [] if text is None else [self.encode_text([text])[0]]
        if image is not None:
            queries.append(self.encode_image([image])[0])
        if not queries:
            raise ValueError("Give a text or a picture to search with.")
        query = np.mean(queries, axis=0)
        length = np.linalg.norm(query)
        if length < 1e-6:
            raise ValueError(
                "The text and the picture are opposites: their mean points nowhere. Search with one of them."
            )
        index = self.gallery if index is None else self.check_index(index)
        return [
            Hit(
                score,
                found["caption"],
                found.get("concept"),
                open_picture(found, self.world, self.image_size),
                found["path"],
            )
            for score, found in index.search(query[None] / length, k)[0]
        ]

    def check_index(self, index: DenseIndex) -> DenseIndex:
        """The index if this pipeline's weights made it, else ValueError: scores across models say nothing."""
        if index.encoder != self.encoder_id:
            raise ValueError("This index was made with another checkpoint: make it again with this one.")
        return index

    def captions_for(self, image: Image.Image, k: int = 5) -> list[tuple[float, str]]:
        """k captions of the model's world for a picture: (probability, caption), best first."""
        return [(probability, caption.text) for probability, caption in self.described(image, k)]

    def described(self, image: Image.Image, k: int) -> list[tuple[float, Caption]]:
        """The same with the scenes that the captions were written for."""
        return self.describer.describe(decode_picture(image, self.image_size), k)

    @cached_property
    def gallery(self) -> DenseIndex:
        """What the model's world has to be searched: as stored where these weights made it, else made at first use."""
        if self._stored_gallery is not None and self._stored_gallery.is_dir():
            stored = DenseIndex.load(self._stored_gallery)
            if stored.encoder == self.encoder_id:
                return stored
        return world_gallery(self.world, self.encode_image, self.image_size, self.encoder_id)

    def read_stored(self) -> None:
        """Read at once what else is stored with the weights. FileNotFoundError or ValueError: it is damaged."""
        if self._stored_gallery is not None and self._stored_gallery.is_dir():
            self.gallery, self._stored_vectors  # noqa: B018 kept from now on

    @cached_property
    def name_vectors(self) -> np.ndarray:
        """(T, embed_dim) unit vectors of the things that the world has names for: as stored, or made now."""
        if "names" in self._stored_vectors:
            return self._stored_vectors["names"]
        return vectors_of_names(self.world.names(), self.encode_text)

    @cached_property
    def name_states(self) -> np.ndarray:
        """(T, hidden) unit vectors: the text tower's mean states of the names of a `guide`; as stored, or made now."""
        stored, names = self._stored_vectors.get("states"), list(self.guide.names.values())
        return stored if stored is not None and len(stored) == len(names) else self._mean_states(names)

    @cached_property
    def example_vectors(self) -> np.ndarray:
        """(M, embed_dim) unit vectors of what else pictures are compared with: as stored, or made now."""
        if "examples" in self._stored_vectors:
            return self._stored_vectors["examples"]
        pictures = self.world.examples(self.image_size)
        return self.encode_image(pictures) if len(pictures) else np.zeros((0, 1), np.float32)

    @property
    def places(self) -> np.ndarray | None:
        """(N, 2) in [0, 1]: where the gallery's pictures lie on a map; None where none is stored."""
        return self._stored_vectors.get("places")

    @cached_property
    def _stored_vectors(self) -> dict[str, np.ndarray]:
        stored = self._stored_gallery
        return {} if stored is None else load_vectors(stored, self.encoder_id)

    @cached_property
    def guide(self) -> Guide | None:
        """Menus and remarks for prompts; None where the world knows nothing of what a text says."""
        return self.world.guide()

    def nearest_things(self, thing: str, k: int = 4) -> list[str]:
        """Keys of the k known things that are nearest to an unknown one, best first; none without a `guide`.

        Those that have it among their keywords, where their names lie nearly as near as any; those of its kind by the
        guide's dictionary; then all others; in each group as their names lie near. That is by the mean of the text
        tower's states, which knows more words than the retriever was trained with.
        """
        if self.guide is None:
            return []
        thing = self.guide.in_english(thing)
        cosines = self.name_states @ self._mean_states([thing])[0]
        names = dict(zip(self.guide.names, cosines.tolist(), strict=True))
        near = max(names.values()) - NEARLY
        keyed = [key for key in self.guide.keyed(thing) if names[key] >= near]
        groups = (keyed, self.guide.kindred(thing), names)
        in_turn = chain.from_iterable(sorted(group, key=names.get, reverse=True) for group in groups)
        return list(islice(dict.fromkeys(in_turn), k))

    def unknown_thing(self, prompt: str) -> str | None:
        """What a prompt asks for if the model was never shown it, in the prompt's own words; else None."""
        return None if self.guide is None else self.guide.unknown_thing(prompt)

    @cached_property
    def describer(self) -> Describer:
        """Who finds words for pictures."""
        return self.world.describer(self)

    @property
    def scale(self) -> float:
        """The retriever's: by so much it multiplies cosines before it compares them in a softmax."""
        return self.retriever.scale.item()

    @cached_property
    def encoder_id(self) -> str:
        """sha256 of the retriever's weights: tells whose vectors an index holds."""
        digest = hashlib.sha256()
        for name, value in sorted(self.retriever.state_dict().items()):
            digest.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def _encoded(self, texts: list[str]) -> TokenStates:
        """N texts of a person, or captions, as the text tower reads what the world understands of them."""
        check_letters(texts)  # before what is read of them leaves it out
        return self.text_tower.encode([self._known(self.world.understood(text)) for text in texts])

    def _known(self, text: str) -> str:
        """The text, with the nearest known thing in the place of an unknown one."""
        thing = self.unknown_thing(text)
        return text if thing is None else self.guide.with_thing(text, self.nearest_things(thing, 1)[0])

    def _mean_states(self, texts: list[str]) -> np.ndarray:
        """N texts -> (N, hidden) unit vectors: the means of their token states, as sentence encoders pool them."""
        text = self.text_tower.encode(texts)
        weights = text.mask[..., None].to(text.states.dtype)
        return F.normalize((text.states * weights).sum(1), dim=1).cpu().numpy()

    def _pixels(self, images: list[Image.Image] | np.ndarray) -> Iterator[torch.Tensor]:
        """Pictures of people, BATCH at a time: (B, 3, S, S) in [-1, 1]."""
        if isinstance(images, Image.Image):
            images = [images]
        if not len(images):
            raise ValueError("Give at least one picture.")
        for start in range(0, len(images), BATCH):
            part = images[start : start + BATCH]
            if not isinstance(part, np.ndarray):
                part = np.stack([decode_picture(image, self.image_size) for image in part])
            yield to_pixels(part).to(self.device)

    def _embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, S, S) in [-1, 1] -> (N, embed_dim) unit vectors, however long the retriever leaves them."""
        return F.normalize(torch.cat([self.retriever.encode_image(part) for part in pixels.split(BATCH)]), dim=1)


def check_prompts(prompts: list[str]) -> None:
    """ValueError where there is none, or one that is blank."""
    if not prompts:
        raise ValueError("Give at least one prompt.")
    for prompt in prompts:
        if not isinstance(prompt, str) or not prompt.strip():
            raise ValueError(f"A prompt must be a text that is not blank, not {prompt!r}.")
