"""The published accuracies against an independent copy of both tables, and the cost table that `table` prints."""

import csv
import json
from pathlib import Path

import pytest

from r2p1d_edu.networks.family import FAMILY
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


@pytest.mark.parametrize(("name", "frames"), [("p3d63", 16), ("r3d", 32), ("c3d", 8)])
def test_nothing_is_claimed_where_nothing_is_published(name, frames):
    assert published(name, frames) == []


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
