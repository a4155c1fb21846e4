"""The results on disk: three CSV files, a row a run, a row a test, a row an epoch.

A run counts as done when its row in runs.csv is there; it is written last, so what a stop cut short is done again.
"""

import csv
import os
from pathlib import Path

from r2p1d_edu.errors import InputError

KEY = ("setup", "seed")
TABLES = {
    "runs": (
        *KEY, "network", "depth", "width", "options", "frames", "data", "recipe", "parameters", "macs", "steps",
        "train_loss", "train_accuracy", "seconds", "threads", "device", "precision", "torch", "version",
    ),
    "tests": (*KEY, "order", "frames", "clips_per_video", "clip_accuracy", "video_accuracy", "split", "protocol"),
    "epochs": (*KEY, "epoch", "loss", "accuracy"),
}  # fmt: skip


class Results:
    """The tables in a folder, and rows added to them."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.rows = {name: self.read(name) for name in TABLES}
        done = {key_of(row): row for row in self.rows["runs"]}
        for name in ("tests", "epochs"):
            self.rows[name] = [row for row in self.rows[name] if key_of(row) in done]
        self.done = {key: row["recipe"] for key, row in done.items()}

    def read(self, name: str) -> list[dict]:
        """The rows of a table as text; none where there is no file."""
        path = self.folder / f"{name}.csv"
        try:
            with path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                rows = list(reader)
        except FileNotFoundError:
            return []
        except (OSError, ValueError, csv.Error) as error:
            raise InputError(f"{path}: cannot be read ({error})") from error
        if tuple(reader.fieldnames or ()) != TABLES[name] or any(None in row.values() for row in rows):
            raise InputError(f"{path}: not a table of these experiments; move it away and run them again")
        return rows

    def add(self, run: dict, tests: list[dict], epochs: list[dict]) -> None:
        """Take in what one run gave and write the tables, each whole or not at all, runs.csv last."""
        for name, rows in (("tests", tests), ("epochs", epochs), ("runs", [run])):
            self.rows[name] += [{column: str(row[column]) for column in TABLES[name]} for row in rows]
            self.rows[name].sort(key=lambda row: (row["setup"], int(row["seed"])))
            self.write(name)
        self.done[key_of(run)] = run["recipe"]

    def write(self, name: str) -> None:
        """Write a table beside its place and move it there."""
        path = self.folder / f"{name}.csv"
        part = path.with_suffix(".part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with part.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, TABLES[name], lineterminator="\n")
                writer.writeheader()
                writer.writerows(self.rows[name])
            os.replace(part, path)
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error


def key_of(row: dict) -> tuple[str, int]:
    """What a run is known by: its setup's title and its seed."""
    return row["setup"], int(row["seed"])
