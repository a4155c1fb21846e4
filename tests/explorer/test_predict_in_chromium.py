"""Predictions on a page without a kernel, in a real Chromium: the keyboard, a hand, and the same verdicts as Python."""

import pytest

pytest.importorskip("anywidget")
from r2p1d_edu.lab import predict as module
from r2p1d_edu.lab.predict import predict, predictions

CURVE = {"epoch": [1, 2, 3], "loss": (0, 2)}
ASKED = {
    "More or fewer?": (["fewer", "as many", "more"], "more"),
    "How many?": ((0, 100), 34),
    "Which curve?": (CURVE, [1.9, 1.0, 0.1]),
    "参数多少？": ((0, 100), 50),
}


@pytest.fixture
def pages(chromium, monkeypatch, tmp_path):
    """pages(width=390): a page with the stored outputs of a lesson, as nbconvert or a site writes them."""
    monkeypatch.setattr(module, "made", {})
    parts = []
    for question, (choices, answer) in ASKED.items():
        asked = predict(question, choices)
        parts += [asked._repr_mimebundle_()[0]["text/html"], f"<details>{asked.reveal(answer)._repr_html_()}</details>"]
    score = predictions()._repr_html_()
    text = "<!doctype html><html lang='en'><meta charset='utf-8'><title>A lesson</title><meta name='viewport' "
    (tmp_path / "page.html").write_text(f"{text}content='width=device-width'>{''.join(parts)}{score}", "utf-8")
    contexts = []

    def open_at(width=1280, **options):
        contexts.append(chromium.new_context(viewport={"width": width, "height": 800}, **options))
        page = contexts[-1].new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda line: page.problems.append(line.text) if line.type == "error" else None)
        page.goto((tmp_path / "page.html").as_uri())
        page.wait_for_selector(".r2p1d-prediction")
        return page

    yield open_at
    for context in contexts:
        context.close()


def test_locked_by_keyboard_and_held_against_the_answer(pages):
    page = pages()
    boxes = page.locator(".r2p1d-prediction")
    assert "34" not in boxes.nth(1).inner_text()  # the answer does not show before
    boxes.nth(0).locator("input").first.focus()
    page.keyboard.press("ArrowDown")  # fewer → as many
    for key in ("Tab", "Enter"):
        page.keyboard.press(key)
    assert boxes.nth(0).get_attribute("data-right") == "false"
    assert boxes.nth(0).locator(".status").inner_text() == "✗ You said: as many. It is: more."
    assert page.evaluate("document.activeElement.className") == "status"  # the focus is not lost
    boxes.nth(1).locator("input").fill("36")
    page.keyboard.press("Enter")
    assert boxes.nth(1).locator(".status").inner_text() == "✓ You said: 36. It is: 34 (close, off by 6 %)."
    assert page.locator(".r2p1d-score").inner_text() == "2 次预测中对了 1 次（共 4 题，2 题未作答）。"
    assert boxes.nth(1).locator("input").is_disabled()
    boxes.nth(3).locator("button").nth(1).click()  # skipped
    assert boxes.nth(3).locator(".status").inner_text() == "答案: 50"
    assert page.problems == []


@pytest.mark.parametrize("typed", ["", "many", "-1", "101", "1e9", "NaN"])
def test_what_is_no_number_within_bounds_is_said_in_place(pages, typed):
    page = pages()
    box = page.locator(".r2p1d-prediction").nth(1)
    box.locator("input").fill(typed)
    box.locator("button.main").click()
    assert box.locator(".problem").inner_text() == "Give a number from 0 to 100."
    assert box.get_attribute("data-state") == "open"


def test_a_curve_is_drawn_by_hand_and_by_slider(pages):
    page = pages()
    box = page.locator(".r2p1d-prediction").nth(2)
    picture = box.locator("svg").bounding_box()
    page.mouse.move(picture["x"] + 42, picture["y"] + 20)
    page.mouse.down()
    page.mouse.move(picture["x"] + 44, picture["y"] + 15)
    page.mouse.up()
    sliders = box.locator("input[type=range]")
    assert float(sliders.nth(0).input_value()) > 1.6
    sliders.nth(2).focus()
    for _ in range(5):
        page.keyboard.press("PageDown")
    assert float(sliders.nth(2).input_value()) < 0.6
    assert not box.locator("polyline.truth").get_attribute("points")
    box.locator("button.main").click()
    assert box.locator("polyline.truth").get_attribute("points").count(",") == 3
    assert "of the range" in box.locator(".status").inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_nothing_is_cut_off(pages, width, scheme):
    page = pages(width, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_page_and_python_judge_alike(pages):
    page = pages()
    page.add_script_tag(type="module", content=f"{module.SCRIPT}\nwindow.distance = distance;")
    guesses = {"More or fewer?": ["more", "fewer"], "How many?": [34, 0, 99.5], "Which curve?": [[0, 1, 2], [2, 1, 0]]}
    for question, of_this in guesses.items():
        asked = predict(question, ASKED[question][0])
        for asked.guess in of_this:
            spoken = [asked.spec, asked.guess, asked.answer["value"]]
            assert page.evaluate("([a, b, c]) => distance(a, b, c)", spoken) == pytest.approx(asked.distance)
