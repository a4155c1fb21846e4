"""Say what passed and what did not, in words: what was expected, what came, and a hint.

Lessons, exercises and graded assignments use these instead of bare assertions. What is looked at may be given as a
value or, so that an error in a learner's code becomes a line of words too, as a function of no arguments:
`check_equal("M for 64→64", lambda: midplanes(64, 64), 144)`. A graded cell holds `grade(check_…, check_…)`.
"""

import contextlib
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from numbers import Real

import torch

from r2p1d_edu.errors import failure

LONGEST = 300  # characters of an answer that are shown
TO_COME = "not answered yet"


@dataclass(frozen=True, repr=False)
class Check:
    """One thing that was looked at, None as long as it was not answered. Displays itself as a line with a mark."""

    passed: bool | None
    text: str
    hint: str = ""

    def __repr__(self) -> str:
        mark = {True: "✓", False: "✗", None: "○"}[self.passed]
        hint = f"\n  hint: {self.hint}" if self.hint and not self.passed else ""
        return f"{mark} {self.text}{hint}"


class CheckFailed(AssertionError):
    """What `grade` raises: the failed checks in words, and nothing of how they were computed."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


def check_equal(what: str, came: object, expected: object, hint: str = "") -> Check:
    """Whether two values are equal: check_equal("M for 64→64", answer, 144, "divide before rounding down")."""

    def judge(value: object) -> tuple[bool, str]:
        equal = same(value, expected)
        return equal, shown(value) if equal else f"expected {shown(expected)}, got {shown(value)}"

    return judged(what, came, judge, hint)


def check_close(what: str, came: object, expected: object, hint: str = "", tolerance: float = 1e-4) -> Check:
    """Whether a number or tensor is the expected one but for rounding: within `tolerance` × (1 + |expected|)."""

    def judge(value: object) -> tuple[bool, str]:
        if not isinstance(value, (Real, torch.Tensor)) or isinstance(value, bool):
            kind = "tensor" if isinstance(expected, torch.Tensor) else "number"
            return False, f"expected a {kind}, got {shown(value)}"
        right, answer = (torch.as_tensor(x).detach().to("cpu", torch.float64) for x in (expected, value))
        if right.shape != answer.shape:
            return False, f"expected shape {tuple(right.shape)}, got {tuple(answer.shape)}"
        distance = (right - answer).abs()
        wrong = ~(distance <= tolerance * (1 + right.abs()))  # not a number is far from everything
        if not wrong.any():
            return True, "as expected" if right.dim() else shown(value)
        if not right.dim():
            return False, f"expected {shown(expected)}, got {shown(value)}"
        count = f"{int(wrong.sum())} of {wrong.numel()} values are not as expected"
        return False, f"{count}, by up to {float(distance.max()):.3g}"

    return judged(what, came, judge, hint)


def check_that(what: str, came: object, hint: str = "") -> Check:
    """Whether something holds: check_that("the clip comes back unchanged", lambda: torch.equal(a, b))."""

    def judge(value: object) -> tuple[bool, str]:
        holds = (isinstance(value, (bool, torch.Tensor)) or type(value).__module__ == "numpy") and bool(value)
        return holds, "" if holds else "it is not so yet"

    return judged(what, came, judge, hint)


def check_answer(what: str, answer: object, expected: object, hint: str = "") -> Check:
    """Whether an exercise is answered right, without giving the answer away; None is an answer still to come."""

    def judge(value: object) -> tuple[bool, str]:
        if value is None:
            return False, TO_COME
        right = same(value, expected)
        return right, shown(value) if right else f"{shown(value)} is not right yet"

    check = judged(what, answer, judge, hint)
    to_come = check.text == f"{what}: {TO_COME}"
    return Check(None, check.text, "write your answer where the cell above has None") if to_come else check


def check_above(what: str, came: object, bound: float, hint: str = "") -> Check:
    """Whether a measured fraction is above a bound, both shown in percent."""

    def judge(value: object) -> tuple[bool, str]:
        if not isinstance(value, (Real, torch.Tensor)):
            return False, f"expected a number, got {shown(value)}"
        above = bool(value > bound)  # type: ignore[operator]  # not every Real is declared to compare with float
        return above, f"{value:.1%}, {'above' if above else 'expected above'} {bound:.1%}"

    return judged(what, came, judge, hint)


def judged(what: str, came: object, judge: Callable[[object], tuple[bool, str]], hint: str) -> Check:
    """The check of the value that was given, or that the given function returns; if that fails, how it failed."""
    value = came
    try:
        if callable(came) and not isinstance(came, torch.nn.Module):
            # nbgrader takes anything on standard error, a warning too, for a failed test.
            with warnings.catch_warnings(), contextlib.redirect_stderr(sys.stdout):
                warnings.simplefilter("ignore")
                value = came()
    except NotImplementedError:
        return Check(None, f"{what}: not written yet", "replace `raise NotImplementedError()` with your answer")
    except SystemExit:
        return Check(False, f"{what}: your code ended the program (exit)", "let the function return its result")
    except Exception as error:
        reason, line = failure(error, skip=2)  # without this function and the lambda
        where = f" in the line `{line}`" if line else ""
        return Check(False, f"{what}: your code stopped{where} with {shown(reason)}", hint)
    try:
        passed, words = judge(value)
    except Exception as error:  # such as the truth of a tensor of several values
        return Check(False, f"{what}: a {type(value).__name__} like this cannot be judged: {failure(error)[0]}", hint)
    return Check(passed, f"{what}: {words}" if words else what, "" if passed else hint)


def same(came: object, expected: object) -> bool:
    """Equality that a learner's class cannot answer in our place; lists and tuples are alike."""
    if isinstance(expected, torch.Tensor):
        return isinstance(came, torch.Tensor) and came.shape == expected.shape and bool((came == expected).all())
    if isinstance(expected, (list, tuple)):
        if not isinstance(came, (list, tuple)) or len(came) != len(expected):
            return False
        return all(same(*pair) for pair in zip(came, expected, strict=True))
    known = type(came).__module__ in {"builtins", "numpy", "torch"} or type(came) is type(expected)
    return known and getattr(came, "shape", ()) == () and bool(came == expected)


