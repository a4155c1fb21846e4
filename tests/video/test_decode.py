"""Frames out of files: exactly those asked for, of whatever file; and one clear line where there are none."""

import errno
import io
import os
import re

import av
import numpy as np
import pytest
from videos import KINDS, decode_all, numbered, numbers, packets, ucf101, write, write_kind

from r2p1d_edu.errors import InputError
from r2p1d_edu.training.evaluate import frame_rates
from r2p1d_edu.video import decode
from r2p1d_edu.video.clips import Video
from r2p1d_edu.video.decode import (
    Converter,
    VideoError,
    count_frames,
    frame_rate,
    iterate_frames,
    read_frames,
    write_video,
)

# The right frames


@pytest.fixture(scope="module", params=KINDS)
def video(request, tmp_path_factory):
    """60 numbered frames, once in each kind of file."""
    return write_kind(tmp_path_factory.mktemp("kinds"), request.param, 60)


def test_the_files_are_what_their_names_say(video):
    """Otherwise the tests below would hold on easy files only."""
    kinds = [av.video.frame.PictureType(frame.pict_type).name for frame in decode_all(video)]
    assert len(kinds) == 60
    assert ("B" in kinds) == (video.stem != "only_keys")
    assert {"sparse_keys": kinds.count("I") == 1, "only_keys": set(kinds) == {"I"}}.get(video.stem, True)


@pytest.mark.parametrize(
    "indices",
    [
        range(60),
        [0],
        [59],
        range(59, -1, -1),
        [7, 7, 7],
        [30, 2, 59, 2, 31],
        np.array([13, 12, 13]),
        np.random.default_rng(0).integers(0, 60, 40).tolist(),
    ],
)
def test_exactly_the_frames_asked_for(video, indices):
    frames = read_frames(video, indices)
    assert frames.dtype == np.uint8
    assert frames.shape == (len(indices), 64, 96, 3)
    assert numbers(frames) == list(indices)


def test_counting_and_iterating(video):
    assert count_frames(video) == 60
    assert numbers(np.stack(list(iterate_frames(video, 32)))) == list(range(60))


def test_the_rate_of_a_file_that_changed_is_read_again(tmp_path):
    path = tmp_path / "v.avi"
    for rate in (25, 10):
        write_video(path, numbered(rate), fps=rate)
        assert frame_rates([Video(path, 0, "group")]) == str(rate)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("length", [1, 2])
def test_very_short_files(tmp_path, name, length):
    path = write_kind(tmp_path, name, length)
    assert count_frames(path) == length
    assert numbers(read_frames(path, [length - 1, 0])) == [length - 1, 0]
    with pytest.raises(VideoError, match=rf"{name}: frame {length} was asked for, but only {length} can"):
        read_frames(path, [0, length])


@pytest.mark.ucf101
def test_real_clips_give_the_frames_of_a_sequential_decode():
    """Random numbers, any order, against PyAV alone; some of these files carry shuffled time stamps."""
    rng, shuffled = np.random.default_rng(0), 0
    for path in rng.permutation(sorted((ucf101() / "videos").glob("*/*.avi")))[:20]:
        decoded = decode_all(path)
        times = [frame.pts for frame in decoded]
        shuffled += times != sorted(times)
        indices = rng.integers(0, len(decoded), 8)
        expected = [decoded[i].to_ndarray(format="rgb24") for i in indices]
        assert np.array_equal(read_frames(path, indices), expected), path
    assert shuffled, "none of these clips has shuffled time stamps: the test has lost its hardest case"


# Sizes


