"""Folders that several processes share: one writes at a time, and none removes what another writes."""

import subprocess
import sys

import filelock
import pytest

from r2p1d_edu import folders
from r2p1d_edu.errors import InputError
from r2p1d_edu.folders import atomic_directory, cache_folder, directory_lock, make_once

MAKE = """
import sys, time
from pathlib import Path
from r2p1d_edu.folders import make_once

def make(part):
    time.sleep(0.3)
    (part / "made").write_text("whole", "utf-8")
    with open(sys.argv[2], "a", encoding="utf-8") as log:
        log.write("made\\n")

make_once(Path(sys.argv[1]), make, lambda folder: None)
"""


def test_the_cache_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("R2P1D_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("R2P1D_CACHE")
    assert "r2p1d_edu" in cache_folder().parts


def test_of_two_processes_one_makes_the_folder(tmp_path):
    command = [sys.executable, "-c", MAKE, tmp_path / "new" / "set", tmp_path / "log"]
    started = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(30) for process in started] == [0, 0]
    assert (tmp_path / "log").read_text() == "made\n"
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"set", ".lock"}


@pytest.mark.parametrize("lock", [folders.FileLock, filelock.SoftFileLock])
def test_the_lock_is_held_with_or_without_the_system_s_locks(tmp_path, monkeypatch, lock):
    """Where there is no fcntl, as on Windows, filelock has other means; there used to be no lock at all."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setattr(folders, "FileLock", lock)
    with directory_lock(tmp_path), pytest.raises(filelock.Timeout):
        lock(tmp_path / ".lock", timeout=0.01).acquire()
    with directory_lock(tmp_path):
        pass


def test_two_who_fill_the_same_folder_do_not_meet(tmp_path):
    with atomic_directory(tmp_path / "set") as one:
        (one / "file").touch()
        with atomic_directory(tmp_path / "set") as other:
            assert (one / "file").exists()
            assert list(other.iterdir()) == []
        (tmp_path / "set").rmdir()
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["file"]


def test_what_fails_leaves_nothing_and_what_was_killed_is_removed(tmp_path):
    (tmp_path / "set.0123abcd.part").mkdir()
    (tmp_path / "set.notours.part").mkdir()

    def fail(part):
        (part / "file").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_once(tmp_path / "set", fail, None)
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "set.notours.part"}


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"^cannot write [^\n]*; free some space or choose another folder$"):
        make_once(tmp_path / "file" / "set", None, None)
    with directory_lock(tmp_path / "none"):  # nothing to lock, nobody to keep out
        pass
