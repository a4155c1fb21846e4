"""Unpacking what somebody else packed, safely: tar and zip with Python, rar with a program that can."""

import shutil
import stat
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from r2p1d_edu.errors import InputError

RAR_PROGRAMS = {
    # program: how it lists the members, how it unpacks them
    "unrar": ("lb -p- {archive}", "x -y -p- -idq {archive} {folder}/"),
    "bsdtar": ("-tf {archive}", "-xf {archive} -C {folder}"),
    "7z": ("l -ba -slt {archive}", "x -y -bd -o{folder} {archive}"),
}


class ArchiveError(InputError):
    """An archive that cannot be used; the message names it and says why."""


def unpack(archive: Path, folder: Path, progress=iter) -> None:
    """Unpack a tar, zip or rar file into a new folder; not its name but what is in it says which it is.

    Raises:
        ArchiveError: not an archive, cut short, damaged, a member that would land outside the folder or is no plain
            file, or a rar file where no program can open it.
        InputError: there is too little room on the disk.
    """
    with open(archive, "rb") as file:
        start = file.read(4)
    try:
        if start == b"Rar!":
            unpack_rar(archive, folder)
        elif start[:2] == b"PK":
            unpack_zip(archive, folder, progress)
        else:
            unpack_tar(archive, folder, progress)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ArchiveError(f"{archive}: not a tar, zip or rar file, or damaged ({error}); fetch it again") from error


def unpack_tar(archive: Path, folder: Path, progress) -> None:
    """Uncompressed; Python's own `data` filter watches over every member."""
    if not hasattr(tarfile, "data_filter"):
        raise InputError("this Python is too old to unpack tar files safely; 3.10.12, 3.11.4 and all later ones can")
    with tarfile.open(archive, "r:") as tar:
        members = tar.getmembers()
        check_names(archive, (member.name for member in members))
        for member in members:
            if not (member.isfile() or member.isdir()):
                raise ArchiveError(f"{archive}: its member {member.name!r} is a link or a device; not unpacked")
        check_room(folder.parent, sum(member.size for member in members), archive.name)
        folder.mkdir()
        for member in progress(members):
            tar.extract(member, folder, filter="data")


def unpack_zip(archive: Path, folder: Path, progress) -> None:
    """Every file is held against its checksum."""
    with zipfile.ZipFile(archive) as packed:
        members = packed.infolist()
        check_names(archive, (member.filename for member in members))
        for member in members:
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise ArchiveError(f"{archive}: its member {member.filename!r} is a link or a device; not unpacked")
        check_room(folder.parent, sum(member.file_size for member in members), archive.name)
        folder.mkdir()
        for member in progress(members):
            packed.extract(member, folder)


def unpack_rar(archive: Path, folder: Path) -> None:
    """With the first program here that succeeds."""
    answers = []
    for program in rar_programs():
        listing, unpacking = RAR_PROGRAMS[program]
        if not (names := call(program, listing, answers, archive=archive)):
            continue
        if program == "7z":
            names = [line.removeprefix("Path = ") for line in names if line.startswith("Path = ")]
        check_names(archive, names)
        folder.mkdir()
        if call(program, unpacking, answers, archive=archive, folder=folder) is not None:
            for path in folder.rglob("*"):
                if path.is_symlink() or not (path.is_file() or path.is_dir()):
                    raise ArchiveError(f"{archive}: its member {path.name!r} is a link or a device; not to be trusted")
            return
        shutil.rmtree(folder)
    raise ArchiveError(
        f"{archive}: a rar file, which {' and '.join(RAR_PROGRAMS)} can open; "
        f"{'; '.join(answers) or 'install one of them'}"
    )


def rar_programs() -> list[str]:
    """Those on this machine that open rar files."""
    return [program for program in RAR_PROGRAMS if shutil.which(program)]


def call(program: str, template: str, answers: list[str], **paths: Path) -> list[str] | None:
    """Run a program: the lines it prints, or None if it fails; why is added to `answers`."""
    words = [word.format(**{name: path.absolute() for name, path in paths.items()}) for word in template.split()]
    done = subprocess.run([program, *words], capture_output=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").split("\n")
        answers.append(f"{program} failed ({next((line.strip() for line in said if line.strip()), done.returncode)})")
        return None
    return done.stdout.decode("utf-8", "replace").splitlines()


def check_names(archive: Path, names: Iterable[str]) -> None:
    """Raise ArchiveError if a name leads out of the folder, by Linux's or by Windows's way of reading it."""
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name:
            raise ArchiveError(f"{archive}: its member {name!r} would land outside the folder; nothing was unpacked")


def check_room(folder: Path, needed: int, what: str) -> None:
    """Raise InputError unless so many bytes are free."""
    if (free := shutil.disk_usage(folder).free) < needed:
        raise InputError(
            f"{folder}: {what} needs {needed / 1e9:.1f} GB there and {free / 1e9:.1f} GB are free; free some space or "
            "choose another folder"
        )
