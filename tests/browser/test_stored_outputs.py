"""What is left of outputs when a page is loaded again, a kernel restarts or stops, a notebook is not trusted."""

import nbformat
import pytest

pytestmark = pytest.mark.browser

CELLS = [
    """
import ipywidgets
from matplotlib.figure import Figure
from r2p1d_edu.lab.widgets.panel import ControlPanel
ControlPanel(lambda number: (Figure((4, 2)), f"number {number}"), {"number": ipywidgets.IntSlider(3)})
""",
    """
import matplotlib.pyplot as plt
from r2p1d_edu.lab.figures import show
show(plt.figure(figsize=(12, 2)), "An empty figure")
""",
    """
from r2p1d_edu import LivePlot
live = LivePlot(total_steps=2, network="r3d", ceiling=0.625)
speed = {"learning_rate": 0.01, "clips_per_second": 210.4}
for step in (1, 2):
    live.update({"step": step, "epoch": step, "loss": 1.0, "accuracy": 0.5, "seconds": step} | speed)
live.close()
""",
]
SESSION = "jupyterapp.shell.currentWidget.context.sessionContext"
STILL, ALIVE, STOPPED = ".lab-still img[alt='number 3']", ".widget-slider", ".lab-stopped"
PICTURES = ("An empty figure", "Left, loss and learning rate")


@pytest.fixture
def notebook(lab):
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = lab.folder / "notebooks" / "stored.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def open_again(page, lab, name, reset="&reset"):
    page.goto(f"{lab.address}/lab/tree/notebooks/{name}?token={lab.token}{reset}")
    page.wait_for_selector(".jp-NotebookPanel .jp-Notebook .jp-CodeCell")


def pictures_are_shown_in_words_and_whole(page):
    for words in PICTURES:
        picture = page.locator(f"img[alt^='{words}']")
        picture.wait_for()
        assert picture.evaluate("(image) => image.naturalWidth") > 300
        place = page.locator(".jp-OutputArea-output", has=picture).bounding_box()
        box = picture.bounding_box()
        assert box["x"] + box["width"] <= place["x"] + place["width"] + 1
    return True


def test_every_output_outlives_its_page_and_its_kernel(notebook, open_notebook, lab):
    page = open_notebook(notebook.name)
    page.set_viewport_size({"width": 1024, "height": 800})
    name = f"unrun_{notebook.name}"
    page.locator(ALIVE).wait_for()
    assert not page.locator(STILL).is_visible()
    assert not page.locator(STOPPED).is_visible()
    assert pictures_are_shown_in_words_and_whole(page)
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")

    open_again(page, lab, name)  # as when the page is loaded again: the kernel goes on
    page.locator(ALIVE).wait_for()
    assert not page.locator(STILL).is_visible()

    page.evaluate(f"{SESSION}.session.kernel.restart()")
    page.locator(STOPPED).wait_for()
    assert page.locator(ALIVE).is_visible()
    assert not page.locator(STILL).is_visible()
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")

    page.evaluate(f"{SESSION}.shutdown()")
    open_again(page, lab, name)
    page.locator(STILL).wait_for()
    assert not page.get_by_text("model not found").is_visible()
    assert pictures_are_shown_in_words_and_whole(page)

    stored = nbformat.read(notebook.with_name(name), as_version=4)
    stored.cells[0].source += "  # by somebody else"
    nbformat.write(stored, notebook.with_name("not_trusted.ipynb"))
    open_again(page, lab, "not_trusted.ipynb")
    page.locator(STILL).wait_for()
    assert page.locator(".jp-mod-trusted").count() == 0
    assert pictures_are_shown_in_words_and_whole(page)
