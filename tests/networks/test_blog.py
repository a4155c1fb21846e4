"""The article's listing: its exact weights and quirks, and a checkpoint flag that really loads."""

import json
from pathlib import Path

import pytest
import torch
from scrambled import scramble
from torch import nn
from torch.nn import functional as F

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
SMALL = 3, (1, 1, 1, 1)  # classes, blocks a group


def count(parameters):
    return sum(p.numel() for p in parameters)


def test_weights_and_learning_rate_groups_are_the_listing_s():
    """Names, shapes and order of the article's own call; then all that is frozen is in no group."""
    with torch.device("meta"):
        network = R2Plus1DClassifier(101, (2, 2, 2, 2))
    assert [(name, list(tensor.shape)) for name, tensor in network.state_dict().items()] == list(GOLDEN.items())
    assert (count(get_1x_lr_params(network)), count(get_10x_lr_params(network))) == (33_174_937, 51_813)
    network.requires_grad_(False)
    network.linear.bias.requires_grad_()
    assert (count(get_1x_lr_params(network)), count(get_10x_lr_params(network))) == (0, 101)


@pytest.mark.parametrize(("depth", "blocks"), [(10, (1, 1, 1, 1)), (34, (3, 4, 6, 3))])
def test_depth_sets_the_layer_sizes(depth, blocks):
    with torch.device("meta"):
        features = create_network("blog_r2plus1d", depth=depth).res2plus1d
    groups = (features.conv2, features.conv3, features.conv4, features.conv5)
    assert tuple(1 + len(group.blocks) for group in groups) == blocks


def factorised(x, conv, kernel, stride, padding):
    """Convolution, BatchNorm, ReLU in space and then in time; a number for time, one for space."""
    (t, d), (st, sd), (pt, pd) = kernel, stride, padding
    assert conv.spatial_conv.weight.shape[2:] == (1, d, d)
    assert conv.temporal_conv.weight.shape[2:] == (t, 1, 1)
    x = F.relu(conv.bn1(F.conv3d(x, conv.spatial_conv.weight, None, (1, sd, sd), (0, pd, pd))))
    return F.relu(conv.bn2(F.conv3d(x, conv.temporal_conv.weight, None, (st, 1, 1), (pt, 0, 0))))


@pytest.mark.parametrize("downsample", [False, True])
def test_a_block_equals_its_layers_written_out(downsample):
    s = 2 if downsample else 1
    block = scramble(SpatioTemporalResBlock(4, 4 * s, 3, downsample)).eval()
    x = torch.randn(2, 4, 6, 7, 7, generator=torch.manual_seed(0))
    y = F.relu(block.bn1(factorised(x, block.conv1, (3, 3), (s, s), (1, 1))))
    y = block.bn2(factorised(y, block.conv2, (3, 3), (1, 1), (1, 1)))
    shortcut = block.downsamplebn(factorised(x, block.downsampleconv, (1, 1), (2, 2), (0, 0))) if downsample else x
    torch.testing.assert_close(block(x), F.relu(shortcut + y))


def test_the_stem_strides_in_space_alone():
    stem = scramble(SpatioTemporalConv(3, 64, (1, 7, 7), (1, 2, 2), (0, 3, 3), first_conv=True)).eval()
    x = torch.randn(1, 3, 4, 12, 12, generator=torch.manual_seed(0))
    assert stem(x).shape == (1, 64, 4, 6, 6)
    torch.testing.assert_close(stem(x), factorised(x, stem, (3, 7), (1, 2), (1, 3)))


def test_convolutions_start_from_kaiming_s_defaults():
    torch.manual_seed(0)
    weight = R2Plus1DClassifier(*SMALL).res2plus1d.conv5.block1.conv2.spatial_conv.weight
    assert weight.std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)  # fan_in, gain √2


def test_another_block_type_is_used():
    class Plain(nn.Conv3d):
        def __init__(self, in_channels, out_channels, kernel_size, downsample=False):
            super().__init__(in_channels, out_channels, kernel_size, 2 if downsample else 1, kernel_size // 2)

    with torch.device("meta"):
        network = R2Plus1DClassifier(3, (1, 2, 1, 1), Plain)
        assert network(torch.empty(1, 3, 8, 16, 16)).shape == (1, 3)
    assert sum(isinstance(m, Plain) for m in network.modules()) == 5


@pytest.mark.parametrize("wrapped", [False, True])
def test_pretrained_loads_a_checkpoint(tmp_path, wrapped):
    path, trained = tmp_path / "trained.pth.tar", scramble(R2Plus1DClassifier(*SMALL)).eval()
    state = trained.state_dict()
    torch.save({"epoch": 8, "state_dict": state, "opt_dict": {"param_groups": []}} if wrapped else state, path)
    network = R2Plus1DClassifier(*SMALL, pretrained=path if wrapped else str(path)).eval()
    x = torch.randn(1, 3, 2, 8, 8)
    assert torch.equal(network(x), trained(x))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: create_network("blog_r2plus1d", depth=50), "unknown depth 50; choose one of 10, 18, 34"),
        (lambda: create_network("blog_r2plus1d", width=16), "takes no option 'width'; it takes depth, num_classes"),
        (lambda: R2Plus1DClassifier(3, (2, 2, 2)), "four groups"),
        (lambda: R2Plus1DClassifier(3, (2, 0, 2, 2)), r"layer_sizes\[1\] is 0"),
        (lambda: R2Plus1DClassifier(*SMALL, pretrained=True), "publish weights of this network"),
        (lambda: SpatioTemporalConv(3, 4, (3, 3, 5)), "square in space"),
    ],
)
def test_what_only_this_listing_refuses(build, message):
    with pytest.raises(InputError, match=message):
        build()
