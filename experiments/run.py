"""Train and test every setup of the grid (r2p1d_edu/lab/grid.py), several at a time where there are cores.

`train` (r2p1d_edu/training/loop.py) does the work, so a GPU is used where there is one. What is done is kept.
"""

import importlib.metadata
import json
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import torch

from experiments.tables import add_results
from r2p1d_edu.cost.layers import account
from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.grid import SEEDS, Setup, make_recipe, setups_of
from r2p1d_edu.lab.verdicts import Results
from r2p1d_edu.training.data import split_of
from r2p1d_edu.training.device import choose_device
from r2p1d_edu.training.loop import Run, train
from r2p1d_edu.training.recipe import Recipe
from r2p1d_edu.video.arrow import write_arrow
from r2p1d_edu.video.splits import leaky_split

ORDERS = ("forward", "reversed", "shuffled")
LENGTHS = (4, 8, 16, 32)  # clips that a network of the clip-length claim is tested on


def run_experiments(
    to: str | Path,
    claims: Sequence[str] = (),
    *,
    data: str | Path = "data",
    ucf101: str | Path | None = None,
    jobs: int | None = None,
    seeds: Sequence[int] = SEEDS,
    progress=lambda finished, total: finished,
) -> Results:
    """Run what is missing in the folder `to`, and write it there run by run (see tables.py).

    Args:
        claims: some of the grid's CLAIMS; all unless given.
        data: where the `arrow` datasets are, or will be written.
        ucf101: a folder with `videos` and `ucfTrainTestlist` of UCF101; what needs it is left out without it.
        jobs: how many trainings at a time; one a core unless given, and one on a GPU.
        progress: wraps the finished runs, and is told how many there will be (tqdm, say).

    Raises:
        InputError: an unknown claim, a folder that cannot be used, or results there that were made in another way.
    """
    results = Results(to)
    trials = [(setup, seed) for setup in setups_of(claims) for seed in seeds]
    missing = []
    for setup, seed in trials:
        if setup.data.startswith("ucf101") and not ucf101:
            continue
        recipe = make_recipe(setup, seed, Path(data), Path(ucf101 or ""))
        made_with = results.done.get((setup.title, seed))
        if made_with is None:
            missing.append((setup, recipe))
        elif made_with != describe(recipe):
            raise InputError(
                f"{results.folder}: has {setup.title}, seed {seed}, made with {made_with}, not {describe(recipe)}; "
                "move those results away to run it again"
            )
    for name in sorted({setup.data for setup, _ in missing if setup.data.startswith("arrow")}):
        write_arrow(Path(data) / name, frames=int(name.removeprefix("arrow-")))
    for outcome in progress(outcomes(missing, jobs or default_jobs()), len(missing)):
        results = add_results(results.folder, *outcome)
    return results


def describe(recipe: Recipe) -> str:
    """How it was trained, in words; two results with other words cannot be compared."""
    return (
        f"{recipe.epochs} epochs, batch {recipe.batch}, learning rate {recipe.learning_rate:g}, "
        f"weight decay {recipe.weight_decay:g}, {recipe.size}×{recipe.size}"
    )


def default_jobs() -> int:
    """One training a core: small networks gain little from two threads. A GPU is not shared."""
    return (os.cpu_count() or 1) if choose_device("auto") == "cpu" else 1


Outcome = tuple[dict, list[dict], list[dict]]  # a row for runs.csv, rows for tests.csv, rows for epochs.csv


def outcomes(trials: Sequence[tuple[Setup, Recipe]], jobs: int) -> Iterator[Outcome]:
    """What each run gave, in the order in which they end.

    The first seed of every setup comes first, and of one seed the longest, so that no core waits at the end.
    """
    waiting = sorted(trials, key=lambda trial: (trial[1].seed, -trial[0].depth * trial[0].frames))
    threads = max(1, (os.cpu_count() or 1) // jobs)
    with ProcessPoolExecutor(jobs, get_context("spawn"), prepare_worker, (threads,)) as pool:
        try:
            futures = [pool.submit(run_one, setup, recipe) for setup, recipe in waiting]
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise InputError(
                "a training was ended from outside, perhaps since memory ran out; call again with fewer jobs to go on"
            ) from error
        finally:  # after Ctrl-C or an error: nobody waits for the trainings under way, so they end here
            workers = list((pool._processes or {}).values())  # from Python 3.14 on: pool.terminate_workers()
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in workers:
                worker.terminate()


def prepare_worker(threads: int) -> None:
    """In each worker: this number of threads; Ctrl-C is left to the main process."""
    torch.set_num_threads(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def run_one(setup: Setup, recipe: Recipe) -> Outcome:
    """Train and test one network."""
    split = split_of(recipe)
    if setup.data.endswith("leaky"):
        split = leaky_split(split, recipe.seed)
    run = train(recipe, split=split)
    if run.interrupted:
        raise KeyboardInterrupt
    key = {"setup": setup.title, "seed": recipe.seed}
    epochs = list(per_epoch(run))
    cost = account(run.network, (3, recipe.frames, recipe.size, recipe.size))
    row = key | {
        "network": setup.network,
        "depth": setup.depth,
        "width": setup.width,
        "options": json.dumps(setup.options),
        "frames": setup.frames,
        "data": setup.data,
        "recipe": describe(recipe),
        "parameters": cost.params,
        "macs": cost.macs,
        "steps": run.total_steps,
        "train_loss": epochs[-1]["loss"],
        "train_accuracy": epochs[-1]["accuracy"],
        "seconds": round(run.seconds, 1),
        "threads": torch.get_num_threads(),
        "device": choose_device(recipe.device),
        "precision": run.precision,
        "torch": torch.__version__,
        "version": importlib.metadata.version("r2p1d_edu"),
    }
    return row, [key | test for test in tests(setup, run)], [key | epoch for epoch in epochs]


def per_epoch(run: Run) -> Iterator[dict]:
    """Loss and accuracy on the training batches, averaged over each epoch."""
    steps = run.total_steps // run.recipe.epochs
    for epoch in range(run.recipe.epochs):
        rows = run.history[epoch * steps : (epoch + 1) * steps]
        means = {name: round(sum(row[name] for row in rows) / len(rows), 5) for name in ("loss", "accuracy")}
        yield {"epoch": epoch + 1} | means


def tests(setup: Setup, run: Run) -> Iterator[dict]:
    """Accuracies on the test videos: frames in three orders, or clips of several lengths."""
    by_length = setup.data == "arrow-36"
    for order in ("forward",) if by_length else ORDERS:
        for frames in LENGTHS if by_length else (setup.frames,):
            run.recipe = run.recipe.changed(frames=frames)
            result = run.test(order=order)
            yield {
                "order": order,
                "frames": frames,
                "clips_per_video": run.recipe.clips_per_video,
                "clip_accuracy": round(result.clip_accuracy, 5),
                "video_accuracy": round(result.video_accuracy, 5),
                "split": result.split,
                "protocol": result.protocol,
            }
