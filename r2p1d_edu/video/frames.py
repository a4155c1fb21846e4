"""Where clips take their frames from: the video file each time, or a store that decoded it once.

Both scale a video so that its shorter side has `short_side` pixels, and both answer the same two calls:
`count(path)` and `read(path, indices)` → uint8 (T, H, W, 3).
"""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from r2p1d_edu.errors import InputError
from r2p1d_edu.folders import cache_folder
from r2p1d_edu.video.decode import check_indices, count_frames, iterate_frames, read_frames


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
    """Frames from a memory-mapped array a video, decoded when first asked for.

    An array is written beside its final name and moved there whole, so two processes may build the same cache, and a
    video that has changed gets a new one: its size and time of change are part of the name.
    """

    def __init__(self, short_side: int, folder: Path | None = None):
        self.short_side = short_side
        self.folder = Path(folder or cache_folder() / "frames")
        self.places: dict[Path, str] = {}  # finding out where a path leads, and counting, cost more than a clip does
        self.lengths: dict[str, int] = {}

    def count(self, path: Path) -> int:
        """Frames in the file."""
        key = self.key(path)
        if key not in self.lengths:
            self.lengths[key] = len(self.frames(path))
        return self.lengths[key]

    def read(self, path: Path, indices: Sequence[int]) -> np.ndarray:
        """Copy these frames out of the store."""
        frames = self.frames(path)
        check_indices(path, indices, len(frames))
        return frames[list(indices)]

    def frames(self, path: Path) -> np.ndarray:
        """All frames of the video, mapped and not loaded: uint8 (T, H, W, 3)."""
        stored = self.folder / f"{self.key(path)}.npy"
        with suppress(OSError, ValueError, EOFError):  # not there yet, or damaged
            return np.load(stored, mmap_mode="r")
        self.store(stored, np.stack(list(iterate_frames(path, self.short_side))))
        return np.load(stored, mmap_mode="r")

    def key(self, path: Path) -> str:
        """A name that changes whenever the frames would."""
        try:
            stat = os.stat(path)
        except OSError:
            return "missing"  # no such array: decoding then says what is wrong with the file
        if path not in self.places:
            self.places[path] = os.path.realpath(path)
        identity = f"{self.places[path]}|{stat.st_size}|{stat.st_mtime_ns}|{self.short_side}"
        return hashlib.sha256(identity.encode()).hexdigest()[:32]

    def store(self, stored: Path, frames: np.ndarray) -> None:
        """Write an array whole or not at all; an InputError says why not."""
        try:
            stored.parent.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=stored.parent, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    np.save(file, frames)
                os.replace(part, stored)
            except BaseException:
                os.unlink(part)
                raise
        except OSError as error:
            raise InputError(
                f"{stored.parent}: frames cannot be kept there ({error.strerror or error}); free some space or let "
                "R2P1D_CACHE name another folder"
            ) from error
