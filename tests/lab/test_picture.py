"""The picture of the live plot: where the points land, and what the words say."""

import math
from xml.etree import ElementTree

import pytest

from r2p1d_edu.lab.curves import Curves, RunningMean
from r2p1d_edu.lab.palette import NETWORKS, style
from r2p1d_edu.lab.picture import MAX_POINTS, draw, loss_top, thin, ticks

SVG = "{http://www.w3.org/2000/svg}"


def row(step, loss=1.0, accuracy=0.5, validation=None, **others):
    return {
        "step": step,
        "epoch": step / 100,
        "loss": loss,
        "accuracy": accuracy,
        "learning_rate": 0.01,
        "clips_per_second": 210.4,
        "seconds": step / 10,
        "validation_accuracy": validation,
    } | others


def curves(svg, network):
    """The polylines in the colour of `network`, each as a list of (x, y): raw loss, rate, loss, accuracy."""
    lines = ElementTree.fromstring(svg).iter(f"{SVG}polyline")
    return [
        [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        for line in lines
        if line.get("stroke") == style(network).color
    ]


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


# ---- where things land


def test_points_land_where_arithmetic_says():
    rows = [row(10, 2.0, 0.0, learning_rate=0.0), row(50, 1.0, 0.5), row(100, 0.0, 1.0, learning_rate=0.005)]
    run = Curves("r2plus1d", 100, rows)
    raw, rate, _, accuracy = curves(draw([run]), "r2plus1d")
    # Loss: x from 48 to 336 for steps 0 to 100; y from 168 up to 60 for 0 to 2.5, the round value above 1.1 · 2.
    assert raw == [(76.8, 81.6), (192.0, 124.8), (336.0, 168.0)]
    # Rate: y from 216 up to 192 for 0 to the highest, 0.01.
    assert [y for _, y in rate] == [216.0, 192.0, 204.0]
    # Accuracy: x from 410 to 698, y from 216 up to 60. Window 5 keeps 0.8: the means are 0, 0.5/1.8, 1.4/2.44.
    assert accuracy == [(438.8, 216.0), (554.0, 172.7), (698.0, 126.5)]


def test_two_runs_share_axes_and_keep_their_looks():
    runs = [Curves("f_r2d", 100, [row(100, 4.0)]), Curves("r2plus1d", 100, [row(100, 1.0)])]
    svg = draw(runs)
    assert curves(svg, "f_r2d")[0] == [(336.0, 81.6)]  # 4 of 5
    assert curves(svg, "r2plus1d")[0] == [(336.0, 146.4)]  # 1 of 5
    bold = [
        line
        for line in ElementTree.fromstring(svg).iter(f"{SVG}polyline")
        if line.get("stroke") == style("f_r2d").color and line.get("stroke-width") == "2.5"
    ]
    assert {line.get("stroke-dasharray") for line in bold} == {style("f_r2d").dash}
    assert {"f-R2D", "R(2+1)D", "4.000", "1.000"} <= set(texts(svg))


def test_the_ceiling_lies_at_its_height_and_says_so():
    svg = draw([Curves("f_r2d", 100, [row(1)])], ceiling=0.625)
    lines = [path for path in ElementTree.fromstring(svg).iter(f"{SVG}path") if path.get("stroke-dasharray") == "6 4"]
    assert [line.get("d") for line in lines] == ["M410,128.5H698", "M410,67h26"]  # 216 − 0.625 · 140; the label's
    words = ElementTree.fromstring(svg).iter(f"{SVG}text")
    [label] = [text for text in words if text.text == "order-blind ceiling 62.5 %"]
    assert float(label.get("y")) < 76  # above the panel, where no curve comes
    assert lines[0].get("stroke") not in {look[1] for look in NETWORKS.values()}
    assert "order-blind ceiling at 62.5 %" in svg  # in the description
    assert "ceiling" not in draw([Curves("f_r2d", 100, [row(1)])])


def test_validation_accuracy_is_a_marked_point():
    run = Curves("f_r2d", 100, [row(25, validation=0.5), row(50), row(75, validation=1.0)])
    markers = [
        path.get("transform")
        for path in ElementTree.fromstring(draw([run])).iter(f"{SVG}path")
        if "translate" in path.get("transform", "")
    ]
    assert markers[:2] == ["translate(482.0 138.0) scale(5.5)", "translate(626.0 60.0) scale(5.5)"]
    assert len(markers) == 3  # the third is the one in the legend


def test_nothing_leaves_the_picture():
    rows = [row(step, 2.0 if step % 7 else 500.0, 1.0, validation=1.0) for step in range(1, 121)]
    svg = draw([Curves("mc3", 100, rows)])  # more steps than planned, and bursts of loss
    points = [point for curve in curves(svg, "mc3") for point in curve]
    assert all(48 <= x <= 698 and 60 <= y <= 216 for x, y in points)


@pytest.mark.parametrize(
    ("losses", "top"),
    [
        ([2.0, 1.0, 0.5], 2.5),
        ([0.0, 0.0], 1.5),
        ([math.nan], 1.5),
        ([2.0] * 95 + [math.inf] + [900.0] + [2.0] * 3, 8.0),  # at most 1.1 · 3 · 2 is shown, rounded up
        ([0.01] * 5 + [0.5] * 100, 0.6),  # a small first loss does not cut off what follows
    ],
)
def test_the_loss_axis_is_sensible(losses, top):
    run = Curves("r3d", 200, [row(step, loss) for step, loss in enumerate(losses, 1)])
    assert loss_top([run]) == pytest.approx(top)


def test_ticks_are_round():
    assert ticks(2.5) == [0, 0.5, 1, 1.5, 2, 2.5]
    assert ticks(800) == [0, 200, 400, 600, 800]
    assert ticks(3, whole=True) == [0, 1, 2, 3]
    assert ticks(1, whole=True) == [0, 1]
    assert ticks(0.3) == pytest.approx([0, 0.1, 0.2, 0.3])


def test_thinning_keeps_first_and_last_and_only_ever_loses_points():
    before = set()
    for count in (1, 2, MAX_POINTS, MAX_POINTS + 1, 1000, 12345):
        points = list(range(count))
        kept = thin(points)
        assert kept[0] == 0
        assert kept[-1] == count - 1
        assert kept == sorted(set(kept))
        assert min(count, MAX_POINTS // 2) <= len(kept) <= MAX_POINTS + 1
        grown = {point for point in kept[:-1] if point < max(before, default=0)}
        assert grown <= before
        before = set(kept)
    assert thin([]) == []


def test_a_long_run_stays_small():
    run = Curves("r3d", 20_000, [row(step, 1 / step, validation=0.5) for step in range(1, 20_001)])
    svg = draw([run])
    assert all(len(curve) <= MAX_POINTS + 1 for curve in curves(svg, "r3d"))
    assert len(svg) < 30_000


def test_the_running_mean_is_unbiased_and_forgets():
    mean = RunningMean(20)
    assert [mean.add(3.0) for _ in range(3)] == pytest.approx([3.0, 3.0, 3.0])
    for _ in range(200):
        last = mean.add(7.0)
    assert last == pytest.approx(7.0, abs=1e-3)


# ---- what it says


def test_the_svg_speaks():
    runs = [
        Curves("f_r2d", 4, [row(1, 2.0, 0.25), row(2, 2.0, 0.25), row(3, 2.0, 0.25), row(4, 2.0, 0.25, 0.375)]),
        Curves("r2plus1d", 4, [row(1, 0.021, 0.75), row(2, 0.021, 0.75)]),
    ]
    root = ElementTree.fromstring(draw(runs, title="a < b & c"))
    assert root.get("role") == "img"
    assert root.get("viewBox") == "0 0 720 310"
    assert root.find(f"{SVG}title").text == "a < b & c"
    description = root.find(f"{SVG}desc").text
    first = (
        "f-R2D: step 4 of 4, epoch 0.0, loss 2.000, accuracy 25.0 %, validation 37.5 %, clips/s 210, time took 0:00."
    )
    assert first in description
    assert "R(2+1)D: step 2 of 4, epoch 0.0, loss 0.021, accuracy 75.0 %, clips/s 210, time 0:00 left." in description
    assert {"0.021", "37.5 %", "4 of 4", "took 0:00"} <= set(texts(draw(runs)))
    assert root.find(f"{SVG}rect").get("fill") == "#FFFFFF"  # it lies on white on a dark page too
    assert min(float(element.get("font-size")) for element in root.iter(f"{SVG}text")) >= 12


def test_a_loss_that_is_not_finite_is_left_out_and_named():
    run = Curves("r3d", 100, [row(1, 2.0), row(2, math.nan), row(3, math.inf)])
    svg = draw([run])
    assert len(curves(svg, "r3d")[0]) == 1
    assert run.loss == [(1, 2.0)]
    assert "nan" not in svg.lower()
    assert "not finite" in texts(svg)
    assert "R3D: loss not finite, first at step 2" in texts(svg)
    assert "loss is not finite, first at step 2" in run.text()
    run.add(row(4, 1.0))
    assert "not finite" not in texts(draw([run]))  # the table shows numbers again
    assert "first at step 2" in run.text()  # but nothing is hidden


def test_time_left_follows_the_pace_after_the_first_step():
    run = Curves("r3d", 101, [row(1, seconds=50.0)])  # a slow first step
    assert run.summary()["time"] == "–"
    run.add(row(11, seconds=70.0))
    assert run.summary()["time"] == "3:00 left"  # 2 s a step, 90 steps to go
    run.ended = True
    assert run.summary()["time"] == "took 1:10"
    assert Curves("r3d", 2, [row(1), row(2, seconds=3725.0)]).summary()["time"] == "took 1:02:05"


def test_before_the_first_row_there_is_an_empty_picture():
    assert "0 of 800" in texts(draw([Curves("r3d", 800)]))
    ElementTree.fromstring(draw([]))
