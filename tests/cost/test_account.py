"""What account says of a layer, that it leaves no trace, and what it refuses."""

import copy
import subprocess
import sys
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from r2p1d_edu.cost.layers import account
from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.family import create_network

CLIP = (3, 4, 8, 8)


def on_meta(name, **options):
    with torch.device("meta"):
        return create_network(name, **options)


def test_group_by_group():
    """GMACs of torchvision's mc3_18 at 16 frames, and the rows of the paper's Table 1."""
    groups = {row.name: row for row in account(on_meta("mc3")).groups().rows}
    gmacs = {"stem": "1.416", "layer1": "22.196", "layer2": "6.577", "layer3": "6.577", "layer4": "6.577"}
    assert {name: f"{groups[name].macs / 1e9:.3f}" for name in gmacs} == gmacs
    shapes = [row.out_shape for row in account(on_meta("r3d")).groups().rows]
    assert shapes[:5] == [(64, 16, 56, 56), (64, 16, 56, 56), (128, 8, 28, 28), (256, 4, 14, 14), (512, 2, 7, 7)]


def test_relus():
    """17, and 17 more between the halves of R(2+1)D's convolutions; the article's listing has 56."""
    counts = {name: account(on_meta(name)).relus for name in ("r3d", "mc3", "r2plus1d", "blog_r2plus1d")}
    assert counts == {"r3d": 17, "mc3": 17, "r2plus1d": 34, "blog_r2plus1d": 56}


def test_a_row_by_hand():
    stem, norm, relu = account(on_meta("r3d"), (3, 16, 112, 112)).rows[:3]
    assert (stem.name, stem.group, stem.kind) == ("stem.0", "stem", "Conv")
    assert (stem.kernel, stem.stride) == ((3, 7, 7), (1, 2, 2))
    assert (stem.in_shape, stem.out_shape) == ((3, 16, 112, 112), (64, 16, 56, 56))
    assert stem.parameters == 3 * 64 * 3 * 7 * 7
    assert stem.macs == stem.parameters * 16 * 56 * 56
    assert stem.activations == norm.activations == relu.activations == 64 * 16 * 56 * 56 * 4
    assert (stem.field, norm.field, relu.field) == ((3, 7, 7),) * 3
    assert (norm.parameters, norm.macs, relu.parameters, relu.macs) == (128, 0, 0, 0)
    assert (stem.relus, relu.relus) == (0, 1)


def test_a_recurrent_layer_by_hand():
    """Each of 4 steps multiplies 6 gate matrices of 64×64 with a vector: three for its input, three for its state."""
    gru = next(
        row for row in account(on_meta("f_r2d", fusion="gru", width=8), (3, 4, 32, 32)).rows if row.kind == "GRU"
    )
    assert gru.macs == 4 * 6 * 64 * 64
    assert gru.parameters == 6 * 64 * 64 + 6 * 64
    assert (gru.in_shape, gru.out_shape, gru.kernel) == ((4, 64), (4, 64), None)
    assert gru.field[0] == 4  # f-R2D sees one frame until here


class Odd(nn.Module):
    """Everything that a network may do between known layers."""

    def __init__(self):
        super().__init__()
        self.twice = nn.Conv3d(3, 3, 1, bias=False)
        self.upsample = nn.ConvTranspose3d(3, 2, (1, 2, 2), (1, 2, 2))  # a layer without a rule
        self.scale = nn.Parameter(torch.ones(2, 1, 1, 1))
        self.kernel = nn.Parameter(torch.ones(5, 2, 1, 3, 3))
        self.never = nn.Sequential(nn.Linear(7, 7))
        self.fc = nn.Linear(5, 6)
        self.tied = nn.Linear(5, 6)
        self.tied.weight = self.fc.weight
        self.register_buffer("calls", torch.zeros(()))
        self.last = None

    def forward(self, x):
        self.calls += 1
        x = 0.5 * self.twice(self.twice(x)) + x
        x = self.upsample(x) * self.scale
        x = F.relu(F.conv3d(x, self.kernel))
        x = self.last = x.mean((2, 3, 4))
        return torch.cat([self.fc(x), self.tied(x)], 1)


def test_nothing_is_forgotten():
    network = Odd()
    cost = account(network, CLIP)
    rows = {row.name: row for row in cost.rows}
    pixels = 4 * 8 * 8
    assert [row.parameters for row in cost.rows if row.name == "twice"] == [9, 0]
    assert [row.macs for row in cost.rows if row.name == "twice"] == [9 * pixels] * 2
    assert rows["upsample"].macs == 3 * 2 * 4 * pixels
    assert rows["upsample"].parameters == 3 * 2 * 4 + 2
    assert rows["upsample"].out_shape == (2, 4, 16, 16)
    assert rows["conv3d"].macs == 5 * 2 * 9 * 4 * 14 * 14
    assert rows["upsample"].note
    assert rows["conv3d"].note
    assert rows["relu"].relus == cost.relus == 1
    assert rows["Odd"].parameters == 2 + 5 * 2 * 9  # bare parameters
    assert rows["never.0"].parameters == 7 * 7 + 7
    assert rows["fc"].parameters == 5 * 6 + 6
    assert rows["tied"].parameters == 6  # its weight is fc's
    assert rows["tied"].macs == 5 * 6
    assert len(cost.rows) == 9
    assert cost.params == sum(p.numel() for p in network.parameters())
    assert rows["twice"].field == (1, 1, 1)
    assert rows["fc"].field is None  # what a transposed convolution sees is not worked out


