"""The matching bench: how wide the middle of a (2+1)D convolution must be to cost what the 3D one does."""

from functools import cache

import ipywidgets
import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes

from r2p1d_edu.cost.matching import STEMS, exact_midplanes, factorised_weights, full_weights, midplanes
from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.palette import GREY, style
from r2p1d_edu.lab.widgets.panel import ControlPanel, Drawing
from r2p1d_edu.networks.convolutions import Conv2Plus1D
from r2p1d_edu.networks.family import create_network

OWN = "numbers of your own"
BY_RULE = 0  # the value of the M control that means: as the rule says
Preset = dict[str, int]


@cache
def presets() -> dict[str, Preset]:
    """Title → the controls' values: the four stems, every (2+1)D convolution of R(2+1)D-18, and torchvision's three."""
    found = {f"stem, {stem.title}": preset(stem.t, stem.d, 3, 64, stem.mid) for stem in STEMS}
    for place, n_in, mid, n_out in convolutions("per_conv"):
        found[f"{place}, {n_in}→{n_out}"] = preset(3, 3, n_in, n_out, mid)
    for place, n_in, mid, n_out in convolutions("per_block"):
        if mid != midplanes(n_in, n_out):
            found[f"{place} in torchvision, {n_in}→{n_out}"] = preset(3, 3, n_in, n_out, mid)
    return found


def preset(t: int, d: int, n_in: int, n_out: int, mid: int) -> Preset:
    """The values of the controls; M is left to the rule where the rule gives it."""
    return {
        "t": t,
        "d": d,
        "n_in": n_in,
        "n_out": n_out,
        "mid": BY_RULE if mid == midplanes(n_in, n_out, t, d) else mid,
    }


def convolutions(midplanes_rule: str) -> list[tuple[str, int, int, int]]:
    """(name, N_in, M, N_out) of every (2+1)D convolution in the residual blocks of R(2+1)D-18, as it is built."""
    with torch.device("meta"):
        modules = create_network("r2plus1d", midplanes=midplanes_rule).named_modules()
    return [
        (name.removesuffix(".0"), pair[0].in_channels, pair[0].out_channels, pair[3].out_channels)
        for name, pair in modules
        if isinstance(pair, Conv2Plus1D)
    ]


def draw_match(t: int, d: int, n_in: int, n_out: int, mid: int = BY_RULE, layer: str = OWN) -> Drawing:
    """Both budgets as bars, and the mismatch as a function of M.

    Args:
        t, d: the 3D kernel is t×d×d.
        n_in, n_out: channels in and out.
        mid: M as somebody chose it; 0 takes it from the rule, paper section 3.5.
        layer: what these numbers belong to, for the title.

    Raises:
        InputError: the rule leaves no channel in the middle.
    """
    exact, rule = exact_midplanes(n_in, n_out, t, d), midplanes(n_in, n_out, t, d)
    chosen = mid or rule
    if not chosen:
        raise InputError(
            f"M is {float(exact):.2f}, rounded down 0: one channel in the middle already costs more than all of"
            f" {t}×{d}×{d}, {n_in}→{n_out}; take more channels or a larger kernel, or set M yourself"
        )
    full = full_weights(n_in, n_out, t, d)
    spatial, temporal = d * d * n_in * chosen, t * chosen * n_out
    gap = factorised_weights(n_in, n_out, chosen, t, d) - full
    outcome = f"{signed(gap)} ({gap / full:+.2%})".replace("-", "−") if gap else "0, an exact match"
    words = (
        f"{t}×{d}×{d}, {n_in}→{n_out} channels. Rule: M = {full:,} / {d * d * n_in + t * n_out:,} = {float(exact):.2f},"
        f" rounded down {rule}. M used: {chosen}. 3D: {full:,} weights. (2+1)D: {spatial:,} in space + {temporal:,} in"
        f" time = {spatial + temporal:,}. Difference: {outcome}."
    )
    figure, (bars, line) = plt.subplots(1, 2, figsize=(8.6, 2.9), width_ratios=(3, 2))
    figure.subplots_adjust(
        left=0.15, right=0.985, top=0.8, bottom=0.17, wspace=0.27
    )  # "constrained" takes twice as long
    title = "" if layer == OWN else f"{layer}:  "
    figure.suptitle(
        f"{title}M = ⌊{full:,} / {d * d * n_in + t * n_out:,}⌋ = ⌊{float(exact):.2f}⌋ = {rule}"
        + (f",  used: {chosen}" if chosen != rule else ""),
        fontsize=11,
    )
    draw_budgets(bars, full, spatial, temporal, (t, d))
    draw_mismatch(line, n_in * d * d + t * n_out, full, chosen)
    line.set_title(f"(2+1)D − 3D: {outcome}", fontsize=10)
    return figure, words


