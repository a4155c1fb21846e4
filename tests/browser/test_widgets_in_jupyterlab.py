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


def test_the_builder_follows_its_menus_and_sliders(open_notebook):
    page = open_notebook("compare.ipynb")
    page.locator(".widget-dropdown").first.scroll_into_view_if_needed()
    before = words(page, 0)
    page.locator(".widget-dropdown select").first.select_option(label="MC5")
    chosen = until_words_change(page, 0, before)
    assert chosen.startswith("MC5")
    assert "16,856,400 parameters" in chosen
    handle = page.locator(".widget-slider .noUi-handle").first
    handle.focus()
    page.keyboard.press("ArrowRight")
    until_words_change(page, 0, chosen)
    assert no_errors(page)


def test_the_matching_bench_follows_its_sliders(open_notebook):
    page = open_notebook("06_parameter_matching.ipynb")
    page.locator(".widget-slider").first.scroll_into_view_if_needed()
    before = words(page, 0)
    page.locator(".widget-slider .noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    until_words_change(page, 0, before)
    assert no_errors(page)


def no_errors(page):
    assert page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    assert page.problems == []
    return True


WIDGETS = """
from r2p1d_edu.lab.widgets.mixed_slider import mixed_slider
mixed_slider()
---
from r2p1d_edu.lab.widgets.scrubber import grey, scrubber
from r2p1d_edu.video.arrow import draw_clip
scrubber({name: grey(draw_clip(name, 1, 1)) for name in ("Rise", "Fall")})
---
from r2p1d_edu import create_network
from r2p1d_edu.lab.widgets.sees_time import sees_time
networks = {name: create_network(name, depth=10, width=4, num_classes=2) for name in ("f_r2d", "r3d")}
sees_time({"Rise": draw_clip("Rise", 1, 1)}, networks, ["Rise", "Fall"])
---
from r2p1d_edu.lab.widgets.shape_walk import ShapeWalk
ShapeWalk("mc3", 8)
"""


def test_the_other_widgets_follow_their_controls(lab, open_notebook):
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in WIDGETS.split("---")]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, lab.folder / "notebooks" / "widgets.ipynb")
    page = open_notebook("widgets.ipynb")
    for number in range(len(cells)):
        cell = page.locator(".jp-CodeCell").nth(number)
        cell.locator("svg[role=img]:visible").wait_for()
        before = words(page, number)
        if cell.locator(".widget-toggle-button").count():
            cell.locator(".widget-toggle-button").nth(1).click()
        else:
            cell.locator(".noUi-handle").first.focus()
            page.keyboard.press("ArrowRight")
        until_words_change(page, number, before)
    assert no_errors(page)
