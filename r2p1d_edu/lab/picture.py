"""The picture of the live plot: runs in, SVG out, and nothing else. Lengths are in pixels, from the top left corner."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from r2p1d_edu.lab.curves import Curves
from r2p1d_edu.lab.palette import LINE_WIDTH, MARKER_PATHS, Style, styles

PICTURE_WIDTH = 720
MAX_POINTS, MAX_MARKERS = 200, 30  # of a curve: a panel is 288 pixels wide
INK, SOFT, GRID, ALARM = "#1A1A1A", "#555555", "#E3E3E3", "#B00020"
CEILING, BEYOND = "#8A6100", "#F6F0DF"  # no network has its colour; what lies above it is shaded
# The table under the panels: where each column ends.
COLUMN_ENDS = {"step": 282, "epoch": 330, "loss": 402, "accuracy": 474, "validation": 548, "clips/s": 604, "time": 704}


@dataclass(frozen=True)
class PlotArea:
    """A plotting area, in pixels from the top left corner; steps run from 0 to x_max, values from 0 to y_max."""

    left: float
    top: float
    width: float
    height: float
    x_max: float
    y_max: float

    def at(self, step: float, value: float) -> tuple[float, float]:
        """Where a point lies; what is above y_max is held at the upper edge."""
        y = self.top + self.height * (1 - value / self.y_max)
        return self.left + self.width * step / self.x_max, y if y > self.top else self.top

    def curve(self, points: list, attributes: str) -> str:
        """A polyline through the points, thinned."""
        places = " ".join([f"{x:.1f},{y:.1f}" for x, y in [self.at(*point) for point in thin(points)]])
        return f'<polyline points="{places}" {attributes}/>'

    def axes(self, y_ticks: dict[float, str], x_labels: bool = True) -> str:
        """Grid lines with their labels; `y_ticks` maps values to labels."""
        right, bottom = self.left + self.width, self.top + self.height
        parts = []
        for value, label in y_ticks.items():
            y = self.at(0, value)[1]
            parts.append(f'<path d="M{self.left},{y:.1f}H{right}" stroke="{GRID}"/>')
            parts.append(_text(self.left - 6, y + 4, label, anchor="end"))
        if x_labels:
            parts.append(_text(self.left - 14, bottom + 16, "step", anchor="end"))
            for step in ticks(self.x_max, whole=True):
                parts.append(_text(self.at(step, 0)[0], bottom + 16, f"{step:g}", anchor="middle"))
        return "".join(parts) + f'<path d="M{self.left},{self.top}V{bottom}H{right}" fill="none" stroke="{SOFT}"/>'


def thin(points: list, limit: int = MAX_POINTS) -> list:
    """At most `limit` of the points and the last one: every first, second, fourth, eighth … of them.

    The step is a power of two so that a growing curve does not shimmer: it only ever loses points it has shown.
    """
    every = 1
    while len(points) > limit * every:
        every *= 2
    return points[::every] + (points[-1:] if (len(points) - 1) % every else [])


def ticks(top: float, count: int = 5, whole: bool = False) -> list[float]:
    """Round values from 0 up to `top`, in at most `count` steps of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(top / count))
    step = next(power * m for m in (1, 2, 5, 10) if power * m * count >= top * (1 - 1e-9))
    step = max(step, 1) if whole else step
    return [step * k for k in range(math.floor(top / step + 1e-9) + 1)]


def loss_top(runs: Sequence[Curves]) -> float:
    """Upper end of the loss axis: room for the mean curves, but not for a short burst far above the rest."""
    tops = []
    for run in runs:
        if run.loss:
            means = sorted(value for _, value in thin(run.loss))
            usual = max(run.raw_loss[0][1], means[int(0.9 * (len(means) - 1))])
            tops.append(max(usual, min(means[-1], 3 * usual)))
    top = 1.1 * (max(tops, default=0) or 1)
    step = ticks(top)[1]
    return step * math.ceil(top / step - 1e-9)


