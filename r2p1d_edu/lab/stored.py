"""What outputs leave in a saved notebook: pictures with their alternative text, and widgets as pictures.

JupyterLab ignores the alternative text of a PNG, and shows an error in place of a widget whose kernel is gone. So a
picture is HTML as well as a PNG, and a widget has a second output, which shows where the first one cannot.
"""

from base64 import b64encode
from collections.abc import Callable
from html import escape
from io import BytesIO

STOPPED = "These controls need a kernel that runs: run this cell."
# For JupyterLab and what it is made of. Where a widget's model is not found, its output itself is of the class
# jupyter-widgets; where it lives, what is inside is; where its kernel was restarted, it is disconnected.
RULES = """
.lab-still, .jp-OutputArea:has(.lab-still) .jp-OutputArea-output.jupyter-widgets { display: none }
.jp-OutputArea:not(:has(.jp-OutputArea-output > .jupyter-widgets)) .lab-still,
.jp-OutputArea:has(.jupyter-widgets-disconnected) .lab-still { display: block }
.jp-OutputArea:has(.jupyter-widgets-disconnected) .lab-still > :not(.lab-stopped) { display: none }
.jp-OutputArea-output > .jupyter-widgets-disconnected { opacity: 0.5 }
"""


def few_colours(png: bytes, colours: int = 128) -> str:
    """A PNG with fewer colours, in base64: a third of the size for a picture that is stored twice."""
    from PIL import Image  # matplotlib needs it as well

    small = BytesIO()
    Image.open(BytesIO(png)).convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(
        small, "PNG", optimize=True
    )
    return b64encode(small.getvalue()).decode()


def image(content: str, alt: str, kind: str = "image/png") -> str:
    """An <img> that is as wide as its place allows; `content` is base64, `alt` the alternative text."""
    shrinks = "max-width:100%;height:auto"
    return f'<img alt="{escape(alt, quote=True)}" style="{shrinks}" src="data:{kind};base64,{content}">'


def picture(png: str, alt: str) -> dict[str, str]:
    """The MIME bundle of a PNG in base64: as HTML, and as itself for what shows no HTML."""
    return {"text/html": image(png, alt), "image/png": png, "text/plain": alt}


def still(words: str, png: str | None = None) -> dict[str, str]:
    """The second output of a widget, with what is left of it: a PNG in base64, or words."""
    left = image(png, words) if png else f"<p>{escape(words)}</p>"
    html = (
        f'<style>{RULES}</style><div class="lab-still"><p class="lab-stopped" role="status">{STOPPED}</p>{left}</div>'
    )
    return {"text/html": html, "text/plain": words} | ({"image/png": png} if png else {})


class Lasting:
    """For widgets: the words and the PNG of their `_repr_mimebundle_` become an output of their own."""

    _repr_mimebundle_: Callable[..., tuple[dict, dict]]

    def _ipython_display_(self) -> None:
        from IPython.display import display

        data, _ = self._repr_mimebundle_()
        png = data.pop("image/png", None)
        display(data, raw=True)
        display(still(data["text/plain"], png), raw=True)
