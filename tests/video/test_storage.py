"""The frame store stays within its bound, gives up what is longest unused, and never what a run needs."""

import os
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from videos import numbered, numbers, write

from r2p1d_edu.cli import main
from r2p1d_edu.errors import InputError
from r2p1d_edu.video import storage
from r2p1d_edu.video.frames import FrameCache, FrameDecoder

ARRAY = 20 * 40 * 60 * 3 + 128  # bytes of one video's frames and their header


@pytest.fixture
def videos(tmp_path):
    return [write(tmp_path / f"{i}.avi", numbered(20, first=20 * i), "mjpeg") for i in range(4)]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


def allow(monkeypatch, arrays):
    monkeypatch.setenv("R2P1D_CACHE_GB", str((arrays + 0.5) * ARRAY / 1e9))


def fill_long_ago(folder, videos):
    """Store each as if hours ago, the first before the others; the arrays' names."""
    cache = FrameCache(40, folder)
    for place, video in enumerate(videos):
        cache.count(video)
        os.utime(cache.name(video), (0, time.time() - 10_000 + place))
    return [cache.name(video) for video in videos]


def held(folder):
    return sum(size for _, size, _ in storage.look(folder))


def test_what_a_run_uses_stays_and_the_rest_is_decoded(videos, folder, monkeypatch):
    allow(monkeypatch, 2)
    cache = FrameCache(40, folder)
    for _ in range(3):
        for i, video in enumerate(videos):
            assert numbers(cache.read(video, [3, 19])) == [20 * i + 3, 20 * i + 19]
            assert cache.count(video) == 20
        assert held(folder) == 2 * ARRAY
    monkeypatch.setattr("r2p1d_edu.video.frames.iterate_frames", None)  # nothing is tried again for want of room
    assert numbers(cache.read(videos[3], [0])) == [60]


def test_a_later_run_takes_the_room_of_an_earlier_one(videos, folder, monkeypatch):
    allow(monkeypatch, 2)
    first, second = fill_long_ago(folder, videos[:2])
    cache = FrameCache(40, folder)
    assert numbers(cache.read(videos[2], [1])) == [41]
    left = [path for _, _, path in storage.look(folder)]
    assert first not in left  # the one unused for longer
    assert second in left
    assert numbers(cache.read(videos[0], [1])) == [1]
    assert held(folder) == 2 * ARRAY
    assert second not in [path for _, _, path in storage.look(folder)]


def test_reading_an_array_counts_as_use(videos, folder, monkeypatch):
    allow(monkeypatch, 2)
    first, second = fill_long_ago(folder, videos[:2])
    cache = FrameCache(40, folder)
    cache.read(videos[0], [0])
    cache.read(videos[2], [0])
    left = [path for _, _, path in storage.look(folder)]
    assert first in left
    assert second not in left


def test_two_runs_at_once_leave_each_other_what_they_use(videos, folder, monkeypatch):
    allow(monkeypatch, 2)
    one, other = FrameCache(40, folder), FrameCache(40, folder)
    one.count(videos[0])
    other.count(videos[1])
    other.count(videos[2])
    one.count(videos[3])
    assert {path for _, _, path in storage.look(folder)} == {one.name(videos[0]), one.name(videos[1])}


def test_many_threads_and_a_bound(videos, folder, monkeypatch):
    """Whoever makes room and whoever stores may be at it at once; the frames are right in any case."""
    allow(monkeypatch, 2)
    expected = [FrameDecoder(40).read(video, range(20)) for video in videos]

    def work(_):
        cache = FrameCache(40, folder)
        cache.opened += 10  # and so gives up what the others use
        return [np.array_equal(cache.read(video, range(20)), right) for video, right in zip(videos, expected)]  # noqa: B905

    with ThreadPoolExecutor(4) as pool:
        assert all(all(right) for right in pool.map(work, range(12)))
    assert not list(folder.glob("*.part"))


def test_a_worker_process_protects_what_its_run_uses(videos, folder, monkeypatch):
    allow(monkeypatch, 1)
    cache = FrameCache(40, folder)
    cache.count(videos[0])
    time.sleep(1.1)
    copy = pickle.loads(pickle.dumps(cache))
    copy.count(videos[1])
    assert [path for _, _, path in storage.look(folder)] == [cache.name(videos[0])]


