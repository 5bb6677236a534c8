"""Configurations of the two networks and of a training run, and the named presets.

Everything that a checkpoint or a run can be asked about is said here once; nothing else in the
package holds defaults of its own.
"""

import copy
import dataclasses
import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args, get_origin, get_type_hints

from transformers import PreTrainedConfig


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


class GeneratorConfig(PreTrainedConfig):
    """Shape of the generator.

    With `composition="none"` the blocks draw the whole picture: `base_size * 2 ** len(channels)` must be
    `image_size`. With `composition="layered"` they draw one object on a canvas of three quarters of the
    picture's side, and a pose read from the text places it on a background: the product must be
    `image_size * 3 / 4`.
    """

    model_type = "gan-dpr-generator"

    def __init__(
        self,
        image_size: int = 64,
        text_dim: int = 384,
        slots: int = 8,
        slot_dim: int = 32,
        pooling: Literal["slots", "mean"] = "slots",
        noise_dim: int = 64,
        hidden_dim: int = 600,
        base_size: int = 6,
        channels: tuple[int, ...] = (128, 64, 48),
        norm: Literal["batch", "group", "layer", "none"] = "group",
        init: Literal["kaiming", "dcgan"] = "kaiming",
        activation: Literal["gelu", "relu", "leaky_relu"] = "leaky_relu",
        conditioning: Literal["concat", "film"] = "film",
        composition: Literal["none", "layered"] = "layered",
        **kwargs: Any,
    ):
        self.image_size = image_size
        self.text_dim = text_dim
        self.slots = slots
        self.slot_dim = slot_dim
        self.pooling = pooling
        self.noise_dim = noise_dim
        self.hidden_dim = hidden_dim
        self.base_size = base_size
        self.channels = list(channels)
        self.norm = norm
        self.init = init
        self.activation = activation
        self.conditioning = conditioning
        self.composition = composition
        _check_words(self, type(self).__init__)
        canvas = image_size * 3 // 4 if composition == "layered" else image_size
        drawn = base_size * 2 ** len(self.channels)
        if drawn != canvas:
            raise ValueError(
                f"base_size {base_size} doubled by {len(self.channels)} channels gives {drawn} px, but a "
                f"{composition} generator of {image_size} px needs {canvas}: change base_size or channels."
            )
        super().__init__(**kwargs)


class RetrieverConfig(PreTrainedConfig):
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
        channels: tuple[int, ...] = (32, 64, 128, 256),
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
        super().__init__(**kwargs)


