"""The mixed slider: every place of slider and toggles, against the published tables and lengths worked out by hand."""

import csv
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import same_color

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.drawing import KINDS
from r2p1d_edu.lab.widgets.mixed_slider import DIRECTIONS, GIVEN_FRAMES, draw_mixed, mixed_slider

with (Path(__file__).parents[1] / "golden" / "networks.csv").open() as file:
    GOLDEN = {(row["network"], int(row["frames"])): row for row in csv.DictReader(file)}
PLACES = [(direction, x, frames) for direction in ("mc", "rmc") for x in (2, 3, 4, 5) for frames in (8, 16)]
TOTALS = re.compile(r": ([\d.]+) M parameters, ([\d.]+) GMAC\. ")
STAGE = re.compile(r"conv\d\S* (2D|3D), T (\d+), ([\d.]+) M, ([\d.]+) GMAC")


@pytest.fixture(scope="module")
def panel():
    return mixed_slider()


def is_3d(direction, x, group):
    """The paper: MCx turns 2D at group x, rMCx turns 3D there; group 1 is conv1."""
    return group < x if direction == "mc" else group >= x


@pytest.mark.parametrize(("direction", "x", "frames"), PLACES)
def test_every_place(panel, direction, x, frames):
    panel.set(direction=direction, x=x, frames=frames)
    golden, words = GOLDEN[f"{direction}{x}", frames], panel.words
    assert panel.message.value == ""
    assert words.startswith(f"{'rMC' if direction == 'rmc' else 'MC'}{x}, {frames} frames: ")
    params, gmac = map(float, TOTALS.search(words).groups())
    assert params == pytest.approx(int(golden["params"]) / 1e6, abs=0.0501)
    assert gmac == pytest.approx(float(golden["gmac"]), abs=0.0501)
    assert f"clips {float(golden['table2_clip1'])} %, videos {float(golden['table2_video1'])} %" in words
    assert "Table 2" in words

    stages = STAGE.findall(words)
    assert [kind for kind, *_ in stages] == ["3D" if is_3d(direction, x, group) else "2D" for group in range(1, 6)]
    length, lengths = frames, []
    for group in range(1, 6):
        length //= 2 if group >= 3 and is_3d(direction, x, group) else 1
        lengths.append(length)
    assert [int(length) for _, length, *_ in stages] == lengths
    linear = 512 * 400 + 400
    assert sum(float(params) for *_, params, _ in stages) == pytest.approx(
        (int(golden["params"]) - linear) / 1e6, abs=0.03
    )
    assert sum(float(gmac) for *_, gmac in stages) == pytest.approx(float(golden["gmac"]), abs=0.03)


def test_the_stages_of_mc3_by_hand():
    """Weights and multiply-adds of 3×3×3 and 1×3×3 convolutions, written out."""
    figure, words = draw_mixed("mc", 3, 16)
    plt.close(figure)
    _, conv2, conv3, _, conv5 = STAGE.findall(words)
    assert conv2[2:] == (f"{4 * 27 * 64 * 64 / 1e6:.2f}", f"{4 * 27 * 64 * 64 * 16 * 56 * 56 / 1e9:.2f}")
    weights = 9 * (64 * 128 + 3 * 128 * 128) + 64 * 128  # with the 1×1×1 shortcut
    norms = 5 * 2 * 128  # a scale and a shift a channel
    assert conv3[2:] == (f"{(weights + norms) / 1e6:.2f}", f"{weights * 16 * 28 * 28 / 1e9:.2f}")
    weights = 9 * (256 * 512 + 3 * 512 * 512) + 256 * 512
    assert conv5[3] == f"{weights * 16 * 7 * 7 / 1e9:.2f}"


def test_the_picture_says_the_same_as_the_words():
    figure, words = draw_mixed("rmc", 4, 8)
    kinds, parameters, work = figure.axes
    assert "rMC4, 8 frames" in figure.get_suptitle()
    shown = [text.get_text() for text in kinds.texts if text.get_text()]
    stages = STAGE.findall(words)
    assert shown == [text for kind, length, *_ in stages for text in (kind, f"T = {length}")]
    for axes, column in ((parameters, 2), (work, 3)):
        assert [text.get_text() for text in axes.texts] == [stage[column] for stage in stages]
        for bar, stage in zip(axes.containers[0], stages, strict=True):
            assert bar.get_height() == pytest.approx(float(stage[column]), abs=0.006)
            assert same_color(bar.get_facecolor(), KINDS[stage[0].lower()][1])
    outline = [bar.get_height() for bar in work.containers[1]]  # R3D at 16 frames, halved
    assert outline == pytest.approx([v / 2 for v in (1.416, 22.196, 9.762, 4.881, 2.441)], abs=0.001)
    plt.close(figure)


def test_the_scale_stays_put():
    """Half the frames, half the bars: what can be seen by switching to and fro."""
    limits = set()
    for frames in GIVEN_FRAMES:
        figure, _ = draw_mixed("mc", 5, frames)
        limits.add(tuple(axes.get_ylim() for axes in figure.axes[1:]))
        plt.close(figure)
    assert len(limits) == 1


def test_controls_are_labelled_and_reach_every_published_network(panel):
    for control in panel.controls.values():
        assert control.description
        assert control.style.description_width == "initial"
    assert (panel.controls["x"].min, panel.controls["x"].max) == (2, 5)
    assert tuple(panel.controls["frames"].options) == GIVEN_FRAMES
    assert dict(panel.controls["direction"].options) == DIRECTIONS


@pytest.mark.parametrize(
    ("bad", "seen"), [(("mc", 6, 16), "'mc6'"), (("rmc", 1, 8), "'rmc1'"), (("mc", 3, 32), "32"), (("r", 3, 8), "'r3'")]
)
def test_what_is_not_in_the_paper_is_refused(bad, seen):
    with pytest.raises(InputError, match=rf"{seen}.*choose one of"):
        draw_mixed(*bad)
    assert not plt.get_fignums()


def test_a_refusal_keeps_the_last_picture():
    panel = mixed_slider("rmc", 2, 8)
    picture, words = panel.picture.value, panel.words
    panel.controls["x"].max = 9
    panel.controls["x"].value = 7
    assert panel.message.value.count("unknown mixed network") == 1
    assert "\n" not in panel.message.value
    assert (panel.picture.value, panel.words) == (picture, words)
    panel.controls["x"].value = 5
    assert panel.message.value == ""
    assert panel.picture.value != picture
    assert f'aria-label="{panel.words}"' in panel.picture.value
