"""Whose file is it? The names that Moodle, Canvas, Gradescope, Google Classroom and people give to what they hand in.

A name is taken from the first of these that has one: a part of the path in the form of a school's system, a folder that
is neither an assignment's nor a general word, a folder with an assignment and a name in it, the file's own name. Who
has several readings is never merged with somebody else: two students of one name are told apart by the number that the
system gives them, or refused by name.
"""

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from r2p1d_edu.errors import InputError

# One part of a path as a system writes it. Moodle: mod/assign/feedback/file/importziplib.php; Canvas: "x_LATE_1_2_f".
SYSTEMS = {
    "moodle": re.compile(r"(?P<name>.+?)_(?P<number>\d+)(?:_assign[a-z]+)?_(?:file|onlinetext)_?(?P<rest>.*)", re.S),
    "canvas": re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<number>\d+)_\d+_(?P<rest>.+)", re.S),
    "gradescope": re.compile(r"(?P<name>submission_(?P<number>\d+))(?P<rest>)"),
}
WORDS = r"""submissions?|submitted|assignments?|homework|hand(?:ed)?[ _-]?in|exports?|downloads?|notebooks?|solutions?
    |final|draft|old|new|work|backup|attempts?|version|copy|kopie|file|all|everyone|students?|zips?|course
    |class|v?\d{1,4}|src"""
NEUTRAL = re.compile(rf"[\s_.()-]*(?:(?:{WORDS})(?:[\s_.()-]+|$))*", re.I | re.X)  # what says nothing about whose it is
COPY_OF = re.compile(r"^(?:copy of|kopie von|copie de)\s+", re.I)
NUMBERED = re.compile(r"(?:\s*\(\d+\)|-\d{1,2}| - (?:copy|kopie))+$", re.I)
COLUMNS = {  # headings of rosters and of the systems' own exports, in small letters
    "name": ("full name", "name", "student", "student name"),
    "first": ("first name", "given name", "vorname"),
    "last": ("surname", "last name", "family name", "nachname"),
    "email": ("email address", "email", "e-mail", "sis login id", "login", "username"),
    "id": ("id number", "sid", "student id", "student_id", "sis user id", "matriculation", "id"),
    "number": ("identifier", "id"),
}


@dataclass
class Name:
    """What one path says: a student's name, the system that wrote it, and the number that the student has there."""

    name: str
    system: str = ""
    number: str = ""
    late: bool = False
    by: int = 0  # which part of the path it was; the file itself is the last


@dataclass
class Student:
    """A row of a roster. `keys` is what the student may be called in a path."""

    name: str
    id: str
    row: dict[str, str]
    keys: set[str] = field(default_factory=set)


