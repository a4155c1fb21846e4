"""The command line's part for measuring speed."""

import json
from dataclasses import asdict
from pathlib import Path

PARTS = ("train", "decode", "accounting")


def add_commands(commands) -> None:
    """Add `bench` to a parser's commands."""
    bench = commands.add_parser("bench", help="measure our speed beside the peers'")
    bench.add_argument("part", nargs="?", choices=PARTS, help="one part; default: all")
    bench.add_argument("--videos", type=Path, metavar="DIR", help="for decode: a folder as for train; default arrow")
    bench.add_argument("--json", action="store_true", help="as JSON")
    bench.set_defaults(run=run_bench)


def run_bench(part: str | None, videos: Path | None, **options) -> None:
    """Measure, and print the tables as Markdown or JSON."""
    from r2p1d_edu.bench.accounting import bench_accounting
    from r2p1d_edu.bench.decode import bench_decode
    from r2p1d_edu.bench.measure import machine
    from r2p1d_edu.bench.train import bench_train
    from r2p1d_edu.video.arrow import write_arrow

    measure = {
        "train": lambda: bench_train(thorough=True),
        "decode": lambda: bench_decode(videos or write_arrow("data/arrow") / "videos"),
        "accounting": lambda: [bench_accounting()],
    }
    tables = [table for name in ([part] if part else PARTS) for table in measure[name]()]
    if options["json"]:
        print(json.dumps({"machine": machine(), "tables": [asdict(table) for table in tables]}, indent=2))
    else:
        print("\n".join(f"- {name}: {value}" for name, value in machine().items()))
        print("\n" + "\n\n".join(map(str, tables)))
