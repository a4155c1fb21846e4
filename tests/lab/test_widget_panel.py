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


def test_it_leaves_its_picture_where_no_kernel_is(panel, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    panel._ipython_display_()
    alive, left = shown
    assert set(alive) == {"application/vnd.jupyter.widget-view+json", "text/plain"}
    assert alive["text/plain"] == left["text/plain"] == "3a"
    assert '<img alt="3a" ' in left["text/html"]
    assert f'base64,{left["image/png"]}"' in left["text/html"]


def test_what_is_wrong_is_said_beside_a_dimmed_picture_and_whose_it_is(panel):
    def draw(number, letter):
        if number > 5:
            raise InputError(f"number is {number}; give at most 5")
        return Figure(), f"{number}{letter}"

    panel.draw = draw
    good = panel.picture.value
    panel.controls["number"].value = 6
    assert "number is 6; give at most 5. The picture is still that of number 3, letter a." in panel.message.value
    assert panel.picture.value == f"<div style='opacity:0.35'>{good}</div>"
    panel.controls["number"].value = 5
    assert "opacity" not in panel.picture.value
    assert panel.message.value == ""
