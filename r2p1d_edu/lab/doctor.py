"""What works on this machine: versions, device, video, widgets, data.

Packages are imported where they are looked at, so that the report can be made without them.
"""

import importlib.metadata
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from r2p1d_edu.errors import InputError

MARKS = {"ok": "ok     ", "note": "note   ", "missing": "MISSING"}
NEEDED = ("torch", "numpy", "av", "lightning-fabric", "filelock", "platformdirs", "psutil", "tqdm")
FOR_NOTEBOOKS = (
    *("jupyterlab", "ipykernel", "ipywidgets", "anywidget", "matplotlib", "resvg-py", "pandas", "fvcore", "torchinfo"),
)


@dataclass(frozen=True)
class Finding:
    """One line of the report; `state` is ok, note (works, but worth knowing) or missing (to be put right)."""

    state: str
    text: str

    def __str__(self) -> str:
        return f"{MARKS[self.state]} {self.text}"


def examine(data: str | Path = "data") -> list[Finding]:
    """Look at everything that the course needs; nothing is downloaded, and only a temporary file is written."""
    found = list(versions())
    if not all(map(installed, NEEDED)):
        return found  # nothing else can be tried
    return [*found, *device(), video(), storage(), *data_findings(Path(data))]


def versions() -> Iterator[Finding]:
    """Python and the packages."""
    new_enough = sys.version_info >= (3, 10)
    advice = "" if new_enough else ": Python 3.10 or newer is needed"
    yield Finding("ok" if new_enough else "missing", f"Python {platform.python_version()}{advice}")
    for packages, extra in ((NEEDED, ""), (FOR_NOTEBOOKS, "[lab]")):
        for package in packages:
            if version := installed(package):
                yield Finding("ok", f"{package} {version}")
            else:
                yield Finding("missing", f"{package}: not installed; run pip install -e '.{extra}' in the project")


def installed(package: str) -> str | None:
    """The version of a package, if it is there."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def device() -> Iterator[Finding]:
    """What training will run on, and whether its convolutions come out right there."""
    import torch

    from r2p1d_edu.networks.family import create_network
    from r2p1d_edu.training.device import busy, choose_device, thread_cost
    from r2p1d_edu.training.precision import trust

    chosen = choose_device("auto")
    name = torch.cuda.get_device_name() if chosen == "cuda" else f"{torch.get_num_threads()} threads"
    network = create_network("r2plus1d", depth=10, width=16)
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # PyTorch forgot to declare it
    trusted = trust(network, (3, 8, 40, 40), 16, device=chosen)
    words = {"bf16": "bfloat16 mixed precision", "32": "float32"}[trusted.precision]
    checked = ", its convolutions held against float32's" if trusted.precision == "bf16" else ""
    yield Finding("ok", f"training runs on {chosen} ({name}) in {words}{checked}")
    if trusted.wrong:
        yield Finding("note", str(trusted))
    if chosen == "cpu":
        threads = torch.get_num_threads()
        if (longer := thread_cost(threads)) > 1:
            yield Finding("note", busy(threads, longer))
        yield Finding("note", "no GPU: the lessons are made for this; full-size networks will be slow")


def video() -> Finding:
    """Write a video and read it back."""
    try:
        import numpy as np

        from r2p1d_edu.video.decode import read_frames, write_video

        frames = np.full((4, 32, 32, 3), 128, np.uint8)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "test.avi"
            write_video(path, frames)
            error = np.abs(read_frames(path, range(4)).astype(int) - frames).max()
    except Exception as problem:
        return Finding("missing", f"video: writing and reading a test file failed ({problem})")
    return Finding("ok" if error < 8 else "missing", f"video: wrote and read a test file, largest difference {error}")


def storage() -> Finding:
    """Whether the cache folder can be written."""
    from r2p1d_edu.folders import cache_folder

    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return Finding("ok", f"frames are cached in {str(folder).replace(str(Path.home()), '~', 1)}")
    except OSError as problem:
        return Finding("missing", f"cannot write to {folder} ({problem}); set R2P1D_CACHE to another folder")


def data_findings(data: Path) -> Iterator[Finding]:
    """Which datasets are in the data folder."""
    from r2p1d_edu.video.ucf101 import load_split

    found = sorted(folder.parent for folder in data.glob("*/videos"))
    for folder in found:
        try:
            split = load_split(folder / "videos")
            count = len(split.train) + len(split.test)
            yield Finding("ok", f"data: {folder}, {len(split.classes)} classes, {count} videos")
        except InputError as problem:
            yield Finding("note", f"data: {problem}")
    if not found:
        yield Finding("note", f"no dataset in {data}/ yet; python -m r2p1d_edu data arrow makes one in seconds")
