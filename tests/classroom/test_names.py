"""Whose file is it? As Moodle, Canvas, Gradescope, Google Classroom and people name what is handed in."""

import unicodedata
import zipfile

import nbformat
import pytest
from nbformat import v4

from classroom.collect import collect
from classroom.names import fold, read_roster, safe
from r2p1d_edu.errors import InputError


def notebook(*ids):
    cells = [v4.new_code_cell("1", metadata={"nbgrader": {"grade_id": name}}) for name in ids]
    return v4.new_notebook(cells=cells)


RELEASES = {"ps1": notebook("a"), "ps2": notebook("b"), "ps12": notebook("c")}
DECOMPOSED = unicodedata.normalize("NFD", "Jörg Müller")
M, C = "assignsubmission_file", "ipynb"
# Each line is one folder: {path: (student, assignment)}.
CASES = {
    "moodle": {
        f"Anna Müller_4711_{M}/ps1.ipynb": ("Anna Müller", "ps1"),
        f"Ben O'Neill_4712_{M}_/PS 1 final.ipynb": ("Ben O'Neill", "ps1"),
        f"Zoë-Marie de la Cruz_4713_{M}/sub/x.ipynb": ("Zoë-Marie de la Cruz", ""),
    },
    "moodle, flat": {
        f"Anna Müller_4711_{M}_ps1.ipynb": ("Anna Müller", "ps1"),
        f"Ben_Two_4712_{M}_ps1 (1).ipynb": ("Ben_Two", "ps1"),
    },
    "moodle, two of one name": {
        f"Li Wei_12346_{M}/ps1.ipynb": ("Li Wei (12346)", "ps1"),
        f"Li Wei_12377_{M}/ps1.ipynb": ("Li Wei (12377)", "ps1"),
    },
    "moodle, a number for each assignment": {
        f"ps1/Anna_1_{M}/ps1.ipynb": ("Anna", "ps1"),
        f"ps2/Anna_2_{M}/ps2.ipynb": ("Anna", "ps2"),
    },
    "moodle, participants": {f"Participant_81_{M}/ps2.ipynb": ("Participant 81", "ps2")},
    "moodle, a zip in it": {f"Anna_1_{M}/work.zip!ps1.ipynb": ("Anna", "ps1")},
    "canvas": {
        "mulleranna_12346_99001_ps1.ipynb": ("mulleranna", "ps1"),
        "oneillben_LATE_12377_99002_ps1-1.ipynb": ("oneillben", "ps1"),
        "cruzzoe_12380_99003_Copy of ps1.ipynb": ("cruzzoe", "ps1"),
        "дмитрий_12381_99004_PS2 (3).ipynb": ("дмитрий", "ps2"),
    },
    "canvas, two of one name": {
        "x_12346_1_ps1.ipynb": ("x (12346)", "ps1"),
        "x_12377_2_ps1.ipynb": ("x (12377)", "ps1"),
        "x_12377_3_ps2.ipynb": ("x (12377)", "ps2"),
    },
    "canvas, in its folder": {"submissions/leebo_55_1_ps12.ipynb": ("leebo", "ps12")},
    "canvas, a zip each": {"leebo_55_1_stuff.zip!ps1.ipynb": ("leebo", "ps1")},
    "gradescope": {
        "assignment_7_export/submission_301/ps1.ipynb": ("Anna Müller", "ps1"),
        "assignment_7_export/submission_302/hw.ipynb": ("Li Wei (s2)", ""),
        "assignment_7_export/submission_303/ps1.ipynb": ("Li Wei (s3)", "ps1"),
    },
    "gradescope, without its list": {"export/submission_301/ps1.ipynb": ("submission_301", "ps1")},
    "google classroom": {
        "Anna Müller - ps1.ipynb": ("Anna Müller", "ps1"),
        "Copy of ps1 - Ben O'Neill.ipynb": ("Ben O'Neill", "ps1"),
        "Kopie von ps1 - Zoë.ipynb": ("Zoë", "ps1"),
        "ps2 - Ben O'Neill (1).ipynb": ("Ben O'Neill", "ps2"),
    },
    "folders": {
        "anna/ps1.ipynb": ("anna", "ps1"),
        "anna/ps12.ipynb": ("anna", "ps12"),
        "ben/ps1/work.ipynb": ("ben", "ps1"),
        "we*rd/ps1.ipynb": ("we*rd", "ps1"),
        "1234567/ps2.ipynb": ("1234567", "ps2"),
    },
    "an assignment's folder": {
        "PS1-2025/s1/ps1.ipynb": ("s1", "ps1"),
        "PS1-2025/s2/ps1.ipynb": ("s2", "ps1"),
        "PS2-2025/s1/ps2.ipynb": ("s1", "ps2"),
    },
    "folders of folders": {
        "monday/anna/ps1.ipynb": ("anna", "ps1"),
        "monday/ben/ps1.ipynb": ("ben", "ps1"),
        "tuesday/cleo_ps1.ipynb": ("cleo", "ps1"),
        "tuesday/dan_ps1.ipynb": ("dan", "ps1"),
    },
    "a folder with both names": {
        "anna-ps1/final/notebook.ipynb": ("anna", "ps1"),
        "ps1_ben/notebook.ipynb": ("ben", "ps1"),
    },
    "flat": {
        "anna_ps1.ipynb": ("anna", "ps1"),
        "anna-lena_PS01_final (2).ipynb": ("anna-lena", "ps1"),
        "anna.mueller-ps12.ipynb": ("anna.mueller", "ps12"),
        "ps1_ben.ipynb": ("ben", "ps1"),
        "cleo_ps1.ipynb.txt": ("cleo", "ps1"),
        "dan_homework.ipynb": ("dan", ""),
        "x.one@uni.edu_ps1.ipynb": ("x.one@uni.edu", "ps1"),
        "x.two@uni.edu_ps1.ipynb": ("x.two@uni.edu", "ps1"),
        "a+b_ps1.ipynb": ("a+b", "ps1"),
        "a_b_ps1.ipynb": ("a_b", "ps1"),
    },
    "letter case and umlauts": {
        "Jörg Müller/ps1.ipynb": ("jörg müller", "ps1"),
        f"{DECOMPOSED}_ps2.ipynb": ("jörg müller", "ps2"),
        "jörg müller_PS12.ipynb": ("jörg müller", "ps12"),
    },
    "one zip of all": {
        "all.zip!anna/ps1.ipynb": ("anna", "ps1"),
        "all.zip!ben_ps1.ipynb": ("ben", "ps1"),
        "all.zip!cleo.zip!ps1.ipynb": ("cleo", "ps1"),
    },
    "a zip each": {"anna.zip!ps1.ipynb": ("anna", "ps1"), "ben.zip!deep/ps1.ipynb": ("ben", "ps1")},
}
LIST = "".join(
    f"submission_{number}:\n  :submitters:\n  - :name: {name}\n    :sid: {sid}\n    :email: {sid}@x\n"
    "  :created_at: 2025-11-03 10:00:00.000000000 Z\n"
    for number, name, sid in [(301, "Anna Müller", "s1"), (302, "Li Wei", "s2"), (303, "Li Wei", "s3")]
)


