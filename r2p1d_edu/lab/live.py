"""The live plot of training in a notebook: one SVG picture, made by hand and replaced in place.

    live = LivePlot(ceiling=0.625)
    live.start("f_r2d")
    train(recipe, on_start=live.plan, on_row=live.update)
    live.start("r2plus1d")     # a second run in the same axes
    ...
    live.close()

A step of a tiny network takes some ten milliseconds and a matplotlib figure more than that; this picture takes one to
three, at most three times a second. It stays in the saved notebook as SVG with a line of text for each run.
"""

import math
import time
from collections.abc import Sequence
from functools import partial

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.curves import Curves
from r2p1d_edu.lab.picture import draw

REDRAW_SECONDS = 1 / 3


class LivePlot:
    """The picture of `draw`, shown in a notebook and kept up to date while training goes on.

    Outside a notebook nothing is shown; `svg()` and `text()` work anywhere.

    Args:
        total_steps: how many steps a run takes, where that is known before `plan` says so.
        title, ceiling, ceiling_label: see `draw`.
        network: starts the first run at once.
    """

    def __init__(
        self,
        *,
        total_steps: int | None = None,
        title: str = "",
        network: str | Sequence[str] | None = None,
        ceiling: float | None = None,
        ceiling_label: str = "order-blind ceiling",
    ):
        self.total_steps = total_steps
        self.runs: list[Curves] = []
        self._draw = partial(draw, title=title, ceiling=ceiling, ceiling_label=ceiling_label)
        self._handle = None
        self._drawn = -math.inf
        if network is not None:
            self.start(network)

    def start(self, network: str | Sequence[str], label: str | None = None) -> None:
        """Begin a run in the same axes; the one before it, if any, has ended."""
        self._end()
        self.runs.append(Curves(network, self.total_steps or 1, label=label))
        if self.total_steps:
            self._show()

    def plan(self, total_steps: int) -> None:
        """Take in how many steps the run will have, before its first row, as train's on_start does."""
        self.total_steps = total_steps
        if self.runs and not self.runs[-1].last:
            self.runs[-1] = Curves(self.runs[-1].network, total_steps, label=self.runs[-1].label)
            self._show()

    def update(self, row: dict) -> None:
        """Take a row of the history (see Curves.add); redraw if the last time is long enough ago or the run is done.

        Raises:
            InputError: it is not known how many steps there will be, or the step is not after the last one.
        """
        if not self.total_steps:
            raise InputError(
                "the live plot was not told the number of steps; "
                "write LivePlot(total_steps=…) or train(…, on_start=live.plan, on_row=live.update)"
            )
        if not self.runs:
            self.start("training")
        run = self.runs[-1]
        run.add(row)
        if row["step"] >= run.total_steps or time.monotonic() - self._drawn >= REDRAW_SECONDS:
            self._show()

    def close(self) -> None:
        """The last run has ended, early or not: draw its last row."""
        self._end()
        self._show()

    def svg(self) -> str:
        """The picture as it is now."""
        return self._draw(self.runs)

    def text(self) -> str:
        """The latest values, a line for each run."""
        return "\n".join(run.text() for run in self.runs)

    def _repr_mimebundle_(self, **_) -> dict[str, str]:
        return {"image/svg+xml": self.svg(), "text/plain": self.text()}

    def _end(self) -> None:
        if self.runs:
            self.runs[-1].ended = True

    def _show(self) -> None:
        self._drawn = time.monotonic()
        if self._handle:
            self._handle.update(self._repr_mimebundle_(), raw=True)
        elif in_notebook():
            from IPython.display import display

            self._handle = display(self._repr_mimebundle_(), raw=True, display_id=True)


def in_notebook() -> bool:
    """Whether output goes to a Jupyter front end, which can replace a picture; a plain terminal cannot."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")
