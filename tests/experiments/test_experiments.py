"""The design as data, the runner on a tiny grid, the tables it leaves and the verdicts on them."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from experiments import design, run
from experiments.__main__ import main
from experiments.design import FULL, PILOT_SEED, QUICK, Claim, Setup, Trial, above, make_recipe
from experiments.recipes import COLUMNS, VARIANTS
from experiments.run import both_ways, learning, run_grid
from experiments.tables import RUNS, VERDICTS, add_run, read_runs
from experiments.verdicts import FAILS, HOLDS, SMALL, UNKNOWN, UNMEASURED, interval, judge, real_video, word
from r2p1d_edu.errors import InputError
from r2p1d_edu.training.evaluate import Result
from r2p1d_edu.training.network import build_network
from r2p1d_edu.video.arrow import CLASSES, ORDER_BLIND_CEILING, write_arrow

RESULTS = Path(__file__).parents[2] / "data" / "results"


# The design


def test_every_setup_has_a_key_of_its_own_and_a_network(tmp_path):
    setups = {repr(setup): setup for claim in FULL.claims() for _, setup in claim.terms}
    assert len({setup.key for setup in setups.values()}) == len(setups) == len(FULL.setups())
    for setup in setups.values():
        with torch.device("meta"):
            build_network(make_recipe(Trial(setup, 0, 1e-3), tmp_path, 90), 8)
        assert FULL.tuned_as(FULL.tuned_as(setup)) == FULL.tuned_as(setup)


def test_a_claim_is_a_difference_and_eight_pairs_are_enough_for_every_family():
    families = {}
    for claim in FULL.claims():
        families.setdefault((claim.family, claim.terms[0][1].data), []).append(claim)
        assert sum(weight for weight, _ in claim.terms) == pytest.approx(0)
        if claim.family != "2, equal time" and claim.family != "3, equal frames":
            assert len({setup.steps for _, setup in claim.terms}) == 1, claim.said
    for claims in families.values():
        assert np.isfinite(interval(np.arange(8.0), 1 - 0.05 / len(claims))[1])
    assert len(FULL.seeds) >= 8
    assert len(FULL.learning_rates) >= 4


def test_equal_frames_are_equal_and_whole_epochs():
    assert len({frames * steps for frames, steps in design.EQUAL_FRAMES.items()}) == 1
    assert all(setup.steps % 90 == 0 for setup in FULL.setups())
    assert all(setup.steps * 10 == full.steps for setup, full in zip(QUICK.setups(), FULL.setups(), strict=True))


# The runner


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """run_grid with two networks, 144 training videos, one epoch, two learning rates and one seed: some seconds."""
    monkeypatch.setattr(run, "write_arrow", partial(write_arrow, clips_per_group=1))
    claim = Claim("1", "R2D above f-R2D", "loss", above([Setup("f_r2d")], [Setup("r2d")]))
    monkeypatch.setattr(design, "PARTS", {"part": [claim]})
    small = replace(FULL, seeds=(0,), learning_rates=(1e-3, 5e-3), shorter=100)
    return partial(run_grid, tmp_path / "results", "part", small, data=tmp_path / "data", jobs=1)


def test_the_grid_is_run_once_and_what_is_missing_is_run_again(tiny, tmp_path, monkeypatch):
    file = tmp_path / "results" / "runs.csv"
    runs = tiny()
    pilots, real = runs[runs.pilot], runs[~runs.pilot]
    assert list(real.network) == ["f_r2d", "r2d"]
    assert set(pilots.seed) == {PILOT_SEED}
    assert pilots.split.str.contains("training groups").all()
    assert pilots.accuracy_both_ways.isna().all()
    for row in real.itertuples():
        own = pilots[pilots.network == row.network]
        assert row.learning_rate == own.learning_rate[own.log_loss.idxmin()]
        inside = own.learning_rate.min() < row.learning_rate < own.learning_rate.max()
        assert len(own) == 4 or (inside and len(own) == 3), "where the best is at an end, more are tried, twice at most"
        assert 0 < row.loss_1 < 10
        assert row.clips_per_video == 2
    blind = real[real.network == "f_r2d"].iloc[0]
    assert blind.accuracy == blind.accuracy_reversed == blind.accuracy_shuffled, "f-R2D cannot tell the order of frames"
    assert blind.accuracy_both_ways <= ORDER_BLIND_CEILING

    before = file.read_text("utf-8")
    monkeypatch.setattr(run, "outcomes", lambda missing, *rest: pytest.fail("nothing is missing") if missing else [])
    tiny()
    assert file.read_text("utf-8") == before
    file.write_text("".join(before.splitlines(keepends=True)[:-1]), "utf-8")  # as after a stop before the last row
    asked = []
    monkeypatch.setattr(run, "outcomes", lambda missing, *rest: asked.extend(missing) or [])
    tiny()
    assert [trial.setup.network for trial in asked] == ["r2d"]


def die(*given):
    """What a worker does that the system ends."""
    os._exit(1)


def test_a_training_that_dies_is_one_line(tiny, monkeypatch):
    monkeypatch.setattr(run, "prepare_worker", die)
    with pytest.raises(InputError, match="call again with fewer jobs"):
        tiny()


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_however_a_runner_ends_its_workers_end_with_it(tmp_path, how):
    root = Path(__file__).parents[2]
    runner = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("sleeper.py"), tmp_path],
        env=os.environ | {"PYTHONPATH": str(root)},
        stderr=subprocess.DEVNULL,
    )
    workers = []
    while len(workers) < 2:
        time.sleep(0.1)
        assert runner.poll() is None
        workers = [int(path.name) for path in tmp_path.iterdir()]
    runner.send_signal(how)
    runner.wait(60)
    until = time.monotonic() + 60
    while any(map(is_running, workers)):
        assert time.monotonic() < until, "workers are left"
        time.sleep(0.1)


def test_learning_is_told_by_eighths_and_by_the_first_step_below_the_mark():
    losses = [2.0] * 80 + [0.1] * 80
    told = learning(losses, 160, mark=0.26)
    assert [told[f"loss_{number}"] for number in (1, 4, 5, 8)] == [2, 2, 0.1, 0.1]
    assert told["converged"]
    assert 80 + 40 < told["steps_to_mark"] <= 80 + 45
    stopped = learning(losses[:100], 160, mark=0.26)  # it diverged
    assert not stopped["converged"]
    assert stopped["steps_to_mark"] is None


def test_both_ways_counts_a_reversed_clip_as_its_partner_s():
    labels = np.arange(8)
    right = np.eye(8)
    partners = ("Recede", "Cross", "Rise", "Scatter", "Approach", "Ring", "Fall", "Gather")
    backwards = np.eye(8)[[CLASSES.index(name) for name in partners]]
    run = type("Run", (), {"split": type("Split", (), {"classes": CLASSES})})

    def result(probabilities):
        return Result(0, 0, probabilities, labels, "", "")

    assert both_ways(run, {"forward": result(right), "reversed": result(backwards)}) == 1
    assert both_ways(run, {"forward": result(right), "reversed": result(right)}) == ORDER_BLIND_CEILING


# The tables


def row_of(network, seed=0, **values):
    """A row of runs.csv, of a run that went well."""
    setup = Setup(network)
    known = {"setup": setup.key, "seed": seed, "pilot": False, "learning_rate": 1e-3, "steps": setup.steps}
    made = {"design": FULL.words, "precision": "32", "check": "none needed", "converged": True}
    return dict.fromkeys(RUNS, 1) | known | made | values


def add_ten(folder, network, together=None):
    if together:
        together.wait()
    for seed in range(10):
        add_run(folder, row_of(network, seed), FULL)


def test_two_runners_on_one_folder_lose_no_row(tmp_path):
    spawn = get_context("spawn")
    together = spawn.Barrier(2)
    runners = [spawn.Process(target=add_ten, args=(tmp_path, name, together)) for name in ("r2d", "r3d")]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert len(read_runs(tmp_path, FULL)) == 20
    add_ten(tmp_path, "r2d")  # a run that another runner has finished already counts once
    assert len(read_runs(tmp_path, FULL)) == 20


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"runs\.csv: cannot be read"),
        ("a,b\n1,2\n", "not a table of these experiments"),
        ({"design": QUICK.words}, "quick.*move those results away"),
        ({"precision": "bf16"}, "seed 0, have precision 'bf16'.*'32'"),
        ({"check": "failed"}, "have check 'failed', and this is 'passed' or 'none needed'"),
    ],
)
def test_results_that_were_made_in_another_way_are_refused(tmp_path, text, said):
    if isinstance(text, dict):
        text = pd.DataFrame([row_of("r3d", **text)]).to_csv(index=False)
    (tmp_path / "runs.csv").write_text(text, "utf-8")
    with pytest.raises(InputError, match=said):
        read_runs(tmp_path, FULL)
    assert (tmp_path / "runs.csv").read_text("utf-8") == text


# The verdicts


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.1, 9, HOLDS),
        (0.1, 1.9, SMALL),
        (-9, -0.1, FAILS),
        (-1, 2.1, UNKNOWN),
        (-2, 2, SMALL),
        (np.nan, np.nan, UNKNOWN),
    ],
)
def test_the_rule(low, high, verdict):
    assert word(low, high, smallest=2) == verdict


def test_the_interval_of_eight_pairs_is_their_range():
    assert interval(np.array([3.0, 1, 2, 5, 4, 8, 7, 6]), 1 - 0.05 / 6) == (4.5, 1, 8)
    assert np.isnan(interval(np.arange(7.0), 1 - 0.05 / 6)[1])


def test_a_claim_is_judged_on_its_pairs_and_what_did_not_converge_is_counted(tmp_path, monkeypatch):
    claim = Claim("2", "R(2+1)D above R3D", "accuracy", above([Setup("r2plus1d")], [Setup("r3d")]))
    monkeypatch.setattr(design, "PARTS", {"arrow-2": [claim]})

    def judged(**last):
        (tmp_path / "runs.csv").unlink(missing_ok=True)
        for seed in range(8):
            add_run(tmp_path, row_of("r3d", seed, accuracy=0.8 + seed / 100), FULL)
            changed = last if seed == 7 else {}
            add_run(tmp_path, row_of("r2plus1d", seed, **{"accuracy": 0.85 + seed / 50} | changed), FULL)
        row = judge(tmp_path, FULL).iloc[0]
        assert list(pd.read_csv(tmp_path / "verdicts.csv")) == VERDICTS
        return row

    row = judged()
    assert (row.effect, row.low, row.high, row.verdict) == (8.5, 5, 12, HOLDS)
    assert (row.seeds, row.pairs, row.converged) == (8, 8, "16 of 16")
    row = judged(converged=False, accuracy=0.1)  # seven pairs still tell, at the level of a family of one
    assert (row.low, row.high, row.pairs, row.converged, row.verdict) == (5, 11, 7, "15 of 16", HOLDS)
    (tmp_path / "runs.csv").unlink()
    assert judge(tmp_path, FULL).iloc[0].verdict == UNMEASURED


def test_the_stored_verdicts_follow_from_the_stored_runs(tmp_path):
    runs = read_runs(RESULTS, FULL)
    known = {setup.key for setup in FULL.setups()} | {FULL.tuned_as(setup).key for setup in FULL.setups()}
    assert set(runs.setup) <= known
    (tmp_path / "runs.csv").write_bytes((RESULTS / "runs.csv").read_bytes())
    judge(tmp_path, FULL)
    assert (tmp_path / "verdicts.csv").read_text("utf-8") == (RESULTS / "verdicts.csv").read_text("utf-8")


def test_no_stored_run_of_an_order_blind_network_is_above_the_ceiling_both_ways():
    runs = read_runs(RESULTS, FULL)
    blind = runs[(runs.network == "f_r2d") & (runs.data == "arrow")]
    assert not (blind.accuracy_both_ways > ORDER_BLIND_CEILING).any()


def test_the_command_refuses_what_it_does_not_know(tmp_path, capsys):
    to = ["--to", str(tmp_path)]
    assert main(["grid", "deepth", *to]) == 2
    assert "'deepth'; choose one of arrow-2" in capsys.readouterr().err
    for jobs in ("0", "-1"):
        assert main(["grid", *to, "--jobs", jobs]) == 2
        assert capsys.readouterr().err == f"r2p1d_edu: jobs is {jobs}; it must be a whole number of 1 or more\n"
    assert main(["verdicts", *to]) == 0
    assert f"{len(FULL.claims()) + 4} claims" in capsys.readouterr().out


def test_real_video_is_judged_by_groups_and_leakage_by_seeds(tmp_path):
    def table(name, accuracies):
        rows = [
            dict.fromkeys(COLUMNS, 0)
            | {"recipe": recipe, "seed": seed, "video_accuracy": right / 4 + seed / 100}
            | {"groups": json.dumps({f"a/{group}": [(right + group) % 5, 4] for group in range(20)})}
            for recipe, right in accuracies.items()
            for seed in range(6)
        ]
        pd.DataFrame(rows).to_csv(tmp_path / f"{name}.csv", index=False)

    assert {row["verdict"] for row in real_video(tmp_path)} == {UNMEASURED}
    table("real", dict.fromkeys(VARIANTS, 1) | {"strong": 2})
    table("real_leaky", {"plain": 3})
    *recipes, leakage = real_video(tmp_path)
    assert [row["pairs"] for row in recipes] == [20] * 3
    assert all(
        row["low"] < row["effect"] == 0 < row["high"] for row in recipes
    )  # one fifth loses what four fifths gain
    assert (leakage["effect"], leakage["low"], leakage["high"], leakage["verdict"]) == (50, 50, 50, HOLDS)
