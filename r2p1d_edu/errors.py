"""One kind of error for everything that the person at the keyboard can mend."""


class InputError(ValueError):
    """Something given to us cannot be used; the message says what was seen and what would be right."""


def choose(value: object, choices, what: str) -> None:
    """Refuse `value` unless it is one of `choices`, and list them.

    Raises:
        InputError: naming the value and every choice.
    """
    if value not in choices:
        raise InputError(f"unknown {what} {value!r}; choose one of {', '.join(map(str, choices))}")
