"""The command line: what each command does, and one clear line for everything that it cannot do."""

import csv
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from r2p1d_edu import cli
from r2p1d_edu.cli import main
from r2p1d_edu.training import loop
from r2p1d_edu.training.checkpoint import read_history
from r2p1d_edu.training.recipe import Recipe
from r2p1d_edu.video import arrow

TINY = ["--classes=Ring,Rise", "--network=r3d", "--width=2", "--frames=4", "--size=16", "--epochs=2", "--batch=16"]
TINY += ["--clips-per-video=2", "--device=cpu", "--precision=32"]
GROUPS = r"_g(?P<group>\d+)_"
EVERYTHING = {"recipe.json", "history.csv", "last.pt", "previous.pt", "best.pt", "result.json"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Commands run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def train_tiny(arrow_folder, here):
    return lambda *more: main(["train", "--videos", str(arrow_folder / "videos"), *TINY, *more])


def names(folder):
    return {path.name for path in folder.iterdir()}


# What works


def test_data_arrow_is_made_once_and_says_what_to_do_next(here, monkeypatch, capsys):
    monkeypatch.setattr(arrow, "write_arrow", functools.partial(arrow.write_arrow, clips_per_group=1))
    monkeypatch.setattr(arrow, "draw_clip", lambda *_: np.zeros((2, 16, 16, 3), np.uint8))  # faster than the real ones
    assert main(["data", "arrow", "--to", "sets"]) == 0
    assert len(list((here / "sets" / "arrow" / "videos").rglob("*.avi"))) == 200
    text = capsys.readouterr().out
    assert "python -m r2p1d_edu train --videos sets/arrow/videos" in text.replace("\\", "/")
    assert main(["data", "arrow", "--to", "sets"]) == 0
    assert main(["data", "arrow", "--to", "sets", "--seed", "1"]) == 2


def test_table_as_json_repeats_the_golden_rows(capsys):
    assert main(["table", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    with (Path(__file__).parent / "golden" / "networks.csv").open() as file:
        golden = list(csv.DictReader(file))
    assert [(row["network"], row["frames"], row["parameters"], f"{row['GMAC']:.3f}") for row in rows] == [
        (row["network"], int(row["frames"]), int(row["params"]), row["gmac"]) for row in golden
    ]


def test_table_as_text(capsys):
    assert main(["table"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["network", "frames", "parameters", "GMAC"]
    assert lines[25].split() == ["r2plus1d", "16", "33,370,839", "41.496", "56.8", "68.0", "57.3", "68.5"]


def test_train_leaves_a_run_and_evaluate_repeats_its_result(train_tiny, here, capsys):
    assert train_tiny("--out", "run", "--validation=0.2") == 0
    said = capsys.readouterr()
    assert "r2p1d_edu: " not in said.err  # a bar may be there, where the machine is slow
    result = said.out.splitlines()[0]
    assert result.startswith("video accuracy")
    assert names(here / "run") == EVERYTHING
    assert json.loads((here / "run" / "result.json").read_text())["split"] == "arrow fold 1, test, 14 videos"
    assert len(read_history(here / "run")) == 2
    assert main(["evaluate", "run"]) == 0
    assert capsys.readouterr().out.splitlines() == [result]
    assert main(["evaluate", "run", "--clips", "1", "--weights", "best", "--device", "cpu"]) == 0
    assert "1 clip a video" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_of_any_letters_are_printed_and_the_result_is_kept(copied, here, encoding):
    """Letters that the terminal has not, and bytes that are no letters at all, in the names of files."""
    odd = os.fsdecode(b"v_Ring_g09_c01_\xe4\xb8\xad\xff.avi")
    videos = copied.parent / "видео"
    copied.rename(videos)
    (videos / "Ring" / "v_Ring_g10_c01.avi").rename(videos / "Ring" / odd)
    (videos / "Rise" / "v_Rise_g02_c01.avi").write_text("no video")
    options = [*TINY, "--epochs=1", f"--groups={GROUPS}", "--out=run"]
    command = [sys.executable, "-m", "r2p1d_edu", "train", f"--videos={videos}", *options]
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"left out: " in done.stdout
    assert json.loads((here / "run" / "result.json").read_text())["processes"] == 1
    assert main(["evaluate", "run"]) == 0


def test_runs_without_a_name_are_numbered(train_tiny, here):
    assert train_tiny("--epochs=1") == train_tiny("--epochs=1") == 0
    assert names(here / "runs") == {"r3d-1", "r3d-2"}


def test_an_interrupted_run_says_how_to_go_on_and_does(train_tiny, here, capsys, monkeypatch):
    def interrupted(*args):
        signal.raise_signal(signal.SIGINT)
        return real(*args)

    real = loop.training_step
    monkeypatch.setattr(loop, "training_step", interrupted)
    assert train_tiny("--out", "run") == 130
    assert capsys.readouterr().out == "stopped at step 1 of 4; go on with: train --resume --out run\n"
    assert names(here / "run") == {"recipe.json", "history.csv", "last.pt"}
    monkeypatch.setattr(loop, "training_step", real)
    assert main(["train", "--resume", "--out", "run", "--batch=auto"]) == 0  # it stays what it was
    assert len(read_history(here / "run")) == 4
    assert names(here / "run") == EVERYTHING
    assert main(["train", "--resume", "--out", "run"]) == 0  # a finished run is tested again


@pytest.mark.parametrize("where", ["leave_out_unreadable", "training_step"])
def test_a_stop_before_the_first_step_is_one_line_and_leaves_nothing(train_tiny, here, capsys, monkeypatch, where):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, where, stopped)
    assert train_tiny("--out=run") == 130
    assert capsys.readouterr().err == "r2p1d_edu: stopped\n"
    assert names(here) == set()


@pytest.fixture
def copied(arrow_folder, here):
    """Two classes of the data in a folder of their own, to be damaged."""
    for name in ("Ring", "Rise"):
        shutil.copytree(arrow_folder / "videos" / name, here / "set" / "videos" / name)
    shutil.copytree(arrow_folder / "ucfTrainTestlist", here / "set" / "ucfTrainTestlist")
    return here / "set" / "videos"


def test_what_is_left_out_is_said(copied, capsys):
    (copied / "Ring" / "v_Ring_g09_c01.avi").write_bytes(b"")
    (copied / "Rise" / "v_Rise_g02_c01.avi").write_text("no video")
    (copied / "Rise" / "v_Rise_g03_c01.avi").unlink()
    assert main(["train", "--videos", str(copied), *TINY, "--out", "run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"note: 1 listed videos are not in {copied}; the others were used"
    assert lines[1].startswith(f"left out: {copied / 'Ring' / 'v_Ring_g09_c01.avi'}: ")
    assert lines[2].startswith(f"left out: {copied / 'Rise' / 'v_Rise_g02_c01.avi'}: ")
    assert lines[3] == "note: 2 videos could not be read and were left out"
    assert "test, 12 videos" in lines[4]
    assert main(["evaluate", "run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "v_Rise_g02_c01.avi" in lines[0]
    assert lines[1] == "note: 1 videos could not be read and were left out"
    assert "test, 12 videos" in lines[2]


def test_a_folder_without_lists_is_trained_on_and_tested(copied, here, capsys):
    """Both classes have a scene of each number, and a scene is on one side only: 8 or 9 of 25 are tested."""
    mine = copied.rename(here / "mine")
    for more, said in (
        ([], "or a pattern that finds the group in file names, such as --groups '_g(?P<group>\\d+)_'"),
        (["--groups=_g"], "does not say which part is the group"),
        (["--groups=(?P<group>x)"], "its name has no group by the pattern"),
    ):
        assert said in refusal(capsys, "train", "--videos", mine, *TINY, *more)
    assert main(["train", "--videos=mine", "--groups", GROUPS, "--fold=2", *TINY, "--epochs=1", "--out=run"]) == 0
    said = json.loads((here / "run" / "result.json").read_text())["split"]
    assert said in [f"mine grouped by name, fold 2, test, {2 * groups} videos" for groups in (8, 9)]
    assert Recipe.load(here / "run" / "recipe.json").groups == GROUPS
    result = capsys.readouterr().out.splitlines()[0]
    assert main(["evaluate", "run"]) == 0
    assert capsys.readouterr().out.splitlines() == [result]


@pytest.mark.parametrize("network", ["c3d", "p3d63"])
def test_networks_beside_the_family_train_too(arrow_folder, here, network):
    small = ["--width=2", "--frames=2", "--size=32", "--epochs=1", "--clips-per-video=1", "--precision=32"]
    data = ["--videos", str(arrow_folder / "videos"), "--classes", "Ring, Rise"]
    assert main(["train", *data, f"--network={network}", *small, "--device=cpu", "--out=run"]) == 0
    assert len(read_history(here / "run")) == 2


# Bars


def test_work_of_more_than_a_second_has_a_bar_and_less_has_none(capsys):
    list(cli.bar(range(3), "reading videos", unit="video"))
    assert capsys.readouterr().err == ""
    for _ in cli.bar(range(3), "reading videos", unit="video"):
        time.sleep(0.6)
    shown = capsys.readouterr().err
    assert "reading videos" in shown
    assert "video/s" in shown


def test_only_the_first_of_many_processes_has_a_bar(monkeypatch):
    for rank, silent in ((None, False), ("0", False), ("1", True), ("10", True)):
        if rank:
            monkeypatch.setenv("RANK", rank)
            monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
        assert cli.bar(range(2), "reading videos").disable == silent


def test_everything_that_may_take_long_has_one(train_tiny, here, monkeypatch):
    titles = []
    real = cli.bar

    def watch(things=None, title="", **options):
        titles.append(title)
        return real(things, title, **options)

    monkeypatch.setattr(cli, "bar", watch)
    train_tiny("--out=run")
    assert titles == ["reading videos", "training", "testing"]
    titles.clear()
    main(["evaluate", "run"])
    assert titles == ["reading videos", "testing"]
    titles.clear()
    monkeypatch.setattr(arrow, "write_arrow", lambda folder, seed, progress: list(progress([])) or folder)
    main(["data", "arrow"])
    assert titles == ["writing arrow"]


# What cannot be done


def refusal(capsys, *arguments):
    """The one line on standard error of a command that ends with status 2."""
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        status = stop.code
    said = capsys.readouterr()
    assert status == 2
    assert said.out == ""
    assert said.err.startswith("r2p1d_edu: ")
    assert said.err.endswith("\n")
    assert said.err.count("\n") == 1
    assert "\r" not in said.err
    return said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--videos=nowhere"], "nowhere: no such folder"),
        (["--splits=nowhere"], "no such list"),
        (["--network=p3d63", "--depth=18"], "network 'p3d63' takes no option 'depth'; it takes num_classes"),
        (["--epochs=many"], "argument --epochs: invalid int value: 'many'; see python -m r2p1d_edu train --help"),
        (["--batch=1", "--size=8"], "use a batch of 2 clips or more"),
        (["--speed=3"], "unrecognized arguments: --speed=3"),
        (["--size=100000"], "to train with a batch of 16 takes "),
        (["--batch=999999999999999999999"], '1,000,000 at most, or "auto"'),
        (["--batch=many"], "argument --batch: invalid number_or_auto value: 'many'"),
        (["--width=100000000"], "width is 100000000; it must be 1,000,000 at most"),
        (["--frames=99999999999999999999"], "1,000,000 at most"),
        (["--learning-rate=1e400"], "learning_rate is inf"),
        (["--groups", GROUPS, "--splits=lists"], "one decides the split"),
        (["--resume"], "--resume needs --out RUN"),
        (["--resume", "--out=nowhere"], "recipe.json: not a recipe that `train` wrote"),
    ],
)
def test_train_refuses_in_one_line(arrow_folder, here, capsys, arguments, message):
    sound = ["--videos", arrow_folder / "videos", "--classes=Ring,Rise", "--width=2", "--device=cpu", "--precision=32"]
    assert message in refusal(capsys, "train", *sound, *arguments)
    assert list(here.iterdir()) == []


def test_every_setting_of_a_recipe_is_an_option_with_its_default(here, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/r2p1d"])
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("usage: r2p1d train ")
    for field in fields(Recipe):
        option = f" --{field.name.replace('_', '-')} "
        assert (option in said.replace(",", " ")) == (field.name not in ("options", "processes"))
    assert "--learning-rate LEARNING_RATE the peak of the one-cycle schedule; default: 0.002" in said
    assert "--flip, --no-flip mirror half of the training clips; default: yes" in said


def test_train_needs_videos(here, capsys):
    assert "--videos DIR is missing; `python -m r2p1d_edu data arrow` makes" in refusal(capsys, "train")


def test_a_device_that_is_not_there(arrow_folder, here, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    text = refusal(capsys, "train", "--videos", arrow_folder / "videos", "--device=cuda")
    assert "device 'cuda' is not available here; choose auto or one of" in text


def test_videos_of_which_none_can_be_read(copied, here, capsys):
    for path in copied.rglob("*.avi"):
        path.write_text("no video")
    assert "train video of Ring can be read; the first: " in refusal(capsys, "train", "--videos", copied, *TINY)
    assert names(here) == {"set"}


def test_a_folder_that_is_taken(train_tiny, here, arrow_folder, capsys):
    train_tiny("--out=run")
    capsys.readouterr()
    before = {path.name: path.read_bytes() for path in (here / "run").iterdir()}
    again = ["train", "--videos", arrow_folder / "videos", *TINY, "--out=run"]
    assert "run: already holds a run; resume it, or choose another folder" in refusal(capsys, *again)
    assert "batch was 16 and is now 4" in refusal(capsys, "train", "--resume", "--out=run", "--batch=4")
    assert {path.name: path.read_bytes() for path in (here / "run").iterdir()} == before
    (here / "file").write_text("mine")
    assert "is a file" in refusal(capsys, *again[:-1], "--out=file")
    assert "Not a directory" in refusal(capsys, *again[:-1], "--out=file/run")


def test_evaluate_needs_a_whole_run(train_tiny, here, capsys):
    (here / "empty").mkdir()
    assert "nowhere: no such run folder" in refusal(capsys, "evaluate", "nowhere")
    assert "recipe.json: not a recipe" in refusal(capsys, "evaluate", "empty")
    train_tiny("--out=run")
    capsys.readouterr()
    assert "unknown set of weights 'first'; choose one of last, best" in refusal(
        capsys, "evaluate", "run", "--weights=first"
    )
    assert "clips per video is 0" in refusal(capsys, "evaluate", "run", "--clips=0")
    (here / "run" / "previous.pt").unlink()
    (here / "run" / "last.pt").write_bytes(b"PK")
    assert "last.pt: not a checkpoint that can be read" in refusal(capsys, "evaluate", "run")
    (here / "run" / "recipe.json").write_text('{"videos": ')
    assert "recipe.json: not a recipe that `train` wrote" in refusal(capsys, "evaluate", "run")


@pytest.mark.parametrize("arguments", [[], ["fly"], ["data"], ["data", "kinetics"], ["table", "--xml"], ["evaluate"]])
def test_what_is_no_command_is_refused_in_one_line_too(here, capsys, arguments):
    assert "--help" in refusal(capsys, *arguments)


def test_data_that_would_overwrite_something(here, capsys):
    (here / "arrow").mkdir()
    (here / "arrow" / "mine.txt").write_text("mine")
    assert "already holds something else" in refusal(capsys, "data", "arrow", "--to", ".")
    assert names(here / "arrow") == {"mine.txt"}


# As a process of its own


def run(*code):
    return subprocess.run([sys.executable, *code], capture_output=True, text=True, timeout=300)


def test_help_does_not_wait_for_torch():
    script = (
        "import sys, r2p1d_edu.cli as cli\ntry: cli.main({})\nfinally: print({{'torch', 'numpy'}} & set(sys.modules))"
    )
    for arguments in (["--help"], ["train", "--help"], ["fly"]):
        done = run("-c", script.format(arguments))
        assert done.stdout.splitlines()[-1] == "set()"
        assert done.returncode == (2 if arguments == ["fly"] else 0)


def test_table_does_not_wait_for_torchs_compiler():
    """Importing that alone would take a second; a sum or a draw on the meta device does it unnoticed."""
    script = (
        "import sys; from r2p1d_edu.cli import main; main(['table', '--json']); print('torch._dynamo' in sys.modules)"
    )
    done = run("-c", script)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "False"


def test_the_exit_status_reaches_the_shell(here):
    done = run("-m", "r2p1d_edu", "data", "kinetics")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("r2p1d_edu: argument name: invalid choice: 'kinetics'")
    assert run("-m", "r2p1d_edu", "--help").returncode == 0
