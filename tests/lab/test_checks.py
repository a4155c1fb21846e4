"""The checks of lessons and graded cells: every way to be wrong becomes a line of words, and none gets through."""

import sys
import warnings

import numpy as np
import pytest
import torch

from r2p1d_edu.lab.checks import (
    Check,
    CheckFailed,
    Panel,
    check_above,
    check_answer,
    check_close,
    check_equal,
    check_that,
    grade,
)

ALL = {
    "equal": lambda came: check_equal("what", came, 3, "the hint"),
    "close": lambda came: check_close("what", came, 3, "the hint"),
    "that": lambda came: check_that("what", came, "the hint"),
    "answer": lambda came: check_answer("what", came, 3, "the hint"),
    "above": lambda came: check_above("what", came, 3, "the hint"),
}


class Agreeable:
    """Equal to everything, above everything, true."""

    shape = ()

    def __eq__(self, other):
        return True

    __hash__ = None
    __gt__ = __ge__ = __lt__ = __eq__

    def __bool__(self):
        return True

    def __float__(self):
        return 3.0


def broken():
    return 1 / 0


@pytest.fixture(params=ALL)
def check(request):
    return ALL[request.param]


def test_an_error_becomes_words_with_the_line_that_failed(check):
    came = check(lambda: broken())
    assert not came.passed
    assert came.text == "what: your code stopped in the line `return 1 / 0` with ZeroDivisionError: division by zero"
    assert came.hint == "the hint"


def test_an_answer_to_come_and_an_ended_program_are_told_apart(check):
    def to_come():
        raise NotImplementedError()

    assert check(to_come).text == "what: not written yet"
    assert "ended the program" in check(sys.exit).text
    assert check(to_come).passed is None
    assert check(sys.exit).passed is False


def test_an_interrupt_is_let_through(check):
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(stopped)


def test_a_class_that_agrees_with_everything_gets_nothing(check):
    assert not check(Agreeable()).passed
    assert not check(lambda: [Agreeable()]).passed


def test_warnings_of_a_learners_code_lose_no_points(check, capsys):
    def warns():
        warnings.warn("old", UserWarning, stacklevel=1)
        print("noise", file=sys.stderr)
        return 3

    check(warns)
    assert capsys.readouterr() == ("noise\n", "")


@pytest.mark.parametrize(
    ("came", "expected", "same"),
    [
        (3, 3, True),
        (3.0, 3, True),
        (np.int64(3), 3, True),
        (torch.tensor(3), 3, True),
        ([1, 2], (1, 2), True),
        (torch.Size([1, 2]), (1, 2), True),
        (torch.ones(2), torch.ones(2), True),
        ({"a": 1}, {"a": 1}, True),
        ("3", 3, False),
        (None, 3, False),
        ([1, 2, 3], (1, 2), False),
        ([[1], [2]], [[1], [3]], False),
        (torch.tensor([3, 3]), 3, False),
        (np.array([1, 2]), [1, 2], False),
        (torch.ones(2), torch.ones(3), False),
        (torch.ones(1), torch.ones(3), False),
        (torch.full((2,), float("nan")), torch.full((2,), float("nan")), False),
    ],
)
def test_equal(came, expected, same):
    assert check_equal("what", came, expected).passed is same
    assert check_equal("what", lambda: came, expected).passed is same


@pytest.mark.parametrize(
    ("came", "expected", "words"),
    [
        (2.00001, 2, ""),
        (torch.tensor(2.0), 2, ""),
        (torch.ones(2, 2, dtype=torch.float64) + 1e-5, torch.ones(2, 2), ""),
        (1000.05, 1000, ""),
        (2.1, 2, "expected 2, got 2.1"),
        (float("nan"), 2, "expected 2, got nan"),
        (float("inf"), 2, "expected 2, got inf"),
        (True, 1, "expected a number, got True"),
        ([1.0], torch.ones(1), "expected a tensor, got [1.0]"),
        (torch.ones(1), torch.ones(3), "expected shape (3,), got (1,)"),
        (torch.tensor([1.0, 1.5, 3.0]), torch.ones(3), "2 of 3 values are not as expected, by up to 2"),
        (torch.tensor([1.0, float("nan")]), torch.ones(2), "1 of 2 values"),
    ],
)
def test_close(came, expected, words):
    check = check_close("what", came, expected)
    assert check.passed is not bool(words)
    assert words in check.text


@pytest.mark.parametrize("value", [torch.ones(3), torch.ones(1, 2), torch.zeros(0), np.ones(3), torch.ones(2) * 1j])
def test_a_tensor_or_an_array_where_one_value_is_expected_becomes_words(check, value):
    for came in (value, lambda: value):
        assert not check(came).passed
        assert check(came).text.startswith("what: ")
        assert check(came).hint == "the hint"


def test_nested_tensors_that_cannot_be_compared_become_words():
    check = check_equal("what", {"a": torch.ones(2)}, {"a": torch.zeros(2)})
    assert check.text.startswith("what: a dict like this cannot be judged: RuntimeError: Boolean value of Tensor")


def test_that():
    for yes in (True, torch.tensor(True), np.True_):
        assert check_that("what", yes) == Check(True, "what")
    for no in (False, torch.tensor(False), None, 1, "yes", [True]):
        assert not check_that("what", no).passed


def test_long_answers_are_cut():
    assert len(check_equal("what", list(range(10**5)), 3).text) < 500
    assert "a tensor of shape (4, 5)" in check_equal("what", torch.ones(4, 5), 3).text


def test_grade_prints_what_passed_and_raises_what_did_not(capsys):
    grade(Check(True, "one"), Check(True, "two", "never shown"))
    assert capsys.readouterr().out == "✓ one\n✓ two\n"
    with pytest.raises(CheckFailed) as raised:
        grade(Check(True, "one"), Check(False, "two", "look there"), Check(False, "three"))
    assert capsys.readouterr().out == "✓ one\n"
    assert str(raised.value) == "2 of 3 checks failed:\n✗ two\n  hint: look there\n✗ three"
    assert isinstance(raised.value, AssertionError)
    assert raised.value._render_traceback_() == str(raised.value).splitlines()


def test_no_answer_says_what_to_do_and_gives_nothing_away():
    check = check_answer("weights", None, 884_736, hint="27 a pair")
    assert check.passed is None
    assert str(check).startswith("○ weights: not answered yet")
    assert "None" in check.hint
    assert "884" not in str(check)
    assert "27" not in str(check)


def test_a_wrong_answer_gets_the_hint_and_not_the_solution():
    check = check_answer("weights", 12, 884_736, hint="27 a pair")
    assert not check.passed
    assert "12" in check.text
    assert "hint: 27 a pair" in str(check)
    assert "884" not in str(check)


def test_the_right_answer_passes_even_where_it_is_zero_or_empty():
    for value in (884_736, 0, [], False):
        check = check_answer("weights", value, value, hint="27 a pair")
        assert check.passed
        assert str(check) == f"✓ weights: {value}"


@pytest.mark.parametrize(
    ("passed", "color"), [((True,), "#009E73"), ((True, None), "#888888"), ((None, False), "#D55E00")]
)
def test_what_is_not_answered_yet_is_grey_and_not_a_fault(passed, color):
    assert color in Panel("Exercise", [Check(one, "text") for one in passed])._repr_html_()
