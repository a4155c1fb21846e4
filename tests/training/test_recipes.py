"""Recipes with names: what the options change, and that runs with them repeat and resume."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from r2p1d_edu.cli import main
from r2p1d_edu.errors import InputError
from r2p1d_edu.training.checkpoint import load_run
from r2p1d_edu.training.data import training_loader
from r2p1d_edu.training.device import make_fabric
from r2p1d_edu.training.evaluate import evaluate_split
from r2p1d_edu.training.loop import train
from r2p1d_edu.training.network import build_network
from r2p1d_edu.training.recipe import RECIPES, Recipe, settings_of
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
    plain, seeing = (build_network(recipe.changed(differences=on), 2).eval() for on in (False, True))
    with torch.no_grad():
        assert torch.equal(seeing(clips), plain(differences(clips)))
        assert torch.allclose(seeing(clips), seeing(clips + background), atol=1e-6)
        assert not torch.allclose(plain(clips), plain(clips + background), atol=1e-4)
    assert plain.state_dict().keys() == seeing.state_dict().keys()


def test_training_and_testing_both_see_differences(strong, tmp_path):
    run = train(strong.changed(validation=0, epochs=1), folder=tmp_path / "run")
    batches = training_loader(run.recipe, run.split.train, run.source, make_fabric("cpu", "32"), 0, 1)
    clips, labels = next(iter(batches))
    first = build_network(run.recipe.changed(differences=False), 2).train()
    expected = F.cross_entropy(first(differences(normalise(clips))), labels)
    assert run.history[0]["loss"] == pytest.approx(expected.item(), rel=1e-5)
    network, stored = load_run(tmp_path / "run")
    result = evaluate_split(network, run.split, run.source, stored)
    assert str(result) == str(run.test())
    assert "2 clips a video, differences of 4 frames, one in 2, at 25 fps" in str(result)
    unaware = build_network(stored.changed(differences=False), 2)
    unaware.load_state_dict(network.state_dict())
    other = evaluate_split(unaware, run.split, run.source, stored)
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
