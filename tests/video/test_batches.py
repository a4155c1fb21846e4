"""From clips to batches: the same for every number of workers, processes and interruptions."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from videos import numbered, numbers, write

from r2p1d_edu.errors import InputError
from r2p1d_edu.video.clips import (
    MEAN,
    STD,
    EvaluationClips,
    Sampling,
    StepSampler,
    TrainingClips,
    Video,
    collate,
    make_loader,
    normalise,
)
from r2p1d_edu.video.decode import FrameDecoder, VideoError
from r2p1d_edu.video.frames import FrameCache

# Batches


def test_collate_makes_clips_that_lie_channels_last():
    clips = torch.randint(256, (4, 6, 5, 7, 3), dtype=torch.uint8)
    batch, labels = collate([(clip, label) for label, clip in enumerate(clips)])
    assert batch.shape == (4, 3, 6, 5, 7)
    assert batch.dtype == torch.uint8
    assert batch.is_contiguous(memory_format=torch.channels_last_3d)
    assert torch.equal(batch[1, 2, 3], clips[1, 3, ..., 2])
    assert labels.tolist() == [0, 1, 2, 3]
    assert normalise(batch).is_contiguous(memory_format=torch.channels_last_3d)


def test_normalise_by_hand():
    clips = torch.tensor([0, 128, 255], dtype=torch.uint8).view(1, 3, 1, 1, 1).repeat(2, 1, 4, 5, 5)
    normal = normalise(clips)
    assert normal.dtype == torch.float32
    assert normal.shape == clips.shape
    for channel, value in enumerate(
        [(0 - 0.43216) / 0.22803, (128 / 255 - 0.394666) / 0.22145, (1 - 0.37645) / 0.216989]
    ):
        assert torch.allclose(normal[:, channel], torch.tensor(value), atol=1e-6)
    assert [MEAN, STD] == [(0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return [Video(write(folder / f"{i}.avi", numbered(12, first=20 * i), "mjpeg"), i, f"g{i}") for i in range(6)]


def batches(files, folder, workers):
    """Two epochs of training and one of evaluation."""
    source = FrameCache(32, folder / f"cache for {workers}")
    training = TrainingClips(files, source, Sampling(4, 1, 28), seed=3)
    steps = StepSampler(len(files), 2, last=6, seed=3)
    yield from make_loader(training, batch_sampler=steps, workers=workers)
    if not workers:  # once is enough
        evaluation = EvaluationClips(files, source, Sampling(4, 1, 28), clips_per_video=2)
        yield from make_loader(evaluation, batch_size=5)


def test_batches_are_the_same_with_and_without_workers(files, tmp_path):
    """Workers are spawned, so this holds on every system."""
    here, there = (list(batches(files, tmp_path, workers)) for workers in (0, 2))
    assert len(there) == 6
    for (clips, labels), (expected, expected_labels) in zip(there, here[:6], strict=True):
        assert torch.equal(clips, expected)
        assert torch.equal(labels, expected_labels)
        assert clips.is_contiguous(memory_format=torch.channels_last_3d)
    whole = torch.cat([labels for _, labels in here[:3]])
    assert sorted(whole.tolist()) == list(range(6))
    tested = torch.cat([labels for _, labels in here[6:]])
    assert tested.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    last = here[-1][0][-1].permute(1, 2, 3, 0).numpy()  # the last clip of the last video, its middle square
    assert numbers(np.pad(last, ((0, 0), (2, 2), (10, 10), (0, 0)), "edge")) == [108, 109, 110, 111]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_video_that_breaks_is_one_line_from_workers_too(tmp_path, workers):
    videos = [Video(tmp_path / f"{i}.avi", i, "group") for i in range(4)]
    clips = TrainingClips(videos, FrameDecoder(32), Sampling(4, 1, 28))
    with pytest.raises(VideoError) as caught:
        list(make_loader(clips, batch_sampler=StepSampler(4, 2, last=2), workers=workers))
    assert str(caught.value) in {f"{video.path}: no such video file" for video in videos}


# Steps


@given(videos=st.integers(1, 40), batch=st.integers(1, 12), world=st.integers(1, 5), seed=st.integers(0, 9))
def test_every_epoch_visits_without_repeats_and_processes_share_each_step(videos, batch, world, seed):
    """Together they do what one process with `world` times the batch does; nobody is without work."""
    assume(videos >= world)
    per_epoch = StepSampler.steps_per_epoch(videos, batch, world)
    assert per_epoch == max(1, videos // (batch * world))
    options = {"last": 3 * per_epoch, "seed": seed}
    together = list(StepSampler(videos, batch * world, **options))
    parts = [list(StepSampler(videos, batch, rank=rank, world=world, **options)) for rank in range(world)]
    for step, *mine in zip(together, *parts, strict=True):
        assert len(step) == min(videos, batch * world)
        assert sorted(visit for part in mine for visit in part) == sorted(step)
        lengths = [len(part) for part in mine]
        assert (min(lengths), max(lengths)) == (len(step) // world, math.ceil(len(step) / world))
    for epoch in range(3):
        visits = [visit for step in together[epoch * per_epoch : (epoch + 1) * per_epoch] for visit in step]
        assert {number for number, _ in visits} == {epoch}
        assert len({video for _, video in visits} & set(range(videos))) == len(visits)


def test_each_epoch_is_a_fresh_shuffle():
    steps = list(StepSampler(12, 4, last=15))
    assert len({tuple(video for step in steps[i : i + 3] for _, video in step) for i in range(0, 15, 3)}) == 5


def test_what_is_left_over_is_not_always_the_same():
    visits = [video for step in StepSampler(14, 4, last=30) for _, video in step]
    assert set(visits) == set(range(14))


def test_the_seed_decides_the_order():
    first, again, other = (list(StepSampler(50, 4, last=12, seed=seed)) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("step", [1, 3, 4, 11])
def test_a_resumed_run_goes_on_as_the_other_would_have(step):
    whole = list(StepSampler(14, 4, last=12, seed=5))
    rest = StepSampler(14, 4, first=step, last=12, seed=5)
    assert list(rest) == whole[step:]
    assert len(rest) == 12 - step


@pytest.mark.parametrize(("videos", "world"), [(0, 1), (1, 2)])
def test_a_process_without_a_video_is_refused(videos, world):
    with pytest.raises(InputError, match=f"{videos} training videos cannot be shared among {world} processes"):
        StepSampler(videos, 4, last=1, world=world)
