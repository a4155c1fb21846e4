"""The speedrun: entries are read, measured and refused."""

import json
from dataclasses import replace
from functools import partial

import pytest

from benchmarks import speedrun
from benchmarks.__main__ import main
from benchmarks.speedrun import Figures, compare, read
from r2p1d_edu.errors import InputError
from r2p1d_edu.training.recipe import settings_of

HERE = {"cpu": "2 cores", "threads": "2", "gpu": "none"}
CLAIMED = Figures([0.97, 0.98, 0.99, 0.98, 0.98], 10.0, 5.0, HERE)
TINY = {"network": "r3d", "options": {"depth": 10, "width": 2}, "frames": 4, "size": 16, "epochs": 1, "device": "cpu"}


@pytest.fixture
def drawn_small(monkeypatch, tmp_path):
    monkeypatch.setattr(speedrun, "write_arrow", partial(speedrun.write_arrow, clips_per_group=1))
    monkeypatch.setattr(speedrun.measure, "__defaults__", (tmp_path / "arrow",))


@pytest.fixture
def entry(tmp_path):
    def write(**content):
        (tmp_path / "mine.json").write_text(json.dumps(content), "utf-8")
        return tmp_path / "mine.json"

    return write


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accuracies": [0.9]}, r"accuracy: 98.0% in the entry, 90.0% with seed 7; refused"),
        ({"gmacs": 5.1}, r"GMAC: 5.0 in the entry, 5.1 with seed 7; refused"),
        ({"seconds": 15.1}, r"seconds: 10.0 in the entry, 15.1 with seed 7; refused"),
    ],
)
def test_figures_that_do_not_come_out_again_are_refused_with_both(changes, message):
    with pytest.raises(InputError, match=message):
        compare("mine.json", CLAIMED, replace(CLAIMED, **changes), 7)


@pytest.mark.parametrize(
    "changes",
    [
        {"accuracies": [0.965]},
        {"accuracies": [1.0]},
        {"seconds": 14.0},
        {"seconds": 99.0, "machine": HERE | {"cpu": "1"}},
    ],
)
def test_chance_and_other_machines_are_not_held_against_an_entry(changes):
    compare("mine.json", CLAIMED, replace(CLAIMED, **changes), 7)


def test_a_claim_below_the_goal_is_refused():
    with pytest.raises(InputError, match=r"mean accuracy 96.0% in the entry; the goal is 97%"):
        compare("mine.json", replace(CLAIMED, accuracies=[0.96]), CLAIMED, 7)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, 'no object with a "recipe"'),
        ({"recipe": {"optimiser": "sgd"}}, "unexpected keyword argument 'optimiser'"),
        ({"recipe": {"epochs": 0}}, "epochs is 0"),
    ],
)
def test_what_is_no_entry_is_refused(entry, content, message):
    with pytest.raises(InputError, match=f"mine.json: not an entry of the speedrun .*{message}"):
        read(entry(**content))


def test_an_entry_is_measured_on_videos_drawn_anew_and_verified(entry, drawn_small, monkeypatch, capsys):
    file = entry(recipe=TINY)
    assert main(["speedrun", "enter", str(file)]) == 2  # it does not reach the goal
    assert "the goal is 97%" in capsys.readouterr().err
    monkeypatch.setattr(speedrun, "GOAL", 0)
    monkeypatch.setattr(speedrun, "SLOWER", 100)
    assert main(["speedrun", "enter", str(file)]) == main(["speedrun", "verify", str(file)]) == 0
    stored = json.loads(file.read_text("utf-8"))
    assert stored["recipe"] == TINY
    assert len(stored["figures"]["accuracies"]) == 5
    stored["figures"]["gmacs"] *= 2
    file.write_text(json.dumps(stored), "utf-8")
    assert main(["speedrun", "verify", str(file)]) == 2
    assert "GMAC: " in capsys.readouterr().err


@pytest.mark.parametrize("file", sorted(speedrun.HERE.glob("*.json")), ids=lambda file: file.stem)
def test_our_entries_are_entries(file):
    figures = read(file).get("figures")
    assert figures is None or (len(figures.accuracies) == speedrun.SEEDS and figures.accuracy >= speedrun.GOAL)


def test_fast_is_an_entry():
    assert read(speedrun.HERE / "fast.json")["recipe"] == {"network": "r2plus1d"} | settings_of("fast")
