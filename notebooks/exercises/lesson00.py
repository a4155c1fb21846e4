"""What looks at the answers of lesson 00."""

from math import log

import numpy as np
import torch
from exercises.hints import named

from r2p1d_edu.lab.checks import Panel, check_answer, check_close, check_equal, check_that


def exercise_1(numbers) -> Panel:
    """The numbers of one clip."""
    truth = torch.empty(3, 8, 32, 32, device="meta").numel()
    usual = {truth // 3: "a colour pixel is three numbers", truth // 8: "that is one frame; a clip has eight"}
    hint = "C·T·H·W, with C = 3"
    return Panel("Exercise 1", [check_answer("numbers in a clip", numbers, truth, named(numbers, usual, hint))])


def exercise_2(blind, sees_order) -> Panel:
    """Two classifiers, on clips forward, reversed and shuffled."""
    rng = np.random.default_rng(0)
    fades = [
        np.full((6, 4, 4, 3), 10 + 25 * k, np.uint8) + (8 * np.arange(6, dtype=np.uint8)[:, None, None, None])
        for k in range(8)
    ]
    orders = [np.arange(6)[::-1], rng.permutation(6)]
    bright = ["bright" if clip.mean() > 127 else "dark" for clip in fades]

    def unmoved() -> bool:
        return all(blind(clip) == blind(clip[order]) for clip in fades for order in orders)

    forward = lambda: [sees_order(clip) for clip in fades]  # noqa: E731
    backward = lambda: [sees_order(clip[::-1]) for clip in fades]  # noqa: E731
    return Panel(
        "Exercise 2",
        [
            check_equal(
                "blind: bright or dark", lambda: [blind(clip) for clip in fades], bright, "the mean of all frames"
            ),
            check_that("blind: the same in every order", unmoved, "it may not look at one frame more than at another"),
            check_equal("sees_order: forward", forward, ["brighter"] * 8, "last frame against first"),
            check_equal("sees_order: reversed", backward, ["darker"] * 8, "last frame against first"),
        ],
    )


def exercise_3(loss_of_guessing) -> Panel:
    """The cross entropy of equal probabilities."""
    checks = [
        check_close(f"{classes} classes", lambda c=classes: loss_of_guessing(c), log(classes), "−ln(1/classes)")
        for classes in (8, 101, 400)
    ]
    return Panel("Exercise 3", checks)
