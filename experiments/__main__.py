"""python -m experiments grid | recipes, from the project's folder: what lesson 12 and the recipe `strong` rest on."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from r2p1d_edu.command import Parser, bar, run_command
from r2p1d_edu.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status (r2p1d_edu/command.py)."""
    return run_command(make_parser(), arguments)


def make_parser() -> Parser:
    """Both commands with their options."""
    parser = Parser(prog="python -m experiments", description="The measurements behind the course's claims.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    grid = commands.add_parser("grid", help="train the grid of lesson 12, or go on with it")
    grid.add_argument("claims", nargs="*", metavar="CLAIM", help="of CLAIMS in r2p1d_edu/lab/grid.py; default: all")
    grid.add_argument("--to", type=Path, default=Path("data/results"), metavar="DIR", help="default data/results")
    grid.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="datasets; default data/")
    grid.add_argument("--ucf101", type=Path, metavar="DIR", help="UCF101's; default $R2P1D_UCF101, data/ucf101")
    grid.add_argument("--jobs", type=int, help="trainings at a time; default: one a core, or one on a GPU")
    grid.set_defaults(run=run_grid)

    recipes = commands.add_parser("recipes", help="compare the named recipes of `train`")
    recipes.add_argument("videos", help="a folder of class folders, as in UCF101")
    recipes.add_argument("--to", type=Path, required=True, metavar="FILE", help="the table to write")
    recipes.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    recipes.add_argument("--parts", type=int, default=0, help="cross-validate within the training groups: in N parts")
    recipes.set_defaults(run=run_recipes)
    return parser


def run_grid(to: Path, claims: list[str], data: Path, ucf101: Path | None, jobs: int | None) -> None:
    """Run what is missing."""
    from experiments.run import run_experiments

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
    print(f"{results.folder}: {len(results.runs)} runs")


def run_recipes(videos: str, to: Path, seeds: list[int], parts: int) -> None:
    """Compare, and write a CSV file row by row."""
    from experiments.recipes import compare, write_rows

    for row in write_rows(compare(videos, seeds, parts), to):
        print("{recipe}, seed {seed}, {split}: video accuracy {video_accuracy:.1%}".format(**row))


if __name__ == "__main__":
    sys.exit(main())
