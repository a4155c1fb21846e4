"""Where files are kept that can be had again, and how several processes share such a folder."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from r2p1d_edu.errors import InputError


def cache_folder() -> Path:
    """The folder for everything that can be fetched or made again: R2P1D_CACHE, or the place the system has for it."""
    return Path(os.environ.get("R2P1D_CACHE") or user_cache_path("r2p1d_edu"))


@contextmanager
def directory_lock(folder: Path) -> Iterator[None]:
    """Wait for, then hold, the folder's lock: its file `.lock`, which stays. A lock ends with its process.

    In a folder that cannot be written there is nothing to protect, and no lock.
    """
    lock = FileLock(folder / ".lock")
    with suppress(OSError):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def atomic_directory(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder` to be filled; it takes that name when all went well, or nothing is left of it.

    The name must be free, or an empty folder's. No two processes fill the same one.
    """
    part = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        part.mkdir()
        yield part
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def make_once(folder: Path, make: Callable[[Path], None], check: Callable[[Path], None]) -> Path:
    """Let `make` fill the folder, whole or not at all, unless it holds something, which `check` may then refuse.

    Of several processes that want it, one makes it and the others wait. What killed ones left behind is removed.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with directory_lock(folder.parent):
            if folder.is_file() or (folder.exists() and any(folder.iterdir())):
                check(folder)
                return folder
            for part in folder.parent.glob(f"{escape(folder.name)}.????????.part"):
                shutil.rmtree(part, ignore_errors=True)
            with atomic_directory(folder) as part:
                make(part)
    except OSError as error:
        raise InputError(
            f"cannot write {folder}: {error.strerror or error}; free some space or choose another folder"
        ) from error
    return folder
