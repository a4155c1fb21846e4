"""python -m benchmarks [train|decode|accounting], from the project's folder: our speed beside that of the peers.

python -m benchmarks speedrun [enter|verify FILE]: the entries of the `arrow` speedrun (benchmarks/speedrun/README.md).
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from r2p1d_edu.command import Parser, run_command
from r2p1d_edu.errors import InputError

PARTS = ("train", "decode", "accounting")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and return the exit status (r2p1d_edu/command.py)."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["speedrun"]:
        return speedrun(given[1:])
    parser = Parser(prog="python -m benchmarks", description="Measure our speed beside that of the peers.")
    parser.add_argument("part", nargs="?", choices=PARTS, help="one part; default: all")
    parser.add_argument("--videos", type=Path, metavar="DIR", help="for decode: a folder as for train; default arrow")
    parser.add_argument("--json", dest="as_json", action="store_true", help="as JSON")
    parser.set_defaults(run=run_benchmarks)
    return run_command(parser, given)


def speedrun(arguments: Sequence[str]) -> int:
    """Show the entries of the speedrun, make one, or verify one."""
    from benchmarks.speedrun import enter, table, verify

    parser = Parser(prog="python -m benchmarks speedrun", description="Fewest seconds to 97 % on `arrow`.")
    parser.add_argument("action", nargs="?", choices=("enter", "verify"), help="default: show the entries")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="an entry")

    def run(action: str | None, file: Path | None) -> None:
        if action and file is None:
            raise InputError(f"{action} needs an entry's FILE, such as benchmarks/speedrun/fast.json")
        print({"enter": enter, "verify": verify}[action](file) if action and file else table())

    parser.set_defaults(run=run)
    return run_command(parser, arguments)


def run_benchmarks(part: str | None, videos: Path | None, as_json: bool) -> None:
    """Measure, and print the tables as Markdown or JSON."""
    from benchmarks.accounting import bench_accounting
    from benchmarks.decode import bench_decode
    from benchmarks.measure import machine
    from benchmarks.train import bench_train
    from r2p1d_edu.video.arrow import write_arrow

    measure = {
        "train": bench_train,
        "decode": lambda: bench_decode(videos or write_arrow("data/arrow") / "videos"),
        "accounting": lambda: [bench_accounting()],
    }
    tables = [table for name in ([part] if part else PARTS) for table in measure[name]()]
    if as_json:
        print(json.dumps({"machine": machine(), "tables": [asdict(table) for table in tables]}, indent=2))
    else:
        print("\n".join(f"- {name}: {value}" for name, value in machine().items()))
        print("\n" + "\n\n".join(map(str, tables)))


if __name__ == "__main__":
    sys.exit(main())
