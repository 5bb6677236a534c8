"""The world of emoji scenes: attributes, concepts, held-out pairs and sampling.

A scene is one sprite on a plain background, fully given by seven attributes. Some (concept, value) pairs are
held out of training, by a hash, so that composition can be tested on pairs which no training run has seen.
"""

import csv
import hashlib
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import resources
from itertools import accumulate

import numpy as np

ATTRIBUTES = ("concept", "orientation", "tint", "size", "position", "background", "style")
HELD_OUT_ATTRIBUTES = ("orientation", "tint", "background")

ORIENTATIONS = ("upright", "upside-down", "sideways")  # 0, 180 and 90 degrees clockwise
TINTS: dict[str, tuple[int, int, int] | None] = {
    "none": None,
    "red": (214, 48, 49),
    "orange": (243, 134, 26),
    "yellow": (250, 208, 44),
    "green": (39, 174, 96),
    "blue": (41, 98, 255),
    "purple": (142, 68, 173),
    "pink": (255, 130, 190),
    "gray": (130, 130, 130),
}
SIZES = {"small": 24, "medium": 36, "large": 52}  # longest side in pixels of a 64-pixel scene
POSITIONS: dict[tuple[int, int], str] = {  # (row, column) -> words in a caption
    (0, 0): "at the top left",
    (0, 1): "at the top",
    (0, 2): "at the top right",
    (1, 0): "on the left",
    (1, 1): "in the middle",
    (1, 2): "on the right",
    (2, 0): "at the bottom left",
    (2, 1): "at the bottom",
    (2, 2): "at the bottom right",
}
CENTRE = (1, 1)
BACKGROUNDS: dict[str, tuple[int, int, int]] = {
    "white": (250, 250, 250),
    "black": (20, 20, 20),
    "red": (214, 48, 49),
    "green": (39, 174, 96),
    "blue": (41, 98, 255),
    "yellow": (253, 216, 53),
    "pink": (255, 158, 200),
    "purple": (142, 68, 173),
}
STYLES: dict[str, str] = {  # style -> words in a caption
    "noto": "in Noto style",
    "twemoji": "in Twemoji style",
    "fluent-flat": "in flat style",
    "fluent-3d": "in 3D style",
    "emojione": "in EmojiOne style",
}

ORIENTATION_SHARES = {"upright": 0.55, "upside-down": 0.28, "sideways": 0.17}
NO_TINT_SHARE = 0.55


@dataclass(frozen=True)
class Concept:
    """One thing that can be drawn: its key (the CLDR short name), words for captions, styles that have it."""

    concept: str
    name: str
    synonyms: tuple[str, ...]
    orientable: bool  # whether upright can be seen; if not, the concept is only ever upright
    core32: bool
    styles: tuple[str, ...]


def _read_concepts() -> dict[str, Concept]:
    table = resources.files(__package__).joinpath("core_concepts.tsv").read_text(encoding="utf-8")
    return {
        row["concept"]: Concept(
            concept=row["concept"],
            name=row["name"],
            synonyms=tuple(s for s in row["synonyms"].split(",") if s),
            orientable=row["orientable"] == "True",
            core32=row["core32"] == "True",
            styles=tuple(style for style in STYLES if style in row["styles"].split(",")),
        )
        for row in csv.DictReader(table.splitlines(), delimiter="\t")
    }


CONCEPTS: dict[str, Concept] = _read_concepts()


_OBJECT_VALUES = {"orientation": ORIENTATIONS, "tint": TINTS, "size": SIZES, "position": POSITIONS}


@dataclass(frozen=True, slots=True)
class SceneObject:
    """A sprite and how it is drawn. `position` is (row, column), each 0 to 2; large is always central.

    Raises ValueError for a value that the world does not have.
    """

    concept: str
    style: str
    orientation: str = "upright"
    tint: str = "none"
    size: str = "medium"
    position: tuple[int, int] = CENTRE

    def __post_init__(self):
        concept = CONCEPTS.get(self.concept)
        if concept is None:
            raise ValueError(f"unknown concept {self.concept!r}: use one from core_concepts.tsv")
        if self.style not in concept.styles:
            styles = ", ".join(concept.styles)
            raise ValueError(f"{self.concept!r} has no style {self.style!r}: use one of {styles}")
        for attribute, known in _OBJECT_VALUES.items():
            value = getattr(self, attribute)
            if value not in known:
                raise ValueError(f"unknown {attribute} {value!r}: use one of {', '.join(map(str, known))}")
        if self.orientation != "upright" and not concept.orientable:
            raise ValueError(f"{self.concept!r} has no visible upright: its orientation must be upright")
        if self.size == "large" and self.position != CENTRE:
            raise ValueError(f"a large object is always at position {CENTRE}, not {self.position}")


