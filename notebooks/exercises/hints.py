"""What the looking at several lessons' answers shares."""


def wants(expected: tuple):
    """For `judged`: whether a shape is this one."""
    return lambda came: (
        came == expected,
        "" if came == expected else f"expected {expected}, got {came}",
    )


def named(answer: object, usual: dict, otherwise: str) -> str:
    """The hint for a usual mistake, or the general one."""
    try:
        return usual.get(answer, otherwise)
    except TypeError:  # a list, a tensor
        return otherwise
