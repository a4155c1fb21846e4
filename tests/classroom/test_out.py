"""What leaves the course: tables that schools' systems take, a zip of feedback, pages that are safe to open."""

import csv
import html
import re
import zipfile

import nbformat
import pytest
from nbformat import v4

from classroom.attempts import Attempt
from classroom.feedback import page
from classroom.formats import write_grades
from classroom.grade import Row
from classroom.names import read_roster, safe

NAME = "Anna Müller"


def row(student, total, system, number, assignment="ps1", **more):
    attempt = Attempt(student, assignment, 10**9, system=system, number=number)
    return Row(student, assignment, total, 20.0, exercises={"a": total}, most={"a": 20.0}, attempt=attempt, **more)


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def written(folder, form, rows, roster=None):
    students = []
    if roster:
        (folder / "roster.csv").write_text(roster, "utf-8")
        students = read_roster(folder / "roster.csv")
    for one in rows:
        place = folder / "feedback" / safe(one.student) / one.assignment
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{one.assignment}.html").write_text(one.student)
    return {path.name: path for path in write_grades(form, rows, folder, students)}


def moodles_import(lines):
    """{participant: grade} as mod/assign/feedback/offline/importgradeslib.php reads a worksheet."""
    heads = lines[0]
    for needed in ("Identifier", "Grade", "Last modified (grade)"):
        assert needed in heads
    where = heads.index("Identifier"), heads.index("Grade")
    return {int(line[where[0]][len("Participant ") :]): line[where[1]] for line in lines[1:]}


