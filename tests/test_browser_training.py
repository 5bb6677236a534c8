"""Mini-train in Debian's chromium: steering a run, and what it costs everybody else."""

import re
import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from serving import App, has_drawn

pytestmark = pytest.mark.browser

WARM_UP, CYCLES, STRETCHES = 6, 4, 3  # the server's threads and their memory grow in the first cycles


@pytest.fixture
def training(page: Page) -> Page:
    """The tab Mini-train; its run is forgotten when the page closes."""
    page.get_by_role("tab", name="Mini-train").click()
    return page


def _steps(page: Page) -> int:
    return int(re.search(r"step (\d+)", page.locator("#verdict small").inner_text())[1])


def _start(page: Page) -> None:
    """Press Start; it is under way once Stop can be pressed."""
    page.locator("#train-start").click()
    expect(page.locator("#train-stop")).to_be_enabled()


def _first_step(page: Page) -> None:
    expect(page.locator("#verdict small")).to_have_text(re.compile(r"step [1-9]"))


def _stop(page: Page) -> None:
    """Press Stop; the next Start is possible."""
    page.locator("#train-stop").click()
    expect(page.locator("#train-start")).to_be_enabled()


def test_cycles_of_start_and_stop_leave_nothing_behind(training: Page, app: App):
    process, threads, memory = psutil.Process(app.pid), [], []
    for cycle in range(WARM_UP + STRETCHES * CYCLES + 1):
        if (cycle - WARM_UP) % CYCLES == 0:
            threads.append(process.num_threads())
            memory.append(process.memory_info().rss)
        _start(training)
        if cycle % 2:  # else it is stopped while it still gets ready
            _first_step(training)
        _stop(training)
    assert threads[-1] < threads[0] + CYCLES  # the server's own pool may breathe
    # A thread of the server's that trains for the first time takes some 50 MB once; a leak grows in every stretch.
    assert min(after - before for before, after in pairwise(memory)) < CYCLES * 2.5 * 2**20


def test_prompts_are_answered_while_another_session_trains(training: Page, browser: Browser, app: App):
    other = browser.new_page()
    other.goto(app.address)
    has_drawn(other)
    _start(training)
    _first_step(training)
    for prompt in ("a cat", "a dog", "a frog", "a house", "a rocket"):
        other.locator("#prompt textarea").fill(prompt)
        expect(other.locator("#pictures img").first).to_have_attribute("alt", f"{prompt}, seed 0")
    other.close()
    trained = _steps(training)
    expect(training.locator("#verdict small")).not_to_contain_text(f"step {trained} ")
    _stop(training)


def test_a_run_is_steered_kept_and_taken_away(training: Page):
    page = training
    names = ("start", "pause", "resume", "step", "stop", "reset")
    button = {name: page.locator(f"#train-{name}") for name in names}
    expect(page.locator("#expected")).to_contain_text(re.compile("first seconds of its first run|120 s are about"))
    expect(page.locator("#sheet img").first).to_have_attribute("alt", re.compile("a real picture$"))
    _start(page)
    _first_step(page)
    expect(button["start"]).to_be_disabled()
    expect(page.locator("#sheet .tile")).to_have_count(12)
    expect(page.locator("#sheet img").first).to_have_attribute("alt", re.compile(r"after \d+ steps$"))
    expect(page.locator("#verdict")).to_contain_text("the generator copies its own pictures; the retriever waits")
    page.locator("#rule-gamma input[type=number]").fill("3")
    page.locator("#rule-gamma input[type=number]").blur()
    expect(page.locator("#verdict small")).to_contain_text("γ 3")

    button["pause"].click()
    expect(button["resume"]).to_be_enabled()
    paused = _steps(page)
    button["step"].click()
    expect(page.locator("#verdict small")).to_contain_text(f"step {paused + 1} ")
    expect(page.locator("#train-d-step")).to_be_disabled()  # D waits
    page.locator("#train-g-step").click()
    expect(page.locator("#verdict small")).to_contain_text(f"step {paused + 2} ")
    page.locator("#keep-run").click()
    expect(page.locator("#plots")).to_contain_text(f"Dashed: run A, nano, {paused + 2} steps.")
    button["resume"].click()
    expect(page.locator("#verdict small")).not_to_contain_text(f"step {paused + 2} ")
    # Long enough to tell its speed from.
    expect(page.locator("#verdict small")).to_contain_text(re.compile(r"· ([4-9]|\d\d+) s ·"))
    _stop(page)
    stopped = _steps(page)
    time.sleep(1)
    assert _steps(page) == stopped > paused
    assert page.locator("#plots polyline.line").first.get_attribute("points")
    expect(page.locator("#replay .scrub")).to_be_visible()

    with page.expect_download() as download:
        page.locator("#save-run").click()
    assert download.value.suggested_filename == f"gan-dpr-nano-step-{stopped}.zip"

    page.get_by_role("tab", name="Generate").click()
    page.locator("#prompt textarea").fill("an elephant")  # which the trained model does not know
    expect(page.locator("#pictures img").first).to_have_attribute("alt", "an elephant, seed 0")
    page.get_by_role("tab", name="Mini-train").click()
    page.locator("#use-run").click()
    page.get_by_text("Menus and settings").click()
    expect(page.locator("#model")).to_be_visible()
    expect(page.locator("#model").get_by_label("mine, from Mini-train")).to_be_checked()
    expect(page.locator("#pictures img").first).to_have_attribute("alt", re.compile("^(?!.*elephant)"))
    expect(page.locator("#menu-tint")).to_be_hidden()  # of this model's world there is nothing to choose
    expect(page.locator("#status")).to_contain_text(f"nano, step {stopped}")
    page.get_by_role("tab", name="Mini-train").click()
    expect(page.locator("#plots .before").first).to_be_attached()
    page.locator("#forget-run").click()
    expect(page.locator("#plots .before")).to_have_count(0)
    expect(page.locator("#expected")).to_contain_text("in the last run here")
    button["reset"].click()
    expect(page.locator("#verdict")).to_contain_text("press Start")
    expect(page.locator("#sheet img").first).to_have_attribute("alt", re.compile("a real picture$"))


