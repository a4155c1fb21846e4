"""Groups of clips cut from one video stay on one side, of the test as of validation."""

from pathlib import Path

import pytest

from r2p1d_edu.errors import InputError
from r2p1d_edu.video.clips import Video
from r2p1d_edu.video.ucf101 import group_of, hold_out_groups, refuse_leak


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
