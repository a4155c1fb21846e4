"""Small archives in the layouts in which UCF101 and its subset are published."""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np

from r2p1d_edu.video.datasets import Archive
from r2p1d_edu.video.decode import write_video

CLASSES = {"Archery": 3, "HandstandPushups": 37, "JumpRope": 48}
GROUPS = (1, 2, 8, 15, 22)  # of the three folds' test sets, and one that always trains


def clip(name, group, number=1):
    return f"{name}/v_{name.replace('HandstandPushups', 'HandStandPushups')}_g{group:02d}_c{number:02d}.avi"


PATHS = [clip(name, group) for name in CLASSES for group in GROUPS]


def video(folder: Path) -> bytes:
    """A video of two frames."""
    write_video(folder / "two.avi", np.zeros((2, 16, 16, 3), np.uint8))
    content = (folder / "two.avi").read_bytes()
    (folder / "two.avi").unlink()
    return content


def tar(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as packed:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return file.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return file.getvalue()


def split_lists() -> bytes:
    """Windows line ends, labels in the training lists only."""
    lists = {"classInd.txt": [f"{number} {name}" for name, number in CLASSES.items()]}
    for fold, tested in ((1, (1, 2)), (2, (8,)), (3, (15,))):
        lists[f"testlist{fold:02d}.txt"] = [clip(name, group) for name in CLASSES for group in tested]
        lists[f"trainlist{fold:02d}.txt"] = [
            f"{clip(name, group)} {number}"
            for name, number in CLASSES.items()
            for group in GROUPS
            if group not in tested
        ]
    return zipped({f"ucfTrainTestlist/{name}": "\r\n".join(lines).encode() + b"\r\n" for name, lines in lists.items()})


LAYOUTS = {
    # as in the authors' archive, as in THUMOS' zip, and as found on somebody's Mac
    "class folders": lambda path: f"UCF-101/{path}",
    "one folder": lambda path: f"UCF101/{path.partition('/')[2]}",
    "renamed": lambda path: f"data/UCF101/{path.replace('HandStand', 'Handstand')}",
}


def whole(content: bytes, layout: str = "class folders") -> dict[str, bytes]:
    """Path in the archive → video, with the litter that real archives have."""
    litter = {"__MACOSX/UCF-101/Archery/._v_Archery_g01_c01.avi": b"\0", "UCF-101/.DS_Store": b"\0", "UCF-101/": b""}
    return litter | {LAYOUTS[layout](path): content for path in PATHS}


def subset(content: bytes) -> dict[str, bytes]:
    """The publisher's division: groups apart, but not UCF101's."""
    side = {1: "train", 2: "test", 8: "train", 15: "val", 22: "test"}
    return {f"UCF101_subset/{side[group]}/{clip(name, group)}": content for name in CLASSES for group in GROUPS}


def published(name: str, body: bytes, *urls: str, checked: bool = True) -> Archive:
    return Archive(name, urls, len(body), hashlib.sha256(body).hexdigest() if checked else "")
