"""P3D against its published sizes, its prototxt's layer order, and its equations written out by hand."""

import pytest
import torch
from scrambled import scramble
from torch import nn
from torch.nn import functional as F

from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.convolutions import Pseudo3D
from r2p1d_edu.networks.family import CONTROLLED, create_network
from r2p1d_edu.networks.p3d import P3D, P3D_DEPTHS, Bottleneck


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def units(network):
    """The letters of the blocks of res2 to res4, and the convolutions of res5's middles."""
    groups = (network.res2, network.res3, network.res4, network.res5)
    return ["".join(getattr(block.unit, "form", "-") for block in group) for group in groups]


@pytest.mark.parametrize("depth", P3D_DEPTHS)
def test_the_name_counts_the_layers(depth):
    with torch.device("meta"):
        network = P3D(depth)
    layers = [name for name, m in network.named_modules() if isinstance(m, nn.Conv3d | nn.Linear)]
    assert len([name for name in layers if "downsample" not in name]) == depth
    assert len([name for name in layers if "downsample" in name]) == 4


def test_letters_cycle_over_the_whole_network():
    with torch.device("meta"):
        assert units(P3D(63)) == ["ABC", "ABCA", "BCABCA", "---"]
        *groups, last = units(P3D(199))
    letters = "".join(groups)  # as in the prototxt: 47 units, the last of them a B
    assert [letters.count(letter) for letter in "ABC"] == [16, 16, 15]
    assert groups[2].startswith("CAB")
    assert letters.endswith("AB")
    assert last == "---"


@pytest.mark.parametrize(
    ("clip", "sizes"),
    [
        ((16, 160, 160), [(8, 40), (8, 40), (4, 20), (2, 10), (1, 5)]),  # the prototxt's
        ((8, 48, 48), [(4, 12), (4, 12), (2, 6), (1, 3), (1, 2)]),
        ((40, 112, 112), [(20, 28), (20, 28), (10, 14), (5, 7), (3, 4)]),
    ],
)
def test_sizes_after_pool1_and_each_group(clip, sizes):
    seen = []
    with torch.device("meta"):
        network = P3D(63).eval()
        for module in (network.pool1, network.res2, network.res3, network.res4, network.res5):
            module.register_forward_hook(lambda m, args, out: seen.append(tuple(out.shape[1:])))
        logits = network(torch.empty(2, 3, *clip))
    assert logits.shape == (2, 400)
    assert seen == [(c, t, s, s) for c, (t, s) in zip((64, 256, 512, 1024, 2048), sizes, strict=True)]


@pytest.mark.parametrize("clip", [(2, 3, 8, 48, 48), (1, 3, 8, 48, 48), (2, 3, 1, 3, 3), (2, 3, 5, 33, 20)])
def test_any_small_clip_trains(clip):
    torch.manual_seed(0)
    network = P3D(num_classes=5, width=2)
    logits = network(torch.randn(clip))
    assert logits.shape == (clip[0], 5)
    logits.logsumexp(1).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_every_choice_of_forms_has_the_same_parameters():
    counts = {forms: parameters(P3D(width=8, forms=forms)) for forms in ("A", "B", "C", "ABC", "CB")}
    assert len(set(counts.values())) == 1
    assert {unit for group in units(P3D(width=8, forms="B"))[:3] for unit in group} == {"B"}


def by_hand(unit, x, form, convention):
    """The equation of one unit. s and t are S(·) and T(·) up to and with BatchNorm."""
    s_conv, s_norm, t_conv, t_norm = unit.spatial[0], unit.spatial[1], unit.temporal[0], unit.temporal[1]
    s = F.relu(s_norm(F.conv3d(x, s_conv.weight, padding=(0, 1, 1))))
    t = t_norm(F.conv3d(x if form == "B" else s, t_conv.weight, padding=(1, 0, 0)))
    if convention == "paper":
        return {"A": F.relu(t), "B": s + F.relu(t), "C": s + F.relu(t)}[form]
    return {"A": F.relu(t), "B": F.relu(s + t), "C": F.relu(0.5 * s + 0.5 * t)}[form]


