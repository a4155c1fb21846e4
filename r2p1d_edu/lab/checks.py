"""Say what passed and what did not, in words: what was expected, what came, and a hint.

Lessons and exercises use these instead of bare assertions.
"""

from dataclasses import dataclass
from html import escape


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


def check_equal(what: str, came: object, expected: object, hint: str = "") -> Check:
    """Whether two values are equal: check_equal("M for 64→64", answer, 144, "divide before rounding down")."""
    if came == expected:
        return Check(True, f"{what}: {came}")
    return Check(False, f"{what}: expected {expected}, got {came}", hint)


def check_answer(what: str, answer: object, expected: object, hint: str = "") -> Check:
    """Whether an exercise is answered right, without giving the answer away; None is an answer still to come."""
    if answer is None:
        return Check(False, f"{what}: not answered yet", "write your answer where the cell above has None")
    if answer == expected:
        return Check(True, f"{what}: {answer}")
    return Check(False, f"{what}: {answer} is not right yet", hint)


def check_above(what: str, came: float, bound: float, hint: str = "") -> Check:
    """Whether a measured fraction is above a bound, both shown in percent."""
    if came > bound:
        return Check(True, f"{what}: {came:.1%}, above {bound:.1%}")
    return Check(False, f"{what}: {came:.1%}, expected above {bound:.1%}", hint)


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
