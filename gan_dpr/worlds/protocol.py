"""What a model is trained on and measured by. The trainer, evaluation, gallery and demo know only this.

A world has scenes (whatever it takes them to be), pictures of them and captions that are true of them. The emoji world
(`worlds.emoji`) implements all of it, people's own pictures (`worlds.pictures`) what they can.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from ..index import DenseIndex

Scene = Any  # a world's own


@dataclass(frozen=True)
class Caption:
    """A text that is true of a scene.

    Attributes:
        text: the words.
        scene: what they were written for.
        mentioned: the attributes that the text fixes, by what it says, by silence or by what follows from either.
        wording: the number that chose template and synonyms, for a world that words captions itself.
        implied: the part of `mentioned` that follows without being said.
    """

    text: str
    scene: Scene
    mentioned: frozenset[str]
    wording: int = 0
    implied: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OwnPrompt:
    """A test prompt in people's own words.

    Attributes:
        caption: the prompt; its scene has what it names, and `mentioned` are those attributes.
        unusual: whether it has words that training never shows.
        stranger: whether who wrote it knew nothing of the world's words and rules, which were made before.
        read: of the attributes that it names those that the world's rules read right.
    """

    caption: Caption
    unusual: bool
    stranger: bool
    read: frozenset[str]


@dataclass(frozen=True)
class Layers:
    """What a layered picture of K objects is made of, back to front: targets of a layered generator's parts.

    drawings: (K, C, C, 4) uint8, straight alpha: each object upright, untinted, in the middle, its longest side as long
    as the square's.
    extents: (K, 2) float32: its height and width, of which the longer one is 1.
    places: (K, 3) float32: its centre's row and column and its longest side, in picture sides.
    turns: (K,) int: counter-clockwise quarter turns, 0 to 3.
    tints: (K, 4) float32: 1 and the colour in [0, 1], or zeros where it is not tinted.
    background: (3,) float32 in [0, 1].
    values: of the attributes that say which drawing it is, each object's.
    """

    drawings: np.ndarray
    extents: np.ndarray
    places: np.ndarray
    turns: np.ndarray
    tints: np.ndarray
    background: np.ndarray
    values: dict[str, tuple[Hashable, ...]]


@dataclass(frozen=True)
class Reading:
    """What a judge sees in N pictures: `words[attribute]` (N,), `features` (N, D) unit vectors."""

    words: dict[str, np.ndarray]
    features: np.ndarray


class Judge(Protocol):
    """Reads pictures; trained apart from every GAN. `facts` says how, for reports."""

    facts: dict

    def read(self, images: np.ndarray) -> Reading: ...


class Model(Protocol):
    """What a describer asks of a model.

    Attributes:
        scale: the retriever's, of cosines in a softmax.
        name_vectors: (T, D) unit vectors of the things of `World.names`.
        gallery: the index of `World.gallery`.
        example_vectors: (M, D) unit vectors of `World.examples`.
    """

    scale: float
    name_vectors: np.ndarray
    gallery: "DenseIndex"
    example_vectors: np.ndarray

    def encode_text(self, texts: list[str]) -> np.ndarray:
        """N texts -> (N, D) unit vectors."""

    def encode_image(self, images: np.ndarray) -> np.ndarray:
        """(N, S, S, 3) uint8 -> (N, D) unit vectors."""


class Describer(Protocol):
    """Finds words for pictures of (S, S, 3) uint8."""

    def describe(self, picture: np.ndarray, k: int) -> list[tuple[float, Caption]]:
        """The k best (probability, caption), best first."""

    def probabilities(self, pictures: np.ndarray) -> np.ndarray:
        """(N, S, S, 3) -> (N, T): of each thing of `World.names`, in their order; rows add up to 1."""

    def nearest(self, pictures: np.ndarray) -> np.ndarray:
        """(N, S, S, 3) -> (N,): the place in the gallery of what is most like each; of a world that has one."""


class Guide(Protocol):
    """What a demo shows over a prompt: menus of its attributes, and remarks.

    Attributes:
        names: what the model can draw, by key.
        korean_names: the same in Korean.
        menus: attribute -> {label: value}; the first label is what silence means.
    """

    names: dict[str, str]
    korean_names: dict[str, str]
    menus: dict[str, dict[str, Hashable]]

    def labels(self, text: str) -> dict[str, str | None]:
        """What the menus show for a prompt, the thing first."""

    def edited(self, text: str, attribute: str, label: str | None) -> str:
        """The prompt with one attribute set to a menu's label."""

    def unknown_thing(self, text: str) -> str | None:
        """What the prompt asks for if the model was never shown it; else None."""

    def kindred(self, thing: str) -> list[str]:
        """Keys of known things that a dictionary has near an unknown one; often none."""

    def in_english(self, thing: str) -> str:
        """An unknown thing's name in the language of the names."""

    def keyed(self, thing: str) -> list[str]:
        """Keys of known things that have an unknown one among their keywords, in no order; often none."""

    def with_thing(self, text: str, key: str) -> str:
        """The prompt for another thing."""

    def remark(self, text: str) -> Any:
        """What a person should know about the prompt; None where there is nothing."""

    def in_korean(self, text: str) -> str:
        """A caption, or what was understood of a prompt, in Korean."""

    def relatives(self, text: str, n: int) -> list[Scene]:
        """At most `n` training scenes that the prompt might have been said of."""


