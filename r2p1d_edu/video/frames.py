"""Where clips take their frames from: the video file each time, or a store that decoded it once.

Both scale a video so that its shorter side has `short_side` pixels, and both answer the same two calls:
`count(path)` and `read(path, indices)` → uint8 (T, H, W, 3).
"""

import hashlib
import math
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from r2p1d_edu.errors import InputError
from r2p1d_edu.video.decode import check_indices, count_frames, iterate_frames, read_frames
from r2p1d_edu.video.storage import frames_folder, make_room


class FrameDecoder:
    """Frames straight from the files; nothing is stored but how many there are."""

    def __init__(self, short_side: int):
        self.short_side = short_side
        self.counts: dict[Path, int] = {}

    def count(self, path: Path) -> int:
        """Frames in the file."""
        if path not in self.counts:
            self.counts[path] = count_frames(path)
        return self.counts[path]

    def read(self, path: Path, indices: Sequence[int]) -> np.ndarray:
        """Decode these frames."""
        return read_frames(path, indices, self.short_side)


class FrameCache:
    """Frames from an array a video, decoded when first asked for and read from the disk, a clip at a time, after that.

    An array is written beside its final name and moved there whole, so several processes may build the same cache, and
    a video that has changed gets a new one: its size and time of change are part of the name. When there is no more
    room (video/storage.py), arrays go that were not used since this cache was opened; when there are none of these,
    further videos are decoded at each visit.
    """

    def __init__(self, short_side: int, folder: Path | None = None):
        self.folder = Path(folder or frames_folder())
        self.decoder = FrameDecoder(short_side)
        self.places: dict[Path, str] = {}  # finding out where a path leads, and opening, cost more than a clip does
        self.arrays: dict[str, tuple | None] = {}  # stored file → shape and place of the first byte; None: no room
        self.opened = time.time() - 1  # clocks of file systems are coarse
        self.granted = 0  # bytes

    def count(self, path: Path) -> int:
        """Frames in the file."""
        array = self.find(path, self.name(path))
        return array[0][0] if array else self.decoder.count(path)

    def read(self, path: Path, indices: Sequence[int]) -> np.ndarray:
        """Copy these frames out of the store."""
        for _ in range(2):  # once more if the array was removed or damaged since it was found
            name = self.name(path)
            if not (array := self.find(path, name)):
                break
            (count, *shape), start = array
            check_indices(path, indices, count)
            first, size = min(indices), math.prod(shape)
            with suppress(OSError, ValueError, IndexError):
                some = np.fromfile(name, np.uint8, (max(indices) + 1 - first) * size, offset=start + first * size)
                return some.reshape(-1, *shape)[[index - first for index in indices]]
            del self.arrays[name]
        return self.decoder.read(path, indices)

    def find(self, path: Path, name: str) -> tuple | None:
        """Shape and first byte of the array of this name, which is made if need be; None if there is no room for it."""
        if name not in self.arrays:
            array = inspect(name)
            if not array and self.store(name, np.stack(list(iterate_frames(path, self.decoder.short_side)))):
                array = inspect(name)
            self.arrays[name] = array
        return self.arrays[name]

    def name(self, path: Path) -> str:
        """The array's file, called otherwise whenever the frames would be others."""
        try:
            stat = os.stat(path)
        except OSError:
            return os.path.join(self.folder, "missing")  # no such array: decoding says what is wrong with the file
        if path not in self.places:
            self.places[path] = os.path.realpath(path)
        identity = f"{self.places[path]}|{stat.st_size}|{stat.st_mtime_ns}|{self.decoder.short_side}"
        return os.path.join(self.folder, hashlib.sha256(identity.encode()).hexdigest()[:32] + ".npy")

    def store(self, name: str, frames: np.ndarray) -> bool:
        """Write an array whole or not at all: False if there is no room, an InputError if it cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            need = frames.nbytes + 128
            if self.granted < need:
                self.granted = make_room(self.folder, need, self.opened)
            if self.granted < need:
                return False
            handle, part = tempfile.mkstemp(dir=self.folder, prefix=f"{Path(name).stem}-", suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    np.save(file, frames)
                os.replace(part, name)
            except BaseException:
                os.unlink(part)
                raise
            self.granted -= need
        except OSError as error:
            raise InputError(
                f"{self.folder}: frames cannot be kept there ({error.strerror or error}); free some space or let "
                "R2P1D_CACHE name another folder"
            ) from error
        return True


def inspect(name: str) -> tuple | None:
    """Shape and first byte of a stored array, now marked as used; None if it is not there, or damaged."""
    with suppress(OSError, ValueError, EOFError):
        frames = np.load(name, mmap_mode="r")  # looks at the length, too
        with suppress(OSError):  # a store that cannot be written can still be read
            os.utime(name)
        return frames.shape, frames.offset
    return None
