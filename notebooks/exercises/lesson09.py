"""What looks at the answers of lesson 09."""

import torch
from exercises.hints import named, wants
from torch import nn

from r2p1d_edu import account, create_network, midplanes
from r2p1d_edu.lab.checks import Panel, check_answer, check_that, judged
from r2p1d_edu.networks.blog import SpatioTemporalConv


def on_meta(name: str, **options) -> nn.Module:
    """A network of shapes alone."""
    with torch.device("meta"):
        return create_network(name, **options)


def exercise_1(relus) -> Panel:
    """The article's ReLUs at 34 layers."""
    truth = account(on_meta("blog_r2plus1d", depth=34), clip=(3, 16, 112, 112)).relus
    usual = {
        truth - 2: "and the stem's two",
        truth - 6: "three blocks have a shortcut, with two ReLUs each",
        2 + 16 * 4: "that is the paper's; the article's blocks have six",
        56: "that is the network of 18 layers",
    }
    hint = "stem + 6 for each block + 2 for each shortcut"
    return Panel("Exercise 1", [check_answer("ReLUs at 34 layers", relus, truth, named(relus, usual, hint))])


def exercise_2(module) -> Panel:
    """The listing's convolution as its comment describes it."""
    x = torch.randn(2, 6, 3, 5, 5, generator=torch.Generator().manual_seed(0))

    def built(n_in: int = 6, n_out: int = 8) -> nn.Module:
        torch.manual_seed(0)
        return module(n_in, n_out).eval()

    def kernels() -> list:
        found = [m for m in built().modules() if isinstance(m, (nn.Conv3d, nn.BatchNorm3d))]
        return ["×".join(map(str, m.kernel_size)) if isinstance(m, nn.Conv3d) else "BatchNorm" for m in found]

    def middle() -> tuple:
        pairs = ((6, 8), (64, 64), (64, 128))
        return tuple(next(m for m in built(*p).modules() if isinstance(m, nn.Conv3d)).out_channels for p in pairs)

    def bent() -> bool:
        return not torch.allclose(built()(x) + built()(-x), 2 * built()(0 * x), atol=1e-5)

    def no_bias() -> bool:
        return all(m.bias is None for m in built().modules() if isinstance(m, nn.Conv3d))

    def as_listing() -> bool:
        """With its own BatchNorm and ReLU put behind, the listing's module is to come out."""
        listing = SpatioTemporalConv(6, 8, 3, padding=1).eval()
        mine = built()
        for own, other in zip(mine.parameters(), list(listing.parameters()), strict=False):
            own.data = other.data.clone()
        return torch.allclose(torch.relu(listing.bn2(mine(x))), listing(x), atol=1e-5)

    width = tuple(midplanes(*pair) for pair in ((6, 8), (64, 64), (64, 128)))
    checks = [
        judged("shape", lambda: tuple(built()(x).shape), wants((2, 8, 3, 5, 5)), "pad each kernel by half of it"),
        judged("layers with weights", kernels, wants(["1×3×3", "BatchNorm", "3×1×1"]), "nothing behind the 3×1×1"),
        judged("channels in the middle", middle, wants(width), "midplanes(n_in, n_out)"),
        check_that("no bias", no_bias, "bias=False: a BatchNorm follows"),
        check_that("negative numbers come out", lambda: bool((built()(x) < 0).any()), "no ReLU at the end"),
        check_that("and yet it is not linear", bent, "a ReLU between the two convolutions"),
        check_that(
            "the listing, but for its last two layers", as_listing, "conv, BatchNorm, ReLU, conv, in this order"
        ),
    ]
    return Panel("Exercise 2", checks)


def exercise_3(shortcut) -> Panel:
    """A shortcut such as the paper's."""
    x = torch.randn(1, 4, 4, 6, 6, generator=torch.Generator().manual_seed(0))

    def built() -> nn.Module:
        torch.manual_seed(0)
        return shortcut(4, 8).eval()

    def rank() -> int:
        """Of what the 4 channels of one place become, the constant left out."""
        there = torch.eye(4).reshape(4, 4, 1, 1, 1).expand(4, 4, 2, 2, 2)
        came = (built()(there) - built()(0 * there)).flatten(1)
        return int(torch.linalg.matrix_rank(came))

    def linear() -> bool:
        return torch.allclose(built()(x) + built()(-x), 2 * built()(0 * x), atol=1e-5)

    checks = [
        judged("shape", lambda: tuple(built()(x).shape), wants((1, 8, 2, 3, 3)), "a stride of 2 along T, H and W"),
        check_that("linear but for a constant", linear, "no ReLU on this path"),
        judged("rank", rank, wants(4), "one convolution: a narrow middle loses directions"),
        check_that(
            "ends in BatchNorm",
            lambda: any(isinstance(m, nn.BatchNorm3d) for m in built().modules()),
            "conv, BatchNorm",
        ),
    ]
    return Panel("Exercise 3", checks)


def exercise_4(more) -> Panel:
    """How many parameters more than the paper's, at 34 layers."""

    def size(name: str) -> int:
        return sum(p.numel() for p in on_meta(name, depth=34, num_classes=101).parameters())

    truth = size("blog_r2plus1d") - size("r2plus1d")
    usual = {
        15_104: "the shortcuts have their share as well",
        truth - 15_104: "and the second BatchNorms of 16 blocks",
        9_298: "that is at 18 layers",
    }
    hint = "two BatchNorms a block, 2·c parameters each, and the shortcuts as before"
    return Panel("Exercise 4", [check_answer("more at 34 layers", more, truth, named(more, usual, hint))])
