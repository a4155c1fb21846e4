"""Means, spreads and verdicts, against numbers worked out by other means."""

import math

import pandas as pd
import pytest

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.grid import MC3_AS_LARGE_AS_R3D, Setup
from r2p1d_edu.lab.verdicts import (
    FAILS,
    HOLDS,
    LEAST,
    MISSING,
    TABLES,
    UNKNOWN,
    Difference,
    Results,
    Sample,
    accuracy,
    better,
    difference,
    in_paper,
    protocol,
    training_loss,
    wider,
)

R3D, R2PLUS1D = Setup("r3d"), Setup("r2plus1d")


def fill(folder, values):
    """Results with these video accuracies, a list a setup, one value a seed; backwards a tenth of it."""
    tables = {name: [] for name in TABLES}
    for setup, accuracies in values:
        for seed, value in enumerate(accuracies):
            key = {"setup": setup.title, "seed": seed}
            tables["runs"].append(key | {"parameters": 1000, "train_loss": 1 - value})
            words = {"split": "arrow-16 fold 1, test, 560 videos", "protocol": f"2 clips a video, seed {seed}"}
            for order, share in (("forward", 1), ("reversed", 0.1)):
                test = {"order": order, "frames": setup.frames, "clip_accuracy": value / 2}
                tables["tests"].append(key | words | test | {"video_accuracy": value * share})
            tables["epochs"] += [key | {"epoch": epoch, "loss": 3 - epoch + seed} for epoch in (1, 2)]
    for name, given in tables.items():
        rows = [dict.fromkeys(TABLES[name], "x") | row for row in given]
        pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
    return Results(folder)


@pytest.fixture
def results(tmp_path):
    return fill(tmp_path, [(R3D, [0.5, 0.7, 0.6]), (R2PLUS1D, [0.9, 0.8, 0.85])])


def test_a_sample_has_its_mean_and_the_standard_deviation_over_seeds(results):
    found = accuracy(results, R3D)
    assert found.values == (0.5, 0.7, 0.6)
    assert (found.mean, found.spread) == pytest.approx((0.6, 0.1))


def test_orders_levels_lengths_and_losses_are_told_apart(results):
    assert accuracy(results, R3D, order="reversed").mean == pytest.approx(0.06)
    assert accuracy(results, R3D, of="clip").mean == pytest.approx(0.3)
    assert accuracy(results, R3D, frames=16).values == ()
    assert training_loss(results, R3D).values == pytest.approx((0.5, 0.3, 0.4))
    assert training_loss(results, R3D, epoch=2).values == (1, 2, 3)


def test_seeds_come_in_their_order_even_past_nine(tmp_path):
    results = fill(tmp_path, [(R3D, [seed / 100 for seed in range(12)])])
    assert accuracy(results, R3D).values == tuple(seed / 100 for seed in range(12))


def test_the_interval_is_welchs():
    # By hand: variances 14/3 and 7, squared error 14/12 + 7/3 = 3.5, degrees of freedom
    # 3.5² / ((14/12)²/3 + (7/3)²/2) = 3.86, rounded down 3, where the 0.975 quantile of t is 3.182.
    found = difference([(1, Sample((14, 15, 16, 19))), (-1, Sample((10, 11, 15)))])
    assert found.value == pytest.approx(4)
    assert found.margin == pytest.approx(3.182 * math.sqrt(3.5))


def test_equal_spreads_give_students_degrees_of_freedom():
    found = difference([(1, Sample((1.0, 2.0, 3.0))), (-1, Sample((7.0, 8.0, 9.0)))])  # 3 + 3 − 2 = 4
    assert found.margin == pytest.approx(2.776 * math.sqrt(2 / 3))
    halves = difference([(0.5, Sample((1.0, 2.0, 3.0))), (0.5, Sample((2.0, 3.0, 4.0)))])
    assert halves.margin == pytest.approx(2.776 * math.sqrt(2 / 3) / 2)
    assert halves.value == pytest.approx(2.5)


def test_the_verdict_follows_from_the_interval():
    assert Difference(0.05, 0.04).verdict == HOLDS
    assert Difference(-0.05, 0.04).verdict == FAILS
    assert Difference(0.05, 0.05).verdict == Difference(-0.05, 0.06).verdict == UNKNOWN


def test_one_seed_tells_nothing_and_none_is_missing():
    assert difference([(1, Sample((0.9,))), (-1, Sample((0.1, 0.1)))]).verdict == UNKNOWN
    assert difference([(1, Sample(())), (-1, Sample((0.1, 0.2)))]).verdict == MISSING


def test_agreement_by_luck_does_not_make_a_small_difference_certain():
    assert difference([(1, Sample((0.5, 0.5, 0.5))), (-1, Sample((0.495,) * 3))]) == Difference(
        pytest.approx(0.005), LEAST
    )
    assert difference([(1, Sample((0.5, 0.5001, 0.5))), (-1, Sample((0.495,) * 3))]).verdict == UNKNOWN
    assert difference([(1, Sample((0.5, 0.5, 0.5))), (-1, Sample((0.4,) * 3))]).verdict == HOLDS


def test_a_claim_weighs_setups():
    claim = better([R3D, R2PLUS1D], [Setup("f_r2d")])
    assert claim == [(0.5, R3D), (0.5, R2PLUS1D), (-1, Setup("f_r2d"))]
    assert wider([(1, R3D)], [(1, R2PLUS1D), (-0.5, R3D)]) == [(1, R3D), (-1, R2PLUS1D), (0.5, R3D)]


def test_the_papers_number_is_table_2s():
    assert in_paper(better([R2PLUS1D], [R3D])) == pytest.approx(0.030)
    assert in_paper(better([R2PLUS1D], [R3D]), of="clip") == pytest.approx(0.034)
    sixteen = better([Setup("r2plus1d", frames=16)], [Setup("r3d", frames=16)])
    assert in_paper(wider(sixteen, better([R2PLUS1D], [R3D]))) == pytest.approx(0.008)
    assert in_paper([(1, Setup("r3d", depth=18))], depth=18) == pytest.approx(0.618)
    assert in_paper([(1, R3D)], depth=18) is None


@pytest.mark.parametrize(
    "setup",
    [
        Setup("mc3", width=MC3_AS_LARGE_AS_R3D),
        Setup("r3d", depth=34),
        Setup(frames=32, data="arrow-36"),
        Setup(options={"relu_between": False}),
        Setup("p3d_in_r3d"),
    ],
)
def test_the_paper_has_no_number_for_what_its_table_does_not_hold(setup):
    assert in_paper([(1, setup)]) is None


def test_the_protocol_is_said_once_without_the_seeds(results):
    assert protocol(results, [R3D, R2PLUS1D]) == ["arrow-16 fold 1, test, 560 videos; 2 clips a video"]
    assert protocol(results, [Setup("mc5")]) == []


def test_a_cell_that_is_no_number_is_named(results):
    file = results.folder / "tests.csv"
    file.write_text(file.read_text("utf-8").replace("0.35", "good"), "utf-8")
    with pytest.raises(InputError, match=r"tests\.csv: .*'good', in column clip_accuracy"):
        accuracy(Results(results.folder), R3D, of="clip")
