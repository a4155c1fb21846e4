"""Videos that say which frame is which: the frame's number is painted in, in blocks that survive compression."""

import os
from pathlib import Path

import av
import numpy as np
import pytest

from r2p1d_edu.video.decode import write_video

# file name → codec, encoder's options and what it is there for
KINDS = {
    "b_frames.mp4": ("libx264", {"bf": "3", "g": "12"}),
    "sparse_keys.mp4": ("libx264", {"bf": "3", "g": "250"}),
    "b_frames.avi": ("mpeg4", {"bf": "2", "g": "12"}),
    "sparse_keys.mkv": ("mpeg4", {"bf": "2", "g": "300"}),
    "b_frames.mpg": ("mpeg2video", {"bf": "2", "g": "12"}),
    "only_keys.avi": ("mjpeg", {}),
}


def numbered(frames: int, height: int = 64, width: int = 96, first: int = 0) -> np.ndarray:
    """uint8 (T, H, W, 3): the number of each frame, from `first`, as eight black or white blocks, 2 rows of 4."""
    numbers = first + np.arange(frames)
    bits = numbers[:, None] >> np.arange(8) & 1
    blocks = np.where(bits, 220, 30).astype(np.uint8).reshape(frames, 2, 4)
    return np.repeat(blocks.repeat(height // 2, 1).repeat(width // 4, 2)[..., None], 3, 3)


def numbers(frames: np.ndarray) -> list[int]:
    """Read the numbers back from frames of any size, looking at the middle of each block."""
    _, height, width, _ = frames.shape
    rows, columns = [height // 4, height - height // 4 - 1], [round(width * (i + 0.5) / 4) for i in range(4)]
    bits = frames[:, rows][:, :, columns].mean(3).reshape(len(frames), 8) > 125
    return (bits << np.arange(8)).sum(1).tolist()


def write(path: Path, frames: np.ndarray, codec: str, **options: str) -> Path:
    """Write a video of this codec, or skip the test where there is no encoder for it."""
    try:
        av.codec.Codec(codec, "w")
    except ValueError:
        pytest.skip(f"this PyAV cannot encode {codec}")
    if codec == "libx264":  # its own scale of quality
        options = {"qmin": "0", "qmax": "69"} | options
    write_video(path, frames, codec=codec, **options)
    return path


def write_kind(folder: Path, name: str, frames: int) -> Path:
    """Write a numbered video of one of KINDS."""
    codec, options = KINDS[name]
    return write(folder / name, numbered(frames), codec, **options)


def decode_all(path: Path) -> list[av.VideoFrame]:
    """Every frame in turn, by PyAV and nothing of ours."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def packets(path: Path) -> list[bytes]:
    """The compressed frames, in the order in which the file holds them."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0)][:-1]  # the last one only marks the end


def ucf101() -> Path:
    """The folder of real UCF101 clips that R2P1D_UCF101 names, with videos/ and ucfTrainTestlist/; or a skip."""
    folder = os.environ.get("R2P1D_UCF101")
    if not folder:
        pytest.skip("no real clips: R2P1D_UCF101 names no folder with videos/ and ucfTrainTestlist/")
    return Path(folder)
