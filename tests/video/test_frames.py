"""The store of decoded frames gives what decoding gives, within its limit, whoever fills it and whatever goes wrong."""

import errno
import hashlib
import os
import pickle
import re
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from videos import KINDS, numbered, numbers, write, write_kind

from r2p1d_edu.cli import main
from r2p1d_edu.errors import InputError
from r2p1d_edu.video import frames as module
from r2p1d_edu.video.decode import FrameDecoder, VideoError
from r2p1d_edu.video.frames import FrameCache, scan

ARRAY = 20 * 40 * 60 * 3 + 128  # bytes of one video's frames and their header


@pytest.fixture
def videos(tmp_path):
    return [write(tmp_path / f"{i}.avi", numbered(20, first=20 * i), "mjpeg") for i in range(4)]


@pytest.fixture
def video(videos):
    return videos[0]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def cache(folder):
    return FrameCache(40, folder)


def kept(folder):
    return {str(path) for _, _, path in scan(folder)}


def suffixes(folder):
    return sorted(path.suffix for path in folder.iterdir())


# The right frames


@pytest.mark.parametrize("name", KINDS)
def test_the_cache_equals_the_decoder(tmp_path, cache, name):
    path, decoder = write_kind(tmp_path, name, 30), FrameDecoder(40)
    for _ in range(2):  # filled, then read
        for indices in (range(30), [29, 0, 7, 7], np.array([3, 2])):
            frames = cache.read(path, indices)
            assert type(frames) is np.ndarray
            assert frames.dtype == np.uint8
            assert frames.shape == (len(indices), 40, 60, 3)
            assert np.array_equal(frames, decoder.read(path, indices))
    assert cache.count(path) == decoder.count(path) == 30
    assert suffixes(cache.folder) == [".npy"]


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
    monkeypatch.setattr(module, "iterate_frames", None)
    assert numbers(FrameCache(40, cache.folder).read(str(video), [5, 4])) == [5, 4]
    cache.read(video, [3])[:] = 0  # nobody can spoil the store by writing into a clip
    assert numbers(cache.read(video, [3])) == [3]


@pytest.mark.parametrize("limit", ["1", "0"])
def test_a_long_video_is_never_in_memory_as_a_whole(tmp_path, cache, monkeypatch, limit):
    """It was there twice, even without room to keep it: 20 minutes at 320×240 took 3.9 GB."""
    monkeypatch.setenv("R2P1D_CACHE_GB", limit)
    path = write(tmp_path / "long.avi", numbered(600), "mjpeg")
    cache.count(write(tmp_path / "short.avi", numbered(2), "mjpeg"))  # what is set up once is not counted
    tracemalloc.start()
    try:
        assert cache.count(path) == 600
        assert numbers(cache.read(path, [255])) == [255]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 600 * 40 * 60 * 3 / 10


@pytest.mark.parametrize("source", [FrameDecoder, FrameCache])
def test_a_changed_file_is_read_again(video, source, folder):
    source = source(40) if source is FrameDecoder else source(40, folder)
    assert source.count(video) == 20
    assert numbers(source.read(video, [0])) == [0]
    time.sleep(0.02)
    write(video, numbered(5, first=100), "mjpeg")
    assert source.count(video) == 5
    assert numbers(source.read(video, [0])) == [100]


@pytest.mark.parametrize(("padding", "times"), [(0, (1, 2)), (1, (1, 1))])
def test_time_or_length_alone_tell_a_change(tmp_path, cache, padding, times):
    """Black and white exchanged: first with as many bytes at another time, then with one more at the same time."""
    one, other = (write(tmp_path / f"{i}.avi", numbered(1) ^ (255 * i), "mjpeg") for i in (0, 1))
    longer = max(one.stat().st_size, other.stat().st_size)
    contents = [one.read_bytes().ljust(longer, b"\0"), other.read_bytes().ljust(longer + padding, b"\0")]
    video, found = tmp_path / "v.avi", []
    for content, second in zip(contents, times, strict=True):
        video.write_bytes(content)
        os.utime(video, (second, second))
        found.append(numbers(cache.read(video, [0])))
    assert found == [[0], [255]]


def test_a_name_that_is_not_utf_8(tmp_path, cache):
    video = write(tmp_path / os.fsdecode(b"\xff.avi"), numbered(3), "mjpeg")
    assert numbers(cache.read(video, [2])) == [2]
    assert suffixes(cache.folder) == [".npy"]


