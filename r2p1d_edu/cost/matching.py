"""How wide to make the middle of a (2+1)D convolution, so that it costs what the 3D one does.

A t×d×d convolution from N_in to N_out channels has t·d²·N_in·N_out weights. Its (2+1)D twin, 1×d×d to M channels and
then t×1×1 to N_out, has d²·N_in·M + t·M·N_out. Setting the two equal and solving for M gives the paper's rule
(Tran et al., CVPR 2018, section 3.5). Pure arithmetic: this file imports no torch.
"""

from dataclasses import dataclass
from fractions import Fraction

from r2p1d_edu.errors import check_counts

STEM_MIDPLANES = 45  # a literal in the authors' code (VMZ, c2/lib/models/r3d_model.py); the rule itself gives 83


def exact_midplanes(in_channels: int, out_channels: int, t: int = 3, d: int = 3) -> Fraction:
    """M before rounding, as an exact fraction: t·d²·N_in·N_out / (d²·N_in + t·N_out)."""
    check_counts(in_channels=in_channels, out_channels=out_channels, t=t, d=d)
    full = full_weights(in_channels, out_channels, t, d)
    return Fraction(full, d * d * in_channels + t * out_channels)


def midplanes(in_channels: int, out_channels: int, t: int = 3, d: int = 3) -> int:
    """M_i of the paper's section 3.5: the exact value, rounded down.

    >>> midplanes(64, 64), midplanes(64, 128), midplanes(3, 64, t=3, d=7)
    (144, 230, 83)
    """
    return int(exact_midplanes(in_channels, out_channels, t, d))


def full_weights(in_channels: int, out_channels: int, t: int = 3, d: int = 3) -> int:
    """Weights of the t×d×d convolution, without bias."""
    return t * d * d * in_channels * out_channels


def factorised_weights(in_channels: int, out_channels: int, mid: int | None = None, t: int = 3, d: int = 3) -> int:
    """Weights of the 1×d×d convolution to `mid` channels and the t×1×1 after it; `mid` is M_i unless given."""
    mid = midplanes(in_channels, out_channels, t, d) if mid is None else mid
    return d * d * in_channels * mid + t * mid * out_channels


def mismatch(in_channels: int, out_channels: int, mid: int | None = None, t: int = 3, d: int = 3) -> int:
    """(2+1)D weights minus 3D weights: zero where the match is exact, never positive for M_i itself."""
    pair = factorised_weights(in_channels, out_channels, mid, t, d)
    return pair - full_weights(in_channels, out_channels, t, d)


@dataclass(frozen=True)
class Stem:
    """One way to set the middle width of the stem, 3 to 64 channels."""

    title: str
    t: int
    d: int
    mid: int


STEMS = (
    Stem("as released: a literal", 3, 7, STEM_MIDPLANES),
    Stem("by the rule, 3×7×7", 3, 7, midplanes(3, 64, 3, 7)),
    Stem("by the rule, 5×7×7 (VMZ's conv1_temporal_kernel=5)", 5, 7, midplanes(3, 64, 5, 7)),
    Stem("by the rule, 7×7×7 (the stem of I3D)", 7, 7, midplanes(3, 64, 7, 7)),
)


@dataclass(frozen=True)
class BalanceRow:
    """Where R(2+1)D and R3D differ: `count` layers like this one change the total by `difference` parameters."""

    title: str
    count: int
    difference: int


def balance(depth_blocks: tuple[int, ...] = (2, 2, 2, 2), width: int = 64) -> list[BalanceRow]:
    """Why R(2+1)D has almost, and not exactly, the parameters of R3D: every difference, layer by layer.

    The rows add up to parameters(R(2+1)D) − parameters(R3D), to the unit. `depth_blocks` is the number of residual
    blocks in each group: (2, 2, 2, 2) at depth 18, (3, 4, 6, 3) at depth 34.
    """
    stem = STEM_MIDPLANES * width // 64
    rows = [BalanceRow("stem weights", 1, mismatch(3, width, stem, 3, 7))]
    extra_norms = 2 * stem  # the BatchNorm between the halves: one scale and one shift a channel
    channels = width
    for group, blocks in enumerate(depth_blocks):
        out = width * 2**group
        if out != channels:
            rows.append(BalanceRow(f"{channels}→{out} weights", 1, mismatch(channels, out)))
        same = 2 * blocks - (out != channels)
        rows.append(BalanceRow(f"{out}→{out} weights", same, same * mismatch(out, out)))
        first = midplanes(channels, out)
        extra_norms += 2 * (first + (2 * blocks - 1) * midplanes(out, out))
        channels = out
    convolutions = 1 + 2 * sum(depth_blocks)
    return [*rows, BalanceRow("BatchNorm between the halves", convolutions, extra_norms)]
