"""Submissions as they really come: wrongly named, torn, hostile. Each is graded as far as it goes; no other suffers."""

import csv
import hashlib
import html
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timezone

import nbformat
import pytest
from nbformat import v4

from classroom.__main__ import main
from classroom.course import build
from classroom.grade import grade
from classroom.processes import Ended
from classroom.run import Run
from r2p1d_edu.errors import InputError

ENDLESS = """
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass"""
TIMES = "\nc.Run.timeout = 4\n"  # for those that loop


def graded(source, name, **settings):
    both = {"schema_version": 3, "grade_id": name, "task": False, "cell_type": "code"}
    return v4.new_code_cell(source, metadata={"nbgrader": both | settings})


def answer(name, body):
    source = f"def {name}(x):\n    ### BEGIN SOLUTION\n    {body}\n    ### END SOLUTION"
    return graded(source, name, grade=False, solution=True, locked=False, points=0)


def check(name, points, visible, hidden):
    source = f"{visible}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
    return graded(source, f"test_{name}", grade=True, solution=False, locked=True, points=points)


def small_assignment():
    """Three functions, 6 points, no torch, so that a kernel starts in a second."""
    return v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# Problem set 7 · Small"),
            graded("import math", "setup", grade=False, solution=False, locked=True, points=0),
            answer("double", "return 2 * x"),
            check("double", 1, "assert double(3) == 6, 'twice three'", "assert double(-5) == -10, 'twice minus five'"),
            answer("root", "return math.sqrt(x)"),
            check("root", 2, "assert root(9) == 3", "assert root(2) == math.sqrt(2)"),
            answer("word", "return str(x)"),
            check("word", 3, "assert word(1) == '1'", "assert word(None) == 'None'"),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


def right(**other):
    """A solved notebook as {grade id: text}, some answers replaced."""
    answers = {
        "double": "def double(x):\n    return 2 * x",
        "root": "def root(x):\n    return math.sqrt(x)",
        "word": "def word(x):\n    return str(x)",
    }
    return answers | other


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classroom")
    (folder / "source" / "ps7").mkdir(parents=True)
    nbformat.write(small_assignment(), folder / "source" / "ps7" / "ps7.ipynb")
    (folder / "source" / "ps7" / "mark_scheme.md").write_text("for the teacher")
    course, notes = build(folder / "course", folder / "source")
    assert notes == []
    return course


def solved(course, answers, change=None):
    """The released notebook with answers; `change(notebook)` may spoil it."""
    notebook = course.release_of("ps7")
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    if change:
        change(notebook)
    return notebook


def cell_of(notebook, name):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def tear(notebook):
    """Leave out an answer, a check and the setup."""
    for name in ("double", "test_root", "setup"):
        notebook.cells.remove(cell_of(notebook, name))


def cheat(notebook):
    """Make the checks empty, worth more, and unlocked."""
    for name in ("test_double", "test_root", "test_word"):
        cell_of(notebook, name).source = "pass"
        cell_of(notebook, name).metadata.nbgrader.update(points=100, locked=False)


def rename(notebook):
    """Change grade ids: an answer gets one of its own, a check that of another."""
    cell_of(notebook, "root").metadata.nbgrader.grade_id = "my_root"
    cell_of(notebook, "test_double").metadata.nbgrader.grade_id = "test_word"


def elsewhere(notebook):
    """From another machine, with its kernel and its paths, and helpers of the student's own."""
    notebook.metadata.kernelspec = {"name": "conda-env-dl", "display_name": "dl", "language": "python"}
    notebook.cells.insert(2, v4.new_code_cell("text = open(r'C:\\Users\\gus\\text.txt').read()"))
    notebook.cells.insert(3, v4.new_code_cell("def twice(x):\n    return x + x"))


def flood(notebook):
    """Hundreds of thousands of lines, then one line of many million characters; and warnings in a check."""
    noise = "import warnings\nfor k in range(3 * 10**5): print(k)\nprint('x' * 5 * 10**7)"
    notebook.cells.insert(2, v4.new_code_cell(noise))


