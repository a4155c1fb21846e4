"""A real JupyterLab and a real Chromium. Skips visibly where there is no Chromium."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
KERNEL_ANSWERS = """async () => {
    const context = jupyterapp.shell.currentWidget.context.sessionContext;
    await context.ready;
    await context.session.kernel.info;
}"""
RUN_ALL = "() => { jupyterapp.commands.execute('notebook:run-all-cells').then(() => (window.allDone = true)); }"
ROOT = Path(__file__).parents[2]


class Lab(NamedTuple):
    address: str
    token: str
    folder: Path


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A running JupyterLab whose root is a folder with a copy of the notebooks."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    (folder / "data").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = "browser-test"
    own = {"OMP_NUM_THREADS": "1"}  # two threads that share a busy core wait for each other
    own |= {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    own |= {f"JUPYTERLAB_{name}_DIR": str(folder / name) for name in ("SETTINGS", "WORKSPACES")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={folder}"]
    command += [
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.expose_app_in_browser=True",
    ]
    settings = folder / "SETTINGS" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)  # all cells are to be on the page, also those out of view
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    disabled = folder / "CONFIG" / "labconfig"
    disabled.mkdir(parents=True)  # learners do not have the extra `grading`
    (disabled / "page_config.json").write_text('{"disabledExtensions": {"@jupyter/nbgrader": true}}')
    log = (folder / "lab.log").open("wb")
    server = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, folder / "lab.log")
        yield Lab(f"http://127.0.0.1:{port}", token, folder)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        log.close()


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(120):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"JupyterLab did not answer: {log.read_text()[-2000:]}")


@pytest.fixture
def page(lab):
    """A page of a fresh Chromium; what its console said of errors is in `page.problems`."""
    sync = pytest.importorskip("playwright.sync_api")
    with sync.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)  # milliseconds; the machine may be busy
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        yield page
        browser.close()


@pytest.fixture
def open_notebook(lab, page):
    """open_notebook("00_start_here.ipynb"): open it in JupyterLab without outputs, run all cells, wait for the last."""

    def run_all(name: str, seconds: int = 600):
        notebook = nbformat.read(lab.folder / "notebooks" / name, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, lab.folder / "notebooks" / f"unrun_{name}")
        page.goto(f"{lab.address}/lab/tree/notebooks/unrun_{name}?token={lab.token}&reset")
        page.wait_for_selector(".jp-NotebookPanel .jp-Notebook .jp-CodeCell")
        page.evaluate(KERNEL_ANSWERS)  # what is sent to a kernel that does not answer yet may be lost
        page.evaluate(RUN_ALL)
        page.wait_for_function("window.allDone", timeout=seconds * 1000)
        return page

    return run_all
