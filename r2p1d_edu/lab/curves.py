"""What the live plot knows of a training run: the rows of its history, turned into curves and a line of text."""

import math
from collections.abc import Iterable, Sequence

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.palette import title as network_title


class RunningMean:
    """Exponential mean over about `window` values, unbiased from the first one on."""

    def __init__(self, window: int):
        self.keep, self.total, self.weight = 1 - 1 / window, 0.0, 0.0

    def add(self, value: float) -> float:
        """Take `value` in and return the mean."""
        self.total = self.keep * self.total + value
        self.weight = self.keep * self.weight + 1
        return self.total / self.weight


class Curves:
    """One training run as curves: lists of (step, value).

    `loss` and `accuracy` are running means over about `window` steps, a fortieth of the run; `raw_loss` is not.
    A value that is not finite is left out of its curve; `not_finite` is the first step with such a loss.

    Args:
        network: its name, or a learner's own row of kinds; decides colour, dash and marker.
        total_steps: how many steps are planned.
        rows: rows of the history already there (see `add`).
        label: what to call the run, if not by its network.
    """

    def __init__(
        self, network: str | Sequence[str], total_steps: int, rows: Iterable[dict] = (), label: str | None = None
    ):
        self.network, self.label, self.total_steps = network, label or network_title(network), total_steps
        self.window = min(50, max(5, total_steps // 40))
        curves: tuple[list[tuple[int, float]], ...] = ([], [], [], [], [])
        self.raw_loss, self.loss, self.accuracy, self.validation, self.learning_rate = curves
        self.first: dict | None = None
        self.last: dict | None = None
        self.not_finite: int | None = None
        self.highest_rate = 0.0
        self.ended = False
        self._mean_loss, self._mean_accuracy = RunningMean(self.window), RunningMean(self.window)
        for row in rows:
            self.add(row)

    def add(self, row: dict) -> None:
        """Take in a row of the history, made of plain numbers, so that no device has to be waited for.

        Its keys: step (from 1), epoch (passes through the data), loss, accuracy (0 to 1, of the batch), learning_rate,
        clips_per_second, seconds (since the start), and sometimes validation_accuracy (0 to 1, or None).

        Raises:
            InputError: the step is not after the last one.
        """
        step = row["step"]
        if self.last and step <= self.last["step"]:
            raise InputError(
                f"step {step} came after step {self.last['step']} in the run {self.label!r}; "
                "call live.start(network) before another run, or make a new LivePlot"
            )
        self.first, self.last = self.first or row, row
        self.total_steps = max(self.total_steps, step)
        if math.isfinite(row["loss"]):
            self.raw_loss.append((step, row["loss"]))
            self.loss.append((step, self._mean_loss.add(row["loss"])))
        elif self.not_finite is None:
            self.not_finite, self.ended = step, True  # `train` stops there
        if math.isfinite(row["accuracy"]):
            self.accuracy.append((step, self._mean_accuracy.add(row["accuracy"])))
        validation = row.get("validation_accuracy")
        if validation is not None and math.isfinite(validation):
            self.validation.append((step, validation))
        self.learning_rate.append((step, row["learning_rate"]))
        self.highest_rate = max(self.highest_rate, row["learning_rate"])

    def summary(self) -> dict[str, str]:
        """The latest values, as printed under the plot; a value not known yet is "–"."""
        row = self.last or {"step": 0, "epoch": 0.0}
        loss = "not finite" if self.not_finite and not math.isfinite(row["loss"]) else _number(self.loss)
        return {
            "step": f"{row['step']} of {self.total_steps}",
            "epoch": f"{row['epoch']:.1f}",
            "loss": loss,
            "accuracy": _percent(self.accuracy),
            "validation": _percent(self.validation),
            "clips/s": f"{row['clips_per_second']:.0f}" if self.last else "–",
            "time": self._time(),
        }

    def text(self) -> str:
        """The summary in one line."""
        values = ", ".join(f"{key} {value}" for key, value in self.summary().items() if value != "–")
        alarm = f"; loss is not finite, first at step {self.not_finite}" if self.not_finite else ""
        return f"{self.label}: {values}{alarm}"

    @property
    def done(self) -> bool:
        """Whether no more rows are to come."""
        return self.ended or (self.last is not None and self.last["step"] >= self.total_steps)

    def _time(self) -> str:
        if self.first is None or self.last is None or self.first is self.last:  # the pace is known from row 2 on
            return "–"
        if self.done:
            return f"took {_clock(self.last['seconds'])}"
        pace = (self.last["seconds"] - self.first["seconds"]) / (self.last["step"] - self.first["step"])
        return f"{_clock(pace * (self.total_steps - self.last['step']))} left"


def _number(points: list) -> str:
    return f"{points[-1][1]:.3f}" if points else "–"


def _percent(points: list) -> str:
    return f"{100 * points[-1][1]:.1f} %" if points else "–"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
