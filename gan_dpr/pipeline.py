"""GanDprPipeline: from a prompt to pictures, between prompts, and from words or a picture to a gallery."""

import hashlib
import math
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from . import checkpoint
from .animation import lerp, slerp
from .checkpoint import ENCODER, Models
from .files import is_hub_id
from .gallery import open_picture, world_gallery
from .images import to_pixels, to_uint8
from .index import DenseIndex
from .networks.encoders import TokenStates, check_letters
from .networks.mixing import WAYS, Way, mixed
from .networks.upsampler import Upsampler
from .stickers.alone import objects_alone
from .stickers.finish import finished, inner_side
from .worlds import open_world
from .worlds.pictures.decode import decode_picture
from .worlds.protocol import Describer, Guide, World

# Candidate j of the image with seed s has seed s + j * CANDIDATE_STRIDE: far from its neighbours' seeds.
CANDIDATE_STRIDE = 1_000_000_000
BATCH = 64  # pictures in one forward pass
GALLERY = "gallery"  # folder in a checkpoint: its world's gallery, indexed
# Of a checkpoint folder what no network writes: a copy of the model takes it along.
CARRIED = ("README.md", "training.json", f"{ENCODER}/LICENSE", f"{ENCODER}/NOTICE", f"{GALLERY}/*")
STICKERS = 8  # of them: they are large


@dataclass(frozen=True)
class PipelineOutput:
    """N pictures (prompt by prompt), each with the cosine of prompt and picture and the seed that redraws it.

    `seeds` are None where the caller gave the latents.
    """

    images: list[Image.Image] | np.ndarray | torch.Tensor
    scores: list[float]
    seeds: list[int | None]


@dataclass(frozen=True)
class Hit:
    """One result of a search. `score` is a cosine; `image` is None where the picture's file is gone."""

    score: float
    caption: str
    concept: str | None
    image: Image.Image | None
    path: str


