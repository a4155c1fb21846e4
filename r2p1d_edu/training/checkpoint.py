"""A run on disk: recipe.json, history.csv (a row a step), last.pt, best.pt and result.json.

Every file but the history is written beside its name and moved there, so that a stop at any moment leaves the last
whole one.
"""

import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from r2p1d_edu.errors import InputError, check_choice
from r2p1d_edu.networks.loading import explain, load_weights
from r2p1d_edu.training.evaluate import Result
from r2p1d_edu.training.network import build_network
from r2p1d_edu.training.recipe import Recipe

COLUMNS = (
    "step",
    "epoch",
    "loss",
    "accuracy",
    "learning_rate",
    "clips_per_second",
    "seconds",
    "validation_accuracy",
)
PARTS = {"network", "optimizer", "scheduler", "step", "best_accuracy", "classes", "training_videos", "processes"}
# On resuming: they do not alter the run.
MAY_CHANGE = ("device", "precision", "workers", "cache", "compile", "clips_per_video")


def check_folder(folder: str | Path | None, recipe: Recipe, resume: bool) -> None:
    """Refuse, before anything is done, a folder that a run cannot be written to or resumed from.

    Raises:
        InputError: it holds a run already or is no folder; or, to resume, holds none or one with other settings.
    """
    if folder is None:
        if resume:
            raise InputError("to resume, give the folder of the run to go on with")
        return
    folder = Path(folder)
    if resume:
        check_same_recipe(folder, recipe)
    elif folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; choose another name for the run's folder")
    elif any((folder / name).exists() for name in ("recipe.json", "history.csv", "last.pt")):
        raise InputError(f"{folder}: already holds a run; resume it, or choose another folder")


class RunFolder:
    """Writes a run; `check_folder` comes first.

    `facts` are what must be the same when the run is resumed, beside the recipe: the classes, and how many videos and
    processes take part. With several processes only one (`writes`) touches the folder.
    """

    def __init__(self, folder: str | Path, recipe: Recipe, facts: dict, writes: bool = True):
        self.folder, self.recipe, self.facts, self.writes = Path(folder), recipe, facts, writes
        self.best = -1.0

    def load(self, state: dict) -> list[dict]:
        """Load last.pt into `state`; the rows of the history up to there, which is what the file holds from now on."""
        saved = read_checkpoint(self.folder / "last.pt")
        changed = [f"{name}: was {saved[name]}, is {now}" for name, now in self.facts.items() if saved[name] != now]
        if changed:
            raise InputError(f"{self.folder}: cannot resume, since other things have changed ({'; '.join(changed)})")
        history = read_history(self.folder)[: saved["step"]]
        if [row["step"] for row in history] != list(range(1, saved["step"] + 1)):
            raise InputError(f"{self.folder / 'history.csv'}: not the {saved['step']} steps that last.pt has taken")
        for name, part in state.items():
            part.load_state_dict(saved[name])
        self.best = saved["best_accuracy"]
        self.write_history(history)
        return history

    def create(self) -> None:
        """Make the folder with its recipe and an empty history."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with replaced(self.folder / "recipe.json") as part:
            self.recipe.save(part)
        self.write_history([])

    def write_history(self, rows: list[dict]) -> None:
        """Start history.csv with these rows."""
        if not self.writes:
            return
        with replaced(self.folder / "history.csv") as part, part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)

    def add(self, row: dict) -> None:
        """Append a row to history.csv; the first one makes the folder, so that a run that fails at once leaves none."""
        if self.writes:
            if row["step"] == 1:
                self.create()
            with (self.folder / "history.csv").open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, COLUMNS).writerow(row)

    def save(self, state: dict, step: int, accuracy: float | None = None) -> None:
        """Write last.pt, and best.pt if the validation accuracy is the best so far."""
        if not self.writes:
            return
        is_best = accuracy is not None and accuracy > self.best
        self.best = accuracy if is_best else self.best
        content = {name: part.state_dict() for name, part in state.items()}
        content |= {"step": step, "best_accuracy": self.best, **self.facts}
        for name in ["best.pt", "last.pt"] if is_best else ["last.pt"]:  # last.pt speaks of best.pt, so it comes after
            with replaced(self.folder / name) as part:
                torch.save(content, part)

    def write_result(self, result: Result, seconds: float, clips_per_second: float) -> None:
        """Write result.json: the accuracies with their protocol; `seconds` and `clips_per_second` are of training."""
        if self.writes:
            with replaced(self.folder / "result.json") as part:
                record = {
                    "clip_accuracy": result.clip_accuracy,
                    "video_accuracy": result.video_accuracy,
                    "split": result.split,
                    "protocol": result.protocol,
                    "seconds": round(seconds, 2),
                    "clips_per_second": round(clips_per_second, 2),
                }
                part.write_text(json.dumps(record, indent=2) + "\n", "utf-8")


@contextmanager
def replaced(final: Path) -> Iterator[Path]:
    """A path to write to, moved to `final` if nothing goes wrong."""
    part = final.with_name(final.name + ".part")
    try:
        yield part
        os.replace(part, final)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def load_run(folder: str | Path, which: str = "last") -> tuple[nn.Module, Recipe]:
    """The network of a stored run, with its weights "last" or "best", and its recipe.

    Raises:
        InputError: no run there, or one whose files are damaged or do not belong together.
    """
    check_choice(which, ("last", "best"), "set of weights")
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such run folder; `train --out` makes one")
    recipe = Recipe.load(folder / "recipe.json")
    saved = read_checkpoint(folder / f"{which}.pt")
    network = build_network(recipe, len(saved["classes"]))
    load_weights(network, saved["network"])
    return network, recipe.changed(classes=tuple(saved["classes"]))


def read_checkpoint(path: Path) -> dict:
    """A checkpoint of ours; tensors and plain values only are read, no code is run."""
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint; a run stopped before its first must be started anew, elsewhere")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise InputError(f"{path}: not a checkpoint that can be read: {explain(error)}") from error
    if not isinstance(saved, dict) or not set(saved) >= PARTS:
        raise InputError(f"{path}: not a checkpoint that `train` wrote")
    return saved


def read_history(folder: Path) -> list[dict]:
    """The rows of history.csv with numbers as numbers; a row cut short by a crash, and what follows, is left out."""
    path = Path(folder) / "history.csv"
    if not path.is_file():
        raise InputError(f"{path}: no such history")
    rows = []
    with path.open(newline="", encoding="utf-8") as file, suppress(ValueError, TypeError):  # of a row that is not whole
        for row in csv.DictReader(file):
            numbers = {name: None if row[name] == "" else float(row[name]) for name in COLUMNS}
            rows.append(numbers | {"step": int(numbers["step"])})
    return rows


def check_same_recipe(folder: Path, recipe: Recipe) -> None:
    """Refuse to resume with other settings than the run was begun with."""
    stored, given = asdict(Recipe.load(folder / "recipe.json")), asdict(recipe)
    different = [name for name in given if stored[name] != given[name] and name not in MAY_CHANGE]
    if different:
        changes = ", ".join(f"{name} was {stored[name]!r} and is now {given[name]!r}" for name in different)
        raise InputError(f"{folder}: cannot resume with other settings ({changes})")
