"""What a lesson shows of the experiments is what the files say."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from r2p1d_edu.lab.grid import Setup
from r2p1d_edu.lab.results import Claims, Table, accuracy_plot, name_of, plus_minus, setup_table
from r2p1d_edu.lab.verdicts import TABLES, Results, Sample, better, training_loss

R3D, R2PLUS1D, F_R2D = Setup("r3d"), Setup("r2plus1d"), Setup("f_r2d")
NO_RELU = Setup(options={"relu_between": False})


@pytest.fixture
def results(tmp_path):
    values = {R3D.title: [0.60, 0.62, 0.61], R2PLUS1D.title: [0.80, 0.81, 0.82], NO_RELU.title: [0.80, 0.60, 0.95]}
    tables = {name: [] for name in TABLES}
    for name, accuracies in values.items():
        for seed, value in enumerate(accuracies):
            key = {"setup": name, "seed": seed}
            words = {"split": "arrow fold 1, test", "protocol": f"2 clips a video, seed {seed}"}
            test = {"order": "forward", "frames": 8, "clip_accuracy": value - 0.1, "video_accuracy": value}
            tables["runs"].append(key | {"parameters": 12345, "train_loss": 2 - value})
            tables["tests"].append(key | words | test)
            tables["epochs"].append(key | {"epoch": 1, "loss": 1.0})
    for name, given in tables.items():
        rows = [dict.fromkeys(TABLES[name], "x") | row for row in given]
        pd.DataFrame(rows).to_csv(tmp_path / f"{name}.csv", index=False)
    return Results(tmp_path)


def test_names():
    assert name_of(R3D) == name_of(Setup("r3d", depth=34, frames=16)) == "R3D"
    assert name_of(Setup("mc3", width=27)) == "MC3, width 27"
    assert name_of(NO_RELU) == "R(2+1)D, relu between False"


def test_plus_minus():
    assert plus_minus(Sample((0.6, 0.62, 0.61))) == "61.0 ± 1.0"
    assert plus_minus(Sample((0.6,))) == "60.0 (one seed)"
    assert plus_minus(Sample(())) == "–"
    assert plus_minus(Sample((1.0, 2.0)), unit=1, digits=2) == "1.50 ± 0.71"


def test_a_table_in_both_forms():
    table = Table("Two", ["a", "bb"], [["1", "<2>"], ["333", ""]], "small print")
    assert repr(table) == "Two\na    bb\n1    <2>\n333\nsmall print"
    assert "<td>&lt;2&gt;</td>" in table._repr_html_()
    assert "small print" in table._repr_html_()


def test_the_table_of_setups(results):
    text = repr(setup_table(results, [R3D, F_R2D]))
    row = next(line for line in text.splitlines() if line.startswith("R3D"))
    assert row.split("  ")
    assert "12,345" in row
    for part in ("51.0 ± 1.0", "61.0 ± 1.0", "1.39 ± 0.01", "61.8"):
        assert part in row
    row = next(line for line in text.splitlines() if line.startswith("f-R2D"))
    assert row.split()[1:] == ["10", "8", "–", "0", "–", "–", "–", "59.4"]
    assert "arrow fold 1, test; 2 clips a video." in text


def test_claims_with_the_papers_number_and_the_verdict(results):
    claims = Claims(
        results,
        {
            "R(2+1)D above R3D": better([R2PLUS1D], [R3D]),
            "R3D above R(2+1)D": better([R3D], [R2PLUS1D]),
            "the ReLU helps": better([R2PLUS1D], [NO_RELU]),
            "R3D above f-R2D": better([R3D], [F_R2D]),
        },
    )
    text = repr(claims).splitlines()
    # Equal spreads of 0.01: 2.776 · 0.01 · √(2/3) is 2.3 points.
    assert text[2].split("  ")[0] == "R(2+1)D above R3D"
    assert "+3.0" in text[2]
    assert "+20.0 ± 2.3" in text[2]
    assert text[2].endswith("  holds")
    assert "-3.0" in text[3]
    assert "-20.0 ± 2.3" in text[3]
    assert text[3].endswith("does not hold")
    assert text[4].endswith("cannot be told")
    assert text[5].endswith("not measured yet")
    assert text[5].split()[-4] == "–"
    assert claims.sentence() == (
        "From 0 seeds: 1 × holds, 1 × does not hold, 1 × cannot be told, 1 × not measured yet. "
        "What the paper claims and is not confirmed here: see “Why it may differ”."
    )
    assert "<td>cannot be told</td>" in claims._repr_html_()


def test_reasons_are_given_where_they_are_needed(results):
    terms = {"a": better([R3D], [R2PLUS1D]), "b": better([R2PLUS1D], [R3D]), "c": better([R3D], [F_R2D])}
    found = Claims(results, terms | {"d": better([R3D], [R2PLUS1D, R2PLUS1D]), "e": better([R3D], [NO_RELU])})
    reasons = {"a": "R3D is slow.", "b": "R(2+1)D is slow.", "c": "f-R2D is quick.", "d": "R3D is slow."}
    assert found.explain(reasons) == "“a”, “d”: does not hold. A reason may be: R3D is slow."
    assert found.explain({"e": "Who knows."}) == "“e”: cannot be told. A reason may be: Who knows."
    assert found.explain({"b": "R(2+1)D is slow."}).startswith("Nothing to explain")
    results.tests = results.tests[results.tests.seed == 0]
    single = Claims(results, {"a": better([R3D], [R2PLUS1D])})
    assert single.explain({"a": "R3D is slow."}) == ("“a”: cannot be told. A reason may be: there is only one seed.")


def test_where_all_holds_nothing_more_is_said(results):
    lower = Claims(results, {"the loss of R(2+1)D is lower": better([R3D], [R2PLUS1D])}, training_loss)
    assert lower.sentence() == "From 3 seeds: 1 × holds."
    rows = repr(lower).splitlines()
    assert "paper" not in rows[1]  # it prints no training loss
    assert "+0.20 ± 0.02" in rows[2]


def test_a_claim_that_is_not_the_papers_has_no_number_of_its_and_no_excuse(results):
    own = Claims(results, {"R3D above R(2+1)D": better([R3D], [R2PLUS1D])}, paper_depth=None)
    assert own.sentence() == "From 3 seeds: 1 × does not hold."
    assert "paper" not in repr(own)


def test_the_papers_18_layers_stand_beside_18_where_there_are_any(results):
    text = repr(setup_table(results, [R3D, Setup("r3d", depth=18)])).splitlines()
    assert [line.split()[-1] for line in text[2:4]] == ["–", "61.8"]
    deeper = Claims(results, {"deep": better([Setup("r2plus1d", 18)], [Setup("r3d", 18)])}, paper_depth=18)
    assert "+3.0" in repr(deeper)


def test_the_plot_shows_means_spreads_seeds_and_the_paper(results):
    figure, words = accuracy_plot(results, {"8 frames": [R3D, R2PLUS1D]}, {"ceiling": 0.625})
    here, paper = figure.axes
    drawn = {tuple(round(float(x), 3) for x in line.get_xdata()) for line in here.lines}
    assert {(61.0,), (81.0,), (60.0, 62.0, 61.0), (62.5, 62.5)} <= drawn
    assert [float(line.get_xdata()[0]) for line in paper.lines] == [61.8, 64.8]
    bars = [collection.get_segments()[0][:, 0] for collection in here.collections]
    assert [tuple(bar) for bar in bars] == [pytest.approx((60, 62)), pytest.approx((80, 82))]
    assert words.startswith("Video accuracy in percent, mean ± standard deviation: R3D, 8 frames 61.0 ± 1.0; ")
    plt.close(figure)


def test_the_plot_of_what_was_not_measured_is_empty_but_there(tmp_path):
    figure, words = accuracy_plot(Results(tmp_path), {"a": [R3D, F_R2D], "b": [R3D, NO_RELU]})
    assert words.count("–") == 4
    assert len(figure.axes[1].lines) == 3  # the paper has no network without the ReLU
    figure.draw_without_rendering()
    plt.close(figure)
