"""Tensors as cuboids, true to their shape, and the looks of the kinds of convolution.

One oblique projection everywhere: the front face is a frame, H high and W wide; time runs from the front to the back,
up and to the right, T frames deep; the bar below is as long as there are channels. Two cuboids drawn with one Scale
may be compared by eye. Lengths are in units of the axes, which must have equal aspect (see `blank_axes`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, radians, sin

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from r2p1d_edu.errors import check_shape
from r2p1d_edu.lab.palette import BLACK, BLUE, SKY_BLUE, VERMILLION

SLANT = radians(40)  # of the time axis, above the horizontal
BAR, GAP = 0.05, 0.06  # thickness of the channel bar, and the room above it and above the label
INK = "#1A1A1A"
LIGHT_GREY = "#C4C4C4"
KINDS = {
    # kind      title                     box          text
    "stacked": ("frames stacked",         BLACK,       "white"),
    "2d":      ("2D",                     LIGHT_GREY,  INK),
    "3d":      ("3D",                     BLUE,        "white"),
    "2+1d":    ("(2+1)D",                 VERMILLION,  INK),
    "p3d-a":   ("P3D-A",                  SKY_BLUE,    INK),
    "p3d-b":   ("P3D-B",                  SKY_BLUE,    INK),
    "p3d-c":   ("P3D-C",                  SKY_BLUE,    INK),
    "p3d":     ("P3D A, B, C",            SKY_BLUE,    INK),
}  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """How long one pixel, one frame and one channel are drawn, in units of the axes."""

    pixel: float
    frame: float
    channel: float

    @classmethod
    def fit(
        cls, shapes: Iterable[Sequence[int]], *, side: float = 0.8, depth: float = 0.45, bar: float = 1.0
    ) -> "Scale":
        """The scale at which the largest H or W is `side` long, the largest T `depth` and the largest C `bar`."""
        shapes = [check_shape(shape, "a cuboid is drawn for") for shape in shapes]
        channels, frames, *sides = (max(sizes) for sizes in zip(*shapes, strict=True))
        return cls(side / max(sides), depth / frames, bar / channels)

    def extent(self, shape: Sequence[int]) -> tuple[float, float]:
        """Width and height of the cuboid's outline, without bar and label."""
        _, frames, height, width = check_shape(shape, "a cuboid is drawn for")
        dx, dy = self.depth(frames)
        return width * self.pixel + dx, height * self.pixel + dy

    def depth(self, frames: float) -> tuple[float, float]:
        """From the front face to the place `frames` later."""
        return frames * self.frame * cos(SLANT), frames * self.frame * sin(SLANT)


def draw_cuboid(
    axes: Axes, x: float, y: float, shape: Sequence[int], *, scale: Scale, color: str, label: str | None = None
) -> None:
    """Draw a tensor (C, T, H, W) standing on (x, y), the middle of the lower edge of its front face.

    Lines on the top and the side part the frames. Below come the bar of channels and the label, which is
    "C×T×H×W" unless given; "" draws none.

    Raises:
        InputError: the shape is not four whole numbers of 1 or more.
    """
    channels, frames, height, width = check_shape(shape, "a cuboid is drawn for")
    w, h = width * scale.pixel, height * scale.pixel
    dx, dy = scale.depth(frames)
    left, right, top = x - w / 2, x + w / 2, y + h
    front = [(left, y), (right, y), (right, top), (left, top)]
    roof = [(left, top), (right, top), (right + dx, top + dy), (left + dx, top + dy)]
    side = [(right, y), (right + dx, y + dy), (right + dx, top + dy), (right, top)]
    shades = [mix(color, "white", 0.25), mix(color, "white", 0.6), mix(color, "black", 0.2)]
    axes.add_artist(PolyCollection([front, roof, side], facecolors=shades, edgecolors=INK, linewidths=0.7))
    steps = [scale.depth(t) for t in range(1, frames)]
    edges = [[(left + u, top + v), (right + u, top + v), (right + u, y + v)] for u, v in steps]
    axes.add_artist(LineCollection(edges, colors=INK, linewidths=0.35, snap=False))
    bar = channels * scale.channel
    axes.add_artist(Rectangle((x - bar / 2, y - GAP - BAR), bar, BAR, facecolor=color, edgecolor=INK, linewidth=0.5))
    text = "×".join(map(str, shape)) if label is None else label
    axes.text(x, y - 2 * GAP - BAR, text, ha="center", va="top", fontsize=9, color=INK)


def draw_kind(
    axes: Axes, x: float, y: float, kind: str, *, width: float = 1.15, height: float = 0.24, fontsize: float = 9
) -> None:
    """Draw a kind of convolution as a coloured box with its name, centred on (x, y)."""
    title, color, ink = KINDS[kind]
    corner = (x - width / 2, y - height / 2)
    axes.add_artist(Rectangle(corner, width, height, facecolor=color, edgecolor=INK, linewidth=0.7))
    axes.text(x, y, title, ha="center", va="center", fontsize=fontsize, color=ink)


def blank_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of the given inches and axes that fill it, measured in inches from the lower left, nothing drawn."""
    figure = plt.figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def mix(color: str, other: str, share: float) -> tuple[float, float, float]:
    """A colour with `share` of another one in it."""
    return tuple((1 - share) * np.array(to_rgb(color)) + share * np.array(to_rgb(other)))
