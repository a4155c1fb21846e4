"""A course folder as nbgrader and its formgrader know it, and the zip of each assignment that students get."""

import contextlib
import hashlib
import io
import json
import logging
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from warnings import catch_warnings, simplefilter

import nbformat
from nbgrader.apps.api import NbGraderAPI
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config, PyFileConfigLoader

from r2p1d_edu.errors import InputError

PROJECT = Path(__file__).parents[1]
SOURCE = PROJECT / "notebooks" / "assignments" / "source"
ABOUT = "# r2p1d_edu\n\nThe package of the course. START_HERE.txt, beside this zip, says how to install it.\n"
CONFIG = '''"""nbgrader's settings for this course. Start JupyterLab here to use formgrader. Yours to change."""

import sys
from pathlib import Path

sys.path.append({project!r})  # the project, of which `classroom` is a part
from classroom.run import Run

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "r2p1d_edu"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.submitted_directory = "collected"  # `make grade` puts repaired copies there, it changes no original
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "*mark_scheme*"]
c.Autograde.autograde_preprocessors = Run.among_nbgraders()
c.Run.timeout = 120  # seconds that a cell, or the tests in a cell, may take
c.Run.memory = 8  # GB of addresses that a submission may use; PyTorch alone takes two
c.LimitOutput.max_lines = 200
# c.LateSubmissionPlugin.penalty_method = "zero"  # no points for what comes after `grade --due ps1=2025-11-03T23:59`
'''
START = """{title}

1. Once, for all problem sets together. Unzip {name}.zip, and the others when you get them, into one folder; open a
   terminal in that folder, in which {name} now lies; and type

       python3 -m venv .venv
       .venv/bin/python -m pip install torch --index-url https://download.pytorch.org/whl/cpu
       .venv/bin/python -m pip install "./{name}/r2p1d_edu.zip[lab]"

   On Windows:

       py -m venv .venv
       .venv\\Scripts\\python -m pip install torch --index-url https://download.pytorch.org/whl/cpu
       .venv\\Scripts\\python -m pip install "./{name}/r2p1d_edu.zip[lab]"

   Python 3.10 or newer is needed. This takes a few minutes. The second line gets the small PyTorch, which needs no
   graphics card; leave it out on a Mac. If you have the course's environment from the lessons, use that.
2. Open the notebook:

       .venv/bin/jupyter lab {name}/{name}.ipynb            (Windows: .venv\\Scripts\\jupyter lab {name}/{name}.ipynb)

3. Write your answers where a cell says YOUR CODE HERE (or YOUR ANSWER HERE). The cell below each answer checks it
   and says what it expected. Leave the checks and the names of the functions as they are; add cells of your own
   as you like.
4. Before you hand in: Kernel > Restart Kernel and Run All Cells, save, and hand in {name}.ipynb under that name.

If something does not work: .venv/bin/python -m r2p1d_edu doctor   (Windows: .venv\\Scripts\\python -m r2p1d_edu doctor)
"""


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set these environment variables for a while, and leave all others alone: other threads may be using them."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