def fold(text: str) -> str:
    """One spelling for all: composed umlauts, small letters, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def squash(text: str) -> str:
    """Letters and digits alone, as Canvas writes names."""
    return re.sub(r"[\W_]+", "", fold(text))


def safe(name: str) -> str:
    """A name for a folder; two names never give the same one."""
    name = unicodedata.normalize("NFC", name).strip()
    name = re.sub(r"[^\w .@+()-]|^\.|[ .]$", lambda m: "".join(f"%{byte:02X}" for byte in m[0].encode("utf-8")), name)
    return name[:100] or "%00"


def assignment_in(text: str, assignments: Iterable[str]) -> tuple[str, str] | None:
    """The assignment that a name speaks of and how it is spelt there: "PS 1" for ps1."""
    for name in assignments:
        letters, digits = re.fullmatch(r"(.*?)(\d*)", name).groups()
        spelt = re.search(rf"(?<![A-Za-z0-9]){re.escape(letters)}[ _-]?0?{digits}(?!\d)", text, re.I)
        if spelt:
            return name, spelt[0]
    return None


def without_assignment(text: str, assignments: Iterable[str]) -> str:
    """What a name says beside the assignment: "anna" of "anna_PS01_final (2)", "" of "ps1 (1)"."""
    text = COPY_OF.sub("", unicodedata.normalize("NFC", text))
    named = assignment_in(text, assignments)
    before, _, after = text.partition(named[1]) if named else (text, "", "")
    for part in (before, after):
        part = NUMBERED.sub("", part.strip(" _-.")).strip(" _-.") if part is after else part.strip(" _-.")
        words = re.split(r"([_\s]+)", part)
        while words and NEUTRAL.fullmatch(words[-1]):
            words.pop()
        part = "".join(words).strip(" _-")
        if part and not NEUTRAL.fullmatch(part):
            return part
    return ""


def readings(parts: tuple[str, ...], assignments: Iterable[str]) -> list[Name]:
    """All that a path may say about whose it is, the best first."""
    systems, pure, mixed = [], [], []
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        text = re.sub(r"\.ipynb.*$|\.\w{1,5}$" if last else r"\.zip$", "", part, flags=re.I)
        for system, form in SYSTEMS.items():
            match = form.fullmatch(text)
            if match:
                late = bool(match.groupdict().get("late"))
                name = (
                    match["name"] if match["name"] != "Participant" else f"Participant {match['number']}"
                )  # anonymous
                systems.append(Name(name, system, match["number"], late, place))
                break
        else:
            rest = without_assignment(text, assignments)
            if rest:
                named = last or assignment_in(text, assignments)
                (mixed if named else pure).append(Name(rest if named else text, by=place))
    folders = [one for one in mixed if one.by < len(parts) - 1]
    return [*systems[:1], *pure, *folders, *(one for one in mixed if one not in folders)]


def name_all(
    found: list,
    assignments: Iterable[str],
    roster: list[Student],
    named: Callable[[object], Name | None] = lambda _: None,
) -> None:
    """Give every submission its student; those whose student cannot be made out get `refused`, with the reason.

    Args:
        found: submissions with `parts`, `assignment`, `student`, `refused` and `remarks`, changed in place.
        roster: if it is not empty, it decides.
        named: what else tells a name, such as Gradescope's list; it comes before the path.
    """
    options = [[one for one in [named(entry), *readings(entry.parts, assignments)] if one] for entry in found]
    choice = [0] * len(found)
    if roster:
        for entry, names in zip(found, options, strict=True):
            decide(entry, names, roster)
        return
    for _ in range(4):  # a folder of several students' work is opened, and what is in it asked again
        groups = defaultdict(list)
        for number, entry in enumerate(found):
            if choice[number] < len(options[number]):
                one = options[number][choice[number]]
                groups[fold(one.name), entry.parts[: one.by + 1]].append(number)
        opened = [numbers for numbers in groups.values() if holds_several(numbers, found, options, choice)]
        for numbers in opened:
            for number in numbers:
                choice[number] += 1
        if not opened:
            break
    chosen = [names[k] if k < len(names) else None for names, k in zip(options, choice, strict=True)]
    tell_apart(found, chosen)


def holds_several(numbers: list[int], found: list, options: list, choice: list[int]) -> bool:
    """Whether what was taken for one student's folder has notebooks for one assignment under several names."""
    names = defaultdict(list)
    for number in numbers:
        one = options[number][choice[number]]
        further = options[number][choice[number] + 1 :]
        names[found[number].assignment].append(fold(further[0].name) if further and not one.system else "")
    return any(len(set(of)) > 1 and all(of) for of in names.values())


