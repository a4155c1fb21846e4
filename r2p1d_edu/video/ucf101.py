"""UCF101 as published: class folders, split lists, and groups of clips cut from one video.

Soomro, Zamir and Shah, CRCV-TR-12-01, 2012. A clip is <Class>/v_<Class>_gGG_cCC.avi; the clips of one group show the
same people in the same place, so a group on both sides of a split lets a network recognise the place. The official
lists never do that, and a split that does is refused here. The `arrow` dataset uses the same layout.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from r2p1d_edu.errors import InputError, check_choice, is_whole
from r2p1d_edu.video.clips import Video

LISTS = "ucfTrainTestlist"
TEST_GROUPS = {1: range(1, 8), 2: range(8, 15), 3: range(15, 22)}  # of each fold, in every class
CLIP_NAME = re.compile(r"v_(?P<name>.+)_g(?P<group>\d+)_c(?P<clip>\d+)$")


@dataclass(frozen=True)
class Split:
    """Training and test videos; `classes` in label order.

    `absent` counts the files that the lists name for these classes and that are not on the disk.
    """

    train: tuple[Video, ...]
    test: tuple[Video, ...]
    classes: tuple[str, ...]
    title: str
    absent: int = 0


def load_split(
    videos: str | Path, lists: str | Path | None = None, fold: int = 1, classes: Sequence[str] | None = None
) -> Split:
    """Read an official split.

    Args:
        videos: the folder of class folders.
        lists: the folder with classInd.txt, trainlistNN.txt, testlistNN.txt; by default `ucfTrainTestlist` beside it.
        fold: 1, 2 or 3.
        classes: the classes to use; by default those of classInd.txt whose folder is there.

    Raises:
        InputError: a folder or list that is missing, an unknown class, a class without training or test videos, or
            a group on both sides.
    """
    videos = Path(videos)
    lists = Path(lists) if lists else videos.parent / LISTS
    if not is_whole(fold, 1):
        raise InputError(f"fold is {fold!r}; it must be 1, 2 or 3")
    if not os.path.isdir(videos):
        raise InputError(f"{videos}: no such folder; expected one folder a class, as in UCF101")
    if (inside := videos / "videos").is_dir() and (videos / LISTS).is_dir():
        raise InputError(f"{videos}: holds a dataset, not its class folders; did you mean {inside}?")
    known = read_class_list(lists / "classInd.txt")
    labels = choose_classes(videos, [name for name in known if os.path.isdir(videos / name)], classes)
    sides, absent = {}, 0
    for side in ("train", "test"):
        sides[side], missing = find_videos(videos, read_split_list(lists / f"{side}list{fold:02d}.txt"), labels)
        absent += len(missing)
        if name := next((n for n in labels if n not in {video.path.parent.name for video in sides[side]}), None):
            first = next((path for path in missing if path.startswith(f"{name}/")), None)
            seen = f"{first}, which the list names, is not there" if first else "the list names none"
            raise InputError(f"{videos}: class {name} has no {side} video in fold {fold}: {seen}")
    refuse_leak(sides["train"], sides["test"])
    title = f"{lists.parent.name or lists.name} fold {fold}"
    return Split(tuple(sides["train"]), tuple(sides["test"]), tuple(labels), title, absent)


def choose_classes(videos: Path, present: Sequence[str], classes: Sequence[str] | None) -> dict[str, int]:
    """Class → label of those asked for, or of all, in the order of `present`."""
    for name in classes or ():
        check_choice(name, present, f"class (of {videos})")
    chosen = [name for name in present if classes is None or name in classes]
    if len(chosen) < 2:
        raise InputError(f"{videos}: {len(chosen)} classes with a folder of videos here; at least two are needed")
    return {name: label for label, name in enumerate(chosen)}


def read_class_list(path: Path) -> dict[str, int]:
    """classInd.txt: class name → published number, 1 to 101. The order is not that of sorted folder names."""
    known = {}
    for line in read_lines(path):
        if not (match := re.fullmatch(r"(\d{1,9})\s+([^\s/\\][^/\\]*)", line, re.ASCII)):
            raise InputError(f"{path}: expected lines such as '1 ApplyEyeMakeup', found {line!r}")
        known[match[2]] = int(match[1])
    return known


def read_split_list(path: Path) -> list[str]:
    """trainlistNN.txt or testlistNN.txt: the paths <Class>/<clip>.avi. Training lists add a number, not needed here."""
    return [re.sub(r"\s+\d+$", "", line) for line in read_lines(path)]


def read_lines(path: Path) -> list[str]:
    """The lines that are not empty; Windows' line ends, as published, and its mark at the beginning are taken off."""
    if not os.path.isfile(path):
        raise InputError(
            f"{path}: no such list; expected UCF101's {LISTS} folder (give it with --splits), or a pattern that finds "
            r"the group in file names, such as --groups '_g(?P<group>\d+)_'"
        )
    lines = path.read_text("utf-8-sig", "surrogateescape").split("\n")  # the escapes are those of names on the disk
    return [line.strip() for line in lines if line.strip()]


