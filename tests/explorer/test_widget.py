"""The Python side of the explorer: the widget's traits, a learner's own clip, the recording of trained networks."""

import base64

import numpy as np
import pytest
import torch

from r2p1d_edu import create_network
from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.explorer import bundle
from r2p1d_edu.lab.explorer.record import TINY, main, record, sample_clips
from r2p1d_edu.video.arrow import CLASSES, draw_clip

pytest.importorskip("anywidget")
from r2p1d_edu.lab.explorer.widget import TEXT, Explorer, whole_numbers


def test_a_widget_is_saved_with_the_same_text_every_time():
    widget = Explorer("#network=mc3")
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == TEXT + "#network=mc3"
    assert "application/vnd.jupyter.widget-view+json" in data
    assert widget.link == "#network=mc3"


def test_a_clip_of_one_s_own_becomes_few_whole_numbers():
    clip = np.zeros((40, 64, 48, 3), np.uint8)
    clip[:, :8, :6] = 255  # the pixel at the upper left of 8×8
    small = np.array(whole_numbers(clip))
    assert small.shape == (16, 8, 8)
    assert small[:, 0, 0].tolist() == [9] * 16
    assert small.sum() == 9 * 16
    assert Explorer(clip=draw_clip("Rise", 1, 1)).clip == whole_numbers(draw_clip("Rise", 1, 1))


@pytest.mark.parametrize("clip", [np.zeros((4, 64, 64)), np.zeros((4, 4, 64, 3), np.uint8), np.zeros((4, 9), np.uint8)])
def test_what_is_no_clip_is_refused(clip):
    with pytest.raises(InputError, match="a clip"):
        Explorer(clip=clip)


def test_a_recording_holds_what_the_networks_do():
    torch.manual_seed(0)
    names = ("f_r2d", "r2plus1d")
    networks = {name: create_network(name, num_classes=8, frames=8, **TINY) for name in names}
    recording = record(networks, sample_clips(), CLASSES, "not trained")
    assert recording["orders"]["reversed"] == [*range(8)][::-1]
    assert recording["orders"]["frozen"] == [0] * 8
    blind, sees = (recording["networks"][name] for name in names)
    forward, back = (np.array(blind["scores"][order]) for order in ("forward", "reversed"))
    np.testing.assert_allclose(forward, back, atol=2e-3)  # an average over frames knows no order
    assert sees["scores"]["forward"] != sees["scores"]["reversed"]
    assert np.shape(blind["middle"]["forward"]) == (8, 16, 8)
    assert sum(sees["uses"]) == pytest.approx(1, abs=1e-3)
    assert len(base64.b64decode(sees["stem"]["bytes"])) == np.prod(sees["stem"]["shape"])
    assert not networks["r2plus1d"].layer1[0].conv1[0][2]._forward_hooks


def test_recording_says_what_is_wrong_in_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    assert main(["--to", str(tmp_path / "learnt.json"), "--data", str(tmp_path / "file")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_clips_of_different_sizes_are_not_recorded():
    clips = {"a": np.zeros((8, 40, 40, 3), np.uint8), "b": np.zeros((8, 32, 32, 3), np.uint8)}
    with pytest.raises(InputError, match="all of one square size"):
        record({}, clips, CLASSES, "")


def test_modules_are_joined_in_the_order_of_their_need():
    text = bundle.joined()
    assert text.index("const draw_js") < text.index("const views_family_js") < text.index("const index_js")
    assert "import " not in text.replace("import_module", "")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "</script" not in bundle.page({"version": 1, "classes": ["</script>"]}).replace("</script>\n", "")