def tell_apart(found: list, chosen: list[Name | None]) -> None:
    """Name the students; two of one name are told apart by their numbers, or refused."""
    groups = defaultdict(list)
    for entry, one in zip(found, chosen, strict=True):
        if one is None:
            entry.refused = f"{'/'.join(entry.parts)}: neither folder nor file says whose it is; put it into a folder"
        else:
            entry.named = one
            groups[fold(one.name)].append(entry)
    for group in groups.values():
        # Moodle gives a student another number for each assignment, the others one for all.
        numbers = defaultdict(set)
        for entry in group:
            numbers[entry.assignment if entry.named.system == "moodle" else ""].add(entry.named.number)
        several = any(len(of - {""}) > 1 for of in numbers.values())
        places = defaultdict(set)
        for entry in group:
            if not entry.named.system:
                places[entry.assignment].add(
                    tuple(p for p in entry.parts[: entry.named.by] if not NEUTRAL.fullmatch(p))
                )
        for entry in group:
            entry.student = unicodedata.normalize("NFC", " ".join(entry.named.name.split()))
            if several:
                entry.student += f" ({entry.named.number or entry.named.system or 'no number'})"
                entry.remarks.append("there are several students of this name; a roster says who is who")
            pure = {
                tuple(p for p in where if not looks_like_assignment(p, found)) for where in places[entry.assignment]
            }
            if len(pure) > 1 and not entry.named.system:
                where = ", ".join(sorted("/".join([*place, entry.student]) for place in pure))
                entry.refused = f"two students may be called {entry.student} ({where}); give a roster, or rename one"
    spelling = {}  # one spelling for a student in all assignments
    for entry in sorted(found, key=lambda one: one.student, reverse=True):
        if entry.student:
            entry.student = spelling.setdefault(fold(entry.student), entry.student)


def looks_like_assignment(part: str, found: list) -> bool:
    """Whether a folder is that of an assignment, such as PS1-2025."""
    return assignment_in(part, sorted({entry.assignment for entry in found if entry.assignment})) is not None


def decide(entry, names: list[Name], roster: list[Student]) -> None:
    """Find the student of a submission in the roster; by a number first, then by each reading of the path."""
    for one in names:
        keys = [{f"#{one.number}"}] * bool(one.number) + [{fold(one.name), squash(one.name)} - {""}]
        for wanted in keys:
            rows = [student for student in roster if student.keys & wanted]
            if len(rows) == 1:
                entry.student, entry.named = rows[0].name, one
                return
            if rows:
                who = ", ".join(f"{student.name} ({student.id})" for student in rows)
                entry.refused = f"{one.name!r} may be each of {who} in the roster; rename the file"
    if not entry.refused:
        called = repr(names[0].name) if names else "/".join(entry.parts)
        entry.refused = f"nobody in the roster is called {called}; add a row, or rename the file"


def read_roster(path: str | Path) -> list[Student]:
    """The students of a CSV: Moodle's grading worksheet, Canvas's or Gradescope's export, or columns name, id, email.

    Raises:
        InputError: it cannot be read, has no column for names, or has one student twice.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file in UTF-8 ({error}); save the roster as CSV") from error
    students = []
    for row in rows:
        by_heading = {
            (heading or "").strip().casefold(): (value or "").strip() for heading, value in row.items() if heading
        }
        of = {what: next(filter(None, map(by_heading.get, names)), "") for what, names in COLUMNS.items()}
        both = f"{of['first']} {of['last']}".strip()
        name = of["name"] or both or of["email"] or of["id"]
        if name and not name.casefold().startswith("points possible"):
            if "," in name:  # "Müller, Anna"
                last, _, first = name.partition(",")
                name, both = f"{first.strip()} {last.strip()}", f"{first} {last}"
            first, _, last = (both or name).rpartition(" ")
            number = of["number"].rpartition(" ")[2]
            keys = {fold(name), fold(both), squash(name), squash(last + first), fold(of["email"]), fold(of["id"])}
            keys |= {fold(of["email"].partition("@")[0]), squash(of["id"]), f"#{number}", f"#{of['id']}"}
            students.append(Student(name, of["id"] or of["email"] or number or name, row, keys - {"", "#"}))
    if not students:
        raise InputError(f"{path}: no students; expected a column such as name, Full name or Student")
    for student in students:
        twins = [one for one in students if fold(one.name) == fold(student.name)]
        if len({one.id for one in twins}) < len(twins):
            raise InputError(f"{path}: {student.name} is there twice; give each an id of their own")
    shared = {fold(one.name) for one in students if sum(fold(o.name) == fold(one.name) for o in students) > 1}
    for student in students:
        if fold(student.name) in shared:
            student.name = f"{student.name} ({student.id})"
    return students
