"""The menus offer what is there, and what they hold is what a lesson gets."""

import pytest
import torch

from r2p1d_edu.lab.widgets.run_menu import RunMenu, devices, list_datasets
from r2p1d_edu.networks.family import FAMILY
from r2p1d_edu.training.network import build_network
from r2p1d_edu.training.recipe import Recipe


@pytest.fixture
def data(tmp_path, arrow_folder):
    """A folder of datasets: `arrow`, a second one by another name, and what is none."""
    (tmp_path / "arrow").symlink_to(arrow_folder)
    (tmp_path / "ucf101").symlink_to(arrow_folder)
    (tmp_path / "results").mkdir()
    (tmp_path / "half" / "videos").mkdir(parents=True)
    return tmp_path


def test_left_alone_it_is_r2plus1d_on_arrow(data):
    menu = RunMenu(data)
    assert (menu.network, menu.device, menu.is_arrow) == ("r2plus1d", "auto", True)
    assert menu.videos == data / "arrow" / "videos"
    assert "144 training and 56 test videos in 8 classes (arrow fold 1)" in menu.line.value
    assert menu._repr_mimebundle_()[0]["text/plain"].startswith("network R(2+1)D, data ")


def test_what_is_a_dataset_is_offered(data):
    assert list_datasets(data) == ["arrow", "ucf101"]
    assert list_datasets(data / "nowhere") == ["arrow"]


def test_every_network_but_those_left_out(data):
    menu = RunMenu(data, without=("f_r2d",))
    offered = [name for _, name in menu.network_menu.options]
    assert offered == [name for name in FAMILY if name != "f_r2d"]
    for name in offered:
        menu.network_menu.value = name
        recipe = Recipe(menu.videos, network=menu.network, device=menu.device)
        assert build_network(recipe, 8) is not None


def test_devices_are_those_there_are():
    assert devices()[0] == "auto"
    assert devices()[-1] == "cpu"
    assert ("cuda" in devices()) == torch.cuda.is_available()


def test_another_dataset(data):
    menu = RunMenu(data)
    menu.data_menu.value = "ucf101"
    assert menu.videos == data / "ucf101" / "videos"
    assert not menu.is_arrow
    assert len(menu.split().test) == 56
    assert "(ucf101 fold 1)" in menu.line.value


def test_a_folder_of_ones_own_goes_first(data, arrow_folder):
    menu = RunMenu(data)
    menu.path.value = f" {arrow_folder / 'videos'} "
    assert menu.videos == arrow_folder / "videos"
    assert not menu.is_arrow
    assert len(menu.split().train) == 144


def test_what_is_wrong_with_a_folder_is_said_in_place(data):
    menu = RunMenu(data)
    menu.path.value = str(data / "half" / "videos")
    assert "role='alert'" in menu.line.value
    assert "classInd.txt" in menu.line.value
    menu.path.value = str(data / "arrow")  # one folder too high
    assert f"did you mean {data / 'arrow' / 'videos'}?" in menu.line.value
    menu.path.value = ""
    assert "role='status'" in menu.line.value


def test_arrow_is_drawn_only_when_it_is_asked_for(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr("r2p1d_edu.lab.widgets.run_menu.write_arrow", made.append)
    menu = RunMenu(tmp_path)
    assert "to be drawn first" in menu.line.value
    assert not made
    with pytest.raises(ValueError, match="no such folder"):
        menu.split()  # nothing was drawn in this test
    assert made == [tmp_path / "arrow"]
