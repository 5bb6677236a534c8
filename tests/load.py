"""How much load the demo bears: `python tests/load.py [--rate 20] [--seconds 60] [--visitors 1,8] [--json FILE]`.

The app runs as a process of its own on this machine, beside whoever asks it. First `--rate` requests a second come
through the public endpoint `/generate`, whether or not those before have been answered; each asks for one picture, as
one of 32 clients who have been there before. Then visitors change the prompt every other second. One of them sits
before a browser page, in which the time from the last letter to the picture is measured, and before that how long the
page takes to its first picture. Of the others only the requests are made, those that the page made: their browsers
would be on machines of their own. Needs chromium-headless-shell.
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from playwright.async_api import Request, async_playwright
from serving import App, running_app

THINGS = ("elephant", "cat", "owl", "mushroom", "robot", "penguin", "cactus", "crown", "house", "octopus")
TINTS = ("red", "blue", "green", "yellow", "purple")
CLIENTS = 32  # sessions; one has no two requests at once
WAIT = 60  # seconds for one answer
CHANGES, PAUSE = 20, 2.0  # prompts of a visitor, and seconds from one to the next
FIRST = "a white rabbit"  # none of `prompt_of`
JSON = {"Content-Type": "application/json"}
BROWSER = "/usr/bin/chromium-headless-shell"


def prompt_of(i: int) -> str:
    """The i-th of fifty prompts, in turn."""
    return f"a {TINTS[i // len(THINGS) % len(TINTS)]} {THINGS[i % len(THINGS)]}"


def summary(times: list[float]) -> dict[str, float]:
    """Milliseconds: of half the answers at most, of 95% and of all."""
    milliseconds = 1000 * np.array(times)
    return {f"p{p}_ms": round(float(np.percentile(milliseconds, p)), 1) for p in (50, 95, 100)}


async def requests(app: App, rate: float, seconds: float) -> dict[str, Any]:
    """Ask at a steady rate; how long answers took, how many were none, and the memory of the app once a minute."""
    times, errors, memory = [], [], [resident(app)]
    free: asyncio.Queue[str] = asyncio.Queue()
    for i in range(CLIENTS):
        free.put_nowait(f"client-{i}")

    async def ask(client: httpx.AsyncClient, i: int) -> None:
        start = time.perf_counter()
        asked_for, session = [prompt_of(i), 1, i, 1.0, 1], await free.get()
        try:
            address = f"{app.address}/gradio_api/call/generate"
            event = await client.post(address, json={"data": asked_for, "session_hash": session})
            answer = await client.get(f"{address}/{event.raise_for_status().json()['event_id']}")
            if "event: complete" not in answer.text:
                raise ValueError(answer.text[:200])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            errors.append(f"{type(error).__name__}: {error}")
        else:
            times.append(time.perf_counter() - start)
        free.put_nowait(session)

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    async with httpx.AsyncClient(timeout=WAIT, limits=limits, trust_env=False) as client:
        for i in range(CLIENTS):  # the first request of each opens its session
            await ask(client, i)
        times.clear()
        start, asked = time.perf_counter(), []
        for i in range(round(rate * seconds)):
            await asyncio.sleep(max(0.0, start + i / rate - time.perf_counter()))
            asked.append(asyncio.create_task(ask(client, i)))
            if (i + 1) % round(60 * rate) == 0:
                memory.append(resident(app))
        await asyncio.gather(*asked)
    told = {"rate_per_s": rate, "seconds": seconds, "answered": len(times), "errors": len(errors)}
    return {**told, **(summary(times) if times else {}), "memory_mb": memory, "first_error": errors[:1]}


async def visitors(app: App, n: int) -> dict[str, Any]:
    """One page, in which a prompt is typed again and again, while n - 1 others do the same elsewhere."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = await browser.new_page()
        start = time.perf_counter()
        await page.goto(app.address)
        await page.locator("#pictures img").first.wait_for(timeout=1000 * WAIT)
        first = round(time.perf_counter() - start, 2)
        await asyncio.sleep(2 * PAUSE)
        made: list[Request] = []
        page.on("request", lambda one: made.append(one) if one.url.startswith(app.address) else None)
        await page.evaluate(TYPED, [FIRST, 1000 * WAIT])
        await asyncio.sleep(PAUSE)
        sent = [one for one in made if one.method in ("GET", "POST")]
        others = [asyncio.create_task(elsewhere(app, sent, who, n)) for who in range(1, n)]
        times = []
        for i in range(CHANGES):
            # Timed inside the page: from the change of the text to the picture's being there.
            took = await page.evaluate(TYPED, [prompt_of(i), 1000 * WAIT]) / 1000
            times.append(took)
            await asyncio.sleep(max(0.0, PAUSE - took))
        for other in others:
            other.cancel()
        await browser.close()
    failed = [other.exception() for other in others if other.done() and not other.cancelled()]
    told = {"visitors": n, "first_picture_s": first, "pictures": len(times)}
    return {**told, **summary(times), "failed": len(failed)}


