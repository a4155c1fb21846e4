import pytest

pytestmark = pytest.mark.browser


def test_the_first_lesson_runs_from_top_to_bottom(open_notebook):
    page = open_notebook("00_start_here.ipynb")
    page.get_by_text("You are ready").last.scroll_into_view_if_needed()
    panel = page.locator(".jp-OutputArea-output", has_text="You are ready").last
    assert panel.inner_text().count("✓") == 4
    assert page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    assert page.problems == []
