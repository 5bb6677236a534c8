"""Take the README's pictures of the demo: `python -m docs.take_pictures --out out/pictures [--film]`.

Every tab on a desktop and a phone, light and dark, and one in Korean; with --film instead ninety seconds of
Mini-train as a GIF. Needs Debian's chromium-headless-shell and fonts-nanum, as the tests do.
"""

import argparse
import io
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from gan_dpr.animation import save_animation
from gan_dpr.demo.page import build_page
from gan_dpr.demo.theme import launch_options
from gan_dpr.pipeline import GanDprPipeline

SIZES = {"desktop": (1180, 1000), "phone": (390, 844)}
LEARNING_SECONDS = 20  # of the run on a picture of Mini-train
FILM_SECONDS, FRAMES, FILM_WIDTH = 90, 30, 640


def show(page: Page, tab: str) -> None:
    """Open a tab with something in it."""
    page.locator("[role=tab]").nth(("generate", "interpolate", "retrieve", "mini-train").index(tab)).click()
    if tab == "mini-train":
        start_training(page)
        page.wait_for_timeout(1000 * LEARNING_SECONDS)
        page.locator("#train-pause").click()
        expect(page.locator("#train-resume")).to_be_enabled()
    if tab in ("interpolate", "retrieve"):
        expect(page.locator({"interpolate": "#film img", "retrieve": "#found .tile"}[tab]).first).to_be_visible()
    page.wait_for_timeout(800)


def start_training(page: Page) -> None:
    page.locator("#train-start").click()
    expect(page.locator("#train-pause")).to_be_enabled()
    expect(page.locator("#plots polyline").first).to_be_attached()  # of the first step


def screenshots(browser: Browser, address: str, out: Path) -> None:
    for device, (width, height) in SIZES.items():
        for scheme, language, tabs in (
            ("light", "en-GB", ("generate", "interpolate", "retrieve", "mini-train")),
            ("dark", "en-GB", ("generate", "interpolate", "retrieve", "mini-train")),
            ("light", "ko-KR", ("generate",)),
        ):
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme, locale=language
            )
            page.goto(address)
            expect(page.locator("#mosaic .mosaic button").first).to_be_visible()  # what comes last
            for tab in tabs:
                show(page, tab)
                name = f"{tab}-{device}-{scheme}" if language == "en-GB" else f"{tab}-{device}-korean"
                page.screenshot(path=out / f"{name}.png", full_page=True)
                if tab == "retrieve":
                    show_map(page).screenshot(path=out / f"map-{device}-{scheme}.png")
            page.close()


def show_map(page: Page) -> Locator:
    """Open the map of drawings in the Retrieve tab, and draw a line on it; the map and its film."""
    page.get_by_role("tab", name="Map").click()
    drawings = page.locator("#drawings-map canvas")
    expect(drawings).to_be_visible()
    page.wait_for_timeout(3000)  # until the sheet of drawings has come
    page.get_by_role("button", name="draw a line").click()
    box = drawings.bounding_box()
    page.mouse.move(box["x"] + 0.28 * box["width"], box["y"] + 0.36 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.78 * box["width"], box["y"] + 0.62 * box["height"])
    page.mouse.up()
    frames = page.locator("#map-film .scrub")
    expect(frames).to_be_visible()
    frames.fill("12")
    return page.locator("#map-and-film")


def film(browser: Browser, address: str, path: Path) -> None:
    page = browser.new_page(viewport={"width": 1180, "height": 1000})
    page.goto(address)
    page.locator("[role=tab]").nth(3).click()
    start_training(page)
    frames, start = [], time.monotonic()
    for i in range(FRAMES):
        page.wait_for_timeout(max(0, 1000 * (start + i * FILM_SECONDS / FRAMES - time.monotonic())))
        frames.append(picture_of_run(page))
    page.close()
    tallest = max(frame.height for frame in frames)  # a longer name takes a line more
    frames = [as_tall(frame, tallest) for frame in frames]
    save_animation(frames + frames[-1:] * 10, path, 5)


def as_tall(frame: Image.Image, height: int) -> Image.Image:
    """The frame with room below, in the colour of its corner."""
    made = Image.new("RGB", (frame.width, height), frame.getpixel((0, 0)))
    made.paste(frame)
    return made


def picture_of_run(page: Page) -> Image.Image:
    """The drawings and the first two charts, FILM_WIDTH wide."""
    sheet, plots = (page.locator(name).bounding_box() for name in ("#sheet", "#plots"))
    clip = {"x": sheet["x"], "y": sheet["y"], "width": sheet["width"], "height": plots["y"] + 150 - sheet["y"]}
    shot = Image.open(io.BytesIO(page.screenshot(clip=clip, full_page=True))).convert("RGB")
    return shot.resize((FILM_WIDTH, round(shot.height * FILM_WIDTH / shot.width)), Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/emoji-64"))
    parser.add_argument("--film", action="store_true", help="only the film, which takes 90 seconds")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=60_000)
    page = build_page(GanDprPipeline.from_pretrained(args.checkpoint, "cpu"))
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium-headless-shell", args=["--no-sandbox", "--disable-gpu"]
        )
        if args.film:
            film(browser, address, args.out / "mini-train.gif")
        else:
            screenshots(browser, address, args.out)
        browser.close()
    page.close()


if __name__ == "__main__":
    main()
