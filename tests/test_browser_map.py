"""The map of drawings in Debian's chromium: moved, searched, and drawn upon, by hand and with the keyboard."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

INKED = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(dot => dot)"


@pytest.fixture
def canvas(page: Page) -> Locator:
    """The map, painted."""
    page.get_by_role("tab", name="Retrieve").click()
    page.get_by_role("tab", name="Map").click()
    page.locator("#drawings-map canvas").wait_for()
    page.wait_for_function(f"({INKED})(document.querySelector('#drawings-map canvas'))")
    return page.locator("#drawings-map canvas")


def test_the_map_is_moved_and_searched_with_the_keyboard(page: Page, canvas: Locator):
    canvas.focus()
    said = page.locator("#drawings-map .over")
    page.keyboard.press("+")
    for key in ("ArrowLeft", "ArrowUp", "ArrowLeft", "ArrowDown", "ArrowDown", "ArrowRight") * 8:
        if said.inner_text():
            break
        page.keyboard.press(key)
    name = said.inner_text()
    assert name
    page.keyboard.press("Enter")
    expect(page.locator("#found .tile .title").first).to_have_text(name)  # the drawing itself comes first
    expect(page.locator("#query textarea")).to_have_value("")


def test_a_line_from_one_drawing_to_another_is_a_film(page: Page, canvas: Locator):
    film, said = page.locator("#map-film"), page.locator("#drawings-map .over")
    expect(film).to_contain_text("draw a line from one drawing to another")
    page.get_by_role("button", name="draw a line").click()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    first = said.inner_text()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=4)
    page.mouse.up()
    last = said.inner_text()
    assert len({first, last} - {""}) == 2
    expect(film.locator(".scrub")).to_have_attribute("max", "23")
    ends = [caption.partition(", ")[0] for caption in (first, last)]
    for place, thing in zip(("0", "23"), ends, strict=True):
        film.locator(".scrub").fill(place)
        expect(film.locator(".where")).to_contain_text(thing)
        expect(film.locator(".where")).not_to_contain_text("%")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open this film").click()
    keys = opened.value.locator("#keys textarea")
    for thing in ends:
        expect(keys).to_have_value(re.compile(re.escape(thing)))
    expect(opened.value.locator("#film .scrub")).to_have_attribute("max", "23")


def test_the_keyboard_draws_a_line(page: Page, canvas: Locator):
    said = page.locator("#drawings-map .over")
    canvas.focus()
    page.keyboard.press("+")

    def walk(*keys: str) -> str:
        """Until another drawing is in the middle; its name."""
        before = said.inner_text()
        for key in keys * 12:
            page.keyboard.press(key)
            if said.inner_text() not in ("", before):
                break
        return said.inner_text()

    first = walk("ArrowLeft", "ArrowUp", "ArrowLeft", "ArrowDown", "ArrowDown", "ArrowRight")
    page.keyboard.press("l")
    second = walk("ArrowRight", "ArrowDown", "ArrowRight", "ArrowUp")
    page.keyboard.press("l")
    assert len({first, second} - {""}) == 2
    expect(page.locator("#map-film .scrub")).to_have_attribute("max", "23")
