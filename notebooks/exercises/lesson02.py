"""What looks at the answers of lesson 02."""

import torch
from exercises.hints import named, wants

from r2p1d_edu import create_network
from r2p1d_edu.lab.checks import Panel, check_answer, check_equal, check_that, judged, same


def exercise_1(stack) -> Panel:
    """The stacking of frames as channels: shape, and which number went where."""

    checks = []
    for shape in ((1, 3, 10, 6, 8), (2, 3, 1, 5, 5), (2, 3, 16, 4, 7)):
        clip = torch.arange(float(torch.Size(shape).numel())).reshape(shape)
        right, by_frame = clip.flatten(1, 2), clip.transpose(1, 2).flatten(1, 2)
        came = judged(
            "",
            lambda clip=clip: stack(clip),
            lambda value, other=by_frame: (same(value, other), ""),
            "",
        )
        hint = "channel 1 is frame 1 of red; yours is frame 0 of green" if came.passed else "(N, 3·T, H, W)"
        sizes = "×".join(map(str, shape))
        checks.append(check_equal(f"a clip of {sizes}", lambda clip=clip: stack(clip), right, hint))
    return Panel("Exercise 1", checks)


def exercise_2(growth) -> Panel:
    """How R2D and f-R2D grow from 8 to 32 frames, held against networks that are built."""

    def parameters(name: str, frames: int) -> int:
        with torch.device("meta"):
            return sum(p.numel() for p in create_network(name, frames=frames).parameters())

    truth = tuple(parameters(name, 32) - parameters(name, 8) for name in ("r2d", "f_r2d"))
    usual = {
        (
            truth[0] * 32 // 24,
            0,
        ): "that is all of conv1 at 32 frames; how many frames are added?",
        (truth[0] // 3, 0): "every frame brings three channels",
        (
            truth[0],
            truth[0],
        ): "f-R2D's kernels are one frame thick, whatever the length of the clip",
    }
    hint = "24 more frames, 3 channels each, 49 weights, 64 filters"
    return Panel(
        "Exercise 2",
        [check_answer("growth", growth, truth, named(growth, usual, hint))],
    )


def exercise_3(share) -> Panel:
    """The ceiling of two pairs and two single classes."""
    rounded = round(share, 3) if isinstance(share, (int, float)) else share
    usual = {
        0.5: "clap and wave can both be right",
        0.625: "that is arrow's; count the pairs again",
        1.0: "a network that is right on open is wrong on close",
        4.0: "a share: divide by the number of classes",
    }
    truth = round((2 + 2) / 6, 3)
    return Panel(
        "Exercise 3",
        [
            check_answer(
                "ceiling",
                rounded,
                truth,
                named(rounded, usual, "at most one of a pair"),
            )
        ],
    )


def exercise_4(average, over_time) -> Panel:
    """Both fusions: shapes, what each does with the order of frames, and that the second can learn."""
    torch.manual_seed(0)
    features = torch.randn(4, 6, 9)  # (N, C, T)
    inner = features[..., [0, 5, 2, 7, 4, 1, 6, 3, 8]]  # other order, the same ends
    backwards = features.flip(2)
    network = {}

    def built():
        network["is"] = network.get("is") or over_time(6)
        return network["is"]

    def sees(order):
        return not torch.allclose(built()(features), built()(order), atol=1e-5)

    def learns():
        built()(features).sum().backward()
        return any(p.grad is not None and bool(p.grad.abs().sum()) for p in built().parameters())

    shape = "average over the last axis, T"
    checks = [
        judged(
            "average: shape",
            lambda: tuple(average(features).shape),
            wants((4, 6)),
            shape,
        ),
        check_that(
            "average: the mean of the frames",
            lambda: torch.allclose(average(features), features.mean(2)),
            shape,
        ),
        judged(
            "OverTime: shape",
            lambda: tuple(built()(features).shape),
            wants((4, 6)),
            "pad by 1, then average",
        ),
        check_that(
            "OverTime: takes a single frame too",
            lambda: built()(features[..., :1]).shape == (4, 6),
            "pad by 1",
        ),
        check_that(
            "OverTime: sees a reversal",
            lambda: sees(backwards),
            "does the convolution look along T?",
        ),
        check_that(
            "OverTime: sees frames swapped in the middle",
            lambda: sees(inner),
            "without a ReLU between them, a convolution and an average are one average, but for the clip's ends",
        ),
        check_that(
            "OverTime: has weights that learn",
            learns,
            "set its layers in __init__, on self",
        ),
    ]
    return Panel("Exercise 4", checks)
