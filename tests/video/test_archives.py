"""Unpacking: all that is in an archive, or nothing at all, and never anything elsewhere."""

import errno
import io
import os
import shutil
import stat
import sys
import tarfile
import zipfile

import pytest
from packed import rar, tar, zipped

from r2p1d_edu.errors import InputError
from r2p1d_edu.video import archives
from r2p1d_edu.video.archives import ArchiveError, unpack

FILES = {"a/one.avi": b"one" * 5000, "a/b/two.avi": b"two", "three.txt": b""}
PACK = {"tar": tar, "zip": zipped}


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "download.bin"  # what it is called says nothing


def found(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusal(archive, tmp_path, kind=ArchiveError) -> str:
    """Refused in a line that names the archive, with nothing written beside it."""
    with pytest.raises(kind) as caught:
        unpack(archive, tmp_path / "deep" / "out")
    assert "\n" not in str(caught.value)
    assert found(tmp_path) == {archive.name: archive.read_bytes()}
    return str(caught.value)


@pytest.fixture(autouse=True)
def deep(tmp_path):
    (tmp_path / "deep").mkdir()


@pytest.mark.parametrize("kind", PACK)
def test_everything_arrives(archive, tmp_path, kind):
    archive.write_bytes(PACK[kind](FILES))
    seen = []
    unpack(archive, tmp_path / "out", lambda members: seen.append(len(members)) or members)
    assert found(tmp_path / "out") == FILES
    assert seen == [3]


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("name", ["../evil", "a/../../../evil", "/evil", "..\\evil", "C:\\evil", "a/.."])
def test_a_member_that_would_land_outside(archive, tmp_path, kind, name):
    archive.write_bytes(PACK[kind](FILES | {name: b"evil"}))
    said = refusal(archive, tmp_path)
    assert said.startswith(f"{archive}: its member ")
    assert "would land outside the folder; nothing was unpacked" in said


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar(archive, tmp_path, kind):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as packed:
        member = tarfile.TarInfo("a")
        member.type, member.linkname = kind, str(tmp_path)
        packed.addfile(member)
        member = tarfile.TarInfo("a/evil")
        member.size = 4
        packed.addfile(member, io.BytesIO(b"evil"))
    archive.write_bytes(file.getvalue())
    assert "its member 'a' is a link or a device" in refusal(archive, tmp_path)


def test_a_link_in_a_zip(archive, tmp_path):
    with zipfile.ZipFile(archive, "w") as packed:
        link = zipfile.ZipInfo("a")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, str(tmp_path))
        packed.writestr("a/evil", "evil")
    assert "its member 'a' is a link or a device" in refusal(archive, tmp_path)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>", b"PK", b"\x1f\x8b\x08" + bytes(2000), b"x" * 2000])
def test_what_is_no_archive(archive, tmp_path, content):
    archive.write_bytes(content)
    assert refusal(archive, tmp_path).startswith(f"{archive}: not a tar, zip or rar file, or damaged (")


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.8])
def test_an_archive_cut_short(archive, tmp_path, kind, part):
    """tar is found out while unpacking, so a folder may be left, for the caller to remove."""
    whole = PACK[kind](FILES | {"last.avi": b"last" * 5000})
    archive.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ArchiveError, match=r"or damaged \("):
        unpack(archive, tmp_path / "out")


def test_a_zip_with_a_flipped_bit(archive, tmp_path):
    whole = bytearray(zipped(FILES))
    whole[whole.index(b"oneone") + 7000] ^= 1
    archive.write_bytes(whole)
    with pytest.raises(ArchiveError, match=r"damaged \(Bad CRC-32 for file 'a/one.avi'\)"):
        unpack(archive, tmp_path / "out")


