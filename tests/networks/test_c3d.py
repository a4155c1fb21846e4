"""C3D against VMZ's table and against the same layers written out by hand."""

import pytest
import torch
from torch.nn import functional as F

from r2p1d_edu.cost.layers import account
from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.c3d import C3D


def test_parameters_and_gmacs_are_the_published_ones():
    with torch.device("meta"):
        network = C3D()
    cost = account(network)
    # c2/tutorials/models.md prints 64.9 and 38.5. It cuts its parameters off and does not round them, as its 33.3 for
    # R(2+1)D's 33.37 shows.
    assert (cost.params // 100_000, round(cost.macs / 1e9, 1)) == (649, 38.5)
    dense = sum(row.parameters for row in cost.rows if row.group.startswith("fc"))
    assert round(100 * dense / cost.params) == 57


def test_logits_equal_the_layers_written_out():
    torch.manual_seed(0)
    network = C3D(num_classes=5, size=40, width=2).eval()
    x = torch.randn(2, 3, 16, 40, 40)
    logits = network(x)
    state = network.state_dict()
    for stage, convolutions in enumerate((1, 1, 2, 2, 2), 1):
        for i in range(convolutions):
            weight = state[f"conv{stage}.{3 * i}.weight"]
            x = F.conv3d(x, weight, padding=1) / (1 + 1e-5) ** 0.5  # a BatchNorm that has not yet seen anything
            x = F.relu(x)
        x = F.max_pool3d(x, (1 if stage == 1 else 2, 2, 2))
    x = x.flatten(1)
    for layer in ("fc6.0", "fc7.0"):
        x = F.relu(F.linear(x, state[f"{layer}.weight"], state[f"{layer}.bias"]))
    torch.testing.assert_close(logits, F.linear(x, state["fc.weight"], state["fc.bias"]))


@pytest.mark.parametrize(
    ("frames", "size", "features"),
    [(16, 112, 512 * 1 * 3 * 3), (32, 64, 512 * 2 * 2 * 2), (8, 48, 512), (1, 32, 512), (17, 63, 512)],
)
def test_flattened_features(frames, size, features):
    with torch.device("meta"):
        network = C3D(frames=frames, size=size)
    assert account(network, (3, frames, size, size)).rows[-1].out_shape == (400,)
    assert network.fc6[0].in_features == features


@pytest.mark.parametrize("width", [4, 16])
def test_hidden_layers_start_with_the_same_gain_at_every_width(width):
    torch.manual_seed(0)
    network = C3D(num_classes=3, frames=8, size=32, width=width)
    for layer in (network.fc6[0], network.fc7[0]):
        assert layer.weight.std().item() == pytest.approx((2 / layer.in_features) ** 0.5, rel=0.02)
        assert layer.out_features == 4096 * width // 64


@pytest.mark.parametrize(
    ("options", "clip", "message"),
    [
        ({}, (1, 3, 16, 48, 48), r"built for clips of 8×32×32; got 16×48×48"),
        ({}, (1, 3, 8, 32, 40), r"got 8×32×40"),
        ({"size": 31}, None, "must be 32 or more"),
        ({"size": (32, 40)}, None, r"size is \(32, 40\)"),
    ],
)
def test_other_sizes_are_refused_in_one_line(options, clip, message):
    with pytest.raises(InputError, match=message) as refused:
        C3D(**{"num_classes": 3, "frames": 8, "size": 32, "width": 1, **options})(torch.zeros(clip))
    assert "\n" not in str(refused.value)
