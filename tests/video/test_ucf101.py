"""UCF101's folders and lists with their traps, and splits that would leak."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from videos import decode_all, ucf101

from r2p1d_edu.errors import InputError
from r2p1d_edu.video.clips import Video
from r2p1d_edu.video.decode import frame_rate
from r2p1d_edu.video.frames import FrameDecoder
from r2p1d_edu.video.ucf101 import (
    LISTS,
    find_videos,
    group_of,
    load_split,
    read_class_list,
    read_split_list,
)

# With both pairs of neighbours that sorted() would swap.
PUBLISHED = {
    "Archery": 3,
    "Hammering": 35,
    "HammerThrow": 36,
    "HandstandPushups": 37,
    "JumpingJack": 47,
    "JumpRope": 48,
}


def clip(name, group, number=1):
    stem = name.replace("HandstandPushups", "HandStandPushups")  # as published, and in no other class
    return f"{name}/v_{stem}_g{group:02d}_c{number:02d}.avi"


def write_lists(folder, classes, train, test, fold=1, end="\r\n"):
    """Lists as published: Windows line ends, numbers from 1, labels in the training list only."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = {
        "classInd.txt": [f"{number} {name}" for name, number in classes.items()],
        f"trainlist{fold:02d}.txt": [f"{path} {classes[path.partition('/')[0]]}" for path in train],
        f"testlist{fold:02d}.txt": test,
    }
    for name, content in lines.items():
        (folder / name).write_bytes(os.fsencode("".join(line + end for line in content)))


@pytest.fixture
def dataset(tmp_path):
    """A small UCF101: six classes, groups 8 and 9 for training, 1 for testing, two clips each. The files are empty."""
    return make_dataset(tmp_path / "tiny", PUBLISHED)


def make_dataset(root, classes, end="\r\n"):
    train = [clip(name, group, number) for name in classes for group in (8, 9) for number in (1, 2)]
    test = [clip(name, 1, number) for name in classes for number in (1, 2)]
    for path in train + test:
        (root / "videos" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "videos" / path).touch()
    write_lists(root / LISTS, classes, train, test, end=end)
    return root


