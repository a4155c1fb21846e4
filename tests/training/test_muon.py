"""Muon: its updates are orthogonal, its runs repeat and resume."""

import pytest
import torch

from r2p1d_edu.training.loop import train
from r2p1d_edu.training.muon import TURN, Muon, orthogonal


@pytest.mark.parametrize("shape", [(16, 144), (36, 36), (108, 16)])
def test_updates_are_nearly_orthogonal(shape):
    torch.manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(shape, dtype=torch.float64), full_matrices=False)
    spread = torch.linspace(0.3, 1, min(shape), dtype=torch.float64)
    found = orthogonal((u * spread) @ v).double()
    assert found.shape == shape
    singular = (u.T @ found @ v.T).diagonal()  # along the directions of what it was given
    assert 0.6 < singular.min() <= singular.max() < 1.3
    assert (found - (u * singular) @ v).norm() < 0.1 * found.norm()  # and along no others


def test_a_step_of_a_convolution_and_of_the_rest_by_hand():
    torch.manual_seed(0)
    weight, bias = (torch.nn.Parameter(torch.randn(shape)) for shape in ((8, 4, 3, 1, 1), (8,)))
    optimizer = Muon([weight, bias], lr=0.01)
    before, bias_before = weight.detach().clone(), bias.detach().clone()
    (weight.square().sum() + bias.square().sum()).backward()
    direction = orthogonal(before.movedim(1, -1).flatten(1)).view(8, 3, 1, 1, 4).movedim(-1, 1)
    optimizer.step()
    torch.testing.assert_close(weight.detach(), before * 8**0.5 / before.norm() - TURN * 0.01 * direction)
    torch.testing.assert_close(bias.detach(), bias_before - 0.01 * bias_before.sign())  # Adam's first step


def test_equal_runs_are_equal_and_so_is_a_resumed_one(recipe, tmp_path, without_clock):
    recipe = recipe.changed(optimizer="muon", learning_rate=5e-3)

    def stop(row):
        if row["step"] == 4:
            raise KeyboardInterrupt

    whole = train(recipe)
    train(recipe, folder=tmp_path / "run", on_row=stop)
    resumed = train(recipe, folder=tmp_path / "run", resume=True)
    assert without_clock(whole.history) == without_clock(resumed.history)
    assert without_clock(whole.history) != without_clock(train(recipe.changed(optimizer="adamw")).history)
