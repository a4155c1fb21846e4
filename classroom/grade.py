"""Grade what was handed in: collect, run, let nbgrader grade, write the feedback and the table of grades."""

import contextlib
import copy
import hashlib
import json
import re
import shutil
import signal
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.apps.api import NbGraderAPI
from nbgrader.utils import is_locked

from classroom.attempts import Attempt, Ledger
from classroom.collect import collect
from classroom.course import Course, last_line
from classroom.feedback import write_feedback
from classroom.formats import write_grades
from classroom.names import Student, fold, read_roster, safe
from classroom.processes import PROJECT, Ended, nursery
from classroom.repair import grade_id, repair
from classroom.rules import RULES, Rules
from classroom.run import OWN, Play, Played, Run, key
from classroom.scan import scan
from r2p1d_edu.errors import InputError


@dataclass
class Row:
    """One line of the grades. `waiting` are the points that a person has still to give."""

    student: str
    assignment: str
    total: float = 0.0
    of: float = 0.0
    waiting: float = 0.0
    exercises: dict[str, float] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    late: float = 0.0  # minutes
    attempt: Attempt | None = None  # the one that counts
    attempts: int = 0

    @property
    def odd(self) -> list[str]:
        """What only the teacher is told."""
        return self.attempt.odd if self.attempt else []


def grade(
    submissions: str | Path,
    folder: str | Path,
    roster: Path | None = None,
    keep: str = "best",
    workers: int = 1,
    due: dict[str, datetime] | None = None,
    form: str = "csv",
    progress: Callable[[list], Iterable] = iter,
) -> tuple[list[Row], list[Path]]:
    """Grade all submissions in a folder or zip; write feedback/<student>/<assignment>/<assignment>.html and the grades.

    The submissions stay as they are. What was graded before and has not changed is not run again; points and comments
    that a teacher gave by hand are kept. It can be stopped at any time and goes on at the next call.

    Args:
        submissions: see `collect`.
        folder: a course as `build` makes it.
        roster: a CSV with all students, see `names.read_roster`.
        keep: which of several attempts counts, "best" or "last".
        workers: how many submissions run at the same time.
        due: {assignment: when it was due}, kept in the gradebook.
        form: how the grades are written, see `formats`.
        progress: gets the list of (student, assignment) to be graded and yields them one by one.

    Returns:
        The rows of the grades, those of earlier runs among them, and the files written.

    Raises:
        InputError: no submissions, no course, a roster or configuration that cannot be read.
    """
    course = Course(folder)
    releases = {name: course.release_of(name) for name in course.assignments}
    if not releases:
        raise InputError(f"{course.folder}: no released assignments; make the course first: make assignments")
    if not (course.folder / "gradebook.db").exists():
        raise InputError(
            f"{course.folder / 'gradebook.db'} is gone: put your copy of it back; without one, make the course again "
            f"and grade {course.folder / 'attempts'}, which has all attempts, but no points given by hand"
        )
    students = read_roster(roster) if roster else []
    ledger = Ledger(course.folder)
    with tempfile.TemporaryDirectory() as scratch:
        for one in collect(submissions, releases, Path(scratch), students):
            ledger.add(one)
    ledger.write()
    with course.nbgrader() as api:
        with api.gradebook as book:
            for name, when in (due or {}).items():
                book.update_or_create_assignment(name, duedate=when)
        Round(course, api, ledger, releases, keep, workers).run(progress)
        rows = read_rows(course, api, releases, ledger, students)
        write_feedback(rows, course, api)
    return rows, write_grades(form, rows, course.folder, students)


