"""The pages of `make site`: whole, within themselves, alive, and quiet. Skips visibly without Sphinx or Chromium."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

pytest.importorskip("sphinx", reason='no Sphinx: pip install -e ".[site]"')
ROOT = Path(__file__).parents[2]
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
SCROLLS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
NOT_DRAWN = "[...document.images].filter((i) => i.complete && !i.naturalWidth).map((i) => i.alt)"
NOT_NAMED = "[...document.images].filter((i) => !i.alt).length"


def recipe():
    """The command of the Makefile's target, in words."""
    [line] = re.findall(
        r"^\t\$\(BIN\)/python (-m sphinx .+) notebooks build/site/pages$", (ROOT / "Makefile").read_text(), re.M
    )
    return line.replace("--doctree-dir build/site/doctrees ", "").split()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site as `make site` builds it, but for two tags `reveal` and a menu whose kernel is gone."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    shutil.copy(ROOT / "README.md", folder)
    lesson = folder / "notebooks" / "00_start_here.ipynb"
    notebook = nbformat.read(lesson, as_version=4)
    checks = next(cell for cell in notebook.cells if "panel" in cell.source)
    checks.metadata["tags"] = ["reveal"]
    nbformat.write(notebook, lesson)
    command = [sys.executable, *recipe(), str(folder / "notebooks"), str(folder / "site")]
    subprocess.run(command, cwd=ROOT, check=True)
    return folder / "site"


class Page(HTMLParser):
    """What a page names: ids, and what it links to or shows."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        self.links |= {attributes[name] for name in ("href", "src") if attributes.get(name)}


def test_every_lesson_is_a_page_and_no_page_is_heavy(site):
    pages = {path.stem: path.stat().st_size for path in site.glob("*.html")}
    assert {*LESSONS, "index", "search", "explorer"} <= set(pages)
    assert max(pages.values()) <= 3_000_000
    assert not list(site.rglob("*ps1*"))  # assignments are handed out by their teacher


def test_every_link_leads_somewhere(site):
    pages = {path.name: Page(path.read_text("utf-8")) for path in site.glob("*.html")}
    assert "05_r2plus1d.html" in pages["index.html"].links
    broken = []
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "data", "mailto"):
                continue
            target = unquote(parts.path) or name
            there = (site / target).exists()
            if there and parts.fragment and target != "explorer.html" and target in pages:
                there = unquote(parts.fragment) in pages[target].ids
            if not there:
                broken.append(f"{name}: {link}")
    assert broken == []


def explorers(lesson):
    """How many cells of a lesson show the explorer."""
    cells = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4).cells
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    widgets = [data for data in outputs if "application/vnd.jupyter.widget-view+json" in data]
    return sum("explorer.html" in data["text/plain"] for data in widgets)


@pytest.fixture(scope="module")
def chromium():
    sync = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, site):
    """visit("index.html", width=390): a page from the disk; what went wrong on it is in `page.problems`."""
    contexts = []

    def open_at(name: str, width: int = 1280, **options):
        context = chromium.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda line: page.problems.append(line.text) if line.type in ("error", "warning") else None)
        page.on("request", lambda asked: asked.url.startswith(("file:", "data:")) or page.problems.append(asked.url))
        page.on("requestfailed", lambda asked: page.problems.append(f"failed: {asked.url}"))
        page.goto((site / name).as_uri())
        return page

    yield open_at
    for context in contexts:
        context.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", [*LESSONS, "index", "search", "explorer"])
def test_a_page_asks_nobody_complains_of_nothing_and_keeps_within_the_screen(visit, name, width):
    page = visit(f"{name}.html", width)
    page.wait_for_load_state("networkidle")
    assert page.problems == []
    assert page.evaluate(SCROLLS) <= 0
    assert page.evaluate(NOT_DRAWN) == []
    assert page.evaluate(NOT_NAMED) == 0
    if name in LESSONS:
        assert page.locator(".explorer > .ex .title").count() == explorers(name)


@pytest.mark.browser
def test_outputs_to_predict_are_folded(visit):
    page = visit("00_start_here.html")
    page.locator("details.hide", has_text="You are ready").wait_for()
    answer = page.get_by_text("You are ready", exact=True)
    assert not answer.is_visible()
    page.locator("details.hide", has_text="You are ready").locator("> summary").click()
    assert answer.is_visible()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_explorer_lives_in_the_lessons_in_their_light(visit, scheme):
    page = visit("compare.html", color_scheme=scheme)
    place = page.locator('.explorer[data-link="#network=r2plus1d&with=r3d"] .ex')
    assert place.locator(".title").inner_text() == "R(2+1)D beside R3D"
    place.get_by_role("button", name="Family").click()
    assert place.locator(".title").inner_text() == "How convolutional networks see time"
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    paper = place.evaluate("(el) => getComputedStyle(el).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper)[:3])) > 380) == (scheme == "light")
    assert page.problems == []


@pytest.mark.browser
def test_other_widgets_say_that_they_need_a_kernel(visit):
    page = visit("11_train_live.html")
    assert page.locator(".no-kernel").first.is_visible()
    page = visit("02_r2d_and_f_r2d.html")
    assert page.locator(".no-kernel").is_visible()
    assert page.locator(".lab-still img").is_visible()
    assert not page.locator(".lab-stopped").is_visible()


@pytest.mark.browser
def test_the_explorers_page_answers_other_pages(visit):
    page = visit("explorer.html")
    asked = {"network": "r3d", "depth": 18, "width": 64, "frames": 16, "size": 112, "num_classes": 400}
    bill = page.evaluate("(asked) => window.explorer.account(asked)", asked)
    assert bill["params"] == 33_371_472
    assert sum(group["macs"] for group in bill["groups"]) == bill["macs"]
    page.evaluate("window.explorer.show('#network=mc3')")
    assert page.locator(".title").inner_text() == "MC3"


@pytest.mark.browser
def test_search_finds_a_lesson_without_a_server(visit):
    page = visit("search.html")
    page.goto(page.url + "?q=midplanes")
    page.locator("#search-results a", has_text="06").first.wait_for(timeout=10_000)
    assert page.problems == []
