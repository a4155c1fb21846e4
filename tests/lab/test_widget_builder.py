"""The network builder: every menu entry, both ends of every slider, and the numbers against independent ones."""

import csv
import re
from pathlib import Path
from statistics import median
from time import process_time

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.patches import Rectangle
from torch.utils.flop_counter import FlopCounterMode

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.network_figure import Plan, draw_networks, name_of
from r2p1d_edu.lab.widgets.builder import MENUS, NONE, OWN, WIDTHS, NetworkBuilder, plans_of
from r2p1d_edu.networks.family import CONTROLLED, FAMILY, create_network

GOLDEN = list(csv.DictReader((Path(__file__).parents[1] / "golden/networks.csv").read_text().splitlines()))
OWN_ROW = ("2d", "2+1d", "3d", "p3d", "2d")
WORDS = re.compile(
    r"(?P<params>[\d,]+) parameters, (?P<gmac>[\d.]+) GMAC; conv5_x sees (?P<sees>\d+) frames?, with padding · "
    r"(?P<relus>\d+) ReLUs · (?P<mib>[\d,.]+) MiB"
)


@pytest.fixture
def panel():
    return NetworkBuilder()


def told(line: str) -> dict[str, float]:
    """The numbers in one network's words."""
    return {key: float(text.replace(",", "")) for key, text in WORDS.search(line).groupdict().items()}


def measured(row, depth, width, frames, size) -> dict[str, float]:
    """The same numbers from the network itself: hooks, gradients and PyTorch's own counter."""
    with torch.device("meta"):
        network = create_network(row, depth=depth, width=width, frames=frames).eval()
        clip = torch.empty(1, 3, frames, size, size)
    seen = {"relus": 0, "bytes": 0}

    def look(module, inputs, output):
        seen["relus"] += isinstance(module, torch.nn.ReLU)
        seen["bytes"] += 4 * output.numel()

    for module in network.modules():
        if not list(module.children()) and not isinstance(module, torch.nn.Identity):
            module.register_forward_hook(look)
    with FlopCounterMode(display=False) as flops:
        network(clip)
    return {
        "params": sum(p.numel() for p in network.parameters()),
        "gmac": round(flops.get_total_flops() / 2e9, 3),
        "relus": seen["relus"],
        "mib": seen["bytes"] / 2**20,
    }


@pytest.mark.parametrize("frames", [8, 16])
def test_every_preset_says_what_the_authors_published(panel, frames):
    panel.controls["frames"].value = frames
    for row in GOLDEN:
        if int(row["frames"]) == frames:
            panel.controls["network"].value = row["network"]
            assert tuple(panel.controls[menu].value for menu in MENUS["network"]) == FAMILY[row["network"]]
            numbers = told(panel.words)
            assert (numbers["params"], numbers["gmac"]) == (int(row["params"]), float(row["gmac"]))
            clip, video = row["table2_clip1"], row["table2_video1"]
            assert f"paper, Table 2: clip {float(clip):.1f} %, video {float(video):.1f} %" in panel.words


@pytest.mark.parametrize(
    ("row", "skeleton"),
    [
        *((CONTROLLED[name], (18, 64, 16, 112)) for name in CONTROLLED),
        (OWN_ROW, (10, 16, 11, 40)),
        (FAMILY["r2plus1d"], (34, 8, 32, 224)),
        (FAMILY["r2d"], (10, 96, 1, 16)),
    ],
)
def test_the_words_agree_with_the_network_itself(row, skeleton):
    numbers = told(Plan(row, *skeleton).words())
    assert {key: numbers[key] for key in ("params", "gmac", "relus", "mib")} == pytest.approx(
        measured(row, *skeleton), abs=0.05
    )
    assert "Kinetics" not in Plan(row, *skeleton).words()