def test_frames_of_another_way_of_decoding_are_not_used(video, cache, monkeypatch):
    cache.count(video)
    monkeypatch.setattr(module, "DECODING", 1)
    assert cache.name(video) not in kept(cache.folder)


def test_sizes_are_kept_apart(video, cache):
    other = FrameCache(30, cache.folder)
    assert cache.read(video, [0]).shape == (1, 40, 60, 3)
    assert other.read(video, [0]).shape == (1, 30, 45, 3)


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
    assert suffixes(cache.folder) == [".npy"] * 20


def broken_after(frames, what):
    """iterate_frames with something happening after the first frames."""

    def iterate(path, size, whole=module.iterate_frames):
        for number, frame in enumerate(whole(path, size)):
            if number == frames:
                what()
            yield frame

    return iterate


def test_half_an_array_is_never_seen(video, cache, monkeypatch):
    """A second process looks while the first is writing."""
    seen = []

    def look():
        assert suffixes(cache.folder) == [".part"]
        monkeypatch.undo()
        seen.append(numbers(FrameCache(40, cache.folder).read(video, [19])))

    monkeypatch.setattr(module, "iterate_frames", broken_after(9, look))
    assert numbers(cache.read(video, [18])) == [18]
    assert seen == [[19]]
    assert suffixes(cache.folder) == [".npy"]


# Room


@pytest.fixture
def allow(monkeypatch):
    """Set the limit to that of some arrays."""
    return lambda arrays: monkeypatch.setenv("R2P1D_CACHE_GB", f"{(arrays + 0.5) * ARRAY / 1e9:.9f}")


def fill_long_ago(folder, videos):
    """Store each as if hours ago, the first before the others; the arrays' names."""
    cache = FrameCache(40, folder)
    for place, video in enumerate(videos):
        cache.count(video)
        os.utime(cache.name(video), (0, time.time() - 10_000 + place))
    return [cache.name(video) for video in videos]


def test_what_a_run_uses_stays_and_the_rest_is_decoded(videos, cache, allow, monkeypatch):
    allow(2)
    for _ in range(3):
        for i, video in enumerate(videos):
            assert numbers(cache.read(video, [3, 19])) == [20 * i + 3, 20 * i + 19]
            assert cache.count(video) == 20
        assert kept(cache.folder) == {cache.name(video) for video in videos[:2]}
    monkeypatch.setattr(module, "iterate_frames", None)  # nothing is tried again without room
    assert numbers(cache.read(videos[3], [0])) == [60]


def test_the_longest_unused_goes_first(videos, folder, allow):
    allow(2)
    first, second = fill_long_ago(folder, videos[:2])
    assert numbers(FrameCache(40, folder).read(videos[2], [1])) == [41]
    assert first not in kept(folder)
    assert second in kept(folder)


def test_reading_an_array_counts_as_use_in_workers_too(videos, folder, allow):
    allow(2)
    first, _ = fill_long_ago(folder, videos[:2])
    cache = FrameCache(40, folder)
    cache.read(videos[0], [0])
    worker = pickle.loads(pickle.dumps(cache))
    worker.count(videos[2])
    worker.count(videos[3])
    assert kept(folder) == {first, cache.name(videos[2])}


def test_many_threads_and_a_limit(videos, folder, allow):
    """Whoever makes room and whoever stores may be at it at once; the frames are right in any case."""
    allow(2)
    expected = [FrameDecoder(40).read(video, range(20)) for video in videos]

    def work(_):
        cache = FrameCache(40, folder)
        cache.opened += 10  # and so gives up what the others use
        return [
            np.array_equal(cache.read(video, range(20)), right) for video, right in zip(videos, expected, strict=True)
        ]

    with ThreadPoolExecutor(4) as pool:
        assert all(all(right) for right in pool.map(work, range(12)))
    assert not list(folder.glob("*.part"))


def test_a_video_too_large_for_the_store_is_decoded(videos, cache, allow, tmp_path):
    allow(2)
    long = write(tmp_path / "long.avi", numbered(60), "mjpeg")
    for _ in range(2):
        assert cache.count(long) == 60
        assert numbers(cache.read(long, [59])) == [59]
    assert cache.count(videos[1]) == 20
    assert kept(cache.folder) == {cache.name(videos[1])}
    assert suffixes(cache.folder) == [".npy"]


