"""The command line's part for teachers: `assignments` and `grade`."""

from pathlib import Path

from r2p1d_edu.errors import InputError


def add_commands(commands, bar) -> None:
    """Add the commands to a parser's; `bar(things, title, unit=…)` makes a progress bar."""
    assignments = commands.add_parser("assignments", help="for teachers: make the course and the students' zips")
    add_course(assignments)
    assignments.set_defaults(run=lambda **options: run_assignments(bar, **options))

    grade = commands.add_parser("grade", help="for teachers: grade a folder of submissions")
    grade.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="a folder for each student, or a file")
    add_course(grade)
    grade.set_defaults(run=lambda **options: run_grade(bar, **options))


def add_course(parser) -> None:
    """The option that both have."""
    parser.add_argument("--to", type=Path, default=Path("course"), metavar="DIR", help="the course; default: course/")


def run_assignments(bar, to: Path) -> None:
    """Make or refresh the course folder."""
    build = needs_nbgrader("course").build
    course, notes = build(to, progress=lambda names: bar(names, "releasing", unit="assignment"))
    for note in notes:
        print(f"note: {note}")
    zips = sorted(path.name for path in (course.folder / "zips").glob("*.zip"))
    print(f"{course.folder / 'zips'}: {', '.join(zips)}, to hand out")
    print(f"{course.folder}: the course; to grade: python -m r2p1d_edu grade SUBMISSIONS --to {to}")


def run_grade(bar, submissions: Path, to: Path) -> None:
    """Grade a folder of submissions; makes the course first if there is none."""
    grading = needs_nbgrader("grade")
    if not (to / "nbgrader_config.py").exists():
        run_assignments(bar, to)
    rows, table = grading.grade(submissions, to, progress=lambda found: bar(found, "grading", unit="notebook"))
    for row in rows:
        waiting = f", {row.waiting:g} waiting for you" if row.waiting else ""
        points = f"{row.total:g} of {row.of:g}{waiting}" if row.of else "not graded"
        print(f"{row.student} {row.assignment}: {points}{''.join(f'; {words}' for words in row.remarks)}")
    print(f"{table}; feedback for the students in {table.parent / 'feedback'}")


def needs_nbgrader(module: str):
    """A module of the classroom, or InputError where nbgrader is not installed."""
    from importlib import import_module

    try:
        return import_module(f"r2p1d_edu.classroom.{module}")
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is missing; run pip install -e '.[lab,grading]' in the project") from error
