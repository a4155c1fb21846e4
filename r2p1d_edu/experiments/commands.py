"""The command line's part for experiments."""

import os
from pathlib import Path

from r2p1d_edu.errors import InputError
from r2p1d_edu.experiments.grid import CLAIMS


def add_commands(commands, bar) -> None:
    """Add `experiments` to a parser's commands; `bar(things, title, unit=…)` makes a progress bar."""
    experiments = commands.add_parser("experiments", help="train the grid of lesson 12, or go on with it")
    experiments.add_argument("claims", nargs="*", metavar="CLAIM", help=f"all, or some of: {', '.join(CLAIMS)}")
    experiments.add_argument(
        "--to", type=Path, default=Path("data/results"), metavar="DIR", help="default data/results"
    )
    experiments.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="datasets; default data/")
    experiments.add_argument("--ucf101", type=Path, metavar="DIR", help="UCF101's; default $R2P1D_UCF101, data/ucf101")
    experiments.add_argument("--jobs", type=int, help="trainings at a time; default: one a core, or one on a GPU")
    experiments.set_defaults(run=lambda **options: run_grid(bar, **options))


def run_grid(bar, to: Path, claims: list[str], data: Path, ucf101: Path | None, jobs: int | None) -> None:
    """Run what is missing."""
    from r2p1d_edu.experiments.run import run_experiments

    if ucf101 and not (ucf101 / "videos").is_dir():
        raise InputError(f"{ucf101}: no folder `videos` in it; give the folder that holds UCF101's videos and lists")
    places = [ucf101, *map(Path, filter(None, [os.environ.get("R2P1D_UCF101")])), data / "ucf101"]
    found = next((place for place in places if place and (place / "videos").is_dir()), None)
    if found is None:
        print("note: no UCF101 here (see `data ucf101`, or name its folder with --ucf101); what needs it is left out")
    results = run_experiments(
        to,
        claims,
        data=data,
        ucf101=found,
        jobs=jobs,
        progress=lambda finished, total: bar(finished, "experiments", total=total, unit="run"),
    )
    print(f"{results.folder}: {len(results.rows['runs'])} runs")
