"""The rules against the layers that they stand for."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from r2p1d_edu.cost.layers import account
from r2p1d_edu.cost.rules import rule_for


# Every kind of layer that has a rule, against the layer itself.
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")  # it copies its input: so be it
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv3d(4, 6, 3, 2, 1, groups=2), (4, 7, 9, 8)),
        (nn.Conv3d(4, 6, (3, 5, 1), padding="same", dilation=(1, 3, 1)), (4, 7, 9, 8)),
        (nn.Conv3d(4, 6, (2, 4, 1), padding="same"), (4, 7, 9, 8)),
        (nn.Conv3d(4, 6, 2, padding="valid", dilation=3), (4, 7, 9, 8)),
        (nn.Conv2d(4, 6, (3, 5), (2, 1), (0, 2)), (4, 9, 8)),
        (nn.Conv1d(4, 6, 3), (4, 9)),
        (nn.MaxPool3d(2, ceil_mode=True), (4, 7, 1, 8)),
        (nn.MaxPool3d((2, 3, 3), 2, (0, 1, 1)), (4, 7, 9, 8)),
        (nn.MaxPool3d(3, 3, 1, 2), (4, 7, 9, 8)),
        (nn.MaxPool2d(2, 3, 1, ceil_mode=True), (4, 5, 6)),
        (nn.AvgPool3d((1, 2, 2), ceil_mode=True), (4, 7, 9, 8)),
        (nn.AvgPool1d(3), (4, 9)),
        (nn.AdaptiveAvgPool3d((None, 1, 3)), (4, 7, 9, 8)),
        (nn.AdaptiveMaxPool2d(2), (4, 9, 8)),
        (nn.BatchNorm3d(4), (4, 7, 9, 8)),
        (nn.LayerNorm(8), (4, 7, 8)),
        (nn.Flatten(2), (4, 7, 9, 8)),
        (nn.Linear(8, 5), (4, 7, 8)),
        (nn.Dropout(), (4, 7)),
        (nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True, proj_size=3), (7, 8)),
        (nn.GRU(8, 6, batch_first=True), (7, 8)),
        (nn.Sequential(), (4, 7)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "x".join(map(str, value)),
)
def test_rules_give_the_layers_own_shapes_and_macs(layer, shape):
    def shapes(out):
        return [out.shape] if isinstance(out, torch.Tensor) else [s for item in out for s in shapes(item)]

    x = torch.empty(1, *shape, device="meta")
    with FlopCounterMode(display=False) as counter:
        out = layer.eval().to("meta")(x)
    step = rule_for(layer)(layer, x)
    assert shapes(step.out) == shapes(out)
    assert step.macs == counter.get_total_flops() / 2


def test_what_is_passed_on_is_not_written():
    kinds = nn.Identity(), nn.Dropout(), nn.Flatten(2), nn.Sigmoid(), nn.BatchNorm1d(3)
    written = [row.activations for row in account(nn.Sequential(*kinds), (3, 4, 8, 8)).rows]
    assert written == [0, 0, 0, 4 * 3 * 256, 4 * 3 * 256]