@dataclass
class SceneConfig:
    """The part of the emoji world that a run draws from; an empty tuple means every value."""

    concepts: Literal["core32", "core128"] | tuple[str, ...] = "core128"
    styles: tuple[str, ...] = ()
    orientations: tuple[str, ...] = ()
    tints: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    positions: tuple[tuple[int, int], ...] = ()
    backgrounds: tuple[str, ...] = ()
    # "concept" says only the object's name: a class-conditional GAN through the same code.
    caption_mode: Literal["full", "concept"] = "full"
    # This share of the captions says everything, half of it everything but the style: the right picture is known, up
    # to its style, without a search for the noise that fits. Left to chance a third of the captions is like that.
    complete_share: float = 0.0
    # This share says the thing, its turn and its tint, and each other attribute only one time in four: short
    # prompts, as people type them. Left to chance one caption in a hundred is like that.
    short_share: float = 0.0
    # Captions are drawn and encoded in pools, each used `pool_reuse` times (rendered anew every time).
    pool_size: int = 4096
    pool_reuse: int = 8
    # Scenes come in families of so many, alike in everything but the concept; a batch is made of whole ones. Only
    # beside its like does a picture have to be told by what it shows, not by its colours and place.
    family_size: int = 1
    # A curriculum: all at once, the generator learns none of it. The first pools hold easy scenes alone (large,
    # upright, untinted), from which it learns what things look like. In the next ones the canvas rests while
    # pose, turn, tint and background are learnt: a canvas that may move rubs a misplaced object out.
    easy_pools: int = 0
    placing_pools: int = 0
    # Each part of a layered generator reads another caption, which agrees in what that part must know and in
    # nothing else. So no part learns what is another's, and combinations that were never seen come out right.
    mix_captions: bool = True

    def __post_init__(self):
        _check_words(self, type(self))
        if isinstance(self.concepts, str) and self.concepts not in ("core32", "core128"):
            raise ValueError(f"concepts is core32, core128 or a list of names, not {self.concepts!r}.")
        _check_at_least(self, family_size=1, pool_size=self.family_size, pool_reuse=1)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "SceneConfig":
        """From the form that JSON gives it, with lists for tuples."""
        return cls(**{name: _tuples(value) for name, value in values.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


@dataclass
class TrainingConfig:
    """One adversarial run. Learning rates, gamma and weights may be changed while it runs."""

    recipe: Literal["relativistic", "dpr", "original-2023"] = "relativistic"
    seed: int = 0
    batch_size: int = 32
    lr_g: float = 2.5e-4
    lr_d: float = 2.5e-4
    # Of the text encoder, which then learns with the retriever while the generator reads its average; 0 freezes it.
    lr_text: float = 0.0
    # The pose, turn and background of a layered generator learn this much faster than its canvas. At the
    # same rate the canvas rubs a small object out before the pose has learnt to shrink it.
    composition_lr_scale: float = 8.0
    beta1: float = 0.0
    beta2: float = 0.99
    # Constant for the first half of `total_steps`, then linear to 5%. 0 keeps it constant.
    total_steps: int = 0
    grad_clip: float = 5.0
    ema_decay: float = 0.998
    gamma: float = 1.0
    penalty_share: float = 0.25
    penalty_sigma: float = 0.05
    weight_nce: float = 1.0
    weight_swap: float = 0.5
    weight_nce_text: float = 0.5
    weight_nce_image: float = 0.25
    weight_feature: float = 30.0
    # Where a caption leaves something open, the noise is the one of so many that comes nearest to the real picture.
    noise_candidates: int = 4
    generated_negatives: bool = True
    shift: int = 2
    image_noise: float = 0.02
    auto_balance: bool = False

    def __post_init__(self):
        _check_words(self, type(self))
        _check_at_least(self, batch_size=1, noise_candidates=1, shift=0)


@dataclass
class Preset:
    """A named, complete run: both networks, the training and the world."""

    name: str
    summary: str
    generator: GeneratorConfig
    retriever: RetrieverConfig
    training: TrainingConfig = field(default_factory=TrainingConfig)
    scenes: SceneConfig = field(default_factory=SceneConfig)


NANO_CONCEPTS = (
    "cat", "frog", "penguin", "octopus", "sunflower", "cactus", "red apple", "strawberry",
    "hamburger", "automobile", "house", "robot",
)  # fmt: skip


def _nano(name: str = "nano", summary: str = "", **generator: Any) -> Preset:
    return Preset(
        name,
        summary or "32 px, 12 concepts, upright, large and centred: shapes within 90 s on two cores.",
        GeneratorConfig(
            image_size=32, hidden_dim=192, base_size=6, channels=(64, 48), slots=4, noise_dim=32, **generator
        ),
        RetrieverConfig(image_size=32, slots=4, slot_dim=32, embed_dim=128, channels=(16, 32, 64, 128)),
        TrainingConfig(batch_size=16, lr_g=4e-4, lr_d=4e-4, ema_decay=0.99, weight_swap=0.25, shift=1),
        SceneConfig(
            concepts=NANO_CONCEPTS, styles=("noto",), orientations=("upright",), tints=("none",),
            sizes=("large",), pool_size=384, pool_reuse=64,
        ),
    )  # fmt: skip


def _nano_no_negatives() -> Preset:
    made = _nano("nano-no-hard-negatives", "nano, generated pictures not used as negatives of the retriever.")
    made.training.generated_negatives = False
    made.training.weight_swap = 0.0
    return made


def _nano_class_conditional() -> Preset:
    made = _nano("nano-class-conditional", "nano, captions of one word: a class-conditional GAN.")
    made.scenes.caption_mode = "concept"
    made.training.weight_swap = 0.0
    return made


def _emoji_64() -> Preset:
    return Preset(
        "emoji-64",
        "64 px, 128 concepts in 5 styles, every attribute.",
        GeneratorConfig(),
        RetrieverConfig(),
        TrainingConfig(lr_g=1e-3, lr_d=1e-4, composition_lr_scale=2.0, weight_feature=200.0),
        SceneConfig(complete_share=0.5, short_share=0.2, family_size=4, easy_pools=2, placing_pools=1),
    )


def _emoji_64_core32() -> Preset:
    made = _emoji_64()
    made.name, made.summary = "emoji-64-core32", "64 px, 32 concepts in Noto and 3D style, every attribute."
    made.scenes.concepts, made.scenes.styles = "core32", ("noto", "fluent-3d")
    return made


def _original_2023() -> Preset:
    return Preset(
        "original-2023",
        "The first implementation's recipe on nano's world: it fails, and shows why.",
        GeneratorConfig(
            image_size=32, hidden_dim=192, base_size=4, channels=(128, 64, 32), slots=4, noise_dim=32,
            norm="batch", conditioning="concat", composition="none", activation="relu", init="dcgan",
        ),
        RetrieverConfig(
            image_size=32, pooling="mean", embed_dim=512, tower="resnet", channels=(16, 32, 64, 128),
            normalize=False,
        ),
        TrainingConfig(recipe="original-2023", batch_size=16, lr_g=2e-4, lr_d=2e-4, beta1=0.9, beta2=0.999),
        _nano().scenes,
    )  # fmt: skip


PRESETS = {
    "nano": _nano,
    "nano-batch-norm": partial(_nano, "nano-batch-norm", "nano with BatchNorm in the generator.", norm="batch"),
    "nano-layer-norm": partial(_nano, "nano-layer-norm", "nano with LayerNorm in the generator.", norm="layer"),
    "nano-no-hard-negatives": _nano_no_negatives,
    "nano-class-conditional": _nano_class_conditional,
    "original-2023": _original_2023,
    "emoji-64-core32": _emoji_64_core32,
    "emoji-64": _emoji_64,
}


def preset(name: str) -> Preset:
    """A fresh copy of a named preset. Raises ValueError for an unknown name."""
    if name not in PRESETS:
        raise ValueError(f"Unknown preset {name!r}: choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]()


def apply_overrides(base: Preset, overrides: list[str]) -> Preset:
    """A copy with single values set, as in `training.lr_g=1e-4`; values are JSON, or plain words.

    A key without a section is looked for in `training`. Raises ValueError for an unknown key, a value
    of another type or a network that does not fit together.
    """
    base = copy.deepcopy(base)
    sections: dict[str, Any] = {
        "generator": base.generator, "retriever": base.retriever,
        "training": base.training, "scenes": base.scenes,
    }  # fmt: skip
    for override in overrides:
        key, equals, text = override.partition("=")
        section, dot, name = key.strip().rpartition(".")
        section = section or "training"
        if not equals or section not in sections or not hasattr(sections[section], name) or name.startswith("_"):
            raise ValueError(
                f"Cannot set {override!r}: write section.key=value with a section of {', '.join(sections)} "
                "and a key that its configuration has."
            )
        old = getattr(sections[section], name)
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        value = _tuples(value)
        if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        kinds = {"channels": tuple, "concepts": (str, tuple)}.get(name, type(old))
        same_kind = isinstance(value, kinds)
        if not same_kind or isinstance(value, bool) != isinstance(old, bool):
            raise ValueError(f"Cannot set {override!r}: {key} takes a {type(old).__name__}, like {old!r}.")
        setattr(sections[section], name, value)
    # Built anew, so that the configurations check their values together.
    return Preset(
        base.name,
        base.summary,
        GeneratorConfig.from_dict(base.generator.to_dict()),
        RetrieverConfig.from_dict(base.retriever.to_dict()),
        dataclasses.replace(base.training),
        dataclasses.replace(base.scenes),
    )
