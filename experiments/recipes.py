"""Real video: the named recipes side by side, their parts alone, and what a leaky split makes of them.

`python -m experiments recipes VIDEOS --to recipes.csv` tests on the test groups; with `--parts 3` it cross-validates
within the training groups, which is how anything here is chosen.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.stats import bootstrap

from r2p1d_edu.errors import check_choice
from r2p1d_edu.training.data import split_of
from r2p1d_edu.training.evaluate import Result, frame_rates
from r2p1d_edu.training.loop import Run, train
from r2p1d_edu.training.recipe import RECIPES, Recipe
from r2p1d_edu.video.splits import leaky_split
from r2p1d_edu.video.ucf101 import Split

SIX = ("BodyWeightSquats", "HandstandPushups", "JumpingJack", "PullUps", "PushUps", "WallPushups")  # of UCF101
EPOCHS = 24
# The recipes with names, and `strong` without one of its two parts.
COMPARED = ("plain", "strong")  # `fast` is for `arrow`
VARIANTS = RECIPES | {
    "strong, frames and not their differences": {"stride": RECIPES["strong"]["stride"]},
    "strong, stride 1": {"differences": RECIPES["strong"]["differences"]},
}
COLUMNS = (
    "recipe", "seed", "split", "network", "learning_rate", "clip_accuracy", "video_accuracy", "groups",
    "clips_per_video", "frames", "stride", "size", "fps", "epochs", "steps", "seconds", "threads", "device",
    "precision", "torch",
)  # fmt: skip


def cross_validation(split: Split, part: int, parts: int = 3) -> Split:
    """A split of the training groups alone: those of one part are its test side, those of the others its training side.

    What is chosen by these is chosen without the test videos. Every group is in one part, and each class is shared out
    evenly.
    """
    rng, held = np.random.default_rng(12345), set()
    for label in range(len(split.classes)):
        groups = sorted({video.group for video in split.train if video.label == label})
        held.update(rng.permutation(groups)[part::parts].tolist())
    return replace(
        split,
        train=tuple(video for video in split.train if video.group not in held),
        test=tuple(video for video in split.train if video.group in held),
        title=f"{split.title}, training groups, part {part + 1} of {parts} held out",
    )


def compare(
    videos: str | Path,
    seeds: Sequence[int],
    names: Sequence[str] = COMPARED,
    parts: int = 0,
    leaky: bool = False,
    **settings,
) -> Iterator[dict]:
    """Train and test each of these VARIANTS with each seed, side by side: a row of COLUMNS each.

    Args:
        parts: 0 for the official test videos, or how many parts to cross-validate in, within the training groups.
        leaky: deal the videos without regard to groups, another way with each seed: to show the harm.
        settings: what is changed in all recipes alike.
    """
    for name in names:
        check_choice(name, VARIANTS, "recipe")
    for seed in seeds:
        for name in names:
            recipe = Recipe(videos, **{"epochs": EPOCHS, "seed": seed, "precision": "32"} | VARIANTS[name] | settings)
            split = split_of(recipe)
            split = leaky_split(split, seed) if leaky else split
            for part in [cross_validation(split, part, parts) for part in range(parts)] or [split]:
                yield measure(name, recipe, part)


def measure(name: str, recipe: Recipe, split: Split) -> dict:
    """Train and test once: a row of COLUMNS."""
    run = train(recipe, split=split)
    result = run.test()
    return {
        "recipe": name,
        "seed": recipe.seed,
        "split": result.split,
        "clip_accuracy": round(result.clip_accuracy, 4),
        "video_accuracy": round(result.video_accuracy, 4),
        "groups": json.dumps(by_group(run, result)),
        **{
            setting: getattr(recipe, setting)
            for setting in ("network", "learning_rate", "clips_per_video", "frames", "stride", "size", "epochs")
        },
        "fps": frame_rates(run.split.test),
        "steps": run.total_steps,
        "seconds": round(run.seconds, 3),
        "threads": torch.get_num_threads(),
        "device": next(run.network.parameters()).device.type,
        "precision": run.precision,
        "torch": torch.__version__,
    }


def by_group(run: Run, result: Result) -> dict[str, list[int]]:
    """Group → how many of its test videos are right, and how many there are."""
    told: dict[str, list[int]] = {}
    for video, right in zip(run.split.test, result.probabilities.argmax(1) == result.labels, strict=True):
        one = told.setdefault(video.group, [0, 0])
        one[0] += int(right)
        one[1] += 1
    return told


def group_interval(these: Sequence[dict], those: Sequence[dict], level: float = 0.95) -> tuple[float, float, float]:
    """How much more of the test videos these runs get right than those, in points, with its interval.

    Clips of one group show the same scene and are right or wrong together, so whole groups are drawn anew (bootstrap).

    Args:
        these, those: for each run its groups, as by_group gives them; the same test videos in all.
    """

    def right(runs: Sequence[dict]) -> np.ndarray:
        return np.mean([[run[group][0] for group in sorted(run)] for run in runs], axis=0)

    size = np.array([these[0][group][1] for group in sorted(these[0])])
    gain = right(these) - right(those)
    found = bootstrap(
        (gain, size),
        lambda gain, size, axis=-1: 100 * gain.sum(axis) / size.sum(axis),
        paired=True,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return 100 * gain.sum() / size.sum(), found.low, found.high


def write_rows(rows: Iterable[dict], path: Path) -> Iterator[dict]:
    """Write each row to a new CSV file as it comes, and hand it on.

    Raises:
        FileExistsError: what was measured is not written over.
    """
    with path.open("x", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            file.flush()
            yield row
