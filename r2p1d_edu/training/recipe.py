"""Everything that decides how a run turns out, in one record that is stored beside it.

The record does nothing itself: training/data.py finds its videos, training/network.py builds its network. Each field
holds its default, what it must be, and its words on the command line. This file imports no PyTorch, so that
`train --help` comes at once.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import NamedTuple

from r2p1d_edu.errors import MOST, InputError, check_choice, is_whole

TINY = {"depth": 10, "width": 16}  # the network that a minute can train
DEVICES = ("auto", "cuda", "mps", "cpu")
PRECISIONS = ("auto", "32", "bf16")
OPTIMIZERS = ("adamw", "muon")
FROM_DATA = {"num_classes", "frames", "size"}  # options that the data and the recipe itself tell a network
RECIPES = {
    # Recipes with names: what differs from the defaults of Recipe. `strong` makes the most of little data at the cost
    # of `plain`: its input is residual frames, the difference of each frame from the one before, as in Tao et al.
    # (arXiv 2001.05661, 2006.13017) and, for 2D networks, before them in TSN (Wang et al., arXiv 1608.00859, "RGB
    # difference"). Who sees them cannot learn the few backgrounds by heart, since what stands still is not in them.
    # Chosen by cross-validation within the training groups of four classes of UCF101 (data/results/recipes_tried.csv),
    # and compared with `plain` on the test groups once (data/results/recipes.csv).
    "plain": {},
    "strong": {"stride": 2, "differences": True},
    # The fewest seconds to 97 % on `arrow`: each of these is compared with others in benchmarks/speedrun/README.md.
    "fast": {
        "frames": 6,
        "stride": 2,
        "size": 32,
        "epochs": 4,
        "optimizer": "muon",
        "learning_rate": 5e-3,
        "validation": 0.0,
    },
}


class Rule(NamedTuple):
    """What a setting must be, in words and as a test."""

    words: str
    fits: Callable[[object], bool]


def is_real(value: object) -> bool:
    """Whether this is a finite number of 0 or more."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= sys.float_info.max


def is_names(value: object) -> bool:
    """Whether this is a tuple of names."""
    return isinstance(value, tuple) and all(isinstance(name, str) for name in value)


COUNT = Rule(f"a whole number of 1 or more, {MOST:,} at most", lambda value: is_whole(value, 1, MOST))
FRACTION = Rule("a fraction, 0 or more and below 1", lambda value: is_real(value) and value < 1)
SWITCH = Rule("True or False", lambda value: isinstance(value, bool))


