"""Changing one part of a person's prompt and keeping the other words as they are."""

import re

from .attributes import ATTRIBUTES, BEFORE_THE_NOUN, TABLE
from .captions import background_words
from .english import DETERMINERS, with_article

BEFORE = tuple(attribute.name for attribute in BEFORE_THE_NOUN)
AFTER = tuple(a.name for a in TABLE if a.clause not in ("noun", "words"))  # behind the noun, in this order

Spans = dict[str, list[tuple[int, int]]]  # attribute -> where the prompt says it


def words_for(name: str, value) -> str:
    """What a caption says for a value; "" where silence means it."""
    if value is None:
        return ""
    words = ATTRIBUTES[name].values[value].words
    return background_words(words[0]) if name == "background" else words[0] if words else ""


def replaced(text: str, spans: Spans, changes: dict[str, str]) -> str:
    """The prompt with other words for some attributes, "" for none: in their place, or where a caption has them."""
    cuts: list[tuple[int, int, str]] = []  # start, end, words
    for name, words in changes.items():
        said = spans.get(name, [])
        if words and (not said or _before_the_noun(name, spans)):
            at = _place_for(text, spans, name)
            cuts.append((at, at, words))
            words = ""
        cuts += [(start, end, words if i == 0 else "") for i, (start, end) in enumerate(said)]
    made = text
    for start, end, words in sorted(cuts, reverse=True):
        made = f"{made[:start]} {words} {made[end:]}"
    made = re.sub(r"\s+([,.!?])", r"\1", " ".join(made.split())).strip(" ,")
    return re.sub(r"\b(an?) ([\w-]+)", lambda found: _article(found, text), made, flags=re.IGNORECASE)


def _before_the_noun(name: str, spans: Spans) -> bool:
    """Whether a clause is said by a word before the noun: "a top left cat"."""
    return name == "position" and "concept" in spans and spans[name][0][0] < spans["concept"][0][0]


def _place_for(text: str, spans: Spans, name: str) -> int:
    """Where words belong that the prompt does not have yet."""
    order = (*BEFORE, "concept", *AFTER)
    noun = spans["concept"][0] if "concept" in spans else None
    later = [spans[other][0][0] for other in order[order.index(name) + 1 :] if other in spans]
    if name in BEFORE:
        if noun is not None:
            later = [start for start in later if start <= noun[0]]
        first = re.match(r"(?:an?|the|my|some|two|three)\s+", text, flags=re.IGNORECASE)
        return min(later) if later else first.end() if first else 0
    behind = [start for start in later if noun is None or start >= noun[1]]
    return min(behind) if behind else len(text.rstrip(" .!?,"))


def _article(found: re.Match, before: str) -> str:
    """A new pair of article and word is put right; one of the person's own stays."""
    article, word = found.groups()
    if re.search(rf"\b{re.escape(found[0])}\b", before):
        return found[0]
    if word in DETERMINERS:  # "a cat" has become "my dog"
        return word
    right = with_article(word, "").split()[0]
    return f"{right.capitalize() if article[0].isupper() else right} {word}"
