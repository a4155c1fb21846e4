"""The one place where the numbers of networks are held against what others published or counted."""

import csv
import json
from pathlib import Path

import pytest
import torch

from r2p1d_edu.cost.layers import account
from r2p1d_edu.networks.family import FAMILY, create_network
from r2p1d_edu.networks.published import TABLE_2, VMZ, published
from r2p1d_edu.networks.table import COLUMNS, NOTES, family_table, format_table

with (Path(__file__).parents[1] / "golden" / "networks.csv").open() as file:
    ROWS = list(csv.DictReader(file))


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['network']}-{row['frames']}" for row in ROWS])
def test_accuracies_are_the_published_ones_in_their_order(row):
    paper, released = published(row["network"], int(row["frames"]))
    assert (paper.clip, paper.video) == (float(row["table2_clip1"]), float(row["table2_video1"]))
    assert (released.clip, released.video) == (float(row["vmz_clip1"]), float(row["vmz_video1"]))
    assert "Table 2" in paper.source
    assert "VMZ" in released.source
    top5 = VMZ[row["network"]][2 if row["frames"] == "8" else 5]
    assert top5 == float(row["vmz_video5"])


def test_the_tables_hold_the_family_and_nothing_else():
    assert list(TABLE_2) == list(VMZ) == list(FAMILY)
    assert len(ROWS) == 2 * len(FAMILY)
    assert published("p3d63", 16) == published("r3d", 32) == published("c3d", 8) == []


def test_the_cost_table_repeats_the_golden_rows():
    rows = family_table()
    for row, golden in zip(rows, ROWS, strict=True):
        assert tuple(row) == COLUMNS
        assert (row["network"], row["frames"]) == (golden["network"], int(golden["frames"]))
        assert row["parameters"] == int(golden["params"])
        assert f"{row['GMAC']:.3f}" == golden["gmac"]
        assert round(row["parameters"] / 1e6, 1) == pytest.approx(float(golden["vmz_params_m"]), abs=0.11)
        assert (row["paper clip"], row["VMZ video"]) == (float(golden["table2_clip1"]), float(golden["vmz_video1"]))
    json.dumps(rows)
    text = format_table(rows)
    lines = text.splitlines()
    assert len({len(line) for line in lines[:26]}) == 1  # aligned
    assert lines[2].split() == ["r2d", "8", "11,447,568", "1.932", "46.7", "59.5", "47.0", "60.0"]
    assert all(note in text for note in NOTES)


@pytest.mark.parametrize(
    ("name", "options", "params", "gmac"),
    [
        ("r2plus1d", {"midplanes": "per_block"}, 31_505_325, None),  # torchvision's
        ("r2plus1d", {"depth": 34}, 63_697_175, None),
        ("r3d", {"depth": 34}, 63_681_104, None),
        ("r3d", {"midplanes": "per_block"}, 33_371_472, None),  # nothing to match: the rule has no effect
        ("blog_r2plus1d", {}, 33_380_137, 41.525),
        ("blog_r2plus1d", {"num_classes": 101}, 33_226_750, None),
        # qijiezhao/pseudo-3d-pytorch; 199 also in the authors' prototxt. At 16×160×160.
        ("p3d63", {}, 25_745_232, 8.442),
        ("p3d63", {"num_classes": 101}, 25_132_581, None),
        ("p3d131", {}, 48_088_400, 12.898),
        ("p3d131", {"num_classes": 101}, 47_475_749, None),
        ("p3d199", {}, 66_492_240, 18.403),
        ("p3d199", {"num_classes": 101}, 65_879_589, None),
    ],
)
def test_other_networks_depths_and_rules(name, options, params, gmac):
    """What `account` counts, three other programs count as well (cost/test_agreement.py)."""
    with torch.device("meta"):
        cost = account(create_network(name, **options), (3, 16, 160, 160) if "p3d" in name else (3, 16, 112, 112))
    assert cost.params == params
    assert gmac is None or round(cost.macs / 1e9, 3) == gmac
