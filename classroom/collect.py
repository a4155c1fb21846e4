"""Find what lies in a folder or zip of submissions, and which assignment each notebook belongs to."""

import re
import stat
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from classroom.names import Name, Student, assignment_in, name_all
from classroom.repair import grade_id, grade_ids, read_cells
from r2p1d_edu.errors import InputError

DATA = {".csv", ".json", ".md", ".pdf", ".png", ".svg", ".txt"}  # never code: it would come before the teacher's own
LARGEST = 20_000_000  # bytes of such a file
MOST = 2_000_000_000  # bytes that zips may hold altogether


@dataclass
class Submission:
    """One file that was handed in, by whom and for what.

    `assignment` is "" where none could be made out, `refused` says why a submission cannot be anybody's, and `parts` is
    the path as the teacher sees it, zips being folders.
    """

    path: Path | None
    parts: tuple[str, ...]
    time: float = 0.0
    student: str = ""
    assignment: str = ""
    remarks: list[str] = field(default_factory=list)
    refused: str = ""
    named: Name = field(default_factory=lambda: Name(""))
    beside: list[Path] = field(default_factory=list)


def collect(source: str | Path, releases: dict, scratch: Path, roster: list[Student] | None = None) -> list[Submission]:
    """Every notebook in a folder or zip with its student, assignment and time, sorted; and what is no notebook.

    Args:
        source: a folder or a zip, as a school's system gives it or as people make it; nothing in it is changed.
        releases: the released notebook of each assignment, to recognise a notebook by its grade ids.
        scratch: an empty folder to unpack zips into.
        roster: see `names.read_roster`.

    Raises:
        InputError: nothing there.
    """
    source = Path(source)
    if not source.exists():
        raise InputError(f"{source}: no such folder; give the folder or zip that holds the submissions")
    root = source / "submitted" if (source / "submitted").is_dir() else source
    ids = {name: grade_ids(release) for name, release in releases.items()}
    files = [one for one in entries(root, (), scratch) if one.parts]
    notebooks = [one for one in files if ".ipynb" in one.parts[-1].casefold()]
    folders = {one.parts[:-1] for one in notebooks}
    others = [one for one in files if one not in notebooks and not known_beside(one, folders)]
    for one in notebooks:
        identify(one, ids)
        one.beside = [other.path for other in files if other.path and of_data(other.path) and beside(one, other)]
    for one in others:
        named = next(filter(None, (assignment_in(part, ids) for part in reversed(one.parts))), ("",))
        one.assignment, what = named[0], f"{one.parts[-1]} is not a notebook (.ipynb)"
        one.remarks.append(what if one.path else f"no notebook (.ipynb) in the folder {one.parts[0]}: it is empty")
        one.path = None
    found = [*notebooks, *others]
    if not found:
        raise InputError(f"{root}: no submissions; expected a folder for each student, or files like anna_ps1.ipynb")
    lists = {one.parts[:-1]: one.path for one in files if one.parts[-1] == "submission_metadata.yml"}
    name_all(found, ids, roster or [], lambda one: in_gradescopes_list(one, lists))
    for one in found:
        if one.named.late:
            one.remarks.append("Canvas says that it came late")
    return sorted(found, key=lambda one: (one.student, one.assignment, one.time, one.parts))


def entries(path: Path, parts: tuple[str, ...], scratch: Path) -> Iterator[Submission]:
    """Every file below, zips opened; nothing hidden and no link, which could lead to files of the teacher's."""
    if path.name.startswith((".", "__MACOSX")) or path.is_symlink() or len(parts) > 12:
        return
    if path.is_dir():
        inside = sorted(path.iterdir())
        if not any(not one.name.startswith(".") and not one.is_symlink() for one in inside) and parts:
            yield Submission(None, (*parts, ""))
        for one in inside:
            yield from entries(one, (*parts, one.name), scratch)
    elif path.suffix.casefold() == ".zip" and zipfile.is_zipfile(path):
        yield from unzip(path, parts, scratch)
    elif path.is_file():
        yield Submission(path, parts, handed_in_at(path))


