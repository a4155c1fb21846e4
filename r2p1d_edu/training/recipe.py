"""Everything that decides how a run turns out, in one record that is stored beside it."""

import json
import math
import os
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from r2p1d_edu.errors import InputError, check_choice
from r2p1d_edu.networks.family import create_network, network_options
from r2p1d_edu.video.clips import Sampling, differences, resize_for
from r2p1d_edu.video.frames import FrameCache, FrameDecoder
from r2p1d_edu.video.splits import load_folder
from r2p1d_edu.video.ucf101 import Split, load_split

DEVICES = ("auto", "cuda", "mps", "cpu")
PRECISIONS = ("auto", "32", "bf16")
GIVEN = {"num_classes", "frames", "size"}  # what the data and the recipe itself tell a network


def whole(value: object, least: int = 0) -> bool:
    """Whether this is a whole number and not below `least`."""
    return isinstance(value, int) and value >= least


def real(value: object) -> bool:
    """Whether this is a finite number of 0 or more."""
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


COUNT = ("a whole number of 1 or more", lambda value: whole(value, 1))
SWITCH = ("True or False", lambda value: isinstance(value, bool))
MUST_BE = {
    # field: what it must be, in words and as a test
    "videos": ("the path of a folder", lambda value: isinstance(value, str)),
    "splits": ("the path of a folder, or None", lambda value: isinstance(value, str | None)),
    "groups": ("a regular expression, or None", lambda value: isinstance(value, str | None)),
    "classes": ("a tuple of names, or None", lambda value: isinstance(value, tuple | None)),
    "options": (
        f"a dict of the network's options without {', '.join(sorted(GIVEN))}",
        lambda value: isinstance(value, dict) and not GIVEN & set(value),
    ),
    **dict.fromkeys(("frames", "stride", "size", "epochs", "batch", "clips_per_video"), COUNT),
    "workers": ("a whole number of 0 or more", whole),
    "seed": ("a whole number from 0 to 2³² − 1", lambda value: whole(value) and value < 2**32),
    "learning_rate": ("a number above 0", lambda value: real(value) and value > 0),
    "weight_decay": ("a number of 0 or more", real),
    "validation": ("a fraction, 0 or more and below 1", lambda value: real(value) and value < 1),
    **dict.fromkeys(("differences", "flip", "cache", "compile"), SWITCH),
}


@dataclass(frozen=True)
class Recipe:
    """Data, network and training settings of one run.

    Clips are `frames` frames, `stride` apart, cropped to `size`×`size` from videos whose shorter side was scaled to
    8/7 of that. With `differences` the network sees how each frame differs from the one before, and not the frames.
    `splits` names the folder of split lists; without lists, `groups` is the regular expression that finds the group in
    file names (video/splits.py). `options` go to create_network. `validation` is the fraction of training groups set
    aside. With `compile` the network is translated by torch.compile before the first step, which takes up to a minute
    and, on a CPU, a C++ compiler.
    """

    videos: str
    splits: str | None = None
    groups: str | None = None
    fold: int = 1
    classes: tuple[str, ...] | None = None
    network: str | tuple[str, ...] = "r2plus1d"
    options: dict = field(default_factory=lambda: {"depth": 10, "width": 16})
    frames: int = 8
    stride: int = 1
    size: int = 56
    differences: bool = False
    flip: bool = True
    epochs: int = 8
    batch: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    validation: float = 0.1
    clips_per_video: int = 10
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    workers: int = 0
    cache: bool = True
    compile: bool = False

    def __post_init__(self):
        for name in ("videos", "splits", "classes", "network"):
            object.__setattr__(self, name, plain(getattr(self, name)))
        for name, (words, fits) in MUST_BE.items():
            if not fits(getattr(self, name)):
                raise InputError(f"{name} is {getattr(self, name)!r}; it must be {words}")
        check_choice(self.fold, (1, 2, 3), "fold")
        check_choice(self.device, DEVICES, "device")
        check_choice(self.precision, PRECISIONS, "precision")

    def load_split(self) -> Split:
        """The split that the recipe names: by the lists, or by groups that the file names tell."""
        if self.splits and self.groups:
            raise InputError(f"both splits ({self.splits}) and groups ({self.groups}) are given; one decides the split")
        if self.groups:
            return load_folder(self.videos, self.groups, self.fold, self.classes)
        return load_split(self.videos, self.splits, self.fold, self.classes)

    @property
    def sampling(self) -> Sampling:
        """What a clip is."""
        return Sampling(self.frames, self.stride, self.size)

    def source(self) -> FrameCache | FrameDecoder:
        """Where frames come from, at the size that this recipe crops from."""
        short_side = resize_for(self.size)
        return FrameCache(short_side) if self.cache else decoder(short_side)

    def build(self, num_classes: int) -> nn.Module:
        """A fresh network with random weights, decided by the seed."""
        torch.manual_seed(self.seed)
        taken = network_options(self.network)
        given = {"num_classes": num_classes, "frames": self.frames, "size": self.size}
        fitting = {name: value for name, value in given.items() if name in taken}
        network = create_network(self.network, **fitting, **self.options)
        if self.differences:  # before the network and not in it: whoever calls it gives it clips, as always
            network.register_forward_pre_hook(take_differences)
        return network.to(memory_format=torch.channels_last_3d)

    def changed(self, **values) -> "Recipe":
        """The same recipe with other values."""
        return replace(self, **values)

    def save(self, path: Path) -> None:
        """Write the recipe as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> "Recipe":
        """Read what `save` wrote."""
        try:
            values = json.loads(path.read_text("utf-8"))
            known = {f.name for f in fields(cls)}
            if not isinstance(values, dict) or set(values) - known or "videos" not in values:
                raise ValueError("not the fields of a recipe")
            return cls(**values)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not a recipe that `train` wrote ({error})") from error


def take_differences(network: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    """A forward pre-hook: the network is given the differences of the clips that it is called with."""
    return differences(*inputs)


def plain(value: object) -> object:
    """What a value is once it has been written as JSON and read again: no Path, no list where a tuple was."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return tuple(value) if isinstance(value, list) else value


@cache
def decoder(short_side: int) -> FrameDecoder:
    """One for the whole process, so that the frames of each file are counted once."""
    return FrameDecoder(short_side)
