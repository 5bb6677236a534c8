"""What visitors take with them, in Debian's chromium: copies, shared and dragged pictures, stickers and links."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from serving import App, running_app

pytestmark = pytest.mark.browser

PIXELS = """async picture => {
  const pixels = await createImageBitmap(await (await fetch(picture)).blob());
  const canvas = new OffscreenCanvas(pixels.width, pixels.height), brush = canvas.getContext('2d');
  brush.drawImage(pixels, 0, 0);
  return [...brush.getImageData(0, 0, pixels.width, pixels.height).data].join();
}"""
CLIPBOARD = """async () => {
  const item = (await navigator.clipboard.read())[0];
  return URL.createObjectURL(await item.getType('image/png'));
}"""


@pytest.fixture(scope="module")
def app(layered_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The demo of a layered model, as a process of its own."""
    with running_app(layered_checkpoint, tmp_path_factory.mktemp("app") / "log.txt") as running:
        yield running


def test_a_picture_is_copied_by_a_press_and_by_ctrl_c(page: Page, app: App):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app.address)
    tiles = page.locator("#pictures .tile")
    for i, copy in enumerate((
        lambda tile: tile.get_by_role("button", name="copy").click(),
        lambda tile: (tile.locator(".shot").focus(), page.keyboard.press("Control+c")),
    )):  # fmt: skip
        copy(tiles.nth(i))
        expect(page.locator("#taken")).to_have_text("Picture copied.")
        shown = page.evaluate(PIXELS, tiles.nth(i).locator("img").get_attribute("src"))
        assert page.evaluate(PIXELS, page.evaluate(CLIPBOARD)) == shown
        expect(page.locator("#taken")).to_be_hidden()
    page.locator("#prompt textarea").select_text()
    page.keyboard.press("Control+c")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#prompt textarea").input_value()


def test_a_picture_that_cannot_be_copied_is_answered_with_a_sentence(page: Page):
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")  # as on plain http
    page.locator("#pictures .tile").first.get_by_role("button", name="copy").click()
    expect(page.locator("#taken")).to_contain_text("The browser does not let this page copy pictures: press")


def test_a_picture_is_dragged_out_as_a_file_with_a_name(page: Page):
    picture = page.locator("#pictures .shot img").nth(1)
    dragged = picture.evaluate(
        """picture => {
          const event = new DragEvent('dragstart', {bubbles: true, dataTransfer: new DataTransfer()});
          picture.dispatchEvent(event);
          return event.dataTransfer.getData('DownloadURL');
        }"""
    )
    assert dragged == f"image/png:1.png:{picture.get_attribute('src')}"


def test_a_picture_is_shared_where_the_browser_can(page: Page, browser: Browser, app: App):
    hidden = page.locator("#pictures [data-share]")
    expect(hidden).to_have_count(4)
    expect(hidden.first).to_be_hidden()  # Debian's chromium has nobody to share with
    able = browser.new_page()
    able.add_init_script(
        """navigator.canShare = ({files}) => files[0].type === 'image/png';
        navigator.share = async shared => { window.shared = shared; };"""
    )
    able.goto(app.address)
    able.locator("#pictures [data-share]").nth(2).click()
    able.wait_for_function("window.shared")
    told = "[shared.files[0].name, shared.files[0].type, shared.title]"
    name, kind, title = able.evaluate(told)
    assert (name, kind) == ("2.png", "image/png")
    assert title.endswith(", seed 2")
    able.close()