def test_an_array_removed_under_a_reader_is_made_again(videos, folder):
    cache = FrameCache(40, folder)
    cache.read(videos[0], [0])
    assert storage.clear(folder) == (1, ARRAY)
    assert numbers(cache.read(videos[0], [7])) == [7]
    assert held(folder) == ARRAY


def test_an_array_cut_short_under_a_reader_is_made_again(videos, folder):
    cache = FrameCache(40, folder)
    cache.read(videos[0], [0])
    os.truncate(cache.name(videos[0]), ARRAY // 2)
    assert numbers(cache.read(videos[0], [19])) == [19]
    assert held(folder) == ARRAY


def test_only_old_parts_and_only_ours_are_removed(videos, folder):
    folder.mkdir()
    ours, fresh, theirs, array = (folder / name for name in (
        f"{'0' * 32}-abc_1.part", f"{'1' * 32}-abc_1.part", "thesis.part", "thesis.npy"
    ))  # fmt: skip
    for path in (ours, fresh, theirs, array):
        path.write_bytes(b"some")
        os.utime(path, (1, 1))
    os.utime(fresh)
    FrameCache(40, folder).count(videos[0])
    storage.clear(folder)
    assert sorted(folder.iterdir()) == sorted([fresh, theirs, array])


def test_a_video_too_large_for_the_store_is_decoded_and_others_are_kept(videos, folder, monkeypatch, tmp_path):
    allow(monkeypatch, 2)
    long = write(tmp_path / "long.avi", numbered(60), "mjpeg")
    fill_long_ago(folder, videos[:1])
    cache = FrameCache(40, folder)
    assert cache.count(long) == 60
    assert numbers(cache.read(long, [59])) == [59]
    assert cache.count(videos[1]) == 20
    assert held(folder) == 2 * ARRAY  # what would not have made room for it stayed


@pytest.mark.parametrize(("given", "most"), [("0.5", 5 * 10**8), ("0", 0)])
def test_the_bound_can_be_chosen(folder, monkeypatch, given, most):
    monkeypatch.setenv("R2P1D_CACHE_GB", given)
    assert storage.most_bytes(folder, 10**9) == most


@pytest.mark.parametrize("given", ["much", "inf", "nan", "-1"])
def test_a_bound_that_is_no_number(videos, folder, monkeypatch, given):
    monkeypatch.setenv("R2P1D_CACHE_GB", given)
    with pytest.raises(InputError, match=f"R2P1D_CACHE_GB is '{given}'; it must be a number of gigabytes"):
        FrameCache(40, folder).count(videos[0])


@pytest.mark.parametrize(("free", "held", "most"), [(10**12, 0, 20 * 10**9), (6 * 10**9, 2 * 10**9, 4 * 10**9)])
def test_by_itself_it_takes_no_more_than_half_of_a_small_disk(folder, monkeypatch, free, held, most):
    monkeypatch.delenv("R2P1D_CACHE_GB", raising=False)
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": free}))
    assert storage.most_bytes(folder, held) == most


def test_the_folder_is_looked_through_seldom(videos, folder, monkeypatch):
    looks = []
    monkeypatch.setenv("R2P1D_CACHE_GB", "1")
    monkeypatch.setattr(storage, "look", lambda folder, look=storage.look: looks.append(1) or look(folder))
    cache = FrameCache(40, folder)
    for video in videos:
        cache.count(video)
    assert len(looks) == 1


def test_the_cache_command(videos, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("R2P1D_CACHE", str(tmp_path / "here"))
    monkeypatch.setenv("R2P1D_CACHE_GB", "3")
    assert main(["cache"]) == 0
    assert (
        capsys.readouterr().out == f"{tmp_path / 'here' / 'frames'}: frames of 0 videos, 0.0 MB of 3,000 MB at most\n"
    )
    cache = FrameCache(40)
    for video in videos:
        cache.count(video)
    assert main(["cache"]) == 0
    assert "frames of 4 videos, 0.6 MB of 3,000" in capsys.readouterr().out
    assert main(["cache", "--clear"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'here' / 'frames'}: removed the frames of 4 videos, 0.6 MB\n"
    assert list((tmp_path / "here" / "frames").iterdir()) == []
    assert all(video.is_file() for video in videos)
