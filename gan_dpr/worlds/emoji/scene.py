"""A scene: objects on a plain background, and which of its pairs and drawings are held out of training."""

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cache

from .attributes import ATTRIBUTES, CENTRE, HOLDING_OUT, STYLE, TABLE, clashing
from .concepts import CONCEPTS

OF_SCENE = tuple(a.name for a in TABLE if a.of_scene)
OF_OBJECT = tuple(a.name for a in TABLE if not a.of_scene)
# Two renderings of one drawing: who knows the one knows the shapes of the other.
SISTERS = {"fluent-flat": "fluent-3d", "fluent-3d": "fluent-flat"}


@dataclass(frozen=True, slots=True)
class SceneObject:
    """A drawing and how it is shown. `position` is (row, column), each 0 to 2; large is always central.

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
            raise ValueError(f"unknown concept {self.concept!r}: use one from concepts.tsv")
        if self.style not in concept.styles:
            styles = ", ".join(concept.styles)
            raise ValueError(f"{self.concept!r} has no style {self.style!r}: use one of {styles}")
        for attribute in TABLE:
            if attribute.values and not attribute.of_scene:
                _check(attribute.name, getattr(self, attribute.name))
        if self.orientation != "upright" and not concept.orientable:
            raise ValueError(f"{self.concept!r} has no visible upright: its orientation must be upright")
        sentence = clashing({name: getattr(self, name) for name in OF_OBJECT})
        if sentence:
            raise ValueError(sentence)


@dataclass(frozen=True, slots=True)
class Scene:
    """Objects on a plain background, back to front. What is sampled so far has exactly one."""

    objects: tuple[SceneObject, ...]
    background: str = "white"

    def __post_init__(self):
        for name in OF_SCENE:
            _check(name, getattr(self, name))
        for item in self.objects:
            values = {name: getattr(self if name in OF_SCENE else item, name) for name in ATTRIBUTES}
            sentence = clashing(values)
            if sentence:
                raise ValueError(sentence)

    @property
    def object(self) -> SceneObject:
        """The single object; ValueError if there is not exactly one."""
        if len(self.objects) != 1:
            raise ValueError(f"this scene has {len(self.objects)} objects, not one")
        return self.objects[0]

    def attribute(self, name: str) -> Hashable:
        """The value of one attribute of a scene with one object."""
        return getattr(self if name in OF_SCENE else self.object, name)

    def with_attribute(self, name: str, value: Hashable) -> "Scene":
        """A copy with one attribute changed; ValueError if there is no such scene."""
        if name in OF_SCENE:
            return replace(self, **{name: value})
        return replace(self, objects=(replace(self.object, **{name: value}),))

    @classmethod
    def from_dict(cls, values: dict) -> "Scene":
        """A scene from the flat JSON form: one entry an attribute, position as [row, column]."""
        unknown = set(values) - set(ATTRIBUTES)
        if unknown:
            raise ValueError(f"unknown scene attribute {min(unknown)!r}: use {', '.join(ATTRIBUTES)}")
        values = dict(values, position=tuple(values.get("position", CENTRE)))
        of_scene = {name: values.pop(name) for name in OF_SCENE if name in values}
        return cls((SceneObject(**values),), **of_scene)

    def to_dict(self) -> dict:
        """The flat JSON form that `from_dict` reads."""
        values = {name: self.attribute(name) for name in ATTRIBUTES}
        return dict(values, position=list(values["position"]))


def _check(name: str, value: Hashable) -> None:
    known = ATTRIBUTES[name].values
    if value not in known:
        raise ValueError(f"unknown {name} {value!r}: use one of {', '.join(map(str, known))}")


def _one_in_ten(concept: str, name: str, value: str) -> bool:
    # A hash of the pair, so that the split is frozen and needs no file.
    digest = hashlib.sha256(f"{concept}|{name}={value}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 10 == 0


@cache
def is_held_out(concept: str, name: str, value: Hashable) -> bool:
    """Whether the pair (concept, attribute = value) is kept out of training, in any role.

    About one pair in ten of the attributes that hold out, never one with the usual value; and drawings: see
    `held_out_styles`.
    """
    if name == "style":
        return value in held_out_styles(concept)
    attribute = ATTRIBUTES[name]
    if not attribute.holds_out or value == attribute.usual:
        return False
    if (concept, value) == ("elephant", "upside-down"):  # the project's showpiece, held out by decree
        return True
    return _one_in_ten(concept, name, value)


@cache
def held_out_styles(concept: str) -> tuple[str, ...]:
    """The styles whose drawing of a concept is never shown in training: at most half of those that it has."""
    styles = sorted(CONCEPTS[concept].styles)
    candidates = [style for style in styles if _one_in_ten(concept, "style", style)]
    return tuple(candidates[: len(styles) // 2])


def drawing_split(concept: str, style: str) -> str | None:
    """The split of a held-out drawing; None for one that is trained on.

    "rendering" where its sister drawing (the same shapes, flat or in 3D) is there and trained on, else "drawing".
    """
    if style not in held_out_styles(concept):
        return None
    sister = SISTERS.get(style)
    known = sister in CONCEPTS[concept].styles and sister not in held_out_styles(concept)
    return "rendering" if known else "drawing"


def held_out_attributes(scene: Scene) -> tuple[str, ...]:
    """The attributes whose pair with the concept is held out, in the table's order; "style" for a drawing."""
    concept = scene.object.concept
    return tuple(name for name in (*HOLDING_OUT, STYLE.name) if is_held_out(concept, name, scene.attribute(name)))
