"""python -m classroom assignments | grade, from the project's folder: make the course, grade what came in."""

import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path

from r2p1d_edu.command import Parser, bar, run_command
from r2p1d_edu.errors import InputError

FORMS = ("csv", "moodle", "canvas", "gradescope", "code")  # see formats.py, which needs what may be missing


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status (r2p1d_edu/command.py)."""
    return run_command(make_parser(), arguments)


def make_parser() -> Parser:
    """Both commands with their options."""
    parser = Parser(prog="python -m classroom", description="For teachers: make the assignments, grade submissions.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    assignments = commands.add_parser("assignments", help="make the course and the students' zips")
    assignments.set_defaults(run=run_assignments)
    grade = commands.add_parser("grade", help="grade a folder or zip of submissions")
    grade.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="as your school's system gives them")
    grade.add_argument("--roster", type=Path, metavar="CSV", help="all students; it decides who is who")
    grade.add_argument("--keep", choices=("best", "last"), default="best", help="which attempt counts; default: best")
    grade.add_argument(
        "--due", type=due, nargs="*", default=[], metavar="NAME=TIME", help="ps1=2025-11-03T23:59, local time"
    )
    grade.add_argument(
        "--format", dest="form", choices=FORMS, default="csv", help="besides grades.csv; default: csv alone"
    )
    grade.add_argument("-n", dest="workers", type=int, default=1, metavar="N", help="how many run at the same time")
    grade.set_defaults(run=run_grade)
    for command in (assignments, grade):
        command.add_argument("--to", type=Path, default=Path("course"), metavar="DIR", help="default: course/")
    return parser


def due(text: str) -> tuple[str, datetime]:
    """An assignment and when it is due, in universal time as nbgrader keeps it."""
    name, _, when = text.partition("=")
    return name, datetime.fromisoformat(when).astimezone(timezone.utc).replace(tzinfo=None)


def run_assignments(to: Path) -> None:
    """Make or refresh the course folder."""
    course, notes = import_part("course").build(to, progress=lambda names: bar(names, "releasing", unit="assignment"))
    for note in notes:
        print(f"note: {note}")
    zips = sorted(path.name for path in (course.folder / "zips").glob("*.zip"))
    print(f"{course.folder / 'zips'}: {', '.join(zips)}, to hand out")
    print(f"{course.folder}: the course; to grade: python -m classroom grade SUBMISSIONS --to {to}")


def run_grade(submissions: Path, to: Path, due: list, **options) -> None:
    """Grade what was handed in; makes the course first if there is none."""
    grading = import_part("grade")
    if not (to / "nbgrader_config.py").exists():
        run_assignments(to)
    options["progress"] = lambda found: bar(found, "grading", unit="notebook")
    rows, written = grading.grade(submissions, to, due=dict(due), **options)
    for row in rows:
        waiting = f", {row.waiting:g} waiting for you" if row.waiting else ""
        seconds = f" ({row.attempt.seconds:.0f} s)" if row.attempt else ""
        points = f"{row.total:g} of {row.of:g}{waiting}{seconds}" if row.of else "not graded"
        print(f"{row.student} {row.assignment}: {points}{''.join(f'; {words}' for words in [*row.remarks, *row.odd])}")
    print(f"{', '.join(map(str, written))}; feedback for the students in {written[0].parent / 'feedback'}")


def import_part(name: str):
    """A module of the classroom, or InputError where nbgrader is not installed."""
    try:
        return import_module(f"classroom.{name}")
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is missing; run pip install -e '.[lab,grading]' in the project") from error


if __name__ == "__main__":
    sys.exit(main())
