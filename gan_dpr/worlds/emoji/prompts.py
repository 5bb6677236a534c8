"""What is shown over a person's prompt: menus that change one part of it, and what the model makes of it."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from .attributes import ATTRIBUTES, CENTRE, HOLDING_OUT, TABLE, TINT
from .captions import names_of, plain_words
from .concepts import CONCEPTS
from .editing import replaced, words_for
from .korean import is_korean, korean_caption, korean_names, read_korean
from .lexicon import in_english, keyed, kindred
from .reading import find_taught, noun_of, read_prompt, read_with_spans, spelled, unused
from .scene import Scene, is_held_out
from .wordings import CONCEPT_WORDS
from .world import EmojiWorld

MARKS = " .!?…"  # at the end of a prompt
ANY = "any"  # a menu's label for what the prompt leaves open

@dataclass(frozen=True)
class PromptRemark:
    """What to say beside a prompt: which kind of sentence ("not understood", "hidden", "no upright",
    "held out"), and its words."""

    kind: str
    words: dict[str, str]


class PromptGuide:
    """Menus over a prompt, and what is to be said about it, for one part of the emoji world."""

    def __init__(self, world: EmojiWorld):
        self.world = world

    @cached_property
    def names(self) -> dict[str, str]:
        """concept, or what was taught -> its name."""
        names = {concept: CONCEPTS[concept].name for concept in self.world.concepts}
        return names | {name: name for name in self.world.taught}

    @cached_property
    def korean_names(self) -> dict[str, str]:
        """concept -> its usual name in Korean; what was taught has one name."""
        names = {concept: korean_names(concept)[0] for concept in self.world.concepts}
        return names | {name: name for name in self.world.taught}

    @cached_property
    def menus(self) -> dict[str, dict[str, Hashable]]:
        """attribute -> {label: value}, of the values that the model knows; the first label is what silence means."""
        menus = {}
        for attribute in TABLE:
            if attribute.values:
                values = [v for v in attribute.values if v in self.world.allowed(attribute.name)]
                menus[attribute.name] = {ANY: None} if attribute.may_be_open else {}
                menus[attribute.name] |= {attribute.values[value].label: value for value in values}
        return menus

    def labels(self, text: str) -> dict[str, str | None]:
        """What the menus show for a prompt, "concept" first: None where no concept is found."""
        parts = read_prompt(text, self.world.taught)
        labels: dict[str, str | None] = {"concept": parts.get("concept")}
        for name, menu in self.menus.items():
            labels[name] = next((label for label, value in menu.items() if value == parts.get(name)), next(iter(menu)))
        return labels

    def edited(self, text: str, attribute: str, label: str | None) -> str:
        """The prompt with one attribute set to a menu's label; its other words stay, but for those that contradict."""
        text = " ".join(text.split())
        if find_taught(text, self.world.taught)[0] is None:  # in whose name no letter is wrong
            if is_korean(text):
                return self._edited_korean(text, attribute, label)
            text = spelled(text)
        parts, spans = read_with_spans(text, self.world.taught)
        if attribute == "concept":
            name = self.names.get(label)
            if name is None:
                return text
            if "concept" in spans:
                return replaced(text, spans, {"concept": name})
            return plain_words(_spoken(parts), name)  # nothing is known of what stands there
        value = self.menus[attribute].get(label)
        if not text:
            return plain_words({attribute: value}, "thing")
        changes = {attribute: words_for(attribute, value)}
        if attribute == "size" and value == "large":
            changes["position"] = ""  # large things fill the middle
        if attribute == "position" and parts.get("size") == "large":
            if value in (None, CENTRE):
                return text
            changes["size"] = ""
        return replaced(text, spans, changes)

    def _edited_korean(self, text: str, attribute: str, label: str | None) -> str:
        """A Korean prompt is said anew, in Korean."""
        parts = read_prompt(text)
        value = label if attribute == "concept" else self.menus[attribute].get(label)
        if value == parts.get(attribute) or (attribute == "concept" and label not in self.names):
            return text
        if attribute == "position" and parts.get("size") == "large":
            parts.pop("size")
        if attribute == "concept" and label in self.world.taught:
            return plain_words(_spoken(parts), label)
        return korean_caption(parts | {attribute: value})

    def in_korean(self, text: str) -> str:
        """A caption, or what was understood of a prompt, in Korean; what was taught has an English name alone."""
        if is_korean(text) or find_taught(text, self.world.taught)[0] is not None:
            return text
        return korean_caption(read_prompt(text))

    def unknown_thing(self, text: str) -> str | None:
        """What a prompt asks for if the model was never shown it, in the prompt's own words; else None."""
        parts = read_prompt(text, self.world.taught)
        return None if parts.get("concept") in self.names else noun_of(text, parts)

    def with_thing(self, text: str, key: str) -> str:
        """The prompt for another thing, in its own language."""
        if is_korean(text) and key not in self.world.taught:
            return korean_caption(read_prompt(text) | {"concept": key})
        return plain_words(_spoken(read_prompt(text)), self.names[key])

    def kindred(self, thing: str) -> list[str]:
        """Keys of what the model was shown that a dictionary has near an unknown thing, best first; often none."""
        known = CONCEPT_WORDS.get(thing)
        return [key for key in ((known,) if known else kindred(thing)) if key in self.world.concepts]

    def in_english(self, thing: str) -> str:
        """An unknown thing's name in the language of the names; "thing" where it has none."""
        return _noun_in_english(thing) if is_korean(thing) else thing

    def keyed(self, thing: str) -> list[str]:
        """Keys of what the model was shown that have an unknown thing among their keywords; often none."""
        return [key for key in keyed(thing) if key in self.world.concepts]

    def remark(self, text: str) -> PromptRemark | None:
        """What a person should know about a prompt whose thing the model was shown; None where there is nothing."""
        parts = read_prompt(text, self.world.taught)
        without = unused(find_taught(text, self.world.taught)[2])
        if without:
            return PromptRemark("not understood", {"words": ", ".join(f"“{words}”" for words in without)})
        if parts.get("tint") and parts.get("tint") == parts.get("background"):
            return PromptRemark("hidden", {"tint": parts["tint"], "name": self.names[parts["concept"]]})
        if parts["concept"] in self.world.taught:
            return None
        concept = CONCEPTS[parts["concept"]]
        if not concept.orientable and parts.get("orientation") not in (None, "upright"):
            return PromptRemark("no upright", {"name": concept.name})
        unseen = [n for n in (*HOLDING_OUT, "style") if n in parts and is_held_out(concept.concept, n, parts[n])]
        if not unseen:
            return None
        value = ATTRIBUTES[unseen[0]].values[parts[unseen[0]]].label
        what = {"background": "{name} on {value}", "style": "{name} in {value} style"}.get(unseen[0], "{value} {name}")
        return PromptRemark("held out", {"what": what.format(name=concept.name, value=value)})

    def relatives(self, text: str, n: int) -> list[Scene]:
        """At most `n` scenes of the prompt's concept that it might have been said of, in all that training showed.

        A pair that was kept out of training stays out here too. Empty where the prompt names no known concept.
        """
        said = read_prompt(text, self.world.taught)
        concept = said.pop("concept", None)
        if concept not in self.world.concepts:
            return []
        allowed = {
            name: value
            for name, value in said.items()
            if value in self.world.allowed(name) and not is_held_out(concept, name, value)
        }
        rng, narrow = np.random.default_rng(0), replace(self.world, only=self.world.only | {"concept": (concept,)})
        return list(dict.fromkeys(_with(narrow.sample(rng), allowed) for _ in range(n)))


