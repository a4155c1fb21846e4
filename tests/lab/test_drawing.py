"""Cuboids: every length true to the shape, in one projection."""

from math import dist

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.drawing import KINDS, SLANT, Scale, blank_axes, draw_cuboid, draw_kind
from r2p1d_edu.networks.resnet import GROUP_KINDS, STEM_KINDS

SCALE = Scale(pixel=0.01, frame=0.02, channel=0.002)


@pytest.fixture
def axes():
    figure, axes = blank_axes(4, 3)
    yield axes
    plt.close(figure)


def parts(axes):
    """The three faces as lists of corners, the lines, the bar and the text of the only cuboid."""
    (faces,) = (artist for artist in axes.get_children() if isinstance(artist, PolyCollection))
    (lines,) = (artist for artist in axes.get_children() if isinstance(artist, LineCollection))
    bar = next(patch for patch in axes.patches if isinstance(patch, Rectangle))
    return [path.vertices[:4] for path in faces.get_paths()], lines.get_segments(), bar, axes.texts[0]


@pytest.mark.parametrize("shape", [(64, 16, 56, 40), (3, 1, 112, 112), (512, 5, 7, 1), (1, 1, 1, 1)])
def test_every_length_is_true_to_the_shape(axes, shape):
    draw_cuboid(axes, 2, 1, shape, scale=SCALE, color="#0072B2")
    channels, frames, height, width = shape
    (front, roof, side), lines, bar, text = parts(axes)
    assert dist(front[0], front[1]) == pytest.approx(0.01 * width)
    assert dist(front[1], front[2]) == pytest.approx(0.01 * height)
    for face, start, end in ((roof, 1, 2), (side, 0, 1)):
        depth = face[end] - face[start]
        assert np.hypot(*depth) == pytest.approx(0.02 * frames)
        assert np.arctan2(depth[1], depth[0]) == pytest.approx(SLANT)
    assert len(lines) == frames - 1  # between every two frames
    assert bar.get_width() == pytest.approx(0.002 * channels)
    assert text.get_text() == "×".join(map(str, shape))


def test_it_stands_where_it_is_told_and_the_faces_meet(axes):
    draw_cuboid(axes, 2, 1, (8, 4, 30, 50), scale=SCALE, color="#0072B2", label="conv1")
    (front, roof, side), lines, bar, text = parts(axes)
    assert front[:2].mean(0) == pytest.approx([2, 1])
    assert bar.get_x() + bar.get_width() / 2 == pytest.approx(2)
    assert bar.get_y() + bar.get_height() < 1
    assert text.get_position()[1] < bar.get_y()
    assert text.get_text() == "conv1"
    assert np.array_equal(front[3], roof[0])
    assert np.array_equal(front[2], roof[1])
    assert np.array_equal(front[1], side[0])
    assert np.array_equal(roof[2], side[2])
    quarter = (np.array(side[1]) - side[0]) / 4
    assert lines[0][2] == pytest.approx(side[0] + quarter)
    assert lines[-1][0] == pytest.approx(roof[0] + 3 * quarter)


def test_the_extent_is_that_of_the_outline(axes):
    draw_cuboid(axes, 2, 1, (8, 4, 30, 50), scale=SCALE, color="#0072B2")
    corners = np.concatenate(parts(axes)[0])
    assert SCALE.extent((8, 4, 30, 50)) == pytest.approx(tuple(np.ptp(corners, axis=0)))


def test_fit_gives_the_largest_of_each_axis_the_length_asked_for():
    scale = Scale.fit([(3, 16, 112, 96), (512, 2, 7, 7)], side=2, depth=0.8, bar=1.5)
    assert (scale.pixel * 112, scale.frame * 16, scale.channel * 512) == pytest.approx((2, 0.8, 1.5))


@pytest.mark.parametrize("shape", [(64, 16, 56), (0, 1, 1, 1), (3, 1.5, 2, 2), (3, 4, 5, 6, 7), "abcd"])
def test_what_is_no_shape_is_refused(axes, shape):
    with pytest.raises(InputError, match=r"\(C, T, H, W\), four whole numbers"):
        draw_cuboid(axes, 0, 0, shape, scale=SCALE, color="#000000")


def test_every_kind_has_a_box_with_readable_letters(axes):
    assert set(KINDS) == {*STEM_KINDS, *GROUP_KINDS}
    for kind in KINDS:
        draw_kind(axes, 2, 1, kind)
    for patch, text, (title, _, _) in zip(axes.patches, axes.texts, KINDS.values(), strict=True):
        one, other = sorted(map(luminance, (patch.get_facecolor()[:3], to_rgb(text.get_color()))))
        assert (other + 0.05) / (one + 0.05) >= 4.5, title  # WCAG 2.1, criterion 1.4.3
        box = text.get_window_extent().transformed(axes.transData.inverted())
        assert box.width < patch.get_width(), title
        assert text.get_text() == title


def luminance(color) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_axes_are_in_inches_of_the_whole_figure():
    figure, axes = blank_axes(4, 3)
    corner = figure.transFigure.inverted().transform(axes.transData.transform([(0, 0), (2, 3)]))
    assert corner == pytest.approx(np.array([[0, 0], [0.5, 1]]))
    assert tuple(figure.get_size_inches()) == (4, 3)
    plt.close(figure)
