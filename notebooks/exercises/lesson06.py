"""What looks at the answers of lesson 06."""

from math import ceil

import torch
from exercises.hints import named, right

from r2p1d_edu import create_network
from r2p1d_edu.cost import matching
from r2p1d_edu.lab.checks import Panel, check_answer, judged


def exercise_1(middle) -> Panel:
    """The rule for M, with its rounding."""
    checks = []
    for n_in, n_out, t, d in ((64, 64, 3, 3), (64, 128, 3, 3), (256, 512, 3, 3), (96, 96, 5, 3), (3, 64, 3, 7)):
        exact, budget = matching.exact_midplanes(n_in, n_out, t, d), matching.full_weights(n_in, n_out, t, d)
        usual = {
            float(exact): "a whole number is asked: round down",
            ceil(exact): "round down: one channel more would overdraw the budget",
            budget // (d * n_in + t * n_out): "the price: a 1×d×d kernel has d² weights",
            budget // (d * d * n_in + n_out): "the price: a t×1×1 kernel has t weights",
            budget // (d * d * n_out + t * n_in): "the price: space comes first, from n_in; time ends in n_out",
            n_out: "that keeps the width, and saves weights",
        }
        look = right(int(exact), usual, "the 3D budget divided by the price of one channel")
        what = f"{t}×{d}×{d}, {n_in}→{n_out}"
        checks.append(judged(what, lambda case=(n_in, n_out, t, d): middle(*case), look, ""))
    return Panel("Exercise 1", checks)


def exercise_2(difference) -> Panel:
    """R(2+1)D minus R3D by the numbers of blocks."""
    checks = []
    for blocks in ((2, 2, 2, 2), (3, 4, 6, 3), (1, 1, 1, 1), (1, 2, 3, 1)):
        rows = matching.balance(blocks)
        truth, norms = sum(row.difference for row in rows), rows[-1].difference
        rounding = sum(row.difference for row in rows[1:-1])
        usual = {
            -truth: "R(2+1)D minus R3D, not the other way round",
            truth - norms: "and the BatchNorms between the halves?",
            truth - norms // 2: "a BatchNorm has a scale and a shift",
            truth - 2 * matching.STEM_MIDPLANES: "the stem has a BatchNorm between its halves too",
            truth - rows[0].difference: "and the weights of the stem?",
            truth - rounding: "and what rounding loses at the transitions?",
        }
        look = right(truth, usual, "stem + rounding at three transitions + 2·M for each BatchNorm in a middle")
        checks.append(judged(f"blocks {blocks}", lambda blocks=blocks: difference(blocks), look, ""))
    return Panel("Exercise 2", checks)


def exercise_3(nearest) -> Panel:
    """Rounded to the nearest M."""
    pairs = ((64, 128), (128, 256), (256, 512))
    truth = [matching.mismatch(*pair, round(matching.exact_midplanes(*pair))) for pair in pairs]
    down, up = ([matching.mismatch(*pair, matching.midplanes(*pair) + one) for pair in pairs] for one in (0, 1))
    usual = {
        tuple(down): "that rounds down, as the paper does",
        tuple(up): "that rounds up all three",
        tuple(-x for x in truth): "(2+1)D minus 3D: mind the signs",
        tuple(map(abs, truth)): "with their signs",
    }
    hint = named(nearest, usual, "0.4 goes down, 0.8 and 0.6 go up")
    return Panel("Exercise 3", [check_answer("differences", nearest, truth, hint)])


def exercise_4(cost_of_sharing) -> Panel:
    """What sharing M within a block costs at 34 layers."""

    def size(**options) -> int:
        with torch.device("meta"):
            return sum(p.numel() for p in create_network("r2plus1d", **options).parameters())

    at = {depth: size(depth=depth) - size(depth=depth, midplanes="per_block") for depth in (18, 34)}
    usual = {
        2 * at[18]: "twice the blocks, but in how many of them do the rules disagree?",
        -at[34]: "how many it costs: a positive number",
    }
    hint = named(cost_of_sharing, usual, "count the blocks whose ends differ")
    return Panel("Exercise 4", [check_answer("cost of sharing", cost_of_sharing, at[34], hint)])
