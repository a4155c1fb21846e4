"""A store of decoded frames on the disk: one array a video, within a limit, the oldest removed."""

import errno
import hashlib
import math
import os
import re
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from r2p1d_edu.errors import InputError
from r2p1d_edu.folders import cache_folder
from r2p1d_edu.video.decode import FrameDecoder, check_indices, file_version, iterate_frames

MAX_CACHE_BYTES = 20 * 10**9  # where R2P1D_CACHE_GB does not say
STALE_SECONDS = 3600  # a part that nobody has written to for so long is a dead process's
CACHE_FILE = re.compile(r"[0-9a-f]{32}(\.npy|-\w+\.part)")  # nothing else is ever counted or removed
DECODING = 2  # goes up when a file gives other frames than before: arrays made until then are not used
HEADER = 128  # bytes before the frames in a .npy file


class FrameCache:
    """Frames from one .npy file a video, made at the first visit; FrameDecoder answers the same two calls without.

    Its name depends on the video's size and time of change and is given when it is whole: processes may share a cache.
    Without room, files go that were not used since this cache was opened; with none left, each visit decodes.
    """

    def __init__(self, short_side: int, folder: Path | None = None):
        self.folder = Path(folder or cache_folder() / "frames")
        self.decoder = FrameDecoder(short_side)
        self.shapes: dict[str, tuple | None] = {}  # by the arrays' names; None: there is no room for it
        self.opened = time.time() - 1  # clocks of file systems are coarse
        self.granted = 0  # bytes that may be written before the folder is scanned again

    def count(self, path: Path) -> int:
        """Frames in the file."""
        return shape[0] if (shape := self.shape(path, self.name(path))) else self.decoder.count(path)

    def read(self, path: Path, indices: Sequence[int]) -> np.ndarray:
        """Copy these frames out of the array; np.load would read the header each time and take three times as long."""
        name = self.name(path)
        for _ in range(2):
            if not (shape := self.shape(path, name)):
                break
            check_indices(path, indices, shape[0])
            first, size = min(indices), math.prod(shape[1:])
            with suppress(OSError, ValueError, IndexError):
                frames = np.fromfile(name, np.uint8, (max(indices) + 1 - first) * size, offset=HEADER + first * size)
                return frames.reshape(-1, *shape[1:])[[index - first for index in indices]]
            self.shapes[name] = self.store(path, name)  # it was removed, or damaged, since it was found
        return self.decoder.read(path, indices)

    def name(self, path: Path) -> str:
        """The array's file, called otherwise whenever the frames would be others."""
        identity = "|".join(map(str, (DECODING, os.path.abspath(path), *file_version(path), self.decoder.short_side)))
        return os.path.join(self.folder, hashlib.sha256(os.fsencode(identity)).hexdigest()[:32] + ".npy")

    def shape(self, path: Path, name: str) -> tuple | None:
        """(T, H, W, 3) of the array, which is made if need be; None if there is no room for it."""
        if name not in self.shapes:
            with suppress(OSError, ValueError, EOFError):  # missing, or damaged
                self.shapes[name] = np.load(name, mmap_mode="r").shape
                os.utime(name)  # in a folder that cannot be written, it is read all the same
            self.shapes[name] = self.shapes.get(name) or self.store(path, name)
        return self.shapes[name]

    def store(self, path: Path, name: str) -> tuple | None:
        """Write the array, frame by frame: its shape, or None if there is no room for it."""
        part = f"{name[:-4]}-{os.urandom(8).hex()}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(part, "wb") as file:
                file.write(bytes(HEADER))
                for frame in iterate_frames(path, self.decoder.short_side):
                    need = file.tell() + frame.nbytes
                    if self.granted < need:
                        self.granted = make_room(self.folder, need, self.opened)
                    if self.granted < need:
                        return None
                    file.write(np.ascontiguousarray(frame))
                shape = ((need - HEADER) // frame.nbytes, *frame.shape)
                file.seek(0)
                np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            os.replace(part, name)
            self.granted -= need
            return shape
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT) or os.path.exists(name):  # another's, in use, on Windows
                return None
            reason = f"frames cannot be kept there ({error.strerror or error})"
            raise InputError(f"{self.folder}: {reason}; let R2P1D_CACHE name another folder") from error
        finally:
            with suppress(OSError):  # it has its name, or was never made
                os.unlink(part)


def max_bytes(folder: Path, held: int) -> int:
    """What the arrays, now `held` bytes, may take: R2P1D_CACHE_GB, or 20 GB but no more than half of the free space."""
    if not (given := os.environ.get("R2P1D_CACHE_GB")):
        return min(MAX_CACHE_BYTES, (held + shutil.disk_usage(folder).free) // 2)
    if re.fullmatch(r"\d+(\.\d*)?|\.\d+", given):
        return round(float(given) * 10**9)
    raise InputError(f"R2P1D_CACHE_GB is {given!r}; it must be a number of gigabytes, such as 50")


def scan(folder: Path) -> list[tuple[float, int, Path]]:
    """(time of last use, bytes, path) of every stored array, oldest first; parts of dead processes are removed."""
    arrays = []
    for path in folder.glob("*"):
        if CACHE_FILE.fullmatch(path.name):
            with suppress(FileNotFoundError):  # another process may have been faster
                stat = path.stat()
                if path.suffix == ".npy":
                    arrays.append((stat.st_mtime, stat.st_size, path))
                elif stat.st_mtime < time.time() - STALE_SECONDS:
                    path.unlink()
    return sorted(arrays)


def make_room(folder: Path, need: int, since: float) -> int:
    """Remove the oldest arrays, but none used after `since`, until `need` bytes fit: how many now do, or 0."""
    arrays = scan(folder)
    held = sum(size for _, size, _ in arrays)
    most = max_bytes(folder, held)
    wanted = max(need, most // 16)  # more than is needed, so that the folder is seldom scanned
    for used, size, path in arrays:
        if held + wanted <= most or used >= since:
            break
        with suppress(OSError):  # Windows keeps what somebody reads
            path.unlink()
            held -= size
    return min(wanted, most - held) if held + need <= most else 0


def report(clear: bool = False) -> str:
    """A line on what is stored, or on what that was, now removed: training makes it again."""
    arrays = scan(folder := cache_folder() / "frames")
    held = sum(size for _, size, _ in arrays)
    what = f"frames of {len(arrays)} videos, {held / 1e6:,.1f} MB"
    if clear:
        for *_, path in arrays:
            path.unlink(missing_ok=True)
        return f"{folder}: removed the {what}"
    folder.mkdir(parents=True, exist_ok=True)
    return f"{folder}: {what} of {max_bytes(folder, held) / 1e6:,.0f} MB at most"
