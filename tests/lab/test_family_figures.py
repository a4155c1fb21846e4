"""The paper's figures: every network in its place, no name on top of another."""

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.drawing import KINDS
from r2p1d_edu.lab.family_figures import COST_AXES, LEVELS, FamilyTable, accuracy_against, family_diagram
from r2p1d_edu.lab.palette import style, title
from r2p1d_edu.networks.family import FAMILY
from r2p1d_edu.networks.table import family_table


def test_the_diagram_has_a_row_a_network_and_a_box_a_group():
    figure = family_diagram()
    (axes,) = figure.axes
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert len(boxes) == 5 * len(FAMILY)
    rows = {text.get_text(): text.get_position()[1] for text in axes.texts if text.get_text() in map(title, FAMILY)}
    assert sorted(rows.values(), reverse=True) == list(rows.values())  # from top to bottom, as in the table
    for name, kinds in FAMILY.items():
        row = [box for box in boxes if box.get_y() < rows[title(name)] < box.get_y() + box.get_height()]
        row.sort(key=lambda box: box.get_x())
        assert [to_hex(box.get_facecolor()) for box in row] == [to_hex(KINDS[kind][1]) for kind in kinds]
    plt.close(figure)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("frames", [8, 16])
@pytest.mark.parametrize("cost", COST_AXES)
def test_every_network_stands_where_the_tables_say(cost, frames, level):
    figure = accuracy_against(cost, frames, level)
    (axes,) = figure.axes
    expected = {}
    for row in family_table():
        if row["frames"] == frames:
            x = row["GMAC"] if cost == "GMAC" else row["parameters"] / 1e6
            expected[title(row["network"])] = (x, row[f"paper {level}"])
    named = {text.get_text(): text.xy for text in axes.texts}
    assert named == {name: pytest.approx(point) for name, point in expected.items()}
    drawn = {(line.get_color(), line.get_marker()): line.get_xydata()[0] for line in axes.lines}
    for name in FAMILY:
        assert drawn[style(name).color, style(name).marker] == pytest.approx(expected[title(name)])
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    for number, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert not any(box.shrunk(0.9, 0.7).overlaps(other.shrunk(0.9, 0.7)) for other in boxes[:number])
    plt.close(figure)


def test_what_there_is_no_figure_of_is_refused():
    for arguments in (("GFLOPs",), ("GMAC", 32), ("GMAC", 16, "frame")):
        with pytest.raises(InputError, match="choose one of"):
            accuracy_against(*arguments)


def test_the_table_is_the_same_as_text_and_as_html():
    table = FamilyTable()
    html = table._repr_html_()
    assert html.count("<tr>") == 1 + 24
    for row in family_table():
        line = f"<tr><td>{title(row['network'])}</td><td>{row['frames']}</td><td>{row['parameters']:,}</td>"
        assert f"{line}<td>{row['GMAC']:.3f}</td><td>{row['paper clip']}</td>" in html
        assert f"{row['parameters']:,}" in repr(table)
    for words in ("Kinetics-400 top-1 in %", "10⁹ multiply-adds", "Do not mix"):
        assert words in html
        assert words in repr(table)
