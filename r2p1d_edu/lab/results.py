"""Results of the experiments for a lesson: tables, verdicts and a plot, all of them from the files."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from textwrap import fill

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from r2p1d_edu.cost.report import html_table
from r2p1d_edu.lab.grid import WIDTH, Setup
from r2p1d_edu.lab.palette import GREY, style, title
from r2p1d_edu.lab.verdicts import (
    FAILS,
    HOLDS,
    UNKNOWN,
    VERDICTS,
    Results,
    Sample,
    Terms,
    accuracy,
    difference,
    in_paper,
    protocol,
    training_loss,
)
from r2p1d_edu.networks.published import published

ABSENT = "–"
Measure = Callable[[Results, Setup], Sample]


def name_of(setup: Setup) -> str:
    """What a setup is called beside others of its claim: "MC3, width 27"."""
    changed = [f"{option.replace('_', ' ')} {value}" for option, value in setup.options.items()]
    width = [f"width {setup.width}"] if setup.width != WIDTH else []
    return ", ".join([title(setup.network), *width, *changed])


def plus_minus(sample: Sample, unit: float = 100, digits: int = 1) -> str:
    """Mean ± sample standard deviation in the unit given, percent by default: "81.3 ± 2.0"."""
    if not sample.values:
        return ABSENT
    spread = f" ± {unit * sample.spread:.{digits}f}" if len(sample.values) > 1 else " (one seed)"
    return f"{unit * sample.mean:.{digits}f}{spread}"


class Table:
    """A table that displays itself: HTML in a notebook, aligned text elsewhere."""

    def __init__(self, caption: str, header: Sequence[str], body: Sequence[Sequence[str]], footer: str = ""):
        self.caption, self.header, self.body, self.footer = caption, list(header), [list(row) for row in body], footer

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.header, *self.body, strict=True)]
        rows = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (self.header, *self.body)]
        return "\n".join([self.caption, *rows, *filter(None, [self.footer])])

    def _repr_html_(self) -> str:
        return html_table(self.caption, self.header, self.body, self.footer)


def setup_table(results: Results, setups: Sequence[Setup]) -> Table:
    """A row a setup: size, accuracy here and in the paper, and the loss it ended training with.

    Where setups of 18 layers are among them, the paper's numbers stand beside these, otherwise beside those of 10.
    """
    body, depth = [], 18 if any(setup.depth == 18 for setup in setups) else 10
    for setup in setups:
        parameters = results.runs.parameters[results.runs.setup == setup.title]
        paper = in_paper([(1, setup)], depth=depth)
        body.append([
            name_of(setup),
            str(setup.depth),
            str(setup.frames),
            f"{int(parameters.iloc[0]):,}" if len(parameters) else ABSENT,
            str(len(parameters)),
            plus_minus(accuracy(results, setup, of="clip")),
            plus_minus(accuracy(results, setup)),
            plus_minus(training_loss(results, setup), unit=1, digits=2),
            ABSENT if paper is None else f"{100 * paper:.1f}",
        ])  # fmt: skip
    header = ["network", "depth", "frames", "parameters", "seeds", "clip, %", "video, %", "training loss", "paper, %"]
    footer = (
        f"Mean ± sample standard deviation over seeds. {'; '.join(protocol(results, setups))}. Paper: video accuracy "
        "on Kinetics-400, 18 layers, 10 clips a video at 112×112, Table 2."
    )
    return Table("Measured", header, body, footer)


class Claims:
    """Claims, each a weighted sum of setups that should be above 0, with the verdict that the files give.

    Args:
        claims: statement → terms (see verdicts.py).
        measure: what of a setup is weighed: its test accuracy, in points, or its training loss, in nats.
        paper_depth: the depth of the setups that stand for the paper's 18 layers; None for claims that are not its.
    """

    def __init__(
        self,
        results: Results,
        claims: dict[str, Terms],
        measure: Measure = accuracy,
        paper_depth: int | None = 10,
    ):
        samples = {said: [(w, measure(results, setup)) for w, setup in terms] for said, terms in claims.items()}
        self.measured = {said: difference(weighed) for said, weighed in samples.items()}
        self.seeds = min(len(sample.values) for weighed in samples.values() for _, sample in weighed)
        self.points, self.of_paper = measure is not training_loss, paper_depth is not None
        compared = claims if self.points and self.of_paper else {}
        self.paper = {said: in_paper(terms, depth=paper_depth) for said, terms in compared.items()}

    def sentence(self) -> str:
        """How many of the claims got which verdict, and from how many seeds."""
        counts = Counter(found.verdict for found in self.measured.values())
        words = ", ".join(f"{counts[verdict]} × {verdict}" for verdict in VERDICTS if counts[verdict])
        differs = self.of_paper and counts[HOLDS] < len(self.measured)
        rest = ". What the paper claims and is not confirmed here: see “Why it may differ”" if differs else ""
        return f"From {self.seeds} seed{'s' * (self.seeds != 1)}: {words}{rest}."

    def explain(self, reasons: dict[str, str]) -> str:
        """The reasons given for claims that may fail, for those that do not hold here: statement → reason."""
        told: dict[tuple[str, str], list[str]] = {}
        for statement, reason in reasons.items():
            found = self.measured[statement]
            if found.verdict == UNKNOWN and math.isnan(found.margin):
                reason = "there is only one seed."
            if found.verdict in (FAILS, UNKNOWN):
                told.setdefault((found.verdict, reason), []).append(f"“{statement}”")
        lines = [f"{', '.join(said)}: {verdict}. A reason may be: {why}" for (verdict, why), said in told.items()]
        return "\n".join(fill(line, 88) for line in lines) or "Nothing to explain: nothing measured speaks against it."

    def table(self) -> Table:
        """A row a claim: the paper's difference, if any, the one here with its 95 % interval, and the verdict."""
        unit, digits, name = (100, 1, "points") if self.points else (1, 2, "nats")
        body = []
        for statement, found in self.measured.items():
            paper = self.paper.get(statement)
            here = f"{unit * found.value:+.{digits}f} ± {unit * found.margin:.{digits}f}"
            here = ABSENT if math.isnan(found.value) else here.replace("nan", ABSENT)
            body.append([statement, ABSENT if paper is None else f"{100 * paper:+.1f}", here, found.verdict])
        header = ["claim", "paper, points (Kinetics)", f"here, {name}", "verdict"]
        if all(paper is None for paper in self.paper.values()):
            header, *body = ([row[0], *row[2:]] for row in (header, *body))
        return Table("Claims, and how they fare here", header, body, self.sentence())

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def accuracy_plot(
    results: Results, series: dict[str, Sequence[Setup]], lines: dict[str, float] | None = None
) -> tuple[Figure, str]:
    """Video accuracy with error bars, setup by setup, beside the paper's; and the same in words.

    Args:
        series: label → setups, drawn in the same rows: a second series hollow and a little below the first.
        lines: label → accuracy from 0 to 1, such as the order-blind ceiling, drawn as dotted lines.
    """
    rows = len(next(iter(series.values())))
    figure, (here, paper) = plt.subplots(
        1, 2, figsize=(8, 0.8 + 0.42 * rows), sharey=True, width_ratios=(1.7, 1), layout="constrained"
    )
    words = []
    for shift, (label, setups) in zip((0.14, -0.14) if len(series) > 1 else (0,), series.items(), strict=True):
        for y, setup in enumerate(setups):
            look, sample, y = style(setup.network), accuracy(results, setup), -y + shift
            fill = look.color if shift >= 0 else "white"
            dots = {"color": look.color, "marker": look.marker, "markerfacecolor": fill, "linestyle": ""}
            spread = sample.spread if len(sample.values) > 1 else 0
            here.errorbar(100 * sample.mean, y, xerr=100 * spread, capsize=4, markersize=8, **dots)
            here.plot([100 * value for value in sample.values], [y] * len(sample.values), "|", color=GREY)
            words.append(f"{name_of(setup)}, {label} {plus_minus(sample)}")
            for number in published(setup.network, setup.frames)[:1] if in_paper([(1, setup)]) is not None else ():
                paper.plot(number.video, y, markersize=8, **dots)
    for label, value in (lines or {}).items():
        here.axvline(100 * value, color=GREY, linestyle=":")
        here.annotate(label, (100 * value, 1), xycoords=("data", "axes fraction"), fontsize=9, ha="center", va="bottom")
    here.set_yticks([-y for y in range(rows)], [name_of(setup) for setup in next(iter(series.values()))], fontsize=11)
    here.set_xlabel("video accuracy here, % (bars: standard deviation)", fontsize=10)
    paper.set_xlabel("paper: Kinetics, 18 layers, %", fontsize=10)
    if len(series) > 1:
        paper.set_title("filled: {}, hollow: {}".format(*series), fontsize=10)
    return figure, f"Video accuracy in percent, mean ± standard deviation: {'; '.join(words)}."
