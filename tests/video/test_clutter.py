"""The harder drawn dataset: its classes are what they say, its knobs turn what they name."""

import json

import numpy as np
import pytest

from r2p1d_edu.errors import InputError
from r2p1d_edu.video import arrow
from r2p1d_edu.video.clutter import CLASSES, FRAMES, MOTIONS, SIDE, Knobs, draw_clip, move, write_clutter
from r2p1d_edu.video.ucf101 import load_split

PLAIN = Knobs(shake=0, distractors=0, grain=0, contrast=1)


def test_the_dataset_is_written_once_and_another_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow, "GROUPS", 9)  # one of fold 1's seven test groups at least, and two to train on
    folder = write_clutter(tmp_path / "clutter", 1, frames=4)
    assert json.loads((folder / "clutter.json").read_text())["distractors"] == Knobs().distractors
    split = load_split(folder / "videos")
    assert split.classes == CLASSES
    assert (len(split.train), len(split.test)) == (16, 56)
    assert write_clutter(folder, 1, frames=4, progress=None) == folder  # draws nothing
    for other in ({"knobs": Knobs(shake=3)}, {"seed": 1}):
        with pytest.raises(InputError, match="already holds something else"):
            write_clutter(folder, 1, frames=4, **other)


def test_the_same_clip_is_drawn_again_and_no_two_are_alike():
    drawn = {draw_clip(name, group, clip).tobytes() for name in CLASSES for group in (1, 2) for clip in (1, 2)}
    assert len(drawn) == len(CLASSES) * 4
    assert draw_clip("Boil", 1, 1).tobytes() in drawn
    assert draw_clip("Boil", 1, 1).shape == (FRAMES, SIDE, SIDE, 3)


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_motion_is_what_its_name_says(motion):
    knobs = Knobs()
    for seed in range(20):
        x, y, radius, texture = move(motion, FRAMES, knobs, np.random.default_rng(seed))
        far = {"x": abs(x[-1] - x[0]), "up": y[0] - y[-1], "growth": radius[-1] / radius[0]}
        assert far["up"] > 9 if motion == "Climb" else abs(far["up"]) <= 10
        assert far["x"] > 9 if motion == "Slide" else far["x"] <= 10
        assert (far["growth"] > 1.5) == (motion == "Swell")
        steps = np.diff(texture[0])
        assert (np.ptp(steps) > 10) == (motion == "Boil")
        assert np.allclose(steps, -knobs.flow) == (motion == "Flow")


@pytest.mark.parametrize(
    ("knob", "value"), [("contrast", 0.3), ("distractors", 4), ("shake", 2.0), ("grain", 30.0), ("radius", (5.0, 6.0))]
)
def test_a_knob_changes_the_picture(knob, value):
    plain, turned = (draw_clip("Ring", 3, 1, knobs=k) for k in (PLAIN, Knobs(**(vars(PLAIN) | {knob: value}))))
    assert not np.array_equal(plain, turned)


def test_contrast_brings_the_figure_nearer_to_the_background():
    def spread(contrast):
        return np.mean(
            [
                draw_clip("Ring", 1, c, knobs=Knobs(**(vars(PLAIN) | {"contrast": contrast}))).std((1, 2))
                for c in range(8)
            ]
        )

    assert spread(0.2) < spread(0.6) < spread(1.0)


def test_shake_moves_what_stands_still():
    def change(shake):
        film = draw_clip("Flow", 2, 1, knobs=Knobs(**(vars(PLAIN) | {"shake": shake}))).astype(float)
        return np.abs(np.diff(film, axis=0)).mean()

    assert change(3.0) > 1.2 * change(0.0)


def test_no_class_is_told_by_a_picture_that_is_flipped():
    """Every class is its own mirror image: Slide goes either way."""
    ways = {
        np.sign(np.diff(move("Slide", FRAMES, Knobs(), np.random.default_rng(seed))[0]).sum()) for seed in range(20)
    }
    assert ways == {-1, 1}
