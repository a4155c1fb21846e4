"""The processes of grading: a warm one that loads PyTorch once, and what is forked from it, with the line to each."""

import atexit
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from classroom.values import LARGEST
from r2p1d_edu.errors import InputError

PROJECT = Path(__file__).parents[1]
STOPPED, ENDED = "StillRunning", "PythonEnded"
HALF = 20  # seconds that the rest of a message may take
PATIENCE = 2  # seconds that an interrupted cell has to stop
START = 120  # seconds that a jail may take to be there
KEPT = {"PATH", "LANG", "LC_ALL", "SYSTEMROOT"}  # of the environment


class Ended(Exception):
    """A process is no longer there, or was sent away; `name` says which."""

    def __init__(self, name: str):
        super().__init__(name)
        self.name = name


class Nursery:
    """The warm process that all others are forked from. It never sees a notebook."""

    def __init__(self):
        if not hasattr(os, "fork"):
            raise InputError("grading needs Linux or macOS: use WSL or a container (notebooks/assignments/README.md)")
        ours, theirs = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_STREAM
        )
        settings = {key: value for key, value in os.environ.items() if key in KEPT}
        settings |= {"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1", "USER": "student", "PYTHONHASHSEED": "random"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "classroom.worker", str(theirs.fileno())],
            env=settings,
            cwd="/",
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self.control, self.lock = ours, threading.Lock()
        atexit.register(self.close)

    def fork(self, **what) -> Connection:
        """A new process and the connection to it."""
        ours, theirs = socket.socketpair()
        for way in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):  # half a message must not hold us up
            ours.setsockopt(socket.SOL_SOCKET, way, struct.pack("ll", HALF, 0))
        with self.lock:
            socket.send_fds(self.control, [json.dumps(what).encode()], [theirs.fileno()])
        theirs.close()
        return Connection(ours.detach())

    def close(self) -> None:
        """End it, and with it what was forked from it."""
        self.control.close()
        self.process.kill()
        self.process.wait()


_nurseries: list[Nursery] = []
_starting = threading.Lock()


def nursery() -> Nursery:
    """The one warm process of this program, started when first needed."""
    with _starting:
        if not _nurseries or _nurseries[0].process.poll() is not None:
            _nurseries[:] = [Nursery()]
        return _nurseries[0]


class Process:
    """One end of a jail or judge."""

    def __init__(self, folder: Path, jail: dict | None = None):
        self.connection = nursery().fork(folder=str(folder), jail=jail)
        self.pid = 0
        self.pid = int(self.receive(START)["pid"])
        self.how = str(self.receive(START)["ready"])

    def send(self, message: dict) -> None:
        """Send a message; Ended if nobody is there."""
        try:
            self.connection.send_bytes(json.dumps(message).encode())
        except OSError:
            raise Ended(ENDED) from None

    def receive(self, seconds: float) -> dict:
        """The next message; Ended if none comes in time or ever."""
        try:
            if seconds <= 0 or not self.connection.poll(seconds):
                raise Ended(STOPPED)
            message = json.loads(self.connection.recv_bytes(LARGEST))
        except (OSError, EOFError):
            raise Ended(ENDED) from None
        except (ValueError, RecursionError):
            message = {}
        return message if isinstance(message, dict) else {}

    def signal(self, number: int) -> None:
        """Send a signal, if it is known to whom."""
        if self.pid:
            try:
                os.kill(self.pid, number)
            except OSError:
                self.pid = 0

    def interrupt(self) -> bool:
        """Interrupt what it does: whether it stopped and can be asked again."""
        self.signal(signal.SIGINT)
        try:
            return "do" not in self.receive(PATIENCE)
        except Ended:
            return False

    def close(self) -> None:
        """End it."""
        self.signal(signal.SIGKILL)
        self.connection.close()
