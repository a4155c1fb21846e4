"""One or two networks of the family in one picture: a cuboid a stage, and bars of what each stage costs.

Shapes and costs come from `account`, on networks that have shapes and no numbers, so a picture is a matter of
milliseconds at any size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from r2p1d_edu.cost.layers import account
from r2p1d_edu.cost.report import Account, times
from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.drawing import INK, KINDS, LIGHT_GREY, Scale, blank_axes, draw_cuboid, draw_kind
from r2p1d_edu.lab.palette import style, title
from r2p1d_edu.networks.family import CONTROLLED, FAMILY, STAGES, create_network
from r2p1d_edu.networks.published import Accuracy, published

ROWS = FAMILY | CONTROLLED
AS_PAPER = {"depth": 18, "width": 64, "size": 112}  # what the published accuracies belong to
AXES = ("frame", "row", "column")

COLUMN, MARGIN, BAND, BARS = 1.28, 0.12, 2.46, 0.78  # inches
PAPER_SHAPE = (512, 16, 112, 112)  # the most channels, frames and pixels that the paper draws at 16 frames


def name_of(kinds: Sequence[str]) -> str | None:
    """The name of the network that has these five kinds, where it is one of the course's."""
    return next((name for name, row in ROWS.items() if row == tuple(kinds)), None)


@dataclass(frozen=True)
class Plan:
    """A network of five kinds and the clip (3, frames, size, size) that it is to see; 400 classes.

    Raises:
        InputError: on `bill`, if there is no such network or it cannot take such a clip.
    """

    kinds: tuple[str, ...]
    depth: int = 18
    width: int = 64
    frames: int = 16
    size: int = 112

    @property
    def title(self) -> str:
        """The name of the network, where it has one."""
        name = name_of(self.kinds)
        return title(name) if name else "A network of your own"

    @cached_property
    def bill(self) -> Account:
        """What it costs, a row a stage."""
        bill = bill_of(self)
        check_room(bill)
        return bill.groups()

    @property
    def sees(self) -> int:
        """Frames that one number of conv5_x depends on, padding included."""
        return self.stage("layer4").field[0]

    def stage(self, group: str):
        """The row of one stage."""
        return next(row for row in self.bill.rows if row.group == group)

    @property
    def published(self) -> list[Accuracy]:
        """What is published for exactly this network, or nothing."""
        as_paper = all(getattr(self, key) == value for key, value in AS_PAPER.items())
        return published(name_of(self.kinds), self.frames) if as_paper else []

    @property
    def totals(self) -> str:
        """Parameters and multiply-adds of the whole network."""
        return f"{self.bill.params:,} parameters, {self.bill.macs / 1e9:.3f} GMAC"

    @property
    def facts(self) -> str:
        """Receptive field in time, ReLUs and memory."""
        frames = "1 frame" if self.sees == 1 else f"{self.sees} frames"
        mebibytes = self.bill.activations / 2**20
        return f"conv5_x sees {frames}, with padding · {self.bill.relus} ReLUs · {mebibytes:,.1f} MiB of activations"

    def words(self) -> str:
        """All of it in a sentence or two."""
        accuracies = [f"{item.source}: clip {item.clip:.1f} %, video {item.video:.1f} %" for item in self.published]
        kinds = ", ".join(KINDS[kind][0] for kind in self.kinds)
        skeleton = f"depth {self.depth}, width {self.width}, a clip of {self.frames} frames of {self.size}×{self.size}"
        found = f" Kinetics-400 ({'; '.join(accuracies)})." if accuracies else ""
        return f"{self.title} ({kinds}), {skeleton}: {self.totals}; {self.facts}.{found}"


@lru_cache(maxsize=256)
def bill_of(plan: Plan) -> Account:
    """The bill, layer by layer; kept, since a learner comes back to the same networks."""
    with torch.device("meta"):
        network = create_network(plan.kinds, depth=plan.depth, width=plan.width, frames=plan.frames)
    return account(network, (3, plan.frames, plan.size, plan.size))


def check_room(bill: Account) -> None:
    """Refuse a clip smaller than the first kernels, and one that is used up before the last stride.

    The networks themselves would run, as everything is padded; but such a kernel sees more padding than clip.

    Raises:
        InputError: naming the stage and what would mend it.
    """
    for row in bill.rows:
        stage = STAGES.get(row.group)
        if not row.kernel or not stage:
            continue
        sizes = row.in_shape[1:]
        for axis, size, kernel, stride in zip(AXES, sizes, row.kernel, row.stride, strict=True):
            more = "use more frames" if axis == "frame" else "use a larger size"
            if stage == "conv1" and kernel > size:
                raise InputError(f"conv1's kernel {times(row.kernel)} is larger than its input {times(sizes)}: {more}")
            if stride > 1 and size == 1:
                if axis == "frame" and bill.rows[0].out_shape[1] == 1 < bill.clip[1]:
                    more = "conv1 took all frames as channels, so choose 2D after it"
                raise InputError(f"{stage} keeps every second {axis}, but only one {axis} is left: {more}")


