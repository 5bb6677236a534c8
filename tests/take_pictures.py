"""Take the pictures of the demo that the README shows: `PYTHONPATH=. python tests/take_pictures.py --out docs/images`.

Every tab on a desktop and a phone, light and dark, and a film of ninety seconds of Mini-train.
"""

import argparse
import io
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from serving import ROOT, running_app

from gan_dpr.animation import save_animation

SIZES = {"desktop": (1180, 1000), "phone": (390, 844)}
FILM_SECONDS, FRAMES, FILM_WIDTH = 90, 30, 560


def show(page: Page, tab: str) -> None:
    """Open a tab with something in it."""
    page.get_by_role("tab", name=tab, exact=True).click()
    for place in {"Interpolate": ("#film img",), "Retrieve": ("#found .tile",)}.get(tab, ()):
        expect(page.locator(place).first).to_be_visible()
    page.wait_for_timeout(800)


def screenshots(browser: Browser, address: str, out: Path) -> None:
    for device, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(address)
            expect(page.locator("#pictures .tile")).to_have_count(4)
            for tab in ("Generate", "Interpolate", "Retrieve", "Mini-train"):
                show(page, tab)
                page.screenshot(path=out / f"{tab.lower()}-{device}-{scheme}.png", full_page=True)
            page.close()


def film(browser: Browser, address: str, path: Path) -> None:
    page = browser.new_page(viewport={"width": 1180, "height": 1000})
    page.goto(address)
    show(page, "Mini-train")
    page.locator("#train-start").click()
    expect(page.locator("#sheet .tile")).to_have_count(12)
    frames, start = [], time.monotonic()
    for i in range(FRAMES):
        page.wait_for_timeout(max(0, 1000 * (start + i * FILM_SECONDS / FRAMES - time.monotonic())))
        boxes = [page.locator(name).bounding_box() for name in ("#verdict", "#sheet", "#plots")]
        left, top = min(box["x"] for box in boxes), min(box["y"] for box in boxes)
        right = max(box["x"] + box["width"] for box in boxes[1:])
        clip = {"x": left, "y": top, "width": right - left, "height": boxes[2]["y"] + 130 - top}
        shot = Image.open(io.BytesIO(page.screenshot(clip=clip, full_page=True))).convert("RGB")
        height = round(shot.height * FILM_WIDTH / shot.width)
        frames.append(shot.resize((FILM_WIDTH, height), Image.Resampling.LANCZOS))
    page.locator("#train-stop").click()
    expect(page.locator("#train-start")).to_be_enabled()
    page.close()
    smallest = min(frame.height for frame in frames)
    frames = [frame.crop((0, 0, FILM_WIDTH, smallest)) for frame in frames]
    save_animation(frames + frames[-1:] * 10, path, 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--checkpoint", type=Path, default=ROOT / "checkpoints" / "emoji-64")
    parser.add_argument("--film", action="store_true", help="only the film, which takes 90 seconds")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=60_000)
    with running_app(args.checkpoint, args.out / "app.log") as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        if args.film:
            film(browser, address, args.out / "mini-train.gif")
        else:
            screenshots(browser, address, args.out)
        browser.close()
    (args.out / "app.log").unlink()


if __name__ == "__main__":
    main()
