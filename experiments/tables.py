"""The results on disk: runs.csv, a row a run, and verdicts.csv, a row a claim."""

import os
from pathlib import Path

import pandas as pd
from filelock import FileLock

from experiments.design import PRECISION, Design
from r2p1d_edu.errors import InputError

EIGHTHS = [f"loss_{number}" for number in range(1, 9)]  # the mean training loss of each eighth of the steps
RUNS = [
    "setup", "seed", "pilot", "learning_rate", "data", "network", "depth", "frames", "warm_up", "options", "steps",
    *EIGHTHS, "steps_to_mark", "converged", "split", "protocol", "clips_per_video", "log_loss", "clip_accuracy",
    "accuracy", "accuracy_reversed", "accuracy_shuffled", "accuracy_both_ways",
    "parameters", "macs", "seconds", "test_seconds", "design", "precision", "check", "device", "cpu",
    "instruction_set", "threads", "torch", "version",
]  # fmt: skip
VERDICTS = [
    "conclusion", "claim", "data", "quantity", "effect", "low", "high", "smallest", "level", "seeds", "pairs",
    "converged", "verdict",
]  # fmt: skip
KEY = ["setup", "seed", "learning_rate"]


def read_runs(folder: Path, design: Design) -> pd.DataFrame:
    """runs.csv of a folder; an empty table where there is none.

    Raises:
        InputError: a table that cannot be read or is another, or a run of another design or precision, or one whose
            check of the convolutions failed: what differs is said.
    """
    path = folder / "runs.csv"
    try:
        runs = pd.read_csv(path, encoding="utf-8", dtype={"precision": str})
    except FileNotFoundError:
        return pd.DataFrame(columns=RUNS)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    differ = [name for name in (*RUNS, *runs) if (name in RUNS) != (name in runs)]
    if differ:
        raise InputError(
            f"{path}: not a table of these experiments (columns that differ: {', '.join(differ[:5])}); move it away"
        )
    wanted = {"design": [design.words], "precision": [PRECISION], "check": ["passed", "none needed"]}
    for name, values in wanted.items():
        other = runs[~runs[name].isin(values)]
        if len(other):
            first = other.iloc[0]
            raise InputError(
                f"{path}: {len(other)} runs, such as {first.setup!r}, seed {first.seed}, have {name} {first[name]!r}, "
                f"and this is {' or '.join(map(repr, values))}; move those results away to run them again"
            )
    return runs


def add_run(folder: Path, row: dict, design: Design) -> None:
    """Take in one run. Several runners may share a folder; of two results of one run the first is kept.

    Under a lock, the table is read again, added to, written beside its place and moved there.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            stored, new = read_runs(folder, design), pd.DataFrame([row], columns=RUNS)
            table = pd.concat([stored, new]) if len(stored) else new
            write(table.drop_duplicates(KEY).sort_values(KEY, kind="stable"), folder / "runs.csv")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error})") from error


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table whole, or not at all."""
    table.to_csv(path.with_suffix(".part"), index=False, lineterminator="\n", encoding="utf-8")
    os.replace(path.with_suffix(".part"), path)
