"""Train and test every setup of the design (design.py), several at a time where there are cores.

`train` (r2p1d_edu/training/loop.py) does the work, so a GPU is used where there is one. What is done is kept.
First come the pilots, which choose the learning rates, then all setups with the first seed, then all with the second:
whenever a grid is cut off, what is there is balanced.
"""

import importlib.metadata
import json
import multiprocessing
import os
import platform
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from experiments.design import (
    BATCH,
    DATA,
    FULL,
    PILOT_SEED,
    Design,
    Setup,
    Trial,
    make_recipe,
)
from experiments.recipes import cross_validation
from experiments.tables import EIGHTHS, add_run, read_runs
from r2p1d_edu.cost.layers import account
from r2p1d_edu.errors import Diverged, InputError
from r2p1d_edu.training.data import split_of
from r2p1d_edu.training.device import choose_device
from r2p1d_edu.training.evaluate import Result
from r2p1d_edu.training.loop import Run, train
from r2p1d_edu.video.arrow import REVERSED, write_arrow
from r2p1d_edu.video.clips import StepSampler
from r2p1d_edu.video.clutter import write_clutter

WINDOW = 45  # steps that are averaged to say when the loss passed a mark


def run_grid(
    to: Path,
    part: str,
    design: Design = FULL,
    *,
    data: Path,
    jobs: int | None = None,
    progress=lambda finished, total: finished,
) -> pd.DataFrame:
    """Run what is missing of a part of the grid in the folder `to`, and write it there run by run (tables.py).

    Args:
        part: one of PARTS.
        data: where the drawn datasets are, or will be written.
        jobs: how many trainings at a time; one a core unless given, and one on a GPU.
        progress: wraps the finished runs, and is told how many there will be (tqdm, say).

    Raises:
        InputError: results there that were made in another way, or a folder that cannot be used.
    """
    jobs = default_jobs() if jobs is None else jobs
    if jobs < 1:
        raise InputError(f"jobs is {jobs}; it must be a whole number of 1 or more")
    setups = design.setups([part])
    tuned = {setup.key: design.tuned_as(setup) for setup in setups}
    pilots = list({setup.key: setup for setup in tuned.values()}.values())

    def run(trials: Sequence[Trial]) -> None:
        runs = read_runs(to, design)
        rates = runs.learning_rate.where(runs.pilot.astype(bool), 0.0)
        done = set(zip(runs.setup, runs.seed, rates, strict=True))
        missing = [trial for trial in trials if trial.key not in done]
        for name in sorted({trial.setup.data for trial in missing}):
            write_dataset(data, name)
        for row in progress(outcomes(missing, data, jobs), len(missing)):
            add_run(to, row | {"design": design.words}, design)

    if len(design.learning_rates) > 1:
        run([Trial(setup, PILOT_SEED, rate) for setup in pilots for rate in design.learning_rates])
        most = len(design.learning_rates) + 2
        while more := list(further(pilots, read_runs(to, design), most)):  # the best of a row may lie beyond its end
            run(more)
    chosen = chosen_rates(read_runs(to, design))
    rates = {key: chosen.get(setup.key, design.learning_rates[0]) for key, setup in tuned.items()}
    run([Trial(setup, seed, rates[setup.key]) for seed in design.seeds for setup in setups])
    return read_runs(to, design)


def write_dataset(folder: Path, name: str) -> Path:
    """Draw a dataset of DATA, unless it is there."""
    write = write_clutter if name.startswith("clutter") else write_arrow
    return write(folder / name, frames=DATA[name].frames)


def chosen_rates(runs: pd.DataFrame) -> dict[str, float]:
    """Setup of the pilots → the learning rate with the lowest loss on the groups that were held out."""
    pilots = runs[runs.pilot.astype(bool)].dropna(subset="log_loss")
    return pilots.loc[pilots.groupby("setup").log_loss.idxmin()].set_index("setup").learning_rate.to_dict()


def further(setups: Sequence[Setup], runs: pd.DataFrame, most: int) -> Iterator[Trial]:
    """A pilot beyond the highest or lowest learning rate tried, where that is the best so far; `most` in all."""
    best = chosen_rates(runs)
    for setup in setups:
        tried = runs.learning_rate[(runs.setup == setup.key) & runs.pilot.astype(bool)]
        if len(tried) < most and best[setup.key] in (tried.min(), tried.max()):
            yield Trial(setup, PILOT_SEED, 2 * tried.max() if best[setup.key] == tried.max() else tried.min() / 2)


def default_jobs() -> int:
    """One training a core: small networks gain little from two threads. A GPU is not shared."""
    return (os.cpu_count() or 1) if choose_device("auto") == "cpu" else 1


