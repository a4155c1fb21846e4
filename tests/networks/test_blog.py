"""The article's listing: its exact weights, counts and quirks, and a checkpoint flag that really loads."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.blog import (
    R2Plus1DClassifier,
    SpatioTemporalConv,
    SpatioTemporalResBlock,
    get_1x_lr_params,
    get_10x_lr_params,
)
from r2p1d_edu.networks.family import create_network

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "blog_state_dict.json").read_text())


@pytest.fixture(scope="module")
def network():
    """The article's own call, on no device: R2Plus1DClassifier(101, (2, 2, 2, 2))."""
    with torch.device("meta"):
        return R2Plus1DClassifier(101, (2, 2, 2, 2))


def count(parameters):
    return sum(p.numel() for p in parameters)


def relu_calls(network, clip):
    calls = []
    hooks = [m.register_forward_hook(lambda *_: calls.append(1)) for m in network.modules() if isinstance(m, nn.ReLU)]
    network.eval()(clip)
    for hook in hooks:
        hook.remove()
    return len(calls)


def test_weights_have_the_listing_s_names_shapes_and_order(network):
    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    assert shapes == GOLDEN
    assert list(shapes) == list(GOLDEN)


def test_parameters_and_the_two_learning_rate_groups(network):
    assert count(network.parameters()) == 33_226_750
    assert count(get_1x_lr_params(network)) == 33_174_937
    assert count(get_10x_lr_params(network)) == 51_813


def test_frozen_parameters_are_in_no_group():
    with torch.device("meta"):
        network = R2Plus1DClassifier(101, (1, 1, 1, 1))
    network.requires_grad_(False)
    network.linear.bias.requires_grad_()
    assert count(get_1x_lr_params(network)) == 0
    assert count(get_10x_lr_params(network)) == 101


def test_cost_at_400_classes():
    with torch.device("meta"):
        network = create_network("blog_r2plus1d").eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, 16, 112, 112))
    assert count(network.parameters()) == 33_380_137
    assert round(counter.get_total_flops() / 2 / 1e9, 3) == 41.525


@pytest.mark.parametrize(("name", "calls"), [("blog_r2plus1d", 56), ("r2plus1d", 34), ("r3d", 17)])
def test_non_linearities_of_a_forward_pass(name, calls):
    with torch.device("meta"):
        assert relu_calls(create_network(name, depth=18), torch.empty(1, 3, 8, 32, 32)) == calls


@pytest.mark.parametrize(("depth", "blocks"), [(10, (1, 1, 1, 1)), (34, (3, 4, 6, 3))])
def test_depth_sets_the_layer_sizes(depth, blocks):
    with torch.device("meta"):
        features = create_network("blog_r2plus1d", depth=depth).res2plus1d
    groups = (features.conv2, features.conv3, features.conv4, features.conv5)
    assert tuple(1 + len(group.blocks) for group in groups) == blocks


