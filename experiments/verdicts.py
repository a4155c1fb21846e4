"""Judge every claim of the design from runs.csv, by the rule of README.md, and write verdicts.csv."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import quantile_test

from experiments.design import SMALLEST, Claim, Design, Setup
from experiments.recipes import COLUMNS, group_interval
from experiments.tables import EIGHTHS, VERDICTS, read_runs, write

HOLDS, FAILS, SMALL, UNKNOWN = "holds", "does not hold", "too small to matter here", "cannot be told"
UNMEASURED = (
    "not measured yet"  # nothing is judged before its last seed: who looks after each would stop at a lucky one
)


def judge(folder: Path, design: Design) -> pd.DataFrame:
    """verdicts.csv of the runs in the folder, a row a claim; none is left out."""
    claims, runs = design.claims(), read_runs(folder, design)
    runs = runs[~runs.pilot.astype(bool)]
    members = Counter((claim.family, data_of(claim)) for claim in claims)
    levels = {family: 1 - 0.05 / number for family, number in members.items()}
    rows = [verdict(claim, runs, levels[claim.family, data_of(claim)], len(design.seeds)) for claim in claims]
    table = pd.DataFrame([*rows, *real_video(folder)], columns=VERDICTS)
    write(table, folder / "verdicts.csv")
    return table


def data_of(claim: Claim) -> str:
    """The dataset of a claim, whatever the length of its videos."""
    return claim.terms[0][1].data.removesuffix("-long")


def verdict(claim: Claim, runs: pd.DataFrame, level: float, seeds: int) -> dict:
    """A row of verdicts.csv; `seeds` is how many each setup is to have."""
    measured = {setup.key: quantity(claim.quantity, setup, runs) for _, setup in claim.terms}
    there = min(map(len, measured.values()))
    together = pd.concat([weight * measured[setup.key] for weight, setup in claim.terms], axis=1)
    differences = together.sum(axis=1, skipna=False).dropna()
    effect, low, high = interval(differences.to_numpy(), level)
    smallest = SMALLEST[claim.quantity]
    used = runs[runs.setup.isin(measured)]
    counts = used.groupby("setup").converged.agg(["sum", "size"])
    return {
        "conclusion": claim.family,
        "claim": claim.said,
        "data": data_of(claim),
        "quantity": claim.quantity,
        "effect": effect,
        "low": low,
        "high": high,
        "smallest": smallest,
        "level": round(level, 5),
        "seeds": there,
        "pairs": len(differences),
        "converged": f"{counts['sum'].sum()} of {counts['size'].sum()}",
        "verdict": word(low, high, smallest) if there >= seeds else UNMEASURED,
    }


REAL = (  # of real.csv: what is claimed, and the recipes that are set side by side
    ("strong above plain", "strong", "plain"),
    ("differences of frames above frames, stride 2", "strong", "strong, frames and not their differences"),
    ("stride 2 above stride 1, differences of frames", "strong", "strong, stride 1"),
)


def real_video(folder: Path, seeds: int = 6) -> Iterator[dict]:
    """The claims on real video: of recipes by groups of test videos, of leakage by seeds, since its splits differ."""
    tables = {}
    for name in ("real", "real_leaky"):
        path = folder / f"{name}.csv"
        tables[name] = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=COLUMNS)
    clean, leaky = (table.set_index(["recipe", "seed"]) for table in tables.values())

    def row(family: str, said: str, there: int, pairs: int, level: float, found: tuple) -> dict:
        effect, low, high = (round(float(value), 4) for value in found)
        known = {"conclusion": family, "claim": said, "data": "six classes of UCF101", "quantity": "accuracy"}
        numbers = {
            "effect": effect,
            "low": low,
            "high": high,
            "smallest": SMALLEST["accuracy"],
            "level": round(level, 5),
        }
        told = word(low, high, SMALLEST["accuracy"]) if there >= seeds else UNMEASURED
        return known | numbers | {"seeds": there, "pairs": pairs, "converged": "not asked", "verdict": told}

    nothing, level = (np.nan,) * 3, 1 - 0.05 / len(REAL)
    for said, this, that in REAL:
        these, those = (
            [json.loads(text) for text in clean.groups[clean.index.isin([name], 0)]] for name in (this, that)
        )
        found = group_interval(these, those, level) if these and those else nothing
        yield row("recipe", said, min(len(these), len(those)), len(these[0]) if these else 0, level, found)
    differences = 100 * (leaky.video_accuracy - clean.video_accuracy).xs("plain").dropna() if len(leaky) else []
    found = interval(np.array(differences, float), 0.95)
    yield row("leakage", "a leaky split flatters the plain recipe", len(differences), len(differences), 0.95, found)


def quantity(name: str, setup: Setup, runs: pd.DataFrame) -> pd.Series:
    """What a claim weighs, by seed: accuracy in points, of runs that converged; training loss; steps to the mark."""
    mine = runs[runs.setup == setup.key].set_index("seed")
    match name:
        case "accuracy":
            return 100 * mine.accuracy.where(mine.converged.astype(bool)).astype(float)
        case "loss":
            return mine[EIGHTHS[-1]].astype(float)
        case "steps":
            return mine.steps_to_mark.fillna(mine.steps).astype(float)


def interval(differences: np.ndarray, level: float) -> tuple[float, float, float]:
    """Median of the paired differences, and its interval by the sign test; not numbers where pairs are too few."""
    if not len(differences):
        return np.nan, np.nan, np.nan
    low, high = quantile_test(differences, p=0.5).confidence_interval(level)
    return tuple(round(float(value), 4) for value in (np.median(differences), low, high))


def word(low: float, high: float, smallest: float) -> str:
    """The verdict: the rule of README.md."""
    if np.isnan(low) or np.isnan(high):
        return UNKNOWN
    if -smallest <= low and high <= smallest:
        return SMALL
    return HOLDS if low > 0 else FAILS if high < 0 else UNKNOWN