def resolve_device(name: str) -> torch.device:
    """ "auto" is a GPU where there is one. Raises ValueError for a device that this machine does not have."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError("There is no CUDA device that torch can use here: choose cpu or auto.")
    return torch.device(name)


class GanDprPipeline:
    """A loaded checkpoint, ready to draw and to search.

    Args:
        models: the checkpoint.
        name: goes into the pictures' metadata.
        world: what the model is of; None takes the one that config.json describes.
        stored_gallery: folder where an index of the world's gallery may be.
    """

    def __init__(
        self, models: Models, name: str = "", world: World | None = None, stored_gallery: Path | None = None
    ):
        self.generator, self.retriever, self.text_tower = (
            models.generator,
            models.retriever,
            models.text_tower,
        )
        self.config = models.config
        self.name = name
        self.folder: Path | None = None  # of the checkpoint, where it was loaded from one
        if world is None and "world" not in self.config:
            raise ValueError(f"config.json of {name or 'this checkpoint'} does not say which world its model is of.")
        self.world = world or open_world(self.config["world"])
        self._stored_gallery = stored_gallery

    @classmethod
    def from_pretrained(
        cls, folder: str | Path, device: str = "auto", world: World | None = None, **hub: Any
    ) -> "GanDprPipeline":
        """Load a checkpoint folder, or a model of the Hugging Face hub by its id "owner/name".

        Args:
            folder: a path; where nothing is there and it has the form of an id, it is one.
            device: as of `resolve_device`.
            world: what the model is of, where config.json cannot say.
            hub: what `huggingface_hub.snapshot_download` takes, such as `revision`, `token` or `cache_dir`.

        Raises FileNotFoundError or ValueError with one line that says what is wrong.
        """
        source = _fetched(str(folder), hub) if is_hub_id(folder) else Path(folder)
        name = str(folder).rpartition("/")[2] if source != Path(folder) else source.resolve().name
        stored = source / GALLERY if world is None else None
        made = cls(checkpoint.load(source, resolve_device(device)), name, world, stored)
        made.folder = source
        return made

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a checkpoint folder that `from_pretrained` loads, with the text tower and the card it came with."""
        own = ("model_type", "generator", "retriever", "text_encoder")
        extra = {key: value for key, value in self.config.items() if key not in own}
        checkpoint.save(folder, self.generator, self.retriever, self.text_tower, extra)
        for pattern in CARRIED if self.folder is not None else ():
            for source in self.folder.glob(pattern):
                copy = Path(folder) / source.relative_to(self.folder)
                if not (copy.exists() and source.samefile(copy)):
                    copy.parent.mkdir(exist_ok=True)
                    shutil.copyfile(source, copy)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        token: str | None = None,
        revision: str | None = None,
        commit_message: str = "Upload a GAN-DPR model",
        create_pr: bool = False,
    ) -> str:
        """Upload what `save_pretrained` writes to the Hugging Face hub; returns the commit's address.

        Args:
            repo_id: "owner/name", made if it is not there; or "name", which is the token's owner's.
            private: whether a new repository is; None leaves it to the owner's settings.
            token: None takes the one of `hf auth login`.
            revision: the branch; None is the main one.
            commit_message: what the commit says.
            create_pr: propose the commit as a pull request.
        """
        from huggingface_hub import HfApi

        api = HfApi(token=token)
        repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            commit = api.upload_folder(
                repo_id=repo_id, folder_path=folder, revision=revision, commit_message=commit_message,
                create_pr=create_pr,
            )  # fmt: skip
        return str(commit.commit_url)

    def to(self, device: str | torch.device) -> "GanDprPipeline":
        """Move all three networks; returns itself."""
        device = resolve_device(str(device))
        for part in (self.generator, self.retriever, self.text_tower):
            part.to(device)
        return self

    @property
    def device(self) -> torch.device:
        return self.generator.device

    @property
    def image_size(self) -> int:
        return self.generator.config.image_size

    @torch.inference_mode()
    def __call__(
        self,
        prompt: str | list[str],
        num_images_per_prompt: int = 1,
        generator: torch.Generator | None = None,
        latents: torch.Tensor | None = None,
        truncation: float = 1.0,
        best_of: int = 1,
        output_type: Literal["pil", "np", "pt"] = "pil",
        return_dict: bool = True,
    ) -> PipelineOutput | tuple:
        """Draw N = len(prompts) * num_images_per_prompt pictures, prompt by prompt.

        Args:
            prompt: one or several descriptions.
            num_images_per_prompt: how many of each.
            generator: image k (of N) is drawn from seed `s + k`, s being the seed of a generator that nothing
                has been drawn from yet, else a number drawn from it. So that every call moves on, one number
                is drawn from it. None takes s from the system.
            latents: (N, generator.latent_dim) noise to use instead of seeds.
            truncation: factor of the noise; below 1 pictures are more alike and safer.
            best_of: candidates drawn for each image, of which the one with the highest score is kept.
            output_type: "pil", "np" (N, S, S, 3) float32 in [0, 1], or "pt" (N, 3, S, S) in [0, 1].
            return_dict: False returns the tuple (images, scores, seeds).

        Raises:
            ValueError: an argument is out of its range, with what to give instead.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        _check_prompts(prompts)
        if output_type not in ("pil", "np", "pt"):
            raise ValueError(f"output_type is pil, np or pt, not {output_type!r}.")
        for name, value in (("num_images_per_prompt", num_images_per_prompt), ("best_of", best_of)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}.")
        if not (math.isfinite(truncation) and truncation >= 0):
            raise ValueError(f"truncation must be 0 or more, not {truncation}.")
        total = len(prompts) * num_images_per_prompt
        if latents is None:
            first = _first_seed(generator)
            seeds = [first + k for k in range(total)]
        else:
            latents, seeds = self._check_latents(latents, total, best_of), [None] * total

        text = self._encoded(prompts)
        condition = self.generator.condition(text.states, text.mask)
        wanted = F.normalize(self.retriever.encode_text(text.states, text.mask), dim=1)
        drawn, scores, kept = [], [], []
        images_a_pass = max(1, BATCH // best_of)
        for start in range(0, total, images_a_pass):
            part = seeds[start : start + images_a_pass]
            candidates = [
                seed if seed is None else seed + j * CANDIDATE_STRIDE for seed in part for j in range(best_of)
            ]
            rows = torch.arange(start, start + len(part), device=self.device) // num_images_per_prompt
            rows = rows.repeat_interleave(best_of)
            noise = self._noise(candidates) if latents is None else latents[start : start + len(part)]
            pixels = self._drawn(condition[rows], truncation * noise)
            cosine = (self._embed(pixels) * wanted[rows]).sum(1)
            if best_of > 1:
                best = (
                    cosine.view(-1, best_of).argmax(1) + torch.arange(len(part), device=self.device) * best_of
                )
                pixels, cosine, candidates = (
                    pixels[best],
                    cosine[best],
                    [candidates[i] for i in best.tolist()],
                )
            drawn.append(pixels)
            scores += cosine.tolist()
            kept += candidates
        images = _as_output(torch.cat(drawn), output_type)
        return PipelineOutput(images, scores, kept) if return_dict else (images, scores, kept)

    @torch.inference_mode()
    def encode_text(self, texts: list[str]) -> np.ndarray:
        """N texts -> (N, embed_dim) float32 unit vectors."""
        texts = [texts] if isinstance(texts, str) else list(texts)
        _check_prompts(texts)
        text = self._encoded(texts)
        return F.normalize(self.retriever.encode_text(text.states, text.mask), dim=1).cpu().numpy()

    @torch.inference_mode()
    def encode_image(self, images: list[Image.Image] | np.ndarray) -> np.ndarray:
        """N pictures of any size and mode, or (N, S, S, 3) uint8 at the model's size -> (N, embed_dim).

        The vectors are float32 and of length 1.
        """
        if isinstance(images, Image.Image):
            images = [images]
        vectors = []
        for start in range(0, len(images), BATCH):
            part = images[start : start + BATCH]
            if not isinstance(part, np.ndarray):
                part = np.stack([decode_picture(image, self.image_size) for image in part])
            vectors.append(self._embed(to_pixels(part).to(self.device)).cpu().numpy())
        if not vectors:
            raise ValueError("Give at least one picture.")
        return np.concatenate(vectors)

    @torch.inference_mode()
    def interpolate(
        self,
        prompts: list[str],
        steps: int = 16,
        seed: int | list[int] = 0,
        space: Literal["prompt", "noise", "both"] = "prompt",
        truncation: float = 1.0,
        path: Literal["lerp", "slerp"] | None = None,
    ) -> list[Image.Image]:
        """Frames on the way from each prompt to the next: `steps` for the first pair, one less for each more.

        Args:
            prompts: two or more; the same one twice with space="noise" walks through what it leaves open.
            steps: frames from one prompt to the next, both ends included.
            seed: of the noise, which stands still in space="prompt"; else prompt i has the noise of seed + i.
                A list gives each prompt its own.
            space: what moves. "prompt" mixes the generator's conditioning, "noise" the noise (the nearer prompt is
                drawn), "both" both.
            truncation: factor of the noise.
            path: "lerp" mixes along a line, "slerp" along an arc; None is a line for prompts, an arc for noise.
        """
        prompts = list(prompts)
        _check_prompts(prompts)
        if len(prompts) < 2:
            raise ValueError("Interpolation needs at least two prompts.")
        if steps < 2:
            raise ValueError(f"steps counts both ends and must be at least 2, not {steps}.")
        if space not in ("prompt", "noise", "both"):
            raise ValueError(f"space is prompt, noise or both, not {space!r}.")
        if path not in ("lerp", "slerp", None):
            raise ValueError(f"path is lerp, slerp or None, not {path!r}.")
        seeds = seed if isinstance(seed, list) else [seed + i * (space != "prompt") for i in range(len(prompts))]
        if len(seeds) != len(prompts):
            raise ValueError(f"{len(prompts)} prompts came with {len(seeds)} seeds: give one for each, or one for all.")
        text = self._encoded(prompts)
        key_conditions = self.generator.condition(text.states, text.mask)
        key_noise = self._noise(seeds)
        mix_prompts, mix_noise = slerp if path == "slerp" else lerp, lerp if path == "lerp" else slerp
        t = torch.linspace(0, 1, steps, device=self.device)
        conditions, noises = [key_conditions[:1]], [key_noise[:1]]
        for i in range(len(prompts) - 1):
            here, there = key_conditions[i].flatten(), key_conditions[i + 1].flatten()
            moving = mix_prompts(here, there, t) if space != "noise" else torch.where(t[:, None] < 0.5, here, there)
            conditions.append(moving[1:].unflatten(1, key_conditions.shape[1:]))
            noises.append(mix_noise(key_noise[i], key_noise[i + 1], t)[1:])
        condition, noise = torch.cat(conditions), truncation * torch.cat(noises)
        return _as_output(self._drawn(condition, noise), "pil")

    @torch.inference_mode()
    def combine(self, prompts: list[str], weights: list[float], n: int = 1, seed: int = 0) -> list[Image.Image]:
        """Draw a weighted sum of what prompts say to the generator: n pictures, from seeds `seed` on.

        Weights (1, -1, 1) are prompt arithmetic: "an upside-down cat" - "a cat" + "a frog". With weights that
        do not add up to 1 the sum lies off what the generator knows.
        """
        _check_prompts(prompts)
        if len(prompts) != len(weights):
            raise ValueError(f"{len(prompts)} prompts came with {len(weights)} weights: give one for each.")
        text = self._encoded(prompts)
        weight = torch.tensor(weights, device=self.device)
        condition = (weight[:, None, None] * self.generator.condition(text.states, text.mask)).sum(0, keepdim=True)
        noise = self._noise([seed + k for k in range(n)])
        return _as_output(self._drawn(condition.expand(n, -1, -1), noise), "pil")

    @torch.inference_mode()
    def mix(
        self, prompts: list[str], amounts: list[float] | tuple[float, ...] = (0.5,), way: Way = "halves", seed: int = 0
    ) -> list[Image.Image]:
        """One picture of several prompts for each of the `amounts`.

        Args:
            prompts: two or more; place, size, turn, tint and background are the first one's.
            amounts: in [0, 1]: 0 is the first prompt, 1 the others in equal parts.
            way: "colours" draws the first in the others' colours; "halves" puts them together from the top down, and
                "middle" from the centre outwards; "blend" mixes all that they say, which is a double exposure.
            seed: of the noise, the same for all.
        """
        prompts = list(prompts)
        _check_prompts(prompts)
        if len(prompts) < 2:
            raise ValueError("A mix needs at least two prompts.")
        if way not in WAYS:
            raise ValueError(f"way is one of {', '.join(WAYS)}, not {way!r}.")
        if not amounts or not all(0 <= amount <= 1 for amount in amounts):
            raise ValueError("amounts must be numbers from 0 to 1, at least one of them.")
        text = self._encoded(prompts)
        condition = self.generator.condition(text.states, text.mask)
        noise = self._noise([seed]).expand(len(prompts), -1)
        much = torch.tensor(amounts, dtype=torch.float32, device=self.device)
        return _as_output(mixed(self.generator, condition, noise, way, much), "pil")

    def stickers(
        self,
        prompts: str | list[str],
        seeds: list[int],
        size: int = 256,
        outline: bool = False,
        shadow: bool = False,
        truncation: float = 1.0,
    ) -> list[Image.Image]:
        """What the pictures of these prompts and seeds show, without their backgrounds: the generator's own alpha.

        Args:
            prompts: one for each seed, or one for all.
            seeds: of the pictures, as a `PipelineOutput` has them.
            size: pixels a side; the object is centred and fills it but for a margin.
            outline: a white line around the object.
            shadow: a soft one below it.
            truncation: that of the pictures.

        Returns:
            A square RGBA picture for each seed.

        Raises:
            ValueError: the model has no layers, or an argument is out of its range.
        """
        prompts = [prompts] * len(seeds) if isinstance(prompts, str) else list(prompts)
        _check_prompts(prompts)
        if len(prompts) != len(seeds):
            raise ValueError(f"{len(prompts)} prompts came with {len(seeds)} seeds: give one for each.")
        if size < 32:
            raise ValueError(f"size must be at least 32, not {size}.")
        text = self._encoded(prompts)
        condition = self.generator.condition(text.states, text.mask)
        noise, inner = truncation * self._noise(seeds), inner_side(size, outline, shadow)
        upsampler = self._upsampler.to(self.device)
        made = []
        for few in zip(condition.split(STICKERS), noise.split(STICKERS), strict=True):
            made += finished(objects_alone(self.generator, upsampler, *few, inner), size, outline, shadow)
        return made

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
        return self._describer.describe(self.encode_image([image])[0], k)

    @cached_property
    def gallery(self) -> DenseIndex:
        """What the model's world has to be searched: as stored where these weights made it, else made at first use."""
        if self._stored_gallery is not None and self._stored_gallery.is_dir():
            stored = DenseIndex.load(self._stored_gallery)
            if stored.encoder == self.encoder_id:
                return stored
        return world_gallery(self.world, self.encode_image, self.image_size, self.encoder_id)

    @cached_property
    def guide(self) -> Guide | None:
        """Menus and remarks for prompts; None where the world knows nothing of what a text says."""
        return self.world.guide()

    def nearest_things(self, thing: str, k: int = 4) -> list[str]:
        """Keys of the k known things whose names lie nearest to a word, best first; none without a `guide`.

        By the mean of the text tower's states, which knows more words than the retriever was trained with.
        """
        if self.guide is None:
            return []
        scores = self._thing_names @ self._mean_states([thing])[0]
        keys = list(self.guide.names)
        return [keys[i] for i in np.argsort(-scores)[:k]]

    def unknown_thing(self, prompt: str) -> str | None:
        """What a prompt asks for if the model was never shown it, in the prompt's own words; else None."""
        return None if self.guide is None else self.guide.unknown_thing(prompt)

    @cached_property
    def _thing_names(self) -> np.ndarray:
        return self._mean_states(list(self.guide.names.values()))

    @cached_property
    def _describer(self) -> Describer:
        return self.world.describer(self.encode_text, self.scale)

    @property
    def scale(self) -> float:
        """The retriever's: by so much it multiplies cosines before it compares them in a softmax."""
        return self.retriever.scale.item()

    @cached_property
    def _upsampler(self) -> Upsampler:
        return Upsampler.load()

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

    def _embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, S, S) in [-1, 1] -> (N, embed_dim) unit vectors, however long the retriever leaves them."""
        return F.normalize(torch.cat([self.retriever.encode_image(part) for part in pixels.split(BATCH)]), dim=1)

    def _drawn(self, condition: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """(N, K, D), (N, Z) -> (N, 3, S, S) in [-1, 1], in passes of BATCH."""
        parts = zip(condition.split(BATCH), noise.split(BATCH), strict=True)
        return torch.cat([self.generator.forward_conditioned(c, z) for c, z in parts])

    def _noise(self, seeds: list[int]) -> torch.Tensor:
        """N seeds -> (N, Z), row k from seeds[k] alone and on the CPU: the same on every device."""
        source = torch.Generator()
        rows = [
            torch.randn(self.generator.latent_dim, generator=source.manual_seed(seed)) for seed in seeds
        ]
        return torch.stack(rows).to(self.device)

    def _check_latents(self, latents: torch.Tensor, total: int, best_of: int) -> torch.Tensor:
        wanted = (total, self.generator.latent_dim)
        if tuple(latents.shape) != wanted:
            raise ValueError(f"latents must have shape {wanted}, not {tuple(latents.shape)}.")
        if best_of > 1:
            raise ValueError("latents fix the noise, so there is nothing to choose from: leave best_of at 1.")
        return latents.to(self.device, torch.float32)


def _fetched(repo_id: str, options: dict[str, Any]) -> Path:
    """The folder that a hub model was downloaded to, which is a cache. FileNotFoundError where it cannot be had."""
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(huggingface_hub.snapshot_download(repo_id, **options))
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
        raise FileNotFoundError(
            f"No checkpoint at {repo_id}: there is no such folder, and the Hugging Face hub did not give it ({reason})."
        ) from error


def _check_prompts(prompts: list[str]) -> None:
    if not prompts:
        raise ValueError("Give at least one prompt.")
    for prompt in prompts:
        if not isinstance(prompt, str) or not prompt.strip():
            raise ValueError(f"A prompt must be a text that is not blank, not {prompt!r}.")


def _first_seed(generator: torch.Generator | None) -> int:
    if generator is None:
        return secrets.randbelow(2**31)
    seed = generator.initial_seed()
    untouched = torch.Generator(generator.device).manual_seed(seed).get_state()
    if not torch.equal(generator.get_state(), untouched):
        return int(torch.randint(2**31, (), generator=generator, device=generator.device))
    torch.rand((), generator=generator, device=generator.device)
    return seed


def _as_output(pixels: torch.Tensor, output_type: str) -> Any:
    if output_type == "pil":
        return [Image.fromarray(array) for array in to_uint8(pixels)]
    scaled = (pixels / 2 + 0.5).clamp(0, 1)
    return scaled if output_type == "pt" else scaled.permute(0, 2, 3, 1).cpu().numpy()
