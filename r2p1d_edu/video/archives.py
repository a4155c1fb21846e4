"""Unpacking what somebody else packed, with Python's own zipfile and tarfile."""

import errno
import shutil
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from r2p1d_edu.errors import InputError

OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


class ArchiveError(InputError):
    """An archive that cannot be used; the message names it and says why."""


def unpack(archive: Path, folder: Path, progress=iter) -> None:
    """Unpack a zip or an uncompressed tar file into a new folder; not its name but what is in it says which it is.

    zipfile holds every file against its checksum; tarfile's `data` filter refuses links that lead out, and devices.

    Raises:
        ArchiveError: not an archive, cut short, damaged, or a member that would land outside the folder.
        InputError: there is too little room on the disk.
    """
    if not hasattr(tarfile, "data_filter"):
        raise InputError("this Python is too old to unpack tar files safely; 3.10.12, 3.11.4 and all later ones can")
    try:
        with zipfile.ZipFile(archive) if zipfile.is_zipfile(archive) else tarfile.TarFile(archive) as packed:
            if isinstance(packed, zipfile.ZipFile):
                members = [(member, member.filename, member.file_size) for member in packed.infolist()]
            else:
                packed.extraction_filter = tarfile.data_filter
                members = [(member, member.name, member.size) for member in packed.getmembers()]
            for _, name, _ in members:
                path = PurePosixPath(name.replace("\\", "/"))
                if path.is_absolute() or ".." in path.parts or ":" in name:
                    raise ArchiveError(f"{archive}: its member {name!r} would land outside the folder")
            check_room(folder.parent, sum(size for *_, size in members), archive.name)
            folder.mkdir()
            for member, *_ in progress(members):
                packed.extract(member, folder)
    except Exception as error:  # each way of packing has its own errors for what is damaged, and OSError is among them
        if isinstance(error, InputError) or getattr(error, "errno", None) in OF_THE_DISK:
            raise
        raise ArchiveError(
            f"{archive}: not a tar or zip file, or damaged ({error or type(error).__name__}); fetch it again"
        ) from error


def check_room(folder: Path, needed: int, what: str) -> None:
    """Raise InputError unless `needed` bytes are free."""
    if (free := shutil.disk_usage(folder).free) < needed:
        raise InputError(
            f"{folder}: {what} needs {needed / 1e9:.1f} GB there and {free / 1e9:.1f} GB are free; free some space or "
            "choose another folder"
        )
