"""Train it: trains what is chosen, shows it in the widget, stops when asked, says what is wrong in place."""

import time
from pathlib import Path

import pytest

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.widgets import tiny_training
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
    training = TinyTraining("f_r2d", ROW)
    training.run(training.chosen())
    first, second = training.results.values()
    assert "video accuracy" in first
    assert "arrow fold 1, test, 56 videos; 1 clip a video, 5 frames" in second
    assert training.status.value.startswith("<p role='status'>Done.</p><p role='status'>f-R2D: video accuracy")
    assert "2d-2d-2+1d-2d-2d: video accuracy" in training.status.value
    assert "order-blind ceiling 62.5 %" in training.plot.value
    assert training.plot.value.count("8 of 8") >= 2  # 130 or so videos, 16 a step


@pytest.mark.parametrize(
    ("networks", "chosen"),
    [(["mc3"], ["mc3"]), (["r3d", "f_r2d"], ["r3d", "f_r2d"]), (["r3d", "r3d"], ["r3d"]), ([[*ROW], ROW], [ROW])],
)
def test_the_menus_begin_with_the_networks_given(networks, chosen):
    assert TinyTraining(*networks).chosen() == chosen


def test_any_network_of_the_family_can_be_chosen():
    training = TinyTraining("r2plus1d")
    for menu, name in zip(training.menus, ("r3d", "p3d_in_r3d"), strict=True):
        menu.value = name
    assert training.chosen() == ["r3d", "p3d_in_r3d"]


@pytest.mark.parametrize(
    ("networks", "message"),
    [([], "0 networks to train"), (["r3d"] * 3, "3 networks to train"), (["r4d"], "unknown network 'r4d'")],
)
def test_other_networks_are_refused(networks, message):
    with pytest.raises(InputError, match=message):
        TinyTraining(*networks)


def test_the_button_trains_in_the_background_and_stop_ends_it(quick, monkeypatch):
    monkeypatch.setattr(tiny_training, "EPOCHS", 500)
    training = TinyTraining("r2d", "mc5")
    training.stop_button.click()  # nothing to stop: it does not stop what begins later
    training.start_button.click()
    wait_for(lambda: "step" in training.plot.value and "Training R2D, 4" in training.status.value)
    first = training.thread
    training.start()  # a second time does nothing
    assert training.thread is first
    training.stop_button.click()
    training.thread.join(timeout=300)
    assert not training.thread.is_alive()
    assert training.status.value == "<p role='status'>Stopped.</p>"
    assert training.results == {}
    assert not training.asked_to_stop.is_set()


def test_a_new_widget_stops_the_one_before(quick, monkeypatch):
    """As when the cell runs again: the first one's buttons are gone from the page."""
    monkeypatch.setattr(tiny_training, "EPOCHS", 500)
    training = TinyTraining("r2d")
    training.start()
    wait_for(lambda: "step" in training.plot.value)
    TinyTraining("r2d")
    training.thread.join(timeout=300)
    assert training.status.value == "<p role='status'>Stopped.</p>"


def wait_for(true, seconds=300):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_interrupted_cell_stops_too(quick, monkeypatch):
    def interrupt(plot, row):
        raise KeyboardInterrupt

    monkeypatch.setattr(tiny_training.PlotInWidget, "update", interrupt)
    training = TinyTraining("r3d")
    training.run(["f_r2d"])
    assert training.status.value == "<p role='status'>Stopped.</p>"
    assert training.results == {}


def test_stop_also_ends_the_making_of_the_dataset(tmp_path):
    training = TinyTraining("r3d", data=tmp_path)
    training.asked_to_stop.set()
    training.run(["r3d"])
    assert training.status.value == "<p role='status'>Stopped.</p>"
    assert not (tmp_path / "arrow").exists()


def test_what_is_wrong_is_said_in_place(tmp_path):
    (tmp_path / "arrow").mkdir()
    (tmp_path / "arrow" / "mine.txt").write_text("not a dataset")
    training = TinyTraining("r3d", data=tmp_path)
    training.run(["r3d"])
    assert "role='alert'" in training.status.value
    assert "already holds something else" in training.status.value


def test_a_fault_of_the_program_is_said_in_place_in_one_line(quick, monkeypatch):
    def breaks(*_, **__):
        raise ValueError("first line\nsecond line")

    monkeypatch.setattr(tiny_training, "train", breaks)
    training = TinyTraining("r3d")
    training.start()
    training.thread.join(timeout=60)
    assert "role='alert'" in training.status.value
    assert "Training failed with ValueError: first line, in the line raise ValueError(" in training.status.value
    assert training.status.value.count("\n") == 0


def test_no_more_videos_are_counted_than_there_are():
    training = TinyTraining("r3d")
    said = []
    training.status.observe(lambda change: said.append(change["new"]), names="value")
    assert list(training.watched("video")("abcdefghijklmnopqrstuvwxyz")) == list("abcdefghijklmnopqrstuvwxyz")
    assert said == [f"<p role='status'>video {number} of 26</p>" for number in (1, 21)]


def test_the_words_say_what_the_button_does():
    for text in ("depth 10, width 16, 8 frames of 40×40, 4 epochs", "62.5%", "arrow"):
        assert text in TinyTraining("r3d").status.value
    with pytest.raises(InputError):
        build_network(tiny_recipe(("2d",), Path("nowhere")), 8)
