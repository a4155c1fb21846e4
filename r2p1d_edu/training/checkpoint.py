"""A run on disk: recipe.json, history.csv (a row a step), last.pt, best.pt and result.json.

Every file but the history is written beside its name and moved there, so that a stop at any moment leaves the last
whole one.
"""

import csv
import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import nn

from r2p1d_edu.errors import InputError, choose
from r2p1d_edu.training.evaluate import Result
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
MAY_CHANGE = ("device", "precision", "workers", "cache", "clips_per_video")  # on resuming: they do not alter the run


class RunFolder:
    """Writes a run. With several processes only the first one (`writes`) does."""

    def __init__(self, folder: str | Path, recipe: Recipe, classes: tuple[str, ...], writes: bool = True):
        self.folder, self.recipe, self.classes, self.writes = Path(folder), recipe, classes, writes
        self.best = -1.0

    def begin(self, state: dict, resume: bool) -> list[dict]:
        """Start an empty folder, or load last.pt into `state` and return the history so far."""
        if not resume:
            if (self.folder / "history.csv").exists():
                raise InputError(f"{self.folder}: already holds a run; resume it, or choose another folder")
            if self.writes:
                self.folder.mkdir(parents=True, exist_ok=True)
                self.recipe.save(self.folder / "recipe.json")
                self.write_history([])
            return []
        check_same_recipe(self.folder, self.recipe)
        saved = read_checkpoint(self.folder / "last.pt")
        for name, part in state.items():
            part.load_state_dict(saved[name])
        self.best = saved["best_accuracy"]
        history = [row for row in read_history(self.folder) if row["step"] <= saved["step"]]
        if self.writes:
            self.write_history(history)
        return history

    def write_history(self, rows: list[dict]) -> None:
        """Start history.csv with these rows."""
        with self.moved_to("history.csv") as part, part.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)

    def add(self, row: dict) -> None:
        """Append a row to history.csv."""
        if self.writes:
            with (self.folder / "history.csv").open("a", newline="") as file:
                csv.DictWriter(file, COLUMNS).writerow(row)

    def save(self, state: dict, step: int, accuracy: float | None = None) -> None:
        """Write last.pt, and best.pt if the validation accuracy is the best so far."""
        if not self.writes:
            return
        is_best = accuracy is not None and accuracy > self.best
        self.best = accuracy if is_best else self.best
        content = {name: part.state_dict() for name, part in state.items()}
        content |= {"step": step, "classes": list(self.classes), "best_accuracy": self.best}
        names = ["last.pt", "best.pt"] if is_best else ["last.pt"]
        for name in names:
            with self.moved_to(name) as part:
                torch.save(content, part)

    def write_result(self, result: Result, seconds: float, clips_per_second: float) -> None:
        """Write result.json: the accuracies with their protocol."""
        if self.writes:
            with self.moved_to("result.json") as part:
                part.write_text(json.dumps(result_record(result, seconds, clips_per_second), indent=2) + "\n")

    def moved_to(self, name: str) -> "Part":
        """A path to write to, moved to `name` when all is written."""
        return Part(self.folder / name)


class Part:
    """with Part(final) as path: write to `path`; it becomes `final` if nothing goes wrong."""

    def __init__(self, final: Path):
        self.final, self.path = final, final.with_name(final.name + ".part")

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, error_type, *_) -> None:
        if error_type is None:
            os.replace(self.path, self.final)
        else:
            self.path.unlink(missing_ok=True)


def result_record(result: Result, seconds: float, clips_per_second: float) -> dict:
    """What result.json holds; `seconds` and `clips_per_second` are those of training."""
    return {
        "clip_accuracy": result.clip_accuracy,
        "video_accuracy": result.video_accuracy,
        "split": result.split,
        "protocol": result.protocol,
        "seconds": round(seconds, 2),
        "clips_per_second": round(clips_per_second, 2),
    }


def load_run(folder: str | Path, which: str = "last") -> tuple[nn.Module, Recipe]:
    """The network of a stored run, with its weights "last" or "best", and its recipe."""
    choose(which, ("last", "best"), "set of weights")
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such run folder; `train --out` makes one")
    recipe = Recipe.load(folder / "recipe.json")
    saved = read_checkpoint(folder / f"{which}.pt")
    network = recipe.build(len(saved["classes"]))
    network.load_state_dict(saved["network"])
    return network, replace(recipe, classes=tuple(saved["classes"]))


def read_checkpoint(path: Path) -> dict:
    """A checkpoint of ours; tensors and plain values only are read, no code is run."""
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint; the run was stopped before it could be written")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise InputError(f"{path}: not a checkpoint that can be read ({type(error).__name__})") from error


def read_history(folder: Path) -> list[dict]:
    """The rows of history.csv with numbers as numbers; a row cut short by a crash is left out."""
    rows = []
    with (folder / "history.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if None in row.values():
                break
            rows.append({name: float(value) if value else None for name, value in row.items()})
            rows[-1]["step"] = int(rows[-1]["step"])
    return rows


def check_same_recipe(folder: Path, recipe: Recipe) -> None:
    """Refuse to resume with other settings than the run was begun with."""
    stored, given = asdict(Recipe.load(folder / "recipe.json")), asdict(recipe)
    different = [name for name in given if stored[name] != given[name] and name not in MAY_CHANGE]
    if different:
        changes = ", ".join(f"{name} was {stored[name]!r} and is now {given[name]!r}" for name in different)
        raise InputError(f"{folder}: cannot resume with other settings ({changes})")
