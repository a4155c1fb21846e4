"""The receptive field proved: the gradient of one unit reaches exactly the frames and pixels that the arithmetic says.

All weights are positive, BatchNorm does nothing and clips are positive, so that no ReLU blocks and no two paths cancel:
the gradient is positive wherever the unit looks, and zero elsewhere. Everything in float64: a field's far corners are
reached by one path of many small factors.
"""

import pytest
import torch
from torch import nn

from r2p1d_edu.cost.layers import account
from r2p1d_edu.cost.rules import PIXEL, blank, through, widest
from r2p1d_edu.cost.walk import Walk, mark
from r2p1d_edu.networks.family import FAMILY, create_network

POOLED = ("avgpool", "fusion", "fc")  # they see all that there is, and padding besides


def transparent(network):
    """Let every path through: positive weights, BatchNorm as it begins, averages instead of maxima."""
    for name, module in list(network.named_modules()):
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        if isinstance(module, nn.MaxPool3d):  # its gradient goes to one of its inputs only
            parent, _, child = name.rpartition(".")
            average = nn.AvgPool3d(module.kernel_size, module.stride, module.padding, ceil_mode=module.ceil_mode)
            setattr(network.get_submodule(parent), child, average)
    return network.double().eval()


def seen(network, clip):
    """For each group, along t, h and w: the first and the last place of the clip that its middle unit sees."""
    outputs = {}
    for name, module in network.named_children():
        module.register_forward_hook(lambda m, x, y, name=name: outputs.setdefault(name, y))
    x = torch.ones(1, *clip, dtype=torch.float64, requires_grad=True)
    network(x)
    extents = {}
    for name, y in outputs.items():
        if y.ndim == 5:
            unit = y[0][(slice(None), *(size // 2 for size in y.shape[2:]))].sum()
            (gradient,) = torch.autograd.grad(unit, x, retain_graph=True)
            touched = [gradient[0].abs().amax([0, *({1, 2, 3} - {axis})]).nonzero() for axis in (1, 2, 3)]
            extents[name] = [(int(places.min()), int(places.max())) for places in touched]
    return extents


def by_gradient(network, clip, axis):
    """How many frames (axis 0), rows (1) or columns (2) the groups see."""
    return [
        seen_by[axis][1] - seen_by[axis][0] + 1 for name, seen_by in seen(network, clip).items() if name not in POOLED
    ]


def by_arithmetic(network, clip, axis):
    """The same from account."""
    return [row.field[axis] for row in account(network, clip).groups().rows if row.name not in POOLED]


@pytest.mark.parametrize("name", FAMILY)
def test_frames(name):
    clip = (3, 96, 8, 8)  # longer than any field at depth 10
    network = transparent(create_network(name, depth=10, width=2, frames=96))
    frames = by_arithmetic(network, clip, 0)
    assert frames == by_gradient(network, clip, 0)
    kinds = FAMILY[name]
    if kinds[0] == "stacked":
        assert frames == [96] * 5  # all at once, and then no more
        return
    before = 1
    for kind, now in zip(kinds, frames, strict=True):
        assert (now == before) == (kind == "2d")  # a 2D group sees no more frames, and every other group does
        before = now


def p3d63():
    """Whichever of A, B and C: a unit adds two frames times the jump, and a pool over two frames one; res5 is 2D."""
    fields = [1, 2]
    for jump, count in ((2, 3), (4, 4), (8, 6)):  # res2, res3, res4
        fields += [fields[-1] + 2 * jump * count, fields[-1] + 2 * jump * count + jump]
    return [*fields, fields[-1]]


@pytest.mark.parametrize(
    ("name", "options", "clip", "axis", "fields"),
    [
        ("r3d", {}, (3, 160, 8, 8), 0, [3, 11, 25, 53, 109]),  # two convolutions a block, each adding 2·jump
        ("r2plus1d", {}, (3, 160, 8, 8), 0, [3, 11, 25, 53, 109]),
        ("p3d63", {}, (3, 224, 8, 8), 0, p3d63()),
        ("f_r2d", {"depth": 10}, (3, 8, 160, 16), 1, [7, 15, 27, 51, 99]),
        ("r2plus1d", {"depth": 10}, (3, 8, 16, 160), 2, [7, 15, 27, 51, 99]),
    ],
)
def test_the_closed_forms(name, options, clip, axis, fields):
    network = transparent(create_network(name, width=2, **options))
    assert by_arithmetic(network, clip, axis) == by_gradient(network, clip, axis) == fields


class Crooked(nn.Module):
    """Windows off centre, holes, an even pool that rounds up, and a sum of branches that look to different sides."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv3d(3, 4, (3, 1, 1), padding=(2, 0, 0), dilation=(2, 1, 1), bias=False)
        self.pool = nn.MaxPool3d((2, 3, 3), 2, ceil_mode=True)
        self.early = nn.Conv3d(4, 4, (4, 1, 1), padding=(3, 0, 0), bias=False)
        self.late = nn.Conv3d(4, 4, (4, 1, 1), bias=False)
        self.last = nn.AvgPool3d((2, 1, 1), (3, 1, 1))

    def forward(self, x):
        x = self.pool(self.first(x))
        y, z = self.early(x), self.late(x)
        return self.last(y[:, :, : z.shape[2]] + z)


def test_crooked_windows():
    clip = (3, 41, 9, 9)
    network = transparent(Crooked())
    truth = seen(network, clip)
    fields = {row.name: row.field for row in account(network, clip).rows}
    for name, extent in truth.items():
        assert fields[name] == tuple(last - first + 1 for first, last in extent), name
    # first: 1 + 2·2; pool: + 1·1; the branches reach 3 jumps of 2 to either side; last: + 2
    assert [fields[name][0] for name in ("first", "pool", "early", "late", "last")] == [5, 6, 12, 12, 20]

    network = Crooked().eval()  # without the hooks of `seen`
    walk, start = Walk(network), blank(1, *clip)  # and where the last one's lies
    mark(start, PIXEL)
    with torch.no_grad(), walk:
        out = network(start)
    low, _, jump = out.field[0]
    assert low + out.shape[2] // 2 * jump == truth["last"][0][0]


def test_the_arithmetic_itself():
    stem = ((3, 1, 1, 1), (7, 2, 3, 1), (7, 2, 3, 1))
    assert through(through(PIXEL, stem), ((3, 2, 1, 1),) * 3) == ((-2, 2, 2), (-5, 5, 4), (-5, 5, 4))


def test_the_widest_window_of_an_adaptive_pool():
    for size, out, width in ((8, 2, 4), (7, 3, 3), (5, 3, 3), (10, 4, 3), (7, 7, 1), (2, 4, 1)):
        x = torch.zeros(1, 1, size, requires_grad=True)
        rows = [torch.autograd.grad(y, x, retain_graph=True)[0] for y in nn.AdaptiveAvgPool1d(out)(x).flatten()]
        assert widest(size, out) == width == max(int((row != 0).sum()) for row in rows)


def test_pools_see_everything():
    """16 frames after the pool that ends f-R2D, by a layer or by a mean; R3D's field reaches beyond the clip."""

    class Mean(nn.Module):
        def forward(self, x):
            return nn.functional.relu(x.mean(dim=(2, 3, 4), keepdim=True))

    rows = {row.name: row for row in account(create_network("f_r2d", depth=10, width=2)).rows}
    assert rows["layer4.0.relu"].field[0] == 1
    assert rows["avgpool"].field[0] == rows["fc"].field[0] == 16
    assert account(nn.Sequential(nn.Identity(), Mean()), (3, 5, 6, 7)).rows[-1].field == (5, 6, 7)
