"""python -m experiments grid | recipes, from the project's folder: what lesson 12 and the recipe `strong` rest on."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from r2p1d_edu.command import Parser, bar, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status (r2p1d_edu/command.py)."""
    return run_command(make_parser(), arguments)


def make_parser() -> Parser:
    """Both commands with their options."""
    parser = Parser(prog="python -m experiments", description="The measurements behind the course's claims.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    grid = commands.add_parser("grid", help="train the grid of lesson 12, or go on with it")
    grid.add_argument("parts", nargs="*", metavar="PART", help="of PARTS in experiments/design.py; default: all")
    grid.add_argument("--to", type=Path, default=Path("data/results"), metavar="DIR", help="default data/results")
    grid.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="datasets; default data/")
    grid.add_argument("--jobs", type=int, help="trainings at a time; default: one a core, or one on a GPU")
    grid.add_argument("--quick", action="store_true", help="two seeds, a tenth of the steps; needs a --to of its own")
    grid.set_defaults(run=train_grid)

    verdicts = commands.add_parser("verdicts", help="judge every claim from the runs that are stored; trains nothing")
    verdicts.add_argument("--to", type=Path, default=Path("data/results"), metavar="DIR", help="default data/results")
    verdicts.add_argument("--quick", action="store_true", help="of the runs that `grid --quick` made")
    verdicts.set_defaults(run=judge_runs)

    recipes = commands.add_parser("recipes", help="real video: compare the named recipes of `train`")
    recipes.add_argument("videos", help="a folder of class folders, as in UCF101")
    recipes.add_argument("--to", type=Path, required=True, metavar="FILE", help="the table to write")
    recipes.add_argument("--recipes", nargs="+", metavar="NAME", default=["plain", "strong"], help="of VARIANTS")
    recipes.add_argument("--classes", type=lambda text: tuple(text.split(",")), help="default: the six of lesson 12")
    recipes.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    recipes.add_argument("--parts", type=int, default=0, help="cross-validate within the training groups: in N parts")
    recipes.add_argument("--leaky", action="store_true", help="deal the videos without regard to groups")
    for name, kind in (("network", str), ("epochs", int), ("learning_rate", float), ("frames", int), ("batch", int)):
        recipes.add_argument(f"--{name.replace('_', '-')}", type=kind, help="for all of them alike")
    recipes.set_defaults(run=run_recipes)
    return parser


def train_grid(to: Path, parts: list[str], data: Path, jobs: int | None, quick: bool) -> None:
    """Run what is missing, one part after the other, and judge."""
    from experiments.design import FULL, PARTS, QUICK
    from experiments.run import run_grid

    for part in parts or PARTS:
        show = partial(bar, title=part, unit="run")
        run_grid(
            to,
            part,
            QUICK if quick else FULL,
            data=data,
            jobs=jobs,
            progress=lambda rows, n, show=show: show(rows, total=n),
        )
    judge_runs(to, quick)


def judge_runs(to: Path, quick: bool) -> None:
    """Write verdicts.csv, and say how many claims have which verdict."""
    from experiments.design import FULL, QUICK
    from experiments.verdicts import judge

    verdicts = judge(to, QUICK if quick else FULL)
    for verdict, number in verdicts.verdict.value_counts().items():
        print(f"{number:3d} × {verdict}")
    print(f"{to / 'verdicts.csv'}: {len(verdicts)} claims")


def run_recipes(
    videos: str, to: Path, recipes: list[str], seeds: list[int], parts: int, leaky: bool, **settings
) -> None:
    """Compare, and write a CSV file row by row."""
    from experiments.recipes import SIX, compare, write_rows

    settings = {"classes": SIX} | {name: value for name, value in settings.items() if value is not None}
    for row in write_rows(compare(videos, seeds, recipes, parts, leaky, **settings), to):
        print("{recipe}, seed {seed}, {split}: video accuracy {video_accuracy:.1%}".format(**row))


if __name__ == "__main__":
    sys.exit(main())
