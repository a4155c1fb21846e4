"""Frames out of a video file, and a video file out of frames.

Frames are counted in the order in which the decoder hands them out. Time stamps are not used: in about one real file
in seven they are shuffled, and a seek by time then returns other frames than those asked for.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from fractions import Fraction
from functools import cache, wraps
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from r2p1d_edu.errors import InputError

MAX_PIXELS = 8192 * 4320  # of a frame, stored or asked for: 8K; 35 bytes can claim a picture of a gigabyte


class VideoError(InputError):
    """A file that gives no frames; the message names it and says why."""


def read_frames(path: str | Path, indices: Sequence[int], size: int | tuple[int, int] | None = None) -> np.ndarray:
    """Decode the frames with these numbers, in this order: uint8 (T, H, W, 3), red-green-blue.

    Only the frames asked for are converted to RGB and scaled, which is where the time goes. A number may come twice.
    Frames stand upright: a phone stores how it was held, and as FFmpeg does, they are turned (by quarter turns) and
    mirrored as the first frame's display matrix says.

    Args:
        indices: frame numbers from 0, in decode order.
        size: (height, width), or the length of the shorter side with the shape kept, or None for the stored size.

    Raises:
        VideoError: no such file, no video in it, or no such frame.
        InputError: an impossible size, or more than fits into memory.
    """
    wanted, found, convert = {int(i) for i in indices}, {}, None
    try:
        with closing(decoded_frames(path)) as decoded:
            for number, frame in enumerate(decoded):
                convert = convert or Converter(frame, size)  # the first frame decides, wanted or not
                if number in wanted:
                    found[number] = convert(frame)
                if len(found) == len(wanted):
                    break
        check_indices(path, indices, number + 1)
        return np.stack([found[int(i)] for i in indices])
    except MemoryError as error:
        raise InputError(
            f"{path}: {len(indices)} frames do not fit into memory; ask for fewer at a time, or for smaller ones"
        ) from error


def check_indices(path: str | Path, indices: Sequence[int], frames: int) -> None:
    """Raise a VideoError unless `indices` holds at least one number, all from 0 to `frames` - 1."""
    if len(indices) == 0 or min(indices) < 0:
        raise VideoError(f"{path}: frames {list(indices)[:8]} were asked for; give one or more numbers from 0")
    if (last := max(indices)) >= frames:
        raise VideoError(f"{path}: frame {last} was asked for, but only {frames} can be decoded (0 to {frames - 1})")


def iterate_frames(path: str | Path, size: int | tuple[int, int] | None = None) -> Iterator[np.ndarray]:
    """Decode every frame in turn: uint8 (H, W, 3). `size` as in read_frames."""
    convert = None
    with closing(decoded_frames(path)) as decoded:
        for frame in decoded:
            convert = convert or Converter(frame, size)
            yield convert(frame)


def count_frames(path: str | Path) -> int:
    """How many frames can be decoded. Counted, since the header is wrong in about one file in fifty."""
    return sum(1 for _ in decoded_frames(path))


def file_version(path: str | Path) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds, which tell that a file is another now; zeros if it is gone."""
    try:
        stat = os.stat(path)
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def once_a_version(ask: Callable) -> Callable:
    """A function of a path that opens a file again only when it has changed."""
    remembered = cache(lambda path, *version: ask(path))
    return wraps(ask)(lambda path: remembered(path, *file_version(path)))


@once_a_version
def frame_rate(path: str | Path) -> float:
    """Frames per second as the file states them; 0 where it does not."""
    with open_container(path) as (_, stream):
        return float(stream.average_rate or 0)


class FrameDecoder:
    """Frames straight from the files, the shorter side scaled to `short_side` pixels; only their number is kept."""

    count = staticmethod(once_a_version(count_frames))

    def __init__(self, short_side: int):
        self.short_side = short_side

    def read(self, path: Path, indices: Sequence[int]) -> np.ndarray:
        """Decode these frames."""
        return read_frames(path, indices, self.short_side)


class Scaler(threading.local):
    """FFmpeg's scaler, one a thread, kept between files: to set one up takes a good part of the time of a frame."""

    def __init__(self):
        self.reformatter = VideoReformatter()


