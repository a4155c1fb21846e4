"""The assignments are proven: the reference gets all points, the blank release none, every planned wrong answer what is
planned for it, and what students get gives nothing away.

For each assignment, the k-th wrong answers of all its exercises make up one submission; so a few gradings are enough.
"""

import copy
import html
import io
import re
import runpy
import zipfile
from itertools import groupby
from pathlib import Path

import nbformat
import pytest

from classroom.course import SOURCE, build
from classroom.grade import grade
from classroom.repair import grade_id

PLANNED = Path(__file__).parent / "planned"
NAMES = sorted(path.stem for path in SOURCE.glob("*/*.ipynb"))
TIMES = "\nc.Run.timeout = {}\n"  # seconds; the machine may be slow, but an endless loop need not be waited for
REGION = re.compile(r"^[ \t]*#+ BEGIN ([A-Z ]+)\n(.*?)^[ \t]*#+ END \1$", re.M | re.S)


def read(name):
    return nbformat.read(SOURCE / name / f"{name}.ipynb", as_version=4)


def graded_cells(notebook):
    """{grade id: points} of the cells that are graded by themselves."""
    settings = (cell.metadata.get("nbgrader", {}) for cell in notebook.cells)
    return {one["grade_id"]: one["points"] for one in settings if one.get("grade") and not one["solution"]}


def planned(name):
    return runpy.run_path(str(PLANNED / f"{name}.py"))["WRONG"]


def wrong_submissions(name):
    """{student: the planned wrong answers in this submission}, one for an exercise."""
    wrong = sorted(planned(name), key=lambda one: one["exercise"])
    together = [one for one in wrong if not one.get("alone")]
    columns = {}
    for _, of_exercise in groupby(together, key=lambda one: one["exercise"]):
        for number, one in enumerate(of_exercise):
            columns.setdefault(f"wrong-{number}", []).append(one)
    return columns | {f"alone-{number}": [one] for number, one in enumerate(wrong) if one.get("alone")}


