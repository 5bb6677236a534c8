"""Configurations of the two networks and of a training run: every default is said here, once."""

import dataclasses
import math
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from transformers import PreTrainedConfig

IMAGE_SIZES = (32, 64, 128)


def _check_words(config: Any, annotated: Any) -> None:
    """ValueError where a value is none of the words that its annotation lists."""
    for name, hint in get_type_hints(annotated).items():
        words, value = get_args(hint), getattr(config, name, None)
        if get_origin(hint) is Literal and value not in words:
            raise ValueError(f"{name} is one of {', '.join(words)}, not {value!r}.")


def _check_at_least(config: Any, **lowest: int) -> None:
    for name, low in lowest.items():
        if getattr(config, name) < low:
            raise ValueError(f"{name} must be at least {low}, not {getattr(config, name)}.")


def _check_widths(**widths: list[int]) -> None:
    for name, several in widths.items():
        if any(type(width) is not int or width < 1 for width in several):
            raise ValueError(f"{name} are whole numbers of at least 1, not {several}.")


def _stages(config: Any, last: int) -> list[int]:
    """The first widths of `channels`: one for each doubling from `last` pixels to the picture. Raises ValueError."""
    if config.image_size not in IMAGE_SIZES:
        raise ValueError(f"image_size is one of {', '.join(map(str, IMAGE_SIZES))}, not {config.image_size}.")
    count = int(math.log2(config.image_size // last))
    if len(config.channels) < count:
        raise ValueError(f"{config.image_size} px need {count} entries in channels, not {len(config.channels)}.")
    return list(config.channels[:count])


class NetworkConfig(PreTrainedConfig):
    """What both networks' configurations have in common: they know all their keys, and keep no others."""

    def to_dict(self) -> dict[str, Any]:
        """This network's own keys alone, and not what a language model would have."""
        own = get_type_hints(type(self).__init__)
        return {name: value for name, value in super().to_dict().items() if name in own}

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> "NetworkConfig":
        """Raises ValueError for keys that this version does not know."""
        unknown = sorted(set(config_dict) - set(get_type_hints(cls.__init__)))
        if unknown:
            raise ValueError(
                f"{cls.model_type} has settings that this version does not know ({', '.join(unknown)}): "
                "use the version of gan_dpr that wrote them."
            )
        return super().from_dict(dict(config_dict), **kwargs)


class GeneratorConfig(NetworkConfig):
    """Shape of the generator.

    With `composition="none"` it draws the whole picture. With "layered" it draws `objects` things, each on a canvas of
    its own, and places them on a background, as the text says. `hidden_dim`, `depth`: width and number of the
    canvas's hidden layers, which know one drawing from another: a thousand concepts need two wide ones. `base_size`:
    side of its first map (at most half of the picture's); `channels`: widths of its maps from there on, as many as the
    picture's size needs. `things` and `styles`: how many the memory of a layered one knows (networks/memory.py);
    training counts those of its world. `places` and `backgrounds`: what it was shown of them, three numbers each, where
    there are few; pictures settle on them (networks/composition.py). `restyling`: widths of the network that gives
    drawings another finish (networks/restyler.py); without any there is none. `taught`: how many pictures each thing
    has that it was taught afterwards (networks/taught.py).
    """

    model_type = "gan-dpr-generator"

    def __init__(
        self,
        image_size: int = 64,
        text_dim: int = 384,
        slots: int = 8,
        slot_dim: int = 32,
        pooling: Literal["slots", "mean"] = "slots",
        noise_dim: int = 32,
        hidden_dim: int = 768,
        depth: int = 1,
        base_size: int = 32,
        head_channels: int = 8,
        channels: tuple[int, ...] = (32, 24),
        norm: Literal["batch", "group", "layer", "none"] = "none",
        init: Literal["kaiming", "dcgan"] = "kaiming",
        activation: Literal["gelu", "relu", "leaky_relu"] = "leaky_relu",
        conditioning: Literal["concat", "film"] = "film",
        composition: Literal["none", "layered"] = "layered",
        objects: int = 1,
        things: int = 0,
        styles: int = 0,
        places: tuple[tuple[float, float, float], ...] = (),
        backgrounds: tuple[tuple[float, float, float], ...] = (),
        restyling: tuple[int, ...] = (),
        taught: tuple[int, ...] = (),
        **kwargs: Any,
    ):
        self.image_size = image_size
        self.text_dim = text_dim
        self.slots = slots
        self.slot_dim = slot_dim
        self.pooling = pooling
        self.noise_dim = noise_dim
        self.hidden_dim = hidden_dim
        self.depth = depth
        self.base_size = base_size
        self.head_channels = head_channels
        self.channels = list(channels)
        self.norm = norm
        self.init = init
        self.activation = activation
        self.conditioning = conditioning
        self.composition = composition
        self.objects = objects
        self.things = things
        self.styles = styles
        self.places = [list(place) for place in places]
        self.backgrounds = [list(background) for background in backgrounds]
        self.restyling = list(restyling)
        self.taught = list(taught)
        _check_words(self, type(self).__init__)
        _check_at_least(self, noise_dim=1, objects=1, depth=1, base_size=4, head_channels=1)
        _check_widths(channels=self.channels, restyling=self.restyling)
        _ = self.widths
        super().__init__(**kwargs)

    @property
    def base(self) -> int:
        """Side of the first map."""
        return min(self.base_size, self.image_size // 2)

    @property
    def widths(self) -> list[int]:
        """Channels of the canvas's maps, from the first up to half of the picture's side."""
        return _stages(self, last=self.base)


class RetrieverConfig(NetworkConfig):
    """Shape of the bi-encoder: text slots and image tower, joined in a space of `embed_dim` dimensions."""

    model_type = "gan-dpr-retriever"

    def __init__(
        self,
        image_size: int = 64,
        text_dim: int = 384,
        slots: int = 8,
        slot_dim: int = 64,
        pooling: Literal["slots", "mean"] = "slots",
        embed_dim: int = 256,
        tower: Literal["residual", "resnet", "pretrained"] = "residual",
        channels: tuple[int, ...] = (32, 64, 128, 256, 256),
        initial_scale: float = 10.0,
        max_scale: float = 20.0,
        normalize: bool = True,
        **kwargs: Any,
    ):
        self.image_size = image_size
        self.text_dim = text_dim
        self.slots = slots
        self.slot_dim = slot_dim
        self.pooling = pooling
        self.embed_dim = embed_dim
        self.tower = tower
        self.channels = list(channels)
        self.initial_scale = initial_scale
        self.max_scale = max_scale
        self.normalize = normalize
        _check_words(self, type(self).__init__)
        _check_widths(channels=self.channels)
        _ = self.widths
        super().__init__(**kwargs)

    @property
    def widths(self) -> list[int]:
        """Channels of the maps from half of the picture's side down to 4 px."""
        return _stages(self, last=4)


PhaseKind = Literal["reconstruct", "contend", "retrieve", "restyle"]
# What a phase may have of its own.
OWN = {"retrieve": ("lr_retrieve", "weight_names", "named_share"), "restyle": ("lr_g",)}


@dataclass(frozen=True)
class Phase:
    """A stretch of a training.

    reconstruct: the generator learns from its own pictures directly, alone. contend: generator and retriever against
    each other. retrieve: the retriever alone. restyle: the generator's restyler alone. `steps` 0 is without end; else
    the learning rates fall to nothing in it. The others, where a phase has them, stand in it for the training's.
    """

    kind: PhaseKind
    steps: int = 0
    lr_retrieve: float | None = None
    weight_names: float | None = None
    named_share: float | None = None
    lr_g: float | None = None

    def __post_init__(self):
        own = self._own()
        if (
            self.kind not in get_args(PhaseKind) or type(self.steps) is not int or self.steps < 0
            or not set(own) <= set(OWN.get(self.kind, ()))
            or any(type(value) not in (int, float) or not value >= 0 for value in own.values())
        ):  # fmt: skip
            raise ValueError(_bad_phase(vars(self)))

    @classmethod
    def read(cls, value: Any) -> "Phase":
        """A phase from [kind, steps], or from {"kind": ..., "steps": ..., ...}."""
        if isinstance(value, cls):
            return value
        named = value
        if isinstance(value, list | tuple) and len(value) == 2:
            named = {"kind": value[0], "steps": value[1]}
        if not isinstance(named, dict) or "kind" not in named or named.keys() - {known.name for known in fields(cls)}:
            raise ValueError(_bad_phase(value))
        return cls(**named)

    def of(self, settings: "TrainingConfig") -> "TrainingConfig":
        """A training's settings as they are in this phase."""
        return replace(settings, **self._own())

    def _own(self) -> dict[str, Any]:
        names = (name for names in OWN.values() for name in names)
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def _bad_phase(value: Any) -> str:
    kinds = ", ".join(get_args(PhaseKind))
    own = ", ".join(f"a {kind} may have {', '.join(names)} of its own" for kind, names in OWN.items())
    return f"a phase is one of {kinds} and its steps; {own}. {value!r} is none."


@dataclass
class TrainingConfig:
    """One training. Learning rates, gamma and weights may be changed while it runs."""

    recipe: Literal["relativistic", "dpr", "original-2023"] = "relativistic"
    seed: int = 0
    phases: tuple[Phase, ...] = (Phase("contend"),)
    batch_size: int = 32
    lr_reconstruct: float = 4e-3
    lr_g: float = 2.5e-4
    lr_d: float = 2.5e-4
    lr_retrieve: float = 5e-4
    # Of the text encoder, which then learns with the retriever while the generator reads its average; 0 freezes it.
    lr_text: float = 0.0
    beta1: float = 0.0
    beta2: float = 0.99
    grad_clip: float = 5.0
    ema_decay: float = 0.998
    gamma: float = 1.0
    penalty_share: float = 0.25
    penalty_sigma: float = 0.05
    weight_nce: float = 1.0
    weight_swap: float = 0.5
    weight_places: float = 1.0
    # Of telling by their names what pictures show, in the last phase. For each of a batch's pictures there are so many
    # further real ones, which nothing but the name is said of, and so many that the generator draws for a bare name.
    weight_names: float = 1.0
    named_share: float = 0.5
    weight_nce_text: float = 0.5
    weight_nce_image: float = 0.25
    weight_feature: float = 30.0
    # Of the reconstruction while the retriever contends. It holds what the first phase has learnt.
    weight_reconstruct: float = 10.0
    # Of the contrast of codes beside every reconstruction.
    weight_agreement: float = 1.0
    # So many pictures of a batch are in-betweens of two captions, or things in styles drawn at random: they have no
    # right answer, and realness alone judges them.
    mixed_share: float = 0.5
    # Where a caption leaves something open, the noise is the one of so many that comes nearest to the real picture.
    noise_candidates: int = 16
    generated_negatives: bool = True
    # Token states are whitened by the first pool's statistics.
    whiten: bool = True
    # Each part of the generator reads another caption, which agrees in what that part must know and in nothing else.
    mix_captions: bool = True
    shift: int = 2
    # Each picture is made larger or smaller and moved by up to this share, both the real and the generated one.
    zoom: float = 0.0
    image_noise: float = 0.02
    auto_balance: bool = False
    # Captions of an endless world are drawn and encoded in pools, each used `pool_reuse` times.
    pool_size: int = 4096
    pool_reuse: int = 8

    def __post_init__(self):
        self.phases = tuple(Phase.read(phase) for phase in self.phases)
        _check_words(self, type(self))
        _check_at_least(self, batch_size=1, noise_candidates=1, shift=0, named_share=0, pool_size=1, pool_reuse=1)
        if not self.phases or any(phase.steps == 0 for phase in self.phases[:-1]):
            raise ValueError("phases needs at least one phase, and only the last may be without end (0 steps).")

    @property
    def total_steps(self) -> int | None:
        """Of all phases; None where the last has no end."""
        return None if self.phases[-1].steps == 0 else sum(phase.steps for phase in self.phases)


@dataclass
class Preset:
    """A named, complete run: the picture's size, both networks, the training and the world.

    `world` is what `worlds.open_world` takes, {"kind": ..., ...}.
    """

    name: str
    summary: str
    generator: GeneratorConfig
    retriever: RetrieverConfig
    training: TrainingConfig = field(default_factory=TrainingConfig)
    world: dict[str, Any] = field(default_factory=lambda: {"kind": "emoji"})

    def __post_init__(self):
        for key in ("image_size", "text_dim"):
            ours, theirs = getattr(self.generator, key), getattr(self.retriever, key)
            if ours != theirs:
                raise ValueError(f"generator and retriever must have one {key}, not {ours} and {theirs}.")

    @property
    def image_size(self) -> int:
        return self.generator.image_size

    def rebuilt(self) -> "Preset":
        """A copy whose configurations have checked their values together."""
        return Preset(
            self.name,
            self.summary,
            GeneratorConfig.from_dict(self.generator.to_dict()),
            RetrieverConfig.from_dict(self.retriever.to_dict()),
            dataclasses.replace(self.training),
            dict(self.world),
        )
