"""BatchNorm over wide rows: PyTorch's numbers, with gradients and running statistics, against float64."""

import pytest
import torch
from torch import nn

from r2p1d_edu.networks import convolutions
from r2p1d_edu.networks.convolutions import BatchNorm3d, NormaliseWide

ROUNDING = {torch.float32: 1e-5, torch.bfloat16: 8e-3}  # of the largest value


@pytest.fixture(autouse=True)
def however_small(monkeypatch):
    monkeypatch.setattr(convolutions, "LEAST_NUMBERS", 1)


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("shape", [(4, 11, 8, 6, 6), (2, 36, 3, 5, 5), (1, 16, 1, 1, 3), (16, 1, 2, 2, 2)])
def test_it_is_batch_norm(shape, dtype):
    torch.manual_seed(0)
    x, towards = (torch.randn(shape).to(dtype).contiguous(memory_format=torch.channels_last_3d) for _ in range(2))
    x = x * 3 + 5
    found = []
    for make, kind in ((BatchNorm3d, dtype), (nn.BatchNorm3d, torch.float64)):
        norm = make(shape[1])
        with torch.no_grad():
            norm.weight.copy_(torch.linspace(-1, 2, shape[1]))
            norm.bias.copy_(torch.linspace(3, -3, shape[1]))
        norm = norm.double() if kind == torch.float64 else norm
        given = x.detach().to(kind).requires_grad_()
        out = norm(given)
        out.backward(towards.to(kind))
        state = norm.state_dict()
        assert state.pop("num_batches_tracked") == 1
        found.append([out, given.grad, norm.weight.grad, norm.bias.grad, state["running_mean"], state["running_var"]])
    assert found[0][0].dtype == found[0][1].dtype == dtype
    assert found[0][0].stride() == x.stride()
    for ours, right in zip(*found, strict=True):
        assert (ours.double() - right).abs().max() <= ROUNDING[dtype] * right.abs().max()


@pytest.mark.parametrize(
    ("channels", "mode", "layout", "wide"),
    [
        (16, True, torch.channels_last_3d, True),
        (16, False, torch.channels_last_3d, False),
        (16, True, torch.contiguous_format, False),
        (64, True, torch.channels_last_3d, False),
    ],
)
def test_where_it_is_used(channels, mode, layout, wide):
    x = torch.randn(2, channels, 4, 5, 5).contiguous(memory_format=layout).requires_grad_()
    out = BatchNorm3d(channels).train(mode)(x)
    assert (type(out.grad_fn) is NormaliseWide._backward_cls) == wide
