"""Residual blocks as diagrams: P3D's A, B and C, and the article's block beside the paper's.

Each function returns a matplotlib Figure. A box is a layer, the clip flows from top to bottom, and the shortcut runs on
the right. Coordinates are inches from the top left corner of a figure, so that boxes and letters keep their size.
"""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from r2p1d_edu.cost.matching import midplanes
from r2p1d_edu.lab.palette import BLACK, GREY, ORANGE, SKY_BLUE, VERMILLION
from r2p1d_edu.networks.p3d import EXPANSION

# How a layer is filled. The words in a box say the same, so nothing rests on colour alone.
FILLS = {
    "1×3×3": SKY_BLUE,
    "3×1×1": ORANGE,
    "1×1×1": "#DADADA",
    "BN": "#FFFFFF",
    "ReLU": "#FFFFFF",
}
FONT_SIZE = 9.5
Point = tuple[float, float]


class Layer(NamedTuple):
    """One box of a chain.

    Attributes:
        kind: a key of FILLS.
        width: the channels that a convolution gives out; None for BatchNorm and ReLU.
        extra: whether the article's block has it and the paper's has not.
    """

    kind: str
    width: int | None = None
    extra: bool = False

    @property
    def label(self) -> str:
        """What the box says."""
        return self.kind if self.width is None else f"{self.kind} → {self.width}"


def blank_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of this size in inches, with axes in inches from the top left corner."""
    figure = plt.figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return figure, axes


def box(axes: Axes, at: Point, text: str, kind: str, size: Point, extra: bool = False) -> None:
    """A layer, centred at a point; `extra` gives it a thick dashed frame."""
    (x, y), (width, height) = at, size
    patch = FancyBboxPatch(
        (x - width / 2, y - height / 2),
        width,
        height,
        boxstyle=f"round,pad=0,rounding_size={0.45 * height if kind == 'ReLU' else 0.04}",
        facecolor=FILLS[kind],
        edgecolor=VERMILLION if extra else BLACK,
        linestyle=(0, (3, 1.5)) if extra else "-",
        linewidth=2 if extra else 1,
        zorder=2,
    )
    axes.add_patch(patch)
    axes.text(x, y, text, ha="center", va="center", fontsize=FONT_SIZE, zorder=3)


def plus(axes: Axes, at: Point, radius: float = 0.11) -> None:
    """A sum, as a plus in a circle."""
    axes.add_patch(Circle(at, radius, facecolor="#FFFFFF", edgecolor=BLACK, zorder=2))
    axes.text(*at, "+", ha="center", va="center_baseline", fontsize=13, zorder=3)


def wire(axes: Axes, *points: Point) -> None:
    """Straight lines from point to point, with an arrow at the end."""
    axes.plot(*zip(*points[:-1], strict=True), color=GREY, linewidth=1.2, solid_capstyle="round", zorder=1)
    arrow = {"arrowstyle": "-|>", "color": GREY, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.2}
    axes.annotate("", points[-1], points[-2], arrowprops=arrow, zorder=1)


UNIT_TITLES = {
    "A": "P3D-A, serial:\nT(S(x))",
    "B": "P3D-B, parallel:\nS(x) + T(x)",
    "C": "P3D-C, compromise:\nS(x) + T(S(x))",
}


def pseudo3d_blocks(channels: int = 64) -> Figure:
    """P3D's blocks A, B and C side by side, each in its bottleneck: 4·channels → channels → 4·channels.

    BatchNorm and ReLU, which follow S and T, are left out.
    """
    pitch = 2.4
    figure, axes = blank_axes(3 * pitch, 4.6)
    for place, form in enumerate(UNIT_TITLES):
        pseudo3d_block(axes, place * pitch, form, channels)
    return figure


def pseudo3d_block(axes: Axes, left: float, form: str, channels: int) -> None:
    """One of the three: a column 2.3 inches wide that begins at `left`."""
    wide, tall, half = EXPANSION * channels, 0.42, 0.21
    middle, s_at, t_at, shortcut = left + 1.0, left + 0.5, left + 1.5, left + 2.2
    axes.text(left + 1.15, 0.28, UNIT_TITLES[form], ha="center", va="center", fontsize=11)
    axes.text(middle, 0.68, f"{wide} channels", ha="center", va="center", fontsize=FONT_SIZE)
    wire(axes, (middle, 0.78), (middle, 1.0))
    box(axes, (middle, 1.0 + half), f"1×1×1\n{wide} → {channels}", "1×1×1", (1.0, tall))

    top, bottom = 1.0 + tall, 3.15  # from the narrow x to what the unit gives out
    size, s_text, t_text = (0.82, tall), f"S: 1×3×3\n{channels} → {channels}", f"T: 3×1×1\n{channels} → {channels}"
    if form == "A":
        box(axes, (middle, 1.9), s_text, "1×3×3", size)
        box(axes, (middle, 2.6), t_text, "3×1×1", size)
        wire(axes, (middle, top), (middle, 1.9 - half))
        wire(axes, (middle, 1.9 + half), (middle, 2.6 - half))
        wire(axes, (middle, 2.6 + half), (middle, bottom))
    else:
        s_y, t_y = (2.1, 2.1) if form == "B" else (1.85, 2.4)
        box(axes, (s_at, s_y), s_text, "1×3×3", size)
        box(axes, (t_at, t_y), t_text, "3×1×1", size)
        fork = top + 0.1
        wire(axes, (middle, top), (middle, fork), (s_at, fork), (s_at, s_y - half))
        if form == "B":
            wire(axes, (middle, fork), (t_at, fork), (t_at, t_y - half))
        else:
            wire(axes, (s_at + 0.41, s_y), (t_at, s_y), (t_at, t_y - half))
        wire(axes, (s_at, s_y + half), (s_at, 2.86), (middle - 0.11, 2.86))
        wire(axes, (t_at, t_y + half), (t_at, 2.86), (middle + 0.11, 2.86))
        plus(axes, (middle, 2.86))
        wire(axes, (middle, 2.97), (middle, bottom))

    box(axes, (middle, bottom + half), f"1×1×1\n{channels} → {wide}", "1×1×1", (1.0, tall))
    wire(axes, (middle, bottom + tall), (middle, 3.79))
    plus(axes, (middle, 3.9))
    wire(axes, (middle, 0.86), (shortcut, 0.86), (shortcut, 3.9), (middle + 0.11, 3.9))
    wire(axes, (middle, 4.01), (middle, 4.16))
    box(axes, (middle, 4.29), "ReLU", "ReLU", (0.7, 0.26))


BN, RELU = Layer("BN"), Layer("ReLU")


def article_block(in_channels: int, out_channels: int) -> tuple[tuple[Layer, ...], tuple[Layer, ...]]:
    """The layers of the article's block at a change of size: the main path and the shortcut, up to the sum.

    `extra` marks what the paper's block has not: leave those out and it remains, except that the shortcut's first
    convolution then leads straight to `out_channels`.
    """
    mid1, mid2 = midplanes(in_channels, out_channels), midplanes(out_channels, out_channels)
    doubled = (Layer("BN", extra=True), Layer("ReLU", extra=True))
    main = (
        *(Layer("1×3×3", mid1), BN, RELU, Layer("3×1×1", out_channels), *doubled, BN, RELU),
        *(Layer("1×3×3", mid2), BN, RELU, Layer("3×1×1", out_channels), *doubled, BN),
    )
    first = Layer("1×1×1", midplanes(in_channels, out_channels, t=1, d=1))
    second = Layer("1×1×1", out_channels, extra=True)
    return main, (first, *doubled, second, *doubled, BN)


def paper_block(in_channels: int, out_channels: int) -> tuple[tuple[Layer, ...], tuple[Layer, ...]]:
    """The layers of the paper's R(2+1)D block at a change of size: the main path and the shortcut, up to the sum."""
    main, _ = article_block(in_channels, out_channels)
    return tuple(layer for layer in main if not layer.extra), (Layer("1×1×1", out_channels), BN)