def write_lists(folder: Path, classes: dict[str, int], paths: Sequence[str]) -> None:
    """Write lists in the published form for these clips: the published folds, as far as the clips are in them."""
    folder.mkdir()
    (folder / "classInd.txt").write_text("".join(f"{number} {name}\n" for name, number in classes.items()), "utf-8")
    groups = {path: int(CLIP_NAME.search(Path(path).stem)["group"]) for path in paths}
    for fold, tested in TEST_GROUPS.items():
        test = "".join(f"{path}\n" for path in paths if groups[path] in tested)
        train = "".join(f"{path} {classes[path.partition('/')[0]]}\n" for path in paths if groups[path] not in tested)
        (folder / f"testlist{fold:02d}.txt").write_text(test, "utf-8")
        (folder / f"trainlist{fold:02d}.txt").write_text(train, "utf-8")


def find_videos(videos: Path, listed: list[str], labels: dict[str, int]) -> tuple[list[Video], list[str]]:
    """The listed files of the chosen classes that are here, and the listed paths that are not.

    Letter case is ignored: class HandstandPushups has files called v_HandStandPushups_…, which some mirrors rename.
    """
    names = {name: {file.lower(): file for file in os.listdir(videos / name)} for name in labels}
    found, missing = [], []
    for path in listed:
        folder, _, name = path.partition("/")
        if folder in labels and (here := names[folder].get(name.lower())):
            found.append(Video(videos / folder / here, labels[folder], group_of(path)))
        elif folder in labels:
            missing.append(path)
    return found, missing


def group_of(path: str | Path) -> str:
    """The group of a clip, class and number: 'Archery/07' for …/v_Archery_g07_c02.avi."""
    match = CLIP_NAME.search(Path(path).stem)
    if match is None:
        raise InputError(f"{path}: not a UCF101 name; expected v_<Class>_gGG_cCC.avi")
    return f"{match['name'].lower()}/{int(match['group']):02d}"


def refuse_leak(train: Sequence[Video], test: Sequence[Video]) -> None:
    """Raise InputError if a group has videos on both sides, and name one."""
    shared = {video.group for video in train} & {video.group for video in test}
    if shared:
        group = min(shared)
        one, other = (next(v.path.name for v in side if v.group == group) for side in (train, test))
        raise InputError(
            f"the split leaks: {len(shared)} groups are on both sides, such as {group}, with {one} in training and "
            f"{other} in testing; keep all clips of a group on one side"
        )


def hold_out_groups(videos: Sequence[Video], fraction: float, seed: int = 0) -> tuple[list[Video], list[Video]]:
    """Set aside whole groups of each class for validation: (the rest, those set aside).

    `fraction` of the groups of each class, rounded, but never all of them. What is chosen by these
    videos is chosen without the test videos.
    """
    if not 0 <= fraction < 1:
        raise InputError(f"the fraction of groups to set aside is {fraction}; it must be 0 or more and below 1")
    rng, held = np.random.default_rng(seed), set()
    groups = {label: {v.group for v in videos if v.label == label} for label in sorted({v.label for v in videos})}
    for own in groups.values():
        number = min(round(fraction * len(own)), len(own) - 1)
        for group in rng.permutation(sorted(own)).tolist():
            enough = len(held & own) >= number
            if not enough and all(theirs - held != {group} for theirs in groups.values()):  # several may share it
                held.add(group)
    rest = [video for video in videos if video.group not in held]
    return rest, [video for video in videos if video.group in held]