def test_a_run_without_reconstruction_contends_at_once(training: Page):
    training.get_by_label("Reconstruct first").uncheck()
    expect(training.locator("#rule-weight_reconstruct input[type=number]")).to_have_value("0")
    _start(training)
    _first_step(training)
    expect(training.locator("#verdict")).not_to_contain_text("Reconstruction:")
    expect(training.get_by_label("Reconstruct first")).to_be_disabled()
    expect(training.locator("#verdict")).to_contain_text(re.compile("pairs apart|above their fakes"))
    _stop(training)


def test_the_original_recipe_fails_and_the_verdict_says_why(training: Page):
    training.locator("#preset input").click()
    training.get_by_role("option", name="original-2023").click()
    expect(training.locator("#rule-gamma input[type=number]")).to_be_disabled()
    _start(training)
    _first_step(training)
    expect(training.locator("#verdict")).to_contain_text("It fails, as it did in 2023. For 500 steps only D learns")
    _stop(training)


def test_a_run_on_own_pictures(training: Page, tmp_path: Path):
    page = training
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
    page.locator("#own-data").get_by_label("Remove this file").last.click()
    expect(page.locator("#about-data")).to_contain_text("8 pictures read.")
    _start(page)
    _first_step(page)
    expect(page.locator("#sheet .tile")).to_have_count(8)
    expect(page.locator("#sheet img").first).to_have_attribute("alt", re.compile("^thing 0, after"))
    _stop(page)


def test_an_address_opens_mini_train_and_a_mission_says_its_task(page: Page, app: App):
    page.goto(f"{app.address}/?preset=nano-layer-norm&gamma=3.5&lr_g=nonsense&train_seed=7")
    expect(page.locator("#preset input")).to_have_value("nano-layer-norm")
    expect(page.locator("#preset input")).to_be_visible()
    expect(page.locator("#rule-gamma input[type=number]")).to_have_value("3.5")
    expect(page.locator("#rule-lr_g input[type=number]")).to_have_value("0.0004")
    expect(page.locator("#train-seed input")).to_have_value("7")
    page.locator("#rule-gamma input[type=number]").fill("4")
    page.locator("#rule-gamma input[type=number]").blur()
    _start(page)
    expect(page).to_have_url(f"{app.address}/?preset=nano-layer-norm&train_seed=7&gamma=4")
    expect(page.locator("#train-seed input")).to_be_disabled()
    _stop(page)
    page.get_by_label("Ten things in sixty seconds").check()
    expect(page.locator("#mission-told")).to_contain_text("Have ten of the twelve things named")
    expect(page.locator("#preset input")).to_have_value("nano")
    expect(page.get_by_label("Reconstruct first")).not_to_be_checked()
    expect(page.locator("#max-seconds input[type=number]")).to_have_value("60")
    _start(page)
    expect(page.locator("#mission-told")).to_contain_text(re.compile(r"\d+ of 10 things named, \d+ s left\."))
    _stop(page)
    page.get_by_label("None").check()
    expect(page.locator("#mission-told")).to_be_hidden()


def test_drawings_and_sliders_share_a_phone_screen(phone: Page):
    phone.get_by_role("tab", name="Mini-train").click()
    phone.get_by_label("Make D collapse").check()
    _start(phone)
    _first_step(phone)
    expect(phone.locator("#sheet .tile")).to_have_count(12)
    phone.evaluate("scrollTo(0, 0)")
    below = [phone.locator(name).bounding_box() for name in ("#mission-told", "#sheet", "#rule-lr_g", "#rule-lr_d")]
    assert all(box["y"] + box["height"] <= 844 for box in below)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    _stop(phone)
    expect(phone.locator("#preset input")).to_be_visible()
