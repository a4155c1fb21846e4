"""Training: it learns, it counts, it repeats itself, and it stops where it is told to."""

import json
import math
import shutil
import signal
import threading
from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from r2p1d_edu.errors import InputError
from r2p1d_edu.training import loop
from r2p1d_edu.training.checkpoint import COLUMNS
from r2p1d_edu.training.data import frame_source, leave_out_unreadable, split_of
from r2p1d_edu.training.loop import train
from r2p1d_edu.training.network import build_network
from r2p1d_edu.training.recipe import Recipe
from r2p1d_edu.video.ucf101 import group_of


@pytest.fixture
def few(recipe, tmp_path, arrow_folder):
    """The recipe on four training and two test videos."""
    lists = tmp_path / "lists"
    shutil.copytree(arrow_folder / "ucfTrainTestlist", lists)
    names = [f"{name}/v_{name}_g{group:02d}_c01.avi" for group in (1, 2, 3) for name in ("Rise", "Ring")]
    (lists / "trainlist01.txt").write_text("".join(f"{name} 1\n" for name in names[:4]))
    (lists / "testlist01.txt").write_text("".join(f"{name}\n" for name in names[4:]))
    return recipe.changed(splits=lists, validation=0)


def test_four_clips_are_learnt_by_heart(few):
    run = train(few.changed(epochs=60, batch=4, frames=12, size=28, options={"depth": 10, "width": 8}))
    last = run.history[-5:]
    assert all(row["accuracy"] == 1 for row in last)
    assert max(row["loss"] for row in last) < 0.05
    assert run.history[0]["loss"] > 0.4


def test_history_rows_are_complete_finite_and_in_step(recipe):
    seen, planned = [], []
    run = train(recipe, on_start=planned.append, on_row=seen.append)
    assert planned == [run.total_steps] == [9]
    assert seen == run.history
    assert [row["step"] for row in seen] == list(range(1, 10))
    assert [row["epoch"] for row in seen] == pytest.approx([step / 3 for step in range(1, 10)])
    assert [row["step"] for row in seen if row["validation_accuracy"] is not None] == [3, 6, 9]
    for row in seen:
        assert set(row) == set(COLUMNS)
        numbers = [row[name] for name in COLUMNS if name != "validation_accuracy"]
        assert all(math.isfinite(number) for number in numbers)
        assert 0 <= row["accuracy"] <= 1
        assert row["clips_per_second"] > 0
    assert all(row["seconds"] < later["seconds"] for row, later in pairwise(seen))
    peak = max(row["learning_rate"] for row in seen)
    assert 0.8 * recipe.learning_rate < peak <= recipe.learning_rate
    assert seen[-1]["learning_rate"] < peak / 100
    assert run.clips_per_second == pytest.approx(9 * 8 / run.seconds)
    assert not run.interrupted


@pytest.mark.parametrize(("warm_up", "highest"), [(0.3, 3), (0.5, 5), (0.0, 0)])
def test_the_learning_rate_rises_for_as_long_as_the_recipe_says(recipe, warm_up, highest):
    rates = [row["learning_rate"] for row in train(recipe.changed(validation=0, warm_up=warm_up)).history]
    assert len(rates) == 12
    assert rates.index(max(rates)) == highest
    assert max(rates) == pytest.approx(recipe.learning_rate, rel=0.02)