@dataclass(frozen=True, slots=True)
class Scene:
    """Objects on a plain background. For now every scene has exactly one object."""

    objects: tuple[SceneObject, ...]
    background: str = "white"

    def __post_init__(self):
        if self.background not in BACKGROUNDS:
            raise ValueError(f"unknown background {self.background!r}: use one of {', '.join(BACKGROUNDS)}")
        if any(item.tint == self.background for item in self.objects):
            raise ValueError(f"a {self.background} object on a {self.background} background cannot be seen")

    @property
    def object(self) -> SceneObject:
        """The single object; ValueError if there is not exactly one."""
        if len(self.objects) != 1:
            raise ValueError(f"this scene has {len(self.objects)} objects, not one")
        return self.objects[0]

    def attribute(self, name: str):
        """The value of one of ATTRIBUTES."""
        return self.background if name == "background" else getattr(self.object, name)

    def with_attribute(self, name: str, value) -> "Scene":
        """A copy with one of ATTRIBUTES changed; ValueError if there is no such scene."""
        if name == "background":
            return replace(self, background=value)
        return replace(self, objects=(replace(self.object, **{name: value}),))

    @classmethod
    def from_dict(cls, values: dict) -> "Scene":
        """A scene from the flat JSON form: the seven attributes, position as [row, column]."""
        unknown = set(values) - set(ATTRIBUTES)
        if unknown:
            raise ValueError(f"unknown scene attribute {min(unknown)!r}: use {', '.join(ATTRIBUTES)}")
        values = dict(values, position=tuple(values.get("position", CENTRE)))
        background = values.pop("background", "white")
        return cls((SceneObject(**values),), background)

    def to_dict(self) -> dict:
        """The flat JSON form that `from_dict` reads."""
        values = {name: self.attribute(name) for name in ATTRIBUTES}
        return dict(values, position=list(values["position"]))


