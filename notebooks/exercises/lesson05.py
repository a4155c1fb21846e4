"""What looks at the answers of lesson 05."""

import torch
from exercises.hints import named, wants
from torch import nn
from torch.nn import functional as F

from r2p1d_edu import account, create_network
from r2p1d_edu.lab.checks import Panel, check_answer, check_equal, check_that, judged
from r2p1d_edu.networks.convolutions import Conv2Plus1D

SIZES = [(4, 6, 5, 1), (3, 2, 7, 2), (8, 8, 1, 2)]  # in, out, in the middle, stride


def exercise_1(pair) -> Panel:
    """A (2+1)D convolution: shapes, weights, strides, the ReLU between, and the package's outputs."""

    def clip(channels: int) -> torch.Tensor:
        return torch.randn(2, channels, 5, 7, 6, generator=torch.Generator().manual_seed(0))

    def theirs(*size: int) -> nn.Module:
        inputs, outputs, mid, s = size
        return Conv2Plus1D(inputs, outputs, stride=s, mid=mid)

    def kernels(network: nn.Module) -> list:
        found = [layer for layer in network.modules() if isinstance(layer, nn.Conv3d)]
        return [(tuple(layer.kernel_size), tuple(layer.stride)) for layer in found]

    def judge_layers(came: list) -> tuple[bool, str]:
        flat = [kernel for kernel, _ in came]
        if flat == [(3, 1, 1), (1, 3, 3)]:
            return False, "time comes first; the paper takes space first"
        if flat != [(1, 3, 3), (3, 1, 1)]:
            return False, f"expected two convolutions, 1×3×3 and 3×1×1, got {flat}"
        if [stride for _, stride in came] != [(1, 2, 2), (2, 1, 1)]:
            return False, f"the strides are {', '.join(str(stride) for _, stride in came)}"
        return True, ""

    def middle(network: nn.Module) -> tuple[bool, str]:
        x, parts = clip(4), (nn.BatchNorm3d, nn.ReLU)
        counts = [sum(isinstance(m, part) for m in network.modules()) for part in parts]
        if counts == [0, 1] or counts[0] > 1:
            return False, "one BatchNorm, between the halves: what follows the second half belongs to the block"
        linear = torch.allclose(network.eval()(x) + network(-x), 2 * network(0 * x), atol=1e-5)
        return not linear, "without a ReLU between the halves the pair is one linear kernel" if linear else ""

    def copied(*size: int) -> bool:
        mine, other = pair(*size), theirs(*size)
        mine.load_state_dict(dict(zip(mine.state_dict(), other.state_dict().values(), strict=True)))
        x = clip(size[0])
        return torch.allclose(mine.eval()(x), other.eval()(x), atol=1e-5)

    checks = []
    for size in SIZES:
        inputs, outputs, mid, s = size
        what = f"{inputs}→{outputs}, {mid} in the middle, stride {s}"
        shape = tuple(theirs(*size)(clip(inputs)).shape)
        hint = "pad by 1 where a kernel is 3 wide; the stride of space is (1, s, s), that of time (s, 1, 1)"
        checks.append(judged(what, lambda z=size: tuple(pair(*z)(clip(z[0])).shape), wants(shape), hint))

    def numbers() -> int:
        return sum(p.numel() for p in pair(4, 6, 5).parameters())

    right = sum(p.numel() for p in theirs(4, 6, 5, 1).parameters())
    checks += [
        judged("kernels and strides", lambda: kernels(pair(4, 6, 5, 2)), judge_layers, "space first, then time"),
        check_equal("parameters of 4→6 with 5", numbers, right, "no bias; one BatchNorm"),
        judged("the middle", lambda: pair(4, 6, 5), middle, "convolution, BatchNorm, ReLU, convolution"),
        *(
            check_that(f"as the package's own, {z}", lambda z=z: copied(*z), "the four layers in the order of part 1")
            for z in SIZES
        ),
    ]
    return Panel("Exercise 1", checks)


