"""Text can be read: WCAG AA asks for a contrast of 4.5."""

import pytest

from gan_dpr.demo.theme import BUTTON, BUTTON_HOVER, CSS, GROUNDS, INKS, ON_BUTTON, SUBDUED


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("where", list(GROUNDS))
def test_text_has_contrast(where: str):
    texts = [INKS[where][name] for name in ("ink-g", "ink-d", "good")] + [SUBDUED[where]]
    assert min(contrast(text, ground) for text in texts for ground in GROUNDS[where]) >= 4.5
    assert min(contrast(ON_BUTTON, fill) for fill in (BUTTON, BUTTON_HOVER)) >= 4.5


def test_inks_are_in_the_page():
    assert "--ink-g: #c2410c;" in CSS
    assert "@" not in CSS.replace("@media", "")
