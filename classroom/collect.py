"""Find out whose submissions lie in a folder, and for which assignment, however they are named."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from classroom.repair import grade_id, grade_ids, read_cells
from r2p1d_edu.errors import InputError

DATA = {".csv", ".json", ".md", ".pdf", ".png", ".svg", ".txt"}  # never code: it would come before the teacher's own
LARGEST = 20_000_000  # bytes of such a file


@dataclass
class Submission:
    """One notebook by one student; `assignment` is "" where none could be made out, and `path` None without a file."""

    student: str
    assignment: str
    path: Path | None
    remarks: list[str] = field(default_factory=list)
    in_own_folder: bool = False

    def attachments(self) -> list[Path]:
        """Files of data that lie beside the notebook, in a folder of the student's."""
        if self.path is None or not self.in_own_folder:
            return []
        beside = (file for file in sorted(self.path.parent.iterdir()) if file.suffix.lower() in DATA)
        return [file for file in beside if usable(file) and file.stat().st_size <= LARGEST]


def collect(folder: str | Path, releases: dict) -> list[Submission]:
    """All submissions in a folder: one for each student and assignment, sorted, and one for whatever is left over.

    A student is a folder (with notebooks anywhere in it) or a file whose name begins with the student's name. A folder
    with nbgrader's `submitted/` in it is one of nbgrader's courses.

    Args:
        folder: where they lie; nothing in it is changed.
        releases: the released notebook of each assignment, to recognise a notebook by its grade ids.

    Raises:
        InputError: no such folder, or nothing in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the folder that holds the submissions")
    root = folder / "submitted" if (folder / "submitted").is_dir() else folder
    ids = {name: grade_ids(release) for name, release in releases.items()}
    found = [one for entry in sorted(root.iterdir()) if usable(entry) for one in look_at(entry, ids)]
    if not found:
        raise InputError(f"{root}: no submissions; expected a folder for each student, or files like anna_ps1.ipynb")
    return sorted(keep_one_each(found), key=lambda one: (one.student, one.assignment))


def usable(path: Path) -> bool:
    """Whether it is neither hidden nor a link, which could lead to files of the teacher's."""
    return not path.name.startswith((".", "__")) and not path.is_symlink()


def look_at(entry: Path, ids: dict) -> Iterator[Submission]:
    """The submissions in one student's folder, or the one in a file."""
    if entry.is_dir():
        student = safe_name(entry.name)
        inside = [file.relative_to(entry) for file in sorted(entry.rglob("*"))]
        parts = [path for path in inside if all(usable(entry / p) for p in (path, *path.parents) if p != Path())]
        files = [entry / path for path in parts if ".ipynb" in path.name and (entry / path).is_file()]
        if not files:
            others = ", ".join(path.name for path in parts[:3]) or "it is empty"
            yield Submission(student, "", None, [f"no notebook (.ipynb) in the folder {entry.name}: {others}"])
        for file in files:
            yield identify(student, file, [*file.relative_to(entry).parts], ids, in_own_folder=True)
    else:
        name = name_in(entry.name, ids)
        before, _, after = re.split(f"({name[1]})", entry.name, maxsplit=1) if name else ("", "", "")
        student = before.strip(" _-.") or after.split(".")[0].strip(" _-") or re.split(r"[_.]", entry.name)[0]
        if ".ipynb" in entry.name:
            yield identify(safe_name(student), entry, [entry.name], ids)
        else:
            words = f"{entry.name} is not a notebook (.ipynb)"
            yield Submission(safe_name(student), name[0] if name else "", None, [words])


def identify(student: str, file: Path, parts: list[str], ids: dict, **where) -> Submission:
    """Which assignment a notebook belongs to: by its grade ids, else by the names of the file and its folders."""
    named = next(filter(None, (name_in(part, ids) for part in reversed(parts))), ("", ""))[0]
    try:
        inside = {grade_id(cell) or cell.metadata.grade_id for cell in read_cells(file.read_bytes())[0]}
    except (ValueError, OSError):
        inside = set()
    common = {name: len(inside & of_it) for name, of_it in ids.items()}
    most = max(common.values(), default=0)
    best = named if most == common.get(named) else max(common, key=common.get, default="")
    one = Submission(student, best if most else named, file, **where)
    if not one.assignment:
        one.remarks.append(f"{file.name}: neither its name nor its cells say which assignment it is")
    elif named and named != one.assignment:
        one.remarks.append(f"named {named}, but its cells are those of {one.assignment}, as which it was graded")
    elif file.name != f"{one.assignment}.ipynb" and where:
        one.remarks.append(f"the file was named {file.name}, not {one.assignment}.ipynb")
    return one


def name_in(text: str, ids: dict) -> tuple[str, str] | None:
    """The assignment that a name speaks of and how it is spelt there: "PS 1" for ps1."""
    for name in ids:
        letters, digits = re.fullmatch(r"(.*?)(\d*)", name).groups()
        spelt = re.search(rf"(?<![A-Za-z0-9]){re.escape(letters)}[ _-]?0?{digits}(?!\d)", text, re.I)
        if spelt:
            return name, re.escape(spelt[0])
    return None


def safe_name(name: str) -> str:
    """A student's name as nbgrader can use it for a folder."""
    return re.sub(r"[^\w .@-]", "_", name).strip(" .") or "_"


def keep_one_each(found: list[Submission]) -> Iterator[Submission]:
    """Of several files for one assignment keep the one with the right name, else the newest, and say so."""
    groups = defaultdict(list)
    for one in found:
        groups[(one.student, one.assignment) if one.assignment else (one.student, one.path, len(groups))].append(one)
    for group in groups.values():
        best = max(group, key=rank)
        others = sorted(one.path.name for one in group if one is not best and one.path is not None)
        if others:
            best.remarks.append(f"{len(group)} files; {best.path.name} was graded, not {', '.join(others)}")
        yield best


def rank(one: Submission) -> tuple[bool, bool, float]:
    """A file before none, the right name before another, the newer before the older."""
    if one.path is None:
        return False, False, 0.0
    return True, one.path.name == f"{one.assignment}.ipynb", one.path.stat().st_mtime
