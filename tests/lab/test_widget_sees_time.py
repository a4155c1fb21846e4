"""Does it see time: the probabilities against the networks themselves, and the answers in words."""

import re
from base64 import b64decode
from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.widgets.sees_time import probabilities, reorder, sees_time
from r2p1d_edu.networks.family import create_network
from r2p1d_edu.video.arrow import draw_clip
from r2p1d_edu.video.clips import normalise

mpl.use("Agg")
CLASSES = ("Rise", "Fall", "Ring")
FRAMES = 6
ORDERS = ("forward", "reversed", "shuffled", "frozen")


def tiny(name, **options):
    torch.manual_seed(1)
    network = create_network(name, depth=10, width=4, num_classes=len(CLASSES), frames=FRAMES, **options)
    nn.init.normal_(network.fc.weight, std=0.3)  # so that an untrained network has opinions
    return network


@pytest.fixture(scope="module")
def networks():
    return {"f_r2d": tiny("f_r2d"), "r3d": tiny("r3d")}


@pytest.fixture(scope="module")
def clips():
    return {name: draw_clip(name, 9, 1)[::2, 16:48, 16:48].copy() for name in CLASSES}


def asked_directly(network, frames):
    """Softmax of the logits for uint8 frames (T, H, W, 3), with nothing of the widget in between."""
    with torch.no_grad():
        logits = network.eval()(normalise(torch.tensor(frames).permute(3, 0, 1, 2)[None]))
    return torch.softmax(logits, 1)[0].numpy()


def in_order(frames, order):
    match order:
        case "forward":
            return frames.copy()
        case "reversed":
            return frames[::-1].copy()
        case "shuffled":
            return frames[torch.randperm(len(frames), generator=torch.Generator().manual_seed(0)).numpy()]
        case "frozen":
            return np.stack([frames[0]] * len(frames))


@pytest.mark.parametrize("order", ORDERS)
def test_the_frames_that_are_drawn_are_those_that_the_networks_see(clips, order):
    np.testing.assert_array_equal(reorder(clips["Rise"], order), in_order(clips["Rise"], order))


def test_every_menu_entry_says_what_the_networks_say(networks, clips):
    panel = sees_time(clips, networks, CLASSES, clip="Fall", order="frozen")
    assert panel.words.startswith("Fall, frames frozen.")
    assert panel.controls["order"].options == ORDERS
    assert all(control.description for control in panel.controls.values())
    seen = set()
    for clip in panel.controls["clip"].options:
        for order in panel.controls["order"].options:
            panel.controls["clip"].value, panel.controls["order"].value = clip, order
            assert panel.message.value == ""
            assert panel.words.startswith(f"{clip}, frames {order}.")
            for title, network in zip(("f-R2D", "R3D"), networks.values(), strict=True):
                expected = asked_directly(network, in_order(clips[clip], order))
                before = asked_directly(network, clips[clip])
                answer, percent = re.search(rf"{re.escape(title)}: (\w+), ([\d.]+)%", panel.words).groups()
                assert answer == CLASSES[expected.argmax()]
                assert float(percent) == pytest.approx(100 * expected.max(), abs=0.051)
                if title == "R3D" and order != "forward":
                    moved = re.search(r"R3D: .*? by up to ([\d.]+)%", panel.words)[1]
                    assert float(moved) == pytest.approx(100 * np.abs(expected - before).max(), abs=0.051)
            seen.add(panel.picture.value)
    assert len(seen) == len(CLASSES) * len(ORDERS)


def test_the_bars_are_as_long_as_the_probabilities_and_the_ticks_mark_the_clip_forward(networks, clips):
    panel = sees_time(clips, networks, CLASSES)
    figure, _ = panel.draw(clip="Rise", order="reversed")
    (page,) = figure.axes
    film = page.images[0].get_array()
    np.testing.assert_array_equal(film[:, :32], clips["Rise"][-1])
    lengths = np.array([bar.get_width() for bar in page.patches]).reshape(2, len(CLASSES))
    scale = lengths.sum(1)
    np.testing.assert_allclose(scale, scale[0], rtol=1e-5)
    for drawn, ticks, bar, network in zip(lengths, page.collections, page.patches[::3], networks.values(), strict=True):
        now, before = (asked_directly(network, frames) for frames in (clips["Rise"][::-1].copy(), clips["Rise"]))
        np.testing.assert_allclose(drawn / scale[0], now, atol=1e-5)
        marks = np.array([segment[0][0] for segment in ticks.get_segments()])
        np.testing.assert_allclose((marks - bar.get_x()) / scale[0], before, atol=1e-5)


