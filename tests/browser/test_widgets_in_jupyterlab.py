import nbformat
import pytest

pytestmark = pytest.mark.browser


def words(page, place):
    """The alternative text of the picture in a widget: what it shows, in words."""
    return page.locator(".jupyter-widgets svg[role=img]:visible").nth(place).get_attribute("aria-label")


def until_words_change(page, place, before):
    for _ in range(600):  # a minute, on a busy machine
        if words(page, place) != before:
            return words(page, place)
        page.wait_for_timeout(100)
    raise AssertionError(f"the picture stayed as it was: {before}")


def no_errors(page):
    assert page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    assert page.problems == []
    return True


def notebook_of(lab, name, *sources):
    """A notebook of these cells in JupyterLab's folder."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, lab.folder / "notebooks" / name)


SEES_TIME = """
from r2p1d_edu import create_network
from r2p1d_edu.lab.widgets.sees_time import sees_time
from r2p1d_edu.video.arrow import draw_clip
networks = {name: create_network(name, depth=10, width=4, num_classes=2) for name in ("f_r2d", "r3d")}
sees_time({"Rise": draw_clip("Rise", 1, 1)}, networks, ["Rise", "Fall"])
"""


def test_sees_time_follows_its_controls(lab, open_notebook):
    notebook_of(lab, "sees_time.ipynb", SEES_TIME)
    page = open_notebook("sees_time.ipynb")
    page.locator("svg[role=img]:visible").wait_for()
    before = words(page, 0)
    page.locator(".widget-toggle-button").nth(1).click()
    until_words_change(page, 0, before)
    assert no_errors(page)


TRAIN_IT = """
from r2p1d_edu import write_arrow
from r2p1d_edu.lab.widgets import tiny_training
folder = write_arrow("../data/arrow", clips_per_group=1)
tiny_training.write_arrow = lambda *_, **__: folder
tiny_training.EPOCHS = 500
tiny_training.TinyTraining("f_r2d")
"""


def test_train_it_survives_a_reload_and_stops(lab, open_notebook):
    notebook_of(lab, "train_it.ipynb", TRAIN_IT)
    page = open_notebook("train_it.ipynb")
    page.get_by_role("button", name="Train it").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Training f-R2D").wait_for()
    assert page.evaluate("document.activeElement.textContent").strip() == "Train it"  # the focus stays
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(2000)
    page.goto(page.url.replace("&reset", ""))
    page.get_by_text("Training f-R2D").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped.").wait_for()
    page.evaluate("jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()")
    page.get_by_text("These controls need a kernel that runs").wait_for()
    assert no_errors(page)


def test_the_explorer_in_the_dashboard_goes_down_to_a_group_and_back(open_notebook):
    page = open_notebook("compare.ipynb")
    explorer = page.locator(".ex").first
    explorer.scroll_into_view_if_needed()
    explorer.locator(".row .open").nth(4).click()
    explorer.get_by_role("heading", name="R3D").wait_for()
    explorer.locator(".stage .zoom").first.click()
    explorer.get_by_text("Each edge carries its shape").wait_for()
    page.keyboard.press("Escape")
    explorer.get_by_role("heading", name="R3D").wait_for()
    assert no_errors(page)
