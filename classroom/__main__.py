"""python -m classroom assignments | grade, from the project's folder: make the course, grade what came in."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from r2p1d_edu.command import Parser, bar, run_command
from r2p1d_edu.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status (r2p1d_edu/command.py)."""
    return run_command(make_parser(), arguments)


def make_parser() -> Parser:
    """Both commands with their options."""
    parser = Parser(prog="python -m classroom", description="For teachers: make the assignments, grade submissions.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    assignments = commands.add_parser("assignments", help="make the course and the students' zips")
    assignments.set_defaults(run=run_assignments)
    grade = commands.add_parser("grade", help="grade a folder of submissions")
    grade.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="a folder for each student, or a file")
    grade.set_defaults(run=run_grade)
    for command in (assignments, grade):
        command.add_argument("--to", type=Path, default=Path("course"), metavar="DIR", help="default: course/")
    return parser


def run_assignments(to: Path) -> None:
    """Make or refresh the course folder."""
    course, notes = import_part("course").build(to, progress=lambda names: bar(names, "releasing", unit="assignment"))
    for note in notes:
        print(f"note: {note}")
    zips = sorted(path.name for path in (course.folder / "zips").glob("*.zip"))
    print(f"{course.folder / 'zips'}: {', '.join(zips)}, to hand out")
    print(f"{course.folder}: the course; to grade: python -m classroom grade SUBMISSIONS --to {to}")


def run_grade(submissions: Path, to: Path) -> None:
    """Grade a folder of submissions; makes the course first if there is none."""
    grading = import_part("grade")
    if not (to / "nbgrader_config.py").exists():
        run_assignments(to)
    rows, table = grading.grade(submissions, to, progress=lambda found: bar(found, "grading", unit="notebook"))
    for row in rows:
        waiting = f", {row.waiting:g} waiting for you" if row.waiting else ""
        points = f"{row.total:g} of {row.of:g}{waiting}" if row.of else "not graded"
        print(f"{row.student} {row.assignment}: {points}{''.join(f'; {words}' for words in row.remarks)}")
    print(f"{table}; feedback for the students in {table.parent / 'feedback'}")


def import_part(name: str):
    """A module of the classroom, or InputError where nbgrader is not installed."""
    try:
        return import_module(f"classroom.{name}")
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is missing; run pip install -e '.[lab,grading]' in the project") from error


if __name__ == "__main__":
    sys.exit(main())