async def elsewhere(app: App, sent: list[Request], who: int, n: int) -> None:
    """A visitor whose page is not here: the requests of a change of the prompt, with other prompts, until cancelled."""
    session = f"visitor-{n}-{who}"
    known = next(json.loads(one.post_data)["session_hash"] for one in sent if one.post_data)
    async with httpx.AsyncClient(timeout=WAIT, trust_env=False) as client:
        await asyncio.sleep(PAUSE * who / n)  # they do not type in step
        for i in range(7 * who, 10**6):
            start = time.perf_counter()
            for one in sent:
                path = one.url.removeprefix(app.address).partition("?")[0]
                if one.method == "POST":
                    told = (one.post_data or "").replace(known, session).replace(FIRST, prompt_of(i))
                    answer = await client.post(app.address + path, content=told, headers=JSON)
                elif path.endswith("/queue/data"):
                    answer = await client.get(app.address + path, params={"session_hash": session})
                answer.raise_for_status()
            await asyncio.sleep(max(0.0, PAUSE - (time.perf_counter() - start)))


TYPED = """async ([prompt, longest]) => {
  const box = document.querySelector('#prompt textarea'), start = performance.now();
  const put = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set;
  put.call(box, prompt);
  box.dispatchEvent(new Event('input', {bubbles: true}));
  for (;;) {
    const shown = document.querySelector('#pictures img');
    if (shown?.alt.startsWith(prompt + ', seed') && shown.complete) return performance.now() - start;
    if (performance.now() - start > longest) throw new Error('no picture of ' + prompt);
    await new Promise(requestAnimationFrame);
  }
}"""


def resident(app: App) -> int:
    """Megabytes of memory that the app holds."""
    return round(psutil.Process(app.pid).memory_info().rss / 1e6)


async def measure(app: App, rate: float, seconds: float, numbers: list[int]) -> dict[str, Any]:
    """Both, one after the other."""
    figures: dict[str, Any] = {}
    if seconds:
        figures["requests"] = await requests(app, rate, seconds)
        print(json.dumps(figures["requests"]), flush=True)
    figures["visitors"] = []
    for n in numbers:
        figures["visitors"].append(await visitors(app, n))
        print(json.dumps(figures["visitors"][-1]), flush=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="for so long; 0 leaves them out (%(default)s)")
    parser.add_argument("--visitors", default="1,8", help="numbers of pages, or nothing (default: %(default)s)")
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/emoji-64"))
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    args = parser.parse_args()
    numbers = [int(number) for number in args.visitors.split(",") if number]
    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        with running_app(args.checkpoint.resolve(), Path(scratch) / "log.txt") as app:
            start = round(time.perf_counter() - began, 1)
            print(json.dumps({"start_s": start, "memory_mb": resident(app)}), flush=True)
            figures = {"start_s": start, **asyncio.run(measure(app, args.rate, args.seconds, numbers))}
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
