"""Layer by layer: what shape comes out, how many multiply-adds it takes, how far it looks. Nothing is computed.

A rule takes a layer and its input, a tensor on the meta device that has a shape and no numbers, (N, C, …), and gives
a Step. Rules refuse what the layer itself would refuse. A subclass of a known layer is taken to keep its arithmetic.
"""

from functools import partial
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from r2p1d_edu.errors import InputError

Window = tuple[tuple[int, int, int, int], ...]  # kernel, stride, padding before, dilation; along t, h and w
Field = tuple[tuple[int, int, int], ...]  # low, high, jump; along t, h and w: see `through`
STILL = (1, 1, 0, 1)  # an axis along which no window slides
PIXEL: Field = ((0, 0, 1),) * 3  # a pixel of the clip sees itself


class Step(NamedTuple):
    """The outcome of a rule."""

    out: Tensor | tuple
    macs: int = 0
    window: Window | None = None
    writes: bool = True  # False: the input itself is passed on


def through(field: Field, window: Window) -> Field:
    """What one unit sees of the clip after one more layer: (k−1)·dilation·jump more; the jump grows by the stride.

    Along each axis unit 0 sees `low` to `high`, both included, below 0 where it sees padding; unit i sees the same,
    i·jump further.
    """
    return tuple(
        (low - pad * jump, high + ((k - 1) * dilation - pad) * jump, jump * stride)
        for (low, high, jump), (k, stride, pad, dilation) in zip(field, window, strict=True)
    )


def union(field: Field, other: Field) -> Field:
    """What a unit sees that is made of two, as at the end of a residual block."""
    return tuple((min(a[0], b[0]), max(a[1], b[1]), max(a[2], b[2])) for a, b in zip(field, other, strict=True))


def blank(*shape: int) -> Tensor:
    """A tensor with a shape and no numbers."""
    return torch.empty(shape, device="meta")


def expect(fits: bool, layer: nn.Module, wanted: str, x: Tensor) -> None:
    """Refuse an input that the layer would refuse."""
    if not fits:
        raise InputError(f"{type(layer).__name__} takes {wanted} and gets {tuple(x.shape)}")