@cache
def is_held_out(concept: str, attribute: str, value: str) -> bool:
    """Whether the pair (concept, attribute = value) is kept out of training.

    The split is a hash of the pair, so it is frozen and needs no file; about one pair in ten of the
    HELD_OUT_ATTRIBUTES is held out, none of the others.
    """
    if attribute not in HELD_OUT_ATTRIBUTES or value in ("upright", "none"):
        return False
    if (concept, value) == ("elephant", "upside-down"):  # the project's showpiece, held out by decree
        return True
    digest = hashlib.sha256(f"{concept}|{attribute}={value}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 10 == 0


def held_out_attributes(scene: Scene) -> tuple[str, ...]:
    """The attributes whose pair with the concept is held out, in the order of HELD_OUT_ATTRIBUTES."""
    concept = scene.object.concept
    return tuple(name for name in HELD_OUT_ATTRIBUTES if is_held_out(concept, name, scene.attribute(name)))


@dataclass(frozen=True)
class _Options:
    """What a training scene of one concept may have; weights are cumulative and end at 1."""

    styles: tuple[str, ...]
    orientations: tuple[str, ...]
    orientation_weights: tuple[float, ...]
    tints: tuple[str, ...]
    backgrounds: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """The part of the world that is used; `World()` is all of it, `World.core32()` its first 32 concepts.

    Raises ValueError for an unknown value, and where a concept would be left with no training scene at all.
    """

    concepts: tuple[str, ...] = tuple(CONCEPTS)
    styles: tuple[str, ...] = tuple(STYLES)
    orientations: tuple[str, ...] = ORIENTATIONS
    tints: tuple[str, ...] = tuple(TINTS)
    sizes: tuple[str, ...] = tuple(SIZES)
    positions: tuple[tuple[int, int], ...] = tuple(POSITIONS)
    backgrounds: tuple[str, ...] = tuple(BACKGROUNDS)

    def __post_init__(self):
        parts = {
            "concepts": CONCEPTS,
            "styles": STYLES,
            "orientations": ORIENTATIONS,
            "tints": TINTS,
            "sizes": SIZES,
            "positions": POSITIONS,
            "backgrounds": BACKGROUNDS,
        }
        for part, known in parts.items():
            values = getattr(self, part)
            if not values:
                raise ValueError(f"the world needs at least one of its {part}")
            if len(set(values)) < len(values):
                raise ValueError(f"the world's {part} name a value twice")
            for value in values:
                if value not in known:
                    raise ValueError(f"unknown value {value!r} in the world's {part}")
        for concept, options in self._options.items():
            has_pair = any(tint != back for tint in options.tints for back in options.backgrounds)
            if not (options.styles and options.orientations and has_pair):
                raise ValueError(
                    f"{concept!r} has no training scene in this world: leave it out, or allow more styles, "
                    "orientations, tints or backgrounds"
                )

    @classmethod
    def core32(cls, **parts) -> "World":
        """The world of the 32 concepts to begin with; `parts` narrows it further."""
        return cls(concepts=tuple(name for name, concept in CONCEPTS.items() if concept.core32), **parts)

    @property
    def varying(self) -> frozenset[str]:
        """The attributes of which this world has more than one value."""
        return frozenset(name for name in ATTRIBUTES if len(getattr(self, name + "s")) > 1)

    @cached_property
    def _options(self) -> dict[str, _Options]:
        table = {}
        for name in self.concepts:
            concept = CONCEPTS[name]
            turned = tuple(
                value
                for value in self.orientations
                if value == "upright" or concept.orientable and not is_held_out(name, "orientation", value)
            )
            shares = [ORIENTATION_SHARES[value] for value in turned]
            table[name] = _Options(
                styles=tuple(style for style in self.styles if style in concept.styles),
                orientations=turned,
                orientation_weights=tuple(accumulate(share / sum(shares) for share in shares)),
                tints=tuple(tint for tint in self.tints if not is_held_out(name, "tint", tint)),
                backgrounds=tuple(b for b in self.backgrounds if not is_held_out(name, "background", b)),
            )
        return table

    def sample(self, rng: np.random.Generator) -> Scene:
        """A random training scene: attributes in their shares, no held-out pair."""
        while True:
            u = rng.random(8).tolist()
            concept = _pick(self.concepts, u[0])
            options = self._options[concept]
            background = _pick(options.backgrounds, u[1])
            tint = _pick_tint([tint for tint in options.tints if tint != background], u[2], u[3])
            if tint is None:  # every tint of this world is the background's colour: draw another background
                continue
            # min(): the last cumulative weight can be a rounding error below 1
            turn = min(bisect_right(options.orientation_weights, u[4]), len(options.orientations) - 1)
            size = _pick(self.sizes, u[5])
            position = CENTRE if size == "large" else _pick(self.positions, u[6])
            style = _pick(options.styles, u[7])
            item = SceneObject(concept, style, options.orientations[turn], tint, size, position)
            return Scene((item,), background)

    def swap(
        self, scene: Scene, rng: np.random.Generator, attributes: Collection[str] = ATTRIBUTES
    ) -> tuple[Scene, str] | None:
        """The training scene `scene` with exactly one attribute changed, and that attribute's name.

        The attribute is uniform among those of `attributes` that can change, its new value among those that
        give a training scene of this world; None where nothing can change.
        """
        choices = {name: self._swaps(scene, name) for name in ATTRIBUTES if name in attributes}
        choices = {name: values for name, values in choices.items() if values}
        if not choices:
            return None
        name = list(choices)[int(rng.integers(len(choices)))]
        return scene.with_attribute(name, choices[name][int(rng.integers(len(choices[name])))]), name

    def _swaps(self, scene: Scene, name: str) -> list:
        item, options = scene.object, self._options[scene.object.concept]
        match name:
            case "concept":
                values = [
                    other
                    for other, has in self._options.items()
                    if item.style in has.styles
                    and item.orientation in has.orientations
                    and item.tint in has.tints
                    and scene.background in has.backgrounds
                ]
            case "orientation":
                values = options.orientations
            case "tint":
                values = [tint for tint in options.tints if tint != scene.background]
            case "size":
                values = [size for size in self.sizes if size != "large" or item.position == CENTRE]
                if item.position not in self.positions:  # large, where the others never stand in the centre
                    values = []
            case "position":
                values = self.positions if item.size != "large" else ()
            case "background":
                values = [background for background in options.backgrounds if background != item.tint]
            case "style":
                values = options.styles
        return [value for value in values if value != scene.attribute(name)]

    def test_scenes(self, split: str, n: int, seed: int) -> list[Scene]:
        """`n` scenes of a test split, always the same ones for the same world, split, n and seed.

        Args:
            split: "iid" (no held-out pair), or one of HELD_OUT_ATTRIBUTES: that attribute's pair is held out
                and no other. The pairs are taken in turn from a shuffled list: all occur about equally often.
            n: how many.
            seed: of the generator that draws them.
        """
        if split == "iid":
            rng = np.random.default_rng(seed)
            return [self.sample(rng) for _ in range(n)]
        if split not in HELD_OUT_ATTRIBUTES:
            raise ValueError(f"unknown split {split!r}: use iid, {', '.join(HELD_OUT_ATTRIBUTES)}")
        pairs = [
            (concept, value)
            for concept in self.concepts
            for value in getattr(self, split + "s")
            if is_held_out(concept, split, value) and (split != "orientation" or CONCEPTS[concept].orientable)
        ]
        if not pairs:
            raise ValueError(f"this world has no held-out pair of {split}: give it more concepts or {split}s")
        rng = np.random.default_rng([seed, HELD_OUT_ATTRIBUTES.index(split)])
        rng.shuffle(pairs)
        return [self._with_held_out(*pairs[i % len(pairs)], split, rng) for i in range(n)]

    def _with_held_out(self, concept: str, value: str, attribute: str, rng: np.random.Generator) -> Scene:
        # A training scene of the concept with the held-out value put in: nothing else in it is held out.
        one = replace(self, concepts=(concept,))
        while True:
            scene = one.sample(rng)
            clash = scene.object.tint if attribute == "background" else scene.background
            if attribute == "orientation" or clash != value:
                return scene.with_attribute(attribute, value)


def _pick(values, u: float):
    return values[int(u * len(values))]


def _pick_tint(tints: list[str], u: float, v: float) -> str | None:
    colours = [tint for tint in tints if tint != "none"]
    if "none" in tints and (u < NO_TINT_SHARE or not colours):
        return "none"
    return _pick(colours, v) if colours else None