def unzip(path: Path, parts: tuple[str, ...], scratch: Path) -> Iterator[Submission]:
    """The files of a zip, and of zips in it, with their times; names in it never lead out of `scratch`."""
    room = MOST - sum(file.stat().st_size for file in scratch.rglob("*") if file.is_file())
    try:
        with zipfile.ZipFile(path) as archive:
            for number, member in enumerate(archive.infolist()):
                names = [part for part in re.split(r"[/\\]", member.filename) if part not in ("", ".", "..")]
                hidden = any(part.startswith((".", "__MACOSX")) for part in names)
                if member.is_dir() or hidden or not names or stat.S_ISLNK(member.external_attr >> 16):
                    continue
                room -= member.file_size
                if room < 0:
                    raise InputError(f"{path.name}: more than {MOST / 1e9:.0f} GB when unpacked; unpack it by hand")
                target = scratch / f"{len(list(scratch.iterdir()))}-{number}" / names[-1][-150:]
                target.parent.mkdir()
                target.write_bytes(archive.read(member))
                stem = [re.sub(r"\.zip$", "", part, flags=re.I) for part in parts]
                for one in entries(target, (*stem, *names), scratch):
                    one.time = max(0.0, time.mktime((*member.date_time, 0, 0, -1)))
                    yield one
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, OSError, EOFError):
        yield Submission(path, parts)


def handed_in_at(path: Path) -> float:
    """When a file was handed in: as nbgrader's timestamp.txt beside it says, else when it was last changed."""
    from nbgrader.utils import parse_utc

    stamp = path.parent / "timestamp.txt"
    try:
        return (parse_utc(stamp.read_text("utf-8").strip()) - parse_utc("1970-01-01")).total_seconds()
    except (OSError, ValueError, OverflowError):
        return path.stat().st_mtime


def known_beside(one: Submission, folders: set[tuple[str, ...]]) -> bool:
    """Whether a file is nothing to remark: it lies in a folder with a notebook, or above one, or is a system's list."""
    in_folder = len(one.parts) > 1 and any(folder[: len(one.parts) - 1] == one.parts[:-1] for folder in folders)
    return in_folder or one.parts[-1] in {"submission_metadata.yml", "timestamp.txt"}


def beside(one: Submission, other: Submission) -> bool:
    """Whether the other file lies in the same folder, which is the student's own."""
    return len(one.parts) > 1 and other is not one and other.parts[:-1] == one.parts[:-1]


def of_data(path: Path) -> bool:
    """Whether a file may come along."""
    return path.suffix.casefold() in DATA and path.name != "timestamp.txt" and path.stat().st_size <= LARGEST


def in_gradescopes_list(one: Submission, lists: dict[tuple[str, ...], Path]) -> Name | None:
    """Whom Gradescope's submission_metadata.yml names for this folder, and when it was handed in."""
    for place, part in enumerate(one.parts):
        if part.startswith("submission_") and one.parts[:place] in lists:
            try:
                entry = yaml.safe_load(lists[one.parts[:place]].read_text("utf-8"))[part]
                who = entry[":submitters"][0]
                one.time = (
                    entry[":created_at"].timestamp() if hasattr(entry.get(":created_at"), "timestamp") else one.time
                )
                number = str(who.get(":sid") or who.get(":email") or "")
                return Name(str(who[":name"]), "gradescope", number, by=place)
            except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, yaml.YAMLError):
                return None
    return None


def identify(one: Submission, ids: dict) -> None:
    """Which assignment a notebook belongs to: by its grade ids, else by the names of the file and its folders."""
    named = next(filter(None, (assignment_in(part, ids) for part in reversed(one.parts))), ("",))[0]
    try:
        inside = {grade_id(cell) or cell.metadata.grade_id for cell in read_cells(one.path.read_bytes())[0]}
    except (ValueError, OSError):
        inside = set()
    common = {name: len(inside & of_it) for name, of_it in ids.items()}
    most = max(common.values(), default=0)
    best = named if most == common.get(named) else max(common, key=common.get, default="")
    one.assignment = best if most else named
    if not one.assignment:
        one.remarks.append(f"{one.parts[-1]}: neither its name nor its cells say which assignment it is")
    elif named and named != one.assignment:
        one.remarks.append(f"named {named}, but its cells are those of {one.assignment}, as which it was graded")
