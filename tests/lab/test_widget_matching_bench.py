"""The matching bench: every menu entry, both ends of every slider, and the numbers counted in layers of PyTorch."""

import re

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.widgets.matching_bench import BY_RULE, OWN, MatchingBench, draw_match, presets

NUMBERS = ("t", "d", "n_in", "n_out", "mid")


@pytest.fixture
def bench():
    return MatchingBench()


def told(words: str) -> dict[str, int]:
    """The numbers in the words, by name."""
    pattern = (
        r"rounded down (?P<rule>\S+)\. M used: (?P<used>\S+)\. 3D: (?P<full>\S+) weights\. \(2\+1\)D: (?P<space>\S+) in"
        r" space \+ (?P<time>\S+) in time = (?P<pair>\S+)\. Difference: (?P<gap>[−+\d,]+)"
    )
    found = re.search(pattern, words).groupdict()
    return {name: int(text.replace(",", "").replace("−", "-").rstrip("-")) for name, text in found.items()}


def counted(t, d, n_in, n_out, mid) -> dict[str, int]:
    """The same numbers from real layers; M by trying one channel after the other."""

    def weights(c_in, c_out, *kernel):
        return nn.Conv3d(c_in, c_out, kernel, bias=False, device="meta").weight.numel()

    full = weights(n_in, n_out, t, d, d)
    each = weights(n_in, 1, 1, d, d) + weights(1, n_out, t, 1, 1)
    rule = 0
    while (rule + 1) * each <= full:
        rule += 1
    used = mid or rule
    space, time = weights(n_in, used, 1, d, d), weights(used, n_out, t, 1, 1)
    return {
        **{"rule": rule, "used": used, "full": full},
        **{"space": space, "time": time, "pair": space + time, "gap": space + time - full},
    }


def test_every_entry_of_the_menu(bench):
    titles = bench.controls["layer"].options
    assert titles[0] == OWN
    assert len(titles) == 1 + 4 + 16 + 3  # stems, convolutions of eight blocks, torchvision's three
    for title in titles[1:]:
        bench.controls["layer"].value = title
        values = bench.values()
        assert values.pop("layer") == title
        assert {name: values[name] for name in NUMBERS} == presets()[title]
        assert told(bench.words) == counted(**values)
        assert bench.message.value == ""


@pytest.mark.parametrize(
    ("title", "used", "gap"),
    [
        ("stem, as released: a literal", 45, -12_969),
        ("stem, by the rule, 3×7×7", 83, -87),
        ("layer1.0.conv1, 64→64", 144, 0),
        ("layer2.0.conv1, 64→128", 230, -384),
        ("layer3.0.conv1, 128→256", 460, -1_536),
        ("layer4.0.conv1, 256→512", 921, -2_304),
        ("layer2.0.conv2 in torchvision, 128→128", 230, -89_088),
    ],
)
def test_published_widths(bench, title, used, gap):
    """The paper's rule, VMZ's stem and torchvision's blocks; the differences are worked out by hand."""
    bench.controls["layer"].value = title
    assert (told(bench.words)["used"], told(bench.words)["gap"]) == (used, gap)


@pytest.mark.parametrize("name", ["t", "d", "n_in", "n_out"])
def test_both_ends_of_each_slider(bench, name):
    slider = bench.controls[name]
    for value in (slider.min, slider.max):
        before = bench.picture.value
        slider.value = value
        assert bench.picture.value != before
        values = bench.values()
        del values["layer"]
        assert told(bench.words) == counted(**values)


def test_an_m_of_your_own(bench):
    bench.controls["mid"].value = 145
    assert (told(bench.words)["rule"], told(bench.words)["used"], told(bench.words)["gap"]) == (144, 145, 768)
    bench.controls["mid"].value = bench.controls["mid"].max
    assert told(bench.words)["used"] == 2048
    bench.controls["mid"].value = BY_RULE
    assert told(bench.words)["gap"] == 0


def test_a_number_of_your_own_leaves_the_menu(bench):
    bench.controls["layer"].value = "layer2.0.conv1, 64→128"
    bench.controls["t"].value = 5
    assert bench.controls["layer"].value == OWN
    assert bench.words.startswith("5×3×3, 64→128 channels")
    bench.controls["layer"].value = "layer2.0.conv1, 64→128"  # and back again
    assert bench.controls["t"].value == 3


def test_one_redraw_for_one_choice(bench, monkeypatch):
    calls = []
    monkeypatch.setattr(bench, "draw", lambda **values: calls.append(values) or draw_match(**values))
    bench.controls["layer"].value = "layer4.0.conv1, 256→512"
    assert len(calls) == 1
    bench.controls["n_in"].value = 100
    assert len(calls) == 2


def test_no_channel_left_is_said_and_the_last_picture_stays(bench):
    for name, value in (("d", 1), ("t", 1), ("n_out", 2)):
        bench.controls[name].value = value
    before, words = bench.picture.value, bench.words
    assert bench.message.value == ""
    bench.controls["n_in"].value = 1
    assert bench.message.value.count("<p") == 1
    assert "M is 0.67, rounded down 0" in bench.message.value
    assert (bench.picture.value, bench.words) == (before, words)
    bench.controls["mid"].value = 1
    assert bench.message.value == ""
    assert told(bench.words) == counted(1, 1, 1, 2, 1)


def test_refusal_of_the_pure_function():
    with pytest.raises(InputError, match=r"one channel in the middle already costs more than all of 1×3×3, 1→1"):
        draw_match(1, 3, 1, 1)


def test_the_bars_are_as_long_as_the_numbers():
    figure, _ = draw_match(3, 3, 64, 128)
    bars = [(bar.get_x(), bar.get_width()) for bar in figure.axes[0].patches]
    assert bars == [(0, 221_184), (0, 132_480), (132_480, 88_320)]
    marker = figure.axes[1].lines[-1]
    assert (list(marker.get_xdata()), list(marker.get_ydata())) == ([230], [-384])
    plt.close(figure)


@pytest.mark.parametrize(
    "values", [(3, 3, 64, 64), (7, 7, 512, 512), (3, 7, 3, 64, 45), (1, 1, 2, 2), (1, 1, 1, 1, 2048)]
)
def test_nothing_is_cut_off_or_on_top_of_something_else(values):
    figure, _ = draw_match(*values)
    figure.canvas.draw()
    left, right = figure.axes
    page, beside = figure.bbox, right.get_tightbbox()
    for text in [figure._suptitle, *left.texts, *left.get_yticklabels(), left.title, right.title]:
        box = text.get_window_extent()
        assert page.x0 <= box.x0 < box.x1 <= page.x1, text
        assert page.y0 <= box.y0 < box.y1 <= page.y1, text
    assert all(text.get_window_extent().x1 < beside.x0 for text in left.texts)
    assert page.y0 <= beside.y0
    plt.close(figure)


def test_without_a_kernel_picture_and_words_are_left(bench):
    data, metadata = bench._repr_mimebundle_()
    assert data["text/plain"] == bench.words == metadata["image/png"]["alt"]
    assert len(data["image/png"]) > 10_000


def test_the_presets_are_what_the_network_is_built_with():
    from r2p1d_edu.networks.family import create_network

    with torch.device("meta"):
        network = create_network("r2plus1d")
    pair = network.layer3[0].conv1[0]
    found = presets()["layer3.0.conv1, 128→256"]
    assert (pair[0].in_channels, pair[3].out_channels) == (found["n_in"], found["n_out"])
    assert found["mid"] == BY_RULE
