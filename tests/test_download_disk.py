"""Downloads to disks that are full, folders that are closed, and folders that are none."""

import os

import pytest
from bad_server import SHA, names, part_of, refusal, well


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "weights.pth"


def test_a_full_disk_is_one_clear_error(server, path):
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    path.parent.mkdir()
    part_of(path).symlink_to("/dev/full")
    server.routes["/f"] = well
    assert "No space left on device; free some space" in refusal(server.url + "/f", path, SHA)
    assert not path.exists()


def test_a_folder_that_is_a_file_is_one_clear_error(server, tmp_path):
    (tmp_path / "file").write_text("mine")
    text = refusal(server.url + "/f", tmp_path / "file" / "weights.pth", SHA)
    assert text.startswith(f"cannot write {tmp_path / 'file' / 'weights.pth'}: ")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_read_only_folder_is_one_clear_error(server, tmp_path):
    if not hasattr(os, "seteuid"):
        pytest.skip("no user ids on this system")
    server.routes["/f"] = well
    folder = tmp_path / "locked"
    folder.mkdir()
    opened = [parent for parent in [tmp_path, *tmp_path.parents[:2]] if parent.stat().st_uid == os.getuid()]
    modes = [parent.stat().st_mode for parent in opened]
    me = os.geteuid()
    try:
        for parent in opened:  # pytest's folders are closed to others
            parent.chmod(0o755)
        folder.chmod(0o555)
        if me == 0:  # nothing is read-only to root
            os.seteuid(65534)
        text = refusal(server.url + "/f", folder / "weights.pth", SHA)
    finally:
        os.seteuid(me)
        for parent, mode in zip(opened, modes, strict=True):
            parent.chmod(mode)
        folder.chmod(0o755)
    assert "Permission denied; free some space or choose another folder" in text
    assert names(folder) == []
