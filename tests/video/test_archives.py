"""Unpacking: all that is in an archive, or nothing at all, and never anything elsewhere."""

import errno
import io
import random
import shutil
import stat
import tarfile
import zipfile

import pytest
from packed import tar, zipped

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
    assert "would land outside the folder" in said


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_out_of_the_folder_and_devices_in_a_tar(archive, tmp_path, kind):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as packed:
        member = tarfile.TarInfo("a")
        member.type, member.linkname = kind, str(tmp_path)
        packed.addfile(member)
        member = tarfile.TarInfo("a/evil")
        member.size = 4
        packed.addfile(member, io.BytesIO(b"evil"))
    archive.write_bytes(file.getvalue())
    assert "'a' is a " in refusal(archive, tmp_path)


def test_a_link_in_a_zip_becomes_a_plain_file(archive, tmp_path):
    with zipfile.ZipFile(archive, "w") as packed:
        link = zipfile.ZipInfo("a")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, str(tmp_path))
    unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out" / "a").is_symlink()
    assert found(tmp_path / "out") == {"a": str(tmp_path).encode()}


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>", b"PK", b"\x1f\x8b\x08" + bytes(2000), b"x" * 2000])
def test_what_is_no_archive(archive, tmp_path, content):
    archive.write_bytes(content)
    assert refusal(archive, tmp_path).startswith(f"{archive}: not a tar or zip file, or damaged (")


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.8])
def test_an_archive_cut_short(archive, tmp_path, kind, part):
    """tar is found out while unpacking, so a folder may be left, for the caller to remove."""
    whole = PACK[kind](FILES | {"last.avi": b"last" * 5000})
    archive.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ArchiveError, match=r"or damaged \("):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_with_flipped_bits(archive, tmp_path, method):
    """However it was packed; bz2's own error would pass for one of the disk."""
    with zipfile.ZipFile(archive, "w", method) as packed:
        packed.writestr("a/one.avi", random.Random(0).randbytes(5000))
    whole = bytearray(archive.read_bytes())
    for place in (60, 90, 2000):
        whole[place] ^= 255
    archive.write_bytes(whole)
    with pytest.raises(ArchiveError, match=r"or damaged \([^\n]+\); fetch it again$"):
        unpack(archive, tmp_path / "out")


def pax(**headers):
    """A maker of tar files whose member has such extended headers."""

    def make():
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as packed:
            member = tarfile.TarInfo("one.avi")
            member.pax_headers = {name.replace("_", "."): value for name, value in headers.items()}
            packed.addfile(member)
        return file.getvalue()

    return make


@pytest.mark.parametrize(
    "make",
    [
        pax(mtime="1e300"),
        pax(mtime="inf"),
        pax(mtime="nan"),
        pax(**{"GNU_sparse_major": "1", "GNU_sparse_minor": "0", "GNU_sparse_name": "x", "GNU_sparse_realsize": "9"}),
        pax(**{"GNU_sparse_map": "1,x", "GNU_sparse_size": "9"}),
        lambda: tar({"a": b"file", "a/b": b"in it"}),
        lambda: tar({"x" * 300: b"long"}),
        lambda: zipped({"x" * 300: b"long"}),
    ],
)
def test_headers_that_make_no_sense(archive, tmp_path, make):
    archive.write_bytes(make())
    with pytest.raises(ArchiveError, match=r"or damaged \([^\n]+\); fetch it again$"):
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
