"""How much room the stored frames may take on the disk, and which of them go when it runs out."""

import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from r2p1d_edu.errors import InputError
from r2p1d_edu.folders import cache_folder

MOST = 20 * 10**9  # bytes, where R2P1D_CACHE_GB does not say
GIVEN_UP = 3600  # seconds after which whoever was writing a part is taken to be dead
OURS = re.compile(r"[0-9a-f]{32}(\.npy|-\w+\.part)")  # nothing else is ever counted or removed


def frames_folder() -> Path:
    """Where decoded frames are kept."""
    return cache_folder() / "frames"


def most_bytes(folder: Path, held: int) -> int:
    """What the arrays in `folder`, which take `held` bytes, may take: R2P1D_CACHE_GB, or 20 GB, or half of the disk's
    free space where that is less.

    Raises:
        InputError: R2P1D_CACHE_GB is not a number of gigabytes.
    """
    given = os.environ.get("R2P1D_CACHE_GB")
    if not given:
        return min(MOST, (held + shutil.disk_usage(folder).free) // 2)
    try:
        most = float(given) * 10**9
        if not 0 <= most < float("inf"):
            raise ValueError
    except ValueError:
        raise InputError(f"R2P1D_CACHE_GB is {given!r}; it must be a number of gigabytes, such as 50") from None
    return round(most)


def look(folder: Path) -> list[tuple[float, int, str]]:
    """(time of last use, bytes, path) of every stored array, oldest first; parts of dead processes are removed."""
    arrays = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):  # another process may have been faster
                if not OURS.fullmatch(entry.name):
                    continue
                stat = entry.stat()
                if entry.name.endswith(".npy"):
                    arrays.append((stat.st_mtime, stat.st_size, entry.path))
                elif stat.st_mtime < time.time() - GIVEN_UP:
                    os.unlink(entry.path)
    return sorted(arrays)


def make_room(folder: Path, need: int, since: float) -> int:
    """Remove arrays last used before `since`, the longest unused first, as far as `need` bytes demand it.

    Returns how many bytes may now be stored before looking again, or 0 if `need` do not fit. Processes that store at
    the same time may each be over by a sixteenth of what is allowed.
    """
    arrays = look(folder)
    held = sum(size for _, size, _ in arrays)
    most = most_bytes(folder, held)
    wanted = max(need, most // 16)
    if wanted > most:
        return 0
    for used, size, path in arrays:
        if held + wanted <= most or used >= since:
            break
        with suppress(OSError):  # Windows keeps what somebody reads
            os.unlink(path)
            held -= size
    return min(wanted, most - held) if held + need <= most else 0


def clear(folder: Path) -> tuple[int, int]:
    """Remove all stored arrays: how many there were and their bytes. A training run makes again what it needs."""
    removed = []
    for _, size, path in look(folder):
        with suppress(OSError):
            os.unlink(path)
            removed.append(size)
    return len(removed), sum(removed)


def report() -> str:
    """A line on what is stored, and where."""
    folder = frames_folder()
    sizes = [size for _, size, _ in look(folder)]
    place = next(path for path in (folder, *folder.parents) if path.exists())
    most = most_bytes(place, sum(sizes))
    return f"{folder}: frames of {len(sizes)} videos, {sum(sizes) / 1e6:,.1f} MB of {most / 1e6:,.0f} MB at most"


def clear_report() -> str:
    """Remove what is stored; a line on what that was."""
    number, size = clear(frames_folder())
    return f"{frames_folder()}: removed the frames of {number} videos, {size / 1e6:,.1f} MB"
