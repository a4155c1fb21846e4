import matplotlib.pyplot as plt
import pytest

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.dot_figure import LOOKS, accuracy_dots


def test_a_dot_a_run_and_a_bar_as_high_as_their_mean():
    figure = accuracy_dots({"clean": [0.25, 0.5], "leaky": [0.75]}, guessing=0.25)
    (axes,) = figure.axes
    *dots, line = axes.get_lines()
    assert [list(dot.get_ydata()) for dot in dots] == [[25, 50], [75]]
    assert [list(dot.get_xdata()) for dot in dots] == [[0, 0], [1]]
    assert list(line.get_ydata()) == [25, 25]
    assert [bar.get_height() for bar in axes.patches] == [37.5, 75]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["clean", "leaky"]
    assert len({(dot.get_color(), dot.get_marker()) for dot in dots}) == 2
    plt.close(figure)


def test_columns_differ_in_more_than_colour():
    assert len({marker for _, marker in LOOKS}) == len(LOOKS)


@pytest.mark.parametrize("groups", [{}, {"empty": []}, {str(n): [1.0] for n in range(len(LOOKS) + 1)}])
def test_what_cannot_be_drawn_is_said(groups):
    with pytest.raises(InputError, match="give 1 to 4, each with at least one accuracy"):
        accuracy_dots(groups)