def setting(default: object, rule: Rule | tuple, text: str | None, metavar: str | None = None):
    """A field of the recipe. `rule` may be a tuple of choices; `text` and `metavar` are for the command line."""
    metadata = {"rule": rule, "help": text, "metavar": metavar}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Recipe:
    """Data, network and training settings of one run.

    Clips are `frames` frames, `stride` apart, cropped to `size`×`size` from videos whose shorter side was scaled to 8/7
    of that. With `differences` the network sees how each frame differs from the one before, and not the frames.
    `splits` names the folder of split lists; without lists, `groups` is the regular expression that finds the group in
    file names (video/splits.py). `options` go to create_network. `validation` is the fraction of training groups set
    aside. `batch` is of each of the `processes`, which `train` counts itself. With `compile` the network is translated
    by torch.compile before the first step, which takes up to a minute and, on a CPU, a C++ compiler.

    Raises:
        InputError: a value that cannot be, with what it must be.
    """

    videos: str = setting(
        MISSING,
        Rule("the path of a folder", lambda value: isinstance(value, str)),
        "a folder of class folders, as in UCF101",
        "DIR",
    )
    splits: str | None = setting(
        None,
        Rule("the path of a folder, or None", lambda value: isinstance(value, str | None)),
        "the split lists' folder; default: ucfTrainTestlist beside the videos",
        "DIR",
    )
    groups: str | None = setting(
        None,
        Rule("a regular expression, or None", lambda value: isinstance(value, str | None)),
        r"no lists: the group in file names, as '_g(?P<group>\d+)_'",
        "REGEX",
    )
    fold: int = setting(1, (1, 2, 3), "1, 2 or 3")
    classes: tuple[str, ...] | None = setting(
        None,
        Rule("a tuple of names, or None", lambda value: value is None or is_names(value)),
        "default: all there",
        "A,B,…",
    )
    network: str | tuple[str, ...] = setting(
        "r2plus1d",
        Rule("a name, or a tuple of kinds of convolution", lambda value: isinstance(value, str) or is_names(value)),
        "r2plus1d, r3d, f_r2d, mc3, …: see `table`",
    )
    options: dict = setting(  # noqa: RUF009 - a factory makes each its own
        TINY.copy,
        Rule(
            f"a dict of the network's options without {', '.join(sorted(FROM_DATA))}",
            lambda value: isinstance(value, dict) and not FROM_DATA & set(value),
        ),
        None,
    )
    frames: int = setting(8, COUNT, "frames in a clip")
    stride: int = setting(1, COUNT, "from one frame of a clip to the next")
    size: int = setting(56, COUNT, "height and width of the crop in pixels")
    differences: bool = setting(False, SWITCH, "show the network how frames differ, and not the frames")
    flip: bool = setting(True, SWITCH, "mirror half of the training clips")
    epochs: int = setting(8, COUNT, "passes over the training videos")
    batch: int | str = setting(
        16,
        Rule(COUNT.words + ', or "auto"', lambda value: COUNT.fits(value) or value == "auto"),
        "clips in a step, of each process that torchrun starts; auto: as many of 16 as fit into memory",
        "N",
    )
    learning_rate: float = setting(
        2e-3, Rule("a number above 0", lambda value: is_real(value) and value > 0), "the peak of the one-cycle schedule"
    )
    optimizer: str = setting("adamw", OPTIMIZERS, "adamw, or muon, which learns faster (training/muon.py)")
    warm_up: float = setting(0.3, FRACTION, "fraction of the steps in which the learning rate rises to its peak")
    weight_decay: float = setting(0.05, Rule("a number of 0 or more", is_real), "of AdamW")
    validation: float = setting(0.1, FRACTION, "fraction of training groups set aside")
    clips_per_video: int = setting(10, COUNT, "clips averaged for a video in the test")
    seed: int = setting(
        0,
        Rule("a whole number from 0 to 2³² − 1", lambda value: is_whole(value) and value < 2**32),
        "of the weights, clips and batches",
    )
    device: str = setting("auto", DEVICES, "auto, cuda, mps or cpu")
    precision: str = setting("auto", PRECISIONS, "auto, 32 or bf16")
    workers: int = setting(
        0, Rule("a whole number of 0 or more, 256 at most", lambda value: is_whole(value, 0, 256)), "loader processes"
    )
    cache: bool = setting(True, SWITCH, "keep decoded frames on the disk")
    compile: bool = setting(False, SWITCH, "torch.compile first; for long runs")
    processes: int = setting(1, COUNT, None)

    def __post_init__(self):
        for each in fields(self):
            value, rule = plain(getattr(self, each.name)), each.metadata["rule"]
            object.__setattr__(self, each.name, value)
            if isinstance(rule, Rule):
                if not rule.fits(value):
                    raise InputError(f"{each.name} is {value!r:.200}; it must be {rule.words}")
            else:
                check_choice(value, rule, each.name)

    def changed(self, **values) -> "Recipe":
        """The same recipe with other values."""
        return replace(self, **values)

    def save(self, path: Path) -> None:
        """Write the recipe as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> "Recipe":
        """Read what `save` wrote; a field that is missing is refused, since today's default may not be that day's."""
        try:
            values = json.loads(path.read_text("utf-8"))
            if not isinstance(values, dict):
                raise ValueError("not a JSON object")
            values = {"processes": 1} | values  # older runs did not say
            known = [each.name for each in fields(cls)]
            for words, names in (
                ("missing", [name for name in known if name not in values]),
                ("unknown", [name for name in values if name not in known]),
            ):
                if names:
                    raise ValueError(f"{words}: {', '.join(names)}")
            return cls(**values)
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path}: not a recipe that `train` wrote ({error})") from error


def plain(value: object) -> object:
    """What a value is once it has been written as JSON and read again: no Path, no list where a tuple was."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return tuple(value) if isinstance(value, list) else value


def settings_of(name: str) -> dict:
    """The settings of a recipe with a name, for Recipe(**settings)."""
    check_choice(name, RECIPES, "recipe")
    return RECIPES[name]