@pytest.mark.parametrize(
    ("stored", "size", "expected"),
    [
        ((64, 96), None, (64, 96)),
        ((64, 96), 32, (32, 48)),
        ((96, 64), 32, (48, 32)),
        ((64, 64), 40, (40, 40)),
        ((240, 320), 128, (128, 171)),  # UCF101 at the paper's scale
        ((64, 96), 100, (100, 150)),
        ((64, 96), (50, 40), (50, 40)),
    ],
)
def test_size_is_the_shorter_side_or_height_and_width(tmp_path, stored, size, expected):
    path = write(tmp_path / "v.avi", numbered(4, *stored), "mjpeg")
    frames = read_frames(path, [3, 1], size)
    assert frames.shape == (2, *expected, 3)
    assert numbers(frames) == [3, 1]


@pytest.mark.parametrize("size", [None, 40, (50, 40)])
def test_scaling_a_few_frames_equals_scaling_all(video, size):
    some, whole = read_frames(video, [31, 5, 58], size), list(iterate_frames(video, size))
    assert np.array_equal(some, [whole[i] for i in (31, 5, 58)])
    height, width = some.shape[1:3]
    alone = [frame.reformat(width, height, "rgb24", interpolation="BILINEAR") for frame in decode_all(video)]
    assert np.array_equal(some, [alone[i].to_ndarray() for i in (31, 5, 58)])


@pytest.mark.parametrize("size", [None, 32])
def test_a_video_that_changes_size_keeps_that_of_its_first_frame(tmp_path, size):
    """Even where only frames after the change are asked for: clips of one video must fit together."""
    small = write(tmp_path / "small.h264", numbered(8), "libx264")
    large = write(tmp_path / "large.h264", numbered(8, 128, 160, first=8), "libx264")
    path = tmp_path / "both.h264"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    assert {(frame.height, frame.width) for frame in decode_all(path)} == {(64, 96), (128, 160)}
    frames = read_frames(path, [12, 3], size)
    assert frames.shape == (2, size or 64, (size or 64) * 3 // 2, 3)
    assert numbers(frames) == [12, 3]
    assert np.array_equal(frames[0], read_frames(path, [12], size)[0])
    assert np.array_equal(frames[0], list(iterate_frames(path, size))[12])


@pytest.mark.parametrize("size", [0, -3, (0, 5), 100_000, (6000, 6000), (1, 2**31), 10**400])
def test_impossible_sizes(tmp_path, size):
    path = write(tmp_path / "v.avi", numbered(1), "mjpeg")
    with pytest.raises(InputError, match="give a size of 1 or more"):
        read_frames(path, [0], size)


# Files that are not as they should be


def truncated(path):
    write_kind(path.parent, "sparse_keys.mkv", 60)
    whole = (path.parent / "sparse_keys.mkv").read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])


def damaged(kind):
    """A maker of files of this kind whose tenth packet of 20 is zeros."""

    def make(path):
        whole, tenth = write_kind(path.parent, kind, 20), packets(path.parent / kind)[9]
        path.write_bytes(whole.read_bytes().replace(tenth, bytes(len(tenth))))

    return make


@pytest.mark.parametrize(
    ("make", "least", "most"),
    [(truncated, 15, 59), *((damaged(f"{name}"), 9, 9) for name in KINDS if name[:8] != "b_frames" or "avi" in name)],
)
def test_damage_leaves_the_frames_before_it(tmp_path, capfd, make, least, most):
    """As many as there are whole packets before it: also those that the decoder held back, to put them in order."""
    path = tmp_path / "v.avi"
    make(path)
    left = count_frames(path)
    assert least <= left <= most
    assert numbers(read_frames(path, range(left - 1))) == list(range(left - 1))
    with pytest.raises(VideoError) as caught:
        read_frames(path, [0, 59])
    assert str(caught.value) == f"{path}: frame 59 was asked for, but only {left} can be decoded (0 to {left - 1})"
    assert capfd.readouterr().err == ""  # FFmpeg keeps quiet


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4"])
def test_an_empty_packet_does_not_end_the_video(tmp_path, codec):
    """The tenth of 20: the index gives its bytes to the ninth, whose decoder has no use for them. FFmpeg counts 19."""
    path = write(tmp_path / "v.mp4", numbered(20), codec)
    content = bytearray(path.read_bytes())
    at = content.index(b"stsz") + 16 + 4 * 8  # sizes of four bytes each
    content[at : at + 8] = sum(map(len, packets(path)[8:10])).to_bytes(4, "big") + bytes(4)
    path.write_bytes(content)
    assert [len(packet) for packet in packets(path)].index(0) == 9
    expected = [*range(9), *range(10, 20)]
    assert numbers(read_frames(path, range(19))) == expected
    assert count_frames(path) == len(list(iterate_frames(path))) == 19