def draw(
    runs: Sequence[Curves],
    *,
    title: str = "",
    ceiling: float | None = None,
    ceiling_label: str = "order-blind ceiling",
) -> str:
    """The picture as SVG, 720 pixels wide: loss and learning rate on the left, accuracy on the right, values below.

    The SVG carries a title and a description for those who hear it instead of seeing it.

    Args:
        runs: one or more runs, drawn in the same axes.
        title: a heading; by default the names of the runs.
        ceiling: an accuracy (0 to 1) to mark with a dashed line and shade above it; `ceiling_label`, what it is,
            stands over the panel.
    """
    title = _cut(title or "Training " + ", ".join(run.label for run in runs), 66)
    total = max([run.total_steps for run in runs], default=1)
    fastest = max([run.highest_rate for run in runs], default=0)
    top = loss_top(runs)
    loss = PlotArea(48, 60, 288, 108, total, top)
    rate = PlotArea(48, 192, 288, 24, total, fastest or 1)
    lower = 0 if ceiling is None else 16  # where the ceiling's label stands, clear of the curves
    accuracy = PlotArea(410, 60 + lower, 288, 156 - lower, total, 1)
    looks = styles([run.network for run in runs])
    window = f" over {runs[0].window} steps" if len({run.window for run in runs}) == 1 else ""
    height = 270 + 20 * max(len(runs), 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{PICTURE_WIDTH}" height="{height}" '
        f'viewBox="0 0 {PICTURE_WIDTH} {height}" style="max-width:100%;height:auto" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f"<title>{escape(title)}</title><desc>{escape(in_words(runs, ceiling, ceiling_label))}</desc>",
        f'<rect width="{PICTURE_WIDTH}" height="{height}" rx="8" fill="#FFFFFF"/>',
        _text(16, 25, title, size=16, weight="bold"),
        _text(16, 47, f"Loss: thin, each step; bold, mean{window}"),
        _text(378, 47, "Accuracy: line, training; marker, validation"),
        _text(16, 186, f"Learning rate, highest {fastest:.2g}" if fastest else "Learning rate"),
        loss.axes({value: f"{value:g}" for value in ticks(top)}, x_labels=False),
        rate.axes({}),
        "" if ceiling is None else _ceiling(accuracy, ceiling, f"{ceiling_label} {100 * ceiling:.3g} %"),
        accuracy.axes({share / 4: f"{25 * share} %" for share in range(5)}),
    ]
    for run, look in zip(runs, looks, strict=True):
        parts.append(loss.curve(run.raw_loss, f'fill="none" stroke="{look.color}" opacity="0.35"'))
    for run, look in zip(runs, looks, strict=True):
        parts.append(rate.curve(run.learning_rate, _pen(look, 1.5)))
        for panel, points in ((loss, run.loss), (accuracy, run.accuracy)):
            parts.append(panel.curve(points, _pen(look)))
            if points and not run.done:  # a dot where the run is now, which also shows the very first step
                x, y = panel.at(*points[-1])
                parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{look.color}"/>')
    for run, look in zip(runs, looks, strict=True):
        for point in thin(run.validation, MAX_MARKERS):
            parts.append(_marker(*accuracy.at(*point), look))
    alarms = [f"{run.label}: loss not finite, first at step {run.not_finite}" for run in runs if run.not_finite]
    parts += [_text(330, 76 + 16 * k, alarm, ALARM, "end", weight="bold") for k, alarm in enumerate(alarms)]
    return "".join([*parts, *_table(runs, looks), "</svg>"])


def in_words(runs: Sequence[Curves], ceiling: float | None = None, ceiling_label: str = "ceiling") -> str:
    """What the picture shows, in words, with the latest values of every run."""
    line = f" A dashed line marks the {ceiling_label} at {100 * ceiling:.3g} %." if ceiling is not None else ""
    values = " ".join(f"{run.text()}." for run in runs)
    return f"Left, loss and learning rate against the step; right, accuracy in training and validation.{line} {values}"


def _table(runs: Sequence[Curves], looks: Sequence[Style]) -> list[str]:
    """The latest values, a line for each run, which is also the legend."""
    parts = [f'<path d="M16,260H704" stroke="{GRID}"/>']
    parts += [_text(x, 255, name, SOFT, "end") for name, x in COLUMN_ENDS.items()]
    for place, (run, look) in enumerate(zip(runs, looks, strict=True)):
        y = 277 + 20 * place
        parts.append(f'<path d="M16,{y - 4}H52" {_pen(look)}/>{_marker(34, y - 4, look)}')
        parts.append(_text(60, y, _cut(run.label, 14), weight="bold", size=13))
        summary = run.summary()
        for name, x in COLUMN_ENDS.items():
            parts.append(_text(x, y, summary[name], ALARM if summary[name] == "not finite" else INK, "end", size=13))
    return parts


def _ceiling(panel: PlotArea, value: float, label: str) -> str:
    """A dashed line across the panel, shade above it, and its label over the panel, where no curve comes."""
    y, right, pen = panel.at(0, value)[1], panel.left + panel.width, f'stroke="{CEILING}" stroke-width="1.5"'
    return (
        f'<rect x="{panel.left}" y="{panel.top}" width="{panel.width}" height="{y - panel.top:.1f}" fill="{BEYOND}"/>'
        f'<path d="M{panel.left},{y:.1f}H{right}" {pen} stroke-dasharray="6 4"/>'
        f'<path d="M{panel.left},{panel.top - 9}h26" {pen} stroke-dasharray="6 4"/>'
        + _text(panel.left + 32, panel.top - 5, label, CEILING)
    )


def _text(
    x: float, y: float, text: str, color: str = INK, anchor: str = "start", size: int = 12, weight: str = "normal"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )


def _pen(look: Style, width: float = LINE_WIDTH) -> str:
    dash = f' stroke-dasharray="{look.dash}"' if look.dash else ""
    return f'fill="none" stroke="{look.color}" stroke-width="{width}" stroke-linejoin="round"{dash}'


def _marker(x: float, y: float, look: Style) -> str:
    return (
        f'<path d="{MARKER_PATHS[look.marker]}" transform="translate({x:.1f} {y:.1f}) scale(5.5)" '
        f'fill="{look.color}" stroke="#FFFFFF" stroke-width="0.2"/>'
    )


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
