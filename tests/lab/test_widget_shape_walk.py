"""The shape walk: every step of every network against the network itself, and what is left without a kernel."""

import re
from itertools import pairwise

import matplotlib.pyplot as plt
import pytest
import torch

from r2p1d_edu.cost.layers import account
from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.widgets.shape_walk import ShapeWalk, describe, draw_step, steps
from r2p1d_edu.networks.family import FAMILY, create_network

LIMIT = 400 * 1024  # bytes, of a saved notebook


def meta_network(name, frames=16):
    with torch.device("meta"):
        return create_network(name, frames=frames).eval()


@pytest.mark.parametrize("name", FAMILY)
def test_every_step_of_every_network(name):
    """Shapes from hooks on a real forward, parameters from the modules, multiply-adds in total."""
    path, network, seen = steps(name), meta_network(name), {}
    for place, module in network.named_modules():
        module.register_forward_hook(lambda m, x, y, place=place: seen.update({place: (x[0].shape, y.shape)}))
    network(torch.empty(1, 3, 16, 112, 112, device="meta"))
    blocks = [f"layer{group}.{block}.conv{conv}" for group in (1, 2, 3, 4) for block in (0, 1) for conv in (1, 2)]
    assert [step.name for step in path] == ["clip", "stem", *blocks, "avgpool", "fc"]
    for step in path[1:]:
        module = network.get_submodule(step.name)
        shapes = [(*shape[1:], 1, 1, 1)[:4] for shape in seen[step.name]]
        assert [step.before, step.after] == shapes, step.name
        assert step.parameters == sum(p.numel() for p in module.parameters())
    bill = account(network)
    shortcuts = sum(row.macs for row in bill.rows if "downsample" in row.name)
    assert sum(step.macs for step in path) == bill.macs - shortcuts
    for one, following in pairwise(path):
        assert following.before == one.after


def test_the_shapes_of_the_papers_table_1():
    ends = {step.name: step.after for step in steps("r3d")}
    assert ends["stem"] == ends["layer1.1.conv2"] == (64, 16, 56, 56)
    assert ends["layer2.1.conv2"] == (128, 8, 28, 28)
    assert ends["layer3.1.conv2"] == (256, 4, 14, 14)
    assert ends["layer4.1.conv2"] == (512, 2, 7, 7)
    assert ends["avgpool"] == (512, 1, 1, 1)


def test_kernels_strides_and_what_is_seen():
    path = {step.name: step for step in steps("r2plus1d")}
    assert path["stem"].what == "1×7×7 to 45 channels, 3×1×1"
    assert path["layer2.0.conv1"].what == "1×3×3 to 230 channels, 3×1×1"
    assert path["layer2.0.conv1"].stride == (2, 2, 2)
    assert path["stem"].field == (3, 7, 7)
    assert path["layer1.0.conv1"].field == (5, 11, 11)  # two more frames, and 2·2 more pixels: the stem has stride 2
    mixed = {step.name: step for step in steps("mc3")}
    assert (mixed["layer1.0.conv1"].kind, mixed["layer1.0.conv1"].what) == ("3d", "3×3×3")
    assert (mixed["layer2.0.conv1"].kind, mixed["layer2.0.conv1"].what) == ("2d", "1×3×3")
    assert mixed["layer2.0.conv1"].stride == (1, 2, 2)
    assert steps("r2d", frames=8)[1].what == "8×7×7"


@pytest.fixture(scope="module")
def walk():
    return ShapeWalk("r2plus1d")


def test_the_slider_over_all_its_values(walk):
    assert (walk.step.min, walk.step.max) == (0, len(walk.path) - 1) == (0, 19)
    for number, step in enumerate(walk.path):
        walk.step.value = number
        assert f"step {number} of 19, {step.name}" in walk.words
        assert walk.words == describe(walk.path, number, "r2plus1d")
    assert walk.words.endswith("512×1×1×1 → 400×1×1×1 (C×T×H×W); one number sees 117×315×315 of 16×112×112"
                               " frames×rows×columns.")  # fmt: skip


def test_words_of_one_step(walk):
    walk.step.value = 6
    assert walk.words == (
        "R(2+1)D, step 6 of 19, layer2.0.conv1 (conv3_x): 1×3×3 to 230 channels, 3×1×1, stride 2×2×2,"
        " 221,516 parameters, 2,215.8 MMAC; 64×16×56×56 → 128×8×28×28 (C×T×H×W);"
        " one number sees 13×27×27 of 16×112×112 frames×rows×columns."
    )


def test_all_pictures_are_there_before_anything_is_touched(walk):
    pictures = [child.value for child in walk.pictures.children]
    assert len(pictures) == len(set(pictures)) == 20
    for number, picture in enumerate(pictures):
        assert re.match(r'<svg role="img" aria-label="R\(2\+1\)D, step (\d+) of 19', picture)[1] == str(number)
        assert walk.path[number].name in re.sub(r'aria-label="[^"]*"', "", picture)  # letters, not outlines
    assert sum(map(len, pictures)) < LIMIT


def test_the_page_itself_joins_player_slider_and_pictures(walk):
    play, slider = walk.children[0].children
    assert (play.min, play.max) == (slider.min, slider.max)
    assert slider.description
    assert [(link.source, link.target) for link in walk.links] == [
        ((play, "value"), (slider, "value")),
        ((slider, "value"), (walk.pictures, "selected_index")),
    ]


def test_without_widgets_picture_and_words_of_the_present_step_are_left(walk):
    walk.step.value = 1
    data, metadata = walk._repr_mimebundle_()
    assert data["text/plain"] == walk.words == metadata["image/png"]["alt"]
    assert "stem (conv1)" in walk.words
    assert 5_000 < len(data["image/png"]) < 60_000


def texts_within(figure):
    figure.canvas.draw()
    (axes,) = figure.axes
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts if text.get_text()}
    for words, box in boxes.items():
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1, words
        assert 0 <= box.y0 < box.y1 <= figure.bbox.y1, words
    plt.close(figure)
    return boxes


@pytest.mark.parametrize("name", ["r2plus1d", "r2d"])
def test_nothing_is_cut_off_or_written_over_something_else(name):
    path = steps(name)
    for number in (0, 1, 2, 15, 17, 18, 19):
        boxes = list(texts_within(draw_step(path, number, name)).values())
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_the_frames_that_are_seen():
    path = steps("r2plus1d")
    figure = draw_step(path, 2, "r2plus1d")  # sees 5 of 16
    (axes,) = figure.axes
    frames = [patch for patch in axes.patches[-16:]]
    filled = [place for place, patch in enumerate(frames) if patch.get_facecolor()[:3] != (1, 1, 1)]
    assert filled == [5, 6, 7, 8, 9]
    plt.close(figure)


def test_other_clips():
    assert steps("mc3", frames=8, size=64)[-3].after == (512, 8, 4, 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "r4d"}, "unknown network of the family 'r4d'; choose one of r2d, f_r2d"),
        ({"name": "p3d63"}, "unknown network of the family 'p3d63'"),
        ({"name": "r3d", "frames": 0}, "frames is 0; it must be a whole number of 1 or more"),
        ({"name": "r3d", "size": 0}, "clip is .* got"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(InputError, match=message):
        ShapeWalk(**options)
