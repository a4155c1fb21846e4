"""Does it see time? Two networks look at a clip, its reverse, its shuffle and its frozen first frame."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import ipywidgets
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from r2p1d_edu.errors import InputError, check_choice
from r2p1d_edu.lab.palette import GREY, style, title
from r2p1d_edu.lab.play import animated_png, as_clip
from r2p1d_edu.lab.stored import image
from r2p1d_edu.lab.widgets.panel import ControlPanel
from r2p1d_edu.training.evaluate import ORDERS, in_evaluation, predict

WIDTH, LEFT, SCALE = 760, 110, 260  # of the picture, of the column of names, of a bar of 100 %: hundredths of an inch
COLUMNS, HATCHES = (LEFT, LEFT + 330), (None, "///")  # the two networks differ in more than colour
Classifier = Callable[[Tensor], Tensor]  # uint8 (N, 3, T, H, W) → probabilities (N, classes)


def reorder(clip: np.ndarray, order: str) -> np.ndarray:
    """The frames of uint8 (T, H, W, 3) in one of ORDERS, the same as evaluate() would show them to a network."""
    check_choice(order, ORDERS, "order of frames")
    return ORDERS[order](batch_of_one(clip))[0].permute(1, 2, 3, 0).numpy()


def batch_of_one(clip: np.ndarray) -> Tensor:
    """uint8 (T, H, W, 3) → (1, 3, T, H, W); InputError for anything else."""
    return torch.from_numpy(np.ascontiguousarray(as_clip(clip))).permute(3, 0, 1, 2)[None]


def probabilities(network: nn.Module | Classifier, clip: np.ndarray, classes: int) -> np.ndarray:
    """What a network makes of a clip in every order: (orders, classes), in the order of ORDERS.

    A module is asked through predict(), which normalises, in evaluation mode; any other callable is given the uint8
    clips (N, 3, T, H, W) and hands back probabilities (N, classes).

    Raises:
        InputError: the network cannot take the clip, or knows another number of classes.
    """
    forward = batch_of_one(clip)
    clips = torch.cat([order(forward) for order in ORDERS.values()])
    if isinstance(network, nn.Module):
        with in_evaluation(network):
            answer = predict(network, clips)
    else:
        answer = torch.as_tensor(network(clips))
    if answer.shape != (len(ORDERS), classes):
        raise InputError(
            f"a network gave {tuple(answer.shape)} probabilities for {len(ORDERS)} clips and {classes} classes; "
            f"expected ({len(ORDERS)}, {classes}): give the classes that it was trained on"
        )
    return answer.numpy()


def draw_sees_time(
    frames: np.ndarray, tables: Mapping[str, np.ndarray], classes: Sequence[str], *, clip: str, order: str
) -> tuple[Figure, str]:
    """The frames as shown, and each network's probability of each class; grey ticks mark those of the clip forward.

    Args:
        frames: the clip, forward: uint8 (T, H, W, 3).
        tables: network → (orders, classes), from probabilities(); two networks.
        classes: their names.
        clip, order: what the clip is called, and one of ORDERS.
    """
    shown, now = reorder(frames, order), list(ORDERS).index(order)
    height = 195 + 22 * len(classes)
    figure = Figure(figsize=(WIDTH / 100, height / 100))
    page = figure.add_axes((0, 0, 1, 1))  # one page for all: axes and ticks are what is slow to draw
    page.text(10, 22, f"{clip}, frames {order}", fontsize=11, weight="bold")
    film(page, shown)
    rows, words = [175 + 22 * row for row in range(len(classes))], [f"{clip}, frames {order}."]
    for row, name in zip(rows, classes, strict=True):
        page.text(LEFT - 8, row, name, ha="right", va="center", fontsize=10)
    for left, hatch, (network, table) in zip(COLUMNS, HATCHES, tables.items(), strict=True):
        page.text(left, 155, title(network), fontsize=11, weight="bold")
        page.barh(rows, SCALE * table[now], 14, left, color=style(network).color, hatch=hatch, edgecolor="white")
        ends = np.add.outer((-9, 9), rows)
        page.vlines(left + SCALE * table[0], *ends, color=GREY, linewidth=2.5)
        for row, value, forward in zip(rows, table[now], table[0], strict=True):
            page.text(left + SCALE * max(value, forward) + 5, row, f"{value:.0%}", va="center", fontsize=10)
        words.append(verdict(title(network), table, now, classes))
    page.text(LEFT, height - 10, "Bars: probability now. Grey ticks: for the same clip forward.", fontsize=9)
    page.set(xlim=(0, WIDTH), ylim=(height, 0))
    page.set_axis_off()
    return figure, " ".join(words)


def film(page: Axes, frames: np.ndarray) -> None:
    """Draw up to twelve frames side by side with their places in time."""
    some = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), 12)).round().astype(int))
    gap = max(1, frames.shape[2] // 16)
    padded = np.pad(frames[some], ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=255)  # white between the frames
    row = np.concatenate(list(padded), axis=1)[:, :-gap]
    size = min((WIDTH - 20) / row.shape[1], 75 / row.shape[0])
    page.imshow(row, extent=(10, 10 + size * row.shape[1], 32 + size * row.shape[0], 32), aspect="auto")
    for number, frame in enumerate(some):
        x = 10 + size * (number * padded.shape[2] + frames.shape[2] / 2)
        page.text(x, 32 + size * row.shape[0] + 15, str(frame), ha="center", fontsize=9)


def moving(frames: np.ndarray, alt: str) -> str:
    """The clip as it plays, over and over, 160 pixels high; its first frame for who asked for less motion."""
    scale = max(1, 160 // frames.shape[1])
    still, clip = (b64encode(animated_png(some, scale=scale)).decode() for some in (frames[:1], frames))
    source = f'<source media="(prefers-reduced-motion: reduce)" srcset="data:image/png;base64,{still}">'
    return f"<picture>{source}{image(clip, alt)}</picture>"


def verdict(network: str, table: np.ndarray, now: int, classes: Sequence[str]) -> str:
    """One network's answer in words, and how far it is from its answer to the clip forward."""
    best, moved = int(table[now].argmax()), float(np.abs(table[now] - table[0]).max())
    answer = f"{network}: {classes[best]}, {table[now, best]:.1%}"
    if now == 0:
        return f"{answer}."
    change = "no probability changes" if moved < 1e-5 else f"probabilities change by up to {moved:.1%}"
    return f"{answer}; {change} against the clip forward."