def exercise_2(kernel, space, time) -> Panel:
    """A kernel of rank 2, and a pair that equals it."""
    right = torch.zeros(3, 3, 3)
    right[[0, 1, 2], [0, 1, 0], 1] = 1.0

    def judge_kernel(came: object) -> tuple[bool, str]:
        came = torch.as_tensor(came, dtype=torch.float32)
        if came.shape != right.shape:
            return False, f"expected shape (3, 3, 3), got {tuple(came.shape)}"
        if torch.equal(came, right):
            return True, ""
        swapped = torch.equal(came, right.transpose(1, 2))
        return False, "rows come before columns" if swapped else "it is not this one yet"

    def composed() -> tuple[int, torch.Tensor]:
        return len(space), torch.einsum("omt,mihw->oithw", time[..., 0, 0].float(), space[:, :, 0].float())

    def judge_pair(came: tuple[int, torch.Tensor]) -> tuple[bool, str]:
        m, product = came
        if product.shape != (1, 1, 3, 3, 3):
            return False, f"the two make a kernel of {tuple(product.shape)}; expected (1, 1, 3, 3, 3)"
        if not torch.allclose(product[0, 0], right, atol=1e-6):
            return False, "the two halves do not make that kernel"
        rank = int(torch.linalg.matrix_rank(right.reshape(3, 9)))
        return m == rank, "" if m == rank else f"it is that kernel, but it can be done with fewer than {m} channels"

    if kernel is None:
        return Panel("Exercise 2", [check_answer("your kernel", None, 0)])
    return Panel(
        "Exercise 2",
        [
            judged("your kernel", lambda: kernel, judge_kernel, "kernel[t, row, column] = 1.0"),
            judged("the pair", composed, judge_pair, "one channel for each pattern; its strengths in three frames"),
        ],
    )


def exercise_3(as_r3d) -> Panel:
    """The pair with its ReLU as R3D's conv–ReLU–conv."""
    draw = torch.Generator().manual_seed(0)
    checks = []
    for inputs, mid, outputs in ((1, 2, 1), (3, 5, 4), (2, 1, 6)):
        space = torch.randn(mid, inputs, 1, 3, 3, generator=draw, dtype=torch.float64)
        time = torch.randn(outputs, mid, 3, 1, 1, generator=draw, dtype=torch.float64)
        clip = torch.randn(2, inputs, 6, 7, 5, generator=draw, dtype=torch.float64)
        pair = F.conv3d(F.conv3d(clip, space, padding=(0, 1, 1)).relu(), time, padding=(1, 0, 0))

        def shapes(space=space, time=time) -> list:
            return [tuple(kernel.shape) for kernel in as_r3d(space, time)]

        def answers(space=space, time=time, clip=clip, pair=pair) -> bool:
            first, second = as_r3d(space, time)
            return torch.allclose(F.conv3d(F.conv3d(clip, first, padding=1).relu(), second, padding=1), pair)

        sizes = [(mid, inputs, 3, 3, 3), (outputs, mid, 3, 3, 3)]
        what = f"{inputs}→{mid}→{outputs}"
        middle = "space belongs in the middle frame, time at the middle pixel, zeros elsewhere"
        checks += [
            check_equal(f"shapes, {what}", shapes, sizes, "add zeros around the kernels until both are 3×3×3"),
            check_that(f"answers as the pair, {what}", answers, middle),
        ]
    return Panel("Exercise 3", checks)


def exercise_4(passed) -> Panel:
    """The ReLUs of R(2+1)D-34, counted."""
    with torch.device("meta"):
        truth = account(create_network("r2plus1d", depth=34), (3, 16, 112, 112)).relus
    usual = {
        truth // 2: "that is R3D-34",
        truth - 1: "the stem is a pair as well",
        truth - 2: "and the stem?",
        2 * truth: "two convolutions a block, not four",
    }
    return Panel("Exercise 4", [check_answer("ReLUs", passed, truth, named(passed, usual, "2 · (1 + 2 · blocks)"))])
