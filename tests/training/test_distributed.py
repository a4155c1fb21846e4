"""Two processes on this machine, started as on a cluster."""

import json
import os
import subprocess
import sys

import pytest
import torch

from r2p1d_edu.training.checkpoint import load_run, read_history
from r2p1d_edu.training.data import frame_source, split_of
from r2p1d_edu.training.evaluate import evaluate_split
from r2p1d_edu.training.loop import train
from r2p1d_edu.training.recipe import Recipe

SETTINGS = {"classes": "Rise,Ring", "network": "r3d", "width": 2, "frames": 4, "size": 16, "epochs": 2, "batch": 4}
SETTINGS |= {"device": "cpu", "precision": "32", "clips-per-video": 2, "validation": 0.2, "out": "run"}


def torchrun(folder, **settings):
    options = [f"--{name}={value}" for name, value in (SETTINGS | settings).items()]
    started = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "r2p1d_edu", "train"]
    command, environment = [sys.executable, *started, *options], os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def finished(arrow_folder, tmp_path_factory):
    """What torchrun with two processes wrote and said."""
    folder = tmp_path_factory.mktemp("distributed")
    done = torchrun(folder, videos=arrow_folder / "videos")
    assert done.returncode == 0, done.stderr
    return folder, done


def test_one_run_is_written_and_reported_once(finished):
    folder, done = finished
    assert [path.name for path in folder.iterdir()] == ["run"]
    assert sorted(path.name for path in (folder / "run").iterdir()) == [
        *("best.pt", "history.csv", "last.pt", "previous.pt", "recipe.json", "result.json"),
    ]
    assert done.stdout.count("video accuracy") == 1
    assert done.stdout.count("everything is in run") == 1
    assert len(done.stdout.splitlines()) == 2
    assert not {"Error", "Traceback", "Warning"} & set(done.stderr.replace(":", " ").split())


def test_two_processes_learn_what_one_does_from_all_their_clips(finished):
    """28 videos, 2 × 4 clips a step against 8: the same losses and weights but for rounding."""
    folder, _ = finished
    network, recipe = load_run(folder / "run")
    assert (recipe.batch, recipe.processes) == (4, 2)
    alone = train(recipe.changed(batch=8))
    assert alone.recipe.processes == 1
    losses, expected = ([row["loss"] for row in history] for history in (read_history(folder / "run"), alone.history))
    assert len(losses) == 6
    assert losses == pytest.approx(expected, abs=1e-5)
    assert read_history(folder / "run")[5]["validation_accuracy"] == alone.history[5]["validation_accuracy"]
    for (name, one), other in zip(network.state_dict().items(), alone.network.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4, msg=name)


def test_what_it_leaves_is_a_run_like_any_other(finished):
    folder, done = finished
    network, recipe = load_run(folder / "run")
    result = evaluate_split(network, split_of(recipe), frame_source(recipe), recipe)
    stored = json.loads((folder / "run" / "result.json").read_text())
    assert stored["video_accuracy"] == result.video_accuracy
    assert str(result) in done.stdout
    assert stored["clips_per_second"] == pytest.approx(6 * 8 / stored["seconds"], rel=0.1)
    assert stored["processes"] == json.loads((folder / "run" / "recipe.json").read_text())["processes"] == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"videos": "nowhere"}, "nowhere: no such folder; expected one folder a class, as in UCF101"),
        ({"batch": "auto"}, "batch is 'auto', which is for one process alone; give the number of clips for each"),
        ({"learning-rate": 1e30}, "training diverged at step "),
    ],
)
def test_an_error_is_said_once(arrow_folder, tmp_path, settings, message):
    """By this program; torchrun adds words of its own."""
    done = torchrun(tmp_path, **{"videos": arrow_folder / "videos"} | settings)
    assert done.returncode
    said = [line for line in done.stderr.splitlines() if "r2p1d_edu: " in line]
    assert len(said) == 1
    assert message in said[0]
    assert done.stderr.count("Traceback") == 1  # torchrun's
    assert Recipe.load(tmp_path / "run" / "recipe.json").processes == 2 if "learning-rate" in settings else True
