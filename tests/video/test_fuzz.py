"""Videos damaged in ways that nobody thought of.

What must hold: reading it neither crashes nor hangs, and every frame that an undamaged decoder would
have handed out by the last packet before the first damaged byte comes out the same, in the same place. What comes after
that may be missing, since nobody can know it.
"""

import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from videos import KINDS, write_kind

from r2p1d_edu.video.decode import VideoError, count_frames, iterate_frames, read_frames

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
    # An index at the end says where the frames are: nothing is promised but with it, or of an AVI that has none at all.
    mark = {".mp4": b"moov", ".avi": b"idx1"}.get(whole.suffix, b"")
    index = content[content.find(mark) :]
    for number in range(TRIES):
        path = folder / f"{number}{whole.suffix}"
        damaged, same = damage(rng, content)
        path.write_bytes(damaged)
        sound = {
            ".mkv": True,
            ".mp4": len(damaged) == len(content) and damaged.endswith(index),
            ".avi": (len(damaged) == len(content) and damaged.endswith(index)) or mark not in damaged,
        }.get(whole.suffix)
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


if __name__ == "__main__":
    try_all(sys.argv[1], Path(sys.argv[2]))
