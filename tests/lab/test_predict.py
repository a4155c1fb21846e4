"""Predictions: what is asked, locked, revealed and counted, without a browser."""

import pytest

from r2p1d_edu.errors import InputError

pytest.importorskip("anywidget")
from r2p1d_edu.lab import predict as module
from r2p1d_edu.lab.predict import predict, predictions

CURVE = {"epoch": [1, 2, 3], "loss": (0, 2)}


@pytest.fixture(autouse=True)
def no_predictions(monkeypatch):
    monkeypatch.setattr(module, "made", {})


def lock(prediction, guess):
    prediction.guess, prediction.state = guess, "locked"


@pytest.mark.parametrize(
    ("choices", "guess", "answer", "called", "text"),
    [
        (["fewer", "more"], "more", "more", True, "✓ Answer: more. You said: more"),
        (["fewer", "more"], "fewer", "more", False, "✗ Answer: more. You said: fewer"),
        ((1, 10), 3, 2.95, True, "✓ Answer: 2.95×. You said: 3×"),
        ((1, 10), 4, 2.95, False, "✗ Answer: 2.95×. You said: 4×"),
        ((0, 10), 0, 0, True, "✓ Answer: 0×. You said: 0×"),
        ((0, 1e9), 33e6, 33_371_472, True, "✓ Answer: 33,371,472×. You said: 33000000.0×"),
        (CURVE, [2, 1, 0], [1.9, 1, 0.1], True, "✓ Answer: 1.9, 1, 0.1×. You said: 2, 1, 0×"),
        (CURVE, [0, 0, 0], [1.9, 1, 0.1], False, "✗ Answer: 1.9, 1, 0.1×. You said: 0, 0, 0×"),
    ],
)
def test_what_was_said_is_held_against_the_answer(choices, guess, answer, called, text):
    unit = "" if isinstance(choices, list) else "×"
    asked = predict("How much?", choices, unit)
    lock(asked, guess)
    assert repr(asked.reveal(answer)) == text
    assert asked.called is called
    assert repr(predictions()) == f"You called {int(called)} of 1"


def test_without_a_prediction_only_the_answer_is_shown():
    asked = predict("How much?", (0, 10))
    assert repr(asked) == "Prediction: How much?"
    assert repr(asked.reveal(3)) == "Answer: 3"
    assert asked.called is None
    asked.state = "skipped"
    assert repr(asked.reveal(3)) == "Answer: 3"
    assert repr(predictions()) == "Predictions: 1"


def test_asked_again_it_keeps_what_was_locked():
    lock(predict("How much?", (0, 10)), 4)
    assert predict("How much?", (0, 10)).guess == 4
    assert predict("How much?", (0, 20)).guess is None  # another question
    predict("And now?", ["a", "b"])
    lock(predict("How much?", (0, 20)), 5)
    predict("How much?", (0, 20)).reveal(5)
    assert repr(predictions()) == "You called 1 of 1 (1 of 2 not made)"


def test_a_question_in_chinese_is_answered_in_chinese():
    asked = predict("参数多少?", (0, 10))
    lock(asked, 3)
    assert repr(asked.reveal(3)) == "✓ 答案: 3. 你的预测: 3"
    assert repr(predictions()) == "1 次预测中对了 1 次"


@pytest.mark.parametrize("choices", [["one"], ["a", "a"], [1, 2], (3, 1), (1, 2, 3), {"x": [1]}, "ab", None])
def test_choices_of_no_known_form_are_refused(choices):
    with pytest.raises(InputError, match="choices are a list"):
        predict("How much?", choices)


@pytest.mark.parametrize(
    ("choices", "answer"), [(["a", "b"], "c"), ((0, 1), 2), ((0, 1), "1"), ((0, 1), float("nan")), (CURVE, [1, 2])]
)
def test_an_answer_that_nobody_could_have_given_is_refused(choices, answer):
    with pytest.raises(InputError, match="the answer to 'How much"):
        predict("How much?", choices).reveal(answer)


def test_names_are_text_and_never_html():
    asked = predict("<b>How</b> 'much'?", ["<img src=x>", "b"])
    data, _ = asked._repr_mimebundle_()
    assert "<img" not in data["text/html"]
    assert "<img" not in asked.reveal("<img src=x>")._repr_html_()
