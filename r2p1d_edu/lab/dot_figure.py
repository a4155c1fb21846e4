"""Accuracies of several runs side by side: a dot a run, a bar for their mean."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.palette import BLUE, GREEN, GREY, VERMILLION

LOOKS = ((BLUE, "o"), (VERMILLION, "s"), (GREEN, "^"), (GREY, "D"))


def accuracy_dots(
    groups: Mapping[str, Sequence[float]], guessing: float | None = None, label: str = "test accuracy, %"
) -> Figure:
    """{name: accuracies from 0 to 1} as columns in percent; what guessing would give is a dashed line.

    Raises:
        InputError: no column, too many, or one without a value.
    """
    if not 1 <= len(groups) <= len(LOOKS) or not all(len(values) for values in groups.values()):
        raise InputError(f"{len(groups)} columns; give 1 to {len(LOOKS)}, each with at least one accuracy")
    figure, axes = plt.subplots(figsize=(1.2 + 1.2 * len(groups), 2.8), layout="constrained")
    for place, (values, (color, marker)) in enumerate(zip(groups.values(), LOOKS, strict=False)):
        percent = 100 * np.asarray(values, dtype=float)
        axes.bar(place, percent.mean(), 0.6, color=color, alpha=0.3)
        axes.plot([place] * len(percent), percent, marker, color=color)
    if guessing is not None:
        axes.axhline(100 * guessing, color=GREY, linestyle="--", linewidth=1)
    axes.set(ylim=(0, 100), ylabel=label, xlim=(-0.6, len(groups) - 0.4))
    axes.set_xticks(range(len(groups)), list(groups))
    return figure
