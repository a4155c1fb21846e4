"""Train it: trains what is chosen, shows it in the widget, stops when asked, says what is wrong in place."""

import time
from pathlib import Path

import pytest

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.widgets import tiny_training
from r2p1d_edu.lab.widgets.builder import NetworkBuilder
from r2p1d_edu.lab.widgets.tiny_training import TINY, TinyTraining, tiny_recipe
from r2p1d_edu.training.network import build_network
from r2p1d_edu.training.recipe import Recipe

ROW = ("2d", "2d", "2+1d", "2d", "2d")


@pytest.fixture
def quick(monkeypatch, arrow_folder):
    """One epoch of the small dataset, 144 training videos, smaller still."""
    monkeypatch.setattr(tiny_training, "write_arrow", lambda folder, progress: arrow_folder)
    monkeypatch.setattr(tiny_training, "EPOCHS", 1)
    monkeypatch.setattr(tiny_training, "SIZE", 16)
    monkeypatch.setattr(tiny_training, "FRAMES", 5)


def test_a_recipe_holds_a_row_of_your_own(tmp_path):
    recipe = tiny_recipe(ROW, tmp_path)
    recipe.save(tmp_path / "recipe.json")
    assert Recipe.load(tmp_path / "recipe.json") == recipe
    network = build_network(recipe, 8)
    assert [type(group[0].conv1[0]).__name__ for group in (network.layer1, network.layer2)] == ["Conv", "Conv2Plus1D"]
    assert len(network.layer1) == 1
    assert network.fc.in_features == 8 * TINY["width"]


def test_two_networks_one_after_the_other_in_one_plot(quick):
    training = TinyTraining(lambda: ["f_r2d", ROW])
    training.run(["f_r2d", ROW])
    first, second = training.results.values()
    assert "video accuracy" in first
    assert "arrow fold 1, test, 56 videos; 1 clip a video, 5 frames" in second
    assert training.status.value.startswith("<p role='status'>Done.</p><p role='status'>f-R2D: video accuracy")
    assert "2d-2d-2+1d-2d-2d: video accuracy" in training.status.value
    assert "order-blind ceiling 62.5 %" in training.plot.value
    assert training.plot.value.count("8 of 8") >= 2  # 130 or so videos, 16 a step
    assert (training.start_button.disabled, training.stop_button.disabled) == (False, True)


def test_the_button_trains_in_the_background_and_stop_ends_it(quick, monkeypatch):
    monkeypatch.setattr(tiny_training, "EPOCHS", 500)
    panel = NetworkBuilder("r2d", compare="mc5")
    training = panel.training
    training.start_button.click()
    wait_for(lambda: "step" in training.plot.value and "Training R2D, 4" in training.status.value)
    first = training.thread
    assert (training.start_button.disabled, training.stop_button.disabled) == (True, False)
    training.start()  # a second time does nothing
    assert training.thread is first
    panel.controls["depth"].value = 34  # the rest still answers
    assert "depth 34" in panel.words
    training.stop_button.click()
    training.thread.join(timeout=300)
    assert not training.thread.is_alive()
    assert training.status.value == "<p role='status'>Stopped.</p>"
    assert training.results == {}
    assert (training.start_button.disabled, training.stop_button.disabled) == (False, True)
    assert not training.asked_to_stop.is_set()


def wait_for(true, seconds=300):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_interrupted_cell_stops_too(quick, monkeypatch):
    def interrupt(plot, row):
        raise KeyboardInterrupt

    monkeypatch.setattr(tiny_training.PlotInWidget, "update", interrupt)
    training = TinyTraining(lambda: [])
    training.run(["f_r2d"])
    assert training.status.value == "<p role='status'>Stopped.</p>"
    assert training.results == {}


def test_stop_also_ends_the_making_of_the_dataset(tmp_path):
    training = TinyTraining(lambda: ["r3d"], tmp_path)
    training.asked_to_stop.set()
    training.run(["r3d"])
    assert training.status.value == "<p role='status'>Stopped.</p>"
    assert not (tmp_path / "arrow").exists()


def test_what_is_wrong_is_said_in_place(tmp_path):
    (tmp_path / "arrow").mkdir()
    (tmp_path / "arrow" / "mine.txt").write_text("not a dataset")
    training = TinyTraining(lambda: ["r3d"], tmp_path)
    training.run(["r3d"])
    assert "role='alert'" in training.status.value
    assert "already holds something else" in training.status.value
    assert not training.start_button.disabled


def test_a_fault_of_the_program_is_said_in_place_in_one_line(quick, monkeypatch):
    def breaks(*_, **__):
        raise ValueError("first line\nsecond line")

    monkeypatch.setattr(tiny_training, "train", breaks)
    training = TinyTraining(lambda: ["r3d"])
    training.start()
    training.thread.join(timeout=60)
    assert "role='alert'" in training.status.value
    assert "Training failed with ValueError: first line, in the line raise ValueError(" in training.status.value
    assert training.status.value.count("\n") == 0
    assert (training.start_button.disabled, training.stop_button.disabled) == (False, True)


def test_no_more_videos_are_counted_than_there_are():
    training = TinyTraining(lambda: [])
    said = []
    training.status.observe(lambda change: said.append(change["new"]), names="value")
    assert list(training.watched("video")("abcdefghijklmnopqrstuvwxyz")) == list("abcdefghijklmnopqrstuvwxyz")
    assert said == [f"<p role='status'>video {number} of 26</p>" for number in (1, 21)]


def test_the_words_say_what_the_button_does():
    for text in ("depth 10, width 16, 8 frames of 40×40, 4 epochs", "62.5%", "arrow"):
        assert text in TinyTraining(lambda: []).status.value
    with pytest.raises(InputError):
        build_network(tiny_recipe(("2d",), Path("nowhere")), 8)
