"""From videos to clips: which frames of which video, and which square of them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from r2p1d_edu.errors import InputError
from r2p1d_edu.video.clips import (
    EvaluationClips,
    Sampling,
    TrainingClips,
    Video,
    centre_crop,
    clip_indices,
    even_starts,
    last_start,
    random_crop,
    resize_for,
)


class Numbers:
    """A source without files: every pixel of frame i is i, every video has `length` frames."""

    def __init__(self, length, height=8, width=10):
        self.length, self.shape = length, (height, width, 3)

    def count(self, path):
        return self.length

    def read(self, path, indices):
        assert 0 <= min(indices) <= max(indices) < self.length
        return np.stack([np.full(self.shape, i, np.uint8) for i in indices])


VIDEOS = [Video(Path(f"{i}.avi"), i % 3, f"group {i}") for i in range(7)]


def seen(clip):
    """The frame numbers of a clip of Numbers."""
    return clip[:, 0, 0, 0].tolist()


# Which frames


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((0, 4, 1, 16), [0, 1, 2, 3]),
        ((5, 4, 2, 16), [5, 7, 9, 11]),
        ((12, 4, 1, 16), [12, 13, 14, 15]),
        ((0, 6, 1, 4), [0, 1, 2, 3, 3, 3]),  # too short: the last frame repeats
        ((0, 4, 3, 8), [0, 3, 6, 7]),
        ((0, 3, 1, 1), [0, 0, 0]),
    ],
)
def test_the_frames_of_a_clip(arguments, expected):
    assert clip_indices(*arguments) == expected


some = st.integers(1, 60)


@given(frames=some, stride=some, length=st.integers(1, 300), start=st.integers(0, 300))
def test_clips_fit_into_their_video(frames, stride, length, start):
    fits = [start for start in range(length) if start + (frames - 1) * stride < length]
    assert last_start(frames, stride, length) == max(fits, default=0)
    indices = clip_indices(min(start, last_start(frames, stride, length)), frames, stride, length)
    assert len(indices) == frames
    assert 0 <= indices[0] <= indices[-1] < length
    assert np.diff(indices).tolist() == [stride] * (frames - 1) or not fits


@given(frames=some, stride=some, length=st.integers(1, 300), clips=st.integers(2, 60))
def test_even_clips_include_the_first_and_the_last_frame(frames, stride, length, clips):
    starts = even_starts(frames, stride, length, clips)
    assert len(starts) == clips
    assert starts[0] == 0
    assert clip_indices(starts[-1], frames, stride, length)[-1] == length - 1
    gaps = np.diff(starts)
    assert 0 <= gaps.min() <= gaps.max() <= gaps.min() + 1  # even, up to rounding


def test_one_clip_sits_in_the_middle():
    assert even_starts(8, 1, 40, 1) == [16]
    assert even_starts(8, 1, 8, 1) == even_starts(8, 1, 3, 1) == [0]
    assert even_starts(8, 1, 5, 3) == [0, 0, 0]


def test_the_shorter_side_before_the_crop():
    assert resize_for(112) == 128  # the paper, section 4.1
    assert resize_for(56) == 64


# Which square


def places(height, width):
    """A clip whose every pixel says where it is: (3, H, W, 3) with (row, column, frame)."""
    frame, row, column = np.meshgrid(range(3), range(height), range(width), indexing="ij")
    return np.stack([row, column, frame], -1).astype(np.uint8)


def test_random_crops_are_one_square_that_comes_to_every_place():
    clip, rng, corners, mirrored = places(9, 12), np.random.default_rng(0), set(), 0
    for _ in range(400):
        cut = random_crop(clip, 5, flip=True, rng=rng)
        assert cut.shape == (3, 5, 5, 3)
        if cut[0, 0, 0, 1] > cut[0, 0, 1, 1]:
            mirrored += 1
            cut = cut[:, :, ::-1]
        top, left, _ = cut[0, 0, 0]
        assert np.array_equal(cut, clip[:, top : top + 5, left : left + 5])  # the same square of every frame
        corners.add((top, left))
    assert corners == {(top, left) for top in range(5) for left in range(8)}
    assert 160 < mirrored < 240  # 200 expected; 40 is four standard deviations


def test_no_flip_unless_asked_for():
    clip, rng = places(9, 12), np.random.default_rng(0)
    assert all(np.diff(random_crop(clip, 5, flip=False, rng=rng)[0, 0, :, 1]).min() == 1 for _ in range(50))


@pytest.mark.parametrize(
    ("height", "width", "size", "corner"), [(9, 13, 5, (2, 4)), (8, 8, 8, (0, 0)), (6, 9, 3, (1, 3))]
)
def test_centre_crop(height, width, size, corner):
    cut = centre_crop(places(height, width), size)
    assert cut.shape == (3, size, size, 3)
    assert tuple(cut[0, 0, 0, :2]) == corner


@pytest.mark.parametrize("size", [0, 9, 20])
def test_a_crop_must_fit(size):
    for crop in (lambda clip: centre_crop(clip, size), lambda clip: random_crop(clip, size, True, None)):
        with pytest.raises(InputError, match=f"cannot cut {size}×{size} pixels out of frames of 8×10"):
            crop(places(8, 10))


# Datasets


def test_training_clips_start_anywhere_and_run_forwards():
    clips = TrainingClips(VIDEOS, Numbers(12), Sampling(4, 2, 5))
    starts = set()
    for epoch in range(100):
        clip, label = clips[epoch, 4]
        assert label == 1
        assert clip.shape == (4, 5, 5, 3)
        assert clip.dtype == torch.uint8
        assert np.diff(seen(clip)).tolist() == [2, 2, 2]
        starts.add(seen(clip)[0])
    assert starts == set(range(6))
    assert len(clips) == 7


def test_a_square_of_one_pixel_can_be_mirrored():
    """NumPy takes it for contiguous, though it is read backwards; PyTorch does not."""
    clips = TrainingClips(VIDEOS, Numbers(12, 1, 1), Sampling(4, 1, 1))
    assert {tuple(clips[epoch, 0][0].shape) for epoch in range(9)} == {(4, 1, 1, 3)}


@pytest.mark.parametrize("length", [1, 3])
def test_videos_that_are_too_short_for_a_clip(length):
    expected = [min(i, length - 1) for i in range(6)]
    clip, _ = TrainingClips(VIDEOS, Numbers(length), Sampling(6, 1, 8))[0, 0]
    assert seen(clip) == expected
    clips = EvaluationClips(VIDEOS, Numbers(length), Sampling(6, 1, 8), clips_per_video=3)
    assert [seen(clips[i][0]) for i in range(3)] == [expected] * 3


def drawn(seed, epoch, number):
    """A clip whose frames and pixels tell every choice that was made for it."""

    class Places(Numbers):
        def read(self, path, indices):
            return np.stack([places(20, 30)[0] + np.uint8([0, 0, i]) for i in indices])

    clip, _ = TrainingClips(VIDEOS, Places(200), Sampling(2, 1, 5), seed=seed)[epoch, number]
    return clip.numpy().tobytes()


def test_a_clip_depends_on_seed_epoch_and_number_and_nothing_else():
    keys = [(seed, epoch, number) for seed in range(3) for epoch in range(3) for number in range(3)]
    first = {key: drawn(*key) for key in keys}
    assert {key: drawn(*key) for key in reversed(keys)} == first
    assert len(set(first.values())) == len(keys)


def test_evaluation_goes_video_by_video():
    clips = EvaluationClips(VIDEOS, Numbers(20), Sampling(4, 1, 6), clips_per_video=3)
    assert len(clips) == 21
    assert [clips[i][1] for i in range(21)] == [video.label for video in VIDEOS for _ in range(3)]
    assert [seen(clips[i][0]) for i in (3, 4, 5)] == [[0, 1, 2, 3], [8, 9, 10, 11], [16, 17, 18, 19]]
    with pytest.raises(InputError, match="clips per video is 0"):
        EvaluationClips(VIDEOS, Numbers(20), Sampling(4, 1, 6), clips_per_video=0)