def test_what_is_shown_becomes_stickers(page: Page, tmp_path: Path):
    page.locator("#stickers").get_by_text("Stickers").first.click()
    with page.expect_download() as download:
        page.locator("#download-stickers").click()
    download.value.save_as(tmp_path / "pack.zip")
    assert download.value.suggested_filename == "gan-dpr-stickers.zip"
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        assert [Path(name).suffix for name in archive.namelist()] == [".png"] * 4 + [".json"]
    page.goto(page.url.partition("?")[0] + "?prompt=a+cat&seed=5&n=1")
    expect(page.locator("#pictures .tile")).to_have_count(1)
    expect(page.locator("#pictures img").first).to_have_attribute("alt", "a cat, seed 5")
    page.locator("#stickers").get_by_text("Stickers").first.click()
    page.locator("#sticker-target input").click()
    page.get_by_role("option", name="WhatsApp").click()
    with page.expect_download() as download:
        page.locator("#download-stickers").click()
    download.value.save_as(tmp_path / "one.webp")
    assert download.value.suggested_filename == "sticker_seed_5.webp"
    with Image.open(tmp_path / "one.webp") as sticker:
        assert (sticker.format, sticker.size) == ("WEBP", (512, 512))


def test_a_link_brings_a_film_back(page: Page, app: App):
    page.get_by_role("tab", name="Interpolate").click()
    page.locator("#keys textarea").fill("a cat\na red dog")
    page.locator("#film-seeds textarea, #film-seeds input").first.fill("3, 8")
    page.locator("#film-path").get_by_text("a line (lerp)").click()
    page.locator("#morph").click()
    expect(page).to_have_url(re.compile(r"\?film=a\+cat%0Aa\+red\+dog&film_seeds=3%2C\+8&steps=24&path=lerp$"))
    # The path draws the film already, and the button draws it again: that does not move a film that is there.
    expect(page.locator("#film .where")).to_contain_text("a red dog")
    page.locator("#film .scrub").fill("11")
    expect(page.locator("#film img")).to_have_attribute("alt", "48% of the way to: a red dog")
    shown = page.locator("#film img").get_attribute("src")
    page.goto(page.url)
    expect(page.locator("#keys textarea")).to_be_visible()
    expect(page.locator("#keys textarea")).to_have_value("a cat\na red dog")
    expect(page.locator("#film .where")).to_contain_text("a red dog")
    page.locator("#film .scrub").fill("11")
    expect(page.locator("#film img")).to_have_attribute("src", shown)


def test_a_link_brings_a_mix_back(page: Page, app: App):
    page.goto(f"{app.address}/?mix=a+cat%0Aa+frog&way=middle&amount=0.3&mix_seed=4")
    mixed = page.locator("#mixed img")
    expect(mixed).to_have_attribute("alt", "a cat + a frog: from the middle outwards, 30%")
    expect(page.locator("#mix-prompts textarea")).to_have_value("a cat\na frog")
    page.locator("#mix-board .shot").nth(0).click()
    expect(mixed).to_have_attribute("alt", "a cat + a frog: the first in the others' colours, 20%")
    expect(page).to_have_url(re.compile(r"\?mix=a\+cat%0Aa\+frog&way=colours&amount=0\.2&mix_seed=4$"))
    shown = mixed.get_attribute("src")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.locator("#copy-mix-link").click()
    link = page.get_by_text(re.compile("The link: http"))
    page.goto(link.inner_text().partition("The link: ")[2].strip())
    expect(mixed).to_have_attribute("src", shown)


def test_a_link_brings_a_sum_back(page: Page, app: App):
    page.goto(f"{app.address}/?a=a+red+cat&minus=a+cat&plus=a+dog&sum_seed=4")
    expect(page.locator("#sum .tile")).to_have_count(7)
    expect(page.locator("#sum .tile").nth(3)).to_contain_text("seed 4")
    expect(page.locator("#term-c textarea, #term-c input").first).to_have_value("a dog")
    shown = page.locator("#sum img").nth(3).get_attribute("src")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.locator("#copy-sum-link").click()
    link = page.get_by_text(re.compile("The link: http"))
    expect(link).to_contain_text("?a=a+red+cat&minus=a+cat&plus=a+dog&sum_seed=4")
    page.goto(link.inner_text().partition("The link: ")[2].strip())
    expect(page.locator("#sum img").nth(3)).to_have_attribute("src", shown)
