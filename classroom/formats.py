"""The grades as a school's system takes them back, and what goes with them.

- csv: everything, for a spreadsheet.
- moodle: a grading worksheet for each assignment, and a zip of the feedback (mod/assign/feedback/offline and .../file).
- canvas: one table for the gradebook, as lib/gradebook_importer.rb reads it.
- gradescope: a table with a name, an email, an SID and a column for each assignment.
- code: a folder for each assignment with one .py for each student, for JPlag or Dolos.
"""

import csv
import shutil
import zipfile
from pathlib import Path

import nbformat

from classroom.names import Student, safe


def write_grades(form: str, rows: list, folder: Path, students: list[Student]) -> list[Path]:
    """Write grades.csv, and beside it what `form` asks for: the files written."""
    written = [write_all(rows, folder / "grades.csv")]
    if form != "csv":
        written += {"moodle": moodle, "canvas": canvas, "gradescope": gradescope, "code": code}[form](
            rows, folder, students
        )
    return written


def table(path: Path, lines: list[list]) -> Path:
    """Write a CSV; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # with a mark, so that Excel reads UTF-8
        for line in lines:
            guarded = [
                f"'{x}" if isinstance(x, str) and len(x) > 1 and x.startswith(tuple("=+-@\t\r")) else x for x in line
            ]
            csv.writer(file).writerow([f"{x:g}" if isinstance(x, float) else x for x in guarded])
    return path


def write_all(rows: list, path: Path) -> Path:
    """grades.csv: a line for each student and assignment."""
    most = max((len(row.exercises) for row in rows), default=0)
    titles = [f"exercise {number}" for number in range(1, most + 1)]
    last = ["total", "of", "waiting for you", "attempts", "handed in", "late minutes", "seconds", "remarks"]
    lines = [["student", "assignment", *titles, *last]]
    for row in rows:
        points = [*row.exercises.values(), *[""] * (most - len(row.exercises))]
        when, seconds = (row.attempt.when, row.attempt.seconds) if row.attempt else ("", "")
        late = round(row.late) if row.late else ""
        about = [row.total, row.of, row.waiting, row.attempts, when, late, seconds, "; ".join([*row.remarks, *row.odd])]
        lines.append([row.student, row.assignment, *points, *about])
    return table(path, lines)


def graded_by_assignment(rows: list) -> dict[str, list]:
    """{assignment: its graded rows}."""
    return {
        name: [row for row in rows if row.assignment == name and row.of]
        for name in sorted({r.assignment for r in rows})
    }


def moodle(rows: list, folder: Path, students: list[Student]) -> list[Path]:
    """For each assignment moodle_<name>.csv and moodle_<name>_feedback.zip.

    A worksheet from Moodle given as the roster is filled in as it is: Moodle refuses a grade that is older there than
    "Last modified (grade)" says. The number of a student is the worksheet's, else that of the download.
    """
    written = []
    sheet = [one for one in students if "Identifier" in one.row]
    for name, graded in graded_by_assignment(rows).items():
        by_student = {row.student: row for row in graded}
        numbers = {row.student: row.attempt.number for row in graded if row.attempt and row.attempt.system == "moodle"}
        if sheet and (
            not numbers or {f"Participant {n}" for n in numbers.values()} & {s.row["Identifier"] for s in sheet}
        ):
            numbers |= {one.name: one.row["Identifier"].rpartition(" ")[2] for one in sheet}
            heads = list(sheet[0].row)
            lines = [heads]
            for one in sheet:
                row = by_student.get(one.name)
                filled = {"Grade": row.total, "Maximum grade": row.of} if row else {}
                lines.append([filled.get(head, one.row[head]) for head in heads])
        else:
            lines = [["Identifier", "Full name", "Grade", "Last modified (grade)"]]
            lines += [
                [f"Participant {numbers[who]}", who, row.total, "-"]
                for who, row in by_student.items()
                if who in numbers
            ]
        if len(lines) == 1:
            continue
        written.append(table(folder / f"moodle_{name}.csv", lines))
        target = folder / f"moodle_{name}_feedback.zip"
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for who, number in sorted(numbers.items()):
                feedback = folder / "feedback" / safe(who) / name / f"{name}.html"
                if who in by_student and feedback.exists():
                    full = safe(who).replace("_", " ")  # Moodle splits the folder's name at each "_"
                    archive.write(feedback, f"{full}_{number}_assignfeedback_file/{name}.html")
        written.append(target)
    return written


def canvas(rows: list, folder: Path, students: list[Student]) -> list[Path]:
    """canvas.csv; if the roster is Canvas's own export, its columns are kept and those of the assignments filled in."""
    names = list(graded_by_assignment(rows))
    points = {(row.student, row.assignment): row.total for row in rows if row.of}
    of = {row.assignment: row.of for row in rows if row.of}
    known = {row.student: row.attempt.number for row in rows if row.attempt and row.attempt.system == "canvas"}
    export = [one for one in students if "Student" in one.row and "Section" in one.row]
    fixed = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    if export:
        heads = [head for head in export[0].row if head]
        fixed = heads[: heads.index("Section") + 1]
        columns = {
            name: next((h for h in heads if h.split(" (")[0].strip().casefold() == name), name) for name in names
        }
        lines = [
            [*fixed, *columns.values()],
            ["    Points Possible", *[""] * (len(fixed) - 1), *(of.get(n, "") for n in names)],
        ]
        for one in export:
            lines.append(
                [*(one.row[h] for h in fixed), *(points.get((one.name, n), one.row.get(columns[n], "")) for n in names)]
            )
    else:
        lines = [[*fixed, *names], ["    Points Possible", *[""] * 4, *(of.get(name, "") for name in names)]]
        for who in sorted({student for student, _ in points}):
            lines.append([who, known.get(who, ""), "", "", "", *(points.get((who, name), "") for name in names)])
    return [table(folder / "canvas.csv", lines)]


def gradescope(rows: list, folder: Path, students: list[Student]) -> list[Path]:
    """gradescope.csv."""
    names = list(graded_by_assignment(rows))
    points = {(row.student, row.assignment): row.total for row in rows if row.of}
    emails = {one.name: one.row.get("Email", one.row.get("email", "")) for one in students}
    sids = {one.name: one.id for one in students}
    sids |= {row.student: row.attempt.number for row in rows if row.attempt and row.attempt.system == "gradescope"}
    lines = [["Name", "SID", "Email", *names]]
    for who in sorted({student for student, _ in points}):
        lines.append([who, sids.get(who, ""), emails.get(who, ""), *(points.get((who, name), "") for name in names)])
    return [table(folder / "gradescope.csv", lines)]


def code(rows: list, folder: Path, students: list[Student]) -> list[Path]:
    """code/<assignment>/<student>.py: the answers and the student's own cells, without what all have in common."""
    target = folder / "code"
    shutil.rmtree(target, ignore_errors=True)
    for row in (row for row in rows if row.of):
        source = folder / "autograded" / safe(row.student) / row.assignment / f"{row.assignment}.ipynb"
        if source.exists():
            cells = [cell for cell in nbformat.read(source, as_version=4).cells if cell.cell_type == "code"]
            mine = [cell.source for cell in cells if not cell.metadata.get("nbgrader", {}).get("locked")]
            (target / row.assignment).mkdir(parents=True, exist_ok=True)
            (target / row.assignment / f"{safe(row.student)}.py").write_text("\n\n".join(mine), "utf-8")
    return [target]
