"""The grid as data, the runner on a tiny grid, and the tables it leaves."""

import csv
import time
from functools import partial
from multiprocessing import get_context

import pytest
import torch

from experiments import run
from experiments.__main__ import main
from experiments.run import run_experiments
from experiments.tables import add_results
from r2p1d_edu.errors import InputError
from r2p1d_edu.lab import grid
from r2p1d_edu.lab.grid import CLAIMS, SEEDS, Setup, make_recipe, setups_of
from r2p1d_edu.lab.verdicts import TABLES, Results
from r2p1d_edu.networks.family import create_network
from r2p1d_edu.training.network import build_network
from r2p1d_edu.video.arrow import write_arrow


def parameters(network, width=grid.WIDTH):
    with torch.device("meta"):
        return sum(p.numel() for p in create_network(network, depth=10, width=width, num_classes=8).parameters())


# The grid


def test_every_setup_has_a_title_of_its_own_and_a_network(tmp_path):
    everything = setups_of()
    assert len({setup.title for setup in everything}) == len(everything)
    for setup in everything:
        with torch.device("meta"):
            build_network(make_recipe(setup, 0, tmp_path, tmp_path), 8)
    assert len(SEEDS) >= 3


def test_a_setup_that_serves_several_claims_is_trained_once():
    shared = [claim for claim, setups in CLAIMS.items() if Setup() in setups]
    assert len(shared) >= 4
    assert setups_of(shared).count(Setup()) == 1
    assert setups_of(["stem"]) == CLAIMS["stem"]


def test_within_a_claim_only_what_it_varies_differs():
    for claim, varied in {"clip length": {"frames"}, "depth": {"network", "depth"}, "stem": {"options"}}.items():
        first, *others = map(vars, CLAIMS[claim])
        assert {name for other in others for name in first if first[name] != other[name]} == varied


def test_mc3_is_widened_to_the_parameters_of_r3d():
    target = parameters("r3d")
    closest = min(range(16, 40), key=lambda width: abs(parameters("mc3", width) - target))
    assert closest == grid.MC3_AS_LARGE_AS_R3D
    assert abs(parameters("mc3", closest) / target - 1) < 0.02


# The runner


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """run_experiments with two networks, 144 training videos, 1 epoch: a few seconds."""
    monkeypatch.setattr(run, "write_arrow", partial(write_arrow, clips_per_group=1))
    monkeypatch.setattr(grid, "ARROW", grid.ARROW | {"size": 16, "epochs": 1, "clips_per_video": 1})
    claims = {"dimensions": [Setup("f_r2d", width=4), Setup("r2d", width=4)], "leakage": [Setup(data="ucf101")]}
    monkeypatch.setattr(grid, "CLAIMS", claims)
    return partial(run_experiments, tmp_path / "results", data=tmp_path / "data", seeds=[0], jobs=1)


def read(folder, name):
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_grid_is_run_once_and_what_is_missing_is_run_again(tiny, tmp_path, monkeypatch):
    folder = tmp_path / "results"
    results = tiny()
    runs, tests, epochs = (read(folder, name) for name in TABLES)
    assert [row["network"] for row in runs] == ["f_r2d", "r2d"]  # nothing of UCF101, which is not there
    assert {row["order"] for row in tests} == {"forward", "reversed", "shuffled"}
    assert [row["epoch"] for row in epochs] == ["1", "1"]
    assert int(runs[0]["parameters"]) == parameters("f_r2d", width=4)
    assert runs[0]["train_loss"] == epochs[0]["loss"]
    orders = [row["video_accuracy"] for row in tests if row["setup"] == runs[0]["setup"]]
    assert len(orders) == 3
    assert len(set(orders)) == 1, "f-R2D cannot tell the order of frames"
    assert list(results.runs.network) == ["f_r2d", "r2d"]

    before = {name: (folder / f"{name}.csv").read_text("utf-8") for name in TABLES}
    monkeypatch.setattr(run, "outcomes", lambda missing, jobs: pytest.fail("nothing is missing") if missing else [])
    tiny()
    assert {name: (folder / f"{name}.csv").read_text("utf-8") for name in TABLES} == before

    lines = before["runs"].splitlines(keepends=True)
    (folder / "runs.csv").write_text("".join(lines[:2]))  # as after a stop before the last row
    asked = []
    monkeypatch.setattr(run, "outcomes", lambda missing, jobs: asked.extend(missing) or [])
    assert len(tiny().tests) == 3
    assert [setup.network for setup, _ in asked] == ["r2d"]

    monkeypatch.setattr(grid, "ARROW", grid.ARROW | {"epochs": 2})
    with pytest.raises(InputError, match=r"made with 1 epochs.*not 2 epochs.*move those results away"):
        tiny()


