"""Random clips out of video files, by PyAV, decord, OpenCV and TorchCodec; an epoch from files and from the cache."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.measure import ROUNDS, Table, time_interleaved
from benchmarks.peers import peer
from r2p1d_edu.errors import InputError
from r2p1d_edu.training.data import sampling_of
from r2p1d_edu.training.recipe import Recipe
from r2p1d_edu.video.clips import TrainingClips, resize_for
from r2p1d_edu.video.decode import count_frames, iterate_frames, read_frames
from r2p1d_edu.video.frames import FrameCache, FrameDecoder
from r2p1d_edu.video.ucf101 import LISTS, Split, load_split, write_lists

FRAMES, SIZE = 16, (128, 171)  # the paper's clips, section 4.1
CLIPS = 40  # of different files
Reader = Callable[[str, Sequence[int]], np.ndarray]
Clip = tuple[str, list[int]]


def bench_decode(videos: str | Path, rounds: int = ROUNDS) -> list[Table]:
    """Three tables for the videos of a UCF101-like folder: clips, an epoch, and an index of 13,320 names."""
    split = load_split(videos)
    return [clips_table(split, rounds), epoch_table(Path(videos), split, rounds), index_table(rounds)]


def clips_table(split: Split, rounds: int) -> Table:
    """Read the same random clips in every way, each frame held against a decode of the whole file.

    Raises:
        InputError: read_frames gave another frame than it was asked for.
    """
    clips = random_clips(split)
    readers = {"read_frames": partial(read_frames, size=SIZE)} | peers()
    wrong = {name: wrong_clips(reader, clips) for name, reader in readers.items()}
    if wrong["read_frames"]:
        raise InputError(f"read_frames: {wrong['read_frames'][0]}")
    seconds = time_interleaved({name: partial(read_all, reader, clips) for name, reader in readers.items()}, rounds)
    notes = [
        f"{name} is wrong in {len(found)} of {len(clips)} clips: {found[0]}" for name, found in wrong.items() if found
    ]
    return Table(
        "Decoding",
        f"{len(clips)} clips of {FRAMES} frames in a row from as many files of {split.title}, scaled to "
        f"{SIZE[0]}×{SIZE[1]}; one process, one decoding thread",
        "read_frames",
        seconds,
        {
            "ms a clip": {name: f"{1000 * taken / len(clips):.1f}" for name, taken in seconds.items()},
            "wrong clips": {name: str(len(found)) for name, found in wrong.items()},
        },
        tuple(notes) or ("Every frame that any way returned was the one asked for.",),
    )


def random_clips(split: Split) -> list[Clip]:
    """A clip at a random place of each of some files, the same in every run."""
    rng = np.random.default_rng(0)
    videos = [split.train[i] for i in rng.permutation(len(split.train))[:CLIPS]]
    clips = []
    for video in videos:
        count = count_frames(video.path)
        start = int(rng.integers(max(1, count - FRAMES + 1)))
        clips.append((str(video.path), list(range(start, min(start + FRAMES, count)))))
    return clips


def peers() -> dict[str, Reader]:
    """Each library that is installed, as a function from path and frame numbers to frames (T, H, W, 3)."""
    found = {}
    if decord := peer("decord"):

        def by_decord(path: str, indices: Sequence[int]) -> np.ndarray:
            reader = decord.VideoReader(path, width=SIZE[1], height=SIZE[0], num_threads=1)
            return reader.get_batch(indices).asnumpy()

        found["decord"] = by_decord
    if cv2 := peer("cv2"):
        cv2.setNumThreads(1)

        def by_opencv(path: str, indices: Sequence[int]) -> np.ndarray:
            video, frames = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1]), []
            for number in range(max(indices) + 1):
                video.grab()
                if number in indices:
                    frame = cv2.resize(video.retrieve()[1], SIZE[::-1], interpolation=cv2.INTER_LINEAR)
                    frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
            video.release()
            return np.stack(frames)

        found["OpenCV"] = by_opencv
    if peer("torchcodec") and peer("torchvision"):  # its way of scaling looks there
        from torchcodec.decoders import VideoDecoder
        from torchcodec.transforms import Resize

        def by_torchcodec(path: str, indices: Sequence[int]) -> np.ndarray:
            options = {"dimension_order": "NHWC", "num_ffmpeg_threads": 1, "transforms": [Resize(SIZE)]}
            return VideoDecoder(path, **options).get_frames_at(list(indices)).data.numpy()

        found["TorchCodec"] = by_torchcodec
    return found


def read_all(reader: Reader, clips: list[Clip]) -> None:
    """Read every clip; wrong_clips has said already which cannot be read."""
    for path, indices in clips:
        with suppress(RuntimeError):
            reader(path, indices)


def wrong_clips(reader: Reader, clips: list[Clip]) -> list[str]:
    """What is wrong with each clip of which it is not true that every frame returned is closest to that of its number.

    The frames of a decode of the whole file are what it is held against, by iterate_frames, whose frames the tests hold
    against PyAV's own. Libraries scale in slightly different ways, so frames are alike and not equal; where a video
    stands still, several are equally close.
    """
    wrong = []
    for path, indices in clips:
        whole = np.stack(list(iterate_frames(path, SIZE))).astype(np.int16)
        try:
            frames = reader(path, indices)
        except RuntimeError as error:
            wrong.append(f"{path}: {str(error).partition(chr(10))[0]}")
            continue
        for number, frame in zip(indices, frames, strict=True):
            distances = np.abs(whole - frame.astype(np.int16)).mean((1, 2, 3))
            if distances[number] > distances.min() + 0.1:
                wrong.append(f"{path}: frame {distances.argmin()} came for frame {number}")
                break
    return wrong


def epoch_table(videos: Path, split: Split, rounds: int) -> Table:
    """One clip of every training video, as an epoch of the default recipe reads them."""
    recipe = Recipe(videos)
    sampling = sampling_of(recipe)
    with tempfile.TemporaryDirectory() as folder:
        short_side = resize_for(recipe.size)
        sources = {"from the cache": FrameCache(short_side, Path(folder)), "decoding": FrameDecoder(short_side)}
        clips = {name: TrainingClips(split.train, source, sampling, seed=0) for name, source in sources.items()}
        ways = {name: partial(read_epoch, dataset) for name, dataset in clips.items()}
        seconds = time_interleaved(ways, rounds)
    return Table(
        "An epoch's clips",
        f"One clip of {recipe.frames} frames, {recipe.size}×{recipe.size}, of each of {len(split.train)} training "
        f"videos of {split.title}; the cache filled, the files' pages in memory",
        "from the cache",
        seconds,
    )


def read_epoch(dataset: TrainingClips) -> None:
    """Visit every video once."""
    for number in range(len(dataset)):
        dataset[0, number]


def index_table(rounds: int) -> Table:
    """Load a split of as many names as UCF101 has: 101 classes, 25 groups, 13,320 files (empty ones)."""
    with tempfile.TemporaryDirectory() as folder:
        names = [f"Class{label:03d}" for label in range(101)]
        paths = [f"{name}/v_{name}_g{g:02d}_c{c:02d}.avi" for c in range(1, 7) for g in range(1, 26) for name in names]
        paths = sorted(paths[:13_320])
        for name in names:
            Path(folder, "videos", name).mkdir(parents=True)
        for path in paths:
            Path(folder, "videos", path).touch()
        write_lists(Path(folder, LISTS), {name: label for label, name in enumerate(names, 1)}, paths)
        seconds = time_interleaved({"load_split": lambda: load_split(Path(folder, "videos"))}, rounds)
    return Table(
        "Indexing a dataset", f"{len(paths):,} files, from the lists; no file is opened", "load_split", seconds
    )
