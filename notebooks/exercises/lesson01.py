"""What looks at the answers of lesson 01."""

import numpy as np
import torch
from exercises.hints import named
from torch.nn import functional as F

from r2p1d_edu.lab.checks import Panel, check_above, check_answer, check_equal, check_that
from r2p1d_edu.video.arrow import draw_clip


def exercise_1(sample) -> Panel:
    """A sampler of clips: which starts it takes and how often, and a video that is too short."""

    def drawn(length: int, frames: int, stride: int, times: int = 1) -> list[list[int]]:
        rng = np.random.default_rng(0)
        return [[int(number) for number in sample(length, frames, stride, rng)] for _ in range(times)]

    def starts() -> list[int]:
        return sorted({clip[0] for clip in drawn(20, 4, 3, times=400)})

    def spread() -> bool:
        counts = np.bincount([clip[0] for clip in drawn(20, 4, 3, times=2200)], minlength=11)
        return bool((counts > 100).all() and (counts < 300).all())  # 200 each, but for chance

    steps = "from frame to frame it is one stride"
    return Panel(
        "Exercise 1",
        [
            check_equal("a clip that just fits", lambda: drawn(15, 8, 2)[0], list(range(0, 15, 2)), steps),
            check_equal("its steps", lambda: sorted({*np.diff(drawn(300, 16, 2)[0]).tolist()}), [2], steps),
            check_equal("every start and no other", starts, list(range(11)), "the last start is length − span"),
            check_that("each as likely", spread, "draw the start once, among all that fit"),
            check_equal("a short video", lambda: drawn(5, 8, 1)[0], [0, 1, 2, 3, 4, 4, 4, 4], "repeat its last frame"),
        ],
    )


def exercise_2(mebibytes) -> Panel:
    """The bytes of a normalised batch."""
    numbers = torch.empty(24, 3, 32, 112, 112, device="meta")
    truth = round(numbers.nbytes / 2**20, 1)
    rounded = round(mebibytes, 1) if isinstance(mebibytes, (int, float)) else mebibytes
    usual = {
        round(numbers.numel() / 2**20, 1): "that is one byte a number; float32 takes four",
        round(numbers.nbytes / 1e6, 1): "a MiB is 2**20 bytes, not a million",
        round(truth / 24, 1): "that is one clip of 24",
    }
    hint = "four bytes a number, 2**20 bytes a MiB"
    return Panel("Exercise 2", [check_answer("MiB", rounded, truth, named(rounded, usual, hint))])


def exercise_3(kernel) -> Panel:
    """The temporal difference of single pixels."""
    if kernel is None:
        return Panel("Exercise 3", [check_answer("your kernel", None, 0)])
    clip = torch.randn(1, 1, 6, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def came() -> torch.Tensor:
        weight = torch.as_tensor(kernel, dtype=torch.float64).reshape(1, 1, 3, 3, 3)
        return F.conv3d(clip, weight, padding=1)[0, 0, 1:-1]

    difference = clip[0, 0, 2:] - clip[0, 0, :-2]
    backwards = check_that("", lambda: torch.allclose(came(), -difference)).passed
    hint = "kernel[0] meets the earlier frame" if backwards else "−1 one frame earlier, +1 one frame later"
    return Panel("Exercise 3", [check_that("later minus earlier", lambda: torch.allclose(came(), difference), hint)])


def exercise_4(goes_up) -> Panel:
    """Up or down, on 50 clips, by the lesson's two kernels."""
    line, edge = (np.repeat([weights], 3, axis=0).T for weights in ((-1, 2, -1), (-1, 0, 1)))
    still = np.multiply.outer((1, 1, 1), edge)
    up_and_down = [(np.multiply.outer(time, line) + still) / 15 for time in ((-1, 0, 1), (1, 0, -1))]
    weights = torch.from_numpy(np.stack(up_and_down))[:, None]

    def share() -> float:
        right = []
        for group in range(1, 26):
            for name in ("Rise", "Fall"):
                clip = draw_clip(name, group, clip=2).reshape(12, 16, 4, 16, 4, 3).mean((2, 4, 5)).round()
                up, down = F.conv3d(torch.from_numpy(clip)[None, None], weights)[0].numpy()
                right.append(bool(goes_up(up, down)) == (name == "Rise"))
        return float(np.mean(right))

    return Panel("Exercise 4", [check_above("clips told right", share, 0.9, "mind the signs: see hint 2")])
