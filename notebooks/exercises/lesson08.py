"""What looks at the answers of lesson 08."""

from math import prod

import torch
from exercises.hints import named, right
from torch import nn

from r2p1d_edu import account, create_network
from r2p1d_edu.lab.checks import Panel, check_answer, judged


def cost(network="r3d", frames: int = 16, size: int = 112):
    """The account of a network of shapes alone."""
    with torch.device("meta"):
        return account(create_network(network), (3, frames, size, size))


def exercise_1(layer_bill) -> Panel:
    """Parameters, multiply-adds and bytes of one convolution."""
    checks = []
    for n_in, n_out, kernel, size in (
        (64, 64, (3, 3, 3), (16, 56, 56)),
        (3, 45, (1, 7, 7), (8, 56, 56)),
        (230, 128, (3, 1, 1), (8, 28, 14)),
    ):
        with torch.device("meta"):
            conv = nn.Conv3d(n_in, n_out, kernel, padding=[k // 2 for k in kernel], bias=False)
        row = account(conv, clip=(n_in, *size)).rows[0]
        outputs = n_out * prod(size)
        truth = (row.parameters, row.macs, 4 * outputs)
        usual = {
            (truth[0], 2 * truth[1], truth[2]): "a multiply and its add are counted together, once",
            (truth[0], truth[1], outputs): "four bytes a number",
            (truth[0] + n_out, truth[1], truth[2]): "there is no bias",
            (truth[0], truth[0] * size[1] * size[2], truth[2]): "each frame of the output is computed, too",
        }
        what = f"{n_in}→{n_out}, {'×'.join(map(str, kernel))}, output {'×'.join(map(str, size))}"
        look = right(truth, usual, "(parameters, multiply-adds, bytes): output numbers × weights in one sum")
        checks.append(judged(what, lambda case=(n_in, n_out, kernel, size): layer_bill(*case), look, ""))
    return Panel("Exercise 1", checks)


def exercise_2(factors) -> Panel:
    """Parameters, multiply-adds and activations at twice the height and width."""
    small, large = cost(), cost(size=224)
    truth = [round(getattr(large, what) / getattr(small, what)) for what in ("params", "macs", "activations")]
    usual = {(4, 4, 4): "does a kernel know how large the picture is?", (1, 2, 2): "both sides are twice as long"}
    hint = named(factors, usual, "1, or 2 squared")
    return Panel("Exercise 2", [check_answer("factors", factors, truth, hint)])


def exercise_3(frames) -> Panel:
    """The length of the clip that has 41.5 GFLOP."""
    truth = next(t for t in (4, 8, 16, 32) if round(2 * cost("r2plus1d", frames=t).macs / 1e9, 1) == 41.5)
    usual = {16: "that is 41.5 GMAC; what are 41.5 GFLOP?", 32: "halve, do not double"}
    hint = named(frames, usual, "halve it, then look at VMZ")
    return Panel("Exercise 3", [check_answer("frames", frames, truth, hint)])


def exercise_4(kinds) -> Panel:
    """A network of one's own within bounds."""
    if kinds is None:
        return Panel("Exercise 4", [check_answer("kinds", None, ())])

    def bounds(what: str, low: float, high: float):
        return lambda came: (low <= came < high, f"{came:,} {what}")

    def reach() -> int:
        return [row.field[0] for row in cost(kinds).rows if row.name.startswith("layer4.1")][-1]

    def known() -> list:
        return [kind for kind in kinds if kind not in ("2d", "3d", "2+1d")]

    checks = [
        judged("kinds", known, lambda odd: (not odd, ""), '"2d", "3d" or "2+1d", five of them'),
        judged("parameters", lambda: cost(kinds).params, bounds("", 0, 14e6), "which group has most of them?"),
        judged("work", lambda: cost(kinds).macs, bounds("MACs", 0, 30e9), "layer1 is the expensive one"),
        judged("reach of layer4", reach, bounds("frames", 16, 1e9), "a stride in time lets all behind it see further"),
    ]
    return Panel("Exercise 4", checks)