SUBMITTED = {
    "anna": (right(), None, [1, 2, 3]),
    "blank": ({}, None, [0, 0, 0]),
    "syntax": (right(root="def root(x:\n    return"), None, [1, 0, 3]),
    "exit": (right(double="import sys\nsys.exit()", root="def root(x):\n    exit()"), None, [0, 0, 3]),
    "crash": (right(root="import os\ndef root(x):\n    os._exit(1)"), None, [1, 0, 3]),
    "crash-early": (right(double="import os\nos._exit(0)"), None, [0, 2, 3]),
    "loop": (right(root="def root(x):\n    while True: pass"), None, [1, 0, 3]),
    "loop-for-good": (right(double=f"def double(x):{ENDLESS}"), None, [0, 2, 3]),
    "torn": (right(), tear, [0, 2, 3]),
    "cheat": (right(double="def double(x):\n    return 6"), cheat, [0, 2, 3]),
    "renamed": (right(), rename, [1, 2, 3]),
    "elsewhere": (right(double="def double(x):\n    return twice(x)"), elsewhere, [1, 2, 3]),
    "flood": (right(word="def word(x):\n    warnings.warn('why')\n    return str(x)"), flood, [1, 2, 3]),
}


@pytest.fixture(scope="module")
def submissions(course, tmp_path_factory):
    folder = tmp_path_factory.mktemp("submissions")
    for student, (answers, change, _) in SUBMITTED.items():
        place = folder / ("endless" if student.startswith("loop") else "all") / student
        place.mkdir(parents=True)
        nbformat.write(solved(course, answers, change), place / "ps7.ipynb")
    folder = folder / "all"
    good = nbformat.writes(solved(course, right()))
    (folder / "nora_PS-7 final.ipynb").write_text(good, "utf-8")
    (folder / "olaf.ipynb").write_text(good, "utf-8")
    (folder / "picture_ps7.ipynb").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    (folder / "essay_ps7.docx").write_bytes(b"PK")
    (folder / "empty").mkdir()
    (folder / "two").mkdir()
    (folder / "two" / "ps7.ipynb").write_text(good, "utf-8")
    (folder / "two" / "ps7 (1).ipynb").write_text(nbformat.writes(course.release_of("ps7")), "utf-8")
    (folder / "thief").mkdir()
    (folder / "thief" / "ps7.ipynb").symlink_to(course.folder / "source" / "ps7" / "ps7.ipynb")
    return folder


