"""Recipes with names: what the options change, that runs with them repeat and resume, and how they are compared."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from r2p1d_edu.cli import main
from r2p1d_edu.errors import InputError
from r2p1d_edu.training import recipes
from r2p1d_edu.training.checkpoint import load_run
from r2p1d_edu.training.evaluate import evaluate
from r2p1d_edu.training.loop import make_fabric, train, training_loader
from r2p1d_edu.training.recipe import Recipe
from r2p1d_edu.training.recipes import COLUMNS, RECIPES, compare, cross_validation, settings_of
from r2p1d_edu.video.clips import differences, normalise


@pytest.fixture
def strong(recipe):
    return recipe.changed(**settings_of("strong"))


def test_plain_is_what_a_recipe_is_without_a_name(recipe):
    assert recipe.changed(**settings_of("plain")) == recipe
    assert Recipe("v") == Recipe("v", **settings_of("plain"))
    with pytest.raises(InputError, match="unknown recipe 'best'; choose one of plain, strong"):
        settings_of("best")


@pytest.mark.parametrize("name", RECIPES)
def test_named_recipes_are_stored_like_any_other(name, tmp_path):
    recipe = Recipe("v", **settings_of(name))
    recipe.save(tmp_path / "recipe.json")
    assert Recipe.load(tmp_path / "recipe.json") == recipe


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"differences": 1}, "differences is 1; it must be True or False"),
        ({"differences": "no"}, "differences is 'no'"),
    ],
)
def test_values_that_cannot_be_are_refused(recipe, changes, message):
    with pytest.raises(InputError, match=message):
        recipe.changed(**changes)


# Differences


def test_differences_by_hand():
    levels = torch.tensor([3.0, 5.0, 4.0, 4.0]).view(1, 1, 4, 1, 1)
    clips = (levels * torch.tensor([1.0, 10.0, 100.0]).view(1, 3, 1, 1, 1)).repeat(2, 1, 1, 5, 5)
    changes = differences(clips)
    assert changes.shape == clips.shape
    assert changes[1, :, :, 2, 3].tolist() == [[0, 2, -1, 0], [0, 20, -10, 0], [0, 200, -100, 0]]
    fast = clips.to(memory_format=torch.channels_last_3d)
    assert differences(fast).is_contiguous(memory_format=torch.channels_last_3d)


def test_the_network_sees_differences_whoever_calls_it(recipe):
    generator = torch.Generator().manual_seed(0)
    clips, background = (torch.randn(2, 3, frames, 16, 16, generator=generator) for frames in (4, 1))
    plain, seeing = (recipe.changed(differences=on).build(2).eval() for on in (False, True))
    with torch.no_grad():
        assert torch.equal(seeing(clips), plain(differences(clips)))
        assert torch.allclose(seeing(clips), seeing(clips + background), atol=1e-6)
        assert not torch.allclose(plain(clips), plain(clips + background), atol=1e-4)
    assert plain.state_dict().keys() == seeing.state_dict().keys()


def test_training_and_testing_both_see_differences(strong, tmp_path):
    run = train(strong.changed(validation=0, epochs=1), folder=tmp_path / "run")
    batches = training_loader(run.recipe, list(run.split.train), make_fabric("cpu", "32"), 0, 1)
    clips, labels = next(iter(batches))
    first = run.recipe.changed(differences=False).build(2).train()
    expected = F.cross_entropy(first(differences(normalise(clips))), labels)
    assert run.history[0]["loss"] == pytest.approx(expected.item(), rel=1e-5)
    network, stored = load_run(tmp_path / "run")
    result = evaluate(network, run.split.test, stored, split=f"{run.split.title}, test")
    assert str(result) == str(run.test())
    assert "2 clips a video, differences of 4 frames, one in 2, at 25 fps" in str(result)
    unaware = stored.changed(differences=False).build(2)
    unaware.load_state_dict(network.state_dict())
    other = evaluate(unaware, run.split.test, stored, split="x")
    assert not np.allclose(other.probabilities, result.probabilities, atol=1e-5)


# Exactness


def test_a_strong_run_that_is_stopped_goes_on_exactly(strong, tmp_path, without_clock):
    def stop(row):
        if row["step"] == 4:
            raise KeyboardInterrupt

    whole = train(strong)
    assert train(strong, folder=tmp_path / "run", on_row=stop).interrupted
    torch.rand(5)  # other things happen meanwhile
    np.random.rand(5)  # noqa: NPY002
    resumed = train(strong, folder=tmp_path / "run", resume=True)
    assert without_clock(resumed.history) == without_clock(whole.history)
    for one, other in zip(resumed.network.state_dict().values(), whole.network.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(InputError, match="differences was True and is now False"):
        train(strong.changed(differences=False), folder=tmp_path / "run", resume=True)


@pytest.mark.parametrize("option", ["differences", "stride"])
def test_each_option_makes_another_run(strong, recipe, option):
    plain = getattr(recipe, option)
    short = strong.changed(epochs=1, validation=0)
    losses = [[row["loss"] for row in train(each).history] for each in (short, short.changed(**{option: plain}))]
    assert losses[0] != losses[1]


# Comparison


def test_cross_validation_holds_out_each_training_group_once(recipe):
    split = recipe.load_split()
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
    assert [(row["recipe"], row["seed"]) for row in rows] == [(name, seed) for seed in (0, 5) for name in RECIPES]
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


def test_the_table_is_written_row_by_row(recipe, tiny, tmp_path, monkeypatch, capsys):
    file, real = tmp_path / "recipes.csv", compare

    def watched(videos, seeds, parts):
        for number, row in enumerate(real(videos, seeds, parts, **tiny), 1):
            yield row
            assert len(file.read_text().splitlines()) == 1 + number

    monkeypatch.setattr(recipes, "compare", watched)
    assert recipes.main([recipe.videos, "--to", str(file), "--seeds", "3"]) == 0
    with file.open() as table:
        rows = list(csv.DictReader(table))
    assert [row["recipe"] for row in rows] == ["plain", "strong"]
    assert all(float(row["seconds"]) > 0 and row["fps"] == "25" for row in rows)
    assert capsys.readouterr().out.startswith("plain, seed 3, arrow fold 1, test, 14 videos: video accuracy ")
    assert recipes.main([recipe.videos, "--to", str(file)]) == 2  # what was measured is not written over
    assert recipes.main(["/nowhere", "--to", str(tmp_path / "other.csv")]) == 2
    assert "/nowhere: no such folder" in capsys.readouterr().err


def test_the_command_line_knows_them_by_name(recipe, tmp_path, capsys):
    settings = {"classes": "Ring,Rise", "network": "r3d", "width": 2, "frames": 4, "size": 16, "epochs": 1, "batch": 8}
    given = [f"--{name}={value}" for name, value in settings.items()]
    command = ["train", f"--videos={recipe.videos}", f"--out={tmp_path / 'run'}", "--clips-per-video=1", "--device=cpu"]
    assert main([*command, *given, "--recipe=strong", "--stride=3"]) == 0
    stored = Recipe.load(tmp_path / "run" / "recipe.json")
    assert {name: getattr(stored, name) for name in settings_of("strong")} == settings_of("strong") | {"stride": 3}
    assert "differences of 4 frames, one in 3," in capsys.readouterr().out
    assert main([*command, "--recipe=best"]) == 2
    assert "unknown recipe 'best'; choose one of plain, strong" in capsys.readouterr().err


def test_the_stored_comparison_is_of_these_recipes():
    """The tables in data/results: what the docstring of recipes.py promises, and ten points at the least."""
    results = Path(__file__).parents[2] / "data" / "results"
    with (results / "recipes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    for row in rows:
        recipe = Recipe("v", epochs=recipes.EPOCHS, **settings_of(row["recipe"]))
        assert all(int(row[name]) == getattr(recipe, name) for name in ("frames", "stride", "size", "epochs"))
    plain, strong = ({row["seed"]: row for row in rows if row["recipe"] == name} for name in ("plain", "strong"))
    assert plain.keys() == strong.keys()
    assert len(plain) >= 3
    gains = [float(strong[seed]["video_accuracy"]) - float(plain[seed]["video_accuracy"]) for seed in plain]
    assert min(gains) > 0.1
    assert {row["steps"] for row in rows} == {"168"}
    with (results / "recipes_tried.csv").open() as file:
        tried = list(csv.DictReader(file))
    assert ("input + stride", "frame differences + 2") in {(row["option"], row["value"]) for row in tried}