@pytest.mark.parametrize("convention", ["paper", "released"])
@pytest.mark.parametrize("form", "ABC")
def test_units_and_blocks_equal_their_equations(form, convention):
    torch.manual_seed(1)
    unit = scramble(Pseudo3D(6, 6, form=form, convention=convention)).eval()
    x = torch.randn(2, 6, 5, 7, 8)
    torch.testing.assert_close(unit(x), by_hand(unit, x, form, convention))

    block = scramble(Bottleneck(24, 6, 1, form, convention)).eval()
    x = torch.randn(2, 24, 5, 7, 8)
    middle = by_hand(block.unit, F.relu(projected(x, block.reduce)), form, convention)
    torch.testing.assert_close(block(x), F.relu(x + projected(middle, block.restore)))


def projected(x, pair, stride=1):
    """A 1×1×1 convolution and BatchNorm."""
    return pair[1](F.conv3d(x, pair[0].weight, stride=(1, stride, stride)))


@pytest.mark.parametrize("form", ["A", "2D"])
def test_a_strided_block_projects_its_shortcut(form):
    torch.manual_seed(2)
    block = scramble(Bottleneck(8, 4, 2, form)).eval()
    x = torch.randn(1, 8, 4, 6, 6)
    wide = projected(block.unit(F.relu(projected(x, block.reduce, 2))), block.restore)
    torch.testing.assert_close(block(x), F.relu(projected(x, block.downsample, 2) + wide))
    assert block(x).shape == (1, 16, 4, 3, 3)


def test_the_convention_reaches_the_units():
    torch.manual_seed(3)
    paper = P3D(num_classes=3, width=2).eval()
    released = P3D(num_classes=3, width=2, convention="released").eval()
    released.load_state_dict(paper.state_dict())
    x = torch.randn(1, 3, 8, 32, 32)
    assert not torch.allclose(paper(x), released(x))


def test_order_of_frames_matters_and_res5_cannot_see_it():
    torch.manual_seed(4)
    network = P3D(num_classes=3, width=2).eval()
    x = torch.randn(1, 3, 8, 32, 32)
    assert not torch.allclose(network(x), network(x.flip(2)), rtol=1e-3)
    x = torch.randn(1, 32, 4, 2, 2)
    torch.testing.assert_close(network.res5(x).flip(2), network.res5(x.flip(2)))


@pytest.mark.parametrize(
    ("options", "clip", "message"),
    [
        ({"depth": 50}, None, "unknown depth 50; choose one of 63, 131, 199"),
        ({"convention": "mean"}, None, "choose one of paper, released"),
        ({"forms": "ABD"}, None, "forms is 'ABD'"),
        ({"forms": ""}, None, "forms is ''"),
        ({"width": 0}, None, "width is 0"),
        ({}, (1, 3, 8, 2, 48), "3×3 pixels or more; got 2×48"),
        ({}, (1, 3, 0, 48, 48), "not empty"),
        ({}, (1, 3, 16, 32, 32), "a batch of 2 clips or more"),
    ],
)
def test_wrong_options_and_clips_are_refused_in_one_line(options, clip, message):
    with pytest.raises(InputError, match=message) as refused:
        P3D(**{"num_classes": 3, "width": 2, **options})(torch.zeros(clip))
    assert "\n" not in str(refused.value)


def test_a_single_small_clip_can_be_evaluated():
    assert P3D(num_classes=3, width=2).eval()(torch.zeros(1, 3, 16, 32, 32)).shape == (1, 3)


@pytest.mark.parametrize("name", CONTROLLED)
def test_a_controlled_comparison_has_the_units_of_its_name(name):
    """That it trains, as all networks do, is in test_family.py."""
    with torch.device("meta"):
        network = create_network(name, depth=10, width=4)
    forms = [m.form for m in network.modules() if isinstance(m, Pseudo3D)]
    letter = name.removeprefix("p3d").removesuffix("in_r3d").strip("_").upper()
    assert forms == ([letter] * 8 if letter else list("AABBCCAA"))  # both convolutions of a block share its letter


def test_the_depth_is_in_the_name():
    with pytest.raises(InputError, match="takes no option 'depth'; it takes num_classes, frames, width, convention"):
        create_network("p3d63", depth=131)
