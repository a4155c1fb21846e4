import nbformat
import pytest

pytestmark = pytest.mark.browser

TINY_LESSON = [
    "from r2p1d_edu import LivePlot, Recipe, train, write_arrow",
    "write_arrow('../data/arrow', clips_per_group=1)",
    "recipe = Recipe('../data/arrow/videos', size=32, epochs=2)\nlive = LivePlot(network='r2plus1d', ceiling=5 / 8)",
    "run = train(recipe, on_start=live.plan, on_row=live.update)\nlive.close()",
    "print('usable:', run.test(clips_per_video=1).video_accuracy >= 0)",
]


@pytest.fixture
def tiny_lesson(lab):
    cells = [nbformat.v4.new_code_cell(source) for source in TINY_LESSON]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, lab.folder / "notebooks" / "tiny.ipynb")
    return "tiny.ipynb"


def test_training_shows_one_live_plot_that_moves_and_stays(tiny_lesson, open_notebook):
    page = open_notebook(tiny_lesson)
    page.get_by_text("usable: True").wait_for()
    assert page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    pictures = page.locator('.jp-OutputArea-output img[alt^="Left, loss and learning rate"]')
    assert pictures.count() == 1
    assert pictures.first.is_visible()
    assert page.problems == []


def test_the_first_lesson_opens_with_its_stored_outputs(page, lab):
    page.goto(f"{lab.address}/lab/tree/notebooks/00_start_here.ipynb?token={lab.token}&reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Notebook .jp-CodeCell")
    page.get_by_text("You are ready").first.wait_for()
    for words in ("Six frames of two clips", "Left, loss and learning rate"):
        assert page.locator(f'img[alt^="{words}"]').is_visible()
    assert page.problems == []