def sees_time(
    clips: Mapping[str, np.ndarray],
    networks: Mapping[str, nn.Module | Classifier],
    classes: Sequence[str],
    **start: str,
) -> ControlPanel:
    """The widget. A clip is looked at when it is first chosen, by both networks and in every order.

    Args:
        clips: title → uint8 (T, H, W, 3), already of the size and length that the networks take.
        networks: two, by name; a name of the course's palette gives its colour. See probabilities() for what may stand
            in for a module.
        classes: in label order.
        start: first values of clip and order.
    """
    if not clips or len(networks) != 2 or not classes:
        seen = f"{len(clips)} clips, {len(networks)} networks and {len(classes)} classes"
        raise InputError(f"give one clip or more, two networks and their classes; got {seen}")

    @cache
    def look(clip: str) -> dict[str, np.ndarray]:
        return {name: probabilities(network, clips[clip], len(classes)) for name, network in networks.items()}

    def draw(clip: str, order: str) -> tuple[Figure, str]:
        return draw_sees_time(clips[clip], look(clip), classes, clip=clip, order=order)

    controls = {
        "clip": ipywidgets.Dropdown(options=list(clips), description="clip"),
        "order": ipywidgets.ToggleButtons(options=list(ORDERS), description="frames"),
    }
    for name, value in start.items():
        check_choice(name, controls, "control")
        controls[name].value = value

    def above(clip: str, order: str) -> str:
        return moving(reorder(clips[clip], order), f"{clip}, frames {order}, playing")

    return ControlPanel(draw, controls, [("clip", "order")], above)