def state(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def results(course, submissions):
    config = course.config_file.read_text("utf-8")
    course.config_file.write_text(config + TIMES, "utf-8")
    grade(submissions.parent / "endless", course.folder)
    course.config_file.write_text(config, "utf-8")
    before = state(submissions)
    rows, [table] = grade(submissions, course.folder)
    assert state(submissions) == before
    assert Run.played == {}, "nbgrader saw the cells that were run, so it ran none again"
    with table.open(encoding="utf-8-sig") as file:
        lines = {line["student"]: line for line in csv.DictReader(file)}
    assert {row.student for row in rows} == set(lines)
    return lines


def feedback(course, student):
    return html.unescape((course.folder / "feedback" / student / "ps7" / "ps7.html").read_text("utf-8"))


def points(line):
    return [float(line[f"exercise {number}"]) for number in (1, 2, 3)]


@pytest.mark.parametrize("student", SUBMITTED)
def test_points_are_what_the_answers_deserve(results, student):
    assert points(results[student]) == SUBMITTED[student][2]
    assert float(results[student]["total"]) == sum(SUBMITTED[student][2])
    assert float(results[student]["of"]) == 6


@pytest.mark.parametrize(
    ("student", "words"),
    [
        ("syntax", "root: Python cannot read the code"),
        ("loop", "test_root did not come to an end in time"),
        ("loop-for-good", "test_double did not come to an end in time"),
        ("crash", "test_root ended Python"),
        ("crash-early", "double ended Python"),
        ("torn", "an answer, double, is missing"),
        ("torn", "a cell with checks, test_root, is missing or has lost its name; it was put back"),
        ("cheat", "test_double was changed; the original was run in its place"),
        ("renamed", "my_root"),
        ("elsewhere", "written with the kernel “conda-env-dl”"),
        ("elsewhere", "is one of your own machine"),
        ("thief", "it is empty"),
        ("picture", "the file is not a notebook, or is damaged"),
        ("essay", "essay_ps7.docx is not a notebook"),
        ("empty", "no notebook (.ipynb) in the folder empty"),
    ],
)
def test_remarks_say_what_was_noticed(results, student, words):
    assert words in results[student]["remarks"]


@pytest.mark.parametrize("student", ["anna", "blank", "nora", "olaf", "flood"])
def test_nothing_is_remarked_where_nothing_is_wrong(results, student):
    assert results[student]["remarks"] == ""


@pytest.mark.parametrize("student", ["nora", "olaf", "two"])
def test_names_of_files_do_not_matter(results, student):
    assert points(results[student]) == [1, 2, 3]


def test_feedback_explains(results, course):
    assert "twice minus five" in feedback(course, "cheat")
    assert "is missing or has lost its name" in feedback(course, "torn")
    assert "Is there an endless loop?" in feedback(course, "loop")
    assert "This cell ended Python" in feedback(course, "crash-early")
    assert "not a notebook, or is damaged" in feedback(course, "picture")
    assert "No such file" in feedback(course, "elsewhere")


def test_feedback_of_a_flood_is_small(results, course):
    for step in ("autograded", "feedback"):
        [file] = (course.folder / step / "flood" / "ps7").glob("ps7.*")
        assert file.stat().st_size < 1_000_000


def test_edited_checks_are_overwritten_by_nbgrader(results, course):
    """What nbgrader was given still has the student's text; what it ran has the checks, hidden ones too."""
    given = nbformat.read(course.folder / "collected" / "cheat" / "ps7" / "ps7.ipynb", as_version=4)
    ran = nbformat.read(course.folder / "autograded" / "cheat" / "ps7" / "ps7.ipynb", as_version=4)
    assert cell_of(given, "test_double").source == "pass"
    assert "double(-5) == -10" in cell_of(ran, "test_double").source
    assert cell_of(ran, "test_double").metadata.nbgrader.points == 1


def hand_in(course, folder, name, answers, at=0):
    """A file of answers, last changed at that second."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(solved(course, answers), folder / name)
    os.utime(folder / name, (at, at))


def test_a_second_run_keeps_what_is_the_teachers(results, course, tmp_path):
    (course.folder / "notes.txt").write_text("mine")
    with course.nbgrader() as api, api.gradebook as book:
        given = book.find_grade("test_root", "ps7", "ps7", "syntax")
        given.manual_score = 1.5
        book.db.commit()
    hand_in(course, tmp_path, "blank_ps7.ipynb", right())
    hand_in(course, tmp_path, "syntax_ps7.ipynb", right(root="def root(x:\n    return"))
    rows, _ = grade(tmp_path, course.folder)
    after = {row.student: row for row in rows}
    assert after["blank"].total == 6
    assert after["syntax"].total == 1 + 1.5 + 3
    assert after["anna"].total == 6, "of the run before"
    assert "not a notebook" in "".join(after["essay"].remarks), "what could not be graded is still said"
    assert (course.folder / "notes.txt").read_text() == "mine"


WORSE, BETTER = right(word="def word(x):\n    return x"), right()


@pytest.mark.parametrize(("keep", "total"), [("best", 6), ("last", 3)])
def test_every_attempt_is_kept_and_the_best_or_the_last_counts(course, tmp_path, keep, total):
    student = f"twice-{keep}"
    for number, answers in enumerate([BETTER, WORSE]):
        hand_in(course, tmp_path / str(number), f"{student}_ps7.ipynb", answers, at=10**9 + number * 60)
        rows, _ = grade(tmp_path / str(number), course.folder, keep=keep)
    [row] = [row for row in rows if row.student == student]
    assert (row.total, row.attempts) == (total, 2)
    kept = sorted((course.folder / "attempts" / student / "ps7").glob("*/ps7.ipynb"))
    assert [len(nbformat.read(file, 4).cells) > 5 for file in kept] == [True, True]


def test_what_has_not_changed_is_not_run_again(course, results, tmp_path, monkeypatch):
    hand_in(course, tmp_path, "same_ps7.ipynb", right(), at=10**9)
    grade(tmp_path, course.folder)
    monkeypatch.setattr("classroom.grade.Play", None)
    rows, _ = grade(tmp_path, course.folder)
    assert next(row for row in rows if row.student == "same").total == 6


def test_a_stopped_run_loses_nobody_and_goes_on(course, results, tmp_path, monkeypatch):
    for name in ("stop-a", "stop-b", "stop-c"):
        hand_in(course, tmp_path, f"{name}_ps7.ipynb", right(), at=10**9)

    def interrupted(pairs):
        yield pairs[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grade(tmp_path, course.folder, progress=interrupted)
    seen = []
    rows, _ = grade(tmp_path, course.folder, progress=lambda pairs: seen.extend(pairs) or pairs)
    assert [student for student, _ in seen] == ["stop-b", "stop-c"]
    assert {row.total for row in rows if row.student.startswith("stop")} == {6}


def test_lateness_is_counted_and_can_cost(course, results, tmp_path):
    hand_in(course, tmp_path, "late_ps7.ipynb", right(), at=10**9 + 90 * 60)
    config = course.config_file.read_text("utf-8")
    try:
        for method, total in [("none", 6), ("zero", 0)]:
            course.config_file.write_text(f'{config}\nc.LateSubmissionPlugin.penalty_method = "{method}"\n', "utf-8")
            due = {"ps7": datetime.fromtimestamp(10**9, timezone.utc).replace(tzinfo=None)}
            (course.folder / "autograded" / "late" / "ps7" / "ps7.ipynb").unlink(missing_ok=True)
            rows, _ = grade(tmp_path, course.folder, due=due)
            [row] = [row for row in rows if row.student == "late"]
            assert (row.late, row.total) == (90, total)
            assert "late by 90 minutes" in row.remarks
    finally:
        course.config_file.write_text(config, "utf-8")
        with course.nbgrader() as api, api.gradebook as book:
            book.update_or_create_assignment("ps7", duedate=None)


def test_two_at_a_time_give_the_same(course, results, tmp_path):
    for number in range(6):
        hand_in(course, tmp_path, f"pair-{number}_ps7.ipynb", right() if number % 2 else WORSE)
    rows, _ = grade(tmp_path, course.folder, workers=2)
    assert [row.total for row in rows if row.student.startswith("pair")] == [3, 6, 3, 6, 3, 6]


def test_a_lost_gradebook_says_what_to_do(course, results, tmp_path):
    hand_in(course, tmp_path, "anna_ps7.ipynb", right())
    book = course.folder / "gradebook.db"
    book.rename(course.folder / "elsewhere.db")
    try:
        with pytest.raises(InputError, match=r"gradebook.db is gone: put your copy of it back.*attempts"):
            grade(tmp_path, course.folder)
    finally:
        (course.folder / "elsewhere.db").rename(book)


def test_an_edit_is_known_by_its_contents_not_by_its_time(course, tmp_path):
    source = shutil.copytree(course.folder.parent / "source", tmp_path / "source")
    again, _ = build(tmp_path / "course", source)
    mine = again.folder / "source" / "ps7" / "mark_scheme.md"
    mine.write_text("my own")
    os.utime(mine, (1, 1))
    (source / "ps7" / "mark_scheme.md").write_text("newer, as after a pull")
    _, notes = build(again.folder, source)
    assert mine.read_text() == "my own"
    assert "changed in the course, so it was kept" in notes[0]
    mine.unlink()
    assert build(again.folder, source)[1] == []
    (source / "ps7" / "mark_scheme.md").write_text("newer still")
    assert build(again.folder, source)[1] == []
    assert mine.read_text() == "newer still"


def test_grading_leaves_what_others_do_to_the_environment(course, monkeypatch):
    monkeypatch.setenv("OF_ANOTHER_THREAD", "before")
    path = os.environ["PATH"]
    with course.nbgrader():
        os.environ["OF_ANOTHER_THREAD"] = "meanwhile"
        assert os.environ["PATH"] != path
    assert os.environ["OF_ANOTHER_THREAD"] == "meanwhile"
    assert os.environ["PATH"] == path


def test_nbgraders_own_layout(course, results, tmp_path):
    """submitted/<student>/<assignment>/ of a course is read and left as it is."""
    place = course.folder / "submitted" / "quinn" / "ps7"
    place.mkdir(parents=True)
    nbformat.write(solved(course, right(word="def word(x):\n    return x")), place / "ps7.ipynb")
    before = state(course.folder / "submitted")
    rows, _ = grade(course.folder, course.folder)
    assert state(course.folder / "submitted") == before
    [quinn] = [row for row in rows if row.student == "quinn"]
    assert list(quinn.exercises.values()) == [1, 2, 0]


def test_nbgraders_own_commands_understand_the_course(course, results):
    command = [sys.executable, "-m", "nbgrader", "db", "student", "list"]
    came = subprocess.run(command, cwd=course.folder, capture_output=True, text=True, timeout=600, check=True)
    assert "anna" in came.stdout + came.stderr


def test_the_course_is_made_again_without_loss(course, results):
    """Settings, gradebook and a source that the teacher changed stay; the mark scheme is given to nobody."""
    source = course.folder / "source" / "ps7" / "ps7.ipynb"
    changed = json.loads(source.read_text("utf-8"))
    changed["cells"][0]["source"] = "# Problem set 7 · In my words"
    source.write_text(json.dumps(changed), "utf-8")
    config = course.config_file.read_text("utf-8")
    again, notes = build(course.folder, course.folder.parent / "source")
    assert "changed in the course, so it was kept" in notes[0]
    assert course.config_file.read_text("utf-8") == config
    assert again.release_of("ps7").cells[0].source == "# Problem set 7 · In my words"
    with course.nbgrader() as api, api.gradebook as book:
        assert book.find_submission("ps7", "anna").score == 6
    assert (course.folder / "source" / "ps7" / "mark_scheme.md").exists()
    assert not list(course.folder.glob("release/**/*scheme*")) + list(course.folder.glob("feedback/**/*scheme*"))


def test_what_the_teacher_gives_wrongly_is_said_in_a_line(course, tmp_path, capsys):
    assert main(["grade", str(tmp_path / "nowhere"), "--to", str(course.folder)]) == 2
    assert "no such folder" in capsys.readouterr().err
    assert main(["grade", str(tmp_path), "--to", str(course.folder)]) == 2
    assert "no submissions" in capsys.readouterr().err
    with pytest.raises(InputError, match="no assignments there"):
        build(tmp_path / "course", tmp_path)
    config = course.config_file.read_text("utf-8")
    course.config_file.write_text("c = get_config(\n", "utf-8")
    try:
        assert main(["grade", str(course.folder), "--to", str(course.folder)]) == 2
    finally:
        course.config_file.write_text(config, "utf-8")
    assert "nbgrader_config.py: SyntaxError" in capsys.readouterr().err


def test_a_damaged_gradebook_is_said_in_a_line(course, tmp_path, capsys):
    (tmp_path / "anna_ps7.docx").write_text("no notebook, so that nothing has to be run")
    (tmp_path / "course").mkdir()
    for path in ("release", "nbgrader_config.py"):
        (tmp_path / "course" / path).symlink_to(course.folder / path)
    (tmp_path / "course" / "gradebook.db").write_bytes(b"nonsense" * 1000)
    assert main(["grade", str(tmp_path), "--to", str(tmp_path / "course")]) == 2
    assert "gradebook.db cannot be used: file is not a database" in capsys.readouterr().err


def test_the_command_grades_and_says_so(course, submissions, tmp_path, capsys):
    (tmp_path / "olaf_ps7.ipynb").write_bytes((submissions / "olaf.ipynb").read_bytes())
    assert main(["grade", str(tmp_path), "--to", str(course.folder)]) == 0
    said = capsys.readouterr().out
    assert "olaf ps7: 6 of 6" in said
    assert "grades.csv" in said


def test_what_could_not_be_run_gets_no_point(course, tmp_path, monkeypatch):
    def ends(*_):
        raise Ended("PythonEnded")

    monkeypatch.setattr("classroom.grade.Play.run", ends)
    hand_in(course, tmp_path, "unlucky_ps7.ipynb", right())
    rows, _ = grade(tmp_path, course.folder)
    (row,) = [row for row in rows if row.student == "unlucky"]
    assert row.total == 0
    assert "could not be run" in "".join(row.remarks)
