"""Grade a folder of submissions: collect, autograde, feedback, grades.csv. nbgrader does the grading."""

import csv
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.apps.api import NbGraderAPI

from classroom.collect import Submission, collect
from classroom.course import Course, last_line
from classroom.repair import grade_id, repair
from classroom.run import ENDED, STOPPED
from r2p1d_edu.errors import InputError

WORDS = {STOPPED: "{} did not come to an end in time", ENDED: "{} ended Python"}


@dataclass
class Row:
    """One line of grades.csv. `waiting` are the points that a person has still to give."""

    student: str
    assignment: str
    total: float = 0.0
    of: float = 0.0
    waiting: float = 0.0
    exercises: dict[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def grade(
    submissions: str | Path, folder: str | Path, progress: Callable[[list], Iterable] = iter
) -> tuple[list[Row], Path]:
    """Grade all submissions in a folder and write feedback/<student>/<assignment>/<assignment>.html and grades.csv.

    The submissions stay as they are: repaired copies go to collected/ of the course. Points that a teacher gave by hand
    before are kept.

    Args:
        submissions: see `collect`.
        folder: a course as `build` makes it.
        progress: gets the list of submissions and yields them one by one.

    Returns:
        The rows of grades.csv, those of earlier runs among them, and its path.

    Raises:
        InputError: no submissions, no course, or a configuration that nbgrader cannot read.
    """
    course = Course(folder)
    releases = {name: course.release_of(name) for name in course.assignments}
    if not releases:
        raise InputError(f"{course.folder}: no released assignments; make the course first: make assignments")
    found = collect(submissions, releases)
    left_over = []
    with course.nbgrader() as api:
        for one in progress(found):
            if not one.assignment:
                left_over.append(Row(one.student, "", remarks=one.remarks))
            elif words := grade_one(one, course, api, releases[one.assignment]):
                left_over.append(Row(one.student, one.assignment, remarks=[*one.remarks, words]))
        failed = {(row.student, row.assignment) for row in left_over}
        rows = [row for row in read_rows(course, api, releases) if (row.student, row.assignment) not in failed]
    rows = sorted([*rows, *left_over], key=lambda row: (row.assignment, row.student))
    return rows, write_rows(rows, course.folder / "grades.csv")


def grade_one(one: Submission, course: Course, api: NbGraderAPI, release: NotebookNode) -> str:
    """Grade one submission into the gradebook, with feedback; what there is to say if nbgrader cannot."""
    target = course.folder / "collected" / one.student / one.assignment
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    content = b""
    try:
        for file in one.attachments():
            shutil.copyfile(file, target / file.name)
        content = one.path.read_bytes() if one.path else content
    except OSError as error:
        one.remarks.append(f"cannot be read: {error.strerror}")
    notebook = repair(content, release, one.remarks)
    nbformat.write(notebook, target / f"{one.assignment}.ipynb")
    for step in (api.autograde, api.generate_feedback):
        result = step(one.assignment, one.student)
        if not result["success"]:
            return f"nbgrader could not grade it: {last_line(result)[:200]}; see grading.log"
    return ""


def read_rows(course: Course, api: NbGraderAPI, releases: dict[str, NotebookNode]) -> list[Row]:
    """Every graded submission in the gradebook, with the points of its exercises."""
    rows = []
    with api.gradebook as book:
        for name in course.assignments:
            exercise_of = exercises(releases[name])
            for graded in book.assignment_submissions(name):
                total = graded.score - (graded.late_submission_penalty or 0.0)
                row = Row(graded.student.id, name, total, graded.max_score)
                row.exercises = dict.fromkeys(exercise_of.values(), 0.0)
                for cell in (cell for notebook in graded.notebooks for cell in notebook.grades):
                    row.exercises[exercise_of[cell.name]] += cell.score or 0.0
                    row.waiting += cell.max_score if cell.needs_manual_grade else 0.0
                row.remarks = read_remarks(course.folder / "autograded" / row.student / name / f"{name}.ipynb")
                rows.append(row)
    return rows


def exercises(release: NotebookNode) -> dict[str, str]:
    """{graded cell: the answer cell that it belongs to}, in the notebook's order."""
    answer, found = "", {}
    for cell in release.cells:
        settings = cell.metadata.get("nbgrader", {})
        answer = grade_id(cell) if settings.get("solution") else answer
        if settings.get("grade"):
            found[grade_id(cell)] = answer
    return found


def read_remarks(path: Path) -> list[str]:
    """What was noticed before grading, and which cells had to be stopped."""
    if not path.exists():
        return ["in the gradebook, but not in autograded/: grade it again"]
    cells = nbformat.read(path, as_version=4).cells
    remarks = list(cells[0].metadata.get("remarks", []))
    for cell in cells:
        names = {output.get("ename") for output in cell.get("outputs", [])}
        what = grade_id(cell) or "a cell of your own"
        remarks += [WORDS[name].format(what) for name in WORDS if name in names]
    return remarks


def write_rows(rows: list[Row], path: Path) -> Path:
    """Write grades.csv; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    most = max((len(row.exercises) for row in rows), default=0)
    titles = [f"exercise {number}" for number in range(1, most + 1)]
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # with a mark, so that Excel reads UTF-8
        table = csv.writer(file)
        table.writerow(["student", "assignment", *titles, "total", "of", "waiting for you", "remarks"])
        for row in rows:
            points = [*row.exercises.values(), *[""] * (most - len(row.exercises))]
            line = [row.student, row.assignment, *points, row.total, row.of, row.waiting, "; ".join(row.remarks)]
            table.writerow([f"'{x}" if isinstance(x, str) and x.startswith(tuple("=+-@")) else x for x in line])
    return path
