"""A convolution computed on a folded view is the 3D convolution, forwards and backwards."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from r2p1d_edu.networks.convolutions import Conv, Conv2Plus1D, make_conv
from r2p1d_edu.networks.family import BUILDERS, create_network

# (kernel, stride, padding): one for each kind in use, and paddings that folding could lose.
GEOMETRIES = [
    ((1, 3, 3), (1, 1, 1), (0, 1, 1)),
    ((1, 3, 3), (1, 2, 2), (0, 1, 1)),
    ((1, 3, 3), (2, 2, 2), (0, 1, 1)),
    ((1, 7, 7), (1, 2, 2), (0, 3, 3)),
    ((3, 1, 1), (1, 1, 1), (1, 0, 0)),
    ((3, 1, 1), (2, 1, 1), (1, 0, 0)),
    ((3, 1, 1), (2, 2, 2), (1, 0, 0)),
    ((1, 1, 1), (1, 1, 1), (0, 0, 0)),
    ((1, 1, 1), (1, 2, 2), (0, 0, 0)),
    ((1, 1, 1), (2, 2, 2), (0, 0, 0)),
    ((3, 3, 3), (1, 1, 1), (1, 1, 1)),
    ((3, 3, 3), (2, 2, 2), (1, 1, 1)),
    ((3, 7, 7), (1, 2, 2), (1, 3, 3)),
    ((6, 7, 7), (1, 2, 2), (0, 3, 3)),
    ((1, 3, 3), (1, 1, 1), (1, 1, 1)),
    ((3, 1, 1), (1, 1, 1), (1, 1, 1)),
]


def names(value):
    return "-".join("".join(map(str, part)) for part in value)


def geometry(conv):
    return conv.kernel_size, conv.stride, conv.padding


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize(("kernel", "stride", "padding"), GEOMETRIES, ids=map(names, GEOMETRIES))
def test_outputs_and_gradients_are_those_of_conv3d(kernel, stride, padding, memory_format):
    seed = torch.seed()  # other numbers each time
    draw = {"dtype": torch.float64, "generator": torch.manual_seed(seed)}
    ours = Conv(3, 5, kernel, stride, padding).double()
    plain = nn.Conv3d(3, 5, kernel, stride, padding, bias=False).double()
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(2, 3, 6, 9, 8, **draw).to(memory_format=memory_format)
    seen, expected = x.clone().requires_grad_(), x.clone().requires_grad_()
    ours.to(memory_format=memory_format)
    out, right = ours(seen), plain(expected)
    towards = torch.randn(right.shape, **draw)
    out.backward(towards)
    right.backward(towards)
    exact = {"rtol": 1e-12, "atol": 1e-12, "msg": lambda text: f"seed {seed}: {text}"}
    torch.testing.assert_close(out, right, **exact)
    torch.testing.assert_close(seen.grad, expected.grad, **exact)
    torch.testing.assert_close(ours.weight.grad, plain.weight.grad, **exact)


def test_every_geometry_in_use_is_held_against_conv3d():
    used = set()
    for name in BUILDERS:
        with torch.device("meta"):
            network = create_network(name)
        used |= {geometry(m) for m in network.modules() if isinstance(m, Conv)}
    r2d = ((16, 7, 7), (1, 2, 2), (0, 3, 3))  # stands above with 6 frames
    assert used - {r2d} <= set(GEOMETRIES)
    assert r2d in used


@pytest.mark.parametrize("kernel", [(1, 3, 3), (3, 1, 1)])
def test_folding_is_what_runs(kernel, monkeypatch):
    """Else the test above would compare Conv3d with itself."""
    monkeypatch.setattr(nn.Conv3d, "forward", None)
    assert Conv(3, 4, kernel)(torch.zeros(2, 3, 4, 5, 6)).shape == (2, 4, 4, 5, 6)


@pytest.mark.parametrize("kernel", [(1, 3, 3), (3, 1, 1)])
def test_folding_keeps_channels_last_and_five_axes_of_weights(kernel):
    layout = {"memory_format": torch.channels_last_3d}
    conv = Conv(8, 8, kernel).to(**layout)
    assert conv(torch.randn(2, 8, 4, 6, 6).to(**layout)).is_contiguous(**layout)
    assert conv.weight.shape == (8, 8, *kernel)


def test_2plus1d_is_its_equation_and_strides_each_axis_in_its_own_half():
    torch.manual_seed(0)
    conv = Conv2Plus1D(4, 6, stride=2, mid=5).double().eval()
    x = torch.randn(2, 4, 6, 8, 8, dtype=torch.float64)
    spatial, norm, _, temporal = conv
    nn.init.uniform_(norm.running_var, 0.5, 2)
    nn.init.normal_(norm.running_mean)
    inner = F.conv3d(x, spatial.weight, stride=(1, 2, 2), padding=(0, 1, 1))
    inner = F.relu(F.batch_norm(inner, norm.running_mean, norm.running_var, norm.weight, norm.bias))
    torch.testing.assert_close(conv(x), F.conv3d(inner, temporal.weight, stride=(2, 1, 1), padding=(1, 0, 0)))
    assert inner.shape == (2, 5, 6, 4, 4)
    assert conv(x).shape == (2, 6, 3, 4, 4)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", ["2d", "3d", "2+1d", "p3d-a", "p3d-b", "p3d-c"])
def test_kinds_agree_on_the_size_that_comes_out(kind, stride):
    out = make_conv(kind, 4, 6, stride)(torch.zeros(1, 4, 5, 7, 7))
    frames = 5 if kind == "2d" else -(-5 // stride)  # 2D convolutions never stride in time
    assert out.shape == (1, 6, frames, -(-7 // stride), -(-7 // stride))


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="no kind '4d'"):
        make_conv("4d", 4, 6, 1)
