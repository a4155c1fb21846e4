"""The matched widths against the paper's numbers, against a search that knows no formula, and against real networks."""

import subprocess
import sys
from fractions import Fraction

import pytest
import torch

from r2p1d_edu.cost.matching import (
    STEM_MIDPLANES,
    STEMS,
    balance,
    exact_midplanes,
    factorised_weights,
    full_weights,
    midplanes,
    mismatch,
)
from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.family import create_network


# M, the weights of the 3D convolution and of the pair that stands for it, by hand from the paper's section 3.5.
@pytest.mark.parametrize(
    ("n_in", "n_out", "mid", "full", "pair"),
    [
        (64, 64, 144, 110_592, 110_592),
        (64, 128, 230, 221_184, 220_800),
        (128, 128, 288, 442_368, 442_368),
        (128, 256, 460, 884_736, 883_200),
        (256, 256, 576, 1_769_472, 1_769_472),
        (256, 512, 921, 3_538_944, 3_536_640),
        (512, 512, 1152, 7_077_888, 7_077_888),
    ],
)
def test_the_papers_widths(n_in, n_out, mid, full, pair):
    assert midplanes(n_in, n_out) == mid
    assert full_weights(n_in, n_out) == full
    assert factorised_weights(n_in, n_out) == factorised_weights(n_in, n_out, mid) == pair
    assert mismatch(n_in, n_out) == pair - full


def test_the_stem_is_narrower_than_the_rule_says():
    assert midplanes(3, 64, t=3, d=7) == 83
    assert exact_midplanes(3, 64, 3, 7) == Fraction(28224, 339)
    assert float(exact_midplanes(3, 64, 3, 7)) == pytest.approx(83.257, abs=5e-4)
    assert mismatch(3, 64, 83, 3, 7) == -87
    assert mismatch(3, 64, STEM_MIDPLANES, 3, 7) == -12_969
    assert [stem.mid for stem in STEMS[:2]] == [45, 83]
    assert all(stem.mid == midplanes(3, 64, stem.t, stem.d) for stem in STEMS[1:])


@pytest.mark.parametrize("t", [1, 3, 5])
@pytest.mark.parametrize("d", [1, 3, 7])
def test_m_is_the_widest_that_costs_no_more(t, d):
    for n_in in (1, 3, 16, 64, 100):
        for n_out in (1, 7, 64, 128):
            weights = n_in * 1 * d * d, n_out * t * 1 * 1  # for each middle channel, before and after it
            mid = 0
            while (mid + 1) * sum(weights) <= n_in * n_out * t * d * d:
                mid += 1
            assert midplanes(n_in, n_out, t, d) == mid
            assert mismatch(n_in, n_out, t=t, d=d) <= 0 < mismatch(n_in, n_out, mid + 1, t, d)


def test_equal_ends_match_exactly():
    for width in (4, 16, 64, 512):
        assert exact_midplanes(width, width) == Fraction(9, 4) * width
        assert mismatch(width, width) == 0


@pytest.mark.parametrize(("depth", "blocks"), [(10, (1, 1, 1, 1)), (18, (2, 2, 2, 2)), (34, (3, 4, 6, 3))])
@pytest.mark.parametrize("width", [16, 64])
def test_balance_closes_to_the_unit(depth, blocks, width):
    with torch.device("meta"):
        twins = [create_network(name, depth=depth, width=width) for name in ("r2plus1d", "r3d")]
    ours, theirs = (sum(p.numel() for p in network.parameters()) for network in twins)
    assert sum(row.difference for row in balance(blocks, width)) == ours - theirs


def test_balance_of_the_published_pair():
    assert sum(row.difference for row in balance()) == 33_370_839 - 33_371_472 == -633
    assert [row.difference for row in balance() if "→" in row.title] == [0, -384, 0, -1_536, 0, -2_304, 0]
    assert sum(row.count for row in balance()[1:-1]) == 16  # the convolutions of eight blocks


def test_matching_needs_no_torch():
    code = "import sys, r2p1d_edu.cost.matching; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("wrong", [(-1, 3), (0, 3), (3, True), (1.5, 3), (3, 3, 0), (3, 3, 3, None)])
def test_what_is_no_width_is_refused(wrong):
    with pytest.raises(InputError, match="must be a whole number of 1 or more"):
        midplanes(*wrong)
