"""A run that is stopped, in whatever way, goes on as if it had not been."""

import csv
import json
import os
import signal

import pytest
import torch

from r2p1d_edu.errors import InputError
from r2p1d_edu.training import loop
from r2p1d_edu.training.checkpoint import RunFolder, load_run, read_history
from r2p1d_edu.training.loop import train


@pytest.fixture(scope="module")
def whole():
    """The history of the run that nobody stopped, made once."""
    return []


@pytest.fixture
def reference(recipe, whole, without_clock):
    if not whole:
        whole.append(train(recipe))
    return without_clock(whole[0].history), whole[0].network


def same_weights(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def snapshot(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def stop_at(step, how):
    def on_row(row):
        if row["step"] == step:
            raise how

    return on_row


def continues(recipe, folder, reference, without_clock):
    """Resume and compare all that is left behind with the uninterrupted run."""
    told = []
    run = train(recipe, folder=folder, resume=True, on_row=lambda row: told.append(row["step"]))
    history, network = reference
    assert without_clock(run.history) == history
    assert without_clock(read_history(folder)) == history
    assert told == list(range(1, 10))
    assert same_weights(run.network, network)
    assert same_weights(load_run(folder)[0], network)
    seconds = [row["seconds"] for row in run.history]
    assert seconds == sorted(seconds)
    return run


@pytest.mark.parametrize("step", [1, 3, 5])
def test_after_an_interruption(recipe, tmp_path, reference, without_clock, step):
    run = train(recipe, folder=tmp_path / "run", on_row=stop_at(step, KeyboardInterrupt))
    assert run.interrupted
    assert len(read_history(tmp_path / "run")) == step
    continues(recipe, tmp_path / "run", reference, without_clock)


def test_after_many_interruptions(recipe, tmp_path, reference, without_clock):
    for step in (2, 4, 5, 7):
        train(recipe, folder=tmp_path / "run", resume=step > 2, on_row=stop_at(step, KeyboardInterrupt))
    continues(recipe, tmp_path / "run", reference, without_clock)


def test_after_ctrl_c_twice_in_the_middle_of_a_step(recipe, tmp_path, reference, without_clock, monkeypatch):
    real = loop.training_step

    def broken_off(fabric, network, optimizer, scheduler, *batch):
        result = real(fabric, network, optimizer, scheduler, *batch)  # learnt, but not yet recorded
        if scheduler.last_epoch == 5:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr(loop, "training_step", broken_off)
    run = train(recipe, folder=tmp_path / "run")
    assert run.interrupted
    assert len(run.history) == 4
    monkeypatch.setattr(loop, "training_step", real)
    continues(recipe, tmp_path / "run", reference, without_clock)


def test_after_ctrl_c_twice_before_the_row_is_written(recipe, tmp_path, reference, without_clock, monkeypatch):
    real = RunFolder.add

    def broken_off(store, row):
        if row["step"] == 5:
            raise KeyboardInterrupt
        real(store, row)

    monkeypatch.setattr(RunFolder, "add", broken_off)
    train(recipe, folder=tmp_path / "run")
    assert len(read_history(tmp_path / "run")) == 5
    monkeypatch.setattr(RunFolder, "add", real)
    continues(recipe, tmp_path / "run", reference, without_clock)


def test_dropout_goes_on_where_it_was(recipe, tmp_path, without_clock):
    c3d = recipe.changed(network="c3d", options={"width": 1}, size=32, frames=2, epochs=1, learning_rate=0.01)
    expected = train(c3d)
    assert sum(isinstance(module, torch.nn.Dropout) for module in expected.network.modules()) == 2
    train(c3d, folder=tmp_path / "run", on_row=stop_at(1, KeyboardInterrupt))
    torch.rand(7)  # other things happen meanwhile
    run = train(c3d, folder=tmp_path / "run", resume=True)
    assert without_clock(run.history) == without_clock(expected.history)
    assert same_weights(run.network, expected.network)


@pytest.mark.parametrize("torn", ["", "6,2.0,0.69,0.5,0.001,100.0,3.4", "6,2.0,0.69,0.5,0.0", "\0\0\0\0"])
def test_after_a_kill_in_the_middle_of_an_epoch(recipe, tmp_path, reference, without_clock, torn):
    """The history is ahead of last.pt, and its last line may be torn."""
    with pytest.raises(RuntimeError, match="killed"):
        train(recipe, folder=tmp_path / "run", on_row=stop_at(5, RuntimeError("killed")))
    with (tmp_path / "run" / "history.csv").open("a") as file:
        file.write(torn)
    assert [row["step"] for row in read_history(tmp_path / "run")] == [1, 2, 3, 4, 5]
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["step"] == 3
    continues(recipe, tmp_path / "run", reference, without_clock)


@pytest.mark.parametrize("file", ["last.pt", "history.csv"])
def test_a_kill_while_a_file_is_written_leaves_the_last_whole_one(
    recipe, tmp_path, reference, without_clock, monkeypatch, file
):
    train(recipe, folder=tmp_path / "run", on_row=stop_at(4, KeyboardInterrupt))
    before = snapshot(tmp_path / "run")

    def killed(source, target):
        if str(target).endswith(file):
            raise RuntimeError("killed")
        real(source, target)

    real = os.replace
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(RuntimeError, match="killed"):
            train(recipe, folder=tmp_path / "run", resume=True)
    assert snapshot(tmp_path / "run")["last.pt"] == before["last.pt"]
    continues(recipe, tmp_path / "run", reference, without_clock)


def test_a_finished_run_is_left_as_it_is(recipe, tmp_path, reference, without_clock):
    train(recipe, folder=tmp_path / "run")
    before = snapshot(tmp_path / "run")
    run = continues(recipe, tmp_path / "run", reference, without_clock)
    assert not run.interrupted
    assert set(snapshot(tmp_path / "run")) == set(before)
    assert snapshot(tmp_path / "run")["last.pt"] == before["last.pt"]


def test_best_pt_holds_the_best_epoch_across_a_resume(recipe, tmp_path):
    folder = tmp_path / "run"
    train(recipe, folder=folder, on_row=stop_at(4, KeyboardInterrupt))
    run = train(recipe, folder=folder, resume=True)
    accuracies = {row["step"]: row["validation_accuracy"] for row in run.history if row["step"] % 3 == 0}
    best = torch.load(folder / "best.pt", weights_only=True)
    assert best["best_accuracy"] == max(accuracies.values())
    assert best["step"] == min(step for step, value in accuracies.items() if value == best["best_accuracy"])


def test_a_kill_between_best_pt_and_last_pt_loses_neither(recipe, tmp_path, monkeypatch):
    """last.pt must not speak of a best.pt that was never written."""
    folder, real = tmp_path / "run", os.replace

    def killed(source, target):
        real(source, target)
        if str(target).endswith(("best.pt", "last.pt")):
            raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(RuntimeError, match="killed"):
            train(recipe, folder=folder)
    assert (folder / "best.pt").exists()
    assert not (folder / "last.pt").exists()


def test_what_a_run_leaves_behind(recipe, tmp_path):
    run = train(recipe.changed(epochs=1), folder=tmp_path / "a" / "run")
    run.folder.write_result(run.test(), run.seconds, run.clips_per_second)
    assert {path.name for path in (tmp_path / "a" / "run").iterdir()} == {
        *("recipe.json", "history.csv", "last.pt", "best.pt", "result.json"),
    }
    with (tmp_path / "a" / "run" / "history.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3
    result = json.loads((tmp_path / "a" / "run" / "result.json").read_text())
    assert result["video_accuracy"] == run.test().video_accuracy
    assert result["clip_accuracy"] == run.test().clip_accuracy
    assert result["split"] == "arrow fold 1, test, 14 videos"
    assert result["seconds"] == pytest.approx(run.seconds, abs=0.006)
    assert result["clips_per_second"] == pytest.approx(run.clips_per_second, abs=0.006)


# Refusals


def refused(recipe, folder, resume=True):
    with pytest.raises(InputError) as error:
        train(recipe, folder=folder, resume=resume, progress=None)  # nothing is read before
    assert "\n" not in str(error.value)
    return str(error.value)


def test_other_settings_are_refused_by_name_and_some_may_change(recipe, tmp_path, reference, without_clock):
    folder = tmp_path / "run"
    train(recipe, folder=folder, on_row=stop_at(4, KeyboardInterrupt))
    before = snapshot(folder)
    text = refused(recipe.changed(batch=4, seed=3, options={"depth": 10, "width": 4}), folder)
    assert "batch was 8 and is now 4" in text
    assert "seed was 0 and is now 3" in text
    assert "options was {'depth': 10, 'width': 2} and is now {'depth': 10, 'width': 4}" in text
    assert "frames" not in text
    assert snapshot(folder) == before
    continues(recipe.changed(device="auto", cache=False, clips_per_video=1), folder, reference, without_clock)


def test_a_folder_that_holds_a_run_is_refused_and_untouched(recipe, tmp_path):
    folder = tmp_path / "run"
    train(recipe.changed(epochs=1), folder=folder)
    before = snapshot(folder)
    assert "already holds a run; resume it, or choose another folder" in refused(recipe, folder, resume=False)
    assert snapshot(folder) == before
    (tmp_path / "file").write_text("mine")
    assert "is a file" in refused(recipe, tmp_path / "file", resume=False)
    assert (tmp_path / "file").read_text() == "mine"


def test_there_must_be_a_run_to_go_on_with(recipe, tmp_path):
    assert "recipe.json: not a recipe that `train` wrote" in refused(recipe, tmp_path / "none")
    assert "to resume, give the folder" in refused(recipe, None)


@pytest.fixture
def stopped(recipe, tmp_path):
    train(recipe, folder=tmp_path / "run", on_row=stop_at(4, KeyboardInterrupt))
    return tmp_path / "run"


def resume(recipe, folder):
    with pytest.raises(InputError) as error:
        train(recipe, folder=folder, resume=True)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("size", [0, 7, 1000, -10])
def test_a_truncated_checkpoint_is_refused_in_one_line(recipe, stopped, size):
    content = (stopped / "last.pt").read_bytes()
    (stopped / "last.pt").write_bytes(content[:size])
    assert "last.pt: not a checkpoint that can be read" in resume(recipe, stopped)
    with pytest.raises(InputError, match="not a checkpoint"):
        load_run(stopped)


def test_a_checkpoint_of_something_else_is_refused(recipe, stopped):
    torch.save({"weights": torch.zeros(3)}, stopped / "last.pt")
    assert "last.pt: not a checkpoint that `train` wrote" in resume(recipe, stopped)
    (stopped / "last.pt").unlink()
    assert "last.pt: no such checkpoint" in resume(recipe, stopped)


def test_a_history_that_lost_rows_is_refused(recipe, stopped):
    lines = (stopped / "history.csv").read_text().splitlines(keepends=True)
    for kept in (lines[:3], lines[:2] + lines[3:], []):
        (stopped / "history.csv").write_text("".join(kept))
        assert "history.csv: not the 4 steps that last.pt has taken" in resume(recipe, stopped)
    (stopped / "history.csv").unlink()
    assert "history.csv: no such history" in resume(recipe, stopped)


def test_data_that_has_changed_is_refused(recipe, stopped, tmp_path, arrow_folder):
    for name in recipe.classes:
        (tmp_path / "videos" / name).mkdir(parents=True)
        for path in (arrow_folder / "videos" / name).iterdir():
            (tmp_path / "videos" / name / path.name).symlink_to(path)
    elsewhere = recipe.changed(videos=tmp_path / "videos", splits=arrow_folder / "ucfTrainTestlist")
    stored = json.loads((stopped / "recipe.json").read_text())
    stored |= {"videos": elsewhere.videos, "splits": elsewhere.splits}
    (stopped / "recipe.json").write_text(json.dumps(stored))
    (tmp_path / "videos" / "Rise" / "v_Rise_g25_c01.avi").unlink()
    text = resume(elsewhere, stopped)
    assert "other things have changed (training_videos: was 28 (checksum" in text
    assert "processes" not in text


def test_weights_and_recipe_that_do_not_belong_together_are_refused(stopped):
    stored = json.loads((stopped / "recipe.json").read_text())
    (stopped / "recipe.json").write_text(json.dumps(stored | {"options": {"depth": 10, "width": 4}}))
    with pytest.raises(InputError, match="these weights are not of this network"):
        load_run(stopped)
