"""The pad between four prompts."""

from types import SimpleNamespace

import pytest
from PIL import Image

from gan_dpr.demo.pad import EMPTY, _board, _drawn, weights_at


@pytest.mark.parametrize(
    ("place", "weights"),
    [((0, 0), [1, 0, 0, 0]), ((1, 0), [0, 1, 0, 0]), ((0, 1), [0, 0, 1, 0]), ((1, 1), [0, 0, 0, 1]),
     ((0.5, 0.5), [0.25] * 4), ((0.25, 1), [0, 0, 0.75, 0.25])],
)  # fmt: skip
def test_a_corner_counts_alone_in_its_corner(place, weights):
    assert weights_at(*place) == pytest.approx(weights)


def test_the_place_decides_what_is_drawn():
    asked = []
    pipeline = SimpleNamespace(combine=lambda *a, **k: asked.append((a, k)) or [Image.new("RGB", (8, 8))])
    studio = SimpleNamespace(pipeline=pipeline, status=lambda *parts: parts)
    shown, _, place = _drawn(studio, "a\nb\n\nc\nd\n", 7, (0.25, 3))
    assert place == (0.25, 1.0)  # a place beside the pad is on its edge
    ((lines, weights), more), = asked
    assert (lines, more) == (["a", "b", "c", "d"], {"seed": 7})
    assert weights == pytest.approx([0, 0, 0.75, 0.25])
    assert "25%" in shown["tiles"][0]["title"]
    shown, _, place = _drawn(studio, "a\nb", 7, (0.25, 0.5))
    assert (shown["tiles"], shown["empty"], place) == ([], EMPTY, (0.25, 0.5))
    assert len(asked) == 1
    assert _board("a\n<b>\nc\nd")["corners"] == ["a", "&lt;b&gt;", "c", "d"]