@pytest.mark.parametrize("order", ORDERS)
def test_the_clip_plays_in_its_order(networks, clips, order):
    panel = sees_time(clips, networks, CLASSES, order=order)
    still, moving = re.findall(r"base64,([\w+/=]+)", panel.picture.value)[:2]
    assert f'alt="Rise, frames {order}, playing"' in panel.picture.value
    film = Image.open(BytesIO(b64decode(moving)))
    assert film.n_frames == FRAMES if order != "frozen" else film.n_frames >= 1
    for number in (0, film.n_frames - 1):
        film.seek(number)
        shown = np.asarray(film.convert("RGB"))[::5, ::5].astype(int)
        assert np.abs(shown - in_order(clips["Rise"], order)[number]).mean() < 6
    assert getattr(Image.open(BytesIO(b64decode(still))), "n_frames", 1) == 1  # for who asked for less motion


def test_an_order_blind_network_is_said_to_be_one(networks, clips):
    panel = sees_time(clips, networks, CLASSES)
    assert "change" not in panel.words  # forward is compared with nothing
    for order, blind in (("reversed", True), ("shuffled", True), ("frozen", False)):
        panel.controls["order"].value = order
        f_r2d, r3d = panel.words.split("f-R2D: ")[1].split("R3D: ")
        assert ("no probability changes" in f_r2d) == blind
        assert "probabilities change by up to" in r3d


def test_a_plain_callable_will_do_and_is_given_uint8(clips):
    def brightest(batch):
        """A class for each third of the clip: where it is brightest. It sees the order and nothing else."""
        assert batch.dtype == torch.uint8
        assert batch.shape == (4, 3, FRAMES, 32, 32)
        return batch.float().mean((1, 3, 4)).reshape(4, 3, -1).sum(2).softmax(1)

    forward, backward, _, frozen = probabilities(brightest, clips["Rise"], 3)
    np.testing.assert_allclose(backward, forward[::-1], rtol=1e-4)
    np.testing.assert_allclose(frozen, 1 / 3, rtol=1e-4)
    panel = sees_time(clips, {"brightest": brightest, "r3d": tiny("r3d")}, CLASSES)
    assert "brightest: " in panel.words


def test_modes_are_left_as_they_were(clips):
    network = tiny("r3d").train()
    network.layer1.eval()
    probabilities(network, clips["Rise"], 3)
    assert network.training
    assert not network.layer1.training


def test_a_clip_that_a_network_cannot_take_is_said_in_place_and_the_last_picture_stays(networks, clips):
    panel = sees_time(clips | {"short": clips["Rise"][:4]}, {"f_r2d": networks["f_r2d"], "r2d": tiny("r2d")}, CLASSES)
    good, words = panel.picture.value, panel.words
    panel.controls["clip"].value = "short"
    assert "stacks exactly 6 frames; got 4" in panel.message.value
    assert panel.message.value.count("\n") == 0
    assert "The picture is still that of clip Rise, order forward." in panel.message.value
    assert panel.picture.value == f"<div style='opacity:0.35'>{good}</div>"
    assert panel.words == words
    panel.controls["clip"].value = "Fall"
    assert panel.message.value == ""
    assert panel.picture.value != good


def test_bad_input_is_refused(networks, clips):
    with pytest.raises(InputError, match=r"two networks and their classes; got 3 clips, 1 networks"):
        sees_time(clips, {"r3d": networks["r3d"]}, CLASSES)
    with pytest.raises(InputError, match=r"gave \(4, 3\) probabilities .* expected \(4, 8\)"):
        probabilities(networks["r3d"], clips["Rise"], 8)
    with pytest.raises(InputError, match="unknown control 'network'"):
        sees_time(clips, networks, CLASSES, network="r3d")
    with pytest.raises(InputError, match="unknown order of frames 'sorted'"):
        reorder(clips["Rise"], "sorted")


@pytest.mark.parametrize("frames", [1, FRAMES, 40])
def test_nothing_runs_off_the_page(frames):
    clip = np.zeros((frames, 20, 30, 3), np.uint8)

    def sure(batch):
        return torch.eye(8)[torch.zeros(len(batch), dtype=int)]

    names = tuple(f"class {i}" for i in range(8))
    panel = sees_time({"clip": clip}, {"f_r2d": sure, "p3d_in_r3d": sure}, names)
    figure, _ = panel.draw(**panel.values())
    figure.canvas.draw()
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert figure.bbox.contains(box.x0, box.y0), text.get_text()
        assert figure.bbox.contains(box.x1, box.y1), text.get_text()
        assert text.get_fontsize() >= 9