def test_losses_are_those_of_plain_pytorch(recipe):
    """The same batches through a few lines of PyTorch, without Fabric."""
    run = train(recipe.changed(validation=0))
    videos, fabric = list(split_of(recipe).train), loop.make_fabric("cpu", "32")
    network = build_network(recipe, 2).train()
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=run.total_steps)
    mean, std = torch.tensor([0.43216, 0.394666, 0.37645]), torch.tensor([0.22803, 0.22145, 0.216989])
    losses = []
    for clips, labels in loop.training_loader(recipe, videos, frame_source(recipe), fabric, 0, run.total_steps):
        normal = (clips.float().movedim(1, 4) / 255 - mean) / std
        loss = F.cross_entropy(network(normal.movedim(4, 1)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    assert [row["loss"] for row in run.history] == pytest.approx(losses, rel=1e-4)
    assert len(losses) == 12


def test_the_same_seed_gives_the_same_run_and_another_does_not(recipe, without_clock):
    first, second = train(recipe), train(recipe)
    assert without_clock(first.history) == without_clock(second.history)
    assert all(torch.equal(a, b) for a, b in zip(first.network.parameters(), second.network.parameters(), strict=True))
    other = train(recipe.changed(seed=1, epochs=1))
    assert other.history[0]["loss"] != first.history[0]["loss"]


def test_loader_processes_change_nothing(recipe, without_clock):
    one = recipe.changed(validation=0, epochs=1)
    assert without_clock(train(one.changed(workers=2)).history) == without_clock(train(one).history)


def test_neither_does_decoding_at_every_visit(recipe, without_clock):
    one = recipe.changed(validation=0, epochs=1)
    assert without_clock(train(one.changed(cache=False)).history) == without_clock(train(one).history)


def test_held_out_groups_come_from_training_alone(recipe, monkeypatch):
    validated = []
    real = loop.classify

    def watch(network, videos, *args, **options):
        validated.append(list(videos))
        return real(network, videos, *args, **options)

    monkeypatch.setattr(loop, "classify", watch)
    trained = []
    real_loader = loop.training_loader
    monkeypatch.setattr(
        loop,
        "training_loader",
        lambda recipe, videos, *rest: trained.extend(videos) or real_loader(recipe, videos, *rest),
    )
    run = train(recipe)
    held = {group_of(video.path) for video in validated[0]}
    assert len(validated) == 3
    assert len(held) == 8
    assert held.isdisjoint(group_of(video.path) for video in trained)
    assert held.isdisjoint(group_of(video.path) for video in run.split.test)
    assert sorted(str(video.path) for video in [*trained, *validated[0]]) == sorted(
        str(video.path) for video in run.split.train
    )


def test_less_than_a_batch_is_one_short_step(few):
    run = train(few.changed(epochs=2))
    assert run.total_steps == len(run.history) == 2
    assert run.clips_per_second == pytest.approx(2 * 4 / run.seconds)


# Interruptions


def interrupt_at(step):
    def on_row(row):
        if row["step"] == step:
            raise KeyboardInterrupt

    return on_row


def test_an_interrupted_run_has_a_usable_network(recipe):
    run = train(recipe, on_row=interrupt_at(4))
    assert run.interrupted
    assert len(run.history) == 4
    assert run.test().labels.shape == (14,)


@pytest.mark.parametrize("where", ["training_step", "classify"])
def test_ctrl_c_waits_for_the_end_of_the_step(recipe, monkeypatch, where):
    before, after = [], []
    real = getattr(loop, where)

    def interrupted(*args, **options):
        before.append(1)
        if len(before) == 2:
            signal.raise_signal(signal.SIGINT)
        result = real(*args, **options)
        after.append(1)
        return result

    monkeypatch.setattr(loop, where, interrupted)
    handler = signal.getsignal(signal.SIGINT)
    run = train(recipe)
    assert run.interrupted
    assert len(after) == 2
    assert len(run.history) == (2 if where == "training_step" else 6)
    assert set(run.history[-1]) == set(COLUMNS)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_second_ctrl_c_does_not_wait(recipe, monkeypatch):
    def stuck(*args):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("still running")

    monkeypatch.setattr(loop, "training_step", stuck)
    handler = signal.getsignal(signal.SIGINT)
    run = train(recipe)
    assert run.interrupted
    assert run.history == []
    assert signal.getsignal(signal.SIGINT) is handler


def test_other_threads_may_train(recipe):
    runs = []
    worker = threading.Thread(target=lambda: runs.append(train(recipe.changed(epochs=1))))
    worker.start()
    worker.join(60)
    assert len(runs[0].history) == 3


# What cannot be used


@pytest.fixture
def damaged(recipe, tmp_path, arrow_folder):
    """The recipe on a copy of its two classes, with a function that damages files of it."""
    for name in recipe.classes:
        shutil.copytree(arrow_folder / "videos" / name, tmp_path / "videos" / name)

    def damage(*names):
        for name in names:
            (tmp_path / "videos" / name).write_bytes(b"no video")

    return recipe.changed(videos=tmp_path / "videos", splits=arrow_folder / "ucfTrainTestlist", epochs=1), damage


def clip(name, *groups):
    return [f"{name}/v_{name}_g{group:02d}_c01.avi" for group in groups]


def test_unreadable_videos_are_left_out_reported_and_counted(damaged):
    recipe, damage = damaged
    damage(*clip("Rise", 1, 9), *clip("Ring", 25))
    seen = []
    run = train(recipe, progress=lambda videos: seen.extend(videos) or videos)
    assert len(seen) == 50
    assert len(run.problems) == 3
    assert [("v_Rise_g09" in line, "v_Rise_g01" in line, "v_Ring_g25" in line) for line in sorted(run.problems)] == [
        (False, False, True),
        (False, True, False),
        (True, False, False),
    ]
    assert all("not a video" in line and "\n" not in line for line in run.problems)
    assert (len(run.split.train), len(run.split.test)) == (34, 13)
    assert len(run.test().labels) == 13


@pytest.mark.parametrize(("side", "groups"), [("train", range(8, 26)), ("test", range(1, 8))])
def test_a_class_of_which_nothing_is_left_is_refused(damaged, side, groups):
    recipe, damage = damaged
    damage(*clip("Ring", *groups), *clip("Rise", 2, 10))
    with pytest.raises(
        InputError, match=rf"no {side} video of Ring can be read; the first: .*v_Ring_g\d\d_c01.avi: not"
    ):
        train(recipe)


def test_only_the_side_in_use_need_be_read(damaged):
    recipe, damage = damaged
    damage(*clip("Ring", *range(8, 26)), *clip("Rise", 1))
    split, problems = leave_out_unreadable(split_of(recipe), sides=["test"])
    assert len(problems) == 1
    assert (len(split.train), len(split.test)) == (36, 13)


def test_no_class_loses_all_its_training_videos_to_validation(few):
    run = train(few.changed(validation=0.9, epochs=1))
    assert run.history[0]["validation_accuracy"] is not None
    assert run.clips_per_second == pytest.approx(2 / run.seconds)


def unused(*_):
    raise AssertionError("videos were read before the mistake was found")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"videos": "/nowhere"}, "/nowhere: no such folder"),
        ({"classes": ("Rise", "Spin")}, "unknown class .* 'Spin'; choose one of Approach, Cross"),
        ({"network": "r4d"}, "unknown network 'r4d'; choose one of r2d, f_r2d"),
        ({"network": "c3d"}, "network 'c3d' takes no option 'depth'"),
        ({"options": {"depth": 11}}, "unknown depth 11; choose one of 10, 18, 34"),
        ({"options": {"depth": {}}}, "unknown depth {}; choose one of 10, 18, 34"),
        ({"options": {"fusion": ["gru"]}}, r"unknown fusion \['gru'\]; choose one of"),
        ({"options": {"width": 10**8}}, "width is 100000000; it must be 1,000,000 at most"),
    ],
)
def test_mistakes_are_found_before_the_videos_are_read(recipe, changes, message):
    with pytest.raises(InputError, match=message):
        train(recipe.changed(**changes), progress=unused)


