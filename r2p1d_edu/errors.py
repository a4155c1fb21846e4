"""One kind of error for all that the person at the keyboard can put right, and the checks that many places share."""

import math
import os
import traceback
from collections.abc import Collection
from numbers import Integral
from operator import index

MOST = 10**6  # a count above it is a slip of the finger, and would overflow somewhere


class InputError(ValueError):
    """Something given to us cannot be used; the message says what was seen and what would be right.

    It is one line that a terminal can show: file names and servers' answers hold line ends and escape codes at times.
    """

    def __init__(self, message: object = ""):
        super().__init__("".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in str(message)))


class Diverged(ArithmeticError):
    """Training met a loss or gradient that is not finite. Notebooks show its message alone.

    Attributes:
        run: what training had done until then (training.loop.Run); its network is the last finite one.
    """

    run = None

    def _render_traceback_(self) -> list[str]:
        return [f"Diverged: {self}"]


def check_choice(value: object, choices, what: str) -> None:
    """Refuse `value` unless it is one of `choices`, and list them.

    Raises:
        InputError: naming the value and every choice.
    """
    plain = isinstance(value, str | tuple | Integral) and not isinstance(value, bool)  # True is no 1, 10.0 is no 10
    if not (plain and value in list(choices)):
        raise InputError(f"unknown {what} {value!r}; choose one of {', '.join(map(str, choices))}")


def is_whole(value: object, least: int = 0, most: float = math.inf) -> bool:
    """Whether this is a whole number from `least` to `most`."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def check_counts(**counts: object) -> None:
    """Refuse anything but whole numbers from 1 to a million: check_counts(num_classes=10, width=64).

    Raises:
        InputError: naming the first number that will not do.
    """
    for name, count in counts.items():
        if not is_whole(count, 1):
            raise InputError(f"{name} is {count!r}; it must be a whole number of 1 or more")
        if not is_whole(count, 1, MOST):
            raise InputError(f"{name} is {count}; it must be {MOST:,} at most")


def check_shape(shape: object, what: str) -> tuple[int, ...]:
    """The sizes (C, T, H, W) as plain ints.

    Raises:
        InputError: they are not four whole numbers of 1 or more; it begins with `what`.
    """
    try:
        sizes = tuple(map(index, shape))  # type: ignore[call-overload]  # what is no iterable is refused below
    except TypeError:
        sizes = ()
    if len(sizes) != 4 or min(sizes) < 1:
        raise InputError(f"{what} (C, T, H, W), four whole numbers of 1 or more; got {shape!r}")
    return sizes


def failure(error: BaseException, ours: Collection[str] = (), skip: int = 0) -> tuple[str, str]:
    """An exception in one line, and the last line of code that it passed outside of libraries; "" if there is none.

    An exception that was raised in another process brings its line with it, as `learners_line`.

    Args:
        ours: files that are not meant either, as in __file__.
        skip: outermost frames that are not meant.
    """
    reason = str(error).strip().partition("\n")[0]
    frames = traceback.extract_tb(error.__traceback__)[skip:]
    own = [frame for frame in frames if "-packages" not in frame.filename and frame.filename not in ours]
    line = getattr(error, "learners_line", "") or next((frame.line for frame in reversed(own) if frame.line), "")
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__, line


def first_process() -> bool:
    """Whether this is the one of several processes (torchrun's) that writes and reports, or the only one."""
    return "TORCHELASTIC_RUN_ID" not in os.environ or os.environ["RANK"] == "0"
