"""English words of the table that are many: for colours and places, and what turns and backgrounds are said with."""

# Words for colours, of things and of backgrounds alike: those of training captions, those held out of it, and others
# that a prompt may have. A colour that lies between two of this world (amber, salmon, teal) is no word for either.
COLOURS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "red": (("crimson", "scarlet", "cherry-red", "bright red", "blood-red"), ("ruby",), ("brick-red",)),
    "orange": (("tangerine", "ginger", "bright orange", "orangish", "deep orange"), ("copper",), ()),
    "yellow": (
        ("golden", "gold", "lemon", "lemon-yellow", "mustard-yellow", "bright yellow"), ("canary",),
        ("gilded", "gilt", "blonde", "blond"),
    ),
    "green": (
        ("emerald", "lime", "lime-green", "olive", "grass-green", "forest-green", "emerald-green", "bright green"),
        ("jade",), ("grassy", "leafy"),
    ),
    "blue": (
        ("navy", "azure", "cobalt", "navy blue", "royal blue", "dark blue", "sky-blue", "cobalt-blue", "bright blue"),
        ("sapphire",), (),
    ),
    "purple": (("violet", "lavender", "lilac", "plum", "purplish", "deep purple"), ("mauve",), ()),
    "pink": (
        ("rose", "magenta", "hot-pink", "rose-colored", "rosy", "bubblegum-pink", "bright pink"), ("fuchsia",),
        (),
    ),
    "gray": (
        ("silver", "silvery", "ash", "ash-gray", "ash-grey", "steel-gray", "grayish"), ("slate",),
        ("leaden", "ashen", "smoky"),
    ),
    "white": (
        ("snow-white", "snowy", "pure white", "plain white", "milk-white"), ("ivory",),
        ("milky",),
    ),
    "black": (
        ("jet-black", "pitch-black", "coal-black", "plain black", "inky"), ("ebony",),
        ("pitch-dark", "raven-black"),
    ),
}


def _halfway(side: str) -> tuple[str, ...]:
    """The middle of an edge: "middle left", "in the center of the left-hand side", "left center"."""
    middle, edge = "(?:middle|cent(?:er|re))", rf"{side}(?: hand)?(?: side| edge)?"
    lead = "(?:(?:at|in|on|to) )?(?:the )?(?:very )?"
    return rf"{lead}{middle} (?:of )?(?:the )?{edge}", rf"{lead}{side} {middle}"


