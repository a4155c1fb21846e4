"""Run a submission to its end, whatever it does: loop for ever, end the program, print without end."""

import subprocess

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode, v4
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_grade
from traitlets import Dict, Integer

MOST_TEXT = 50_000  # characters of output that a cell may leave
MOST_DATA = 2_000_000  # and of pictures
# IPython's own exit() lets the cell go on and ends the kernel a moment later, under another cell.
EXIT = "import sys; get_ipython().user_ns.update(exit=sys.exit, quit=sys.exit)"
# A learner's code may have put something else in the place of the checks, be it by accident.
CHECKS = """
def _renew():
    import importlib, sys
    if sys.modules.pop("r2p1d_edu.lab.checks", None):
        fresh = vars(importlib.import_module("r2p1d_edu.lab.checks"))
        globals().update({name: fresh[name] for name in fresh if name == "grade" or name.startswith("check_")})
_renew()
del _renew
"""
STOPPED = "StillRunning"
ENDED = "PythonEnded"


class Run(Execute):
    """nbgrader's Execute that survives the end of the kernel.

    A cell that ends Python or cannot be interrupted gets an error as its output; then everything is run again in a new
    kernel without that cell. After `most_ends` such cells the rest counts as failed.
    """

    most_ends = Integer(5, help="how often a submission may end Python").tag(config=True)
    iopub_timeout = Integer(20, help="seconds that output may lag behind").tag(config=True)
    startup_timeout = Integer(300, help="seconds that a kernel may take to start").tag(config=True)
    error_on_timeout = Dict(
        {
            "ename": STOPPED,
            "evalue": "stopped by the time limit",
            "traceback": ["This cell was still running when its time was up. Is there an endless loop?"],
        }
    ).tag(config=True)

    @classmethod
    def among_nbgraders(cls) -> list[type]:
        """nbgrader's list of preprocessors with this one in the place of Execute."""
        return [cls if one is Execute else one for one in Autograde.autograde_preprocessors.default()]

    def preprocess(self, nb, resources, km=None):
        """Run all cells; nb is changed in place."""
        self.left_out, self.at = {}, 0
        while True:
            self.room = {}
            try:
                return super().preprocess(nb, resources, km)
            except DeadKernelError:
                words = "This cell ended Python (exit, a crash, no memory left). The others were run without it."
                self.leave_out(nb, ENDED, words)
            except CellTimeoutError:
                self.leave_out(nb, STOPPED, self.error_on_timeout["traceback"][0])

    def start_new_kernel(self, **kwargs):
        """As ever; what a kernel says to the terminal does not concern the teacher."""
        return super().start_new_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)

    def leave_out(self, nb: NotebookNode, name: str, words: str) -> None:
        """Note the cell that was running, and from the last allowed end on all that follow."""
        enough = len(self.left_out) + 1 >= self.most_ends
        for number in range(self.at, len(nb.cells) if enough else self.at + 1):
            if nb.cells[number].cell_type == "code":
                self.left_out[number] = v4.new_output("error", ename=name, evalue=name, traceback=[words])
                words = "Not run: too many cells before this one had to be stopped."

    def preprocess_cell(self, cell, resources, index):
        """Run one cell, unless it is to be left out."""
        self.at = index
        if index in self.left_out:
            cell.outputs = [self.left_out[index]]
            return cell, resources
        if index == 0 or is_grade(cell):
            self.wait_for_reply(self.kc.execute(CHECKS if index else EXIT, silent=True))
        return super().preprocess_cell(cell, resources, index)

    def on_cell_executed(self, **kwargs):
        """As in nbgrader; and a cell that ran out of time is not run a second time."""
        super().on_cell_executed(**kwargs)
        if kwargs["execute_reply"]["content"].get("ename") == STOPPED:
            self.left_out[self.at] = kwargs["cell"].outputs[-1]

    def output(self, outs, msg, display_id, cell_index):
        """Take an output, shortened where a cell leaves too much.

        In a graded cell nbgrader takes a warning for a failure and a value for points, so there the one becomes plain
        text and the other a display.
        """
        kind, content = msg["msg_type"], msg["content"]
        text, data = self.room.get(cell_index, (MOST_TEXT, MOST_DATA))
        if kind == "stream":
            if text <= 0:
                return None
            cut = "" if len(content["text"]) <= text else "\n… the rest of this cell's output was left out …\n"
            content["text"], text = content["text"][:text] + cut, text - len(content["text"])
        elif kind == "error":
            content["evalue"] = content["evalue"][:2000]
            content["traceback"] = [line[:2000] for line in content["traceback"]]
        elif "data" in content:
            data -= sum(len(str(value)) for value in content["data"].values())
            if data <= 0:
                return None
        self.room[cell_index] = text, data
        if is_grade(self.nb.cells[cell_index]):
            if kind == "stream":
                content["name"] = "stdout"
            elif kind == "execute_result":
                msg["msg_type"] = msg["header"]["msg_type"] = "display_data"
        return super().output(outs, msg, display_id, cell_index)
