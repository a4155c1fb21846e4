"""The live plot of training in a notebook: one SVG picture, made by hand and replaced in place.

    live = LivePlot(ceiling=0.625)
    live.start("f_r2d")
    train(recipe, on_start=live.plan, on_row=live.update)
    live.start("r2plus1d")     # a second run in the same axes
    ...
    live.close()

A step of a tiny network takes some ten milliseconds and a matplotlib figure more than that; this picture takes one to
three, at most three times a second. It stays in the saved notebook as it ended, in HTML with its words as alternative
text, and as PNG.
"""

import math
import time
from base64 import b64encode
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.curves import Curves
from r2p1d_edu.lab.picture import draw, in_words
from r2p1d_edu.lab.stored import few_colours, image

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
        self._words = partial(in_words, ceiling=ceiling, ceiling_label=ceiling_label)
        self._handle, self._cell = None, 0
        self._drawn = -math.inf
        if network is not None:
            self.start(network)

    def start(self, network: str | Sequence[str], label: str | None = None) -> None:
        """Begin a run in the same axes; the one before it, if any, has ended.

        A cell further down draws below itself: the picture above stays as the run before left it.
        """
        self._end()
        if self._handle and self._cell != running_cell():
            self._show(last=True)
            self._handle = None
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
        self._show(last=True)

    def svg(self) -> str:
        """The picture as it is now."""
        return self._draw(self.runs)

    def png(self) -> str:
        """The picture as PNG, in base64."""
        from matplotlib import get_data_path  # for its letters, which are the same on every machine
        from resvg_py import svg_to_bytes

        fonts = Path(get_data_path(), "fonts", "ttf")
        files = [str(fonts / f"DejaVuSans{weight}.ttf") for weight in ("", "-Bold")]
        png = svg_to_bytes(self.svg(), skip_system_fonts=True, font_files=files, sans_serif_family="DejaVu Sans")
        return few_colours(png)

    def words(self) -> str:
        """The picture in words."""
        return self._words(self.runs)

    def text(self) -> str:
        """The latest values, a line for each run."""
        return "\n".join(run.text() for run in self.runs)

    def _repr_mimebundle_(self, **_) -> dict[str, str]:
        return self._bundle() | {"image/png": self.png()}

    def _bundle(self) -> dict[str, str]:
        svg = b64encode(self.svg().encode()).decode()
        return {"text/html": image(svg, self.words(), "image/svg+xml"), "text/plain": self.text()}

    def _end(self) -> None:
        if self.runs:
            self.runs[-1].ended = True

    def _show(self, last: bool = False) -> None:
        self._drawn = time.monotonic()
        if not (self._handle or in_notebook()):
            return
        bundle = self._repr_mimebundle_() if last else self._bundle()  # a PNG takes too long to be drawn at every step
        if self._handle:
            self._handle.update(bundle, raw=True)
        else:
            from IPython.display import display

            self._handle, self._cell = display(bundle, raw=True, display_id=True), running_cell()


def in_notebook() -> bool:
    """Whether output goes to a Jupyter front end, which can replace a picture; a plain terminal cannot."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")


def running_cell() -> int:
    """The number of the cell that runs."""
    from IPython import get_ipython

    shell = get_ipython()
    return shell.execution_count if shell else 0
