"""Run a submission to its end, whatever it does: loop for ever, end the program, print without end, look for the tests.

The submission's cells run in a jail, the tests in a judge; this module carries what they say to each other, holds the
time and starts a jail anew that came to its end.
"""

import ast
import hashlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from nbformat import NotebookNode, v4
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked, is_solution
from traitlets import Integer

from classroom.processes import ENDED, PROJECT, STOPPED, Ended, Process
from classroom.repair import grade_id
from classroom.rules import EVERY, RULES, Rules, counters
from classroom.values import Garbled, Peer

SAYS = {
    STOPPED: "stopped by the time limit. Is there an endless loop?",
    ENDED: "This cell ended Python (exit, a crash, no memory left). The others were run without it.",
}
REMARKS = {STOPPED: "{} did not come to an end in time", ENDED: "{} ended Python"}
MOST_TEXT = 50_000  # characters of an output
JUDGES_TIME = 3600  # seconds; a test of ours may train a network
MOST_ENDS = 5  # after so many ends of a jail the rest counts as failed
OWN = "a cell of your own"


@dataclass
class Played:
    """What came out: the outputs of each code cell by its number, remarks, seconds, and how it was shut in."""

    outputs: dict[int, list] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    how: str = ""

    @classmethod
    def not_at_all(cls, cells: list, why: str) -> "Played":
        """A submission that could not be run: no test of it passed."""
        failed = v4.new_output("error", ename=ENDED, evalue=why, traceback=[why])
        return cls({number: [failed] for number, cell in enumerate(cells) if is_test(cell)}, [why])

    def points(self, cells: list) -> float:
        """What the tests give, as nbgrader will count; a test that was not run gives nothing."""
        tests = [
            (cell.metadata.nbgrader.points, self.outputs[k])
            for k, cell in enumerate(cells)
            if is_test(cell) and k in self.outputs
        ]
        return sum(points for points, outputs in tests if not any(one.output_type == "error" for one in outputs))


def is_test(cell: NotebookNode) -> bool:
    """Whether a cell's outcome decides on points."""
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)


class Jail:
    """The process in which a submission's cells run, started again without the cell that ended it."""

    def __init__(self, folder: Path, settings: dict):
        self.folder, self.settings = folder, settings
        self.done: dict[int, dict] = {}  # the requests to run a cell, to be made again after an end
        self.ends = 0
        self.process: Process | None = Process(folder, settings)
        self.how = self.process.how

    def close(self) -> None:
        """End it."""
        if self.process:
            self.process.close()
        self.process = None


