"""Processes that are killed at moments drawn at random, before the first checkpoint too, and go on to the same bits.

`python tests/training/test_killed.py 40 FOLDER` does so by hand, with FOLDER/arrow for data.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from r2p1d_edu.training.checkpoint import load_run, read_history

SETTINGS = {"classes": "Rise,Ring", "network": "r3d", "width": 4, "frames": 4, "size": 32, "epochs": 12, "batch": 8}
SETTINGS |= {"device": "cpu", "precision": "32", "clips-per-video": 1, "validation": 0.2}
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def start(folder, *options):
    command = [sys.executable, "-m", "r2p1d_edu", "train", *options, "--out", str(folder)]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes, preexec_fn=heed_signals)


def heed_signals():
    """A process in the background is given signals to ignore."""
    for number in SIGNALS[1:]:
        signal.signal(number, signal.SIG_DFL)


def options_of(videos):
    return [f"--videos={videos}", *(f"--{name}={value}" for name, value in SETTINGS.items())]


def finish(folder, *options):
    """Train to the end: when the recipe was written, when the first checkpoint was, and when it ended."""
    process, times = start(folder, *options), {}
    for name in ("recipe.json", "last.pt"):
        while process.poll() is None and not (folder / name).exists():
            time.sleep(0.001)
        times[name] = time.monotonic()
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 0, said
    return *times.values(), time.monotonic()


def state(folder):
    """What must not depend on any kill: the weights, and the history without its clock."""
    rows = [(row["step"], row["loss"], row["accuracy"], row["validation_accuracy"]) for row in read_history(folder)]
    return rows, load_run(folder)[0].state_dict()


def equal(one, other):
    return one[0] == other[0] and all(torch.equal(one[1][name], other[1][name]) for name in one[1])


def kill_and_resume(folder, options, after, within, rng):
    """Kill a training within so many seconds after it has written a file: by what, and the step that it had saved."""
    chosen = rng.choice(SIGNALS)
    process = start(folder, *options)
    while process.poll() is None and not (folder / after).exists():
        time.sleep(0.001)
    time.sleep(rng.random() * within)
    process.send_signal(chosen)
    process.communicate(timeout=60)
    saved = [path for name in ("last.pt", "previous.pt") if (path := folder / name).exists()]
    step = torch.load(saved[0], weights_only=True)["step"] if saved else 0
    # Ctrl-C before the first step ends in order, and leaves nothing; after any other end there is a run to go on with.
    finish(folder, *(["--resume"] if (folder / "recipe.json").exists() else options))
    return chosen.name, step


def tries(videos, folder, number, seed=None):
    """Kill so many runs, half of them before the first checkpoint: signal, step saved, whether the bits are equal."""
    rng, options = random.Random(seed), options_of(videos)
    finish(folder / "warm", *options)  # fills the cache of frames
    begun, first, end = finish(folder / "whole", *options)
    expected = state(folder / "whole")
    for attempt in range(number):
        after, within = ("recipe.json", 0.8 * (first - begun)) if attempt % 2 == 0 else ("last.pt", 0.8 * (end - first))
        what = kill_and_resume(folder / str(attempt), options, after, within, rng)
        yield (*what, equal(state(folder / str(attempt)), expected))


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_killed_runs_go_on_to_the_same_bits(arrow_folder, tmp_path):
    rows = list(tries(arrow_folder / "videos", tmp_path, 6))
    assert all(same for *_, same in rows), rows


if __name__ == "__main__":
    here = Path(sys.argv[2])
    os.environ["R2P1D_CACHE"] = str(here / "cache")
    outcomes = []
    for outcome in tries(here / "arrow" / "videos", here / "runs", int(sys.argv[1])):
        outcomes.append(outcome)
        print(*outcome, flush=True)
    same, early = sum(same for *_, same in outcomes), sum(step == 0 for _, step, _ in outcomes)
    print(f"{same} of {len(outcomes)} went on to equal bits; {early} were killed before their first checkpoint")