def lay_out(folder, paths):
    """Files in a folder; after a "!" comes what is inside a zip."""
    zips = {}
    for path in paths:
        name, _, inside = path.partition("!")
        if inside:
            zips.setdefault(name, []).append(inside)
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(v4.new_notebook(cells=[v4.new_code_cell("1")]), folder / name)
        if "_export/" in name:
            (folder / name.split("/")[0] / "submission_metadata.yml").write_text(LIST, "utf-8")
    for number, (name, inside) in enumerate(zips.items()):
        unpacked = folder.parent / f"{folder.name}-{number}"
        lay_out(unpacked, inside)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(folder / name, "w") as archive:
            for file in sorted(unpacked.rglob("*")):
                archive.write(file, file.relative_to(unpacked))


@pytest.fixture
def found(tmp_path):
    def look(paths, roster=None):
        lay_out(tmp_path / "in", paths)
        (tmp_path / "scratch").mkdir()
        return collect(tmp_path / "in", RELEASES, tmp_path / "scratch", roster)

    return look


def test_there_are_sixty_names():
    assert sum(map(len, CASES.values())) >= 60


@pytest.mark.parametrize("case", CASES)
def test_names(found, case):
    came = {"/".join(one.parts): (fold(one.student), one.assignment, one.refused) for one in found(CASES[case])}
    expected = {
        path.replace(".zip!", "/").replace("!", "/"): (fold(student), assignment, "")
        for path, (student, assignment) in CASES[case].items()
    }
    assert came == expected


