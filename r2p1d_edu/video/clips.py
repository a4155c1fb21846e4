"""From videos to batches: which frames make a clip, which part of the picture, in which order.

Every random choice is drawn from (seed, epoch, number of the video), so a batch depends on the step alone: not on the
number of loader processes, and not on whether training was stopped and resumed in between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from r2p1d_edu.errors import InputError
from r2p1d_edu.kinetics import MEAN, STD


@dataclass(frozen=True)
class Video:
    """One labelled file. Videos of one `group` show the same scene and must stay on one side of a split."""

    path: Path
    label: int
    group: str


@dataclass(frozen=True)
class Sampling:
    """How a clip is taken from a video: `frames` frames, `stride` apart, as squares of `size`×`size` pixels."""

    frames: int
    stride: int
    size: int


def resize_for(crop: int) -> int:
    """The shorter side to scale a video to before cropping: 128 for the paper's 112 (section 4.1)."""
    return round(crop * 128 / 112)


def clip_indices(start: int, frames: int, stride: int, length: int) -> list[int]:
    """Numbers of the clip's frames; a video that is too short repeats its last frame."""
    return [min(start + i * stride, length - 1) for i in range(frames)]


def last_start(frames: int, stride: int, length: int) -> int:
    """The latest frame at which a whole clip can begin; 0 where the video is shorter than that."""
    return max(0, length - ((frames - 1) * stride + 1))


