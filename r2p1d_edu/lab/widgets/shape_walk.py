"""The shape walk: follow a clip through a network, one convolution a step, with the tensors drawn."""

from dataclasses import dataclass
from itertools import groupby
from math import prod

import ipywidgets
import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from r2p1d_edu.cost.layers import account
from r2p1d_edu.cost.report import Row, Shape, times
from r2p1d_edu.errors import check_choice
from r2p1d_edu.lab.drawing import INK, Scale, blank_axes, draw_cuboid, draw_kind
from r2p1d_edu.lab.figures import figure_png, figure_svg
from r2p1d_edu.lab.palette import style, title
from r2p1d_edu.networks.family import FAMILY, create_network
from r2p1d_edu.networks.family import STAGES as GROUPS

PAUSE = 1200  # milliseconds between two steps when playing


@dataclass(frozen=True)
class Step:
    """One convolution of the paper's, or the pool, or the classifier; the two halves of a (2+1)D one are one step.

    Attributes:
        name: "clip", "stem", "layer1.0.conv1", …, "avgpool", "fc".
        kind: a kind of convolution as in FAMILY, or "".
        what: in words: kernels, or what else is done.
        stride: (t, h, w) of the whole step.
        before, after: (C, T, H, W).
        field: receptive field of one number of `after`, as (t, h, w), padding included.
        parameters, macs: BatchNorm's parameters are in, its multiply-adds are none by convention.
    """

    name: str
    kind: str
    what: str
    stride: tuple[int, int, int]
    before: Shape
    after: Shape
    field: tuple[int, int, int]
    parameters: int
    macs: int


def steps(name: str, frames: int = 16, size: int = 112) -> list[Step]:
    """The clip, and then every step of a network of the FAMILY at depth 18. Shortcuts are left out.

    Raises:
        InputError: an unknown network, or a clip that it cannot take.
    """
    check_choice(name, FAMILY, "network of the family")
    with torch.device("meta"):
        network = create_network(name, frames=frames)
    clip = (3, frames, size, size)
    rows = [row for row in account(network, clip).rows if row.out_shape]
    found = [Step("clip", "", "what goes in", (1, 1, 1), clip, clip, (1, 1, 1), 0, 0)]
    for place, members in groupby(rows, key=lambda row: place_of(row.name)):
        if place.rpartition(".")[2] not in ("downsample", "relu", "fusion"):
            found.append(step_of(place, list(members), name))
    return found


def place_of(row: str) -> str:
    """The step that a row belongs to: "layer1.0.conv1.0.3" → "layer1.0.conv1", "stem.3" → "stem"."""
    parts = row.split(".")
    return ".".join(parts[:3]) if parts[0].startswith("layer") else parts[0]


def step_of(place: str, rows: list[Row], network: str) -> Step:
    """Sum up the rows of one step, which come one after the other."""
    group = place.partition(".")[0]
    kind = FAMILY[network][list(GROUPS).index(group)] if group in GROUPS else ""
    windows = [row for row in rows if row.kind == "Conv"]
    if windows:
        first, *rest = windows
        what = times(first.kernel) + "".join(f" to {first.out_shape[0]} channels, {times(row.kernel)}" for row in rest)
    else:
        what = {"avgpool": "average over all frames and pixels", "fc": "linear"}[place]
    return Step(
        name=place,
        kind=kind,
        what=what,
        stride=tuple(prod(row.stride[axis] for row in windows) for axis in range(3)),
        before=cuboid(rows[0].in_shape),
        after=cuboid(rows[-1].out_shape),
        field=rows[-1].field,
        parameters=sum(row.parameters for row in rows),
        macs=sum(row.macs for row in rows),
    )


def cuboid(shape: Shape) -> Shape:
    """(C, T, H, W); a vector of features is C×1×1×1."""
    return (*shape, 1, 1, 1)[:4]


def describe(path: list[Step], number: int, name: str) -> str:
    """Step `number` of `path` in words; `name` is the network's."""
    step, clip = path[number], path[0].after
    facts = ", ".join([step.what, *facts_of(step)])
    return (
        f"{title(name)}, step {number} of {len(path) - 1}, {place_and_group(step)}: {facts};"
        f" {times(step.before)} → {times(step.after)} (C×T×H×W);"
        f" one number sees {times(step.field)} of {times(clip[1:])} frames×rows×columns."
    )


def place_and_group(step: Step) -> str:
    """Our name and the paper's: "layer1.0.conv1 (conv2_x)"."""
    return f"{step.name} ({GROUPS[step.name.partition('.')[0]]})" if step.kind else step.name


