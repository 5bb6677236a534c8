"""Reading a prompt in Korean, alone or mixed with English, and writing a caption in Korean."""

import unicodedata
from collections.abc import Hashable
from dataclasses import dataclass

from . import korean_words as words
from .attributes import ATTRIBUTES, CENTRE
from .korean_segmentation import HANGUL, Item, korean_names, segmented


@dataclass(frozen=True)
class Reading:
    """What a prompt says.

    Attributes:
        parts: attribute -> value, as `prompts.read_prompt` has it.
        english: what is said in Latin letters and is still to be read.
        unknown: Korean words that were not understood, as they were written.
    """

    parts: dict[str, Hashable]
    english: str
    unknown: tuple[str, ...]


def is_korean(text: str) -> bool:
    """Whether a text has a Korean syllable, composed or not."""
    return HANGUL.search(unicodedata.normalize("NFC", text)) is not None


def read_korean(text: str) -> Reading:
    """What a prompt in Korean, or in Korean and English, says.

    "파란 배경 위의 작은 물구나무선 코끼리" -> {"concept": "elephant", "orientation": "upside-down", "size": "small",
    "background": "blue"}
    """
    items = segmented(text)
    parts: dict[str, Hashable] = {}
    _read_background(items, parts)
    thing = _read_thing(items, parts)
    _read_tint(items, parts, thing)
    _read_place(items, parts)
    for item in items:
        if item.kind in words.VALUES:
            item.used = parts.setdefault(item.kind, item.value) == item.value
    if parts.get("size") == "large":
        parts.setdefault("position", CENTRE)
    unknown = tuple(item.text for item in items if not item.used and item.kind not in ("english", "silent"))
    return Reading(parts, _english(items), unknown)


def korean_caption(attributes: dict[str, Hashable]) -> str:
    """ "파란 배경 위의 왼쪽 위에 있는 작은 거꾸로 선 빨간 코끼리" from the attributes' values; a style leads."""
    said = {name: value for name, value in attributes.items() if value is not None}
    made = []
    if "style" in said:
        made.append(f"{words.VALUES['style'][said['style']][0]} 스타일로 그린")
    if "background" in said:
        made.append(f"{words.COLOURS[said['background']][0]} 배경 위의")
    if "position" in said and said.get("size") != "large":
        made.append(f"{words.PLACES[said['position']]}에 있는")
    for name in ("size", *(name for name in words.VALUES if name not in ("size", "style"))):
        if said.get(name) not in (None, ATTRIBUTES[name].usual):
            made.append(words.VALUES[name][said[name]][0])
    if said.get("tint", "none") != "none":
        made.append(words.COLOURS[said["tint"]][0])
    made.append(korean_names(said["concept"])[0] if "concept" in said else "것")
    return " ".join(made)


# ---------------------------------------------------------------- what the words mean together


def _colour(item: Item) -> str | None:
    """The colour that an item names, in English too; None where it names none, or was used already."""
    if item.used:
        return None
    if item.kind == "english":
        return next((c for c in words.COLOURS if item.text in (c, c.replace("gray", "grey"))), None)
    return item.value if item.kind == "colour" else None


def _read_background(items: list[Item], parts: dict[str, Hashable]) -> None:
    """ "파란 배경 위의", "배경은 파란색", "파란색 위에"; its colour is used up."""
    for k, item in enumerate(items):
        behind = items[k + 1] if k + 1 < len(items) else None
        before = items[k - 1] if k else None
        if item.kind == "background" or (item.kind == "english" and item.text in ("background", "backdrop")):
            first = before if before and _colour(before) and not before.stop else None
            then = behind if behind and _colour(behind) else None
            topic = item.tail[:1] and item.tail[0] in words.TOPIC or item.stop
            thing_next = k + 2 < len(items) and items[k + 2].kind == "concept"
            if first and not (topic and then):
                chosen = first
            elif then and (topic or not item.tail or not thing_next):
                chosen = then
            else:
                chosen = None
            if chosen and (item.kind == "background" or chosen.kind == "colour"):
                _take_background(chosen, item, parts)
            elif item.kind == "background" and item.text.startswith(("배경", "바탕", "뒷배경", "화면")):
                item.kind = "silent"
            if behind and behind.text == words.ON and not item.tail and chosen is not then:
                behind.kind = "silent"
        elif behind and behind.text == words.ON and behind.tail and _colour(item) and not item.tail:
            _take_background(item, behind, parts)


def _take_background(colour: Item, marker: Item, parts: dict[str, Hashable]) -> None:
    value = _colour(colour)
    marker.kind, marker.used = "silent", True
    if value in ATTRIBUTES["background"].values and "background" not in parts:
        parts["background"], colour.used = value, True
    else:  # a brown background: neither the thing's colour nor one that there is
        colour.kind, colour.text = "unknown", f"{colour.text} {marker.text}"


def _read_thing(items: list[Item], parts: dict[str, Hashable]) -> Item | None:
    """Korean puts what matters last: "왕관을 쓴 고양이" is a cat; but of "고양이와 개" the first is drawn."""
    things = [item for item in items if item.kind == "concept"]
    if not things:
        return None
    listed = [item for item in things[:-1] if item.stop or (item.tail and item.tail[0] in words.AND)]
    thing = listed[0] if listed else things[-1]
    parts["concept"], thing.used = thing.value, True
    at = items.index(thing)
    for place, ground in zip(items[1:at], items[: at - 1] if at else [], strict=False):
        # "구름 위의 고양이": where something else is says nothing of the picture's parts
        if place.kind == "place" and ground.kind in ("concept", "unknown") and not ground.tail and not ground.stop:
            ground.text, place.kind = f"{ground.text} {place.text}", "silent"
    return thing


def _read_tint(items: list[Item], parts: dict[str, Hashable], thing: Item | None) -> None:
    """Of several colours that are left the one before the thing."""
    left = [item for item in items if item.kind == "colour" and not item.used]
    tints = [item for item in left if item.value in ATTRIBUTES["tint"].values]
    before = [item for item in tints if thing is not None and items.index(item) < items.index(thing)]
    if tints:
        chosen = before[-1] if before else tints[0]
        parts["tint"], chosen.used = chosen.value, True


def _read_place(items: list[Item], parts: dict[str, Hashable]) -> None:
    rows, columns, middle = set(), set(), False
    for item in items:
        if item.kind == "midst":
            here = item.tail[:1] and item.tail[0] in words.MIDST_PLACE
            item.kind, item.value = ("place", ("middle", 1)) if here else ("size", "medium")
        if item.kind == "place":
            axis, index = item.value
            rows |= {index} if axis == "row" else set()
            columns |= {index} if axis == "column" else set()
            middle |= axis == "middle"
    one = len(rows) <= 1 and len(columns) <= 1 and (rows or columns or middle)  # not "from left to right"
    if one:
        parts["position"] = (*rows, 1)[0], (*columns, 1)[0]
    for item in items:
        item.used |= bool(one) and item.kind == "place"


def _english(items: list[Item]) -> str:
    """What is said in Latin letters, with a comma where Korean stood between."""
    made = ""
    for before, item in zip([None, *items], items, strict=False):
        if item.kind == "english" and not item.used:
            glue = " " if before is not None and before.kind == "english" and not before.stop else " , "
            made += glue + item.text
    return made.strip(" ,")
