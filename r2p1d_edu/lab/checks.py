"""Say what passed and what did not, in words: what was expected, what came, and a hint.

Lessons, exercises and graded assignments use these instead of bare assertions. What is looked at may be given as a
value or, so that an error in a learner's code becomes a line of words too, as a function of no arguments:
`check_equal("M for 64→64", lambda: midplanes(64, 64), 144)`. A graded cell holds `grade(check_…, check_…)`.
"""

import contextlib
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import torch

LONGEST = 300  # characters of an answer that are shown


@dataclass(frozen=True, repr=False)
class Check:
    """One thing that was looked at. Displays itself as a line with a tick or a cross."""

    passed: bool
    text: str
    hint: str = ""

    def __repr__(self) -> str:
        mark = "✓" if self.passed else "✗"
        hint = f"\n  hint: {self.hint}" if self.hint and not self.passed else ""
        return f"{mark} {self.text}{hint}"


class CheckFailed(AssertionError):
    """What `grade` raises: the failed checks in words, and nothing of how they were computed."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


def check_equal(what: str, came: object, expected: object, hint: str = "") -> Check:
    """Whether two values are equal: check_equal("M for 64→64", answer, 144, "divide before rounding down")."""
    came, broken = value_of(what, came, hint)
    if broken:
        return broken
    if same(came, expected):
        return Check(True, f"{what}: {shown(came)}")
    return Check(False, f"{what}: expected {shown(expected)}, got {shown(came)}", hint)


def check_close(what: str, came: object, expected: object, hint: str = "", tolerance: float = 1e-4) -> Check:
    """Whether a number or tensor is the expected one but for rounding: within `tolerance` × (1 + |expected|)."""
    came, broken = value_of(what, came, hint)
    if broken:
        return broken
    if not isinstance(came, (int, float, torch.Tensor)) or isinstance(came, bool):
        kind = "tensor" if isinstance(expected, torch.Tensor) else "number"
        return Check(False, f"{what}: expected a {kind}, got {shown(came)}", hint)
    ours, theirs = (torch.as_tensor(value).detach().to("cpu", torch.float64) for value in (expected, came))
    if ours.shape != theirs.shape:
        return Check(False, f"{what}: expected shape {tuple(ours.shape)}, got {tuple(theirs.shape)}", hint)
    far = (ours - theirs).abs() / (1 + ours.abs())
    if bool((far <= tolerance).all()):  # not a number is far from everything
        return Check(True, f"{what}: as expected" if ours.dim() else f"{what}: {shown(came)}")
    if not ours.dim():
        return Check(False, f"{what}: expected {shown(expected)}, got {shown(came)}", hint)
    wrong = int((~(far <= tolerance)).sum())
    worst = f"by up to {float((ours - theirs).abs().max()):.3g}"
    return Check(False, f"{what}: {wrong} of {far.numel()} values are not as expected, {worst}", hint)


def check_that(what: str, came: object, hint: str = "") -> Check:
    """Whether something holds: check_that("the clip comes back unchanged", lambda: torch.equal(a, b))."""
    came, broken = value_of(what, came, hint)
    if broken:
        return broken
    passed = bool(came) if isinstance(came, (bool, torch.Tensor)) or type(came).__module__ == "numpy" else False
    return Check(True, what) if passed else Check(False, f"{what}: it is not so yet", hint)


def check_answer(what: str, answer: object, expected: object, hint: str = "") -> Check:
    """Whether an exercise is answered right, without giving the answer away; None is an answer still to come."""
    answer, broken = value_of(what, answer, hint)
    if broken:
        return broken
    if answer is None:
        return Check(False, f"{what}: not answered yet", "write your answer where the cell above has None")
    if same(answer, expected):
        return Check(True, f"{what}: {shown(answer)}")
    return Check(False, f"{what}: {shown(answer)} is not right yet", hint)


def check_above(what: str, came: object, bound: float, hint: str = "") -> Check:
    """Whether a measured fraction is above a bound, both shown in percent."""
    came, broken = value_of(what, came, hint)
    if broken:
        return broken
    if not isinstance(came, (int, float, torch.Tensor)):
        return Check(False, f"{what}: expected a number, got {shown(came)}", hint)
    if came > bound:
        return Check(True, f"{what}: {came:.1%}, above {bound:.1%}")
    return Check(False, f"{what}: {came:.1%}, expected above {bound:.1%}", hint)


def value_of(what: str, came: object, hint: str = "") -> tuple[object, Check | None]:
    """The value that was given, or that the given function returns; if it fails, the check that says how."""
    if not isinstance(came, Callable) or isinstance(came, torch.nn.Module):
        return came, None
    try:
        # nbgrader takes anything on standard error, a warning too, for a failed test.
        with warnings.catch_warnings(), contextlib.redirect_stderr(sys.stdout):
            warnings.simplefilter("ignore")
            return came(), None
    except NotImplementedError:
        return None, Check(False, f"{what}: not written yet", "replace `raise NotImplementedError()` with your answer")
    except SystemExit:
        return None, Check(False, f"{what}: your code ended the program (exit)", "let the function return its result")
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)[2:]  # without this function and the lambda
        own = [frame for frame in frames if "site-packages" not in frame.filename and frame.line]
        where = f" in the line `{own[-1].line}`" if own else ""
        return None, Check(False, f"{what}: your code stopped{where} with {type(error).__name__}: {shown(error)}", hint)


def same(came: object, expected: object) -> bool:
    """Equality that a learner's class cannot answer in our place; lists and tuples are alike."""
    if isinstance(expected, torch.Tensor):
        return isinstance(came, torch.Tensor) and came.shape == expected.shape and bool((came == expected).all())
    if isinstance(expected, (list, tuple)):
        alike = isinstance(came, (list, tuple)) and len(came) == len(expected)
        return alike and all(same(*pair) for pair in zip(came, expected, strict=True))
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
        self.title, self.checks = title, list(checks)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def __repr__(self) -> str:
        return "\n".join([self.title, *map(str, self.checks)])

    def _repr_html_(self) -> str:
        color = "#009E73" if self.passed else "#D55E00"  # Okabe and Ito's green and vermillion
        rows = "".join(f"<li style='list-style:none;white-space:pre-line'>{escape(str(c))}</li>" for c in self.checks)
        return (
            f"<div style='border-left:6px solid {color};padding:8px 16px;font-size:110%'>"
            f"<b>{escape(self.title)}</b><ul style='margin:6px 0 0 0;padding:0'>{rows}</ul></div>"
        )
