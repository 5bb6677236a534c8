"""The world of emoji scenes: which part of it a run draws from, sampling and swapping."""

import dataclasses
from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress, product
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ..protocol import Caption, Layers, Model, OwnPrompt
from .attributes import (
    ALWAYS_SAID,
    ATTRIBUTES,
    CENTRE,
    DRAWN_IN_TURN,
    ORIENTATION,
    Attribute,
    chances,
    clashing,
    words_of,
)
from .captions import canonical_caption, caption_of, concept_caption, names_of, rewrite, write_caption
from .concepts import CONCEPTS, CORES
from .render import layers_of, render
from .scene import OF_SCENE, Scene, SceneObject, is_held_out
from .splits import DRAWINGS, HELD_OUT, scenes_of_split

if TYPE_CHECKING:
    from ...evaluation.judge import SceneJudge
    from .describe import SceneDescriber
    from .drawings import EmojiDrawings
    from .prompts import PromptGuide

SHORT_SAID_SHARE = 0.25  # of the attributes that a short caption may leave out
CaptionMode = Literal["full", "concept"]


@dataclass(frozen=True)
class EmojiWorld:
    """The part of the world that is used; `EmojiWorld()` is all of it.

    Attributes:
        only: attribute -> the values that it may have here, all where it is not named. "core32" and
            "core128" stand for the first so many concepts.
        caption_mode: "concept" says only the object's name: a class-conditional GAN through the same code.
        complete_share: so many captions say everything, half of them everything but the style: the right picture is
            known, up to its style, without a search for the noise that fits.
        short_share: so many say the thing, its turn and its tint, and each other attribute only one time in four:
            short prompts, as people type them.
        family_size: scenes come in families of so many, alike in everything but the concept. Only beside its like
            does a picture have to be told by what it shows, not by its colours and place.
        taught: what a finished model was taught beside the concepts: name -> how that went (`teaching`). Prompts may
            ask for it; training and tests have nothing of it.

    Raises ValueError for an unknown value, and where a concept would be left with no training scene at all.
    """

    only: dict[str, Any] = dataclasses.field(default_factory=dict)
    caption_mode: CaptionMode = "full"
    complete_share: float = 0.0
    short_share: float = 0.0
    family_size: int = 1
    taught: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    kind = "emoji"
    attributes = tuple(ATTRIBUTES)
    finite = None
    held_out = HELD_OUT

    def __post_init__(self):
        if not isinstance(self.only, dict):
            raise ValueError(f"only is attribute -> list of its values here, not {self.only!r}.")
        only = {name: _tuples(values) for name, values in self.only.items()}
        if isinstance(only.get("concept"), str):
            only["concept"] = CORES.get(only["concept"], only["concept"])
        object.__setattr__(self, "only", only)
        if not (isinstance(self.taught, dict) and all(isinstance(name, str) for name in self.taught)):
            raise ValueError(f"taught is name -> how that went, not {self.taught!r}.")
        if self.caption_mode not in get_args(CaptionMode):
            raise ValueError(f"caption_mode is full or concept, not {self.caption_mode!r}.")
        if type(self.family_size) is not int or self.family_size < 1:
            raise ValueError(f"family_size must be at least 1, not {self.family_size!r}.")
        for name in ("complete_share", "short_share"):
            share = getattr(self, name)
            if not isinstance(share, int | float) or not 0 <= share <= 1:
                raise ValueError(f"{name} must be from 0 to 1, not {share!r}.")
        for name, values in only.items():
            if name not in ATTRIBUTES:
                raise ValueError(f"the world has no attribute {name!r}: use {', '.join(ATTRIBUTES)}")
            if not isinstance(values, tuple) or not values:
                raise ValueError(f"the world needs a list with at least one {name}")
            known = tuple(CONCEPTS if name == "concept" else ATTRIBUTES[name].values)
            for value in values:
                if value not in known:
                    raise ValueError(f"unknown value {value!r} in the world's list of {name}")
            if len(set(values)) < len(values):
                raise ValueError(f"the world's list of {name} names a value twice")
        for concept, options in self._options.items():
            pairs = ((tint, behind) for tint in options["tint"] for behind in options["background"])
            if not (options["style"] and options["orientation"] and any(a != b for a, b in pairs)):
                raise ValueError(
                    f"{concept!r} has no training scene in this world: leave it out, or allow more styles, "
                    "orientations, tints or backgrounds"
                )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "EmojiWorld":
        """What `to_dict` wrote. ValueError for an entry that this version does not know."""
        values = {name: value for name, value in values.items() if name != "kind"}
        unknown = set(values) - {entry.name for entry in dataclasses.fields(cls)}
        if unknown:
            raise ValueError(f"the emoji world has no setting {min(unknown)!r}")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **dataclasses.asdict(self)}

    def allowed(self, name: str) -> tuple:
        """The values that an attribute may have here."""
        return self.only.get(name) or tuple(CONCEPTS if name == "concept" else ATTRIBUTES[name].values)

    @property
    def concepts(self) -> tuple[str, ...]:
        return self.allowed("concept")

    @property
    def open_attributes(self) -> frozenset[str]:
        varied = {name for name in ATTRIBUTES if len(self.allowed(name)) > 1}
        if self.allowed("size") == ("large",):  # always in the middle
            varied -= {"position"}
        if self.caption_mode == "concept":
            return frozenset(varied - {"concept"})
        return frozenset(name for name in varied if ATTRIBUTES[name].may_be_open)

    @cached_property
    def _options(self) -> dict[str, dict[str, tuple]]:
        """Of each concept the values that a training scene may have."""
        table = {}
        for name in self.concepts:
            concept = CONCEPTS[name]
            table[name] = {
                attribute: tuple(value for value in self.allowed(attribute) if not is_held_out(name, attribute, value))
                for attribute in ATTRIBUTES
                if attribute != "concept"
            }
            table[name]["style"] = tuple(style for style in table[name]["style"] if style in concept.styles)
            if not concept.orientable:
                table[name]["orientation"] = tuple(v for v in table[name]["orientation"] if v == ORIENTATION.usual)
        return table

    def _concepts_with(self, name: str, value: Hashable) -> np.ndarray:
        """(concepts,) bool: which of them training scenes show with a value."""
        known = self._shown_with
        if (name, value) not in known:
            known[name, value] = np.array([value in options[name] for options in self._options.values()])
        return known[name, value]

    @cached_property
    def _shown_with(self) -> dict[tuple[str, Hashable], np.ndarray]:
        return {}

    def training_values(self, concept: str, name: str) -> tuple:
        """The values of an attribute that training scenes of a concept may have."""
        return self._options[concept][name]

    # ---------------------------------------------------------------- training scenes

    def sample(self, rng: np.random.Generator) -> Scene:
        """A random training scene: attributes in their shares, nothing held out."""
        while True:
            chance = chances(rng)
            values: dict[str, Hashable] = {"concept": self.concepts[int(next(chance) * len(self.concepts))]}
            for attribute in DRAWN_IN_TURN:
                value = attribute.drawn(self._possible(attribute, values), chance)
                if value is None:  # every tint of this world is the background's colour: draw it all anew
                    break
                values[attribute.name] = value
            else:
                of_scene = {name: values.pop(name) for name in OF_SCENE}
                return Scene((SceneObject(**values),), **of_scene)

    def _possible(self, attribute: Attribute, beside: dict[str, Hashable]) -> tuple:
        """The values that a training scene may have beside those that it has already."""
        def fitting(values: Iterable[Hashable]) -> tuple:
            return tuple(value for value in values if not clashing(beside | {attribute.name: value}))

        here = fitting(self._options[beside["concept"]][attribute.name])
        # A large object is in the centre even where the others never are.
        return here or (fitting(attribute.values) if attribute.name == "position" else ())

    def scenes(self, n: int, rng: np.random.Generator) -> list[Scene]:
        return list(self._families(n, rng))

    def _families(self, n: int, rng: np.random.Generator) -> Iterator[Scene]:
        for i in range(n):
            if i % self.family_size == 0:
                first = scene = self.sample(rng)
            else:
                relative = self.swap_scene(first, rng, ("concept",))
                scene = relative[0] if relative else self.sample(rng)
            yield scene

    def names(self) -> dict[str, tuple[str, ...]]:
        return {key: names_of(CONCEPTS[key]) for key in self.concepts}

    def combinations(self, attributes: tuple[str, ...]) -> list[tuple[Hashable, ...]]:
        return [
            combination
            for concept, options in self._options.items()
            for combination in product(*((concept,) if name == "concept" else options[name] for name in attributes))
        ]

    def value(self, scene: Scene, attribute: str) -> Hashable:
        return scene.attribute(attribute)

    def word(self, scene: Scene, attribute: str) -> str:
        value = scene.attribute(attribute)
        return words_of(attribute, value) if attribute == "position" else value

    def caption(self, scene: Scene, rng: np.random.Generator) -> Caption:
        if self.caption_mode == "concept":
            return concept_caption(scene, wording=int(rng.integers(2**63)))
        return write_caption(scene, rng, self._mention(rng))

    def _mention(self, rng: np.random.Generator) -> list[str] | None:
        """What a caption shall say: everything (half of the time but for the style), little, or None for chance."""
        kind, halves = rng.random(2)
        if kind < self.complete_share:
            return [name for name in ATTRIBUTES if halves < 0.5 or name != "style"]
        if kind < self.complete_share + self.short_share:
            return [name for name in ATTRIBUTES if rng.random() < SHORT_SAID_SHARE]
        return None

    def swap(self, caption: Caption, rng: np.random.Generator) -> Caption | None:
        swapped = self.swap_scene(caption.scene, rng, caption.mentioned)
        return rewrite(caption, swapped[0]) if swapped else None

    def swap_scene(
        self, scene: Scene, rng: np.random.Generator, attributes: Collection[str] = tuple(ATTRIBUTES)
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

    def _swaps(self, scene: Scene, name: str) -> list[Hashable]:
        """The other values of an attribute that give a training scene of this world."""
        here = {other: scene.attribute(other) for other in ATTRIBUTES}
        # A large object is in the centre, even where the others never are.
        central = here["size"] == "large"
        if name == "concept":  # which clashes with nothing
            kept = [other for other in here if other != "concept" and not (other == "position" and central)]
            shown = np.logical_and.reduce([self._concepts_with(other, here[other]) for other in kept])
            return [value for value in compress(self.concepts, shown) if value != here["concept"]]
        if name == "size" and here["position"] not in self.allowed("position"):
            return []
        values = self._options.get(here["concept"], {}).get(name, ())
        return [value for value in values if value != here[name] and not clashing(here | {name: value})]

    # ---------------------------------------------------------------- tests

    def test_captions(self, split: str, n: int, seed: int | list[int]) -> list[Caption]:
        say_style = split in DRAWINGS
        return [canonical_caption(scene, style=say_style) for scene in scenes_of_split(self, split, n, seed)]

    def short_captions(self, n: int, seed: int | list[int]) -> list[Caption]:
        """Captions that say concept, orientation, tint and background, and nothing else."""
        return [caption_of(scene, ALWAYS_SAID | {"background"}) for scene in scenes_of_split(self, "iid", n, seed)]

    def own_prompts(self) -> list[OwnPrompt]:
        from .own_words import own_prompts

        return own_prompts(self.concepts)

    def twins(self) -> list[tuple[Caption, Caption]]:
        from .own_words import korean_twins

        return korean_twins(self.concepts)

    def alternatives(self, caption: Caption, n: int, rng: np.random.Generator) -> list[Scene]:
        thing, made = caption.scene.object, []
        sizes, places, styles = (
            (getattr(thing, name),) if name in caption.mentioned else values
            for name, values in (("size", self.allowed("size")), ("position", self.allowed("position")),
                                 ("style", self._options[thing.concept]["style"]))
        )  # fmt: skip
        if "position" in caption.mentioned and thing.position != CENTRE:
            sizes = tuple(size for size in sizes if size != "large")
        for _ in range(n):
            size = _any(sizes, rng)
            place = CENTRE if size == "large" else _any(places, rng)
            changes = {"style": _any(styles, rng), "size": size, "position": place}
            made.append(replace(caption.scene, objects=(replace(thing, **changes),)))
        return made

    @property
    def showpiece(self) -> tuple[str, dict[str, str]] | None:
        """Elephants that stand on their heads are held out of training."""
        right = {"concept": "elephant", "orientation": "upside-down"}
        if self.caption_mode == "concept" or any(value not in self.allowed(name) for name, value in right.items()):
            return None  # a class-conditional model cannot be told to turn anything over
        return "an upside-down elephant", right

    # ---------------------------------------------------------------- pictures

    def render(self, scene: Scene, size: int) -> np.ndarray:
        return render(scene, size)

    def layers(self, scene: Scene, size: int) -> Layers:
        return layers_of(scene, size)

    def judge(self) -> "SceneJudge":
        from ...evaluation.judge import SceneJudge

        return SceneJudge.load()

    def judged(self) -> "EmojiWorld | None":
        """The first 128 concepts, whose test captions are those of every version."""
        known = tuple(concept for concept in self.concepts if concept in CORES["core128"])
        return replace(self, only=self.only | {"concept": known}) if known else None

    def drawings(self) -> "EmojiDrawings":
        from .drawings import EmojiDrawings

        return EmojiDrawings(self)

    def gallery(self) -> list[dict[str, Any]]:
        """Every drawing of the concepts here, held out or not, upright, large and untinted on white."""
        return self._gallery

    @cached_property
    def _gallery(self) -> list[dict[str, Any]]:
        scenes = (
            Scene((SceneObject(concept, style, size="large"),), "white")
            for concept in self.concepts
            for style in CONCEPTS[concept].styles
        )
        return [
            {
                "caption": canonical_caption(scene, style=True).text,
                "concept": scene.object.concept,
                "style": scene.object.style,
                "path": f"sprites.parquet#{scene.object.style}/{scene.object.concept}",
                "scene": scene.to_dict(),
            }
            for scene in scenes
        ]

    def gallery_picture(self, metadata: dict[str, Any], size: int) -> np.ndarray:
        return render(Scene.from_dict(metadata["scene"]), size)

    def examples(self, size: int) -> np.ndarray:
        """The gallery's pictures in gray, by which a tinted thing is known."""
        from .views import in_gray

        return in_gray(np.stack([self.gallery_picture(entry, size) for entry in self.gallery()]))

    def describer(self, model: Model) -> "SceneDescriber":
        from .describe import SceneDescriber

        return SceneDescriber(self.concepts, self.gallery(), model)

    def guide(self) -> "PromptGuide":
        from .prompts import PromptGuide

        return PromptGuide(self)

    def understood(self, text: str) -> str:
        """A prompt in English words that count here: see `prompts.understood`."""
        from .prompts import understood

        return understood(text, self.taught)

    def told(self, caption: Caption) -> Caption:
        """What a model of this world is told of a test caption: a class-conditional one only what the thing is."""
        return concept_caption(caption.scene) if self.caption_mode == "concept" else caption


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples that they were."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value


def _any(values: tuple, rng: np.random.Generator):
    return values[rng.integers(len(values))]
