"""However a convolution is computed, it is the 3D convolution, forwards and backwards."""

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
    ((1, 1, 1), (2, 1, 1), (0, 0, 0)),
    ((3, 3, 3), (1, 1, 1), (1, 1, 1)),
    ((3, 3, 3), (2, 2, 2), (1, 1, 1)),
    ((3, 7, 7), (1, 2, 2), (1, 3, 3)),
    ((6, 7, 7), (1, 2, 2), (0, 3, 3)),
    ((1, 3, 3), (1, 1, 1), (1, 1, 1)),
    ((3, 1, 1), (1, 1, 1), (1, 1, 1)),
]


def names(value):
    return value if isinstance(value, str) else "".join(map(str, value))


def geometry(conv):
    return conv.kernel_size, conv.stride, conv.padding


def algorithms(kernel, stride, padding):
    """Every way that such a convolution can be computed in."""
    yield from ("conv3d", "im2col")
    if kernel[0] == stride[0] == 1 and padding[0] == 0:
        yield "fold_time"
    if kernel[1:] == stride[1:] == (1, 1) and padding[1:] == (0, 0):
        yield "fold_space"


CASES = [(*geometry, algorithm) for geometry in GEOMETRIES for algorithm in algorithms(*geometry)]


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize(("kernel", "stride", "padding", "algorithm"), CASES, ids=names)
def test_outputs_and_gradients_are_those_of_conv3d(kernel, stride, padding, algorithm, memory_format, monkeypatch):
    seed = torch.seed()  # other numbers each time
    draw = {"dtype": torch.float64, "generator": torch.manual_seed(seed)}
    ours = Conv(3, 5, kernel, stride, padding).double()
    plain = nn.Conv3d(3, 5, kernel, stride, padding, bias=False).double()
    plain.load_state_dict(ours.state_dict())
    monkeypatch.setattr(ours, "algorithm", lambda x: algorithm)
    if algorithm != "conv3d":  # else it would be compared with itself
        monkeypatch.setattr(ours, "conv3d", None)
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


@pytest.mark.parametrize(
    ("kernel", "algorithm"), [((1, 3, 3), "fold_time"), ((3, 1, 1), "fold_space"), ((3, 3, 3), "conv3d")]
)
def test_off_the_cpu_what_is_flat_is_computed_in_2d(kernel, algorithm):
    with torch.device("meta"):
        conv, clips = Conv(512, 512, kernel), torch.empty(1, 512, 1, 2, 2)
    assert conv.algorithm(clips) == algorithm
    assert conv(clips).shape == clips.shape


ON_A_CPU = [
    # kernel, frames of 2×2, dtype, layout, algorithm
    ((1, 3, 3), 5, torch.float32, torch.channels_last_3d, "im2col"),  # 20 positions, half of 40 channels
    ((1, 3, 3), 6, torch.float32, torch.channels_last_3d, "fold_time"),
    ((1, 3, 3), 5, torch.float32, torch.contiguous_format, "fold_time"),
    ((1, 3, 3), 6, torch.bfloat16, torch.channels_last_3d, "conv3d"),
    ((3, 1, 1), 6, torch.float32, torch.channels_last_3d, "fold_space"),
    ((3, 1, 1), 6, torch.bfloat16, torch.channels_last_3d, "fold_space"),
    ((3, 1, 1), 6, torch.float32, torch.contiguous_format, "fold_space"),
    ((3, 3, 3), 5, torch.bfloat16, torch.channels_last_3d, "im2col"),
    ((3, 3, 3), 6, torch.float32, torch.contiguous_format, "conv3d"),
]


@pytest.mark.parametrize(("kernel", "frames", "dtype", "layout", "algorithm"), ON_A_CPU)
def test_the_algorithm_on_a_cpu(kernel, frames, dtype, layout, algorithm):
    conv = Conv(64, 40, kernel).to(dtype).to(memory_format=layout)
    assert conv.algorithm(torch.zeros(1, 64, frames, 2, 2, dtype=dtype)) == algorithm


def test_a_program_that_is_compiled_has_no_views():
    seen = []

    def call(x):
        seen.append(Conv.algorithm(conv, x))
        return conv(x)

    conv = Conv(4, 4, (1, 3, 3))
    torch.compile(call, backend="eager")(torch.zeros(1, 4, 3, 4, 4))
    assert seen == ["conv3d"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_trace_shows_a_convolution():
    trace = torch.jit.trace(Conv(64, 64, (1, 3, 3)), torch.zeros(1, 64, 1, 2, 2))
    assert "aten::_convolution" in str(trace.inlined_graph)
    assert "linear" not in str(trace.inlined_graph)


@pytest.mark.parametrize("algorithm", ["conv3d", "im2col", "fold_time", "fold_space"])
def test_channels_last_stays_and_weights_keep_five_axes(algorithm, monkeypatch):
    layout = {"memory_format": torch.channels_last_3d}
    kernel = (3, 1, 1) if algorithm == "fold_space" else (1, 3, 3)
    conv = Conv(8, 8, kernel).to(**layout)
    monkeypatch.setattr(conv, "algorithm", lambda x: algorithm)
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
