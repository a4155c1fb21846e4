"""Convolution scrubber: one output value of a 3×3×3 convolution over a clip, taken apart, beside its (2+1)D twin.

Pixels and weights are whole numbers and the one division comes last, so what is written adds up to the digit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import ipywidgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from r2p1d_edu.errors import InputError, check_choice
from r2p1d_edu.lab.palette import BLUE, VERMILLION
from r2p1d_edu.lab.widgets.panel import ControlPanel

BOX = ((1, 1, 1), (1, 1, 1), (1, 1, 1))
EDGE = ((-1, -1, -1), (0, 0, 0), (1, 1, 1))  # dark above, bright below
LINE = ((-1, -1, -1), (2, 2, 2), (-1, -1, -1))
WIDTH, HEIGHT, LEFT = 820, 500, 16  # of the picture and its margin, in hundredths of an inch


@dataclass(frozen=True)
class Kernel:
    """A 3×3×3 kernel as a sum of pairs (three weights in time, 3×3 weights in space), over a divisor.

    One pair makes a separable kernel. Pairs are at right angles to each other and the strongest comes first, so the
    first alone is the nearest separable kernel (Eckart and Young, 1936).
    """

    pairs: tuple[tuple[tuple, tuple], ...]
    divisor: int

    @property
    def weights(self) -> np.ndarray:
        """Whole numbers (3, 3, 3): time, height, width; the kernel's own weights are these over the divisor."""
        return sum(np.multiply.outer(time, space) for time, space in self.pairs)

    @property
    def rank(self) -> int:
        """How many pairs it takes, the number of channels that a (2+1)D twin needs in between."""
        return int(np.linalg.matrix_rank(self.weights.reshape(3, 9)))


KERNELS = {
    #                               weights in time and in space, one or more pairs     divisor
    "average":             Kernel((((1, 1, 1), BOX),), 27),
    "spatial edge":        Kernel((((0, 1, 0), EDGE),), 3),  # looks at one frame: a 2D kernel
    "temporal difference": Kernel((((-1, 0, 1), BOX),), 9),
    "edge moving up":      Kernel((((-1, 0, 1), LINE), ((1, 1, 1), EDGE)), 15),
    "edge moving down":    Kernel((((1, 0, -1), LINE), ((1, 1, 1), EDGE)), 15),
}  # fmt: skip