def with_answers(notebook, answers):
    """The notebook with the text of some answer cells replaced."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        cell.source = answers.get(grade_id(cell), cell.source)
    return notebook


class Proof:
    """One assignment, released, and graded for all its planned submissions."""

    def __init__(self, name, folder):
        self.name, self.source = name, read(name)
        self.course, _ = build(folder / "course", only(name, folder))
        release = self.course.release_of(name)
        self.wrong = wrong_submissions(name)
        solved = {grade_id(cell): cell.source for cell in self.source.cells if solution(cell)}
        submitted = {"reference": with_answers(release, solved), "blank": release}
        for student, wrong in self.wrong.items():
            answers = {one["exercise"]: one["answer"].strip("\n") for one in wrong}
            assert len(answers) == len(wrong)
            submitted[student] = with_answers(release, solved | answers)
        for student, notebook in submitted.items():
            place = folder / student.split("-")[0] / student
            place.mkdir(parents=True)
            nbformat.write(notebook, place / f"{name}.ipynb")
        config = self.course.config_file.read_text("utf-8")
        for group in sorted({student.split("-")[0] for student in submitted}):
            self.course.config_file.write_text(config + TIMES.format(20 if group == "alone" else 1200), "utf-8")
            self.rows, _ = grade(folder / group, folder / "course")

    def points(self, student):
        """{grade id: points} of what was graded by itself."""
        with self.course.nbgrader() as api, api.gradebook as book:
            submission = book.find_submission_notebook(self.name, self.name, student)
            return {one.name: one.auto_score for one in submission.grades if one.name in graded_cells(self.source)}

    def outputs(self, student):
        """{grade id: the text that the cell put out}."""
        notebook = nbformat.read(self.path("autograded", student, "ipynb"), as_version=4)
        return {
            grade_id(cell): "\n".join(
                output.get("text", "") + "\n".join(output.get("traceback", [])) for output in cell.outputs
            )
            for cell in notebook.cells
            if cell.cell_type == "code"
        }

    def path(self, step, student, suffix):
        return self.course.folder / step / student / self.name / f"{self.name}.{suffix}"


def only(name, folder):
    """A folder of sources with one assignment."""
    target = folder / "source"
    target.mkdir(parents=True)
    (target / name).symlink_to(SOURCE / name)
    return target


def solution(cell):
    return cell.metadata.get("nbgrader", {}).get("solution", False)


@pytest.fixture(scope="module", params=NAMES)
def proof(request, tmp_path_factory):
    return Proof(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_there_are_five_assignments_and_a_plan_for_each():
    assert NAMES == ["ps1", "ps2", "ps3", "ps4", "ps5"]
    assert sorted(path.stem for path in PLANNED.glob("*.py")) == NAMES
    assert sum(len(planned(name)) for name in NAMES) >= 40


def test_the_reference_solution_gets_all_points(proof):
    assert proof.points("reference") == graded_cells(proof.source)


def test_the_blank_release_gets_none(proof):
    assert set(proof.points("blank").values()) == {0}
    assert "not written yet" in html.unescape(proof.path("feedback", "blank", "html").read_text("utf-8"))


def test_every_planned_wrong_answer_loses_what_is_planned_and_is_told_why(proof):
    full = graded_cells(proof.source)
    for student, wrong in proof.wrong.items():
        lost = {cell: points for one in wrong for cell, points in one["lost"].items()}
        came = {cell: full[cell] - points for cell, points in proof.points(student).items() if points != full[cell]}
        assert came == lost, [one["name"] for one in wrong if any(came.get(c) != p for c, p in one["lost"].items())]
        outputs = proof.outputs(student)
        feedback = html.unescape(proof.path("feedback", student, "html").read_text("utf-8"))
        for one in wrong:
            assert one["lost"]
            assert any(one["feedback"] in outputs[cell] for cell in one["lost"]), (one["name"], outputs)
            assert one["feedback"] in feedback, one["name"]


def test_grades_csv_agrees_with_the_gradebook(proof):
    for row in proof.rows:
        assert row.of == 25
        assert row.total == sum(row.exercises.values()) == sum(proof.points(row.student).values())
        remarks = [words for words in row.remarks if not words.startswith("MY_ID is also that of")]
        assert not remarks or row.student.startswith("alone"), row
        assert row.student != "blank" or not row.remarks


def test_what_students_get_gives_nothing_away(proof):
    regions = [match for cell in proof.source.cells for match in REGION.finditer(cell.source)]
    assert {match[1] for match in regions} >= {"SOLUTION", "HIDDEN TESTS"}
    visible = "\n".join(REGION.sub("", cell.source) for cell in proof.source.cells)
    secret = {line.strip() for match in regions for line in match[2].splitlines()}
    secret = {line for line in secret if len(line) > 12 and line not in visible}
    assert len(secret) > 10
    texts = {}
    for path in (proof.course.folder / "zips" / f"{proof.name}.zip", "r2p1d_edu.zip"):
        with zipfile.ZipFile(io.BytesIO(texts.pop(path)) if path in texts else path) as archive:
            texts |= {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    texts, names = {name: content.decode("utf-8") for name, content in texts.items()}, list(texts)
    assert {f"{proof.name}.ipynb", "START_HERE.txt", "pyproject.toml", "r2p1d_edu/lab/checks.py"} <= set(names)
    assert not [
        name for name in names if "mark_scheme" in name or "source" in name or name.startswith(("tests", "classroom"))
    ]
    assert not re.findall(r"\]\((?!http|#)", texts["README.md"]), "a link to what is not there"
    start = texts["START_HERE.txt"]
    named = {path for path in re.findall(rf"{proof.name}/([\w.]+)", start)}
    assert named == {f"{proof.name}.ipynb", "r2p1d_edu.zip"}, "the files that it names, seen from the folder above"
    assert start.index("whl/cpu") < start.index("r2p1d_edu.zip"), "else pip gets the large PyTorch first"
    released = "\n".join(cell.source for cell in nbformat.reads(texts[f"{proof.name}.ipynb"], as_version=4).cells)
    for line in secret:
        assert line not in released, line
    for match in regions:
        assert not [name for name in names if match[2] in texts[name]]
    for words in ("BEGIN SOLUTION", "HIDDEN TESTS", "MARK SCHEME"):
        assert words not in released


def test_points_are_as_stated_and_names_unique(name):
    cells = read(name).cells
    ids = [grade_id(cell) for cell in cells if grade_id(cell)]
    assert len(ids) == len(set(ids))
    settings = [cell.metadata.nbgrader for cell in cells if grade_id(cell)]
    points = {one["grade_id"]: one.get("points", 0) for one in settings if one["grade"] or one["task"]}
    assert sum(points.values()) == 25
    assert "25 points" in cells[0].source
    sections = "\n".join(f"<{grade_id(cell)}>" if grade_id(cell) else cell.source for cell in cells)
    exercises = re.split(r"^## (?=Exercise)", sections, flags=re.M)[1:]
    assert 6 <= len(exercises) <= 8
    for exercise in exercises:
        stated = re.search(r"★.*?(\d+) points?", exercise)
        assert stated, exercise[:200]
        assert sum(points[one] for one in re.findall(r"<(\w+)>", exercise) if one in points) == int(stated[1])
        assert re.search(r"★.*minutes", exercise)
        assert exercise.count("<details>") >= 2, "two hints or three"


def test_three_wrong_answers_for_every_exercise(name):
    answers = {grade_id(cell) for cell in read(name).cells if solution(cell) and not cell.metadata.nbgrader["grade"]}
    wrong = planned(name)
    assert {one["exercise"] for one in wrong} == answers
    for exercise in answers:
        names = [one["name"] for one in wrong if one["exercise"] == exercise]
        assert len(set(names)) == len(names) >= 3, exercise


def test_source_notebooks_are_stored_without_outputs(name):
    for cell in read(name).cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


def test_solution_markers_stand_only_where_nbgrader_looks_for_them(name):
    for cell in read(name).cells:
        kinds = {match[1] for match in REGION.finditer(cell.source)}
        markers = re.findall(r"(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)", cell.source)
        assert len(markers) == 2 * len(REGION.findall(cell.source))
        assert "SOLUTION" not in kinds or solution(cell)
        assert "HIDDEN TESTS" not in kinds or cell.metadata.nbgrader["grade"]
