"""The page behind a proxy, below a path: its address gets the slash at the end that it needs."""

from collections.abc import Iterator

import gradio as gr
import httpx
import pytest

from gan_dpr.demo.theme import launch_options


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Asks a small page that is served below /gan."""
    with gr.Blocks(title="small") as page:
        gr.Markdown("small")
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, root_path="/gan", **launch_options())
    with httpx.Client(base_url=address, trust_env=False) as client:
        yield client
    page.close()


def test_a_proxy_that_keeps_the_path_is_redirected(client: httpx.Client):
    answer = client.get("/gan", params={"prompt": "a cat"})
    assert answer.is_redirect
    assert answer.headers["location"].endswith("/gan/?prompt=a+cat")


@pytest.mark.parametrize("path", ["/", "/gan/"])
def test_of_a_proxy_that_takes_the_path_away_the_page_adds_the_slash(client: httpx.Client, path: str):
    answer = client.get(path)
    head = answer.text.partition("<head>")[2]
    assert head.startswith("<script>\nif (!location.pathname.endsWith('/')) location.replace(location.pathname + '/'")
    assert answer.text.rstrip().endswith("</html>")
    assert client.head(path).status_code == 200


def test_other_answers_stay_as_they_are(client: httpx.Client):
    assert client.get("/gan/config").json()["title"] == "small"
