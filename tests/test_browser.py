"""The tabs in Debian's chromium, as a visitor uses them; test_browser_training.py has Mini-train."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from serving import App

pytestmark = pytest.mark.browser

TABS = ("Generate", "Interpolate", "Retrieve", "Mini-train")


def _open(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab).click()


def _settings(page: Page) -> None:
    page.locator("#settings").get_by_text("Menus and settings").click()


def test_generate_draws_while_somebody_types(page: Page):
    _settings(page)
    page.locator("#prompt textarea").fill("")
    expect(page.locator("#pictures")).to_contain_text("Type what to draw")
    page.locator("#prompt textarea").press_sequentially("a red cat", delay=40)
    expect(page.locator("#pictures img").first).to_have_attribute("alt", "a red cat, seed 0")
    expect(page.locator("#menu-tint input")).to_have_value("red")
    expect(page).to_have_url(re.compile(r"prompt=a\+red\+cat"))


@pytest.mark.parametrize(
    ("typed", "first", "prompt"),
    [
        ("a red eleph", "elephant", "a red elephant"),
        ("two small cherry b", "cherry blossom", "two small cherry blossom"),
        ("빨간 코끼", "코끼리", "빨간 코끼리"),
    ],
)
def test_names_are_completed(page: Page, typed: str, first: str, prompt: str):
    box, options = page.locator("#prompt textarea"), page.locator("#completions li")
    page.locator("#completions").wait_for(state="attached")
    box.fill("")
    box.press_sequentially(typed)
    expect(options.first).to_have_text(first)
    below = options.first.evaluate("li => document.elementFromPoint(...Object.values(li.getBoundingClientRect()"
                                   ".toJSON()).slice(0, 2).map(edge => edge + 5)) === li")  # not clipped, not covered
    assert below
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    box.press("Enter")
    expect(box).to_have_value(prompt)
    expect(page.locator("#completions")).to_be_hidden()
    expect(page.locator("#pictures img").first).to_have_attribute("alt", re.compile(f"^{prompt}"))
    box.press_sequentially(" zzz")
    expect(page.locator("#completions")).to_be_hidden()


def test_generate_menus_and_seeds(page: Page):
    _settings(page)
    page.locator("#menu-background input").click()
    page.get_by_role("option", name="green").click()
    expect(page.locator("#prompt textarea")).to_have_value("a large octopus on a green background")
    page.locator("#pictures .tile").nth(2).get_by_role("button", name="use seed").click()
    expect(page.locator("#pictures img").first).to_have_attribute("alt", re.compile("green background, seed 2$"))
    page.locator("#pictures .shot").first.click()
    expect(page.locator("#read")).to_contain_text("Seed 2: what the retriever reads in it.")
    expect(page.locator("#read li")).to_have_count(3)
    assert page.locator("#read img").evaluate_all("all => all.map(one => one.clientWidth)") == [64] * 3
    expect(page.locator("#read-back")).to_contain_text(re.compile(r"Nearest training pictures of it, among \d+:"))
    expect(page.locator("#near .tile")).to_have_count(6)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all").click()
    assert download.value.suggested_filename == "gan-dpr-pictures.zip"
    page.locator("#another").click()
    expect(page.locator("#read-back")).to_contain_text("Press a picture")
    expect(page.locator("#near")).to_be_hidden()
    expect(page.locator("#read")).to_be_hidden()


def test_a_dropped_picture_restores_its_settings(page: Page):
    _settings(page)
    page.locator("#prompt textarea").fill("a tiny frog on a red background")
    page.locator("#truncation input[type=number]").fill("0.5")
    page.locator("#truncation input[type=number]").blur()
    third = page.locator("#pictures img").nth(2)
    expect(third).to_have_attribute("alt", "a tiny frog on a red background, seed 2")
    expect(page.locator("#status")).to_contain_text("4 pictures")
    page.wait_for_timeout(500)
    saved = third.get_attribute("src")
    page.locator("#prompt textarea").fill("a dog")
    page.locator("#truncation input[type=number]").fill("1")
    page.locator("#truncation input[type=number]").blur()
    expect(page.locator("#pictures img").first).to_have_attribute("alt", "a dog, seed 0")
    page.evaluate(
        """async picture => {
          const bytes = await (await fetch(picture)).blob(), dropped = new DataTransfer();
          dropped.items.add(new File([bytes], '2.png', {type: 'image/png'}));
          const event = new DragEvent('drop', {bubbles: true, cancelable: true, dataTransfer: dropped});
          document.querySelector('#pictures').dispatchEvent(event);
        }""",
        saved,
    )
    expect(page.locator("#prompt textarea")).to_have_value("a tiny frog on a red background")
    expect(page.locator("#seed input")).to_have_value("2")
    expect(page.locator("#truncation input[type=number]")).to_have_value("0.5")
    expect(page.locator("#pictures img")).to_have_count(1)
    expect(page.locator("#pictures img").first).to_have_attribute("src", saved)  # to the last bit
    expect(page.locator("#read-back")).to_have_text("Its settings are back: these are its pixels.")


def test_a_link_that_cannot_be_copied_is_shown(page: Page, app: App):
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")  # as on plain http
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text(f"The link: {app.address}/?prompt=")).to_be_visible()


def test_a_picture_without_settings_is_answered_with_a_sentence(page: Page, tmp_path: Path):
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    page.locator("#open-png").locator("xpath=..").locator("input[type=file]").set_input_files(tmp_path / "plain.png")
    expect(page.locator("#read-back")).to_contain_text("That picture holds no prompt and seed")


def test_a_hostile_prompt_is_only_text(page: Page):
    hostile = "${document.title = 'taken'} `a` \\u {{x}} <img src=x onerror=document.title='taken'> cat"
    page.locator("#prompt textarea").fill(hostile)
    expect(page.locator("#pictures img").first).to_have_attribute("alt", f"{hostile}, seed 0")
    page.locator("#prompt textarea").fill(hostile.replace("cat", "teapot"))
    expect(page.locator("#remark")).to_contain_text("never seen")
    assert page.title() == "GAN-DPR"


def test_a_first_visit_is_walked_through_until_it_was_read(page: Page):
    guide = page.locator("#guide-generate .guide")
    expect(guide).to_contain_text("it draws with every letter")
    guide.get_by_role("button").click()
    expect(guide).to_be_hidden()
    _open(page, "Retrieve")
    expect(page.locator("#guide-retrieve .guide")).to_be_visible()
    page.reload()
    expect(page.locator("#pictures .tile")).to_have_count(4)
    expect(guide).to_be_hidden()
    page.get_by_role("button", name="Show the first steps again").click()
    expect(guide).to_be_visible()


def test_the_keyboard_reaches_and_presses_everything(page: Page):
    page.locator("#prompt textarea").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "an upside-down elephant on a blue background":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#pictures img").first).to_have_attribute("alt", re.compile("an upside-down elephant"))
    page.locator("#pictures .shot").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#near .tile")).to_have_count(6)
    page.get_by_role("tab", name="Interpolate").focus()
    page.keyboard.press("Enter")
    page.locator("#film .scrub").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#film .where")).to_contain_text("4% of the way")


def test_a_korean_browser_sees_korean(browser: Browser, app: App):
    page = browser.new_page(locale="ko-KR")
    page.goto(app.address)
    expect(page.locator("#pictures figcaption").first).to_contain_text("시드 0")
    for text in ("미니 학습", "글자마다 그림이 바뀝니다", "다른 시드", "예시"):
        expect(page.get_by_text(text).first).to_be_visible()
    expect(page.locator("#prompt textarea")).to_have_value("노란 배경 위의 큰 문어")
    expect(page.locator("#pictures img").first).to_have_attribute("alt", "노란 배경 위의 큰 문어, 시드 0")
    expect(page.locator("#examples")).to_contain_text("파란 배경 위의 거꾸로 선 코끼리")
    page.get_by_text("메뉴와 설정").click()
    expect(page.locator("#menu-size input")).to_have_value("크게")
    page.get_by_text("전에 그린 것").click()
    expect(page.locator("#history .tile")).to_have_count(1)  # the English example was not drawn
    page.locator("#prompt textarea").fill("")
    expect(page.locator("#pictures")).to_contain_text("그릴 것을 쓰세요")
    expect(page.locator("#prompt textarea")).to_have_attribute("placeholder", re.compile("^3D .* 해바라기$"))
    assert "__i18n__" not in page.locator("body").inner_text()
    page.get_by_role("tab", name="보간").click()
    expect(page.locator("#film-examples")).to_contain_text("두 동물")
    page.locator("#film .scrub").fill("0")  # it plays, and stops where it is put
    expect(page.locator("#film .where")).to_contain_text("빨간 고양이")
    page.locator("#film-examples button").last.click()
    expect(page.locator("#keys textarea")).to_have_value("고양이")
    page.get_by_role("tab", name="섞기").click()
    expect(page.locator("#mixed img")).to_have_attribute("alt", re.compile("해바라기: 가운데에서 바깥으로, 60%$"))
    page.get_by_role("tab", name="검색").click()
    expect(page.locator("#query textarea")).to_have_value("버섯")
    expect(page.locator("#found figcaption").first).to_contain_text(re.compile("[가-힣]"))
    page.close()


def test_a_link_is_not_overwritten_by_a_korean_example(browser: Browser, app: App):
    page = browser.new_page(locale="ko-KR")
    page.goto(f"{app.address}/?prompt=a+cat&seed=3")
    expect(page.locator("#pictures img").first).to_have_attribute("alt", "a cat, 시드 3")
    expect(page.locator("#examples")).to_contain_text("파란 배경 위의 거꾸로 선 코끼리")
    expect(page.locator("#prompt textarea")).to_have_value("a cat")
    page.close()


def test_eight_sessions_at_once_get_each_its_own(browser: Browser, app: App):
    pages = [browser.new_page() for _ in range(8)]
    for i, page in enumerate(pages):
        page.goto(f"{app.address}/?prompt=a+cat&seed={i}", wait_until="commit")
    for i, page in enumerate(pages):
        expect(page.locator("#pictures img").first).to_have_attribute("alt", f"a cat, seed {i}")
    for i, page in enumerate(pages):
        page.locator("#prompt textarea").fill(f"dog number {i}")
    for i, page in enumerate(pages):
        expect(page.locator("#pictures img").first).to_have_attribute("alt", f"dog number {i}, seed {i}")
    for page in pages:
        page.close()


def test_generate_offers_what_it_knows(page: Page):
    page.locator("#prompt textarea").fill("a small blue teapot")
    expect(page.locator("#remark")).to_contain_text("never seen “teapot”")
    offer = page.locator("#remark button").first
    expect(offer).to_be_visible()  # warnings wait until nobody types
    wanted = offer.inner_text()
    offer.click()
    expect(page.locator("#prompt textarea")).to_have_value(wanted)


def test_a_link_restores_prompt_and_seed(page: Page, app: App):
    page.goto(f"{app.address}/?prompt=a+tiny+frog&seed=7")
    expect(page.locator("#pictures img").first).to_have_attribute("alt", "a tiny frog, seed 7")


def test_an_address_below_a_path_gets_its_slash(page: Page, app: App):
    below = re.compile(r"/gan\?")  # of a proxy that takes the path away
    page.route(below, lambda route: route.fulfill(response=route.fetch(url=app.address)))
    page.goto(f"{app.address}/gan?prompt=a+cat", wait_until="commit")
    expect(page).to_have_url(f"{app.address}/gan/?prompt=a+cat")


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
    page.get_by_label("There and back").uncheck()
    for kind in ("GIF", "WebP", "MP4"):
        page.locator("#film-kind").get_by_text(kind, exact=True).click()
        expect(page.locator("#save-film")).to_have_text(f"Download {kind}")
        with page.expect_download() as download:
            page.locator("#save-film").click()
        assert download.value.suggested_filename.endswith("." + kind.lower())
    # How a film is played does not move it. Asked once: a film that plays comes by here sooner or later.
    assert page.locator("#film .where").inner_text() == "a large green frog on a purple background"


def test_interpolate_walks_through_seeds_and_says_what_it_cannot_read(page: Page):
    _open(page, "Interpolate")
    page.locator("#keys textarea").fill("a cat")
    page.locator("#film-seeds textarea, #film-seeds input").first.fill("3, 1, 4, 1")
    page.locator("#morph").click()
    expect(page.locator("#film .scrub")).to_have_attribute("max", "69")
    page.locator("#film .scrub").fill("69")
    expect(page.locator("#film .where")).to_have_text("a cat, seed 1")
    page.locator("#film-seeds textarea, #film-seeds input").first.fill("three")
    page.locator("#morph").click()
    expect(page.locator("#film")).to_contain_text("Seeds are whole numbers with commas between them")
    expect(page.locator("#save-film")).to_be_disabled()


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


def test_own_pictures_are_found_by_their_owner(page: Page, tmp_path: Path):
    Image.new("RGB", (40, 40), "red").save(tmp_path / "my_wall.png")
    Image.new("RGB", (40, 40), "blue").save(tmp_path / "my_door.png")
    _open(page, "Retrieve")
    expect(page.locator("#found .tile")).to_have_count(12)
    page.get_by_text("Search your own pictures too").click()
    page.locator("#own-pictures input[type=file]").set_input_files([tmp_path / "my_door.png", tmp_path / "my_wall.png"])
    expect(page.locator("#about-own")).to_contain_text("2 pictures read.")
    page.locator("#own-pictures").get_by_label("Remove this file").first.click()
    expect(page.locator("#about-own")).to_contain_text("1 picture read.")
    page.locator("#query-picture input[type=file]").set_input_files(tmp_path / "my_wall.png")
    expect(page.locator("#captions")).to_contain_text("In words")  # one search after the other
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


def test_the_pad_draws_while_it_is_moved(page: Page):
    _open(page, "Interpolate")
    page.get_by_role("tab", name="Pad").click()
    picture = page.locator("#pad-picture img")
    picture.wait_for()
    expect(page.locator("#pad-picture .title")).to_contain_text("50% to the right and 50% down")
    box = page.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 2, box["y"] + 2, steps=6)
    page.mouse.up()
    expect(page.locator("#pad-picture .title")).to_contain_text(re.compile("^between four prompts, [01]% to the right"))
    page.locator(".pad").press("ArrowRight")
    expect(page.locator("#pad-picture .title")).to_contain_text(re.compile("[56]% to the right and [01]% down"))


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
    page.locator("#grid-prompts textarea").fill("")  # what counts is how it was drawn
    page.locator("#grid .tile").nth(25).locator(".shot").click()
    expect(page.locator("#prompt textarea")).to_have_value("a large green frog on a purple background")
    page.get_by_text("Menus and settings").click()
    expect(page.locator("#seed input")).to_have_value("1")


def test_everything_fits_a_phone_and_every_picture_has_words(phone: Page):
    for tab in TABS:
        _open(phone, tab)
        phone.wait_for_timeout(500)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, tab
        unnamed = "img => !img.alt && img.getBoundingClientRect().width > 0"
        assert phone.evaluate(f"[...document.images].filter({unnamed}).map(img => img.src)") == [], tab


def test_a_file_that_is_no_picture_is_answered_beside_the_results(page: Page, tmp_path: Path):
    (tmp_path / "query.png").write_text("this is no picture")
    _open(page, "Retrieve")
    expect(page.locator("#found .tile")).to_have_count(12)
    page.locator("#query-picture input[type=file]").set_input_files(tmp_path / "query.png")
    expect(page.locator("#found")).to_contain_text("That file is not a picture that can be read")
    page.get_by_role("button", name="Clear", exact=True).last.click()
    page.locator("#query textarea").fill("a cat")
    expect(page.locator("#found .tile")).to_have_count(12)
