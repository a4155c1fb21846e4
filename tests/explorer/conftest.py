"""The explorer's page in a real Chromium. Skips visibly where there is none."""

import shutil

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def chromium():
    """One browser for the tests of a file; closed with it, since other files start their own."""
    sync = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """explorer.html on disk."""
    from r2p1d_edu.lab.explorer.bundle import write_page

    return write_page(tmp_path_factory.mktemp("page")).as_uri()


@pytest.fixture
def open_page(chromium, address):
    """open_page("#network=r3d", width=390): a fresh page; what went wrong on it is in `page.problems`."""
    contexts = []

    def open_at(hash: str = "", width: int = 1280, height: int = 800, **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda line: page.problems.append(line.text) if line.type == "error" else None)
        page.on("request", lambda asked: asked.url.startswith(("file:", "data:")) or page.problems.append(asked.url))
        page.goto(address + hash)
        page.wait_for_function("window.explorer")
        return page

    yield open_at
    for context in contexts:
        context.close()
