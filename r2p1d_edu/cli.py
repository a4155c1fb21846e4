"""r2p1d, or python -m r2p1d_edu: the course's tools without a notebook. Without PyTorch until a command needs it."""

import argparse
import json
import sys
import time
from argparse import BooleanOptionalAction
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path

from r2p1d_edu.command import Parser, bar, run_command
from r2p1d_edu.errors import InputError
from r2p1d_edu.training.recipe import TINY, Recipe, settings_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status (command.py)."""
    return run_command(make_parser(), arguments)


def make_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    prog = "r2p1d" if Path(sys.argv[0]).stem == "r2p1d" else "python -m r2p1d_edu"
    parser = Parser(prog=prog, description="How convolutional networks see time.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    doctor = commands.add_parser("doctor", help="say what works here: versions, device, widgets, data")
    doctor.set_defaults(run=run_doctor)

    data = commands.add_parser("data", help="put a dataset in place")
    data.add_argument("name", choices=["arrow", "ucf101-subset", "ucf101"], help="drawn here; 171 MB; 7 GB, all of it")
    data.add_argument("--to", type=Path, default=Path("data"), metavar="DIR", help="default: data/")
    data.add_argument("--seed", type=int, default=0, help="of arrow; default 0")
    data.set_defaults(run=run_data)

    cache = commands.add_parser("cache", help="say how much the decoded frames take on the disk, or remove them")
    cache.add_argument("--clear", action="store_true", help="remove them; training makes again what it needs")
    cache.set_defaults(run=run_cache)

    table = commands.add_parser("table", help="the networks with parameters, GMACs and published accuracy")
    table.add_argument("--json", action="store_true", help="as JSON")
    table.set_defaults(run=run_table)

    train = commands.add_parser("train", help="train a network on a folder of videos and test it")
    train.add_argument(
        "--recipe", default="plain", metavar="NAME", help="plain (default); strong, for little data; fast, for arrow"
    )
    for field in fields(Recipe):
        if field.metadata["help"]:
            add_setting(train, field)
    train.add_argument("--depth", type=int, help="10, 18 or 34; default 10, where the network has this option")
    train.add_argument("--width", type=int, help="channels of the first group; default 16, where there is this option")
    train.add_argument(
        "--out", type=Path, metavar="RUN", help="folder to write, # the first free number; default runs/<network>-#"
    )
    train.add_argument("--resume", action="store_true", help="go on with the run in --out, with its settings")
    train.set_defaults(run=run_train)

    evaluate = commands.add_parser("evaluate", help="test a network that `train` left in a folder")
    evaluate.add_argument("folder", type=Path, metavar="RUN")
    evaluate.add_argument("--clips", type=int, help="clips per video; default: as in training, 10")
    evaluate.add_argument("--device", help="auto, cuda, mps or cpu; default: as in training")
    evaluate.add_argument("--weights", default="last", help="last (default) or best on the held-out training groups")
    evaluate.set_defaults(run=run_evaluate)
    return parser


def add_setting(parser: Parser, field: Field) -> None:
    """An option for a field of the recipe. One that is not given is None: a resumed run has its own value."""
    text, default, kind = field.metadata["help"], field.default, field.type
    if default not in (None, MISSING):
        text += f"; default: {default}" if kind is not bool else f"; default: {'yes' if default else 'no'}"
    options = {"dest": field.name, "default": None, "help": text}
    if kind is bool:
        options["action"] = BooleanOptionalAction
    else:
        own = {int: int, float: float, tuple[str, ...] | None: comma_separated, int | str: number_or_auto}
        options |= {"type": own.get(kind, str), "metavar": field.metadata["metavar"]}
    parser.add_argument(f"--{field.name.replace('_', '-')}", **options)


def comma_separated(text: str) -> tuple[str, ...]:
    """ "A, B" → ("A", "B")."""
    return tuple(name.strip() for name in text.split(","))


def number_or_auto(text: str) -> int | str:
    """ "8" → 8, "auto" → "auto"."""
    return text if text == "auto" else int(text)


def run_doctor() -> int:
    """Print the report; 1 if something that the course needs is missing."""
    from r2p1d_edu.lab.doctor import examine

    findings = examine()
    print("\n".join(str(finding) for finding in findings))
    return int(any(finding.state == "missing" for finding in findings))


def run_data(name: str, to: Path, seed: int) -> None:
    """Put a dataset in place."""
    from r2p1d_edu.video.datasets import get_dataset

    folder = get_dataset(name, to, seed, progress=bar)
    print(f"{folder}: ready; python -m r2p1d_edu train --videos {folder / 'videos'}")


def run_cache(clear: bool) -> None:
    """Report on the frame store, or empty it."""
    from r2p1d_edu.video.frames import report

    print(report(clear))


def run_table(**options) -> None:
    """Print the family."""
    from r2p1d_edu.networks.table import NOTES, family_table, format_table

    rows = family_table()
    print(json.dumps({"rows": rows, "notes": NOTES}, indent=2) if options["json"] else format_table(rows))


def run_train(out: Path | None, resume: bool, recipe: str, depth: int | None, width: int | None, **given) -> int:
    """Train, test, and write result.json."""
    from r2p1d_edu.networks.family import network_options
    from r2p1d_edu.training.loop import train

    given = settings_of(recipe) | {name: value for name, value in given.items() if value is not None}
    asked = {name: value for name, value in (("depth", depth), ("width", width)) if value is not None}
    if resume:
        if out is None:
            raise InputError("--resume needs --out RUN, the folder of the run to go on with")
        stored = Recipe.load(out / "recipe.json")
        if given.get("batch") == "auto":  # it was found when the run began
            del given["batch"]
        recipe = stored.changed(**given, options=stored.options | asked)
    else:
        if "videos" not in given:
            raise InputError("--videos DIR is missing; `python -m r2p1d_edu data arrow` makes a small dataset")
        network = given.get("network", "r2plus1d")
        fitting = {name: value for name, value in TINY.items() if name in network_options(network)}
        recipe = Recipe(**given, options=fitting | asked)
        out = out or Path("runs") / f"{recipe.network}-#"
    steps = None

    def start(total_steps: int) -> None:
        nonlocal steps
        steps = bar(title="training", total=total_steps, unit="step")

    def show(row: dict) -> None:
        steps.update()
        steps.set_postfix(loss=f"{row['loss']:.3f}", accuracy=f"{row['accuracy']:.2f}", refresh=False)

    began = time.perf_counter()
    try:
        run = train(recipe, folder=out, resume=resume, on_start=start, on_row=show, progress=reading)
    finally:
        if steps is not None:
            steps.close()
    if not (folder := run.folder).writes:
        return 0
    if run.interrupted and not run.history:
        raise KeyboardInterrupt
    if not run.interrupted:
        result = run.test(progress=testing)
        folder.write_result(result, run.seconds, run.clips_per_second)  # before anything can go wrong in printing
    report_videos(run.problems, run.split.absent, run.recipe.videos)
    if run.interrupted:
        print(f"stopped at step {folder.saved} of {run.total_steps}; go on with: train --resume --out {folder.path}")
        return 130
    seconds = time.perf_counter() - began
    print(result)
    print(f"{run.seconds:.0f} s of training, {seconds:.0f} s in all; everything is in {folder.path}")
    return 0


def reading(videos):
    """The bar while each video is opened."""
    return bar(videos, "reading videos", unit="video")


def testing(batches):
    """The bar of an evaluation."""
    return bar(batches, "testing", unit="batch")


def report_videos(problems: list[str], absent: int = 0, videos: str = "") -> None:
    """Say which videos were not used, if any: how many of the listed are not there, and which could not be read."""
    if absent:
        print(f"note: {absent} listed videos are not in {videos}; the others were used")
    for problem in problems:
        print(f"left out: {problem}")
    if problems:
        print(f"note: {len(problems)} videos could not be read and were left out")


def run_evaluate(folder: Path, clips: int | None, device: str | None, weights: str) -> None:
    """Test a stored run on its test videos."""
    from r2p1d_edu.training.checkpoint import load_run
    from r2p1d_edu.training.data import frame_source, leave_out_unreadable, split_of
    from r2p1d_edu.training.device import choose_device
    from r2p1d_edu.training.evaluate import evaluate_split

    network, recipe = load_run(folder, weights)
    network.to(choose_device(device or recipe.device))
    split, problems = leave_out_unreadable(split_of(recipe), reading, sides=["test"])
    report_videos(problems)
    options = {} if clips is None else {"clips_per_video": clips}
    print(evaluate_split(network, split, frame_source(recipe), recipe, progress=testing, **options))
