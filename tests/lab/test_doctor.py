"""The doctor: every finding, on sound machines and on sick ones."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from r2p1d_edu.cli import main
from r2p1d_edu.lab import doctor
from r2p1d_edu.lab.doctor import FOR_NOTEBOOKS, NEEDED, examine
from r2p1d_edu.training import precision
from r2p1d_edu.video import decode

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")


def texts(findings, state=None):
    return [finding.text for finding in findings if state in (None, finding.state)]


def test_here_all_is_well_and_nothing_is_left_behind(arrow_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    findings = examine(arrow_folder.parent)
    assert texts(findings, "missing") == []
    everything = "\n".join(map(str, findings))
    for package in ("Python", *NEEDED, *FOR_NOTEBOOKS):
        assert re.search(rf"^ok +{package} \d", everything, re.MULTILINE)
    assert f"data: {arrow_folder}, 8 classes, 200 videos" in texts(findings, "ok")
    assert any(text.startswith("training runs on") for text in texts(findings, "ok"))
    assert any("wrote and read a test file" in text for text in texts(findings, "ok"))
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_it_and_says_by_its_status_whether_all_is_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "note    no dataset in data/ yet; python -m r2p1d_edu data arrow makes one in seconds" in said
    monkeypatch.setattr(doctor, "FOR_NOTEBOOKS", ("no-such-package",))
    assert main(["doctor"]) == 1
    assert "MISSING no-such-package: not installed; run pip install -e '.[lab]'" in capsys.readouterr().out


@pytest.mark.parametrize("package", NEEDED)
def test_without_a_package_it_still_reports(package):
    """Neither the package nor its record is there, as on a machine where the installation failed."""
    script = f"""
import importlib.metadata, sys
sys.modules[{package.replace("-", "_")!r}] = None
real = importlib.metadata.version
def version(name):
    if name == {package!r}:
        raise importlib.metadata.PackageNotFoundError(name)
    return real(name)
importlib.metadata.version = version
from r2p1d_edu.cli import main
sys.exit(main(["doctor"]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (1, "")
    assert f"MISSING {package}: not installed; run pip install -e '.' in the project" in done.stdout
    assert "training runs on" not in done.stdout


def test_without_a_package_for_notebooks_all_else_is_still_looked_at(monkeypatch, tmp_path):
    """torchinfo begins with torch, and is another package."""
    real = importlib.metadata.version

    def version(name):
        if name == "torchinfo":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    findings = examine(tmp_path)
    assert len(texts(findings, "missing")) == 1
    for words in ("training runs on", "wrote and read a test file", "frames are cached", "no dataset in"):
        assert any(words in text for text in texts(findings))


def test_what_is_needed_is_what_the_project_says():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    for names, declared in (
        (NEEDED, project["dependencies"]),
        (FOR_NOTEBOOKS, project["optional-dependencies"]["lab"]),
    ):
        assert set(names) == {re.match(r"[\w-]+", line)[0] for line in declared}


@pytest.mark.parametrize(
    ("cuda", "words"), [(True, "training runs on cuda (Some GPU) in bfloat16"), (False, "training runs on cpu")]
)
def test_the_device_is_named_and_a_machine_without_gpu_is_told(monkeypatch, cuda, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(precision, "fault_of", lambda *_: "")
    findings = list(doctor.device())
    assert words in findings[0].text
    assert [finding.state for finding in findings] == (["ok"] if cuda else ["ok", "note"])


def test_a_processor_that_is_wrong_in_bfloat16_is_told(monkeypatch):
    monkeypatch.setattr(precision, "choose_precision", lambda *_: "bf16")
    monkeypatch.setattr(precision, "fault_of", lambda case, *_: "it is wrong" if case.kernel == (3, 1, 1) else "")
    assert any(
        finding.state == "note" and "computes bfloat16 wrongly in stem.3 (11 → 16 channels" in finding.text
        for finding in doctor.device()
    )


def test_an_old_python_is_told_what_is_needed(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9))
    assert texts(doctor.versions(), "missing")[0].endswith("Python 3.10 or newer is needed")


def test_video_that_cannot_be_read_or_is_wrong_is_missing(monkeypatch):
    real = decode.read_frames
    monkeypatch.setattr(decode, "read_frames", lambda *_: np.zeros((4, 32, 32, 3), np.uint8))
    assert doctor.video().state == "missing"

    def fails(*_):
        raise OSError("no such codec")

    monkeypatch.setattr(decode, "read_frames", fails)
    assert doctor.video() == doctor.Finding("missing", "video: writing and reading a test file failed (no such codec)")
    monkeypatch.setattr(decode, "read_frames", real)
    assert doctor.video().state == "ok"


def test_a_cache_that_cannot_be_written_is_missing(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("R2P1D_CACHE", str(tmp_path / "file" / "cache"))
    found = doctor.storage()
    assert found.state == "missing"
    assert found.text.endswith("set R2P1D_CACHE to another folder")


def test_data_that_is_not_whole_is_a_note_that_says_why(arrow_folder, tmp_path):
    shutil.copytree(arrow_folder / "ucfTrainTestlist", tmp_path / "half" / "ucfTrainTestlist")
    (tmp_path / "half" / "videos" / "Ring").mkdir(parents=True)
    (found,) = doctor.data_findings(tmp_path)
    assert found.state == "note"
    assert "at least two are needed" in found.text


def test_versions_are_those_installed():
    assert f"torch {importlib.metadata.version('torch')}" in texts(doctor.versions())
