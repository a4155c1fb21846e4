"""Interleaved timing: several ways to do the same thing are timed in turns, in one run, and tabulated.

A machine slows down and speeds up; ways that take turns do so together. So ratios are what counts here, and the seconds
beside them say only how long the measurement was. (torch.utils.benchmark times one way after the other, and does not
wait for Apple's GPU.)
"""

import importlib.metadata
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import torch

ROUNDS = 5
PEERS = ("torchvision", "av", "decord", "opencv-python-headless", "torchcodec", "fvcore", "torchinfo", "ptflops")


@dataclass(frozen=True)
class Table:
    """What was measured: a row a way, with its median seconds and how many times ours it takes.

    `ours` names the row that the others are divided by; `notes` say what else belongs to the numbers.
    """

    title: str
    setting: str
    ours: str
    seconds: dict[str, float]
    extra: dict[str, dict[str, str]] = field(default_factory=dict)  # column → way → text
    notes: tuple[str, ...] = ()

    def ratio(self, way: str) -> float:
        """Seconds of this way for one of ours."""
        return self.seconds[way] / self.seconds[self.ours]

    def __str__(self) -> str:
        columns = ["way", "× ours", "seconds", *self.extra]
        lines = [f"### {self.title}", "", f"{self.setting}.", "", row(columns), row(["---"] * len(columns))]
        for way in self.seconds:
            cells = [way, f"{self.ratio(way):.2f}", f"{self.seconds[way]:.3g}"]
            lines.append(row(cells + [column.get(way, "") for column in self.extra.values()]))
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes)])

    _repr_markdown_ = __str__  # in a notebook


def row(cells: list[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def time_interleaved(ways: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median seconds of each way; every round calls each way once. One more round before is not timed."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            wait_for_device()
            start = time.perf_counter()
            way()
            wait_for_device()
            if number:
                taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def wait_for_device() -> None:
    """An accelerator (CUDA, MPS, XPU) works on when Python goes on; a clock must not."""
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()


def peak_bytes(make: Callable[..., Callable[[], object]], *args) -> int | None:
    """The most memory that is held while what `make(*args)` gives is called, all that it needs included.

    Measured in a new process, in the second of two calls: in this one the memory of other ways is kept for later. On a
    GPU what PyTorch allocated; on a CPU how far the process grew since its imports, None where the system (other than
    Linux) does not tell.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure_peak, make, args).result()


def measure_peak(make: Callable[..., Callable[[], object]], args: tuple) -> int | None:
    """As peak_bytes, in this process."""
    before = resident("VmRSS")
    call = make(*args)
    call()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        call()
        return torch.cuda.max_memory_allocated()
    if before is None:
        return None
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the high-water mark starts anew
    call()
    return resident("VmHWM") - before


def resident(entry: str) -> int | None:
    """Bytes of this process in memory: now (VmRSS) or at most so far (VmHWM)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    lines = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines())
    return 1024 * int(lines[entry].split()[0])


def machine() -> dict[str, str]:
    """What the numbers were measured on and with."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    for name in PEERS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": f"{os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}",
        "threads": str(torch.get_num_threads()),
        "gpu": gpu,
        **versions,
    }