def grey(frames: np.ndarray, side: int = 16) -> np.ndarray:
    """Colour frames (T, H, W, 3) as a small grey clip (T, side, side) of whole numbers; a pixel averages a block."""
    frames = np.asarray(frames)
    if frames.ndim != 4 or side < 1 or any(length % side for length in frames.shape[1:3]):
        raise InputError(f"grey() takes (T, H, W, 3) with H and W multiples of {side}; got {frames.shape}")
    t, height, width, colours = frames.shape
    blocks = frames.reshape(t, side, height // side, side, width // side, colours)
    return blocks.mean((2, 4, 5)).round().astype(int)


def windows(frames: np.ndarray) -> np.ndarray:
    """The 3×3×3 pixels around every pixel of (T, H, W), zeros beyond the clip: (T, H, W, 3, 3, 3)."""
    return np.lib.stride_tricks.sliding_window_view(np.pad(frames, 1), (3, 3, 3))


def convolve(frames: np.ndarray, kernel: Kernel) -> np.ndarray:
    """The kernel's output at every pixel, the clip padded with zeros as in the networks: (T, H, W)."""
    return np.einsum("tyxabc,abc->tyx", windows(frames), kernel.weights) / kernel.divisor


@dataclass(frozen=True)
class Value:
    """One output value taken apart, in whole numbers: `total` over the kernel's divisor is the value.

    `frames`: 3D, the sum of nine products in each of three frames. `space`: (2+1)D, the result of each pair's spatial
    kernel in each frame, (pairs, 3). `time`: what each pair's temporal weights make of these, (pairs,).
    """

    frames: np.ndarray
    space: np.ndarray
    time: np.ndarray
    total: int


def take_apart(window: np.ndarray, kernel: Kernel) -> Value:
    """Compute a value from its 3×3×3 pixels both ways."""
    frames = (window * kernel.weights).sum((1, 2))
    space = np.array([[(frame * np.array(space)).sum() for frame in window] for _, space in kernel.pairs])
    time = np.array([np.dot(time, sums) for (time, _), sums in zip(kernel.pairs, space, strict=True)])
    return Value(frames, space, time, int(frames.sum()))


def explain(kernel: Kernel, value: Value) -> list[str]:
    """The arithmetic in lines: the 3D sum, then the (2+1)D twin and whether the two agree."""
    lines = [f"3D, 27 products at once: {added(value.frames)} = {number(value.total)}"]
    for (time, space), sums, result in zip(kernel.pairs, value.space, value.time, strict=True):
        rows = "; ".join(" ".join(map(number, row)) for row in space)
        factors = [f"({number(sum_)})" if sum_ < 0 else number(sum_) for sum_ in sums]
        steps = added(f"{number(weight)}×{factor}" for weight, factor in zip(time, factors, strict=True))
        lines.append(f"(2+1)D, space [{rows}]: {', '.join(map(number, sums))}; time: {steps} = {number(result)}")
    agree = "equal" if value.time.sum() == value.total else "not equal"
    if kernel.rank == 1:
        lines.append(f"Separable: one spatial and one temporal kernel do the same; {agree}.")
    else:
        lines.append(
            f"Not separable (rank {kernel.rank}): the nearest separable kernel gives {number(value.time[0])}; "
            f"all pairs give {added(value.time)} = {number(value.time.sum())}, {agree}."
        )
    quotient = f"{number(value.total)} / {kernel.divisor} = {number(round(value.total / kernel.divisor, 2))}"
    return [*lines, f"Output: {quotient}"]


def number(value: object) -> str:
    """A number with a true minus sign and no needless zeros; text stays as it is."""
    return value if isinstance(value, str) else f"{value:.10g}".replace("-", "−")


def added(terms) -> str:
    """Terms joined to a sum: 3 + 4 − 5."""
    return " + ".join(map(number, terms)).replace("+ −", "− ")


def whole_numbers(frames: np.ndarray, name: str) -> np.ndarray:
    """The clip as (T, H, W) whole numbers; InputError for anything else."""
    frames = np.asarray(frames)
    if frames.ndim != 3 or not np.issubdtype(frames.dtype, np.integer):
        seen = f"{frames.dtype} {frames.shape}"
        raise InputError(f"{name}: a clip here is (T, H, W) whole numbers; got {seen}; see grey()")
    return frames.astype(int)


def check_place(frames: np.ndarray, name: str, place: tuple[int, int, int]) -> None:
    """Refuse a clip smaller than the kernel, or a place (t, y, x) outside of it."""
    if min(frames.shape) < 3:
        raise InputError(f"{name}: a 3×3×3 kernel is larger than this clip of {'×'.join(map(str, frames.shape))}")
    for axis, at, length in zip(("t", "y", "x"), place, frames.shape, strict=True):
        if not 0 <= at < length:
            raise InputError(f"{name}: {axis} = {at} is outside the clip; choose 0 to {length - 1}")


def draw_scrubber(
    clips: Mapping[str, np.ndarray], *, clip: str, kernel: str, t: int, y: int, x: int
) -> tuple[Figure, str]:
    """The clip, the output, the 27 pixels with their weights and the arithmetic of the value at (t, y, x).

    Args:
        clips: title → whole numbers (T, H, W).
        clip, kernel: which clip, and which of KERNELS.
        t, y, x: frame, row and column of the kernel's middle.

    Raises:
        InputError: an unknown kernel or clip, a clip smaller than the kernel, or a place outside of it.
    """
    check_choice(clip, clips, "clip")
    check_choice(kernel, KERNELS, "kernel")
    frames, chosen = whole_numbers(clips[clip], clip), KERNELS[kernel]
    check_place(frames, clip, (t, y, x))
    output, window = convolve(frames, chosen), windows(frames)[t, y, x]
    value = take_apart(window, chosen)
    lines = explain(chosen, value)
    figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100))
    page = figure.add_axes((0, 0, 1, 1))  # one page for all: axes and ticks are what is slow to draw
    page.text(LEFT, 18, f"{clip}, and the 3×3×3 pixels under “{kernel}”", fontsize=11, weight="bold")
    shades = (frames.min(), max(frames.max(), frames.min() + 1))
    strip(page, 26, frames, "gray", shades, (t, y, x), reach=1)
    inner = np.abs(output[1:-1, 1:-1, 1:-1]).max()  # zeros beyond the clip make an edge that would outshine the rest
    top = max(inner, 1)
    strip(page, 128, output, "PuOr_r", (-top, top), (t, y, x), reach=0)
    scale = f"Output of every place, colours from {number(-round(top))} (purple) to {round(top)} (orange)"
    page.text(LEFT, 120, scale, fontsize=10)
    titles = [f"frame {n}" if 0 <= n < len(frames) else "beyond the clip" for n in (t - 1, t, t + 1)]
    cells(page, 222, window, chosen.weights, value.frames, shades, titles)
    for row, line in enumerate(lines):
        color = BLUE if line.startswith("(2+1)D") else "black"
        page.text(LEFT, 396 + 20 * row, line, fontsize=9.5, color=color)
    page.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    page.set_axis_off()
    sentences = (line if line.endswith(".") else f"{line}." for line in lines)
    return figure, f"{clip}, {kernel}, at frame {t}, row {y}, column {x}. " + " ".join(sentences)


