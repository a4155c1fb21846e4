"""A run on disk: recipe.json, history.csv (a row a step), last.pt, previous.pt, best.pt and result.json.

A run may be killed at any moment. Every file but the history is written beside its name and moved there. The last two
checkpoints are kept: where the last is damaged, which the checksums in it show, the one before is used.
"""

import csv
import json
import math
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from io import BytesIO
from itertools import count
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import torch
from filelock import FileLock, Timeout
from torch import nn

from r2p1d_edu.errors import InputError, check_choice, first_process
from r2p1d_edu.networks.loading import explain, load_weights
from r2p1d_edu.training.evaluate import Result
from r2p1d_edu.training.network import build_network
from r2p1d_edu.training.recipe import Recipe

COLUMNS = ("step", "epoch", "loss", "accuracy", "learning_rate", "clips_per_second", "seconds", "validation_accuracy")
PARTS = {"network", "optimizer", "scheduler", "step", "best_accuracy", "classes", "training_videos"}
# On resuming: they do not alter the run.
MAY_CHANGE = ("device", "precision", "workers", "cache", "compile", "clips_per_video")


@contextmanager
def run_folder(folder: str | Path, recipe: Recipe, resume: bool = False) -> Iterator["RunFolder"]:
    """The folder of a run, which inside `with` is this training's alone; a new run without a step leaves nothing.

    Args:
        folder: in the name of a new one, # stands for the first number that is free.
        resume: go on with the run that is there.

    Raises:
        InputError: it holds a run, or another training writes there; or, to resume, it holds none or one with other
            settings.
    """
    folder, made = Path(folder), []
    if resume:
        check_same_recipe(folder, recipe)
    if not first_process():  # of several, one writes
        yield RunFolder(folder, recipe, writes=False)
        return
    if not resume:
        folder, made = make_folder(folder)
    try:
        with held(folder):
            store = RunFolder(folder, recipe)
            if not resume:
                store.create()
            try:
                yield store
            finally:
                if not resume and not store.steps:
                    for name in ("recipe.json", "history.csv"):
                        (folder / name).unlink(missing_ok=True)
    finally:
        with suppress(OSError):  # not empty
            for path in made:
                path.rmdir()


def make_folder(pattern: Path) -> tuple[Path, list[Path]]:
    """Make it with the first number that is free for a # in its name: the folder, and every folder that was made."""
    for number in count(1):
        folder = pattern.parent / pattern.name.replace("#", str(number))
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=folder == pattern)
            break
        except FileExistsError:
            if folder == pattern:
                raise InputError(f"{folder}: is a file; choose another name for the run's folder") from None
    return folder, made


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Nobody else trains in the folder meanwhile; a process that is killed lets go of it."""
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(f"{folder}: another training is writing there; choose another folder") from None
    except OSError:
        pass  # a file system without locks
    try:
        yield
    finally:
        with suppress(OSError):  # Windows keeps what is open
            (folder / ".lock").unlink()
        lock.release()


class RunFolder:
    """Writes a run; see run_folder().

    Attributes:
        facts: what must be the same when the run is resumed, beside the recipe: the classes and the training videos.
        steps: rows of the history that are there. saved: the step of the last checkpoint.
        writes: of several processes one does, and the others only read.
    """

    def __init__(self, path: Path, recipe: Recipe, writes: bool = True):
        self.path, self.recipe, self.writes = path, recipe, writes
        self.facts: dict = {}
        self.steps, self.saved, self.best = 0, 0, -1.0

    def load(self, state: dict) -> list[dict]:
        """Load the last checkpoint into `state`; the rows of the history up to there, which is what is kept of it.

        A run that was stopped before its first checkpoint begins again.
        """
        for part in self.path.glob("*.part") if self.writes else ():
            part.unlink()  # of a process that was killed
        history = []
        if saved := last_checkpoint(self.path, warn=self.writes):
            changed = [f"{name}: was {saved[name]}, is {now}" for name, now in self.facts.items() if saved[name] != now]
            if changed:
                raise InputError(f"{self.path}: cannot resume, since other things have changed ({'; '.join(changed)})")
            history = read_history(self.path)[: saved["step"]]
            if len(history) != saved["step"]:
                raise InputError(f"{self.path / 'history.csv'}: not the {saved['step']} steps of the checkpoint")
            for name, part in state.items():
                part.load_state_dict(saved[name])
            self.saved, self.best = saved["step"], saved["best_accuracy"]
        self.write_history(history)
        return history

    def create(self) -> None:
        """Begin with the recipe and an empty history."""
        if any((self.path / name).exists() for name in ("recipe.json", "history.csv", "last.pt")):
            raise InputError(f"{self.path}: already holds a run; resume it, or choose another folder")
        with replaced(self.path / "recipe.json") as part:
            self.recipe.save(part)
        self.write_history([])

    def write_history(self, rows: list[dict]) -> None:
        """Start history.csv with these rows."""
        self.steps = len(rows)
        if self.writes:
            with replaced(self.path / "history.csv") as part, part.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(rows)

    def add(self, row: dict) -> None:
        """Append a row to history.csv."""
        self.steps = row["step"]
        if self.writes:
            path = self.path / "history.csv"
            with writing(path), path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, COLUMNS).writerow(row)

    def save(self, state: dict, step: int, accuracy: float | None = None) -> None:
        """Write last.pt, and best.pt if the validation accuracy is the best so far."""
        if not self.writes or step == self.saved:
            return
        is_best = accuracy is not None and accuracy > self.best
        self.best = accuracy if is_best else self.best
        content = {name: part.state_dict() for name, part in state.items()}
        content |= {"step": step, "best_accuracy": self.best, **self.facts}
        file = BytesIO()  # of a full disk torch.save would say something else each time
        torch.save(content, file)
        if is_best:  # last.pt speaks of best.pt, so it comes after
            with replaced(self.path / "best.pt") as part:
                part.write_bytes(file.getbuffer())
        with replaced(self.path / "last.pt", before=self.path / "previous.pt") as part:
            part.write_bytes(file.getbuffer())
        self.saved = step

    def write_result(self, result: Result, seconds: float, clips_per_second: float) -> None:
        """Write result.json: the accuracies with their protocol; `seconds` and `clips_per_second` are of training."""
        if self.writes:
            with replaced(self.path / "result.json") as part:
                record = {
                    "clip_accuracy": result.clip_accuracy,
                    "video_accuracy": result.video_accuracy,
                    "split": result.split,
                    "protocol": result.protocol,
                    "processes": self.recipe.processes,
                    "seconds": round(seconds, 2),
                    "clips_per_second": round(clips_per_second, 2),
                }
                part.write_text(json.dumps(record, indent=2) + "\n", "utf-8")


@contextmanager
def replaced(final: Path, before: Path | None = None) -> Iterator[Path]:
    """A path to write to, moved to `final` if nothing goes wrong; what was there goes to `before`, if that is given."""
    part = final.with_name(final.name + ".part")
    try:
        with writing(final):
            yield part
            if before and final.exists():
                os.replace(final, before)
            os.replace(part, final)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say what to do where a file cannot be written."""
    try:
        yield
    except OSError as error:
        free = shutil.disk_usage(path.parent).free / 1e6
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}; {free:,.0f} MB are free there); make room, then go "
            "on with --resume"
        ) from error


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
    saved = last_checkpoint(folder) if which == "last" else read_checkpoint(folder / "best.pt")
    if saved is None:
        raise InputError(f"{folder}: stopped before its first checkpoint; `train --resume --out {folder}` goes on")
    network = build_network(recipe, len(saved["classes"]))
    load_weights(network, saved["network"])
    return network, recipe.changed(classes=tuple(saved["classes"]))