SCALER = Scaler()


class Converter:
    """Turns decoded frames into upright RGB arrays of one size."""

    def __init__(self, first: av.VideoFrame, size: int | tuple[int, int] | None):
        matrix = first.side_data.get("DISPLAYMATRIX")  # x' = a x + c y and y' = b x + d y, for a quarter turn a = d = 0
        a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist() if matrix else (1, 0, 0, 0, 1)
        self.turned = abs(a) < abs(b)
        across, down = (c, b) if self.turned else (a, d)
        self.mirror = np.s_[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]
        shape = (first.width, first.height) if self.turned else (first.height, first.width)
        if isinstance(size, int):
            scale = min(size, MAX_PIXELS) / min(shape)
            size = [round(side * scale) for side in shape]
        height, width = size or shape
        if min(height, width) < 1 or height * width > MAX_PIXELS:
            raise InputError(f"frames cannot be {height}×{width} pixels; give a size of 1 or more, 8192×4320 at most")
        self.stored = (height, width) if self.turned else (width, height)  # (width, height) before it is turned

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """Return uint8 (height, width, 3)."""
        options = {"format": "rgb24", "interpolation": "BILINEAR", "threads": 1}  # loaders run a process a core already
        picture = SCALER.reformatter.reformat(frame, *self.stored, **options).to_ndarray()
        return (picture.swapaxes(0, 1) if self.turned else picture)[self.mirror]


@contextmanager
def open_container(path: str | Path) -> Iterator[tuple]:
    """Open a file and find its video stream; whatever goes wrong becomes a VideoError.

    FFmpeg is given the open file and no right to open another: a list of files in the guise of a video gives nothing.
    """
    if not os.path.isfile(path):
        raise VideoError(f"{path}: no such video file")
    options = {"protocol_whitelist": "none", "max_pixels": str(MAX_PIXELS)}
    try:
        with open(path, "rb") as file, av.open(file, metadata_errors="ignore", options=options) as container:
            kinds = {stream.type for stream in container.streams} if container.format.name != "tty" else {"text"}
            if "video" not in kinds:  # FFmpeg would draw the text
                raise VideoError(f"{path}: holds no video, only {', '.join(sorted(kinds)) or 'a header'}")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise VideoError(f"{path}: compressed in a way that this FFmpeg does not know")
            stream.codec_context.thread_count = 1  # as for scaling
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            yield container, stream
    except (av.error.FFmpegError, OSError, UnicodeDecodeError) as error:  # also of a disk that fails later on
        reason = getattr(error, "strerror", None) or type(error).__name__  # without the path, which it repeats
        raise VideoError(f"{path}: not a video that can be opened ({reason})") from error


def decoded_frames(path: str | Path) -> Iterator[av.VideoFrame]:
    """Every frame in turn. Damage in the middle ends them there; those that the decoder still holds come before."""
    frame = None
    with open_container(path) as (container, stream):
        with suppress(av.error.FFmpegError, UnicodeDecodeError):
            for packet in container.demux(stream):
                if packet.size:  # an empty one holds no frame, and FFmpeg takes it for the end
                    for frame in packet.decode():
                        yield frame
        with suppress(av.error.FFmpegError, UnicodeDecodeError):
            for frame in stream.codec_context.decode(None):
                yield frame
    if frame is None:
        raise VideoError(f"{path}: no frame can be decoded; is the file damaged, or a frame larger than 8192×4320?")


def write_video(path: str | Path, frames: np.ndarray, fps: float = 25, codec: str = "mjpeg", **options: str) -> None:
    """Write uint8 (T, H, W, 3) frames to a video file; `options` go to the encoder.

    The default, Motion JPEG of one fixed quality, compresses every frame by itself: a clip and its reversal hold
    exactly the same frames.
    """
    _, height, width, _ = frames.shape
    options = {"qmin": "3", "qmax": "3"} | options
    with av.open(str(Path(path).absolute()), "w") as container:  # a relative path with a colon would be an address
        stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001), options=options)
        stream.height, stream.width = height, width
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
