"""What a course knows of all that was ever handed in: every attempt with its time, and which was graded how."""

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from classroom.collect import Submission
from classroom.names import safe
from r2p1d_edu.errors import InputError


@dataclass
class Attempt:
    """One file that was handed in. `file` lies in attempts/ of the course; "" if there was no notebook."""

    student: str
    assignment: str
    time: float
    file: str = ""
    called: str = ""
    digest: str = ""
    remarks: list[str] = field(default_factory=list)
    refused: str = ""
    system: str = ""
    number: str = ""  # the student's, in that system
    points: float | None = None
    seconds: float = 0.0
    counts: bool = False
    odd: list[str] = field(default_factory=list)  # what only the teacher is told

    @property
    def gradable(self) -> bool:
        """Whether there is a notebook, and somebody's for something."""
        return bool(self.file and self.assignment and not self.refused)

    @property
    def when(self) -> str:
        """The time, to the second, as it is here."""
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.time))


class Ledger:
    """attempts.json of a course, and the files in attempts/; written again after every step."""

    def __init__(self, folder: Path):
        self.folder, self.file = folder, folder / "attempts.json"
        self.attempts: list[Attempt] = []
        self.graded: dict[str, str] = {}  # {student/assignment: what was graded, see grade.state_of}
        if self.file.exists():
            try:
                content = json.loads(self.file.read_text("utf-8"))
                self.attempts, self.graded = [Attempt(**one) for one in content["attempts"]], content["graded"]
            except (ValueError, TypeError, KeyError) as error:
                raise InputError(
                    f"{self.file}: damaged ({error}); delete it, then grade {folder / 'attempts'}"
                ) from error

    def write(self) -> None:
        """Keep it; never half."""
        content = {"attempts": [asdict(one) for one in self.attempts], "graded": self.graded}
        half = self.file.with_suffix(".half")
        half.write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
        half.replace(self.file)

    def add(self, one: Submission) -> None:
        """Note what was handed in, unless it is known, and keep the file."""
        content = b""
        if one.path is not None:
            try:
                content = one.path.read_bytes()
            except OSError as error:
                one.remarks.append(f"cannot be read: {error.strerror}")
        called = "/".join(one.parts)
        files = [(file.name, file.read_bytes()) for file in one.beside]
        digest = hashlib.sha256(repr((content, files)).encode()).hexdigest()
        new = Attempt(one.student, one.assignment, one.time, "", called, digest, one.remarks, one.refused)
        new.system, new.number = one.named.system, one.named.number
        same = (new.student, new.assignment, new.digest, new.refused, new.called if not new.gradable else "")
        for known in self.attempts:
            if not known.file and not one.path and known.called == called:
                self.attempts.remove(known)
                break
            if one.path and same[:4] == (known.student, known.assignment, known.digest, known.refused):
                known.time = min(known.time, new.time) or new.time  # the same file again is no new attempt
                known.system, known.number = new.system or known.system, new.number or known.number
                return
        if one.path is not None:
            stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(one.time))
            place = self.folder / "attempts" / safe(one.student or "nobody") / (one.assignment or "unknown")
            place = place / f"{stamp}-{digest[:8]}"
            place.mkdir(parents=True, exist_ok=True)
            for name, data in [(f"{one.assignment or 'unknown'}.ipynb", content), *files]:
                (place / name).write_bytes(data)
            new.file = str(place.relative_to(self.folder) / f"{one.assignment or 'unknown'}.ipynb")
        self.attempts.append(new)

    def of(self, student: str, assignment: str) -> list[Attempt]:
        """The attempts that can be graded, the oldest first."""
        mine = [one for one in self.attempts if one.gradable and (one.student, one.assignment) == (student, assignment)]
        return sorted(mine, key=lambda one: (one.time, one.called.endswith(f"{assignment}.ipynb"), one.called))

    def left_over(self) -> list[Attempt]:
        """What cannot be graded and nothing better has come in place of."""
        done = {(one.student, one.assignment) for one in self.attempts if one.gradable}
        open_ = [one for one in self.attempts if not one.gradable and (one.student, one.assignment) not in done]
        return [one for one in open_ if one.refused or one.assignment or one.student not in {name for name, _ in done}]

    def copy_beside(self, one: Attempt, target: Path) -> None:
        """Copy the data that were handed in beside a notebook."""
        for file in (self.folder / one.file).parent.iterdir():
            if file.suffix != ".ipynb":
                shutil.copyfile(file, target / file.name)
