"""The named presets, and single values set on top of them."""

import copy
import json
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import Any

from .config import GeneratorConfig, NetworkConfig, Phase, Preset, RetrieverConfig, TrainingConfig

NANO_CONCEPTS = (
    "cat", "frog", "penguin", "octopus", "sunflower", "cactus", "carrot", "strawberry",
    "hamburger", "automobile", "house", "robot",
)  # fmt: skip
NANO_WORLD = {
    "kind": "emoji",
    "only": {"concept": NANO_CONCEPTS, "style": ("noto",), "orientation": ("upright",), "tint": ("none",),
             "size": ("large",)},
}  # fmt: skip


def _nano(name: str = "nano", summary: str = "", **generator: Any) -> Preset:
    return Preset(
        name,
        summary or "32 px, 12 concepts, upright, large and centred: eyes within two minutes on two cores.",
        GeneratorConfig(image_size=32, hidden_dim=256, slots=4, noise_dim=16, **generator),
        RetrieverConfig(image_size=32, slots=4, slot_dim=32, embed_dim=128, channels=(16, 32, 64)),
        TrainingConfig(
            phases=(Phase("reconstruct", 300), Phase("contend")), batch_size=16, lr_g=4e-4, lr_d=4e-4, ema_decay=0.99,
            weight_swap=0.25, shift=1, pool_size=384, pool_reuse=64,
        ),
        copy.deepcopy(NANO_WORLD),
    )  # fmt: skip


def _nano_with_norm(norm: str, called: str) -> Preset:
    summary = f"nano with {called} in the generator; in the study that made no difference."
    return _nano(f"nano-{norm}-norm", summary, norm=norm)


def _nano_contend() -> Preset:
    made = _nano(
        "nano-no-reconstruction",
        "nano without the first phase: the retriever alone teaches the generator; in the study three fifths as well.",
    )
    made.training.phases = (Phase("contend"),)
    made.training.weight_reconstruct = 0.0
    return made


def _nano_no_negatives() -> Preset:
    made = _nano(
        "nano-no-hard-negatives",
        "nano, generated pictures not used as negatives of the retriever; in the study that made no difference.",
    )
    made.training.generated_negatives = False
    made.training.weight_swap = 0.0
    return made


def _nano_class_conditional() -> Preset:
    made = _nano(
        "nano-class-conditional",
        "nano, captions of one word: a class-conditional GAN; in the study 3% of held-out scenes right, 95% with text.",
    )
    made.world["caption_mode"] = "concept"
    made.training.weight_swap = 0.0
    return made


def _emoji_64_core128() -> Preset:
    return Preset(
        "emoji-64-core128",
        "64 px, the first 128 concepts in 5 styles, every attribute.",
        GeneratorConfig(),
        RetrieverConfig(),
        TrainingConfig(
            phases=(
                Phase("reconstruct", 4_500), Phase("contend", 1_200), Phase("retrieve", 4_000), Phase("retrieve", 4_000)
            ),
            lr_g=2e-4, lr_d=2e-4, gamma=1.0, weight_feature=0.0,
        ),
        {"kind": "emoji", "only": {"concept": "core128"}, "complete_share": 0.5, "short_share": 0.2, "family_size": 4},
    )  # fmt: skip


def _emoji_64() -> Preset:
    made = _emoji_64_core128()
    made.name, made.summary = "emoji-64", "64 px, a thousand concepts in 5 styles, every attribute."
    made.generator = GeneratorConfig(hidden_dim=2048, depth=2, restyling=(48, 72, 96))
    del made.world["only"]
    made.training = replace(
        made.training,
        phases=(
            Phase("reconstruct", 4_200), Phase("contend", 240), Phase("retrieve", 3_200),
            Phase("retrieve", 2_200, lr_retrieve=1.6e-3, weight_names=3.0, named_share=2.0),
            Phase("restyle", 600, lr_g=1e-3),
        ),
        batch_size=256, pool_size=16_384, pool_reuse=12, lr_reconstruct=3e-3, lr_d=4e-4, lr_retrieve=8e-4,
    )  # fmt: skip
    return made


def _emoji_64_core32() -> Preset:
    made = _emoji_64_core128()
    made.name, made.summary = "emoji-64-core32", "64 px, 32 concepts in Noto and 3D style, every attribute."
    made.world["only"] = {"concept": "core32", "style": ("noto", "fluent-3d")}
    made.training.phases = (Phase("reconstruct", 4_000), Phase("contend", 4_000), Phase("retrieve", 1_000))
    return made