PLACES = {  # (row, column): the usual words and others; synonyms; held out; forms
    (0, 1): (
        ("at the top",),
        ("at the very top", "near the top", "up top", "at the top edge", "in the upper part", "in the top middle",
         "in the upper middle", "at the top center", ", top", ", top middle", ", top center"),
        ("at the upper edge", "high up"),
        _halfway("(?:top|upper)"),
    ),
    (2, 1): (
        ("at the bottom",),
        ("at the very bottom", "near the bottom", "down at the bottom", "at the bottom edge", "in the lower part",
         "in the bottom middle", "in the lower middle", "at the bottom center", ", bottom", ", bottom middle",
         ", bottom center"),
        ("at the lower edge", "low down"),
        _halfway("(?:bottom|lower)"),
    ),
    (1, 0): (
        ("on the left", "on the left side"),
        ("on the left-hand side", "to the left", "near the left edge", "at the left", "on the far left",
         "at the left edge", "in the middle left", ", left", ", left side"),
        ("toward the left", "left of center"),
        _halfway("left"),
    ),
    (1, 2): (
        ("on the right", "on the right side"),
        ("on the right-hand side", "to the right", "near the right edge", "at the right", "on the far right",
         "at the right edge", "in the middle right", ", right", ", right side"),
        ("toward the right", "right of center"),
        _halfway("right"),
    ),
    (1, 1): (
        ("in the middle", "in the center"),
        ("in the centre", "at the center", "right in the middle", "in the very middle", "in the exact center",
         "centered", ", centered", ", middle", ", dead center"),
        ("smack in the middle", "bang in the center"),
        (r"(?:right |dead )?(?:in|on) the (?:very |exact |dead )?(?:bullseye|heart of the (?:page|picture))",),
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


# What is small and large: "pea-sized", "the size of a mountain".
SMALL_THINGS = (
    "pint|bite|pocket|doll|thumb(?:nail)?|thimble|finger(?:nail)?|palm|pea|toy|fun|bean|mouse|ant|flea|fist|fairy|micro|nano|"
    "matchbox|postage stamp|peanut|crumb|grain of (?:sand|rice)|pinhead|coin|button"
)
LARGE_THINGS = (
    "super|king|queen|giant|monster|mega|family|plus|life|full|house|elephant|whale|bear|man|outsize|over|mountain|"
    "building|skyscraper|planet|stadium|truck|bus|dinosaur|castle|country|continent"
)
# Things that have a colour, where it is said that a colour is meant: "sky-coloured", "the colour of a fire engine".
COLOURS_OF_THINGS = {
    "red": "fire engine|tomato|ketchup|blood|lobster|brick|poppy|stop sign|ladybird|ladybug|lava|chilli|chili",
    "orange": "carrot|traffic cone|basketball|goldfish|autumn leaf|orange peel",
    "yellow": "sun|sunshine|custard|taxi|cab|duckling|rubber duck|honey|corn|cheese|buttercup|school bus",
    "green": "forest|frog|cucumber|avocado|broccoli|cactus|lawn|lettuce|crocodile|clover|swamp",
    "blue": "sky|sea|ocean|smurf|jeans|bluebell|whale",
    "purple": "beetroot|beet|thistle",
    "pink": "flamingo|pig|bubble gum|cherry blossom|prawn",
    "gray": "elephant|mouse|concrete|storm cloud|stone|rock|dolphin|donkey|rain cloud|lead|steel|iron",
    "white": "snow|cloud|ghost|swan|sugar|salt|polar bear|fresh snow|paper",
    "black": "night|crow|tar|soot|ink|coal mine|liquorice|licorice|oil",
}

# What people call things beside the table's names, loosely; no caption has it, and it counts where no other is named.
ALSO_CALLED = {
    "wrapped gift": ("thing", "something"), "blossom": ("flower",), "cooked rice": ("rice",),
    "page facing up": ("paper",), "backpack": ("bag",), "package": ("box",), "sailboat": ("boat",),
    "envelope": ("mail", "letter"), "peanuts": ("nut",), "maple leaf": ("leaf",), "light bulb": ("lamp",),
    "money bag": ("money",), "water wave": ("sea", "ocean"), "musical note": ("music",), "grinning face": ("face",),
    "tangerine": ("orange",), "cat": ("kitteh",), "dog": ("doggy", "doggie", "doggo", "pooch"),
    "pig": ("piggy", "piggie"), "frog": ("froggy", "froggie"), "horse": ("horsey", "horsie"), "bird": ("birdie",),
    "fish": ("fishy",), "duck": ("ducky", "duckie"), "crocodile": ("croc",), "T-Rex": ("dino",),
}  # fmt: skip

# What a turn is said with.
TURNED, BY = "(?:rotated|turned|flipped|spun|tilted|twisted)", "(?:by |through |around )?"
HEAD = "(?:roof|crown|top|noggin|nose|lid|back|ears|horns|antlers|trunk|hands|face|tip|point)"
UNDERSIDE = "(?:feet|legs|paws|hooves|wheels|belly|bottom|underside|tummy|base|keel|soles?|claws|toes)"
FALLEN = "(?:toppled|tipped|tipping|keeled|fallen|falling|knocked|flopped|keeling|pushed|blown|rolled)"

COLOURED = "(?:colou?red|hued|tinted|toned|dyed)"  # behind a colour
SHADES = "(?:plain|solid|simple|bright|pale|light|dark|deep|vivid|pure|soft|neon|pastel|shiny|nice|very)"  # before one
# What lies behind a thing, in a prompt.
BEHIND = (
    rf"(?:(?:{COLOURED} )?(?:background|backdrop|bg|wall|surface|sky|wallpaper|backcloth|canvas|curtains?|drapes|"
    "screen|paper|sheet|page|card|cloth|tablecloth|field|ground|floor|night))"
)
