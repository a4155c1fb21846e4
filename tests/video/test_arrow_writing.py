"""Writing the embedded dataset: whole or not at all, once, and never over anything else."""

import errno
import json
import re
import subprocess
import sys

import pytest
from bad_server import names

from r2p1d_edu.errors import InputError
from r2p1d_edu.video import arrow
from r2p1d_edu.video.arrow import write_arrow


@pytest.fixture
def small(monkeypatch):
    """Write one group only."""
    monkeypatch.setattr(arrow, "GROUPS", 1)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("empty_folder", [False, True])
def test_an_interruption_leaves_nothing_behind(small, tmp_path, error, empty_folder):
    folder = tmp_path / "arrow"
    if empty_folder:
        folder.mkdir()

    def progress(clips):
        yield from clips[:3]
        assert len(list(tmp_path.rglob("arrow.*.part/videos/*/*.avi"))) >= 3
        assert not list(folder.glob("*"))  # nothing under the final name yet
        raise error

    with pytest.raises((type(error), InputError)) as caught:
        write_arrow(folder, 1, progress=progress)
    if isinstance(error, OSError):
        assert str(caught.value).startswith(f"cannot write {folder}: No space left on device; ")
    assert names(tmp_path) == ["arrow"] * empty_folder
    assert write_arrow(folder, 1) == folder
    assert len(contents(folder)) == 8 + 7 + 1


def test_a_folder_with_something_else_is_refused_and_untouched(small, tmp_path):
    write_arrow(tmp_path / "arrow", 1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "arrow.json").write_text("{")
    (tmp_path / "file").write_text("a file")
    before = contents(tmp_path)
    for name, settings in [("mine", {}), ("broken", {}), ("file", {}), ("arrow", {"seed": 1}), ("arrow", {})]:
        with pytest.raises(
            InputError, match=f"^{re.escape(str(tmp_path / name))}: already holds something else[^\n]*$"
        ):
            write_arrow(tmp_path / name, 1 + (name == "arrow" and not settings), **settings)
    assert contents(tmp_path) == before


def test_drawing_shows_how_far_it_is_and_leaves_nothing(small, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(arrow, "BAR", arrow.BAR | {"delay": 0, "mininterval": 0})
    write_arrow(tmp_path / "arrow", 1)
    shown = capsys.readouterr().err
    assert "drawing arrow:  12%" in shown
    assert "1/8" in shown
    assert shown.split("\r")[-1].strip() == ""


def test_the_same_dataset_is_kept(small, tmp_path):
    folder = write_arrow(str(tmp_path / "new" / "arrow"), 1, seed=2)
    assert json.loads((folder / "arrow.json").read_text())["seed"] == 2
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert write_arrow(folder, 1, seed=2, progress=None) == folder  # draws nothing
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_files_do_not_depend_on_the_system_s_encoding(tmp_path):
    """Python warns of each file that is opened in whatever encoding the system prefers."""
    script = """
import sys, warnings
warnings.filterwarnings("error", category=EncodingWarning, module="r2p1d_edu")
from r2p1d_edu.video import arrow
from r2p1d_edu.video.ucf101 import load_split
arrow.GROUPS = 15
for _ in range(2):
    folder = arrow.write_arrow(sys.argv[1], 1)
assert len(load_split(folder / "videos").test) == 56
"""
    command = [sys.executable, "-X", "warn_default_encoding", "-c", script, tmp_path / "arrow"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("settings", [{"clips_per_group": 0}, {"seed": -1}, {"frames": 1}])
def test_impossible_settings(tmp_path, settings):
    with pytest.raises(InputError, match="give at least 1, 0 and 2"):
        write_arrow(tmp_path / "arrow", **settings)
    assert not list(tmp_path.iterdir())