def understood(text: str, taught: Collection[str] = ()) -> str:
    """What the text tower reads of a prompt: what the rules read in it, said as a canonical caption says it.

    However somebody says it, in English or Korean, the same is then drawn, and what means nothing here is not drawn as
    a random colour or another thing. Where no thing is found the prompt stays as it is, with typing errors put right
    and without marks at its end. `taught` are names of further things.
    """
    name, _, rest = find_taught(text, taught)
    if name is not None:
        return plain_words(_spoken(read_prompt(rest)), name)
    if is_korean(text):
        parts = read_prompt(text)
        noun = _noun_in_english(text)
        known = parts.get("concept") or CONCEPT_WORDS.get(noun)
        return plain_words(_spoken(parts), CONCEPTS[known].name if known else noun)
    text = spelled(text).rstrip(MARKS) or text
    parts, spans = read_with_spans(text)
    if "concept" not in parts or text.lower() in _bare_names():
        return text
    return plain_words({name: parts[name] for name in spans}, CONCEPTS[parts["concept"]].name)


def _noun_in_english(text: str) -> str:
    """What a Korean prompt asks for without a known thing: a name in Latin letters, or a keyword's; else a "thing"."""
    reading = read_korean(text)
    if reading.english:
        return noun_of(reading.english, {})
    return next(filter(None, map(in_english, reversed(reading.unknown))), "thing")  # what matters comes last


@cache
def _bare_names() -> frozenset[str]:
    """What says a thing and nothing else, though "a blue heart" could be a heart in blue."""
    return frozenset(name.lower() for concept in CONCEPTS.values() for name in names_of(concept))


def _spoken(parts: dict[str, Hashable]) -> dict[str, Hashable]:
    """Without a place that "large" implies."""
    return {name: value for name, value in parts.items() if name != "position" or parts.get("size") != "large"}


def _with(scene: Scene, values: dict[str, Hashable]) -> Scene:
    """The scene with these attributes, less those that make none: red on red, large in a corner."""
    if "tint" in values:
        scene = scene.with_attribute("tint", TINT.usual)  # green on blue becomes blue on green in no single step
    for name, value in [*values.items()] * 2:  # a place may have to wait for the size, or the size for the place
        try:
            scene = scene.with_attribute(name, value)
        except ValueError:
            continue
    return scene