def outcomes(trials: Sequence[Trial], data: Path, jobs: int) -> Iterator[dict]:
    """What each run gave, a row of runs.csv, in the order in which they end; of one seed the longest come first."""
    waiting = sorted(trials, key=lambda trial: (trial.seed, -trial.setup.depth * trial.setup.frames))
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), prepare_worker) as pool:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
        try:
            futures = [pool.submit(run_one, trial, data) for trial in waiting]
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise InputError(
                "a training was ended from outside, perhaps since memory ran out; call again with fewer jobs to go on"
            ) from error
        finally:  # after Ctrl-C, SIGTERM or an error: nobody waits for the trainings under way, so they end here
            signal.signal(signal.SIGTERM, before)
            workers = list((pool._processes or {}).values())  # from Python 3.14 on: pool.terminate_workers()
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in workers:
                worker.terminate()


def prepare_worker() -> None:
    """In each worker: one thread, so that sums are rounded alike in all runs; Ctrl-C is left to the main process."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def end_with(parent) -> None:
    """End this process once its parent is gone, however that ended."""
    wait([parent.sentinel])
    os._exit(1)


def run_one(trial: Trial, data: Path) -> dict:
    """Train and test one network: a row of runs.csv."""
    setup = trial.setup
    split = split_of(make_recipe(trial, data, 1))
    if trial.pilot:
        split = cross_validation(split, 0, 4)
    recipe = make_recipe(trial, data, StepSampler.steps_per_epoch(len(split.train), BATCH))
    try:
        run = train(recipe, split=split)
    except Diverged as error:
        run = error.run
    if run.interrupted:
        raise KeyboardInterrupt
    began = time.perf_counter()
    tests = {"forward": run.test()}
    if setup.data == "arrow" and not trial.pilot:
        tests |= {order: run.test(order=order) for order in ("reversed", "shuffled")}
    forward, cost = tests["forward"], account(run.network, (3, recipe.frames, recipe.size, recipe.size))
    losses = [row["loss"] for row in run.history]
    return {
        "setup": setup.key,
        "seed": trial.seed,
        "pilot": trial.pilot,
        "learning_rate": trial.learning_rate,
        **{name: getattr(setup, name) for name in ("data", "network", "depth", "frames", "warm_up")},
        "options": json.dumps(setup.options),
        "steps": run.total_steps,
        **learning(losses, run.total_steps, setup.mark),
        "split": forward.split,
        "protocol": forward.protocol,
        "clips_per_video": recipe.clips_per_video,
        "log_loss": log_loss(forward),
        "clip_accuracy": round(forward.clip_accuracy, 5),
        "accuracy": round(forward.video_accuracy, 5),
        **{f"accuracy_{order}": round(test.video_accuracy, 5) for order, test in tests.items() if order != "forward"},
        "accuracy_both_ways": both_ways(run, tests) if "reversed" in tests else None,
        "parameters": cost.params,
        "macs": cost.macs,
        "seconds": round(run.seconds, 1),
        "test_seconds": round(time.perf_counter() - began, 1),
        "precision": run.precision,
        "check": "none needed" if run.precision == "32" else "passed",
        "device": choose_device(recipe.device),
        "cpu": cpu_model(),
        "instruction_set": os.environ.get("ONEDNN_MAX_CPU_ISA") or torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "version": importlib.metadata.version("r2p1d_edu"),
    }


def learning(losses: Sequence[float], steps: int, mark: float) -> dict:
    """How training went: the mean loss of each eighth, the step at which it passed the mark, whether it converged."""
    values = np.full(steps, np.nan)  # a run that diverged has fewer
    values[: len(losses)] = losses
    means = [part.mean() for part in np.array_split(values, 8)]
    window = min(WINDOW, steps)
    moving = np.convolve(values, np.ones(window) / window, "valid")
    passed = np.flatnonzero(moving < mark)
    return {
        **{name: round(mean, 4) for name, mean in zip(EIGHTHS, means, strict=True)},
        "steps_to_mark": int(passed[0]) + window if len(passed) else None,
        "converged": bool(means[-1] < mark),
    }


def log_loss(result: Result) -> float:
    """The mean of −ln p(true class) over videos, in nats: finer than accuracy, to choose by."""
    right = result.probabilities[np.arange(len(result.labels)), result.labels]
    return round(float(-np.log(right.clip(1e-12)).mean()), 5)


def both_ways(run: Run, tests: dict[str, Result]) -> float:
    """(forward + reversed) / 2 on `arrow`, where a reversed clip is one of the class that is this one backwards.

    A network that does not know the order of frames answers alike on both, so it is right on one of the two at most,
    and never above 5/8 in all: exactly so, on any sample of clips (r2p1d_edu/video/arrow.py).
    """
    partner = REVERSED | {there: here for here, there in REVERSED.items()}
    classes = run.split.classes
    swapped = np.array([classes.index(partner.get(name, name)) for name in classes])
    forward, backward = tests["forward"], tests["reversed"]
    right = (forward.probabilities.argmax(1) == forward.labels).mean()
    right_back = (backward.probabilities.argmax(1) == swapped[backward.labels]).mean()
    return round(float(right + right_back) / 2, 5)


def cpu_model() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
