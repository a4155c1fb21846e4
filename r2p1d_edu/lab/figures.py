"""Figures of the course, in matplotlib. Each returns a Figure whose alternative text is in the saved notebook."""

from collections.abc import Sequence
from html import escape
from io import BytesIO, StringIO

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

from r2p1d_edu.lab.stored import few_colours, picture


def contact_sheet(clips: dict[str, np.ndarray], every: int = 1) -> Figure:
    """Rows of frames, one row a clip: {title: uint8 (T, H, W, 3)}; time runs from left to right."""
    shown = {title: frames[::every] for title, frames in clips.items()}
    columns = max(len(frames) for frames in shown.values())
    size = 0.95 * columns + 0.9, 0.98 * len(shown) + 0.3
    figure, axes = plt.subplots(len(shown), columns, figsize=size, squeeze=False, layout="constrained")
    for row, (title, frames) in zip(axes, shown.items(), strict=True):
        for number, place in enumerate(row):
            place.set(xticks=[], yticks=[])
            if number < len(frames):
                place.imshow(frames[number])
            else:
                place.axis("off")
        row[0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=11, parse_math=False)
    for number, place in enumerate(axes[0]):
        place.set_title(f"{number * every}", fontsize=9)
    figure.supxlabel("frame", fontsize=10)
    return figure


def confusion_matrix(table: np.ndarray, classes: Sequence[str], title: str = "") -> Figure:
    """Videos by true class (rows) and predicted class (columns), the numbers written in."""
    figure, axes = plt.subplots(figsize=(0.62 * len(classes) + 1.6, 0.52 * len(classes) + 1.4), layout="constrained")
    axes.imshow(table, cmap="Blues", vmin=0)
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right", parse_math=False)  # a class may be "$$"
    axes.set_yticks(range(len(classes)), classes, parse_math=False)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    for (true, predicted), count in np.ndenumerate(table):
        if count:
            color = "white" if count > table.max() / 2 else "black"
            axes.text(predicted, true, str(count), ha="center", va="center", color=color, fontsize=9)
    return figure


def figure_png(figure: Figure, dpi: int = 80) -> str:
    """The figure as PNG in base64, as a notebook stores it."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return few_colours(buffer.getvalue())


def figure_svg(figure: Figure, alt: str) -> str:
    """The figure as an <svg> element for a web page; `alt` is its alternative text."""
    buffer = StringIO()
    with plt.rc_context({"svg.hashsalt": "r2p1d_edu"}):  # the same figure gives the same text
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    return svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{escape(alt, quote=True)}"', 1)


def show(figure: Figure, alt: str) -> None:
    """Display a figure as PNG and close it; `alt` is its alternative text, and stands in where no picture can be."""
    png = figure_png(figure)
    plt.close(figure)
    display(picture(png, alt), raw=True)