def facts_of(step: Step) -> list[str]:
    """Stride, parameters and multiply-adds, where there are any."""
    facts = {
        f"stride {times(step.stride)}": step.kind,
        f"{step.parameters:,} parameters": step.parameters,
        f"{step.macs / 1e6:,.1f} MMAC": step.macs,
    }
    return [fact for fact, there in facts.items() if there]


def draw_step(path: list[Step], number: int, name: str) -> Figure:
    """The tensor before and after step `number` of `path`, to one scale for the whole network `name`."""
    step, clip, color = path[number], path[0].after, style(name).color
    figure, axes = blank_axes(8.2, 3.3)
    scale = Scale.fit([step.after for step in path], side=1.4, depth=0.9, bar=1.7)
    axes.text(0.15, 3.1, f"{number}  {place_and_group(step)}", fontsize=13, weight="bold", va="center", color=INK)
    axes.text(0.15, 2.84, step.what, fontsize=11, va="center", color=INK)
    if number:
        draw_cuboid(axes, 1.1, 0.55, step.before, scale=scale, color=color)
        axes.annotate("", (3.75, 1.1), (2.75, 1.1), arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.5})
    if step.kind:
        draw_kind(axes, 3.25, 1.35, step.kind, width=1.0)
    draw_cuboid(axes, 4.8, 0.55, step.after, scale=scale, color=color)
    axes.text(6.4, 2.3, "\n".join(facts_of(step)), fontsize=10, va="top", linespacing=1.7, color=INK)
    draw_frames_seen(axes, 6.4, 0.85, step.field[0], clip[1])
    return figure


def draw_frames_seen(axes: Axes, x: float, y: float, seen: int, frames: int) -> None:
    """The clip's frames from first to last, 1.6 wide in all; filled: what a unit in the middle sees of them."""
    width, first = 1.6 / frames, max(0, (frames - seen) // 2)
    for frame in range(frames):
        color = INK if first <= frame < first + seen else "white"
        corner = (x + frame * width, y)
        axes.add_patch(Rectangle(corner, 0.75 * width, 0.22, facecolor=color, edgecolor=INK, linewidth=0.6))
    noun = "frame" if seen == 1 else "frames"
    axes.text(x, y - 0.1, f"sees {seen} {noun}\n(the clip has {frames})", fontsize=10, va="top", color=INK)


class ShapeWalk(ipywidgets.VBox):
    """Play, or step with the slider, through a network of the FAMILY at depth 18.

    All pictures are drawn in advance, and what joins slider and pictures runs in the page itself: in a page that is
    exported with its widgets, the walk works without a kernel. Without widgets the present step is left as a picture.
    From Python: `walk.step.value = 5`, then `walk.words`.

    Args:
        name, frames, size: the network and its clip, as in `steps`; refused by the same InputErrors.
    """

    def __init__(self, name: str = "r2plus1d", frames: int = 16, size: int = 112):
        self.name, self.path = name, steps(name, frames, size)
        last = len(self.path) - 1
        play = ipywidgets.Play(min=0, max=last, interval=PAUSE, description="play")
        self.step = ipywidgets.IntSlider(
            0, 0, last, description=f"step through {title(name)}", layout=ipywidgets.Layout(width="520px")
        )
        self.step.style.description_width = "initial"
        self.pictures = ipywidgets.Stack([ipywidgets.HTML(self.svg(number)) for number in range(last + 1)])
        self.pictures.selected_index = 0
        self.links = (
            ipywidgets.jslink((play, "value"), (self.step, "value")),
            ipywidgets.jslink((self.step, "value"), (self.pictures, "selected_index")),
        )
        super().__init__([ipywidgets.HBox([play, self.step]), self.pictures])

    @property
    def words(self) -> str:
        """The present step in words."""
        return describe(self.path, self.step.value, self.name)

    def svg(self, number: int) -> str:
        """Step `number` as an <svg> element; letters stay letters, which keeps twenty of them small."""
        figure = draw_step(self.path, number, self.name)
        with plt.rc_context({"svg.fonttype": "none"}):
            picture = figure_svg(figure, describe(self.path, number, self.name))
        plt.close(figure)
        return picture

    def _repr_mimebundle_(self, **options):
        figure = draw_step(self.path, self.step.value, self.name)
        png = figure_png(figure)
        plt.close(figure)
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = dict(data) | {"text/plain": self.words, "image/png": png}
        return data, dict(metadata) | {"image/png": {"alt": self.words}}
