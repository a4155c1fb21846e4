"""Splits that nobody published: folds of a folder of your own, and a leaky one that shows why groups matter."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from r2p1d_edu.errors import InputError, check_choice
from r2p1d_edu.video.clips import Video
from r2p1d_edu.video.ucf101 import Split, choose_classes, refuse_leak

FOLDS = 3
EXTENSIONS = {".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".ts", ".webm", ".wmv"}
EXAMPLE = r"_g(?P<group>\d+)_"  # takes 07 out of v_Archery_g07_c02.avi


def load_folder(videos: str | Path, groups: str, fold: int = 1, classes: Sequence[str] | None = None) -> Split:
    """Split any folder of class folders by groups that the file names tell.

    Files with the same text for `group` are one group, in whichever class, and no group is on both sides. Its three
    folds are each about a third of the groups; the test videos of the folds do not overlap.

    Args:
        videos: the folder of class folders; files without a video's extension are passed over,
            and what has it but cannot be read is left out, and named, by training.
        groups: a regular expression, sought in the file name, with a part `(?P<group>…)`.
        fold: 1, 2 or 3.
        classes: the classes to use; by default every folder with videos.

    Raises:
        InputError: no such folder or class, an expression that is none or that a file does not match, or a class
            with too few groups to have some on either side of each fold.
    """
    videos, pattern = Path(videos), compile_groups(groups)
    check_choice(fold, range(1, FOLDS + 1), "fold")
    if not os.path.isdir(videos):
        raise InputError(f"{videos}: no such folder; expected one folder a class")
    folders = sorted(name for name in os.listdir(videos) if os.path.isdir(videos / name) and name[0] != ".")
    files = {name: names for name in folders if (names := video_names(videos / name))}
    labels = choose_classes(videos, list(files), classes)
    found = []
    for name, label in labels.items():
        for file in files[name]:
            if (match := pattern.search(file)) is None or not match["group"]:
                raise InputError(
                    f"{videos / name / file}: its name has no group by the pattern {groups!r}; change either"
                )
            found.append(Video(videos / name / file, label, match["group"]))
    folds = deal_groups(found)
    train, test = ([v for v in found if (folds[v.group] == fold) == tested] for tested in (False, True))
    for name, label in labels.items():
        own = sorted({video.group for video in found if video.label == label})
        if len({folds[group] for group in own}) < FOLDS:
            raise InputError(
                f"{videos / name}: {len(own)} groups ({', '.join(own[:3])}) are too few for {FOLDS} folds; "
                "give the class more videos of other groups, or a pattern that tells more groups apart"
            )
    refuse_leak(train, test)
    return Split(tuple(train), tuple(test), tuple(labels), f"{videos.name} grouped by name, fold {fold}")


def compile_groups(groups: str) -> re.Pattern:
    """The expression, or an InputError that says what is wrong with it."""
    try:
        pattern = re.compile(groups)
    except re.error as error:
        raise InputError(f"{groups!r} is not a regular expression ({error}); an example: {EXAMPLE}") from error
    if "group" not in pattern.groupindex:
        raise InputError(f"{groups!r} does not say which part is the group; write it like {EXAMPLE}")
    return pattern


def video_names(folder: Path) -> list[str]:
    """The names in it with a video's extension, sorted; hidden ones and folders are not for us.

    A link to nowhere, or to itself, is named here all the same: whoever reads it says that it cannot be read.
    """
    names = [name for name in os.listdir(folder) if Path(name).suffix.lower() in EXTENSIONS and name[0] != "."]
    return sorted(name for name in names if not os.path.isdir(folder / name))


def deal_groups(videos: Sequence[Video]) -> dict[str, int]:
    """Group → fold, from 1: the largest group first, each where its classes have the smallest share so far."""
    members = {group: Counter() for group in sorted({video.group for video in videos})}
    for video in videos:
        members[video.group][video.label] += 1
    totals = Counter(video.label for video in videos)
    folds, dealt = {}, {fold: Counter() for fold in range(1, FOLDS + 1)}
    for group, own in sorted(members.items(), key=lambda item: -item[1].total()):
        shares = {
            fold: sum(there[label] * own[label] / totals[label] for label in own) for fold, there in dealt.items()
        }
        folds[group] = min(shares, key=shares.get)
        dealt[folds[group]].update(own)
    return folds


def leaky_split(split: Split, seed: int = 0) -> Split:
    """The same videos and, class by class, as many on either side, but dealt at random without regard to groups.

    For showing the harm only: clips cut from one recording are then on both sides, and a network that knows the
    place again is counted as one that knows the action.
    """
    rng = np.random.default_rng(seed)
    train, test = [], []
    for label in range(len(split.classes)):
        kept = sum(video.label == label for video in split.train)
        pool = sorted((v for v in (*split.train, *split.test) if v.label == label), key=lambda video: str(video.path))
        order = rng.permutation(len(pool))
        train += [pool[i] for i in sorted(order[:kept])]
        test += [pool[i] for i in sorted(order[kept:])]
    return replace(split, train=tuple(train), test=tuple(test), title=f"{split.title}, leaky")