def moodles_feedback(path):
    """{participant: (file, content)} as mod/assign/feedback/file/importziplib.php reads a zip."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            folder, file = name.split("/")
            _, number, kind, plugin = folder.split("_", 4)[:4]
            assert (kind, plugin) == ("assignfeedback", "file")
            found[int(number)] = file, archive.read(name).decode()
    return found


@pytest.mark.parametrize("with_sheet", [False, True])
def test_moodle_takes_grades_and_feedback_back(tmp_path, with_sheet):
    sheet = (
        "Identifier,Full name,Email address,Status,Grade,Maximum grade,Last modified (grade),Feedback comments\n"
        'Participant 4711,Anna Müller,a@x,Submitted,,20.00,"Monday, 3 November 2025, 10:00 AM",\n'
        "Participant 4713,Ben_2 O'Neill,b@x,Submitted,,20.00,-,\n"
        "Participant 4799,Nobody Yet,c@x,No submission,,20.00,-,\n"
    )
    rows = [row(NAME, 17.5, "moodle", "4711"), row("Ben_2 O'Neill", 0.0, "moodle", "4713")]
    files = written(tmp_path, "moodle", rows, sheet if with_sheet else None)
    lines = read(files["moodle_ps1.csv"])
    grades = {4711: "17.5", 4713: "0"} | ({4799: ""} if with_sheet else {})
    assert moodles_import(lines) == grades
    assert lines[2][-2 if with_sheet else -1] == "-", "Moodle's own sign stays as it is"
    if with_sheet:
        assert lines[1][6] == "Monday, 3 November 2025, 10:00 AM", "else Moodle takes the grade for an older one"
    assert moodles_feedback(files["moodle_ps1_feedback.zip"]) == {
        4711: ("ps1.html", NAME),
        4713: ("ps1.html", "Ben_2 O'Neill"),
    }


def canvas_import(lines):
    """{student's id: {assignment: points}} as lib/gradebook_importer.rb reads a table."""
    heads = lines[0]
    assert re.search("Student", heads[0])
    assert re.search("ID", heads[1])
    info = 5 if re.search(r"SIS\s+User\s+ID", heads[2]) and re.search(r"SIS\s+Login\s+ID", heads[3]) else 3
    assert "Section" in heads[info - 1]
    assert lines[1][0].strip() == "Points Possible"
    return {line[1]: dict(zip(heads[info:], line[info:], strict=True)) for line in lines[2:]}


def test_canvas_takes_grades_back(tmp_path):
    rows = [row("mulleranna", 17.5, "canvas", "12346"), row("mulleranna", 3.0, "canvas", "12346", "ps2")]
    lines = read(written(tmp_path, "canvas", rows)["canvas.csv"])
    assert canvas_import(lines) == {"12346": {"ps1": "17.5", "ps2": "3"}}


def test_canvass_own_export_is_filled_in(tmp_path):
    export = (
        "Student,ID,SIS User ID,SIS Login ID,Section,PS1 (881),Essay (882),Current Score\n"
        '"    Points Possible",,,,,20,10,\n"Müller, Anna",12346,u1,anna,A,,7,35\n"Wei, Li",12377,u2,li,A,4,,\n'
    )
    lines = read(written(tmp_path, "canvas", [row(NAME, 17.5, "canvas", "12346")], export)["canvas.csv"])
    assert canvas_import(lines) == {"12346": {"PS1 (881)": "17.5"}, "12377": {"PS1 (881)": "4"}}
    assert lines[2][:5] == ["Müller, Anna", "12346", "u1", "anna", "A"]


def test_gradescope_and_code(tmp_path):
    rows = [row(NAME, 17.5, "gradescope", "s1")]
    lines = read(written(tmp_path, "gradescope", rows)["gradescope.csv"])
    assert lines == [["Name", "SID", "Email", "ps1"], [NAME, "s1", "", "17.5"]]
    place = tmp_path / "autograded" / safe(NAME) / "ps1"
    place.mkdir(parents=True)
    locked = v4.new_code_cell("assert secret", metadata={"nbgrader": {"locked": True}})
    nbformat.write(v4.new_notebook(cells=[locked, v4.new_code_cell("mine = 1")]), place / "ps1.ipynb")
    folder = written(tmp_path, "code", rows)["code"]
    assert (folder / "ps1" / f"{NAME}.py").read_text() == "mine = 1"


def test_a_spreadsheet_computes_nothing(tmp_path):
    for one in ["=1+1", "@SUM(A1)", "+1", "-1", "\t=1"]:
        lines = read(written(tmp_path, "csv", [row(one, 1.0, "", "")])["grades.csv"])
        assert lines[1][0] == f"'{one}"


HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">'
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def settings(name, **more):
    both = {"grade_id": name, "grade": False, "solution": False, "locked": False, "points": 0}
    return {"nbgrader": both | more}


def hostile_page(**more):
    """A page in which whatever a student can name or write tries to act."""
    show = v4.new_output("display_data", data={"text/html": HOSTILE, "image/png": PNG, "text/plain": HOSTILE})
    wrong = v4.new_output(
        "display_data", data={"image/png": 'x" onload="alert(3)', "image/svg+xml": "<svg onload=alert(4)>"}
    )
    error = v4.new_output("error", ename=HOSTILE, evalue=HOSTILE, traceback=["✗ of seven: expected 14, got " + HOSTILE])
    said = v4.new_output("stream", name="stdout", text="✓ of three\n")
    cells = [
        v4.new_markdown_cell("# Problem set 7"),
        v4.new_markdown_cell("## Exercise 1 · Twice"),
        v4.new_code_cell(HOSTILE, metadata=settings("double", solution=True), outputs=[show, wrong]),
        v4.new_code_cell("assert SECRET", metadata=settings("t1", grade=True, locked=True, points=1), outputs=[said]),
        v4.new_code_cell("assert SECRET", metadata=settings("t2", grade=True, locked=True, points=2), outputs=[error]),
        v4.new_markdown_cell("## Exercise 2 · Explain"),
        v4.new_markdown_cell(
            f"[me](javascript:alert(5)) {HOSTILE} **bold**",
            metadata=settings("why", solution=True, grade=True, points=2),
        ),
        v4.new_code_cell(HOSTILE, metadata=settings(HOSTILE), outputs=[show]),
    ]
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell(""), *cells])
    points = {"t1": (1.0, 1.0, False), "t2": (0.0, 2.0, False), "why": (0.0, 2.0, True)}
    about = row(HOSTILE, 1.0, "", "", waiting=2.0, remarks=[HOSTILE], attempts=2)
    return page(notebook, v4.new_notebook(cells=cells), about, {"why": HOSTILE}, points)


def test_nothing_in_a_page_can_act():
    text = hostile_page()
    tags = re.findall(r"<(/?[a-zA-Z][^\s>]*)([^>]*)>", text)
    assert not {name.lower() for name, _ in tags} & {
        "script",
        "iframe",
        "object",
        "embed",
        "svg",
        "link",
        "form",
        "base",
    }
    assert not [rest for _, rest in tags if re.search(r"\bon\w+\s*=|javascript:", rest)]
    assert {rest.split('src="')[1][:10] for name, rest in tags if name == "img"} == {"data:image"}
    assert "default-src 'none'" in text
    assert not re.search(r"(?:src|href)=.?https?:", text), "nothing is loaded from elsewhere"


def test_a_page_begins_with_a_table_that_says_what_and_why():
    text = hostile_page()
    table = text[text.index("<tbody>") : text.index("</tbody>")]
    lines = [re.sub(r"<[^>]+>", "|", line) for line in table.split("</tr>") if "<tr" in line]
    first, second = (html.unescape(line) for line in lines)
    assert "✗" in first
    assert "Exercise 1 · Twice" in first
    assert "1 of 3" in first
    assert "of seven: expected 14" in first
    assert "…" in second
    assert "your teacher reads this" in second
    assert text.index("<table>") < text.index("<section>")
    assert "SECRET" not in text, "no test's code"
    assert "✓ of three" in text
    assert "<strong>bold</strong>" in text
    assert "@media print" in text