# Recipes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": 0}, "frames is 0; it must be a whole number of 1 or more"),
        ({"epochs": 1.5}, "epochs is 1.5"),
        ({"epochs": True}, "epochs is True"),
        ({"batch": "16"}, "batch is '16'; it must be a whole number of 1 or more, 1,000,000 at most, or \"auto\""),
        ({"batch": 10**21}, "1,000,000 at most"),
        ({"frames": 10**20}, "1,000,000 at most"),
        ({"workers": 10**6}, "256 at most"),
        ({"learning_rate": 10**400}, "it must be a number above 0"),
        ({"learning_rate": True}, "learning_rate is True"),
        ({"network": {}}, "network is {}; it must be a name, or a tuple of kinds of convolution"),
        ({"network": ("3d", [], "2d", "2d", "2d")}, r"network is \('3d', \[\]"),
        ({"classes": ("Rise", ["Ring"])}, "it must be a tuple of names, or None"),
        ({"fold": True}, "unknown fold True"),
        ({"fold": None}, "unknown fold None"),
        ({"fold": [1]}, r"unknown fold \(1,\)"),
        ({"videos": "x" * 1000 + "\0", "frames": 0}, "frames is 0"),
        ({"workers": -1}, "workers is -1; it must be a whole number of 0 or more"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"learning_rate": 0}, "learning_rate is 0; it must be a number above 0"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"validation": 1}, "validation is 1; it must be a fraction, 0 or more and below 1"),
        ({"flip": "no"}, "flip is 'no'; it must be True or False"),
        ({"differences": 1}, "differences is 1; it must be True or False"),
        ({"groups": 7}, "groups is 7; it must be a regular expression, or None"),
        ({"videos": 7}, "videos is 7; it must be the path of a folder"),
        ({"classes": "Rise"}, "classes is 'Rise'; it must be a tuple of names"),
        ({"options": {"frames": 8}}, "without frames, num_classes, size"),
        ({"fold": 4}, "unknown fold 4; choose one of 1, 2, 3"),
        ({"device": "gpu"}, "unknown device 'gpu'; choose one of auto, cuda, mps, cpu"),
        ({"precision": "16"}, "unknown precision '16'; choose one of auto, 32, bf16"),
    ],
)
def test_a_recipe_with_a_value_that_cannot_be_is_refused(recipe, changes, message):
    with pytest.raises(InputError, match=message):
        recipe.changed(**changes)