def last_checkpoint(folder: Path, warn: bool = True) -> dict | None:
    """What last.pt holds, or, where that is damaged, previous.pt, with a warning; None where there is neither."""
    paths = [path for name in ("last.pt", "previous.pt") if (path := folder / name).exists()]
    for path in paths:
        try:
            return read_checkpoint(path)
        except InputError as error:
            if path == paths[-1]:
                raise
            if warn:
                warnings.warn(f"{error}; the one before it is used", RuntimeWarning, stacklevel=2)
    return None


def read_checkpoint(path: Path) -> dict:
    """A checkpoint of ours; tensors and plain values only are read, no code is run."""
    try:
        with ZipFile(path) as archive:  # PyTorch reads it without looking at the checksums
            if damaged := archive.testzip():
                raise BadZipFile(f"{damaged} differs")
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise InputError(f"{path}: not a checkpoint that can be read: {explain(error)}") from error
    if not isinstance(saved, dict) or not set(saved) >= PARTS:
        raise InputError(f"{path}: not a checkpoint that `train` wrote")
    return saved


def read_history(folder: Path) -> list[dict]:
    """The rows of history.csv with numbers as numbers; a row that is not whole or not the next, and all after it, is
    left out: a crash may have cut it short.
    """
    path, rows = Path(folder) / "history.csv", []
    if not path.is_file():
        raise InputError(f"{path}: no such history")
    with path.open(newline="", encoding="utf-8") as file, suppress(ValueError, TypeError, KeyError, csv.Error):
        for step, row in enumerate(csv.DictReader(file), 1):
            given = [name for name in COLUMNS if (name, row[name]) != ("validation_accuracy", "")]
            numbers = {name: float(row[name]) for name in given}
            if numbers["step"] != step or not all(map(math.isfinite, numbers.values())):
                break
            rows.append({name: numbers.get(name) for name in COLUMNS} | {"step": step})
    return rows


def check_same_recipe(folder: Path, recipe: Recipe) -> None:
    """Refuse to resume with other settings than the run was begun with."""
    stored, given = asdict(Recipe.load(folder / "recipe.json")), asdict(recipe)
    different = [name for name in given if stored[name] != given[name] and name not in MAY_CHANGE]
    if different:
        changes = ", ".join(f"{name} was {stored[name]!r} and is now {given[name]!r}" for name in different)
        raise InputError(f"{folder}: cannot resume with other settings ({changes})")
