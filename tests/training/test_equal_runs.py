"""Equal runs are equal: in the precision that "auto" chooses, at the lessons' sizes, to the last bit on a CPU."""

import pytest
import torch

from r2p1d_edu.training.loop import train
from r2p1d_edu.training.recipe import Recipe


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("network", "frames", "stride", "size"),
    [("r2plus1d", 8, 1, 40), ("r2plus1d", 4, 2, 32), ("r3d", 8, 1, 56), ("rmc3", 8, 1, 32), ("f_r2d", 4, 2, 32)],
)
def test_two_runs_and_a_resumed_one_are_equal(
    arrow_folder, tmp_path, without_clock, threads, network, frames, stride, size
):
    recipe = Recipe(
        arrow_folder / "videos", network=network, frames=frames, stride=stride, size=size, epochs=2, device="cpu"
    )

    def stop(row):
        if row["step"] == 9:  # in the second epoch
            raise KeyboardInterrupt

    torch.full((1 << 20,), float("nan"))  # memory is not the same before each
    one = train(recipe)
    torch.full((1 << 20,), 1e4)
    other = train(recipe, folder=tmp_path / "run", on_row=stop)
    assert other.interrupted
    resumed = train(recipe, folder=tmp_path / "run", resume=True)
    assert len(one.history) == one.total_steps >= 14
    assert without_clock(one.history)[:9] == without_clock(other.history)
    assert without_clock(one.history) == without_clock(resumed.history)
    states = zip(one.network.state_dict().values(), resumed.network.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in states)