def strip(page: Axes, top: float, frames: np.ndarray, colours: str, limits: tuple, place: tuple, reach: int) -> None:
    """Draw (T, H, W) as a row of frames; the square of `place` is marked in the frames within `reach` of it."""
    count, height, width = frames.shape
    gap = max(1, width // 8)
    row = np.full((height, count * (width + gap) - gap), np.nan)
    for frame in range(count):
        row[:, frame * (width + gap) :][:, :width] = frames[frame]
    size = min((WIDTH - 2 * LEFT) / row.shape[1], 70 / height)  # of a pixel
    extent = (LEFT, LEFT + row.shape[1] * size, top + height * size, top)
    page.imshow(row, colours, vmin=limits[0], vmax=limits[1], extent=extent, aspect="auto", interpolation="none")
    t, y, x = place
    outline = {"fill": False, "color": VERMILLION}
    for frame in range(count):
        left = LEFT + frame * (width + gap) * size
        near = abs(frame - t) <= reach
        label = {"color": VERMILLION, "weight": "bold"} if near else {}
        page.text(left + width * size / 2, top + height * size + 14, str(frame), ha="center", fontsize=9, **label)
        if near:
            reached = max(reach, 0.5)  # room around a single pixel
            side = (2 * reached + 1) * size
            corner = (left + (x - reached) * size, top + (y - reached) * size)
            page.add_patch(Rectangle((left, top), width * size, height * size, linewidth=1, **outline))
            page.add_patch(Rectangle(corner, side, side, linewidth=2, **outline))


def cells(
    page: Axes, top: float, window: np.ndarray, weights: np.ndarray, sums: np.ndarray, shades: tuple, titles: list[str]
) -> None:
    """Draw the 27 pixels as grey cells, the pixel and its weight written in, and the sum under each frame."""
    wide, cell, middle = np.full((3, 11), np.nan), ((WIDTH - 2 * LEFT) / 11, 45), sum(shades) / 2
    for frame in range(3):
        wide[:, 4 * frame : 4 * frame + 3] = window[frame]
        line = f"{titles[frame]}: sum {number(sums[frame])}"
        page.text(LEFT + (4 * frame + 1.5) * cell[0], top + 3 * cell[1] + 17, line, ha="center", fontsize=10)
        for (row, column), pixel in np.ndenumerate(window[frame]):
            text, color = (
                f"{number(pixel)}×{number(weights[frame, row, column])}",
                "white" if pixel < middle else "black",
            )
            x, y = LEFT + (4 * frame + column + 0.5) * cell[0], top + (row + 0.5) * cell[1]
            page.text(x, y, text, ha="center", va="center", color=color, fontsize=10)
    extent = (LEFT, WIDTH - LEFT, top + 3 * cell[1], top)
    page.imshow(wide, "gray", vmin=shades[0], vmax=shades[1], extent=extent, aspect="auto", interpolation="none")


def scrubber(clips: Mapping[str, np.ndarray], **start) -> ControlPanel:
    """The widget. `clips`: title → whole numbers (T, H, W); `start`: first values of clip, kernel, t, y, x."""
    if not clips:
        raise InputError("there is no clip to look at; give {title: whole numbers (T, H, W)}")
    lengths = np.max([whole_numbers(clip, name).shape for name, clip in clips.items()], axis=0)
    controls = {
        "clip": ipywidgets.Dropdown(options=list(clips), description="clip"),
        "kernel": ipywidgets.Dropdown(options=list(KERNELS), description="kernel"),
    }
    for name, word, length in zip("tyx", ("frame t", "row y", "column x"), lengths.tolist(), strict=True):
        width = ipywidgets.Layout(width="270px")
        controls[name] = ipywidgets.IntSlider(length // 2, 0, length - 1, description=word, layout=width)
    for name, value in start.items():
        check_choice(name, controls, "control")
        controls[name].value = value
    return ControlPanel(partial(draw_scrubber, clips), controls, [("clip", "kernel"), ("t", "y", "x")])