class Play:
    """One submission on the stage: its cells run in jails, the tests in the judge, in the notebook's order.

    Args:
        cells: with the tests as they are in the course, whatever was handed in.
        texts: {cell: its text in the course}; of answers without the solution, for the names that the tests ask for.
        beside: a folder with the data that were handed in beside the notebook.
        hidden: what no submission may see, see `confine`.
    """

    def __init__(self, cells: list, rules: Rules, texts: dict, timeout: float, memory: int, beside: str, hidden: list):
        self.cells, self.rules, self.texts, self.timeout = cells, rules, texts, timeout
        self.played, self.left, self.failed = Played(), timeout, ""
        self.folder = Path(tempfile.mkdtemp(prefix="grading_"))
        self.folder.chmod(0o777)
        self.exercises = exercises_of(cells)
        site = Path(torch.__file__).parents[1]
        self.judge = Process(self.folder)
        self.jails = {}
        for package in sorted({rules.with_package(one) for one in self.exercises if one} or {False}):
            seen = str(PROJECT / "r2p1d_edu") if package else ""
            unseen = [*map(str, hidden), *([] if package else counters(site))]
            settings = {"beside": beside, "hidden": unseen, "package": seen, "memory": memory}
            self.jails[package] = Jail(self.folder, settings)
        self.lent: dict[str, object] = {}

    def run(self) -> Played:
        """Run every cell."""
        begin = time.monotonic()
        try:
            for number, (cell, exercise) in enumerate(zip(self.cells, self.exercises, strict=True)):
                if cell.cell_type == "code":
                    self.left, self.failed = self.timeout, ""
                    self.played.outputs[number] = self.run_cell(number, cell, exercise)
        finally:
            self.played.how = ", ".join(sorted({jail.how for jail in self.jails.values()}))
            for one in (self.judge, *self.jails.values()):
                one.close()
            shutil.rmtree(self.folder, ignore_errors=True)
        self.played.seconds = time.monotonic() - begin
        return self.played

    def run_cell(self, number: int, cell: NotebookNode, exercise: str) -> list:
        """The outputs of a cell, from where it belongs."""
        if is_test(cell):
            jail = self.jails[self.rules.with_package(exercise)]
            self.judge.send({"do": "answers", "names": names_in(self.texts.get(exercise, ""))})
            self.from_judge(jail, exercise)
            self.judge.send({"do": "run", "source": cell.source})
            outputs = self.from_judge(jail, exercise)
            if self.failed:
                self.played.remarks.append(REMARKS[self.failed].format(grade_id(cell)))
            return [in_words_alone(one) for one in as_outputs(outputs)]
        shown = None
        exercise = exercise if is_solution(cell) else EVERY  # what is only tried out may use all that is lent
        if is_locked(cell) and grade_id(cell) in self.texts:
            self.judge.send({"do": "run", "source": cell.source})
            shown = self.from_judge(None, exercise)
            self.borrow()
        for package, jail in self.jails.items():
            lent = {} if package else dict(self.lent)  # functions of other exercises are refused when called
            request = {"do": "run", "source": cell.source, "lent": [[name, value] for name, value in lent.items()]}
            outputs = self.run_in(jail, number, request, exercise)
            shown = shown or outputs
        if self.failed:
            self.played.remarks.append(REMARKS[self.failed].format(grade_id(cell) or OWN))
        return as_outputs(shown)

    def run_in(self, jail: Jail, number: int, request: dict, exercise: str) -> dict:
        """Run a cell in a jail; it is run again in those that follow, unless it was the end of this one."""
        before = jail.process
        answer = self.from_jail(jail, request, exercise)
        if jail.process is before:
            jail.done[number] = request
        return answer

    def borrow(self) -> None:
        """Look up in the judge what this assignment lends, as far as it is there yet."""
        for name in sorted({name for names in self.rules.lent.values() for name in names} - set(self.lent)):
            self.judge.send({"do": "lend", "name": name})
            reply = self.from_judge(None, "")
            if "value" in reply:
                self.lent[name] = reply["value"]

    def from_judge(self, jail: Jail | None, exercise: str) -> dict:
        """Listen to the judge until it answers; what it asks in between is for the jail."""
        try:
            while "do" in (message := self.judge.receive(JUDGES_TIME)):
                answer = self.from_jail(jail, message, exercise) if jail else refusal(ENDED)
                self.judge.send(answer)
        except Ended as end:
            raise Ended(f"the tests themselves could not go on ({end.name})") from None
        return message

    def from_jail(self, jail: Jail, request: dict, exercise: str) -> dict:
        """A jail's answer; what it asks in between is for the judge. After an end it is started again."""
        process = jail.process
        if process is None or self.failed:
            return refusal(self.failed or ENDED)
        try:
            process.send(request)
            while "do" in (message := self.heard(process)):
                if self.allowed(message, exercise):
                    self.judge.send(message)
                    message = self.from_judge(jail, exercise)
                else:
                    message = NOT_LENT
                if jail.process is not process:
                    return refusal(self.failed)
                process.send(message)
        except Ended as end:
            self.failed = end.name
            if not (end.name == STOPPED and process.interrupt()):
                self.start_again(jail)
            return refusal(end.name)
        return message

    def heard(self, process: Process) -> dict:
        """What a jail says next; the time that it takes is taken from what it has left for this cell."""
        begin = time.monotonic()
        message = process.receive(self.left)
        self.left -= time.monotonic() - begin
        return message

    def allowed(self, message: dict, exercise: str) -> bool:
        """Whether a jail may call this now."""
        of = {
            value[1]: name for name, value in self.lent.items() if isinstance(value, list) and value[0] == "reference"
        }
        name = of.get(message.get("of"))
        lent = name is None or exercise == EVERY or name in self.rules.lent_to(exercise)
        return message.get("do") == "call" and lent

    def start_again(self, jail: Jail) -> None:
        """A new process for a jail, in which all cells have run but those that brought the others to their end."""
        jail.ends += 1
        jail.close()
        while jail.ends < MOST_ENDS:
            jail.process = Process(self.folder, jail.settings)
            failed, left = self.failed, self.left
            for number, request in list(jail.done.items()):
                self.left, self.failed = self.timeout, ""
                before = jail.process
                try:
                    before.send(request)
                    while "do" in self.heard(before):
                        before.send(NOT_LENT)
                except Ended:
                    del jail.done[number]
                    jail.ends += 1
                    jail.close()
                    break
            self.left, self.failed = left, failed
            if jail.process:
                return


NOT_LENT = {"error": {"kinds": ["NameError"], "words": "this function is not there while this exercise is graded"}}


