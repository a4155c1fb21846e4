"""The store of decoded frames gives what decoding gives, whoever else fills it and whatever goes wrong."""

import errno
import hashlib
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest
from videos import KINDS, numbered, numbers, write, write_kind

from r2p1d_edu.errors import InputError
from r2p1d_edu.video.decode import VideoError
from r2p1d_edu.video.frames import FrameCache, FrameDecoder


@pytest.fixture
def video(tmp_path):
    return write(tmp_path / "v.avi", numbered(20), "mjpeg")


@pytest.fixture
def cache(tmp_path):
    return FrameCache(40, tmp_path / "cache")


def names(cache):
    return sorted(path.suffix for path in cache.folder.iterdir())


@pytest.mark.parametrize("name", KINDS)
def test_the_cache_equals_the_decoder(tmp_path, cache, name):
    path, decoder = write_kind(tmp_path, name, 30), FrameDecoder(40)
    for _ in range(2):  # filled, then read
        for indices in (range(30), [29, 0, 7, 7], np.array([3, 2])):
            frames = cache.read(path, indices)
            assert frames.dtype == np.uint8
            assert frames.shape == (len(indices), 40, 60, 3)
            assert np.array_equal(frames, decoder.read(path, indices))
    assert cache.count(path) == decoder.count(path) == 30
    assert names(cache) == [".npy"]


@pytest.mark.parametrize("indices", [[0, 20], [-1], []])
def test_frames_that_are_not_there_are_refused_alike(video, cache, indices):
    messages = []
    for source in (FrameDecoder(40), cache):
        with pytest.raises(VideoError, match=f"^{re.escape(str(video))}: ") as caught:
            source.read(video, indices)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_a_video_is_decoded_once_and_the_store_is_safe(video, cache, monkeypatch):
    cache.count(video)
    monkeypatch.setattr("r2p1d_edu.video.frames.iterate_frames", None)
    assert numbers(FrameCache(40, cache.folder).read(str(video), [5, 4])) == [5, 4]
    cache.read(video, [3])[:] = 0  # nobody can spoil the store by writing into a clip
    assert numbers(cache.read(video, [3])) == [3]


def test_a_changed_file_is_read_again(video, cache):
    assert numbers(cache.read(video, [0])) == [0]
    time.sleep(0.02)
    write(video, numbered(20, first=100), "mjpeg")
    assert numbers(cache.read(video, [0])) == [100]
    write(video, numbered(5), "mjpeg")
    assert cache.count(video) == 5


@pytest.mark.parametrize(("padding", "times"), [(0, (1, 2)), (1, (1, 1))])
def test_time_or_length_alone_tell_a_change(tmp_path, cache, padding, times):
    """Black and white exchanged: first with as many bytes at another time, then with one more at the same time."""
    one, other = (write(tmp_path / f"{i}.avi", numbered(1) ^ (255 * i), "mjpeg") for i in (0, 1))
    longer = max(one.stat().st_size, other.stat().st_size)
    contents = [one.read_bytes().ljust(longer, b"\0"), other.read_bytes().ljust(longer + padding, b"\0")]
    video = tmp_path / "v.avi"
    found = []
    for content, second in zip(contents, times, strict=True):
        video.write_bytes(content)
        os.utime(video, (second, second))
        found.append(numbers(cache.read(video, [0])))
    assert found == [[0], [255]]


def test_sizes_are_kept_apart(video, cache):
    other = FrameCache(30, cache.folder)
    assert cache.read(video, [0]).shape == (1, 40, 60, 3)
    assert other.read(video, [0]).shape == (1, 30, 45, 3)


def test_the_cache_is_where_r2p1d_cache_says(video, tmp_path, monkeypatch):
    monkeypatch.setenv("R2P1D_CACHE", str(tmp_path / "elsewhere"))
    FrameCache(40).count(video)
    assert [path.suffix for path in (tmp_path / "elsewhere" / "frames").iterdir()] == [".npy"]


# Two at once

