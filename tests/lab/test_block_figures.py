"""The block diagrams: they show the layers that are really called, and nothing overlaps or hangs in the air."""

import itertools

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.patches import Circle
from matplotlib.text import Annotation

from r2p1d_edu.cost.layers import account
from r2p1d_edu.lab.block_figures import article_beside_paper, article_block, paper_block, pseudo3d_blocks
from r2p1d_edu.networks.blog import SpatioTemporalResBlock
from r2p1d_edu.networks.p3d import Bottleneck
from r2p1d_edu.networks.resnet import Block

DRAWN = {
    "units": pseudo3d_blocks,
    "wide units": lambda: pseudo3d_blocks(256),
    "blocks": article_beside_paper,
    "wide blocks": lambda: article_beside_paper(256, 512),
}


@pytest.fixture(params=DRAWN)
def figure(request):
    figure = DRAWN[request.param]()
    figure.canvas.draw()
    yield figure
    plt.close(figure)


def called(block, channels):
    """The layers of a block in the order of their calls, as (main path, shortcut), without the ReLU after the sum."""
    paths = ([], [])
    for row in account(block, (channels, 4, 8, 8)).rows[:-1]:
        kernel = "×".join(map(str, row.kernel or ()))
        name = (kernel, row.out_shape[0]) if kernel else ({"BatchNorm3d": "BN"}.get(row.kind, row.kind), None)
        paths[row.name.startswith("downsample")].append(name)
    return paths


@pytest.mark.parametrize(("channels", "out"), [(64, 128), (128, 256), (256, 512)])
@pytest.mark.parametrize(
    ("layers", "build"),
    [
        (article_block, lambda channels, out: SpatioTemporalResBlock(channels, out, 3, downsample=True)),
        (paper_block, lambda channels, out: Block("2+1d", channels, out, 2, "per_conv")),
    ],
)
def test_the_drawn_layers_are_the_called_ones(layers, build, channels, out):
    drawn = [[(layer.kind, layer.width) for layer in path] for path in layers(channels, out)]
    with torch.device("meta"):
        block = build(channels, out)
    assert tuple(drawn) == called(block, channels)


def test_without_the_extra_layers_the_article_s_main_path_is_the_paper_s():
    article, paper = article_block(64, 128), paper_block(64, 128)
    assert [layer[:2] for layer in article[0] if not layer.extra] == [layer[:2] for layer in paper[0]]
    assert sum(layer.extra for path in article for layer in path) == 9


def words(figure):
    """The text of each box, sum signs left out."""
    texts = figure.axes[0].texts
    return [text.get_text() for text in texts if text.get_text() not in ("", "+")]


@pytest.mark.parametrize("channels", [64, 256])
def test_the_units_have_the_convolutions_and_widths_of_the_network(channels):
    drawn = words(pseudo3d_blocks(channels))
    plt.close()
    for form in "ABC":
        with torch.device("meta"):
            block = Bottleneck(4 * channels, channels, 1, form)
        rows = account(block, (4 * channels, 4, 8, 8)).rows
        for row in (row for row in rows if row.kernel):
            label = f"{'×'.join(map(str, row.kernel))}\n{row.in_shape[0]} → {row.out_shape[0]}"
            assert sum(text.removeprefix("S: ").removeprefix("T: ") == label for text in drawn) == 3


def test_only_b_and_c_sum_inside():
    figure = pseudo3d_blocks()
    sums = sorted(patch.center for patch in figure.axes[0].patches if isinstance(patch, Circle))
    plt.close(figure)
    assert [sum(int(x // 2.4) == place for x, _ in sums) for place in range(3)] == [1, 2, 2]


def boxes(figure):
    return [patch.get_window_extent() for patch in figure.axes[0].patches]


def within(inner, outer):
    return outer.x0 < inner.x0 < inner.x1 < outer.x1 and outer.y0 < inner.y0 < inner.y1 < outer.y1


def test_no_box_overlaps_another_or_leaves_the_figure(figure):
    drawn = boxes(figure)
    for one, other in itertools.combinations(drawn, 2):
        assert not one.overlaps(other)
    assert all(within(one, figure.bbox) for one in drawn)


def test_words_are_legible_and_fit_their_boxes(figure):
    drawn = boxes(figure)
    for text in figure.axes[0].texts:
        if isinstance(text, Annotation) or text.get_text() == "+":
            continue
        assert text.get_fontsize() >= 9
        extent = text.get_window_extent()
        assert within(extent, figure.bbox), text.get_text()
        assert all(within(extent, one) or not one.overlaps(extent) for one in drawn), text.get_text()


def test_every_arrow_ends_at_the_edge_of_a_box(figure):
    axes = figure.axes[0]
    arrows = [text for text in axes.texts if isinstance(text, Annotation)]
    drawn = boxes(figure)
    assert len(arrows) >= 20
    for arrow in arrows:
        x, y = axes.transData.transform(arrow.xy)
        near = [b for b in drawn if b.x0 - 2 <= x <= b.x1 + 2 and b.y0 - 2 <= y <= b.y1 + 2]
        assert near, arrow.xy
        assert not any(b.x0 + 2 < x < b.x1 - 2 and b.y0 + 2 < y < b.y1 - 2 for b in near), arrow.xy
