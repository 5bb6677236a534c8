"""English words of the table that are many: for colours and places, and what turns and backgrounds are said with."""

# Words for colours, of things and of backgrounds alike: those of training captions, then those held out of it. A colour
# that lies between two of this world (amber, salmon, teal) is no word for either.
COLOURS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "red": (("crimson", "scarlet", "cherry-red", "bright red", "blood-red"), ("ruby",)),
    "orange": (("tangerine", "ginger", "bright orange", "orangish", "deep orange"), ("copper",)),
    "yellow": (("golden", "gold", "lemon", "lemon-yellow", "mustard-yellow", "bright yellow"), ("canary",)),
    "green": (
        ("emerald", "lime", "lime-green", "olive", "grass-green", "forest-green", "emerald-green", "bright green"),
        ("jade",),
    ),
    "blue": (
        ("navy", "azure", "cobalt", "navy blue", "royal blue", "dark blue", "sky-blue", "cobalt-blue", "bright blue"),
        ("sapphire",),
    ),
    "purple": (("violet", "lavender", "lilac", "plum", "purplish", "deep purple"), ("mauve",)),
    "pink": (("rose", "magenta", "hot-pink", "rose-colored", "rosy", "bubblegum-pink", "bright pink"), ("fuchsia",)),
    "gray": (("silver", "silvery", "ash", "ash-gray", "ash-grey", "steel-gray", "grayish"), ("slate",)),
    "white": (("snow-white", "snowy", "pure white", "plain white", "milk-white"), ("ivory",)),
    "black": (("jet-black", "pitch-black", "coal-black", "plain black", "inky"), ("ebony",)),
}

PLACES = {  # (row, column): the usual words and others; synonyms; held out; forms
    (0, 1): (
        ("at the top",),
        ("at the very top", "near the top", "up top", "at the top edge", "in the upper part", "in the top middle",
         "in the upper middle", "at the top center", ", top", ", top middle", ", top center"),
        ("at the upper edge", "high up"),
    ),
    (2, 1): (
        ("at the bottom",),
        ("at the very bottom", "near the bottom", "down at the bottom", "at the bottom edge", "in the lower part",
         "in the bottom middle", "in the lower middle", "at the bottom center", ", bottom", ", bottom middle",
         ", bottom center"),
        ("at the lower edge", "low down"),
    ),
    (1, 0): (
        ("on the left", "on the left side"),
        ("on the left-hand side", "to the left", "near the left edge", "at the left", "on the far left",
         "at the left edge", "in the middle left", ", left", ", left side"),
        ("toward the left", "left of center"),
    ),
    (1, 2): (
        ("on the right", "on the right side"),
        ("on the right-hand side", "to the right", "near the right edge", "at the right", "on the far right",
         "at the right edge", "in the middle right", ", right", ", right side"),
        ("toward the right", "right of center"),
    ),
    (1, 1): (
        ("in the middle", "in the center"),
        ("in the centre", "at the center", "right in the middle", "in the very middle", "in the exact center",
         "centered", ", centered", ", middle", ", dead center"),
        ("smack in the middle", "bang in the center"),
    ),
}  # fmt: skip


def _corner(row: str, column: str, upper: str, up: str) -> tuple[tuple[str, ...], ...]:
    return (
        (f"at the {row} {column}", f"in the {row} {column} corner"),
        (f"in the {upper} {column} corner", f"in the {upper} {column}", f"at the {upper} {column}",
         f"in the {row} {column}-hand corner", f"{up} on the {column}", f"in the {column} {row} corner",
         f", {row} {column}", f", {row} {column} corner", f", {upper} {column}", f", {upper} {column} corner"),
        (f"in the {upper} {column}-hand corner",),
        (rf"{up} (?:at|in|on) the {column}(?: hand)?(?: corner| side)?",),
    )  # fmt: skip


for _r, *_row in ((0, "top", "upper", "up"), (2, "bottom", "lower", "down")):
    for _c, _column in ((0, "left"), (2, "right")):
        PLACES[_r, _c] = _corner(_row[0], _column, *_row[1:])


# What a turn is said with.
TURNED, BY = "(?:rotated|turned|flipped|spun|tilted|twisted)", "(?:by |through |around )?"
UNDERSIDE = "(?:feet|legs|paws|hooves|wheels|belly|bottom|underside|tummy|base)"
FALLEN = "(?:toppled|tipped|tipping|keeled|fallen|falling|knocked|flopped|keeling|pushed|blown|rolled)"

COLOURED = "(?:colou?red|hued|tinted|toned|dyed)"  # behind a colour
# What lies behind a thing, in a prompt.
BEHIND = (
    rf"(?:(?:{COLOURED} )?(?:background|backdrop|bg|wall|surface|sky|wallpaper|backcloth|canvas|curtains?|drapes|"
    "screen|paper|sheet|cloth|tablecloth|field|ground|floor))"
)
