"""The named recipes side by side: cross-validated within the training groups, or on the test groups.

`python -m experiments recipes VIDEOS --to recipes.csv`; results in data/results/recipes.csv and recipes_tried.csv.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from r2p1d_edu.training.data import split_of
from r2p1d_edu.training.evaluate import frame_rates
from r2p1d_edu.training.loop import train
from r2p1d_edu.training.recipe import RECIPES, Recipe
from r2p1d_edu.video.ucf101 import Split

EPOCHS = 24
COLUMNS = (
    "recipe", "seed", "split", "clip_accuracy", "video_accuracy", "clips_per_video", "frames", "stride", "size", "fps",
    "epochs", "steps", "seconds", "threads", "device", "torch",
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


def compare(videos: str | Path, seeds: Sequence[int], parts: int = 0, **settings) -> Iterator[dict]:
    """Train and test each recipe of RECIPES with each seed, side by side: a row of COLUMNS each.

    Args:
        parts: 0 for the official test videos, or how many parts to cross-validate in, within the training groups.
        settings: what is changed in all recipes alike.
    """
    for seed in seeds:
        for name, own in RECIPES.items():
            recipe = Recipe(videos, **{"epochs": EPOCHS, "seed": seed} | own | settings)
            split = split_of(recipe)
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
        **{setting: getattr(recipe, setting) for setting in ("clips_per_video", "frames", "stride", "size")},
        "fps": frame_rates(run.split.test),
        "epochs": recipe.epochs,
        "steps": run.total_steps,
        "seconds": round(run.seconds, 3),
        "threads": torch.get_num_threads(),
        "device": next(run.network.parameters()).device.type,
        "torch": torch.__version__,
    }


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