def shake(module):
    """Give every BatchNorm statistics and scales of its own, so that leaving one out shows."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm3d):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.normal_(layer.bias)
            nn.init.normal_(layer.running_mean)
    return module.eval()


def factorised(x, state, name, kernel, stride, padding):
    """Convolution, BatchNorm, ReLU in space and then in time, from a state_dict."""

    def half(x, conv, norm, stride, padding):
        y = F.conv3d(x, state[f"{name}.{conv}.weight"], stride=stride, padding=padding)
        return F.relu(batch_norm(y, state, f"{name}.{norm}"))

    assert state[f"{name}.spatial_conv.weight"].shape[2:] == (1, *kernel[1:])
    assert state[f"{name}.temporal_conv.weight"].shape[2:] == (kernel[0], 1, 1)
    x = half(x, "spatial_conv", "bn1", (1, *stride[1:]), (0, *padding[1:]))
    return half(x, "temporal_conv", "bn2", (stride[0], 1, 1), (padding[0], 0, 0))


def batch_norm(x, state, name):
    mean, var, weight, bias = (state[f"{name}.{k}"] for k in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, mean, var, weight, bias)


@pytest.mark.parametrize("downsample", [False, True])
def test_a_block_equals_its_layers_written_out(downsample):
    torch.manual_seed(0)
    out = 8 if downsample else 4
    block = shake(SpatioTemporalResBlock(4, out, 3, downsample))
    state, x = block.state_dict(), torch.randn(2, 4, 6, 7, 7)
    s = 2 if downsample else 1
    y = factorised(x, state, "conv1", (3, 3, 3), (s, s, s), (1, 1, 1))
    y = F.relu(batch_norm(y, state, "bn1"))
    y = batch_norm(factorised(y, state, "conv2", (3, 3, 3), (1, 1, 1), (1, 1, 1)), state, "bn2")
    shortcut = x
    if downsample:
        shortcut = factorised(x, state, "downsampleconv", (1, 1, 1), (2, 2, 2), (0, 0, 0))
        shortcut = batch_norm(shortcut, state, "downsamplebn")
    torch.testing.assert_close(block(x), F.relu(shortcut + y))


def test_the_stem_strides_in_space_alone():
    torch.manual_seed(0)
    stem = shake(SpatioTemporalConv(3, 64, (1, 7, 7), (1, 2, 2), (0, 3, 3), first_conv=True))
    x = torch.randn(1, 3, 4, 12, 12)
    assert stem(x).shape == (1, 64, 4, 6, 6)
    state = {f"stem.{name}": tensor for name, tensor in stem.state_dict().items()}
    torch.testing.assert_close(stem(x), factorised(x, state, "stem", (3, 7, 7), (1, 2, 2), (1, 3, 3)))


def test_convolutions_start_from_kaiming_s_defaults():
    torch.manual_seed(0)
    network = R2Plus1DClassifier(3, (1, 1, 1, 1))
    weight = network.res2plus1d.conv5.block1.conv2.spatial_conv.weight
    assert weight.std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)  # fan_in, gain √2


def test_trains():
    torch.manual_seed(0)
    network = R2Plus1DClassifier(3, (1, 1, 1, 1))
    logits = network(torch.randn(2, 3, 4, 8, 8))
    assert logits.shape == (2, 3)
    logits.logsumexp(1).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_another_block_type_is_used():
    class Plain(nn.Module):
        def __init__(self, in_channels, out_channels, kernel_size, downsample=False):
            super().__init__()
            self.conv = nn.Conv3d(in_channels, out_channels, kernel_size, 2 if downsample else 1, kernel_size // 2)

        def forward(self, x):
            return self.conv(x)

    with torch.device("meta"):
        network = R2Plus1DClassifier(3, (1, 2, 1, 1), Plain)
        assert network(torch.empty(1, 3, 8, 16, 16)).shape == (1, 3)
    assert sum(isinstance(m, Plain) for m in network.modules()) == 5


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(7)
    return shake(R2Plus1DClassifier(3, (1, 1, 1, 1)))


@pytest.mark.parametrize("wrapped", [False, True])
def test_pretrained_loads_a_checkpoint(tmp_path, trained, wrapped):
    path, state = tmp_path / "trained.pth.tar", trained.state_dict()
    torch.save({"epoch": 8, "state_dict": state, "opt_dict": {"param_groups": []}} if wrapped else state, path)
    network = R2Plus1DClassifier(3, (1, 1, 1, 1), pretrained=path if wrapped else str(path)).eval()
    x = torch.randn(1, 3, 2, 8, 8)
    assert torch.equal(network(x), trained(x))


def test_pretrained_true_is_refused_with_the_reason():
    with pytest.raises(InputError, match="publish weights of this network"):
        R2Plus1DClassifier(3, (1, 1, 1, 1), pretrained=True)


def test_what_only_this_listing_refuses():
    with pytest.raises(InputError, match="unknown depth 50; choose one of 10, 18, 34"):
        create_network("blog_r2plus1d", depth=50)
    with pytest.raises(InputError, match="takes no option 'width'; it takes depth, num_classes"):
        create_network("blog_r2plus1d", width=16)
    with pytest.raises(InputError, match="four groups"):
        R2Plus1DClassifier(3, (2, 2, 2))
    with pytest.raises(InputError, match=r"layer_sizes\[1\] is 0"):
        R2Plus1DClassifier(3, (2, 0, 2, 2))
    with pytest.raises(InputError, match="square in space"):
        SpatioTemporalConv(3, 4, (3, 3, 5))