def article_beside_paper(in_channels: int = 64, out_channels: int = 128) -> Figure:
    """The article's block and the paper's, where a group begins: 64 → 128 channels, time and space halved.

    Layers that both have stand at one height; a thick dashed frame marks what only the article's block has.
    """
    row, top, pitch = 0.31, 0.95, 3.6
    article, paper = article_block(in_channels, out_channels), paper_block(in_channels, out_channels)
    figure, axes = blank_axes(2 * pitch - 0.1, top + row * (len(article[0]) + 2.2))
    main_rows = [number for number, layer in enumerate(article[0]) if not layer.extra]
    side_rows = [number for number, layer in enumerate(article[1]) if not layer.extra]
    titles = ("the article's listing", "the paper and its released code")
    rows = ((range(len(article[0])), range(len(article[1]))), (main_rows, side_rows))
    for place, (title, paths, (main, side)) in enumerate(zip(titles, (article, paper), rows, strict=True)):
        x, x_side = place * pitch + 0.85, place * pitch + 2.5
        axes.text(place * pitch + 1.7, 0.22, title, ha="center", va="center", fontsize=11)
        axes.text(x, 0.5, f"{in_channels} channels", ha="center", va="center", fontsize=FONT_SIZE)
        end = top + row * (len(article[0]) + 0.2)
        first, last = (top + row * number for number in (main[0], main[-1]))
        wire(axes, (x, 0.6), (x, first - 0.12))
        chain(axes, x, [top + row * number for number in main], paths[0])
        wire(axes, (x, last + 0.12), (x, end - 0.11))
        offset = 4 * row  # the shortcut is shorter: it hangs in the middle
        heights = [top + offset + row * number for number in side]
        wire(axes, (x, 0.7), (x_side, 0.7), (x_side, heights[0] - 0.12))
        chain(axes, x_side, heights, paths[1])
        wire(axes, (x_side, heights[-1] + 0.12), (x_side, end), (x + 0.11, end))
        plus(axes, (x, end))
        wire(axes, (x, end + 0.11), (x, end + 0.26))
        box(axes, (x, end + 0.38), "ReLU", "ReLU", (1.2, 0.24))
    return figure


def chain(axes: Axes, x: float, heights: Sequence[float], layers: Sequence[Layer]) -> None:
    """Layers under one another at the given heights, joined by arrows."""
    for number, (y, layer) in enumerate(zip(heights, layers, strict=True)):
        box(axes, (x, y), layer.label, layer.kind, (1.2, 0.24), layer.extra)
        if number:
            wire(axes, (x, heights[number - 1] + 0.12), (x, y - 0.12))