def even_starts(frames: int, stride: int, length: int, clips: int) -> list[int]:
    """Where to begin `clips` evenly spaced clips, first and last frame included; one clip sits in the middle."""
    last = last_start(frames, stride, length)
    return [last // 2] if clips == 1 else [round(x) for x in np.linspace(0, last, clips)]


def random_crop(clip: np.ndarray, size: int, flip: bool, rng: np.random.Generator) -> np.ndarray:
    """The same random square of every frame of (T, H, W, 3), mirrored half of the time if `flip`."""
    check_crop(clip, size)
    top, left = (rng.integers(side - size + 1) for side in clip.shape[1:3])
    clip = clip[:, top : top + size, left : left + size]
    return clip[:, :, ::-1] if flip and rng.random() < 0.5 else clip


def centre_crop(clip: np.ndarray, size: int) -> np.ndarray:
    """The middle square of every frame of (T, H, W, 3)."""
    check_crop(clip, size)
    top, left = ((side - size) // 2 for side in clip.shape[1:3])
    return clip[:, top : top + size, left : left + size]


def check_crop(clip: np.ndarray, size: int) -> None:
    """Raise InputError if a square of `size` does not fit into the frames of (T, H, W, 3)."""
    height, width = clip.shape[1:3]
    if not 1 <= size <= min(height, width):
        raise InputError(f"cannot cut {size}×{size} pixels out of frames of {height}×{width}; scale the video first")


class Clips(Dataset):
    """Clips of videos whose frames `source` gives: uint8 (T, size, size, 3) and the video's label."""

    def __init__(self, videos: Sequence[Video], source, sampling: Sampling):
        self.videos, self.source, self.sampling = list(videos), source, sampling

    def read(self, video: Video, start: int, length: int) -> np.ndarray:
        """The whole frames of the clip that begins there."""
        return self.source.read(video.path, clip_indices(start, self.sampling.frames, self.sampling.stride, length))

    def __getitems__(self, keys: Sequence) -> list | InputError:
        """A batch for a loader. An error comes as it is: what a worker raises has the traceback for its message."""
        try:
            return [self[key] for key in keys]
        except InputError as error:
            return error


class TrainingClips(Clips):
    """A random clip of a video a visit; the key is (epoch, number)."""

    def __init__(self, videos: Sequence[Video], source, sampling: Sampling, *, flip: bool = True, seed: int = 0):
        super().__init__(videos, source, sampling)
        self.flip, self.seed = flip, seed

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, int]:
        epoch, number = key
        video, sampling = self.videos[number], self.sampling
        rng = np.random.default_rng((self.seed, epoch, number))
        length = self.source.count(video.path)
        start = int(rng.integers(last_start(sampling.frames, sampling.stride, length) + 1))
        clip = random_crop(self.read(video, start, length), sampling.size, self.flip, rng)
        return torch.from_numpy(clip.copy()), video.label


class EvaluationClips(Clips):
    """`clips_per_video` evenly spaced centre crops of each video, video by video, in a fixed order."""

    def __init__(self, videos: Sequence[Video], source, sampling: Sampling, *, clips_per_video: int = 1):
        super().__init__(videos, source, sampling)
        if clips_per_video < 1:
            raise InputError(f"clips per video is {clips_per_video}; it must be 1 or more")
        self.clips_per_video = clips_per_video

    def __len__(self) -> int:
        return len(self.videos) * self.clips_per_video

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        number, which = divmod(index, self.clips_per_video)
        video, sampling = self.videos[number], self.sampling
        length = self.source.count(video.path)
        start = even_starts(sampling.frames, sampling.stride, length, self.clips_per_video)[which]
        clip = centre_crop(self.read(video, start, length), sampling.size)
        return torch.from_numpy(clip.copy()), video.label


class StepSampler(Sampler):
    """The keys of every training step from `first` to `last`, a list of (epoch, number) a step.

    Each epoch is a fresh shuffle. With several processes, `rank` of `world` takes its own part of each step. Fewer
    videos than a step takes are one short step an epoch, shared out evenly.
    """

    def __init__(
        self, videos: int, batch: int, *, first: int = 0, last: int, seed: int = 0, rank: int = 0, world: int = 1
    ):
        if videos < world:
            raise InputError(f"{videos} training videos cannot be shared among {world} processes; use more videos")
        self.videos, self.first, self.last, self.seed = videos, first, last, seed
        self.batch, self.rank, self.world = batch, rank, world

    @staticmethod
    def steps_per_epoch(videos: int, batch: int, world: int = 1) -> int:
        """Whole batches in a pass over the videos, at least one; what is left over waits for the next shuffle."""
        return max(1, videos // (batch * world))

    def __len__(self) -> int:
        return self.last - self.first

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        per_epoch = self.steps_per_epoch(self.videos, self.batch, self.world)
        for step in range(self.first, self.last):
            epoch, place = divmod(step, per_epoch)
            order = np.random.default_rng((self.seed, epoch)).permutation(self.videos)
            together = self.batch * self.world
            mine = order[place * together : (place + 1) * together][self.rank :: self.world]
            yield [(epoch, int(number)) for number in mine]


def collate(samples: list[tuple[Tensor, int]] | InputError) -> tuple[Tensor, Tensor] | InputError:
    """Stack to uint8 (N, 3, T, H, W), stored channels last as the frames were, and labels (N,)."""
    if isinstance(samples, InputError):
        return samples
    clips, labels = zip(*samples, strict=True)
    return torch.stack(clips).permute(0, 4, 1, 2, 3), torch.tensor(labels)


class Loader(DataLoader):
    """A DataLoader that raises the errors its workers bring."""

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for batch in super().__iter__():
            if isinstance(batch, InputError):
                raise batch
            yield batch


def make_loader(dataset: Clips, *, workers: int = 0, pin_memory: bool = False, **options) -> Loader:
    """A loader of clips. Workers are spawned: a forked copy of a running decoder or trainer can hang."""
    return Loader(
        dataset,
        generator=torch.Generator(),  # else it would draw a number that nobody uses from PyTorch's global one
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,
        collate_fn=collate,
        pin_memory=pin_memory,
        **options,
    )


def normalise(clips: Tensor) -> Tensor:
    """uint8 (N, 3, T, H, W) in 0 … 255 → float32 with Kinetics' mean and deviation taken out, on the same device."""
    rows = clips.permute(0, 2, 3, 4, 1).flatten(3).float()  # of 3·W numbers: three at a time would take longer
    mean, std = (torch.tensor(three, device=clips.device).repeat(clips.shape[4]) for three in (MEAN, STD))
    return rows.div_(255).sub_(mean).div_(std).unflatten(3, (-1, 3)).permute(0, 4, 1, 2, 3)


def differences(clips: Tensor) -> Tensor:
    """What changes: each frame of (N, 3, T, H, W) less the one before, which leaves nothing of the first."""
    before = torch.cat([clips[:, :, :1], clips[:, :, :-1]], 2)
    return clips - before