TURNS = [(a, b, c, d) for a, b, c, d in np.ndindex(3, 3, 3, 3) if (a != 1) == (d != 1) != (b != 1) == (c != 1)]


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: "".join("-0+"[i] for i in turn))
@pytest.mark.parametrize(("size", "shape"), [(None, (64, 96)), (32, (32, 48)), ((40, 40), (40, 40))])
def test_frames_stand_upright(tmp_path, turn, size, shape):
    """Each of the eight ways to hold a phone, or a mirror. Every pixel goes where FFmpeg's display matrix says."""
    assert len(TURNS) == 8
    frames = np.zeros((1, 64, 96, 3), np.uint8)
    frames[:, :32, :48], frames[:, 32:, :48, 1], frames[:, :32, 48:, 0] = 255, 255, 255  # white, red; green, black
    a, b, c, d = (entry - 1 for entry in turn)
    path = write(tmp_path / "v.mp4", frames, "mjpeg")
    plain, content = read_frames(path, [0], (64, 96))[0], bytearray(path.read_bytes())
    at, one = content.index(b"tkhd") + 44, 1 << 16
    for place, entry in zip((0, 4, 12, 16), (a, b, c, d), strict=True):
        content[at + place : at + place + 4] = (entry * one).to_bytes(4, "big", signed=True)
    path.write_bytes(content)
    (upright,) = read_frames(path, [0], size)
    assert upright.shape == (*(shape if a else shape[::-1]), 3)
    height, width = upright.shape[:2]
    for x, y in ((-1, -1), (-1, 1), (1, -1), (1, 1)):  # quarters, seen from the middle
        there = upright[height // 2 + (b * x + d * y) * height // 4, width // 2 + (a * x + c * y) * width // 4]
        assert np.abs(there.astype(int) - plain[32 + y * 16, 48 + x * 24]).max() < 8
    assert np.array_equal(next(iterate_frames(path, size)), upright)


def test_a_list_of_files_in_the_guise_of_a_video_reads_none(tmp_path):
    write(tmp_path / "other.avi", numbered(3), "mjpeg")
    path = tmp_path / "v.mp4"
    path.write_text("ffconcat version 1.0\nfile other.avi\n")
    assert len(decode_all(path)) == 3  # the trap is a real one
    with pytest.raises(VideoError, match="not a video that can be opened"):
        read_frames(path, [0])


@pytest.mark.parametrize("side", [6000, 16000])
def test_a_picture_larger_than_any_camera_s_is_not_decoded(tmp_path, side):
    """Two bytes each make it so high and wide; 16,000 of them took a gigabyte and more."""
    path, claim = tmp_path / "v.gif", side.to_bytes(2, "little") * 2
    path.write_bytes(b"GIF89a" + claim + b"\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;")
    for use in (count_frames, lambda path: read_frames(path, [0], 8)):
        with pytest.raises(VideoError, match=r"no frame can be decoded; .* larger than 8192×4320"):
            use(path)


def test_too_little_memory_is_said(tmp_path, monkeypatch):
    path = write(tmp_path / "v.avi", numbered(2), "mjpeg")
    monkeypatch.setattr(Converter, "__call__", lambda self, frame: np.empty((2**25, 2**25)))
    with pytest.raises(InputError, match="2 frames do not fit into memory; ask for fewer at a time"):
        read_frames(path, [0, 1])


def test_a_disk_that_fails_is_no_end_of_the_video(tmp_path, monkeypatch):
    """Else half a video would be kept for the whole."""
    path = write(tmp_path / "v.avi", numbered(200, 240, 320), "mjpeg")

    class Failing(io.FileIO):
        def read(self, size=-1):
            if self.tell() > 70_000:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    monkeypatch.setattr(decode, "open", Failing, raising=False)
    assert path.stat().st_size > 100_000
    with pytest.raises(VideoError, match=r"Input/output error"):
        count_frames(path)


def audio_only(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), "s16", "mono")
        sound.rate = 8000
        container.mux([*stream.encode(sound), *stream.encode()])