def refusal(name: str) -> dict:
    """The answer in place of one that cannot be had."""
    return {"error": {"kinds": [name], "words": SAYS[name]}}


def exercises_of(cells: list) -> list[str]:
    """The exercise that each cell belongs to: that of the next answer for what stands before it, else of the last one.

    A cell of the student's own between an answer and its tests belongs to that answer.
    """
    last, found = "", []
    following = [grade_id(cell) if is_solution(cell) else "" for cell in cells]
    for number, cell in enumerate(cells):
        last = following[number] or last
        ahead = next((name for name in following[number:] if name), "")
        tests = next((k for k in range(number, len(cells)) if is_grade(cells[k])), len(cells))
        answer = next((k for k in range(number, len(cells)) if following[k]), len(cells))
        found.append(last if tests < answer or not ahead or is_grade(cell) else ahead)
    return found


def names_in(source: str) -> list[str]:
    """The names that a cell's text defines at its top."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return []
    named = [node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef))]
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    return named + [target.id for target in targets if isinstance(target, ast.Name)]


def as_outputs(reply: dict) -> list:
    """A worker's answer as outputs of a cell; what is none is left out."""
    if "error" in reply:
        name = str((reply["error"].get("kinds") or ["Error"])[0])[:100]
        words = str(reply["error"].get("words", ""))[:2000]
        return [v4.new_output("error", ename=name, evalue=words, traceback=[words or name])]
    try:
        found = Peer(None, trusting=False).decode(reply.get("value"))
        return [checked(one) for one in found if isinstance(one, dict)]
    except (Garbled, TypeError, KeyError, ValueError):
        return as_outputs({"error": {"kinds": ["Garbled"], "words": "what this cell put out cannot be read"}})


def checked(one: dict) -> NotebookNode:
    """One output, with nothing in it but text."""
    kind = one["output_type"]
    if kind == "stream":
        name = "stderr" if one["name"] == "stderr" else "stdout"
        return v4.new_output("stream", name=name, text=str(one["text"])[: 2 * MOST_TEXT])
    if kind == "error":
        lines = [str(line) for line in one["traceback"]]
        return v4.new_output("error", ename=str(one["ename"]), evalue=str(one["evalue"]), traceback=lines)
    return v4.new_output("display_data", data={str(key): str(value) for key, value in one["data"].items()})


def in_words_alone(one: NotebookNode) -> NotebookNode:
    """What a test put out, without a line of its code; a warning as plain text, for nbgrader takes it for a failure."""
    if one.output_type == "stream":
        one.name = "stdout"
    elif one.output_type == "error":
        one.traceback = [one.evalue if one.ename == "CheckFailed" else f"{one.ename}: {one.evalue}"]
    return one


class Run(NbGraderPreprocessor):
    """In the place of nbgrader's Execute: fills in what came out when the submission was played, or plays it now."""

    timeout = Integer(120, help="seconds that a cell, or all tests of an exercise together, may take").tag(config=True)
    memory = Integer(8, help="GB of addresses that a submission may use").tag(config=True)
    played: dict[str, Played] = {}  # noqa: RUF012  # of all submissions that were played ahead, by `key`

    @classmethod
    def among_nbgraders(cls) -> list[type]:
        """nbgrader's list of preprocessors with this one in the place of Execute."""
        return [cls if one is Execute else one for one in Autograde.autograde_preprocessors.default()]

    def preprocess(self, nb, resources):
        """Run all cells; nb is changed in place."""
        about = resources["nbgrader"]
        played = self.played.pop(key(nb.cells), None)
        if played is None:
            texts = course_texts(about["db_url"], about["assignment"])
            beside = resources.get("metadata", {}).get("path") or tempfile.mkdtemp()
            rules = RULES.get(about["assignment"], Rules())
            played = Play(nb.cells, rules, texts, self.timeout, self.memory << 30, beside, [PROJECT, os.getcwd()]).run()
        for number, outputs in played.outputs.items():
            nb.cells[number].outputs, nb.cells[number].execution_count = outputs, None
        nb.cells[0].metadata["remarks"] = [*nb.cells[0].metadata.get("remarks", []), *played.remarks]
        return nb, resources


def key(cells: list) -> str:
    """What tells whether cells were played: their kinds and texts."""
    return hashlib.sha256(json.dumps([[cell.cell_type, cell.source] for cell in cells]).encode()).hexdigest()


def course_texts(db_url: str, assignment: str) -> dict[str, str]:
    """{cell: its text in the course, hidden tests and all}, of answers without the solution."""
    with Gradebook(db_url) as book:
        return {cell.name: cell.source for cell in book.find_notebook(assignment, assignment).source_cells}
