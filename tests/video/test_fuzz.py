"""Thousands of inputs that nobody thought of: damaged files, odd samplings, split lists of every shape.

What must hold of a damaged video: reading it neither crashes nor hangs, and every frame that an undamaged decoder would
have handed out by the last packet before the first damaged byte comes out the same, in the same place. What comes after
that may be missing, since nobody can know it.
"""

import os
import string
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from videos import KINDS, write_kind

from r2p1d_edu.errors import InputError
from r2p1d_edu.video.clips import Video, clip_indices, even_starts, last_start
from r2p1d_edu.video.decode import VideoError, count_frames, iterate_frames, read_frames
from r2p1d_edu.video.splits import FOLDS, deal_groups
from r2p1d_edu.video.ucf101 import LISTS, hold_out_groups, load_split

settings.register_profile("same", derandomize=True, database=None, deadline=None)  # one run finds what the next does
settings.load_profile("same")

TRIES, FRAMES = 150, 30  # damaged copies of each kind of file
SECONDS = 300  # for all copies of a kind; they take five


def damage(rng: np.random.Generator, whole: bytes) -> tuple[bytes, int]:
    """Another content, and the number of its first bytes that are as they were."""
    at, length = int(rng.integers(len(whole))), int(rng.integers(1, 500))
    some = whole[at : at + length]
    flipped = bytes(byte ^ (1 << rng.integers(8)) * (rng.random() < 0.02) for byte in some)
    ways = [b"", bytes(len(some)), rng.bytes(len(some)), flipped, whole[length : length + 500] + some]
    way = int(rng.integers(-1, len(ways)))
    return whole[:at] + (b"" if way < 0 else ways[way] + whole[at + length :]), at  # one in six is cut short


def promised(path: Path) -> list[tuple[int, list[bytes]]]:
    """(End of a packet in the file, what an undamaged decoder has handed out by then), in turn."""
    found, frames = [], []
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            if packet.size and packet.pos is not None:  # MPEG's packets begin anywhere
                frames += [frame.to_ndarray(format="rgb24").tobytes() for frame in packet.decode()]
                found.append((packet.pos + packet.size + 16, list(frames)))  # a header may come before the data
    return found


def try_all(name: str, folder: Path) -> None:
    """Damage one kind of file many times; run as a process, which a crash would end. Prints what it saw."""
    rng, whole = np.random.default_rng(0), write_kind(folder, name, FRAMES)
    content, steps, refused, held = whole.read_bytes(), promised(whole), 0, 0
    index = content[content.find(b"moov") :]  # where the frames of an MP4 are: without it nothing is promised
    for number in range(TRIES):
        path = folder / f"{number}{whole.suffix}"
        damaged, same = damage(rng, content)
        path.write_bytes(damaged)
        sound = {".avi": True, ".mkv": True, ".mpg": False, ".mp4": damaged[-len(index) :] == index}[whole.suffix]
        sound &= whole.suffix != ".mp4" or len(damaged) == len(content)
        expected = max((frames for end, frames in steps if sound and end <= same), key=len, default=[])
        try:
            decoded = [frame.tobytes() for frame in iterate_frames(path)]
            assert decoded[: len(expected)] == expected, f"{name}: copy {number} has wrong frames"
            assert count_frames(path) == len(decoded)
            assert read_frames(path, [len(decoded) - 1])[0].tobytes() == decoded[-1]
        except VideoError:
            if expected:
                raise
            refused += 1
        held += len(expected)
        path.unlink()
    print(f"{TRIES} copies, {refused} refused, {held} frames held to be right")


@pytest.mark.parametrize("name", KINDS)
def test_damaged_videos(tmp_path, name):
    command, where = [sys.executable, __file__, name, str(tmp_path)], {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=os.environ | where)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith(f"{TRIES} copies, ")


# Samplings

whole_numbers = st.integers(1, 60)


@given(start=st.integers(0, 300), frames=whole_numbers, stride=whole_numbers, length=st.integers(1, 300))
def test_a_clip_never_leaves_its_video(start, frames, stride, length):
    indices = clip_indices(min(start, last_start(frames, stride, length)), frames, stride, length)
    assert len(indices) == frames
    assert 0 <= min(indices) <= max(indices) < length
    assert indices == sorted(indices)
    if length > (frames - 1) * stride:
        assert np.diff(indices).tolist() == [stride] * (frames - 1)


@given(frames=whole_numbers, stride=whole_numbers, length=st.integers(1, 300), clips=whole_numbers)
def test_even_starts_fit_and_rise(frames, stride, length, clips):
    starts = even_starts(frames, stride, length, clips)
    assert len(starts) == clips
    assert starts == sorted(starts)
    assert 0 <= starts[0] <= starts[-1] <= last_start(frames, stride, length)


# Splits

labelled = st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abcdefghij")), min_size=1, max_size=60).map(
    lambda pairs: [Video(Path(f"{i}.avi"), label, group) for i, (label, group) in enumerate(pairs)]
)


@given(videos=labelled, fraction=st.floats(0, 1, exclude_max=True), seed=st.integers(0, 9))
def test_held_out_groups_never_leak(videos, fraction, seed):
    rest, held = hold_out_groups(videos, fraction, seed)
    assert not {video.group for video in rest} & {video.group for video in held}
    assert sorted([*rest, *held], key=videos.index) == videos
    assert {video.label for video in rest} == {video.label for video in videos}


@given(videos=labelled)
def test_each_group_is_in_one_fold(videos):
    folds = deal_groups(videos)
    assert folds.keys() == {video.group for video in videos}
    assert set(folds.values()) <= set(range(1, FOLDS + 1))


names = st.text(string.ascii_letters + "_ é中-", min_size=1, max_size=8).map(str.strip).filter(None)
text = st.text(st.characters(codec="utf-8"), max_size=40)
clips = st.builds(
    "{}/v_{}_g{}_c{}.avi{}".format, st.sampled_from("AB"), st.sampled_from(["A", "B", "a"]), st.integers(0, 3),
    st.integers(1, 2), st.sampled_from(["", " 1", "\t2", "\r"]),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    known=st.one_of(st.just("1 A\n2 B\n"), text),
    lists=st.lists(st.lists(st.one_of(clips, clips, text), max_size=12).map("\n".join), min_size=2, max_size=2),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_a_split_list_is_read_without_a_leak_or_refused(tmp_path, known, lists, mark):
    for name in "AB":
        (tmp_path / "videos" / name).mkdir(parents=True, exist_ok=True)
        for group, number in np.ndindex(4, 2):
            (tmp_path / "videos" / name / f"v_{name}_g{group}_c{number + 1}.avi").touch()
    (tmp_path / LISTS).mkdir(exist_ok=True)
    for name, content in zip(("classInd", "trainlist01", "testlist01"), (known, *lists), strict=True):
        (tmp_path / LISTS / f"{name}.txt").write_bytes((mark + content).encode())
    try:
        split = load_split(tmp_path / "videos")
    except InputError:
        return
    train, test = (
        {(video.path.parent, video.path.stem.split("_")[2]) for video in side} for side in (split.train, split.test)
    )
    assert not train & test
    assert all(video.path.is_file() and video.path.parent.name == split.classes[video.label] for video in split.train)


if __name__ == "__main__":
    try_all(sys.argv[1], Path(sys.argv[2]))