class Round:
    """One go through what is to be graded: submissions run ahead in threads, nbgrader grades one after the other."""

    def __init__(self, course: Course, api: NbGraderAPI, ledger: Ledger, releases: dict, keep: str, workers: int):
        self.course, self.api, self.ledger, self.releases, self.keep = course, api, ledger, releases, keep
        self.workers = max(1, workers)
        settings = Run(config=api.config)
        self.timeout, self.memory = settings.timeout, settings.memory << 30
        with api.gradebook as book:
            self.texts = {
                name: {cell.name: cell.source for cell in book.find_notebook(name, name).source_cells}
                for name in releases
            }

    def run(self, progress: Callable[[list], Iterable]) -> None:
        """Grade whatever is new or has changed."""
        pairs = sorted({(one.student, one.assignment) for one in self.ledger.attempts if one.gradable})
        open_ = [pair for pair in pairs if self.ledger.graded.get("/".join(pair)) != self.state_of(*pair)]
        if not open_:
            return
        pool, futures = ThreadPoolExecutor(self.workers), {}
        ahead = iter([(pair, attempt) for pair in open_ for attempt in self.candidates(*pair)])
        try:
            for pair in progress(open_):
                for _, (of, attempt) in zip(range(2 * self.workers + len(self.candidates(*pair))), ahead, strict=False):
                    futures.setdefault(of, []).append(pool.submit(self.play, attempt))
                self.grade_one(*pair, futures.pop(pair))
        except BaseException:
            nursery().close()  # what still runs ends with it
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def candidates(self, student: str, assignment: str) -> list[Attempt]:
        """The attempts that may count."""
        return self.ledger.of(student, assignment)[-1 if self.keep == "last" else 0 :]

    def state_of(self, student: str, assignment: str) -> str:
        """What decides on a grade; as long as it is the same, nothing is run again."""
        attempts = [one.digest for one in self.candidates(student, assignment)]
        rules = repr(RULES.get(assignment))
        autograded = self.course.folder / "autograded" / safe(student) / assignment / f"{assignment}.ipynb"
        state = [attempts, self.texts[assignment], rules, autograded.exists()]
        return hashlib.sha256(json.dumps(state).encode()).hexdigest()

    def play(self, attempt: Attempt) -> tuple[NotebookNode, list[str], tuple[str, Played]]:
        """Run an attempt with the tests as they are in the course: what nbgrader gets, remarks, what came out."""
        remarks = list(attempt.remarks)
        path = self.course.folder / attempt.file
        given = repair(path.read_bytes(), self.releases[attempt.assignment], remarks)
        cells, texts = copy.deepcopy(given.cells), self.texts[attempt.assignment]
        for cell in cells:
            if is_locked(cell):
                cell.source = texts.get(grade_id(cell), cell.source)
        with tempfile.TemporaryDirectory(prefix="beside_") as beside:
            Path(beside).chmod(0o755)
            self.ledger.copy_beside(attempt, Path(beside))
            rules = RULES.get(attempt.assignment, Rules())
            hidden = [PROJECT, self.course.folder]
            try:
                played = Play(cells, rules, texts, self.timeout, self.memory, beside, hidden).run()
            except Ended as end:
                played = Played.not_at_all(cells, f"could not be run: {end}")
        odd = []
        for cell in (cell for cell in cells if cell.cell_type == "code" and not is_locked(cell)):
            odd += [words for words in scan(cell.source, grade_id(cell) or OWN) if words not in odd]
        odd += ["run without namespaces: see “untrusted code” in the teacher's guide"] * ("limits" in played.how)
        attempt.points, attempt.seconds = played.points(cells), round(played.seconds, 2)
        answers = {
            grade_id(cell): cell.source for cell in cells if (cell.metadata.get("nbgrader") or {}).get("solution")
        }
        if attempt.points and all(texts.get(name) == text for name, text in answers.items()):
            odd.append("points, and no answer is filled in: please look at it")
        attempt.odd = odd
        return given, remarks, (key(cells), played)

    def grade_one(self, student: str, assignment: str, futures: list[Future]) -> None:
        """Let nbgrader grade the attempt that counts, and note that it is done."""
        done = list(zip(self.candidates(student, assignment), (one.result() for one in futures), strict=True))
        attempt, (notebook, remarks, came) = max(enumerate(done), key=lambda pair: (pair[1][0].points, pair[0]))[1]
        notebook.cells[0].metadata["remarks"] = remarks
        target = self.course.folder / "collected" / safe(student) / assignment
        for one in self.ledger.of(student, assignment):
            one.counts = one is attempt
        with unbroken():
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            self.ledger.copy_beside(attempt, target)
            nbformat.write(notebook, target / f"{assignment}.ipynb")
            stamp = datetime.fromtimestamp(attempt.time, timezone.utc)
            (target / "timestamp.txt").write_text(f"{stamp:%Y-%m-%d %H:%M:%S} UTC\n", "utf-8")
            Run.played = dict([came])
            result = self.api.autograde(assignment, safe(student))
            if result["success"]:
                self.ledger.graded[f"{student}/{assignment}"] = self.state_of(student, assignment)
            else:
                attempt.remarks.append(f"nbgrader could not grade it: {last_line(result)[:200]}; see grading.log")
            self.ledger.write()


