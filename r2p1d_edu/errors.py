"""One kind of error for everything that the person at the keyboard can put right."""


class InputError(ValueError):
    """Something given to us cannot be used; the message says what was seen and what would be right."""


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
    if value not in choices:
        raise InputError(f"unknown {what} {value!r}; choose one of {', '.join(map(str, choices))}")


def is_whole(value: object, least: int = 0) -> bool:
    """Whether this is a whole number, and not below `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
