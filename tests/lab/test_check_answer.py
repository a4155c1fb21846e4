"""Exercises: what is said of no answer, a wrong one and the right one."""

from r2p1d_edu.lab.checks import check_answer


def test_no_answer_says_what_to_do_and_gives_nothing_away():
    check = check_answer("weights", None, 884_736, hint="27 a pair")
    assert not check.passed
    assert "not answered yet" in str(check)
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
