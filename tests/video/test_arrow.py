"""The embedded dataset: its layout, its theorem, and that nothing easier than the motion gives its classes away."""

import subprocess
import sys

import numpy as np
import pytest

from r2p1d_edu.errors import InputError
from r2p1d_edu.video.arrow import CLASSES, FRAMES, MOTIONS, ORDER_BLIND_CEILING, REVERSED, SIDE, draw_clip, write_arrow
from r2p1d_edu.video.clips import EvaluationClips, Sampling, Video
from r2p1d_edu.video.decode import count_frames, frame_rate, read_frames
from r2p1d_edu.video.frames import FrameDecoder
from r2p1d_edu.video.ucf101 import LISTS, TEST_GROUPS, load_split


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """One clip a group: 200 videos."""
    return write_arrow(tmp_path_factory.mktemp("data") / "arrow", clips_per_group=1)


def path_of(dataset, name, group):
    return dataset / "videos" / name / f"v_{name}_g{group:02d}_c01.avi"


def pairs():
    return [(forwards, backwards) for backwards, forwards in REVERSED.items()]


# Layout


def test_the_layout_is_ucf101s(dataset):
    assert sorted(path.name for path in dataset.iterdir()) == ["arrow.json", LISTS, "videos"]
    expected = {path_of(dataset, name, group) for name in CLASSES for group in range(1, 26)}
    assert set((dataset / "videos").rglob("*.avi")) == expected
    assert (dataset / LISTS / "classInd.txt").read_text().splitlines()[:2] == ["1 Approach", "2 Cross"]
    path = path_of(dataset, "Ring", 4)
    assert count_frames(path) == FRAMES
    assert frame_rate(path) == 25
    assert read_frames(path, [0]).shape == (1, SIDE, SIDE, 3)


def test_three_folds_without_a_leak(dataset):
    tested = []
    for fold in (1, 2, 3):
        split = load_split(dataset / "videos", fold=fold)
        assert split.classes == CLASSES
        assert split.absent == 0
        assert (len(split.train), len(split.test)) == (8 * 18, 8 * 7)
        train, test = ({video.group for video in side} for side in (split.train, split.test))
        assert not train & test
        assert len(train | test) == 8 * 25
        tested += test
    assert len(tested) == len(set(tested))  # nothing is tested in two folds


# The same seed, the same files

SCRIPT = """
import sys
from r2p1d_edu.errors import InputError
from r2p1d_edu.video import arrow
arrow.GROUPS = 1
for seed in (0, 1):
    arrow.write_arrow(f"{sys.argv[1]}/{seed}", clips_per_group=1, seed=seed)
"""


def test_the_same_seed_gives_the_same_bytes_in_another_process(dataset, tmp_path):
    subprocess.run([sys.executable, "-c", SCRIPT, tmp_path], check=True)
    for name in CLASSES:
        first, again, other = (
            path_of(root, name, 1).read_bytes() for root in (dataset, tmp_path / "0", tmp_path / "1")
        )
        assert first == again
        assert first != other


def test_every_clip_is_another():
    drawn = {draw_clip(name, group, clip, 5).tobytes() for name in CLASSES for group in (1, 2) for clip in (1, 2)}
    assert len(drawn) == 8 * 2 * 2


# The theorem


@pytest.mark.parametrize(("forwards", "backwards"), pairs())
def test_one_class_is_the_other_run_backwards(dataset, forwards, backwards):
    for group in range(1, 26):
        drawn = draw_clip(forwards, group, 1)
        assert drawn.shape == (FRAMES, SIDE, SIDE, 3)
        assert np.array_equal(drawn, draw_clip(backwards, group, 1)[::-1])
        one, other = (read_frames(path_of(dataset, name, group), range(FRAMES)) for name in (forwards, backwards))
        assert np.array_equal(one, other[::-1])  # writing has not told the direction either
        assert not np.array_equal(one, other)


