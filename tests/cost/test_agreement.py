"""Every network that create_network knows, counted by three programs that share no code with ours."""

import warnings

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from r2p1d_edu.cost.layers import account
from r2p1d_edu.networks.family import BUILDERS, create_network

with warnings.catch_warnings():
    # fvcore decorates functions with torch.jit.script when it is imported, which PyTorch 2.13 announces to remove
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    fvcore = pytest.importorskip("fvcore.nn")
torchinfo = pytest.importorskip("torchinfo")

COUNTED = nn.Conv3d, nn.Linear  # the layers of these networks that count


def own_size(name):
    """The clip that a network is published with."""
    size = 160 if name in ("p3d63", "p3d131", "p3d199") else 112
    return 3, 16, size, size


def by_fvcore(network, clip):
    """fvcore runs the network for real, on the CPU only. It would count BatchNorm twice a number: we tell it not to."""
    counter = fvcore.FlopCountAnalysis(network, torch.zeros(1, *clip))
    counter.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    counter.set_op_handle("aten::batch_norm", lambda inputs, outputs: 0)
    return counter.total()


def by_torchinfo(network, clip):
    """torchinfo counts parameters × positions, so one addition for every bias too, and, once a clip, whatever
    BatchNorm learns. So we take its convolutions and linear layers, and take the biases off again.
    """
    info = torchinfo.summary(network, (1, *clip), device="meta", verbose=0)
    macs = 0
    for layer in info.summary_list:
        if isinstance(layer.module, COUNTED):
            bias = layer.module.bias is not None
            macs += layer.macs - bias * torch.Size(layer.output_size).numel()
    return info.total_params, macs


def by_flop_counter(network, clip):
    """PyTorch's own counter, for which a multiply-add is two operations; and the shapes that every layer really has."""
    shapes = []
    for module in network.modules():
        if not module._modules:
            module.register_forward_hook(lambda m, x, y: shapes.append((x[0].shape[1:], y.shape[1:])))
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(1, *clip, device="meta"))
    return counter.get_total_flops() / 2, shapes


@pytest.mark.parametrize("name", BUILDERS)
def test_torchinfo_and_the_flop_counter_agree(name):
    with torch.device("meta"):
        network = create_network(name).eval()
    clip = own_size(name)
    cost = account(network, clip)
    assert (cost.params, cost.macs) == by_torchinfo(network, clip)
    macs, shapes = by_flop_counter(network, clip)
    assert cost.macs == macs
    assert [(row.in_shape, row.out_shape) for row in cost.rows] == shapes


# fvcore needs numbers to run on, so few: 1/8 of the width where the network lets us choose it.
SMALL = {"c3d": {"width": 8, "size": 32}, "blog_r2plus1d": {"depth": 10}}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fvcore traces with torch.jit.trace
@pytest.mark.parametrize("name", BUILDERS)
def test_fvcore_agrees(name):
    network = create_network(name, **SMALL.get(name, {"width": 8})).eval()
    assert account(network, (3, 16, 32, 32)).macs == by_fvcore(network, (3, 16, 32, 32))
