"""Whose file is it, and for which assignment? And what becomes of a notebook that is not as it was released."""

import nbformat
import pytest
from nbformat import v4

from classroom.collect import collect
from classroom.repair import repair
from r2p1d_edu.errors import InputError


def notebook(*cells):
    """(grade id, text) → a notebook; an id of "" is a cell without one."""
    made = []
    for name, text in cells:
        settings = {"grade_id": name, "grade": name.startswith("test_"), "solution": name.startswith("answer")}
        made.append(v4.new_code_cell(text, metadata={"nbgrader": settings} if name else {}))
    return v4.new_notebook(cells=made)


RELEASES = {
    "ps1": notebook(("", "import math"), ("answer_a", "def a(): ..."), ("test_a", "a()")),
    "ps12": notebook(("answer_b", "def b(): ..."), ("test_b", "b()")),
}


def texts(notebook):
    return [cell.source for cell in notebook.cells[1:]]


def test_cells_say_more_than_names(tmp_path):
    nbformat.write(RELEASES["ps12"], tmp_path / "ben_ps1.ipynb")
    nbformat.write(RELEASES["ps1"], tmp_path / "cleo_homework.ipynb")
    nbformat.write(notebook(("", "1")), tmp_path / "dan_homework.ipynb")
    ben, cleo, dan = collect(tmp_path, RELEASES, tmp_path)
    assert (ben.assignment, cleo.assignment, dan.assignment) == ("ps12", "ps1", "")
    assert "named ps1, but its cells are those of ps12" in ben.remarks[0]
    assert cleo.student == "cleo"
    assert "neither its name nor its cells" in dan.remarks[0]


def test_only_data_comes_along_and_no_links(tmp_path):
    folder = tmp_path / "in" / "anna"
    folder.mkdir(parents=True)
    nbformat.write(RELEASES["ps1"], folder / "ps1.ipynb")
    for name in ("result.json", "torch.py", "sitecustomize.pyc", ".hidden.csv"):
        (folder / name).write_text("x")
    (tmp_path / "secret.csv").write_text("the teacher's")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    [one] = collect(tmp_path / "in", RELEASES, tmp_path)
    assert [file.name for file in one.beside] == ["result.json"]


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        collect(tmp_path / "nowhere", RELEASES, tmp_path)
    with pytest.raises(InputError, match="no submissions"):
        collect(tmp_path, RELEASES, tmp_path)


def repaired(*cells):
    remarks = []
    content = nbformat.writes(notebook(*cells)).encode()
    return texts(repair(content, RELEASES["ps1"], remarks)), remarks


def test_an_answer_goes_to_its_place_and_cells_of_ones_own_stay_before_what_they_preceded():
    cells, remarks = repaired(
        ("", "import math"),
        ("", "helper = 1"),
        ("answer_a", "def a(): return helper"),
        ("test_a", "a()"),
        ("", "a() + 1"),
    )
    assert cells == ["import math", "helper = 1", "def a(): return helper", "a()", "a() + 1"]
    assert remarks == []


def test_cells_in_another_order_are_put_right():
    cells, _ = repaired(("test_a", "a()"), ("answer_a", "def a(): return 1"), ("", "import math"))
    assert cells == ["import math", "def a(): return 1", "a()"]


def test_the_last_of_two_answers_counts_and_the_first_is_run_before_it():
    cells, remarks = repaired(("answer_a", "def a(): return 1"), ("answer_a", "def a(): return 2"), ("test_a", "a()"))
    assert cells == ["import math", "def a(): return 1", "def a(): return 2", "a()"]
    assert remarks == ["there more than once, the last one counts: answer_a"]


def test_an_answer_that_lost_its_name_is_still_run_after_the_stub():
    cells, remarks = repaired(("", "import math"), ("mine", "def a(): return 1"), ("test_a", "a()"))
    assert cells == ["import math", "def a(): ...", "def a(): return 1", "a()"]
    assert any("answer_a, is missing or has lost its name" in words for words in remarks)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b'{"nbformat": 4}',
        b'{"nbformat": 99, "cells": []}',
        b"null",
        b'"text"',
        b"{" * 9999,
    ],
)
def test_what_is_no_notebook_gives_a_blank_one(content):
    remarks = []
    assert texts(repair(content, RELEASES["ps1"], remarks)) == [cell.source for cell in RELEASES["ps1"].cells]
    assert "not a notebook, or is damaged" in remarks[0]


def test_odd_cells_do_no_harm():
    content = b"""{"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": 7}, "cells": [
        1, {}, {"cell_type": "video", "source": 3},
        {"cell_type": "code", "source": ["a", "\\ud800", 1], "metadata": []},
        {"cell_type": "code", "source": "def a(): return 5", "metadata": {"nbgrader": {"grade_id": "answer_a"}}},
        {"cell_type": "code", "source": "x", "metadata": {"nbgrader": {"grade_id": ["test_a"]}}}]}"""
    remarks = []
    notebook = repair(content, RELEASES["ps1"], remarks)
    assert "def a(): return 5" in texts(notebook)
    nbformat.validate(notebook)
    nbformat.writes(notebook).encode("utf-8")