def shown(value: object) -> str:
    """A value in a line: a tensor of more than ten elements as its shape, other things cut after 300 characters."""
    if isinstance(value, torch.Tensor) and value.numel() > 10:
        return f"a tensor of shape {tuple(value.shape)}"
    text = str(value.tolist() if isinstance(value, torch.Tensor) else value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text)} characters)"


def grade(*checks: Check) -> None:
    """Print what passed and raise `CheckFailed` with what did not: a graded cell gets its points if all passed."""
    failed = [check for check in checks if not check.passed]
    for check in checks:
        if check.passed:
            print(check)
    if failed:
        raise CheckFailed("\n".join([f"{len(failed)} of {len(checks)} checks failed:", *map(str, failed)]))


class Panel:
    """Several checks under a heading: HTML in a notebook, plain text elsewhere."""

    def __init__(self, title: str, checks: list[Check]):
        to_come = {check.passed for check in checks} == {None}
        self.title, self.checks = title, list(checks)[: 1 if to_come else None]  # one line says that all is to come

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def __repr__(self) -> str:
        return "\n".join([self.title, *map(str, self.checks)])

    def _repr_html_(self) -> str:
        wrong, open_ = ({check.passed for check in self.checks} & {state} for state in (False, None))
        color = "#D55E00" if wrong else "#888888" if open_ else "#009E73"  # Okabe and Ito's vermillion and green
        rows = "".join(f"<li style='list-style:none;white-space:pre-line'>{escape(str(c))}</li>" for c in self.checks)
        return (
            f"<div style='border-left:6px solid {color};padding:8px 16px;font-size:110%'>"
            f"<b>{escape(self.title)}</b><ul style='margin:6px 0 0 0;padding:0'>{rows}</ul></div>"
        )
