"""Which networks see the order of the frames: all but f-R2D with its average."""

import pytest
import torch

from r2p1d_edu.networks.family import BUILDERS, create_network, network_options

FRAMES, SIZE = 8, 32
SMALL = {"depth": 10, "width": 4, "num_classes": 5, "frames": FRAMES, "size": SIZE}
ORDER = [3, 0, 7, 4, 1, 6, 2, 5]


def change(name, order=ORDER, seed=0, **options):
    """How far the logits move, relative to themselves, when the frames are put in another order."""
    taken = network_options(name)
    small = {option: value for option, value in SMALL.items() if option in taken}
    generator = torch.manual_seed(seed)
    network = create_network(name, **small, **options).double().eval()
    clip = torch.randn(2, 3, FRAMES, SIZE, SIZE, dtype=torch.float64, generator=generator)
    with torch.no_grad():
        before, after = network(clip), network(clip[:, :, order])
    return ((after - before).norm() / before.norm()).item()


def blind(name, **options):
    return name == "f_r2d" and options.get("fusion", "pool") == "pool"


CASES = [(name, {}) for name in BUILDERS] + [("f_r2d", {"fusion": fusion}) for fusion in ("gru", "conv")]


@pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{n}{''.join(o.values())}" for n, o in CASES])
def test_only_the_averaging_of_f_r2d_is_blind_to_the_order(name, options):
    moved = change(name, **options)
    assert moved < 1e-12 if blind(name, **options) else moved > 0.01


def test_f_r2d_is_blind_to_every_order():
    assert max(change("f_r2d", order) for order in (list(range(8))[::-1], [1, 2, 3, 4, 5, 6, 7, 0])) < 1e-12


def test_f_r2d_is_not_blind_to_the_frames_themselves():
    assert change("f_r2d", [0] * FRAMES) > 0.01


def test_conv_fusion_sees_neighbours_and_gru_sees_all():
    """Reversal keeps who is next to whom: both still tell, since a kernel and a recurrence have a direction."""
    backwards = list(range(FRAMES))[::-1]
    assert change("f_r2d", backwards, fusion="gru") > 0.01
    assert change("f_r2d", backwards, fusion="conv") > 0.01
