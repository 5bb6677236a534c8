"""The four tabs in Debian's chromium, as a visitor uses them."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from serving import running_app

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
TABS = ("Generate", "Interpolate", "Retrieve", "Mini-train")
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def address(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_app(tiny_checkpoint, tmp_path_factory.mktemp("browser") / "log.txt") as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The open demo; no script may fail in it, and nothing may be asked of another host."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    yield from _watched(opened, address)


@pytest.fixture
def phone(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    yield from _watched(opened, address)


def _watched(opened: Page, address: str) -> Iterator[Page]:
    opened.set_default_timeout(60_000)
    errors, asked = [], []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(address)
    expect(opened.locator("#pictures .tile")).to_have_count(4)
    yield opened
    opened.close()
    assert errors == []
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def _open(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab).click()


def test_generate_draws_while_somebody_types(page: Page):
    page.locator("#prompt textarea").fill("")
    expect(page.locator("#pictures")).to_contain_text("Type what to draw")
    page.locator("#prompt textarea").press_sequentially("a red cat", delay=40)
    expect(page.locator("#pictures img").first).to_have_attribute("alt", "a red cat, seed 0")
    expect(page.locator("#menu-tint input")).to_have_value("red")
    assert "prompt=a+red+cat" in page.url


def test_generate_menus_and_seeds(page: Page):
    page.locator("#menu-background input").click()
    page.get_by_role("option", name="green").click()
    expect(page.locator("#prompt textarea")).to_have_value("an upside-down elephant on a green background")
    page.locator("#pictures .tile").nth(2).get_by_role("button", name="use seed").click()
    expect(page.locator("#pictures img").first).to_have_attribute("alt", re.compile("green background, seed 2$"))
    page.locator("#pictures .shot").first.click()
    expect(page.locator("#read-back")).to_contain_text("Seed 2: the retriever reads it as")
    expect(page.locator("#near .tile")).to_have_count(6)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all").click()
    assert download.value.suggested_filename == "gan-dpr-pictures.zip"


def test_generate_offers_what_it_knows(page: Page):
    page.locator("#prompt textarea").fill("a small blue teapot")
    expect(page.locator("#remark")).to_contain_text("never seen “teapot”")
    offer = page.locator("#remark button").first
    wanted = offer.inner_text()
    offer.click()
    expect(page.locator("#prompt textarea")).to_have_value(wanted)


def test_a_link_restores_prompt_and_seed(page: Page, address: str):
    page.goto(f"{address}/?prompt=a+tiny+frog&seed=7")
    expect(page.locator("#pictures img").first).to_have_attribute("alt", "a tiny frog, seed 7")


def test_interpolate_is_scrubbed_inside_the_page(page: Page):
    _open(page, "Interpolate")
    page.locator("#morph").click()
    scrub = page.locator("#film .scrub")
    expect(scrub).to_have_attribute("max", "23")
    expect(page.locator("#save-film")).to_be_enabled()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    frames = set()
    for place in ("0", "11", "23"):
        scrub.fill(place)
        frames.add(page.locator("#film img").get_attribute("src"))
    assert len(frames) == 3
    expect(page.locator("#film .where")).to_have_text("a large green frog on a purple background")
    assert not [url for url in asked if not url.startswith("data:")]
    with page.expect_download() as download:
        page.locator("#save-film").click()
    assert download.value.suggested_filename.endswith(".gif")


def test_retrieve_searches_with_words_then_with_a_result_and_draws(page: Page):
    _open(page, "Retrieve")
    page.locator("#query textarea").fill("a red mushroom")
    expect(page.locator("#found .tile")).to_have_count(12)
    page.get_by_role("button", name="Draw it").click()
    expect(page.locator("#prompt textarea")).to_have_value("a red mushroom")
    expect(page.locator("#prompt textarea")).to_be_visible()
    _open(page, "Retrieve")
    third = page.locator("#found .tile").nth(2)
    caption = third.locator("img").get_attribute("alt")
    third.locator(".shot").click()
    expect(page.locator("#captions")).to_contain_text("In words")
    expect(page.locator("#found img").first).to_have_attribute("alt", caption)
    expect(page.locator("#found .note").first).to_have_text("1.00")


def test_own_pictures_are_found_by_their_owner(page: Page, browser: Browser, address: str, tmp_path: Path):
    Image.new("RGB", (40, 40), "red").save(tmp_path / "my_wall.png")
    _open(page, "Retrieve")
    expect(page.locator("#found .tile")).to_have_count(12)
    page.get_by_text("Search your own pictures too").click()
    page.locator("#own-pictures input[type=file]").set_input_files(tmp_path / "my_wall.png")
    expect(page.locator("#about-own")).to_contain_text("1 picture read.")
    page.locator("#query-picture input[type=file]").set_input_files(tmp_path / "my_wall.png")
    page.locator("#query textarea").fill("")
    expect(page.locator("#found img").first).to_have_attribute("alt", "my wall")
    page.locator("#remove-own").click()
    expect(page.locator("#about-own")).to_contain_text("Only you see them")
    expect(page.locator("#found img").first).not_to_have_attribute("alt", "my wall")


def test_history_brings_a_drawing_back(page: Page):
    first = page.locator("#prompt textarea").input_value()
    page.locator("#prompt textarea").fill("a dog on a red background")
    expect(page.locator("#pictures img").first).to_have_attribute("alt", "a dog on a red background, seed 0")
    page.get_by_text("Drawn before").click()
    expect(page.locator("#history .tile")).to_have_count(2)
    page.locator("#history .shot").nth(1).click()
    expect(page.locator("#prompt textarea")).to_have_value(first)
    expect(page.locator("#history img").first).to_have_attribute("alt", first)


def test_grid_and_arithmetic_draw(page: Page):
    _open(page, "Interpolate")
    _open(page, "Grid")
    page.locator("#draw-grid").click()
    expect(page.locator("#grid .tile")).to_have_count(30)
    _open(page, "Arithmetic")
    page.locator("#add-up").click()
    expect(page.locator("#sum .tile")).to_have_count(7)
    page.locator("#term-b textarea, #term-b input").first.fill(" ")
    page.locator("#add-up").click()
    expect(page.locator("#sum")).to_contain_text("Type what to draw")
    _open(page, "Grid")
    page.locator("#grid .tile").nth(25).locator(".shot").click()
    expect(page.locator("#prompt textarea")).to_have_value("a large green frog on a purple background")
    expect(page.locator("#seed input")).to_have_value("1")


def test_mini_train_starts_pauses_and_stops_and_others_are_answered(page: Page, browser: Browser, address: str):
    _open(page, "Mini-train")
    names = ("start", "pause", "resume", "step", "stop", "reset")
    button = {name: page.locator(f"#train-{name}") for name in names}
    expect(page.locator("#expected")).to_contain_text("on two idle CPU cores")
    button["start"].click()
    expect(page.locator("#verdict small")).to_have_text(re.compile(r"step [1-9]"))
    expect(button["start"]).to_be_disabled()
    expect(page.locator("#sheet .tile")).to_have_count(12)

    other = browser.new_page()
    other.goto(address)
    expect(other.locator("#pictures .tile")).to_have_count(4)
    other.close()

    button["pause"].click()
    expect(button["resume"]).to_be_enabled()
    paused = _steps(page)
    button["step"].click()
    expect(page.locator("#verdict small")).to_contain_text(f"step {paused + 1} ")
    page.locator("#train-d-step").click()
    expect(page.locator("#verdict small")).to_contain_text(f"step {paused + 2} ")
    page.locator("#train-g-step").click()
    expect(page.locator("#verdict small")).to_contain_text(f"step {paused + 3} ")
    page.locator("#keep-run").click()
    expect(page.locator("#plots")).to_contain_text(f"Dashed: run A, nano, {paused + 3} steps.")
    button["resume"].click()
    expect(button["stop"]).to_be_enabled()
    expect(page.locator("#verdict small")).not_to_contain_text(f"step {paused + 3} ")
    start = time.monotonic()
    button["stop"].click()
    expect(button["start"]).to_be_enabled()
    assert time.monotonic() - start < 20  # seconds on an idle machine take many on a busy one
    stopped = _steps(page)
    time.sleep(1)
    assert _steps(page) == stopped > paused
    assert page.locator("#plots polyline.line").first.get_attribute("points")
    expect(page.locator("#replay .scrub")).to_be_visible()

    with page.expect_download() as download:
        page.locator("#save-run").click()
    assert download.value.suggested_filename == f"gan-dpr-nano-step-{stopped}.zip"

    page.locator("#use-run").click()
    expect(page.locator("#model")).to_be_visible()
    expect(page.locator("#status")).to_contain_text(f"nano, step {stopped}")
    _open(page, "Mini-train")
    expect(page.locator("#plots .before").first).to_be_attached()
    page.locator("#forget-run").click()
    expect(page.locator("#plots .before")).to_have_count(0)
    expect(page.locator("#expected")).to_contain_text("in the last run here")
    button["reset"].click()
    expect(page.locator("#sheet")).to_contain_text("Press Start")


def test_mini_train_on_own_pictures(page: Page, tmp_path: Path):
    _open(page, "Mini-train")
    files = [tmp_path / f"thing_{i}.png" for i in range(9)]
    for i, file in enumerate(files):
        Image.new("RGB", (40, 40), (25 * i, 90, 120)).save(file)
    page.get_by_text("Train on your own pictures").click()
    picker = page.locator("#own-data input[type=file]")
    picker.set_input_files(files[:3])
    expect(page.locator("#about-data")).to_contain_text("Only 3 pictures can be used; at least 8 are needed.")
    page.locator("#own-data").get_by_label("Clear").click()
    expect(page.locator("#about-data")).to_contain_text("A zip of captioned pictures")
    picker.set_input_files(files)
    expect(page.locator("#about-data")).to_contain_text("9 pictures read.")
    page.locator("#train-start").click()
    expect(page.locator("#sheet .tile")).to_have_count(9)
    expect(page.locator("#sheet img").first).to_have_attribute("alt", re.compile("^thing 0, after"))
    page.locator("#train-stop").click()
    expect(page.locator("#train-start")).to_be_enabled()


def _steps(page: Page) -> int:
    return int(re.search(r"step (\d+)", page.locator("#verdict small").inner_text())[1])


def test_everything_fits_a_phone(phone: Page):
    for tab in TABS:
        _open(phone, tab)
        phone.wait_for_timeout(500)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, tab
