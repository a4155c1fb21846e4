"""A run that is stopped, in whatever way, goes on as if it had not been; what is damaged is found, and said."""

import json
import os
import shutil
import signal
import threading

import pytest
import torch

from r2p1d_edu.errors import InputError
from r2p1d_edu.training import loop
from r2p1d_edu.training.checkpoint import RunFolder, load_run, read_history
from r2p1d_edu.training.loop import train


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """What the tests of this file share: the whole run, and a folder with one that was stopped at step 4."""
    return {"folder": tmp_path_factory.mktemp("stopped") / "run"}


@pytest.fixture
def reference(recipe, kept, without_clock):
    if "whole" not in kept:
        kept["whole"] = train(recipe)
    return without_clock(kept["whole"].history), kept["whole"].network


@pytest.fixture
def stopped(recipe, kept, tmp_path):
    """Checkpoints at steps 4 (last.pt) and 3 (previous.pt)."""
    if not kept["folder"].exists():
        train(recipe, folder=kept["folder"], on_row=stop_at(4, KeyboardInterrupt))
    return shutil.copytree(kept["folder"], tmp_path / "run")


def same_weights(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def snapshot(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def stop_at(step, how):
    def on_row(row):
        if row["step"] == step:
            raise how

    return on_row


@pytest.fixture
def continues(recipe, reference, without_clock):
    def check(folder, recipe=recipe):
        """Resume and compare all that is left behind with the uninterrupted run."""
        told = []
        run = train(recipe, folder=folder, resume=True, on_row=lambda row: told.append(row["step"]))
        history, network = reference
        assert without_clock(run.history) == without_clock(read_history(folder)) == history
        assert told == list(range(1, 10))
        assert same_weights(run.network, network)
        assert same_weights(load_run(folder)[0], network)
        seconds = [row["seconds"] for row in run.history]
        assert seconds == sorted(seconds)
        assert set(snapshot(folder)) == {"recipe.json", "history.csv", "last.pt", "previous.pt", "best.pt"}

    return check


def refused(recipe, folder, resume=True, **options):
    with pytest.raises(InputError) as error:
        train(recipe, folder=folder, resume=resume, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


# Stopped


@pytest.mark.parametrize("steps", [(1,), (3,), (5,), (2, 4, 5, 7)])
def test_after_interruptions(recipe, tmp_path, continues, steps):
    for step in steps:
        run = train(recipe, folder=tmp_path / "run", resume=step > steps[0], on_row=stop_at(step, KeyboardInterrupt))
        assert run.interrupted
        assert len(read_history(tmp_path / "run")) == run.folder.saved == step
    continues(tmp_path / "run")


@pytest.mark.parametrize("step", [2, 5])
@pytest.mark.parametrize("where", ["learnt, not recorded", "not yet written"])
def test_after_ctrl_c_twice_in_a_step(recipe, tmp_path, continues, monkeypatch, where, step):
    """What was saved is named: the end of an epoch; before the first there is nothing, and the run begins anew."""
    real_step, real_add = loop.training_step, RunFolder.add

    def broken_off(fabric, network, optimizer, scheduler, *batch):
        result = real_step(fabric, network, optimizer, scheduler, *batch)
        if scheduler.last_epoch == step:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return result

    def unwritten(store, row):
        if row["step"] == step:
            raise KeyboardInterrupt
        real_add(store, row)

    with monkeypatch.context() as patch:
        if where == "not yet written":
            patch.setattr(RunFolder, "add", unwritten)
        else:
            patch.setattr(loop, "training_step", broken_off)
        run = train(recipe, folder=tmp_path / "run")
    assert run.interrupted
    if where == "learnt, not recorded":
        assert (len(run.history), run.folder.saved) == (step - 1, 3 * (step > 3))
    continues(tmp_path / "run")


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
@pytest.mark.parametrize(("step", "saved"), [(1, None), (5, 3), (8, 6)])
def test_after_a_failure_in_the_middle_of_an_epoch(recipe, tmp_path, continues, torn, step, saved):
    """The history is ahead of the checkpoint, if there is one, and its last line may be torn."""
    with pytest.raises(OSError, match="broken"):
        train(recipe, folder=tmp_path / "run", on_row=stop_at(step, OSError("broken")))
    with (tmp_path / "run" / "history.csv").open("a") as file:
        file.write(torn)
    assert [row["step"] for row in read_history(tmp_path / "run")] == list(range(1, step + 1))
    if saved:
        assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["step"] == saved
    else:
        with pytest.raises(InputError, match="stopped before its first checkpoint"):
            load_run(tmp_path / "run")
    continues(tmp_path / "run")


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("file", ["last.pt", "previous.pt", "best.pt", "history.csv"])
def test_a_kill_between_files_leaves_a_whole_checkpoint(recipe, stopped, tmp_path, continues, monkeypatch, file, moved):
    """Before or after a file gets its name; the parts of a process that was killed stay behind."""
    resumed, real = file == "history.csv", os.replace
    folder = stopped if resumed else tmp_path / "new"

    def killed(source, target):
        if str(target).endswith(file) and (resumed or "history" not in str(target)):
            if moved:
                real(source, target)
            (target.parent / "x.part").write_text("left")
            raise ZeroDivisionError("killed")
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(ZeroDivisionError, match="killed"):
            train(recipe, folder=folder, resume=resumed)
    continues(folder)


def test_a_finished_run_is_left_as_it_is(recipe, tmp_path, continues):
    train(recipe, folder=tmp_path / "run")
    before = snapshot(tmp_path / "run")
    continues(tmp_path / "run")
    assert all(snapshot(tmp_path / "run")[name] == content for name, content in before.items() if name.endswith(".pt"))


def test_best_pt_holds_the_best_epoch_across_a_resume(recipe, stopped):
    run = train(recipe, folder=stopped, resume=True)
    accuracies = {row["step"]: row["validation_accuracy"] for row in run.history if row["step"] % 3 == 0}
    best = torch.load(stopped / "best.pt", weights_only=True)
    assert best["best_accuracy"] == max(accuracies.values())
    assert best["step"] == min(step for step, value in accuracies.items() if value == best["best_accuracy"])


def test_a_long_epoch_is_saved_on_the_way(recipe, tmp_path, continues, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0)
    with pytest.raises(OSError, match="broken"):
        train(recipe, folder=tmp_path / "run", on_row=stop_at(5, OSError("broken")))
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["step"] == 5
    continues(tmp_path / "run")


def test_what_a_run_leaves_behind(recipe, tmp_path):
    run = train(recipe.changed(epochs=1), folder=tmp_path / "a" / "run-#")
    run.folder.write_result(run.test(), run.seconds, run.clips_per_second)
    assert run.folder.path == tmp_path / "a" / "run-1"
    assert set(snapshot(run.folder.path)) == {"recipe.json", "history.csv", "last.pt", "best.pt", "result.json"}
    assert len(read_history(run.folder.path)) == 3
    result = json.loads((run.folder.path / "result.json").read_text())
    assert result["video_accuracy"] == run.test().video_accuracy
    assert result["clip_accuracy"] == run.test().clip_accuracy
    assert result["split"] == "arrow fold 1, test, 14 videos"
    assert result["processes"] == json.loads((run.folder.path / "recipe.json").read_text())["processes"] == 1
    assert result["seconds"] == pytest.approx(run.seconds, abs=0.006)
    assert result["clips_per_second"] == pytest.approx(run.clips_per_second, abs=0.006)


# Two at once


def test_trainings_at_once_take_folders_of_their_own(recipe, tmp_path):
    """Four begin together, each with another seed: four folders, each with the recipe and history of one of them."""
    runs, together = [], threading.Barrier(4)

    def begin(seed):
        together.wait()
        runs.append(train(recipe.changed(seed=seed, epochs=1), folder=tmp_path / "runs" / "r3d-#"))

    threads = [threading.Thread(target=begin, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {f"r3d-{number}" for number in (1, 2, 3, 4)}
    for run in runs:
        assert load_run(run.folder.path)[1] == run.recipe
        assert read_history(run.folder.path) == run.history


@pytest.mark.parametrize("resume", [False, True])
def test_the_folder_of_a_training_is_refused_to_another(recipe, stopped, tmp_path, resume):
    folder, said = stopped if resume else tmp_path / "other", []

    def second(_):
        if not said:
            said.append(refused(recipe, folder, resume=resume, progress=None))

    run = train(recipe, folder=folder, resume=resume, on_start=second)
    assert said == [f"{folder}: another training is writing there; choose another folder"]
    assert len(run.history) == 9


@pytest.mark.parametrize("made", [False, True])
def test_a_run_that_fails_at_once_leaves_nothing_of_its_own(recipe, tmp_path, made):
    if made:
        (tmp_path / "a" / "run").mkdir(parents=True)
        (tmp_path / "a" / "run" / "mine.txt").write_text("mine")

    def fails(_):
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        train(recipe, folder=tmp_path / "a" / "run", on_start=fails)
    assert [path.name for path in tmp_path.rglob("*")] == (["a", "run", "mine.txt"] if made else [])


# Refused, or mended


def test_other_settings_are_refused_by_name_and_some_may_change(recipe, stopped, continues):
    before = snapshot(stopped)
    text = refused(recipe.changed(batch=4, seed=3, options={"depth": 10, "width": 4}), stopped, progress=None)
    assert "batch was 8 and is now 4" in text
    assert "seed was 0 and is now 3" in text
    assert "options was {'depth': 10, 'width': 2} and is now {'depth': 10, 'width': 4}" in text
    assert "frames" not in text
    assert snapshot(stopped) == before
    continues(stopped, recipe.changed(device="auto", cache=False, clips_per_video=1))


def test_what_is_no_folder_for_this_is_refused_and_untouched(recipe, stopped, tmp_path):
    before = snapshot(stopped)
    assert "already holds a run; resume it, or choose" in refused(recipe, stopped, resume=False, progress=None)
    assert snapshot(stopped) == before
    (tmp_path / "file").write_text("mine")
    assert "is a file" in refused(recipe, tmp_path / "file", resume=False, progress=None)
    assert (tmp_path / "file").read_text() == "mine"
    assert "recipe.json: not a recipe that `train` wrote" in refused(recipe, tmp_path / "none", progress=None)
    assert "to resume, give the folder" in refused(recipe, None, progress=None)


def cut(size):
    return lambda content: content[:size]


def flip(place):
    def flipped(content):
        at = int(place * len(content))
        return content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :]

    return flipped


DAMAGE = {
    **{f"cut at {size}": cut(size) for size in (0, 7, 1000, -10)},
    **{f"a bit of {place}": flip(place) for place in (0.3, 0.45, 0.6, 0.75)},
    "a pickle": lambda _: b"\x80\x04]\x94(K\x01K\x02e.",
    "text": lambda _: b"<html>\n\n</html>",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(recipe, stopped, continues, damage):
    last, before = stopped / "last.pt", stopped / "previous.pt"
    last.write_bytes(DAMAGE[damage](last.read_bytes()))
    named = r"run/last\.pt: not a checkpoint that can be read: [^\n]*; the one before it is used$"
    with pytest.warns(RuntimeWarning, match=named):
        load_run(stopped)
    both = shutil.copytree(stopped, stopped.parent / "both")
    with pytest.warns(RuntimeWarning, match=named):
        continues(stopped)
    (both / before.name).write_bytes(DAMAGE[damage](before.read_bytes()))
    with pytest.warns(RuntimeWarning, match="the one before"):
        assert "previous.pt: not a checkpoint that can be read" in refused(recipe, both)


def test_a_checkpoint_of_something_else_is_refused(recipe, stopped):
    for name in ("previous.pt", "last.pt"):
        torch.save({"weights": torch.zeros(3)}, stopped / name)
    with pytest.warns(RuntimeWarning, match="the one before"):
        assert "previous.pt: not a checkpoint that `train` wrote" in refused(recipe, stopped)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[:3],
        lambda rows: [*rows[:2], *rows[3:]],
        lambda rows: [rows[0], *rows[:0:-1]],
        lambda rows: [*rows[:2], rows[2].replace("2,", "inf,", 1), *rows[3:]],
        lambda rows: [*rows[:2], rows[2].replace("2,", "nan,", 1), *rows[3:]],
        lambda rows: [*rows[:2], "2,0.6,inf,0.5,0.001,100.0,3.4,\n", *rows[3:]],
        lambda rows: [*rows[:2], "2,0.6,0.5,0.5,0.001,100.0,,\n", *rows[3:]],
        lambda rows: [*rows[:2], "\0" + rows[2], *rows[3:]],
        lambda rows: rows[1:],
        lambda rows: ["step\n", "1\n"],
        lambda rows: [],
    ],
)
def test_a_history_that_lost_rows_is_refused(recipe, stopped, change):
    lines = (stopped / "history.csv").read_text().splitlines(keepends=True)
    (stopped / "history.csv").write_text("".join(change(lines)))
    assert "history.csv: not the 4 steps of the checkpoint" in refused(recipe, stopped)
    (stopped / "history.csv").unlink()
    assert "history.csv: no such history" in refused(recipe, stopped)


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999])
def test_a_full_disk_is_said_in_a_line_and_the_run_goes_on_when_there_is_room(recipe, stopped, continues, share):
    """The disk takes so much of a checkpoint, as a limit on the size of files has it."""
    resource = pytest.importorskip("resource")
    limits, size = resource.getrlimit(resource.RLIMIT_FSIZE), (stopped / "last.pt").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(share * size), limits[1]))
    try:
        said = refused(recipe, stopped)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "cannot be written (File too large; " in said
    assert "MB are free there); make room, then go on with --resume" in said
    continues(stopped)


def test_data_that_has_changed_is_refused(recipe, stopped, tmp_path, arrow_folder):
    for name in recipe.classes:
        (tmp_path / "videos" / name).mkdir(parents=True)
        for path in (arrow_folder / "videos" / name).iterdir():
            (tmp_path / "videos" / name / path.name).symlink_to(path)
    elsewhere = recipe.changed(videos=tmp_path / "videos", splits=arrow_folder / "ucfTrainTestlist")
    elsewhere.save(stopped / "recipe.json")
    (tmp_path / "videos" / "Rise" / "v_Rise_g25_c01.avi").unlink()
    assert "other things have changed (training_videos: was 28 (checksum" in refused(elsewhere, stopped)


def test_weights_and_recipe_that_do_not_belong_together_are_refused(recipe, stopped):
    recipe.changed(options={"depth": 10, "width": 4}).save(stopped / "recipe.json")
    with pytest.raises(InputError, match="these weights are not of this network"):
        load_run(stopped)
