"""Training draws from a generator of its own: PyTorch's global one, which all threads share, is left as it is."""

import threading

import pytest
import torch
from torch.nn import functional as F

from r2p1d_edu.networks.family import BUILDERS, create_network, network_options
from r2p1d_edu.training.loop import train
from r2p1d_edu.training.network import OwnRandom, build_network
from r2p1d_edu.training.recipe import Recipe

DROPOUT = {"network": "c3d", "size": 32, "options": {"width": 2}}


@pytest.mark.parametrize("network", BUILDERS)
def test_weights_are_those_of_the_seed_and_nothing_else_is_drawn(network):
    options = {"width": 2} if "width" in network_options(network) else {}
    given = {"num_classes": 5, "frames": 4, "size": 32}
    torch.manual_seed(3)
    expected = create_network(network, **{n: v for n, v in given.items() if n in network_options(network)}, **options)
    before = torch.get_rng_state()
    built = build_network(Recipe("v", network=network, options=options, frames=4, size=32, seed=3), 5)
    assert torch.equal(before, torch.get_rng_state())
    states = zip(built.state_dict().values(), expected.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in states)


@pytest.mark.parametrize("fusion", ["gru", "conv"])
def test_so_are_those_of_a_fusion(fusion):
    before = torch.get_rng_state()
    options = {"depth": 10, "width": 2, "fusion": fusion}
    one, other = (build_network(Recipe("v", network="f_r2d", options=options), 5).state_dict() for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_dropout_is_pytorchs():
    x = torch.arange(1.0, 51.0)
    torch.manual_seed(3)
    expected = F.dropout(x, 0.3)
    with OwnRandom() as random:
        random.seed(3)
        assert torch.equal(F.dropout(x, 0.3), expected)
        assert F.dropout(x, 0.3, training=False) is x


@pytest.mark.parametrize("changes", [{}, DROPOUT], ids=["r3d", "c3d"])
def test_a_thread_that_trains_and_a_cell_do_not_disturb_each_other(recipe, without_clock, changes):
    recipe = recipe.changed(**changes, epochs=2)
    alone = train(recipe)
    torch.manual_seed(0)
    expected = torch.rand(2000)
    runs = []
    thread = threading.Thread(target=lambda: runs.append(train(recipe)))
    torch.manual_seed(0)
    thread.start()
    drawn = [torch.rand(1) for _ in range(1000)]
    while thread.is_alive():
        torch.get_rng_state()
    drawn += [torch.rand(1) for _ in range(1000)]
    assert torch.equal(torch.cat(drawn), expected)
    assert without_clock(runs[0].history) == without_clock(alone.history)