def signed(number: int) -> str:
    """−384, +960 or 0, with a real minus sign."""
    return f"{number:+,}".replace("-", "−") if number else "0"


def draw_budgets(axes: Axes, full: int, spatial: int, temporal: int, kernel: tuple[int, int]) -> None:
    """One bar for the 3D convolution, one in two parts for its (2+1)D twin; lengths are weights."""
    t, d = kernel
    blue, red = style("r3d").color, style("r2plus1d").color
    axes.barh(1, full, 0.6, color=blue)
    axes.barh(0, spatial, 0.6, color=red, edgecolor=red)
    axes.barh(0, temporal, 0.6, left=spatial, color="white", edgecolor=red, hatch="///")
    pair = spatial + temporal
    for y, text in ((1, f"{full:,}"), (0, f"{spatial:,} in space + {temporal:,} in time = {pair:,}")):
        axes.text(0, y - 0.35, text, va="top", fontsize=10)
    axes.set_yticks([1, 0], [f"3D\n{t}×{d}×{d}", f"(2+1)D\n1×{d}×{d}, {t}×1×1"], fontsize=10)
    axes.set(ylim=(-0.75, 1.4), xlim=(0, 1.02 * max(full, pair)), xticks=[])
    axes.set_title("weights", fontsize=10)
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def draw_mismatch(axes: Axes, per_channel: int, full: int, chosen: int) -> None:
    """(2+1)D weights minus 3D weights against M: a straight line, which whole numbers seldom meet at zero."""
    exact = full / per_channel
    reach = max(2.6, 1.3 * abs(chosen - exact))
    whole = [m for m in range(max(1, int(exact - reach)), int(exact + reach) + 1)]
    step = -(-len(whole) // 60)  # few enough points to be seen apart
    ends = [whole[0], whole[-1]]
    axes.axhline(0, color=style("r3d").color, linewidth=1.5)
    axes.plot(ends, [m * per_channel - full for m in ends], color=GREY, linewidth=1)
    axes.plot(whole[::step], [m * per_channel - full for m in whole[::step]], ".", color=GREY)
    axes.plot(
        chosen, chosen * per_channel - full, style("r2plus1d").marker, color=style("r2plus1d").color, markersize=11
    )
    axes.set_xlabel("M", fontsize=10)
    axes.tick_params(labelsize=9)
    axes.yaxis.set_major_formatter(lambda y, _: signed(round(y)))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)


class MatchingBench(ControlPanel):
    """Set the kernel and the channels, or choose a layer of R(2+1)D-18, and see M and both budgets.

    Controls: layer, t, d, n_in, n_out, mid. Choosing a layer sets the numbers; changing a number makes them your own.
    """

    def __init__(self):
        narrow = ipywidgets.Layout(width="260px")
        wide = ipywidgets.Layout(width="420px")
        controls = {
            "layer": ipywidgets.Dropdown(options=[OWN, *presets()], description="layer", layout=wide),
            "t": ipywidgets.IntSlider(3, 1, 7, description="t, frames", layout=narrow),
            "d": ipywidgets.IntSlider(3, 1, 7, 2, description="d, pixels", layout=narrow),
            "n_in": ipywidgets.IntSlider(64, 1, 512, description="N_in", layout=wide),
            "n_out": ipywidgets.IntSlider(64, 1, 512, description="N_out", layout=wide),
            "mid": ipywidgets.BoundedIntText(
                BY_RULE, min=BY_RULE, max=2048, description="M of your own (0: the rule's)", layout=narrow
            ),
        }
        super().__init__(draw_match, controls, [("layer", "mid"), ("t", "d"), ("n_in", "n_out")])

    def redraw(self, change=None) -> None:
        """Follow a control; keep the menu and the numbers in agreement."""
        if change is None:
            super().redraw()
        elif change["owner"] is not self.controls["layer"]:
            self.set(layer=OWN)
        else:
            self.set(**presets().get(change["new"], {}))
