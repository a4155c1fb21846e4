"""The scrubber: its arithmetic against PyTorch's convolutions and against the words it prints."""

import re

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.widgets.scrubber import KERNELS, Kernel, convolve, draw_scrubber, explain, grey, scrubber, take_apart
from r2p1d_edu.video.arrow import draw_clip

mpl.use("Agg")
NAMES = tuple(KERNELS)
T, H, W = 5, 6, 7
CLIP = np.random.default_rng(0).integers(0, 256, (T, H, W))


def conv3d(frames, kernel):
    """PyTorch's answer, in float64, on a zero-padded clip: (T, H, W)."""
    x, w = torch.tensor(frames, dtype=torch.float64), torch.tensor(kernel.weights, dtype=torch.float64)
    return F.conv3d(x[None, None], w[None, None] / kernel.divisor, padding=1)[0, 0].numpy()


def twin(frames, kernel, pairs=None):
    """A 1×3×3 convolution to one channel a pair, then a 3×1×1 convolution: PyTorch's (2+1)D without BatchNorm, ReLU."""
    chosen = kernel.pairs[:pairs]
    space = torch.tensor([space for _, space in chosen], dtype=torch.float64)[:, None, None]  # (M, 1, 1, 3, 3)
    time = torch.tensor([time for time, _ in chosen], dtype=torch.float64)[None, :, :, None, None]  # (1, M, 3, 1, 1)
    x = torch.tensor(frames, dtype=torch.float64)[None, None]
    middle = F.conv3d(x, space, padding=(0, 1, 1))
    return F.conv3d(middle, time / kernel.divisor, padding=(1, 0, 0))[0, 0].numpy()


def numbers(text):
    """The numbers of a text, in order."""
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text.replace("− ", "-").replace("−", "-"))]


def result(text, mark="="):
    """The number behind the last `mark`."""
    return numbers(text.rsplit(mark, 1)[1])[0]


