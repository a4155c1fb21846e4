"""Frames out of a video file, and a video file out of frames.

Frames are counted in the order in which the decoder hands them out. Time stamps are not used: in about one real file
in seven they are shuffled, and a seek by time then returns other frames than those asked for.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from r2p1d_edu.errors import InputError


class VideoError(InputError):
    """A file that gives no frames; the message names it and says why."""


def read_frames(path: str | Path, indices: Sequence[int], size: int | tuple[int, int] | None = None) -> np.ndarray:
    """Decode the frames with these numbers, in this order: uint8 (T, H, W, 3), red-green-blue.

    Only the frames asked for are converted to RGB and scaled, which is where the time goes. A number may come twice.

    Args:
        indices: frame numbers from 0, in decode order.
        size: (height, width), or the length of the shorter side with the shape kept, or None for the stored size.

    Raises:
        VideoError: no such file, no video in it, or no such frame.
    """
    wanted, found, convert = {int(i) for i in indices}, {}, None
    with open_video(path) as decoded:
        for number, frame in enumerate(decoded):
            convert = convert or Converter(frame, size)  # the first frame decides the size, wanted or not
            if number in wanted:
                found[number] = convert(frame)
            if len(found) == len(wanted):
                break
    check_indices(path, indices, number + 1)
    return np.stack([found[int(i)] for i in indices])


def check_indices(path: str | Path, indices: Sequence[int], frames: int) -> None:
    """Raise a VideoError unless `indices` holds at least one number, all from 0 to `frames` - 1."""
    if len(indices) == 0 or min(indices) < 0:
        raise VideoError(f"{path}: frames {list(indices)[:8]} were asked for; give one or more numbers from 0")
    if (last := max(indices)) >= frames:
        raise VideoError(f"{path}: frame {last} was asked for, but only {frames} can be decoded (0 to {frames - 1})")


def iterate_frames(path: str | Path, size: int | tuple[int, int] | None = None) -> Iterator[np.ndarray]:
    """Decode every frame in turn: uint8 (H, W, 3). `size` as in read_frames."""
    convert = None
    with open_video(path) as decoded:
        for frame in decoded:
            convert = convert or Converter(frame, size)
            yield convert(frame)


def count_frames(path: str | Path) -> int:
    """How many frames can be decoded. Counted, since the header is wrong in about one file in fifty."""
    with open_video(path) as decoded:
        return sum(1 for _ in decoded)


def frame_rate(path: str | Path) -> float:
    """Frames per second as the file states them; 0 where it does not. An unchanged file is opened once."""
    return stated_rate(path, *file_version(path))


@cache
def stated_rate(path: str | Path, size: int, changed: int) -> float:
    """The frame rate of one version of a file."""
    with open_container(path) as (_, stream):
        return float(stream.average_rate or 0)


def file_version(path: str | Path) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds, which tell that a file is another now; zeros if it is gone."""
    try:
        stat = os.stat(path)
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


class FrameDecoder:
    """Frames straight from the files, the shorter side scaled to `short_side` pixels; only their number is kept."""

    def __init__(self, short_side: int):
        self.short_side = short_side
        self.counts: dict[tuple, int] = {}  # (path, size, time of change) → frames

    def count(self, path: Path) -> int:
        """Frames in the file."""
        key = (path, *file_version(path))
        if key not in self.counts:
            self.counts[key] = count_frames(path)
        return self.counts[key]

    def read(self, path: Path, indices: Sequence[int]) -> np.ndarray:
        """Decode these frames."""
        return read_frames(path, indices, self.short_side)


class Scaler(threading.local):
    """FFmpeg's scaler, one a thread, kept between files: to set one up takes a good part of the time of a frame."""

    def __init__(self):
        self.reformatter = VideoReformatter()


SCALER = Scaler()


class Converter:
    """Turns decoded frames into RGB arrays of one size."""

    def __init__(self, first: av.VideoFrame, size: int | tuple[int, int] | None):
        if isinstance(size, int):
            scale = size / min(first.height, first.width)
            size = (round(first.height * scale), round(first.width * scale))
        self.height, self.width = size or (first.height, first.width)
        if min(self.height, self.width) < 1:
            raise InputError(f"frames cannot be {self.height}×{self.width} pixels; give a size of 1 or more")

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """Return uint8 (height, width, 3)."""
        options = {"format": "rgb24", "interpolation": "BILINEAR", "threads": 1}  # loaders run a process a core already
        return SCALER.reformatter.reformat(frame, self.width, self.height, **options).to_ndarray()


@contextmanager
def open_container(path: str | Path) -> Iterator[tuple]:
    """Open a file and find its video stream; whatever goes wrong becomes a VideoError."""
    if not Path(path).is_file():
        raise VideoError(f"{path}: no such video file")
    try:
        container = av.open(whole_path(path), metadata_errors="ignore")
    except (av.error.FFmpegError, UnicodeDecodeError) as error:
        raise VideoError(f"{path}: not a video that can be opened ({reason(error)})") from error
    with container:
        kinds = {stream.type for stream in container.streams} if container.format.name != "tty" else {"text"}
        if "video" not in kinds:  # FFmpeg would draw the text
            raise VideoError(f"{path}: holds no video, only {', '.join(sorted(kinds)) or 'a header'}")
        if container.streams.video[0].codec_context is None:
            raise VideoError(f"{path}: compressed in a way that this FFmpeg does not know")
        yield container, container.streams.video[0]


@contextmanager
def open_video(path: str | Path) -> Iterator[Iterator[av.VideoFrame]]:
    """Open a file for decoding. Damage in the middle ends the frames there; those before it are kept."""

    def decode(container, stream) -> Iterator[av.VideoFrame]:
        frame = None
        with suppress(av.error.FFmpegError, UnicodeDecodeError):
            for frame in container.decode(stream):
                yield frame
        if frame is None:
            raise VideoError(f"{path}: no frame can be decoded; is the file damaged?")

    with open_container(path) as (container, stream):
        stream.codec_context.thread_count = 1  # as for scaling
        yield decode(container, stream)


def whole_path(path: str | Path) -> str:
    """The path from the root: FFmpeg takes a relative one with a colon in it for an address."""
    return str(Path(path).absolute())


def reason(error: Exception) -> str:
    """The library's own words, without the path that it repeats."""
    return getattr(error, "strerror", None) or type(error).__name__


def write_video(path: str | Path, frames: np.ndarray, fps: float = 25, codec: str = "mjpeg", **options: str) -> None:
    """Write uint8 (T, H, W, 3) frames to a video file; `options` go to the encoder.

    The default, Motion JPEG of one fixed quality, compresses every frame by itself: a clip and its reversal hold
    exactly the same frames.
    """
    _, height, width, _ = frames.shape
    options = {"qmin": "3", "qmax": "3"} | options
    with av.open(whole_path(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001), options=options)
        stream.height, stream.width = height, width
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
