"""A slider through the mixed convolutions, MC2 to MC5 and rMC2 to rMC5: what each group does, keeps and costs."""

from functools import cache

import ipywidgets
import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes

from r2p1d_edu.cost.layers import account
from r2p1d_edu.cost.report import Account
from r2p1d_edu.errors import check_choice
from r2p1d_edu.lab.drawing import INK, KINDS, draw_kind
from r2p1d_edu.lab.palette import GREY, title
from r2p1d_edu.lab.widgets.panel import ControlPanel, Drawing
from r2p1d_edu.networks.family import FAMILY, create_network
from r2p1d_edu.networks.published import published

STAGES = ("conv1", "conv2_x", "conv3_x", "conv4_x", "conv5_x")  # the paper's Table 1; stem and layer1 to layer4 here
DIRECTIONS = {"MC: 3D first": "mc", "rMC: 2D first": "rmc"}
GIVEN_FRAMES = (8, 16)  # the clip lengths of the paper's Table 2
XLIM = (-0.55, 4.55)
COSTS = (("parameters", "M parameters", 1e6), ("macs", "GMAC", 1e9))


@cache
def bill(name: str, frames: int) -> Account:
    """A network of the family, 18 layers, 400 classes, on one clip of 112×112: a row a stage."""
    with torch.device("meta"):
        network = create_network(name)
    return account(network, (3, frames, 112, 112)).groups()


def draw_mixed(direction: str, x: int, frames: int) -> Drawing:
    """The five groups of MCx or rMCx with their kinds, lengths and costs; hollow bars are R3D's.

    Args:
        direction: "mc", 3D before 2D, or "rmc", the reverse.
        x: the number of the first group of the second kind, 2 to 5.
        frames: of one clip, 8 or 16.

    Raises:
        InputError: there is no such network in the paper's Table 2.
    """
    name = f"{direction}{x}"
    check_choice(name, [f"{d}{number}" for d in DIRECTIONS.values() for number in (2, 3, 4, 5)], "mixed network")
    check_choice(frames, GIVEN_FRAMES, "number of frames")
    figure, (kinds, *charts) = plt.subplots(3, 1, figsize=(7, 4), height_ratios=(0.8, 1.5, 1.5))
    figure.subplots_adjust(left=0.05, right=0.99, top=0.86, bottom=0.07, hspace=0.12)
    cost, plain = bill(name, frames), bill("r3d", frames)
    result = published(name, frames)[0]
    totals = f"{cost.params / 1e6:.1f} M parameters, {cost.macs / 1e9:.1f} GMAC"
    accuracy = f"clips {result.clip:.1f} %, videos {result.video:.1f} %"
    figure.suptitle(f"{title(name)}, {frames} frames: {totals}\nKinetics-400, {result.source}: {accuracy}", fontsize=11)
    draw_kinds(kinds, FAMILY[name], cost)
    for axes, chart in zip(charts, COSTS, strict=True):
        draw_costs(axes, chart, FAMILY[name], cost, plain)
    charts[0].legend(fontsize=9, frameon=False, loc="upper left")
    charts[-1].set_xticks(range(len(STAGES)), STAGES, fontsize=10)
    stages = "; ".join(
        f"{stage} {KINDS[kind][0]}, T {row.out_shape[1]}, {row.parameters / 1e6:.2f} M, {row.macs / 1e9:.2f} GMAC"
        for stage, kind, row in zip(STAGES, FAMILY[name], cost.rows, strict=False)
    )
    return figure, f"{title(name)}, {frames} frames: {totals}. {stages}. {result.source}: {accuracy}."


def draw_kinds(axes: Axes, kinds: tuple[str, ...], cost: Account) -> None:
    """A box a group with its kind of convolution, and below it the number of frames that it hands on."""
    axes.set(xlim=XLIM, ylim=(-0.2, 1))
    axes.axis("off")
    for place, (kind, row) in enumerate(zip(kinds, cost.rows, strict=False)):
        draw_kind(axes, place, 0.7, kind, width=0.8, height=0.5)
        axes.text(place, 0.1, f"T = {row.out_shape[1]}", ha="center", va="center", fontsize=10, color=INK)
        if place:
            axes.annotate("", (place - 0.4, 0.7), (place - 0.6, 0.7), arrowprops={"arrowstyle": "->", "color": INK})


def draw_costs(axes: Axes, chart: tuple, kinds: tuple[str, ...], cost: Account, plain: Account) -> None:
    """A bar a group in the colour of its kind, and R3D's as an outline; the scale fits R3D at 16 frames."""
    key, label, unit = chart
    here, there = ([getattr(row, key) / unit for row in account.rows[: len(STAGES)]] for account in (cost, plain))
    top = 1.3 * max(getattr(row, key) for row in bill("r3d", max(GIVEN_FRAMES)).rows) / unit
    axes.bar(range(len(STAGES)), here, 0.56, color=[KINDS[kind][1] for kind in kinds], edgecolor=INK, linewidth=0.7)
    axes.bar(range(len(STAGES)), there, 0.72, fill=False, edgecolor=GREY, linestyle=(0, (4, 2)), label="R3D")
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}  # keeps the outline from crossing a number
    for place, value in enumerate(here):
        axes.text(place, value + 0.04 * top, f"{value:.2f}", ha="center", fontsize=9, color=INK, bbox=paper)
    axes.set(xlim=XLIM, ylim=(0, top), xticks=[], yticks=[])  # the bars have their numbers on them
    axes.set_ylabel(label, fontsize=10)
    axes.spines[["top", "right", "left"]].set_visible(False)


def mixed_slider(direction: str = "mc", x: int = 3, frames: int = 16) -> ControlPanel:
    """Slide the border between 3D and 2D through the network; a toggle says which kind comes first."""
    narrow = {"button_width": "auto"}  # as wide as the words
    controls = {
        "direction": ipywidgets.ToggleButtons(options=DIRECTIONS, value=direction, description="order", style=narrow),
        "x": ipywidgets.IntSlider(value=x, min=2, max=5, description="x, the group that turns"),
        "frames": ipywidgets.ToggleButtons(options=GIVEN_FRAMES, value=frames, description="frames", style=narrow),
    }
    return ControlPanel(draw_mixed, controls, [("direction", "x", "frames")])