@pytest.mark.parametrize(("row", "frames"), [(("2d",) * 5, 8), (FAMILY["mc3"], 16), (OWN_ROW, 33)])
def test_the_receptive_field_is_what_gradients_reach(row, frames):
    sees = Plan(row, depth=10, width=8, frames=frames, size=16).sees
    torch.manual_seed(0)
    network = create_network(row, depth=10, width=2, frames=frames).double().eval()
    clip = torch.randn(1, 3, frames, 16, 16, dtype=torch.double, requires_grad=True)
    features = network.layer4(network.layer3(network.layer2(network.layer1(network.stem(clip)))))
    features[:, :, features.shape[2] // 2].sum().backward()
    reached = clip.grad.abs().sum((0, 1, 3, 4)).nonzero()
    assert reached.max() - reached.min() + 1 == min(sees, frames)


def test_every_menu_entry_and_both_ends_of_every_slider_answer(panel, monkeypatch):
    """Each change redraws, or is refused in place and leaves the picture."""
    monkeypatch.setattr("r2p1d_edu.lab.widgets.panel.figure_svg", lambda figure, words: words)  # the slower half
    panel.set(network="f_r2d", compare="rmc3", depth=10)
    for control in panel.controls.values():
        start = control.value
        ends = (control.min, control.max) if hasattr(control, "min") else [option_of(o) for o in control.options]
        for value in ends:
            before = panel.picture.value
            control.value = value
            if panel.message.value:
                assert panel.picture.value == before
                control.value = start
            assert not panel.message.value
            assert panel.picture.value == panel.words == "\n".join(p.words() for p in plans_of(panel.values()))


def option_of(option):
    return option[1] if isinstance(option, tuple) else option


def test_a_menu_makes_the_network_your_own_or_one_of_the_papers(panel):
    assert panel.controls["network"].value == "r2plus1d"
    panel.controls["conv5_x"].value = "3d"
    assert panel.controls["network"].value == OWN
    assert panel.words.startswith("A network of your own ((2+1)D, (2+1)D, (2+1)D, (2+1)D, 3D), depth 18")
    for menu, kind in zip(MENUS["network"], FAMILY["mc3"], strict=True):
        panel.controls[menu].value = kind
    assert panel.controls["network"].value == "mc3"
    panel.controls["network"].value = OWN  # says nothing new
    assert panel.controls["network"].value == "mc3"


def test_a_preset_in_set_brings_its_menus_but_a_menu_given_with_it_wins(panel):
    panel.set(network="r3d", conv1="2d", compare="r2d")
    assert [plan.kinds for plan in plans_of(panel.values())] == [FAMILY["rmc2"], FAMILY["r2d"]]
    assert panel.controls["network"].value == "rmc2"
    assert panel.chosen() == ["rmc2", "r2d"]


def test_the_second_network_comes_and_goes(panel):
    second = [panel.controls[menu] for menu in MENUS["compare"]]
    assert all(menu.disabled for menu in second)
    panel.controls["compare"].value = "mc4"
    assert not any(menu.disabled for menu in second)
    assert [line.partition(" (")[0] for line in panel.words.splitlines()] == ["R(2+1)D", "MC4"]
    second[4].value = "p3d-b"
    assert panel.controls["compare"].value == OWN
    assert panel.chosen() == ["r2plus1d", ("3d", "3d", "3d", "2d", "p3d-b")]
    panel.controls["compare"].value = NONE
    assert all(menu.disabled for menu in second)
    assert len(panel.words.splitlines()) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"network": "r3d", "frames": 2}, "conv1's kernel 3×7×7 is larger than its input 2×112×112: use more frames"),
        ({"network": "r3d", "frames": 4}, "conv5_x keeps every second frame, but only one frame is left: use more"),
        ({"network": "rmc5", "frames": 1}, "conv5_x keeps every second frame, but only one frame is left: use more"),
        ({"conv1": "stacked"}, "conv1 took all frames as channels, so choose 2D after it"),
        ({"size": 8}, "conv5_x keeps every second row, but only one row is left: use a larger size"),
    ],
)
def test_what_cannot_be_built_is_said_in_place(panel, values, message):
    picture, words = panel.picture.value, panel.words
    panel.set(**values)
    assert message.replace("'", "&#x27;") in panel.message.value
    assert panel.message.value.count("<p") == 1
    assert (panel.picture.value, panel.words) == (picture, words)
    panel.set(network="f_r2d", frames=1, size=16)
    assert panel.message.value == ""
    assert panel.words.startswith("f-R2D")


def test_the_shortest_clip_of_the_papers_network_is_five_frames():
    assert Plan(FAMILY["r3d"], frames=5).bill.params == 33_371_472
    with pytest.raises(InputError, match="use more frames"):
        _ = Plan(FAMILY["r3d"], frames=4).bill


@pytest.mark.parametrize("changed", [{"depth": 34}, {"width": 32}, {"size": 120}, {"frames": 15}])
def test_published_accuracy_is_shown_for_nothing_but_the_papers_network(changed):
    assert "Kinetics-400" in Plan(FAMILY["mc3"]).words()
    assert "Kinetics-400" not in Plan(FAMILY["mc3"], **changed).words()


def test_unknown_presets_are_refused():
    with pytest.raises(InputError, match="unknown network 'r4d'"):
        NetworkBuilder("r4d")
    with pytest.raises(InputError, match="unknown network to compare with 'r4d'"):
        NetworkBuilder(compare="r4d")


def test_bars_are_in_proportion_and_share_a_scale():
    plans = [Plan(FAMILY["r2plus1d"]), Plan(FAMILY["mc3"])]
    figure, _ = draw_networks(plans)
    bars = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)][-24:]
    heights = iter(bar.get_height() for bar in bars)
    for key in ("parameters", "macs"):
        values = [
            getattr(plan.stage(g), key) for plan in plans for g in ("stem", *(f"layer{n}" for n in (1, 2, 3, 4)), "fc")
        ]
        assert [next(heights) for _ in values] == pytest.approx([0.48 * value / max(values) for value in values])
    assert {bar.get_hatch() for bar in bars} == {"", "////"}
    plt.close(figure)


@pytest.mark.parametrize("plans", [[Plan(FAMILY["r2d"])], [Plan(OWN_ROW, 34, 128, 32, 224), Plan(FAMILY["r2plus1d"])]])
def test_no_text_leaves_the_picture_or_covers_another(plans):
    figure, _ = draw_networks(plans)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    for number, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
        for other in boxes[:number]:
            assert (
                min(box.x1, other.x1) - max(box.x0, other.x0) < 1 or min(box.y1, other.y1) - max(box.y0, other.y0) < 1
            )
    plt.close(figure)


def test_every_control_is_labelled_and_every_option_named(panel):
    for control in panel.controls.values():
        assert control.description
        assert control.layout.width or hasattr(control, "min")
    assert name_of(FAMILY["mc5"]) == "mc5"
    assert name_of(OWN_ROW) is None
    assert 64 in WIDTHS


def test_a_change_takes_little_work(panel):
    """150 ms, in seconds that this process works, so that others do not count."""
    panel.set(compare="r3d")
    seconds = []
    for name in FAMILY:
        start = process_time()
        panel.controls["network"].value = name
        seconds.append(process_time() - start)
    assert median(seconds) < 0.15, seconds
