"""A checkpoint that is loaded: from a folder or the hub, and back."""

import shutil
import tempfile
from pathlib import Path
from typing import Any, Self

import torch

from .. import checkpoint
from ..checkpoint import ENCODER, Models
from ..files import is_hub_id
from ..worlds import open_world
from ..worlds.protocol import World

GALLERY = "gallery"  # folder in a checkpoint: its world's gallery, indexed
# Of a checkpoint folder what no network writes: a copy of the model takes it along.
CARRIED = ("README.md", "training.json", f"{ENCODER}/LICENSE", f"{ENCODER}/NOTICE", f"{GALLERY}/*")


def resolve_device(name: str) -> torch.device:
    """ "auto" is a GPU where there is one. Raises ValueError for a device that this machine does not have."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError("There is no CUDA device that torch can use here: choose cpu or auto.")
    return torch.device(name)


class LoadedModel:
    """The three networks of a checkpoint, and the world that they are of.

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
    ) -> Self:
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
        extra = {key: value for key, value in self.config.items() if key not in checkpoint.ENTRIES}
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

    def to(self, device: str | torch.device) -> Self:
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
