"""The comparison of the named recipes: its split of the training groups, its rows, and what it gave."""

import csv
import json
from pathlib import Path

import pytest

from experiments import recipes
from experiments.__main__ import main
from experiments.recipes import COLUMNS, COMPARED, compare, cross_validation, group_interval
from r2p1d_edu.errors import InputError
from r2p1d_edu.training.recipe import Recipe, settings_of
from r2p1d_edu.video.ucf101 import load_split


@pytest.fixture
def recipe(arrow_folder):
    """Two classes of `arrow`, 36 training and 14 test videos, and a network that takes a fraction of a second."""
    return Recipe(
        arrow_folder / "videos",
        classes=("Ring", "Rise"),
        network="r3d",
        options={"depth": 10, "width": 2},
        frames=4,
        size=16,
        batch=8,
        clips_per_video=2,
        device="cpu",
        precision="32",
    )


def test_cross_validation_holds_out_each_training_group_once(recipe):
    split = load_split(recipe.videos, classes=recipe.classes)
    parts = [cross_validation(split, part, 3) for part in range(3)]
    held = [video for part in parts for video in part.test]
    assert sorted(held, key=str) == sorted(split.train, key=str)
    official = {video.group for video in split.test}
    for number, part in enumerate(parts, 1):
        groups = [{video.group for video in side} for side in (part.train, part.test)]
        assert groups[0].isdisjoint(groups[1])
        assert official.isdisjoint(groups[0] | groups[1])
        assert sorted([*part.train, *part.test], key=str) == sorted(split.train, key=str)
        assert [sum(video.label == label for video in part.test) for label in (0, 1)] == [6, 6]
        assert part.title == f"arrow fold 1, training groups, part {number} of 3 held out"


@pytest.fixture
def tiny(recipe):
    names = ("classes", "network", "options", "frames", "size", "batch", "clips_per_video", "device", "precision")
    return {name: getattr(recipe, name) for name in names} | {"epochs": 1}


def test_recipes_are_compared_side_by_side(recipe, tiny):
    rows = list(compare(recipe.videos, [0, 5], **tiny))
    assert [(row["recipe"], row["seed"]) for row in rows] == [(name, seed) for seed in (0, 5) for name in COMPARED]
    assert all(set(row) == set(COLUMNS) for row in rows)
    assert {row["split"] for row in rows} == {"arrow fold 1, test, 14 videos"}
    assert [row["stride"] for row in rows[:2]] == [1, 2]
    assert rows[0]["steps"] == rows[1]["steps"] == 4  # a tenth of 36 videos is held out
    again = next(compare(recipe.videos, [0], **tiny))
    assert again["video_accuracy"] == rows[0]["video_accuracy"]
    parts = list(compare(recipe.videos, [0], parts=2, **tiny))
    assert [row["split"] for row in parts[:2]] == [
        f"arrow fold 1, training groups, part {part} of 2 held out, test, 18 videos" for part in (1, 2)
    ]
    assert len(parts) == 4
    groups = json.loads(rows[0]["groups"])
    assert sum(number for _, number in groups.values()) == 14
    assert sum(right for right, _ in groups.values()) == round(14 * rows[0]["video_accuracy"])
    leaky = next(compare(recipe.videos, [0], leaky=True, **tiny))
    assert leaky["split"] == "arrow fold 1, leaky, test, 14 videos"
    with pytest.raises(InputError, match="unknown recipe 'weak'; choose one of plain, strong, fast, strong, frames"):
        next(compare(recipe.videos, [0], ["weak"], **tiny))


def test_an_interval_by_groups_is_wider_where_clips_of_a_group_go_together():
    def runs(right):
        return [{f"a/{group}": [number, 4] for group, number in enumerate(right)}]

    none, together, apart = ([value] * 10 for value in (0, 2, 2))
    together[::2], together[1::2] = [4] * 5, [0] * 5
    for right, wide in ((together, True), (apart, False)):
        effect, low, high = group_interval(runs(right), runs(none))
        assert effect == 50
        assert low <= 50 <= high
        assert (high - low > 30) == wide


def test_the_table_is_written_row_by_row(recipe, tiny, tmp_path, monkeypatch, capsys):
    file, real = tmp_path / "recipes.csv", compare

    def watched(videos, seeds, names, parts, leaky, classes):
        for number, row in enumerate(real(videos, seeds, names, parts, leaky, **tiny), 1):
            yield row
            assert len(file.read_text("utf-8").splitlines()) == 1 + number

    monkeypatch.setattr(recipes, "compare", watched)
    assert main(["recipes", recipe.videos, "--to", str(file), "--seeds", "3"]) == 0
    with file.open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert [row["recipe"] for row in rows] == ["plain", "strong"]
    assert all(float(row["seconds"]) > 0 and row["fps"] == "25" for row in rows)
    assert capsys.readouterr().out.startswith("plain, seed 3, arrow fold 1, test, 14 videos: video accuracy ")
    assert main(["recipes", recipe.videos, "--to", str(file)]) == 2  # what was measured is not written over
    assert main(["recipes", "/nowhere", "--to", str(tmp_path / "other.csv")]) == 2
    assert "/nowhere: no such folder" in capsys.readouterr().err


def test_the_stored_comparison_is_of_these_recipes():
    """The tables in data/results: what the docstring of training/recipes.py promises, and ten points at the least."""
    results = Path(__file__).parents[2] / "data" / "results"
    with (results / "recipes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        recipe = Recipe("v", epochs=recipes.EPOCHS, **settings_of(row["recipe"]))
        assert all(int(row[name]) == getattr(recipe, name) for name in ("frames", "stride", "size", "epochs"))
    plain, strong = ({row["seed"]: row for row in rows if row["recipe"] == name} for name in ("plain", "strong"))
    assert plain.keys() == strong.keys()
    assert len(plain) >= 3
    gains = [float(strong[seed]["video_accuracy"]) - float(plain[seed]["video_accuracy"]) for seed in plain]
    assert min(gains) > 0.1
    assert len({row["steps"] for row in rows}) == 1
    with (results / "recipes_tried.csv").open(encoding="utf-8") as file:
        tried = list(csv.DictReader(file))
    assert ("input + stride", "frame differences + 2") in {(row["option"], row["value"]) for row in tried}