def refusal(*arguments, **options) -> str:
    with pytest.raises(InputError) as caught:
        load_split(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# What works


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_split_is_read_in_the_published_order(tmp_path, end):
    root = make_dataset(tmp_path / "tiny", PUBLISHED, end)
    split = load_split(root / "videos")
    assert split.classes == tuple(PUBLISHED)
    assert list(split.classes) != sorted(split.classes)  # what sorting the folders would give
    assert len(split.train) == 24
    assert len(split.test) == 12
    assert split.absent == 0
    assert split.title == "tiny fold 1"
    for video in (*split.train, *split.test):
        assert video.path.is_file()
        assert split.classes[video.label] == video.path.parent.name  # labels from 0, though the lists count from 1
    assert split.test[2] == Video(root / "videos" / clip("Hammering", 1), 1, "hammering/01")


def test_numbers_are_the_published_ones(dataset):
    assert read_class_list(dataset / LISTS / "classInd.txt") == PUBLISHED
    assert read_split_list(dataset / LISTS / "trainlist01.txt")[0] == clip("Archery", 8)


def test_lists_elsewhere(dataset, tmp_path):
    (dataset / LISTS).rename(tmp_path / "lists")
    assert load_split(str(dataset / "videos"), str(tmp_path / "lists")).classes == tuple(PUBLISHED)
    assert str(dataset / LISTS / "classInd.txt") in refusal(dataset / "videos")


def test_lists_with_labels_on_the_test_side_and_empty_lines(dataset):
    path = dataset / LISTS / "testlist01.txt"
    path.write_text("\n" + "".join(f"{line} 7\n\n" for line in read_split_list(path)))
    assert len(load_split(dataset / "videos").test) == 12


def test_chosen_classes_keep_the_published_order(dataset):
    split = load_split(dataset / "videos", classes=["JumpRope", "Hammering", "JumpingJack"])
    assert split.classes == ("Hammering", "JumpingJack", "JumpRope")
    assert {video.label for video in split.train} == {video.label for video in split.test} == {0, 1, 2}
    assert len(split.train) == 12


@pytest.mark.parametrize("on_disk", ["HandStandPushups", "HandstandPushups"])
@pytest.mark.parametrize("listed", ["HandStandPushups", "HandstandPushups"])
def test_handstand_pushups_in_both_spellings(dataset, on_disk, listed):
    """Class HandstandPushups has files called v_HandStandPushups_…; some mirrors rename one, some the other."""
    for path in (dataset / "videos" / "HandstandPushups").iterdir():
        path.rename(path.with_name(path.name.replace("HandStandPushups", on_disk)))
    for path in (dataset / LISTS).glob("t*list01.txt"):
        path.write_text(path.read_text().replace("v_HandStandPushups", f"v_{listed}"))
    split = load_split(dataset / "videos", classes=["Archery", "HandstandPushups"])
    assert split.absent == 0
    found = [video for video in split.train if video.label == 1]
    assert len(found) == 4
    assert all(video.path.is_file() for video in found)
    assert {video.group for video in found} == {"handstandpushups/08", "handstandpushups/09"}


def test_absent_files_are_counted_and_absent_classes_left_out(dataset):
    (dataset / "videos" / clip("Archery", 8)).unlink()
    (dataset / "videos" / clip("JumpRope", 1)).unlink()
    for path in (dataset / "videos" / "HammerThrow").iterdir():
        path.unlink()
    (dataset / "videos" / "HammerThrow").rmdir()
    (dataset / "videos" / "NotInTheList").mkdir()
    split = load_split(dataset / "videos")
    assert split.classes == ("Archery", "Hammering", "HandstandPushups", "JumpingJack", "JumpRope")
    assert split.absent == 2
    assert (len(split.train), len(split.test)) == (19, 9)
    _, missing = find_videos(dataset / "videos", [clip("Archery", 8), clip("Archery", 9)], {"Archery": 0})
    assert missing == [clip("Archery", 8)]


# What is refused


def test_folders_that_are_not_there(dataset, tmp_path):
    assert refusal(tmp_path / "no") == f"{tmp_path / 'no'}: no such folder; expected one folder a class, as in UCF101"
    said = refusal(dataset / "videos", tmp_path / "no")
    assert said.startswith(f"{tmp_path / 'no' / 'classInd.txt'}: no such list")
    assert "--splits" in said
    assert refusal(dataset / "videos", fold=2).startswith(f"{dataset / LISTS / 'trainlist02.txt'}: no such list")
    (dataset / LISTS / "testlist01.txt").unlink()
    assert refusal(dataset / "videos").startswith(f"{dataset / LISTS / 'testlist01.txt'}: no such list")


@pytest.mark.parametrize(
    "line",
    [
        "Archery",
        "3",
        "3Archery",
        "Archery 3",
        "x Archery",
        "² Archery",
        "9" * 5000 + " Archery",
        "3 ../Archery",
        "3 /tmp",
    ],
)
def test_a_malformed_class_list(dataset, line):
    path = dataset / LISTS / "classInd.txt"
    path.write_text(f"35 Hammering\n{line}\n", "utf-8")
    said = refusal(dataset / "videos")
    assert said.startswith(f"{path}: expected lines such as '1 ApplyEyeMakeup', found ")
    assert repr(line) in said


@pytest.mark.parametrize("fold", [None, 0, -1, True, 1.0, "1", [1]])
def test_a_fold_that_is_no_number(dataset, fold):
    assert refusal(dataset / "videos", fold=fold) == f"fold is {fold!r}; it must be 1, 2 or 3"


@pytest.mark.parametrize("name", ["classInd.txt", "trainlist01.txt", "testlist01.txt"])
def test_the_mark_that_windows_puts_first_costs_no_video(dataset, name):
    whole = load_split(dataset / "videos")
    path = dataset / LISTS / name
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_split(dataset / "videos") == whole


def test_names_with_spaces_and_in_any_encoding(tmp_path):
    classes = {"Long Jump": 1, os.fsdecode(b"\xc9t\xe9"): 2}  # the second as Windows wrote it, long ago
    root = make_dataset(tmp_path / "tiny", classes)
    split = load_split(root / "videos")
    assert (split.classes, len(split.train), len(split.test), split.absent) == (tuple(classes), 8, 4, 0)


@pytest.mark.parametrize("content", ["", "1 Bowling\n2 Surfing\n", "3 Archery\n"])
def test_too_few_classes(dataset, content):
    (dataset / LISTS / "classInd.txt").write_text(content)
    here = int("Archery" in content)
    assert f"{here} classes with a folder of videos here; at least two are needed" in refusal(dataset / "videos")


def test_unknown_and_absent_classes(dataset):
    said = refusal(dataset / "videos", classes=["Archery", "archery"])
    assert "unknown class" in said
    assert "'archery'; choose one of Archery, Hammering, " in said
    with (dataset / LISTS / "classInd.txt").open("a") as file:
        file.write("101 YoYo\r\n")
    assert "'YoYo'; choose one of Archery, " in refusal(dataset / "videos", classes=["Archery", "YoYo"])
    assert "at least two" in refusal(dataset / "videos", classes=["Archery"])


@pytest.mark.parametrize(("side", "group", "numbers"), [("test", 1, (1, 2)), ("train", 8, (1, 2))])
def test_a_class_without_videos_on_one_side(dataset, side, group, numbers):
    """First the files are missing, then the list does not name any."""
    for number in (1, 2):
        for other in {"test": [1], "train": [8, 9]}[side]:
            (dataset / "videos" / clip("JumpRope", other, number)).unlink()
    said = refusal(dataset / "videos")
    assert said == (
        f"{dataset / 'videos'}: class JumpRope has no {side} video in fold 1: {clip('JumpRope', group)}, which the "
        "list names, is not there"
    )
    path = dataset / LISTS / f"{side}list01.txt"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if "JumpRope" not in line))
    assert refusal(dataset / "videos").endswith("the list names none")