def test_a_recipe_comes_back_from_disk_as_it_was(recipe, tmp_path):
    own_row = recipe.changed(network=["3d", "3d", "2d", "2d", "2d"], classes=["Rise", "Ring"], splits=tmp_path)
    own_row.save(tmp_path / "recipe.json")
    assert Recipe.load(tmp_path / "recipe.json") == own_row
    assert own_row.network == ("3d", "3d", "2d", "2d", "2d")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "NaN", '{"videos": "x"}', "\x00\xff", "[" * 100_000, '{"a":' * 100_000, "9" * 5000]
)
def test_a_damaged_recipe_is_refused_with_its_name(tmp_path, text):
    (tmp_path / "recipe.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"recipe\.json: not a recipe that `train` wrote") as refused:
        Recipe.load(tmp_path / "recipe.json")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda stored: stored.pop("stride"), r"\(missing: stride\)"),
        (lambda stored: stored.update(speed=3), r"\(unknown: speed\)"),
        (lambda stored: stored.update(batch="many"), r"\(batch is 'many'; it must be"),
        (lambda stored: stored.update(network={}), r"\(network is {}; it must be"),
        (lambda stored: stored.update(classes=[["a", ["b"]]]), r"\(classes is \(\['a', \['b'\]\],\); it must be"),
        (lambda stored: stored.update(learning_rate=10**400), r"\(learning_rate is 10+; it must be"),
        (lambda stored: stored.update(options={"depth": {}}, network=["3d"] * 5, frames=[]), r"\(frames is \(\)"),
    ],
)
def test_a_stored_recipe_must_have_every_field_and_no_other(recipe, tmp_path, change, words):
    recipe.save(tmp_path / "recipe.json")
    stored = json.loads((tmp_path / "recipe.json").read_text())
    change(stored)
    (tmp_path / "recipe.json").write_text(json.dumps(stored))
    with pytest.raises(InputError, match=rf"recipe\.json: not a recipe that `train` wrote {words}"):
        Recipe.load(tmp_path / "recipe.json")


@pytest.mark.parametrize("network", ["c3d", "p3d63", "blog_r2plus1d", "r2d"])
def test_every_kind_of_network_gets_the_clip_size_it_needs(recipe, network):
    width = {} if network == "blog_r2plus1d" else {"width": 2}
    changed = recipe.changed(network=network, size=32, options=width)
    with torch.device("meta"):
        assert build_network(changed, 5)(torch.empty(2, 3, 4, 32, 32)).shape == (2, 5)