@pytest.mark.parametrize(
    ("given", "free", "held", "most"),
    [
        ("0.5", 0, 10**9, 5 * 10**8),
        ("0", 0, 10**9, 0),
        ("", 10**12, 0, 20 * 10**9),
        ("", 6 * 10**9, 2 * 10**9, 4 * 10**9),  # no more than half of a small disk
    ],
)
def test_the_limit(folder, monkeypatch, given, free, held, most):
    monkeypatch.setenv("R2P1D_CACHE_GB", given)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": free}))
    assert module.max_bytes(folder, held) == most


@pytest.mark.parametrize("given", ["much", "inf", "nan", "-1"])
def test_a_limit_that_is_no_number(video, cache, monkeypatch, given):
    monkeypatch.setenv("R2P1D_CACHE_GB", given)
    with pytest.raises(InputError, match=f"R2P1D_CACHE_GB is '{given}'; it must be a number of gigabytes"):
        cache.count(video)


def test_the_folder_is_scanned_seldom(videos, cache, monkeypatch):
    scans = []
    monkeypatch.setenv("R2P1D_CACHE_GB", "1")
    monkeypatch.setattr(module, "scan", lambda folder: scans.append(folder) or [])
    for video in videos:
        cache.count(video)
    assert len(scans) == 1


def test_only_old_parts_and_only_ours_are_removed(video, cache):
    cache.folder.mkdir()
    ours, fresh, theirs, array = (cache.folder / name for name in (
        f"{'0' * 32}-abc_1.part", f"{'1' * 32}-abc_1.part", "thesis.part", "thesis.npy"
    ))  # fmt: skip
    for path in (ours, fresh, theirs, array):
        path.write_bytes(b"some")
        os.utime(path, (1, 1))
    os.utime(fresh)
    cache.count(video)
    assert set(cache.folder.iterdir()) == {fresh, theirs, array} | set(cache.folder.glob("*.npy"))
    assert len(kept(cache.folder)) == 1


def test_the_cache_command(videos, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("R2P1D_CACHE", str(tmp_path / "here"))
    monkeypatch.setenv("R2P1D_CACHE_GB", "3")
    frames = tmp_path / "here" / "frames"
    assert main(["cache"]) == 0
    assert capsys.readouterr().out == f"{frames}: frames of 0 videos, 0.0 MB of 3,000 MB at most\n"
    cache = FrameCache(40)
    for video in videos:
        cache.count(video)
    assert main(["cache"]) == 0
    assert "frames of 4 videos, 0.6 MB of 3,000" in capsys.readouterr().out
    assert main(["cache", "--clear"]) == 0
    assert capsys.readouterr().out == f"{frames}: removed the frames of 4 videos, 0.6 MB\n"
    assert list(frames.iterdir()) == []
    assert numbers(cache.read(videos[0], [7])) == [7]  # a reader makes again what was removed under it


# What goes wrong


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_or_a_stop_leaves_no_part(video, cache, monkeypatch, error):
    """Without room the video is decoded at each visit."""

    def fail():
        raise error

    monkeypatch.setattr(module, "iterate_frames", broken_after(9, fail))
    if isinstance(error, OSError):
        assert numbers(cache.read(video, [4])) == [4]
        assert cache.count(video) == 20
    else:
        with pytest.raises(KeyboardInterrupt):
            cache.read(video, [4])
    assert suffixes(cache.folder) == []


def test_a_folder_that_cannot_be_written(video, tmp_path):
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "frames"
    with pytest.raises(InputError, match=rf"^{re.escape(str(folder))}: frames cannot be kept there \([^\n]*$"):
        FrameCache(40, folder).read(video, [0])


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"not an array", None])
def test_a_damaged_array_is_made_again(video, cache, content):
    """As a full disk or a power failure may leave it; also under a reader."""
    for reader in (cache, FrameCache(40, cache.folder)):
        reader.count(video)
        (stored,) = cache.folder.iterdir()
        stored.write_bytes(stored.read_bytes()[:1000] if content is None else content)
        assert numbers(reader.read(video, [7])) == [7]
        assert suffixes(cache.folder) == [".npy"]


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
        with pytest.raises(VideoError, match=f"^{re.escape(str(tmp_path / name))}: {what}[^\n]*$"):
            use(tmp_path / name)
    assert not cache.folder.exists() or suffixes(cache.folder) == []