def draw_networks(plans: Sequence[Plan]) -> tuple[Figure, str]:
    """One network, or two to compare: the picture, and the same in words.

    Raises:
        InputError: a network that cannot be, or that cannot take its clip.
    """
    shapes = [row.out_shape for plan in plans for row in plan.bill.rows if len(row.out_shape) == 4]
    scale = Scale.fit([*shapes, *(plan.bill.clip for plan in plans), PAPER_SHAPE], side=0.78, depth=0.62)
    height = len(plans) * BAND + 2 * BARS + 0.25
    figure, axes = blank_axes(7 * COLUMN + 2 * MARGIN, height)
    for place, plan in enumerate(plans):
        draw_band(axes, height - (place + 1) * BAND, plan, scale, hatch_of(place))
    draw_bars(axes, 0.22 + BARS, "parameters", [[row.parameters for row in costs(plan)] for plan in plans], plans)
    draw_bars(axes, 0.22, "GMAC", [[row.macs / 1e9 for row in costs(plan)] for plan in plans], plans)
    for place, name in enumerate((*STAGES.values(), "fc"), 1):
        axes.text(column(place), 0.18, name, ha="center", va="top", fontsize=9, color=INK)
    return figure, "\n".join(plan.words() for plan in plans)


def column(place: int) -> float:
    """Where the middle of a column is: 0 is the clip, 1 to 5 the stages, 6 the classifier."""
    return MARGIN + COLUMN * (place + 0.5)


def hatch_of(place: int) -> str:
    """The bars of a second network are hatched, so that nothing rests on colour alone."""
    return "////" if place else ""


def costs(plan: Plan) -> list:
    """The six stages that cost something."""
    return [plan.stage(group) for group in (*STAGES, "fc")]


def draw_band(axes: Axes, y: float, plan: Plan, scale: Scale, hatch: str) -> None:
    """A network's title and its cuboids in a row; `y` is the lower end."""
    top, right = y + BAND - 0.16, column(6) + COLUMN / 2
    axes.add_artist(Rectangle((MARGIN, top - 0.09), 0.3, 0.17, hatch=hatch, **look_of(plan)))
    axes.text(MARGIN + 0.4, top, plan.title, fontsize=11, weight="bold", va="center")
    axes.text(right, top, plan.totals, fontsize=10, weight="bold", va="center", ha="right")
    axes.text(MARGIN, top - 0.22, plan.facts, fontsize=9, va="center")
    if plan.published:
        paper = plan.published[0]
        found = f"Kinetics-400 ({paper.source}): clip {paper.clip:.1f} %, video {paper.video:.1f} %"
        axes.text(right, top - 0.22, found, fontsize=9, va="center", ha="right")
    stages = [plan.stage(group).out_shape for group in STAGES]
    shapes = {"clip": plan.bill.clip, **dict(zip(STAGES.values(), stages, strict=True))}
    shapes["pool"] = plan.stage("avgpool").out_shape
    colors = ["white", *(KINDS[kind][1] for kind in plan.kinds), LIGHT_GREY]
    for place, (name, shape) in enumerate(shapes.items()):
        label = f"{times(shape)}\n{name}"
        draw_cuboid(axes, column(place), y + 0.77, shape, scale=scale, color=colors[place], label=label)
    for place, kind in enumerate(plan.kinds, 1):
        draw_kind(axes, column(place), y + 0.15, kind, width=COLUMN - 0.08)


def draw_bars(axes: Axes, base: float, what: str, values: list[list[float]], plans: Sequence[Plan]) -> None:
    """Bars of one cost, a bar a stage and network, under the columns of the cuboids; they stand on `base`."""
    most, width = max(map(max, values)), 0.7 if len(plans) == 1 else 0.5
    axes.text(column(0) + COLUMN / 2 - 0.1, base, what, ha="right", va="bottom", fontsize=10, weight="bold")
    axes.hlines(base, column(0) + COLUMN / 2, column(6) + COLUMN / 2, color=INK, linewidth=0.7)
    for number, (plan, stages) in enumerate(zip(plans, values, strict=True)):
        for place, value in enumerate(stages, 1):
            middle, tall = column(place) + width * (number + 0.5 - len(plans) / 2), 0.48 * value / most
            corner = (middle - width / 2 + 0.02, base)
            axes.add_artist(Rectangle(corner, width - 0.04, tall, hatch=hatch_of(number), **look_of(plan)))
            axes.text(middle, base + tall + 0.02, short(value), ha="center", va="bottom", fontsize=9)


def look_of(plan: Plan) -> dict:
    """The network's colour, for a patch."""
    return {"facecolor": style(name_of(plan.kinds) or plan.kinds).color, "edgecolor": "white", "linewidth": 0}


def short(value: float) -> str:
    """A count or a number of GMAC, rounded to what fits over a bar.

    >>> short(10_600_000), short(28_352), short(5.2), short(0.0002)
    ('10.6 M', '28 k', '5.20', '<0.01')
    """
    if isinstance(value, int):
        return f"{value / 1e6:.1f} M" if value >= 1e6 else f"{value / 1e3:.0f} k" if value >= 1e3 else str(value)
    return f"{value:.2f}" if value >= 0.005 else "<0.01"
