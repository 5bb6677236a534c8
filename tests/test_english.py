"""What English makes of a name: stored, and without the library that knows it."""

import subprocess
import sys

import pytest

from gan_dpr.worlds.emoji import english


def test_stored_articles_and_numbers_are_those_of_inflect():
    stored = english._stored()
    assert stored == english.inflected()
    assert {word: stored["articles"][word] for word in ("hourglass", "unicorn", "SUV")} == {
        "hourglass": "an", "unicorn": "a", "SUV": "an"
    }  # fmt: skip
    assert (stored["numbers"]["fox"], stored["numbers"]["cherries"]) == ("foxes", "cherry")


def test_the_usual_prompts_need_no_inflect():
    """Its import takes seconds."""
    code = (
        "import sys; from gan_dpr.worlds.emoji.prompts import understood; "
        "from gan_dpr.worlds.emoji.lexicon import kindred; "
        "understood('a vermilion cat'); understood('orange dogs on a blue wall'); kindred('spaniels'); "
        "sys.exit('inflect' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("plural", "one"),
    [("spaniels", "spaniel"), ("foxes", "fox"), ("ponies", "pony"), ("watches", "watch"), ("snowmen", "snowman")],
)
def test_what_a_plural_may_be_made_from(plural, one):
    assert one in english.singulars(plural)
    assert english.singulars("cat") == []
