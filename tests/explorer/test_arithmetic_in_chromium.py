"""The explorer's arithmetic, run in a browser, against Python's account: equal to the unit, row by row."""

from itertools import product

import pytest
import torch

from r2p1d_edu import account, create_network
from r2p1d_edu.cost.matching import STEMS, balance, midplanes
from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.explorer import bundle
from r2p1d_edu.lab.palette import NETWORKS
from r2p1d_edu.networks.family import CONTROLLED, FAMILY, network_options
from r2p1d_edu.networks.published import TABLE_2
from r2p1d_edu.networks.resnet import DEPTHS, GROUP_KINDS, STEM_KINDS

pytestmark = pytest.mark.browser

# Printed by the authors, for 8 and for 16 frames: GMAC, GMAC, million parameters (facebookresearch/VMZ, models.md).
PRINTED = {
    "r2d": (1.9, 2.2, 11.4, 11.5), "f_r2d": (13.8, 27.6, 11.4, 11.4), "r3d": (20.3, 40.7, 33.4, 33.4),
    "mc2": (14.3, 28.5, 11.4, 11.4), "mc3": (21.7, 43.3, 11.7, 11.7), "mc4": (20.0, 40.0, 12.7, 12.7),
    "mc5": (20.0, 39.9, 16.8, 16.8), "rmc2": (19.9, 39.8, 33.3, 33.3), "rmc3": (12.5, 25.0, 33.0, 33.0),
    "rmc4": (14.5, 29.1, 32.0, 32.0), "rmc5": (15.4, 30.8, 27.9, 27.9), "r2plus1d": (20.7, 41.5, 33.3, 33.3),
}  # fmt: skip


@pytest.fixture(scope="module")
def page(chromium, address):
    page = chromium.new_page()
    page.goto(address)
    page.wait_for_function("window.explorer")
    yield page
    page.close()


def in_javascript(page, queries):
    return page.evaluate("(queries) => queries.map((query) => explorer.account(query))", queries)


def in_python(query):
    """The account of a query, or None where the network or its clip is refused."""
    query = {"num_classes": 400, "depth": 18, "width": 64, "frames": 16, "size": 112} | query
    name = query.pop("network")
    clip = (3, query["frames"], query["size"], query["size"])
    options = {key: value for key, value in query.items() if key in network_options(name)}
    if isinstance(name, str) and name.startswith("p3d") and name[3:].isdigit():
        options.pop("depth", None)
    try:
        with torch.device("meta"):
            return account(create_network(name, **options), clip)
    except InputError:
        return None


ROW = ("name", "group", "kernel", "stride", "input", "shape", "params", "macs", "activations", "field", "relus")


def rows_of(bill):
    return [
        [
            *(row.name, row.group, row.kernel and list(row.kernel), row.stride and list(row.stride)),
            *(list(row.in_shape), list(row.out_shape), row.parameters, row.macs, row.activations),
            *(list(row.field), row.relus),
        ]
        for row in bill.rows
    ]


SUMS = ("name", "shape", "params", "macs", "activations", "field", "relus")
TOTALS = ("params", "macs", "activations", "relus")


def sums_in_javascript(bill):
    return [[group[key] for key in SUMS] for group in bill["groups"]] + [[bill[key] for key in TOTALS]]


def sums_in_python(bill):
    """A row a group, then the totals."""
    groups = [
        [row.group, list(row.out_shape), row.parameters, row.macs, row.activations, list(row.field), row.relus]
        for row in bill.groups().rows
    ]
    return [*groups, [getattr(bill, key) for key in TOTALS]]


def compare(page, queries):
    for query, ours in zip(queries, in_javascript(page, queries), strict=True):
        bill = in_python(query)
        if bill is None:
            assert ours["error"], query
            continue
        assert ours["error"] is None, query
        assert [[row[key] for key in ROW] for row in ours["rows"]] == rows_of(bill), query
        assert sums_in_javascript(ours) == sums_in_python(bill), query


def test_the_24_published_rows(page):
    queries = [{"network": name, "frames": frames} for frames in (8, 16) for name in FAMILY]
    compare(page, queries)
    for query, ours in zip(queries, in_javascript(page, queries), strict=True):
        gmac, params = PRINTED[query["network"]][query["frames"] == 16 :: 2]
        assert abs(ours["macs"] / 1e9 - gmac) < 0.06
        assert abs(ours["params"] / 1e6 - params) < 0.1  # they cut where others round


@pytest.mark.parametrize(
    ("right", "wrong"), [("STEM_MIDPLANES = 45", "STEM_MIDPLANES = 46"), ("2 * x.shape[0]", "x.shape[0]")]
)
def test_one_wrong_number_in_the_module_is_seen(chromium, tmp_path, right, wrong):
    whole = bundle.page()
    assert whole.count(right) == 1
    path = tmp_path / "broken.html"
    path.write_text(whole.replace(right, wrong))
    page = chromium.new_page()
    page.goto(path.as_uri())
    with pytest.raises(AssertionError):
        compare(page, [{"network": "r2plus1d"}])
    page.close()


def test_p3d_c3d_and_the_article(page):
    queries = [{"network": f"p3d{depth}"} for depth in (63, 131, 199)]
    queries += [{"network": f"p3d{depth}", "size": 160, "num_classes": 101} for depth in (63, 199)]
    queries += [
        {"network": "p3d63", "size": size, "frames": t} for size, t in ((1, 4), (2, 8), (3, 1), (8, 5), (41, 32))
    ]
    queries += [{"network": "c3d", "width": width} for width in (8, 64)]
    queries += [{"network": "c3d", "size": size, "frames": t, "width": 16} for size, t in ((16, 8), (32, 1), (75, 5))]
    compare(page, queries)
    blogs = [{"network": "blog_r2plus1d", "depth": depth, "size": 56} for depth in (10, 18, 34)]
    for query, ours in zip(blogs, in_javascript(page, blogs), strict=True):
        bill = in_python(query)
        assert [ours[key] for key in ("params", "macs", "relus")] == [bill.params, bill.macs, bill.relus]


