"""Builds the lexicon: words for colours, sizes and things that the tables of this world do not have.

    python -m gan_dpr.worlds.emoji.build_lexicon --wordnet DIR --out FILE.tsv

Keywords of things, in English and Korean, are CLDR's, as the package's parquet has them. Kinds of things and sizes come
from WordNet 3.0: DIR is the folder that the Debian packages wordnet-base and wordnet-sense-index 1:3.0-37 install.
Colours come from there too and from the survey of colour names of xkcd.com (CC0), as matplotlib 3.11 has it. Needs nltk
3.10 and matplotlib, which nothing else here needs together.
Exit status: 0 written, 2 bad input (one sentence on stderr, nothing written).
"""

import argparse
import csv
import heapq
import importlib
import re
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from ...files import replacing
from .attributes import BACKGROUND, TINT
from .concepts import CONCEPTS, Concept
from .lexicon import COLUMNS, SEPARATOR

# The classes of WordNet's lexicographer files, in the order of their numbers (lexnames(5WN)), which Debian's packages
# leave out and nltk asks for.
LEXNAMES = (
    "adj.all", "adj.pert", "adv.all", "noun.Tops", "noun.act", "noun.animal", "noun.artifact", "noun.attribute",
    "noun.body", "noun.cognition", "noun.communication", "noun.event", "noun.feeling", "noun.food", "noun.group",
    "noun.location", "noun.motive", "noun.object", "noun.person", "noun.phenomenon", "noun.plant",
    "noun.possession", "noun.process", "noun.quantity", "noun.relation", "noun.shape", "noun.state",
    "noun.substance", "noun.time", "verb.body", "verb.change", "verb.cognition", "verb.communication",
    "verb.competition", "verb.consumption", "verb.contact", "verb.creation", "verb.emotion", "verb.motion",
    "verb.perception", "verb.possession", "verb.social", "verb.stative", "verb.weather", "adj.ppl",
)  # fmt: skip
PARTS = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}
# What can be seen, and what a group of emoji mostly is.
SEEN = frozenset((
    "noun.animal", "noun.plant", "noun.food", "noun.artifact", "noun.body", "noun.object", "noun.phenomenon",
    "noun.Tops",
))  # fmt: skip
MOSTLY = {
    "animals-nature": ("noun.animal", "noun.plant"),
    "food-drink": ("noun.food",),
    "objects": ("noun.artifact", "noun.body"),
    "activities": ("noun.artifact",),
    "travel-places": ("noun.artifact", "noun.object", "noun.phenomenon"),
    "smileys-emotion": (),
}
# Steps in the tree of kinds. A spaniel is a kind of dog (KIND, down from the dog to it), a lynx stands beside the cat
# (UP and DOWN); what is rarely meant by a word costs as well.
KIND, DOWN, UP, SYNONYM, RARER = 0.5, 1.0, 1.6, 0.5, 1.2
FARTHEST = 4.3
TOO_GENERAL = 6  # what lies higher in the tree, as "implement", says nothing of how a thing looks
NEAREST = 3  # things for a word
# A colour's name is that of the names near it, if so much of their votes agree: right for 97% of the names that say
# it themselves ("brick red"), each left out in turn.
VOTERS, AGREED = 7, 0.75
BETWEEN = {"brown", "tan", "beige", "teal", "turquoise", "cyan", "peach", "salmon", "cream", "khaki"}  # no colour here
# A thing that has a colour: "bubblegum" and "fern", but not "royal", "twilight" or "denim", which say something else.
COLOURED = frozenset(("noun.attribute", "noun.plant", "noun.food", "noun.substance", "noun.animal"))
# Names that people use and neither source has, or has for a colour only among other things.
FURTHER = {
    "red": ("garnet", "oxblood"), "orange": ("satsuma",), "green": ("malachite",), "blue": ("lapis lazuli", "denim"),
    "purple": ("mulberry", "damson", "heather"), "pink": ("candyfloss", "candy floss", "cotton candy", "blush"),
    "gray": ("pewter", "graphite", "platinum", "smoke"), "white": ("eggshell", "porcelain", "milk"),
    "black": ("onyx", "obsidian", "jet", "coal", "raven", "midnight"),
}  # fmt: skip
SAME_THINGS = 0.4  # of the things of two keywords: with less neither translates the other
TOO_OFTEN = 25  # a keyword of more things, as "face", says little
SIZES = {"small": "small.a.01", "large": "large.a.01"}
OTHER_SENSES, OFTEN = 3, 10  # "slender" and "deep" are often said of something else than size


