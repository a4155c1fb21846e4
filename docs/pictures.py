"""python docs/pictures.py FOLDER: the README's pictures, made from what the course itself shows."""

import re
import shutil
import sys
from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from playwright.sync_api import sync_playwright

from r2p1d_edu.lab.explorer.bundle import write_page


def main(folder: Path) -> None:
    """Write explorer.png and live_plot.svg; lesson 11 has stored the second."""
    folder.mkdir(parents=True, exist_ok=True)
    photograph("#network=r3d&with=mc3", folder / "explorer.png")
    (folder / "live_plot.svg").write_text(stored_svg(Path("notebooks/11_train_live.ipynb")))


def photograph(link: str, path: Path) -> None:
    """What the explorer's page shows at a link, in Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(write_page(Path(folder) / "explorer.html").as_uri() + link)
        page.screenshot(path=path, animations="disabled")
        browser.close()


def stored_svg(notebook: Path) -> str:
    """The last live plot among a notebook's stored outputs."""
    outputs = [output for cell in nbformat.read(notebook, 4).cells for output in cell.get("outputs", [])]
    html = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
    return b64decode(re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html)[-1]).decode()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