# Every kind in every group that can have it, and a row of many kinds.
KINDS = [[kind if kind in STEM_KINDS else "2d", *[kind] * 4] for kind in GROUP_KINDS]
KINDS += [["stacked", *["2d"] * 4], ["3d", "2+1d", "2d", "p3d", "p3d-b"]]
FRAMES, SIZES, WIDTHS = (1, 2, 3, 4, 8, 16, 32), (8, 9, 57, 112, 224), (8, 27, 64)


@pytest.mark.parametrize("row", KINDS, ids="-".join)
def test_every_kind_at_every_depth_length_size_and_width(page, row):
    queries, expected = [], []
    for depth, width in product(DEPTHS, WIDTHS):
        for frames in FRAMES:
            if row[0] == "stacked" or frames == FRAMES[0]:  # else the network does not depend on the clip
                with torch.device("meta"):
                    network = create_network(row, depth=depth, width=width, frames=frames)
            for size in SIZES:
                queries.append({"network": row, "depth": depth, "width": width, "frames": frames, "size": size})
                expected.append(sums_in_python(account(network, (3, frames, size, size))))
    for query, ours, sums in zip(queries, in_javascript(page, queries), expected, strict=True):
        assert sums_in_javascript(ours) == sums, query


def test_the_rest_of_the_skeleton_row_by_row(page):
    queries = [{"network": name, "depth": 10, "width": 16, "size": 56} for name in CONTROLLED]
    queries += [{"network": "f_r2d", "fusion": fusion, "frames": t} for fusion in ("gru", "conv") for t in (1, 7, 16)]
    queries += [{"network": "r2plus1d", "midplanes": "per_block", "depth": depth} for depth in (18, 34)]
    queries += [{"network": "r2plus1d", "relu_between": False, "depth": 10, "num_classes": 2}]
    queries += [{"network": row, "depth": 10, "frames": 5, "size": 31, "width": 9} for row in KINDS]
    compare(page, queries)


def test_what_has_no_room_is_found_in_the_same_group(page):
    rows = [FAMILY["r3d"], FAMILY["r2d"], ("stacked", "2d", "3d", "2d", "2d"), ("stacked", "2d", "2d", "2d", "p3d")]
    queries = [{"network": list(row), "frames": t, "size": s} for row in rows for t in (1, 2, 3, 8) for s in (4, 8, 64)]
    found = [failing_stage(query) for query in queries]
    assert [ours["room"] and ours["room"]["group"] for ours in in_javascript(page, queries)] == found
    assert None in found
    assert len(set(found)) > 3


def failing_stage(query):
    """Where the stem's kernel is larger than its clip, or a stride meets an axis that is used up."""
    for row in in_python(query).rows:
        if row.kernel and row.group.startswith(("stem", "layer")):
            for size, kernel, stride in zip(row.in_shape[1:], row.kernel, row.stride, strict=True):
                if (row.group == "stem" and kernel > size) or (stride > 1 and size == 1):
                    return row.group
    return None


def test_what_cannot_be_built_says_up_to_which_group(page):
    queries = [
        {"network": ["3d", "3d", "4d", "2d", "2d"]},
        {"network": "c3d", "size": 16},
        {"network": "p3d63", "size": 2},
    ]
    queries += [{"network": ["3d"]}, {"network": "r3d", "depth": 50}, {"network": "r3d", "frames": 0}]
    failed = [(bill["error"]["group"], len(bill["groups"])) for bill in in_javascript(page, queries)]
    assert failed == [("layer2", 2), ("conv5", 4), ("pool1", 1), ("stem", 0), ("", 0), ("", 0)]


def test_midplanes_and_the_balance_that_closes(page):
    pairs = [
        (i, o, t, d)
        for i in (3, 8, 45, 64, 128, 256, 512)
        for o in (8, 64, 128, 512)
        for t, d in ((3, 3), (3, 7), (5, 7))
    ]
    ours = page.evaluate("(pairs) => pairs.map((pair) => explorer.midplanes(...pair))", pairs)
    assert ours == [midplanes(*pair) for pair in pairs]
    assert [stem.mid for stem in STEMS if stem.t != 5] == page.evaluate(
        "[45, ...[3, 7].map((t) => explorer.midplanes(3, 64, t, 7))]"
    )
    for depth, blocks in DEPTHS.items():
        for width in (8, 20, 64):
            rows = page.evaluate("([blocks, width]) => explorer.balance(blocks, width)", [blocks, width])
            expected = balance(blocks, width)
            assert [(row["title"], row["count"], row["difference"]) for row in rows] == [
                (row.title, row.count, row.difference) for row in expected
            ]
            bills = in_javascript(page, [{"network": n, "depth": depth, "width": width} for n in ("r2plus1d", "r3d")])
            assert sum(row["difference"] for row in rows) == bills[0]["params"] - bills[1]["params"]


def test_the_table_is_the_package_s(page):
    data = page.evaluate("explorer.data")
    assert {name: tuple(row) for name, row in data["FAMILY"].items()} == FAMILY
    assert {name: tuple(row) for name, row in data["CONTROLLED"].items()} == CONTROLLED
    assert {name: tuple(row) for name, row in data["TABLE_2"].items()} == TABLE_2
    looks = {name: (title, color or "#000000", *rest) for name, (title, color, *rest) in data["LOOKS"].items()}
    assert looks == NETWORKS
