"""Where files are kept that can be had again, and how processes share such a folder."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """The folder for everything that can be fetched or made again: R2P1D_CACHE, or the place the system has for it."""
    return Path(os.environ.get("R2P1D_CACHE") or user_cache_path("r2p1d_edu"))


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait for, then hold, a lock on the folder. It ends with the process, however that ends, and leaves no file.

    Where folders cannot be locked (Windows, some network file systems) this does nothing.
    """
    handle = None
    with suppress(ImportError, OSError):
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextmanager
def made_whole(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder` to be filled; it takes that name when all went well, or nothing is left of it.

    The name must be free, or an empty folder's.
    """
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir()
        yield part
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