class Drawings(Protocol):
    """Knows which picture is the right one, for measures that compare pixels and need no judge."""

    def full_captions(self, split: str, n: int, seed: int) -> list[Caption]:
        """At most `n` captions that say everything, of "iid" or of a held-out split; empty where it has none."""

    def outline(self, scene: Scene, size: int) -> np.ndarray:
        """(size, size) bool: where the scene's object is."""

    def rivals(self, scene: Scene) -> list[Scene]:
        """The scene with every drawing that there is in the place of its own, which is among them."""

    def completions(self, caption: Caption) -> list[Scene]:
        """All training scenes that a short caption is true of."""

    def plain_captions(self, split: str) -> list[Caption]:
        """A caption that says everything of each drawing that a split holds out, "iid" for those of training.

        Each is shown as plainly as can be. Empty where a split holds something else out.
        """

    def plain_pairs(self, n: int, seed: int) -> list[tuple[Caption, Caption]]:
        """`n` pairs of plain captions of training that are alike in all but the thing; empty where there are none."""


class World(Protocol):
    """Scenes, pictures, captions and test splits.

    Attributes:
        kind: what config.json calls this world.
        attributes: what captions can fix, the main one ("what is it?") first.
        open_attributes: those that a caption may leave to the noise, and of which there is more than one value.
        finite: the training scenes where they can be listed; None where they are endless.
        family_size: training scenes come in families of so many that are alike in all but one thing; 1 for none.
        held_out: names of the test splits beside "iid", each with combinations that training never shows.
        showpiece: a prompt, and the words that a judge should read in its picture; None where there is none.
    """

    kind: str
    attributes: tuple[str, ...]
    open_attributes: frozenset[str]
    finite: Sequence[Scene] | None
    family_size: int
    held_out: tuple[str, ...]
    showpiece: tuple[str, dict[str, str]] | None

    def scenes(self, n: int, rng: np.random.Generator) -> list[Scene]:
        """`n` training scenes; of a finite world a shuffled part of them."""

    def value(self, scene: Scene, attribute: str) -> Hashable:
        """What the scene has there."""

    def word(self, scene: Scene, attribute: str) -> str:
        """The same as a judge says it."""

    def caption(self, scene: Scene, rng: np.random.Generator) -> Caption:
        """A training caption."""

    def names(self) -> dict[Hashable, tuple[str, ...]]:
        """For each value of the main attribute the texts that say it and nothing else, the plainest first.

        Empty where captions have no such thing.
        """

    def combinations(self, attributes: tuple[str, ...]) -> list[tuple[Hashable, ...]]:
        """All values of some attributes that a training scene has together, as far as they can be listed."""

    def test_captions(self, split: str, n: int, seed: int | list[int]) -> list[Caption]:
        """At most `n` captions of "iid" or of a held-out split, always the same. ValueError if it has none."""

    def short_captions(self, n: int, seed: int | list[int]) -> list[Caption]:
        """At most `n` captions that leave to the noise what they can; empty where nothing is known of what they say."""

    def own_prompts(self) -> list[OwnPrompt]:
        """Test prompts in people's own words; empty where there are none."""

    def twins(self) -> list[tuple[Caption, Caption]]:
        """Test prompts in Korean, each beside the caption that says the same in English; empty where there are none."""

    def alternatives(self, caption: Caption, n: int, rng: np.random.Generator) -> list[Scene]:
        """`n` scenes that a caption is true of, what it leaves open drawn anew."""

    def understood(self, text: str) -> str:
        """What a person's text is for a model of this world, in the words of its captions; the text itself where
        nothing is known of what it says. Captions of training never go through it.
        """

    def told(self, caption: Caption) -> Caption:
        """What a model of this world is told of a test caption: mostly the caption itself."""

    def swap(self, caption: Caption, rng: np.random.Generator) -> Caption | None:
        """The caption with one thing that it says changed, the hardest negative there is; None where nothing can."""

    def render(self, scene: Scene, size: int) -> np.ndarray:
        """(size, size, 3) uint8."""

    def layers(self, scene: Scene, size: int) -> Layers | None:
        """What the picture is made of, drawings of `size` a side; None where it is not known."""

    def judge(self) -> Judge | None:
        """Who reads drawn pictures for the evaluation; None where nobody can."""

    def judged(self) -> "World | None":
        """The part of this world whose pictures the judge can read; None where it has no judge."""

    def drawings(self) -> Drawings | None:
        """Who knows the right pictures; None where nothing is known of what they show."""

    def gallery(self) -> list[dict[str, Any]]:
        """What can be searched without any pictures of one's own: metadata with a caption, a path and a scene each."""

    def gallery_picture(self, metadata: dict[str, Any], size: int) -> np.ndarray:
        """(size, size, 3) uint8 of an entry of the gallery."""

    def examples(self, size: int) -> np.ndarray:
        """(M, size, size, 3) uint8: what a describer compares pictures with beside the gallery; often none."""

    def describer(self, model: Model) -> Describer:
        """Who finds words for pictures with the help of a model."""

    def guide(self) -> Guide | None:
        """Menus and remarks for prompts; None where nothing is known of what a text says."""

    def to_dict(self) -> dict[str, Any]:
        """What config.json keeps, with `kind`."""


def satisfies(world: World, scene: Scene, caption: Caption) -> bool:
    """Whether a scene has everything that a caption fixes."""
    return all(world.value(scene, name) == world.value(caption.scene, name) for name in caption.mentioned)
