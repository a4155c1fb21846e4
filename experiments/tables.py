"""The results on disk: three CSV files, a row a run, a row a test, a row an epoch (r2p1d_edu/lab/verdicts.py)."""

import os
from pathlib import Path

import pandas as pd
from filelock import FileLock

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.verdicts import KEY, TABLES, Results


def add_results(folder: Path, run: dict, tests: list[dict], epochs: list[dict]) -> Results:
    """Take in what one run gave, and return all results there.

    Several runners may share a folder: under a lock, the tables are read again, added to, and each written beside its
    place and moved there, runs.csv last, so what a stop cut short does not count. Of two results of one run the first
    is kept.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            stored = Results(folder)
            if (run["setup"], run["seed"]) in stored.done:
                return stored
            for name, rows in (("tests", tests), ("epochs", epochs), ("runs", [run])):
                path = folder / f"{name}.csv"
                old, new = getattr(stored, name), pd.DataFrame(rows, columns=TABLES[name])
                table = (pd.concat([old, new]) if len(old) else new).sort_values(KEY, kind="stable")
                table.to_csv(path.with_suffix(".part"), index=False, lineterminator="\n", encoding="utf-8")
                os.replace(path.with_suffix(".part"), path)
            return Results(folder)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error})") from error
