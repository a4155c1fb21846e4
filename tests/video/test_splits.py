"""Folds of any folder of class folders, and a split that leaks on purpose."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from r2p1d_edu.errors import InputError
from r2p1d_edu.video.clips import Video
from r2p1d_edu.video.splits import EXAMPLE, FOLDS, deal_groups, leaky_split, load_folder
from r2p1d_edu.video.ucf101 import group_of, hold_out_groups, load_split, refuse_leak


def fill(folder, files):
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return folder


def refusal(*arguments, **options) -> str:
    with pytest.raises(InputError) as caught:
        load_folder(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def people(tmp_path):
    """Seven people, each filmed in two of three classes at least: a person is a group over all classes."""
    files = [
        f"{name}/{person}-{name}-{take}.MP4"
        for name, everyone in (("jump", "abcdefg"), ("run", "abcdef"), ("walk", "bcdefg"))
        for person in everyone
        for take in range(2 + (person == "c"))
    ]
    return fill(tmp_path / "mine", [*files, "run/notes.txt", "run/.hidden.mp4", "empty/readme.md", ".git/x.mp4"])


PERSON = r"^(?P<group>[a-z])-"


@pytest.mark.parametrize("fold", [1, 2, 3])
def test_a_folder_of_ones_own(people, fold):
    split = load_folder(people, PERSON, fold)
    assert split.classes == ("jump", "run", "walk")
    assert split.title == f"mine grouped by name, fold {fold}"
    assert len(split.train) + len(split.test) == (7 + 6 + 6) * 2 + 3
    assert not {video.group for video in split.train} & {video.group for video in split.test}
    for side in (split.train, split.test):
        assert {video.label for video in side} == {0, 1, 2}
        for video in side:
            assert video.path.parent.name == split.classes[video.label]
            assert video.group == video.path.name[0]
    assert 2 <= len({video.group for video in split.test}) <= 3


def test_every_video_is_tested_in_one_fold(people):
    tested = Counter(video for fold in (1, 2, 3) for video in load_folder(people, PERSON, fold).test)
    assert set(tested.values()) == {1}
    assert len(tested) == 41
    assert load_folder(people, PERSON, 2) == load_folder(people, PERSON, 2)


def test_folds_are_even_within_each_class(tmp_path):
    """Twenty-five groups of different sizes a class, as in UCF101: a third of each class is tested, give or take."""
    rng = np.random.default_rng(0)
    files = [
        f"{name}/v_{name}_g{group:02d}_c{clip:02d}.avi"
        for name in ("A", "B", "C", "D")
        for group in range(1, 26)
        for clip in range(rng.integers(4, 8))
    ]
    fill(tmp_path, files)
    for pattern in (EXAMPLE, r"^(?P<group>v_\w+_g\d+)"):
        for fold in (1, 2, 3):
            split = load_folder(tmp_path, pattern, fold)
            every = Counter(video.label for video in (*split.train, *split.test))
            tested = Counter(video.label for video in split.test)
            assert all(0.26 < tested[label] / every[label] < 0.40 for label in range(4))


def test_large_groups_are_dealt_first(tmp_path):
    """Nine groups of one video and two of three: five videos a fold, not six, six and three."""
    sizes = dict.fromkeys("abcdefghi", 1) | {"y": 3, "z": 3}
    fill(tmp_path, [f"{name}/{group}-{i}.avi" for name in "JK" for group, size in sizes.items() for i in range(size)])
    assert [len(load_folder(tmp_path, PERSON, fold).test) for fold in (1, 2, 3)] == [10, 10, 10]


def test_as_few_groups_as_there_are_folds(tmp_path):
    fill(tmp_path, [f"{name}/{name}{group}.avi" for name in "xyz" for group in (1, 2, 3)])
    for fold in (1, 2, 3):
        split = load_folder(tmp_path, r"(?P<group>.+)\.", fold, classes=["z", "x"])
        assert split.classes == ("x", "z")
        assert (len(split.train), len(split.test)) == (4, 2)


# What is refused


def test_a_file_without_a_group_is_named_and_the_pattern_shown(people):
    fill(people, ["run/9.mp4"])
    said = refusal(people, PERSON)
    assert said.startswith(f"{people / 'run' / '9.mp4'}: its name has no group by the pattern {PERSON!r}")
    assert "run/9.mp4" in refusal(people, r"^(?P<group>[a-z]*)").replace("\\", "/")  # an empty group is none
    assert load_folder(people, PERSON, classes=["jump", "walk"]).classes == ("jump", "walk")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("(", "is not a regular expression"), (r"_g\d+", "which part is the group"), (r"_g(\d+)", "which part is")],
)
def test_a_pattern_that_cannot_be_used(people, pattern, expected):
    said = refusal(people, pattern)
    assert expected in said
    assert EXAMPLE in said


def test_too_little_to_split(people, tmp_path):
    assert "no such folder" in refusal(tmp_path / "no", PERSON)
    assert "unknown class" in refusal(people, PERSON, classes=["jump", "empty"])
    assert "unknown fold 4" in refusal(people, PERSON, 4)
    assert "1 classes with a folder of videos here" in refusal(people, PERSON, classes=["jump"])
    fill(people, ["sit/a-1.avi", "sit/b-1.avi"])
    said = refusal(people, PERSON)
    assert said.startswith(f"{people / 'sit'}: 2 groups (a, b) are too few for 3 folds")


def test_links_and_pipes_with_a_video_s_name_are_listed_for_training_to_name(people):
    """A loop of links stopped everything; other things that are no files were passed over without a word."""
    odd = [people / "run" / f"{letter}-run-9.mp4" for letter in "abc"]
    odd[0].symlink_to(odd[0])
    odd[1].symlink_to("nowhere")
    os.mkfifo(odd[2])
    (people / "run" / "d-run-9.mp4").mkdir()
    (people / "loop").symlink_to("loop")
    split = load_folder(people, PERSON)
    assert split.classes == ("jump", "run", "walk")
    assert {video.path for video in (*split.train, *split.test) if "9" in video.path.name} == set(odd)


# Groups on one side


def test_the_same_group_number_of_two_classes_is_no_leak():
    one, other = (
        Video(Path(path), i, group_of(path)) for i, path in enumerate(("v_Rowing_g04_c01.avi", "v_YoYo_g04_c01.avi"))
    )
    refuse_leak([one], [other])
    with pytest.raises(InputError, match="rowing/04"):
        refuse_leak([one], [one, other])


# Validation groups


def videos(groups_per_class):
    """Three videos a group."""
    return [
        Video(Path(f"{label}-{group}-{number}.avi"), label, f"{label}/{group:02d}")
        for label, groups in enumerate(groups_per_class)
        for group in range(groups)
        for number in range(3)
    ]


@pytest.mark.parametrize("fraction", [0, 0.1, 0.25, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("groups", [(18, 18, 18), (10, 4, 2), (5, 1, 1)])
def test_whole_groups_are_held_out_and_every_class_stays(fraction, groups):
    given = videos(groups)
    rest, held = hold_out_groups(given, fraction, seed=1)
    assert sorted([*rest, *held], key=given.index) == given
    assert rest == sorted(rest, key=given.index)  # the order stays, too
    assert not {video.group for video in rest} & {video.group for video in held}
    assert {video.label for video in rest} == set(range(len(groups)))
    for label, number in enumerate(groups):
        expected = min(round(fraction * number), number - 1)
        assert len({video.group for video in held if video.label == label}) == expected


def test_the_seed_chooses_the_groups():
    given = videos((18, 18))
    assert hold_out_groups(given, 0.2, seed=3) == hold_out_groups(given, 0.2, seed=3)
    assert len({tuple(hold_out_groups(given, 0.2, seed=seed)[1]) for seed in range(5)}) == 5


@pytest.mark.parametrize("fraction", [-0.1, 1, 1.5, float("nan")])
def test_impossible_fractions(fraction):
    with pytest.raises(InputError, match="it must be 0 or more and below 1"):
        hold_out_groups(videos((4, 4)), fraction)


labelled = st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abcdefghij")), min_size=1, max_size=60).map(
    lambda pairs: [Video(Path(f"{i}.avi"), label, group) for i, (label, group) in enumerate(pairs)]
)


@given(videos=labelled, fraction=st.floats(0, 1, exclude_max=True), seed=st.integers(0, 9))
def test_shared_groups_are_held_out_whole_and_no_class_is_emptied(videos, fraction, seed):
    rest, held = hold_out_groups(videos, fraction, seed)
    refuse_leak(rest, held)
    assert sorted([*rest, *held], key=videos.index) == videos
    assert {video.label for video in rest} == {video.label for video in videos}


@given(videos=labelled)
def test_each_group_is_in_one_fold(videos):
    folds = deal_groups(videos)
    assert folds.keys() == {video.group for video in videos}
    assert set(folds.values()) <= set(range(1, FOLDS + 1))


def test_a_tenth_of_shared_groups_is_a_tenth_and_not_one_for_each_class(tmp_path):
    fill(tmp_path, [f"class{number}/g{group}.avi" for number in range(10) for group in range(30)])
    train = load_folder(tmp_path, r"(?P<group>g\d+)").train
    assert {len(hold_out_groups(train, 0.1, seed)[1]) for seed in range(5)} == {2 * 10}


# A leaky split


@pytest.mark.parametrize("seed", [0, 1])
def test_a_leaky_split_differs_in_nothing_but_who_is_where(arrow_folder, seed):
    split = load_split(arrow_folder / "videos")
    leaky = leaky_split(split, seed)
    assert set(leaky.train) | set(leaky.test) == set(split.train) | set(split.test)
    assert not set(leaky.train) & set(leaky.test)
    for ours, theirs in ((leaky.train, split.train), (leaky.test, split.test)):
        assert Counter(video.label for video in ours) == Counter(video.label for video in theirs)
    assert leaky.classes == split.classes
    assert leaky.title == "arrow fold 1, leaky"
    assert leaky == leaky_split(split, seed) != leaky_split(split, seed + 1)


def test_a_leaky_split_leaks(people):
    leaky = leaky_split(load_folder(people, PERSON))
    shared = {video.group for video in leaky.train} & {video.group for video in leaky.test}
    assert len(shared) >= 5
    with pytest.raises(InputError, match="the split leaks"):
        refuse_leak(leaky.train, leaky.test)
