"""What a run sees: the split that its recipe names, what a clip is, and the one source of all its frames.

Every file is opened once, before the first step, and its first frame decoded, which takes half a millisecond. A file
without a frame is left out, so the training videos, and with them the order of all batches, are settled before training
starts. A video's other frames are decoded when a clip first asks for them. A file that cannot be read any more by then,
because it was changed or removed, ends the run with its name, at the step that needed it.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from zlib import crc32

from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from r2p1d_edu.errors import InputError
from r2p1d_edu.training.recipe import Recipe
from r2p1d_edu.video.clips import Sampling, StepSampler, TrainingClips, Video, make_loader, resize_for
from r2p1d_edu.video.decode import VideoError, read_frames
from r2p1d_edu.video.frames import FrameCache, FrameDecoder
from r2p1d_edu.video.splits import load_folder
from r2p1d_edu.video.ucf101 import Split, load_split


def split_of(recipe: Recipe) -> Split:
    """The split that the recipe names: by the lists, or by groups that the file names tell.

    Raises:
        InputError: both are given, or a split that cannot be used (load_split, load_folder).
    """
    if recipe.splits and recipe.groups:
        raise InputError(f"both splits ({recipe.splits}) and groups ({recipe.groups}) are given; one decides the split")
    if recipe.groups:
        return load_folder(recipe.videos, recipe.groups, recipe.fold, recipe.classes)
    return load_split(recipe.videos, recipe.splits, recipe.fold, recipe.classes)


def sampling_of(recipe: Recipe) -> Sampling:
    """What a clip is."""
    return Sampling(recipe.frames, recipe.stride, recipe.size)


def frame_source(recipe: Recipe) -> FrameCache | FrameDecoder:
    """Where frames come from, at the size that the recipe crops from. Make one a run: it remembers what it found."""
    return (FrameCache if recipe.cache else FrameDecoder)(resize_for(recipe.size))


def leave_out_unreadable(
    split: Split, progress=iter, sides: Sequence[str] = ("train", "test")
) -> tuple[Split, list[str]]:
    """The split without the files of these sides that give no frame; a line for each of those says why.

    Raises:
        InputError: nothing is left of a class.
    """
    problems = {}  # video → why
    for video in progress([video for side in sides for video in getattr(split, side)]):
        try:
            read_frames(video.path, [0])
        except VideoError as error:
            problems[video] = str(error)
    left = {side: tuple(video for video in getattr(split, side) if video not in problems) for side in sides}
    for side, videos in left.items():
        labels = {video.label for video in videos}
        for video in getattr(split, side):
            if video.label not in labels:
                name = split.classes[video.label]
                raise InputError(f"no {side} video of {name} can be read; the first: {problems[video]}")
    return replace(split, **left), list(problems.values())


def training_loader(
    recipe: Recipe, videos: Sequence[Video], source: FrameCache | FrameDecoder, fabric: Fabric, first: int, last: int
) -> DataLoader:
    """The batches of steps first + 1 to last, uint8 (N, 3, T, H, W) and labels (N,): this process's share of each."""
    steps = StepSampler(
        len(videos),
        recipe.batch,
        first=first,
        last=last,
        seed=recipe.seed,
        rank=fabric.global_rank,
        world=fabric.world_size,
    )
    clips = TrainingClips(videos, source, sampling_of(recipe), flip=recipe.flip, seed=recipe.seed)
    return make_loader(clips, batch_sampler=steps, workers=recipe.workers, pin_memory=fabric.device.type == "cuda")


def fingerprint(videos: Sequence[Video]) -> str:
    """How many videos, and eight digits that change when others take their place."""
    names = "\n".join(video.path.name for video in videos)
    return f"{len(videos)} (checksum {crc32(os.fsencode(names)):08x})"
