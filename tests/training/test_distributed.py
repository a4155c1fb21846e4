"""Two processes on this machine, started as on a cluster."""

import json
import os
import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

from r2p1d_edu.training.checkpoint import load_run, read_history
from r2p1d_edu.training.data import frame_source, split_of
from r2p1d_edu.training.evaluate import evaluate_split
from r2p1d_edu.training.network import build_network
from r2p1d_edu.training.recipe import Recipe
from r2p1d_edu.video.clips import Sampling, StepSampler, TrainingClips, collate, normalise
from r2p1d_edu.video.ucf101 import hold_out_groups


@pytest.fixture(scope="module")
def finished(arrow_folder, tmp_path_factory):
    """What torchrun with two processes wrote and said."""
    folder = tmp_path_factory.mktemp("distributed")
    settings = {"classes": "Rise,Ring", "network": "r3d", "width": 2, "frames": 4, "size": 16, "epochs": 1, "batch": 4}
    settings |= {"device": "cpu", "precision": "32", "clips-per-video": 2, "validation": 0.2, "out": "run"}
    options = [f"--{name}={value}" for name, value in settings.items()]
    started = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "r2p1d_edu", "train"]
    done = subprocess.run(
        [sys.executable, *started, "--videos", arrow_folder / "videos", *options],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return folder, done


def test_one_run_is_written_and_reported_once(finished):
    folder, done = finished
    assert [path.name for path in folder.iterdir()] == ["run"]
    assert sorted(path.name for path in (folder / "run").iterdir()) == [
        *("best.pt", "history.csv", "last.pt", "recipe.json", "result.json"),
    ]
    assert done.stdout.count("video accuracy") == 1
    assert done.stdout.count("everything is in run") == 1
    assert len(done.stdout.splitlines()) == 2
    assert "Error" not in done.stderr
    assert "Traceback" not in done.stderr


def test_each_step_is_shared_between_the_two(finished):
    """28 videos in steps of 2 × 4: the first loss is the average of what each half alone would give."""
    folder, _ = finished
    history = read_history(folder / "run")
    assert [row["step"] for row in history] == [1, 2, 3]
    recipe = Recipe.load(folder / "run" / "recipe.json")
    saved = torch.load(folder / "run" / "last.pt", weights_only=True)
    assert saved["processes"] == 2
    training, _ = hold_out_groups(split_of(recipe).train, recipe.validation, recipe.seed)
    clips = TrainingClips(training, frame_source(recipe), Sampling(frames=4, stride=1, size=16))
    losses, seen = [], []
    for rank in range(2):
        network = build_network(recipe, 2).train()
        keys = next(iter(StepSampler(len(training), 4, last=3, rank=rank, world=2)))
        batch, labels = collate([clips[key] for key in keys])
        losses.append(F.cross_entropy(network(normalise(batch)), labels).item())
        seen += keys
    assert len(set(seen)) == 8
    assert history[0]["loss"] == pytest.approx(sum(losses) / 2, rel=1e-5)


def test_what_it_leaves_is_a_run_like_any_other(finished):
    folder, done = finished
    network, recipe = load_run(folder / "run")
    result = evaluate_split(network, split_of(recipe), frame_source(recipe), recipe)
    stored = json.loads((folder / "run" / "result.json").read_text())
    assert stored["video_accuracy"] == result.video_accuracy
    assert str(result) in done.stdout
    assert stored["clips_per_second"] == pytest.approx(3 * 8 / stored["seconds"], rel=0.1)
