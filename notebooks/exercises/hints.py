"""What the looking at several lessons' answers shares."""

from r2p1d_edu.lab.checks import same, shown


def wants(expected: tuple):
    """For `judged`: whether a shape is this one."""
    return lambda came: (
        came == expected,
        "" if came == expected else f"expected {expected}, got {came}",
    )


def right(truth: object, usual: dict, otherwise: str):
    """For `judged`: whether a function returned this, and if not, which usual mistake it is."""

    def judge(came: object) -> tuple[bool, str]:
        fits = same(came, truth)
        return fits, shown(came) if fits else f"{shown(came)} is not right: {named(came, usual, otherwise)}"

    return judge


def named(answer: object, usual: dict, otherwise: str) -> str:
    """The hint for a usual mistake, or the general one."""
    try:
        return usual.get(tuple(answer) if isinstance(answer, list) else answer, otherwise)
    except TypeError:  # a list in a list, say
        return otherwise
