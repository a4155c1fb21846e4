"""Video files out of frames."""

import numpy as np
import pytest
from videos import numbered, numbers

from r2p1d_edu.video.decode import frame_rate, read_frames, write_video


@pytest.mark.parametrize(
    "name", ["concat:v.avi", "a:1.avi", "v%03d.avi", "été 1.avi", "-v.avi", "a\nb.avi", "\udcff.avi"]
)
def test_any_file_name_will_do(tmp_path, monkeypatch, name):
    """FFmpeg takes a relative name with a colon for an address."""
    monkeypatch.chdir(tmp_path)
    write_video(name, numbered(2))
    assert (tmp_path / name).is_file()
    assert numbers(read_frames(name, [1, 0])) == [1, 0]


@pytest.mark.parametrize("fps", [25, 10, 29.97, 30000 / 1001])
def test_the_frame_rate_is_kept(tmp_path, fps):
    write_video(tmp_path / "v.avi", numbered(3), fps=fps)
    assert frame_rate(tmp_path / "v.avi") == pytest.approx(fps, rel=1e-9)


def test_motion_jpeg_knows_no_direction(tmp_path):
    """Frames are compressed alone: a video written backwards holds the same frames, to the last bit."""
    frames = np.random.default_rng(0).integers(0, 256, (9, 40, 56, 3), np.uint8)
    frames[4:] //= 8  # easy and hard frames to compress
    write_video(tmp_path / "v.avi", frames)
    write_video(tmp_path / "w.avi", frames[::-1])
    assert np.array_equal(read_frames(tmp_path / "v.avi", range(9)), read_frames(tmp_path / "w.avi", range(8, -1, -1)))


def test_colours_are_red_green_blue(tmp_path):
    frames = np.zeros((3, 32, 32, 3), np.uint8)
    frames[0, ..., 0] = frames[1, ..., 1] = frames[2, ..., 2] = 255
    write_video(tmp_path / "v.avi", frames)
    assert np.abs(read_frames(tmp_path / "v.avi", range(3)).astype(int) - frames).max() < 8
