"""The family: its table, its options, and refusals that list the choices."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.convolutions import Conv2Plus1D
from r2p1d_edu.networks.family import BUILDERS, CONTROLLED, FAMILY, create_network, network_options
from r2p1d_edu.networks.fusion import ConvFusion, GRUFusion
from r2p1d_edu.networks.resnet import DEPTHS


def meta(name, **options):
    with torch.device("meta"):
        return create_network(name, **options)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def test_depth_counts_the_convolutions_on_the_way_and_fc():
    for depth in DEPTHS:
        modules = dict(meta("r3d", depth=depth).named_modules())
        layers = [n for n, m in modules.items() if isinstance(m, nn.Conv3d | nn.Linear) and "downsample" not in n]
        assert len(layers) == depth


def test_mcx_turns_2d_at_group_x_and_rmcx_3d():
    for x in (2, 3, 4, 5):
        for name, before, after in ((f"mc{x}", "3d", "2d"), (f"rmc{x}", "2d", "3d")):
            assert FAMILY[name] == (before,) * (x - 1) + (after,) * (6 - x)


def test_a_row_of_ones_own_is_the_network_of_that_row():
    row = FAMILY["mc3"]
    for kinds in (row, list(row)):
        assert parameters(meta(kinds)) == parameters(meta("mc3"))
    mixed = meta(("3d", "3d", "2+1d", "2d", "2d"), depth=10)
    factorised = [sum(isinstance(m, Conv2Plus1D) for m in group.modules()) for group in mixed.children()]
    assert factorised[:5] == [0, 0, 2, 0, 0]


@pytest.mark.parametrize("name", BUILDERS)
def test_every_network_maps_clips_to_logits_and_learns_in_all_its_parts(name):
    torch.manual_seed(0)
    taken = network_options(name)
    small = {"depth": 10, "width": 2, "num_classes": 3, "frames": 4, "size": 32}
    network = create_network(name, **{option: value for option, value in small.items() if option in taken})
    logits = network(torch.randn(2, 3, 4, 32, 32))
    assert logits.shape == (2, 3)
    logits.logsumexp(1).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_2d_groups_keep_every_frame_and_the_others_halve_time():
    seen = {}
    for name in ("f_r2d", "r3d", "mc3", "rmc4", "r2d"):
        network, clip = meta(name, depth=10, frames=16), torch.empty(1, 3, 16, 112, 112, device="meta")
        network.eval().layer4.register_forward_hook(lambda m, a, out, name=name: seen.update({name: out.shape[2:]}))
        network(clip)
    assert seen == {"f_r2d": (16, 7, 7), "r3d": (2, 7, 7), "mc3": (16, 7, 7), "rmc4": (4, 7, 7), "r2d": (1, 7, 7)}


def test_width_scales_every_group_and_the_stem_of_r2plus1d():
    network = meta("r2plus1d", width=16)
    assert network.stem[0].out_channels == 11  # 45/64 of the width, rounded down
    assert network.fc.in_features == 128


def test_the_stem_takes_the_width_that_the_formula_gives():
    by_formula = meta("r2plus1d", stem_midplanes=83)
    assert by_formula.stem[0].out_channels == 83
    # 38 more channels between 3·7·7 and 3·64 weights each, and a scale and shift of BatchNorm
    assert parameters(by_formula) - parameters(meta("r2plus1d")) == 38 * (3 * 49 + 3 * 64 + 2)
    with pytest.raises(InputError, match="stem_midplanes"):
        meta("r2plus1d", stem_midplanes=0)


@pytest.mark.parametrize("name", ["r3d", "r2plus1d"])
def test_a_block_can_begin_as_its_shortcut(name):
    options = {"depth": 18, "width": 4, "num_classes": 2}
    plain, zero = (create_network(name, **options, zero_init_residual=zero) for zero in (False, True))
    x = torch.rand(2, 4, 4, 8, 8)
    assert torch.equal(zero.layer1[1](x), x)
    assert not torch.equal(plain.layer1[1](x), x)
    assert [tuple(p.shape) for p in zero.parameters()] == [tuple(p.shape) for p in plain.parameters()]


def test_without_the_relu_between_a_2plus1d_convolution_is_linear():
    plain, linear = (meta("r2plus1d", relu_between=relu) for relu in (True, False))
    assert list(plain.state_dict()) == list(linear.state_dict())
    assert (relus(plain), relus(linear)) == (34, 17)
    torch.manual_seed(0)
    a, b = torch.randn(2, 1, 2, 4, 6, 6, dtype=torch.float64)
    for relu in (True, False):
        pair = Conv2Plus1D(2, 3, 1, mid=5, relu=relu).double().eval()
        assert torch.allclose(pair(a + b), pair(a) + pair(b)) is not relu


def relus(network):
    return sum(isinstance(module, nn.ReLU) for module in network.modules())


def test_weights_begin_as_he_and_torchvision_say():
    torch.manual_seed(0)
    network = create_network("r3d", depth=10, width=16)
    conv = network.layer4[0].conv2[0]
    fan_out = conv.out_channels * 27
    assert conv.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.02)
    assert network.fc.weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert not network.fc.bias.any()


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_fusions_are_their_equations(frames):
    torch.manual_seed(0)
    x = torch.randn(2, 6, frames, 1, 1)
    features = x[..., 0, 0]  # (N, C, T)
    fusion = ConvFusion(6).eval()
    nn.init.uniform_(fusion.norm.running_var, 0.5, 2)
    padded = F.pad(features, (1, 1))
    windows = torch.stack([padded[..., t : t + 3] for t in range(frames)], 2)  # (N, C, T, 3)
    summed = torch.einsum("nctk,ock->not", windows, fusion.conv.weight[..., 0, 0])
    scaled = summed / (fusion.norm.running_var + 1e-5).sqrt()[:, None]
    torch.testing.assert_close(fusion(x).flatten(1), scaled.relu().mean(2))

    fusion = GRUFusion(6)
    state = torch.zeros(2, 6)
    cell = nn.GRUCell(6, 6)
    cell.load_state_dict({name.removesuffix("_l0"): tensor for name, tensor in fusion.gru.state_dict().items()})
    for t in range(frames):
        state = cell(features[..., t], state)
    torch.testing.assert_close(fusion(x), state)


# Refusals

CHOICES = ", ".join(BUILDERS)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("r4d", {}, f"unknown network 'r4d'; choose one of {CHOICES}"),
        ("R3D", {}, f"choose one of {CHOICES}"),
        (18, {}, f"unknown network 18; choose one of {CHOICES}"),
        (None, {}, f"choose one of {CHOICES}"),
        (("3d",) * 4, {}, "five kinds of convolution, conv1 and four groups; got ('3d', '3d', '3d', '3d')"),
        (("4d", "3d", "3d", "3d", "3d"), {}, "unknown kind of stem '4d'; choose one of stacked, 2d, 3d, 2+1d"),
        (
            ("3d", "3d", "stacked", "3d", "3d"),
            {},
            "unknown kind of group 'stacked'; choose one of 2d, 3d, 2+1d, p3d-a, p3d-b, p3d-c, p3d",
        ),
        ("r3d", {"depth": 50}, "unknown depth 50; choose one of 10, 18, 34"),
        ("r3d", {"depth": "18"}, "unknown depth '18'; choose one of 10, 18, 34"),
        ("r3d", {"depth": [18]}, "unknown depth [18]; choose one of 10, 18, 34"),
        ("r3d", {"depth": 18.0}, "unknown depth 18.0; choose one of 10, 18, 34"),
        ("r3d", {"fusion": {}}, "unknown fusion {}; choose one of pool, gru, conv"),
        ("r3d", {"width": True}, "width is True; it must be a whole number of 1 or more"),
        ("r3d", {"width": 10**8}, "width is 100000000; it must be 1,000,000 at most"),
        ("r3d", {"relu_between": "no"}, "relu_between is 'no'; it must be True or False"),
        (("3d", [], "3d", "3d", "3d"), {}, "unknown kind of group []; choose one of 2d"),
        ({}, {}, f"unknown network {{}}; choose one of {CHOICES}"),
        (True, {}, "unknown network True; choose one of"),
        ("r3d", {"midplanes": "mine"}, "unknown rule for midplanes 'mine'; choose one of per_conv, per_block"),
        ("r3d", {"fusion": "sum"}, "unknown fusion 'sum'; choose one of pool, gru, conv"),
        (
            "r3d",
            {"pretrained": True},
            "network 'r3d' takes no option 'pretrained'; it takes depth, num_classes, frames, width, midplanes, fusion",
        ),
        ("r3d", {"kinds": ("3d",) * 5}, "takes no option 'kinds'"),
        ("c3d", {"depth": 18}, "network 'c3d' takes no option 'depth'; it takes num_classes, frames, size, width"),
        ("r2d", {"frames": 0}, "frames is 0; it must be a whole number of 1 or more"),
        ("r2d", {"width": 1.5}, "width is 1.5; it must be"),
        ("r2d", {"num_classes": "ten"}, "num_classes is 'ten'; it must be"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_choices(name, options, message):
    with pytest.raises(InputError) as refused:
        create_network(name, **options)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (torch.zeros(3, 8, 16, 16), "clips must be (N, 3, T, H, W) and not empty; got (3, 8, 16, 16)"),
        (torch.zeros(1, 8, 3, 16, 16), "got (1, 8, 3, 16, 16)"),
        (torch.zeros(0, 3, 8, 16, 16), "got (0, 3, 8, 16, 16)"),
        (torch.zeros(1, 3, 8, 16, 16, dtype=torch.uint8), "got torch.uint8: normalise them first"),
        (torch.zeros(1, 3, 4, 16, 16), "this network stacks exactly 8 frames; got 4: create it with frames=4"),
        (torch.zeros(1, 3, 8, 16, 16), "a batch of 2 clips or more"),  # and BatchNorm is left one value
    ],
)
def test_clips_that_do_not_fit_are_refused(clip, message):
    network = create_network("r2d", depth=10, width=2, frames=8)
    with pytest.raises(InputError) as refused:
        network(clip)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", [*FAMILY, *CONTROLLED])
def test_one_clip_trains_unless_a_single_value_is_left(name):
    network = create_network(name, depth=10, width=2, frames=8)
    size = 32 if name != "r3d" else 24
    network(torch.randn(1, 3, 8, size, size)).sum().backward()
    network.eval()(torch.randn(1, 3, 8, 16, 16))