def _own(size: int) -> Preset:
    return Preset(
        f"own-{size}",
        f"{size} px, for your own captioned pictures.",
        GeneratorConfig(image_size=size, composition="none", noise_dim=64),
        RetrieverConfig(image_size=size),
        TrainingConfig(
            phases=(Phase("reconstruct", 4_000), Phase("contend", 8_000), Phase("retrieve", 1_000)),
            lr_g=2e-4, lr_d=2e-4, gamma=max(1.0, size / 64), noise_candidates=4, mixed_share=0.0, weight_swap=0.0,
            zoom=0.15,
        ),
        {"kind": "pictures"},
    )  # fmt: skip


def _original_2023() -> Preset:
    return Preset(
        "original-2023",
        "The first implementation's recipe on nano's world: it fails. In the study only copying pictures first mends "
        "it.",
        GeneratorConfig(
            image_size=32, hidden_dim=192, base_size=8, head_channels=128, channels=(128, 64), slots=4, noise_dim=32,
            norm="batch", conditioning="concat", composition="none", activation="relu", init="dcgan",
        ),
        RetrieverConfig(
            image_size=32, pooling="mean", embed_dim=512, tower="resnet", channels=(16, 32, 64, 128), normalize=False
        ),
        TrainingConfig(
            recipe="original-2023", batch_size=16, lr_g=2e-4, lr_d=2e-4, beta1=0.9, beta2=0.999,
            pool_size=384, pool_reuse=64,
        ),
        copy.deepcopy(NANO_WORLD),
    )  # fmt: skip


PRESETS = {
    "nano": _nano,
    "nano-no-reconstruction": _nano_contend,
    "nano-batch-norm": partial(_nano_with_norm, "batch", "BatchNorm"),
    "nano-layer-norm": partial(_nano_with_norm, "layer", "LayerNorm"),
    "nano-no-hard-negatives": _nano_no_negatives,
    "nano-class-conditional": _nano_class_conditional,
    "original-2023": _original_2023,
    "emoji-64-core32": _emoji_64_core32,
    "emoji-64-core128": _emoji_64_core128,
    "emoji-64": _emoji_64,
    "own-32": partial(_own, 32),
    "own-64": partial(_own, 64),
    "own-128": partial(_own, 128),
}


def preset(name: str) -> Preset:
    """A fresh copy of a named preset. Raises ValueError for an unknown name."""
    if name not in PRESETS:
        raise ValueError(f"Unknown preset {name!r}: choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]()


def apply_overrides(base: Preset, overrides: list[str]) -> Preset:
    """A copy with single values set, as in `training.lr_g=1e-4`; values are JSON, or plain words.

    A key without a section is looked for in `training`; in `world` every key of the world may be given; `image_size`
    belongs to both networks. Raises ValueError for an unknown key, a value of another type or a network that does not
    fit together.
    """
    base = copy.deepcopy(base)
    sections: dict[str, Any] = {"generator": base.generator, "retriever": base.retriever, "training": base.training}
    for override in overrides:
        key, equals, text = override.partition("=")
        section, _, name = key.strip().rpartition(".")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        if equals and section == "world":
            base.world[name] = value  # the world checks its own
            continue
        networks = (base.generator, base.retriever)
        targets = networks if key == "image_size" else [sections.get(section or "training")]
        if not equals or not all(target is not None and name in _settings(target) for target in targets):
            raise ValueError(
                f"Cannot set {override!r}: write section.key=value with a section of {', '.join(sections)}, world "
                "and a key that its configuration has."
            )
        for target in targets:
            setattr(target, name, _like(getattr(target, name), value, override))
    return base.rebuilt()


def _settings(config: TrainingConfig | NetworkConfig) -> Collection[str]:
    """Names of what can be set: not what follows from it, as `total_steps` does."""
    return config.to_dict() if isinstance(config, NetworkConfig) else vars(config)


def _like(old: Any, value: Any, override: str) -> Any:
    """The value, where it is of the old one's kind. Raises ValueError."""
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(old, list | tuple) and isinstance(value, list):
        return tuple(value)
    if not isinstance(value, type(old)) or isinstance(value, bool) != isinstance(old, bool):
        raise ValueError(f"Cannot set {override!r}: it takes a {type(old).__name__}, like {old!r}.")
    return value
