"""What nbval cannot say of the lessons: that they were run, are readable, and are small."""

import ast
import re
import statistics
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
LESSONS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request):
    return request.param, nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def test_there_are_lessons():
    assert (FOLDER / "00_start_here.ipynb") in LESSONS


def test_every_code_cell_was_run_in_order_and_without_an_error(lesson):
    _, notebook = lesson
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert not [o for o in cell.outputs if o.output_type == "error"], cell.source


def test_more_words_than_code_and_short_cells(lesson):
    _, notebook = lesson
    cells = code_cells(notebook)
    lengths = [len(cell.source.splitlines()) for cell in cells]
    words = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    assert len(words) >= len(cells)
    assert statistics.median(lengths) <= 6
    assert max(lengths) <= 30
    assert all(len(line) <= 88 for cell in cells for line in cell.source.splitlines())


def test_small_and_without_widget_state(lesson):
    path, notebook = lesson
    assert path.stat().st_size <= 400_000
    assert "widgets" not in notebook.metadata


def test_every_picture_has_alternative_text(lesson):
    _, notebook = lesson
    for cell in code_cells(notebook):
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:  # whose own alternative text JupyterLab would not show
                assert re.search('<img alt="[^"]+"', data["text/html"]), cell.source
            assert "image/svg+xml" not in data, f"not shown where the notebook is not trusted: {cell.source}"


def test_lessons_import_no_peer(lesson):
    _, notebook = lesson
    for cell in code_cells(notebook):
        assert "sys.path" not in cell.source
        for node in ast.walk(ast.parse(cell.source)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert not {"torchvision", "pytorchvideo"} & {name.split(".")[0] for name in names}


def test_links_between_lessons_lead_somewhere(lesson):
    path, notebook = lesson
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (path.parent / target).exists(), target