class LexiconError(ValueError):
    """Why the lexicon cannot be built, in one sentence."""


def open_wordnet(folder: Path, scratch: Path) -> Any:
    """nltk's reader of WordNet's files, which are copied to `scratch` together with the one that is missing."""
    try:
        nltk, corpora = importlib.import_module("nltk"), importlib.import_module("nltk.corpus")
    except ImportError:
        raise LexiconError("nltk, which reads WordNet, is not installed") from None
    if not (folder / "index.sense").is_file() or not (folder / "data.noun").is_file():
        raise LexiconError(f"{folder} is not WordNet's folder: it has no data.noun or no index.sense")
    nltk.data.path.insert(0, str(scratch))
    copy = Path(shutil.copytree(folder, scratch / "corpora" / "wordnet"))
    rows = (f"{i:02d}\t{name}\t{PARTS[name.partition('.')[0]]}\n" for i, name in enumerate(LEXNAMES))
    (copy / "lexnames").write_text("".join(rows), encoding="ascii")
    return corpora.wordnet


# ---------------------------------------------------------------- things


def nearest_things(wordnet: Any, groups: dict[str, str], keywords: dict[str, set[str]]) -> dict[str, tuple[str, ...]]:
    """word -> the concepts that lie nearest to it among WordNet's kinds, the nearest first."""
    near = _spread(wordnet, _senses(wordnet, groups, keywords))
    costs: dict[str, Counter] = defaultdict(Counter)
    for name, concepts in near.items():
        synset = wordnet.synset(name)
        if synset.lexname() not in SEEN:
            continue
        for word in synset.lemma_names():
            senses = wordnet.synsets(word, "n")
            eaten = synset.lexname() == "noun.plant" and any(other.lexname() == "noun.food" for other in senses)
            rarity = RARER * (senses.index(synset) + eaten)  # "apricot" is the fruit sooner than the tree
            for concept, cost in concepts.items():
                found = costs[_plain(word)]
                found[concept] = min(found.get(concept, np.inf), cost + rarity)
    made = {}
    for word, found in costs.items():
        concepts = tuple(c for c, cost in sorted(found.items(), key=lambda item: item[1]) if cost <= FARTHEST)[:NEAREST]
        if concepts and len(word) > 2:
            made[word] = concepts
    return made


def _senses(wordnet: Any, groups: dict[str, str], keywords: dict[str, set[str]]) -> Iterator[tuple[float, str, str]]:
    """(cost, concept, synset) of what each concept's names mean: those of its key and name together, then each
    synonym's.
    """
    for key, concept in CONCEPTS.items():
        usual = _meant(wordnet, (concept.name, key), concept, groups[key], keywords[key])
        if usual is not None:
            yield 0.0, key, usual
        for name in concept.synonyms:
            other = _meant(wordnet, (name,), concept, groups[key], keywords[key])
            if other not in (None, usual):
                yield SYNONYM, key, other


def _meant(wordnet: Any, names: Iterable[str], concept: Concept, group: str, keywords: set[str]) -> str | None:
    """The sense that fits an emoji's group and whose definition shares most of its keywords (Lesk, 1986)."""
    votes: Counter = Counter()
    for name in dict.fromkeys(names):
        for rank, synset in enumerate(wordnet.synsets(name.replace(" ", "_"), "n")):
            if synset.lexname() in SEEN and synset.min_depth() >= TOO_GENERAL:
                gloss = f"{synset.definition()} {' '.join(n for h in synset.hypernyms() for n in h.lemma_names())}"
                shared = (keywords - _letters(name)) & _letters(gloss)
                fits = 3 if synset.lexname() in MOSTLY[group] else 1
                votes[synset.name()] += fits * (1 + 0.5 * len(shared)) / (1 + rank)
    return votes.most_common(1)[0][0] if votes else None


