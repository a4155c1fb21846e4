"""The strip shows the clip's own frames, and the bars are the probabilities."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.figures import confusion_matrix, contact_sheet, figure_png
from r2p1d_edu.lab.palette import GREEN, GREY, VERMILLION
from r2p1d_edu.lab.prediction_figures import prediction_strips

CLASSES = ("Fall", "Ring", "Rise", "Cross")
CLIPS = [np.arange(6 * 4 * 4 * 3, dtype=np.uint8).reshape(6, 4, 4, 3) + n for n in range(2)]
SAID = {
    "R3D": np.array([[0.1, 0.05, 0.8, 0.05], [0.6, 0.1, 0.25, 0.05]]),
    "f-R2D": np.array([[0.5, 0.0, 0.5, 0.0], [0.4, 0.1, 0.3, 0.2]]),
}


@pytest.fixture
def drawn():
    figure, words = prediction_strips(CLIPS, [2, 2], SAID, CLASSES)
    yield figure, words
    plt.close(figure)


def test_the_frames_stand_side_by_side(drawn):
    picture = drawn[0].axes[3].images[0].get_array()
    assert picture.shape == (4, 3 * 4, 3)
    assert np.abs(picture[:, 4:8].astype(int) - CLIPS[1][2]).max() <= 8  # in 16 levels
    assert np.abs(picture[:, 4:8].astype(int) - CLIPS[1][1]).max() > 8


def test_each_network_has_a_column(drawn):
    assert [axes.get_title() for axes in drawn[0].axes] == ["", "R3D", "f-R2D", "", "", ""]
    assert [axes.get_ylabel() for axes in drawn[0].axes[::3]] == ["Rise", "Rise"]


def test_right_and_wrong_are_told_apart_in_colour_and_weight(drawn):
    _, right, _, _, wrong, _ = drawn[0].axes
    assert [to_hex(bar.get_facecolor()).upper() for bar in right.patches] == [GREEN, GREY, GREY]
    assert [to_hex(bar.get_facecolor()).upper() for bar in wrong.patches] == [VERMILLION, GREEN, GREY]
    assert [label.get_fontweight() for label in wrong.get_yticklabels()] == ["normal", "bold", "normal"]


def test_the_bars_are_the_likeliest_classes(drawn):
    bars = drawn[0].axes[4]
    assert [bar.get_width() for bar in bars.patches] == [0.6, 0.25, 0.1]
    assert [label.get_text() for label in bars.get_yticklabels()] == ["Fall", "Rise", "Ring"]
    assert [text.get_text() for text in bars.texts] == ["60%", "25%", "10%"]
    assert bars.get_ylim()[0] > bars.get_ylim()[1]  # the likeliest on top


def test_the_words_say_the_same(drawn):
    assert drawn[1].endswith(
        "Rise: R3D says Rise, 80%; Rise: f-R2D says Fall, 50%; Rise: R3D says Fall, 60%; Rise: f-R2D says Fall, 40%."
    )


def test_fewer_classes_than_bars():
    figure, _ = prediction_strips(CLIPS[:1], [1], {"R3D": np.array([[0.3, 0.7]])}, CLASSES[:2], bars=3)
    assert len(figure.axes[1].patches) == 2
    plt.close(figure)


@pytest.mark.parametrize(
    ("clips", "labels", "rows"), [([], [], 0), (CLIPS, [1], 2), (CLIPS, [1, 2], 1), (CLIPS[:1], [1], 2)]
)
def test_what_does_not_fit_together_is_refused(clips, labels, rows):
    with pytest.raises(InputError, match="one of each"):
        prediction_strips(clips, labels, {"R3D": SAID["R3D"][:rows]}, CLASSES)


def test_a_class_may_be_called_anything():
    """Matplotlib takes what stands between two dollars for a formula."""
    classes = ("$$", r"$\nothing$", "$a", "_")
    for figure in (
        prediction_strips(CLIPS, [0, 1], SAID, classes)[0],
        confusion_matrix(np.eye(4, dtype=int), classes),
        contact_sheet({name: CLIPS[0] for name in classes}),
    ):
        figure_png(figure)
        plt.close(figure)