SCRIPT = """
import hashlib, sys, time
from pathlib import Path
from r2p1d_edu.video.frames import FrameCache

cache, here, go, *videos = sys.argv[1:]
Path(here).touch()
while not Path(go).exists():
    time.sleep(0.001)
store = FrameCache(40, cache)
print(hashlib.sha256(b"".join(store.read(video, range(store.count(video))).tobytes() for video in videos)).hexdigest())
"""


def test_two_processes_fill_one_cache(tmp_path, cache):
    videos = [write(tmp_path / f"{i}.avi", numbered(20, first=i), "mjpeg") for i in range(20)]
    go, here = tmp_path / "go", [tmp_path / f"here{i}" for i in range(2)]
    start = [sys.executable, "-c", SCRIPT, cache.folder]
    started = [subprocess.Popen([*start, one, go, *videos], stdout=subprocess.PIPE, text=True) for one in here]
    deadline = time.monotonic() + 60
    while not all(one.exists() for one in here) and time.monotonic() < deadline:
        time.sleep(0.01)
    go.touch()
    answers = [process.communicate(timeout=300)[0].strip() for process in started]
    right = hashlib.sha256(b"".join(FrameDecoder(40).read(video, range(20)).tobytes() for video in videos))
    assert answers == [right.hexdigest()] * 2
    assert names(cache) == [".npy"] * 20


def test_half_an_array_is_never_seen(video, cache, monkeypatch):
    """A second process looks while the first is writing: here, in the middle of np.save."""
    save, seen = np.save, []

    def slowly(file, frames):
        file.write(b"\x93NUMPY half an array")
        file.flush()
        assert names(cache) == [".part"]
        monkeypatch.setattr(np, "save", save)
        seen.append(numbers(FrameCache(40, cache.folder).read(video, [19])))
        file.seek(0)
        file.truncate()
        save(file, frames)

    monkeypatch.setattr(np, "save", slowly)
    assert numbers(cache.read(video, [18])) == [18]
    assert seen == [[19]]
    assert names(cache) == [".npy"]


# What goes wrong


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError()]
)
def test_a_failure_leaves_no_part(video, cache, monkeypatch, error):
    def fail(file, frames):
        file.write(b"some of it")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", fail)
        with pytest.raises((InputError, type(error))) as caught:
            cache.read(video, [0])
    if isinstance(error, OSError):
        assert str(caught.value) == (
            f"{cache.folder}: frames cannot be kept there (No space left on device); free some space or let "
            "R2P1D_CACHE name another folder"
        )
    assert names(cache) == []
    assert numbers(cache.read(video, [4])) == [4]


def test_a_folder_that_cannot_be_written(video, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=rf"^{re.escape(str(tmp_path / 'file' / 'frames'))}: frames cannot[^\n]*$"):
        FrameCache(40, tmp_path / "file" / "frames").read(video, [0])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(video, cache):
    cache.folder.mkdir()
    cache.folder.chmod(0o500)
    with pytest.raises(InputError, match="cannot be kept there"):
        cache.count(video)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"not an array", None])
def test_a_damaged_array_is_made_again(video, cache, content):
    """As a full disk or a power failure may leave it."""
    cache.count(video)
    (stored,) = cache.folder.iterdir()
    stored.write_bytes(stored.read_bytes()[:1000] if content is None else content)
    assert numbers(cache.read(video, [7])) == [7]
    assert names(cache) == [".npy"]


@pytest.mark.parametrize(
    ("name", "make", "what"),
    [
        ("v.avi", lambda path: None, "no such video file"),
        ("v.avi/w.avi", lambda path: path.parent.touch(), "no such video file"),
        ("v.avi", lambda path: path.write_bytes(b"nothing"), "not a video that can be opened"),
    ],
)
def test_files_without_frames(tmp_path, cache, name, make, what):
    make(tmp_path / name)
    for use in (cache.count, lambda path: cache.read(path, [0]), FrameDecoder(40).count):
        with pytest.raises(VideoError, match=f"^{re.escape(str(tmp_path / name))}: {what}[^\n]*$") as caught:
            use(tmp_path / name)
        assert "npy" not in repr(caught.value.__context__)  # no talk of arrays in the traceback
    assert not cache.folder.exists()
