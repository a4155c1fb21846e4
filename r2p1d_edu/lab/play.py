"""Play a clip in a notebook. An animated PNG needs no kernel and no script, so it moves in a saved notebook too."""

from base64 import b64encode
from io import BytesIO

import numpy as np
from IPython.display import display
from PIL import Image  # matplotlib needs it as well

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.stored import picture


def as_clip(frames: np.ndarray) -> np.ndarray:
    """The frames as an array uint8 (T, H, W, 3); InputError for anything else."""
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or 0 in frames.shape:
        raise InputError(f"a clip is uint8 (T, H, W, 3), not empty; got {frames.dtype} {frames.shape}")
    return frames


def animated_png(frames: np.ndarray, fps: float = 8, scale: int = 3, colours: int = 64) -> bytes:
    """uint8 (T, H, W, 3) as an animated PNG that repeats without end.

    Every pixel becomes `scale`×`scale` pixels, and the whole clip shares `colours` colours (2 to 256), so that a small
    clip stays below 100 KB. A viewer that cannot animate shows the first frame.

    Raises:
        InputError: other frames, or a setting out of range.
    """
    frames = as_clip(frames)
    if not (fps > 0 and scale >= 1 and 2 <= colours <= 256):
        raise InputError(f"fps {fps}, scale {scale}, colours {colours}; give above 0, at least 1, and 2 to 256")
    large = frames.repeat(scale, axis=1).repeat(scale, axis=2)
    column = Image.fromarray(frames.reshape(-1, *frames.shape[2:]))  # all frames, one under another
    palette = column.quantize(colours)
    first, *others = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in large]
    buffer = BytesIO()
    first.save(buffer, "PNG", save_all=True, append_images=others, duration=1000 / fps, loop=0)
    return buffer.getvalue()


def play(frames: np.ndarray, alt: str, fps: float = 8, scale: int = 3) -> None:
    """Display a clip, uint8 (T, H, W, 3), playing; `alt` is its alternative text."""
    moving, still = (b64encode(animated_png(some, fps, scale)).decode() for some in (frames, as_clip(frames)[:1]))
    display(picture(moving, alt) | {"image/png": still}, raw=True)  # the film twice would make large notebooks
