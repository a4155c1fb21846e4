"""A loss or a gradient that is not finite ends the run, says where, and leaves the last finite network."""

import math

import pytest
import torch

from r2p1d_edu import LivePlot
from r2p1d_edu.cli import main
from r2p1d_edu.errors import Diverged, InputError
from r2p1d_edu.training import loop
from r2p1d_edu.training.checkpoint import load_run, read_history
from r2p1d_edu.training.loop import train
from r2p1d_edu.training.network import build_network


def finite(network):
    return all(tensor.isfinite().all() for tensor in network.state_dict().values())


def test_a_learning_rate_too_high_is_said_within_a_step(recipe, tmp_path):
    rows = []
    with pytest.raises(Diverged) as said:
        train(recipe.changed(learning_rate=1e30), folder=tmp_path / "run", on_row=rows.append)
    step = rows[-1]["step"]
    assert not math.isfinite(rows[-1]["loss"])
    assert all(math.isfinite(row["loss"]) for row in rows[:-1])
    words = str(said.value)
    assert words.startswith(f"step {step}: the loss is nan and the first gradient that is not finite is that of fc ")
    assert f"(learning rate {rows[-1]['learning_rate']:.3g}, precision 32)" in words
    assert "\n" not in words
    run = said.value.run
    assert len(run.history) == step - 1 == len(read_history(tmp_path / "run"))
    assert finite(run.network)


def test_the_network_left_is_the_one_before_the_step_that_broke_it(recipe, monkeypatch):
    """Break the weights of step 4 by hand; what is left must be what three steps had made of them."""

    def watch(row):
        if row["step"] == 3:
            raise KeyboardInterrupt

    expected = train(recipe.changed(validation=0), on_row=watch).network.state_dict()
    networks = []

    def build(*given):
        networks.append(build_network(*given))
        return networks[-1]

    monkeypatch.setattr(loop, "build_network", build)

    def break_it(row):
        if row["step"] == 4:
            with torch.no_grad():
                networks[-1].layer2[0].conv1[0].weight.fill_(math.inf)

    with pytest.raises(Diverged, match=r"step 5: .* of fc ") as said:
        train(recipe.changed(validation=0), on_row=break_it)
    left = said.value.run.network.state_dict()
    weights = [name for name in left if "running" not in name and "batches" not in name]
    assert all(torch.equal(left[name], expected[name]) for name in weights)
    assert finite(said.value.run.network)


def test_a_gradient_alone_is_enough_and_its_layer_is_named(recipe, monkeypatch):
    def spoilt(*given):
        network = build_network(*given)
        network.layer3[0].conv2[0].weight.register_hook(lambda gradient: gradient * math.nan)
        return network

    monkeypatch.setattr(loop, "build_network", spoilt)
    with pytest.raises(Diverged, match=r"step 1: the loss is 0\.\d+ .* is that of layer3\.0\.conv2\.0 \(") as said:
        train(recipe)
    assert said.value.run.history == []


def test_the_live_plot_shows_a_failure(recipe):
    live = LivePlot(network="r3d")
    with pytest.raises(Diverged):
        train(recipe.changed(learning_rate=1e30), on_start=live.plan, on_row=live.update)
    assert "loss is not finite, first at step" in live.text()
    assert "not finite" in live.svg()
    assert live.runs[-1].done


def test_a_notebook_shows_one_line():
    assert Diverged("step 3: too high")._render_traceback_() == ["Diverged: step 3: too high"]


def test_the_command_ends_with_1_and_one_line(arrow_folder, tmp_path, capsys):
    run = tmp_path / "run"
    options = ["--learning-rate", "1e30", "--classes", "Ring,Rise", "--size", "16", "--out", str(run)]
    assert main(["train", "--videos", str(arrow_folder / "videos"), *options]) == 1
    out, err = capsys.readouterr()
    last = err.strip().splitlines()[-1]
    assert last.startswith("r2p1d_edu: training diverged at step ")
    assert "Traceback" not in err
    assert "accuracy" not in out
    assert not (run / "result.json").exists()


def test_a_stored_network_that_is_broken_is_not_scored(recipe, tmp_path):
    run = train(recipe.changed(epochs=1), folder=tmp_path / "run")
    with torch.no_grad():
        run.network.fc.weight.fill_(math.nan)
    with pytest.raises(InputError, match="answers are not finite numbers"):
        run.test()
    assert finite(load_run(tmp_path / "run")[0])
