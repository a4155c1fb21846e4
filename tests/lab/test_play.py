"""The animated PNG, read back: its frames, their order, its speed and its size."""

import re
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.play import animated_png, play
from r2p1d_edu.video.arrow import draw_clip


def read(png):
    """The frames (T, H, W, 3), the milliseconds of each, and how often it is played (0: without end)."""
    image, frames, times = Image.open(BytesIO(png)), [], []
    for number in range(image.n_frames):
        image.seek(number)
        frames.append(np.array(image.convert("RGB")))
        times.append(image.info["duration"])
    return np.stack(frames), times, image.info["loop"]


def test_few_colours_come_back_exactly_and_in_order():
    frames = np.zeros((5, 6, 8, 3), np.uint8)
    for number, frame in enumerate(frames):
        frame[number, :, number % 3] = 255
    came, times, loop = read(animated_png(frames, fps=8, scale=2))
    np.testing.assert_array_equal(came, frames.repeat(2, axis=1).repeat(2, axis=2))
    assert times == [125.0] * 5
    assert loop == 0


def test_a_clip_of_arrow_is_small_and_close_to_the_original():
    frames = draw_clip("Rise", 9, 1)
    png = animated_png(frames)
    assert len(png) < 100_000
    came, *_ = read(png)
    assert np.abs(came[:, ::3, ::3].astype(int) - frames).mean() < 4


def test_a_single_frame_and_a_speed_of_ones_own():
    frames = draw_clip("Rise", 9, 1)[:2]
    assert read(animated_png(frames, fps=4))[1] == [250.0, 250.0]
    assert Image.open(BytesIO(animated_png(frames[:1], scale=1))).size == (64, 64)


def test_play_leaves_a_picture_with_its_alternative_text(monkeypatch):
    shown = []
    monkeypatch.setattr("r2p1d_edu.lab.play.display", lambda data, raw: shown.append(data))
    play(draw_clip("Rise", 9, 1), "A disc goes up.", fps=4)
    (data,) = shown
    assert data["text/plain"] == "A disc goes up."
    assert 'alt="A disc goes up."' in data["text/html"]
    film = re.search('base64,([^"]+)"', data["text/html"])[1]
    assert read(b64decode(film))[1] == [250.0] * 12
    assert Image.open(BytesIO(b64decode(data["image/png"]))).n_frames == 1  # a still, for what shows no HTML


@pytest.mark.parametrize(
    ("frames", "settings"),
    [(np.zeros((2, 4, 4, 3)), {}), (np.zeros((2, 4, 4), np.uint8), {}), (np.zeros((0, 4, 4, 3), np.uint8), {})]
    + [(np.zeros((2, 4, 4, 3), np.uint8), bad) for bad in ({"fps": 0}, {"scale": 0}, {"colours": 1}, {"colours": 257})],
)
def test_bad_input_is_refused(frames, settings):
    with pytest.raises(InputError, match=r"got|give"):
        animated_png(frames, **settings)
