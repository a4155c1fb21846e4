"""The live plot: when it draws, what it refuses, and what the saved notebook keeps."""

import re
import subprocess
import sys
import textwrap
from base64 import b64decode
from io import BytesIO
from xml.etree import ElementTree

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab import live as live_module
from r2p1d_edu.lab.live import LivePlot
from r2p1d_edu.lab.picture import PICTURE_WIDTH

SVG = "{http://www.w3.org/2000/svg}"


def row(step):
    speed = {"learning_rate": 0.01, "clips_per_second": 210.4, "seconds": step / 10}
    return {"step": step, "epoch": step / 100, "loss": 1.0, "accuracy": 0.5, "validation_accuracy": None} | speed


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


class Screen:
    """Stands in for the notebook: remembers what was displayed."""

    def __init__(self):
        self.shown, self.places = [], 0

    def display(self, bundle, raw, display_id):
        assert raw
        assert display_id
        self.places += 1
        self.shown.append(bundle)
        return self

    def update(self, bundle, raw):
        assert raw
        self.shown.append(bundle)


def picture(bundle):
    """The SVG inside the <img> of an output."""
    return b64decode(re.search(r'base64,([^"]+)"', bundle["text/html"])[1]).decode()


@pytest.fixture
def screen(monkeypatch):
    screen = Screen()
    monkeypatch.setattr("IPython.display.display", screen.display)
    monkeypatch.setattr(live_module, "in_notebook", lambda: True)
    return screen


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(live_module, "time", clock)
    return clock


def test_it_draws_at_most_five_times_a_second_and_always_the_last_row(screen, clock):
    plot = LivePlot(total_steps=100, network="r3d")
    assert len(screen.shown) == 1  # the empty frame
    for step in range(1, 100):
        clock.now += 0.05
        plot.update(row(step))
    assert 99 * 0.05 * 5 / 2 < len(screen.shown) - 1 <= 99 * 0.05 * 5
    assert "step 99 of" not in screen.shown[-1]["text/plain"]
    before = len(screen.shown)
    plot.update(row(100))  # no time has passed
    assert len(screen.shown) == before + 1
    assert "step 100 of 100" in screen.shown[-1]["text/plain"]
    assert "step 100 of 100" in picture(screen.shown[-1])


def test_close_shows_a_run_that_stopped_early(screen, clock):
    plot = LivePlot(total_steps=100, network="r3d")
    plot.update(row(1))
    plot.update(row(40))
    plot.close()
    assert screen.shown[-1]["text/plain"].endswith("step 40 of 100, epoch 0.4, loss 1.000, accuracy 50.0 %, "
                                                   "clips/s 210, time took 0:04")  # fmt: skip


def test_two_runs_one_after_the_other(screen, clock):
    plot = LivePlot(total_steps=3, title="Two", ceiling=0.625)
    plot.start("f_r2d")
    plot.update(row(1))
    plot.update(row(2))  # and no third: stopped
    plot.start("r2plus1d")
    for step in (1, 2, 3):
        plot.update(row(step))
    plot.close()
    first, second = plot.text().splitlines()
    assert first.startswith("f-R2D: step 2 of 3")
    assert first.endswith("took 0:00")
    assert second.startswith("R(2+1)D: step 3 of 3")
    assert picture(screen.shown[-1]) == plot.svg()
    assert ">Two<" in plot.svg()
    assert ">order-blind ceiling 62.5 %<" in plot.svg()


def test_a_second_run_without_start_is_refused_with_advice():
    plot = LivePlot(total_steps=10, network="r3d")
    plot.update(row(5))
    with pytest.raises(InputError, match=r"step 1 came after step 5 in the run 'R3D'; call live\.start"):
        plot.update(row(1))
    plot.plan(20)  # tells nothing about the run that is there already
    assert plot.runs[-1].total_steps == 10


def test_the_number_of_steps_may_come_later(screen, clock):
    plot = LivePlot(ceiling=0.625)
    plot.start("f_r2d", label="shuffled frames")
    with pytest.raises(InputError, match=r"on_start=live\.plan"):
        plot.update(row(1))
    assert screen.shown == []
    plot.plan(400)
    plot.update(row(1))
    plot.start("r2plus1d")
    plot.plan(800)
    plot.update(row(1))
    assert [run.total_steps for run in plot.runs] == [400, 800]
    assert [run.window for run in plot.runs] == [10, 20]
    assert plot.text().startswith("shuffled frames: step 1 of 400")


def test_without_start_or_name_a_row_still_shows():
    plot = LivePlot(total_steps=2)
    plot.update(row(1))
    assert plot.text().startswith("training: step 1 of 2")


def test_in_a_plain_python_nothing_is_printed_and_ipython_is_not_needed():
    code = """
        import sys
        sys.modules["IPython"] = None  # as if it were not installed
        from r2p1d_edu.lab.live import LivePlot
        plot = LivePlot(total_steps=1, network="mc3")
        plot.update({"step": 1, "epoch": 1, "loss": 1.5, "accuracy": 1, "learning_rate": 0.1,
                     "clips_per_second": 9.0, "seconds": 2.0})
        plot.close()
        assert plot.svg().startswith("<svg") and "loss 1.500" in plot.text()
        assert "matplotlib" not in sys.modules and "torch" not in sys.modules
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_saved_notebook_keeps_one_picture_with_its_words():
    code = """
        from r2p1d_edu.lab.live import LivePlot
        live = LivePlot(total_steps=30, network="f_r2d", ceiling=0.625)
        for step in range(1, 31):
            live.update({"step": step, "epoch": step / 10, "loss": 1 / step, "accuracy": 0.5, "learning_rate": 0.1,
                         "clips_per_second": 9.0, "seconds": step / 9})
        live.close()
    """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(textwrap.dedent(code))])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    NotebookClient(notebook, timeout=300).execute()
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert "step 30 of 30" in output.data["text/plain"]
    assert "step 30 of 30" in ElementTree.fromstring(picture(output.data)).find(f"{SVG}desc").text
    assert "f-R2D: step 30 of 30" in re.search('alt="([^"]*)"', output.data["text/html"])[1]
    drawn = Image.open(BytesIO(b64decode(output.data["image/png"])))
    assert drawn.width == PICTURE_WIDTH
    assert len(drawn.convert("L").getcolors(256)) > 50  # letters and curves


def test_a_run_that_starts_in_a_cell_further_down_is_drawn_there(screen, monkeypatch):
    cell = iter([1, 1, 2, 2, 2, 2])
    monkeypatch.setattr(live_module, "running_cell", lambda: next(cell))
    plot = LivePlot(total_steps=2, network="f_r2d")
    plot.start("r3d")  # in the same cell, the same picture
    assert screen.places == 1
    plot.update(row(1))
    plot.start("r2plus1d")
    assert screen.places == 2
    assert "image/png" in screen.shown[-2]  # how the first cell is left
    assert "R(2+1)D" not in screen.shown[-2]["text/plain"]
    plot.update(row(2))
    assert screen.places == 2