class Course:
    """A folder with nbgrader_config.py, gradebook.db, source/, release/, zips/, collected/, autograded/, feedback/."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder).resolve()
        self.config_file = self.folder / "nbgrader_config.py"

    @property
    def assignments(self) -> list[str]:
        """The assignments that have been released, such as ["ps1", "ps2"]."""
        return sorted(path.stem for path in self.folder.glob("release/*/*.ipynb") if path.stem == path.parent.name)

    def release_of(self, assignment: str) -> nbformat.NotebookNode:
        """The notebook as students got it."""
        return nbformat.read(self.folder / "release" / assignment / f"{assignment}.ipynb", as_version=4)

    @contextlib.contextmanager
    def nbgrader(self) -> Iterator[NbGraderAPI]:
        """nbgrader's interface to this course; what it has to say goes to grading.log.

        Raises:
            InputError: nbgrader_config.py cannot be read, or the gradebook cannot be used.
        """
        try:
            config = PyFileConfigLoader(self.config_file.name, str(self.folder)).load_config()
        except Exception as error:  # whatever a program in a configuration can raise
            raise InputError(f"{self.config_file}: {type(error).__name__}: {error}; correct or delete it") from error
        config.merge(Config(CourseDirectory={"root": str(self.folder)}, NbGraderAPI={"log_level": "INFO"}))
        log = logging.getLogger("classroom")
        log.propagate = False
        handler = logging.FileHandler(self.folder / "grading.log", "w", encoding="utf-8")
        log.addHandler(handler)
        # nbgrader starts alembic by its name; small networks run fastest on one thread.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        try:
            with environment(PATH=path, OMP_NUM_THREADS=os.environ.get("OMP_NUM_THREADS", "1")), catch_warnings():
                simplefilter("ignore")  # of SQLAlchemy about nbgrader's ways
                yield NbGraderAPI(config=config, log=log)
        except SQLAlchemyError as error:
            raise InputError(
                f"{self.folder / 'gradebook.db'} cannot be used: {getattr(error, 'orig', error)}"
            ) from error
        finally:
            log.removeHandler(handler)
            handler.close()


def build(
    folder: str | Path, source: str | Path = SOURCE, progress: Callable[[list], Iterable] = iter
) -> tuple[Course, list[str]]:
    """Make or refresh a course folder with the release of every assignment in `source`, and a zip of each.

    A source notebook that was changed in the course folder is kept and released as it is; nothing else of the teacher's
    is touched either: gradebook, submissions and nbgrader_config.py stay.

    Returns:
        The course, and what there is to say to the teacher.

    Raises:
        InputError: no assignments are there, or nbgrader refuses one.
    """
    course, notes = Course(folder), []
    sources = sorted(path.parent for path in Path(source).glob("*/*.ipynb") if path.stem == path.parent.name)
    if not sources:
        raise InputError(f"{source}: no assignments there; give a folder of folders such as ps1/ps1.ipynb")
    (course.folder / "zips").mkdir(parents=True, exist_ok=True)
    if not course.config_file.exists():
        course.config_file.write_text(CONFIG.format(project=str(PROJECT)), "utf-8")
    with course.nbgrader() as api:
        for path in progress(sources):
            notes += refresh(path, course.folder / "source" / path.name)
            result = api.generate_assignment(path.name)
            if not result["success"]:
                raise InputError(f"{path.name}: nbgrader cannot release it: {last_line(result)}; see grading.log")
            pack(course, path.name)
    return course, notes


def refresh(path: Path, copy: Path) -> list[str]:
    """Copy an assignment's files into the course, but for those that the teacher has changed there.

    What was copied is noted in .originals.json, so that an edit is known by its contents, whatever the clocks say.
    """
    notes, record = [], copy.parent / ".originals.json"
    known = json.loads(record.read_text("utf-8")) if record.exists() else {}
    for file in sorted(path.rglob("*")):
        target = copy / file.relative_to(path)
        if not file.is_file() or ".ipynb_checkpoints" in file.parts:
            continue
        name, new = f"{copy.name}/{file.relative_to(path).as_posix()}", digest(file)
        there = digest(target) if target.exists() else None
        if there not in (None, new, known.get(name)):
            notes += [f"{target}: changed in the course, so it was kept; delete it to get the original"]
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
        known[name] = new
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(known, indent=1), "utf-8")
    return notes


def digest(file: Path) -> str:
    """What tells whether a file is the same."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def pack(course: Course, name: str) -> Path:
    """Zip the release of one assignment with a START_HERE.txt and the package, itself a zip that pip installs."""
    release = course.folder / "release" / name
    title = re.search(r"^# (.+)$", course.release_of(name).cells[0].source, re.M)
    files = [
        file
        for file in sorted((PROJECT / "r2p1d_edu").rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    ]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("r2p1d_edu/README.md", ABOUT)
        for file in [*files, PROJECT / "pyproject.toml", PROJECT / "LICENSE"]:
            archive.write(file, f"r2p1d_edu/{file.relative_to(PROJECT).as_posix()}")
    target = course.folder / "zips" / f"{name}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}/START_HERE.txt", START.format(name=name, title=title[1] if title else name))
        archive.writestr(f"{name}/r2p1d_edu.zip", package.getvalue())
        for file in (file for file in sorted(release.rglob("*")) if file.is_file()):
            archive.write(file, f"{name}/{file.relative_to(release).as_posix()}")
    return target


def last_line(result: dict) -> str:
    """The last line of nbgrader's error, which says what happened."""
    lines = [line for line in result.get("error", "").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "for a reason it does not give"