@pytest.mark.parametrize("spelling", ["HandStandPushups", "HandstandPushups"])
def test_a_leaking_split_is_refused_and_the_group_named(dataset, spelling):
    """Clip 3 of a training group turns up in the test list, under either spelling of the name."""
    leaked = f"v_{spelling}_g09_c03.avi"
    (dataset / "videos" / "HandstandPushups" / leaked).touch()
    with (dataset / LISTS / "testlist01.txt").open("a") as file:
        file.write(f"HandstandPushups/{leaked}\r\n")
    said = refusal(dataset / "videos")
    assert "the split leaks: 1 groups are on both sides, such as handstandpushups/09, with" in said
    assert f"v_HandStandPushups_g09_c01.avi in training and {leaked} in testing" in said
    assert load_split(dataset / "videos", classes=["Archery", "JumpRope"]).classes == ("Archery", "JumpRope")


def test_a_file_of_another_name_is_refused(dataset):
    (dataset / "videos" / "Archery" / "mine.avi").touch()
    with (dataset / LISTS / "trainlist01.txt").open("a") as file:
        file.write("Archery/mine.avi 3\r\n")
    assert "Archery/mine.avi: not a UCF101 name; expected v_<Class>_gGG_cCC.avi" in refusal(dataset / "videos")


text = st.text(st.characters(codec="utf-8"), max_size=40)
named = st.builds(
    "{}/v_{}_g{}_c{}.avi{}".format, st.sampled_from("AB"), st.sampled_from(["A", "B", "a"]), st.integers(0, 3),
    st.integers(1, 2), st.sampled_from(["", " 1", "\t2", "\r"]),
)  # fmt: skip


@settings(max_examples=60)
@given(
    known=st.one_of(st.just("1 A\n2 B\n"), text),
    lists=st.lists(st.lists(st.one_of(named, named, text), max_size=12).map("\n".join), min_size=2, max_size=2),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_a_split_list_is_read_without_a_leak_or_refused(tmp_path, known, lists, mark):
    for name in "AB":
        (tmp_path / "videos" / name).mkdir(parents=True, exist_ok=True)
        for group, number in np.ndindex(4, 2):
            (tmp_path / "videos" / name / f"v_{name}_g{group}_c{number + 1}.avi").touch()
    (tmp_path / LISTS).mkdir(exist_ok=True)
    for name, content in zip(("classInd", "trainlist01", "testlist01"), (known, *lists), strict=True):
        (tmp_path / LISTS / f"{name}.txt").write_bytes((mark + content).encode())
    try:
        split = load_split(tmp_path / "videos")
    except InputError:
        return
    train, test = (
        {(video.path.parent, video.path.stem.split("_")[2]) for video in side} for side in (split.train, split.test)
    )
    assert not train & test
    assert all(video.path.is_file() and video.path.parent.name == split.classes[video.label] for video in split.train)


# The real thing


@pytest.mark.ucf101
def test_the_published_lists():
    lists = ucf101() / LISTS
    classes = read_class_list(lists / "classInd.txt")
    assert list(classes.values()) == list(range(1, 102))
    assert {name: classes[name] for name in PUBLISHED} == PUBLISHED
    swapped = [number for number, name in enumerate(sorted(classes), 1) if classes[name] != number]
    assert swapped == [35, 36, 47, 48]
    assert b"\r\n" in (lists / "trainlist01.txt").read_bytes()
    train, test = (read_split_list(lists / f"{side}list01.txt") for side in ("train", "test"))
    assert (len(train), len(test)) == (9537, 3783)
    assert {group_of(path)[-2:] for path in test} == {f"{group:02d}" for group in range(1, 8)}
    assert len({group_of(path) for path in train + test}) == 101 * 25


@pytest.mark.ucf101
def test_four_real_classes():
    root = ucf101()
    split = load_split(root / "videos")
    assert split.classes == ("HandstandPushups", "JumpingJack", "PushUps", "WallPushups")
    assert (len(split.train), len(split.test)) == (133, 54)
    assert not {video.group for video in split.train} & {video.group for video in split.test}
    listed = [path for side in ("train", "test") for path in read_split_list(root / LISTS / f"{side}list01.txt")]
    assert split.absent == sum(path.partition("/")[0] in split.classes for path in listed) - 187
    source = FrameDecoder(128)
    every = [*split.train, *split.test]
    for video in every[::25]:
        assert source.count(video.path) == len(decode_all(video.path))
    assert {round(frame_rate(video.path), 2) for video in every} <= {25, 29.97}
