"""What networks said of clips, beside the clips themselves."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.palette import GREEN, GREY, VERMILLION

FRAME, BARS = 0.66, 1.9  # inches: a frame's width, and that of a column of bars with its labels


def prediction_strips(
    clips: Sequence[np.ndarray],
    labels: Sequence[int],
    said: dict[str, np.ndarray],
    classes: Sequence[str],
    every: int = 2,
    bars: int = 3,
) -> tuple[Figure, str]:
    """A row a clip: its class, its frames from left to right, and what each network takes it for.

    A network's likeliest classes stand with their probabilities, the true one green and in bold; where another one is
    likeliest, that one is vermillion.

    Args:
        clips: uint8 (T, H, W, 3) each.
        labels: the true class of each clip.
        said: name of a network → probabilities (clips, classes).
        every: show every n-th frame.
        bars: how many of the likeliest classes to show.

    Returns:
        The figure, and the same in words.

    Raises:
        InputError: not as many labels or rows of probabilities as clips, or none.
    """
    counts = [len(labels), *(len(rows) for rows in said.values())]
    if not len(clips) or set(counts) != {len(clips)}:
        raise InputError(f"{len(clips)} clips, but {counts} labels and probabilities; give one of each for every clip")
    strips = [np.concatenate(list(clip[::every]), axis=1) for clip in clips]  # frames side by side: (H, n·W, 3)
    width = FRAME * max(strip.shape[1] / strip.shape[0] for strip in strips)
    figure, axes = plt.subplots(
        len(clips),
        1 + len(said),
        figsize=(1 + width + BARS * len(said), 0.75 * len(clips) + 0.4),
        width_ratios=(width, *[BARS - 0.8] * len(said)),
        squeeze=False,
        layout="constrained",
    )
    words = []
    for row, (strip, label) in enumerate(zip(strips, labels, strict=True)):
        left = axes[row, 0]
        left.imshow(strip & 0xF0 | 0x08, interpolation="nearest")  # 16 levels: noise makes large files
        left.set(xticks=[], yticks=[])
        left.set_ylabel(classes[label], rotation=0, ha="right", va="center", fontsize=11, parse_math=False)
        for place, (name, rows) in zip(axes[row, 1:], said.items(), strict=True):
            likeliest = np.argsort(-rows[row], kind="stable")[:bars]
            draw_probabilities(place, likeliest, rows[row], label, classes)
            place.set_title(name if row == 0 else "", fontsize=11)
            first = likeliest[0]
            words.append(f"{classes[label]}: {name} says {classes[first]}, {rows[row][first]:.0%}")
    return figure, f"Clips by their true class, and what was predicted. {'; '.join(words)}."


def draw_probabilities(
    axes: Axes, likeliest: np.ndarray, probabilities: np.ndarray, label: int, classes: Sequence[str]
) -> None:
    """The likeliest classes from the top, each with its probability."""
    colors = [GREEN if n == label else VERMILLION if n == likeliest[0] else GREY for n in likeliest]
    axes.barh(range(len(likeliest)), probabilities[likeliest], color=colors)
    axes.set_yticks(range(len(likeliest)), [classes[n] for n in likeliest], fontsize=9, parse_math=False)
    axes.set(xlim=(0, 1), xticks=[], ylim=(len(likeliest) - 0.4, -0.6))
    for place, (n, name) in enumerate(zip(likeliest, axes.get_yticklabels(), strict=True)):
        name.set_fontweight("bold" if n == label else "normal")
        inside = probabilities[n] > 0.6
        x, align, color = (-0.03, "right", "white") if inside else (0.03, "left", "black")
        text = f"{probabilities[n]:.0%}"
        axes.text(probabilities[n] + x, place, text, fontsize=9, ha=align, va="center", color=color)
