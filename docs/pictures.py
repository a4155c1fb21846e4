"""python docs/pictures.py FOLDER: the README's pictures, made from what the course itself shows."""

import re
import shutil
import sys
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from r2p1d_edu.lab.explorer.bundle import write_page

# Links of the explorer and how long each stands, in milliseconds.
SCENES = [
    ("#family=paper", 2200),
    ("#family=accuracy", 1600),
    ("#network=r3d", 1600),
    ("#network=r3d&with=mc3", 2600),
    ("#block=r2plus1d&with=r3d&group=2", 2200),
    *[(f"#conv=3d&t={t}&y=4&x=4", 450) for t in range(1, 7)],
    *[(f"#conv=2%2B1d&t={t}&y=4&x=4", 450) for t in range(1, 7)],
    ("#matching=64-64&mid=64", 1300),
    ("#matching=64-64&mid=144", 1800),
    ("#time=r3d", 1800),
    ("#learnt=r2plus1d&order=reversed", 2400),
]


def main(folder: Path) -> None:
    """Write explorer.webp and live_plot.svg; lesson 11 has stored the second."""
    folder.mkdir(parents=True, exist_ok=True)
    film(folder / "explorer.webp")
    (folder / "live_plot.svg").write_text(stored_svg(Path("notebooks/11_train_live.ipynb")))


def film(path: Path, width: int = 960) -> None:
    """The explorer from the whole family down to one multiplication, as an animated WebP."""
    pictures, milliseconds = [], []
    with explorer() as page:
        for link, duration in SCENES:
            page.evaluate("link => window.explorer.show(link)", link)
            page.evaluate("() => window.scrollTo(0, 0)")
            picture = Image.open(BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
            pictures.append(picture.resize((width, width * picture.height // picture.width), Image.Resampling.LANCZOS))
            milliseconds.append(duration)
    first, *others = pictures
    first.save(path, save_all=True, append_images=others, duration=milliseconds, loop=0, quality=72, method=6)


@contextmanager
def explorer() -> Iterator[Page]:
    """The explorer's page in Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
        page.goto(write_page(Path(folder) / "explorer.html").as_uri())
        page.wait_for_function("window.explorer")
        yield page
        browser.close()


def stored_svg(notebook: Path) -> str:
    """The last live plot among a notebook's stored outputs."""
    outputs = [output for cell in nbformat.read(notebook, 4).cells for output in cell.get("outputs", [])]
    html = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
    return b64decode(re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html)[-1]).decode()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