def blind_features(frames):
    """A coarse picture of every frame, frames sorted, so that their order is lost: (features,)."""
    coarse = frames.reshape(len(frames), 8, SIDE // 8, 8, SIDE // 8, 3).mean((2, 4)).reshape(len(frames), -1)
    return coarse[np.lexsort(coarse.T)].ravel()


def ridge(train, labels, test, strength=100.0):
    """Linear classification by least squares: predicted labels of the test rows."""
    mean, deviation = train.mean(0), train.std(0) + 1e-9
    train, test = ((side - mean) / deviation for side in (train, test))
    weights = np.linalg.solve(train.T @ train + strength * np.eye(train.shape[1]), train.T @ np.eye(8)[labels])
    return (test @ weights + np.eye(8)[labels].mean(0)).argmax(1)


def nearest_centroid(train, labels, test):
    """The class whose mean is nearest: predicted labels of the test rows."""
    mean, deviation = train.mean(0), train.std(0) + 1e-9
    train, test = ((side - mean) / deviation for side in (train, test))
    centroids = np.stack([train[labels == label].mean(0) for label in range(8)])
    return ((test[:, None] - centroids) ** 2).sum(2).argmin(1)


def test_an_order_blind_classifier_stays_under_the_ceiling(dataset):
    """It sees the same in both classes of a pair, so it answers the same, and is right on one of the two at most."""
    split = load_split(dataset / "videos")
    sides = [
        np.stack([blind_features(read_frames(video.path, range(FRAMES))) for video in side])
        for side in (split.train, split.test)
    ]
    train, test = (np.array([video.label for video in side]) for side in (split.train, split.test))
    for side, labels in zip(sides, (train, test), strict=True):
        for forwards, backwards in pairs():
            one, other = (side[labels == CLASSES.index(name)] for name in (forwards, backwards))
            assert np.array_equal(one, other)
    for answers in (nearest_centroid(sides[0], train, sides[1]), ridge(sides[0], train, sides[1])):
        assert (answers == test).mean() <= ORDER_BLIND_CEILING == 5 / 8


@pytest.mark.parametrize("clips_per_video", [1, 10])
def test_test_clips_keep_the_symmetry(dataset, clips_per_video):
    """With the 8 frames of the default recipe, the clips of one class are those of the other run backwards."""
    videos = [Video(path_of(dataset, name, 3), 0, name) for pair in pairs() for name in pair]
    clips = EvaluationClips(videos, FrameDecoder(SIDE), Sampling(8, 1, 56), clips_per_video=clips_per_video)
    whole = np.stack([clip.numpy() for clip, _ in clips]).reshape(3, 2, clips_per_video, 8, 56, 56, 3)
    assert np.array_equal(whole[:, 0], whole[:, 1, ::-1, ::-1])


def test_the_names_say_what_happens():
    """Rows are counted from the top: what rises goes to smaller y."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        ((_, y, _, _),) = MOTIONS["Rise"](rng, FRAMES)
        assert (np.diff(y) < 0).all()
        ((_, _, radius, _),) = MOTIONS["Approach"](rng, FRAMES)
        assert (np.diff(radius) > 0).all()
        x, y = (np.stack(values) for values in list(zip(*MOTIONS["Gather"](rng, FRAMES), strict=True))[:2])
        assert (np.diff(np.hypot(x - x.mean(0), y - y.mean(0)), axis=1) < 0).all()


def test_longer_videos_show_the_same_motion_more_slowly(tmp_path):
    for name in ("Rise", "Fall", "Gather", "Cross"):
        short, long = draw_clip(name, 1, 1), draw_clip(name, 1, 1, frames=34)
        assert long.shape == (34, SIDE, SIDE, 3)
        for end in (0, -1):  # alike but for the noise of each pixel
            assert np.abs(long[end].astype(int) - short[end]).mean() < 6
    folder = write_arrow(tmp_path / "long", clips_per_group=1, frames=34)
    assert count_frames(path_of(folder, "Rise", 1)) == 34
    with pytest.raises(InputError, match="something else"):
        write_arrow(folder, clips_per_group=1)


# Nothing easier than motion


def histogram(clip, tint=0):
    """Of single channels, 32 bins each, and of colours, 4×4×4 bins: (160,), as fractions of the pixels."""
    pixels = clip.reshape(-1, 3).clip(0, 255 - tint).astype(int) + np.array([tint, 0, 0])
    single = [np.bincount(channel // 8, minlength=32) for channel in pixels.T]
    joint = np.bincount(pixels // 64 @ [16, 4, 1], minlength=64)
    return np.concatenate([*single, joint]) / len(pixels)


@pytest.fixture(scope="module")
def drawn():
    """(group, clip) of 63 clips a class, and those of every class that is not another's reversal."""
    keys = [(group, clip) for group in range(1, 22) for clip in (1, 2, 3)]
    return keys, {name: [draw_clip(name, *key) for key in keys] for name in CLASSES if name not in REVERSED}


@pytest.mark.parametrize(("tint", "least", "most"), [(0, 0.0, 0.25), (30, 0.6, 1.0)])
def test_colours_do_not_tell_the_classes(drawn, tint, least, most):
    """Chance is 1/8. The same classifiers do find a tint that says the class, so they can see colours."""
    keys, clips = drawn
    rows = np.stack(
        [
            [histogram(clip, tint * label) for clip in clips[REVERSED.get(name, name)]]  # order does not matter here
            for label, name in enumerate(CLASSES)
        ]
    )
    in_test = np.array([group in TEST_GROUPS[1] for group, _ in keys])
    train, test = rows[:, ~in_test].reshape(-1, 160), rows[:, in_test].reshape(-1, 160)
    labels = np.arange(8).repeat((~in_test).sum())
    truth = np.arange(8).repeat(in_test.sum())
    accuracies = [(classify(train, labels, test) == truth).mean() for classify in (nearest_centroid, ridge)]
    assert least <= max(accuracies) <= most
