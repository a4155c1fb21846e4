"""Bring a submitted notebook back into the form of the release: every cell there once, every answer in its place.

Only the text of cells is taken over, so whatever else is in the file (outputs, kernels, settings) does no harm. What
nbgrader overwrites by itself, the text of the checks, is left to it.
"""

import ast
import copy
import json
import re
from collections import defaultdict

import nbformat
from nbformat import NotebookNode, v4

LARGEST = 30_000_000  # characters of a file
OWN_PATH = re.compile(r"""["'](?:[A-Za-z]:[\\/]|/home/|/Users/|/content/|/mnt/|~/)[^"']*["']""")


def repair(content: bytes, release: NotebookNode, remarks: list[str]) -> NotebookNode:
    """A notebook that nbgrader can grade, blank if nothing can be saved; what was noticed is added to `remarks`."""
    try:
        cells, noticed = read_cells(content)
        remarks += noticed
    except ValueError as error:
        cells = []
        remarks.append(f"{error}; nothing in it could be graded")
    return assemble(copy.deepcopy(release), cells, remarks)


def read_cells(content: bytes) -> tuple[list[NotebookNode], list[str]]:
    """The cells of a notebook file as code, markdown or raw cells with a text; ValueError if it is no notebook."""
    if len(content) > LARGEST:
        raise ValueError(f"the file is too large, {len(content) / 1e6:.0f} MB; clear the outputs and hand it in again")
    try:
        notebook = json.loads(content.decode("utf-8-sig", "replace"))
        if "worksheets" in notebook:  # as before 2014
            notebook = nbformat.convert(nbformat.from_dict(notebook), 4)
        cells = [clean(cell) for cell in notebook["cells"] if isinstance(cell, dict)]
    except Exception:  # whatever the wrong content leads the readers to
        cells = []
    if not cells:
        raise ValueError("the file is not a notebook, or is damaged")
    kernel = inside(notebook, "metadata", "kernelspec", "name") or "python3"
    return cells, [] if kernel == "python3" else [f"written with the kernel “{kernel}”; graded with python3"]


def inside(thing: dict, *names: str) -> str:
    """The text at thing[…][…]…; empty if there is none."""
    for name in names:
        thing = thing.get(name, "") if isinstance(thing, dict) else ""
    return thing if isinstance(thing, str) else ""


def clean(cell: NotebookNode) -> NotebookNode:
    """A new cell with the text and the grade id of a submitted one."""
    source = cell.get("source", "")
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    source = source.encode("utf-8", "replace").decode("utf-8")  # half characters cannot be written to a file
    make = {"code": v4.new_code_cell, "raw": v4.new_raw_cell}.get(cell.get("cell_type"), v4.new_markdown_cell)
    return make(source, metadata={"grade_id": grade_id(cell)})


def grade_id(cell: NotebookNode) -> str:
    """The cell's name in nbgrader; empty if it has none."""
    return inside(cell, "metadata", "nbgrader", "grade_id")


def grade_ids(notebook: NotebookNode) -> set[str]:
    """The names of all cells of a notebook that have one."""
    return {grade_id(cell) for cell in notebook.cells} - {""}


def assemble(release: NotebookNode, cells: list[NotebookNode], remarks: list[str]) -> NotebookNode:
    """The release with the submitted answers, and before each of its cells those that the student added there."""
    known = {grade_id(cell) or cell.source for cell in release.cells}
    names = [cell.metadata.grade_id if cell.metadata.grade_id in known else cell.source for cell in cells]
    last = {name: number for number, name in enumerate(names) if name in known}
    added, answers, waiting = defaultdict(list), {}, []
    for number, (name, cell) in enumerate(zip(names, cells, strict=True)):
        if last.get(name) == number:
            answers[name], added[name], waiting = cell, waiting, []
        elif cell.cell_type != "raw":
            waiting.append(cell)
    unknown = sorted({cell.metadata.grade_id for cell in cells if cell.metadata.grade_id not in known} - {""})
    twice = sorted({name for number, name in enumerate(names) if name in grade_ids(release) and last[name] != number})
    if unknown:
        remarks.append(f"unknown names of cells, read as cells of your own: {', '.join(unknown)[:200]}")
    if twice:
        remarks.append(f"there more than once, the last one counts: {', '.join(twice)}")

    together = []
    for original in release.cells:
        name = grade_id(original) or original.source
        together += added.pop(name, [])
        together.append(original)
        if cells and grade_id(original):
            remarks += filter(None, [compare(original, answers.get(name))])
    together += waiting
    for cell in (cell for cell in together if cell.cell_type == "code"):
        where = cell.metadata.nbgrader.grade_id if "nbgrader" in cell.metadata else "a cell of your own"
        remarks += [f"{where}: {words}" for words in filter(None, [trouble(cell)])]
    heading = v4.new_markdown_cell(note(remarks), metadata={"remarks": remarks})
    for cell in together:
        cell.metadata.pop("grade_id", None)
    notebook = v4.new_notebook(cells=[heading, *together], metadata=release.metadata)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    return notebook


def compare(cell: NotebookNode, submitted: NotebookNode | None) -> str:
    """Put the submitted text into the release's cell; a remark if it is missing or was not to be changed."""
    settings = cell.metadata["nbgrader"]
    if submitted is None:
        kind = "an answer" if settings["solution"] else "a cell with checks" if settings["grade"] else "a given cell"
        what = "counts as not answered" if settings["solution"] else "was put back"
        return f"{kind}, {settings['grade_id']}, is missing or has lost its name; it {what}"
    if cell.source == submitted.source:
        return ""
    cell.source = submitted.source
    return "" if settings["solution"] else f"{settings['grade_id']} was changed; the original was run in its place"


def trouble(cell: NotebookNode) -> str:
    """A remark on code that cannot run here, whatever the checks say."""
    lines = [line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"Python cannot read the code ({str(error)[:100]})"
    path = OWN_PATH.search("\n".join(lines))
    return f"the path {path[0][:100]} is one of your own machine" if path else ""


def note(remarks: list[str]) -> str:
    """What stands at the top of the feedback."""
    if not remarks:
        return ""
    return "\n".join(["**What was noticed before grading**", "", *(f"- {words}" for words in remarks)])
