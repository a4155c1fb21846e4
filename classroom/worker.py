"""The processes in which notebooks run: a warm one that is split for each submission, and its parts.

`python -m classroom.worker FD` loads PyTorch and IPython once and forks whenever it is asked to. A fork is a jail,
which runs a submission and knows of no test, or a judge, which runs the tests and holds no line of the submission.
"""

import contextlib
import io
import json
import os
import random
import signal
import socket
import sys
import tempfile
from importlib import import_module
from importlib.machinery import ModuleSpec
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from IPython.core.displayhook import CapturingDisplayHook
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from classroom.confine import confine
from classroom.values import Peer, pack, read_files

MOST_TEXT = 50_000  # characters of output that a cell may leave
MOST_WORDS = 20_000  # and of an error
MOST_DATA = 2_000_000  # and of pictures
PACKAGE = "r2p1d_edu"


def main() -> None:
    """Fork for every message that comes, with the connection that comes with it, until there are no more."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started all this
    torch.set_num_threads(1)
    while True:
        message, [*descriptors], *_ = socket.recv_fds(control, 1 << 16, 1)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
                work(Connection(descriptors[0]), **json.loads(message))
            os._exit(0)
        os.close(descriptors[0])


def work(connection: Connection, folder: str, jail: dict | None) -> None:
    """Become a jail or a judge, say so, and do what is asked for."""
    how = ""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if jail is not None:
        how = confine(folder, **jail, announce=lambda pid: connection.send_bytes(json.dumps({"pid": pid}).encode()))
        forget(bool(jail["package"]))
    else:
        connection.send_bytes(json.dumps({"pid": os.getpid()}).encode())
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder)
    tempfile.tempdir = folder
    for seed in (random.seed, np.random.seed, torch.seed):
        seed()  # else all parts of the warm process would draw the same numbers
    end = Worker(connection, jail is not None)
    end.send({"ready": how})
    while True:
        request = end.receive()
        if "do" in request:
            try:
                end.answer(request)
            except KeyboardInterrupt:
                continue


def forget(with_package: bool) -> None:
    """Leave nothing of the project in memory but this loop; what a submission imports of it is a stand-in."""
    import gc

    for name in [name for name in sys.modules if name.split(".")[0] in (PACKAGE, "classroom")]:
        del sys.modules[name]
    project = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[:] = [path for path in sys.path if path not in ("", project)] + [project] * with_package
    sys.argv[:] = ["notebook"]
    if not with_package:
        sys.meta_path.insert(0, StandIns())
    gc.collect()


class NotThere:
    """What stands for a function or class of the package that would answer an exercise."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self, *_, **__):
        """Say so."""
        raise NameError(
            f"{self.name} of {PACKAGE} is not there while this exercise is graded: the answer is to be yours"
        )

    def __getattr__(self, name: str):
        return None if name.startswith("__") else self()

    __iter__ = __getitem__ = __mro_entries__ = __call__


class StandIns:
    """Finds every module of the package, each of which has every name."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """importlib's protocol."""
        return ModuleSpec(name, StandIns, is_package=True) if name.split(".")[0] == PACKAGE else None

    @staticmethod
    def create_module(spec):
        """A module without a file."""
        return None

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Let it have any name."""
        module.__getattr__ = lambda name: NotThere(name) if not name.startswith("__") else missing(name)


def missing(name: str):
    """What a module without that name does."""
    raise AttributeError(name)


class Short(io.StringIO):
    """A text that stops growing."""

    def write(self, text: str) -> int:
        """Take what there is room for."""
        room = MOST_TEXT - self.tell()
        if room > 0:
            super().write(
                text[:room] + ("\n… the rest of this cell's output was left out …\n" if len(text) > room else "")
            )
        return len(text)


class Shell(InteractiveShell):
    """IPython without a terminal: what a cell shows is collected."""

    failed = None

    def _showtraceback(self, etype, evalue, stb):
        name, words = getattr(etype, "__name__", "Error")[:100], str(evalue)[:MOST_WORDS]
        self.failed = {
            "output_type": "error",
            "ename": name,
            "evalue": words,
            "traceback": [str(x)[:4000] for x in stb],
        }

    def run(self, source: str) -> list[dict]:
        """Run a cell: its outputs as a notebook has them."""
        self.failed, text, errors, shown = None, Short(), Short(), []
        publisher, hook = CapturingDisplayPublisher(), CapturingDisplayHook(shell=self, outputs=shown)
        publisher.outputs = shown
        self.display_pub, before = publisher, (self.display_pub, self.display_trap.hook)
        try:
            with contextlib.redirect_stdout(text), contextlib.redirect_stderr(errors):
                self.display_trap.hook = hook
                self.run_cell(source, store_history=False)
                flush_figures()
        finally:
            self.display_pub, self.display_trap.hook = before
        outputs = [{"output_type": "stream", "name": "stdout", "text": text.getvalue()}] * bool(text.getvalue())
        outputs += [{"output_type": "stream", "name": "stderr", "text": errors.getvalue()}] * bool(errors.getvalue())
        room = MOST_DATA
        for one in shown:
            data = {
                str(kind): pack(value) if isinstance(value, bytes) else str(value)
                for kind, value in one["data"].items()
            }
            room -= sum(map(len, data.values()))
            if room > 0:
                outputs.append({"output_type": "display_data", "data": data, "metadata": {}})
        return outputs + ([self.failed] if self.failed else [])


def flush_figures() -> None:
    """Show the figures that a cell has drawn and not shown."""
    if "matplotlib.pyplot" in sys.modules:
        import_module("matplotlib_inline.backend_inline").flush_figures()


class Worker(Peer):
    """A jail or a judge: runs cells and answers for what they have defined."""

    def __init__(self, connection: Connection, in_jail: bool):
        super().__init__(connection, trusting=in_jail)
        os.environ.update(MPLBACKEND="module://matplotlib_inline.backend_inline", IPYTHONDIR=os.getcwd())
        quiet = Config(HistoryManager={"enabled": False}, InteractiveShell={"colors": "nocolor", "cache_size": 0})
        self.shell = Shell.instance(config=quiet)
        self.shell.user_ns.update(exit=sys.exit, quit=sys.exit, display=import_module("IPython.display").display)

    def do(self, request: dict):
        """Besides what every peer does: run a cell, hand out a name, take names."""
        what, names = request["do"], self.shell.user_ns
        if what == "run":
            for name, value in request.get("lent", []):
                module, _, last = name.rpartition(":")
                setattr(import_module(module), last, self.decode(value)) if module else names.update(
                    {last: self.decode(value)}
                )
            return self.shell.run(request["source"])
        if what == "name" and self.trusting:
            return names[request["name"]]
        if what == "fetch" and self.trusting:
            return read_files(Path(request["path"]))
        if what == "lend" and not self.trusting:
            module, _, last = request["name"].rpartition(":")
            return getattr(import_module(module), last) if module else names[last]
        if what == "answers" and not self.trusting:  # the names that the tests ask for
            for name in request["names"]:
                names.pop(name, None)
                with contextlib.suppress(KeyError):
                    names[name] = self.ask(do="name", name=name)
            return None
        return super().do(request)


if __name__ == "__main__":
    main()