def test_one_spelling_for_one_student(found):
    assert len({one.student for one in found(CASES["letter case and umlauts"])}) == 1


def test_folders_of_students_never_coincide():
    names = ["a+b", "a_b", "a b", "a*b", "a?b", "a%b", "a/b", "a:b", ".a", "a.", "ä", "a", "..", ""]
    assert len({safe(name) for name in names}) == len(names)
    assert not [name for name in map(safe, names) if "/" in name or name.startswith(".")]
    assert safe(unicodedata.normalize("NFD", "ä")) == safe("ä")


def test_who_cannot_be_told_apart_is_refused_by_name(found):
    for one in found(["monday/anna/ps1.ipynb", "monday/bo/ps1.ipynb", "friday/anna/ps1.ipynb", "friday/cy/ps1.ipynb"]):
        assert bool(one.refused) == (one.student == "anna")
        assert not one.refused or "anna (friday/anna, monday/anna); give a roster" in one.refused


def test_what_has_no_name_is_refused(found):
    [one] = found(["ps1.ipynb"])
    assert "ps1.ipynb: neither folder nor file says whose it is" in one.refused


ROSTERS = {
    "plain": "name,id,email\nAnna Müller,s1,anna@uni.edu\nLi Wei,s2,li.a@uni.edu\nLi Wei,s3,li.b@uni.edu\n",
    "moodle": "Identifier,Full name,Email address\nParticipant 4711,Anna Müller,a@x\nParticipant 12346,Li Wei,b@x\n"
    "Participant 12377,Li Wei,c@x\n",
    "canvas": 'Student,ID,SIS Login ID,Section\n"    Points Possible",,,\n"Müller, Anna",12346,anna,A\n'
    '"Wei, Li",5,b,A\n',
    "gradescope": "First Name,Last Name,SID,Email\nAnna,Müller,s1,anna@uni.edu\n",
}


@pytest.mark.parametrize(
    ("roster", "path", "student"),
    [
        ("plain", "anna müller/ps1.ipynb", "Anna Müller"),
        ("plain", "s2_ps1.ipynb", "Li Wei (s2)"),
        ("plain", "li.b@uni.edu_ps1.ipynb", "Li Wei (s3)"),
        ("plain", "group 3/s1/ps1.ipynb", "Anna Müller"),
        ("plain", "müller_anna/ps1.ipynb", "Anna Müller"),
        ("plain", "Li Wei/ps1.ipynb", "may be each of Li Wei (s2) (s2), Li Wei (s3) (s3)"),
        ("plain", "otto/ps1.ipynb", "nobody in the roster is called 'otto'"),
        ("moodle", f"Li Wei_12377_{M}/ps1.ipynb", "Li Wei (c@x)"),
        ("moodle", f"Anna Müller_9_{M}/ps2.ipynb", "Anna Müller"),
        ("canvas", "müllera_12346_1_ps1.ipynb", "Anna Müller"),
        ("canvas", "weili_LATE_5_1_ps1.ipynb", "Li Wei"),
        ("gradescope", "anna_ps1.ipynb", "Anna Müller"),
    ],
)
def test_the_roster_decides(found, tmp_path, roster, path, student):
    (tmp_path / "roster.csv").write_text(ROSTERS[roster], "utf-8")
    [one] = found([path], read_roster(tmp_path / "roster.csv"))
    assert student == one.student or student in one.refused


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no students"),
        ("points\n3\n", "no students"),
        ("name,id\nAnna,1\nanna,1\n", "is there twice"),
        (b"name\n\xff\xfe\n", "not a CSV file in UTF-8"),
    ],
)
def test_a_roster_that_cannot_be_used_is_said(tmp_path, text, words):
    (tmp_path / "roster.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=words):
        read_roster(tmp_path / "roster.csv")


def test_hostile_zips_stay_inside_and_links_are_left(tmp_path):
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "anna.zip", "w") as archive:
        archive.writestr("../../../evil/ps1.ipynb", nbformat.writes(RELEASES["ps1"]))
        link = zipfile.ZipInfo("link/ps2.ipynb")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    (tmp_path / "scratch").mkdir()
    [one] = collect(tmp_path / "in", RELEASES, tmp_path / "scratch")
    assert one.assignment == "ps1"
    assert one.path.is_relative_to(tmp_path / "scratch")
    assert not (tmp_path.parent / "evil").exists()