def _spread(wordnet: Any, senses: Iterable[tuple[float, str, str]]) -> dict[str, dict[str, float]]:
    """synset -> the concepts nearest to it and their costs: Dijkstra's algorithm from all concepts at once."""
    order = {concept: i for i, concept in enumerate(CONCEPTS)}
    heap = [(cost, order[concept], synset, concept, True) for cost, concept, synset in senses]
    heapq.heapify(heap)
    near: dict[str, dict[str, float]] = defaultdict(dict)
    while heap:
        cost, rank, name, concept, is_kind = heapq.heappop(heap)
        if concept in near[name] or len(near[name]) == NEAREST:
            continue
        near[name][concept] = cost
        synset = wordnet.synset(name)
        below, above = (*synset.hyponyms(), *synset.instance_hyponyms()), synset.hypernyms()
        steps = [(KIND if is_kind else DOWN, other, is_kind) for other in below]
        steps += [(UP, other, False) for other in above if other.min_depth() >= TOO_GENERAL]
        for step, other, still_kind in steps:
            if cost + step <= FARTHEST:
                heapq.heappush(heap, (cost + step, rank, other.name(), concept, still_kind))
    return near


# ---------------------------------------------------------------- colours and sizes


def colours(wordnet: Any, survey: dict[str, str]) -> dict[str, str]:
    """A name of a colour -> the one of this world. What the two sources call otherwise is left out."""
    ours = tuple(dict.fromkeys((*TINT.values, *BACKGROUND.values)))[1:]
    dictionary: dict[str, set[str]] = defaultdict(set)
    for colour in ours:
        meant = next(synset for synset in wordnet.synsets(colour, "n") if synset.lexname() == "noun.attribute")
        for kind in meant.closure(lambda synset: synset.hyponyms()):
            for word in kind.lemma_names():
                dictionary[_plain(word)].add(colour)
    found = {word: next(iter(called)) for word, called in dictionary.items() if len(called) == 1}
    for word, colour in _voted(survey, ours).items():
        if _may_be_a_colour(wordnet, word) and found.setdefault(word, colour) != colour:
            del found[word]
    found = {word: colour for word, colour in found.items() if not _says(word, (*ours, *BETWEEN))}
    return found | {word: colour for colour, words in FURTHER.items() for word in words}


def _may_be_a_colour(wordnet: Any, word: str) -> bool:
    name = word.split()[-1]
    nouns, others = wordnet.synsets(name, "n"), wordnet.synsets(name, "a")
    colour = any("color" in synset.definition() for synset in others)
    return (not nouns or nouns[0].lexname() in COLOURED) and (not others or colour)


def _voted(survey: dict[str, str], ours: tuple[str, ...]) -> dict[str, str]:
    """Of the names in a survey that do not say one of our colours: the one that names of colours near them say."""
    lab = {_plain(name): _lab(rgb) for name, rgb in survey.items() if "/" not in name}
    told = {name: name.split()[-1] for name in lab if name.split()[-1] in {*ours, *BETWEEN}}
    there, said = np.array([lab[name] for name in told]), list(told.values())
    made = {}
    for name in lab.keys() - told:
        distance = np.linalg.norm(there - lab[name], axis=1)
        votes: Counter = Counter()
        for i in np.argsort(distance)[:VOTERS]:
            votes[said[i]] += 1 / (1 + distance[i])
        colour, weight = votes.most_common(1)[0]
        if colour in ours and weight >= AGREED * votes.total():
            made[name] = colour
    return made


