"""What every widget does with its controls, on a panel of two."""

import ipywidgets
import pytest
from matplotlib.figure import Figure

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.widgets.panel import ControlPanel


@pytest.fixture
def panel():
    controls = {"number": ipywidgets.IntSlider(3), "letter": ipywidgets.Dropdown(options="abc")}
    return ControlPanel(lambda number, letter: (Figure(), f"{number}{letter}"), controls)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"number": 7, "letter": "d"}, "letter cannot be 'd': TraitError: "),
        ({"letter": "b", "number": "many"}, "number cannot be 'many': TraitError: "),
        ({"number": 7, "size": 3}, "unknown control 'size'; choose one of number, letter"),
    ],
)
def test_a_value_that_a_control_cannot_have_is_refused_and_all_controls_stay_alive(panel, values, message):
    with pytest.raises(InputError) as refused:
        panel.set(**values)
    assert message in str(refused.value)
    assert panel.values() == {"number": 3, "letter": "a"}
    panel.controls["letter"].value = "c"
    panel.controls["number"].value = 4
    assert panel.words == "4c"


def test_several_values_are_set_with_one_redraw(panel):
    drawn, draw = [], panel.draw
    panel.draw = lambda **values: (drawn.append(values), draw(**values))[1]
    panel.set(number=5, letter="b")
    assert drawn == [{"number": 5, "letter": "b"}]
    assert panel.words == "5b"
