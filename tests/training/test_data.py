"""Videos are opened once before training and decoded when a clip asks for them; equal runs stay equal."""

from collections import Counter
from contextlib import contextmanager

import pytest

from r2p1d_edu.cli import main
from r2p1d_edu.training.loop import train
from r2p1d_edu.video import decode
from r2p1d_edu.video.decode import VideoError
from r2p1d_edu.video.ucf101 import hold_out_groups


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """How often each file was opened, with an empty frame cache."""
    monkeypatch.setenv("R2P1D_CACHE", str(tmp_path / "cache"))
    counts, real = Counter(), decode.open_container

    @contextmanager
    def watched(path):
        counts[path] += 1
        with real(path) as found:
            yield found

    monkeypatch.setattr(decode, "open_container", watched)
    return counts


def test_training_starts_before_any_video_is_decoded_whole(recipe, opened, tmp_path):
    at_start = []
    run = train(recipe, on_start=lambda _: at_start.append((dict(opened), list((tmp_path / "cache").rglob("*.npy")))))
    videos = {video.path for video in (*run.split.train, *run.split.test)}
    assert at_start == [(dict.fromkeys(videos, 1), [])]
    assert run.history[-1]["validation_accuracy"] is not None  # three validations
    assert {opened[video.path] for video in run.split.train} == {2}  # tried, then decoded into the cache, once
    assert {opened[video.path] for video in run.split.test} == {1}


@pytest.fixture
def vanishing(recipe, tmp_path, arrow_folder):
    """The recipe on links to its videos, and a function that removes one that is trained on."""
    for name in recipe.classes:
        (tmp_path / "videos" / name).mkdir(parents=True)
        for path in (arrow_folder / "videos" / name).iterdir():
            (tmp_path / "videos" / name / path.name).symlink_to(path)
    changed = recipe.changed(videos=tmp_path / "videos", splits=arrow_folder / "ucfTrainTestlist", cache=False)
    gone = tmp_path / "videos" / "Ring" / "v_Ring_g12_c01.avi"
    return changed, gone


def test_a_video_that_goes_while_training_ends_the_run_at_the_same_step_each_time(vanishing):
    recipe, gone = vanishing
    target, ended = gone.resolve(), []
    for _ in range(2):
        rows = []
        with pytest.raises(VideoError, match=r"v_Ring_g12_c01\.avi: no such video file"):
            train(recipe, on_start=lambda _: gone.unlink(), on_row=rows.append)
        ended.append([row["loss"] for row in rows])
        gone.symlink_to(target)
    training, _ = hold_out_groups(train(recipe.changed(epochs=1)).split.train, recipe.validation, recipe.seed)
    assert gone in {video.path for video in training}
    assert ended[0] == ended[1]


def test_of_loader_processes_too_the_command_says_it_in_a_line(vanishing, tmp_path, capsys, monkeypatch):
    recipe, gone = vanishing
    real = train
    monkeypatch.setattr(
        "r2p1d_edu.training.loop.train",
        lambda recipe, **options: real(recipe, **options | {"on_start": lambda _: gone.unlink()}),
    )
    options = ["--classes=Ring,Rise", "--network=r3d", "--width=2", "--frames=4", "--size=16", "--workers=1"]
    options += ["--device=cpu", "--precision=32", "--no-cache", "--validation=0", f"--splits={recipe.splits}"]
    assert main(["train", "--videos", recipe.videos, *options, "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == f"r2p1d_edu: {gone}: no such video file\n"
