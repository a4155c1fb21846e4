"""What looks at the answers of lesson 03."""

import torch
from exercises.hints import named, wants
from torch import nn

from r2p1d_edu import account, create_network
from r2p1d_edu.cost.report import Account
from r2p1d_edu.lab.checks import Check, Panel, check_answer, check_equal, judged
from r2p1d_edu.networks.resnet import Block


def bill(name: str, frames: int = 16) -> Account:
    """The cost of a network for a clip of 112×112."""
    with torch.device("meta"):
        return account(create_network(name), (3, frames, 112, 112))


def exercise_1(block) -> Panel:
    """The residual block: shapes, weights, and the outputs of the package's own."""
    checks: list[Check] = []
    for size in ((4, 4, 1), (4, 8, 2), (6, 3, 1), (5, 5, 2)):
        inputs, outputs, stride = size
        torch.manual_seed(0)
        theirs = Block("3d", inputs, outputs, stride=stride, rule="per_conv")
        clip = torch.randn(2, inputs, 6, 8, 7)
        numbers = sum(p.numel() for p in theirs.parameters())

        def mine(size=size) -> nn.Module:
            return block(*size)

        def weights(mine=mine) -> int:
            return sum(p.numel() for p in mine().parameters())

        def answers(mine=mine, theirs=theirs, clip=clip) -> tuple:
            made, values = mine(), theirs.state_dict().values()
            made.load_state_dict(dict(zip(made.state_dict(), values, strict=True)))
            return made.eval()(clip), theirs.eval()(clip)

        def judge(pair: tuple) -> tuple[bool, str]:
            came, right = pair
            if torch.allclose(came, right, atol=1e-5):
                return True, ""
            if torch.allclose(came.relu(), right, atol=1e-5):
                return False, "values below zero come out: where is the ReLU after the sum?"
            return False, "the output is another one"

        shape = tuple(theirs(clip).shape)
        what = f"{inputs}→{outputs}, stride {stride}"
        hint = "the first convolution has the stride, the shortcut the same; pad by 1"
        checks += [
            judged(f"shape, {what}", lambda m=mine, c=clip: tuple(m()(c).shape), wants(shape), hint),
            check_equal(f"weights, {what}", weights, numbers, "no bias; a shortcut only where the size changes"),
            judged(f"output, {what}", answers, judge, "ReLU after the first BatchNorm, and after the sum"),
        ]
    return Panel("Exercise 1", checks)


def exercise_2(frames_left) -> Panel:
    """The frames behind each group, for clips of several lengths."""
    checks = []
    for length in (16, 20, 8, 13, 1):
        truth = [row.out_shape[1] for row in bill("r3d", length).groups().rows[:5]]
        down = [length, length, length // 2, length // 4, length // 8]

        def judge(came: object, truth=truth, down=down) -> tuple[bool, str]:
            came = list(came) if isinstance(came, (tuple, list)) else came
            usual = "that rounds down; of 5 frames, outputs sit at 0, 2 and 4"
            words = usual if came == down else f"{came} is not right yet"
            return came == truth, str(came) if came == truth else words

        hint = "five numbers; half, at layer2, layer3 and layer4"
        checks.append(judged(f"L = {length}", lambda n=length: frames_left(n), judge, hint))
    return Panel("Exercise 2", checks)


def exercise_3(window) -> Panel:
    """The receptive field in time, of three networks' main paths."""
    checks = [check_equal("one layer of 3", lambda: window([(3, 1)]), 3, "a kernel of 3 sees 3 frames")]
    for name, what in (("r3d", "R3D-18"), ("mc3", "MC3"), ("c3d", "C3D")):
        kinds = {"Conv", "MaxPool3d"}
        path = [row for row in bill(name).rows if row.kind in kinds and "downsample" not in row.name]
        layers = [(row.kernel[0], row.stride[0]) for row in path]
        truth, depth = path[-1].field[0], 1 + sum(kernel - 1 for kernel, _ in layers)

        def judge(came: object, truth=truth, depth=depth) -> tuple[bool, str]:
            right = type(came) is int and came == truth
            forgotten = came == depth and type(came) is int
            words = "the strides are forgotten: they stretch every later step" if forgotten else f"{came!r}, not yet"
            return right, str(came) if right else words

        hint = "add to the width first, stretch the distance after"
        checks.append(judged(what, lambda path=layers: window(list(path)), judge, hint))
    return Panel("Exercise 3", checks)


def exercise_4(factor, frames_seen) -> Panel:
    """Kernels of 5 frames in layer1, by building them."""
    with torch.device("meta"):
        longer = create_network("r3d")
        for block in longer.layer1:
            for half in (block.conv1, block.conv2):
                half[0] = nn.Conv3d(64, 64, (5, 3, 3), padding=(2, 1, 1), bias=False)
    row = account(longer).groups().rows[1]
    truth = round(row.macs / bill("r3d").groups().rows[1].macs, 3)
    came = round(factor, 3) if isinstance(factor, (int, float)) and abs(factor) < 1e6 else factor
    usual = {
        round((5 / 3) ** 4, 3): "each of the four layers grows by this; their sum does too",
        1.0: "each output number takes more products",
    }
    seen = {row.field[0] - 2: "the stem sees 3 frames", 3 + 4: "and the other three layers?"}
    return Panel(
        "Exercise 4",
        [
            check_answer("factor", came, truth, named(came, usual, "5×3×3 over 3×3×3")),
            check_answer("frames seen", frames_seen, row.field[0], named(frames_seen, seen, "3, and four times 4")),
        ],
    )
