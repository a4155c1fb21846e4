import pytest

pytestmark = pytest.mark.browser


def words(page, place):
    """The alternative text of the picture in a widget: what it shows, in words."""
    return page.locator(".jupyter-widgets svg[role=img]").nth(place).get_attribute("aria-label")


def until_words_change(page, place, before):
    for _ in range(100):
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
