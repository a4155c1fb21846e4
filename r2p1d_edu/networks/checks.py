"""What every network asks of the numbers that it is built from."""

from r2p1d_edu.errors import InputError


def check_counts(**counts: object) -> None:
    """Refuse anything but whole numbers of 1 or more: check_counts(num_classes=10, width=64).

    Raises:
        InputError: naming the first number that will not do.
    """
    for name, count in counts.items():
        if not isinstance(count, int) or count < 1:
            raise InputError(f"{name} is {count!r}; it must be a whole number of 1 or more")
