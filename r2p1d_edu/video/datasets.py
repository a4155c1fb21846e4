"""The datasets by name: where they are published, and how they come to lie in UCF101's layout.

The small subset and the split lists have a known checksum. The whole of UCF101 has none: its mirrors packed the videos
in their own ways, so what was unpacked counts: all 13,320 names of the official lists must be there, and every video
must give a first frame. The videos are for research; data/README.md has the terms and what to do by hand.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from r2p1d_edu.download import NoSource, download, length
from r2p1d_edu.errors import InputError, check_choice
from r2p1d_edu.folders import make_once
from r2p1d_edu.video import arrow
from r2p1d_edu.video.archives import ArchiveError, check_room, unpack
from r2p1d_edu.video.decode import VideoError, read_frames
from r2p1d_edu.video.ucf101 import LISTS, read_class_list, read_split_list, write_lists

DATASETS = ("arrow", "ucf101-subset", "ucf101")
HUB = "https://huggingface.co/datasets/{}/resolve/main/{}"
CRCV = "https://www.crcv.ucf.edu/data/UCF101/"  # the authors' own; its certificate has been found invalid at times


@dataclass(frozen=True)
class Archive:
    """A published file; without a checksum its size in bytes is approximate."""

    name: str
    urls: tuple[str, ...]
    size: int
    sha256: str = ""


SUBSET, SPLITS = "UCF101_subset.tar.gz", "UCF101TrainTestSplits-RecognitionTask.zip"
ARCHIVES = {
    # Ten classes, 405 clips, all 250 groups. A plain tar, in spite of its name.
    "ucf101-subset": (
        Archive(
            SUBSET,
            (HUB.format("sayakpaul/ucf101-subset", SUBSET), HUB.format("aisuko/ucf101-subset", SUBSET)),
            171_386_880,
            "e9fcc76af48d320be88c5265f2e0576ecd615956976f6ce4742fdf2b042b71eb",
        ),
    ),
    "split lists": (
        Archive(
            SPLITS,
            (HUB.format("MichiganNLP/ucf-101", SPLITS), HUB.format("quchenyuan/UCF101-ZIP", SPLITS), CRCV + SPLITS),
            113_943,
            "5c0d1a53b8ed364a2ac830a73f405e51bece7d98ce1254fd19ed4a36b224bd27",
        ),
    ),
    # Some have a folder a class, some one for all, some rename files; only the files' names count, in any letter case.
    "ucf101": tuple(
        Archive(url.rpartition("/")[2], (url,), 6_960_000_000)
        for url in (
            HUB.format("MichiganNLP/ucf-101", "UCF101.zip"),
            HUB.format("quchenyuan/UCF101-ZIP", "UCF-101.zip"),
            "https://storage.googleapis.com/thumos14_files/UCF101_videos.zip",
        )
    ),
}


def in_silence(things, title: str, unit: str):
    """Show no progress."""
    return iter(things)


def get_dataset(name: str, to: str | Path = "data", seed: int = 0, progress=in_silence, say=print) -> Path:
    """Put a dataset into `to`/`name`, unless it is there, and return that folder, with `videos` and the lists in it.

    What was downloaded waits in `to`/downloads until it has been unpacked; put an archive there yourself where no
    download works. `seed` is for `arrow`.

    Args:
        progress: called with (things, title, unit), gives the things one by one and shows how many are done.
        say: called with a line on what the user should know although all went well.

    Raises:
        InputError: a folder that holds something else, no room or no permission to write, no address that gives the
            files, or archives that do not hold what they should.
    """
    check_choice(name, DATASETS, "dataset")
    folder = Path(to) / name
    if name == "arrow":
        return arrow.write_arrow(
            folder, seed=seed, progress=lambda videos: progress(videos, "writing arrow", unit="video")
        )
    return make_once(
        folder, lambda part: make_dataset(name, part, folder.parent / "downloads", progress, say), check_complete
    )


def check_complete(folder: Path) -> None:
    """Raise InputError unless every video that the lists name is there."""
    try:
        listed = read_lists(folder)
        here = {"/".join(path.parts[-2:]).lower() for path in (folder / "videos").glob("*/*")}
    except InputError as error:
        raise InputError(f"{folder}: already holds something else; move it away or choose another folder") from error
    if missing := [path for path in listed if path.lower() not in here]:
        raise InputError(
            f"{folder}: {len(missing)} of {len(listed)} listed videos are missing, such as {missing[0]}; move the "
            "folder away and try again, or use it as it is"
        )


def read_lists(folder: Path) -> list[str]:
    """The paths of all videos that fold 1 names."""
    read_class_list(folder / LISTS / "classInd.txt")
    return [path for side in ("train", "test") for path in read_split_list(folder / LISTS / f"{side}list01.txt")]


def make_dataset(name: str, part: Path, downloads: Path, progress, say) -> None:
    """The videos of the first archive that proves sound, in UCF101's layout, with their lists.

    The subset's clips are dealt to the three official folds. Its publisher's own division into train, val and test is
    given up: it keeps groups apart, too, but is not UCF101's.
    """
    unpacked, answers = part / "unpacked", []
    if name == "ucf101":
        with fetched(ARCHIVES["split lists"][0], downloads, progress, say) as archive:
            unpack(archive, unpacked)
            next(unpacked.rglob("classInd.txt")).parent.rename(part / LISTS)
    for choice in sorted(ARCHIVES[name], key=lambda choice: not any(downloads.glob(f"{choice.name}*"))):  # begun first
        shutil.rmtree(unpacked, ignore_errors=True)
        shutil.rmtree(part / "videos", ignore_errors=True)
        try:
            with fetched(choice, downloads, progress, say) as archive:
                unpack(archive, unpacked, lambda members: progress(members, "unpacking", unit="file"))
                if name == "ucf101-subset":
                    paths = sorted(f"{path.parent.name}/{path.name}" for path in unpacked.rglob("v_*.avi"))
                    classes = sorted({path.partition("/")[0] for path in paths})  # UCF101's first ten, in its order
                    write_lists(part / LISTS, {name: number for number, name in enumerate(classes, 1)}, paths)
                place(part, archive, paths := read_lists(part))
                decode_each(part / "videos", archive, paths, progress, say)
            return
        except NoSource as error:
            answers += error.answers
        except ArchiveError as error:
            answers.append(str(error))
    first = ARCHIVES[name][0]
    raise InputError(
        f"could not get {name}. {'; '.join(answers)}. Try again later (what has arrived is kept), or download "
        f"{first.urls[0]} yourself, put it at {downloads / first.name} and try again; see data/README.md"
    )


@contextmanager
def fetched(archive: Archive, downloads: Path, progress, say) -> Iterator[Path]:
    """The archive on the disk. If it came by this call, it goes when it has been used or found bad; others stay."""
    path = downloads / archive.name
    yours, have = path.exists(), length(path) or length(path.with_name(f"{path.name}.part"))
    downloads.mkdir(exist_ok=True)
    try:
        check_room(downloads, max(0, archive.size - have) + archive.size, archive.name)
        size = archive.size if archive.sha256 else None
        download(archive.urls, path, archive.sha256, size, progress is not in_silence)
        yield path
        if yours:
            say(f"{path} has been unpacked and is not needed any more")
        else:
            path.unlink()
    except ArchiveError:
        if not yours:
            path.unlink()
        raise
    finally:
        with suppress(OSError):  # not empty
            downloads.rmdir()


def place(part: Path, archive: Path, paths: list[str]) -> None:
    """Move each video from wherever it was unpacked to its listed place; anything else in the archive goes."""
    unpacked = {path.name.lower(): path for path in (part / "unpacked").rglob("*.*") if path.is_file()}
    missing = [path for path in paths if path.partition("/")[2].lower() not in unpacked]
    if missing:
        raise ArchiveError(f"{archive}: {len(missing)} of {len(paths)} videos are not in it, such as {missing[0]}")
    for path in paths:
        (part / "videos" / path).parent.mkdir(parents=True, exist_ok=True)
        os.replace(unpacked[path.partition("/")[2].lower()], part / "videos" / path)
    shutil.rmtree(part / "unpacked")


def decode_each(videos: Path, archive: Path, paths: list[str], progress, say) -> None:
    """Decode the first frame of every video: one in a hundred may fail, as training passes over those."""
    bad = []
    for path in progress(paths, "checking", unit="video"):
        try:
            read_frames(videos / path, [0])
        except VideoError:
            bad.append(path)
    if len(bad) > len(paths) // 100:
        raise ArchiveError(f"{archive}: {len(bad)} of {len(paths)} videos cannot be decoded, such as {bad[0]}")
    if bad:
        say(f"note: {len(bad)} of {len(paths)} videos cannot be decoded and will be left out: {', '.join(bad[:5])}")