def per_axis(value, dims: int) -> tuple:
    """One number an axis, from one number or from several."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * dims


def thw(axes: list[tuple[int, int, int, int]]) -> Window:
    """Name the axes: three are t, h, w; two are h, w, as in a network over frames; one is t."""
    return {3: tuple(axes), 2: (STILL, *axes), 1: (*axes, STILL, STILL)}[len(axes)]


def slide(layer, x: Tensor, dims: int) -> tuple[list[int], Window]:
    """The sizes that are left after sliding the layer's window over all axes of x but the first two, and the window."""
    expect(x.ndim == dims + 2, layer, f"{dims + 2} axes, N and C first,", x)
    given = layer.kernel_size, layer.stride, getattr(layer, "dilation", 1)
    kernel, stride, dilation = (per_axis(value, dims) for value in given)
    padding, ceil = layer.padding, getattr(layer, "ceil_mode", False)
    if isinstance(padding, str):
        padding = [d * (k - 1) / 2 if padding == "same" else 0 for k, d in zip(kernel, dilation, strict=True)]
    sizes, axes = [], []
    for size, k, s, p, d in zip(x.shape[2:], kernel, stride, per_axis(padding, dims), dilation, strict=True):
        room = int(size + 2 * p) - d * (k - 1) - 1
        steps = -(-room // s) if ceil else room // s
        if ceil and steps * s >= size + p:  # no window may begin in the padding at the far end
            steps -= 1
        expect(steps >= 0, layer, f"at least its window, {'×'.join(map(str, kernel))},", x)
        sizes.append(steps + 1)
        axes.append((k, s, int(p), d))
    return sizes, thw(axes)


def conv(layer, x: Tensor, dims: int) -> Step:
    """MACs: output numbers × input channels of a group × kernel. The bias is an addition: it is not counted."""
    expect(x.ndim > 1 and x.shape[1] == layer.in_channels, layer, f"{layer.in_channels} channels", x)
    sizes, window = slide(layer, x, dims)
    out = blank(len(x), layer.out_channels, *sizes)
    return Step(out, out.numel() * layer.in_channels // layer.groups * prod(layer.kernel_size), window)


def pool(layer, x: Tensor, dims: int) -> Step:
    """Maximum or average of a window: no multiply-adds by convention."""
    sizes, window = slide(layer, x, dims)
    return Step(blank(*x.shape[:2], *sizes), window=window)


def adaptive_pool(layer, x: Tensor, dims: int) -> Step:
    """A pool told its output size; the window is the largest that it uses."""
    expect(x.ndim == dims + 2, layer, f"{dims + 2} axes, N and C first,", x)
    pairs = list(zip(x.shape[2:], per_axis(layer.output_size, dims), strict=True))
    pairs = [(size, size if out is None else out) for size, out in pairs]
    window = thw([(widest(size, out), max(1, size // out), 0, 1) for size, out in pairs])
    return Step(blank(*x.shape[:2], *(out for _, out in pairs)), window=window)


def widest(size: int, out: int) -> int:
    """Window i of an adaptive pool reaches from floor(i·size/out) to ceil((i+1)·size/out)."""
    return max(-(-(i + 1) * size // out) - i * size // out for i in range(out))


def linear(layer, x: Tensor) -> Step:
    """MACs: output numbers × input features."""
    expect(x.shape[-1] == layer.in_features, layer, f"{layer.in_features} features", x)
    out = blank(*x.shape[:-1], layer.out_features)
    return Step(out, out.numel() * layer.in_features)


def recurrent(layer: nn.RNNBase, x: Tensor) -> Step:
    """MACs: every weight once a step. The gates' own products are elementwise and not counted. Each output may see
    all steps: (N, T, C) → (N, T, hidden), and the last states.
    """
    expect(x.ndim == 3 and x.shape[-1] == layer.input_size, layer, f"3 axes, the last of {layer.input_size},", x)
    steps, batch = x.shape[layer.batch_first], x.shape[1 - layer.batch_first]
    directions = 2 if layer.bidirectional else 1
    width = layer.proj_size or layer.hidden_size
    widths = [width, layer.hidden_size] if layer.mode == "LSTM" else [width]
    state, *cell = (blank(directions * layer.num_layers, batch, size) for size in widths)
    weights = sum(p.numel() for name, p in layer.named_parameters() if name.startswith("weight"))
    out = blank(*x.shape[:2], directions * width)
    window = (steps, 1, steps - 1, 1), STILL, STILL
    return Step((out, (state, *cell) if cell else state), batch * steps * weights, window)


def norm(layer, x: Tensor) -> Step:
    """One multiply-add a number, and by the convention of the published tables none."""
    expect(x.ndim > 1 and x.shape[1] == layer.num_features, layer, f"{layer.num_features} channels", x)
    return Step(x)


def mean(input: Tensor, dim=None, keepdim: bool = False, *, axis=None, dtype=None) -> tuple[Tensor, Window | None]:
    """Tensor.mean is a pool as large as the axes that it averages: (N, C, T, H, W) over h and w → (N, C, T)."""
    x, dim = input, axis if dim is None else dim
    dims = range(x.ndim) if dim is None else {d % x.ndim for d in per_axis(dim, 1)}
    out = [1 if axis in dims else size for axis, size in enumerate(x.shape) if keepdim or axis not in dims]
    window = tuple((x.shape[axis] if axis in dims else 1, 1, 0, 1) for axis in range(2, x.ndim))
    return blank(*out), window if x.ndim == 5 else None


ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.Hardtanh, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh)
IN_EVALUATION_NOTHING = (nn.Identity, nn.Sequential, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
RULES = {
    nn.Linear: linear,
    nn.RNNBase: recurrent,
    nn.SyncBatchNorm: norm,
    nn.Flatten: lambda layer, x: Step(x.flatten(layer.start_dim, layer.end_dim), writes=False),
    **dict.fromkeys((nn.GroupNorm, nn.LayerNorm, *ACTIVATIONS), lambda layer, x: Step(x)),
    **dict.fromkeys(IN_EVALUATION_NOTHING, lambda layer, x: Step(x, writes=False)),  # a Sequential of no layers
}
for n in (1, 2, 3):
    RULES |= {getattr(nn, f"Conv{n}d"): partial(conv, dims=n), getattr(nn, f"BatchNorm{n}d"): norm}
    for kind in ("Max", "Avg"):
        RULES[getattr(nn, f"{kind}Pool{n}d")] = partial(pool, dims=n)
        RULES[getattr(nn, f"Adaptive{kind}Pool{n}d")] = partial(adaptive_pool, dims=n)


def rule_for(layer: nn.Module):
    """The rule of the layer's class or of the nearest class that it is derived from; None where there is none."""
    if getattr(layer, "return_indices", False):  # a pool with two outputs
        return None
    return next((RULES[cls] for cls in type(layer).__mro__ if cls in RULES), None)