@pytest.mark.parametrize("name", NAMES)
def test_the_output_is_that_of_a_3d_convolution_and_of_its_twin(name):
    expected = conv3d(CLIP, KERNELS[name])
    np.testing.assert_allclose(convolve(CLIP, KERNELS[name]), expected, atol=1e-10)
    np.testing.assert_allclose(twin(CLIP, KERNELS[name]), expected, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_the_first_pair_is_the_nearest_separable_kernel(name):
    kernel = KERNELS[name]
    u, s, v = np.linalg.svd(kernel.weights.reshape(3, 9))
    time, space = (np.array(part) for part in kernel.pairs[0])
    np.testing.assert_allclose(np.outer(time, space.ravel()), s[0] * np.outer(u[:, 0], v[0]), atol=1e-12)
    assert kernel.rank == len(kernel.pairs) == (s > 1e-9).sum()
    assert kernel.rank == (2 if "moving" in name else 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", [(0, 0, 0), (T - 1, H - 1, W - 1), (2, 3, 4), (0, 5, 3)])
def test_the_words_hold_the_value_of_pytorch_and_add_up(name, place):
    kernel, (t, y, x) = KERNELS[name], place
    _, words = draw_scrubber({"noise": CLIP}, clip="noise", kernel=name, t=t, y=y, x=x)
    assert words.startswith(f"noise, {name}, at frame {t}, row {y}, column {x}. ")
    expected = conv3d(CLIP, kernel)[place]
    assert result(words) == pytest.approx(expected, abs=0.005 + 1e-9)
    three_d = re.search(r"3D, 27 products at once: (.*?)\.", words)[1]
    left, total = three_d.split("=")
    assert sum(numbers(left)) == numbers(total)[0] == pytest.approx(expected * kernel.divisor)
    lines = re.findall(r"\(2\+1\)D, (space .*?)\. ", words)
    for line, (time, _) in zip(lines, kernel.pairs, strict=True):
        sums, steps = re.search(r"\]: (.*); time: (.*) =", line).groups()
        assert np.dot(numbers(sums), time) == result(line)
        assert eval(steps.replace("−", "-").replace("×", "*")) == result(line)
        assert steps.count("×") == 3
    if kernel.rank == 1:
        assert "Separable: " in words
    else:
        assert "Not separable (rank 2)" in words
        first = re.search(r"kernel gives (−?\d+);", words)[1]
        assert numbers(first)[0] == pytest.approx(twin(CLIP, kernel, pairs=1)[place] * kernel.divisor)
    assert words.count(", equal.") + words.count("; equal.") == 1
    assert "+ −" not in words


def test_equality_is_looked_at_and_not_merely_said():
    kernel = KERNELS["edge moving up"]
    value = take_apart(CLIP[:3, :3, :3], kernel)
    assert "not equal" not in " ".join(explain(kernel, value))
    value.time[1] += 1
    assert "not equal" in " ".join(explain(kernel, value))


def test_the_moving_edge_tells_rise_from_fall_where_a_2d_kernel_cannot():
    rise, fall = (grey(draw_clip(name, 9, 1)) for name in ("Rise", "Fall"))
    inner = (slice(1, -1),) * 3
    up = {name: convolve(frames, KERNELS["edge moving up"])[inner].max() for name, frames in (("r", rise), ("f", fall))}
    assert up["r"] > 1.3 * up["f"]
    flat = KERNELS["spatial edge"]
    np.testing.assert_array_equal(convolve(rise, flat), convolve(fall, flat)[::-1])
    np.testing.assert_array_equal(
        convolve(rise, KERNELS["edge moving down"])[inner], convolve(fall, KERNELS["edge moving up"])[::-1][inner]
    )


def test_grey_averages_blocks():
    frames = np.zeros((2, 4, 4, 3), np.uint8)
    frames[1, 2:, :2] = (30, 60, 90)
    assert grey(frames, 2).tolist() == [[[0, 0], [0, 0]], [[0, 0], [60, 0]]]
    with pytest.raises(InputError, match=r"multiples of 3; got \(2, 4, 4, 3\)"):
        grey(frames, 3)
    with pytest.raises(InputError, match=r"\(T, H, W, 3\)"):
        grey(frames[0], 2)


def test_every_menu_entry_and_both_ends_of_every_slider():
    clips = {"noise": CLIP, "reversed": CLIP[::-1].copy()}
    panel = scrubber(clips, kernel="spatial edge", t=1)
    assert (panel.controls["kernel"].value, panel.controls["t"].value) == ("spatial edge", 1)
    assert all(control.description for control in panel.controls.values())
    seen = set()
    for clip in panel.controls["clip"].options:
        for kernel in panel.controls["kernel"].options:
            for end in ("min", "max"):
                corner = 0 if end == "min" else -1
                panel.set(clip=clip, kernel=kernel, **{n: getattr(panel.controls[n], end) for n in "tyx"})
                assert panel.message.value == ""
                expected = conv3d(clips[clip], KERNELS[kernel])[corner, corner, corner]
                assert result(panel.words) == pytest.approx(expected, abs=0.005 + 1e-9)
                seen.add(panel.picture.value)
    assert len(seen) == 2 * len(KERNELS) * 2
    assert [panel.controls[name].max for name in "tyx"] == [T - 1, H - 1, W - 1]


def test_a_place_outside_a_shorter_clip_is_said_in_place_and_the_last_picture_stays():
    panel = scrubber({"long": CLIP, "short": CLIP[:4], "tiny": CLIP[:2]}, t=T - 1)
    good, words = panel.picture.value, panel.words
    for clip, message in [
        ("short", "short: t = 4 is outside the clip; choose 0 to 3"),
        ("tiny", "larger than this clip of 2×6×7"),
    ]:
        panel.controls["clip"].value = clip
        assert message in panel.message.value
        assert panel.message.value.count("\n") == 0
        assert (panel.picture.value, panel.words) == (good, words)
    panel.set(clip="short", t=3)
    assert panel.message.value == ""
    assert panel.picture.value != good


@pytest.mark.parametrize("clip", [CLIP / 255, CLIP[0]], ids=["floats", "one frame"])
def test_other_arrays_are_refused_with_advice(clip):
    with pytest.raises(InputError, match=r"whole numbers; got .*; see grey\(\)"):
        scrubber({"wrong": clip, "right": CLIP})


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="no clip"):
        scrubber({})
    with pytest.raises(InputError, match="unknown control 'z'"):
        scrubber({"noise": CLIP}, z=1)
    with pytest.raises(InputError, match="unknown kernel 'blur'"):
        draw_scrubber({"noise": CLIP}, clip="noise", kernel="blur", t=1, y=1, x=1)


@pytest.mark.parametrize("t", range(T))
def test_the_picture_shows_the_clip_the_output_and_the_pixels_under_the_kernel(t):
    kernel = KERNELS["edge moving up"]
    figure, _ = draw_scrubber({"noise": CLIP}, clip="noise", kernel="edge moving up", t=t, y=2, x=3)
    (page,) = figure.axes
    texts = [text.get_text() for text in page.texts]
    around = np.pad(CLIP, 1)[t : t + 3, 2:5, 3:6]
    cells = sorted(f"{p}×{w}" for p, w in zip(around.ravel(), kernel.weights.ravel(), strict=True))
    assert sorted(text.replace("−", "-") for text in texts if re.fullmatch(r"\d+×−?\d+", text)) == cells
    assert sum(text.startswith("beyond the clip") for text in texts) == (t in (0, T - 1))
    shown, output, pixels = (image.get_array() for image in page.images)
    np.testing.assert_array_equal(np.ma.filled(shown[:, :W], -1), CLIP[0])
    np.testing.assert_allclose(np.ma.filled(output[:, -W:], -1), conv3d(CLIP, kernel)[-1], atol=1e-10)
    np.testing.assert_array_equal(np.ma.filled(pixels[:, 4:7], -1), around[1])
    bold = [int(text.get_text()) for text in page.texts if text.get_weight() == "bold" and text.get_text().isdigit()]
    assert sorted(bold) == sorted([*(n for n in (t - 1, t, t + 1) if 0 <= n < T), t])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs_off_the_page_with_the_longest_numbers(name):
    kernel = KERNELS[name]
    frames = np.where(kernel.weights < 0, 255, 0)  # every product negative
    frames[1][kernel.weights[1] == 0] = 255
    figure, _ = draw_scrubber({"worst": frames}, clip="worst", kernel=name, t=1, y=1, x=1)
    figure.canvas.draw()
    page = figure.bbox
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert page.contains(box.x0, box.y0), text.get_text()
        assert page.contains(box.x1, box.y1), text.get_text()
        assert text.get_fontsize() >= 9


def test_a_kernel_of_ones_own_is_taken_apart_too():
    kernel = Kernel((((0, 1, 0), ((0, 0, 0), (0, 1, 0), (0, 0, 0))),), 1)  # the identity
    assert kernel.rank == 1
    np.testing.assert_array_equal(convolve(CLIP, kernel), CLIP)
    assert explain(kernel, take_apart(CLIP[:3, :3, :3], kernel))[-1] == f"Output: {CLIP[1, 1, 1]} / 1 = {CLIP[1, 1, 1]}"