def _lab(rgb: str) -> np.ndarray:
    """ "#rrggbb" of sRGB -> (3,) CIELAB under D65 (IEC 61966-2-1, CIE 15)."""
    linear = np.array([int(rgb[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = to_xyz @ linear / [0.95047, 1.0, 1.08883]
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def sizes(wordnet: Any) -> dict[str, str]:
    """A word for a size -> the one of this world: adjectives that mostly mean it."""
    made = {}
    for size, name in SIZES.items():
        head = wordnet.synset(name)
        cluster = {head, *head.similar_tos()}
        for synset in sorted(cluster):
            for word in synset.lemma_names():
                rank, often = wordnet.synsets(word, "a").index(synset), _counted(wordnet, word, "a")
                first = rank == 0 or (rank <= OTHER_SENSES and often < OFTEN)
                if first and often >= _counted(wordnet, word, "n"):
                    made[_plain(word)] = size
    return made


def _counted(wordnet: Any, word: str, part: str) -> int:
    """How often a word is that part of speech in the texts that WordNet counted."""
    return sum(lemma.count() for synset in wordnet.synsets(word, part) for lemma in synset.lemmas()
               if lemma.name() == word)  # fmt: skip


# ---------------------------------------------------------------- the file


def rows(wordnet: Any, survey: dict[str, str], parquet: Path) -> list[tuple[str, str, str]]:
    """(attribute, value, words) of the file, sorted."""
    table = pq.read_table(parquet, columns=["concept", "group", "keywords_en", "keywords_ko"]).to_pylist()
    table = [row for row in table if row["concept"] in CONCEPTS]
    groups = {row["concept"]: row["group"] for row in table}
    keywords = {row["concept"]: _letters(" ".join(row["keywords_en"])) for row in table}
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for attribute, words in (("colour", colours(wordnet, survey)), ("size", sizes(wordnet))):
        for word, value in words.items():
            found[attribute, value].append(word)
    keyed = _keyed({row["concept"]: row["keywords_en"] for row in table})
    for word, concepts in keyed.items():
        found["keyword", SEPARATOR.join(concepts)].append(word)
    for word, english in _translated(_keyed({row["concept"]: row["keywords_ko"] for row in table}), keyed).items():
        found["korean", english].append(word)
    for word, concepts in nearest_things(wordnet, groups, keywords).items():
        found["concept", SEPARATOR.join(concepts)].append(word)
    return sorted((*key, SEPARATOR.join(sorted(words))) for key, words in found.items())


def _keyed(keywords: dict[str, list[str]]) -> dict[str, list[str]]:
    """keyword -> the concepts that have it, in the table's order."""
    made: dict[str, list[str]] = defaultdict(list)
    for concept in CONCEPTS:
        for word in {_plain(keyword) for keyword in keywords[concept]} - {_plain(concept)}:
            made[word].append(concept)
    return {word: concepts for word, concepts in made.items() if len(concepts) <= TOO_OFTEN}


def _translated(korean: dict[str, list[str]], english: dict[str, list[str]]) -> dict[str, str]:
    """Korean keyword -> the English one that the same things have (Jaccard's index), or the one thing's name."""
    names = {_plain(concept.name): [key] for key, concept in CONCEPTS.items()}
    made = {}
    for word, things in korean.items():
        alike = {
            candidate: len({*things} & {*others}) / len({*things} | {*others})
            for candidate, others in (english | names).items()
            if not {*things}.isdisjoint(others)
        }
        best = max(alike, key=lambda candidate: (alike[candidate], candidate in names))
        special = min(things, key=lambda key: sum(key in others for others in korean.values()))
        made[word] = best if alike[best] >= SAME_THINGS else _plain(CONCEPTS[special].name)
    return made


def _plain(word: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", word.lower())).replace("grey", "gray")


def _letters(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def _says(word: str, colours: Iterable[str]) -> bool:
    return not _letters(word).isdisjoint(colours)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wordnet", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    args = parser.parse_args(arguments)
    try:
        try:
            survey = importlib.import_module("matplotlib.colors").XKCD_COLORS
        except ImportError:
            raise LexiconError("matplotlib, which has the survey of colours, is not installed") from None
        survey = {name.removeprefix("xkcd:"): rgb for name, rgb in survey.items()}
        parquet = Path(str(resources.files(__package__) / "sprites.parquet"))
        with tempfile.TemporaryDirectory() as scratch:
            made = rows(open_wordnet(args.wordnet, Path(scratch)), survey, parquet)
        with replacing(args.out) as path, path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE)
            writer.writerows([COLUMNS, *made])
    except (LexiconError, OSError) as error:
        print(f"build_lexicon: {error}", file=sys.stderr)
        return 2
    print(f"{len(made)} rows: {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