def test_a_training_that_dies_is_one_line_and_what_is_done_is_kept(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(grid.CLAIMS, "dimensions", [Setup("r2d", width=4), Setup("f_r2d", width=4)])
    tiny(["dimensions"])
    dying = Setup("f_r2d", width=4, options={"fusion": "gru"})
    monkeypatch.setitem(grid.CLAIMS, "dimensions", [dying])
    monkeypatch.setattr(run, "prepare_worker", die)
    with pytest.raises(InputError, match="call again with fewer jobs"):
        tiny(["dimensions"])
    assert len(read(tmp_path / "results", "runs")) == 2


def test_a_runner_ends_its_own_workers_and_no_other_process(tiny):
    other = get_context("spawn").Process(target=time.sleep, args=(600,))
    other.start()
    try:
        tiny(["dimensions"])
        other.join(1)  # a signal takes a moment
        assert other.is_alive()
    finally:
        other.kill()
        other.join()


def die(threads):
    """What a worker does that the system ends."""
    import os

    os._exit(1)


# The tables and the command


def results_of(network, number=0):
    """What one run gives: a row for each table, as add_results takes it."""
    key = {"setup": Setup(network).title, "seed": number}
    run, test, epoch = (dict.fromkeys(TABLES[name], 1) | key for name in TABLES)
    return run, [test], [epoch]


def add_ten(folder, network, together=None):
    if together:
        together.wait()
    for number in range(10):
        add_results(folder, *results_of(network, number))


def test_two_runners_on_one_folder_lose_no_row(tmp_path):
    spawn = get_context("spawn")
    together = spawn.Barrier(2)
    runners = [spawn.Process(target=add_ten, args=(tmp_path, name, together)) for name in ("r2d", "r3d")]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    found = Results(tmp_path)
    assert len(found.done) == len(found.runs) == len(found.tests) == len(found.epochs) == 20
    add_ten(tmp_path, "r2d")  # a run that another runner has finished already counts once
    assert len(Results(tmp_path).tests) == 20


def test_a_table_of_something_else_is_refused(tmp_path):
    file = tmp_path / "runs.csv"
    row = ",".join(TABLES["runs"]) + "\n"
    for text in ("a,b\n1,2\n", row + "r3d,0\n"):  # other columns; a row that is cut short
        file.write_text(text, "utf-8")
        with pytest.raises(InputError, match="not a table of these experiments"):
            Results(tmp_path)
        assert file.read_text("utf-8") == text
    file.write_text("", "utf-8")
    with pytest.raises(InputError, match=r"runs\.csv: cannot be read"):
        Results(tmp_path)


def test_the_command_refuses_an_unknown_claim_and_says_what_is_left_out(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("R2P1D_UCF101", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["grid", "deepth"]) == 2
    printed = capsys.readouterr()
    assert "'deepth'" in printed.err
    assert "depth" in printed.err
    assert "no UCF101" in printed.out
    assert main(["grid", "leakage"]) == 0
    assert "0 runs" in capsys.readouterr().out
    assert main(["grid", "leakage", "--ucf101", "nowhere"]) == 2
    assert "nowhere: no folder `videos` in it" in capsys.readouterr().err
