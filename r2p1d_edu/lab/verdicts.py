"""What the runs of several seeds say together: means, spreads, and whether a claim holds, by one rule for all claims.

A claim is a weighted sum of means: +1 for what should be better, −1 for what should be worse. With a few seeds a mean
is uncertain, so the sum is judged with Student's t, in the form of Welch (1947), where every setup may have a spread of
its own:

    holds            the whole 95 % interval around the difference lies above 0
    does not hold    the whole interval lies below 0: it is the other way round
    cannot be told   the interval reaches over 0
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

import pandas as pd

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.grid import Setup
from r2p1d_edu.networks.published import published

VERDICTS = HOLDS, FAILS, UNKNOWN, MISSING = "holds", "does not hold", "cannot be told", "not measured yet"
# An interval is never narrower than ± 0.01 (a point of accuracy, about six of 560 test videos): seeds that agree by
# luck do not make a small difference certain.
LEAST = 0.01
# The 0.975 quantile of Student's t for 1, 2, 3 … degrees of freedom; beyond ten it changes little.
T_QUANTILES = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
KEY = ["setup", "seed"]  # what a run is known by: its setup's title and its seed
TABLES = {
    "runs": [
        *KEY, "network", "depth", "width", "options", "frames", "data", "recipe", "parameters", "macs", "steps",
        "train_loss", "train_accuracy", "seconds", "threads", "device", "precision", "torch", "version",
    ],
    "tests": [*KEY, "order", "frames", "clips_per_video", "clip_accuracy", "video_accuracy", "split", "protocol"],
    "epochs": [*KEY, "epoch", "loss", "accuracy"],
}  # fmt: skip

Terms = Sequence[tuple[float, Setup]]  # a claim: weights and what they weigh


class Results:
    """Results in a folder as three tables: `runs`, `tests`, `epochs`. A run counts when its row in runs.csv is there.

    Raises:
        InputError: a file there that cannot be read, or is not a table of these experiments.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.runs, tests, epochs = (self._read(name) for name in TABLES)
        self.done = dict(zip(self.runs[KEY].itertuples(index=False, name=None), self.runs.recipe, strict=True))
        self.tests, self.epochs = (table.merge(self.runs[KEY]) for table in (tests, epochs))

    def _read(self, name: str) -> pd.DataFrame:
        path = self.folder / f"{name}.csv"
        try:
            table = pd.read_csv(path, encoding="utf-8")
        except FileNotFoundError:
            return pd.DataFrame(columns=TABLES[name])
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read ({error})") from error
        if list(table) != TABLES[name] or table.isna().any(axis=None):
            raise InputError(f"{path}: not a table of these experiments; move it away and run them again")
        return table

    def sample(self, table: str, column: str, **wanted) -> "Sample":
        """The values of a column in the rows that are as wanted, by seed."""
        rows = getattr(self, table).sort_values("seed", kind="stable")
        for name, value in wanted.items():
            rows = rows[rows[name] == value]
        try:
            return Sample(tuple(map(float, rows[column])))
        except ValueError as error:
            raise InputError(f"{self.folder / table}.csv: {error}, in column {column}") from error


@dataclass(frozen=True)
class Sample:
    """One quantity of one setup, a value for each seed. Without values, mean and spread are not numbers."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The average over seeds."""
        return fmean(self.values) if self.values else math.nan

    @property
    def spread(self) -> float:
        """The sample standard deviation, with n − 1 in the denominator."""
        return stdev(self.values) if len(self.values) > 1 else math.nan


@dataclass(frozen=True)
class Difference:
    """A weighted sum of means and the half width of its 95 % interval, in the unit of what was measured."""

    value: float
    margin: float

    @property
    def verdict(self) -> str:
        """One of the four words of the rule."""
        if math.isnan(self.value):
            return MISSING
        if math.isnan(self.margin) or abs(self.value) <= self.margin:
            return UNKNOWN
        return HOLDS if self.value > 0 else FAILS


def difference(terms: Iterable[tuple[float, Sample]]) -> Difference:
    """The weighted sum of the samples' means with its interval: Welch's t, degrees of freedom rounded down."""
    terms = list(terms)
    value = sum(weight * sample.mean for weight, sample in terms)
    errors = [weight**2 * sample.spread**2 / (len(sample.values) or math.nan) for weight, sample in terms]
    square = sum(errors)
    if math.isnan(square):
        return Difference(value, math.nan)
    if square == 0:
        return Difference(value, LEAST)
    parts = sum(error**2 / (len(sample.values) - 1) for error, (_, sample) in zip(errors, terms, strict=True))
    freedom = min(len(T_QUANTILES), math.floor(square**2 / parts + 1e-9))
    return Difference(value, max(LEAST, T_QUANTILES[freedom - 1] * math.sqrt(square)))


def better(these: Sequence[Setup], those: Sequence[Setup]) -> list[tuple[float, Setup]]:
    """The claim that the mean of these is above the mean of those."""
    return [(1 / len(these), setup) for setup in these] + [(-1 / len(those), setup) for setup in those]


def wider(here: Terms, there: Terms) -> list[tuple[float, Setup]]:
    """The claim that one difference is larger than another."""
    return [*here, *((-weight, setup) for weight, setup in there)]


def accuracy(
    results: Results, setup: Setup, order: str = "forward", frames: int | None = None, of: str = "video"
) -> Sample:
    """Test accuracy, from 0 to 1, of videos or of clips; `frames` of a test clip as in training unless given."""
    return results.sample("tests", f"{of}_accuracy", setup=setup.title, order=order, frames=frames or setup.frames)


def training_loss(results: Results, setup: Setup, epoch: int | None = None) -> Sample:
    """Cross entropy in nats, averaged over the training batches of an epoch; of the last one unless given."""
    if epoch is None:
        return results.sample("runs", "train_loss", setup=setup.title)
    return results.sample("epochs", "loss", setup=setup.title, epoch=epoch)


def in_paper(terms: Terms, of: str = "video", depth: int = 10) -> float | None:
    """The same weighted sum from the paper's Table 2 (Kinetics, 18 layers), from 0 to 1; None where it has no number.

    `depth` is that of the setups that stand for the paper's 18 layers. What the grid varies and the table does not,
    such as width, has no number there.
    """
    total = 0.0
    for weight, setup in terms:
        found = published(setup.network, setup.frames)
        if not found or setup != Setup(setup.network, depth, frames=setup.frames, data=setup.data):
            return None
        total += weight * getattr(found[0], of) / 100
    return total


def protocol(results: Results, setups: Iterable[Setup]) -> list[str]:
    """What must be said with these setups' forward accuracies: split, clips, frames, crop; each once, seeds apart."""
    rows = results.tests[results.tests.order == "forward"]
    rows = rows[rows.setup.isin([setup.title for setup in setups])]
    return sorted(set(rows.split + "; " + rows.protocol.str.replace(r", seed \d+$", "", regex=True)))