def no_frames(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        container.start_encoding()


def no_index(path):
    """An MP4 without its end cannot be opened at all."""
    write_kind(path.parent, "b_frames.mp4", 60)
    path.write_bytes((path.parent / "b_frames.mp4").read_bytes()[:2000])


def unknown_codec(path):
    write(path, numbered(2), "mjpeg")
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"XXXX"))


UNREADABLE = [
    ("v.avi", lambda path: None, "no such video file"),
    ("v.avi", lambda path: path.mkdir(), "no such video file"),
    ("v.avi", lambda path: path.symlink_to(path), "no such video file"),
    ("v.avi", os.mkfifo, "no such video file"),
    ("v" * 300, lambda path: None, "no such video file"),
    ("v.avi", lambda path: path.touch(), "not a video that can be opened"),
    ("v.avi", lambda path: path.write_text("a list of things\n" * 99), "not a video that can be opened"),
    ("v.txt", lambda path: path.write_text("a list of things\n" * 99), "holds no video, only text"),
    ("v.avi", lambda path: path.write_bytes(b"RIFF" + bytes(999)), "not a video that can be opened"),
    ("v.wav", audio_only, "holds no video, only audio"),
    ("v.avi", audio_only, "holds no video, only audio"),
    ("v.avi", no_frames, "no frame can be decoded"),
    ("v.mp4", no_frames, "holds no video, only a header"),
    ("v.mp4", no_index, "not a video that can be opened"),
    ("v.avi", unknown_codec, "compressed in a way"),
]


@pytest.mark.parametrize(("name", "make", "what"), UNREADABLE)
@pytest.mark.parametrize(
    "use", [lambda p: read_frames(p, [0]), count_frames, lambda p: list(iterate_frames(p)), frame_rate]
)
def test_a_file_without_frames_is_named_with_what_is_wrong(tmp_path, capfd, name, make, what, use):
    path = tmp_path / name
    make(path)
    if use is frame_rate and what == "no frame can be decoded":
        assert frame_rate(path) == 25  # it still says so
        return
    with pytest.raises(VideoError, match=f"^{re.escape(str(path))}: {what}[^\n]*$"):
        use(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("indices", "what"),
    [
        ([0, 3], r"frame 3 was asked for, but only 3 can be decoded \(0 to 2\)"),
        ([10**9], "frame 1000000000 was asked for, but only 3 can be decoded"),
        ([1, -1], r"frames \[1, -1\] were asked for; give one or more numbers from 0"),
        ([], r"frames \[\] were asked for"),
    ],
)
def test_frame_numbers_that_the_video_has_not(tmp_path, indices, what):
    path = write(tmp_path / "v.avi", numbered(3), "mjpeg")
    with pytest.raises(VideoError, match=f"^{re.escape(str(path))}: {what}"):
        read_frames(path, indices)


def test_metadata_need_not_be_utf8(tmp_path):
    path = tmp_path / "v.avi"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "PLACEHOLDER"
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuvj420p"
        for frame in numbered(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    path.write_bytes(path.read_bytes().replace(b"PLACEHOLDER", b"Latin-1: \xe9\xff"))
    with pytest.raises(UnicodeDecodeError):
        av.open(str(path))  # the trap is a real one
    assert numbers(read_frames(path, [2, 1])) == [2, 1]
    assert frame_rate(path) == 25