def test_a_single_layer_is_a_network():
    (row,) = account(nn.Conv3d(3, 8, 3), CLIP).rows
    assert (row.name, row.macs) == ("Conv3d", 8 * 3 * 27 * 2 * 6 * 6)


class Unruly(Odd):
    def forward(self, x):
        super().forward(x)
        self.last.no_such_method()


UNRULY = (
    r"^the code of Unruly failed on a clip of 3×4×8×8 in the line `self\.last\.no_such_method\(\)`:"
    r" AttributeError: 'Tensor' object has no attribute 'no_such_method'$"
)


@pytest.mark.parametrize("build", [Odd, Unruly, lambda: create_network("r2plus1d", width=4, depth=10)])
def test_the_network_is_left_as_it_was(build):
    network = build().train()
    first, last = list(network.modules())[1], list(network.modules())[-1]
    last.eval()
    seen = []
    network.register_forward_hook(lambda *_: seen.append("after"))
    first.register_forward_pre_hook(lambda *_: seen.append("before"))
    last.forward = last.forward  # somebody else's replacement

    def state():
        modules = [(id(m), {key: id(value) for key, value in vars(m).items()}) for m in network.modules()]
        tensors = [(name, id(x), x._version) for name, x in (*network.named_parameters(), *network.named_buffers())]
        return modules, tensors, list(network.state_dict())

    before, values = state(), copy.deepcopy(network.state_dict())
    fails = pytest.raises(InputError, match=UNRULY)
    with fails if isinstance(network, Unruly) else nullcontext():
        account(network, CLIP)
    assert state() == before
    assert not seen
    assert all(torch.equal(value, values[name]) for name, value in network.state_dict().items())
    assert (network.training, last.training) == (True, False)


@pytest.mark.parametrize(
    "clip", [(3, 16, 112), (3, 16, 112, 112, 1), (3, 0, 8, 8), (3, 4, -8, 8), (3, 4, 8.0, 8), "3×16", None, 7]
)
def test_bad_clips(clip):
    with pytest.raises(InputError, match=r"^clip is \(C, T, H, W\), four whole numbers of 1 or more; got .*$"):
        account(nn.Identity(), clip)


def test_refusals_name_the_layer_and_fit_one_line():
    with pytest.raises(InputError, match=r"^clips must be \(N, 3, T, H, W\)[^\n]*$"):  # the network's own words
        account(on_meta("r3d"), (1, 16, 112, 112))
    with pytest.raises(InputError, match=r"stacks exactly 16 frames; got 8"):
        account(on_meta("r2d"), (3, 8, 112, 112))
    with pytest.raises(InputError, match=r"^1: Linear takes 7 features and gets \(1, 768\)$"):
        account(nn.Sequential(nn.Flatten(), nn.Linear(7, 2)), CLIP)
    with pytest.raises(InputError, match=r"^Conv3d takes at least its window, 5×1×1, and gets \(1, 3, 4, 8, 8\)$"):
        account(nn.Conv3d(3, 2, (5, 1, 1)), CLIP)
    with pytest.raises(InputError, match=r"^Sequential cannot take a clip of 3×4×8×8: TypeError: [^\n]*$"):
        account(nn.Sequential(nn.Identity(), nn.Bilinear(2, 2, 2)), CLIP)
    with pytest.raises(InputError, match=r"torch\.nn\.Module; got str"):
        account("r3d")


def test_it_prints_displays_and_exports():
    cost = account(on_meta("r2plus1d"))
    for text in (str(cost), repr(cost), cost._repr_html_(), str(cost.groups())):
        assert "33,370,839" in text
        assert "41.496 GMAC" in text
        assert "1 MAC = 1 multiply-add" in text
    lines = str(cost).splitlines()
    assert len({line.index("1×2×2") for line in lines if line.startswith("stem.0")}) == 1
    assert max(map(len, lines[1:-1])) <= 120
    assert cost._repr_html_().count("<tr>") == len(cost.rows) + 2
    assert "<caption>VideoResNet, one clip 3×16×112×112" in cost._repr_html_()
    records = cost.to_records()
    assert sum(record["macs"] for record in records) == cost.macs
    assert records[0]["out_shape"] == (45, 16, 56, 56)
    groups = cost.groups()
    totals = ("params", "macs", "activations", "relus")
    assert [getattr(groups, key) for key in totals] == [getattr(cost, key) for key in totals]
    assert [row.name for row in groups.rows][:3] == ["stem", "layer1", "layer2"]


def test_html_is_escaped():
    class Angle(nn.Identity):
        pass

    Angle.__name__ = "<b>"
    assert "<b>" not in account(Angle(), CLIP)._repr_html_()


COLD = """
import sys
from r2p1d_edu.cost.layers import account
from r2p1d_edu.networks.family import create_network
network = create_network("r2plus1d")
before = set(sys.modules)
account(network)
print(*set(sys.modules) - before)
"""


def test_the_first_call_is_quick():
    """A slider must not stutter. One sum of two meta tensors would make PyTorch import 800 modules: a second."""
    assert subprocess.run([sys.executable, "-c", COLD], capture_output=True, check=True, text=True).stdout == "\n"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_weights_on_a_gpu():
    network = Odd()
    assert account(copy.deepcopy(network).cuda(), CLIP) == account(network, CLIP)
