"""The paper's figures, redrawn from data: who is built of what, and what accuracy is paid for with.

Accuracy is as published (the paper's Table 2), costs are computed: both come from `family_table`.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from r2p1d_edu.cost.report import html_table
from r2p1d_edu.errors import check_choice
from r2p1d_edu.lab.drawing import INK, blank_axes, draw_kind
from r2p1d_edu.lab.palette import style, title
from r2p1d_edu.networks.family import CONTROLLED, FAMILY, STAGES
from r2p1d_edu.networks.table import COLUMNS, NOTES, family_table, format_cell, format_table

COST_AXES = {
    # cost:       (in units of, label)
    "GMAC":       (1, "GMAC for one clip"),
    "parameters": (1e6, "million parameters"),
}  # fmt: skip
LEVELS = ("clip", "video")
# Where a label may stand, seen from its marker, the best first: points right, points up, horizontal alignment.
PLACES = [(9, 0, "left"), (-9, 0, "right"), (0, 12, "center"), (0, -12, "center")]
PLACES += [(right, up, align) for right, align in ((7, "left"), (-7, "right")) for up in (8, -8, 11, -11)]
LETTER, MARKER = (6.6, 12), (14, 12)  # width and height in points


def family_diagram(names: Sequence[str] = tuple(FAMILY)) -> Figure:
    """Every network as five boxes, one a group, in the colour of its kind; clips come in from the left.

    After the paper's Figure 1, turned on its side.
    """
    column, left, row = 1.5, 1.4, 0.37  # inches
    right, height = left + column * len(STAGES), row * (len(names) + 1.2)
    figure, axes = blank_axes(right + 0.1, height)
    middles = [left + column * (place + 0.5) for place in range(len(STAGES))]
    for x, stage in zip(middles, STAGES.values(), strict=True):
        axes.text(x, height - 0.2, stage, ha="center", va="center", fontsize=11, color=INK)
    for number, name in enumerate(names):
        y = height - row * (number + 1.6)
        axes.text(left - 0.15, y, title(name), ha="right", va="center", fontsize=13, weight="bold", color=INK)
        axes.plot([left - 0.08, right], [y, y], color=INK, linewidth=1, zorder=0)
        for x, kind in zip(middles, (FAMILY | CONTROLLED)[name], strict=True):
            draw_kind(axes, x, y, kind, width=column - 0.14, height=row - 0.06, fontsize=11)
    return figure


def accuracy_against(cost: str, frames: int = 16, level: str = "clip") -> Figure:
    """Published accuracy of the twelve networks against what they cost: the paper's Table 2 as a picture.

    Args:
        cost: "GMAC" or "parameters".
        frames: 8 or 16, of one clip of 112×112.
        level: "clip", or "video" for the average of 10 clips.

    Raises:
        InputError: another cost, level or number of frames.
    """
    check_choice(cost, COST_AXES, "cost")
    check_choice(frames, (8, 16), "number of frames")
    check_choice(level, LEVELS, "level of accuracy")
    unit, label = COST_AXES[cost]
    rows = [row for row in family_table() if row["frames"] == frames]
    points = {row["network"]: (row[cost] / unit, row[f"paper {level}"]) for row in rows}
    figure, axes = plt.subplots(figsize=(7, 4.4), layout="constrained")
    axes.margins(0.16, 0.12)
    for name, point in points.items():
        look = style(name)
        axes.plot(*point, look.marker, color=look.color, markersize=9, markeredgecolor="white", zorder=3)
    axes.grid(color="#E3E3E3")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(f"{label} of {frames} frames of 112×112 (computed)" if cost == "GMAC" else f"{label} (computed)")
    axes.set_ylabel(f"{level} top-1 in % (published)")
    axes.set_title(f"Kinetics-400, Table 2 of the paper, {frames} frames", fontsize=11)
    label_points(figure, axes, points)
    return figure


def label_points(figure: Figure, axes: Axes, points: dict[str, tuple[float, float]]) -> None:
    """Write each network's name beside its marker, where it covers the least of the other markers and names.

    Each name in turn takes the best place that the others leave it, a few times over.
    """
    figure.draw_without_rendering()  # the axes take their final place
    scale = 72 / figure.dpi  # pixels to points
    at = {name: axes.transData.transform(point) * scale for name, point in points.items()}
    markers = {name: label_box(x, y, *MARKER, "center") for name, (x, y) in at.items()}
    options = {}
    for name, (x, y) in at.items():
        width, height = LETTER[0] * len(title(name)), LETTER[1]
        options[name] = [label_box(x + right, y + up, width, height, align) for right, up, align in PLACES]
    chosen = dict.fromkeys(points, 0)
    for name in [*points] * 3:
        others = [options[other][place] for other, place in chosen.items() if other != name]
        others += [marker for other, marker in markers.items() if other != name]
        cost = [rank + sum(overlap(option, other) for other in others) for rank, option in enumerate(options[name])]
        chosen[name] = cost.index(min(cost))
    for name, place in chosen.items():
        right, up, align = PLACES[place]
        text = axes.annotate(title(name), points[name], (right, up), textcoords="offset points", fontsize=10)
        text.set(ha=align, va="center")


def label_box(x: float, y: float, width: float, height: float, align: str) -> Bbox:
    """A box whose left side, centre or right side is at x, its middle at y."""
    left = x - {"left": 0, "center": width / 2, "right": width}[align]
    return Bbox.from_bounds(left, y - height / 2, width, height)


def overlap(one: Bbox, other: Bbox) -> float:
    """The area that two boxes share."""
    shared = Bbox.intersection(one, other)
    return shared.width * shared.height if shared else 0


class FamilyTable:
    """The twelve networks at 8 and at 16 frames, as a table in a notebook and as aligned text elsewhere."""

    def __init__(self):
        self.rows = family_table()

    def __repr__(self) -> str:
        return format_table(self.rows)

    def _repr_html_(self) -> str:
        cells = [[format_cell(column, row[column]) for column in COLUMNS[1:]] for row in self.rows]
        body = [[title(row["network"]), *others] for row, others in zip(self.rows, cells, strict=True)]
        caption = "The family: costs as computed here, accuracies as published"
        return html_table(caption, list(COLUMNS), body, footer=" ".join(NOTES))