@contextlib.contextmanager
def unbroken() -> Iterator[None]:
    """Let Ctrl-C wait until a step is done, so that no student is left half graded."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = []
    before = signal.signal(signal.SIGINT, lambda *about: came.append(about))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def remark_on_ids(rows: list[Row], folder: Path, students: list[Student]) -> None:
    """Say where two students have used one id for their own numbers, or one that is not theirs in the roster."""
    used = defaultdict(list)
    for row in rows:
        text = (folder / row.attempt.file).read_text("utf-8", "replace") if row.attempt else ""
        if ids := re.findall(r"""MY_ID\s*=\s*\\?["']([\w.@+ -]+)""", text):
            used[row.assignment, fold(ids[0])].append(row)
    for (_, number), of in used.items():
        for row in of:
            others = ", ".join(one.student for one in of if one is not row)
            row.remarks += [f"MY_ID is also that of {others}: the case is not the student's own"] if others else []
            keys = {key for student in students if student.name == row.student for key in student.keys}
            row.remarks += ["MY_ID is not the student's in the roster"] if keys and number not in keys else []


def read_rows(
    course: Course, api: NbGraderAPI, releases: dict[str, NotebookNode], ledger: Ledger, students: list[Student]
) -> list[Row]:
    """Every graded submission in the gradebook, with the points of its exercises; and what could not be graded."""
    rows = []
    called = {safe(one.student): one.student for one in ledger.attempts}
    with api.gradebook as book:
        for name in course.assignments:
            exercise_of = exercises(releases[name])
            for graded in book.assignment_submissions(name):
                student = called.get(graded.student.id, graded.student.id)
                total = graded.score - (graded.late_submission_penalty or 0.0)
                row = Row(student, name, total, graded.max_score, late=graded.total_seconds_late / 60)
                row.exercises, row.most = (
                    dict.fromkeys(exercise_of.values(), 0.0),
                    dict.fromkeys(exercise_of.values(), 0.0),
                )
                for cell in (cell for notebook in graded.notebooks for cell in notebook.grades):
                    row.exercises[exercise_of[cell.name]] += cell.score or 0.0
                    row.most[exercise_of[cell.name]] += cell.max_score
                    row.waiting += cell.max_score if cell.needs_manual_grade else 0.0
                row.remarks = read_remarks(course.folder / "autograded" / graded.student.id / name / f"{name}.ipynb")
                mine = ledger.of(student, name)
                row.attempts, row.attempt = len(mine), next((one for one in mine if one.counts), None)
                row.remarks += [f"late by {row.late:.0f} minutes"] * (row.late > 0)
                rows.append(row)
    remark_on_ids(rows, course.folder, students)
    for one in ledger.left_over():
        words = [*one.remarks, one.refused] if one.refused else one.remarks
        rows.append(Row(one.student or one.called, one.assignment, remarks=words))
    return sorted(rows, key=lambda row: (row.assignment, row.student))


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
    """What was noticed before grading and while the submission ran."""
    if not path.exists():
        return ["in the gradebook, but not in autograded/: grade it again"]
    return list(nbformat.read(path, as_version=4).cells[0].metadata.get("remarks", []))