def test_an_encrypted_zip(archive, tmp_path):
    whole = bytearray(zipped({"one": b"1"}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        whole[whole.index(mark) + place] |= 1
    archive.write_bytes(whole)
    with pytest.raises(ArchiveError, match="encrypted"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", PACK)
def test_too_little_room(archive, tmp_path, monkeypatch, kind):
    archive.write_bytes(PACK[kind](FILES))
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(9, 0, 15_002))
    said = refusal(archive, tmp_path, InputError)
    assert said.startswith(f"{tmp_path / 'deep'}: download.bin needs 0.0 GB there and 0.0 GB are free; free some space")


@pytest.mark.parametrize("kind", PACK)
def test_the_system_s_own_errors_come_through(archive, tmp_path, monkeypatch, kind):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    archive.write_bytes(PACK[kind](FILES))
    monkeypatch.setattr(tarfile.TarFile, "extract", fail)
    monkeypatch.setattr(zipfile.ZipFile, "extract", fail)
    with pytest.raises(OSError, match="No space left"):
        unpack(archive, tmp_path / "out")


# rar: the programs are played by a script, as there may be none here

PROGRAM = """#!{python}
import sys, zipfile
name, archive, folder = sys.argv[0].rpartition("/")[2], {archive}, {folder}
with zipfile.ZipFile(archive) as packed:
    if {listing}:
        print(*(("Path = " if name == "7z" else "") + member for member in packed.namelist()), sep="\\n")
    else:
        packed.extractall(folder)
"""
PLAYED = {
    "unrar": {"archive": "sys.argv[5 if sys.argv[1] == 'x' else 3]", "folder": "sys.argv[-1]", "listing": "sys.argv[1] == 'lb'"},  # noqa: E501
    "bsdtar": {"archive": "sys.argv[2]", "folder": "sys.argv[-1]", "listing": "sys.argv[1] == '-tf'"},
    "7z": {"archive": "sys.argv[-1]", "folder": "sys.argv[-2][2:]", "listing": "sys.argv[1] == 'l'"},
}  # fmt: skip
needs_scripts = pytest.mark.skipif(os.name == "nt", reason="a script is no program on Windows")


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Only what is put into this folder can be run."""
    folder = tmp_path.parent / f"{tmp_path.name}-bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def install(name, text=None):
        (folder / name).write_text(text or PROGRAM.format(python=sys.executable, **PLAYED[name]))
        (folder / name).chmod(0o755)

    return install


def played_rar(members) -> bytes:
    """Begins as a rar file does; the rest is for the script."""
    return b"Rar!\x1a\x07\x00" + zipped(members)


@needs_scripts
@pytest.mark.parametrize("name", PLAYED)
def test_rar_with_any_of_the_programs(archive, tmp_path, programs, name):
    programs(name)
    archive.write_bytes(played_rar(FILES))
    unpack(archive, tmp_path / "out")
    assert found(tmp_path / "out") == FILES


@needs_scripts
@pytest.mark.parametrize("name", PLAYED)
def test_rar_with_a_member_outside(archive, tmp_path, programs, name):
    programs(name)
    archive.write_bytes(played_rar(FILES | {"../evil": b"evil"}))
    assert "would land outside" in refusal(archive, tmp_path)


@needs_scripts
def test_rar_with_a_program_that_fails_and_one_that_does_not(archive, tmp_path, programs):
    programs("unrar", "#!/bin/sh\necho cannot read this rar >&2\nexit 3\n")
    archive.write_bytes(played_rar(FILES))
    assert "unrar failed (cannot read this rar)" in refusal(archive, tmp_path)
    programs("bsdtar")
    unpack(archive, tmp_path / "out")
    assert found(tmp_path / "out") == FILES


@needs_scripts
def test_rar_with_a_link(archive, tmp_path, programs):
    programs("bsdtar", '#!/bin/sh\n[ $1 = -tf ] && echo a && exit\n/bin/ln -s /tmp "$4/a"\n')
    archive.write_bytes(played_rar({"a": b""}))
    with pytest.raises(ArchiveError, match="'a' is a link or a device"):
        unpack(archive, tmp_path / "out")


def test_rar_without_a_program(archive, tmp_path, programs):
    archive.write_bytes(played_rar(FILES))
    assert refusal(archive, tmp_path).endswith(
        "a rar file, which unrar and bsdtar and 7z can open; install one of them"
    )


@pytest.mark.skipif(not shutil.which("bsdtar"), reason="bsdtar, which reads rar files, is not installed")
def test_a_real_rar(archive, tmp_path):
    archive.write_bytes(rar(FILES))
    unpack(archive, tmp_path / "out")
    assert found(tmp_path / "out") == FILES
    shutil.rmtree(tmp_path / "out")
    archive.write_bytes(rar(FILES | {"../evil": b"evil"}))
    assert "would land outside" in refusal(archive, tmp_path)
    archive.write_bytes(rar(FILES | {"last.avi": b"last" * 5000})[:-9000])
    assert "bsdtar failed" in refusal(archive, tmp_path)
