"""What every widget of the course is: controls, and a picture with a line of text that follow them at once."""

from collections.abc import Callable
from html import escape

import ipywidgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from traitlets import TraitError

from r2p1d_edu.errors import InputError, check_choice, failure
from r2p1d_edu.lab.figures import figure_png, figure_svg
from r2p1d_edu.lab.stored import Lasting

Drawing = tuple[Figure, str]  # the picture and the same in words: its alternative text


def alert(text: object) -> str:
    """HTML for what is wrong, which a screen reader says at once."""
    return f"<p role='alert' style='color:#D55E00;font-weight:bold;margin:4px 0'>{escape(str(text))}</p>"


def status(text: str) -> str:
    """HTML for what goes on."""
    return f"<p role='status'>{escape(text)}</p>"


def with_fallback(bundle, words: str, figure: Figure | None = None) -> tuple[dict, dict]:
    """A widget's MIME bundle, and what is left of it without a kernel: words and a picture."""
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    data = {**data, "text/plain": words}
    if figure:
        data["image/png"] = figure_png(figure)
        plt.close(figure)
    return data, metadata


class ControlPanel(Lasting, ipywidgets.VBox):
    """Controls over a pure function `draw(**values) -> (figure, words)`; a change of any control redraws.

    Where `draw` refuses the values with an InputError, its message is shown in place; the last good picture stays,
    dimmed, and the message says whose it is. Without a kernel, the picture and the words are what is left.

    Args:
        draw: takes the value of each control by its name.
        controls: name → an ipywidgets control, in the order in which they are shown.
        layout_rows: names of controls to put side by side, a tuple a row; by default each has its own row.
        above: HTML to show over the picture, of the same values.
    """

    def __init__(
        self,
        draw: Callable[..., Drawing],
        controls: dict[str, ipywidgets.Widget],
        layout_rows: list[tuple[str, ...]] | None = None,
        above: Callable[..., str] = lambda **_: "",
    ):
        self.draw, self.controls, self.above = draw, controls, above
        self.words = self.drawn = ""
        self.shown: dict = {}  # the values of the last good picture
        self.picture = ipywidgets.HTML()
        self.message = ipywidgets.HTML()
        for control in controls.values():
            control.style.description_width = "initial"
            control.observe(self.redraw, names="value")
        rows = layout_rows or [(name,) for name in controls]
        wrap = ipywidgets.Layout(flex_flow="row wrap", align_items="center")
        lines = [ipywidgets.HBox([controls[name] for name in row], layout=wrap) for row in rows]
        super().__init__([*lines, self.message, self.picture])
        self.redraw()

    def values(self) -> dict:
        """The value of every control, by name."""
        return {name: control.value for name, control in self.controls.items()}

    def set(self, **values) -> None:
        """Set several controls and redraw once, as a preset button does.

        Raises:
            InputError: there is no such control, or it cannot have this value; then all controls are as they were.
        """
        for name in values:
            check_choice(name, self.controls, "control")
        before = self.values()
        for control in self.controls.values():
            control.unobserve(self.redraw, names="value")
        try:
            for name, value in values.items():
                self.controls[name].value = value
        except TraitError as error:
            for other, old in before.items():
                self.controls[other].value = old
            raise InputError(f"{name} cannot be {value!r}: {failure(error)[0]}") from error
        finally:
            for control in self.controls.values():
                control.observe(self.redraw, names="value")
        self.redraw()

    def redraw(self, _change=None) -> None:
        """Draw what the controls say; say in place what is wrong with them, if anything is."""
        values = self.values()
        try:
            figure, words = self.draw(**values)
        except InputError as error:
            old = ", ".join(f"{name} {value}" for name, value in self.shown.items())
            self.message.value = alert(f"{error}. The picture is still that of {old}." if old else error)
            self.picture.value = f"<div style='opacity:0.35'>{self.drawn}</div>" * bool(old)
            return
        self.shown, self.words, self.message.value = values, words, ""
        self.picture.value = self.drawn = self.above(**values) + figure_svg(figure, words)
        plt.close(figure)

    def _repr_mimebundle_(self, **options):
        figure, words = self.draw(**self.shown or self.values())
        return with_fallback(super()._repr_mimebundle_(**options), words, figure)
