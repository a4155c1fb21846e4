"""The looks: no two alike, telling apart without full colour vision, the same in matplotlib and in SVG."""

import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.lines import Line2D

from r2p1d_edu.lab.palette import FALLBACK, LINE_WIDTH, MARKER_PATHS, NETWORKS, style, styles, title
from r2p1d_edu.networks.family import BUILDERS

NAMES = tuple(BUILDERS)
MAIN = ("f_r2d", "r3d", "mc3", "rmc3", "r2plus1d")

# Machado, Oliveira, Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE TVCG
# 15(6), 2009, the matrices for severity 1.0, which act on linear RGB.
EYES = {
    "full": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])  # IEC 61966-2-1


def linear(color: str) -> np.ndarray:
    encoded = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    ratio = XYZ @ rgb.clip(0, 1) / XYZ.sum(axis=1)  # white is D65
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_ruler_itself():
    assert lab(linear("#FFFFFF")) == pytest.approx([100, 0, 0], abs=0.02)
    assert lab(linear("#FF0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.05)  # sRGB red, textbook value


def test_every_network_of_the_course_has_a_look_and_a_name():
    assert set(NETWORKS) == set(NAMES)
    assert style("my own") == style(("3d", "3d", "2d", "2d", "2d")) == style(["3d"]) == FALLBACK


def test_any_two_differ_and_relatives_differ_twice():
    for one, other in itertools.combinations([*map(style, NAMES), FALLBACK], 2):
        assert one != other
        if one.color == other.color:
            assert one.dash != other.dash
            assert one.marker != other.marker


@pytest.mark.parametrize("eyes", EYES)
def test_the_main_five_stay_apart(eyes):
    seen = {name: lab(np.array(EYES[eyes]) @ linear(style(name).color)) for name in MAIN}
    for one, other in itertools.combinations(MAIN, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 15, (one, other)  # CIE 1976; 2.3 is just noticeable


def test_the_main_five_stand_out_on_white():
    for name in MAIN:
        contrast = 1.05 / (XYZ[1] @ linear(style(name).color) + 0.05)
        assert contrast >= 3, name  # WCAG 2.1, criterion 1.4.11


def test_the_main_five_differ_without_any_colour():
    assert len({style(name).dash for name in MAIN}) == len({style(name).marker for name in MAIN}) == 5


def test_r2d_and_f_r2d_are_told_apart_when_trained_together():
    r2d, f_r2d = (int(style(name).dash.split()[0]) for name in ("r2d", "f_r2d"))
    assert r2d >= 4 * f_r2d  # long dashes beside dots


def test_r2d_looks_like_f_r2d_but_for_dash_and_marker():
    for relatives in (("r2d", "f_r2d"), ("mc2", "mc5"), ("rmc2", "rmc4"), ("p3d63", "p3d199"), ("r3d", "c3d")):
        assert style(relatives[0]).color == style(relatives[1]).color


@pytest.mark.parametrize("name", [*NAMES, "own"])
def test_matplotlib_draws_the_same_dash_and_knows_the_marker(name):
    look = style(name)
    line = Line2D([], [], color=look.color, linestyle=look.linestyle, marker=look.marker, linewidth=LINE_WIDTH)
    assert matplotlib.rcParams["lines.scale_dashes"]
    drawn = line._dash_pattern[1] or ()
    assert drawn == pytest.approx([float(length) for length in look.dash.split()])
    assert MARKER_PATHS[look.marker].startswith("M")


def test_a_look_that_comes_again_gets_another_dash():
    looks = styles(["mc3", "r2plus1d", "mc3", "own", "another own", "mc3"])
    assert looks[0] == style("mc3")
    assert looks[1] == style("r2plus1d")
    assert len(set(looks)) == 6
    assert {look.color for look in looks} == {style("mc3").color, style("r2plus1d").color, FALLBACK.color}


def test_titles_are_the_papers():
    titles = [title(name) for name in ("r2plus1d", "f_r2d", "r2d", "mc4", "rmc3", "p3d63", "c3d")]
    assert titles == ["R(2+1)D", "f-R2D", "R2D", "MC4", "rMC3", "P3D-63", "C3D"]
    assert title("my own") == "my own"
    assert title(("3d", "2d")) == "3d-2d"
